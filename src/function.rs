//! Functions of Rust that an application gives an engine.

use ndexpr_grammar::{ExprKind, Limits, normal_name, parse};
use ndexpr_runtime::function::{MAX_ARGS, RustFunction, ScalarClosure, TileClosure};
use std::fmt;

/// A function of Rust that texts can call: a closure over single elements, or over slices of them,
/// and what there is to say of it. [`EngineBuilder::function`](crate::EngineBuilder::function)
/// gives it to an engine.
///
/// ```
/// use ndexpr::{Engine, Function, vars};
///
/// let logistic = Function::scalar("logistic", |x: f64| 1.0 / (1.0 + (-x).exp()))
///     .doc("The logistic function.");
/// let hypot3 = Function::tiles("hypot3", |x: &[f64], y: &[f64], z: &[f64], out: &mut [f64]| {
///     for (i, out) in out.iter_mut().enumerate() {
///         *out = (x[i] * x[i] + y[i] * y[i] + z[i] * z[i]).sqrt();
///     }
/// });
/// let engine = Engine::builder().function(logistic).function(hypot3).build()?;
///
/// let a = [0.0, 1.0, 2.0];
/// let half: f64 = engine.evaluate("logistic(a[0])", &vars! { a })?;
/// assert_eq!(half, 0.5);
/// let largest: f64 = engine.evaluate("max(hypot3(a, 2*a, z=2))", &vars! { a })?;
/// assert_eq!(largest, 24_f64.sqrt());
/// # Ok::<(), ndexpr::Error>(())
/// ```
///
/// # What a closure may be
///
/// A closure has 1 to 8 arguments and a result, each of any [`Element`](crate::Element) type, or
/// slices of them. It is *pure*: its result depends on the arguments alone. An engine may call it
/// from several threads at once, for elements in any order, less often than the text does, or for
/// elements that the result does not need: `where(x > 0, f(x), 0)` calls `f` for all `x`. A closure
/// over slices gets any number of elements at once, all slices have the same length, and it must
/// not matter to an element which others there are. It writes all of the slice for the results, in
/// which there may be anything before.
///
/// # How it is called
///
/// By position or by the names of its [parameters](Function::params). An argument that has another
/// dtype than the closure is converted if NumPy's casting `"safe"` allows that: `int32` to
/// `float64`, but not `float64` to `float32`, which a text has to ask for: `f(x.astype(float32))`.
/// Literals, and numbers that are [weak](crate::Var::weak), take the closure's dtype: `f(2)` is
/// `f(2.0)` for floats. The result has the closure's dtype.
///
/// In a text, an expression's elements are passed to the closure a tile at a time. What is around
/// the call is fused with it, and no array is made for arguments or results.
///
/// # Names
///
/// A name that the text or a [prelude](crate::EngineBuilder::prelude) gives a function hides a
/// function of Rust, and that hides a function of the language: an application may have its own
/// `erf`. Methods (`a.sum()`) and names behind a module (`np.erf(a)`) are always those of the
/// language.
///
/// # Panics
///
/// If a closure panics, the run ends with an error of the kind
/// [`ErrorKind::Panic`](crate::ErrorKind::Panic), which has the message. Other calls, and the
/// engine, are not affected. The process's panic hook runs before, which prints the message unless
/// the application has set another one. In a program that is built with `panic = "abort"`, the
/// process ends.
#[derive(Clone)]
pub struct Function {
    rust: RustFunction,
    params: Vec<String>,
    doc: String,
}

