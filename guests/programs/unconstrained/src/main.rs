//! Unconstrained blocks: hints come out of them, everything else is rolled back.
//!
//! Three blocks. The first two compute what is dear to compute and cheap to check (an integer square
//! root, a modular inverse) and hand it over as hints, which the constrained part verifies. The
//! third overwrites a variable, the stack, the heap, and heap memory that nothing had touched
//! before, prints a line and hints the address of that fresh memory; afterwards the guest looks
//! whether the old values are back.
//!
//! Input: one buffer, n as u64 little-endian.
//! Standard output: one line from inside the third block, one line at the end.
//! Public values, little-endian: n (u64); the square root of n, rounded down (u64); the inverse of n
//! modulo 2^31 - 1, or 0 if there is none (u32); the steps of Euclid's algorithm (u64, hinted and not
//! checked); five bytes, each 1 if the rollback was seen: variable, stack, heap, fresh memory,
//! allocator.
#![no_main]
sp1_zkvm::entrypoint!(main);

use core::ptr::addr_of_mut;
use sp1_zkvm::{io, syscalls};

const PRIME: u64 = (1 << 31) - 1;
const BEFORE: u32 = 0x0bef_04e5;
const INSIDE: u32 = 0x1251_de00;

static mut VARIABLE: u32 = BEFORE;

/// Run `block` in a fork of the machine. The first return of the entering syscall goes into the
/// block, and leaving it makes the same syscall return a second time, with the old machine.
fn unconstrained(block: impl FnOnce()) {
    if syscalls::syscall_enter_unconstrained() {
        block();
        syscalls::syscall_exit_unconstrained();
    }
}

/// The largest r with r * r <= n, by Newton's iteration from above.
fn square_root(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let mut root = 1u64 << (64 - n.leading_zeros()).div_ceil(2);
    loop {
        let next = (root + n / root) / 2;
        if next >= root {
            return root;
        }
        root = next;
    }
}

/// The inverse of `n` modulo PRIME by Euclid's algorithm, and the number of its steps.
fn inverse(n: u64) -> (u32, u32) {
    let (mut r0, mut r1) = (PRIME as i64, (n % PRIME) as i64);
    let (mut s0, mut s1) = (0i64, 1i64);
    let mut steps = 0;
    while r1 != 0 {
        let quotient = r0 / r1;
        (r0, r1) = (r1, r0 - quotient * r1);
        (s0, s1) = (s1, s0 - quotient * s1);
        steps += 1;
    }
    let result = if r0 == 1 { s0.rem_euclid(PRIME as i64) } else { 0 };
    (result as u32, steps)
}

pub fn main() {
    let n = io::read::<u64>();
    io::commit(&n);

    unconstrained(|| io::hint(&square_root(n)));
    let root = io::read::<u64>();
    let (square, above) = (u128::from(root).pow(2), (u128::from(root) + 1).pow(2));
    assert!(square <= u128::from(n) && u128::from(n) < above, "the hinted root is wrong");
    io::commit(&root);

    // Two hints from one block come out in the order in which they were pushed, or the last one first.
    unconstrained(|| {
        let (result, steps) = inverse(n);
        io::hint(&result);
        io::hint(&u64::from(steps));
    });
    let (result, steps) = if syscalls::syscall_hint_len() == size_of::<u32>() {
        (io::read::<u32>(), io::read::<u64>())
    } else {
        let steps = io::read::<u64>();
        (io::read::<u32>(), steps)
    };
    let expected = u64::from(n % PRIME != 0);
    assert_eq!(n % PRIME * u64::from(result) % PRIME, expected, "the hinted inverse is wrong");
    io::commit(&result);
    io::commit(&steps);

    let mut stack = [BEFORE; 4];
    let mut heap = vec![BEFORE; 16];
    let (stack, heap) = (stack.as_mut_ptr(), heap.as_mut_ptr());
    // SAFETY: one hart, no interrupts, and every pointer stays inside its array.
    unsafe {
        unconstrained(|| {
            addr_of_mut!(VARIABLE).write_volatile(INSIDE);
            stack.add(1).write_volatile(INSIDE);
            heap.add(2).write_volatile(INSIDE);
            let mut fresh = vec![0u32; 1024];
            fresh.iter_mut().for_each(|word| (word as *mut u32).write_volatile(INSIDE));
            println!("inside the third block");
            io::hint(&(fresh.as_ptr() as u32));
        });
        // The allocator only ever moves up, so it gives the address of the fresh memory again if,
        // and only if, its own variable was rolled back. The hint fills memory which was written to
        // in the block: had that not been forgotten, the old words would show here.
        let hint = io::read_vec();
        let fresh_address = u32::from_le_bytes(hint[..4].try_into().unwrap());
        let after = vec![0u32; 1024];
        io::commit_slice(&[
            u8::from(addr_of_mut!(VARIABLE).read_volatile() == BEFORE),
            u8::from(stack.add(1).read_volatile() == BEFORE),
            u8::from(heap.add(2).read_volatile() == BEFORE),
            u8::from(after.iter().all(|word| *word == 0)),
            u8::from(hint.as_ptr() as u32 == fresh_address),
        ]);
    }
    println!("root {root}");
}
