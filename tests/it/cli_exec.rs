//! `ndexpr exec`: arrays updated in their files, or in new ones; and `ndexpr explain` of such texts.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;

use crate::cli::{doubles, files, native, npy, run};

/// Elements by row and column.
type Grid = Vec<Vec<f64>>;

fn grid(n_rows: usize, n_columns: usize) -> Grid {
    let value = |row: usize, column: usize| ((row * 31 + column * 17) % 23) as f64 * 0.25;
    (0..n_rows).map(|row| (0..n_columns).map(|column| value(row, column)).collect()).collect()
}

/// A file of a grid, in either order.
fn file_of(grid: &Grid, fortran: bool) -> Vec<u8> {
    let (n_rows, n_columns) = (grid.len(), grid[0].len());
    let all = 0..n_rows * n_columns;
    let values: Vec<u8> = match fortran {
        false => all.flat_map(|at| grid[at / n_columns][at % n_columns].to_ne_bytes()).collect(),
        true => all.flat_map(|at| grid[at % n_rows][at / n_rows].to_ne_bytes()).collect(),
    };
    npy(&native("f8"), fortran, &[n_rows, n_columns], &values)
}

/// A step of diffusion, from the values before it.
fn diffused(u: &Grid) -> Grid {
    let mut new = u.clone();
    for row in 1..u.len() - 1 {
        for column in 1..u[0].len() - 1 {
            let around = u[row - 1][column] + u[row + 1][column] + u[row][column - 1] + u[row][column + 1];
            new[row][column] = u[row][column] + 0.125 * (around - 4.0 * u[row][column]);
        }
    }
    new
}

const DIFFUSION: &str =
    "u[1:-1, 1:-1] += 0.125*(u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4*u[1:-1, 1:-1])";

#[track_caller]
fn assert_holds(path: &Path, expected: &[u8]) {
    let found = fs::read(path).unwrap();
    assert!(found == expected, "{}: {:?}\nnot {:?}", path.display(), &found[128..], &expected[128..]);
}

/// What changes when a file is replaced.
#[cfg(unix)]
fn file_number(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

#[cfg(not(unix))]
fn file_number(_path: &Path) -> u64 {
    0
}

#[test]
fn files_of_both_orders_are_updated_in_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("u.npy");
    let grid = grid(9, 14);
    for fortran in [false, true] {
        for backend in ["jit", "interp"] {
            fs::write(&path, file_of(&grid, fortran)).unwrap();
            let number = file_number(&path);
            let output = run(directory.path(), &["exec", DIFFUSION, "u=u.npy", "--backend", backend], 0);
            assert_eq!(output, (String::new(), String::new()));
            assert_holds(&path, &file_of(&diffused(&grid), fortran));
            assert_eq!(file_number(&path), number);
        }
    }
    assert_eq!(files(directory.path()), ["u.npy"]);
}

#[test]
fn a_new_file_has_the_source_s_order_and_leaves_the_source() {
    let directory = tempfile::tempdir().unwrap();
    let (source, new) = (directory.path().join("u.npy"), directory.path().join("new.npy"));
    let grid = grid(9, 14);
    for fortran in [false, true] {
        fs::write(&source, file_of(&grid, fortran)).unwrap();
        run(directory.path(), &["exec", DIFFUSION, "u=u.npy", "-o", "u=new.npy"], 0);
        assert_holds(&new, &file_of(&diffused(&grid), fortran));
        assert_holds(&source, &file_of(&grid, fortran));
    }
    // The new file may take the place of the source.
    let number = file_number(&source);
    run(directory.path(), &["exec", DIFFUSION, "u=u.npy", "-o", "u=u.npy"], 0);
    assert_holds(&source, &file_of(&diffused(&grid), true));
    assert!(cfg!(not(unix)) || file_number(&source) != number);
    assert_eq!(files(directory.path()), ["new.npy", "u.npy"]);
}

#[test]
fn statements_see_what_statements_before_them_wrote() {
    let directory = tempfile::tempdir().unwrap();
    let (u, v) = (directory.path().join("u.npy"), directory.path().join("v.npy"));
    fs::write(&u, doubles(&[1.0, 2.0, 4.0, 8.0])).unwrap();
    fs::write(&v, doubles(&[10.0, 20.0, 30.0, 40.0])).unwrap();
    let text = "u += v; u[1:] += u[:-1]; v[::2] = 0; m = max(u); return m, u[0]";
    let (stdout, _) = run(directory.path(), &["exec", text, "u=u.npy", "v=v.npy"], 0);
    // u: 11 22 34 48, then each with its left neighbour added.
    assert_holds(&u, &doubles(&[11.0, 33.0, 56.0, 82.0]));
    assert_holds(&v, &doubles(&[0.0, 20.0, 0.0, 40.0]));
    assert_eq!(stdout, "82.0\nm: float64\n11.0\n1: float64\n");
    // One array in place, another in a new file.
    run(directory.path(), &["exec", "u -= k; v += u", "u=u.npy", "v=v.npy", "k=1", "-o", "v=w.npy"], 0);
    assert_holds(&u, &doubles(&[10.0, 32.0, 55.0, 81.0]));
    assert_holds(&v, &doubles(&[0.0, 20.0, 0.0, 40.0]));
    assert_holds(&directory.path().join("w.npy"), &doubles(&[10.0, 52.0, 55.0, 121.0]));
    let (stdout, _) = run(directory.path(), &["exec", "u[0] = 5; return sum(u)", "u=u.npy"], 0);
    assert_eq!(stdout, "173.0\nfloat64\n");
}

