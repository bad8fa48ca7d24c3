//! The command line when something outside interferes with a run: a file that shrinks, and a kill.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::{files, native, npy};

fn start(directory: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ndexpr"));
    command.current_dir(directory).args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the binary runs")
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
        let status = child.wait().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
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
