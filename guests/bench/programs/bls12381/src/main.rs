//! BLS12-381 by precompiles: decompression and multiples of points, and sums and products in Fp and
//! Fp2, in a loop.
//!
//! Input: one buffer, the number of rounds, and a seed, neither 0 (u32 each, little-endian).
//! Public values: the last point, x ‖ y, and the last element of Fp2, its two coefficients;
//! 48 bytes each, little-endian.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::lib::{bls12381::*, utils::*};
use sp1_zkvm::{io, syscalls};

/// Operations of each kind in the fields for each multiple of a point.
const FIELD_STEPS: u32 = 100;
/// Of the first byte of a compressed point, as Zcash and Ethereum have it.
const IS_COMPRESSED: u8 = 0x80;

/// The multiple of the generator whose number begins with these words; it has 254 bits at most, so
/// that it is below the order.
fn multiple(words: &[u32]) -> Bls12381Point {
    let mut scalar = [0; 12];
    scalar[..8].copy_from_slice(&words[..8]);
    scalar[7] &= 0x3fff_ffff;
    let mut point = Bls12381Point::new(Bls12381Point::GENERATOR);
    point.mul_assign(&scalar).expect("not 0");
    point
}

/// The point with this x and the smaller y, by way of its compressed form.
fn decompressed(point: &Bls12381Point) -> Bls12381Point {
    let mut compressed: [u8; 48] = point.to_le_bytes()[..48].try_into().unwrap();
    compressed.reverse();
    compressed[0] |= IS_COMPRESSED;
    let mut bytes = decompress_pubkey(&compressed).expect("a point");
    // x ‖ y, big-endian; reversed it is y ‖ x.
    bytes.reverse();
    AffinePoint::from(&bytes[48..], &bytes[..48])
}

pub fn main() {
    let (rounds, seed) = io::read::<(u32, u32)>();
    let mut point = multiple(&[seed; 8]);
    let mut element = *point.limbs_ref();
    for _ in 0..rounds {
        // The next number is the x of this point.
        point = decompressed(&multiple(point.limbs_ref()));
        let coordinates = point.limbs_ref();
        for _ in 0..FIELD_STEPS {
            let (e, c) = (element.as_mut_ptr(), coordinates.as_ptr());
            // In Fp2, then the first coefficient alone, in Fp.
            syscalls::syscall_bls12381_fp2_mulmod(e, c);
            syscalls::syscall_bls12381_fp2_addmod(e, c);
            syscalls::syscall_bls12381_fp_mulmod(e, c);
            syscalls::syscall_bls12381_fp_submod(e, c);
        }
    }
    io::commit_slice(&point.to_le_bytes());
    io::commit_slice(&words_to_bytes_le(&element));
}
