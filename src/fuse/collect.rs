//! What a loop computes and reads.

use super::{CallArray, Dest, Loop, Source, Space};
use crate::hir::{Expr, ExprId, Graph, VarId};
use crate::ops::Op;
use ndexpr_runtime::exec::Origin;

/// The loop that computes the outputs from variables and what earlier loops have left at the given
/// places.
pub(super) fn collect(
    graph: &Graph,
    space: Space,
    outputs: Vec<(ExprId, Option<Dest>)>,
    sources: &[Option<Source>],
) -> Loop {
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
            (None, Expr::Var(var)) => inputs.push((id, CallArray::Var(var).source(graph))),
            (None, Expr::Apply(..) | Expr::Call(..) | Expr::After(..) | Expr::Reduce(..)) => body.push(id),
            (None, Expr::Const(_) | Expr::Param(_)) => {}
        }
    }
    let origins = outputs.iter().map(|&(id, _)| origin(graph, &inputs, id)).collect();
    Loop { space, inputs, body, outputs, origins, folds: Vec::new() }
}

/// The loop that computes all roots from all variables, in order.
pub(crate) fn whole(graph: &mut Graph) -> Loop {
    let vars: Vec<ExprId> = (0..graph.vars().len() as u32).map(|var| graph.var(VarId(var))).collect();
    let outputs = graph.roots().iter().enumerate().map(|(k, &root)| (root, Some(Dest::Result(k)))).collect();
    let mut group = collect(graph, Space::Result(0), outputs, &vec![None; graph.len()]);
    group.inputs = vars.into_iter().enumerate().map(|(number, id)| (id, Source::View(number))).collect();
    group
}

/// The input that a value is, or the inputs whose product it is.
fn origin(graph: &Graph, inputs: &[(ExprId, Source)], id: ExprId) -> Option<Origin> {
    let input = |id| inputs.iter().position(|&(input, _)| input == id);
    match (input(id), graph.expr(id)) {
        (Some(input), _) => Some(Origin::Input(input)),
        (None, Expr::Apply(Op::Mul, [a, b, _])) if graph.dtype(id).is_float() => {
            Some(Origin::Product([input(a)?, input(b)?]))
        }
        _ => None,
    }
}
