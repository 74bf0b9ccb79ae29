//! Halts with an exit code of the caller's choice, after output and public values.
//!
//! Input: one buffer, the code as u32 little-endian, optionally followed by one byte. If that byte is
//! there and not zero, or the code does not fit a byte (the runtime's own halt takes no more), the
//! guest halts by the bare syscall and so does not commit to the digest of its public values. Such a
//! run ends well in the executor, if the code is 0, but nobody could prove it.
//! Standard output: `exiting with CODE`, a line. Public values: the code, u32 little-endian.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::{io, syscalls};

fn halt_without_digest(code: u32) -> ! {
    #[cfg(target_os = "zkvm")]
    // SAFETY: HALT reads two registers and never returns.
    unsafe {
        core::arch::asm!("ecall", in("t0") syscalls::HALT, in("a0") code, options(noreturn));
    }
    #[cfg(not(target_os = "zkvm"))]
    unreachable!("guests run in SP1 only, not with {code}")
}

pub fn main() {
    let request = io::read_vec();
    let code = u32::from_le_bytes(request[..4].try_into().unwrap());
    println!("exiting with {code}");
    io::commit(&code);
    match (u8::try_from(code), request.get(4)) {
        (Ok(code), None | Some(0)) => syscalls::syscall_halt(code),
        _ => halt_without_digest(code),
    }
}
