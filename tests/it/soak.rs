//! What many programs leave behind, and many threads at once.
//!
//! `NDEXPR_SOAK=100000 cargo test --release soak` is the long run.

use ndarray::Array1;
use ndexpr::{Backend, DType, Engine, Program, Signature, VarType, vars};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Programs before the first measurement: buffers and tables grow to their final size first.
const N_WARM_UP: usize = 500;

pub(crate) const MAX_GROWTH_KIB: u64 = 16 << 10;

/// Programs that are compiled, run and dropped leave nothing behind.
///
/// The memory is that of a separate process, because the other tests of this one allocate and free
/// meanwhile.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "resident memory is read from /proc")]
fn programs_leave_no_memory_behind() {
    run_alone(module_path!(), "compile_run_and_drop");
}

/// Runs an ignored test of a module in a separate process.
pub(crate) fn run_alone(module: &str, test: &str) {
    let this = std::env::current_exe().expect("the path of the tests");
    let child = Command::new(this)
        .args(["--exact", &format!("{}::{test}", module.split_once("::").unwrap().1)])
        .args(["--ignored", "--nocapture"])
        .output()
        .expect("the child starts");
    let output = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}");
    assert!(output.contains("KiB of growth"), "the child ran no test:\n{output}");
    eprint!("{output}");
}

#[test]
#[ignore = "programs_leave_no_memory_behind runs it"]
fn compile_run_and_drop() {
    let n_programs: usize = std::env::var("NDEXPR_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(2000);
    let start = Instant::now();
    let engine = Engine::builder().threads(2).cache_capacity(64).build().unwrap();
    let a = Array1::from_iter((0..50).map(f64::from));
    let k = 3_i32;
    let one = |i: usize| {
        let text = match i % 5 {
            0 => format!("a*{i} + k"),
            1 => format!("sin(a + {i}) * cos(a*{i})"),
            2 => format!("where(a > {i}, a**3 - k, sqrt(a) + {i}.5)"),
            3 => format!("(k // {}) * a + exp(-a/{i})", i + 1),
            _ => format!("a[{i}"),
        };
        match engine.evaluate::<Array1<f64>>(&text, &vars! { a, k }) {
            Ok(result) => assert_eq!(result.len(), a.len()),
            Err(error) => assert!(i % 5 == 4, "{text}: {error:?}"),
        }
    };
    (0..N_WARM_UP).for_each(one);
    let before = resident_kib();
    (N_WARM_UP..N_WARM_UP + n_programs).for_each(one);
    let growth = resident_kib().saturating_sub(before);
    eprintln!(
        "{n_programs} programs: {growth} KiB of growth from {before} KiB, {:.1} s",
        start.elapsed().as_secs_f64()
    );
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
}

/// Resident memory of this process.
pub(crate) fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a /proc file system");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line for resident memory");
    line.trim().trim_end_matches(" kB").parse().expect("kibibytes")
}

/// Eight threads compile and run the same and different texts, with a cache that is too small for
/// them.
#[test]
fn many_threads_compile_and_run_at_once() {
    const N_THREADS: u64 = 8;
    let engine = Engine::builder().threads(3).cache_capacity(5).build().unwrap();
    let oracle = Engine::builder().backend(Backend::Interp).threads(1).build().unwrap();
    let arrays: Vec<Array1<f64>> =
        [7, 1000, 30_000].map(|n| Array1::from_iter((0..n).map(|i| f64::from(i) * 0.37 - 50.0))).to_vec();
    let texts = [
        "a*2 + 1",
        "sin(a)",
        "exp(-a*a)",
        "where(a > 0, sqrt(a), -a)",
        "a**3",
        "float64(int32(a) // 3)",
        "abs(a) ** 0.7",
        "tanh(a) + cos(a) * sin(a)",
        "atan2(a, a + 1)",
        "float64(uint8(a) << 3)",
        "hypot(a, 3) % 7",
        "log1p(abs(a))",
    ];
    let expected: Vec<Vec<Array1<f64>>> = texts
        .iter()
        .map(|text| arrays.iter().map(|a| oracle.evaluate(text, &vars! { a: a }).unwrap()).collect())
        .collect();
    let same = |x: &Array1<f64>, y: &Array1<f64>| x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits());
    let shared: Arc<Program> =
        engine.compile(texts[7], &Signature::new().with("a", VarType::array(DType::Float64))).unwrap();
    let until = Instant::now() + Duration::from_secs(2);
    let n_runs: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..N_THREADS)
            .map(|worker| {
                let (engine, arrays, expected, shared) = (&engine, &arrays, &expected, &shared);
                scope.spawn(move || {
                    let mut n_runs = 0;
                    let mut choice = worker;
                    while Instant::now() < until {
                        choice = choice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        let (text, array) = ((choice >> 33) as usize % texts.len(), (choice >> 50) as usize % 3);
                        let a = &arrays[array];
                        let found: Array1<f64> = engine.evaluate(texts[text], &vars! { a: a }).unwrap();
                        assert!(same(&found, &expected[text][array]), "{} of {}", texts[text], a.len());
                        // Each thread has another layout, so that kernels are added to the program
                        // while others run it.
                        let step = 1 + (choice >> 40) as isize % 2;
                        let strided = a.slice(ndarray::s![..;step]);
                        let found: Array1<f64> = shared.evaluate(&vars! { a: strided }).unwrap();
                        let wanted = expected[7][array].slice(ndarray::s![..;step]).to_owned();
                        assert!(same(&found, &wanted), "the shared program, every {step}th of {}", a.len());
                        n_runs += 2;
                    }
                    n_runs
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no worker panics")).sum()
    });
    assert!(n_runs > 100, "only {n_runs} runs");
}
