//! What is known while branches and loops around phases are gone through.
//!
//! A *place* is a variable for a name, or for the values of a tuple that it is, whose value differs
//! with the way that control has taken.

use super::phases::PhaseLoopId;
use super::value::{Names, Unset, Value};
use ndexpr_grammar::{NameId, Span, StmtId};

/// Names whose values may differ with the way that control has taken.
#[derive(Default)]
pub(super) struct Places {
    pub(super) all: Vec<Place>,
}

pub(super) struct Place {
    pub(super) name: NameId,
    /// A value of the structure that all its values have, and a variable for each single value in
    /// it. None until the name has a value somewhere.
    pub(super) values: Option<(Value, Vec<NameId>)>,
}

/// For each of some places, why it may have no value.
pub(super) type Unsets = Vec<Option<Unset>>;

/// A branch that is decided once for all, or the `else` of a loop around phases.
pub(super) struct PhaseIf<'a> {
    /// The second block, and the names at its beginning, until it is gone through.
    pub(super) second: Option<(&'a [StmtId], Names)>,
    /// The phase that decides between the blocks.
    pub(super) from: usize,
    pub(super) places: Places,
    pub(super) unset: Unsets,
    /// The phases at the ends of the blocks.
    pub(super) ends: Vec<usize>,
    pub(super) span: Span,
}

/// A loop around phases, while its body is gone through.
pub(super) struct PhaseBody<'a> {
    pub(super) id: PhaseLoopId,
    /// The names at the start of an iteration, and behind the loop.
    pub(super) places: Places,
    /// The first phase of an iteration.
    pub(super) first: usize,
    /// The phase before it, if control may go past the loop there, and the names without a value
    /// then.
    pub(super) skip: Option<(usize, Unsets)>,
    /// The phases that end with `break`, and those that end with `continue`.
    pub(super) breaks: Vec<usize>,
    pub(super) unset_at_breaks: Unsets,
    pub(super) continues: Vec<usize>,
    pub(super) otherwise: &'a [StmtId],
    pub(super) kind: LoopKind,
    /// Set while the condition is gone through again, after the body.
    pub(super) is_testing: bool,
    pub(super) span: Span,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LoopKind {
    Range,
    While,
    /// A `while` that only an exit ends.
    Endless,
}

/// What a function has returned from blocks around phases.
#[derive(Default)]
pub(super) struct Returned {
    /// The one place is that of the value.
    pub(super) places: Places,
    pub(super) ends: Vec<usize>,
}

/// Adds the reasons of another phase that goes to the same place.
pub(super) fn add_unset(all: &mut Unsets, more: Unsets) {
    for (known, unset) in all.iter_mut().zip(more) {
        *known = known.or(unset);
    }
}
