//! Checks that a leaf is in a Merkle tree of Keccak-256, as airdrops and bridges do: the two children
//! of a node are hashed in ascending order, so that a proof is a list of siblings.
//!
//! Input: the leaf; the siblings, 32 bytes each, from the leaf up.
//! Public values: the root.
#![no_main]
sp1_zkvm::entrypoint!(main);

use sp1_zkvm::io;
use tiny_keccak::{Hasher, Keccak};

fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = [0; 32];
    let mut keccak = Keccak::v256();
    for part in parts {
        keccak.update(part);
    }
    keccak.finalize(&mut digest);
    digest
}

pub fn main() {
    let leaf = keccak256(&[&io::read_vec()]);
    let siblings = io::read_vec();
    assert_eq!(siblings.len() % 32, 0, "a sibling has 32 bytes");
    let root = siblings.chunks_exact(32).fold(leaf, |node, sibling| {
        if node.as_slice() < sibling {
            keccak256(&[&node, sibling])
        } else {
            keccak256(&[sibling, &node])
        }
    });
    io::commit_slice(&root);
}
