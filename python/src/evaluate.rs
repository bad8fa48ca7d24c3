//! `evaluate`, `re_evaluate` and `validate`: names looked up, a program found, and run.

use crate::arrays::Order;
use crate::calls;
use crate::engines::Floats;
use crate::run::{self, Casting, Options};
use crate::scope::{CALLER, Scope};
use crate::text::{Text, Types};
use crate::values::Operands;
use ndexpr::Program;
use pyo3::exceptions::{PyException, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyWeakrefMethods, PyWeakrefReference};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::sync::Arc;

/// What `re_evaluate` runs again.
struct Last {
    text: Py<Text>,
    order: Order,
    casting: Casting,
    floats: Floats,
    /// A weak reference, so that no array is kept alive for an evaluation that may never come.
    out: Option<Py<PyWeakrefReference>>,
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Looks up what a text's names stand for, and finds the program for their types.
pub(crate) fn bind<'py>(
    py: Python<'py>,
    text: &Text,
    scope: Scope<'py>,
    floats: Floats,
    operands: &mut Operands<'py>,
) -> PyResult<Arc<Program>> {
    let types = look_up(py, text, scope, false, operands)?;
    text.program(py, &types, floats)
}

/// Looks up what a text's names stand for, and gives the types of that.
pub(crate) fn look_up<'py>(
    py: Python<'py>,
    text: &Text,
    scope: Scope<'py>,
    may_update: bool,
    operands: &mut Operands<'py>,
) -> PyResult<Types> {
    let mut is_constant: SmallVec<[bool; 6]> = SmallVec::new();
    for name in text.names() {
        let value = match scope.get(name.key.bind(py))? {
            Some(value) => Some(value),
            None => scope.get_respelled(&name.text)?,
        };
        let is_updated = may_update && name.is_updated;
        match &value {
            Some(value) if is_updated => operands.push_target(value, &name.text)?,
            Some(value) => operands.push(value, &name.text)?,
            None if name.is_constant && !is_updated => {}
            None => return Err(text.missing(py, name, scope.known().into_iter(), may_update)),
        }
        is_constant.push(value.is_none());
    }
    // This may run Python code, because it may free objects.
    drop(scope);
    let (mut types, mut found) = (Types::new(), operands.types());
    for is_constant in is_constant {
        types.push(if is_constant { None } else { found.next().transpose()? });
    }
    drop(found);
    Ok(types)
}

/// Evaluate an array expression, given as text, in one pass over its arrays.
///
/// Names are looked up in `local_dict` and `global_dict`, or in the caller's frame. Arrays may have
/// any strides, alignment and byte order; anything that `numpy.asarray` takes will do. Python's own
/// numbers are weak, as in NumPy 2: a float32 array times 2.0 is float32.
///
/// Parameters
/// ----------
/// ex : str
///     The expression, such as "2*a + sin(b)". `ndexpr.functions()` lists the functions.
/// local_dict, global_dict : mapping, optional
///     Where names are looked up, in this order. The caller's locals and globals unless given.
/// out : numpy.ndarray or tuple, optional
///     Where the result is written. It may be, or overlap, an array of the expression. For a text of
///     several results a tuple, in which None stands for a fresh array.
/// order : {'K', 'C', 'F', 'A'}
///     The memory order of a fresh result: as the inputs', C's, Fortran's, or Fortran's if all
///     inputs have it.
/// casting : {'no', 'equiv', 'safe', 'same_kind', 'unsafe'}
///     What the result may be cast to, where `out` has another dtype.
/// floats : {'strict', 'fast'}
///     'strict' rounds every operation by itself, as NumPy does. 'fast' may fuse multiplications
///     with additions.
/// optimization, truediv, sanitize, disable_cache, _frame_depth
///     As numexpr has them. Only the last has a meaning here: the number of frames up to the
///     caller, plus 2.
///
/// Returns
/// -------
/// numpy.ndarray or tuple
///     `out` if it is given, else a fresh array; of rank 0 for a single value. A tuple of arrays if
///     the text gives a tuple, as in "return a + b, sum(a)".
///
/// Raises
/// ------
/// SyntaxError
///     The text is not an expression.
/// KeyError
///     A name is no variable: see `UnknownVariableError`.
/// TypeError
///     An operation or a function does not exist for the dtypes, or a dtype is not among those that
///     there are.
/// ValueError
///     Shapes do not broadcast, an axis is not there, or the text is beyond a limit.
/// OverflowError
///     An integer does not fit the dtype that it meets.
///
/// Examples
/// --------
/// >>> import numpy as np, ndexpr
/// >>> a = np.arange(3)
/// >>> b = np.array([1.0, 0.5, 0.25])
/// >>> ndexpr.evaluate("a*b + 1")
/// array([1. , 1.5, 1.5])
/// >>> ndexpr.evaluate("sum(a*k)", {"a": a, "k": 10})
/// array(30)
#[pyfunction]
#[pyo3(
    signature = (ex, local_dict=None, global_dict=None, out=None, order=None, casting=None, **kwargs),
    text_signature = "(ex, local_dict=None, global_dict=None, out=None, order='K', casting='same_kind', *, floats='strict', **kwargs)"
)]
#[expect(clippy::too_many_arguments, reason = "numexpr's")]
pub(crate) fn evaluate<'py>(
    py: Python<'py>,
    ex: &Bound<'py, PyAny>,
    local_dict: Option<&Bound<'py, PyAny>>,
    global_dict: Option<&Bound<'py, PyAny>>,
    out: Option<Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    casting: Option<&Bound<'py, PyAny>>,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let more = More::new(kwargs, CALLER)?;
    let options = options(out, order, casting)?;
    let text = Text::get(ex)?;
    let scope = Scope::new(py, local_dict, global_dict, more.frame_depth)?;
    let mut operands = Operands::default();
    let program = bind(py, text.get(), scope, more.floats, &mut operands)?;
    let result = run::run(py, text.get().as_str(py)?, &program, &operands, &options)?;
    remember(&text, &options, more.floats)?;
    Ok(result)
}

