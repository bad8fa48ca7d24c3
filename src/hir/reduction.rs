//! What runs along axes: over which shape, along which axes, and which shape comes out.
//!
//! Optimising may drop a variable from the values, but the shape of a result follows from the text.
//! So each [`Reduction`] keeps the *domain* of its argument: the variables and reductions whose
//! shapes broadcast to the shape that it runs over. A domain is sorted and names nothing that
//! cannot matter, so that equal ones compare equal. It says nothing of values: `sum(a)` and
//! `sum(a*a)` are one reduction of two arguments, thus two nodes.

use super::error::Instead;
use super::{Graph, VarId};
use crate::ops::AxisOp;
use crate::resolve::SiteId;
use ndexpr_grammar::Span;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// A reduction of a [`Graph`]. The reductions that its domain names come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ReductionId(pub(crate) u32);

impl ReductionId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The axes that something runs along.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Axes {
    /// `axis=None`, or no axis given.
    All,
    /// The axes as written. Negative ones count from the last axis, and none of them has been
    /// checked.
    List(SmallVec<[i64; 4]>),
}

/// A part of the text whose shape takes part in the shapes of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Leaf {
    Var(VarId),
    /// The shape of a reduction's result. Of reductions with the same shape, the first stands for
    /// all.
    Reduction(ReductionId),
}

/// What runs along axes, for any argument.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reduction {
    pub(crate) op: AxisOp,
    pub(crate) axes: Axes,
    /// True if the axes stay, with extent 1.
    pub(crate) keepdims: bool,
    /// The variables and reductions whose shapes broadcast to the shape of the argument.
    pub(crate) domain: Vec<Leaf>,
    /// The call that first made it.
    pub(crate) span: Span,
    /// The call of a function of the text that this one was made for.
    pub(crate) site: SiteId,
    /// Where that call's axis is written.
    pub(crate) axis_span: Option<Span>,
    /// The call that may have been meant instead, if the axis is given by position.
    pub(crate) instead: Option<Instead>,
}

impl Reduction {
    /// True if the result is one element of rank 0 for all shapes.
    pub(crate) fn is_total(&self) -> bool {
        self.axes == Axes::All && !self.keepdims && !self.op.is_cumulative()
    }

    /// True if the shape of the result always broadcasts to that of the domain.
    fn is_within_domain(&self) -> bool {
        match &self.axes {
            // The result of accumulating over a single value has an axis that the value does not
            // have.
            Axes::All => !self.op.is_cumulative(),
            Axes::List(axes) => self.keepdims || self.op.is_cumulative() || axes.is_empty(),
        }
    }
}

/// The domain of these leaves, without those that cannot matter.
pub(super) fn domain(graph: &Graph, mut leaves: Vec<Leaf>) -> Vec<Leaf> {
    leaves.sort_unstable();
    leaves.dedup();
    let mut is_kept: Vec<bool> = leaves
        .iter()
        .map(|leaf| match *leaf {
            Leaf::Var(var) => !graph.vars()[var.0 as usize].ty.is_scalar,
            Leaf::Reduction(id) => !graph.reduction(id).is_total(),
        })
        .collect();
    // Outer reductions go first, so that nothing in their domains is left out yet.
    for i in (0..leaves.len()).rev() {
        let Leaf::Reduction(id) = leaves[i] else { break };
        let reduction = graph.reduction(id);
        let names = |leaf: &Leaf| leaves.binary_search(leaf).is_ok_and(|place| is_kept[place]);
        if reduction.is_within_domain() && reduction.domain.iter().all(names) {
            is_kept[i] = false;
        }
    }
    let mut is_kept = is_kept.into_iter();
    leaves.retain(|_| is_kept.next() == Some(true));
    leaves
}

/// What the shape of a result follows from.
type ShapeKey = (Axes, bool, bool, Vec<Leaf>);

/// Finds the reductions of a graph again while it is lowered.
#[derive(Debug, Default)]
pub(super) struct Interner {
    /// The first reduction with each shape.
    shapes: FxHashMap<ShapeKey, ReductionId>,
    ids: FxHashMap<(AxisOp, ReductionId), ReductionId>,
}

impl Interner {
    /// The reduction in the graph, which is added if it is not there, and the first one that has
    /// its shape.
    pub(super) fn intern(&mut self, graph: &mut Graph, reduction: Reduction) -> (ReductionId, ReductionId) {
        let next = ReductionId(graph.reductions.len() as u32);
        let op = reduction.op;
        let key = (reduction.axes.clone(), reduction.keepdims, op.is_cumulative(), reduction.domain.clone());
        let first = *self.shapes.entry(key).or_insert(next);
        let id = *self.ids.entry((op, first)).or_insert(next);
        if id == next {
            graph.reductions.push(reduction);
        }
        (id, first)
    }
}
