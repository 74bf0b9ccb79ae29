//! Curve additions by precompiles and little else: G + 2 G + 2 G + … on four curves.
//!
//! Input: one buffer, the number of additions on ed25519, secp256k1, bn254 and bls12381 (u32 each,
//! little-endian).
//! Public values: the last point of each, x ‖ y, little-endian.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::lib::{
    bls12381::Bls12381Point, bn254::Bn254Point, ed25519::Ed25519AffinePoint,
    secp256k1::Secp256k1Point, utils::AffinePoint,
};
use sp1_zkvm::{io, syscalls};

/// y of the base point of ed25519, 4/5 (RFC 8032, 5.1), of which the first byte is 0x58. The
/// generator that sp1-lib 3.4.0 has for this curve is another point, whose y is not even reduced.
const ED25519_BASE_Y: u8 = 0x66;

/// x and y, little-endian, where the precompile wants them.
#[repr(align(4))]
struct PointBytes([u8; 64]);

fn ed25519_base() -> Ed25519AffinePoint {
    let mut point = PointBytes([ED25519_BASE_Y; 64]);
    point.0[32] = 0x58;
    syscalls::syscall_ed_decompress(&mut point.0);
    Ed25519AffinePoint::from_le_bytes(&point.0)
}

/// An odd multiple of G is never 2 G or its negative, which the precompiles could not add.
fn add<const N: usize, Point: AffinePoint<N>>(generator: Point, times: u32) {
    let mut point = generator;
    let mut step = point.clone();
    step.double();
    for _ in 0..times {
        point.add_assign(&step);
    }
    io::commit_slice(&point.to_le_bytes());
}

pub fn main() {
    let [ed25519, secp256k1, bn254, bls12381] = io::read::<[u32; 4]>();
    add(ed25519_base(), ed25519);
    add(Secp256k1Point::new(Secp256k1Point::GENERATOR), secp256k1);
    add(Bn254Point::new(Bn254Point::GENERATOR), bn254);
    add(Bls12381Point::new(Bls12381Point::GENERATOR), bls12381);
}
