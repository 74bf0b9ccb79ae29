//! The verifying key, with the parts it is hashed from.
use p3_field::PrimeField32;
use serde_json::{json, Value};
use sp1_prover::HashableKey;

use crate::Prover;

pub fn compute(prover: &Prover, elf: &[u8]) -> Value {
    let (_, _, _, key) = prover.setup(elf);
    let commit: &[_; 8] = key.vk.commit.as_ref();
    let chips = key.vk.chip_information.iter().map(|(name, domain, trace)| {
        json!({ "name": name, "logHeight": domain.log_n, "height": trace.height, "width": trace.width })
    });
    json!({
        "bytes32": key.bytes32(),
        "hashBytes": hex::encode(key.hash_bytes()),
        "commit": commit.map(|element| element.as_canonical_u32()),
        "pcStart": key.vk.pc_start.as_canonical_u32(),
        "chips": chips.collect::<Vec<_>>(),
    })
}
