//! How near expressions come to the machine's limits, both measured in the same run.
//!
//! ```text
//! cargo bench --bench roofline                       the tables
//! cargo bench --bench roofline -- --only sum         of the expressions with `sum` in them
//! cargo bench --bench roofline -- --threads 2 --n 1e7 --seconds-per-line 0.5 --json FILE --markdown FILE
//! cargo bench --bench roofline -- --test             each once, small, with the loops by hand compared
//! ```
//!
//! The limits are loops written by hand, on as many threads as the expressions: reading, filling, copying (one array
//! read, one written) and a triad (two read, one written), with ordinary stores and with streaming ones, which do not
//! read what they overwrite. An expression's share is its least traffic (every input from memory as often as it must be,
//! the output once) in its time, by what the limit of the nearest mix of reads and writes moves in as much. Some
//! expressions are also compared with a loop of their own written by hand, or with another expression.
//!
//! All lines take turns, in several rounds, so that a slow moment of the machine hits all alike. Inputs and the one
//! output are there already, and in memory that asks for huge pages. What fits in the caches (bytes do at n = 1e7, on some
//! processors) is faster than the limits, which are the memory's.

#![allow(clippy::print_stdout, reason = "it is there to print")]

mod cases;
mod data;
mod kernels;
mod line;
mod loops;
mod memory;
mod report;
mod simd;
mod team;

use clap::Parser;
use data::Data;
use line::Line;
use memory::Memory;
use ndexpr::Engine;
use report::Report;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How near expressions come to the machine's limits
#[derive(Parser)]
struct Args {
    /// Threads of the limits and of the expressions [default: the machine's]
    #[arg(long)]
    threads: Option<usize>,
    /// Elements of the largest arrays
    #[arg(long, default_value = "1e7", value_parser = count)]
    n: usize,
    /// Time that each line gets, warm-up not counted
    #[arg(long, value_name = "SECONDS", default_value_t = 0.5, value_parser = seconds)]
    seconds_per_line: f64,
    /// Only expressions with this in them
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// Write the result here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the tables here
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Run each line once on small arrays, and compare the loops by hand with the expressions
    #[arg(long)]
    test: bool,
    /// What cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// A number of elements, also as `1e7`.
fn count(text: &str) -> Result<usize, String> {
    match text.parse::<f64>() {
        Ok(n) if (1e3..=1e10).contains(&n) => Ok(n as usize),
        _ => Err("not a number from 1e3 to 1e10".to_owned()),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("not a number of seconds up to an hour".to_owned()),
    }
}

/// Turns of every line.
const ROUNDS: u32 = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let n = if args.test { 10_000 } else { args.n };
    let engine = Engine::builder();
    let engine = args.threads.into_iter().fold(engine, |engine, threads| engine.threads(threads)).build()?;
    let threads = engine.threads();
    let data = Data::new(n);
    let mut output = Memory::touched(n * size_of::<f64>());

    let mut lines: Vec<Line<'_>> = loops::limits(&data);
    let expressions: Vec<Line<'_>> = cases::all(&data)
        .into_iter()
        .filter(|case| case.title.contains(&args.only))
        .map(|case| Line::expression(case, &engine, &mut output))
        .collect();
    let is_wanted = |by_hand: &Line<'_>| expressions.iter().any(|line| line.title == by_hand.title);
    lines.extend(loops::by_hand(&data).into_iter().filter(is_wanted));
    lines.extend(expressions);

    let time = if args.test { Duration::ZERO } else { Duration::from_secs_f64(args.seconds_per_line) };
    for _ in 0..ROUNDS {
        for line in &mut lines {
            line.take_turn(time, time / ROUNDS, threads, &mut output);
        }
    }
    if args.test {
        loops::check(&lines, &mut output);
        println!("{} lines run, and the loops by hand agree", lines.len());
        return Ok(());
    }
    let report = Report::new(n, threads, &lines);
    let markdown = report.markdown();
    print!("{markdown}");
    let write = |path: &Path, text: &str| {
        std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    };
    if let Some(path) = &args.markdown {
        write(path, &markdown)?;
    }
    if let Some(path) = &args.json {
        write(path, &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    }
    Ok(())
}
