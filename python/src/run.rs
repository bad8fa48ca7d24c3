//! One call of a program: the output, the threads' rights meanwhile, and what may stop it.

use crate::arrays::{Array, Order};
use crate::errors;
use crate::values::Values;
use ndexpr::raw::{self, Flat, Layout};
use ndexpr::{Program, Progress, Var, ViewMut};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Elements from which on other Python threads may run meanwhile.
///
/// Giving up the interpreter's lock and taking it back costs about 50 ns, but a thread that wants
/// it may have it for 5 ms then, so a call of some microseconds is better off without.
const MIN_ELEMS_TO_DETACH: usize = 1 << 15;

/// Elements from which on Ctrl-C can stop the main thread's evaluation: so many take 0.05 ms at
/// least, and some 20 ms in the longest expressions. To find out which thread this is takes 0.1 us.
const MIN_ELEMS_TO_INTERRUPT: usize = 1 << 18;

/// How often the main thread looks for signals.
const SIGNAL_PERIOD: Duration = Duration::from_millis(20);

/// How the result is to be given.
#[derive(Clone, Default)]
pub(crate) struct Options<'py> {
    pub(crate) out: Option<Bound<'py, PyAny>>,
    pub(crate) order: Order,
    pub(crate) casting: Casting,
}

/// What may become of the result in an output of another dtype; by NumPy's rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Casting {
    No,
    Equiv,
    Safe,
    #[default]
    SameKind,
    Unsafe,
}

impl Casting {
    pub(crate) const EXPECTED: &str = "casting must be one of 'no', 'equiv', 'safe', 'same_kind', 'unsafe'";

    pub(crate) fn from_name(name: &str) -> Option<Casting> {
        let all = [Casting::No, Casting::Equiv, Casting::Safe, Casting::SameKind, Casting::Unsafe];
        all.into_iter().find(|casting| casting.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Casting::No => "no",
            Casting::Equiv => "equiv",
            Casting::Safe => "safe",
            Casting::SameKind => "same_kind",
            Casting::Unsafe => "unsafe",
        }
    }
}

/// Runs a program on values in the order of its variables. The result is a fresh array or `out`.
pub(crate) fn run<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    values: &Values<'py>,
    options: &Options<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    match &options.out {
        None => run_fresh(py, text, program, values, options.order).map(Array::into_object),
        Some(out) => {
            run_into(py, text, program, values, out, options)?;
            Ok(out.clone())
        }
    }
}

/// Finds out whether the program would run, as far as that can be known.
pub(crate) fn check<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    values: &Values<'py>,
    options: &Options<'py>,
) -> PyResult<()> {
    raw::result_layout(program, &values.vars()?).map_err(|error| errors::to_python(py, text, &error))?;
    match &options.out {
        Some(out) => check_casting(py, program, out.cast::<PyUntypedArray>()?, options.casting),
        None => Ok(()),
    }
}

fn run_fresh<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    values: &Values<'py>,
    order: Order,
) -> PyResult<Array<'py>> {
    if let Some(shape) = alike(program, values)
        && (order != Order::Fortran || shape.len() < 2)
    {
        let array = Array::empty(py, program.result_dtype(), shape, None)?;
        if let Some(done) = run_alike(py, text, program, values, &array) {
            return done.map(|()| array);
        }
    }
    let vars = values.vars()?;
    let layout = raw::result_layout(program, &vars).map_err(|error| errors::to_python(py, text, &error))?;
    let array = match memory_order(&layout, values, order) {
        Some(order) => Array::empty(py, program.result_dtype(), layout.shape(), Some(&order))?,
        None => Array::empty(py, program.result_dtype(), layout.shape(), Some(layout.order()))?,
    };
    // SAFETY: the array was made here, is writeable, and lives until the call is over.
    let out = unsafe { array.view_mut() }.map_err(|error| PyValueError::new_err(error.to_string()))?;
    execute(py, text, program, values, &vars, out)?;
    Ok(array)
}

/// The shape of the result where all values are arrays of few elements, of one shape and in C's
/// order; none where it is not so simple. More has to be known only by what is larger: describing
/// each array to the engine by a view takes longer than to add two of one element.
fn alike<'v>(program: &Program, values: &'v Values<'_>) -> Option<&'v [usize]> {
    let shape = values.common_shape()?;
    let n_elems = shape.iter().try_fold(1, |n: usize, &extent| n.checked_mul(extent))?;
    ((1..MIN_ELEMS_TO_DETACH).contains(&n_elems) && raw::is_one_loop(program)).then_some(shape)
}

/// Runs on values that are [`alike`], into an array that is like them. None, and nothing is done,
/// where that needs more attention: the array partly overlaps one of them, or a second thread is
/// worth its while.
fn run_alike(
    py: Python<'_>,
    text: &str,
    program: &Program,
    values: &Values<'_>,
    out: &Array<'_>,
) -> Option<PyResult<()>> {
    let n_elems = out.shape().iter().product();
    // SAFETY: the array is in C's order without gaps, as the caller says, so its elements follow
    // each other. It lives until the call is over; that nobody else reads or writes it meanwhile is
    // up to whoever gave it, as with a view.
    let mut flat = unsafe { Flat::dense(out.data(), out.dtype, n_elems) };
    for array in values.arrays() {
        // SAFETY: the array is in C's order without gaps, and of the same shape: see
        // `Values::common_shape`. `values` keeps it alive; that nobody writes to it or resizes it
        // meanwhile is up to the caller, as with a view.
        if !unsafe { flat.push_dense(array.data(), array.dtype) } {
            return None;
        }
    }
    Some(match guarded(|| raw::run_flat(program, &flat)) {
        Some(done) => done?.map_err(|error| errors::to_python(py, text, &error)),
        None => Err(errors::panicked()),
    })
}

