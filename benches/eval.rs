//! Evaluation at n = 1e3, 1e5, 1e6 and 1e7: ndexpr, op-by-op ndarray, and a fused loop written by
//! hand.
//!
//! ```text
//! cargo bench --bench eval                 the table, and criterion's reports
//! cargo bench --bench eval -- --test       each once, small, with the results compared
//! ```

#![allow(clippy::print_stdout, reason = "it is there to print")]

mod support;

use criterion::{BenchmarkId, Criterion, Throughput};
use ndexpr::{DynArray, Engine};
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::{CASES, Case, Data, check};

fn main() {
    let is_test = std::env::args().any(|arg| arg == "--test");
    if is_test {
        for n in [0, 1, 7, 1000] {
            let data = Data::new(n);
            CASES.iter().for_each(|case| check(case, &data));
        }
        println!("{} cases: the three ways agree", CASES.len());
        return;
    }
    table();
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    for n in [1_000, 100_000, 10_000_000] {
        criterion_group(&mut criterion, n);
    }
    criterion.final_summary();
}

/// Ways to run a case, and what the table calls them.
struct Way<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
}

fn ways<'a>(case: &'a Case, data: &'a Data, engine: &'a Engine) -> Vec<Way<'a>> {
    let threads = engine.threads();
    let program = engine.program(case.text, &data.vars()).expect("the case is an expression");
    let fresh_program = program.clone();
    let vars = data.vars();
    let mut ours = (case.naive)(data);
    let mut by_hand = (case.naive)(data);
    let mut by_hand_alone = (case.naive)(data);
    vec![
        Way { name: "ndexpr", run: Box::new(move || program.run(&vars, ours.view_mut()).expect("it ran before")) },
        Way {
            name: "ndexpr, fresh output",
            run: Box::new(move || {
                black_box(fresh_program.evaluate::<DynArray>(&data.vars()).expect("it ran before"));
            }),
        },
        Way { name: "by hand, all threads", run: Box::new(move || (case.by_hand)(data, &mut by_hand, threads)) },
        Way { name: "by hand, one thread", run: Box::new(move || (case.by_hand)(data, &mut by_hand_alone, 1)) },
        Way {
            name: "op by op",
            run: Box::new(move || {
                black_box((case.naive)(data));
            }),
        },
    ]
}

/// Medians of interleaved runs, so that a machine that slows down slows all of them.
fn medians(ways: &mut [Way<'_>], n: usize) -> Vec<f64> {
    let rounds = if n >= 10_000_000 { 15 } else { 31 };
    // At least 200 us a sample, so that the clock does not show.
    let calls = (20_000_000 / n.max(1)).clamp(1, 2000) / 10 + 1;
    let mut times = vec![Vec::with_capacity(rounds); ways.len()];
    for round in 0..=rounds {
        for (way, times) in ways.iter_mut().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..calls {
                (way.run)();
            }
            let time: Duration = start.elapsed() / calls as u32;
            if round > 0 {
                times.push(time.as_secs_f64() * 1e9 / n as f64);
            }
        }
    }
    times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
        .collect()
}

fn table() {
    let engine = support::engine();
    println!(
        "ns per element, median of interleaved runs, {} threads; output reused unless it says fresh",
        engine.threads()
    );
    println!("hand: the better of one thread and all\n");
    println!("| expression | n | ndexpr | fresh | by hand | op by op | vs hand | vs op by op | GB/s |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for n in [1_000, 100_000, 1_000_000, 10_000_000] {
        let data = Data::new(n);
        for case in CASES {
            let mut ways = ways(case, &data, &engine);
            let times = medians(&mut ways, n);
            let by_hand = times[2].min(times[3]);
            println!(
                "| `{}` | {n:e} | {:.3} | {:.3} | {by_hand:.3} | {:.3} | {:.2} | {:.1}x | {:.1} |",
                case.text,
                times[0],
                times[1],
                times[4],
                times[0] / by_hand,
                times[4] / times[0],
                case.bytes as f64 / times[0],
            );
        }
    }
    println!();
}

fn criterion_group(criterion: &mut Criterion, n: usize) {
    let engine = support::engine();
    let data = Data::new(n);
    let mut group = criterion.benchmark_group(format!("eval/{n:e}"));
    group.throughput(Throughput::Elements(n as u64));
    for case in CASES {
        for mut way in ways(case, &data, &engine) {
            group.bench_function(BenchmarkId::new(way.name, case.name), |bencher| bencher.iter(|| (way.run)()));
        }
    }
    group.finish();
}
