//! Reductions, one after the other: the argument of each becomes an array, which the runtime reduces.
//!
//! The order of additions is part of what is promised, so it is the runtime's; the oracle for that is NumPy, and exact
//! sums, in the tests.

use super::{Leaf, evaluate};
use crate::error::Error;
use crate::hir::{Expr, ExprId, Graph};
use crate::ops::AxisOp;
use crate::shape::Shapes;
use crate::staged::{count, reduce_array};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::plan::output_order;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::view::{View, ViewMut};

/// Evaluates a graph with reductions into an output of the result's shape.
///
/// # Errors
///
/// As [`run`](super::run), and if there is no memory for what is reduced.
pub(crate) fn run_reductions(
    graph: &Graph,
    inputs: &[View<'_>],
    shapes: &Shapes,
    output: &mut ViewMut<'_>,
    pool: &Pool,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let mut outcomes: Vec<Option<Output>> = (0..graph.len()).map(|_| None).collect();
    let live = graph.live();
    for id in graph.ids().filter(|id| live[id.index()]) {
        let Expr::Reduce(reduction, arg) = graph.expr(id) else { continue };
        let (op, reduced) = (graph.reduction(reduction).op, &shapes.reductions[reduction.index()]);
        let mut outcome = fresh(graph, id, &reduced.result, inputs)?;
        match op {
            AxisOp::Count => outcome.view_mut().write(&[], Scalar::new(count(reduced)))?,
            _ => {
                let mut values = fresh(graph, arg, &reduced.domain, inputs)?;
                evaluate(graph, arg, leaves(graph, inputs, &outcomes), &mut values.view_mut(), progress)?;
                reduce_array(op, reduced, &values.view(), &mut outcome.view_mut(), pool)?;
            }
        }
        outcomes[id.index()] = Some(outcome);
    }
    evaluate(graph, graph.root(), leaves(graph, inputs, &outcomes), output, progress)
}

/// A fresh array for a node, in the inputs' memory order.
fn fresh(graph: &Graph, id: ExprId, shape: &[usize], inputs: &[View<'_>]) -> Result<Output, Error> {
    let shape = if matches!(graph.expr(id), Expr::Reduce(..)) && graph.is_scalar(id) { &[] } else { shape };
    Ok(Output::new(graph.dtype(id), shape, &output_order(shape, inputs))?)
}

fn leaves<'a>(
    graph: &'a Graph,
    inputs: &'a [View<'a>],
    outcomes: &'a [Option<Output>],
) -> impl Fn(ExprId) -> Option<Leaf<'a>> {
    move |id| match graph.expr(id) {
        Expr::Var(var) => Some(Leaf::View(inputs[var.0 as usize].clone())),
        Expr::Reduce(..) => outcomes[id.index()].as_ref().map(|outcome| Leaf::View(outcome.view())),
        _ => None,
    }
}
