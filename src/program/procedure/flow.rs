//! Where the values of a phase come from, and where its results go.

use crate::resolve::Array;

/// Where the value of a variable comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The call's variables.
    Var,
    /// An array for writing.
    Target(usize),
    /// What an earlier phase has left.
    Carried(usize),
}

/// Where a result of a phase goes.
#[derive(Clone, Copy)]
pub(super) enum Dest {
    Carried(usize),
    /// To an array for writing, or a part of it.
    Target(usize, Array),
    Result,
}
