//! Verifies an Ed25519 signature, strictly.
//!
//! Input: the public key (32 bytes); the message; the signature (64 bytes).
//! Public values: 1 if it verifies, else 0; then the public key.
#![no_main]
sp1_zkvm::entrypoint!(main);

use ed25519_dalek::{Signature, VerifyingKey};
use sp1_zkvm::io;

pub fn main() {
    let key: [u8; 32] = io::read_vec().try_into().expect("a key has 32 bytes");
    let message = io::read_vec();
    let signature = Signature::from_slice(&io::read_vec()).expect("a signature has 64 bytes");
    let verifies = VerifyingKey::from_bytes(&key)
        .is_ok_and(|key| key.verify_strict(&message, &signature).is_ok());
    io::commit_slice(&[u8::from(verifies)]);
    io::commit_slice(&key);
}
