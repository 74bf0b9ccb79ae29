//! Catches what SP1 prints to standard output while a guest runs.
use std::{
    fs::File,
    io::{Read, Seek, Write},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// Run `work` with standard output going to memory; give its result and what was written.
pub fn capture<T>(work: impl FnOnce() -> T) -> (T, Vec<u8>) {
    let mut memory = memory_file();
    let original = redirect(memory.as_raw_fd());
    let result = work();
    redirect(original.as_raw_fd());

    let mut written = Vec::new();
    memory.rewind().and_then(|()| memory.read_to_end(&mut written)).expect("a file in memory");
    (result, written)
}

fn memory_file() -> File {
    // SAFETY: the name is a C string; the descriptor is fresh and owned by nobody else.
    unsafe {
        let fd = libc::memfd_create(c"guest output".as_ptr(), 0);
        assert!(fd >= 0, "no file in memory: {}", std::io::Error::last_os_error());
        File::from_raw_fd(fd)
    }
}

/// Make standard output write to `target`; give a descriptor of what it was.
fn redirect(target: i32) -> OwnedFd {
    // What is still buffered belongs to the old destination.
    std::io::stdout().flush().expect("standard output");
    // SAFETY: both descriptors are open, and `dup` gives a fresh one.
    unsafe {
        let original = libc::dup(libc::STDOUT_FILENO);
        assert!(original >= 0 && libc::dup2(target, libc::STDOUT_FILENO) >= 0);
        OwnedFd::from_raw_fd(original)
    }
}
