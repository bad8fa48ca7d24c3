//! The phases of a text that updates arrays.

use super::Resolved;
use super::views::Array;
use ndexpr_grammar::NameId;

/// What a result of a phase is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// A later phase reads it as a variable of this name.
    Carried(NameId),
    /// It is assigned to an array.
    Update(Array),
    /// It is a result of the text.
    Result,
}

impl Root {
    /// The name that it is carried by.
    pub(crate) fn carried(&self) -> Option<NameId> {
        match *self {
            Root::Carried(name) => Some(name),
            Root::Update(_) | Root::Result => None,
        }
    }
}

/// A part of a text whose loops read memory as it was when the phase began.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) resolved: Resolved,
    /// What each of the results is for.
    pub(crate) roots: Vec<Root>,
}
