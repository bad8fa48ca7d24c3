//! Array expressions as text, evaluated as one fused, vectorised, multithreaded loop.
//!
//! ```
//! use ndarray::{Array1, array};
//! use ndexpr::{evaluate, vars};
//!
//! let a = array![1.0, 2.0, 3.0];
//! let b = array![10.0, 20.0, 30.0];
//! let c: Array1<f64> = evaluate("a + b*2", vars! { a, b })?;
//! assert_eq!(c, array![21.0, 42.0, 63.0]);
//! # Ok::<(), ndexpr::Error>(())
//! ```
//!
//! There are three ways in, each a step closer to the machine:
//!
//! 1. [`evaluate`] and [`evaluate_into`]: one call, with a cache of compiled programs behind it.
//! 2. [`Engine`] and [`Program`]: choose options, compile once, run many times, from many threads.
//! 3. [`Program::explain`]: see what each stage of the compiler made of the text.
//!
//! The language is NumPy's and numexpr's: Python's operators and precedence, NumPy 2's dtypes and
//! promotion. A text is an expression, or a program of several statements:
//!
//! ```
//! use ndarray::{Array1, array};
//! use ndexpr::{evaluate, vars};
//!
//! let text = "
//!     def between(x):
//!         return (x[1:] + x[:-1])/2
//!     t = between(a)*2
//!     return t - t.min()";
//! let a = array![1.0, 2.0, 6.0];
//! assert_eq!(evaluate::<Array1<f64>>(text, vars! { a })?, array![0.0, 5.0]);
//! # Ok::<(), ndexpr::Error>(())
//! ```
//!
//! [`functions`] lists what can be called. An application adds functions of its own, in Rust
//! ([`Function`]) or as a text ([`EngineBuilder::prelude`]). Texts may come from strangers: they
//! are data, and bounded by [`Limits`].
//!
//! Results have the same bits whatever the number of threads, the layout of the arrays and the
//! processor.

mod along;
mod array;
mod bounded_lock;
mod codegen;
mod compile;
mod context;
mod engine;
mod error;
mod function;
mod functions;
mod fuse;
mod hir;
mod input;
mod interp;
mod kernels;
mod ops;
mod opt;
mod options;
mod outline;
mod outputs;
mod program;
#[doc(hidden)]
pub mod raw;
mod resolve;
mod results;
mod shape;
mod tape;
mod targets;
mod vars;

pub use array::{DynArray, FromResult};
pub use compile::{Stage, UsedName};
pub use engine::{Engine, EngineBuilder};
pub use error::{Error, ErrorKind};
pub use function::Function;
pub use functions::{FunctionInfo, FunctionOrigin, functions};
pub use ndexpr_grammar::{Diagnostic, Excerpt, Label, Limits, Span};
pub use ndexpr_runtime::dtype::{DType, Element, Scalar};
pub use ndexpr_runtime::exec::Progress;
pub use ndexpr_runtime::function::{OfElements, OfTiles, ScalarClosure, TileClosure};
pub use ndexpr_runtime::pool::MAX_THREADS;
pub use ndexpr_runtime::view::{View, ViewError, ViewMut};
pub use options::{Backend, FloatMode, Unused};
pub use outputs::{OutputPool, Pooled};
pub use program::{OutputInfo, Procedure, Program};
pub use results::FromResults;
pub use targets::Targets;
pub use vars::{Signature, Var, VarType, Vars};

/// Evaluates a text into a fresh array, with the [global engine](Engine::global).
///
/// The result is an ndarray of the expression's dtype and rank, a number if it has rank 0, or a
/// [`DynArray`] of any dtype and rank. Several results are a tuple of these, or a `Vec` of
/// [`DynArray`]s: see [`FromResults`].
///
/// # Errors
///
/// If the text is wrong, shapes do not broadcast, or the result is not of the type asked for: see
/// [`ErrorKind`].
///
/// ```
/// use ndexpr::{DynArray, evaluate, vars};
///
/// let hypotenuse: f64 = evaluate("sqrt(a**2 + b**2)", vars! { a: 3.0, b: 4.0 })?;
/// assert_eq!(hypotenuse, 5.0);
///
/// let any: DynArray = evaluate("a > 2", vars! { a: &[1_i32, 2, 3] })?;
/// assert_eq!(any, DynArray::Bool(ndarray::array![false, false, true].into_dyn()));
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub fn evaluate<R: FromResults>(text: &str, vars: Vars<'_>) -> Result<R, Error> {
    Engine::global().evaluate(text, &vars)
}

/// Evaluates a text into an output, with the [global engine](Engine::global); see [`Program::run`].
///
/// # Errors
///
/// As [`evaluate`], and if the output has another dtype than the result, or a shape that it does
/// not broadcast to.
///
/// ```
/// use ndexpr::{evaluate_into, vars};
///
/// let a = ndarray::array![[1_u8, 2], [3, 4]];
/// let mut out = ndarray::Array2::<u8>::zeros((2, 2));
/// evaluate_into("a * 2", vars! { a }, &mut out)?;
/// assert_eq!(out, ndarray::array![[2, 4], [6, 8]]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub fn evaluate_into<'o>(text: &str, vars: Vars<'_>, out: impl Into<ViewMut<'o>>) -> Result<(), Error> {
    Engine::global().evaluate_into(text, &vars, out)
}

/// Runs a text that updates arrays, with the [global engine](Engine::global); see [`Procedure`].
///
/// `vars` are the variables that it reads, and `targets` the arrays that it may update and read.
///
/// # Errors
///
/// If the text is wrong, updates something that is not among the targets, or gives results; if
/// shapes do not broadcast, or a value does not have the shape of what it is assigned to.
///
/// ```
/// use ndarray::array;
/// use ndexpr::{execute, targets, vars};
///
/// let (mut m, mut p) = (array![0.0, 0.0], array![1.0, 2.0]);
/// let g = array![0.5, -0.5];
/// let step = "
///     m *= 0.9
///     m += 0.1*g
///     p -= lr*m
/// ";
/// execute(step, vars! { g, lr: 10.0 }, targets! { m, p })?;
/// assert_eq!((m, p), (array![0.05, -0.05], array![0.5, 2.5]));
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub fn execute(text: &str, vars: Vars<'_>, targets: Targets<'_>) -> Result<(), Error> {
    let mut targets = targets;
    Engine::global().execute(text, &vars, &mut targets)
}

/// The README's examples, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
