//! Fusion: which operations share a loop.
//!
//! In: an optimised graph. Out: [`Loop`]s in the order in which they run, each with what it reads and writes. Every
//! operation on arrays joins one loop, but that a reduction ends its loop, and what uses the outcome is in a later one:
//! see [`along`]. What is the same for all elements and costs a function call is computed before it, in a loop over one
//! element: `a * sin(k)` calls `sin` once.

mod along;
mod print;

use crate::hir::{Expr, ExprId, Graph, Leaf, ReductionId, VarId};
use crate::ops::Op;
use ndexpr_runtime::dtype::DType;

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
pub(crate) struct Plan {
    pub(crate) loops: Vec<Loop>,
    pub(crate) temps: Vec<Temp>,
}

impl Plan {
    fn add_temp(&mut self, dtype: DType, shape: TempShape) -> TempId {
        self.temps.push(Temp { dtype, shape });
        TempId(self.temps.len() as u32 - 1)
    }
}

/// Groups the operations of a graph.
pub(crate) fn plan(graph: &Graph) -> Plan {
    if !graph.reductions().is_empty() {
        return along::plan(graph);
    }
    let hoisted = hoisted(graph);
    let mut plan = Plan { loops: Vec::new(), temps: Vec::new() };
    let mut sources: Vec<Option<Source>> = vec![None; graph.len()];
    if !hoisted.is_empty() {
        let temps = hoisted.iter().map(|&id| (id, plan.add_temp(graph.dtype(id), TempShape::Of(Space::One))));
        let targets: Vec<(ExprId, Target)> = temps.map(|(id, temp)| (id, Target::Temp(temp))).collect();
        plan.loops.push(collect(graph, Space::One, targets.clone(), &sources));
        for (id, target) in targets {
            sources[id.index()] = target.source();
        }
    }
    plan.loops.push(collect(graph, Space::Result, vec![(graph.root(), Target::Result)], &sources));
    plan
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

/// Scalar values that array operations use and that a function is called for.
fn hoisted(graph: &Graph) -> Vec<ExprId> {
    if graph.is_scalar(graph.root()) {
        return Vec::new();
    }
    let calls = calls(graph);
    let mut found: Vec<ExprId> = graph
        .ids()
        .filter(|&id| !graph.is_scalar(id))
        .flat_map(|id| graph.args(id))
        .filter(|&arg| graph.is_scalar(arg) && calls[arg.index()])
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// By node: whether a function is called for it, since the last reduction.
fn calls(graph: &Graph) -> Vec<bool> {
    let mut calls = vec![false; graph.len()];
    for id in graph.ids() {
        calls[id.index()] = match graph.expr(id) {
            Expr::Apply(Op::Math(_), _) => true,
            Expr::Reduce(..) => false,
            _ => graph.args(id).any(|arg| calls[arg.index()]),
        };
    }
    calls
}

/// The loop that computes the outputs from variables and what earlier loops have left at the given places.
fn collect(graph: &Graph, space: Space, outputs: Vec<(ExprId, Target)>, sources: &[Option<Source>]) -> Loop {
    let mut needed = vec![false; graph.len()];
    for &(id, _) in &outputs {
        needed[id.index()] = true;
    }
    for id in graph.ids().rev() {
        if needed[id.index()] && sources[id.index()].is_none() {
            for arg in graph.args(id) {
                needed[arg.index()] = true;
            }
        }
    }
    let mut inputs = Vec::new();
    let mut body = Vec::new();
    for id in graph.ids().filter(|id| needed[id.index()]) {
        match (sources[id.index()], graph.expr(id)) {
            (Some(source), _) => inputs.push((id, source)),
            (None, Expr::Var(var)) => inputs.push((id, Source::Var(var))),
            (None, Expr::Apply(..) | Expr::Reduce(..)) => body.push(id),
            (None, Expr::Const(_)) => {}
        }
    }
    Loop { space, inputs, body, outputs, folds: Vec::new() }
}
