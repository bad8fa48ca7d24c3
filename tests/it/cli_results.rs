//! `ndexpr eval` and `ndexpr bench` with texts of several results.
#![cfg(feature = "cli")]

use std::fs;

use crate::cli::{doubles, files, native, npy, run};

const TEXT: &str = "y = a*2; return y, sum(a), a > 1";

/// What `TEXT` gives for `a=arange(3.0)`, as files.
fn expected() -> [Vec<u8>; 3] {
    [
        doubles(&[0.0, 2.0, 4.0]),
        npy(&native("f8"), false, &[], &3_f64.to_ne_bytes()),
        npy("|b1", false, &[3], &[0, 0, 1]),
    ]
}

#[test]
fn each_result_is_printed_with_its_name_or_number() {
    let directory = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (TEXT, "[0. 2. 4.]\ny: float64[3]\n3.0\n1: float64\n[False False  True]\n2: bool[3]\n"),
        ("a, a", "[0. 1. 2.]\na: float64[3]\n[0. 1. 2.]\na: float64[3]\n"),
        ("return a + 1,", "[1. 2. 3.]\n0: float64[3]\n"),
        ("b = a + 1; return b", "[1. 2. 3.]\nfloat64[3]\n"),
    ] {
        let (stdout, stderr) = run(directory.path(), &["eval", text, "a=arange(3.0)"], 0);
        assert_eq!((stdout.as_str(), stderr.as_str()), (expected, ""), "{text}");
    }
}

#[test]
fn results_go_to_files_by_name_or_in_order() {
    let expected = expected();
    for (options, written, printed) in [
        (&["-o", "0.npy", "-o", "1.npy", "-o", "2.npy"][..], &[0, 1, 2][..], ""),
        (&["-o", "0.npy", "--output", "1.npy"], &[0, 1], "[False False  True]\n2: bool[3]\n"),
        (&["-o", "y=0.npy"], &[0], "3.0\n1: float64\n[False False  True]\n2: bool[3]\n"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let args = [&["eval", TEXT, "a=arange(3.0)"], options].concat();
        let (stdout, stderr) = run(directory.path(), &args, 0);
        assert_eq!((stdout.as_str(), stderr.as_str()), (printed, ""), "{args:?}");
        let names: Vec<String> = written.iter().map(|number| format!("{number}.npy")).collect();
        assert_eq!(files(directory.path()), names, "{args:?}");
        for (number, name) in written.iter().zip(names) {
            assert_eq!(fs::read(directory.path().join(name)).unwrap(), expected[*number], "{args:?}");
        }
    }
}

#[test]
fn names_come_in_any_order_and_files_may_look_like_names() {
    let directory = tempfile::tempdir().unwrap();
    let text = "lo = min(a); hi = max(a); return lo, hi";
    run(directory.path(), &["eval", text, "a=arange(3.0)", "-o", "hi=h.npy", "-o", "lo=l.npy"], 0);
    let value = |name: &str| run(directory.path(), &["eval", "a", &format!("a={name}")], 0).0;
    assert_eq!((value("l.npy"), value("h.npy")), ("0.0\nfloat64\n".to_owned(), "2.0\nfloat64\n".to_owned()));
    run(directory.path(), &["eval", "a", "a=7", "-o", "./a=b.npy"], 0);
    assert_eq!(files(directory.path()), ["a=b.npy", "h.npy", "l.npy"]);
    // A single result has a name if the text returns one.
    run(directory.path(), &["eval", "b = a + 1; return b", "a=7", "-o", "b=b.npy"], 0);
    assert_eq!(value("b.npy"), "8\nint64\n");
}

/// The memory order of each file is that of its result.
#[test]
fn each_file_has_the_order_of_its_result() {
    let directory = tempfile::tempdir().unwrap();
    let header = |name: &str| {
        let bytes = fs::read(directory.path().join(name)).unwrap();
        String::from_utf8_lossy(&bytes[10..128]).into_owned()
    };
    run(directory.path(), &["eval", "a + 1, a.T + 1", "a=ones((2, 3))", "-o", "c.npy", "-o", "f.npy"], 0);
    assert!(header("c.npy").contains("'fortran_order': False, 'shape': (2, 3)"), "{}", header("c.npy"));
    assert!(header("f.npy").contains("'fortran_order': True, 'shape': (3, 2)"), "{}", header("f.npy"));
}

#[test]
fn all_files_appear_or_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("p.npy"), "old").unwrap();
    fs::write(path.join("q.npy"), "older").unwrap();
    for args in [
        &["eval", "a, a + b", "a=ones(3)", "b=ones(4)", "-o", "p.npy", "-o", "q.npy"][..],
        &["eval", "a, a + 1", "a=ones(3)", "-o", "p.npy", "-o", "missing/q.npy"],
        &["eval", "a, nothing", "a=ones(3)", "-o", "p.npy", "-o", "q.npy"],
        // No disk has room for the second result.
        &["eval", "a, a[:, None, None] + a[:, None] + a", "a=ones(1e6)", "-o", "p.npy", "-o", "q.npy"],
    ] {
        let (stdout, stderr) = run(path, args, 1);
        assert!(stdout.is_empty() && stderr.starts_with("error: "), "{args:?}\n{stdout}\n{stderr}");
        assert_eq!(files(path), ["p.npy", "q.npy"], "{args:?}");
        assert_eq!(fs::read(path.join("p.npy")).unwrap(), b"old", "{args:?}");
        assert_eq!(fs::read(path.join("q.npy")).unwrap(), b"older", "{args:?}");
    }
    run(path, &["eval", "a, a + 1", "a=ones(3)", "-o", "p.npy", "-o", "q.npy"], 0);
    assert_eq!(fs::read(path.join("q.npy")).unwrap(), doubles(&[2.0; 3]));
    assert_eq!(files(path), ["p.npy", "q.npy"]);
}

