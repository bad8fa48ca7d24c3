//! The command line from outside: files in, files and text out, exit codes.
#![cfg(feature = "cli")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn ndexpr(directory: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ndexpr")).current_dir(directory).args(args).output().expect("the binary runs")
}

/// Runs, and fails the test with what was printed unless the exit code is as expected.
#[track_caller]
pub(crate) fn run(directory: &Path, args: &[&str], code: i32) -> (String, String) {
    let output = ndexpr(directory, args);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

pub(crate) fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A .npy file as NumPy 2 writes it.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let extents = match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {extents}, }}");
    assert!(header.len() < 90, "with NumPy's room for growth this header has one block of 128 bytes");
    let mut file = b"\x93NUMPY\x01\0\x76\0".to_vec();
    file.extend(format!("{header:117}\n").into_bytes());
    file.extend(data);
    file
}

/// A file of these numbers.
pub(crate) fn doubles(values: &[f64]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
    npy(&native("f8"), false, &[values.len()], &bytes)
}

pub(crate) fn native(code: &str) -> String {
    let order = match code {
        "b1" | "i1" | "u1" => '|',
        _ if cfg!(target_endian = "little") => '<',
        _ => '>',
    };
    format!("{order}{code}")
}

const CODES: [&str; 11] = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"];

/// `n` elements: bytes of all kinds, but only 0 and 1 for bools.
fn elements(code: &str, n: usize) -> Vec<u8> {
    let size: usize = code[1..].parse().unwrap();
    let bytes = (0..n * size).map(|at| (at * 37 + 11) as u8);
    if code == "b1" { bytes.map(|byte| byte & 1).collect() } else { bytes.collect() }
}

struct Case {
    directory: TempDir,
    n_done: usize,
}

