//! Binding: the values of a call's variables become views, checked against the types that the
//! program was compiled for.
//!
//! In: values by name or in order. Out: [`Inputs`], one for each variable of the graph, in order.
//! Always true of them: dtypes are those compiled for, and weak integers fit the dtypes that they
//! meet.

use super::core::Core;
use crate::error::Error;
use crate::hir;
use crate::input::Input;
use crate::vars::{Var, VarType, Vars};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;

/// The inputs of a call. The usual number of variables takes no heap. It is filled in place, because it is large, and moving it would slow down the
/// smallest calls.
pub(super) type Inputs<'a> = SmallVec<[Input<'a>; 8]>;

/// The values of a call's variables, as the caller gives them.
#[derive(Clone, Copy)]
pub(super) enum Values<'v> {
    Named(&'v Vars<'v>),
    /// In the order in which the text first names the variables.
    InOrder(&'v [Var<'v>]),
}

impl<'v> Values<'v> {
    /// The value of the variable of this place and name.
    pub(super) fn get(self, place: usize, name: &str) -> Option<&'v Var<'v>> {
        match self {
            Values::Named(vars) => vars.get_near(name, place),
            Values::InOrder(values) => values.get(place),
        }
    }

    /// Whether there can be a value for each of so many variables, and no other.
    pub(super) fn has_count(self, n_vars: usize) -> bool {
        match self {
            Values::Named(_) => true,
            Values::InOrder(values) => values.len() == n_vars,
        }
    }
}

/// Appends the value of each variable to `inputs`. `out` is the output, if there is one that
/// variables can stand for.
///
/// # Errors
///
/// If a value is missing, or is not of the type that the program was compiled for.
pub(super) fn bind<'v>(
    core: &Core,
    values: Values<'v>,
    out: Option<&ViewMut<'_>>,
    inputs: &mut Inputs<'v>,
) -> Result<(), Error> {
    let vars = core.graph().vars();
    if let Values::InOrder(values) = values
        && values.len() != vars.len()
    {
        return Err(Error::value_count(vars.len(), values.len()));
    }
    for (place, var) in vars.iter().enumerate() {
        let Some(value) = values.get(place, &var.name) else {
            return Err(Error::missing_variable(&var.name, core.first_use(&var.name)));
        };
        inputs.push(bind_one(core, var, value, out)?);
    }
    Ok(())
}

fn bind_one<'v>(
    core: &Core,
    var: &hir::Var,
    value: &'v Var<'_>,
    out: Option<&ViewMut<'_>>,
) -> Result<Input<'v>, Error> {
    let span = || core.first_use(&var.name);
    let view = value.view();
    let (dtype, n_axes) = match (&view, out) {
        (Some(view), _) => (view.dtype(), view.n_axes()),
        (None, Some(out)) => (out.dtype(), out.n_axes()),
        (None, None) => return Err(Error::no_output(&var.name, span())),
    };
    if dtype != var.ty.dtype || (var.ty.is_scalar && n_axes > 0) {
        return Err(Error::variable_type(&var.name, var.ty, dtype, n_axes, span()));
    }
    if !var.must_fit.is_empty()
        && let Some(value) = view.as_ref().and_then(|view| view.read(&[])).and_then(int_value)
        && let Some(dtype) = var.must_fit.iter().find(|&dtype| !hir::fits(value, dtype))
    {
        return Err(Error::weak_out_of_range(&var.name, value, dtype, span()));
    }
    Ok(view.map_or(Input::Output(0), Input::View))
}

/// Whether a value of this type has the type of its variable, and nothing of the value itself must
/// be checked.
#[inline]
pub(super) fn is_plain(var: &hir::Var, ty: VarType) -> bool {
    ty.dtype == var.ty.dtype && (ty.is_scalar || !var.ty.is_scalar) && var.must_fit.is_empty()
}

/// An integer of any dtype.
pub(super) fn int_value(scalar: Scalar) -> Option<i128> {
    match scalar.dtype() {
        DType::UInt64 => scalar.get::<u64>().map(i128::from),
        _ => hir::cast_scalar(scalar, DType::Int64).get::<i64>().map(i128::from),
    }
}

/// The views of all inputs; `None` if one of the inputs is an output.
pub(super) fn all_views<'s>(inputs: &'s [Input<'s>]) -> Option<SmallVec<[&'s View<'s>; 8]>> {
    inputs.iter().map(Input::view).collect()
}

/// The views of all inputs; some view instead of an input that is an output. Such an input is read
/// by no loop where outputs are written before all inputs are read.
pub(super) fn views_or<'s>(inputs: &'s [Input<'s>], other: &'s View<'s>) -> SmallVec<[&'s View<'s>; 8]> {
    inputs.iter().map(|input| input.view().unwrap_or(other)).collect()
}
