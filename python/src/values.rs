//! The values of variables: what Python objects mean to the engine.
//!
//! In: the objects that names stand for. Out: arrays where they are, and numbers. Always true:
//! [`Operands`] come from look-ups and conversions, which may run Python code; [`Values`] are read
//! from all operands together, when no more Python code is to run. Small arrays need no such copy
//! of what NumPy states, because NumPy's statement is read again right before the run.
//!
//! Python's own numbers are weak, as in NumPy 2: they take the dtype of what they meet. NumPy's
//! numbers and arrays of rank 0 are single values of their dtype. Everything else goes through
//! `numpy.asanyarray`.

use crate::arrays::{
    Array, changed_error, dense, dense_shape, is_readable, is_writeable, push_to_call, refuse_masked, shape_now,
    to_array, type_now, unknown_dtype_error,
};
use crate::calls;
use ndexpr::raw::CallArrays;
use ndexpr::{DType, Scalar, Var, VarType, ViewMut};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};
use smallvec::SmallVec;

/// A number, which is completely known when it is looked up.
#[derive(Clone, Copy)]
enum Number {
    Scalar(Scalar),
    WeakFloat(f64),
    WeakInt(i64),
    WeakUInt(u64),
}

impl Number {
    fn ty(self) -> VarType {
        match self {
            Number::Scalar(scalar) => VarType::scalar(scalar.dtype()),
            Number::WeakFloat(_) => VarType::weak(DType::Float64),
            Number::WeakInt(_) => VarType::weak(DType::Int64),
            Number::WeakUInt(_) => VarType::weak(DType::UInt64),
        }
    }

    fn scalar(self) -> Scalar {
        match self {
            Number::Scalar(scalar) => scalar,
            Number::WeakFloat(value) => Scalar::new(value),
            Number::WeakInt(value) => Scalar::new(value),
            Number::WeakUInt(value) => Scalar::new(value),
        }
    }

    fn var(self) -> Var<'static> {
        match self {
            Number::Scalar(scalar) => Var::from(scalar),
            Number::WeakFloat(value) => Var::weak(value),
            Number::WeakInt(value) => Var::weak(value),
            Number::WeakUInt(value) => Var::weak(value),
        }
    }
}

/// Numbers of a call, each with its dtype.
pub(crate) type Numbers = SmallVec<[(DType, [u8; 8]); 4]>;

