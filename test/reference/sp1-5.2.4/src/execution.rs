//! One run of a guest, as `SP1Prover::execute` of 5.2.4 does it, without its gas calculation.
//!
//! The executor is driven from here instead of by that function because it keeps to itself what a
//! verifier would see (the committed digest) and what is known about a run that failed.
use std::{
    collections::BTreeMap,
    panic::{catch_unwind, AssertUnwindSafe},
};

use serde_json::{json, Value};
use sp1_core_executor::{ExecutionError, Executor, Program, SP1Context};
use sp1_reference_common::{console, counts, memory_parts, text_of, Run};
use sp1_stark::SP1CoreOpts;

use crate::Prover;

pub fn run(prover: &Prover, run: Run) -> (Value, u64) {
    let Run { elf, buffers, cycle_limit, with_registers, memory } = run;
    let program = match catch_unwind(AssertUnwindSafe(|| Program::from(elf).unwrap())) {
        Ok(program) => program,
        Err(cause) => return (json!({ "panic": text_of(&*cause) }), 0),
    };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut builder = SP1Context::builder();
    builder.subproof_verifier(prover).stdout(&mut stdout).stderr(&mut stderr);
    if let Some(limit) = cycle_limit {
        builder.max_cycles(limit);
    }
    let context = builder.build();
    let mut executor = Executor::with_context(program, SP1CoreOpts::default(), context);
    executor.write_vecs(&buffers);
    let (end, _) = console::capture(|| catch_unwind(AssertUnwindSafe(|| executor.run_fast())));

    let report = &executor.report;
    let cycles = report.total_instruction_count();
    let mut result = json!({
        "publicValues": hex::encode(&executor.state.public_values_stream),
        "cycles": cycles,
        "globalClk": executor.state.global_clk,
        "syscallCount": report.total_syscall_count(),
        "opcodes": counts(report.opcode_counts.iter()),
        "syscalls": counts(report.syscall_counts.iter()),
        "cycleTracker": report.cycle_tracker.iter().collect::<BTreeMap<_, _>>(),
        "unreadBuffers": executor.state.input_stream.len(),
    });
    let finished = matches!(end, Ok(Ok(())));
    match end {
        Ok(Ok(())) => {
            let public = &executor.record.public_values;
            result["exitCode"] = 0.into();
            result["committedValueDigest"] = json!(public.committed_value_digest);
            result["deferredProofsDigest"] = json!(public.deferred_proofs_digest);
        }
        Ok(Err(error)) => {
            if let ExecutionError::HaltWithNonZeroExitCode(code) = error {
                result["exitCode"] = code.into();
            }
            result["error"] = format!("{error:?}").into();
        }
        Err(cause) => result["panic"] = text_of(&*cause).into(),
    }
    if !finished {
        result["pc"] = executor.state.pc.into();
    }
    if with_registers {
        result["registers"] = json!({ "pc": executor.state.pc, "x": executor.registers() });
    }
    if !memory.is_empty() {
        result["memory"] = json!(memory_parts(memory, |address| executor.word(address)));
    }
    let rests = [1, 2].map(|fd| executor.io_buf.get(&fd).cloned().unwrap_or_default());
    drop(executor);
    drop(builder);
    for ((name, printed), rest) in [("stdout", stdout), ("stderr", stderr)].into_iter().zip(rests) {
        result[name] = (String::from_utf8_lossy(&printed) + rest.as_str()).into_owned().into();
    }
    (result, cycles)
}
