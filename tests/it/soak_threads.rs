//! Sixteen threads that run programs, while engines come and go and the process forks: no wrong
//! bit, no hang, and nothing left behind.
//!
//! `NDEXPR_SOAK_SECONDS=180 cargo test --release --test it soak_threads -- --nocapture` is a long
//! run.

use crate::soak::{MAX_GROWTH_KIB, resident_kib, run_alone};
use ndarray::{Array1, Array2, Axis, s};
use ndexpr::{DType, Element, Engine, FromResult, Program, Signature, VarType, Vars, ViewMut, vars};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

const N_THREADS: usize = 16;

/// How many engines exist at a time.
const N_ENGINES: usize = 4;

/// A thread that makes no progress for so long hangs, however slow the machine is.
const TOO_LONG: Duration = Duration::from_secs(60);

/// Runs in a separate process, because it counts the process's threads and memory, and forks it.
#[test]
fn threads_engines_and_forks() {
    run_alone(module_path!(), "run_for_a_while");
}

#[test]
#[ignore = "threads_engines_and_forks runs it"]
fn run_for_a_while() {
    let seconds = std::env::var("NDEXPR_SOAK_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1.0);
    return_memory_when_freed();
    let jobs = Jobs::new();
    // Buffers and tables grow to their final size first.
    let warm_up = soak(&jobs, Duration::from_secs_f64(f64::min(seconds, 15.0)));
    let (threads_before, before) = (n_threads(), kept_kib());
    let counts = soak(&jobs, Duration::from_secs_f64(seconds));
    let threads = n_threads();
    let growth = kept_kib().saturating_sub(before);
    eprintln!(
        "{seconds} s after {warm_up:?}: {counts:?}, {threads_before} threads before and {threads} after, {growth} KiB of \
         growth from {before} KiB"
    );
    assert_eq!(threads, threads_before);
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
    assert!(counts.runs > 0 && counts.engines > 0 && counts.forks > 0);
}

/// Makes the allocator return freed memory to the system. By default it keeps megabytes for each of
/// its arenas, and more the longer it runs (glibc adapts its thresholds to the arrays that it has
/// seen freed). A leak would be hard to see.
fn return_memory_when_freed() {
    #[cfg(target_env = "gnu")]
    // SAFETY: both are parameters that may be set at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 << 10);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 128 << 10);
    }
}

/// Resident memory, without free pieces between those in use.
fn kept_kib() -> u64 {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
    resident_kib()
}

/// The number of threads of this process. A thread that was joined may be listed a moment longer,
/// so the number must stay the same for a while.
fn n_threads() -> usize {
    let listed = || std::fs::read_dir("/proc/self/task").expect("a /proc file system").count();
    let (mut n, mut since) = (listed(), Instant::now());
    while since.elapsed() < Duration::from_millis(200) {
        std::thread::sleep(Duration::from_millis(1));
        let now = listed();
        if now != n {
            (n, since) = (now, Instant::now());
        }
    }
    n
}

/// What a soak did.
#[derive(Debug)]
struct Counts {
    #[expect(dead_code, reason = "printed")]
    seconds: u64,
    runs: u64,
    engines: u64,
    forks: u64,
}

