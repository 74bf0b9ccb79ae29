//! Never ends: something has to stop it from outside.
//!
//! Each round changes a register and a word of memory, so that no engine may take the loop for one
//! that has no effect. Before the loop it writes a line and public values, which the report of a
//! stopped run can show.
//!
//! Input: none. Standard output: `looping`, a line. Public values: none that count.
#![no_main]
sp1_zkvm::entrypoint!(main);

use core::ptr::addr_of_mut;
use sp1_zkvm::io;

static mut ROUNDS: u32 = 0;

pub fn main() {
    println!("looping");
    io::commit_slice(b"never signed");
    let mut rounds = 0u32;
    loop {
        rounds = rounds.wrapping_add(1);
        // SAFETY: the machine has one hart and no interrupts.
        unsafe { addr_of_mut!(ROUNDS).write_volatile(rounds) };
    }
}
