//! Where the names of a text are looked up: dictionaries that were given, or the caller's frame.

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// The caller's place among the frames, as numexpr counts them for `_frame_depth`.
pub(crate) const CALLER: usize = 3;

/// The most names that are looked through for one that may have been meant.
const MAX_KNOWN: usize = 10_000;

/// What is asked for a name, first the locals.
pub(crate) struct Scope<'py> {
    locals: Option<Names<'py>>,
    globals: Option<Names<'py>>,
    /// The locals are what the interpreter has copied out of a running function.
    is_snapshot: bool,
}

enum Names<'py> {
    Dict(Bound<'py, PyDict>),
    Mapping(Bound<'py, PyAny>),
}

impl<'py> Scope<'py> {
    /// The dictionaries that are given, and the caller's for those that are not.
    pub(crate) fn new(
        py: Python<'py>,
        local_dict: Option<&Bound<'py, PyAny>>,
        global_dict: Option<&Bound<'py, PyAny>>,
        frame_depth: usize,
    ) -> PyResult<Scope<'py>> {
        let given = |dict: &Bound<'py, PyAny>, which| Names::new(dict, which);
        let mut is_snapshot = false;
        if frame_depth != CALLER && (local_dict.is_none() || global_dict.is_none()) {
            // A frame further up: what stands between is Python code, so this may take its time.
            let depth = frame_depth.saturating_sub(CALLER);
            let frame = py.import("sys")?.call_method1("_getframe", (depth,))?;
            let locals = match local_dict {
                Some(dict) => given(dict, "local_dict")?,
                None => Names::new(&frame.getattr("f_locals")?, "f_locals")?,
            };
            let globals = match global_dict {
                Some(dict) => given(dict, "global_dict")?,
                None => Names::new(&frame.getattr("f_globals")?, "f_globals")?,
            };
            return Ok(Scope { locals: Some(locals), globals: Some(globals), is_snapshot });
        }
        let globals = match global_dict {
            Some(dict) => Some(given(dict, "global_dict")?),
            // SAFETY: the thread is attached; the reference is borrowed from the caller's frame, or null without one.
            None => unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetGlobals()) }
                .map(|globals| given(&globals, "globals"))
                .transpose()?,
        };
        let locals = match local_dict {
            Some(dict) => Some(given(dict, "local_dict")?),
            None => {
                // SAFETY: as above. Without a frame it sets an exception.
                let locals = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetLocals()) };
                if locals.is_none() {
                    drop(PyErr::take(py));
                }
                // The dictionary of a module or of a class has other owners than its frame; one that has none was made for
                // us, and would keep the caller's arrays alive until the caller returns.
                is_snapshot = locals.as_ref().is_some_and(|locals| {
                    // SAFETY: the object is alive. The count is ours and the frame's.
                    unsafe { ffi::Py_REFCNT(locals.as_ptr()) == 2 }
                });
                locals.map(|locals| given(&locals, "locals")).transpose()?
            }
        };
        Ok(Scope { locals, globals, is_snapshot })
    }

    /// The value of a name.
    pub(crate) fn get(&self, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(locals) = &self.locals
            && let Some(value) = locals.get(name)?
        {
            return Ok(Some(value));
        }
        self.globals.as_ref().map_or(Ok(None), |globals| globals.get(name))
    }

    /// All names that there are, as far as they can be listed.
    pub(crate) fn known(&self) -> Vec<String> {
        let all = [&self.locals, &self.globals].into_iter().flatten();
        all.flat_map(Names::keys).filter(|name| !name.starts_with("__")).collect()
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        if let (true, Some(Names::Dict(locals))) = (self.is_snapshot, &self.locals) {
            locals.clear();
        }
    }
}

impl<'py> Names<'py> {
    fn new(names: &Bound<'py, PyAny>, which: &str) -> PyResult<Names<'py>> {
        if let Ok(dict) = names.cast_exact::<PyDict>() {
            return Ok(Names::Dict(dict.clone()));
        }
        if names.hasattr("__getitem__")? {
            return Ok(Names::Mapping(names.clone()));
        }
        Err(PyTypeError::new_err(format!("{which} must be a mapping of names to values")))
    }

    fn get(&self, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Names::Dict(dict) => dict.get_item(name),
            Names::Mapping(mapping) => match mapping.get_item(name) {
                Ok(value) => Ok(Some(value)),
                Err(error) if error.is_instance_of::<PyKeyError>(mapping.py()) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// The names that there are; none if the mapping does not list them.
    fn keys(&self) -> Vec<String> {
        let keys = match self {
            Names::Dict(dict) => dict.keys().into_any().try_iter(),
            Names::Mapping(mapping) => mapping.call_method0("keys").and_then(|keys| keys.try_iter()),
        };
        // An iterator that fails may do so for ever.
        let keys = keys.into_iter().flatten().map_while(Result::ok).take(MAX_KNOWN);
        keys.filter_map(|key| key.extract().ok()).collect()
    }
}
