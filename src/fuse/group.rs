//! Which operations share a loop, and in which order the loops run.
//!
//! All operations on arrays share one loop, unless something runs along axes: a reduction ends its
//! loop, and whatever uses the outcome is in a later one. Reductions over domains that are
//! [alike](Alike) along the same axes share a loop, a few to each, if none needs another's outcome.
//! A result over such a domain that needs no later outcome is written by their loop. All other
//! results over domains that are alike share one loop at the end. Reductions come in
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

use super::alike::{Alike, Class};
use super::collect::collect;
use super::{CallArray, Dest, Fold, Fused, Loop, Source, Space, TempShape, source_of};
use crate::hir::{Axes, Expr, ExprId, Graph, Leaf, ReductionId};
use crate::ops::AxisOp;
use std::collections::BTreeSet;

/// The most reductions that share a loop. What they reduce waits in the nearest caches for its
/// turn, and the more of it waits, the slower it is.
// Chosen by "many-sums" in docs/measurements.md.
const MAX_FOLDS: usize = 8;

/// What reductions of one loop have in common: the class of their domains, and axes; and the
/// reduction, if it has a loop of its own.
type LoopKey<'g> = (Class, &'g Axes, Option<ExprId>);

/// A value of the graph that is left in the memory of a result until the loop at the end replaces
/// it.
#[derive(Clone, Copy)]
struct Kept {
    value: ExprId,
    /// Which result.
    root: usize,
}

/// Groups the operations of a graph into loops.
pub(crate) fn fuse(graph: &Graph, alike: &Alike) -> Fused {
    let calls_for_scalar = |id| graph.is_scalar(id) && graph.is_call(id);
    let mut fused = Fused { loops: Vec::new(), temps: Vec::new() };
    let mut sources: Vec<Option<Source>> = vec![None; graph.len()];
    let mut is_written = vec![false; graph.roots().len()];
    if graph.reductions().is_empty() && !graph.ids().any(calls_for_scalar) {
        add_results(graph, alike, &is_written, &mut fused, &sources);
        return fused;
    }
    let grouping = Grouping::new(graph, alike);
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
        grouping.add_reductions(level, kept, &mut fused, &mut sources, &mut is_written);
    }
    add_results(graph, alike, &is_written, &mut fused, &sources);
    fused
}

/// Adds loops for the results that are not yet written.
fn add_results(graph: &Graph, alike: &Alike, is_written: &[bool], fused: &mut Fused, sources: &[Option<Source>]) {
    let mut groups: Vec<(Class, Vec<usize>)> = Vec::new();
    for root in (0..graph.roots().len()).filter(|&root| !is_written[root]) {
        let class = alike.root(root);
        match groups.iter_mut().find(|(found, _)| *found == class) {
            Some((_, roots)) => roots.push(root),
            None => groups.push((class, vec![root])),
        }
    }
    for (_, roots) in groups {
        let outputs = roots.iter().map(|&root| (graph.roots()[root], Some(Dest::Result(root)))).collect();
        fused.loops.push(collect(graph, Space::Result(roots[0]), outputs, sources));
    }
}

struct Grouping<'g> {
    graph: &'g Graph,
    alike: &'g Alike,
    /// For each node, how many levels of reductions are below it.
    level: Vec<u32>,
    /// For each node that follows from outcomes alone, the reductions of these outcomes; `None` if
    /// a variable that is no scalar takes part, or if the node is a scalar itself.
    outcomes: Vec<Option<BTreeSet<ReductionId>>>,
    /// For each node, whether a function is called for it, since the last reduction.
    calls: Vec<bool>,
    /// For each node, whether a root needs it.
    live: Vec<bool>,
}

