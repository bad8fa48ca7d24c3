//! Compares the speed of math functions: ndexpr, Intel SVML, and the scalar ones of the standard
//! library and libm.

use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use ndexpr_compare::gauge::Gauge;
use ndexpr_compare::machine;
use ndexpr_compare::math::functions::{FUNCTIONS, Function, Range};
use ndexpr_compare::math::measure::{Row, Setup, measure};
use ndexpr_compare::math::report::{Table, dtype_name, json};
use ndexpr_compare::math::svml::{HOW_TO_INSTALL, Svml};
use ndexpr_compare::timing::Rounds;
use ndexpr_runtime::dtype::DType;
use serde_json::json;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Nanoseconds for an element of math functions: ndexpr, Intel SVML (high accuracy), and the
/// standard library.
///
/// One thread, arguments in the first-level cache, all contenders in turn, medians.
#[derive(Parser)]
struct Args {
    /// The functions to measure; all if there are none
    #[arg(value_parser = PossibleValuesParser::new(FUNCTIONS.iter().map(|function| function.name)))]
    functions: Vec<String>,
    /// Elements of this type only
    #[arg(long)]
    dtype: Option<Type>,
    /// Where libsvml.so is, if the system does not know
    #[arg(long, value_name = "FILE")]
    svml: Option<PathBuf>,
    /// Measure ndexpr's code for any CPU too; it is slow
    #[arg(long)]
    generic: bool,
    /// Elements of an array, a multiple of 16
    #[arg(long, default_value_t = 2048, value_parser = elements)]
    n: usize,
    /// Turns of every contender while the core is not shared with another process or machine
    #[arg(long, default_value_t = 101)]
    rounds: usize,
    /// Milliseconds to wait for them, for each row
    #[arg(long, default_value_t = 1500)]
    patience: u64,
    /// What the gauge reads when the core is not shared, in nanoseconds; a run prints the least it
    /// saw
    #[arg(long, value_name = "NS")]
    gauge: Option<f64>,
    /// Write the result here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the table here
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Print the functions, their arguments, and why these; measure nothing
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Type {
    F64,
    F32,
}

fn elements(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 && n % 16 == 0 => Ok(n),
        _ => Err("not a multiple of 16, which the widest vectors have elements".to_owned()),
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        list();
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let svml = match Svml::load(args.svml.as_deref()) {
        Ok(svml) => Some(svml),
        // The loader's own words are in the source.
        Err(error) if args.svml.is_some() => return Err(error.source().unwrap_or(&error).to_string()),
        Err(_) => {
            eprintln!("{HOW_TO_INSTALL}");
            None
        }
    };
    let rounds = Rounds {
        count: args.rounds.max(1),
        turn: Duration::from_micros(75),
        patience: Duration::from_millis(args.patience),
    };
    let mut gauge = Gauge::new(args.gauge);
    let setup = Setup { svml, with_generic: args.generic, n: args.n, rounds };
    let load = machine::load();
    let heading = format!(
        "ns per element, {} elements, median of {} rounds, one thread; {}{}",
        setup.n,
        rounds.count,
        machine::cpu_name(),
        load.map_or(String::new(), |load| format!(", load {load:.2} before"))
    );

    let table = Table::new(args.generic);
    let mut text = Vec::new();
    let mut print = |line: String| {
        println!("{line}");
        text.push(line + "\n");
    };
    print(heading);
    print(String::new());
    print(table.head());
    let mut rows = Vec::new();
    let is_wanted =
        |function: &&Function| args.functions.is_empty() || args.functions.iter().any(|f| f == function.name);
    for dtype in [Type::F64, Type::F32].into_iter().filter(|dtype| args.dtype.is_none_or(|wanted| wanted == *dtype)) {
        for function in FUNCTIONS.iter().filter(is_wanted) {
            let row = match dtype {
                Type::F64 => measure(function, (function.scalar_f64)(), &setup, &mut gauge),
                Type::F32 => measure(function, (function.scalar_f32)(), &setup, &mut gauge),
            };
            print(table.line(&row));
            warn(&row);
            rows.push(row);
        }
    }
    for dtype in [DType::Float64, DType::Float32] {
        table.means(&rows, dtype).into_iter().for_each(&mut print);
    }

    print(String::new());
    print(format!(
        "gauge: {:.3} ns at best; the core was ours alone in the rounds that \"alone\" counts",
        gauge.best()
    ));

    if let Some(path) = &args.markdown {
        write(path, &text.concat())?;
    }
    if let Some(path) = &args.json {
        let rows: Vec<_> = rows.iter().map(json).collect();
        let all = json!({ "cpu": machine::cpu_name(), "load": load, "n": setup.n, "rounds": rounds.count, "gauge": gauge.best(), "rows": rows });
        write(path, &format!("{all:#}\n"))?;
    }
    Ok(())
}

/// Refuses contenders that compute something else.
fn warn(row: &Row) {
    for (contender, difference) in &row.wrong {
        let (name, dtype, who) = (row.name, dtype_name(row.dtype), contender.title());
        eprintln!("warning: {name} {dtype} by {who} is {difference:.1e} away from the scalar function, relatively");
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn list() {
    let text = |Range { low, high }: Range| format!("({low}, {high}]");
    for function in &FUNCTIONS {
        let ranges = [Some(function.a), function.b].into_iter().flatten().map(text).collect::<Vec<_>>().join(", ");
        println!("{:10} {ranges:20} {}", function.name, function.why);
    }
}
