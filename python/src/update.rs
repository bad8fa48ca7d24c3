//! `execute`: texts that update arrays in place.
//!
//! In: a text, and where its names are looked up. Out: the arrays that it updates, changed, and its
//! results. Always true: only arrays of NumPy itself are updated, where they are; what would have
//! to be copied first is refused.

use crate::engines::Floats;
use crate::errors;
use crate::evaluate::{look_up, named};
use crate::run::{Lock, is_short, lock_for};
use crate::scope::{CALLER, Scope};
use crate::signals::{guarded, interruptible};
use crate::text::Text;
use crate::values::{Operands, Targets, Values, Vars};
use ndexpr::raw::{self, CallArrays};
use ndexpr::{DynArray, Error, Procedure, Progress};
use numpy::IntoPyArray;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

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
    let types = look_up(py, text, scope, true, &mut operands)?;
    let procedure = text.procedure(py, &types, floats)?;
    call(py, text.as_str(py)?, &procedure, &operands)
}

/// Runs a procedure on what its text's names stand for.
pub(crate) fn call<'py>(
    py: Python<'py>,
    text: &str,
    procedure: &Procedure,
    operands: &Operands<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(done) = run_at_once(procedure, operands) {
        done?.map_err(|error| errors::to_python(py, text, &error))?;
        return Ok(py.None().into_bound(py));
    }
    let mut values = Values::default();
    values.read(operands)?;
    let lock = lock_for(py, &values, &[], raw::procedure_has_loops(procedure));
    let (mut vars, mut targets) = (Vars::new(), Targets::new());
    // SAFETY: from here until the run begins, no Python code runs in this thread. During the run
    // only other threads and handlers of signals can change the arrays in place, and the Python
    // caller has to prevent that: see `Array`. An array that is also read, or given twice, is seen
    // by `Procedure`, which then writes apart from what it reads.
    unsafe {
        values.vars(&mut vars)?;
        values.targets(&mut targets)?;
    }
    let mut run = |progress: Option<&Progress>| procedure.call_in_order(&vars, &mut targets, progress);
    let done = match lock {
        Lock::Keep => guarded(|| run(None)),
        Lock::GiveUp => py.detach(|| guarded(|| run(None))),
        Lock::GiveUpAndAsk => interruptible(py, |progress| run(Some(progress)))?,
    };
    let results = done.ok_or_else(errors::panicked)?.map_err(|error| errors::to_python(py, text, &error))?;
    to_python(py, results, procedure.is_tuple())
}

/// Runs a short call of a procedure without results, if its arrays lie as those of the last call
/// did, or all in one way. Does nothing otherwise.
fn run_at_once(procedure: &Procedure, operands: &Operands<'_>) -> Option<PyResult<Result<(), Error>>> {
    if !is_short(operands) || raw::procedure_has_loops(procedure) {
        return None;
    }
    let numbers = operands.numbers();
    let mut arrays = CallArrays::new();
    // SAFETY: from here to the end of the run no Python code runs in this thread, which keeps the
    // interpreter's lock. So nothing changes the arrays in place. If arrays share memory, nothing
    // is run.
    if !unsafe { operands.push_to_call(&numbers, &mut arrays) } {
        return None;
    }
    match guarded(|| raw::run_procedure(procedure, &mut arrays)) {
        Some(done) => done.map(Ok),
        None => Some(Err(errors::panicked())),
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
