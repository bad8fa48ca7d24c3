//! Choices among several values, as branches make them: `if`, `elif` and early `return`.
//!
//! In: a choice. Out: the same one with shorter conditions. Each branch of a text has its condition
//! and those of all branches before it, which did not hold. But its value matters only where none
//! of these held, because a choice is made from the last branch to the first: so they can be left
//! out. Always true: what is left out holds wherever the value is chosen.

use super::algebra;
use crate::hir::{Expr, ExprId, Graph};
use crate::ops::Op;
use crate::options::FloatMode;
use ndexpr_runtime::dtype::DType;
use rustc_hash::FxHashSet;

/// The most branches of which one choice is made anew.
const MAX_BRANCHES: usize = 1000;

/// How deep in a condition something is looked for that holds.
const MAX_DEPTH: usize = 4;

/// What holds where a value is chosen.
#[derive(Default)]
struct Facts {
    known: FxHashSet<ExprId>,
}

impl Facts {
    fn holds(&mut self, graph: &Graph, condition: ExprId, depth: usize) -> bool {
        if self.known.contains(&condition) {
            return true;
        }
        let Expr::Apply(Op::And, [a, b, _]) = graph.expr(condition) else { return false };
        let holds = depth > 0 && self.holds(graph, a, depth - 1) && self.holds(graph, b, depth - 1);
        if holds {
            self.known.insert(condition);
        }
        holds
    }

    /// What is left of a condition, if something in it holds.
    fn rest(&mut self, graph: &Graph, condition: ExprId) -> Option<ExprId> {
        let Expr::Apply(Op::And, [a, b, _]) = graph.expr(condition) else { return None };
        if self.holds(graph, a, MAX_DEPTH) {
            return Some(self.rest(graph, b).unwrap_or(b));
        }
        self.holds(graph, b, MAX_DEPTH).then(|| self.rest(graph, a).unwrap_or(a))
    }
}

/// A choice with shorter conditions of the choices that it has where its own condition does not
/// hold. `None` if there are none, or the node is none.
pub(super) fn shortened(graph: &mut Graph, choice: ExprId) -> Option<ExprId> {
    let Expr::Apply(Op::Select, [condition, x, y]) = graph.expr(choice) else { return None };
    let mut facts = Facts::default();
    let mut branches: Vec<[ExprId; 2]> = vec![[condition, x]];
    let mut last = y;
    while branches.len() < MAX_BRANCHES {
        let Expr::Apply(Op::Select, [its, value, otherwise]) = graph.expr(last) else { break };
        // Nothing is made for a choice that stays as it is.
        if branches.len() == 1 && !matches!(graph.expr(its), Expr::Apply(Op::And, _)) {
            break;
        }
        let [before, _] = branches[branches.len() - 1];
        let not = algebra::simplify(graph, FloatMode::Strict, Op::Not, &[before], DType::Bool);
        facts.known.insert(not);
        let Some(shorter) = facts.rest(graph, its) else { break };
        branches.push([shorter, value]);
        last = otherwise;
    }
    if branches.len() == 1 {
        return None;
    }
    let dtype = graph.dtype(x);
    Some(branches.into_iter().rev().fold(last, |rest, [condition, value]| {
        // The choices are short already.
        algebra::choice(graph, &[condition, value, rest])
            .unwrap_or_else(|| algebra::apply(graph, Op::Select, &[condition, value, rest], dtype))
    }))
}