/// Evaluate the last expression of this thread's `evaluate` or `validate` again, with the values
/// that its names have now.
///
/// Parameters
/// ----------
/// local_dict, global_dict : mapping, optional
///     Where names are looked up; the caller's locals and globals unless given.
///
/// Raises
/// ------
/// RuntimeError
///     Nothing has been evaluated before.
///
/// Examples
/// --------
/// >>> import numpy as np, ndexpr
/// >>> a = np.arange(3)
/// >>> ndexpr.evaluate("a*2")
/// array([0, 2, 4])
/// >>> a = np.arange(3) + 0.5
/// >>> ndexpr.re_evaluate()
/// array([1., 3., 5.])
#[pyfunction]
#[pyo3(signature = (local_dict=None, global_dict=None, _frame_depth=2))]
pub(crate) fn re_evaluate<'py>(
    py: Python<'py>,
    local_dict: Option<&Bound<'py, PyAny>>,
    global_dict: Option<&Bound<'py, PyAny>>,
    _frame_depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let last = LAST.with_borrow(|last| {
        last.as_ref().map(|last| {
            let options = Options { out: None, order: last.order, casting: last.casting };
            let out = last.out.as_ref().and_then(|out| out.bind(py).upgrade());
            (last.text.clone_ref(py), Options { out, ..options }, last.floats)
        })
    });
    let Some((text, options, floats)) = last else {
        return Err(PyRuntimeError::new_err("nothing has been evaluated in this thread before"));
    };
    let text = text.get();
    let scope = Scope::new(py, local_dict, global_dict, _frame_depth.saturating_add(1))?;
    let mut operands = Operands::default();
    let program = bind(py, text, scope, floats, &mut operands)?;
    run::run(py, text.as_str(py)?, &program, &operands, &options)
}

