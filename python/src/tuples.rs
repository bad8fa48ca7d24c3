//! Texts of several results: a tuple of arrays, fresh or given.
//!
//! In: a program and operands, and perhaps a tuple of outputs. Out: a tuple. Always true: no output
//! is written unless all of them can be.

use crate::arrays::{self, Array, Order, changed_error};
use crate::calls;
use crate::run::{Options, check_casting, execute, layouts, memory_order, out_array};
use crate::values::{Operands, Values};
use ndexpr::Program;
use numpy::PyUntypedArray;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Runs a program that gives a tuple. In a tuple of outputs, None stands for a fresh array.
pub(crate) fn run<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    operands: &Operands<'py>,
    options: &Options<'py>,
) -> PyResult<Bound<'py, PyTuple>> {
    let outs = outs(program, options.out.as_ref())?;
    let mut values = Values::default();
    values.read(operands)?;
    let layouts = layouts(py, text, program, &values)?;
    // For each result, the array that is written, and the one that is returned.
    let mut written: Vec<Bound<'py, PyUntypedArray>> = Vec::new();
    let mut returned: Vec<Bound<'py, PyAny>> = Vec::new();
    for (number, (layout, info)) in layouts.iter().zip(program.outputs()).enumerate() {
        let out = outs.as_ref().and_then(|outs| outs[number].as_ref());
        if let Some(out) = out {
            let object = out_array(out)?;
            let array = Array::read(object).filter(|array| array.dtype == info.dtype);
            if array.as_ref().is_some_and(|array| !array.is_writeable()) {
                return Err(PyValueError::new_err(format!("out[{number}] is read-only")));
            }
            if array.is_some_and(|array| array.shape() == layout.shape()) {
                written.push(object.clone());
                returned.push(out.clone());
                continue;
            }
            check_casting(py, info.dtype, object, options.casting)?;
        }
        let chosen = memory_order(layout, &values, if out.is_none() { options.order } else { Order::Keep });
        let axes = chosen.as_deref().unwrap_or(layout.order());
        let fresh = arrays::empty(py, info.dtype, layout.shape(), Some(axes))?;
        returned.push(out.cloned().unwrap_or_else(|| fresh.clone().into_any()));
        written.push(fresh);
    }
    let arrays = written.iter().map(|array| Array::read(array).ok_or_else(changed_error));
    let arrays = arrays.collect::<PyResult<Vec<_>>>()?;
    execute(py, text, program, &values, &arrays)?;
    for (written, returned) in written.iter().zip(&returned) {
        if !written.is(returned) {
            // It was checked that the result may be cast. NumPy reports whether the shapes fit.
            calls::call_numpy(intern!(py, "copyto"), (returned, written, "unsafe"))?;
        }
    }
    PyTuple::new(py, returned)
}

/// The outputs that the caller gives, one for each result.
fn outs<'py>(program: &Program, out: Option<&Bound<'py, PyAny>>) -> PyResult<Option<Vec<Option<Bound<'py, PyAny>>>>> {
    let Some(out) = out else { return Ok(None) };
    let n_results = program.outputs().len();
    let Ok(outs) = out.cast::<PyTuple>() else {
        let found = out.get_type().name()?;
        return Err(PyTypeError::new_err(format!("out is a tuple of {n_results} arrays, not {found}")));
    };
    if outs.len() != n_results {
        let found = outs.len();
        return Err(PyValueError::new_err(format!("out has {found} arrays, but there are {n_results} results")));
    }
    Ok(Some(outs.iter().map(|out| (!out.is_none()).then_some(out)).collect()))
}
