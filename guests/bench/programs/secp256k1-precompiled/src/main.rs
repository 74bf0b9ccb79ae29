//! Recovers the signers of ECDSA signatures over secp256k1, as Ethereum does it, with the curve's
//! arithmetic and Keccak by precompiles; scalars are those of a published crate.
//!
//! Input: how many there are (u32, little-endian); then for each one buffer: the signature, r ‖ s ‖
//! recovery id (65 bytes), and the message.
//! Public values: for each the signer's address (20 bytes).
//!
//! A signature that no key can have made ends the run.
#![no_main]
sp1_zkvm::entrypoint!(main);

use k256::elliptic_curve::{ff::PrimeField, ops::Reduce};
use k256::{Scalar, U256};
use keccak_precompiled::keccak256;
use sp1_zkvm::lib::{
    secp256k1::Secp256k1Point,
    utils::{AffinePoint, WeierstrassAffinePoint},
};
use sp1_zkvm::{io, syscalls};

/// x and y, big-endian, where the precompile wants them.
#[repr(align(4))]
struct PointBytes([u8; 64]);

fn scalar(bytes: &[u8]) -> Scalar {
    let bytes: [u8; 32] = bytes.try_into().unwrap();
    let scalar = Scalar::from_repr(bytes.into());
    Option::<Scalar>::from(scalar).expect("a number below the order")
}

fn bits(scalar: &Scalar) -> Vec<bool> {
    let bytes = scalar.to_bytes();
    let bits = |byte: u8| (0..8).map(move |bit| byte >> bit & 1 == 1);
    bytes.into_iter().rev().flat_map(bits).collect()
}

fn decompress(x: &[u8], is_odd: bool) -> Secp256k1Point {
    let mut point = PointBytes([0; 64]);
    point.0[..32].copy_from_slice(x);
    syscalls::syscall_secp256k1_decompress(&mut point.0, is_odd);
    point.0.reverse();
    // The bytes of y now come before those of x.
    AffinePoint::from(&point.0[32..], &point.0[..32])
}

/// The public key Q = (s R - z G) / r of SEC 1, 4.1.6, as x ‖ y, big-endian.
fn recover(digest: &[u8; 32], signature: &[u8]) -> [u8; 64] {
    // An r above the order, recovery ids 2 and 3, is for points nobody will ever meet.
    let is_odd = match signature[64] {
        0 | 27 => false,
        1 | 28 => true,
        _ => panic!("a recovery id is 0 or 1, or 27 more"),
    };
    let (r, s) = (scalar(&signature[..32]), scalar(&signature[32..64]));
    let inverse = r.invert().expect("r is not 0");
    let z = <Scalar as Reduce<U256>>::reduce_bytes(&(*digest).into());
    let key = Secp256k1Point::multi_scalar_multiplication(
        &bits(&-(z * inverse)),
        Secp256k1Point::new(Secp256k1Point::GENERATOR),
        &bits(&(s * inverse)),
        decompress(&signature[..32], is_odd),
    );
    let key = key.filter(|key| !key.is_infinity()).expect("a key");
    let mut bytes: [u8; 64] = key.to_le_bytes().try_into().unwrap();
    bytes[..32].reverse();
    bytes[32..].reverse();
    bytes
}

pub fn main() {
    for _ in 0..io::read::<u32>() {
        let case = io::read_vec();
        let (signature, message) = case.split_at(65);
        let key = recover(&keccak256(&[message]), signature);
        io::commit_slice(&keccak256(&[&key])[12..]);
    }
}
