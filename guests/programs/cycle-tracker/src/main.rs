//! Cycle-tracker labels, and what a guest may print.
//!
//! A write to standard output is a label only if the whole text of that one write begins with a
//! command and a colon; the name is trimmed and may hold further colons. Reports add up what lies
//! between a start and a `-report-end` of the same name, nested and repeated ones included.
//!
//! Input: one buffer, u32 little-endian: how many times the repeated section runs.
//! Public values: the sum that the sections computed, u32 little-endian.
#![no_main]
sp1_zkvm::entrypoint!(main);

use core::hint::black_box;
use sp1_zkvm::{io, syscalls};

const FD_STDOUT: u32 = 1;
const FD_STDERR: u32 = 2;

fn work(rounds: u32) -> u32 {
    (0..rounds).fold(0, |sum, round| black_box(sum + round))
}

pub fn main() {
    let repeats = io::read::<u32>();
    let mut sum = 0;

    // Labels by the standard library's own output and by the bare syscall are the same thing.
    println!("cycle-tracker-start: logged only");
    sum += work(10);
    println!("cycle-tracker-end: logged only");

    println!("cycle-tracker-report-start: outer");
    sum += work(10);
    for _ in 0..repeats {
        io::write(FD_STDOUT, b"cycle-tracker-report-start: inner");
        sum += work(5);
        io::write(FD_STDOUT, b"cycle-tracker-report-end: inner");
    }
    println!("cycle-tracker-report-end: outer");

    // The name is what follows the first colon, without the white space around it.
    io::write(FD_STDOUT, b"cycle-tracker-report-start:  a:b \n");
    io::write(FD_STDOUT, "cycle-tracker-report-start:größe".as_bytes());
    io::write(FD_STDOUT, b"cycle-tracker-report-start:");
    sum += work(3);
    io::write(FD_STDOUT, b"cycle-tracker-report-end:\ta:b");
    io::write(FD_STDOUT, "cycle-tracker-report-end: größe\r\n".as_bytes());
    io::write(FD_STDOUT, b"cycle-tracker-report-end:\n");

    // The kind of start does not matter, the kind of end does.
    io::write(FD_STDOUT, b"cycle-tracker-start: mixed");
    sum += work(2);
    io::write(FD_STDOUT, b"cycle-tracker-report-end: mixed");
    io::write(FD_STDOUT, b"cycle-tracker-report-start: dropped");
    io::write(FD_STDOUT, b"cycle-tracker-end: dropped");
    io::write(FD_STDOUT, b"cycle-tracker-report-end: dropped");

    // A second start of the same name replaces the first; an end without a start does nothing.
    io::write(FD_STDOUT, b"cycle-tracker-report-start: restarted");
    sum += work(50);
    io::write(FD_STDOUT, b"cycle-tracker-report-start: restarted");
    sum += work(1);
    io::write(FD_STDOUT, b"cycle-tracker-report-end: restarted");
    io::write(FD_STDOUT, b"cycle-tracker-report-end: restarted");
    io::write(FD_STDOUT, b"cycle-tracker-report-end: never started");
    io::write(FD_STDOUT, b"cycle-tracker-report-start: never ended");

    // Not labels: text before the command, and commands that only look like one.
    io::write(FD_STDOUT, b"text cycle-tracker-start: x\n");
    io::write(FD_STDOUT, b"text\ncycle-tracker-report-start: x\n");
    io::write(FD_STDOUT, b" cycle-tracker-report-start: x\n");
    io::write(FD_STDOUT, b"cycle-tracker-report-start x\n");
    io::write(FD_STDOUT, b"Cycle-Tracker-Start: x\n");

    // A label between two halves of a line does not break the line.
    io::write(FD_STDOUT, b"first half, ");
    io::write(FD_STDOUT, b"cycle-tracker-report-start: between");
    io::write(FD_STDOUT, b"cycle-tracker-report-end: between");
    io::write(FD_STDOUT, b"second half\nnext line\n\nafter an empty line\n");
    io::write(FD_STDERR, b"error output, one line\n");
    eprintln!("error output by the standard library, sum {sum}");
    io::write(FD_STDERR, b"cycle-tracker-report-start: labels are for standard output only\n");
    io::write(FD_STDERR, b"cycle-tracker-report-end: labels are for standard output only\n");
    syscalls::syscall_write(FD_STDOUT, b"".as_ptr(), 0);
    io::write(FD_STDERR, b"no newline at the end of error output");
    io::write(FD_STDOUT, b"no newline at the end of output");

    io::commit(&sum);
}
