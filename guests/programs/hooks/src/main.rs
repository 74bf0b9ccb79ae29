//! Calls a hook of the host, and commits to everything that comes back.
//!
//! Input: the file descriptor (u32, little-endian); the bytes to write to it; then any buffer that is
//! exactly END, which stands behind the hook's answers.
//! Public values: for each answer its length (u32, little-endian) and its bytes.
#![no_main]
sp1_zkvm::entrypoint!(main);

use core::hint::black_box;
use sp1_zkvm::io;

const END: &[u8] = b"the end";

/// An input buffer, copied: WRITE sees zeroes in hinted memory that no load has touched.
fn read() -> Vec<u8> {
    black_box(io::read_vec()).as_slice().to_vec()
}

pub fn main() {
    let descriptor = read();
    let descriptor = u32::from_le_bytes(descriptor.try_into().expect("a descriptor has 4 bytes"));
    io::write(descriptor, &read());
    loop {
        let answer = read();
        if answer == END {
            return;
        }
        io::commit_slice(&(answer.len() as u32).to_le_bytes());
        io::commit_slice(&answer);
    }
}
