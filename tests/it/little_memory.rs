//! With little address space left, evaluation ends in an error, not in the end of the process.
#![cfg(target_os = "linux")]

use ndexpr::{DynArray, Engine, ErrorKind, View, vars};
use std::process::Command;

/// Leaves the process so much address space beside what it has.
fn leave(n_bytes: u64) {
    let status = std::fs::read_to_string("/proc/self/statm").expect("what the process has");
    let n_pages: u64 = status.split(' ').next().and_then(|n| n.parse().ok()).expect("its size in pages");
    let limit = n_pages * 4096 + n_bytes;
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: the pointer is to a value that lives as long as the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

/// Runs an ignored test of this file in a process of its own.
fn run_alone(name: &str) {
    let tests = std::env::current_exe().expect("the tests");
    let output = Command::new(tests)
        .args([name, "--exact", "--ignored", "--test-threads=1", "--nocapture"])
        // Otherwise glibc reserves address space for each thread, which is memory that is left.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .expect("the tests start");
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{:?}:\n{}", output.status, printed.join("\n"));
    assert!(printed[0].contains("1 passed"), "{printed:?}");
}

#[test]
fn there_is_an_error_when_memory_runs_out() {
    run_alone("little_memory::compiling");
    run_alone("little_memory::results_and_reductions");
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn compiling() {
    let engine = Engine::builder().threads(1).build().unwrap();
    let a = [1.0, 2.0];
    let before: f64 = engine.evaluate("sum(a) + 1", &vars! { a }).unwrap();
    leave(10 << 20);
    let error = engine.evaluate::<DynArray>("exp(a) * 3", &vars! { a }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory, "{error}");
    // What is compiled still runs.
    assert_eq!(engine.evaluate::<f64>("sum(a) + 1", &vars! { a }).unwrap(), before);
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn results_and_reductions() {
    let engine = Engine::builder().threads(1).build().unwrap();
    let small = ndarray::Array2::<f64>::ones((300, 300));
    let texts = ["a + 1", "sum(a)", "sum(a, axis=0)", "sum(a, axis=1)", "cumsum(a, axis=0)", "var(a)", "any(a < 0)"];
    let texts = texts.into_iter().chain(["argmax(a)", "a - mean(a)", "max(a + a, axis=1)"]);
    for text in texts.clone() {
        engine.evaluate::<DynArray>(text, &vars! { a: &small }).expect(text);
    }
    leave(16 << 20);
    // 2^46 elements, all the same one.
    let one = ndarray::arr2(&[[1.0]]);
    let huge = View::from(&one).broadcast_to(&[1 << 23, 1 << 23]).unwrap();
    for text in texts {
        // Whole reductions would take days; what they are asked for here is that they do not abort.
        let is_endless = matches!(text, "sum(a)" | "var(a)" | "any(a < 0)" | "argmax(a)");
        if !is_endless {
            let error = engine.evaluate::<DynArray>(text, &vars! { a: huge.clone() }).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Memory, "{text}: {error}");
        }
    }
}
