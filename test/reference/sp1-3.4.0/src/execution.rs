//! One run of a guest, as `SP1Prover::execute` of 3.4.0 does it.
//!
//! The executor is driven from here instead of by that function because it keeps to itself what a
//! verifier would see (the committed digest) and what is known about a run that failed.
use std::{
    collections::BTreeMap,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::Arc,
};

use serde_json::{json, Value};
use sp1_core_executor::{ExecutionError, Executor, SP1Context};
use sp1_stark::SP1CoreOpts;

use sp1_reference_common::{console, counts, memory_parts, text_of, Run};

use crate::Prover;

pub fn run(prover: &Prover, run: Run) -> (Value, u64) {
    let Run { elf, buffers, cycle_limit, with_registers, memory } = run;
    let program = match catch_unwind(AssertUnwindSafe(|| prover.get_program(elf).unwrap())) {
        Ok(program) => program,
        Err(cause) => return (json!({ "panic": text_of(&*cause) }), 0),
    };
    let context = SP1Context {
        max_cycles: cycle_limit,
        subproof_verifier: Some(Arc::new(prover)),
        ..SP1Context::default()
    };
    let mut executor = Executor::with_context(program, SP1CoreOpts::default(), context);
    executor.write_vecs(&buffers);
    let (end, printed) =
        console::capture(|| catch_unwind(AssertUnwindSafe(|| executor.run_fast())));

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
        "unreadBuffers": executor.state.input_stream.len() - executor.state.input_stream_ptr,
    });
    let finished = matches!(end, Ok(Ok(())));
    for (fd, name) in [(1, "stdout"), (2, "stderr")] {
        let rest = executor.io_buf.get(&fd).map_or("", String::as_str);
        result[name] = printed_text(&printed, name, rest, finished).into();
    }
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
    (result, cycles)
}

/// What the guest wrote to one stream, put together again from the lines that SP1 prints with the
/// stream's name in front, and the unfinished line that it keeps in `rest`.
fn printed_text(printed: &[u8], stream: &str, rest: &str, finished: bool) -> String {
    let prefix = format!("{stream}: ");
    let printed = String::from_utf8_lossy(printed);
    let mut lines: Vec<&str> =
        printed.split('\n').filter_map(|line| line.strip_prefix(&prefix)).collect();
    // A run that comes to its end also prints the unfinished line.
    if finished && !rest.is_empty() {
        lines.pop();
    }
    lines.into_iter().flat_map(|line| [line, "\n"]).chain([rest]).collect()
}
