//! What is known while branches and loops are gone through: blocks, paths and exits.

use super::places::{PhaseBody, PhaseIf};
use super::value::{Names, Value};
use super::{Arg, LoopId};
use ndexpr_grammar::{NameId, Span, StmtId};

/// The most loops of a text, each as often as it is gone through. Each becomes code of its own.
pub(super) const MAX_LOOPS: u32 = 500;

/// The condition under which a place is reached.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path {
    Always,
    If(Arg),
    Never,
}

impl Path {
    pub(super) fn is_same(self, other: Path) -> bool {
        match (self, other) {
            (Path::Always, Path::Always) | (Path::Never, Path::Never) => true,
            (Path::If(x), Path::If(y)) => x.step == y.step,
            _ => false,
        }
    }
}

/// Where control leaves a place, but for its end.
#[derive(Clone)]
pub(super) struct Exit {
    pub(super) kind: ExitKind,
    pub(super) path: Path,
    pub(super) names: Names,
    /// What is returned.
    pub(super) value: Value,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExitKind {
    Break,
    Continue,
    Return,
}

/// Statements within a statement, which are gone through.
pub(super) struct Block<'a> {
    /// The statements that the outer one is among, and its place.
    pub(super) body: &'a [StmtId],
    pub(super) stmt: usize,
    pub(super) kind: Kind<'a>,
}

pub(super) enum Kind<'a> {
    /// Statements whose condition is known to hold.
    Plain,
    If(Box<If<'a>>),
    Unrolled(Unrolled<'a>),
    Loop(Box<Loop<'a>>),
    PhaseIf(Box<PhaseIf<'a>>),
    PhaseLoop(Box<PhaseBody<'a>>),
}

impl Kind<'_> {
    /// Whether control goes through it once for all elements.
    pub(super) fn is_around_phases(&self) -> bool {
        matches!(self, Kind::PhaseIf(_) | Kind::PhaseLoop(_))
    }
}

pub(super) struct If<'a> {
    pub(super) condition: Arg,
    /// What was known before.
    pub(super) path: Path,
    pub(super) names: Names,
    pub(super) otherwise: &'a [StmtId],
    /// The path to the block that is gone through.
    pub(super) entry: Path,
    /// What is known at the end of the first block, once that is over, and whether all that enter
    /// it get there.
    pub(super) then: Option<(Names, Path, bool)>,
    pub(super) span: Span,
}

/// A loop of known length whose body is repeated.
pub(super) struct Unrolled<'a> {
    pub(super) name: NameId,
    /// The value of the next iteration.
    pub(super) next: i128,
    pub(super) by: i128,
    pub(super) n_left: usize,
    pub(super) body: &'a [StmtId],
    pub(super) otherwise: &'a [StmtId],
    pub(super) span: Span,
}

pub(super) struct Loop<'a> {
    pub(super) id: LoopId,
    pub(super) begin: Arg,
    /// Whether an element does the first iteration.
    pub(super) starts: Arg,
    pub(super) is_sure_to_run: bool,
    /// What was known before.
    pub(super) path: Path,
    pub(super) names: Names,
    /// The names that the body assigns to.
    pub(super) slots: Vec<Slot>,
    /// The values before the loop of all that it carries.
    pub(super) inits: Vec<Option<Arg>>,
    pub(super) counter: Option<Counter>,
    pub(super) exits: Vec<Exit>,
    pub(super) otherwise: &'a [StmtId],
    /// Set while the condition is gone through again, after the body.
    pub(super) is_testing: bool,
    pub(super) span: Span,
}

/// A name that a loop carries.
pub(super) struct Slot {
    pub(super) name: NameId,
    /// What it is at the start of an iteration; none if it is set in each before it is read.
    pub(super) value: Option<Value>,
}

/// The values that `range` gives.
#[derive(Clone, Copy)]
pub(super) struct Counter {
    pub(super) value: Arg,
    pub(super) stop: Arg,
    pub(super) by: Arg,
}
