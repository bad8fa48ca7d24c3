//! What a program's calls may skip: programs that reduce all elements in one loop, and perhaps
//! compute something from the outcomes in another.
//!
//! In: a compiled program. Out: [`Folded`], found once for a program.

use crate::along::along_op;
use crate::compile::{Arranged, Compiled};
use crate::fuse::{CallArray, Dest, Source};
use crate::hir::{Leaf, VarId};
use ndexpr_runtime::exec::{FoldValue, MAX_FLAT_FOLDS};
use ndexpr_runtime::reduce::{AlongOp, Reducer};
use smallvec::SmallVec;

/// A program that reduces all elements of its arrays in one loop.
pub(super) struct Folded {
    /// The variables that the first loop reads.
    pub(super) inputs: SmallVec<[usize; 8]>,
    pub(super) values: SmallVec<[FoldValue; 4]>,
    pub(super) folds: SmallVec<[(Reducer, usize); 4]>,
    /// What the second loop reads; `None` if the only outcome is the result.
    pub(super) then: Option<SmallVec<[Then; 4]>>,
}

/// What the loop over outcomes reads.
#[derive(Clone, Copy)]
pub(super) enum Then {
    Outcome(usize),
    /// The number of elements that were reduced.
    Count,
    Var(usize),
}

impl Folded {
    /// `None` if the program is another one.
    pub(super) fn of(compiled: &Compiled) -> Option<Folded> {
        let Compiled { graph, arranged, .. } = compiled;
        let Arranged { fused, executable, .. } = arranged;
        executable.loops()?;
        graph.only_root()?;
        let (first, then) = match &fused.loops[..] {
            [first] => (first, None),
            [first, then] if then.folds.is_empty() => (first, Some(then)),
            _ => return None,
        };
        let domain = &graph.reduction(first.folds.first()?.reduction).domain;
        // A reduction that nothing needs may run over other arrays, or along an axis that is not
        // there. So all of them must run over the same arrays, and over all axes.
        let is_one = graph.reductions().iter().all(|other| other.is_total() && other.domain == *domain);
        let is_reduced = |var: usize| domain.contains(&Leaf::Var(VarId(var as u32)));
        let is_of_all = (0..graph.vars().len()).all(|var| graph.vars()[var].ty.is_scalar || is_reduced(var))
            && domain.iter().all(|leaf| matches!(leaf, Leaf::Var(_)));
        if !graph.root_domains()[0].is_empty() || first.folds.len() > MAX_FLAT_FOLDS || !is_one || !is_of_all {
            return None;
        }
        let variable = |source: Source| match source {
            Source::View(number) => match CallArray::of_number(number, graph) {
                CallArray::Var(var) => Some(var.0 as usize),
                CallArray::Count(_) => None,
            },
            Source::Temp(_) | Source::Result(_) => None,
        };
        let inputs = first.inputs.iter().map(|&(_, source)| variable(source)).collect::<Option<_>>()?;
        let mut values: SmallVec<[FoldValue; 4]> = SmallVec::new();
        for (&(id, dest), &origin) in first.outputs.iter().zip(&first.origins) {
            if dest.is_some() {
                return None;
            }
            values.push(FoldValue { dtype: graph.dtype(id), origin });
        }
        let mut folds: SmallVec<[(Reducer, usize); 4]> = SmallVec::new();
        for fold in &first.folds {
            let reduction = graph.reduction(fold.reduction);
            // A place is counted in the order of the axes, not in that of the memory.
            if !reduction.is_total() || reduction.op.is_place() {
                return None;
            }
            let AlongOp::Reduce(op) = along_op(reduction.op)? else { return None };
            folds.push((Reducer::new(op, values.get(fold.output)?.dtype)?, fold.output));
        }
        let then = match then {
            None => {
                (folds.len() == 1 && first.folds[0].dest == Dest::Result(0)).then_some(())?;
                None
            }
            Some(then) => {
                let [(_, Some(Dest::Result(0)))] = then.outputs[..] else { return None };
                let input = |source: Source| match source {
                    Source::Temp(temp) => {
                        let place = first.folds.iter().position(|fold| fold.dest == Dest::Temp(temp));
                        place.map(Then::Outcome)
                    }
                    Source::View(number) => match CallArray::of_number(number, graph) {
                        CallArray::Var(var) => {
                            graph.vars()[var.0 as usize].ty.is_scalar.then_some(Then::Var(var.0 as usize))
                        }
                        CallArray::Count(id) => {
                            let reduction = graph.reduction(id);
                            (reduction.is_total() && reduction.domain == *domain).then_some(Then::Count)
                        }
                    },
                    Source::Result(_) => None,
                };
                Some(then.inputs.iter().map(|&(_, source)| input(source)).collect::<Option<_>>()?)
            }
        };
        Some(Folded { inputs, values, folds, then })
    }
}
