//! Reductions, one after the other: the argument of each becomes an array, which the runtime
//! reduces.
//!
//! The order of additions is part of what is promised, so the interpreter takes the runtime's
//! order. In the tests, the oracle for this order is NumPy, and exact sums.

use super::{Leaf, evaluate};
use crate::along::{count, reduce_array};
use crate::error::Error;
use crate::fuse::{Fused, Loop, Source};
use crate::hir::{Expr, ExprId, Graph, ReductionId};
use crate::ops::AxisOp;
use crate::shape::{Shape, Shapes};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::plan::output_order;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::view::{View, ViewMut};

/// A program with reductions, and one call of it.
#[derive(Clone, Copy)]
pub(crate) struct Call<'c> {
    pub(crate) graph: &'c Graph,
    /// The loops that compiled code has: the memory order in which a sum is added follows from what
    /// its loop reads.
    pub(crate) fused: &'c Fused,
    /// The values of the graph's variables.
    pub(crate) values: &'c [&'c View<'c>],
    pub(crate) shapes: &'c Shapes,
}

/// Evaluates a graph with reductions into outputs of the results' shapes.
///
/// # Errors
///
/// As [`run`](super::run), and if there is no memory for what is reduced.
pub(crate) fn run_reductions(
    call: Call<'_>,
    outputs: &mut [ViewMut<'_>],
    pool: &Pool,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let Call { graph, shapes, .. } = call;
    let mut outcomes: Vec<Option<Output>> = (0..graph.len()).map(|_| None).collect();
    let live = graph.live();
    for id in graph.ids().filter(|id| live[id.index()]) {
        let Expr::Reduce(reduction, arg) = graph.expr(id) else { continue };
        let (op, reduced) = (graph.reduction(reduction).op, &shapes.reductions[reduction.index()]);
        let shape: &[usize] = if graph.is_scalar(id) { &[] } else { &reduced.result };
        let mut outcome = Output::new(graph.dtype(id), shape, &output_order(shape, call.values.iter().copied()))?;
        match op {
            AxisOp::Count => outcome.view_mut().write(&[], Scalar::new(count(reduced)?))?,
            _ => {
                let order = call.order_of_argument(reduction, arg, outputs)?;
                let mut values = Output::new(graph.dtype(arg), &reduced.domain, &order)?;
                let leaves = leaves(graph, call.values, &outcomes);
                evaluate(graph, &[arg], leaves, &mut [values.view_mut()], progress)?;
                reduce_array(op, reduced, &values.view(), &mut outcome.view_mut(), pool)?;
            }
        }
        outcomes[id.index()] = Some(outcome);
    }
    for (&root, output) in graph.roots().iter().zip(outputs) {
        let leaves = leaves(graph, call.values, &outcomes);
        evaluate(graph, &[root], leaves, &mut [output.reborrow()], progress)?;
    }
    Ok(())
}

impl Call<'_> {
    /// The memory order of what a reduction's loop reads.
    fn order_of_argument(&self, reduction: ReductionId, arg: ExprId, outputs: &[ViewMut<'_>]) -> Result<Shape, Error> {
        let is_of = |group: &&Loop| {
            let mut folds = group.folds.iter();
            folds.any(|fold| fold.reduction == reduction && group.outputs[fold.output].0 == arg)
        };
        let group = self.fused.loops.iter().find(is_of);
        let group = group.ok_or_else(|| Error::internal("a reduction without a loop"))?;
        let (mut temps, mut views) = (Vec::new(), Vec::new());
        for &(_, source) in &group.inputs {
            match source {
                // The other sources have one element each.
                Source::View(number) => views.extend(self.values.get(number).map(|&view| view.clone())),
                Source::Temp(temp) => {
                    let (shape, order) = self.fused.temp_layout(temp, self.shapes, self.values)?.seen();
                    temps.push(Output::new(self.fused.temps[temp].dtype, &shape, &order)?);
                }
                Source::Result(result) => views.extend(outputs.get(result).map(ViewMut::as_view)),
            }
        }
        let views = views.iter().cloned().chain(temps.iter().map(Output::view));
        let views: Vec<View<'_>> = views.collect();
        Ok(output_order(&self.shapes.reductions[reduction.index()].domain, &views))
    }
}

fn leaves<'a>(
    graph: &'a Graph,
    values: &'a [&'a View<'a>],
    outcomes: &'a [Option<Output>],
) -> impl Fn(ExprId) -> Option<Leaf<'a>> {
    move |id| match graph.expr(id) {
        Expr::Var(var) => Some(Leaf::View(values[var.0 as usize].clone())),
        Expr::Reduce(..) => outcomes[id.index()].as_ref().map(|outcome| Leaf::View(outcome.view())),
        _ => None,
    }
}
