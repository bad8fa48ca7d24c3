//! The value of a variable: what a Python object means to the engine.
//!
//! Arrays are used where they are. Python's own numbers are weak, as in NumPy 2: they take the dtype of what they meet.
//! NumPy's numbers and arrays of rank 0 are single values of their dtype. Everything else goes through `numpy.asarray`.

use crate::arrays::{Array, to_array};
use ndexpr::{DType, Scalar, Var, VarType, View};
use numpy::PyUntypedArray;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};
use smallvec::SmallVec;

/// The value of a variable.
enum Value<'py> {
    Array(Array<'py>),
    Scalar(Scalar),
    WeakFloat(f64),
    WeakInt(i64),
    WeakUInt(u64),
}

impl Value<'_> {
    fn ty(&self) -> VarType {
        match self {
            Value::Array(array) => VarType::array(array.dtype),
            Value::Scalar(scalar) => VarType::scalar(scalar.dtype()),
            Value::WeakFloat(_) => VarType::weak(DType::Float64),
            Value::WeakInt(_) => VarType::weak(DType::Int64),
            Value::WeakUInt(_) => VarType::weak(DType::UInt64),
        }
    }

    fn var(&self) -> PyResult<Var<'_>> {
        Ok(match self {
            Value::Array(array) => Var::from(view(array)?),
            Value::Scalar(scalar) => Var::from(*scalar),
            Value::WeakFloat(value) => Var::weak(*value),
            Value::WeakInt(value) => Var::weak(*value),
            Value::WeakUInt(value) => Var::weak(*value),
        })
    }
}

fn view<'v>(array: &'v Array<'_>) -> PyResult<View<'v>> {
    // SAFETY: the array is borrowed for as long as the view of its memory; that no one resizes it meanwhile is what NumPy
    // demands of those who do.
    unsafe { array.view() }.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The values of several variables, in the order of a program's. Arrays are kept alive.
#[derive(Default)]
pub(crate) struct Values<'py> {
    values: SmallVec<[Value<'py>; 6]>,
}

impl<'py> Values<'py> {
    /// Adds what an object stands for, and returns its type; `name` is the variable's.
    pub(crate) fn push(&mut self, object: &Bound<'py, PyAny>, name: &str) -> PyResult<VarType> {
        let value = match object.cast::<PyUntypedArray>().ok().and_then(Array::new) {
            Some(array) => array_value(array)?,
            None if object.is_exact_instance_of::<PyFloat>() => Value::WeakFloat(object.extract()?),
            None if object.is_exact_instance_of::<PyBool>() => Value::Scalar(Scalar::new(object.extract::<bool>()?)),
            None if object.is_instance_of::<PyInt>() => int(object, name)?,
            None => array_value(to_array(object, name)?)?,
        };
        let ty = value.ty();
        self.values.push(value);
        Ok(ty)
    }

    /// Adds a value as one of this type; Python's numbers, which have none, take it.
    pub(crate) fn push_as(&mut self, object: &Bound<'py, PyAny>, name: &str, ty: VarType) -> PyResult<()> {
        let found = self.push(object, name)?;
        if found.is_weak
            && found != ty
            && let Some(typed) = typed(object, ty.dtype)?
            && let Some(last) = self.values.last_mut()
        {
            *last = Value::Scalar(typed);
        }
        Ok(())
    }

    /// The values as the engine takes them.
    pub(crate) fn vars(&self) -> PyResult<SmallVec<[Var<'_>; 4]>> {
        self.values.iter().map(Value::var).collect()
    }

    /// The arrays among them.
    pub(crate) fn arrays(&self) -> impl Iterator<Item = &Array<'py>> {
        self.values.iter().filter_map(|value| match value {
            Value::Array(array) => Some(array),
            _ => None,
        })
    }

    /// The shape that all have, if all are arrays whose elements lie in C's order without gaps.
    pub(crate) fn common_shape(&self) -> Option<&[usize]> {
        let mut common = None;
        for value in &self.values {
            let Value::Array(array) = value else { return None };
            if !array.is_c() || common.is_some_and(|shape: &[usize]| *shape != *array.shape()) {
                return None;
            }
            common = common.or(Some(array.shape()));
        }
        common
    }
}

/// One element is copied, so that compiled code knows that there is one.
fn array_value(array: Array<'_>) -> PyResult<Value<'_>> {
    let element = if array.n_axes() == 0 { view(&array)?.read(&[]) } else { None };
    Ok(element.map_or(Value::Array(array), Value::Scalar))
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
fn int<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Value<'py>> {
    if let Ok(value) = object.extract::<i64>() {
        return Ok(Value::WeakInt(value));
    }
    match object.extract::<u64>() {
        Ok(value) => Ok(Value::WeakUInt(value)),
        Err(_) => Err(PyOverflowError::new_err(format!("`{name}` is an integer of more than 64 bits"))),
    }
}
