//! The figures in `docs/measurements.md`, measured anew.
//!
//! ```text
//! cargo bench --bench measurements                         what there is to measure
//! cargo bench --bench measurements -- column-lanes spin    measures and prints these
//! cargo bench --bench measurements -- --all --write        measures all, into the document
//! cargo bench --bench measurements -- --test               every expression once, small
//! ```
//!
//! In: the entries below, by name. Out: for each a table, which takes the place of the one between
//! the entry's markers in the document, with the machine and the date. Always true: the document's
//! other text is left as it is.
//!
//! The machine should have nothing else to do meanwhile. All of it takes some minutes.

#![allow(clippy::print_stdout, reason = "it is there to print")]

mod document;
mod entries;
#[path = "../roofline/memory.rs"]
mod memory;
mod rows;
mod special;
mod table;

use clap::Parser;
use entries::{ENTRIES, Entry, Figures};
use std::error::Error;
use std::process::Command;
use std::time::Duration;
use table::Table;

/// Measures the figures in docs/measurements.md anew
#[derive(Parser)]
struct Args {
    /// The entries to measure
    names: Vec<String>,
    /// Measure every entry that can be measured
    #[arg(long)]
    all: bool,
    /// Write the figures into docs/measurements.md instead of printing them
    #[arg(long)]
    write: bool,
    /// Time that each line of a table gets
    #[arg(long, value_name = "SECONDS", default_value_t = 0.4)]
    seconds_per_line: f64,
    /// Run every expression once on small arrays, and look for every entry in the document
    #[arg(long)]
    test: bool,
    /// Print the nanoseconds of one entry's expressions, one a line
    #[arg(long, hide = true)]
    only_ns: bool,
    /// What cargo passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let per_line = if args.test { 0.0 } else { args.seconds_per_line.clamp(0.0, 60.0) };
    let per_line = Duration::from_secs_f64(per_line);
    if args.test {
        return test(per_line);
    }
    let entries = chosen(&args)?;
    if entries.is_empty() {
        println!("Entries that can be measured (names, or --all, after `--`):");
        ENTRIES.iter().for_each(|entry| println!("  {}", entry.name));
        return Ok(());
    }
    for entry in entries {
        if args.only_ns {
            rows::ns_of(&entry.rows(), per_line)?.iter().for_each(|ns| println!("{ns}"));
            continue;
        }
        let figures = measure(entry, per_line)?;
        if args.write {
            document::write(entry.name, &figures)?;
            println!("{}: written", entry.name);
        } else {
            println!("## {}\n\n{figures}", entry.name);
        }
    }
    Ok(())
}

fn chosen(args: &Args) -> Result<Vec<&'static Entry>, String> {
    if args.all {
        return Ok(ENTRIES.iter().collect());
    }
    let find = |name: &String| {
        let entry = ENTRIES.iter().find(|entry| entry.name == name);
        entry.ok_or_else(|| format!("no entry `{name}` can be measured; without names you get a list"))
    };
    args.names.iter().map(find).collect()
}

/// The machine, the date and an entry's figures, as Markdown.
fn measure(entry: &Entry, per_line: Duration) -> Result<String, Box<dyn Error>> {
    let figures = match entry.figures {
        Figures::Rows(rows) => rows::table(&rows(), per_line)?.markdown(),
        Figures::ByLevel(_) => by_level(entry, per_line)?.markdown(),
        Figures::Table(table) => table(per_line)?.markdown(),
        Figures::Example { name, args } => format!("```text\n{}```\n", output_of_example(name, args)?),
    };
    Ok(format!("{}\n\n{figures}", document::machine()))
}

/// The entry's expressions, with a column for each level that the CPU has. A process has one level,
/// so each gets its own.
fn by_level(entry: &Entry, per_line: Duration) -> Result<Table, Box<dyn Error>> {
    let rows = entry.rows();
    let mut table = rows::titles(&rows);
    for level in special::levels() {
        let mut child = Command::new(std::env::current_exe()?);
        child.env("NDEXPR_CPU", level.name()).args([entry.name, "--only-ns", "--seconds-per-line"]);
        let output = child.arg(per_line.as_secs_f64().to_string()).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let lines = String::from_utf8(output.stdout)?;
        let ns = lines.lines().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
        table.push_column(format!("ns, {}", level.name()), ns.into_iter().map(table::figure));
    }
    Ok(table)
}

/// What one of the runtime's examples prints.
fn output_of_example(name: &str, args: &[&str]) -> Result<String, Box<dyn Error>> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--quiet", "--release", "-p", "ndexpr-runtime", "--example", name, "--"]).args(args);
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn test(per_line: Duration) -> Result<(), Box<dyn Error>> {
    let mut n_rows = 0;
    for entry in ENTRIES {
        document::read(entry.name)?;
        let rows: Vec<_> = entry.rows().iter().map(rows::Row::small).collect();
        n_rows += rows::ns_of(&rows, per_line)?.len();
    }
    println!("{} entries, {n_rows} expressions run", ENTRIES.len());
    Ok(())
}
