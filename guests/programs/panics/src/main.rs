//! The ways in which a Rust guest dies.
//!
//! A panic writes its message to standard error and halts with code 1; a panic with an empty message
//! and an abort reach an instruction that the machine does not implement instead.
//!
//! Input: one buffer, a letter and what follows it.
//!   `m` TEXT       panic with TEXT as message (UTF-8, else the replacement character)
//!   `i` BYTE       read element BYTE of an array of four
//!   `d` BYTE       divide 1000 by BYTE
//!   `u`            unwrap a None
//!   `a`            abort
//!   anything else  no panic
//! Public values: the first byte of the buffer (0 if it is empty) before the attempt; if it does not
//! panic, the byte read or the quotient as u32 little-endian after it.
#![no_main]
sp1_zkvm::entrypoint!(main);

use core::hint::black_box;
use sp1_zkvm::io;

const ELEMENTS: [u32; 4] = [2, 3, 5, 7];

pub fn main() {
    let request = io::read_vec();
    let kind = request.first().copied().unwrap_or(0);
    let rest = request.get(1..).unwrap_or_default();
    let operand = rest.first().copied().unwrap_or(0);
    io::commit_slice(&[kind]);
    match kind {
        b'm' => panic!("{}", String::from_utf8_lossy(rest)),
        b'i' => io::commit(&black_box(ELEMENTS)[usize::from(operand)]),
        b'd' => io::commit(&(black_box(1000u32) / u32::from(operand))),
        b'u' => black_box(None::<u32>).map(|value| io::commit(&value)).unwrap(),
        b'a' => std::process::abort(),
        _ => {}
    }
}
