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
use crate::signature::{Types, type_name};
use crate::text::{self, Compiled, Text};
use crate::update;
use crate::values::Operands;
use ndexpr::Engine;
use numpy::PyUntypedArray;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

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
    types: Types,
    /// The type of each name of the text, in the form that the text's cache of programs needs.
    text_types: text::Types,
    /// For each variable, in the order of the text: which input it is.
    places: SmallVec<[usize; 6]>,
    /// The variables and the inputs are in the same order.
    is_in_order: bool,
    floats: Floats,
    /// The engine that compiled the text, and the program that this engine made. If the number of
    /// threads changes, another engine is used.
    engine: &'static Engine,
    compiled: Compiled,
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
    let types = Types::new(&text, signature)?;
    let text_types = types.types(&text);
    let engine = engines::current(floats).map_err(|error| errors::without_text(&error))?;
    let compiled = text.compiled_of(py, engine, &text_types)?;
    let place = |name: &text::Name| types.inputs.iter().position(|(input, _)| *input == name.text);
    let places: SmallVec<[usize; 6]> = text.names().iter().filter_map(place).collect();
    let is_in_order = places.iter().enumerate().all(|(var, &input)| var == input);
    Ok(Program { text, types, text_types, places, is_in_order, floats, engine, compiled })
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
        let compiled = self.compiled(py)?;
        let program = match &*compiled {
            Compiled::Program(program) => program,
            Compiled::Procedure(procedure) => return self.update(py, procedure, args, kwargs),
        };
        let mut operands = Operands::default();
        let inputs = &self.types.inputs;
        if kwargs.is_none() && args.len() == inputs.len() && self.is_in_order {
            for (arg, (name, ty)) in args.iter_borrowed().zip(inputs) {
                operands.push_as(&arg, name, *ty)?;
            }
            return run::run(py, self.text.as_str(py)?, program, &operands, &Options::default());
        }
        let (objects, options) = self.arguments(args, kwargs)?;
        for &place in &self.places {
            let (name, ty) = &inputs[place];
            operands.push_as(&objects[place], name, *ty)?;
        }
        run::run(py, self.text.as_str(py)?, program, &operands, &options)
    }

    /// The text that it was compiled from.
    #[getter]
    fn text<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.text.object(py)
    }

    /// The names of its variables, in the order of the arguments.
    #[getter]
    fn input_names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.types.inputs.iter().map(|(name, _)| name))
    }

    /// The types of its variables, as `compile` takes them.
    #[getter]
    fn signature<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let signature = PyDict::new(py);
        for (name, ty) in &self.types.inputs {
            signature.set_item(name, type_name(*ty))?;
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
            Ok(engine) => self.text.compiled_of(py, engine, &self.text_types).map(Cow::Owned),
            Err(error) => Err(errors::without_text(&error)),
        }
    }

    /// Updates the arrays among the arguments, and gives the results.
    fn update<'py>(
        &self,
        py: Python<'py>,
        procedure: &Arc<ndexpr::Procedure>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inputs = &self.types.inputs;
        let mut operands = Operands::default();
        let mut names: SmallVec<[&str; 6]> = SmallVec::new();
        let mut targets: SmallVec<[(&str, Bound<'py, PyUntypedArray>); 4]> = SmallVec::new();
        let mut add = |place: usize, object: &Bound<'py, PyAny>| -> PyResult<()> {
            let (name, ty) = &inputs[place];
            if procedure.written().any(|written| written == name) {
                targets.push((name, update::target(object, name)?));
            } else {
                operands.push_as(object, name, *ty)?;
                names.push(name);
            }
            Ok(())
        };
        if kwargs.is_none() && args.len() == inputs.len() {
            args.iter_borrowed().enumerate().try_for_each(|(place, arg)| add(place, &arg))?;
        } else {
            let (objects, options) = self.arguments(args, kwargs)?;
            if !options.are_default() {
                let message = "a text that updates arrays takes no `out`, `order` or `casting`";
                return Err(PyTypeError::new_err(message));
            }
            objects.iter().enumerate().try_for_each(|(place, object)| add(place, object))?;
        }
        update::call(py, self.text.as_str(py)?, procedure, (&names, &operands), &targets)
    }

    /// The inputs in order, and the options.
    fn arguments<'py>(
        &self,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<(SmallVec<[Bound<'py, PyAny>; 6]>, Options<'py>)> {
        let inputs = &self.types.inputs;
        if args.len() > inputs.len() {
            let (takes, found) = (inputs.len(), args.len());
            return Err(PyTypeError::new_err(format!(
                "the expression has {takes} variables, but {found} values were given"
            )));
        }
        let mut objects: SmallVec<[Option<Bound<'py, PyAny>>; 6]> = args.iter().map(Some).collect();
        objects.resize(inputs.len(), None);
        let mut options = Options::default();
        for (key, value) in kwargs.into_iter().flatten() {
            let key = normalised(key.cast::<PyString>()?)?;
            // A variable goes first: it may have any name.
            match (inputs.iter().position(|(name, _)| *name == key), key.as_str()) {
                (Some(input), _) if objects[input].is_some() => {
                    return Err(PyTypeError::new_err(format!("the variable `{key}` was given twice")));
                }
                (Some(input), _) => objects[input] = Some(value),
                (None, "out") => options.out = (!value.is_none()).then_some(value),
                (None, "order") => options.order = named(&value, Order::from_name, Order::EXPECTED)?,
                (None, "casting") => options.casting = named(&value, Casting::from_name, Casting::EXPECTED)?,
                (None, _) => return Err(PyTypeError::new_err(format!("the expression has no variable `{key}`"))),
            }
        }
        let found = objects.into_iter().zip(inputs).map(|(object, (name, _))| {
            object.ok_or_else(|| PyTypeError::new_err(format!("the variable `{name}` was not given")))
        });
        Ok((found.collect::<PyResult<_>>()?, options))
    }
}
