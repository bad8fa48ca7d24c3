//! `execute`: texts that update arrays in place.
//!
//! In: a text, and where its names are looked up. Out: the arrays that it updates, changed, and its
//! results. Always true: only arrays of NumPy itself are updated, where they are; what would have
//! to be copied first is refused.

use crate::arrays::{Array, changed_error};
use crate::engines::Floats;
use crate::errors;
use crate::evaluate::named;
use crate::run::{Lock, lock_for};
use crate::scope::{CALLER, Scope};
use crate::signals::{guarded, interruptible};
use crate::text::{Text, Types};
use crate::values::{Operands, Values};
use ndexpr::{DynArray, Procedure, Progress, Targets, Vars};
use numpy::{IntoPyArray, PyUntypedArray};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::sync::Arc;

/// Run a text that updates arrays in place.
///
/// Names are looked up as `evaluate` does. The statements have the effects that they have in NumPy,
/// in this order: `u += v`, `u[1:-1] = ...`, `u[...] *= 2`. What lines up element by element runs
/// as one pass over memory. Local names, functions, slices and everything else are as in
/// `evaluate`.
///
/// Parameters
/// ----------
/// ex : str
///     The statements. What they update must be writeable arrays of NumPy's.
/// local_dict, global_dict : mapping, optional
///     Where names are looked up, in this order. The caller's locals and globals unless given.
/// floats : {'strict', 'fast'}
///     As in `evaluate`.
///
/// Returns
/// -------
/// None, numpy.ndarray or tuple
///     What the text returns, if it does.
///
/// Notes
/// -----
/// If an error or Ctrl-C ends the call, the arrays have what was written so far.
///
/// Examples
/// --------
/// >>> import numpy as np, ndexpr
/// >>> u = np.array([1.0, 2.0, 4.0, 8.0])
/// >>> f = np.ones(4)
/// >>> ndexpr.execute("u += f; u[1:-1] = (u[:-2] + u[2:])/2")
/// >>> u
/// array([2. , 3.5, 6. , 9. ])
/// >>> ndexpr.execute("u *= 2; return sum(u)")
/// array(41.)
#[pyfunction]
#[pyo3(
    signature = (ex, local_dict=None, global_dict=None, *, floats=None, _frame_depth=CALLER),
    text_signature = "(ex, local_dict=None, global_dict=None, *, floats='strict')"
)]
pub(crate) fn execute<'py>(
    py: Python<'py>,
    ex: &Bound<'py, PyAny>,
    local_dict: Option<&Bound<'py, PyAny>>,
    global_dict: Option<&Bound<'py, PyAny>>,
    floats: Option<&Bound<'py, PyAny>>,
    _frame_depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let floats = match floats {
        Some(name) => named(name, Floats::from_name, "floats must be one of 'strict', 'fast'")?,
        None => Floats::Strict,
    };
    let text = Text::get(ex)?;
    let text = text.get();
    let scope = Scope::new(py, local_dict, global_dict, _frame_depth)?;
    let mut operands = Operands::default();
    let mut names: Vec<&str> = Vec::new();
    let mut targets: Vec<(&str, Bound<'py, PyUntypedArray>)> = Vec::new();
    let mut types = Types::new();
    for name in text.names() {
        let value = match scope.get(name.key.bind(py))? {
            Some(value) => Some(value),
            None => scope.get_respelled(&name.text)?,
        };
        match value {
            Some(value) if name.is_updated => targets.push((&name.text, target(&value, &name.text)?)),
            Some(value) => {
                operands.push(&value, &name.text)?;
                names.push(&name.text);
            }
            None if name.is_constant && !name.is_updated => {}
            None => return Err(text.missing(py, name, scope.known().into_iter(), true)),
        }
    }
    // This may run Python code, because it may free objects.
    drop(scope);
    {
        let (mut of_operands, mut of_targets) = (operands.types(), targets.iter());
        let mut is_next = names.iter().peekable();
        for name in text.names() {
            types.push(if name.is_updated {
                let (_, object) = of_targets.next().ok_or_else(changed_error)?;
                let array = Array::read(object).ok_or_else(changed_error)?;
                Some(ndexpr::VarType::array(array.dtype))
            } else if is_next.next_if(|next| ***next == *name.text).is_some() {
                of_operands.next().transpose()?
            } else {
                None
            });
        }
    }
    let procedure = text.procedure(py, &types, floats)?;
    call(py, text.as_str(py)?, &procedure, (&names, &operands), &targets)
}

