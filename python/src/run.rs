//! One call of a program: the output, the threads' rights meanwhile, and what may stop it.
//!
//! In: a program, operands, and options. Out: a fresh array, or `out` filled.
//! Always true: views of memory are made last, after all that may run Python code, and making one
//! fails if its array has changed since it was read.

use crate::arrays::{self, Array, Order, changed_error, refuse_masked};
use crate::calls;
use crate::errors;
use crate::signals::{guarded, interruptible, is_main_thread};
use crate::tuples;
use crate::values::{Operands, Values, Vars};
use ndexpr::raw::{self, Flat, Layout};
use ndexpr::{DType, Program, ViewMut};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use smallvec::SmallVec;
use std::sync::Arc;

/// With this many elements or more, other Python threads may run during the call. A thread that
/// takes the interpreter's lock may keep it for 5 ms, so a call of some microseconds does not give
/// it up.
///
/// Chosen by "interpreter-lock" in docs/measurements.md.
const MIN_ELEMS_TO_DETACH: usize = 1 << 15;

/// With this many elements or more, Ctrl-C can stop the main thread's evaluation. So many elements
/// take at least 0.05 ms, and about 20 ms in the longest expressions.
const MIN_ELEMS_TO_INTERRUPT: usize = 1 << 18;

/// How the caller wants to get the result.
#[derive(Clone, Default)]
pub(crate) struct Options<'py> {
    pub(crate) out: Option<Bound<'py, PyAny>>,
    pub(crate) order: Order,
    pub(crate) casting: Casting,
}

impl Options<'_> {
    /// Whether the caller asks for nothing but the defaults.
    pub(crate) fn are_default(&self) -> bool {
        let Options { order, casting, .. } = Options::default();
        self.out.is_none() && self.order == order && self.casting == casting
    }
}

/// Which conversions are allowed if the output has another dtype than the result. The rules are
/// NumPy's.
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

/// Runs a program on operands in the order of its variables. The result is a fresh array or `out`,
/// or a tuple of such arrays.
pub(crate) fn run<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    operands: &Operands<'py>,
    options: &Options<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let variant = variant(py, text, program, operands)?;
    let program = variant.as_deref().unwrap_or(program);
    if program.is_tuple() {
        return tuples::run(py, text, program, operands, options).map(Bound::into_any);
    }
    match &options.out {
        None => run_fresh(py, text, program, operands, options.order).map(Bound::into_any),
        Some(out) => {
            run_into(py, text, program, operands, out, options)?;
            Ok(out.clone())
        }
    }
}

/// Finds out whether the program would run, as far as that can be known.
pub(crate) fn check<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    operands: &Operands<'py>,
    options: &Options<'py>,
) -> PyResult<()> {
    let variant = variant(py, text, program, operands)?;
    let program = variant.as_deref().unwrap_or(program);
    let mut values = Values::default();
    values.read(operands)?;
    layouts(py, text, program, &values)?;
    match &options.out {
        Some(_) if program.is_tuple() => Ok(()),
        Some(out) => check_casting(py, program.result_dtype(), out_array(out)?, options.casting),
        None => Ok(()),
    }
}

/// The program that runs these values, if Python's integers among them need another program.
fn variant(py: Python<'_>, text: &str, program: &Program, operands: &Operands<'_>) -> PyResult<Option<Arc<Program>>> {
    if !raw::has_variants(program) {
        return Ok(None);
    }
    let mut values = Values::default();
    values.read(operands)?;
    let mut vars = Vars::new();
    // SAFETY: the views are used here alone, where no Python code runs.
    unsafe { values.vars(&mut vars) }?;
    raw::variant(program, &vars).map_err(|error| errors::to_python(py, text, &error))
}

/// The shapes and memory orders of fresh results.
pub(crate) fn layouts(
    py: Python<'_>,
    text: &str,
    program: &Program,
    values: &Values<'_, '_>,
) -> PyResult<SmallVec<[Layout; 1]>> {
    let mut vars = Vars::new();
    // SAFETY: the views are used here alone, where no Python code runs.
    unsafe { values.vars(&mut vars) }?;
    raw::result_layouts(program, &vars).map_err(|error| errors::to_python(py, text, &error))
}

fn layout(py: Python<'_>, text: &str, program: &Program, values: &Values<'_, '_>) -> PyResult<Layout> {
    let mut vars = Vars::new();
    // SAFETY: the views are used here alone, where no Python code runs.
    unsafe { values.vars(&mut vars) }?;
    raw::result_layout(program, &vars).map_err(|error| errors::to_python(py, text, &error))
}

