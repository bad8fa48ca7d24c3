//! Where the values of a phase come from, and where its results go.

use crate::resolve::Array;

/// Where the value of a variable comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The value of one of the procedure's variables.
    Var(usize),
    /// An array for writing.
    Target(usize),
    /// What an earlier phase has left.
    Carried(usize),
    /// A value that was left for nothing, so no phase computes it.
    Nothing,
}

/// How many values and arrays for writing a call has.
#[derive(Clone, Copy)]
pub(super) struct Counts {
    pub(super) values: usize,
    pub(super) targets: usize,
}

impl Source {
    /// The place among all arrays of a call: first come the values of the procedure's variables,
    /// then its arrays for writing, then what earlier phases have left.
    pub(super) fn place(self, counts: Counts) -> usize {
        match self {
            // It is not read, so any other array does.
            Source::Nothing => 0,
            Source::Var(place) => place,
            Source::Target(place) => counts.values + place,
            Source::Carried(place) => counts.values + counts.targets + place,
        }
    }
}

/// Where a result of a phase goes.
#[derive(Clone, Copy)]
pub(super) enum Dest {
    Carried(usize),
    /// To an array for writing, or a part of it.
    Target(usize, Array),
    /// It decides which phase is next.
    Condition,
    Result,
}
