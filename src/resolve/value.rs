//! What expressions become, and the names that stand for it.

use super::StepId;
use ndexpr_grammar::{NameId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// Tuples may be in tuples so many levels deep. So dropping one needs little stack.
pub(super) const MAX_TUPLE_DEPTH: usize = 32;

/// What an expression has become.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Step(StepId),
    Tuple(Rc<Tuple>),
    /// `None`, and what a function without `return` gives.
    None,
    /// A value that a name has only on some ways to a place.
    Unset(Unset),
}

/// Where a name is given a value, the statement that may not do it, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unset {
    pub(super) set: Span,
    pub(super) unless: Span,
    pub(super) why: Why,
}

/// Why a name may have no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    NoValue,
    /// It is an array that may be updated, and which one depends on the way that control took.
    Array,
    /// It is a tuple on one way, and something else on another one.
    Structure,
}

/// Several values.
#[derive(Debug)]
pub(super) struct Tuple {
    items: Vec<Value>,
    /// The levels of tuples in it, itself included.
    depth: usize,
}

impl Tuple {
    /// A tuple of these values; `None` if it would be deeper than [`MAX_TUPLE_DEPTH`].
    pub(super) fn new(items: Vec<Value>) -> Option<Tuple> {
        let depth = |item: &Value| match item {
            Value::Tuple(tuple) => tuple.depth,
            Value::Step(_) | Value::None | Value::Unset(_) => 0,
        };
        let depth = 1 + items.iter().map(depth).max().unwrap_or(0);
        (depth <= MAX_TUPLE_DEPTH).then_some(Tuple { items, depth })
    }

    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }
}

pub(super) type Names = FxHashMap<NameId, Value>;

/// The values that names have at a place.
pub(super) struct Env<'a> {
    pub(super) local: &'a Names,
    /// Those outside of the function that the place is in, if it is in one.
    pub(super) outer: Option<&'a Names>,
    /// The names that the function assigns to. They are its own everywhere in it.
    pub(super) own: Option<&'a FxHashSet<NameId>>,
}

impl Env<'_> {
    pub(super) fn get(&self, name: NameId) -> Option<&Value> {
        self.local.get(&name).or_else(|| if self.is_own(name) { None } else { self.outer?.get(&name) })
    }

    /// Whether the name is one of the function's own, so that it means nothing from outside.
    pub(super) fn is_own(&self, name: NameId) -> bool {
        self.own.is_some_and(|own| own.contains(&name))
    }
}
