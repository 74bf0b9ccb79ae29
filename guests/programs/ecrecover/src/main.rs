//! Recovers who signed: ECDSA over secp256k1 as Ethereum does it, by the published crates alone.
//!
//! Input: the message; the signature, r ‖ s ‖ recovery id (65 bytes).
//! Public values: the signer's address (20 bytes).
#![no_main]
sp1_zkvm::entrypoint!(main);

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};
use sp1_zkvm::io;
use tiny_keccak::{Hasher, Keccak};

fn keccak256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    let mut keccak = Keccak::v256();
    keccak.update(bytes);
    keccak.finalize(&mut digest);
    digest
}

pub fn main() {
    let digest = keccak256(&io::read_vec());
    let signature = io::read_vec();
    let recovery = RecoveryId::from_byte(signature[64]).expect("a recovery id");
    let signature = Signature::from_slice(&signature[..64]).expect("a signature");
    let key = VerifyingKey::recover_from_prehash(&digest, &signature, recovery).expect("a key");
    let point = key.to_encoded_point(false);
    io::commit_slice(&keccak256(&point.as_bytes()[1..])[12..]);
}
