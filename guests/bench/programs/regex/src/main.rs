//! Searches a text with a regular expression, with everything the regex crate has: Unicode tables,
//! lazy and full automata, backtracking, literal search. A large program, of which a run needs little.
//!
//! Input: the expression; the text.
//! Public values: for each match where it begins and ends (u32 each, little-endian).
#![no_main]
sp1_zkvm::entrypoint!(main);

use regex::Regex;
use sp1_zkvm::io;

pub fn main() {
    let pattern = String::from_utf8(io::read_vec()).expect("UTF-8");
    let text = String::from_utf8(io::read_vec()).expect("UTF-8");
    for found in Regex::new(&pattern).expect("a regular expression").find_iter(&text) {
        io::commit_slice(&(found.start() as u32).to_le_bytes());
        io::commit_slice(&(found.end() as u32).to_le_bytes());
    }
}