/// Find out whether an expression can be evaluated, without evaluating it.
///
/// The parameters are those of `evaluate`. A later `re_evaluate` evaluates what was validated.
///
/// Returns
/// -------
/// None or Exception
///     What `evaluate` would raise, as an object; None if nothing is wrong.
///
/// Examples
/// --------
/// >>> import ndexpr
/// >>> ndexpr.validate("a + 1", {"a": 1})
/// >>> type(ndexpr.validate("a +", {"a": 1}))
/// <class 'SyntaxError'>
#[pyfunction]
#[pyo3(
    signature = (ex, local_dict=None, global_dict=None, out=None, order=None, casting=None, _frame_depth=2, **kwargs),
    text_signature = "(ex, local_dict=None, global_dict=None, out=None, order='K', casting='safe', _frame_depth=2, *, floats='strict', **kwargs)"
)]
#[expect(clippy::too_many_arguments, reason = "numexpr's")]
pub(crate) fn validate<'py>(
    py: Python<'py>,
    ex: &Bound<'py, PyAny>,
    local_dict: Option<&Bound<'py, PyAny>>,
    global_dict: Option<&Bound<'py, PyAny>>,
    out: Option<Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    casting: Option<&Bound<'py, PyAny>>,
    _frame_depth: usize,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let check = || -> PyResult<()> {
        let more = More::new(kwargs, _frame_depth.saturating_add(1))?;
        let mut options = options(out, order, casting)?;
        if casting.is_none() {
            options.casting = Casting::Safe;
        }
        let text = Text::get(ex)?;
        let scope = Scope::new(py, local_dict, global_dict, more.frame_depth)?;
        let mut operands = Operands::default();
        let program = bind(py, text.get(), scope, more.floats, &mut operands)?;
        run::check(py, text.get().as_str(py)?, &program, &operands, &options)?;
        remember(&text, &options, more.floats)
    };
    match check() {
        Ok(()) => Ok(None),
        // An exception that ends the whole program is raised, and not returned as an answer.
        Err(error) if error.is_instance_of::<PyException>(py) => {
            Ok(Some(error.into_value(py).into_bound(py).into_any()))
        }
        Err(error) => Err(error),
    }
}

fn options<'py>(
    out: Option<Bound<'py, PyAny>>,
    order: Option<&Bound<'py, PyAny>>,
    casting: Option<&Bound<'py, PyAny>>,
) -> PyResult<Options<'py>> {
    let order = match order {
        Some(name) => named(name, Order::from_name, Order::EXPECTED)?,
        None => Order::default(),
    };
    let casting = match casting {
        Some(name) => named(name, Casting::from_name, Casting::EXPECTED)?,
        None => Casting::default(),
    };
    Ok(Options { out, order, casting })
}

/// The choice that has this name.
pub(crate) fn named<T>(name: &Bound<'_, PyAny>, choice: fn(&str) -> Option<T>, expected: &str) -> PyResult<T> {
    let found = name.cast::<PyString>().ok().and_then(|name| choice(name.to_str().ok()?));
    match found {
        Some(found) => Ok(found),
        None => {
            let found: String = calls::repr_of(name)?.extract()?;
            Err(PyValueError::new_err(format!("{expected}, not {found}")))
        }
    }
}

/// The options that few calls have.
struct More {
    floats: Floats,
    frame_depth: usize,
}

impl More {
    fn new(kwargs: Option<&Bound<'_, PyDict>>, frame_depth: usize) -> PyResult<More> {
        let mut more = More { floats: Floats::Strict, frame_depth };
        for (name, value) in kwargs.into_iter().flatten() {
            let name: String = name.extract()?;
            match name.as_str() {
                "floats" => more.floats = named(&value, Floats::from_name, "floats must be one of 'strict', 'fast'")?,
                "_frame_depth" => more.frame_depth = value.extract()?,
                "optimization" => {
                    let known = |name: &str| ["none", "moderate", "aggressive"].contains(&name).then_some(());
                    named(&value, known, "'optimization' must be one of ('none', 'moderate', 'aggressive')")?;
                }
                "truediv" | "sanitize" | "disable_cache" => {}
                _ => return Err(PyTypeError::new_err(format!("unknown keyword argument '{name}'"))),
            }
        }
        Ok(more)
    }
}

/// Keeps what [`re_evaluate`] needs.
fn remember(text: &Bound<'_, Text>, options: &Options<'_>, floats: Floats) -> PyResult<()> {
    let Options { out, order, casting } = options;
    let is_same = |last: &Last| {
        last.text.is(text)
            && (last.order, last.casting, last.floats) == (*order, *casting, floats)
            && (last.out.is_none() && out.is_none())
    };
    if LAST.with_borrow(|last| last.as_ref().is_some_and(is_same)) {
        return Ok(());
    }
    // A tuple of outputs cannot be remembered without keeping it alive.
    let out = out.as_ref().filter(|out| !out.is_instance_of::<PyTuple>());
    let out = out.map(|out| PyWeakrefReference::new(out).map(Bound::unbind)).transpose()?;
    let last = Last { text: text.clone().unbind(), order: *order, casting: *casting, floats, out };
    // This is dropped when the cell is no longer borrowed, because dropping it may run Python code.
    let before = LAST.replace(Some(last));
    drop(before);
    Ok(())
}
