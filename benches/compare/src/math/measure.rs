//! One row of the result: a function over one dtype, by every contender there is.

use super::arrays::Arrays;
use super::functions::{Function, Range};
use super::svml::{Svml, Vectors};
use super::{Contender, Level, Loop, check, ours};
use crate::gauge::Gauge;
use crate::timing::{Rounds, Timed, Times, in_turn};
use ndexpr_runtime::dtype::DType;

/// What is measured, and with what.
pub struct Setup {
    /// SVML, if it is there.
    pub svml: Option<Svml>,
    /// Whether ndexpr's code for any CPU is measured too.
    pub with_generic: bool,
    /// Elements of every array.
    pub n: usize,
    /// How often.
    pub rounds: Rounds,
}

/// The result.
pub struct Row {
    /// What the table of functions calls it.
    pub name: &'static str,
    /// The elements' type.
    pub dtype: DType,
    /// First arguments.
    pub a: Range,
    /// Second arguments.
    pub b: Option<Range>,
    /// Nanoseconds for an element, in the order of the columns.
    pub times: Vec<(Contender, Times)>,
    /// Rounds in which the core was not shared.
    pub rounds_alone: usize,
    /// Whether the times are from these rounds.
    pub is_alone: bool,
    /// Those whose results are too far from the scalar function's, and how far, relatively.
    pub wrong: Vec<(Contender, f64)>,
}

impl Row {
    /// Nanoseconds for an element, the median.
    #[must_use]
    pub fn ns(&self, contender: Contender) -> Option<f64> {
        self.times.iter().find(|(other, _)| *other == contender).map(|(_, times)| times.median)
    }
}

/// Arrays to take turns with. Which addresses get in each other's way in the cache depends on where
/// in memory the arrays and the functions' tables are: with one set of arrays some runs find a
/// function a fifth slower than others.
const PLACES: usize = 7;

/// Measures a function.
#[must_use]
pub fn measure<T: Vectors>(function: &'static Function, scalar: Loop<T>, setup: &Setup, gauge: &mut Gauge) -> Row {
    let mut contenders = vec![(Contender::Scalar, scalar)];
    for level in [Level::Avx512, Level::Avx2, Level::Generic] {
        if level != Level::Generic || setup.with_generic {
            contenders.extend(ours::ours(function, level).map(|run| (Contender::Ours(level), run)));
        }
        let theirs = setup.svml.as_ref().and_then(|svml| svml.function(function, level));
        contenders.extend(theirs.map(|run| (Contender::Svml(level), run)));
    }
    contenders.sort_by_key(|(contender, _)| *contender);

    let mut arrays: Vec<_> = (0..PLACES).map(|_| Arrays::new(function, setup.n)).collect();
    let runs: Vec<_> = contenders.iter().map(|(_, run)| &**run).collect();
    let Timed { times, rounds_alone, is_alone } = in_turn(&mut arrays, &runs, setup.rounds, gauge);
    let wrong = contenders.iter().map(|(contender, run)| (*contender, check::difference(function, &**run)));
    Row {
        name: function.name,
        dtype: T::DTYPE,
        a: function.a,
        b: function.b,
        rounds_alone,
        is_alone,
        // The scalar function of floats is what the others are compared with.
        wrong: wrong
            .filter(|(who, difference)| *who != Contender::Scalar && *difference > check::tolerance(T::DTYPE))
            .collect(),
        times: contenders
            .iter()
            .map(|(contender, _)| *contender)
            .zip(times)
            .map(|(c, t)| (c, t.per(setup.n)))
            .collect(),
    }
}
