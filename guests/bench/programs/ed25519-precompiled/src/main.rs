//! Verifies Ed25519 signatures (RFC 8032, 5.1.7) with the curve's arithmetic by precompiles; scalars
//! and SHA-512 are those of published crates.
//!
//! Input: how many there are (u32, little-endian); then for each one buffer: public key (32 bytes),
//! signature (64 bytes), message.
//! Public values: for each a byte, 1 if it verifies, else 0; then the public key.
//!
//! A public key that is no point ends the run: the precompile has no answer for it.
#![no_main]
sp1_zkvm::entrypoint!(main);

use curve25519_dalek::Scalar;
use sha2::{Digest, Sha512};
use sp1_zkvm::lib::{ed25519::Ed25519AffinePoint, utils::AffinePoint};
use sp1_zkvm::{io, syscalls};

/// 2^255 - 19, least significant word first.
const P: [u32; 8] = {
    let mut words = [u32::MAX; 8];
    words[0] = 0xffff_ffed;
    words[7] = 0x7fff_ffff;
    words
};

/// The base point, compressed: y is 4/5, x is even (RFC 8032, 5.1). The generator that sp1-lib 3.4.0
/// has for this curve is another point, whose y is not even reduced.
const BASE: [u8; 32] = {
    let mut bytes = [0x66; 32];
    bytes[0] = 0x58;
    bytes
};

/// x and y, little-endian, where the precompile wants them.
#[repr(align(4))]
struct PointBytes([u8; 64]);

fn decompress(compressed: &[u8; 32]) -> Ed25519AffinePoint {
    let mut point = PointBytes([0; 64]);
    point.0[32..].copy_from_slice(compressed);
    syscalls::syscall_ed_decompress(&mut point.0);
    Ed25519AffinePoint::from_le_bytes(&point.0)
}

fn compress(point: &Ed25519AffinePoint) -> [u8; 32] {
    let bytes = point.to_le_bytes();
    let mut compressed: [u8; 32] = bytes[32..].try_into().unwrap();
    compressed[31] |= (bytes[0] & 1) << 7;
    compressed
}

/// (-x, y). The coordinate x of a point is below P, and 0 only for points of order 1 and 2.
fn negated(mut point: Ed25519AffinePoint) -> Ed25519AffinePoint {
    let x = &mut point.limbs_mut()[..8];
    if x.iter().any(|word| *word != 0) {
        let mut borrow = false;
        for (word, p) in x.iter_mut().zip(P) {
            let (difference, less) = p.overflowing_sub(*word);
            let (difference, less_still) = difference.overflowing_sub(u32::from(borrow));
            *word = difference;
            borrow = less || less_still;
        }
    }
    point
}

fn bits(scalar: &Scalar) -> Vec<bool> {
    scalar.as_bytes().iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect()
}

fn verifies(key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
    let (r, s) = signature.split_at(32);
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(s.try_into().unwrap()))
    else {
        return false;
    };
    let digest = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    let k = Scalar::from_bytes_mod_order_wide(&digest.into());
    let point = Ed25519AffinePoint::multi_scalar_multiplication(
        &bits(&s),
        decompress(&BASE),
        &bits(&k),
        negated(decompress(key)),
    );
    point.is_some_and(|point| compress(&point) == r)
}

pub fn main() {
    for _ in 0..io::read::<u32>() {
        let case = io::read_vec();
        let key = case[..32].try_into().unwrap();
        let signature = case[32..96].try_into().unwrap();
        io::commit_slice(&[u8::from(verifies(key, signature, &case[96..]))]);
        io::commit_slice(key);
    }
}
