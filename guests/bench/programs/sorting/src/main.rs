//! Sorts numbers, records and texts, all made from a seed, with the sorts of the standard library.
//!
//! Input: one buffer, the seed and how many of each (u32 each, little-endian).
//! Public values: the checksum (FNV-1a) of the sorted numbers, records and texts, u32 each,
//! little-endian.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::io;

fn fnv1a(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn checksum<T: AsRef<[u8]>>(items: impl Iterator<Item = T>) -> u32 {
    items.fold(0x811c_9dc5, |hash, item| fnv1a(hash, item.as_ref()))
}

pub fn main() {
    let (mut seed, count) = io::read::<(u32, u32)>();
    let mut random = || {
        // Marsaglia's xorshift.
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };

    let mut numbers: Vec<u32> = (0..count).map(|_| random()).collect();
    numbers.sort_unstable();
    io::commit(&checksum(numbers.iter().map(|number| number.to_le_bytes())));

    // Few keys: the order of equal ones, which a stable sort keeps, is in the checksum.
    let mut records: Vec<(u8, u32)> = (0..count).map(|index| (random() as u8, index)).collect();
    records.sort_by_key(|(key, _)| *key);
    io::commit(&checksum(records.iter().map(|(_, index)| index.to_le_bytes())));

    let mut texts: Vec<String> = (0..count / 4).map(|_| random().to_string()).collect();
    texts.sort();
    io::commit(&checksum(texts.iter()));
}
