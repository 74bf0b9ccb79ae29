//! SHA-256 in plain Rust, no precompile, of a message made from a seed.
//!
//! Input: one buffer, the seed and the length of the message in bytes (u32 each, little-endian).
//! Public values: the digest.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sha2::{Digest, Sha256};
use sp1_zkvm::io;

pub fn main() {
    let (mut seed, length) = io::read::<(u32, u32)>();
    let mut message = Vec::with_capacity(length as usize);
    for _ in 0..length {
        // A linear congruence modulo 2^32; the upper byte is the one that looks random.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        message.push((seed >> 24) as u8);
    }
    io::commit_slice(&Sha256::digest(&message));
}