#[test]
fn what_is_wrong_is_said() {
    let directory = tempfile::tempdir().unwrap();
    for (args, code, part) in [
        (&[TEXT, "-o", "p.npy", "-o", "q.npy", "-o", "r.npy", "-o", "s.npy"][..], 2, "4 files are given for 3 results"),
        (&["a", "-o", "p.npy", "-o", "q.npy"], 2, "2 files are given for 1 result;"),
        (&[TEXT, "-o", "yy=p.npy"], 2, "no result by the name `yy`; did you mean `y`?\n  = it returns by name: y\n"),
        (&["a*2", "-o", "y=p.npy"], 2, "it returns nothing by a name; give `-o FILE.npy`"),
        (&["return a, a", "-o", "a=p.npy"], 2, "several results by the name `a`"),
        (&[TEXT, "-o", "y=p.npy", "-o", "q.npy"], 2, "some of the files have names and others have none"),
        (&[TEXT, "-o", "y=p.npy", "-o", "y=q.npy"], 2, "`y` is written to two files"),
        (&[TEXT, "-o", "p.npy", "-o", "./p.npy"], 2, "two arrays would be written to `./p.npy`"),
        (&[TEXT, "-o", "y="], 2, "expected y=FILE.npy, found nothing after the `=`"),
        (&[TEXT, "-o", "y=p.txt"], 2, "cannot write `p.txt`: only .npy files"),
        (&["a += 1"], 1, "to update arrays in .npy files, use `ndexpr exec`"),
    ] {
        let args = [&["eval"], args, &["a=arange(3.0)"]].concat();
        let (stdout, stderr) = run(directory.path(), &args, code);
        assert!(stderr.contains(part), "{args:?}: {part:?} not in\n{stderr}");
        assert_eq!((stdout.as_str(), files(directory.path()).len()), ("", 0), "{args:?}");
    }
}

#[test]
fn statistics_show_every_result() {
    let directory = tempfile::tempdir().unwrap();
    let args = ["eval", "b = a + 1; return b, sum(a)", "a=ones(1e4)", "--stats", "--threads", "1", "-o", "c.npy"];
    let (stdout, stderr) = run(directory.path(), &args, 0);
    assert_eq!(stdout, "10000.0\n1: float64\n");
    // An input and a result of 80 kB, and a number.
    for part in ["result    b: float64[10000]\nresult    1: float64\nbackend   ", "moved     160.0 kB"] {
        assert!(stderr.contains(part), "{part:?} not in\n{stderr}");
    }
}

#[test]
fn benchmarks_of_several_results_and_of_several_operations() {
    let directory = tempfile::tempdir().unwrap();
    for (text, result) in [
        ("a*2 + 1, a - 3", "0: float64[100], 1: float64[100]"),
        ("b = a*2; return b, sum(b)", "b: float64[100], 1: float64"),
        ("a*2 + a", "float64[100]"),
    ] {
        let (stdout, _) = run(directory.path(), &["bench", text, "a=ones(100)", "--threads", "1"], 0);
        assert!(stdout.starts_with(&format!("{text}  ->  {result}  (")), "{stdout}");
        assert!(stdout.contains("one operation at a time"), "{stdout}");
    }
    let (_, stderr) = run(directory.path(), &["bench", "a += 1", "a=ones(3)"], 1);
    assert!(stderr.contains("use `ndexpr exec`"), "{stderr}");
}
