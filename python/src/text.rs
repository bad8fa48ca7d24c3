//! Texts: their names, and the programs compiled from them, kept by text so that a warm call parses
//! nothing.
//!
//! In: an expression as a `str`. Out: its names, and its program for given types. Always true: what
//! is kept is bounded by number and by bytes, whatever the texts are.

use crate::engines::{self, Floats};
use crate::errors;
use crate::lock::Lock;
use crate::signals::{interruptible, is_main_thread};
use ndexpr::{Engine, Procedure, Program, Progress, Signature, VarType};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most texts that are kept. The oldest ones make room for new ones.
const MAX_TEXTS: usize = 512;

/// The most programs that are kept for each text, one for each combination of types. The oldest
/// ones make room for new ones.
const MAX_PROGRAMS: usize = 32;

/// The most bytes that all kept texts take with their programs. The oldest texts make room for new
/// ones.
const MAX_BYTES: usize = 64 << 20;

/// Texts of fewer characters of code than this are compiled in about a millisecond. That is less
/// than a thread may have to wait for the interpreter's lock, so compiling them does not give it
/// up.
const MIN_CODE_TO_DETACH: usize = 1 << 10;

/// The types of a text's names; `None` for a name that means the language's constant.
pub(crate) type Types = SmallVec<[Option<VarType>; 6]>;

/// A name that a text uses.
pub(crate) struct Name {
    /// The name in the form in which Python looks it up.
    pub(crate) key: Py<PyString>,
    pub(crate) text: String,
    /// Whether the language has a constant of this name. The name means that constant if it is not
    /// defined.
    pub(crate) is_constant: bool,
    /// Whether the text updates the array of this name.
    pub(crate) is_updated: bool,
}

/// A text and its programs.
#[pyclass(frozen, module = "ndexpr._ndexpr")]
pub(crate) struct Text {
    text: Py<PyString>,
    names: Vec<Name>,
    /// Characters that are not in comments.
    code_len: usize,
    programs: Lock<Programs>,
}

#[derive(Default)]
struct Programs {
    all: Vec<Kept>,
    /// What this text adds to [`KEPT_BYTES`]; 0 if it is not in the list of texts.
    counted_bytes: usize,
}

struct Kept {
    /// The engine that the program belongs to. Engines live as long as the process.
    engine: &'static Engine,
    types: Types,
    program: Compiled,
}

/// What a text is compiled to.
#[derive(Clone)]
pub(crate) enum Compiled {
    Program(Arc<Program>),
    /// The text updates arrays.
    Procedure(Arc<Procedure>),
}

/// The kept texts by their strings, the oldest first.
static TEXTS: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// About how many bytes the texts in [`TEXTS`] take.
static KEPT_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Makes what is made once, so that later calls only read it.
pub(crate) fn prepare(py: Python<'_>) {
    texts(py);
    py.get_type::<Text>();
}

fn texts<'py>(py: Python<'py>) -> &'py Bound<'py, PyDict> {
    TEXTS.get_or_init(py, || PyDict::new(py).unbind()).bind(py)
}

