//! The types of a program's variables, as a caller states them.
//!
//! In: what `compile` and `explain` are given as a signature. Out: names with their types, in the
//! order of a program's arguments.

use crate::arrays::{dtype_of, unknown_dtype_error};
use crate::calls;
use crate::scope::normalised;
use crate::text::{self, Text};
use crate::values::Operands;
use ndexpr::{DType, VarType};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyString};

/// The names of a program's inputs and their types, in the order of the arguments.
pub(crate) struct Types {
    pub(crate) inputs: Vec<(String, VarType)>,
}

impl Types {
    /// The types that a caller states. Without a signature all names are arrays of float64, sorted,
    /// as in numexpr.
    pub(crate) fn new(text: &Text, signature: Option<&Bound<'_, PyAny>>) -> PyResult<Types> {
        let mut inputs = Vec::new();
        let Some(signature) = signature else {
            let names = text.names().iter().filter(|name| !name.is_constant);
            inputs.extend(names.map(|name| (name.text.clone(), VarType::array(DType::Float64))));
            inputs.sort_by(|(a, _), (b, _)| a.cmp(b));
            return Ok(Types { inputs });
        };
        let py = signature.py();
        let pairs = match calls::get_attr(signature, intern!(py, "items")) {
            Ok(items) => calls::call(&items, ())?,
            Err(_) => signature.clone(),
        };
        let pairs = calls::call(&py.get_type::<PyList>(), (pairs,))?.cast_into::<PyList>()?;
        for pair in pairs {
            let (name, ty): (Bound<'_, PyString>, Bound<'_, PyAny>) = pair.extract()?;
            let name = normalised(&name)?;
            if !text.names().iter().any(|used| used.text == name) {
                let message = format!("the expression does not use the variable `{name}`");
                return Err(PyValueError::new_err(message));
            }
            if inputs.iter().any(|(known, _)| *known == name) {
                return Err(PyValueError::new_err(format!("the signature has `{name}` twice")));
            }
            let ty = var_type(&ty, &name)?;
            inputs.push((name, ty));
        }
        Ok(Types { inputs })
    }

    /// The type of each name of the text, in the text's order.
    pub(crate) fn types(&self, text: &Text) -> text::Types {
        let type_of = |name: &str| self.inputs.iter().find(|(known, _)| known == name).map(|&(_, ty)| ty);
        text.names().iter().map(|name| type_of(&name.text)).collect()
    }
}

/// What a caller states as a variable's type: a dtype for an array, "scalar float32" or "weak
/// float" for a number, or an array or a number like those that the variable will have.
fn var_type(stated: &Bound<'_, PyAny>, name: &str) -> PyResult<VarType> {
    if let Ok(stated) = stated.cast::<PyString>() {
        let words: Vec<&str> = stated.to_str()?.split_whitespace().collect();
        match words[..] {
            ["weak", "int" | "int64"] => return Ok(VarType::weak(DType::Int64)),
            ["weak", "uint64"] => return Ok(VarType::weak(DType::UInt64)),
            ["weak", "float" | "float64"] => return Ok(VarType::weak(DType::Float64)),
            ["scalar", dtype] => {
                let dtype = PyString::new(stated.py(), dtype);
                return dtype_like(&dtype, name).map(VarType::scalar);
            }
            _ => {}
        }
    } else if is_value(stated)? {
        let mut operands = Operands::default();
        operands.push(stated, name)?;
        if let Some(ty) = operands.types().next() {
            return ty;
        }
    }
    dtype_like(stated, name).map(VarType::array)
}

/// True for arrays and numbers, false for dtypes.
fn is_value(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let is_number = object.is_instance_of::<PyFloat>()
        || object.is_instance_of::<PyInt>()
        || object.is_instance_of::<PyBool>()
        || object.is_instance_of::<PyUntypedArray>();
    if is_number {
        return Ok(true);
    }
    let py = object.py();
    let generic = calls::get_attr(&calls::import(intern!(py, "numpy"))?, intern!(py, "generic"))?;
    object.is_instance(&generic)
}

fn dtype_like(object: &Bound<'_, PyAny>, name: &str) -> PyResult<DType> {
    let dtype = calls::call_numpy(intern!(object.py(), "dtype"), (object,))?;
    let dtype = dtype.cast_into::<PyArrayDescr>()?;
    dtype_of(dtype.num()).ok_or_else(|| unknown_dtype_error(name, &dtype))
}

/// A type as [`Types::new`] takes it.
pub(crate) fn type_name(ty: VarType) -> String {
    match ty {
        VarType { is_weak: true, dtype, .. } => format!("weak {}", dtype.name()),
        VarType { is_scalar: true, dtype, .. } => format!("scalar {}", dtype.name()),
        VarType { dtype, .. } => dtype.name().to_owned(),
    }
}
