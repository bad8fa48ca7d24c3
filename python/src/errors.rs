//! What the engine refuses, as the exceptions that Python programs expect.
//!
//! In: an error of the engine's and the text it is about. Out: an exception, of the class that
//! NumPy and numexpr raise in the same places, whose message shows the place in the text.

use crate::calls;
use ndexpr::{Error, ErrorKind};
use pyo3::exceptions::{
    PyIndexError, PyKeyError, PyMemoryError, PyOverflowError, PyRuntimeError, PySyntaxError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// The exception for an error about a text.
pub(crate) fn to_python(py: Python<'_>, text: &str, error: &Error) -> PyErr {
    let message = drawn(error);
    match error.kind() {
        ErrorKind::Syntax | ErrorKind::Statement => syntax_error(text, error, message),
        ErrorKind::UnknownVariable => unknown_variable(py, text, error, message),
        ErrorKind::UnknownFunction
        | ErrorKind::ArgumentCount
        | ErrorKind::Argument
        | ErrorKind::NotDefined
        | ErrorKind::Unsupported
        | ErrorKind::MissingVariable
        | ErrorKind::UnusedVariable
        | ErrorKind::VariableType
        | ErrorKind::ResultDType => PyTypeError::new_err(message),
        ErrorKind::LiteralRange => PyOverflowError::new_err(message),
        ErrorKind::Index => PyIndexError::new_err(message),
        ErrorKind::Limit
        | ErrorKind::NegativePower
        | ErrorKind::Shape
        | ErrorKind::Axis
        | ErrorKind::EmptyInput
        | ErrorKind::OutputShape
        | ErrorKind::ResultRank
        | ErrorKind::Output
        | ErrorKind::Function
        | ErrorKind::Threads => PyValueError::new_err(message),
        ErrorKind::Memory => PyMemoryError::new_err(message),
        // Cancelled runs, panics of functions of Rust, and defects: no mistake in the text.
        _ => PyRuntimeError::new_err(message),
    }
}

/// The exception for an error that is about no text.
pub(crate) fn without_text(error: &Error) -> PyErr {
    match error.kind() {
        ErrorKind::Memory => PyMemoryError::new_err(drawn(error)),
        ErrorKind::Threads => PyValueError::new_err(drawn(error)),
        _ => PyRuntimeError::new_err(drawn(error)),
    }
}

/// The engine has panicked, which is a defect.
pub(crate) fn panicked() -> PyErr {
    PyRuntimeError::new_err("internal error: the engine panicked; please report this as a defect")
}

/// The message and the place in the text, without the word that Python's own heading already says.
fn drawn(error: &Error) -> String {
    let drawn = error.render();
    drawn.strip_prefix("error: ").unwrap_or(&drawn).trim_end().to_owned()
}

/// A `SyntaxError` with all that Python needs to draw the text's line on its own.
fn syntax_error(text: &str, error: &Error, message: String) -> PyErr {
    let Some(span) = error.spans().next() else { return PySyntaxError::new_err(message) };
    let place = |byte: u32| {
        let before = &text[..byte as usize];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1, line_start)
    };
    let ((line, column, line_start), (end_line, end_column, _)) = (place(span.start), place(span.end));
    let line_text = text[line_start..].lines().next().unwrap_or_default().to_owned();
    PySyntaxError::new_err((message, ("<ndexpr>", line, column, line_text, end_line, end_column)))
}

static UNKNOWN_VARIABLE: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// Finds `ndexpr.UnknownVariableError`, so that later calls only read it.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    UNKNOWN_VARIABLE.import(py, "ndexpr._errors", "UnknownVariableError").map(|_| ())
}

/// `ndexpr.UnknownVariableError`, a `KeyError` whose text is not quoted.
fn unknown_variable(py: Python<'_>, text: &str, error: &Error, message: String) -> PyErr {
    let name = error.spans().next().map_or_else(String::new, |span| span.text(text).to_owned());
    let made = UNKNOWN_VARIABLE
        .import(py, "ndexpr._errors", "UnknownVariableError")
        .and_then(|class| calls::call(class, (name.as_str(), message.as_str())));
    made.map_or_else(|_| PyKeyError::new_err(name.clone()), PyErr::from_value)
}
