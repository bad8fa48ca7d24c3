//! `compile` and `Program`: a text for variables of known types, called like a function.
//!
//! In: a text and a signature. Out: an object that is called with the variables' values. If the
//! text updates arrays, these are among the values.

use crate::arrays::Order;
use crate::calls;
use crate::engines::{self, Floats};
use crate::errors;
use crate::evaluate::named;
use crate::inspect;
use crate::run::{self, Casting, Options};
use crate::scope::normalised;
use crate::signature::{self, Input, type_name};
use crate::text::{Compiled, Text, Types};
use crate::update;
use crate::values::Operands;
use ndexpr::Engine;
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use smallvec::SmallVec;
use std::borrow::Cow;

/// A compiled expression: called with arrays and numbers, by position or by name.
///
/// Made by `compile`. A program never changes, any number of threads may call it at once, and it
/// can be pickled.
///
/// Calling takes the variables, and `out`, `order` and `casting` as `evaluate` does. A text that
/// updates arrays updates those that it is called with, as `execute` does, and gives what it
/// returns.
///
/// Examples
/// --------
/// >>> import numpy as np, ndexpr
/// >>> f = ndexpr.compile("a*k + b", {"a": "float32", "b": "float32", "k": 1.0})
/// >>> a = np.ones(2, "float32")
/// >>> f(a, a, 3)
/// array([4., 4.], dtype=float32)
/// >>> f(a, k=0.5, b=a)
/// array([1.5, 1.5], dtype=float32)
#[pyclass(frozen, module = "ndexpr")]
pub(crate) struct Program {
    text: Text,
    /// In the order of the arguments.
    inputs: Vec<Input>,
    /// The variables in the order of the text.
    uses: SmallVec<[Use; 8]>,
    /// The type of each name of the text, in the form that the text's cache of programs needs.
    types: Types,
    floats: Floats,
    /// The engine that compiled the text, and the program that this engine made. If the number of
    /// threads changes, another engine is used.
    engine: &'static Engine,
    compiled: Compiled,
}

/// A variable, as the text uses it.
struct Use {
    /// Which input it is.
    input: usize,
    is_updated: bool,
}

/// Compile an expression, or statements, for variables of known types.
///
/// Parameters
/// ----------
/// ex : str
///     The expression, or statements as `evaluate` or `execute` take them.
/// signature : mapping or sequence of pairs, optional
///     The variables' types by name, in the order of the arguments: a dtype for an array; "scalar
///     float32" for a single value of a dtype, which lets more be computed once; "weak float" or
///     "weak int" for numbers of Python's; or an array or a number like those to come. Unless given
///     all variables are arrays of float64, in alphabetical order.
/// floats : {'strict', 'fast'}
///     As in `evaluate`.
///
/// Returns
/// -------
/// Program
///
/// Examples
/// --------
/// >>> import numpy as np, ndexpr
/// >>> hypotenuse = ndexpr.compile("sqrt(a**2 + b**2)")
/// >>> hypotenuse(np.array([3.0, 5.0]), np.array([4.0, 12.0]))
/// array([ 5., 13.])
///
/// >>> types = {"u": "float64", "k": 0.5}
/// >>> step = ndexpr.compile("u[1:-1] += k*(u[:-2] - 2*u[1:-1] + u[2:])", types)
/// >>> u = np.array([0.0, 4.0, 0.0, 0.0])
/// >>> step(u, 0.25)
/// >>> u
/// array([0., 2., 1., 0.])
#[pyfunction]
#[pyo3(
    signature = (ex, signature=None, floats=None),
    text_signature = "(ex, signature=None, floats='strict')"
)]
pub(crate) fn compile(
    py: Python<'_>,
    ex: &Bound<'_, PyAny>,
    signature: Option<&Bound<'_, PyAny>>,
    floats: Option<&Bound<'_, PyAny>>,
) -> PyResult<Program> {
    let floats = match floats {
        Some(name) => named(name, Floats::from_name, "floats must be one of 'strict', 'fast'")?,
        None => Floats::Strict,
    };
    let Ok(ex) = ex.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!("an expression is a str, not {}", ex.get_type().name()?)));
    };
    let text = Text::new(ex)?;
    let inputs = signature::inputs(py, &text, signature)?;
    let types = signature::types(&text, &inputs);
    let engine = engines::current(floats).map_err(|error| errors::without_text(&error))?;
    let compiled = text.compiled_of(py, engine, &types)?;
    let input = |name: &str| inputs.iter().position(|input| input.name == name);
    let uses = text.names().iter();
    let uses = uses.filter_map(|name| Some(Use { input: input(&name.text)?, is_updated: name.is_updated })).collect();
    Ok(Program { text, inputs, uses, types, floats, engine, compiled })
}

