//! The reference interpreter: one element after the other, straight over the typed graph.
//!
//! It is the oracle that compiled code is tested against, and what runs where there is no compiled
//! code. It knows nothing of tapes, tiles or threads; what it shares with the compiler is the graph
//! and the meaning of each primitive.

mod along;
mod values;

pub(crate) use along::{Call, run_reductions};

use crate::error::Error;
use crate::fuse::{Dest, Loop};
use crate::hir::{Expr, ExprId, Graph};
use crate::input::Input;
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::{ExecError, Progress};
use ndexpr_runtime::view::{View, ViewMut};
use values::{Order, apply};

/// Elements between two looks at the progress.
const PROGRESS_EVERY: usize = 4096;

/// Evaluates loops of a graph without reductions for every element of the outputs. `inputs` are the
/// values of the graph's variables, in order, and must broadcast to the outputs' shapes. None may
/// overlap an output, unless it is the very same view and only the loop reads it that writes it.
///
/// # Errors
///
/// If an input does not broadcast, or the run is cancelled.
pub(crate) fn run(
    graph: &Graph,
    loops: &[Loop],
    inputs: &[Input<'_>],
    outputs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<(), Error> {
    for group in loops {
        let (mut roots, mut of_group, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for (number, output) in outputs.iter_mut().enumerate() {
            let is_it = |&&(_, dest): &&(ExprId, Option<Dest>)| dest == Some(Dest::Result(number));
            if let Some(&(root, _)) = group.outputs.iter().find(is_it) {
                roots.push(root);
                of_group.push(output.reborrow());
                numbers.push(number);
            }
        }
        let leaf = |id: ExprId| match graph.expr(id) {
            Expr::Var(var) => match &inputs[var.0 as usize] {
                Input::View(view) => Some(Leaf::View(view.clone())),
                // Only the loop reads it that writes it.
                Input::Output(output) => numbers.iter().position(|number| number == output).map(Leaf::Output),
            },
            _ => None,
        };
        if !roots.is_empty() {
            evaluate(graph, &roots, leaf, &mut of_group, progress)?;
        }
    }
    Ok(())
}

/// Where the value of a node is read from, instead of being computed.
enum Leaf<'a> {
    View(View<'a>),
    /// One of the outputs, as it was before.
    Output(usize),
}

/// Evaluates some nodes for every element of outputs of one shape, from nodes that `leaf` has. All
/// values of an element are computed before one is written.
fn evaluate<'a>(
    graph: &Graph,
    roots: &[ExprId],
    leaf: impl Fn(ExprId) -> Option<Leaf<'a>>,
    outputs: &mut [ViewMut<'_>],
    progress: Option<&Progress>,
) -> Result<(), Error> {
    let Some(first) = outputs.first() else { return Ok(()) };
    let (shape, n_elems) = (first.shape().to_vec(), first.n_elems());
    let mut leaves: Vec<Option<Leaf<'a>>> = (0..graph.len()).map(|_| None).collect();
    let mut needed = vec![false; graph.len()];
    roots.iter().for_each(|root| needed[root.index()] = true);
    for id in graph.ids().rev() {
        if !needed[id.index()] {
            continue;
        }
        match leaf(id) {
            Some(Leaf::View(view)) => leaves[id.index()] = Some(Leaf::View(view.broadcast_to(&shape)?)),
            Some(Leaf::Output(output)) => leaves[id.index()] = Some(Leaf::Output(output)),
            None => graph.args(id).for_each(|arg| needed[arg.index()] = true),
        }
    }
    let order = Order::new(graph, graph.ids().filter(|id| needed[id.index()]).collect());
    let mut index = vec![0; shape.len()];
    let mut values = order.values(graph);
    for i in 0..n_elems {
        if i % PROGRESS_EVERY == 0
            && let Some(progress) = progress
        {
            if progress.is_to_stop() {
                return Err(ExecError::Cancelled.into());
            }
            progress.add_done(PROGRESS_EVERY.min(n_elems - i));
        }
        values.next_element();
        for &id in order.nodes() {
            let value = match &leaves[id.index()] {
                Some(Leaf::View(view)) => view.read(&index).map_or(0, Scalar::bits),
                Some(Leaf::Output(output)) => outputs[*output].read(&index).map_or(0, Scalar::bits),
                None => apply(graph, id, &order, &mut values, i, progress)?,
            };
            values.bits[id.index()] = value;
        }
        for (output, root) in outputs.iter_mut().zip(roots) {
            output.write(&index, Scalar::from_bits(graph.dtype(*root), values.bits[root.index()]))?;
        }
        advance(&mut index, &shape);
    }
    Ok(())
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
