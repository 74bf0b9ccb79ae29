//! Keccak-256 with its permutation by the precompile KECCAK_PERMUTE.
use sp1_zkvm::syscalls::syscall_keccak_permute;

/// 1,600 bits of state less twice the 256 bits of output.
const RATE_BYTES: usize = 136;
const LANE_BYTES: usize = 8;

/// The hash of the parts, one after the other.
pub fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut state = [0u64; 25];
    let mut at = 0;
    for byte in parts.iter().copied().flatten() {
        absorb(&mut state, at, *byte);
        at += 1;
        if at == RATE_BYTES {
            syscall_keccak_permute(&mut state);
            at = 0;
        }
    }
    // The original padding, as Ethereum uses it; both marks share a byte if only one is left.
    absorb(&mut state, at, 0x01);
    absorb(&mut state, RATE_BYTES - 1, 0x80);
    syscall_keccak_permute(&mut state);

    let mut digest = [0; 32];
    for (bytes, lane) in digest.chunks_exact_mut(LANE_BYTES).zip(state) {
        bytes.copy_from_slice(&lane.to_le_bytes());
    }
    digest
}

fn absorb(state: &mut [u64; 25], at: usize, byte: u8) {
    state[at / LANE_BYTES] ^= u64::from(byte) << (8 * (at % LANE_BYTES));
}
