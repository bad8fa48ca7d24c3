//! The command line when something outside interferes with a run: a file that shrinks, and a kill.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::{files, native, npy};

fn start(directory: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ndexpr"));
    command.current_dir(directory).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
}

/// How it ended, and what it said.
fn end_of(child: Child) -> (ExitStatus, String) {
    let output = child.wait_with_output().unwrap();
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Waits until the process has a map whose line in `/proc` has both of these in it, or has ended.
fn wait_for_map(child: &mut Child, access: &str, path: &str) {
    let begin = Instant::now();
    let is_mapped = |maps: &str| maps.lines().any(|line| line.contains(access) && line.contains(path));
    while child.try_wait().unwrap().is_none() {
        if fs::read_to_string(format!("/proc/{}/maps", child.id())).is_ok_and(|maps| is_mapped(&maps)) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing was mapped");
        thread::sleep(Duration::from_micros(200));
    }
}

/// Writes a file of zeros behind this header. The zeros take no room on the disk.
fn write_sparse(path: &Path, header: &[u8], n_bytes: u64) {
    fs::write(path, header).unwrap();
    File::options().write(true).open(path).unwrap().set_len(header.len() as u64 + n_bytes).unwrap();
}

#[test]
fn an_input_that_is_truncated_meanwhile_is_named() {
    const N: usize = 1 << 29;
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("a.npy");
    // Elements of the other byte order are copied while they are loaded, the others are read by the
    // run.
    for descr in [native("f8"), if cfg!(target_endian = "little") { ">f8" } else { "<f8" }.to_owned()] {
        write_sparse(&input, &npy(&descr, false, &[N], &[]), 8 * N as u64);
        let mut child = start(directory.path(), &["eval", "max(a)", "a=a.npy", "-o", "out.npy"]);
        wait_for_map(&mut child, "r--", "/a.npy");
        File::options().write(true).open(&input).unwrap().set_len(4096).unwrap();
        let (status, stderr) = end_of(child);
        assert_eq!(status.code(), Some(1), "{descr}: {status}, {stderr}");
        assert!(stderr.starts_with("error: cannot read `a.npy`: "), "{descr}: {stderr}");
        assert_eq!(files(directory.path()), ["a.npy"]);
    }
}

#[test]
fn a_kill_leaves_nothing_beside_the_output() {
    let directory = tempfile::tempdir().unwrap();
    let tmpfile = rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR;
    if rustix::fs::open(directory.path(), tmpfile, rustix::fs::Mode::RUSR).is_err() {
        eprintln!("skipped: this file system has no files without a name");
        return;
    }
    fs::write(directory.path().join("out.npy"), "old").unwrap();
    let args = ["eval", "sin(a)", "a=linspace(0, 1, 4e7)", "--threads", "1", "-o", "out.npy"];
    let mut child = start(directory.path(), &args);
    wait_for_map(&mut child, "rw-s", directory.path().to_str().unwrap());
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it was done before it could be killed");
    assert_eq!(files(directory.path()), ["out.npy"]);
    assert_eq!(fs::read(directory.path().join("out.npy")).unwrap(), b"old");
}

#[test]
fn a_file_that_is_truncated_while_it_is_updated_is_named() {
    const N: usize = 1 << 29;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("u.npy");
    write_sparse(&path, &npy(&native("f8"), false, &[N], &[]), 8 * N as u64);
    let mut child = start(directory.path(), &["exec", "u[-8:] = max(u)", "u=u.npy"]);
    wait_for_map(&mut child, "rw-s", "/u.npy");
    File::options().write(true).open(&path).unwrap().set_len(4096).unwrap();
    let (status, stderr) = end_of(child);
    assert_eq!(status.code(), Some(1), "{status}, {stderr}");
    assert!(stderr.starts_with("error: cannot update `u.npy`: "), "{stderr}");
}

/// Ends a run by SIGINT, as soon as it handles that.
fn interrupt(directory: &Path, args: &[&str]) -> String {
    let mut child = start(directory, args);
    let begin = Instant::now();
    let handles_interrupts = |status: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0").trim();
        u64::from_str_radix(mask, 16).unwrap() & 1 << (libc::SIGINT - 1) != 0
    };
    while !fs::read_to_string(format!("/proc/{}/status", child.id())).is_ok_and(|status| handles_interrupts(&status)) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        assert!(begin.elapsed() < Duration::from_secs(60), "interrupts are not handled");
        thread::sleep(Duration::from_micros(200));
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let (status, stderr) = end_of(child);
    assert_eq!(status.code(), Some(130), "{status}, {stderr}");
    assert!(stderr.starts_with("error: interrupted\n"), "{stderr}");
    stderr
}

#[test]
fn an_interrupted_evaluation_leaves_existing_files() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("p.npy"), "old").unwrap();
    let args = ["eval", "sin(a), cos(a)", "a=linspace(0, 1, 2e7)", "--threads", "1", "-o", "p.npy", "-o", "q.npy"];
    interrupt(directory.path(), &args);
    assert_eq!(files(directory.path()), ["p.npy"]);
    assert_eq!(fs::read(directory.path().join("p.npy")).unwrap(), b"old");
}

#[test]
fn an_interrupted_update_keeps_what_was_written_in_place() {
    const N: usize = 1 << 25;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("u.npy");
    let header = npy(&native("f8"), false, &[N], &[]);
    for options in [&[][..], &["-o", "u=u.npy"], &["-o", "u=new.npy"]] {
        write_sparse(&path, &header, 8 * N as u64);
        let args = [&["exec", "u += lgamma(u + 1.5)", "u=u.npy", "--threads", "1"], options].concat();
        let stderr = interrupt(directory.path(), &args);
        assert_eq!(
            stderr.contains("= updates in place stay as far as they came: `u.npy`"),
            options.is_empty(),
            "{stderr}"
        );
        assert_eq!(files(directory.path()), ["u.npy"]);
        let bytes = fs::read(&path).unwrap();
        assert_eq!((bytes.len(), &bytes[..header.len()]), (header.len() + 8 * N, &header[..]));
        // Each element is the old one, or the new one where the file was updated.
        let last = f64::from_ne_bytes(*bytes.last_chunk().unwrap());
        assert!(last == 0.0 || options.is_empty(), "{last}");
        let changed = bytes[header.len()..].chunks_exact(8).filter(|element| **element != [0; 8]).count();
        assert!(changed < N && (changed == 0 || options.is_empty()), "{changed}");
    }
}
