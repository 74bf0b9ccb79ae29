//! What the reference programs of all releases share: requests in, answers out, panics caught.
//!
//! One JSON object a line on standard input:
//!
//!   name        told back in the answer
//!   elf         path of the guest, or elfHex: its bytes
//!   tasks       any of "execute", "vkey"
//!   buffers     the input buffers, hex (default: none)
//!   cycleLimit  a number, or {"of": NAME, "plus": N}: the cycles of the earlier request NAME plus N
//!   registers   true: also give the final registers
//!   memory      [[ADDRESS, WORDS], ...]: also give these parts of the final memory
//!
//! Each request is answered by one line in the file given by `--out`. What guests print is caught and
//! becomes part of the answer; whatever else SP1 writes to standard output is dropped. A panic of SP1
//! is an answer, too.
//!
//! With `x ELF [HEX|@FILE]...` in place of `--out` it runs one guest, each further argument one buffer,
//! and prints the answer with the time it took, `executeMs`, as the last line of standard output.
pub mod console;

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    fs::File,
    io::{BufRead, BufWriter, Write},
    panic::{catch_unwind, AssertUnwindSafe},
    time::Instant,
};

use serde::Deserialize;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

pub type Failure = Box<dyn std::error::Error>;

/// A release of SP1.
pub trait Reference {
    /// Run the guest. The second value is the number of executed instructions.
    ///
    /// A failed run has "error" (the ExecutionError) or "panic" (the message), and the other fields
    /// say how far it came.
    fn execute(&self, run: Run) -> (Value, u64);

    /// The verifying key, with the parts it is hashed from. May panic.
    fn vkey(&self, elf: &[u8]) -> Value;
}

/// A guest to run, and what to tell of it.
pub struct Run<'a> {
    pub elf: &'a [u8],
    pub buffers: Vec<Vec<u8>>,
    pub cycle_limit: Option<u64>,
    pub with_registers: bool,
    /// Addresses and numbers of words.
    pub memory: &'a [(u32, u32)],
}

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
    #[serde(default)]
    memory: Vec<(u32, u32)>,
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

/// Do what the command line says: answer requests, or time one run.
pub fn serve(reference: &impl Reference) -> Result<(), Failure> {
    // Panics are answers here; the default hook would print each with a backtrace.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--out", path] => answer_all(reference, path),
        ["x", elf, buffers @ ..] => time(reference, elf, buffers),
        _ => Err("usage: --out FILE, or x ELF [HEX|@FILE]...".into()),
    }
}

/// The time is that of the whole run, from the bytes of the ELF to the report.
fn time(reference: &impl Reference, elf: &str, buffers: &[&str]) -> Result<(), Failure> {
    let elf = std::fs::read(elf)?;
    let buffer = |argument: &&str| match argument.strip_prefix('@') {
        Some(path) => std::fs::read(path).map_err(Failure::from),
        None => hex::decode(argument).map_err(Failure::from),
    };
    let buffers = buffers.iter().map(buffer).collect::<Result<_, _>>()?;
    let run = Run { elf: &elf, buffers, cycle_limit: None, with_registers: false, memory: &[] };
    let started = Instant::now();
    let (mut answer, _) = reference.execute(run);
    answer["executeMs"] = json!(started.elapsed().as_secs_f64() * 1e3);
    println!("\n{answer}");
    Ok(())
}

/// Answer every request of standard input.
fn answer_all(reference: &impl Reference, path: &str) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut cycles = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        eprintln!("{}", request.name);
        let answer = answer(reference, &request, &mut cycles)?;
        serde_json::to_writer(&mut out, &answer)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

fn answer(
    reference: &impl Reference,
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
                let (run, ran_for) = reference.execute(Run {
                    elf: &elf,
                    buffers,
                    cycle_limit: limit,
                    with_registers: request.registers,
                    memory: &request.memory,
                });
                cycles.insert(request.name.clone(), ran_for);
                if let Some(limit) = limit {
                    answer["cycleLimit"] = limit.into();
                }
                answer["execute"] = run;
            }
            Task::Vkey => {
                let made = catch_unwind(AssertUnwindSafe(|| reference.vkey(&elf)));
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
pub fn text_of(cause: &(dyn Any + Send)) -> String {
    match (cause.downcast_ref::<String>(), cause.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => text.to_string(),
        (None, None) => "a panic without text".into(),
    }
}

/// The counters that are not zero, by the name SP1 prints.
pub fn counts<'a, K: Debug>(all: impl Iterator<Item = (K, &'a u64)>) -> BTreeMap<String, u64> {
    all.filter(|(_, count)| **count > 0).map(|(key, count)| (format!("{key:?}"), *count)).collect()
}

/// Parts of the final memory, each as the hex of its bytes.
pub fn memory_parts(parts: &[(u32, u32)], mut word: impl FnMut(u32) -> u32) -> Vec<String> {
    let mut part = |&(address, words): &(u32, u32)| {
        let bytes = (0..words).flat_map(|i| word(address + 4 * i).to_le_bytes());
        hex::encode(bytes.collect::<Vec<_>>())
    };
    parts.iter().map(&mut part).collect()
}
