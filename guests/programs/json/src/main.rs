//! Reads JSON and commits to what is at a path of it.
//!
//! Input: the document; a JSON pointer (RFC 6901), as text.
//! Public values: the value there, as compact JSON; nothing if there is none.
#![no_main]
sp1_zkvm::entrypoint!(main);

use serde_json::Value;
use sp1_zkvm::io;

pub fn main() {
    let document: Value = serde_json::from_slice(&io::read_vec()).expect("a document");
    let pointer = String::from_utf8(io::read_vec()).expect("a pointer");
    if let Some(value) = document.pointer(&pointer) {
        io::commit_slice(value.to_string().as_bytes());
    }
}
