//! The value of a variable: what a Python object means to the engine.
//!
//! Arrays are used where they are. Python's own numbers are weak, as in NumPy 2: they take the dtype of what they meet.
//! NumPy's numbers and arrays of rank 0 are single values of their dtype. Everything else goes through `numpy.asarray`.

use crate::arrays::{Array, to_array};
use ndexpr::{DType, Scalar, Var, VarType};
use numpy::PyUntypedArray;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};
use smallvec::SmallVec;

/// The values of several variables, in the order of a program's, and what keeps their memory alive.
#[derive(Default)]
pub(crate) struct Values<'py> {
    vars: SmallVec<[Var<'py>; 4]>,
    /// By variable: the array, unless it is a single value.
    arrays: SmallVec<[Option<Array<'py>>; 4]>,
}

impl<'py> Values<'py> {
    /// Adds what an object stands for; `name` is the variable's.
    pub(crate) fn push(&mut self, object: &Bound<'py, PyAny>, name: &str) -> PyResult<()> {
        if let Ok(array) = object.cast::<PyUntypedArray>()
            && let Some(array) = Array::new(array)
        {
            return self.push_array(array);
        }
        if object.is_exact_instance_of::<PyFloat>() {
            self.push_number(Var::weak(object.extract::<f64>()?));
        } else if object.is_exact_instance_of::<PyBool>() {
            self.push_number(Var::from(object.extract::<bool>()?));
        } else if object.is_instance_of::<PyInt>() {
            self.push_number(int(object, name)?);
        } else {
            self.push_array(to_array(object, name)?)?;
        }
        Ok(())
    }

    /// Adds a value as one of this type; Python's numbers, which have none, take it.
    pub(crate) fn push_as(&mut self, object: &Bound<'py, PyAny>, name: &str, ty: VarType) -> PyResult<()> {
        self.push(object, name)?;
        if let Some(var) = self.vars.last_mut()
            && var.ty().is_weak
            && var.ty() != ty
            && let Some(typed) = typed(object, ty.dtype)?
        {
            *var = Var::from(typed);
        }
        Ok(())
    }

    fn push_number(&mut self, var: Var<'py>) {
        self.vars.push(var);
        self.arrays.push(None);
    }

    fn push_array(&mut self, array: Array<'py>) -> PyResult<()> {
        // SAFETY: the array is kept beside the view of its memory, and both are dropped together; that no one resizes it
        // meanwhile is what NumPy demands of those who do.
        let view = unsafe { array.view() }.map_err(|error| PyValueError::new_err(error.to_string()))?;
        // One element is copied, so that compiled code knows that there is one.
        if array.n_axes() == 0
            && let Some(scalar) = view.read(&[])
        {
            self.push_number(Var::from(scalar));
        } else {
            self.vars.push(Var::from(view));
            self.arrays.push(Some(array));
        }
        Ok(())
    }

    /// The values as the engine takes them.
    pub(crate) fn vars(&self) -> &[Var<'py>] {
        &self.vars
    }

    /// The arrays among them.
    pub(crate) fn arrays(&self) -> impl Iterator<Item = &Array<'py>> {
        self.arrays.iter().flatten()
    }
}

/// A number of Python's as one of a dtype; none if that would round or cut it.
fn typed(object: &Bound<'_, PyAny>, dtype: DType) -> PyResult<Option<Scalar>> {
    if dtype.is_float() {
        let value: f64 = object.extract()?;
        return Ok(Some(if dtype == DType::Float32 { Scalar::new(value as f32) } else { Scalar::new(value) }));
    }
    if !object.is_instance_of::<PyInt>() {
        return Ok(None);
    }
    Ok(Some(match dtype {
        DType::Int8 => Scalar::new(object.extract::<i8>()?),
        DType::Int16 => Scalar::new(object.extract::<i16>()?),
        DType::Int32 => Scalar::new(object.extract::<i32>()?),
        DType::Int64 => Scalar::new(object.extract::<i64>()?),
        DType::UInt8 => Scalar::new(object.extract::<u8>()?),
        DType::UInt16 => Scalar::new(object.extract::<u16>()?),
        DType::UInt32 => Scalar::new(object.extract::<u32>()?),
        DType::UInt64 => Scalar::new(object.extract::<u64>()?),
        _ => return Ok(None),
    }))
}

/// An integer of Python's, weak.
fn int<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Var<'py>> {
    if let Ok(value) = object.extract::<i64>() {
        return Ok(Var::weak(value));
    }
    match object.extract::<u64>() {
        Ok(value) => Ok(Var::weak(value)),
        Err(_) => Err(PyOverflowError::new_err(format!("`{name}` is an integer of more than 64 bits"))),
    }
}
