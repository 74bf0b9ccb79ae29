//! Input buffers of every length, and hints that the guest gives to itself.
//!
//! A buffer whose length is not a multiple of four ends inside a word; an empty one reads no word at
//! all. SP1 3.4.0 pushes hints behind the buffers that are still unread, so the read-back at the end
//! gives the guest its own bytes only if it has consumed everything before; 5.2.4 pushes them in front.
//!
//! Input: buffer 0 is the number of buffers that follow, u32 little-endian, plus 2^31 for the variant
//! below; then those buffers, any bytes. Buffers beyond that number come back in place of the hints.
//! Public values, integers little-endian:
//!   for each buffer  its length (u32) and the FNV-1a hash of its bytes (u64),
//!   then             the length (u32), FNV-1a hash (u64) and bytes of a hint: all buffers joined,
//!                    last byte first,
//!                    a hint pushed by `io::hint` (u64: the sum of the lengths),
//!                    the length (u32) of a hint of no bytes, pushed by the bare syscall,
//!                    the two values of a pair pushed by `io::hint` (u32: number of buffers, u64: the
//!                    hash of the joined bytes), which makes two buffers, one for each write of the
//!                    serialiser; in 5.2.4 the second comes out first.
//!
//! The variant commits the joined bytes without having looked at them, and leaves out their hash. A WRITE
//! sees zeroes in hinted memory that no load or store has touched, while the digest is made by loads and
//! sees the hint: the run ends well, with public values that do not have the committed digest, and nobody
//! could prove it.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::{io, syscalls};

/// Set in the number of buffers.
const VARIANT: u32 = 1 << 31;

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn commit_length(bytes: &[u8]) {
    io::commit(&(bytes.len() as u32));
}

pub fn main() {
    let request = io::read::<u32>();
    let (count, looks) = (request & !VARIANT, request & VARIANT == 0);
    let mut joined = Vec::new();
    for _ in 0..count {
        let buffer = io::read_vec();
        commit_length(&buffer);
        io::commit(&fnv1a(&buffer));
        joined.extend_from_slice(&buffer);
    }

    joined.reverse();
    // `hint_slice` makes no syscall for an empty slice, so there would be nothing to read back.
    syscalls::syscall_write(io::FD_HINT, joined.as_ptr(), joined.len());
    let back = io::read_vec();
    commit_length(&back);
    if looks {
        io::commit(&fnv1a(&back));
    }
    io::commit_slice(&back);

    io::hint(&(joined.len() as u64));
    io::commit(&io::read::<u64>());

    syscalls::syscall_write(io::FD_HINT, joined.as_ptr(), 0);
    commit_length(&io::read_vec());

    io::hint(&(count, fnv1a(&joined)));
    let comes_in_order = syscalls::syscall_hint_len() == size_of::<u32>();
    let last = if comes_in_order { None } else { Some(io::read::<u64>()) };
    io::commit(&io::read::<u32>());
    io::commit(&last.unwrap_or_else(io::read::<u64>));
}