impl Text {
    /// The text, from the list if it has been there before.
    pub(crate) fn get<'py>(ex: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Text>> {
        let py = ex.py();
        let Ok(text) = ex.cast::<PyString>() else {
            let found = ex.get_type().name()?;
            return Err(PyTypeError::new_err(format!("an expression is a str, not {found}")));
        };
        let texts = texts(py);
        // A string of a class of the caller's may have its own definition of equality.
        let copy;
        let text = if ex.is_exact_instance_of::<PyString>() {
            text
        } else {
            copy = PyString::new(py, text.to_str()?);
            &copy
        };
        if let Some(known) = texts.get_item(text)? {
            return Ok(known.cast_into::<Text>()?);
        }
        let new = Bound::new(py, Text::new(text)?)?;
        new.get().count(new.get().text_bytes(py)?);
        make_room(texts, MAX_TEXTS - 1)?;
        texts.set_item(text, &new)?;
        Ok(new)
    }

    /// A text by itself, not in the list.
    pub(crate) fn new(text: &Bound<'_, PyString>) -> PyResult<Text> {
        let (py, code) = (text.py(), text.to_str()?);
        let engine = engines::current(Floats::Strict).map_err(|error| errors::without_text(&error))?;
        let names = engine.names(code).map_err(|error| errors::to_python(py, code, &error))?;
        let names = names
            .into_iter()
            .map(|used| Name {
                key: PyString::intern(py, &used.name).unbind(),
                text: used.name,
                is_constant: used.is_constant,
                is_updated: used.is_updated,
            })
            .collect();
        let code_len = code.lines().map(|line| line.find('#').unwrap_or(line.len())).sum();
        Ok(Text { text: text.clone().unbind(), names, code_len, programs: Lock::new() })
    }

    pub(crate) fn as_str<'a>(&'a self, py: Python<'a>) -> PyResult<&'a str> {
        self.text.bind(py).to_str()
    }

    pub(crate) fn object<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.text.bind(py).clone()
    }

    /// The names of the arrays that the text updates.
    fn updated(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|name| name.is_updated).map(|name| name.text.as_str())
    }

    /// The names, in the order in which the text first has them.
    pub(crate) fn names(&self) -> &[Name] {
        &self.names
    }

    /// The program for names of these types. Its variables are the names that have one, in order.
    pub(crate) fn program(&self, py: Python<'_>, types: &Types, floats: Floats) -> PyResult<Arc<Program>> {
        let engine = engines::current(floats).map_err(|error| errors::without_text(&error))?;
        self.program_of(py, engine, types)
    }

    /// The same as [`Text::program`] for a given engine.
    pub(crate) fn program_of(&self, py: Python<'_>, engine: &'static Engine, types: &Types) -> PyResult<Arc<Program>> {
        let found = self.find(engine, types, |kept| match kept {
            Compiled::Program(program) => Some(Arc::clone(program)),
            Compiled::Procedure(_) => None,
        });
        if let Some(found) = found {
            return Ok(found);
        }
        // The list is not locked here, so that other threads can run meanwhile. If two threads
        // compile the same program, both results are right.
        let (text, signature) = (self.as_str(py)?, self.signature(types));
        let program = self.compiled(py, |progress| engine.compile_with(text, &signature, progress))?;
        self.keep(py, Kept { engine, types: types.clone(), program: Compiled::Program(Arc::clone(&program)) })?;
        Ok(program)
    }

    /// The procedure for names of these types. Its variables are the names that have one and are not
    /// updated, and its arrays those that are, in order.
    pub(crate) fn procedure(&self, py: Python<'_>, types: &Types, floats: Floats) -> PyResult<Arc<Procedure>> {
        let engine = engines::current(floats).map_err(|error| errors::without_text(&error))?;
        self.procedure_of(py, engine, types)
    }

    /// A procedure if the text updates arrays, and a program otherwise.
    pub(crate) fn compiled_of(&self, py: Python<'_>, engine: &'static Engine, types: &Types) -> PyResult<Compiled> {
        match self.updated().next() {
            Some(_) => self.procedure_of(py, engine, types).map(Compiled::Procedure),
            None => self.program_of(py, engine, types).map(Compiled::Program),
        }
    }

    /// The same as [`Text::procedure`] for a given engine.
    fn procedure_of(&self, py: Python<'_>, engine: &'static Engine, types: &Types) -> PyResult<Arc<Procedure>> {
        let found = self.find(engine, types, |kept| match kept {
            Compiled::Procedure(procedure) => Some(Arc::clone(procedure)),
            Compiled::Program(_) => None,
        });
        if let Some(found) = found {
            return Ok(found);
        }
        let (text, signature) = (self.as_str(py)?, self.signature(types));
        let updated: Vec<&str> = self.updated().collect();
        let procedure = self.compiled(py, |progress| engine.procedure_with(text, &signature, &updated, progress))?;
        let read = self.names.iter().zip(types).filter(|(name, ty)| ty.is_some() && !name.is_updated);
        debug_assert!(procedure.variables().map(|(name, _)| name).eq(read.map(|(name, _)| name.text.as_str())));
        debug_assert!(procedure.written().eq(updated));
        self.keep(py, Kept { engine, types: types.clone(), program: Compiled::Procedure(Arc::clone(&procedure)) })?;
        Ok(procedure)
    }

    /// What was compiled for an engine and names of these types, if it is of the kind asked for.
    fn find<T>(&self, engine: &'static Engine, types: &Types, kind: impl Fn(&Compiled) -> Option<T>) -> Option<T> {
        let is_it = |kept: &&Kept| std::ptr::eq(kept.engine, engine) && kept.types == *types;
        self.programs.with(|programs| programs.all.iter().filter(is_it).find_map(|kept| kind(&kept.program)))
    }

    /// Compiles the text, and gives up the interpreter's lock if that takes long.
    fn compiled<T: Send>(
        &self,
        py: Python<'_>,
        compile: impl FnOnce(Option<&Progress>) -> Result<T, ndexpr::Error> + Send,
    ) -> PyResult<T> {
        let compiled = if self.code_len < MIN_CODE_TO_DETACH {
            compile(None)
        } else if is_main_thread(py) {
            interruptible(py, |progress| compile(Some(progress)))?.ok_or_else(errors::panicked)?
        } else {
            py.detach(|| compile(None))
        };
        compiled.map_err(|error| match self.as_str(py) {
            Ok(text) => errors::to_python(py, text, &error),
            Err(error) => error,
        })
    }

    fn keep(&self, py: Python<'_>, kept: Kept) -> PyResult<()> {
        let bytes = self.program_bytes(self.as_str(py)?);
        let (oldest, is_counted) = self.programs.with(|programs| {
            let oldest = (programs.all.len() >= MAX_PROGRAMS).then(|| programs.all.remove(0));
            programs.all.push(kept);
            let is_counted = programs.counted_bytes > 0 && oldest.is_none();
            if is_counted {
                programs.counted_bytes += bytes;
                KEPT_BYTES.fetch_add(bytes, Ordering::Relaxed);
            }
            (oldest, is_counted)
        });
        // This is dropped after the lock is released, because it frees code.
        drop(oldest);
        if is_counted {
            make_room(texts(py), MAX_TEXTS)?;
        }
        Ok(())
    }

    fn signature(&self, types: &Types) -> Signature {
        let typed = self.names.iter().zip(types).filter_map(|(name, ty)| Some((name, (*ty)?)));
        typed.fold(Signature::new(), |signature, (name, ty)| signature.with(name.text.as_str(), ty))
    }

    /// The bytes of the text and what is known of it: Python's `str`, perhaps with a copy in UTF-8.
    fn text_bytes(&self, py: Python<'_>) -> PyResult<usize> {
        let text = self.as_str(py)?;
        Ok(1024 + if text.is_ascii() { text.len() } else { 3 * text.len() })
    }

    /// About how many bytes one program takes: machine code in pages of its own, the stages that
    /// `explain` shows, and a copy of the text.
    ///
    /// Chosen by "kept-program-bytes" in docs/measurements.md.
    fn program_bytes(&self, text: &str) -> usize {
        (12 << 10) + 160 * self.code_len + text.len()
    }

    /// Counts the text as one that is kept.
    fn count(&self, bytes: usize) {
        self.programs.with(|programs| programs.counted_bytes += bytes);
        KEPT_BYTES.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes the text out of the count.
    fn uncount(&self) {
        let bytes = self.programs.with(|programs| std::mem::take(&mut programs.counted_bytes));
        // A forked child that had to begin anew with a text no longer knows how much was counted
        // for it.
        KEPT_BYTES.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The error for a name that does not exist. It points at the name, and tells which of the
    /// `known` names may have been meant.
    pub(crate) fn missing(
        &self,
        py: Python<'_>,
        missing: &Name,
        known: impl Iterator<Item = String>,
        may_update: bool,
    ) -> PyErr {
        let text = match self.as_str(py) {
            Ok(text) => text,
            Err(error) => return error,
        };
        let any = VarType::array(ndexpr::DType::Float64);
        let others = self.names.iter().map(|name| name.text.clone());
        let signature = others
            .chain(known)
            .filter(|name| *name != missing.text)
            .fold(Signature::new(), |signature, name| signature.with(name, any));
        let updated: Vec<&str> = self.updated().collect();
        // What is updated cannot be compiled without its type.
        let text = if may_update && missing.is_updated { missing.text.as_str() } else { text };
        let compile = |engine: &Engine| match may_update && !missing.is_updated {
            true => engine.procedure(text, &signature, &updated).err(),
            false => engine.compile(text, &signature).err(),
        };
        match engines::current(Floats::Strict).map_or_else(Some, compile) {
            Some(error) => errors::to_python(py, text, &error),
            None => PyKeyError::new_err(missing.text.clone()),
        }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.uncount();
    }
}

/// Removes the oldest texts until there are at most `max_texts`, and these take at most
/// [`MAX_BYTES`]. The newest one stays, whatever its size.
fn make_room(texts: &Bound<'_, PyDict>, max_texts: usize) -> PyResult<()> {
    let is_enough = || {
        let n_texts = texts.len();
        n_texts <= max_texts && (KEPT_BYTES.load(Ordering::Relaxed) <= MAX_BYTES || n_texts <= 1)
    };
    if is_enough() {
        return Ok(());
    }
    for oldest in texts.keys() {
        // Another thread may have removed it meanwhile.
        if let Some(text) = texts.get_item(&oldest)? {
            text.cast::<Text>()?.get().uncount();
            let _ = texts.del_item(&oldest);
        }
        if is_enough() {
            break;
        }
    }
    Ok(())
}
