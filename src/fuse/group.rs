//! Which operations share a loop, and in which order the loops run.
//!
//! All operations on arrays share one loop, unless something runs along axes: a reduction ends its
//! loop, and whatever uses the outcome is in a later one. Reductions over the same domain along the
//! same axes share a loop, a few to each, if none needs another's outcome. Reductions come in
//! *levels*: those of level 0 read variables only, those of level 1 also outcomes of level 0, and
//! so on.
//!
//! Before each level, two kinds of values get loops of their own, so that they are computed once.
//! The first kind is single values that a function is called for: `a * sin(k)` calls `sin` once.
//! The second kind is values that follow from outcomes alone: the division and the root in
//! `(a - mean(a, axis=0)) / std(a, axis=0)` are computed for each outcome, not for each element
//! that it meets.
//!
//! Some values cost function calls, are reduced, and are also needed for the result (the
//! exponentials of a softmax). Such a value is left in the result's memory, and the last loop
//! replaces it. So are running results that the last loop reads (`cumsum(a)/8`). So no array is
//! made that the text does not have.

use super::collect::collect;
use super::{CallArray, Dest, Fold, Fused, Loop, Source, Space, TempShape, source_of};
use crate::hir::{Axes, Expr, ExprId, Graph, Leaf, ReductionId};
use crate::ops::{AxisOp, Op};
use std::collections::BTreeSet;

/// The most reductions that share a loop. What they reduce waits in the nearest caches for its
/// turn, and the more of it waits, the slower it is.
// Chosen by "many-sums" in docs/measurements.md.
const MAX_FOLDS: usize = 8;

/// What reductions of one loop have in common: domain and axes; and the reduction, if it has a loop
/// of its own.
type LoopKey<'g> = (&'g [Leaf], &'g Axes, Option<ExprId>);

/// Groups the operations of a graph into loops.
pub(crate) fn fuse(graph: &Graph) -> Fused {
    let calls_for_scalar = |id| graph.is_scalar(id) && matches!(graph.expr(id), Expr::Apply(Op::Math(_), _));
    if graph.reductions().is_empty() && !graph.ids().any(calls_for_scalar) {
        let sources = vec![None; graph.len()];
        let only = collect(graph, Space::Result, vec![(graph.root(), Some(Dest::Result))], &sources);
        return Fused { loops: vec![only], temps: Vec::new() };
    }
    let grouping = Grouping::new(graph);
    let mut fused = Fused { loops: Vec::new(), temps: Vec::new() };
    let mut sources: Vec<Option<Source>> = vec![None; graph.len()];
    for id in graph.ids() {
        if let Some((reduction, AxisOp::Count)) = grouping.reduction(id) {
            sources[id.index()] = Some(CallArray::Count(reduction).source(graph));
        }
    }
    let kept = match grouping.scan_to_keep() {
        Some(scan) => Some(scan),
        None => grouping.value_to_keep(),
    };
    let n_levels = grouping.level.iter().copied().max().unwrap_or(0);
    for level in 0..=n_levels {
        grouping.add_values(level, &mut fused, &mut sources);
        grouping.add_reductions(level, kept, &mut fused, &mut sources);
    }
    // If the result is a reduction's outcome, it is there already.
    if sources[graph.root().index()] != Some(Source::Result) {
        fused.loops.push(collect(graph, Space::Result, vec![(graph.root(), Some(Dest::Result))], &sources));
    }
    fused
}

struct Grouping<'g> {
    graph: &'g Graph,
    /// For each node, how many levels of reductions are below it.
    level: Vec<u32>,
    /// For each node that follows from outcomes alone, the reductions of these outcomes; `None` if
    /// a variable that is no scalar takes part, or if the node is a scalar itself.
    outcomes: Vec<Option<BTreeSet<ReductionId>>>,
    /// For each node, whether a function is called for it, since the last reduction.
    calls: Vec<bool>,
    /// For each node, whether the root needs it.
    live: Vec<bool>,
}

