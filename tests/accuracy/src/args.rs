//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::MathFn;

/// Measures how far the math functions are from the exact values, and fails if one exceeds its
/// stated bound.
///
/// The CPU level is that of the environment variable NDEXPR_CPU, as in the engine.
#[derive(Debug, Parser)]
#[command(name = "accuracy", version)]
pub(crate) struct Args {
    /// Functions by name; all that have a bound if none is given
    #[arg(value_name = "FUNCTION", value_parser = function)]
    pub(crate) functions: Vec<MathFn>,
    /// Only this dtype; both if not given. May be given twice
    #[arg(long, value_parser = dtype)]
    pub(crate) dtype: Vec<DType>,
    /// Random arguments for each function; the systematic ones and neighbours of the worst come on
    /// top
    #[arg(long, default_value = "1e7", value_parser = count)]
    pub(crate) samples: u64,
    /// All 2^32 arguments of the float32 functions of one argument, instead of samples
    #[arg(long)]
    pub(crate) exhaustive: bool,
    /// A copy of CORE-MATH, whose worst cases (src/binary64/exp/exp.wc) are tried too
    #[arg(long, value_name = "DIR")]
    pub(crate) hard_cases: Option<PathBuf>,
    /// Threads; as many as there are CPUs if not given
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// What the random arguments depend on
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// List so many of the worst arguments, no two close to each other
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) worst: usize,
    /// Keep the results in a table in this file; its rows for what is not run now stay
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

fn function(name: &str) -> Result<MathFn, String> {
    let known = || MathFn::ALL.into_iter().filter(|function| function.max_ulp(DType::Float64).is_some());
    match MathFn::ALL.into_iter().find(|function| function.name() == name) {
        Some(function) if function.max_ulp(DType::Float64).is_some() => Ok(function),
        Some(_) => Err("it is defined bit for bit and has no bound".to_owned()),
        None => Err(format!("the functions are {}", known().map(MathFn::name).collect::<Vec<_>>().join(" "))),
    }
}

fn dtype(name: &str) -> Result<DType, String> {
    DType::from_name(name).filter(|dtype| dtype.is_float()).ok_or_else(|| "it is float32 or float64".to_owned())
}

fn count(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(count) if (0.0..=1e15).contains(&count) => Ok(count as u64),
        _ => Err("it is a number from 0 to 1e15".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn mistakes_are_errors() {
        for wrong in [&["fmod"][..], &["nosuch"], &["--dtype", "int8"], &["--samples", "-1"], &["--threads", "0"]] {
            assert!(Args::try_parse_from([&["accuracy"], wrong].concat()).is_err(), "{wrong:?}");
        }
        let args = Args::try_parse_from(["accuracy", "exp", "pow", "--samples", "2.5e6"]).unwrap();
        assert_eq!((args.functions, args.samples), (vec![MathFn::Exp, MathFn::Pow], 2_500_000));
    }
}
