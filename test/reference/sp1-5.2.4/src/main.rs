//! Asks SP1 5.2.4 what it makes of guests and inputs: the source of truth for our vectors.
mod execution;
mod vkey;

use serde_json::Value;
use sp1_prover::{components::CpuProverComponents, SP1Prover};
use sp1_reference_common::{serve, Failure, Reference, Run};

type Prover = SP1Prover<CpuProverComponents>;

struct Sp1(Prover);

impl Reference for Sp1 {
    fn execute(&self, run: Run) -> (Value, u64) {
        execution::run(&self.0, run)
    }

    fn vkey(&self, elf: &[u8]) -> Value {
        vkey::compute(&self.0, elf)
    }
}

fn main() -> Result<(), Failure> {
    serve(&Sp1(Prover::new()))
}