#[test]
fn any_source_may_go_to_a_new_file() {
    let directory = tempfile::tempdir().unwrap();
    let foreign = if cfg!(target_endian = "little") { ">f8" } else { "<f8" };
    let swapped: Vec<u8> = [1.0_f64, 2.0].iter().flat_map(|value| value.to_ne_bytes().into_iter().rev()).collect();
    fs::write(directory.path().join("foreign.npy"), npy(foreign, false, &[2], &swapped)).unwrap();
    let mut archive = zip::ZipWriter::new(fs::File::create(directory.path().join("data.npz")).unwrap());
    archive.start_file("u.npy", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut archive, &doubles(&[5.0, 6.0])).unwrap();
    archive.finish().unwrap();
    for (source, expected) in [
        ("u=foreign.npy", doubles(&[2.0, 3.0])),
        ("u=data.npz:u", doubles(&[6.0, 7.0])),
        ("u=zeros(3)", doubles(&[1.0; 3])),
        ("u=zeros(0)", doubles(&[])),
        ("u=2.5", npy(&native("f8"), false, &[], &3.5_f64.to_ne_bytes())),
    ] {
        run(directory.path(), &["exec", "u += 1", source, "-o", "u=new.npy"], 0);
        assert_holds(&directory.path().join("new.npy"), &expected);
    }
}

#[test]
fn what_is_wrong_is_said_and_nothing_changes() {
    const NEW_FILE: &str = "\n  = to write the updated array to a new file, add `-o u=FILE.npy`";
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let u = doubles(&[1.0, 2.0, 3.0]);
    for name in ["u.npy", "v.npy", "fixed.npy"] {
        fs::write(path(name), &u).unwrap();
    }
    let mut permissions = fs::metadata(path("fixed.npy")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path("fixed.npy"), permissions).unwrap();
    let foreign = if cfg!(target_endian = "little") { ">f8" } else { "<f8" };
    fs::write(path("foreign.npy"), npy(foreign, false, &[3], &[0; 24])).unwrap();
    fs::write(path("short.npy"), &u[..u.len() - 1]).unwrap();
    fs::write(path("empty.npy"), "").unwrap();
    fs::create_dir(path("dir.npy")).unwrap();
    fs::hard_link(path("u.npy"), path("linked.npy")).unwrap();
    let before = files(directory.path());
    for (args, code, part) in [
        (
            &["u += 1", "u=3"][..],
            2,
            &format!("`u`, which is a number; only .npy files are updated in place{NEW_FILE}")[..],
        ),
        (
            &["u += 1", "u=ones(3)"],
            2,
            &format!("`u`, which is a generated array; {}{NEW_FILE}", "only .npy files are updated in place"),
        ),
        (&["u += 1", "u=u.npz:u"], 2, "`u`, which comes from an archive"),
        (
            &["u += 1", "u=foreign.npy"],
            1,
            &format!(
                "cannot update `foreign.npy` in place: its elements have the byte order of other machines{NEW_FILE}"
            ),
        ),
        (&["u += 1", "u=fixed.npy"], 1, "cannot update `fixed.npy` in place: it "),
        (&["u += 1", "u=short.npy"], 1, "`short.npy`: the file is truncated: [3] float64 need 24 bytes, there are 23"),
        (&["u += 1", "u=empty.npy"], 1, "`empty.npy`: not a .npy file"),
        (&["u += 1", "u=dir.npy"], 1, "dir.npy` in place: it "),
        (&["u += 1", "u=missing.npy"], 1, "cannot open `missing.npy`"),
        (&["u += 1", "u=nothing"], 1, "a source is file.npy"),
        (&["u += v", "u=u.npy", "v=./u.npy"], 2, "`u` and `v` are the same file, and `u` is updated in place\n"),
        #[cfg(unix)]
        (&["u += v", "u=u.npy", "v=linked.npy"], 2, "`u` and `v` are the same file"),
        (&["u += 1; v += 1", "u=u.npy", "v=u.npy"], 2, "`u` and `v` are the same file"),
        (
            &["u += 1; v += 1", "u=u.npy", "v=v.npy", "-o", "v=dir.npy/../u.npy"],
            2,
            "`v` would replace `u.npy`, in which `u` is",
        ),
        (&["u += 1", "v=v.npy"], 2, "updates `u`, which is not given; did you mean `v`?\n  = give it: u=FILE.npy"),
        (&["u*2", "u=u.npy"], 2, "the text updates no array\n"),
        (
            &["u += 1", "u=u.npy", "-o", "w=w.npy"],
            2,
            "`-o w=...` needs an array that the text updates; did you mean `u`?",
        ),
        (&["u += 1", "u=u.npy", "-o", "w.npy"], 2, "say which array `w.npy` is for: -o NAME=w.npy"),
        (
            &["u += v; v += u", "u=u.npy", "v=v.npy", "-o", "u=w.npy", "-o", "v=w.npy"],
            2,
            "two arrays would be written to `w.npy`",
        ),
        (&["u += 1", "u=u.npy", "-o", "u=w.npy", "-o", "u=x.npy"], 2, "`u` is written to two files"),
        (&["u += 1", "u=u.npy", "-o", "u=fixed.npy"], 1, "cannot write `fixed.npy`: it is read-only"),
        (&["u += 1", "u=u.npy", "u=v.npy"], 2, "`u` is given twice"),
        (&["u += 1", "u=u.npy", "v=v.npy"], 1, "does not use the variable `v`"),
        (&["u += x", "u=u.npy"], 1, "error: "),
        (&["u +=", "u=u.npy"], 1, "error: "),
    ] {
        let args = [&["exec"], args].concat();
        let (stdout, stderr) = run(directory.path(), &args, code);
        assert!(stderr.starts_with("error: ") && stderr.contains(part), "{args:?}: {part:?} not in\n{stderr}");
        assert_eq!((stdout.as_str(), files(directory.path())), ("", before.clone()), "{args:?}");
        for name in ["u.npy", "v.npy", "fixed.npy"] {
            assert_holds(&path(name), &u);
        }
    }
}

