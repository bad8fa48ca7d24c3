//! Measures what the constants in `pool/` and `exec/cost.rs` are about, beside rayon and threads
//! made for each call. By hand, on an idle machine: `cargo run --release -p ndexpr-runtime
//! --example measure_pool`, with `fork-join`, `throughput`, `two-against-one` or `late-workers` for
//! a part.

#![allow(clippy::print_stdout, reason = "the result is a table to read")]

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ndexpr_runtime::pool::Pool;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// A way to do chunks on two threads.
type Run<'a> = (&'a str, &'a dyn Fn(usize, &(dyn Fn(usize) + Sync)));

/// Chunks for one of several threads, from a counter that they share.
fn claim(next: &AtomicUsize, n_chunks: usize, work: &(dyn Fn(usize) + Sync)) {
    loop {
        let chunk = next.fetch_add(1, Ordering::Relaxed);
        if chunk >= n_chunks {
            return;
        }
        work(chunk);
    }
}

/// For each of some calls the 10th percentile and the median of its time, in nanoseconds, each
/// `pause` after the one before.
///
/// They take turns of some milliseconds, so that what else runs on the machine slows all of them
/// down alike.
fn measure_ns(pause: Duration, seconds: f64, calls: &[&dyn Fn()]) -> Vec<[f64; 2]> {
    let (begin, mut times) = (Instant::now(), vec![Vec::with_capacity(1 << 18); calls.len()]);
    while begin.elapsed().as_secs_f64() < seconds * calls.len() as f64 {
        for (call, times) in calls.iter().zip(&mut times) {
            let (turn, mut n_calls) = (Instant::now(), 0);
            while n_calls < 8 || turn.elapsed() < Duration::from_millis(5) {
                let idle = Instant::now();
                while idle.elapsed() < pause {
                    std::hint::spin_loop();
                }
                let start = Instant::now();
                call();
                times.push(start.elapsed().as_nanos() as f64);
                n_calls += 1;
            }
        }
    }
    let percentiles = |times: &mut Vec<f64>| {
        times.sort_unstable_by(f64::total_cmp);
        [times[times.len() / 10], times[times.len() / 2]]
    };
    times.iter_mut().map(percentiles).collect()
}

