//! Texts: their names, and the programs compiled from them, kept by text so that a warm call parses nothing.

use crate::engines::{self, Floats};
use crate::errors;
use ndexpr::{Engine, Program, Signature, VarType};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use smallvec::SmallVec;
use std::sync::{Arc, Mutex, PoisonError};

/// Texts that are kept; the oldest make room.
const MAX_TEXTS: usize = 512;

/// Programs that are kept for each text, one for each combination of types; the oldest make room.
const MAX_PROGRAMS: usize = 32;

/// The types of a text's names; none where the language's constant is meant.
pub(crate) type Types = SmallVec<[Option<VarType>; 6]>;

/// A name that a text uses.
pub(crate) struct Name {
    /// As Python looks it up.
    pub(crate) key: Py<PyString>,
    pub(crate) text: String,
    /// The language has a constant of this name, which an undefined one means.
    pub(crate) is_constant: bool,
}

/// A text and its programs.
#[pyclass(frozen, module = "ndexpr._ndexpr")]
pub(crate) struct Text {
    text: String,
    names: Vec<Name>,
    programs: Mutex<Vec<Kept>>,
}

struct Kept {
    /// Whose program it is; engines live as long as the process.
    engine: &'static Engine,
    types: Types,
    program: Arc<Program>,
}

impl Text {
    /// The text, from the cache if it has been there before.
    pub(crate) fn get<'py>(ex: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Text>> {
        static TEXTS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
        let py = ex.py();
        let Ok(text) = ex.cast::<PyString>() else {
            let found = ex.get_type().name()?;
            return Err(PyTypeError::new_err(format!("an expression is a str, not {found}")));
        };
        let texts = TEXTS.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
        if let Some(known) = texts.get_item(text)? {
            return Ok(known.cast_into::<Text>()?);
        }
        let new = Bound::new(py, Text::new(py, text.to_str()?)?)?;
        // Another thread may empty it meanwhile, or bring it a text more than there should be: neither matters.
        if texts.len() >= MAX_TEXTS
            && let Some(Ok(oldest)) = texts.keys().try_iter()?.next()
        {
            let _ = texts.del_item(oldest);
        }
        texts.set_item(text, &new)?;
        Ok(new)
    }

    /// A text by itself, not in the cache.
    pub(crate) fn new(py: Python<'_>, text: &str) -> PyResult<Text> {
        let engine = engines::current(Floats::Strict).map_err(|error| errors::to_python(py, text, &error))?;
        let names = engine.names(text).map_err(|error| errors::to_python(py, text, &error))?;
        let names = names
            .into_iter()
            .map(|used| Name {
                key: PyString::intern(py, &used.name).unbind(),
                text: used.name,
                is_constant: used.is_constant,
            })
            .collect();
        Ok(Text { text: text.to_owned(), names, programs: Mutex::new(Vec::new()) })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The names, in the order in which the text first has them.
    pub(crate) fn names(&self) -> &[Name] {
        &self.names
    }

    /// The program for names of these types. Its variables are the names that have one, in order.
    pub(crate) fn program(&self, py: Python<'_>, types: &Types, floats: Floats) -> PyResult<Arc<Program>> {
        let engine = engines::current(floats).map_err(|error| errors::to_python(py, &self.text, &error))?;
        self.program_of(py, engine, types)
    }

    /// As [`Text::program`], of this engine.
    pub(crate) fn program_of(&self, py: Python<'_>, engine: &'static Engine, types: &Types) -> PyResult<Arc<Program>> {
        let programs = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |kept: &Kept| std::ptr::eq(kept.engine, engine) && kept.types == *types;
        if let Some(kept) = programs().iter().find(|kept| is_it(kept)) {
            return Ok(Arc::clone(&kept.program));
        }
        // Unlocked, so that others can run meanwhile. Should two compile the same, both are right.
        let program = engine.compile(&self.text, &self.signature(types));
        let program = program.map_err(|error| errors::to_python(py, &self.text, &error))?;
        let mut all = programs();
        let oldest = (all.len() >= MAX_PROGRAMS).then(|| all.remove(0));
        all.push(Kept { engine, types: types.clone(), program: Arc::clone(&program) });
        drop(all);
        // Without the lock, for it frees code.
        drop(oldest);
        Ok(program)
    }

    fn signature(&self, types: &Types) -> Signature {
        let typed = self.names.iter().zip(types).filter_map(|(name, ty)| Some((name, (*ty)?)));
        typed.fold(Signature::new(), |signature, (name, ty)| signature.with(name.text.as_str(), ty))
    }

    /// Why a name that is not there is not: the error that points at it, and at what among `known` may have been meant.
    pub(crate) fn missing(&self, py: Python<'_>, missing: &Name, known: impl Iterator<Item = String>) -> PyErr {
        let any = VarType::array(ndexpr::DType::Float64);
        let others = self.names.iter().map(|name| name.text.clone());
        let signature = others
            .chain(known)
            .filter(|name| *name != missing.text)
            .fold(Signature::new(), |signature, name| signature.with(name, any));
        let error = engines::current(Floats::Strict).and_then(|engine| engine.compile(&self.text, &signature)).err();
        match error {
            Some(error) => errors::to_python(py, &self.text, &error),
            None => pyo3::exceptions::PyKeyError::new_err(missing.text.clone()),
        }
    }
}
