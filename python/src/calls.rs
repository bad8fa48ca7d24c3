//! Calls into code that may give up the interpreter's lock.
//!
//! In: an object, and what to do with it. Out: what Python returns or raises. Always true: a thread
//! that Python ends inside such a call stops for good, at once, and touches nothing afterwards.
//!
//! Before version 3.14, Python ends the daemon threads of a finished program when they next take
//! the lock. It calls `pthread_exit`, which unwinds the thread's stack, and Rust's frames do not
//! allow that: the process would be aborted. So the functions here are called as ones that may
//! unwind, next to a guard whose destructor waits for the end of the process. Version 3.14 itself
//! makes such threads wait, and PyO3 does the same around its own calls that take the lock.
//!
//! Every call on the path of an evaluation that may run Python code, or for which NumPy gives up
//! the lock, goes through this module. Finalizers are the exception: where one runs because we drop
//! or make an object, a thread that Python ends inside it still aborts the process.

use pyo3::exceptions::PyImportError;
use pyo3::ffi::{self, PyObject};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods, PyString, PyTuple};
use std::ffi::c_int;
use std::mem::{forget, transmute};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Waits for the end of the process when the thread's stack is unwound.
struct StopHere;

impl Drop for StopHere {
    #[cold]
    fn drop(&mut self) {
        loop {
            std::thread::park();
        }
    }
}

/// Makes a call that may unwind for one reason only: Python ends the thread.
#[inline(always)]
fn or_stop<T>(call: impl FnOnce() -> T) -> T {
    let stop = StopHere;
    let result = call();
    forget(stop);
    result
}

/// Hides from the optimiser which function it is. PyO3 declares Python's functions as ones that
/// never unwind. If the optimiser knew that where they are called, it would remove the guard.
fn hidden<F>(function: F) -> F {
    std::hint::black_box(function)
}

type OfOne = unsafe extern "C" fn(*mut PyObject) -> *mut PyObject;
type OfOneOrStop = unsafe extern "C-unwind" fn(*mut PyObject) -> *mut PyObject;
type OfTwo = unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject;
type OfTwoOrStop = unsafe extern "C-unwind" fn(*mut PyObject, *mut PyObject) -> *mut PyObject;
type OfThree = unsafe extern "C" fn(*mut PyObject, *mut PyObject, *mut PyObject) -> *mut PyObject;
type OfThreeOrStop = unsafe extern "C-unwind" fn(*mut PyObject, *mut PyObject, *mut PyObject) -> *mut PyObject;

/// Calls a function of Python's that takes an object and returns a new one.
fn of_one<'py>(function: OfOne, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the types differ only in that one says that the function may unwind.
    let function = unsafe { transmute::<OfOne, OfOneOrStop>(hidden(function)) };
    // SAFETY: the thread is attached and the object is alive. The functions given here return a new
    // reference, or null with an exception set.
    unsafe {
        let result = or_stop(|| function(object.as_ptr()));
        Bound::from_owned_ptr_or_err(object.py(), result)
    }
}

/// The same as [`of_one`] for a function that takes two objects.
fn of_two<'py>(function: OfTwo, object: &Bound<'py, PyAny>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as in `of_one`.
    let function = unsafe { transmute::<OfTwo, OfTwoOrStop>(hidden(function)) };
    // SAFETY: as in `of_one`.
    unsafe {
        let result = or_stop(|| function(object.as_ptr(), other.as_ptr()));
        Bound::from_owned_ptr_or_err(object.py(), result)
    }
}

/// `object[key]`.
pub(crate) fn get_item<'py>(object: &Bound<'py, PyAny>, key: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    of_two(ffi::PyObject_GetItem, object, key)
}

/// `object.name`.
pub(crate) fn get_attr<'py>(object: &Bound<'py, PyAny>, name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    of_two(ffi::PyObject_GetAttr, object, name)
}

/// `str(object)`.
pub(crate) fn str_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    of_one(ffi::PyObject_Str, object)
}

/// `repr(object)`.
pub(crate) fn repr_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    of_one(ffi::PyObject_Repr, object)
}

/// A tuple of arguments.
pub(crate) trait Args<'py>:
    IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>
{
}

impl<'py, T> Args<'py> for T where
    T: IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error: Into<PyErr>>
{
}

/// `callable(*args)`.
pub(crate) fn call<'py>(callable: &Bound<'py, PyAny>, args: impl Args<'py>) -> PyResult<Bound<'py, PyAny>> {
    let args = args.into_pyobject(callable.py()).map_err(Into::into)?;
    let function: OfThree = ffi::PyObject_Call;
    // SAFETY: as in `of_one`; null stands for no keywords.
    unsafe {
        let function = transmute::<OfThree, OfThreeOrStop>(hidden(function));
        let result = or_stop(|| function(callable.as_ptr(), args.as_ptr(), null_mut()));
        Bound::from_owned_ptr_or_err(callable.py(), result)
    }
}

/// `object.name(*args)`.
pub(crate) fn call_method<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    args: impl Args<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    call(&get_attr(object, name)?, args)
}

/// `import name`.
pub(crate) fn import<'py>(name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    of_one(ffi::PyImport_Import, name)
}

/// `numpy.name(*args)`.
pub(crate) fn call_numpy<'py>(name: &Bound<'py, PyString>, args: impl Args<'py>) -> PyResult<Bound<'py, PyAny>> {
    call_method(&import(intern!(name.py(), "numpy"))?, name, args)
}

type FromAny =
    unsafe extern "C-unwind" fn(*mut PyObject, *mut PyObject, c_int, c_int, c_int, *mut PyObject) -> *mut PyObject;

/// The place of `PyArray_FromAny` in NumPy's table. These places are part of NumPy's binary
/// interface.
const FROM_ANY_PLACE: usize = 69;

/// NumPy's table of functions; null before [`prepare`].
static NUMPY: AtomicPtr<FromAny> = AtomicPtr::new(null_mut());

/// Finds NumPy's functions. An `ImportError` says why there are none.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    // PyO3's NumPy looks for the same table by way of `numpy.lib`, and panics where this fails.
    let module = py.import("numpy._core.multiarray")?;
    py.import("numpy.lib")?;
    let table = module.getattr("_ARRAY_API").ok().and_then(|table| table.cast_into::<PyCapsule>().ok());
    let missing = || PyImportError::new_err("this NumPy has no interface for compiled modules");
    let table = table.ok_or_else(missing)?;
    let functions = table.pointer_checked(None)?;
    // NumPy's modules are never unloaded, but the capsule could be replaced.
    forget(table);
    NUMPY.store(functions.as_ptr().cast(), Ordering::Release);
    Ok(())
}

/// What `numpy.asanyarray` makes of an object.
pub(crate) fn array_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let functions = NUMPY.load(Ordering::Acquire);
    // SAFETY: the module has been imported, so `prepare` has set the pointer. NumPy's table has the
    // function at this place since NumPy 1.0. As an argument, null asks for the object's own dtype,
    // and the zeros allow any rank and any flags. The rest is as in `of_one`.
    unsafe {
        let from_any = functions.add(FROM_ANY_PLACE).read();
        let array = or_stop(|| from_any(object.as_ptr(), null_mut(), 0, 0, 0, null_mut()));
        Bound::from_owned_ptr_or_err(object.py(), array)
    }
}