/// Runs everything for this time, and ends all that it started.
fn soak(jobs: &Jobs, time: Duration) -> Counts {
    let start = Instant::now();
    let engines = Engines::new();
    let is_over = AtomicBool::new(false);
    let progress: Vec<AtomicU64> = (0..N_THREADS + 2).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        let (engines, is_over) = (&engines, &is_over);
        let run = |k: usize, turn: fn(&Jobs, &Engines, &mut Choice)| {
            let count = &progress[k];
            scope.spawn(move || {
                let mut choice = Choice(k as u64 + 1);
                while !is_over.load(Ordering::Relaxed) {
                    // The others would go on for ever, and the scope would wait for them.
                    if catch_unwind(AssertUnwindSafe(|| turn(jobs, engines, &mut choice))).is_err() {
                        std::process::exit(1);
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let threads: Vec<_> = (0..N_THREADS)
            .map(|k| run(k, |jobs, engines, choice| jobs.one(&engines.any(choice), choice)))
            .chain([run(N_THREADS, |_, engines, choice| engines.replace_one(choice)), run(N_THREADS + 1, fork_one)])
            .collect();
        let mut seen = vec![(0, Instant::now()); progress.len()];
        while !threads.iter().all(|thread| thread.is_finished()) {
            std::thread::sleep(Duration::from_millis(10));
            if start.elapsed() >= time && seen.iter().all(|(count, _)| *count > 0) {
                is_over.store(true, Ordering::Relaxed);
            }
            for (k, (count, since)) in seen.iter_mut().enumerate() {
                let now = progress[k].load(Ordering::Relaxed);
                if now != *count {
                    (*count, *since) = (now, Instant::now());
                } else if since.elapsed() > TOO_LONG && !threads[k].is_finished() {
                    // A panic would wait for the thread that hangs.
                    eprintln!("thread {k} hangs after {now} turns");
                    std::process::exit(1);
                }
            }
        }
    });
    let count = |k: usize| progress[k].load(Ordering::Relaxed);
    Counts {
        seconds: start.elapsed().as_secs(),
        runs: (0..N_THREADS).map(count).sum(),
        engines: count(N_THREADS),
        forks: count(N_THREADS + 1),
    }
}

/// Random numbers.
struct Choice(u64);

impl Choice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// The engines of the moment.
struct Engines(Vec<RwLock<Arc<Engine>>>);

impl Engines {
    fn new() -> Engines {
        Engines((1..=N_ENGINES).map(|threads| RwLock::new(engine(threads, 8))).collect())
    }

    fn any(&self, choice: &mut Choice) -> Arc<Engine> {
        Arc::clone(&self.0[choice.below(N_ENGINES)].read().expect("no thread panics with it"))
    }

    /// Replaces an engine by one with another number of threads. The last user of the old one ends
    /// its threads.
    fn replace_one(&self, choice: &mut Choice) {
        std::thread::sleep(Duration::from_millis(choice.below(20) as u64));
        // Some have no cache, and some a small one.
        let new = engine(1 + choice.below(6), [0, 1, 8, 64][choice.below(4)]);
        let place = &self.0[choice.below(N_ENGINES)];
        let old = std::mem::replace(&mut *place.write().expect("no thread panics with it"), new);
        drop(old);
    }
}

fn engine(threads: usize, cache_capacity: usize) -> Arc<Engine> {
    Arc::new(Engine::builder().threads(threads).cache_capacity(cache_capacity).build().unwrap())
}

/// Forks. The child computes with the parent's engines, which start new threads there, and then
/// with a new engine.
fn fork_one(jobs: &Jobs, engines: &Engines, choice: &mut Choice) {
    std::thread::sleep(Duration::from_millis(choice.below(20) as u64));
    // The locks are taken before the fork: a thread that held one during the fork would not exist
    // in the child.
    let engines: Vec<Arc<Engine>> = (0..N_ENGINES).map(|_| engines.any(choice)).collect();
    // SAFETY: the child has one thread. What it does is evaluations, which go on after a fork,
    // allocations, whose locks glibc keeps in order, and `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // A panic must not get to the test harness.
        let is_good = catch_unwind(AssertUnwindSafe(|| {
            engines.iter().for_each(|engine| (0..3).for_each(|_| jobs.one(engine, choice)));
            let own = engine(3, 8);
            (0..3).for_each(|_| jobs.one(&own, choice));
        }));
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(i32::from(is_good.is_err())) };
    }
    let deadline = Instant::now() + TOO_LONG / 2;
    let mut status = -1;
    // SAFETY: `pid` is a child of this process that nobody else waits for; `status` is writable.
    while unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == 0 {
        if Instant::now() > deadline {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            panic!("the child hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(status, 0, "the child's status");
}

/// Inputs of one size, and the results of plain Rust.
struct Size {
    a: Array1<f64>,
    b: Array1<f64>,
    i: Array1<i64>,
    u: Array1<u8>,
    triad: Array1<f64>,
    horner: Array1<f64>,
    select: Array1<f64>,
    hypotenuse: Array1<f64>,
    wrapped: Array1<u8>,
    is_less: Array1<bool>,
    /// Of integers, whose order of addition does not matter.
    sum: i64,
    running_sum: Array1<i64>,
    largest: f64,
    place: i64,
    shifted: Array1<f64>,
}

/// What threads do.
struct Jobs {
    sizes: Vec<Size>,
    square: [Array2<f64>; 2],
    transposed: Array2<f64>,
    columns: Array1<i64>,
    integers: Array2<i64>,
    /// The results of functions, which plain Rust rounds differently: computed by one thread alone.
    functions: Vec<Array1<f64>>,
    /// A program of an engine that lives all the time, run with other layouts than it was compiled
    /// for.
    shared: Arc<Program>,
}

const HORNER: &str = "((.25*a + .75)*a - 1.5)*a - 2";
const FUNCTIONS: &str = "exp(sin(a)*b)";

impl Jobs {
    fn new() -> Jobs {
        let sizes: Vec<Size> = [1, 1000, 30_000, 300_000].map(Size::new).into();
        let side = 300;
        let square = [0, 1].map(|k| {
            let elements = [&sizes[3].a, &sizes[3].b][k].slice(s![..side * side]).to_owned();
            elements.into_shape_with_order((side, side)).unwrap()
        });
        let integers = sizes[3].i.slice(s![..side * side]).to_owned().into_shape_with_order((side, side)).unwrap();
        let alone = engine(1, 8);
        let functions = |size: &Size| alone.evaluate(FUNCTIONS, &vars! { a: &size.a, b: &size.b }).unwrap();
        let signature =
            Signature::new().with("a", VarType::array(DType::Float64)).with("b", VarType::array(DType::Float64));
        Jobs {
            functions: sizes.iter().map(functions).collect(),
            transposed: Array2::from_shape_fn((side, side), |(i, k)| square[0][[i, k]] + square[1][[k, i]]),
            columns: integers.sum_axis(Axis(0)),
            shared: engine(3, 8).compile("a + b*2", &signature).unwrap(),
            sizes,
            square,
            integers,
        }
    }

    /// Does one of them on this engine. Panics if a bit is wrong.
    fn one(&self, engine: &Engine, choice: &mut Choice) {
        let k = [0, 1, 1, 1, 2, 2, 3][choice.below(7)];
        let size = &self.sizes[k];
        let (a, b, i, u) = (size.a.view(), size.b.view(), size.i.view(), size.u.view());
        match choice.below(16) {
            0 => vector(engine, "a + b*2", vars! { a, b }, &size.triad),
            1 => vector(engine, HORNER, vars! { a }, &size.horner),
            2 => vector(engine, "where(a > 0.5, a*2, b + 1)", vars! { a, b }, &size.select),
            3 => vector(engine, "sqrt(a**2 + b**2)", vars! { a, b }, &size.hypotenuse),
            4 => vector(engine, "u*u + u", vars! { u }, &size.wrapped),
            5 => vector(engine, "a < b", vars! { a, b }, &size.is_less),
            6 => assert_eq!(engine.evaluate::<i64>("sum(i)", &vars! { i }).unwrap(), size.sum),
            7 => vector(engine, "cumsum(i)", vars! { i }, &size.running_sum),
            8 => assert_eq!(engine.evaluate::<f64>("max(a)", &vars! { a }).unwrap().to_bits(), size.largest.to_bits()),
            9 => assert_eq!(engine.evaluate::<i64>("argmax(a)", &vars! { a }).unwrap(), size.place),
            10 => vector(engine, "a - min(a)", vars! { a }, &size.shifted),
            11 => vector(engine, FUNCTIONS, vars! { a, b }, &self.functions[k]),
            12 => {
                let [a, b] = self.square.each_ref().map(|square| square.view());
                let result: Array2<f64> = engine.evaluate("a + b", &vars! { a, b: b.t() }).unwrap();
                assert!(result == self.transposed, "a + b.T");
            }
            13 => vector(engine, "sum(i, axis=0)", vars! { i: &self.integers }, &self.columns),
            14 => {
                // A strided output, and a program that other threads run meanwhile.
                let mut out = Array1::from_elem(2 * a.len(), -1.0);
                let step = 1 + choice.below(2);
                let out = &mut out.slice_mut(s![..a.len() * step; step]);
                self.shared.run(&vars! { a, b }, ViewMut::from(out.view_mut())).unwrap();
                assert!(*out == size.triad, "a + b*2 into every {step}.");
            }
            _ => {
                // Most likely a new text.
                let (k, m) = (choice.below(1000), 1 + choice.below(9));
                let size = &self.sizes[1];
                let expected = size.i.mapv(|i| (i * k as i64 - 7).div_euclid(m as i64));
                vector(engine, &format!("(i*{k} - 7)//{m}"), vars! { i: &size.i }, &expected);
            }
        }
    }
}

/// Into a fresh result.
fn vector<T: Element + PartialEq>(engine: &Engine, text: &str, vars: Vars<'_>, expected: &Array1<T>)
where
    Array1<T>: FromResult,
{
    let result: Array1<T> = engine.evaluate(text, &vars).unwrap_or_else(|error| panic!("{text}: {error}"));
    // No NaNs, and no zeros whose sign is not promised.
    assert!(result == expected, "{text}, n = {}, on {} threads", expected.len(), engine.threads());
}

impl Size {
    fn new(n: usize) -> Size {
        let uniform = |i: usize, step: f64| ((i + 1) as f64 * step).fract();
        let a = Array1::from_shape_fn(n, |i| uniform(i, 0.618_033_988_749_895));
        let b = Array1::from_shape_fn(n, |i| uniform(i, 0.754_877_666_246_693));
        let i = Array1::from_shape_fn(n, |i| (uniform(i, 0.569_840_290_998_053) * 1e6) as i64 - 500_000);
        let u = Array1::from_shape_fn(n, |i| (uniform(i, 0.324_717_957_244_746) * 256.0) as u8);
        let of_both = |f: fn(f64, f64) -> f64| Array1::from_iter(a.iter().zip(&b).map(|(&a, &b)| f(a, b)));
        let place = (0..n).reduce(|best, i| if a[i] > a[best] { i } else { best }).unwrap();
        let smallest = a.iter().copied().fold(f64::INFINITY, f64::min);
        Size {
            triad: of_both(|a, b| a + b * 2.0),
            horner: of_both(|a, _| ((0.25 * a + 0.75) * a - 1.5) * a - 2.0),
            select: of_both(|a, b| if a > 0.5 { a * 2.0 } else { b + 1.0 }),
            hypotenuse: of_both(|a, b| (a * a + b * b).sqrt()),
            wrapped: u.mapv(|u| u.wrapping_mul(u).wrapping_add(u)),
            is_less: Array1::from_iter(a.iter().zip(&b).map(|(a, b)| a < b)),
            sum: i.sum(),
            running_sum: Array1::from_iter(i.iter().scan(0, |sum, i| {
                *sum += i;
                Some(*sum)
            })),
            largest: a[place],
            place: place as i64,
            shifted: a.mapv(|a| a - smallest),
            a,
            b,
            i,
            u,
        }
    }
}
