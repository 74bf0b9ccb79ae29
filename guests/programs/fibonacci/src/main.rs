//! Fibonacci numbers by iteration: the plain arithmetic benchmark.
//!
//! One loop of additions, one reduction by a constant (a multiply-high, a multiply, a subtract) and
//! a branch; no memory traffic. The cost is linear in n, so the same ELF serves a test with n = 10
//! and a benchmark with n = 10,000,000.
//!
//! Input: one buffer, n as u32 little-endian (which is also bincode's form of a u32).
//! Public values: n, F(n-1) mod 1,000,000,007 and F(n) mod 1,000,000,007, each u32 little-endian,
//! with F(-1) = 1 and F(0) = 0.
#![no_main]
sp1_zkvm::entrypoint!(main);

const MODULUS: u32 = 1_000_000_007;

pub fn main() {
    let n = sp1_zkvm::io::read::<u32>();
    let (mut previous, mut current) = (1u32, 0u32);
    for _ in 0..n {
        // Both are below 2^30, so the sum cannot overflow.
        (previous, current) = (current, (previous + current) % MODULUS);
    }
    sp1_zkvm::io::commit(&n);
    sp1_zkvm::io::commit(&previous);
    sp1_zkvm::io::commit(&current);
}
