//! Asks SP1 3.4.0 what it makes of guests and inputs: the source of truth for our vectors.
//!
//! `sp1-reference --out FILE`, with one JSON object a line on standard input:
//!
//!   name        told back in the answer
//!   elf         path of the guest, or elfHex: its bytes
//!   tasks       any of "execute", "vkey"
//!   buffers     the input buffers, hex (default: none)
//!   cycleLimit  a number, or {"of": NAME, "plus": N}: the cycles of the earlier request NAME plus N
//!   registers   true: also give the final registers
//!
//! Each request is answered by one line in FILE. What guests print is caught and becomes part of the
//! answer; whatever else SP1 writes to standard output is dropped. A panic of SP1 is an answer, too.
mod console;
mod execution;
mod vkey;

use std::{
    any::Any,
    collections::HashMap,
    fs::File,
    io::{BufRead, BufWriter, Write},
    panic::{catch_unwind, AssertUnwindSafe},
};

use serde::Deserialize;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use sp1_prover::{components::DefaultProverComponents, SP1Prover};

type Prover = SP1Prover<DefaultProverComponents>;
type Failure = Box<dyn std::error::Error>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Request {
    name: String,
    elf: Option<String>,
    elf_hex: Option<String>,
    tasks: Vec<Task>,
    #[serde(default)]
    buffers: Vec<String>,
    cycle_limit: Option<Limit>,
    #[serde(default)]
    registers: bool,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum Task {
    Execute,
    Vkey,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Limit {
    Cycles(u64),
    Relative { of: String, plus: i64 },
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [flag, path] = arguments.as_slice() else { return Err("usage: --out FILE".into()) };
    if flag != "--out" {
        return Err(format!("unknown flag {flag}").into());
    }
    let mut out = BufWriter::new(File::create(path)?);
    // Panics are answers here; the default hook would print each with a backtrace.
    std::panic::set_hook(Box::new(|_| {}));

    let prover = Prover::new();
    let mut cycles = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        eprintln!("{}", request.name);
        let answer = answer(&prover, &request, &mut cycles)?;
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

fn answer(
    prover: &Prover,
    request: &Request,
    cycles: &mut HashMap<String, u64>,
) -> Result<Value, Failure> {
    let elf = match (&request.elf, &request.elf_hex) {
        (Some(path), None) => std::fs::read(path).map_err(|error| format!("{path}: {error}"))?,
        (None, Some(digits)) => hex::decode(digits)?,
        _ => return Err(format!("{}: one of elf and elfHex", request.name).into()),
    };
    let mut answer =
        json!({ "name": request.name, "elfSha256": hex::encode(Sha256::digest(&elf)) });
    for task in &request.tasks {
        match task {
            Task::Execute => {
                let limit = cycle_limit(request, cycles)?;
                let buffers = request.buffers.iter().map(hex::decode).collect::<Result<_, _>>()?;
                let (run, ran_for) =
                    execution::run(prover, &elf, buffers, limit, request.registers);
                cycles.insert(request.name.clone(), ran_for);
                if let Some(limit) = limit {
                    answer["cycleLimit"] = limit.into();
                }
                answer["execute"] = run;
            }
            Task::Vkey => {
                let made = catch_unwind(AssertUnwindSafe(|| vkey::compute(prover, &elf)));
                answer["vkey"] = made.unwrap_or_else(|cause| json!({ "panic": text_of(&*cause) }));
            }
        }
    }
    Ok(answer)
}

fn cycle_limit(request: &Request, cycles: &HashMap<String, u64>) -> Result<Option<u64>, Failure> {
    Ok(match &request.cycle_limit {
        None => None,
        Some(Limit::Cycles(limit)) => Some(*limit),
        Some(Limit::Relative { of, plus }) => {
            let base = cycles.get(of).ok_or_else(|| format!("{of} has not run yet"))?;
            Some(base.checked_add_signed(*plus).ok_or("a cycle limit out of range")?)
        }
    })
}

/// The message of a panic.
fn text_of(cause: &(dyn Any + Send)) -> String {
    match (cause.downcast_ref::<String>(), cause.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => text.to_string(),
        (None, None) => "a panic without text".into(),
    }
}