fn run_fresh<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    operands: &Operands<'py>,
    order: Order,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    if let Some(shape) = shape_of_all(program, operands)
        && (order != Order::Fortran || shape.len() < 2)
    {
        let result = arrays::empty(py, program.result_dtype(), &shape, None)?;
        if run_flat(py, text, program, operands, &result, &shape)? {
            return Ok(result);
        }
    }
    let mut values = Values::default();
    values.read(operands)?;
    let layout = layout(py, text, program, &values)?;
    let chosen = memory_order(&layout, &values, order);
    let axes = chosen.as_deref().unwrap_or(layout.order());
    let result = arrays::empty(py, program.result_dtype(), layout.shape(), Some(axes))?;
    execute(py, text, program, &values, &[Array::read(&result).ok_or_else(changed_error)?])?;
    Ok(result)
}

/// The shape of the result if all operands are arrays of few elements, of one shape and in C's
/// order; `None` in all other cases. Only larger calls need a view of each array, because
/// describing an array to the engine by a view takes longer than adding two arrays of one element.
fn shape_of_all(program: &Program, operands: &Operands<'_>) -> Option<SmallVec<[usize; 4]>> {
    let shape = operands.common_shape()?;
    let n_elems = shape.iter().try_fold(1, |n: usize, &extent| n.checked_mul(extent))?;
    let is_short = (1..MIN_ELEMS_TO_DETACH).contains(&n_elems) && !raw::has_loops(program);
    (is_short && raw::is_one_loop(program)).then_some(shape)
}

/// Runs into a writeable array, if that array and all operands have this shape and are in C's
/// order. Otherwise it does nothing and returns false. It also does so if the call needs more
/// attention, because the output partly overlaps an operand or the work is worth a second thread.
fn run_flat(
    py: Python<'_>,
    text: &str,
    program: &Program,
    operands: &Operands<'_>,
    out: &Bound<'_, PyUntypedArray>,
    shape: &[usize],
) -> PyResult<bool> {
    let n_elems = shape.iter().product();
    let Some((data, dtype)) = arrays::dense(out, shape) else { return Ok(false) };
    // SAFETY: `dense` has just found that the elements follow each other, and how many there are.
    // From here to the end of the run no Python code runs in this thread, and the Python caller
    // vouches for the other threads, as with a view.
    let mut flat = unsafe { Flat::dense(data, dtype, n_elems) };
    for operand in operands.only_arrays() {
        let array = operand.and_then(|array| arrays::dense(array, shape));
        let Some((data, dtype)) = array else { return Ok(false) };
        // SAFETY: as above.
        if !unsafe { flat.push_dense(data, dtype) } {
            return Ok(false);
        }
    }
    match guarded(|| raw::run_flat(program, &flat)) {
        Some(None) => Ok(false),
        Some(Some(Ok(()))) => Ok(true),
        Some(Some(Err(error))) => Err(errors::to_python(py, text, &error)),
        None => Err(errors::panicked()),
    }
}

/// The order of axes that was asked for; `None` for the order that the engine suggests.
pub(crate) fn memory_order(layout: &Layout, values: &Values<'_, '_>, order: Order) -> Option<SmallVec<[usize; 6]>> {
    let n_axes = layout.shape().len();
    let is_fortran = match order {
        Order::Keep => return None,
        Order::C => false,
        Order::Fortran => true,
        Order::Any => values.arrays().next().is_some() && values.arrays().all(Array::is_fortran),
    };
    Some(if is_fortran { (0..n_axes).rev().collect() } else { (0..n_axes).collect() })
}

pub(crate) fn out_array<'a, 'py>(out: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyUntypedArray>> {
    match out.cast::<PyUntypedArray>() {
        Ok(array) => refuse_masked(array, "out").map(|()| array),
        Err(_) => {
            let found = out.get_type().name()?;
            Err(PyTypeError::new_err(format!("out is a NumPy array, not {found}")))
        }
    }
}

fn run_into<'py>(
    py: Python<'py>,
    text: &str,
    program: &Program,
    operands: &Operands<'py>,
    out: &Bound<'py, PyAny>,
    options: &Options<'py>,
) -> PyResult<()> {
    let object = out_array(out)?;
    if let Some(array) = Array::read(object)
        && array.dtype == program.result_dtype()
    {
        if !array.is_writeable() {
            return Err(PyValueError::new_err("out is read-only"));
        }
        if let Some(shape) = shape_of_all(program, operands)
            && run_flat(py, text, program, operands, object, &shape)?
        {
            return Ok(());
        }
        let mut values = Values::default();
        values.read(operands)?;
        return execute(py, text, program, &values, &[array]);
    }
    check_casting(py, program.result_dtype(), object, options.casting)?;
    let result = run_fresh(py, text, program, operands, Order::Keep)?;
    // It was checked that the result may be cast. NumPy reports whether the shapes fit and whether
    // `out` can be written.
    calls::call_numpy(intern!(py, "copyto"), (out, result, "unsafe"))?;
    Ok(())
}

