//! Fusion: which operations share a loop.
//!
//! In: an optimised graph. Out: [`Loop`]s in the order in which they run, each with what it reads and writes. Every
//! operation on arrays joins one loop. What is the same for all elements and costs a function call is computed
//! before it, in a loop over one element: `a * sin(k)` calls `sin` once.

use crate::hir::{Expr, ExprId, Graph, VarId};
use crate::ops::Op;
use ndexpr_runtime::dtype::DType;
use std::fmt;

/// A value that passes from one loop to a later one: one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TempId(pub(crate) u32);

/// Where an operand of a loop is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Var(VarId),
    Temp(TempId),
}

/// Where a loop's output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Result,
    Temp(TempId),
}

/// Operations that run as one loop.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    /// What it reads; the expressions are variables, or values of earlier loops.
    pub(crate) inputs: Vec<(ExprId, Source)>,
    /// What it computes, in order. Constants are not listed.
    pub(crate) body: Vec<ExprId>,
    pub(crate) outputs: Vec<(ExprId, Target)>,
}

/// All loops of an expression.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) loops: Vec<Loop>,
    /// The dtypes of the values between loops.
    pub(crate) temps: Vec<DType>,
}

/// Groups the operations of a graph. What has reductions is not planned: there is no loop then.
pub(crate) fn plan(graph: &Graph) -> Plan {
    if !graph.reductions().is_empty() {
        return Plan { loops: Vec::new(), temps: Vec::new() };
    }
    let hoisted = hoisted(graph);
    let mut plan = Plan { loops: Vec::new(), temps: Vec::new() };
    let mut temp_of: Vec<Option<TempId>> = vec![None; graph.len()];
    if !hoisted.is_empty() {
        for &id in &hoisted {
            temp_of[id.index()] = Some(TempId(plan.temps.len() as u32));
            plan.temps.push(graph.dtype(id));
        }
        let targets =
            hoisted.iter().map(|&id| (id, temp_of[id.index()].map_or(Target::Result, Target::Temp))).collect();
        // Within this loop nothing is read back from a temporary.
        plan.loops.push(collect(graph, targets, &vec![None; graph.len()]));
    }
    plan.loops.push(collect(graph, vec![(graph.root(), Target::Result)], &temp_of));
    plan
}

/// Scalar values that array operations use and that a function is called for.
fn hoisted(graph: &Graph) -> Vec<ExprId> {
    if graph.is_scalar(graph.root()) {
        return Vec::new();
    }
    let mut calls = vec![false; graph.len()];
    for id in graph.ids() {
        let is_call = matches!(graph.expr(id), Expr::Apply(Op::Math(_), _));
        calls[id.index()] = is_call || graph.args(id).any(|arg| calls[arg.index()]);
    }
    let mut found: Vec<ExprId> = graph
        .ids()
        .filter(|&id| !graph.is_scalar(id))
        .flat_map(|id| graph.args(id))
        .filter(|&arg| graph.is_scalar(arg) && calls[arg.index()])
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The loop that computes the outputs from variables and the given temporaries.
fn collect(graph: &Graph, outputs: Vec<(ExprId, Target)>, temps: &[Option<TempId>]) -> Loop {
    let mut needed = vec![false; graph.len()];
    for &(id, _) in &outputs {
        needed[id.index()] = true;
    }
    for id in graph.ids().rev() {
        if needed[id.index()] && temps[id.index()].is_none() {
            for arg in graph.args(id) {
                needed[arg.index()] = true;
            }
        }
    }
    let mut inputs = Vec::new();
    let mut body = Vec::new();
    for id in graph.ids().filter(|id| needed[id.index()]) {
        match (temps[id.index()], graph.expr(id)) {
            (Some(temp), _) => inputs.push((id, Source::Temp(temp))),
            (None, Expr::Var(var)) => inputs.push((id, Source::Var(var))),
            (None, Expr::Apply(..) | Expr::Reduce(..)) => body.push(id),
            (None, Expr::Const(_)) => {}
        }
    }
    Loop { inputs, body, outputs }
}

impl Plan {
    /// The loops as text.
    pub(crate) fn print(&self, graph: &Graph) -> impl fmt::Display {
        let mut text = String::new();
        for (i, group) in self.loops.iter().enumerate() {
            let inputs: Vec<String> = group
                .inputs
                .iter()
                .map(|&(id, source)| match source {
                    Source::Var(var) => {
                        format!("h{} = {}", id.index(), graph.vars()[var.0 as usize].name)
                    }
                    Source::Temp(temp) => format!("h{} = temp{}", id.index(), temp.0),
                })
                .collect();
            let body: Vec<String> = group
                .body
                .iter()
                .map(|&id| match graph.expr(id) {
                    Expr::Apply(op, _) => format!("h{} {op}", id.index()),
                    _ => format!("h{}", id.index()),
                })
                .collect();
            let outputs: Vec<String> = group
                .outputs
                .iter()
                .map(|&(id, target)| match target {
                    Target::Result => format!("result = h{}", id.index()),
                    Target::Temp(temp) => format!("temp{} = h{}", temp.0, id.index()),
                })
                .collect();
            let list = |items: Vec<String>| {
                if items.is_empty() { "none".to_owned() } else { items.join(", ") }
            };
            text.push_str(&format!(
                "loop {i}\n  reads    {}\n  computes {}\n  writes   {}\n",
                list(inputs),
                list(body),
                list(outputs),
            ));
        }
        text
    }
}
