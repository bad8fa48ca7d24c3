//! The memory that the command line needs besides its files: no array, little scratch, and the
//! results of reductions that later loops use.
//!
//! `NDEXPR_MEMORY_GIB=4 cargo test --release --test it memory -- --nocapture` maps as much, on the
//! disk of `TMPDIR`.
#![cfg(all(feature = "cli", target_os = "linux"))]

use std::fs::{File, read_to_string};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const THREADS: u64 = 2;

/// Scratch that a thread may have.
const KIB_PER_THREAD: u64 = 1 << 10;

/// The extent of the first axis. The other one is as long as there is room for.
const COLUMNS: usize = 1024;

const SOFTMAX: &str =
    "exp(a - max(a, axis=1, keepdims=True)) / sum(exp(a - max(a, axis=1, keepdims=True)), axis=1, keepdims=True)";

#[test]
fn files_are_mapped_and_scratch_is_small() {
    let asked_for: Option<f64> = std::env::var("NDEXPR_MEMORY_GIB").ok().and_then(|n| n.parse().ok());
    let gib = asked_for.unwrap_or(0.125);
    // Two inputs and a result.
    let rows = (gib * f64::from(1 << 30)) as usize / (3 * size_of::<f64>() * COLUMNS);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (size, rows) in [("tiny", 1), ("large", rows)] {
        write(&path.join(format!("a-{size}.npy")), rows, a);
        write(&path.join(format!("b-{size}.npy")), rows, b);
    }
    // The largest element of each row and the sum of each row wait for the loop that uses them.
    for (text, n_outcomes) in [("a + b*2", 0), (SOFTMAX, 2 * rows)] {
        let tiny = peak(path, text, "tiny");
        let large = peak(path, text, "large");
        eprintln!("{text}");
        for (size, rows, peak) in [("tiny", 1, &tiny), ("large", rows, &large)] {
            let mib = (3 * rows * COLUMNS * size_of::<f64>()) as f64 / f64::from(1 << 20);
            eprintln!(
                "    {size:5} {mib:9.2} MiB of arrays: peak {:8} KiB resident, {:6} KiB of them anonymous, in {} looks",
                peak.resident_kib, peak.anonymous_kib, peak.looks
            );
        }
        let more = large.anonymous_kib.saturating_sub(tiny.anonymous_kib);
        let outcomes_kib = (n_outcomes * size_of::<f64>()).div_ceil(1 << 10) as u64;
        eprintln!("    {more} KiB more anonymous memory on {THREADS} threads, of which outcomes: {outcomes_kib} KiB");
        assert!(more <= outcomes_kib + THREADS * KIB_PER_THREAD, "{more} KiB");
        // The whole result was seen before the end, so the samples were not too few. A short run
        // may be missed.
        assert!(asked_for.is_none() || large.resident_kib as usize * 1024 >= rows * COLUMNS * size_of::<f64>());
        if text != SOFTMAX {
            check(&path.join("c.npy"), rows);
        }
    }
}

fn a(i: usize) -> f64 {
    (i % 1013) as f64 * 0.25
}

fn b(i: usize) -> f64 {
    (i % 997) as f64 * 0.5
}

/// A .npy file of this many rows.
fn write(path: &Path, rows: usize, value: fn(usize) -> f64) {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let order = if cfg!(target_endian = "little") { '<' } else { '>' };
    let header = format!("{{'descr': '{order}f8', 'fortran_order': False, 'shape': ({rows}, {COLUMNS}), }}");
    file.write_all(b"\x93NUMPY\x01\0\x76\0").unwrap();
    file.write_all(format!("{header:117}\n").as_bytes()).unwrap();
    for i in 0..rows * COLUMNS {
        file.write_all(&value(i).to_ne_bytes()).unwrap();
    }
    file.flush().unwrap();
}

/// The sums of both, one by one.
fn check(path: &Path, rows: usize) {
    let mut file = File::open(path).unwrap();
    assert_eq!(file.metadata().unwrap().len(), (128 + 8 * rows * COLUMNS) as u64);
    for i in (0..rows * COLUMNS).step_by(rows * COLUMNS / 1000) {
        let mut bytes = [0; 8];
        file.seek(SeekFrom::Start((128 + 8 * i) as u64)).unwrap();
        file.read_exact(&mut bytes).unwrap();
        assert_eq!(f64::from_ne_bytes(bytes), a(i) + b(i) * 2.0, "element {i}");
    }
}

/// The most that was seen.
#[derive(Default)]
struct Peak {
    resident_kib: u64,
    anonymous_kib: u64,
    looks: usize,
}

/// Evaluates into a file, and samples the memory of the process meanwhile.
fn peak(directory: &Path, text: &str, size: &str) -> Peak {
    let inputs = ["a", "b"].into_iter().filter(|name| *name == "a" || text != SOFTMAX);
    let mut child = Command::new(env!("CARGO_BIN_EXE_ndexpr"))
        .current_dir(directory)
        .args(["eval", text, "-o", "c.npy"])
        .args(inputs.map(|name| format!("{name}={name}-{size}.npy")))
        .args(["--threads", &THREADS.to_string()])
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary runs");
    let mut peak = Peak::default();
    loop {
        let status = read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let kib = |name: &str| -> Option<u64> {
            status.lines().find_map(|line| line.strip_prefix(name))?.trim().trim_end_matches(" kB").parse().ok()
        };
        // A process that has ended has none.
        if let (Some(resident), Some(anonymous)) = (kib("VmHWM:"), kib("RssAnon:")) {
            peak.resident_kib = peak.resident_kib.max(resident);
            peak.anonymous_kib = peak.anonymous_kib.max(anonymous);
            peak.looks += 1;
        }
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "{status}");
            return peak;
        }
        std::thread::yield_now();
    }
}