/// Runs a procedure on values of variables, and arrays that it updates, each with its name.
pub(crate) fn call<'py>(
    py: Python<'py>,
    text: &str,
    procedure: &Arc<Procedure>,
    (names, operands): (&[&str], &Operands<'py>),
    targets: &[(&str, Bound<'py, PyUntypedArray>)],
) -> PyResult<Bound<'py, PyAny>> {
    let mut values = Values::default();
    values.read(operands)?;
    let results = run(py, text, procedure, (names, &values), targets)?;
    to_python(py, results, procedure.is_tuple())
}

/// An array that can be updated where it is.
pub(crate) fn target<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyUntypedArray>> {
    let Ok(array) = object.cast::<PyUntypedArray>() else {
        let found = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!("`{name}` is updated, so it must be a NumPy array, not {found}")));
    };
    crate::arrays::refuse_masked(array, name)?;
    match Array::read(array) {
        Some(read) if read.is_writeable() => Ok(array.clone()),
        Some(_) => Err(PyValueError::new_err(format!("`{name}` is read-only"))),
        None => Err(crate::arrays::unknown_dtype_error(name, &numpy::PyUntypedArrayMethods::dtype(array))),
    }
}

fn run<'py>(
    py: Python<'py>,
    text: &str,
    procedure: &Arc<Procedure>,
    (names, values): (&[&str], &Values<'_, 'py>),
    targets: &[(&str, Bound<'py, PyUntypedArray>)],
) -> PyResult<Vec<DynArray>> {
    let mut arrays = Vec::with_capacity(targets.len());
    for (name, object) in targets {
        let array = Array::read(object).filter(Array::is_writeable);
        arrays.push((*name, array.ok_or_else(changed_error)?));
    }
    let written: Vec<_> = arrays.iter().map(|(_, array)| array).collect();
    let lock = lock_for(py, values, &written);
    // SAFETY: from here until the run begins, no Python code runs in this thread. During the run
    // only other threads and handlers of signals can change the arrays in place, and the Python
    // caller has to prevent that: see `Array`. All targets are writeable. An array that is also
    // read, or given twice, is seen by `Procedure`, which then writes apart from what it reads.
    let (vars, mut targets) = unsafe {
        let vars = names.iter().zip(values.vars()?).fold(Vars::new(), |vars, (name, var)| vars.with(name, var));
        let mut targets = Targets::new();
        for (name, array) in &arrays {
            targets = targets.with(name, array.view_mut()?);
        }
        (vars, targets)
    };
    let call = |progress: Option<&Progress>, targets: &mut Targets<'_>| procedure.call_with(&vars, targets, progress);
    let done = match lock {
        Lock::Keep => guarded(|| call(None, &mut targets)),
        Lock::GiveUp => py.detach(|| guarded(|| call(None, &mut targets))),
        Lock::GiveUpAndAsk => interruptible(py, |progress| call(Some(progress), &mut targets))?,
    };
    match done {
        Some(done) => done.map_err(|error| errors::to_python(py, text, &error)),
        None => Err(errors::panicked()),
    }
}

fn to_python(py: Python<'_>, results: Vec<DynArray>, is_tuple: bool) -> PyResult<Bound<'_, PyAny>> {
    let mut all = results.into_iter().map(|result| array(py, result)).collect::<PyResult<Vec<_>>>()?;
    match (all.pop(), is_tuple) {
        (None, _) => Ok(py.None().into_bound(py)),
        (Some(only), false) => Ok(only),
        (Some(last), true) => {
            all.push(last);
            Ok(PyTuple::new(py, all)?.into_any())
        }
    }
}

/// A result as an array of NumPy's, which takes over its memory.
fn array(py: Python<'_>, result: DynArray) -> PyResult<Bound<'_, PyAny>> {
    Ok(match result {
        DynArray::Bool(array) => array.into_pyarray(py).into_any(),
        DynArray::Int8(array) => array.into_pyarray(py).into_any(),
        DynArray::Int16(array) => array.into_pyarray(py).into_any(),
        DynArray::Int32(array) => array.into_pyarray(py).into_any(),
        DynArray::Int64(array) => array.into_pyarray(py).into_any(),
        DynArray::UInt8(array) => array.into_pyarray(py).into_any(),
        DynArray::UInt16(array) => array.into_pyarray(py).into_any(),
        DynArray::UInt32(array) => array.into_pyarray(py).into_any(),
        DynArray::UInt64(array) => array.into_pyarray(py).into_any(),
        DynArray::Float32(array) => array.into_pyarray(py).into_any(),
        DynArray::Float64(array) => array.into_pyarray(py).into_any(),
        _ => return Err(PyTypeError::new_err("the result has a dtype that NumPy does not have")),
    })
}