#[pymethods]
impl Program {
    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut operands = Operands::default();
        let mut options = Options::default();
        if kwargs.is_none() && args.len() == self.inputs.len() {
            self.push_all(&mut operands, |input| args.get_borrowed_item(input))?;
        } else {
            let objects = self.arguments(args, kwargs, &mut options)?;
            self.push_all(&mut operands, |input| Ok(objects[input].as_borrowed()))?;
        }
        let text = self.text.as_str(py)?;
        match &*self.compiled(py)? {
            Compiled::Program(program) => run::run(py, text, program, &operands, &options),
            Compiled::Procedure(procedure) if options.are_default() => update::call(py, text, procedure, &operands),
            Compiled::Procedure(_) => {
                let message = "a text that updates arrays takes no `out`, `order` or `casting`";
                Err(PyTypeError::new_err(message))
            }
        }
    }

    /// The text that it was compiled from.
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.text.object(py)
    }

    /// The names of its variables, in the order of the arguments.
    #[getter]
    fn input_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.inputs.iter().map(|input| &input.key))
    }

    /// The types of its variables, as `compile` takes them.
    #[getter]
    fn signature<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let signature = PyDict::new(py);
        for Input { key, ty, .. } in &self.inputs {
            signature.set_item(key, type_name(*ty))?;
        }
        Ok(signature)
    }

    /// The dtype of its result, the first one if there are several. None if there is none, because
    /// it only updates arrays.
    #[getter]
    fn dtype<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dtype = match &self.compiled {
            Compiled::Program(program) => Some(program.result_dtype()),
            Compiled::Procedure(procedure) => procedure.outputs().next().map(|output| output.dtype),
        };
        match dtype {
            Some(dtype) => calls::call_numpy(intern!(py, "dtype"), (dtype.name(),)),
            None => Ok(py.None().into_bound(py)),
        }
    }

    /// How floats are computed: 'strict' or 'fast'.
    #[getter]
    fn floats(&self) -> &'static str {
        self.floats.name()
    }

    /// What runs it: 'jit', or 'interp' where machine code could not be made.
    #[getter]
    fn backend(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(match &*self.compiled(py)? {
            Compiled::Program(program) => program.backend(),
            Compiled::Procedure(procedure) => procedure.backend(),
        }
        .name())
    }

    /// Show what a stage of the compiler made of the text; see `ndexpr.explain`.
    #[pyo3(signature = (stage="tape"))]
    fn explain(&self, py: Python<'_>, stage: &str) -> PyResult<String> {
        inspect::stages(&*self.compiled(py)?, stage)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let compile = py.import("ndexpr")?.getattr("compile")?;
        let args = (self.text.object(py), self.signature(py)?, self.floats.name());
        Ok((compile, args).into_pyobject(py)?.into_any())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = self.text.object(py).repr()?;
        Ok(format!("ndexpr.compile({text}, {})", self.signature(py)?.repr()?))
    }
}

impl Program {
    /// What the engine in use now has made of the text.
    fn compiled(&self, py: Python<'_>) -> PyResult<Cow<'_, Compiled>> {
        match engines::current(self.floats) {
            Ok(engine) if std::ptr::eq(engine, self.engine) => Ok(Cow::Borrowed(&self.compiled)),
            Ok(engine) => self.text.compiled_of(py, engine, &self.types).map(Cow::Owned),
            Err(error) => Err(errors::without_text(&error)),
        }
    }

    /// Adds what the text's names stand for, in the text's order. `object` gives the value of an
    /// input.
    fn push_all<'a, 'py: 'a>(
        &self,
        operands: &mut Operands<'py>,
        object: impl Fn(usize) -> PyResult<Borrowed<'a, 'py, PyAny>>,
    ) -> PyResult<()> {
        for used in &self.uses {
            let (object, Input { name, ty, .. }) = (object(used.input)?, &self.inputs[used.input]);
            match used.is_updated {
                true => operands.push_target(&object, name)?,
                false => operands.push_as(&object, name, *ty)?,
            }
        }
        Ok(())
    }

    /// The inputs in order. The options are changed to those that are given.
    fn arguments<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        options: &mut Options<'py>,
    ) -> PyResult<SmallVec<[Bound<'py, PyAny>; 8]>> {
        let inputs = &self.inputs;
        if args.len() > inputs.len() {
            let (takes, found) = (inputs.len(), args.len());
            return Err(PyTypeError::new_err(format!(
                "the expression has {takes} variables, but {found} values were given"
            )));
        }
        let mut objects: SmallVec<[Option<Bound<'py, PyAny>>; 8]> = args.iter().map(Some).collect();
        objects.resize(inputs.len(), None);
        for (key, value) in kwargs.into_iter().flatten() {
            let key = key.cast_into::<PyString>()?;
            // A variable goes first: it may have any name.
            if let Some(input) = self.input_of(&key)? {
                if objects[input].is_some() {
                    let name = &inputs[input].name;
                    return Err(PyTypeError::new_err(format!("the variable `{name}` was given twice")));
                }
                objects[input] = Some(value);
                continue;
            }
            match &*normalised(&key)? {
                "out" => options.out = (!value.is_none()).then_some(value),
                "order" => options.order = named(&value, Order::from_name, Order::EXPECTED)?,
                "casting" => options.casting = named(&value, Casting::from_name, Casting::EXPECTED)?,
                key => return Err(PyTypeError::new_err(format!("the expression has no variable `{key}`"))),
            }
        }
        let mut found = SmallVec::new();
        for (object, Input { name, .. }) in objects.into_iter().zip(inputs) {
            let missing = || PyTypeError::new_err(format!("the variable `{name}` was not given"));
            found.push(object.ok_or_else(missing)?);
        }
        Ok(found)
    }

    /// Which input has this name.
    fn input_of(&self, key: &Bound<'_, PyString>) -> PyResult<Option<usize>> {
        // Nearly all names are the very strings that the inputs have.
        if let Some(input) = self.inputs.iter().position(|input| input.key.is(key)) {
            return Ok(Some(input));
        }
        let name = normalised(key)?;
        Ok(self.inputs.iter().position(|input| input.name == name))
    }
}