/// The order of axes that was asked for; none for the one that the engine suggests.
fn memory_order(layout: &Layout, values: &Values<'_>, order: Order) -> Option<SmallVec<[usize; 6]>> {
    let n_axes = layout.shape().len();
    let is_fortran = match order {
        Order::Keep => return None,
        Order::C => false,
        Order::Fortran => true,
        Order::Any => values.arrays().next().is_some() && values.arrays().all(Array::is_fortran),
    };
    Some(if is_fortran { (0..n_axes).rev().collect() } else { (0..n_axes).collect() })
}

fn run_into<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    values: &Values<'py>,
    out: &Bound<'py, PyAny>,
    options: &Options<'py>,
) -> PyResult<()> {
    let Ok(array) = out.cast::<PyUntypedArray>() else {
        let found = out.get_type().name()?;
        return Err(PyTypeError::new_err(format!("out is a NumPy array, not {found}")));
    };
    if let Some(array) = Array::new(array)
        && array.dtype == program.result_dtype()
    {
        if !array.is_writeable() {
            return Err(PyValueError::new_err("out is read-only"));
        }
        if array.is_c()
            && alike(program, values).is_some_and(|shape| *shape == *array.shape())
            && let Some(done) = run_alike(py, text, program, values, &array)
        {
            return done;
        }
        // SAFETY: the array is writeable, checked above, and the caller holds it until the call is
        // over.
        let view = unsafe { array.view_mut() }.map_err(|error| PyValueError::new_err(format!("out: {error}")))?;
        return execute(py, text, program, values, &values.vars()?, view);
    }
    check_casting(py, program, array, options.casting)?;
    let result = run_fresh(py, text, program, values, Order::Keep)?.into_object();
    let numpy = py.import(intern!(py, "numpy"))?;
    // That it may be cast is checked; NumPy says whether shapes fit and it can be written.
    numpy.call_method1(intern!(py, "copyto"), (out, result, "unsafe"))?;
    Ok(())
}

fn check_casting(py: Python<'_>, program: &Program, out: &Bound<'_, PyUntypedArray>, casting: Casting) -> PyResult<()> {
    let numpy = py.import(intern!(py, "numpy"))?;
    let (from, to) = (program.result_dtype().name(), out.dtype());
    let may: bool = numpy.call_method1(intern!(py, "can_cast"), (from, &to, casting.name()))?.extract()?;
    if may {
        return Ok(());
    }
    let message = format!(
        "the result is {from}, which does not become {} by the rule casting='{}'",
        to.str()?.to_cow()?,
        casting.name()
    );
    Err(PyTypeError::new_err(message))
}

/// Computes, with the interpreter's lock or without, as suits the number of elements.
fn execute(
    py: Python<'_>,
    text: &str,
    program: &Program,
    values: &Values<'_>,
    vars: &[Var<'_>],
    out: ViewMut<'_>,
) -> PyResult<()> {
    let n_elems = n_elems(values, &out);
    let done = if n_elems < MIN_ELEMS_TO_DETACH {
        guarded(|| program.run_in_order(vars, out, None))
    } else if n_elems >= MIN_ELEMS_TO_INTERRUPT && is_main_thread(py) {
        interruptible(py, |progress| program.run_in_order(vars, out, Some(progress)))?
    } else {
        py.detach(|| guarded(|| program.run_in_order(vars, out, None)))
    };
    match done {
        Some(done) => done.map_err(|error| errors::to_python(py, text, &error)),
        None => Err(errors::panicked()),
    }
}

/// None if it panics. Nothing of ours is left half-done then: what is written is the output, which
/// no one reads.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Looks for signals now and then, which only this thread, the main thread, can. An exception of
/// their handlers cancels the run and is the result.
fn interruptible<T>(py: Python<'_>, work: impl FnOnce(&Progress) -> T + Send) -> PyResult<Option<T>>
where
    T: Send,
{
    let raised = Arc::new(Mutex::new(None));
    let exception = Arc::clone(&raised);
    let progress = Progress::default().asking(SIGNAL_PERIOD, move || match Python::attach(|py| py.check_signals()) {
        Ok(()) => true,
        Err(error) => {
            *exception.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            false
        }
    });
    let done = py.detach(|| guarded(|| work(&progress)));
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    raised.map_or(Ok(done), Err)
}

/// True in the thread where Python runs the handlers of signals.
fn is_main_thread(py: Python<'_>) -> bool {
    let is_main = || -> PyResult<bool> {
        let threading = py.import(intern!(py, "threading"))?;
        let main = threading.call_method0(intern!(py, "main_thread"))?.getattr(intern!(py, "ident"))?;
        threading.call_method0(intern!(py, "get_ident"))?.eq(main)
    };
    is_main().unwrap_or(false)
}

/// How many elements an evaluation runs over, at the most: those of all arrays broadcast with each
/// other.
fn n_elems(values: &Values<'_>, out: &ViewMut<'_>) -> usize {
    if values.arrays().all(|array| array.shape() == out.shape()) {
        return out.n_elems();
    }
    let mut arrays: SmallVec<[&[usize]; 6]> = values.arrays().map(Array::shape).collect();
    arrays.push(out.shape());
    let n_axes = arrays.iter().map(|shape| shape.len()).max().unwrap_or(0);
    (1..=n_axes).fold(1, |n: usize, from_last| {
        let extent = arrays.iter().filter_map(|shape| Some(shape[shape.len().checked_sub(from_last)?])).max();
        n.saturating_mul(extent.unwrap_or(1))
    })
}
