//! Verifies an RSA signature with PKCS #1 v1.5 padding and SHA-256 (RFC 8017, 8.2.2), e = 65537.
//!
//! Input: the modulus, big-endian; the message; the signature, as long as the modulus.
//! Public values: 1 if it verifies, else 0; then the SHA-256 of the message.
#![no_main]
sp1_zkvm::entrypoint!(main);

use num_bigint::BigUint;
use sha2::{Digest, Sha256};
use sp1_zkvm::io;

const EXPONENT: u32 = 65_537;
/// The DER of a DigestInfo of SHA-256 up to the digest (RFC 8017, 9.2).
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

fn padded(digest: &[u8], length: usize) -> Vec<u8> {
    let mut block = vec![0xff; length];
    let digest_at = length - digest.len();
    let prefix_at = digest_at - SHA256_PREFIX.len();
    block[0] = 0x00;
    block[1] = 0x01;
    block[prefix_at - 1] = 0x00;
    block[prefix_at..digest_at].copy_from_slice(&SHA256_PREFIX);
    block[digest_at..].copy_from_slice(digest);
    block
}

pub fn main() {
    let modulus = io::read_vec();
    let digest = Sha256::digest(io::read_vec());
    let signature = io::read_vec();
    let opened = BigUint::from_bytes_be(&signature)
        .modpow(&BigUint::from(EXPONENT), &BigUint::from_bytes_be(&modulus));
    let verifies = signature.len() == modulus.len()
        && opened == BigUint::from_bytes_be(&padded(&digest, modulus.len()));
    io::commit_slice(&[u8::from(verifies)]);
    io::commit_slice(&digest);
}
