//! The types of a program's variables, as a caller states them.
//!
//! In: what `compile` and `explain` are given as a signature. Out: names with their types, in the
//! order of a program's arguments.

use crate::arrays::{dtype_of, unknown_dtype_error};
use crate::calls;
use crate::scope::normalised;
use crate::text::{self, Name, Text};
use crate::values::Operands;
use ndexpr::{DType, VarType};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyList, PyString};

/// An input of a program.
pub(crate) struct Input {
    pub(crate) name: String,
    /// The name as Python has it where a program is called by name.
    pub(crate) key: Py<PyString>,
    pub(crate) ty: VarType,
}

impl Input {
    fn new(py: Python<'_>, used: &Name, ty: VarType) -> Input {
        Input { name: used.text.clone(), key: used.key.clone_ref(py), ty }
    }
}

/// The inputs that a caller states, in the order of the arguments. Without a signature all names
/// are arrays of float64, sorted, as in numexpr.
pub(crate) fn inputs(py: Python<'_>, text: &Text, signature: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Input>> {
    let Some(signature) = signature else {
        let names = text.names().iter().filter(|name| !name.is_constant);
        let mut inputs: Vec<Input> = names.map(|name| Input::new(py, name, VarType::array(DType::Float64))).collect();
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        return Ok(inputs);
    };
    let pairs = match calls::get_attr(signature, intern!(py, "items")) {
        Ok(items) => calls::call(&items, ())?,
        Err(_) => signature.clone(),
    };
    let pairs = calls::call(&py.get_type::<PyList>(), (pairs,))?.cast_into::<PyList>()?;
    let mut inputs: Vec<Input> = Vec::new();
    for pair in pairs {
        let (key, ty): (Bound<'_, PyString>, Bound<'_, PyAny>) = pair.extract()?;
        let name = normalised(&key)?;
        let Some(used) = text.names().iter().find(|used| used.text == name) else {
            let message = format!("the expression does not use the variable `{name}`");
            return Err(PyValueError::new_err(message));
        };
        if inputs.iter().any(|known| known.name == name) {
            return Err(PyValueError::new_err(format!("the signature has `{name}` twice")));
        }
        inputs.push(Input::new(py, used, var_type(&ty, &name)?));
    }
    Ok(inputs)
}

/// The type of each name of the text, in the text's order.
pub(crate) fn types(text: &Text, inputs: &[Input]) -> text::Types {
    let type_of = |name: &str| inputs.iter().find(|input| input.name == name).map(|input| input.ty);
    text.names().iter().map(|name| type_of(&name.text)).collect()
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

/// A type as [`inputs`] takes it.
pub(crate) fn type_name(ty: VarType) -> String {
    match ty {
        VarType { is_weak: true, dtype, .. } => format!("weak {}", dtype.name()),
        VarType { is_scalar: true, dtype, .. } => format!("scalar {}", dtype.name()),
        VarType { dtype, .. } => dtype.name().to_owned(),
    }
}
