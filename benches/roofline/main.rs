//! How near expressions come to the machine's limits, both measured in the same run.
//!
//! ```text
//! cargo bench --bench roofline                       the tables
//! cargo bench --bench roofline -- --only sum         of the expressions with `sum` in them
//! cargo bench --bench roofline -- --parts calls      one of its parts
//! cargo bench --bench roofline -- --parts sizes --svg FILE
//! cargo bench --bench roofline -- --threads 2 --n 1e7 --seconds-per-line 0.5
//! cargo bench --bench roofline -- --json FILE --markdown FILE
//! cargo bench --bench roofline -- --test             each once, small; compares the loops by hand
//! ```
//!
//! The limits are loops written by hand, on as many threads as the expressions: reading, filling,
//! copying (one array read, one written) and a triad (two read, one written), with ordinary stores
//! and with streaming ones, which do not read what they overwrite. An expression's share is a ratio
//! of two speeds. The first is that of the expression: its least traffic (each input as often as it
//! must be read, the output once) divided by its time. The second is that of the limit with the
//! nearest mix of reads and writes. Some expressions are also compared with the same loop written
//! by hand, or with another expression.
//!
//! All lines take turns, in several rounds, so that a slow moment of the machine hits all of them.
//! Inputs and the one output exist before the clock starts, in memory that asks for huge pages.
//! Arrays that fit in the caches (on some processors 1e7 bytes do) are faster than the limits,
//! because the limits are those of the memory.
//!
//! The other parts have separate tables: a subject of ours and the same work by other means, timed
//! in turns.
//!
//! ```text
//! memory     the limits, and the expressions beside them
//! fresh      results in fresh memory, against loops into fresh memory
//! cached     n = 1e5, against loops of one thread
//! calls      a call of one element; threads that meet, and threads that wait
//! scaling    all threads against one; a polynomial against wider vectors
//! sizes      ns per element by n up to 1e8, one thread and all. Only if asked for: 2.4 GB
//! ```

#![allow(clippy::print_stdout, reason = "it is there to print")]

mod cached;
mod calls;
mod cases;
mod contest;
mod data;
mod fresh;
mod kernels;
mod line;
mod loops;
mod memory;
mod plot;
mod polynomial;
mod report;
mod scaling;
mod simd;
mod sizes;
mod team;

use clap::{Parser, ValueEnum};
use contest::{Contest, Section};
use data::{Data, Outputs};
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
    /// Only lines with this in them
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// Only these parts
    #[arg(long, value_delimiter = ',', default_value = "memory,fresh,cached,calls,scaling")]
    parts: Vec<Part>,
    /// Draw the curves of sizes here
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
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

/// Parts of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Memory,
    Fresh,
    Cached,
    Calls,
    Scaling,
    Sizes,
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
    let data = Data::new(n);
    let mut output = Memory::touched(n * size_of::<f64>());
    let time = if args.test { Duration::ZERO } else { Duration::from_secs_f64(args.seconds_per_line) };
    let is_wanted = |part| args.test || args.parts.contains(&part);

    let mut lines = Vec::new();
    if is_wanted(Part::Memory) {
        lines = lines_of_memory(&args.only, &data, &engine, &mut output);
        for _ in 0..ROUNDS {
            for line in &mut lines {
                line.take_turn(time, time / ROUNDS, engine.threads(), &mut output);
            }
        }
    }
    let mut report = Report::new(n, engine.threads(), &lines);
    let outputs = Outputs::new(n);
    let alone = Engine::builder().threads(1).build()?;
    for part in [Part::Fresh, Part::Cached, Part::Calls, Part::Scaling] {
        if !is_wanted(part) {
            continue;
        }
        for (title, per, mut contests) in tables(part, &data, &outputs, &engine, &alone) {
            contests.retain(|contest| contest.title.contains(&args.only));
            if !contests.is_empty() {
                report.sections.push(Section::measure(title, per, contests, time));
            }
        }
    }
    if is_wanted(Part::Calls) {
        report.idle_cpu_ns = calls::idle_cpu_ns(&data, &engine);
    }
    if is_wanted(Part::Sizes) {
        let max = if args.test { n } else { 10 * n };
        report.sizes = sizes::measure(max, &alone, &engine, time / 4);
    }
    let markdown = report.markdown();
    if args.test {
        loops::check(&lines, &data, &mut output);
        fresh::check(&data, &engine);
        scaling::check(&data);
        let svg = plot::svg(&report.sizes);
        println!("{} lines run, and the loops by hand agree", lines.len());
        println!("{} bytes of tables, {} bytes of curves", markdown.len(), svg.len());
        return Ok(());
    }
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
    if let Some(path) = &args.svg {
        write(path, &plot::svg(&report.sizes))?;
    }
    Ok(())
}

/// The limits, the expressions, and the loops by hand for these expressions.
fn lines_of_memory<'d>(only: &str, data: &'d Data, engine: &Engine, output: &mut Memory) -> Vec<Line<'d>> {
    let mut lines: Vec<Line<'_>> = loops::limits(data);
    let expressions: Vec<Line<'_>> = cases::all(data)
        .into_iter()
        .filter(|case| case.title.contains(only))
        .map(|case| Line::expression(case, engine, output))
        .collect();
    let is_wanted = |by_hand: &Line<'_>| expressions.iter().any(|line| line.title == by_hand.title);
    lines.extend(loops::by_hand(data).into_iter().filter(is_wanted));
    lines.extend(expressions);
    lines
}

/// A table's title, what its times are for, and what is in it.
type Table<'a> = (String, &'static str, Vec<Contest<'a>>);

fn tables<'a>(
    part: Part,
    data: &'a Data,
    outputs: &'a Outputs,
    engine: &'a Engine,
    alone: &'a Engine,
) -> Vec<Table<'a>> {
    let (n, threads) = (data.n, engine.threads());
    match part {
        Part::Fresh => vec![(format!("Fresh results, n = {n:e}"), "element", fresh::contests(data, engine))],
        Part::Cached => {
            let title = format!("Results in cache, n = {:e}", cached::N.min(n));
            vec![(title, "element", cached::contests(data, outputs, engine, alone))]
        }
        Part::Calls => vec![("Calls of one element".to_owned(), "call", calls::contests(data, engine))],
        Part::Scaling => vec![
            (format!("{threads} threads"), "element", scaling::threads(data, outputs, engine, alone)),
            ("Vectors, 1 thread".to_owned(), "element", scaling::vectors(data, outputs)),
        ],
        // These have no contests.
        Part::Memory | Part::Sizes => Vec::new(),
    }
}
