//! Short calls of programs that reduce a few small arrays, laid out alike, to one element: a loop
//! that is reduced over all elements, and perhaps a loop over the outcomes.
//!
//! In: a program and the values of its variables. Out: the result, or `None` if the program or the
//! call is not so simple, or is wrong. Then another way is taken, which also finds the error to
//! report.

use super::bind::{Values, is_plain};
use super::core::Core;
use super::folds::{Folded, Then};
use crate::error::Error;
use crate::results::FromResults;
use crate::vars::Var;
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::exec::{FlatFold, MAX_FLAT_FOLDS, Outcome, map_elements};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::ViewMut;
use smallvec::SmallVec;

/// Runs a call into an output.
#[inline]
pub(super) fn run(core: &Core, values: Values<'_>, out: &mut ViewMut<'_>) -> Option<Result<(), Error>> {
    let folded = core.folded.as_ref()?;
    match values {
        Values::Named(vars) => run_on(core, folded, |place, name| vars.get_near(name, place), out),
        Values::InOrder(all) if values.has_count(core.graph().vars().len()) => {
            run_on(core, folded, |place, _| all.get(place), out)
        }
        Values::InOrder(_) => None,
    }
}

/// A call into a fresh result.
pub(super) fn evaluate<R: FromResults>(core: &Core, values: Values<'_>) -> Option<Result<R, Error>> {
    core.folded.as_ref()?;
    if R::wanted(0).rank.is_some_and(|rank| rank != 0) {
        return None;
    }
    let mut output = match Output::new(core.result_dtype(0), &[], &[]) {
        Ok(output) => output,
        Err(error) => return Some(Err(error.into())),
    };
    let done = run(core, values, &mut output.view_mut())?;
    Some(done.and_then(|()| R::from_outputs(&mut std::iter::once(output))))
}

fn run_on<'v>(
    core: &Core,
    folded: &Folded,
    value_of: impl Fn(usize, &str) -> Option<&'v Var<'v>>,
    out: &mut ViewMut<'_>,
) -> Option<Result<(), Error>> {
    let loops = core.compiled.arranged.executable.loops()?;
    if out.dtype() != core.result_dtype(0) || !out.shape().is_empty() {
        return None;
    }
    // All variables are looked at: each array is in the domain of each reduction.
    let mut given = FlatFold::new();
    for (place, var) in core.graph().vars().iter().enumerate() {
        let value = value_of(place, &var.name)?;
        if !is_plain(var, value.ty()) || !value.push_to_fold(&mut given) {
            return None;
        }
    }
    let call = given.select(folded.inputs.iter().copied());
    let kernel = match call.needs_kernel(&folded.values, &folded.folds) {
        false => None,
        true => Some(loops[0].kernel(&call.run_kinds(folded.values.len())).as_ref().ok()?),
    };
    let mut outcomes = [Outcome::default(); MAX_FLAT_FOLDS];
    let outcomes = &mut outcomes[..folded.folds.len()];
    match call.run(kernel, &folded.values, &folded.folds, core.pool(), outcomes)? {
        Ok(()) => {}
        Err(error) => return Some(Err(error.into())),
    }
    let Some(then) = &folded.then else {
        let value = Scalar::from_bits(folded.folds[0].0.result_dtype(), u64::from_ne_bytes(outcomes[0]));
        return Some(out.write(&[], value).map_err(Error::from));
    };
    let count = (call.n_elems() as i64).to_ne_bytes();
    let mut inputs: SmallVec<[(DType, Outcome); 8]> = SmallVec::new();
    for &input in then {
        inputs.push(match input {
            Then::Outcome(fold) => (folded.folds[fold].0.result_dtype(), outcomes[fold]),
            Then::Count => (DType::Int64, count),
            Then::Var(var) => given.scalar(var)?,
        });
    }
    let kernel = loops[1].kernel(loops[1].expected_kinds()).as_ref().ok()?;
    let mut result = [(core.result_dtype(0), [0; 8])];
    if let Err(error) = map_elements(kernel, &inputs, &mut result) {
        return Some(Err(error.into()));
    }
    let value = Scalar::from_bits(result[0].0, u64::from_ne_bytes(result[0].1));
    Some(out.write(&[], value).map_err(Error::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::vars;
    use crate::vars::Vars;
    use ndarray::{Array0, Array2, ShapeBuilder};

    /// Whether a call takes the short way.
    fn is_short(text: &str, vars: &Vars<'_>) -> bool {
        let engine = Engine::builder().threads(1).build().expect("an engine");
        let program = engine.program(text, vars).expect("a program");
        let mut out = Array0::<f64>::zeros(());
        run(&program.core, Values::Named(vars), &mut ViewMut::from(&mut out)).is_some_and(|done| done.is_ok())
    }

    #[test]
    fn what_is_simple_is_short() {
        let (a, b) = (Array2::<f64>::ones((3, 4)), Array2::<f64>::ones((3, 4)));
        let vars = vars! { a: &a, b: &b, k: 2.0 };
        for text in ["sum(a)", "sum(a*b)", "max(a + b)*k", "mean(a)", "std(a - k, ddof=1)", "sum(a*b)/sum(b*b + a)"] {
            assert!(is_short(text, &vars), "{text}");
        }
        for text in ["sum(k)", "sum(k) + 0.0*sum(a)", "sum(a) + sum(b)", "sum(sum(a, axis=0))", "sum(a - mean(a))"] {
            assert!(!is_short(text, &vars), "{text}");
        }
        let [turned, other] = [Array2::<f64>::ones((3, 4).f()), Array2::<f64>::ones((4, 3))];
        assert!(is_short("sum(a*b)", &vars! { a: &turned, b: &turned }));
        assert!(!is_short("sum(a*b)", &vars! { a: &a, b: &turned }));
        assert!(is_short("sum(a)", &vars! { a: &other }));
        let empty = Array2::<f64>::ones((0, 3));
        assert!(!is_short("sum(a)", &vars! { a: &empty }));
    }
}
