//! A memory image of some 1.5 MiB: constant data, initialised variables and zeroes.
//!
//! Every word of it is committed to by the verifying key, so this guest is the test of large
//! preprocessed tables; and its loads touch memory far from the stack and the heap.
//!
//! Input: one buffer, two u32 little-endian: the first word and the number of words to sum up,
//! counted over the three areas as if they lay in a row (constants, variables, zeroes).
//! Public values, u32 little-endian: the number of words in all three areas, the first word, the
//! number of words, the wrapping sum of word * (index + 1); then the same sum once more after each
//! word of the variables and zeroes in the range was incremented.
#![no_main]
// The constants are computed while compiling; that takes a second, which is not a mistake.
#![allow(long_running_const_eval)]
sp1_zkvm::entrypoint!(main);

use core::ptr::{addr_of, addr_of_mut};
use sp1_zkvm::io;

const CONSTANT_WORDS: usize = 256 * 1024;
const VARIABLE_WORDS: usize = 64 * 1024;
const ZERO_WORDS: usize = 64 * 1024;
const WORDS: usize = CONSTANT_WORDS + VARIABLE_WORDS + ZERO_WORDS;

/// Words of the linear congruential generator x -> 1664525 x + 1013904223 (mod 2^32).
const fn generated<const N: usize>(seed: u32) -> [u32; N] {
    let mut words = [0; N];
    let mut state = seed;
    let mut i = 0;
    while i < N {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words[i] = state;
        i += 1;
    }
    words
}

static CONSTANTS: [u32; CONSTANT_WORDS] = generated(1);
static mut VARIABLES: [u32; VARIABLE_WORDS] = generated(2);
static mut ZEROES: [u32; ZERO_WORDS] = [0; ZERO_WORDS];

/// The address of a word that may change, or none for the constants.
fn variable(index: usize) -> Option<*mut u32> {
    let index = index.checked_sub(CONSTANT_WORDS)?;
    // SAFETY: only addresses inside the two arrays are formed; the index was checked by `main`.
    Some(unsafe {
        match index.checked_sub(VARIABLE_WORDS) {
            None => addr_of_mut!(VARIABLES).cast::<u32>().add(index),
            Some(index) => addr_of_mut!(ZEROES).cast::<u32>().add(index),
        }
    })
}

fn word(index: usize) -> u32 {
    // Volatile: the loads have to happen, also those of constants the compiler knows.
    // SAFETY: the index was checked by `main`.
    unsafe {
        match variable(index) {
            Some(address) => address.read_volatile(),
            None => addr_of!(CONSTANTS).cast::<u32>().add(index).read_volatile(),
        }
    }
}

fn checksum(first: usize, count: usize) -> u32 {
    (first..first + count)
        .fold(0, |sum: u32, i| sum.wrapping_add(word(i).wrapping_mul(i as u32 + 1)))
}

pub fn main() {
    let (first, count) = io::read::<(u32, u32)>();
    io::commit(&(WORDS as u32));
    io::commit(&first);
    io::commit(&count);
    let (first, count) = (first as usize, count as usize);
    assert!(first <= WORDS && count <= WORDS - first, "the range leaves the data");
    io::commit(&checksum(first, count));
    for address in (first..first + count).filter_map(variable) {
        // SAFETY: the address lies inside one of the two arrays.
        unsafe { address.write_volatile(address.read_volatile().wrapping_add(1)) };
    }
    io::commit(&checksum(first, count));
}
