//! BN254 by precompiles: multiples of the generator, and sums and products in Fp and Fp2, in a loop.
//!
//! Input: one buffer, the number of rounds, and a seed, neither 0 (u32 each, little-endian).
//! Public values: the last point, x ‖ y, and the last element of Fp2, its two coefficients;
//! 32 bytes each, little-endian.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::lib::{bn254::Bn254Point, utils::*};
use sp1_zkvm::{io, syscalls};

/// Operations of each kind in the fields for each multiple of a point.
const FIELD_STEPS: u32 = 100;

/// The multiple of the generator whose number begins with these words; it has 253 bits at most, so
/// that it is below the order.
fn multiple(words: &[u32]) -> Bn254Point {
    let mut scalar: [u32; 8] = words[..8].try_into().unwrap();
    scalar[7] &= 0x1fff_ffff;
    let mut point = Bn254Point::new(Bn254Point::GENERATOR);
    point.mul_assign(&scalar).expect("not 0");
    point
}

pub fn main() {
    let (rounds, seed) = io::read::<(u32, u32)>();
    let mut point = multiple(&[seed; 8]);
    let mut element = *point.limbs_ref();
    for _ in 0..rounds {
        // The next number is the x of this point.
        point = multiple(point.limbs_ref());
        let coordinates = point.limbs_ref();
        for _ in 0..FIELD_STEPS {
            let (e, c) = (element.as_mut_ptr(), coordinates.as_ptr());
            // In Fp2, then the first coefficient alone, in Fp.
            syscalls::syscall_bn254_fp2_mulmod(e, c);
            syscalls::syscall_bn254_fp2_addmod(e, c);
            syscalls::syscall_bn254_fp_mulmod(e, c);
            syscalls::syscall_bn254_fp_submod(e, c);
        }
    }
    io::commit_slice(&point.to_le_bytes());
    io::commit_slice(&words_to_bytes_le(&element));
}