impl Function {
    /// A function that applies a closure to each element: `|x: f64, k: i32| x.powi(k)`.
    #[must_use]
    pub fn scalar<Form: 'static>(name: &str, closure: impl ScalarClosure<Form>) -> Function {
        Function::new(RustFunction::scalar(&normal_name(name), closure))
    }

    /// A function that gives a closure the elements of a tile at once: slices of the arguments, and
    /// one for the results. This pays where the closure can do several elements together faster.
    #[must_use]
    pub fn tiles<Form: 'static>(name: &str, closure: impl TileClosure<Form>) -> Function {
        Function::new(RustFunction::tiles(&normal_name(name), closure))
    }

    fn new(rust: RustFunction) -> Function {
        const NAMES: [&str; MAX_ARGS] = ["x", "y", "z", "w", "u", "v", "s", "t"];
        let params = NAMES[..rust.args().len()].iter().map(|&name| name.to_owned()).collect();
        Function { rust, params, doc: String::new() }
    }

    /// Names the parameters, one for each argument. Unless this is called, they are `x`, `y`, `z`,
    /// `w`, `u`, `v`, `s` and `t`.
    #[must_use]
    pub fn params(mut self, names: &[&str]) -> Function {
        self.params = names.iter().map(|name| normal_name(name).into_owned()).collect();
        self
    }

    /// Says in a line what the function does, for [`Engine::functions`](crate::Engine::functions).
    #[must_use]
    pub fn doc(mut self, doc: &str) -> Function {
        doc.clone_into(&mut self.doc);
        self
    }

    /// Estimates how many nanoseconds an element takes on one core; 4 unless this is called. By
    /// this an engine decides how many threads take part, and how often it looks whether the run
    /// was cancelled.
    #[must_use]
    pub fn cost_ns(mut self, ns_per_element: f32) -> Function {
        self.rust = self.rust.with_ns_per_elem(ns_per_element);
        self
    }

    pub(crate) fn rust(&self) -> &RustFunction {
        &self.rust
    }

    pub(crate) fn name(&self) -> &str {
        self.rust.name()
    }

    /// The names of the parameters.
    pub(crate) fn param_names(&self) -> &[String] {
        &self.params
    }

    pub(crate) fn doc_text(&self) -> &str {
        &self.doc
    }

    /// Checks that a text can call it.
    pub(crate) fn check(&self) -> Result<(), FunctionError> {
        let function = self.name().to_owned();
        if !is_name(&function) {
            return Err(FunctionError::NotAName { name: function });
        }
        let (expected, found) = (self.rust.args().len(), self.params.len());
        if expected != found {
            return Err(FunctionError::ParamCount { function, expected, found });
        }
        for (place, name) in self.params.iter().enumerate() {
            if !is_name(name) {
                return Err(FunctionError::ParamNotAName { function, name: name.clone() });
            }
            if self.params[..place].contains(name) {
                return Err(FunctionError::RepeatedParam { function, name: name.clone() });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rust.fmt(f)
    }
}

/// Why a function cannot be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FunctionError {
    NotAName { name: String },
    ParamNotAName { function: String, name: String },
    RepeatedParam { function: String, name: String },
    ParamCount { function: String, expected: usize, found: usize },
    Repeated { name: String },
}

impl fmt::Display for FunctionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FunctionError::NotAName { name } => write!(f, "the function `{name}` cannot be called by this name"),
            FunctionError::ParamNotAName { function, name } => {
                write!(f, "the parameter `{name}` of `{function}` cannot be given by this name")
            }
            FunctionError::RepeatedParam { function, name } => {
                write!(f, "the function `{function}` has two parameters `{name}`")
            }
            FunctionError::ParamCount { function, expected, found } => {
                let s = if *expected == 1 { "" } else { "s" };
                write!(f, "`{function}` has {expected} argument{s}, but {found} names were given")
            }
            FunctionError::Repeated { name } => write!(f, "the function `{name}` is given twice"),
        }
    }
}

/// Whether a text can have this name: a text that consists of it is one name.
fn is_name(name: &str) -> bool {
    let Ok(ast) = parse(name, &Limits::default()) else { return false };
    let Some(expr) = ast.expression().map(|id| &ast[id]) else { return false };
    matches!(expr.kind, ExprKind::Name(_)) && expr.span.text(name) == name && name != "None"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers_and_no_keywords() {
        for name in ["f", "_", "log2", "\u{3bc}", "match_", "np"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "2x", "a b", "a.b", "lambda", "None", "True", "def", "for", "f()", " f", "(f)", "a+b", "f\n"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
