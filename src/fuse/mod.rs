//! Fusion: which operations share a loop.
//!
//! In: an optimised graph. Out: a [`Fused`]: [`Loop`]s in the order in which they run, each with
//! what it reads and writes. `group` decides, `collect` finds what a loop computes and reads.
//! Always true: a loop reads only variables and what earlier loops have written.

mod bound;
mod collect;
mod group;
mod print;

pub(crate) use group::fuse;

use crate::hir::{ExprId, Leaf, ReductionId, VarId};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::Origin;

/// A value that passes from one loop to a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TempId(pub(crate) u32);

/// Where an operand of a loop is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Var(VarId),
    Temp(TempId),
    /// What an earlier loop has left in the result, for this one to replace.
    Result,
    /// How many elements a reduction has along its axes.
    Count(ReductionId),
}

/// Where a loop's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Result,
    Temp(TempId),
    /// Nowhere: it is reduced.
    Folded,
}

/// What a loop iterates over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// The shape of the result.
    Result,
    /// One element.
    One,
    /// What a reduction runs over.
    Domain(ReductionId),
    /// What these broadcast to.
    Leaves(Vec<Leaf>),
}

/// An output of a loop that is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) reduction: ReductionId,
    /// Which of the outputs.
    pub(crate) output: usize,
    /// Where the outcome goes: a temporary or the result.
    pub(crate) target: Target,
}

/// Operations that run as one loop.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) space: Space,
    /// What it reads; the expressions are variables, or values of earlier loops.
    pub(crate) inputs: Vec<(ExprId, Source)>,
    /// What it computes, in order. Constants are not listed.
    pub(crate) body: Vec<ExprId>,
    pub(crate) outputs: Vec<(ExprId, Target)>,
    /// By output: how the runtime can read it without a kernel.
    pub(crate) origins: Vec<Option<Origin>>,
    /// What becomes of the outputs, all along the same axes.
    pub(crate) folds: Vec<Fold>,
}

/// A value between loops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Temp {
    pub(crate) dtype: DType,
    pub(crate) shape: TempShape,
}

/// The shape of a value between loops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TempShape {
    /// Of a loop.
    Of(Space),
    /// The outcome of a reduction.
    Reduced(ReductionId),
}

/// All loops of an expression.
#[derive(Clone, Debug)]
pub(crate) struct Fused {
    pub(crate) loops: Vec<Loop>,
    pub(crate) temps: Vec<Temp>,
}

impl Fused {
    fn add_temp(&mut self, dtype: DType, shape: TempShape) -> TempId {
        self.temps.push(Temp { dtype, shape });
        TempId(self.temps.len() as u32 - 1)
    }
}

impl Target {
    /// Where later loops find it.
    fn source(self) -> Option<Source> {
        match self {
            Target::Result => Some(Source::Result),
            Target::Temp(temp) => Some(Source::Temp(temp)),
            Target::Folded => None,
        }
    }
}