/// Prints one line for each way to run, and in it both times for each of `columns`, in units of
/// `unit(column)` ns.
fn print_table<C: Copy>(runs: &[Run<'_>], columns: &[C], unit: fn(C) -> f64, measure: impl Fn(C) -> Vec<[f64; 2]>) {
    let measured: Vec<_> = columns.iter().map(|&column| measure(column)).collect();
    for (k, (name, _)) in runs.iter().enumerate() {
        print!("  {name:28}");
        for (times, &column) in measured.iter().zip(columns) {
            let [low, median] = times[k].map(|ns| ns / unit(column));
            print!(" {low:8.0} {median:8.0} ");
        }
        println!();
    }
}

fn fork_join(runs: &[Run<'_>]) {
    const PAUSES: [u64; 5] = [0, 1, 10, 100, 1000];
    let table = |title: &str, call: &dyn Fn(&Run<'_>)| {
        println!("{title}, p10 and median ns, after pauses of {PAUSES:?} us:");
        let calls: Vec<_> = runs.iter().map(|run| move || call(run)).collect();
        let calls: Vec<&dyn Fn()> = calls.iter().map(|call| call as _).collect();
        print_table(runs, &PAUSES, |_| 1.0, |pause| measure_ns(Duration::from_micros(pause), 0.5, &calls));
    };
    table("two chunks of nothing", &|run| {
        (run.1)(2, &|chunk| {
            black_box(chunk);
        });
    });
    table("two chunks, each of which waits until both have begun", &|run| {
        let n_begun = AtomicUsize::new(0);
        (run.1)(2, &|_| {
            n_begun.fetch_add(1, Ordering::Relaxed);
            while n_begun.load(Ordering::Relaxed) < 2 {
                std::hint::spin_loop();
            }
        });
    });
}

fn throughput(runs: &[Run<'_>]) {
    const SIZES: [usize; 6] = [20_000, 50_000, 100_000, 300_000, 1_000_000, 10_000_000];
    println!("out = a + b of float64, in 16 chunks, p10 and median ns for 1000 elements, n = {SIZES:?}:");
    let measure = |n: usize| {
        let (a, b, mut out) = (vec![1.0; n], vec![2.0; n], vec![0.0; n]);
        let chunks: Vec<_> = out.chunks_mut(n.div_ceil(16)).map(Mutex::new).collect();
        let add = |chunk: usize| {
            let (start, mut out) = (chunk * n.div_ceil(16), chunks[chunk].lock().expect("no panics"));
            for ((out, a), b) in out.iter_mut().zip(&a[start..]).zip(&b[start..]) {
                *out = a + b;
            }
        };
        let calls: Vec<_> = runs.iter().map(|(_, run)| || run(chunks.len(), &add)).collect();
        let calls: Vec<&dyn Fn()> = calls.iter().map(|call| call as _).collect();
        measure_ns(Duration::ZERO, 0.7, &calls)
    };
    print_table(runs, &SIZES, |n| n as f64 / 1e3, measure);
}

/// When is a second thread worth its while?
fn two_against_one(pool: &Pool) {
    const PAUSES: [u64; 4] = [0, 30, 100, 1000];
    let multiply = |n: u64| {
        black_box((0..n).fold(1_u64, |x, _| black_box(x.wrapping_mul(3))));
    };
    let [ns, _] = measure_ns(Duration::ZERO, 0.5, &[&|| multiply(10_000)])[0];
    println!("p10 and median us on one thread and on two, in chunks of 5 us or more, after pauses of {PAUSES:?} us:");
    for total_us in [2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 60, 100] {
        let n_chunks = (total_us / 5).clamp(2, 16);
        let n = (1e7 / ns * total_us as f64 / n_chunks as f64) as u64;
        let [one, two] = [1, 2].map(|n_threads| move || pool.run(n_chunks, n_threads, |_, _| multiply(n)));
        print!("  {total_us:4}");
        for pause in PAUSES {
            let times = measure_ns(Duration::from_micros(pause), 0.3, &[&one, &two]);
            let [[a, b], [c, d]] = [0, 1].map(|k| times[k].map(|ns| ns / 1e3));
            print!("  {a:6.1} {b:6.1} / {c:6.1} {d:6.1}");
        }
        println!();
    }
}

/// How late does a worker begin that was parked for long? `pool/placement.rs` is about that.
fn late_workers(pool: &Pool) {
    const N_SERIES: usize = 60;
    const N_CALLS: usize = 40;
    let spin = |us: u64| {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_micros(us) {
            std::hint::spin_loop();
        }
    };
    let (mut delays, mut totals) = (Vec::new(), Vec::new());
    for _ in 0..N_SERIES {
        std::thread::sleep(Duration::from_millis(10));
        let (begin, first_help) = (Instant::now(), AtomicUsize::new(usize::MAX));
        for _ in 0..N_CALLS {
            pool.run(2, 2, |participant, _| {
                if participant > 0 {
                    first_help.fetch_min(begin.elapsed().as_micros() as usize, Ordering::Relaxed);
                }
                spin(15);
            });
        }
        totals.push(begin.elapsed().as_micros() as usize);
        delays.push(first_help.into_inner());
    }
    delays.sort_unstable();
    totals.sort_unstable();
    let n_late = delays.iter().filter(|&&us| us > 300).count();
    println!("{N_SERIES} series of {N_CALLS} calls of 2 x 15 us, each after 10 ms of sleep:");
    println!("  a worker began after more than 300 us, or never, in {n_late} of them");
    let [p10, median, p90] = [1, 5, 9].map(|tenth| (delays[tenth * N_SERIES / 10], totals[tenth * N_SERIES / 10]));
    println!("  p10, median and p90 of (us until a worker began, us of the series): {p10:?} {median:?} {p90:?}");
}

fn main() {
    let pool = Pool::new(2).expect("2 threads");
    let [one, two] = [1, 2].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads"));
    let runs: [Run<'_>; 5] = [
        ("this pool", &|n_chunks, work| pool.run(n_chunks, 2, |_, chunk| work(chunk))),
        ("this pool, one counter", &|n_chunks, work| {
            let next = AtomicUsize::new(0);
            pool.run(2, 2, |_, _| claim(&next, n_chunks, work));
        }),
        ("rayon, caller and a worker", &|n_chunks, work| {
            let next = AtomicUsize::new(0);
            one.in_place_scope(|scope| {
                scope.spawn(|_| claim(&next, n_chunks, work));
                claim(&next, n_chunks, work);
            });
        }),
        ("rayon, par_iter on 2 workers", &|n_chunks, work| {
            two.install(|| (0..n_chunks).into_par_iter().with_max_len(1).for_each(work));
        }),
        ("std::thread::scope", &|n_chunks, work| {
            let next = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                scope.spawn(|| claim(&next, n_chunks, work));
                claim(&next, n_chunks, work);
            });
        }),
    ];
    let part = std::env::args().nth(1).unwrap_or_default();
    if part.is_empty() || part == "fork-join" {
        fork_join(&runs);
    }
    if part.is_empty() || part == "throughput" {
        throughput(&runs);
    }
    if part.is_empty() || part == "late-workers" {
        late_workers(&pool);
    }
    if part.is_empty() || part == "two-against-one" {
        two_against_one(&pool);
    }
}
