//! Which types the values have that phases leave for others, where control may take several ways.
//!
//! In: the phases of a text. Out: the types of its variables and of what phases leave. Always true:
//! a value that phases leave has the type to which all that it may be promote. A value without a
//! dtype, such as a literal, gets one from the others; if all are without, so is it.

use crate::compile::{self, Setting};
use crate::error::Error;
use crate::resolve::{Action, End, Phase, Phases};
use crate::vars::{Signature, VarType};
use ndexpr_grammar::NameId;
use ndexpr_runtime::dtype::DType;

/// A type only ever becomes larger, so few passes are needed.
const MAX_PASSES: usize = 256;

/// Whether phases run in another order than one after the other.
pub(super) fn has_control(phases: &Phases) -> bool {
    !phases.loops.is_empty() || phases.all.iter().any(|phase| phase.end != End::Next)
}

/// The types, once they are settled. Results are converted to them.
pub(super) fn settle(phases: &mut Phases, given: &Signature, setting: Setting<'_>) -> Result<Signature, Error> {
    let mut signature = given.clone();
    for range in phases.loops.iter().filter_map(|the_loop| the_loop.range.as_ref()) {
        if let Some(phase) = phases.all.first() {
            signature = signature.with(phase.resolved.name(range.value), VarType::weak(DType::Int64));
        }
    }
    for _ in 0..MAX_PASSES {
        let mut is_settled = true;
        for phase in &phases.all {
            let graph = compile::lower(&phase.resolved, &signature, &None, setting)?;
            for (number, name) in carried(phase) {
                let ty = graph.root_type(number);
                let name = phase.resolved.name(name);
                let both = signature.get(name).map_or(ty, |known| common(known, ty));
                if signature.get(name) != Some(both) {
                    signature = signature.with(name, both);
                    is_settled = false;
                }
            }
        }
        if is_settled {
            convert(phases, &signature, setting)?;
            return Ok(signature);
        }
    }
    Err(Error::internal("types that do not settle"))
}

fn carried(phase: &Phase) -> impl Iterator<Item = (usize, NameId)> {
    phase.roots.iter().enumerate().filter_map(|(number, root)| Some((number, root.carried()?)))
}

/// Converts what phases leave to the types that it has.
fn convert(phases: &mut Phases, signature: &Signature, setting: Setting<'_>) -> Result<(), Error> {
    for phase in &mut phases.all {
        let graph = compile::lower(&phase.resolved, signature, &None, setting)?;
        let carried: Vec<(usize, NameId)> = carried(phase).collect();
        for (number, name) in carried {
            if let Some(ty) = signature.get(phase.resolved.name(name))
                && ty.dtype != graph.root_type(number).dtype
            {
                phase.resolved.convert_result(number, ty.dtype);
            }
        }
    }
    Ok(())
}

/// Takes out what a phase leaves as it found it, under another name: which place gets the value of
/// which one.
pub(super) fn take_moves(phase: &mut Phase, signature: &Signature) -> Vec<(NameId, NameId)> {
    let resolved = &phase.resolved;
    let source = |number: usize| match resolved.step(resolved.results()[number].step).action {
        Action::Name(from) if resolved.is_carried_name(from) => Some(from),
        _ => None,
    };
    let is_same = |to: NameId, from: NameId| signature.get(resolved.name(to)) == signature.get(resolved.name(from));
    let moves: Vec<(usize, NameId, NameId)> = carried(phase)
        .filter_map(|(number, to)| Some((number, to, source(number)?)))
        .filter(|&(_, to, from)| is_same(to, from))
        .collect();
    let mut number = 0;
    phase.retain(|_| {
        number += 1;
        !moves.iter().any(|&(taken, ..)| taken + 1 == number)
    });
    moves.into_iter().map(|(_, to, from)| (to, from)).collect()
}

/// The type of a value that has one type or another.
fn common(a: VarType, b: VarType) -> VarType {
    let dtype = match (a.is_weak, b.is_weak) {
        (false, true) => with_weak(a.dtype, b.dtype),
        (true, false) => with_weak(b.dtype, a.dtype),
        _ => crate::hir::promote(a.dtype, b.dtype),
    };
    VarType { dtype, is_scalar: a.is_scalar && b.is_scalar, is_weak: a.is_weak && b.is_weak }
}

fn with_weak(strong: DType, weak: DType) -> DType {
    match (strong, weak) {
        (_, DType::Bool) => crate::hir::promote(strong, weak),
        (DType::Bool, _) => weak,
        _ if weak.is_float() && !strong.is_float() => DType::Float64,
        _ => strong,
    }
}
