//! Where the names of a text are looked up: dictionaries that were given, or the caller's frame.
//!
//! In: what `evaluate` is given. Out: the objects that names stand for. Always true: what is looked
//! up stays as it was, and nothing keeps the caller's objects alive afterwards.

use crate::calls;
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use std::borrow::Cow;
use std::cell::RefCell;

/// The caller's place among the frames, as numexpr counts them for `_frame_depth`.
pub(crate) const CALLER: usize = 3;

/// At most so many names are searched for one that the user may have meant.
const MAX_KNOWN: usize = 10_000;

/// The dictionaries or frames that are asked for a name, the locals first.
pub(crate) struct Scope<'py> {
    locals: Option<Names<'py>>,
    globals: Option<Names<'py>>,
    /// The variables that must be taken out of the locals again.
    copied: Option<Py<PyTuple>>,
}

enum Names<'py> {
    Dict {
        names: Bound<'py, PyDict>,
        is_given: bool,
    },
    Mapping {
        names: Bound<'py, PyAny>,
        is_given: bool,
    },
    /// A running function's variables themselves, as Python has them from version 3.13 on.
    Frame(Bound<'py, PyAny>),
}

/// Finds out what frames are like, so that later calls only read it.
pub(crate) fn prepare(py: Python<'_>) {
    has_proxies(py);
}

impl<'py> Scope<'py> {
    /// The dictionaries that are given, and the caller's for those that are not.
    pub(crate) fn new(
        py: Python<'py>,
        local_dict: Option<&Bound<'py, PyAny>>,
        global_dict: Option<&Bound<'py, PyAny>>,
        frame_depth: usize,
    ) -> PyResult<Scope<'py>> {
        let mut scope = Scope {
            locals: local_dict.map(|dict| Names::given(dict, "local_dict")).transpose()?,
            globals: global_dict.map(|dict| Names::given(dict, "global_dict")).transpose()?,
            copied: None,
        };
        if scope.locals.is_some() && scope.globals.is_some() {
            return Ok(scope);
        }
        if frame_depth != CALLER {
            // The frame is further up. The frames between are Python code, so this need not be
            // fast.
            let depth = frame_depth.saturating_sub(CALLER);
            let sys = calls::import(intern!(py, "sys"))?;
            let frame = calls::call_method(&sys, intern!(py, "_getframe"), (depth,))?;
            if scope.locals.is_none() {
                scope.locals = Some(Names::of_frame(frame.getattr(intern!(py, "f_locals"))?));
            }
            if scope.globals.is_none() {
                scope.globals = Some(Names::of_frame(frame.getattr(intern!(py, "f_globals"))?));
            }
            return Ok(scope);
        }
        if scope.globals.is_none() {
            // SAFETY: the thread is attached; the reference is borrowed from the caller's frame, or
            // null without one.
            let globals = unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetGlobals()) };
            scope.globals = globals.map(Names::of_frame);
        }
        if scope.locals.is_none() {
            scope.look_at_locals(py)?;
        }
        Ok(scope)
    }

    /// The locals of the caller's frame.
    ///
    /// From Python 3.13 on, a frame gives out a proxy that reads a function's variables where they
    /// are. Before 3.13, it copies all of them into a dictionary that it keeps, and copies them
    /// again whenever somebody asks. In these versions, the variables that were copied for us must
    /// be taken out of the dictionary again. Otherwise it would keep the caller's arrays alive
    /// until the caller returns.
    fn look_at_locals(&mut self, py: Python<'py>) -> PyResult<()> {
        // SAFETY: the thread is attached; the reference is borrowed, or null without a frame.
        let frame = unsafe { ffi::PyEval_GetFrame() };
        // SAFETY: as above.
        let object = unsafe { Bound::from_borrowed_ptr_or_opt(py, frame.cast()) };
        let Some(object) = object else { return Ok(()) };
        let locals = object.getattr(intern!(py, "f_locals"))?;
        if !has_proxies(py) {
            // SAFETY: the frame is alive. The result is a new reference, and never null.
            let code: Bound<'py, PyAny> = unsafe { Bound::from_owned_ptr(py, ffi::PyFrame_GetCode(frame).cast()) };
            // SAFETY: the object is alive, and these versions of Python have the interpreter's
            // lock, so the count is exact.
            let n_references = unsafe { ffi::Py_REFCNT(locals.as_ptr()) };
            // One reference is the frame's and one is ours. If there is a third, somebody has asked
            // for `locals()` and may still look at it.
            self.copied = if n_references == 2 { variables(&code)? } else { None };
        }
        self.locals = Some(Names::of_frame(locals));
        Ok(())
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

    /// The value of a name that is spelled differently in a mapping that was given.
    ///
    /// Python stores the names of its programs in Unicode's form NFKC, and so does a text. A
    /// mapping may have them as somebody typed them.
    pub(crate) fn get_respelled(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        for names in [&self.locals, &self.globals].into_iter().flatten() {
            if !names.is_given() {
                continue;
            }
            for key in names.keys() {
                if let Ok(spelled) = key.to_str()
                    && !spelled.is_ascii()
                    && normalised(&key)? == name
                {
                    return names.get(&key);
                }
            }
        }
        Ok(None)
    }

    /// All names that there are, as far as they can be listed.
    pub(crate) fn known(&self) -> Vec<String> {
        let all = [&self.locals, &self.globals].into_iter().flatten().flat_map(Names::keys);
        all.filter_map(|key| key.extract().ok()).filter(|name: &String| !name.starts_with("__")).collect()
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        let (Some(copied), Some(Names::Dict { names, .. })) = (&self.copied, &self.locals) else {
            return;
        };
        let copied = copied.bind(names.py());
        let is_there = |name: &Bound<'_, PyAny>| names.contains(name).unwrap_or(false);
        if copied.iter_borrowed().filter(|name| is_there(name)).count() == names.len() {
            return names.clear();
        }
        // The others are names that `exec` has made, which are nowhere else.
        for name in copied.iter_borrowed().filter(|name| is_there(name)) {
            // A name that was there has a string as its key, so this cannot fail.
            let _ = names.del_item(name);
        }
    }
}