impl<'g> Grouping<'g> {
    fn new(graph: &'g Graph, alike: &'g Alike) -> Grouping<'g> {
        let mut grouping = Grouping {
            graph,
            alike,
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
            Expr::Apply(..) | Expr::Call(..) | Expr::After(..) => {
                let mut all = BTreeSet::new();
                for arg in self.graph.args(id).filter(|&arg| !self.graph.is_scalar(arg)) {
                    all.extend(self.outcomes[arg.index()].as_ref()?.iter().copied());
                }
                Some(all)
            }
            Expr::Var(_) | Expr::Const(_) | Expr::Param(_) => None,
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

    /// Whether the outcome has the shape of a result for certain: optimising may have dropped a
    /// variable that makes the result larger.
    fn has_shape_of_root(&self, id: ReductionId, root: usize) -> bool {
        let domain = &self.graph.root_domains()[root][..];
        match self.graph.reduction(id).is_total() {
            true => domain.is_empty(),
            false => *domain == [Leaf::Reduction(self.first_of_shape(id))],
        }
    }

    /// The first result that is this outcome, and nothing else.
    fn root_of_outcome(&self, id: ExprId, reduction: ReductionId) -> Option<usize> {
        let mut roots = self.graph.roots().iter().enumerate();
        let is_it = |&(root, &other): &(usize, &ExprId)| other == id && self.has_shape_of_root(reduction, root);
        roots.find(is_it).map(|(root, _)| root)
    }

    /// An argument of a reduction that is also needed for the result, and that is worth keeping in
    /// the result's memory.
    fn value_to_keep(&self) -> Option<Kept> {
        let graph = self.graph;
        // Of several results some may be written early.
        let root = graph.only_root()?;
        // What the last loop needs, if it stops at outcomes.
        let mut needed = vec![false; graph.len()];
        needed[root.index()] = true;
        for id in graph.ids().rev() {
            if needed[id.index()] && !matches!(graph.expr(id), Expr::Reduce(..)) {
                graph.args(id).for_each(|arg| needed[arg.index()] = true);
            }
        }
        graph.ids().find_map(|id| {
            let Expr::Reduce(reduction, arg) = graph.expr(id) else { return None };
            let reduction = graph.reduction(reduction);
            let is_kept = needed[arg.index()]
                && arg != root
                && self.calls[arg.index()]
                && graph.dtype(arg) == graph.dtype(root)
                && !graph.is_scalar(arg)
                && !reduction.op.is_cumulative()
                && reduction.domain == graph.root_domains()[0];
            is_kept.then_some(Kept { value: arg, root: 0 })
        })
    }

    /// A running result that has the shape and the dtype of the result, and is not the result: it
    /// is worth keeping in the result's memory. If something along axes reads it too, it is not
    /// kept: sums would be added in the order of the output's memory.
    fn scan_to_keep(&self) -> Option<Kept> {
        let graph = self.graph;
        let root = graph.only_root()?;
        // What a value that runs along axes follows from.
        let mut is_below = vec![false; graph.len()];
        for id in graph.ids().rev().filter(|id| self.live[id.index()]) {
            if matches!(graph.expr(id), Expr::Reduce(..)) || is_below[id.index()] {
                graph.args(id).for_each(|arg| is_below[arg.index()] = true);
            }
        }
        let scan = graph.ids().find(|&id| {
            if is_below[id.index()] {
                return false;
            }
            let Some((reduction, op)) = self.reduction(id) else { return false };
            op.is_cumulative()
                && self.live[id.index()]
                && id != root
                && graph.dtype(id) == graph.dtype(root)
                && self.has_shape_of_root(reduction, 0)
        });
        scan.map(|value| Kept { value, root: 0 })
    }

    /// Adds loops for values that follow from outcomes up to a level. Otherwise the loops that use
    /// them would compute them for each of their elements.
    fn add_values(&self, level: u32, fused: &mut Fused, sources: &mut [Option<Source>]) {
        let graph = self.graph;
        let is_here = |id: ExprId| {
            self.level[id.index()] == level
                && matches!(graph.expr(id), Expr::Apply(..) | Expr::Call(..) | Expr::After(..))
        };
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
    fn add_reductions(
        &self,
        level: u32,
        kept: Option<Kept>,
        fused: &mut Fused,
        sources: &mut [Option<Source>],
        is_written: &mut [bool],
    ) {
        let graph = self.graph;
        let mut groups: Vec<(LoopKey<'_>, Vec<ExprId>)> = Vec::new();
        for id in graph.ids().filter(|id| self.live[id.index()]) {
            let Some((reduction, op)) = self.reduction(id) else { continue };
            if op == AxisOp::Count || self.level[id.index()] != level + 1 {
                continue;
            }
            let class = self.alike.reduction(reduction);
            let reduction = graph.reduction(reduction);
            // Both have a loop of their own: a place is counted in the order of the axes, and a
            // cumulative operation is no reduction.
            let is_alone = op.is_cumulative() || op.is_place();
            let key: LoopKey<'_> = (class, &reduction.axes, is_alone.then_some(id));
            match groups.iter_mut().rfind(|(found, ids)| *found == key && ids.len() < MAX_FOLDS) {
                Some((_, ids)) => ids.push(id),
                None => groups.push((key, vec![id])),
            }
        }
        for ((class, _, alone), ids) in groups {
            // Results of the same elements that can be computed by now.
            let can_join = |&root: &usize| {
                alone.is_none()
                    && !is_written[root]
                    && self.alike.root(root) == class
                    && self.level[graph.roots()[root].index()] <= level
            };
            let roots: Vec<usize> = (0..is_written.len()).filter(can_join).collect();
            let group = self.reduction_loop(&ids, &roots, kept, fused, sources);
            for (&id, fold) in ids.iter().zip(&group.folds) {
                sources[id.index()] = Some(source_of(fold.dest));
                if let Dest::Result(root) = fold.dest {
                    is_written[root] |= graph.roots()[root] == id;
                }
            }
            for &(id, dest) in &group.outputs {
                if let Some(Dest::Result(root)) = dest {
                    is_written[root] |= graph.roots()[root] == id;
                    if kept.is_some_and(|kept| kept.value == id) {
                        sources[id.index()] = Some(Source::Result(root));
                    }
                }
            }
            fused.loops.push(group);
        }
    }

    /// The loop of some reductions along the same axes, which also writes some results.
    fn reduction_loop(
        &self,
        ids: &[ExprId],
        roots: &[usize],
        kept: Option<Kept>,
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
                let kept = kept.filter(|kept| kept.value == arg && sources[arg.index()].is_none());
                outputs.push((arg, kept.map(|kept| Dest::Result(kept.root))));
                outputs.len() - 1
            });
            let kept = kept.filter(|kept| kept.value == id).map(|kept| kept.root);
            let dest = match self.root_of_outcome(id, reduction).or(kept) {
                Some(root) => Dest::Result(root),
                None => fused.add_temp(graph.dtype(id), TempShape::Reduced(reduction)),
            };
            folds.push(Fold { reduction, output, dest });
        }
        for &root in roots {
            let (id, dest) = (graph.roots()[root], Dest::Result(root));
            match outputs.iter_mut().find(|(found, dest)| *found == id && dest.is_none()) {
                Some((_, place)) => *place = Some(dest),
                None => outputs.push((id, Some(dest))),
            }
        }
        Loop { folds, ..collect(graph, space, outputs, sources) }
    }
}

/// For each node, whether a function is called for it, since the last reduction.
fn calls(graph: &Graph) -> Vec<bool> {
    let mut calls = vec![false; graph.len()];
    for id in graph.ids() {
        let is_reduced = matches!(graph.expr(id), Expr::Reduce(..));
        calls[id.index()] = !is_reduced && (graph.is_call(id) || graph.args(id).any(|arg| calls[arg.index()]));
    }
    calls
}