enum Operand<'py> {
    Array(Bound<'py, PyUntypedArray>),
    /// An array that the text updates.
    Target(Bound<'py, PyUntypedArray>),
    Number(Number),
}

/// What several variables stand for, in the order of a text's names. Arrays are kept alive.
#[derive(Default)]
pub(crate) struct Operands<'py> {
    operands: SmallVec<[Operand<'py>; 8]>,
}

impl<'py> Operands<'py> {
    /// Adds what an object stands for; `name` is the variable's. May run Python code.
    pub(crate) fn push(&mut self, object: &Bound<'py, PyAny>, name: &str) -> PyResult<()> {
        let operand = match array_operand(object, name)? {
            Some(array) => Operand::Array(array),
            None => match number(object, name)? {
                Some(number) => Operand::Number(number),
                None => Operand::Array(to_array(object, name)?),
            },
        };
        self.operands.push(operand);
        Ok(())
    }

    /// Adds an array that the text updates, where it is. It must be one of NumPy's.
    pub(crate) fn push_target(&mut self, object: &Bound<'py, PyAny>, name: &str) -> PyResult<()> {
        let Some(array) = own_array(object, name)? else {
            let found = object.get_type().name()?;
            let message = format!("`{name}` is updated, so it must be a NumPy array, not {found}");
            return Err(PyTypeError::new_err(message));
        };
        if !is_readable(array) {
            return Err(unknown_dtype_error(name, &array.dtype()));
        }
        if !is_writeable(array) {
            return Err(PyValueError::new_err(format!("`{name}` is read-only")));
        }
        self.operands.push(Operand::Target(array.clone()));
        Ok(())
    }

    /// The operands' types now. An error if an array has become one that the engine cannot read.
    pub(crate) fn types(&self) -> impl Iterator<Item = PyResult<VarType>> {
        self.operands.iter().map(|operand| match operand {
            Operand::Array(array) => type_now(array).ok_or_else(changed_error),
            // Rank 0 is nothing special there.
            Operand::Target(array) => type_now(array).map(|ty| VarType::array(ty.dtype)).ok_or_else(changed_error),
            Operand::Number(number) => Ok(number.ty()),
        })
    }

    /// The shapes of all arrays now.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = &[usize]> {
        self.only_arrays().flatten().map(shape_now)
    }

    /// The numbers among them, each in the first of its bytes.
    pub(crate) fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::new();
        for operand in &self.operands {
            if let Operand::Number(number) = operand {
                let scalar = number.scalar();
                numbers.push((scalar.dtype(), scalar.to_ne_bytes()));
            }
        }
        numbers
    }

    /// Adds all to the arrays of a call, those that the text updates last. `numbers` are those of
    /// these operands. Returns false if the engine cannot take one of the arrays.
    ///
    /// # Safety
    ///
    /// The conditions of [`push_to_call`] must hold for each array.
    pub(crate) unsafe fn push_to_call<'a>(&'a self, numbers: &'a Numbers, arrays: &mut CallArrays<'a>) -> bool {
        let mut numbers = numbers.iter();
        for operand in &self.operands {
            let is_pushed = match operand {
                // SAFETY: the caller vouches for it.
                Operand::Array(array) => unsafe { push_to_call(array, arrays, false) },
                Operand::Number(_) => numbers.next().is_some_and(|(dtype, bytes)| {
                    arrays.push_number(*dtype, bytes);
                    true
                }),
                Operand::Target(_) => true,
            };
            if !is_pushed {
                return false;
            }
        }
        self.operands.iter().all(|operand| match operand {
            // SAFETY: as above.
            Operand::Target(array) => unsafe { push_to_call(array, arrays, true) },
            Operand::Array(_) | Operand::Number(_) => true,
        })
    }

    /// The operands as arrays; `None` for each one that is a number.
    pub(crate) fn only_arrays(&self) -> impl Iterator<Item = Option<&Bound<'py, PyUntypedArray>>> {
        self.operands.iter().map(|operand| match operand {
            Operand::Array(array) | Operand::Target(array) => Some(array),
            Operand::Number(_) => None,
        })
    }

    /// The shape that all operands have now, if all are arrays whose elements lie in C's order
    /// without gaps.
    pub(crate) fn common_shape(&self) -> Option<SmallVec<[usize; 4]>> {
        let mut arrays = self.only_arrays();
        let shape = dense_shape(arrays.next()??)?;
        arrays.all(|array| array.is_some_and(|array| dense(array, &shape).is_some())).then_some(shape)
    }

    /// Adds a value as one of this type. Python's numbers have no dtype of their own, so they take
    /// this one.
    pub(crate) fn push_as(&mut self, object: &Bound<'py, PyAny>, name: &str, ty: VarType) -> PyResult<()> {
        self.push(object, name)?;
        if let Some(Operand::Number(last)) = self.operands.last_mut() {
            let found = last.ty();
            if found.is_weak
                && found != ty
                && let Some(typed) = typed(object, ty.dtype)?
            {
                *last = Number::Scalar(typed);
            }
        }
        Ok(())
    }
}

/// The object itself if it is an array, or an array that it had to be copied to.
fn array_operand<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyUntypedArray>>> {
    let Some(array) = own_array(object, name)? else { return Ok(None) };
    Ok(Some(if is_readable(array) { array.clone() } else { to_array(object, name)? }))
}

/// The object itself if it is an array of NumPy's, of any dtype.
fn own_array<'a, 'py>(object: &'a Bound<'py, PyAny>, name: &str) -> PyResult<Option<&'a Bound<'py, PyUntypedArray>>> {
    // Most arrays are of NumPy's class itself, which is found out quickly.
    if let Ok(array) = object.cast_exact::<PyUntypedArray>() {
        return Ok(Some(array));
    }
    let Ok(array) = object.cast::<PyUntypedArray>() else { return Ok(None) };
    refuse_masked(array, name)?;
    Ok(Some(array))
}

fn element(array: &Array<'_, '_>) -> PyResult<Option<Scalar>> {
    // SAFETY: the view is used here alone, where no Python code runs.
    Ok(unsafe { array.view() }?.read(&[]))
}

enum Value<'a, 'py> {
    Array(Array<'a, 'py>),
    /// A writeable array that the text updates.
    Target(Array<'a, 'py>),
    Number(Number),
}