impl Case {
    fn new() -> Case {
        Case { directory: tempfile::tempdir().unwrap(), n_done: 0 }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Evaluates `a` from one file to another and compares all its bytes.
    #[track_caller]
    fn copies_to(&mut self, input: &[u8], expected: &[u8]) {
        self.n_done += 1;
        self.write("a.npy", input);
        run(self.directory.path(), &["eval", "a", "a=a.npy", "-o", "out.npy"], 0);
        let found = fs::read(self.directory.path().join("out.npy")).unwrap();
        assert!(
            found == expected,
            "from {:?}\nto   {:?}\nnot  {:?}",
            String::from_utf8_lossy(input),
            String::from_utf8_lossy(&found),
            String::from_utf8_lossy(expected)
        );
    }
}

#[test]
fn every_dtype_and_order_is_copied_exactly() {
    let mut case = Case::new();
    for code in CODES {
        let data = elements(code, 6);
        for fortran in [false, true] {
            let file = npy(&native(code), fortran, &[2, 3], &data);
            case.copies_to(&file, &file);
        }
        let size: usize = code[1..].parse().unwrap();
        let foreign = if cfg!(target_endian = "little") { ">" } else { "<" };
        let swapped: Vec<u8> = data.chunks(size).flat_map(|element| element.iter().rev().copied()).collect();
        case.copies_to(
            &npy(&format!("{foreign}{code}"), false, &[6], &swapped),
            &npy(&native(code), false, &[6], &data),
        );
    }
    assert_eq!(case.n_done, 33);
}

#[test]
fn arrays_of_no_axes_and_of_no_elements() {
    let mut case = Case::new();
    for shape in [&[][..], &[0], &[3, 0, 2], &[1, 1, 1]] {
        let n = shape.iter().product();
        let file = npy(&native("f8"), false, shape, &elements("f8", n));
        case.copies_to(&file, &file);
    }
}

#[test]
fn later_format_versions() {
    let mut case = Case::new();
    let data = elements("i4", 3);
    let expected = npy(&native("i4"), false, &[3], &data);
    for version in [2, 3] {
        let header = format!("{{'shape': (3,), 'fortran_order': False, 'descr': '{}'}}\n", native("i4"));
        let mut file = b"\x93NUMPY".to_vec();
        file.extend([version, 0]);
        file.extend((header.len() as u32).to_le_bytes());
        file.extend(header.into_bytes());
        file.extend(&data);
        case.copies_to(&file, &expected);
    }
}

#[test]
fn the_output_may_be_an_input() {
    let case = Case::new();
    case.write("a.npy", &doubles(&[1.0, 2.5, -3.0]));
    run(case.directory.path(), &["eval", "a + a", "a=a.npy", "-o", "a.npy"], 0);
    assert_eq!(fs::read(case.directory.path().join("a.npy")).unwrap(), doubles(&[2.0, 5.0, -6.0]));
    assert_eq!(files(case.directory.path()), ["a.npy"]);
}

#[test]
fn failures_leave_everything_as_it_was() {
    let case = Case::new();
    let directory = case.directory.path();
    case.write("out.npy", b"old");
    case.write("short.npy", &npy(&native("f8"), false, &[3], &[0; 23]));
    for args in [
        &["eval", "a + b", "a=ones(3)", "b=ones(4)", "-o", "out.npy"][..],
        &["eval", "a + c", "a=ones(3)", "-o", "out.npy"],
        &["eval", "a +", "a=ones(3)", "-o", "out.npy"],
        &["eval", "a", "a=short.npy", "-o", "out.npy"],
        &["eval", "a", "a=missing.npy", "-o", "out.npy"],
        &["eval", "a", "a=ones(3)", "-o", "missing/out.npy"],
    ] {
        let (stdout, stderr) = run(directory, args, 1);
        assert!(stdout.is_empty() && stderr.starts_with("error: "), "{args:?}\n{stdout}\n{stderr}");
        assert_eq!(files(directory), ["out.npy", "short.npy"], "{args:?}");
        assert_eq!(fs::read(directory.join("out.npy")).unwrap(), b"old", "{args:?}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let case = Case::new();
    let directory = case.directory.path();
    case.write("complex.npy", &npy("<c16", false, &[1], &[0; 16]));
    case.write("text.npy", b"hello");
    case.write("empty.npy", b"");
    fs::create_dir(directory.join("dir.npy")).unwrap();
    for (args, code, part) in [
        (&["eval", "a", "a=complex.npy"][..], 1, "`complex.npy`: elements of dtype `<c16` (complex)"),
        (&["eval", "a", "a=text.npy"], 1, "`text.npy`: not a .npy file"),
        (&["eval", "a", "a=empty.npy"], 1, "it is empty"),
        (&["eval", "a", "a=dir.npy"], 1, "`dir.npy`"),
        (&["eval", "a", "a=text.npz:k"], 1, "cannot open `text.npz`"),
        (&["eval", "a", "a=zeros(1e15)"], 1, "8.0 PB"),
        (&["eval", "a", "a=nothing"], 1, "a source is file.npy"),
        (&["eval", "a", "a=lnspace(0,1,3)"], 2, "did you mean `linspace`?"),
        (&["eval", "a", "a=300u8"], 2, "not a value of uint8"),
        (&["eval", "a", "a"], 2, "expected NAME=SOURCE"),
        (&["eval", "a", "2a=3"], 2, "cannot be a variable's name"),
        (&["eval", "a", "a=3", "a=4"], 2, "`a` is given twice"),
        (&["eval", "a", "a=3", "-o", "a.txt"], 2, "only .npy files can be written"),
        (&["eval", "a", "a=3", "-o", "dir.npy"], 1, "it is a directory"),
        (&["eval", "a", "a=3", "--backend", "gpu"], 2, "jit"),
        (&["eval", "a", "a=3", "--threads", "0"], 2, "--threads"),
        (&["eval", "--stat", "a", "a=3"], 2, "unknown option"),
        (&["explain", "a", "a=f65"], 2, "did you mean `f64`?"),
        (&["explain", "a", "a=f64", "a=f32"], 2, "`a` is given twice"),
        (&["explain", "a", "b=f64"], 1, "error: "),
        (&["functions", "nosuchfunction"], 2, "no function matches"),
        (&["evaluate"], 2, "unrecognized subcommand"),
        (&[], 2, "Usage"),
    ] {
        let (stdout, stderr) = run(directory, args, code);
        assert!(stderr.contains(part), "{args:?}: {part:?} not in\n{stderr}");
        assert_eq!(stdout, "", "{args:?}");
    }
}

#[test]
fn results_are_printed() {
    let case = Case::new();
    for (args, expected) in [
        (&["eval", "a", "a=arange(3)"][..], "[0 1 2]\nint64[3]\n"),
        (&["eval", "a", "a=linspace(0, 1, 5)"], "[0.   0.25 0.5  0.75 1.  ]\nfloat64[5]\n"),
        (&["eval", "a", "a=full((2, 2), true)"], "[[ True  True]\n [ True  True]]\nbool[2, 2]\n"),
        (&["eval", "a", "a=zeros((3, 0), f32)"], "[]\nfloat32[3, 0]\n"),
        (
            &["eval", "a", "a=arange(1e6)"],
            "[0.00000e+00 1.00000e+00 2.00000e+00 ... 9.99997e+05 9.99998e+05\n 9.99999e+05]\nfloat64[1000000]\n",
        ),
        (&["eval", "a", "a=2.5"], "2.5\nfloat64\n"),
        (&["eval", "a + b", "a=1.5", "b=linspace(0, 2, 3)", "--threads", "1"], "[1.5 2.5 3.5]\nfloat64[3]\n"),
    ] {
        let (stdout, stderr) = run(case.directory.path(), args, 0);
        assert_eq!((stdout.as_str(), stderr.as_str()), (expected, ""), "{args:?}");
    }
}

#[test]
fn generated_arrays_are_the_same_every_time() {
    let case = Case::new();
    let first = run(case.directory.path(), &["eval", "a", "a=random((3, 3))"], 0);
    assert_eq!(first, run(case.directory.path(), &["eval", "a", "a=random((3, 3))"], 0));
    assert_ne!(first, run(case.directory.path(), &["eval", "b", "b=random((3, 3))"], 0));
}

#[test]
fn statistics_go_to_stderr() {
    let case = Case::new();
    let args = ["eval", "a + b", "a=ones(1e4)", "b=ones(1e4)", "--stats", "--threads", "1", "-o", "c.npy"];
    let (stdout, stderr) = run(case.directory.path(), &args, 0);
    assert_eq!(stdout, "");
    for part in
        ["result    float64[10000]", "backend   ", "threads   1", "compile   ", "run       ", "moved     240.0 kB"]
    {
        assert!(stderr.contains(part), "{part:?} not in\n{stderr}");
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    // 2^16 elements on 16 axes are printed in full, far more than a pipe holds.
    let source = format!("a=ones(2{})", "x2".repeat(15));
    let mut child = Command::new(env!("CARGO_BIN_EXE_ndexpr"))
        .args(["eval", "a", &source])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 16];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut start).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(&start, b"[[[[[[[[[[[[[[[[");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn functions_stages_and_benchmarks() {
    let case = Case::new();
    let directory = case.directory.path();
    let (stdout, _) = run(directory, &["functions", "sin"], 0);
    assert!(stdout.starts_with("FUNCTION") && stdout.contains("sin(x)"), "{stdout}");
    let (stdout, _) = run(directory, &["functions", "--json"], 0);
    assert!(stdout.starts_with('[') && stdout.contains("\"name\": \"sin\""), "{stdout}");
    let (stdout, _) = run(directory, &["explain", "a + b", "a=f64[1000]", "b=f64"], 0);
    for stage in ["ast", "hir", "opt", "fuse", "tape", "outline", "clif", "asm"] {
        assert!(stdout.contains(&format!("== {stage} ==\n")), "{stage} not in\n{stdout}");
    }
    let (stdout, _) = run(directory, &["explain", "a + b", "a=f64[1000]", "b=f64", "--stage", "tape"], 0);
    assert!(!stdout.is_empty() && !stdout.contains("=="), "{stdout}");
    let (stdout, _) = run(directory, &["bench", "a + b", "a=ones(100)", "b=ones(100)", "--json", "--threads", "1"], 0);
    assert!(stdout.contains("\"ns_per_element\"") && stdout.contains("\"fused, output reused\""), "{stdout}");
    let (stdout, _) = run(directory, &["bench", "a + b", "a=ones(100)", "b=ones(100)", "--threads", "2"], 0);
    assert!(stdout.contains("copying as many bytes"), "{stdout}");
}

#[cfg(unix)]
#[test]
fn sources_may_be_pipes() {
    let case = Case::new();
    let file = npy(&native("i2"), false, &[2], &[1, 0, 2, 0]);
    case.write("a.npy", &file);
    let stdin = fs::File::open(case.directory.path().join("a.npy")).unwrap();
    let mut cat = Command::new("cat").stdin(stdin).stdout(Stdio::piped()).spawn().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ndexpr"))
        .args(["eval", "a", "a=/dev/stdin"])
        .stdin(cat.stdout.take().unwrap())
        .output()
        .unwrap();
    cat.wait().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[1 2]\nint16[2]\n", "{output:?}");
}