pub(crate) fn check_casting(
    py: Python<'_>,
    dtype: DType,
    out: &Bound<'_, PyUntypedArray>,
    casting: Casting,
) -> PyResult<()> {
    let (from, to) = (dtype.name(), out.dtype());
    let may = calls::call_numpy(intern!(py, "can_cast"), (from, &to, casting.name()))?;
    if may.extract()? {
        return Ok(());
    }
    let (to, rule): (String, _) = (calls::str_of(&to)?.extract()?, casting.name());
    Err(PyTypeError::new_err(format!("the result is {from}, which does not become {to} by the rule casting='{rule}'")))
}

/// What this thread does with the interpreter's lock while it computes.
pub(crate) enum Lock {
    Keep,
    GiveUp,
    /// Gives the lock up, and takes it back now and then to look for signals.
    GiveUpAndAsk,
}

/// Whether a call on these operands is so short that it keeps the lock.
pub(crate) fn is_short(operands: &Operands<'_>) -> bool {
    n_elems(|| operands.shapes()) < MIN_ELEMS_TO_DETACH
}

/// What to do with the lock while values are read or updated, and outputs are written. A call of a
/// text with loops may take long for few elements too.
pub(crate) fn lock_for(py: Python<'_>, values: &Values<'_, '_>, outs: &[Array<'_, '_>], has_loops: bool) -> Lock {
    match n_elems(|| values.arrays().map(Array::shape).chain(outs.iter().map(Array::shape))) {
        _ if has_loops && is_main_thread(py) => Lock::GiveUpAndAsk,
        _ if has_loops => Lock::GiveUp,
        ..MIN_ELEMS_TO_DETACH => Lock::Keep,
        MIN_ELEMS_TO_INTERRUPT.. if is_main_thread(py) => Lock::GiveUpAndAsk,
        _ => Lock::GiveUp,
    }
}

/// Computes into writeable arrays, one for each result.
pub(crate) fn execute(
    py: Python<'_>,
    text: &str,
    program: &Program,
    values: &Values<'_, '_>,
    outs: &[Array<'_, '_>],
) -> PyResult<()> {
    let lock = lock_for(py, values, outs, raw::has_loops(program));
    let mut vars = Vars::new();
    // SAFETY: from here until the run begins, no Python code runs in this thread. During the run
    // only other threads and handlers of signals can change the arrays in place, and the Python
    // caller has to prevent that: see `Array`. Our callers make sure that `outs` are writeable.
    let mut outs = unsafe {
        values.vars(&mut vars)?;
        let outs = outs.iter().map(|out| out.view_mut());
        outs.collect::<PyResult<SmallVec<[ViewMut<'_>; 1]>>>()?
    };
    let done = match lock {
        Lock::Keep => guarded(|| program.run_all_in_order(&vars, &mut outs, None)),
        Lock::GiveUp => py.detach(|| guarded(|| program.run_all_in_order(&vars, &mut outs, None))),
        Lock::GiveUpAndAsk => interruptible(py, |progress| program.run_all_in_order(&vars, &mut outs, Some(progress)))?,
    };
    match done {
        Some(done) => done.map_err(|error| errors::to_python(py, text, &error)),
        None => Err(errors::panicked()),
    }
}

/// The largest number of elements that an evaluation may run over: the number that arrays of these
/// shapes have when they are broadcast with each other.
fn n_elems<'s, S: Iterator<Item = &'s [usize]>>(shapes: impl Fn() -> S) -> usize {
    let Some(first) = shapes().next() else { return 1 };
    if shapes().all(|shape| shape == first) {
        return first.iter().fold(1, |n: usize, &extent| n.saturating_mul(extent));
    }
    let n_axes = shapes().map(<[usize]>::len).max().unwrap_or(0);
    (1..=n_axes).fold(1, |n: usize, from_last| {
        let extents = shapes().filter_map(|shape| Some(shape[shape.len().checked_sub(from_last)?]));
        n.saturating_mul(extents.max().unwrap_or(1))
    })
}
