//! The invariants of a graph, checked in debug builds after every pass that makes one.
//!
//! - Each root is a node, and arguments come before what uses them.
//! - A variable has the dtype of its declaration; a constant that of its value.
//! - Arguments of a primitive have one dtype, except the condition of a select, which is bool.
//! - Arguments and result of a function of Rust have its dtypes.
//! - The arguments of a region have the dtypes of its body's variables, and its roots those of what
//!   it carries.
//! - A domain is sorted, and names array variables and reductions that come before.
//! - A primitive is defined for the dtype of its arguments, and its result has the dtype that it
//!   gives.

use super::{Expr, ExprId, Graph, Leaf, Region, RegionId, RegionUse};
use crate::ops::Op;
use ndexpr_runtime::dtype::DType;

/// Checks a graph.
///
/// # Errors
///
/// A description of the first invariant that does not hold: a defect of the compiler, never of its
/// input.
pub(crate) fn verify(graph: &Graph) -> Result<(), String> {
    if graph.roots.iter().any(|root| root.index() >= graph.len()) {
        return Err("a root that is no node".to_owned());
    }
    check(graph.roots.len() == graph.root_domains.len(), "as many domains as roots")?;
    for (i, reduction) in graph.reductions.iter().enumerate() {
        verify_domain(graph, &reduction.domain, i).map_err(|why| format!("r{i}: {why}, in\n{graph}"))?;
    }
    for domain in &graph.root_domains {
        verify_domain(graph, domain, graph.reductions.len()).map_err(|why| format!("{why}, in\n{graph}"))?;
    }
    for id in graph.ids() {
        verify_node(graph, id).map_err(|why| format!("h{}: {why}, in\n{graph}", id.index()))?;
    }
    Ok(())
}

/// `n_before` is the number of reductions that it may name.
fn verify_domain(graph: &Graph, domain: &[Leaf], n_before: usize) -> Result<(), String> {
    check(domain.is_sorted_by(|a, b| a < b), "a domain out of order")?;
    let is_known = |leaf: &Leaf| match *leaf {
        Leaf::Var(var) => graph.vars.get(var.0 as usize).is_some_and(|var| !var.ty.is_scalar),
        Leaf::Reduction(id) => id.index() < n_before,
    };
    check(domain.iter().all(is_known), "a domain that names what it cannot")
}

fn verify_node(graph: &Graph, id: ExprId) -> Result<(), String> {
    let dtype = graph.dtype(id);
    let op = match graph.expr(id) {
        Expr::Var(var) => {
            let declared = graph.vars.get(var.0 as usize).map(|var| var.ty.dtype);
            return check(declared == Some(dtype), "a variable of another dtype");
        }
        Expr::Const(value) => return check(value.dtype() == dtype, "a constant of another dtype"),
        Expr::Reduce(reduction, arg) => {
            check(arg < id, "an argument that comes later")?;
            let op = graph.reductions.get(reduction.index()).map(|reduction| reduction.op);
            let gives = op.is_some_and(|op| op.result(graph.dtype(arg)) == Some(dtype));
            return check(gives, "a reduction that is not defined for its dtype, or gives another");
        }
        Expr::Call(function, _) => {
            let Some(function) = graph.functions.get(function.index()) else {
                return Err("a function that is not listed".to_owned());
            };
            check(graph.args(id).all(|arg| arg < id), "an argument that comes later")?;
            let fits = graph.args(id).map(|arg| graph.dtype(arg)).eq(function.args().iter().copied());
            return check(fits && function.result() == dtype, "a call with other dtypes than the function's");
        }
        Expr::After(region, place) => return verify_after(graph, id, region, place as usize),
        // They stay behind when a region is made, and nothing uses them.
        Expr::Param(_) => return Ok(()),
        Expr::Apply(op, _) => op,
    };
    check(graph.args(id).all(|arg| arg < id), "an argument that comes later")?;
    let mut args: Vec<DType> = graph.args(id).map(|arg| graph.dtype(arg)).collect();
    if op == Op::Select {
        check(args.remove(0) == DType::Bool, "a condition that is not bool")?;
    }
    let from = args[0];
    check(args.iter().all(|&arg| arg == from), "arguments of different dtypes")?;
    let defined = if op == Op::Cast { from != dtype } else { op.is_defined_for(from) };
    check(defined, "a primitive that is not defined for its dtype")?;
    let result = match op {
        Op::Cast => dtype,
        op if op.is_comparison() => DType::Bool,
        _ => from,
    };
    check(result == dtype, "a result of another dtype")
}

fn verify_after(graph: &Graph, id: ExprId, region: RegionId, place: usize) -> Result<(), String> {
    let Some(RegionUse { region, args }) = graph.regions().get(region.index()) else {
        return Err("a region that is not listed".to_owned());
    };
    let Region { body, n_carried, .. } = &**region;
    verify(body)?;
    check(place < *n_carried && graph.dtype(id) == body.vars()[place].ty.dtype, "another dtype than what is carried")?;
    check(args.iter().all(|&arg| arg < id), "an argument that comes later")?;
    let vars = body.vars().iter().map(|var| var.ty.dtype);
    let expected = vars.clone().take(*n_carried).chain([DType::Bool]).chain(vars.clone().skip(*n_carried));
    check(args.iter().map(|&arg| graph.dtype(arg)).eq(expected), "arguments of other dtypes than the body's")?;
    let roots = body.roots().iter().map(|&root| body.dtype(root));
    check(roots.eq(vars.take(*n_carried).chain([DType::Bool])), "an iteration that gives other dtypes")
}

fn check(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
