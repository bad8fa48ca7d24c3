//! The reference interpreter: one element after the other, straight over the typed graph.
//!
//! It is the oracle that compiled code is tested against, and what runs where there is no compiled code. It knows
//! nothing of tapes, tiles or threads; what it shares with the compiler is the graph and the meaning of each primitive.

use crate::error::Error;
use crate::hir::{Expr, Graph};
use crate::ops::{Op, scalar};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::{ExecError, Progress};
use ndexpr_runtime::view::{View, ViewMut};

/// Elements between two looks at the progress.
const PROGRESS_EVERY: usize = 4096;

/// Evaluates a graph for every element of the output. `inputs` are the values of the graph's variables, in order,
/// and must broadcast to the output's shape; none may overlap the output unless it is the very same view. None is the
/// output as it was before.
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
    if !graph.reductions().is_empty() {
        return Err(Error::not_run("reductions"));
    }
    let shape = output.shape().to_vec();
    let inputs: Vec<Option<View<'_>>> = inputs
        .iter()
        .map(|input| input.as_ref().map(|view| view.broadcast_to(&shape)).transpose())
        .collect::<Result<_, _>>()?;
    let mut index = vec![0; shape.len()];
    let mut values = vec![0; graph.len()];
    let n_elems = output.n_elems();
    for i in 0..n_elems {
        if i % PROGRESS_EVERY == 0
            && let Some(progress) = progress
        {
            if progress.is_cancelled() {
                return Err(ExecError::Cancelled.into());
            }
            progress.add_done(PROGRESS_EVERY.min(n_elems - i));
        }
        let result = element(graph, &inputs, output, &index, &mut values);
        output.write(&index, result)?;
        advance(&mut index, &shape);
    }
    Ok(())
}

/// The value of the root at one index.
fn element(
    graph: &Graph,
    inputs: &[Option<View<'_>>],
    output: &ViewMut<'_>,
    index: &[usize],
    values: &mut [u64],
) -> Scalar {
    for id in graph.ids() {
        values[id.index()] = match graph.expr(id) {
            Expr::Var(var) => {
                let value = match &inputs[var.0 as usize] {
                    Some(input) => input.read(index),
                    None => output.read(index),
                };
                value.map_or(0, Scalar::bits)
            }
            Expr::Const(value) => value.bits(),
            // Refused before the first element.
            Expr::Reduce(..) => 0,
            Expr::Apply(op, args) => {
                let n = op.arity();
                let mut bits = [0; 3];
                for (place, arg) in bits.iter_mut().zip(&args[..n]) {
                    *place = values[arg.index()];
                }
                let from = graph.dtype(args[if op == Op::Select { 1 } else { 0 }]);
                scalar::apply(op, from, graph.dtype(id), bits)
            }
        };
    }
    let root = graph.root();
    Scalar::from_bits(graph.dtype(root), values[root.index()])
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
