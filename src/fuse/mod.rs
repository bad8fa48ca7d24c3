//! Fusion: which operations share a loop.
//!
//! In: an optimised graph. Out: a [`Fused`]: [`Loop`]s in the order in which they run, each with
//! what it reads and writes. `group` decides, `collect` finds what a loop computes and reads.
//! Always true: a loop reads only variables and what earlier loops have written.

mod alike;
mod bound;
mod collect;
mod group;
mod print;

pub(crate) use alike::Alike;
pub(crate) use collect::whole;
pub(crate) use group::fuse;

use crate::hir::{ExprId, Graph, Leaf, ReductionId, VarId};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::Origin;

pub(crate) use ndexpr_runtime::exec::{Dest, Source};

/// An array of a call that a [`Source::View`] numbers: the variables in order, then one element for
/// each reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallArray {
    Var(VarId),
    /// How many elements a reduction has along its axes.
    Count(ReductionId),
}

impl CallArray {
    /// The array of a number.
    pub(crate) fn of_number(number: usize, graph: &Graph) -> CallArray {
        match number.checked_sub(graph.vars().len()) {
            None => CallArray::Var(VarId(number as u32)),
            Some(reduction) => CallArray::Count(ReductionId(reduction as u32)),
        }
    }

    /// Where loops read it.
    fn source(self, graph: &Graph) -> Source {
        match self {
            CallArray::Var(var) => Source::View(var.0 as usize),
            CallArray::Count(reduction) => Source::View(graph.vars().len() + reduction.index()),
        }
    }
}

/// What a loop iterates over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// The shape of a result.
    Result(usize),
    /// One element.
    One,
    /// What a reduction runs over.
    Domain(ReductionId),
    /// The shape that these broadcast to.
    Leaves(Vec<Leaf>),
}

/// An output of a loop that is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) reduction: ReductionId,
    /// Which of the outputs.
    pub(crate) output: usize,
    /// Where the outcome goes.
    pub(crate) dest: Dest,
}

/// Operations that run as one loop.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub(crate) space: Space,
    /// What it reads; the expressions are variables, or values of earlier loops.
    pub(crate) inputs: Vec<(ExprId, Source)>,
    /// What it computes, in order. Constants are not listed.
    pub(crate) body: Vec<ExprId>,
    /// What it leaves, and where; nowhere if it is only reduced.
    pub(crate) outputs: Vec<(ExprId, Option<Dest>)>,
    /// For each output, how the runtime can read it without a kernel.
    pub(crate) origins: Vec<Option<Origin>>,
    /// What becomes of the outputs, all along the same axes.
    pub(crate) folds: Vec<Fold>,
}

impl Loop {
    /// Whether it writes a result.
    pub(crate) fn writes(&self, result: usize) -> bool {
        self.outputs.iter().any(|&(_, dest)| dest == Some(Dest::Result(result)))
    }
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
    /// The shape that a loop runs over.
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
    /// How many loops write results, and reduce nothing.
    pub(crate) fn n_result_loops(&self) -> usize {
        self.loops.iter().filter(|group| matches!(group.space, Space::Result(_))).count()
    }

    /// Adds a temporary. Returns where loops write it.
    fn add_temp(&mut self, dtype: DType, shape: TempShape) -> Dest {
        self.temps.push(Temp { dtype, shape });
        Dest::Temp(self.temps.len() - 1)
    }
}

/// The name of what a loop reads, in the printed form of this stage and later ones.
pub(crate) fn name_of(source: Source, graph: &Graph) -> String {
    match source {
        Source::View(number) => match CallArray::of_number(number, graph) {
            CallArray::Var(var) => graph.vars()[var.0 as usize].name.clone(),
            CallArray::Count(_) => "count".to_owned(),
        },
        Source::Temp(temp) => format!("temp{temp}"),
        Source::Result(result) => match graph.only_root() {
            Some(_) => "result".to_owned(),
            None => format!("result{result}"),
        },
    }
}

/// Where later loops read what a loop has written.
pub(crate) fn source_of(dest: Dest) -> Source {
    match dest {
        Dest::Result(result) => Source::Result(result),
        Dest::Temp(temp) => Source::Temp(temp),
    }
}
