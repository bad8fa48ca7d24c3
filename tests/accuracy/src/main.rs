//! How far ndexpr's math functions are from the exact values, searched for where it is largest.
//!
//! The table goes to stdout, progress and errors to stderr. Exit codes: 0, 1 if a function exceeds
//! its stated bound, 2 if the command line is wrong, a file fails, or there is nothing to compare a
//! function with.

mod args;
mod cells;
mod float;
mod markdown;
mod oracle;
mod points;
mod random;
mod report;
mod search;
mod ulp;
mod worst;

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::thread;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::MathFn;

use crate::args::Args;
use crate::float::Real;
use crate::oracle::Oracle;
use crate::points::Request;
use crate::report::{Report, Row};
use crate::search::{Effort, Subject};

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // If stdout is closed, its reader has enough. If stderr is closed too, there is nobody
            // left to tell.
            let is_closed =
                error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe);
            if !is_closed {
                let _ = writeln!(io::stderr(), "error: {error}");
            }
            ExitCode::from(2)
        }
    }
}

/// Whether all functions are within their bounds.
fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    if let Some(directory) = args.hard_cases.as_ref().filter(|directory| !directory.join("src").is_dir()) {
        return Err(format!("{}: no copy of CORE-MATH, for it has no directory src", directory.display()).into());
    }
    // Once without rows: a file that cannot be written is better known before hours of work than
    // after.
    write_table(args, &[])?;
    let mut stdout = io::stdout();
    let n_threads = args.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let level = CpuLevel::current().name();
    writeln!(stdout, "CPU level {level}, {n_threads} threads, seed {}\n{}", args.seed, report::header())?;
    let functions = if args.functions.is_empty() { MathFn::ALL.to_vec() } else { args.functions.clone() };
    let dtypes = if args.dtype.is_empty() { vec![DType::Float32, DType::Float64] } else { args.dtype.clone() };
    let (mut rows, mut unknown) = (Vec::new(), Vec::new());
    let mut all_within = true;
    for function in functions {
        if function.max_ulp(DType::Float64).is_some() && Oracle::of(function.name()).is_none() {
            unknown.push(function.name());
            continue;
        }
        for &dtype in &dtypes {
            let report = match dtype {
                DType::Float32 => measure::<f32>(function, args, n_threads)?,
                _ => measure::<f64>(function, args, n_threads)?,
            };
            let Some(report) = report else { continue };
            writeln!(stdout, "{report}")?;
            all_within &= !report.exceeds;
            rows.push(report.row);
            // After each, so that an interrupted run keeps what it has.
            write_table(args, &rows)?;
        }
    }
    // The other functions are measured anyway.
    if !unknown.is_empty() {
        return Err(format!("there is nothing to compare these with: {}", unknown.join(" ")).into());
    }
    Ok(all_within)
}

/// Puts the rows into the file that was asked for, if any.
fn write_table(args: &Args, rows: &[Row]) -> Result<(), String> {
    args.markdown
        .as_ref()
        .map_or(Ok(()), |path| markdown::merge(path, rows).map_err(|error| format!("{}: {error}", path.display())))
}

/// The largest error of one function; `None` if it has no bound, or nothing to compare it with.
fn measure<T: Real + fmt::LowerExp>(
    function: MathFn,
    args: &Args,
    n_threads: usize,
) -> Result<Option<Report>, Box<dyn Error>> {
    let (name, arity) = (function.name(), function.arity());
    let (Some(bound), Some(tile)) = (function.max_ulp(T::DTYPE), function.tile_fn(T::DTYPE)) else { return Ok(None) };
    let Some(oracle) = Oracle::of(name) else { return Ok(None) };
    let is_exhaustive = args.exhaustive && T::BITS == 32 && arity == 1;
    let parts = if is_exhaustive {
        vec![points::every_bit_pattern::<T>()]
    } else {
        let hard_cases = args.hard_cases.as_deref();
        points::parts(&Request { oracle: &oracle, arity, samples: args.samples, seed: args.seed, hard_cases })?
    };
    let progress = progress_bar(format!("{name} {}", T::DTYPE.name()));
    let subject = Subject { tile, arity, oracle };
    let effort = Effort { n_threads, seed: args.seed, climb: (!is_exhaustive).then_some(args.samples) };
    let outcome = search::search(&subject, &parts, &effort, &progress);
    progress.finish_and_clear();
    let level = CpuLevel::current().name();
    Ok(Some(Report::new(&subject.oracle, arity, level, bound, &outcome, args.worst)))
}

/// On stderr, if that is a terminal.
fn progress_bar(message: String) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(message);
    match ProgressStyle::with_template("{msg:18} {wide_bar} {percent:>3}% {elapsed} left {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