/// True if a frame's `f_locals` reads the variables where they are.
fn has_proxies(py: Python<'_>) -> bool {
    static HAS_PROXIES: PyOnceLock<bool> = PyOnceLock::new();
    *HAS_PROXIES.get_or_init(py, || py.version_info() >= (3, 13))
}

/// The variables of a function, which a frame copies into its dictionary of locals; `None` for the
/// code of a module or a class, whose variables are kept in that dictionary itself.
fn variables(code: &Bound<'_, PyAny>) -> PyResult<Option<Py<PyTuple>>> {
    /// Code objects that were seen lately, each with its variables. They are kept because asking
    /// for the variables takes longer than a short call.
    type Seen = Vec<(Py<PyAny>, Option<Py<PyTuple>>)>;
    const MAX_SEEN: usize = 8;
    /// `inspect.CO_OPTIMIZED`: variables are not kept in a dictionary.
    const OPTIMIZED: u32 = 1;
    thread_local! {
        static SEEN: RefCell<Seen> = const { RefCell::new(Vec::new()) };
    }
    let py = code.py();
    let seen = SEEN.with_borrow(|seen| {
        let seen = seen.iter().find(|(other, _)| other.is(code));
        seen.map(|(_, variables)| variables.as_ref().map(|names| names.clone_ref(py)))
    });
    if let Some(seen) = seen {
        return Ok(seen);
    }
    let flags: u32 = code.getattr(intern!(py, "co_flags"))?.extract()?;
    let variables = if flags & OPTIMIZED != 0 {
        let all = PyList::empty(py);
        for kind in ["co_varnames", "co_cellvars", "co_freevars"] {
            for name in code.getattr(kind)?.cast_into::<PyTuple>()? {
                if !all.contains(&name)? {
                    all.append(name)?;
                }
            }
        }
        Some(all.to_tuple().unbind())
    } else {
        None
    };
    let new = (code.clone().unbind(), variables.as_ref().map(|names| names.clone_ref(py)));
    let oldest = SEEN.with_borrow_mut(|seen| {
        let oldest = (seen.len() >= MAX_SEEN).then(|| seen.remove(0));
        seen.push(new);
        oldest
    });
    // This is dropped when the list is no longer borrowed, because dropping it may run Python code.
    drop(oldest);
    Ok(variables)
}

impl<'py> Names<'py> {
    fn given(names: &Bound<'py, PyAny>, which: &str) -> PyResult<Names<'py>> {
        if let Ok(dict) = names.cast_exact::<PyDict>() {
            return Ok(Names::Dict { names: dict.clone(), is_given: true });
        }
        if calls::get_attr(names, intern!(names.py(), "__getitem__")).is_ok() {
            return Ok(Names::Mapping { names: names.clone(), is_given: true });
        }
        Err(PyTypeError::new_err(format!("{which} must be a mapping of names to values")))
    }

    /// What a frame has: a dictionary, the mapping of a class's body, or a proxy.
    fn of_frame(names: Bound<'py, PyAny>) -> Names<'py> {
        match names.cast_into_exact::<PyDict>() {
            Ok(names) => Names::Dict { names, is_given: false },
            Err(error) => {
                let names = error.into_inner();
                match names.get_type().name() {
                    Ok(name) if name == "FrameLocalsProxy" => Names::Frame(names),
                    _ => Names::Mapping { names, is_given: false },
                }
            }
        }
    }

    fn is_given(&self) -> bool {
        match self {
            Names::Dict { is_given, .. } | Names::Mapping { is_given, .. } => *is_given,
            Names::Frame(_) => false,
        }
    }

    fn get(&self, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = match self {
            Names::Dict { names, .. } => return names.get_item(name),
            // This asks whether the name is there first, because an exception takes longer.
            Names::Frame(names) if !names.contains(name)? => return Ok(None),
            Names::Frame(names) => names.get_item(name),
            Names::Mapping { names, .. } => calls::get_item(names, name),
        };
        match found {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_instance_of::<PyKeyError>(name.py()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names that there are; none if the mapping does not list them.
    fn keys(&self) -> Vec<Bound<'py, PyString>> {
        let keys = match self {
            Names::Dict { names, .. } => Ok(names.keys()),
            Names::Mapping { names, .. } | Names::Frame(names) => listed_keys(names),
        };
        let keys = keys.into_iter().flatten().take(MAX_KNOWN);
        keys.filter_map(|key| key.cast_into().ok()).collect()
    }
}

/// The first keys of a mapping, as far as it lists them. Not all are taken, because a mapping may
/// list keys without end.
fn listed_keys<'py>(mapping: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let py = mapping.py();
    let keys = calls::call_method(mapping, intern!(py, "keys"), ())?;
    let itertools = calls::import(intern!(py, "itertools"))?;
    let first = calls::call_method(&itertools, intern!(py, "islice"), (keys, MAX_KNOWN))?;
    Ok(calls::call(&py.get_type::<PyList>(), (first,))?.cast_into()?)
}

/// A name in the form in which Python and the language store names, Unicode's NFKC.
pub(crate) fn normalised<'a>(name: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, str>> {
    let text = name.to_str()?;
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    let py = name.py();
    let unicode = calls::import(intern!(py, "unicodedata"))?;
    calls::call_method(&unicode, intern!(py, "normalize"), ("NFKC", name))?.extract().map(Cow::Owned)
}
