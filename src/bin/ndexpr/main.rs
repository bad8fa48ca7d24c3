//! The command line: array expressions and programs over .npy files, generated arrays and numbers.
//!
//! Everything the library offers is reached through its public API; what is here is files,
//! arguments and printing. Results go to stdout, everything else (errors, statistics, the progress
//! bar) to stderr. Exit codes: 0, 1 when a file or the evaluation fails, 2 when the command line is
//! wrong, 130 when interrupted.

mod args;
mod array;
mod bench;
mod destination;
mod elements;
mod eval;
mod exec;
mod explain;
mod failure;
mod functions;
mod interrupt;
mod mapped;
mod names;
mod op_by_op;
mod output;
mod print;
mod progress;
mod results;
mod sources;
mod stats;
mod typed_name;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let args = Args::parse();
    let mut stdout = BufWriter::new(io::stdout().lock());
    let result = match args.command {
        Command::Eval(args) => eval::run(&args, &mut stdout),
        Command::Exec(args) => exec::run(&args, &mut stdout),
        Command::Explain(args) => explain::run(&args, &mut stdout),
        Command::Bench(args) => bench::run(&args, &mut stdout),
        Command::Functions(args) => functions::run(&args, &mut stdout),
    };
    match result.and_then(|()| stdout.flush().map_err(Failure::Stdout)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(text) = failure.render() {
                // If stderr is closed too there is nobody left to tell.
                let _ = writeln!(io::stderr(), "{}", text.trim_end());
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
