//! Weak integers of a call: what is computed from them, and which program they need.
//!
//! In: a program and the values of a call. Out: the same call, on the program itself or on a
//! variant. The numbers that have to be computed for the call become values of hidden variables.
//! Always true: the core that runs assumes nothing that the call's values contradict.
//!
//! A *variant* is the same text compiled for another class of values: `2**k` is an integer, but a
//! float if `k` is negative. See [`Numbers`](crate::hir::Numbers).

use super::Program;
use super::bind::{Values, int_value};
use super::core::Core;
use super::views;
use crate::bounded_lock::BoundedLock;
use crate::error::Error;
use crate::hir::VarId;
use crate::vars::Var;
use ndexpr_runtime::dtype::Scalar;
use smallvec::SmallVec;
use std::sync::Arc;

/// There are few classes of values, so most programs have no variant, or one.
const MAX_VARIANTS: usize = 16;

/// The variants of a program that calls have needed, the oldest first.
pub(super) struct Variants {
    programs: BoundedLock<Vec<Arc<Program>>>,
}

impl Variants {
    /// About how many bytes of memory they take.
    pub(super) fn n_bytes(&self) -> usize {
        self.programs.lock().map_or(0, |programs| programs.iter().map(|program| program.n_bytes()).sum())
    }
}

impl Default for Variants {
    fn default() -> Variants {
        Variants { programs: BoundedLock::new(Vec::new()) }
    }
}

/// Calls `run` with the core and the values that the call needs.
pub(super) fn with<R>(
    program: &Program,
    values: Values<'_>,
    run: impl FnOnce(&Core, Values<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let run = |core: &Core, values: Values<'_>| views::with(core, values, run);
    if program.core.graph().numbers().is_empty() {
        return run(&program.core, values);
    }
    with_numbers(program, values, run)
}

/// Numbers that a call computes, and the variant that it needs, if that is not the program itself.
pub(super) type Computed = (Option<Arc<Program>>, SmallVec<[Scalar; 4]>);

/// What the values of a call need. `None` if a value is missing, or has another type.
pub(super) fn compute(program: &Program, values: Values<'_>) -> Result<Option<Computed>, Error> {
    if program.core.graph().numbers().is_empty() {
        return Ok(Some((None, SmallVec::new())));
    }
    let Some(weak) = weak_ints(&program.core, values)? else { return Ok(None) };
    if let Some(computed) = evaluate(&program.core, &weak) {
        return Ok(Some((None, computed)));
    }
    let variant = find(program, &weak)?;
    let computed = evaluate(&variant.core, &weak).ok_or_else(|| Error::internal("a variant of other values"))?;
    Ok(Some((Some(variant), computed)))
}

#[inline(never)]
fn with_numbers<R>(
    program: &Program,
    values: Values<'_>,
    run: impl FnOnce(&Core, Values<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let Some((variant, computed)) = compute(program, values)? else {
        // Binding reports which value is not there.
        return run(&program.core, values);
    };
    let core = variant.as_ref().map_or(&program.core, |variant| &variant.core);
    match values {
        Values::Named(vars) => {
            let all_vars = core.graph().vars();
            let hidden = &all_vars[all_vars.len() - core.graph().numbers().n_derived()..];
            let all = hidden.iter().zip(computed).fold(vars.clone(), |all, (var, value)| all.with(&var.name, value));
            run(core, Values::Named(&all))
        }
        Values::InOrder(values) => {
            let mut all: SmallVec<[Var<'_>; 8]> = values.iter().cloned().collect();
            all.extend(computed.into_iter().map(Var::from));
            run(core, Values::InOrder(&all))
        }
    }
}

/// The variant that the values of a call need; `None` if it is the program itself.
///
/// # Errors
///
/// If the text has no meaning for these values.
pub(super) fn variant(program: &Program, values: Values<'_>) -> Result<Option<Arc<Program>>, Error> {
    if program.core.graph().numbers().is_empty() {
        return Ok(None);
    }
    match weak_ints(&program.core, values)? {
        Some(weak) if evaluate(&program.core, &weak).is_none() => find(program, &weak).map(Some),
        _ => Ok(None),
    }
}

/// For each variable of the text, its value if it is a weak integer.
type WeakInts = SmallVec<[Option<i128>; 8]>;

/// The weak integers of a call; `None` if a value that should be one is not there or is something
/// else.
fn weak_ints(core: &Core, values: Values<'_>) -> Result<Option<WeakInts>, Error> {
    let vars = core.graph().given_vars();
    if let Values::InOrder(values) = values
        && values.len() != vars.len()
    {
        return Err(Error::value_count(vars.len(), values.len()));
    }
    let mut all = WeakInts::new();
    let (places, n_given) = (core.graph().places(), vars.len());
    for (place, var) in vars.iter().enumerate() {
        // A variable that nothing reads may be missing.
        let is_read = places.len() == n_given || places.contains(&place);
        if !is_read || !var.ty.is_weak || !var.ty.dtype.is_int() {
            all.push(None);
            continue;
        }
        let view = values.get(place, &var.name).and_then(Var::view).filter(|view| view.dtype() == var.ty.dtype);
        let Some(value) = view.and_then(|view| view.read(&[])).and_then(int_value) else { return Ok(None) };
        all.push(Some(value));
    }
    Ok(Some(all))
}

/// The values of the hidden variables; `None` if the core is not for these values.
fn evaluate(core: &Core, weak: &WeakInts) -> Option<SmallVec<[Scalar; 4]>> {
    let places = core.graph().places();
    core.graph().numbers().evaluate(|var: VarId| weak.get(*places.get(var.0 as usize)?).copied().flatten())
}

/// The variant for these values, compiled if there is none yet.
fn find(program: &Program, weak: &WeakInts) -> Result<Arc<Program>, Error> {
    let is_it = |variant: &&Arc<Program>| evaluate(&variant.core, weak).is_some();
    if let Some(known) = program.variants.programs.lock()
        && let Some(variant) = known.iter().find(is_it)
    {
        return Ok(Arc::clone(variant));
    }
    let Core { text, signature, context, .. } = &program.core;
    let given = program.core.graph().given_vars().iter().zip(weak);
    let given = given.filter_map(|(var, value)| Some((var.name.clone(), (*value)?))).collect();
    let resolved = program.core.compiled.resolved.clone();
    let variant = Arc::new(Program::for_values((text, resolved), signature, Some(given), Arc::clone(context))?);
    // The variant that makes room is dropped after the lock is released, because dropping it frees
    // code.
    let mut dropped = None;
    if let Some(mut known) = program.variants.programs.lock() {
        if known.len() == MAX_VARIANTS {
            dropped = Some(known.remove(0));
        }
        known.push(Arc::clone(&variant));
    }
    drop(dropped);
    Ok(variant)
}
