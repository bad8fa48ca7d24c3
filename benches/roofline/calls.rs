//! What a call costs besides its loop, and what waiting threads cost afterwards.

use crate::contest::{Contest, Way};
use crate::data::Data;
use ndarray::Array1;
use ndexpr::{Engine, Vars, vars};
use ndexpr_runtime::pool::Pool;
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Calls of one element, and of a pool with nothing to do.
pub(crate) fn contests<'a>(data: &'a Data, engine: &'a Engine) -> Vec<Contest<'a>> {
    let a = || Vars::new().with("a", &data.a[..1]);
    let both = || a().with("b", &data.b[..1]);
    let run = |text: &str, vars: Vars<'a>| {
        let program = engine.program(text, &vars).expect("it is an expression");
        let mut out = [0.0];
        Way::new(move || program.run(black_box(&vars), black_box(&mut out[..])).expect("shapes fit"))
    };
    // Variables are collected for each call, as a caller would.
    let evaluate_into = {
        let mut out = [0.0];
        Way::new(move || {
            let vars = vars! { a: &data.a[..1], b: &data.b[..1] };
            engine.evaluate_into("a + b*2", &vars, black_box(&mut out[..])).expect("it is an expression");
        })
    };
    let evaluate = Way::new(|| {
        let vars = vars! { a: &data.a[..1], b: &data.b[..1] };
        _ = black_box(engine.evaluate::<Array1<f64>>("a + b*2", &vars).expect("it is an expression"));
    });
    let mut contests = vec![
        Contest::new("Program::run, a + 1", 1, run("a + 1", a())),
        Contest::new("Program::run, a + b", 1, run("a + b", both())),
        Contest::new("evaluate_into, a + b*2", 1, evaluate_into),
        Contest::new("evaluate, a + b*2", 1, evaluate),
    ];
    if engine.threads() > 1 {
        let pool = Pool::new(2).expect("two threads");
        contests.push(Contest::new("fork and join, 2 hot threads", 1, Way::new(move || meet(&pool))));
    }
    contests
}

/// Two chunks, each of which waits until both have begun.
fn meet(pool: &Pool) {
    let n_begun = AtomicUsize::new(0);
    pool.run(2, 2, |_, _| {
        n_begun.fetch_add(1, Ordering::Relaxed);
        while n_begun.load(Ordering::Relaxed) < 2 {
            spin_loop();
        }
    });
}

/// The time from the last call until threads should sleep.
const SETTLED: Duration = Duration::from_millis(5);

const IDLE: Duration = Duration::from_millis(100);

/// The nanoseconds of processor time that all other threads of the process use in [`IDLE`],
/// beginning [`SETTLED`] after a call with many threads. None if the system does not tell.
pub(crate) fn idle_cpu_ns(data: &Data, engine: &Engine) -> Option<u64> {
    let sum: f64 = engine.evaluate("sum(sin(a))", &vars! { a: &data.a[..] }).expect("it is an expression");
    black_box(sum);
    std::thread::sleep(SETTLED);
    let before = cpu_ns_of_others()?;
    std::thread::sleep(IDLE);
    Some(cpu_ns_of_others()?.saturating_sub(before))
}

/// As the scheduler counts it, to the nanosecond. This thread is left out, because reading the time
/// takes time.
fn cpu_ns_of_others() -> Option<u64> {
    let this = std::fs::read_link("/proc/thread-self").ok()?;
    let mut sum = 0_u64;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let task = task.ok()?;
        if Some(task.file_name().as_os_str()) == this.file_name() {
            continue;
        }
        let times = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        sum += times.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(sum)
}
