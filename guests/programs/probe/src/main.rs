//! Executes instructions of the caller's choice, one after the other.
//!
//! With it a test states in its input alone what the machine is asked to do: misaligned loads,
//! jumps out of the program, syscalls with arbitrary arguments, and so on. The memory from
//! 0x0100_0000 to 0x0200_0000 is not used by the guest itself.
//!
//! Input: one buffer with the operations, 17 bytes each: a code and four operands p0 to p3, u32
//! little-endian. Buffers behind it are for the operations.
//!    0 ebreak   1 unimp   2 fence
//!    3 lb   4 lh   5 lw   6 lbu   7 lhu       load from address p0
//!    8 sb   9 sh  10 sw                       store p1 to address p0
//!   11 div 12 divu 13 rem 14 remu             p0 by p1
//!   15 mul 16 mulh 17 mulhu 18 mulhsu         p0 by p1
//!   19 ecall                                  t0 = p0, a0 = p1, a1 = p2, a2 = p3
//!   20 jump to the address p0
//!   21 jump to the next operation's code, p0 bytes past where it starts
//! Public values: for each operation that comes to its end its code (one byte) and a result (u32
//! little-endian): what was loaded or computed, t0 after an ecall, else 0.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::io;

const OPERATION_BYTES: usize = 17;

/// # Safety
/// None whatever: that is what the guest is for.
#[cfg(target_os = "zkvm")]
unsafe fn perform(code: u8, p: [u32; 4]) -> u32 {
    use core::arch::asm;

    macro_rules! load {
        ($mnemonic:literal) => {{
            let result: u32;
            asm!(concat!($mnemonic, " {0}, 0({1})"), out(reg) result, in(reg) p[0]);
            result
        }};
    }
    macro_rules! store {
        ($mnemonic:literal) => {{
            asm!(concat!($mnemonic, " {0}, 0({1})"), in(reg) p[1], in(reg) p[0]);
            0
        }};
    }
    macro_rules! compute {
        ($mnemonic:literal) => {{
            let result: u32;
            asm!(concat!($mnemonic, " {0}, {1}, {2}"), out(reg) result, in(reg) p[0], in(reg) p[1]);
            result
        }};
    }

    match code {
        0 => asm!("ebreak"),
        1 => asm!("unimp"),
        2 => asm!("fence"),
        3 => return load!("lb"),
        4 => return load!("lh"),
        5 => return load!("lw"),
        6 => return load!("lbu"),
        7 => return load!("lhu"),
        8 => return store!("sb"),
        9 => return store!("sh"),
        10 => return store!("sw"),
        11 => return compute!("div"),
        12 => return compute!("divu"),
        13 => return compute!("rem"),
        14 => return compute!("remu"),
        15 => return compute!("mul"),
        16 => return compute!("mulh"),
        17 => return compute!("mulhu"),
        18 => return compute!("mulhsu"),
        19 => {
            let result: u32;
            asm!("ecall", inout("t0") p[0] => result, in("a0") p[1], in("a1") p[2], in("a2") p[3]);
            return result;
        }
        20 => asm!("jr {0}", in(reg) p[0]),
        21 => asm!("la {1}, 2f", "add {0}, {0}, {1}", "jr {0}", "2:", "nop", "nop",
            inout(reg) p[0] => _, out(reg) _),
        _ => panic!("no operation has the code {code}"),
    }
    0
}

#[cfg(not(target_os = "zkvm"))]
unsafe fn perform(_: u8, _: [u32; 4]) -> u32 {
    unreachable!("guests run in SP1 only")
}

pub fn main() {
    let operations = io::read_vec();
    assert_eq!(operations.len() % OPERATION_BYTES, 0, "an operation has 17 bytes");
    for operation in operations.chunks_exact(OPERATION_BYTES) {
        let operand =
            |i: usize| u32::from_le_bytes(operation[1 + 4 * i..][..4].try_into().unwrap());
        let code = operation[0];
        // SAFETY: see `perform`.
        let result = unsafe { perform(code, core::array::from_fn(operand)) };
        let mut line = [code, 0, 0, 0, 0];
        line[1..].copy_from_slice(&result.to_le_bytes());
        io::commit_slice(&line);
    }
}
