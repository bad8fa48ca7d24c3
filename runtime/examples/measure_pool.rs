//! Measures what the constants in `pool/` and `exec/cost.rs` are about, beside rayon and threads made for each call. By
//! hand, on an idle machine: `cargo run --release -p ndexpr-runtime --example measure_pool`, with `fork-join`,
//! `throughput` or `two-against-one` for a part.

#![allow(clippy::print_stdout, reason = "the result is a table to read")]

use std::hint::black_box;
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

/// The 10th percentile and the median time of one call, in nanoseconds, each `pause` after the one before, over about
/// `seconds`.
fn measure_ns(pause: Duration, seconds: f64, mut call: impl FnMut()) -> [f64; 2] {
    let (begin, mut times) = (Instant::now(), Vec::with_capacity(1 << 20));
    while begin.elapsed().as_secs_f64() < seconds && times.len() < times.capacity() {
        let idle = Instant::now();
        while idle.elapsed() < pause {
            std::hint::spin_loop();
        }
        let start = Instant::now();
        call();
        times.push(start.elapsed().as_nanos() as f64);
    }
    times.sort_unstable_by(f64::total_cmp);
    [times[times.len() / 10], times[times.len() / 2]]
}

fn median_ns(pause: Duration, seconds: f64, call: impl FnMut()) -> f64 {
    measure_ns(pause, seconds, call)[1]
}

fn fork_join(runs: &[Run<'_>]) {
    const PAUSES: [u64; 5] = [0, 1, 10, 100, 1000];
    let table = |title: &str, call: &dyn Fn(&Run<'_>)| {
        println!("{title}, p10 and median ns, after pauses of {PAUSES:?} us:");
        for run in runs {
            print!("  {:28}", run.0);
            for pause in PAUSES {
                let [low, median] = measure_ns(Duration::from_micros(pause), 0.5, || call(run));
                print!(" {low:8.0} {median:8.0} ");
            }
            println!();
        }
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
    println!("out = a + b of float64, in 16 chunks, median ns for 1000 elements, n = {SIZES:?}:");
    for (name, run) in runs {
        let ns = SIZES.map(|n| {
            let (a, b, mut out) = (vec![1.0; n], vec![2.0; n], vec![0.0; n]);
            let chunks: Vec<_> = out.chunks_mut(n.div_ceil(16)).map(std::sync::Mutex::new).collect();
            let add = |chunk: usize| {
                let start = chunk * n.div_ceil(16);
                let mut out = chunks[chunk].lock().expect("no panics");
                for ((out, a), b) in out.iter_mut().zip(&a[start..]).zip(&b[start..]) {
                    *out = a + b;
                }
            };
            median_ns(Duration::ZERO, 1.0, || run(chunks.len(), &add)) / n as f64 * 1e3
        });
        println!("  {name:28} {ns:7.0?}");
    }
}

/// When is a second thread worth its while?
fn two_against_one(pool: &Pool) {
    let multiply = |n: u64| {
        let mut x = 1_u64;
        for _ in 0..n {
            x = black_box(x.wrapping_mul(3));
        }
        x
    };
    let n_per_us = {
        let n = 1_000_000;
        let ns = median_ns(Duration::ZERO, 0.5, || _ = multiply(n));
        n as f64 * 1e3 / ns
    };
    println!("median us on one thread, and on two after pauses of 0, 30, 100 and 1000 us:");
    for total_us in [4, 6, 8, 10, 15, 20, 25, 30, 40, 60, 100] {
        let n_chunks = (total_us / 5).clamp(2, 16);
        let n = (n_per_us * total_us as f64 / n_chunks as f64) as u64;
        let work = |_, _| _ = multiply(n);
        let one = median_ns(Duration::ZERO, 0.3, || pool.run(n_chunks, 1, work)) / 1e3;
        let two = [0, 30, 100, 1000]
            .map(|pause| median_ns(Duration::from_micros(pause), 0.7, || pool.run(n_chunks, 2, work)) / 1e3);
        println!("  {one:6.1} {two:6.1?}");
    }
}

fn main() {
    let pool = Pool::new(2).expect("2 threads");
    let [one, two] = [1, 2].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads"));
    let runs: [Run<'_>; 4] = [
        ("this pool", &|n_chunks, work| pool.run(n_chunks, 2, |_, chunk| work(chunk))),
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
    if part.is_empty() || part == "two-against-one" {
        two_against_one(&pool);
    }
}
