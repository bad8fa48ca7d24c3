//! The reference interpreter: one element after the other, straight over the typed graph.
//!
//! It is the oracle that compiled code is tested against, and what runs where there is no compiled
//! code. It knows nothing of tapes, tiles or threads; what it shares with the compiler is the graph
//! and the meaning of each primitive.

mod along;

pub(crate) use along::{Call, run_reductions};

use crate::error::Error;
use crate::hir::{Expr, ExprId, Graph};
use crate::ops::{Op, scalar};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::{ExecError, Progress};
use ndexpr_runtime::view::{View, ViewMut};

/// Elements between two looks at the progress.
const PROGRESS_EVERY: usize = 4096;

/// Evaluates a graph without reductions for every element of the output. `inputs` are the values of
/// the graph's variables, in order, and must broadcast to the output's shape; none may overlap the
/// output unless it is the very same view. `None` stands for the output as it was before.
///
/// # Errors
///
/// If an input does not broadcast, or the run is cancelled.
pub(crate) fn run(
    graph: &Graph,
    inputs: &[Option<View<'_>>],
    output: &mut ViewMut<'_>,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let leaf = |id: ExprId| match graph.expr(id) {
        Expr::Var(var) => Some(inputs[var.0 as usize].clone().map_or(Leaf::Output, Leaf::View)),
        _ => None,
    };
    evaluate(graph, graph.root(), leaf, output, progress)
}

/// Where the value of a node is read from, instead of being computed.
enum Leaf<'a> {
    View(View<'a>),
    /// The output, as it was before.
    Output,
}

/// Evaluates one node for every element of the output, from nodes that `leaf` has.
fn evaluate<'a>(
    graph: &Graph,
    root: ExprId,
    leaf: impl Fn(ExprId) -> Option<Leaf<'a>>,
    output: &mut ViewMut<'_>,
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let shape = output.shape().to_vec();
    let mut leaves: Vec<Option<Leaf<'a>>> = (0..graph.len()).map(|_| None).collect();
    let mut needed = vec![false; graph.len()];
    needed[root.index()] = true;
    for id in graph.ids().rev().filter(|id| id.index() <= root.index()) {
        if !needed[id.index()] {
            continue;
        }
        match leaf(id) {
            Some(Leaf::View(view)) => leaves[id.index()] = Some(Leaf::View(view.broadcast_to(&shape)?)),
            Some(Leaf::Output) => leaves[id.index()] = Some(Leaf::Output),
            None => graph.args(id).for_each(|arg| needed[arg.index()] = true),
        }
    }
    let order: Vec<ExprId> = graph.ids().filter(|id| needed[id.index()]).collect();
    let mut index = vec![0; shape.len()];
    let mut values = vec![0; graph.len()];
    let n_elems = output.n_elems();
    for i in 0..n_elems {
        if i % PROGRESS_EVERY == 0
            && let Some(progress) = progress
        {
            if progress.is_to_stop() {
                return Err(ExecError::Cancelled.into());
            }
            progress.add_done(PROGRESS_EVERY.min(n_elems - i));
        }
        for &id in &order {
            let value = match &leaves[id.index()] {
                Some(Leaf::View(view)) => view.read(&index).map_or(0, Scalar::bits),
                Some(Leaf::Output) => output.read(&index).map_or(0, Scalar::bits),
                None => apply(graph, id, &values)?,
            };
            values[id.index()] = value;
        }
        output.write(&index, Scalar::from_bits(graph.dtype(root), values[root.index()]))?;
        advance(&mut index, &shape);
    }
    Ok(())
}

/// The value of a node for one element, from those of its arguments.
fn apply(graph: &Graph, id: ExprId, values: &[u64]) -> Result<u64, Error> {
    match graph.expr(id) {
        Expr::Const(value) => Ok(value.bits()),
        Expr::Apply(op, args) => {
            let n = op.arity();
            let mut bits = [0; 3];
            for (place, arg) in bits.iter_mut().zip(&args[..n]) {
                *place = values[arg.index()];
            }
            let from = graph.dtype(args[if op == Op::Select { 1 } else { 0 }]);
            Ok(scalar::apply(op, from, graph.dtype(id), bits))
        }
        Expr::Var(_) | Expr::Reduce(..) => Err(Error::internal("a value that nothing was given for")),
    }
}

/// The next index in C order.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (place, &extent) in index.iter_mut().zip(shape).rev() {
        *place += 1;
        if *place < extent {
            return;
        }
        *place = 0;
    }
}
