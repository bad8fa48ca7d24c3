//! The reference interpreter: one element after the other, straight over the typed graph.
//!
//! It is the oracle that compiled code is tested against, and what runs where there is no compiled
//! code. It knows nothing of tapes, tiles or threads; what it shares with the compiler is the graph
//! and the meaning of each primitive.

mod along;

pub(crate) use along::{Call, run_reductions};

use crate::error::Error;
use crate::fuse::{Dest, Loop};
use crate::hir::{Expr, ExprId, Graph};
use crate::input::Input;
use crate::ops::{Op, scalar};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::{ExecError, Progress};
use ndexpr_runtime::function::MAX_ARGS;
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;
use std::panic::resume_unwind;

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
    let order: Vec<ExprId> = graph.ids().filter(|id| needed[id.index()]).collect();
    let mut index = vec![0; shape.len()];
    let mut values = vec![0; graph.len()];
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
                Some(Leaf::Output(output)) => outputs[*output].read(&index).map_or(0, Scalar::bits),
                None => apply(graph, id, &values)?,
            };
            values[id.index()] = value;
        }
        for (output, root) in outputs.iter_mut().zip(roots) {
            output.write(&index, Scalar::from_bits(graph.dtype(*root), values[root.index()]))?;
        }
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
        Expr::Call(function, args) => {
            let function = graph.function(function);
            let bits: SmallVec<[u64; MAX_ARGS]> = args.iter().map(|arg| values[arg.index()]).collect();
            let result = function.apply(&bits[..function.args().len()]);
            // As below compiled code, the caller of the program makes an error of it.
            Ok(result.unwrap_or_else(|panic| resume_unwind(Box::new(panic))))
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
