//! What is known of one function after a search, and how it is printed.

use std::fmt;

use ndexpr_runtime::dtype::DType;

use crate::float::Real;
use crate::oracle::Oracle;
use crate::search::Outcome;
use crate::worst::{self, Case};

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The function's name.
    pub(crate) function: String,
    /// The dtype's name.
    pub(crate) dtype: String,
    /// The CPU level that ran.
    pub(crate) level: String,
    /// How many arguments were tried.
    pub(crate) tried: String,
    /// The largest error found, in ULP.
    pub(crate) ulps: String,
    /// The stated bound.
    pub(crate) bound: String,
    /// The argument or arguments where it was found, in decimal.
    pub(crate) decimal: String,
    /// The same as bit patterns.
    pub(crate) bits: String,
}

/// What a search says of a function.
pub(crate) struct Report {
    /// Its line of the table.
    pub(crate) row: Row,
    /// Whether an error exceeds the bound.
    pub(crate) exceeds: bool,
    details: Vec<String>,
}

impl Report {
    /// Of the function with this oracle, and its worst `n_listed` arguments.
    pub(crate) fn new<T: Real + fmt::LowerExp>(
        oracle: &Oracle,
        arity: usize,
        level: &str,
        bound: f64,
        outcome: &Outcome<T>,
        n_listed: usize,
    ) -> Report {
        let worst = outcome.worst.first();
        // Without a case every result is the nearest number, which some value is half a unit from.
        let ulps = worst.map_or(0.5, |case| case.ulps);
        let (decimal, bits) = worst.map_or_else(|| ("-".to_owned(), "-".to_owned()), |case| arguments(case, arity));
        let row = Row {
            function: oracle.name.to_owned(),
            dtype: T::DTYPE.name().to_owned(),
            level: level.to_owned(),
            tried: tried::<T>(outcome.n_tried, arity),
            ulps: if worst.is_some() { rounded_up(ulps) } else { "<= 0.5".to_owned() },
            bound: bound.to_string(),
            decimal,
            bits,
        };
        let mut details = Vec::new();
        if n_listed > 0 {
            if let Some(n) = outcome.n_not_nearest {
                let percent = 100.0 * n as f64 / outcome.n_tried.max(1) as f64;
                details.push(format!("{n} results ({percent:.3}%) are not the nearest number"));
            }
            details.extend(worst::spread(&outcome.worst, n_listed).iter().map(|case| detail(oracle, case, arity)));
        }
        Report { row, exceeds: ulps > bound, details }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = &self.row;
        let verdict = if self.exceeds { "OVER" } else { "" };
        let line = Columns([&row.function, &row.dtype, &row.tried, &row.ulps, &row.bound, verdict]);
        write!(f, "{line} {} [{}]", row.decimal, row.bits)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n    {detail}"))
    }
}

/// The first columns of a line.
struct Columns<'a>([&'a str; 6]);

impl fmt::Display for Columns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [function, dtype, tried, ulps, bound, verdict] = self.0;
        write!(f, "{function:<8} {dtype:<8} {tried:>9} {ulps:>10} {bound:>6} {verdict:<4}")
    }
}

/// The line above all.
pub(crate) fn header() -> String {
    format!("{} argument [bits]", Columns(["function", "dtype", "arguments", "worst ULP", "bound", ""]))
}

fn tried<T: Real>(n: u64, arity: usize) -> String {
    if T::DTYPE == DType::Float32 && arity == 1 && n == 1 << 32 {
        "all 2^32".to_owned()
    } else {
        format!("{:.2e}", n as f64)
    }
}

/// To four decimals, and never less than it is.
fn rounded_up(ulps: f64) -> String {
    if ulps < 1e4 { format!("{:.4}", (ulps * 1e4).ceil() / 1e4) } else { format!("{ulps:.3e}") }
}

/// In decimal, and as bits.
fn arguments<T: Real + fmt::LowerExp>(case: &Case<T>, arity: usize) -> (String, String) {
    let args = &[case.x, case.y][..arity];
    let joined = |texts: Vec<String>| texts.join(", ");
    (joined(args.iter().map(|arg| format!("{arg:e}")).collect()), joined(args.iter().map(|&arg| bits(arg)).collect()))
}

fn bits<T: Real>(value: T) -> String {
    format!("{:0width$x}", value.bits(), width = T::BITS as usize / 4)
}

fn detail<T: Real + fmt::LowerExp>(oracle: &Oracle, case: &Case<T>, arity: usize) -> String {
    let (decimal, pattern) = arguments(case, arity);
    let exact = oracle.exact(case.x.to_f64(), case.y.to_f64());
    let (found, found_bits) = (case.found, bits(case.found));
    format!("{:>10} {decimal} [{pattern}]: {found:e} [{found_bits}], exactly {exact:.25}", rounded_up(case.ulps))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(ulps: &[f64], bound: f64) -> Report {
        let worst = ulps.iter().map(|&ulps| Case { ulps, x: 1.5f32, y: 0.0, found: 4.0 }).collect();
        let outcome = Outcome { n_tried: 12_345_678, n_not_nearest: Some(5), worst };
        Report::new(&Oracle::of("exp").unwrap(), 1, "avx2", bound, &outcome, 2)
    }

    #[test]
    fn a_line_tells_all() {
        let report = report(&[0.75000001], 1.0);
        assert!(!report.exceeds);
        let lines: Vec<_> = report.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "exp      float32     1.23e7     0.7501      1      1.5e0 [3fc00000]");
        assert_eq!(lines[1], "    5 results (0.000%) are not the nearest number");
        assert_eq!(lines[2], "        0.7501 1.5e0 [3fc00000]: 4e0 [40800000], exactly 4.481689070338064822602055");
    }

    #[test]
    fn bounds_are_exceeded_by_more_only() {
        assert!(!report(&[0.75], 0.75).exceeds);
        assert!(report(&[0.7500001], 0.75).exceeds);
        assert!(report(&[f64::INFINITY], 1.0).to_string().contains("OVER"));
        assert!(!report(&[], 0.5).exceeds);
        assert!(report(&[], 0.5).row.ulps == "<= 0.5");
    }
}