/// The second statement fails, after the first has run.
#[test]
fn after_a_failure_files_have_what_was_written_and_new_files_do_not_appear() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("u.npy");
    let text = "u += 1; u[1:] += u[:-1]*v";
    let fails = |options: &[&str]| {
        fs::write(&path, doubles(&[1.0, 2.0, 3.0])).unwrap();
        let args = [&["exec", text, "u=u.npy", "v=ones(7)"], options].concat();
        let (stdout, stderr) = run(directory.path(), &args, 1);
        assert!(stdout.is_empty() && stderr.contains("do not broadcast"), "{stderr}");
        assert_eq!(files(directory.path()), ["u.npy"]);
        stderr
    };
    let stderr = fails(&[]);
    assert!(stderr.ends_with("  = updates in place stay as far as they came: `u.npy`\n"), "{stderr}");
    assert_holds(&path, &doubles(&[2.0, 3.0, 4.0]));
    for new in ["u=u.npy", "u=new.npy"] {
        let stderr = fails(&["-o", new]);
        assert!(!stderr.contains("updates in place"), "{stderr}");
        assert_holds(&path, &doubles(&[1.0, 2.0, 3.0]));
    }
}

#[test]
fn statistics_show_what_was_updated() {
    let directory = tempfile::tempdir().unwrap();
    let args =
        ["exec", "u += v; return sum(u)", "u=zeros(1e4)", "v=ones(1e4)", "-o", "u=u.npy", "--stats", "--threads", "1"];
    let (stdout, stderr) = run(directory.path(), &args, 0);
    assert_eq!(stdout, "10000.0\nfloat64\n");
    // 80 kB of `v`, and 80 kB of `u` both read and written.
    for part in ["updated   u: float64[10000]\nresult    float64\nbackend   ", "threads   1", "moved     240.0 kB"] {
        assert!(stderr.contains(part), "{part:?} not in\n{stderr}");
    }
}

#[test]
fn phases_are_explained() {
    let directory = tempfile::tempdir().unwrap();
    let types = ["u=f64[100]", "v=f64[100]"];
    let explain =
        |text: &str, more: &[&str]| run(directory.path(), &[&["explain", text], &types[..], more].concat(), 0).0;
    let text = "u += v; u[1:] += u[:-1]";
    let fused = explain(text, &["--stage", "fuse"]);
    assert!(fused.starts_with("phase 0\n") && fused.contains("\nphase 1\n") && fused.contains("u[:-1]"), "{fused}");
    let all = explain(text, &[]);
    for stage in ["ast", "hir", "opt", "fuse", "tape", "outline", "clif", "asm"] {
        assert!(all.contains(&format!("== {stage} ==\n")), "{stage} not in\n{all}");
    }
    assert!(!explain("u += v", &["--stage", "fuse"]).contains("phase"));
    for (types, part) in [
        (&["v=f64[100]"][..], "updates `u`, which has no type; give it an array's, such as u=f64[1000]"),
        (&["u=f64", "v=f64"], "updates `u`, which is a scalar"),
    ] {
        let (_, stderr) = run(directory.path(), &[&["explain", "u += v"], types].concat(), 2);
        assert!(stderr.contains(part), "{stderr}");
    }
}