impl<'g> Grouping<'g> {
    fn new(graph: &'g Graph) -> Grouping<'g> {
        let mut grouping = Grouping {
            graph,
            level: vec![0; graph.len()],
            outcomes: vec![None; graph.len()],
            calls: calls(graph),
            live: graph.live(),
        };
        for id in graph.ids() {
            let below = graph.args(id).map(|arg| grouping.level[arg.index()]).max().unwrap_or(0);
            grouping.level[id.index()] = match grouping.reduction(id) {
                Some((_, AxisOp::Count)) => 0,
                Some(_) => below + 1,
                None => below,
            };
            grouping.outcomes[id.index()] = grouping.outcomes_of(id);
        }
        grouping
    }

    fn reduction(&self, id: ExprId) -> Option<(ReductionId, AxisOp)> {
        match self.graph.expr(id) {
            Expr::Reduce(reduction, _) => Some((reduction, self.graph.reduction(reduction).op)),
            _ => None,
        }
    }

    fn outcomes_of(&self, id: ExprId) -> Option<BTreeSet<ReductionId>> {
        if self.graph.is_scalar(id) {
            return None;
        }
        match self.graph.expr(id) {
            Expr::Reduce(reduction, _) if self.graph.reduction(reduction).op.is_cumulative() => None,
            Expr::Reduce(reduction, _) => Some(BTreeSet::from([self.first_of_shape(reduction)])),
            Expr::Apply(..) => {
                let mut all = BTreeSet::new();
                for arg in self.graph.args(id).filter(|&arg| !self.graph.is_scalar(arg)) {
                    all.extend(self.outcomes[arg.index()].as_ref()?.iter().copied());
                }
                Some(all)
            }
            Expr::Var(_) | Expr::Const(_) => None,
        }
    }

    /// The first reduction with the same shape, which stands for all of them.
    fn first_of_shape(&self, id: ReductionId) -> ReductionId {
        let wanted = self.graph.reduction(id);
        let is_same = |other: &crate::hir::Reduction| {
            other.axes == wanted.axes
                && other.keepdims == wanted.keepdims
                && other.op.is_cumulative() == wanted.op.is_cumulative()
                && other.domain == wanted.domain
        };
        let first = self.graph.reductions().iter().position(is_same);
        first.map_or(id, |index| ReductionId(index as u32))
    }

    /// Whether the outcome has the shape of the result for certain: optimising may have dropped a
    /// variable that makes the result larger.
    fn has_shape_of_result(&self, id: ReductionId) -> bool {
        match self.graph.reduction(id).is_total() {
            true => self.graph.root_domain().is_empty(),
            false => *self.graph.root_domain() == [Leaf::Reduction(self.first_of_shape(id))],
        }
    }

    /// An argument of a reduction that is also needed for the result, and that is worth keeping in
    /// the result's memory.
    fn value_to_keep(&self) -> Option<ExprId> {
        let graph = self.graph;
        // What the last loop needs, if it stops at outcomes.
        let mut needed = vec![false; graph.len()];
        needed[graph.root().index()] = true;
        for id in graph.ids().rev() {
            if needed[id.index()] && !matches!(graph.expr(id), Expr::Reduce(..)) {
                graph.args(id).for_each(|arg| needed[arg.index()] = true);
            }
        }
        graph.ids().find_map(|id| {
            let Expr::Reduce(reduction, arg) = graph.expr(id) else { return None };
            let reduction = graph.reduction(reduction);
            let is_kept = needed[arg.index()]
                && arg != graph.root()
                && self.calls[arg.index()]
                && graph.dtype(arg) == graph.dtype(graph.root())
                && !graph.is_scalar(arg)
                && !reduction.op.is_cumulative()
                && reduction.domain == graph.root_domain();
            is_kept.then_some(arg)
        })
    }

    /// A running result that has the shape and the dtype of the result, and is not the result: it
    /// is worth keeping in the result's memory. If something along axes reads it too, it is not
    /// kept: sums would be added in the order of the output's memory.
    fn scan_to_keep(&self) -> Option<ExprId> {
        let graph = self.graph;
        // What a value that runs along axes follows from.
        let mut is_below = vec![false; graph.len()];
        for id in graph.ids().rev().filter(|id| self.live[id.index()]) {
            if matches!(graph.expr(id), Expr::Reduce(..)) || is_below[id.index()] {
                graph.args(id).for_each(|arg| is_below[arg.index()] = true);
            }
        }
        graph.ids().find(|&id| {
            if is_below[id.index()] {
                return false;
            }
            let Some((reduction, op)) = self.reduction(id) else { return false };
            op.is_cumulative()
                && self.live[id.index()]
                && id != graph.root()
                && graph.dtype(id) == graph.dtype(graph.root())
                && self.has_shape_of_result(reduction)
        })
    }

    /// Adds loops for values that follow from outcomes up to a level. Otherwise the loops that use
    /// them would compute them for each of their elements.
    fn add_values(&self, level: u32, fused: &mut Fused, sources: &mut [Option<Source>]) {
        let graph = self.graph;
        let is_here = |id: ExprId| self.level[id.index()] == level && matches!(graph.expr(id), Expr::Apply(..));
        // For each node: whether it is used where there are more elements.
        let mut is_scalar_used = vec![false; graph.len()];
        let mut is_outcome_used = vec![false; graph.len()];
        let users = graph.ids().filter(|id| self.live[id.index()]);
        for id in users.filter(|&id| !graph.is_scalar(id) || matches!(graph.expr(id), Expr::Reduce(..))) {
            for arg in graph.args(id) {
                is_scalar_used[arg.index()] |= !graph.is_scalar(id);
                let is_reduced = matches!(graph.expr(id), Expr::Reduce(..));
                is_outcome_used[arg.index()] |= self.outcomes[id.index()].is_none() && !is_reduced;
            }
        }
        let scalars = graph
            .ids()
            .filter(|&id| is_here(id) && graph.is_scalar(id) && self.calls[id.index()] && is_scalar_used[id.index()]);
        self.add_loop(Space::One, scalars.collect(), fused, sources);
        let values: Vec<ExprId> = graph
            .ids()
            .filter(|&id| is_here(id) && self.outcomes[id.index()].is_some() && is_outcome_used[id.index()])
            .collect();
        let spaces: BTreeSet<&BTreeSet<ReductionId>> =
            values.iter().filter_map(|id| self.outcomes[id.index()].as_ref()).collect();
        for space in spaces {
            let of_space = values.iter().copied().filter(|id| self.outcomes[id.index()].as_ref() == Some(space));
            let leaves = space.iter().map(|&id| Leaf::Reduction(id)).collect();
            self.add_loop(Space::Leaves(leaves), of_space.collect(), fused, sources);
        }
    }

    /// Adds a loop that leaves values in temporaries.
    fn add_loop(&self, space: Space, values: Vec<ExprId>, fused: &mut Fused, sources: &mut [Option<Source>]) {
        if values.is_empty() {
            return;
        }
        let temp = |&id: &ExprId| {
            let temp = fused.add_temp(self.graph.dtype(id), TempShape::Of(space.clone()));
            (id, Some(temp))
        };
        let outputs: Vec<(ExprId, Option<Dest>)> = values.iter().map(temp).collect();
        let group = collect(self.graph, space.clone(), outputs, sources);
        for &(id, dest) in &group.outputs {
            sources[id.index()] = dest.map(source_of);
        }
        fused.loops.push(group);
    }

    /// Adds the reductions whose arguments are of a level.
    fn add_reductions(&self, level: u32, kept: Option<ExprId>, fused: &mut Fused, sources: &mut [Option<Source>]) {
        let graph = self.graph;
        let mut groups: Vec<(LoopKey<'_>, Vec<ExprId>)> = Vec::new();
        for id in graph.ids().filter(|id| self.live[id.index()]) {
            let Some((reduction, op)) = self.reduction(id) else { continue };
            if op == AxisOp::Count || self.level[id.index()] != level + 1 {
                continue;
            }
            let reduction = graph.reduction(reduction);
            // Both have a loop of their own: a place is counted in the order of the axes, and a
            // cumulative operation is no reduction.
            let is_alone = op.is_cumulative() || op.is_place();
            let key: LoopKey<'_> = (&reduction.domain, &reduction.axes, is_alone.then_some(id));
            match groups.iter_mut().rfind(|(found, ids)| *found == key && ids.len() < MAX_FOLDS) {
                Some((_, ids)) => ids.push(id),
                None => groups.push((key, vec![id])),
            }
        }
        for (_, ids) in groups {
            let group = self.reduction_loop(&ids, kept, fused, sources);
            for (&id, fold) in ids.iter().zip(&group.folds) {
                sources[id.index()] = Some(source_of(fold.dest));
            }
            if let Some(&(id, _)) = group.outputs.iter().find(|(_, dest)| *dest == Some(Dest::Result)) {
                sources[id.index()] = Some(Source::Result);
            }
            fused.loops.push(group);
        }
    }

    /// The loop of some reductions along the same axes.
    fn reduction_loop(
        &self,
        ids: &[ExprId],
        kept: Option<ExprId>,
        fused: &mut Fused,
        sources: &[Option<Source>],
    ) -> Loop {
        let graph = self.graph;
        let mut outputs: Vec<(ExprId, Option<Dest>)> = Vec::new();
        let mut folds = Vec::new();
        let mut space = Space::One;
        for &id in ids {
            let Expr::Reduce(reduction, arg) = graph.expr(id) else { continue };
            space = Space::Domain(reduction);
            let output = outputs.iter().position(|&(found, _)| found == arg).unwrap_or_else(|| {
                let is_kept = kept == Some(arg) && sources[arg.index()].is_none();
                outputs.push((arg, is_kept.then_some(Dest::Result)));
                outputs.len() - 1
            });
            let dest = match (id == graph.root() && self.has_shape_of_result(reduction)) || kept == Some(id) {
                true => Dest::Result,
                false => fused.add_temp(graph.dtype(id), TempShape::Reduced(reduction)),
            };
            folds.push(Fold { reduction, output, dest });
        }
        Loop { folds, ..collect(graph, space, outputs, sources) }
    }
}

/// For each node, whether a function is called for it, since the last reduction.
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
