//! A Merkle tree of Keccak-256, by precompile: builds it, then checks the proof of every leaf. The two
//! children of a node are hashed in ascending order, so that a proof is a list of siblings.
//!
//! Input: the depth of the tree, u32 little-endian. Leaf i is the hash of i (u32, little-endian).
//! Public values: the root; the number of proofs that hold, u32 little-endian.
#![no_main]
sp1_zkvm::entrypoint!(main);

use keccak_precompiled::keccak256;
use sp1_zkvm::io;

type Hash = [u8; 32];

fn parent(a: &Hash, b: &Hash) -> Hash {
    let (first, second) = if a < b { (a, b) } else { (b, a) };
    keccak256(&[first, second])
}

fn proof(levels: &[Vec<Hash>], leaf: usize) -> Vec<Hash> {
    levels[..levels.len() - 1].iter().enumerate().map(|(i, level)| level[leaf >> i ^ 1]).collect()
}

pub fn main() {
    let depth = io::read::<u32>();
    let leaves: Vec<Hash> = (0..1u32 << depth).map(|i| keccak256(&[&i.to_le_bytes()])).collect();
    let mut levels = vec![leaves];
    while let [.., level] = levels.as_slice() {
        if level.len() == 1 {
            break;
        }
        levels.push(level.chunks_exact(2).map(|pair| parent(&pair[0], &pair[1])).collect());
    }
    let root = levels[levels.len() - 1][0];

    let holds = |leaf: &usize| {
        let proof = proof(&levels, *leaf);
        proof.iter().fold(levels[0][*leaf], |node, sibling| parent(&node, sibling)) == root
    };
    let held = (0..levels[0].len()).filter(holds).count();
    io::commit_slice(&root);
    io::commit(&(held as u32));
}
