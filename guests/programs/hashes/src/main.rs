//! SHA-256 by SHA_EXTEND and SHA_COMPRESS, Keccak-256 by KECCAK_PERMUTE, over the same bytes.
//!
//! Padding, byte order and the sponge are done here; only the block functions are precompiles.
//!
//! Input: one buffer, the message, any length.
//! Public values: SHA-256 (32 bytes), then Keccak-256 with the original padding byte 0x01, as
//! Ethereum uses it (32 bytes).
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::{io, syscalls};

const SHA256_BLOCK_BYTES: usize = 64;
/// FIPS 180-4, section 5.3.3.
const SHA256_INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
/// 1,600 bits of state less twice the 256 bits of output.
const KECCAK256_RATE_BYTES: usize = 136;

fn sha256(message: &[u8]) -> [u8; 32] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % SHA256_BLOCK_BYTES != SHA256_BLOCK_BYTES - 8 {
        padded.push(0);
    }
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());

    let mut state = SHA256_INITIAL;
    let mut schedule = [0u32; 64];
    for block in padded.chunks_exact(SHA256_BLOCK_BYTES) {
        for (word, bytes) in schedule.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes(bytes.try_into().unwrap());
        }
        syscalls::syscall_sha256_extend(&mut schedule);
        syscalls::syscall_sha256_compress(&mut schedule, &mut state);
    }

    let mut digest = [0u8; 32];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn keccak256(message: &[u8]) -> [u8; 32] {
    let mut padded = message.to_vec();
    padded.resize((message.len() / KECCAK256_RATE_BYTES + 1) * KECCAK256_RATE_BYTES, 0);
    // The two marks share one byte if only one byte of padding fits.
    padded[message.len()] ^= 0x01;
    *padded.last_mut().unwrap() ^= 0x80;

    let mut state = [0u64; 25];
    for block in padded.chunks_exact(KECCAK256_RATE_BYTES) {
        for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
            *lane ^= u64::from_le_bytes(bytes.try_into().unwrap());
        }
        syscalls::syscall_keccak_permute(&mut state);
    }

    let mut digest = [0u8; 32];
    for (bytes, lane) in digest.chunks_exact_mut(8).zip(state) {
        bytes.copy_from_slice(&lane.to_le_bytes());
    }
    digest
}

pub fn main() {
    let message = io::read_vec();
    io::commit_slice(&sha256(&message));
    io::commit_slice(&keccak256(&message));
}