/// Values as the engine takes them. They are filled in place, because they are large.
pub(crate) type Vars<'a> = SmallVec<[Var<'a>; 8]>;

/// Arrays that a text updates, as the engine takes them.
pub(crate) type Targets<'a> = SmallVec<[ViewMut<'a>; 4]>;

/// The values of several variables, as they were when they were read together.
#[derive(Default)]
pub(crate) struct Values<'a, 'py> {
    values: SmallVec<[Value<'a, 'py>; 8]>,
}

impl<'a, 'py> Values<'a, 'py> {
    /// Reads all operands, now that no more Python code is to run. An error if an array has become
    /// one that the engine cannot read, or cannot update.
    ///
    /// They are read in place, because moving the extents of several arrays takes time.
    pub(crate) fn read(&mut self, operands: &'a Operands<'py>) -> PyResult<()> {
        self.values.clear();
        for operand in &operands.operands {
            let value = match operand {
                &Operand::Number(number) => Value::Number(number),
                Operand::Array(object) => {
                    let array = Array::read(object).ok_or_else(changed_error)?;
                    // A single element is copied, so that compiled code knows that there is only
                    // one.
                    let element = if array.shape().is_empty() { element(&array)? } else { None };
                    match element {
                        Some(element) => Value::Number(Number::Scalar(element)),
                        None => Value::Array(array),
                    }
                }
                Operand::Target(object) => {
                    let array = Array::read(object).filter(Array::is_writeable);
                    Value::Target(array.ok_or_else(changed_error)?)
                }
            };
            self.values.push(value);
        }
        Ok(())
    }

    /// Appends the values that are only read. An error if an array has changed since it was read.
    ///
    /// # Safety
    ///
    /// The conditions of [`Array::view`] must hold for each array.
    pub(crate) unsafe fn vars(&self, vars: &mut Vars<'a>) -> PyResult<()> {
        for value in &self.values {
            vars.push(match value {
                // SAFETY: the caller vouches for it.
                Value::Array(array) => Var::from(unsafe { array.view() }?),
                Value::Number(number) => number.var(),
                Value::Target(_) => continue,
            });
        }
        Ok(())
    }

    /// Appends the arrays that the text updates. An error if one has changed since it was read.
    ///
    /// # Safety
    ///
    /// The conditions of [`Array::view`] must hold for each of them.
    pub(crate) unsafe fn targets(&self, targets: &mut Targets<'a>) -> PyResult<()> {
        for value in &self.values {
            if let Value::Target(array) = value {
                // SAFETY: the caller vouches for it, and the array is writeable.
                targets.push(unsafe { array.view_mut() }?);
            }
        }
        Ok(())
    }

    /// The arrays among them.
    pub(crate) fn arrays(&self) -> impl Iterator<Item = &Array<'a, 'py>> {
        self.values.iter().filter_map(|value| match value {
            Value::Array(array) | Value::Target(array) => Some(array),
            Value::Number(_) => None,
        })
    }
}

/// The value of one of Python's own numbers; `None` for other objects.
fn number(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Number>> {
    Ok(Some(if object.is_exact_instance_of::<PyFloat>() {
        Number::WeakFloat(object.extract()?)
    } else if object.is_exact_instance_of::<PyBool>() {
        Number::Scalar(Scalar::new(object.extract::<bool>()?))
    } else if object.is_instance_of::<PyInt>() {
        int(object, name)?
    } else {
        return Ok(None);
    }))
}

/// An integer of Python's, weak.
fn int(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Number> {
    if let Ok(value) = object.extract::<i64>() {
        return Ok(Number::WeakInt(value));
    }
    match object.extract::<u64>() {
        Ok(value) => Ok(Number::WeakUInt(value)),
        Err(_) => Err(PyOverflowError::new_err(format!("`{name}` is an integer of more than 64 bits"))),
    }
}

/// A number of Python's as a value of a dtype; `None` if the conversion would round or cut it.
fn typed(object: &Bound<'_, PyAny>, dtype: DType) -> PyResult<Option<Scalar>> {
    if dtype.is_float() {
        // A class of integers of the caller's may have its own method for this conversion.
        let value: f64 = calls::call(&object.py().get_type::<PyFloat>(), (object,))?.extract()?;
        return Ok(Some(match dtype {
            DType::Float32 => Scalar::new(value as f32),
            _ => Scalar::new(value),
        }));
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
