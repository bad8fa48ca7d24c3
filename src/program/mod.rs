//! Programs: compiled expressions, and how they run on the values of a call.
//!
//! ```text
//! numbers     weak integers          -> what is computed from them, and which variant runs
//! views       given variables        -> the slices and transposes of them that loops read
//! bind        values of variables    -> checked views
//! shapes      shapes of the views    -> the result's shape, or what does not broadcast
//! overlap     inputs in the output   -> copies
//! launch      decides how the call runs: flat, elementwise, staged, or interpreted
//! fresh       results of their own
//! ```
//!
//! [`Program`] is the public front of these.

mod bind;
mod core;
mod elementwise;
mod flat;
mod folded;
mod folds;
mod fresh;
mod launch;
mod numbers;
mod overlap;
mod recent;
mod shapes;
mod staged;
mod views;

pub use shapes::Layout;

use crate::array::FromResult;
use crate::compile::{self, Stage, WeakInts};
use crate::context::Context;
use crate::error::Error;
use crate::options::Backend;
use crate::outputs::{OutputPool, Pooled};
use crate::vars::{Signature, Var, VarType, Vars};
use bind::{Inputs, Values, bind};
use core::Core;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{Flat, Progress};
use ndexpr_runtime::view::ViewMut;
use std::sync::Arc;
use std::time::Duration;

/// A compiled expression: immutable, and may run on many threads at once.
///
/// ```
/// use ndexpr::{DType, Engine, Signature, VarType, vars};
///
/// let engine = Engine::builder().threads(2).build()?;
/// let signature = Signature::new()
///     .with("a", VarType::array(DType::Float64))
///     .with("b", VarType::array(DType::Float64));
/// let program = engine.compile("a + b*2", &signature)?;
///
/// let (a, b) = (ndarray::array![1.0, 2.0], ndarray::array![10.0, 20.0]);
/// let mut out = ndarray::Array1::<f64>::zeros(2);
/// program.run(&vars! { a, b }, &mut out)?;
/// assert_eq!(out, ndarray::array![21.0, 42.0]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub struct Program {
    core: Core,
    /// The programs for values of another class than those that this one was compiled for.
    variants: numbers::Variants,
}

impl Program {
    pub(crate) fn new(
        text: &str,
        signature: &Signature,
        context: Arc<Context>,
        progress: Option<&Progress>,
    ) -> Result<Program, Error> {
        let core = Core::new(text, signature, None, context, progress)?;
        Ok(Program { core, variants: numbers::Variants::default() })
    }

    /// A program for the class of these values.
    fn for_values(text: &str, signature: &Signature, weak: WeakInts, context: Arc<Context>) -> Result<Program, Error> {
        let core = Core::new(text, signature, weak, context, None)?;
        Ok(Program { core, variants: numbers::Variants::default() })
    }

    /// The variant that runs a call with these variables, if it is not the program itself.
    pub(crate) fn variant_for(&self, vars: &Vars<'_>) -> Result<Option<Arc<Program>>, Error> {
        numbers::variant(self, Values::Named(vars)).map_err(|error| self.in_text(error))
    }

    /// See [`raw::variant`](crate::raw::variant).
    pub(crate) fn variant_in_order(&self, values: &[Var<'_>]) -> Result<Option<Arc<Program>>, Error> {
        numbers::variant(self, Values::InOrder(values)).map_err(|error| self.in_text(error))
    }

    /// See [`raw::has_variants`](crate::raw::has_variants).
    pub(crate) fn has_variants(&self) -> bool {
        !self.core.graph().numbers().is_empty()
    }

    /// Whether the variables that loops read are those that a caller gives.
    fn reads_what_is_given(&self) -> bool {
        !self.has_variants() && self.core.graph().reads_what_is_given()
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.core.text
    }

    /// The types of the variables that it was compiled for.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.core.signature
    }

    /// The variables that the text uses, in the order in which it first names them. Among them are
    /// those of statements that the result does not need: calls by name may leave them out.
    pub fn variables(&self) -> impl ExactSizeIterator<Item = (&str, VarType)> {
        self.core.graph().given_vars().iter().map(|var| (var.name.as_str(), var.ty))
    }

    /// The dtype of the result. It may be another dtype for calls with weak integers: `2**k` is an
    /// integer, and a float if `k` is negative. [`Engine::program`](crate::Engine::program) gives
    /// the program for a call.
    #[must_use]
    pub fn result_dtype(&self) -> DType {
        self.core.result_dtype()
    }

    /// What runs the program: the interpreter, if the engine was told to use it or if machine code
    /// could not be made.
    #[must_use]
    pub fn backend(&self) -> Backend {
        if self.fallback_reason().is_some() { Backend::Interp } else { Backend::Jit }
    }

    /// Why the program, or a layout that it has been run with, is interpreted. None if it is not.
    #[must_use]
    pub fn fallback_reason(&self) -> Option<&str> {
        self.core.compiled.executable.fallback_reason()
    }

    /// How long each stage took when the program was compiled. `Asm` is the code generation, `Clif`
    /// included.
    #[must_use]
    pub fn compile_times(&self) -> &[(Stage, Duration)] {
        &self.core.compiled.times
    }

    /// The shape of the result for these variables.
    ///
    /// # Errors
    ///
    /// If a variable is missing or of another type than compiled for, or the shapes do not
    /// broadcast.
    pub fn result_shape(&self, vars: &Vars<'_>) -> Result<Vec<usize>, Error> {
        Ok(self.layout(Values::Named(vars))?.shape.to_vec())
    }

    /// The memory order of a fresh result for these variables: its axes from outermost to
    /// innermost.
    ///
    /// # Errors
    ///
    /// As [`Program::result_shape`].
    pub fn result_order(&self, vars: &Vars<'_>) -> Result<Vec<usize>, Error> {
        Ok(self.layout(Values::Named(vars))?.order.to_vec())
    }

    fn layout(&self, values: Values<'_>) -> Result<Layout, Error> {
        let layout = numbers::with(self, values, |core, values| {
            let mut inputs = Inputs::new();
            bind(core, values, None, &mut inputs).and_then(|()| shapes::layout(core, &inputs))
        });
        layout.map_err(|error| self.in_text(error))
    }

    /// See [`raw::result_layout`](crate::raw::result_layout).
    pub(crate) fn result_layout(&self, values: &[Var<'_>]) -> Result<Layout, Error> {
        let values = Values::InOrder(values);
        match self.reads_what_is_given() {
            false => self.layout(values),
            true => shapes::plain_layout(&self.core, values).map_or_else(|| self.layout(values), Ok),
        }
    }

    /// See [`raw::is_one_loop`](crate::raw::is_one_loop).
    pub(crate) fn is_one_loop(&self) -> bool {
        self.reads_what_is_given() && flat::only_loop(&self.core).is_some()
    }

    /// See [`raw::run_flat`](crate::raw::run_flat).
    pub(crate) fn run_flat(&self, flat: &Flat<'_>) -> Option<Result<(), Error>> {
        if !self.reads_what_is_given() {
            return None;
        }
        Some(flat::run_given(&self.core, flat)?.map_err(|error| self.in_text(error)))
    }

    /// About how many bytes of memory it takes, its machine code included. Grows when it meets new
    /// layouts.
    pub(crate) fn n_bytes(&self) -> usize {
        self.core.text.len() + self.core.signature.n_bytes() + self.core.compiled.n_bytes() + self.variants.n_bytes()
    }

    fn in_text(&self, error: Error) -> Error {
        error.in_text(&self.core.text)
    }

    /// Runs into an output as [`Program::run_with`] does, on values of the variables in the order
    /// of [`Program::variables`]: for callers that have looked the names up before.
    ///
    /// ```
    /// use ndexpr::{DType, Engine, Signature, Var, VarType};
    ///
    /// let signature = Signature::new().with("a", VarType::array(DType::Float64)).with("b", VarType::array(DType::Float64));
    /// let program = Engine::global().compile("b*10 + a", &signature)?;
    /// let (a, b) = ([1.0, 2.0], [3.0, 4.0]);
    /// let values = [Var::from(&b), Var::from(&a)];                    // as the text first names them
    /// let mut out = [0.0; 2];
    /// program.run_in_order(&values, &mut out[..], None)?;
    /// assert_eq!(out, [31.0, 42.0]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Program::run_with`], and if there are more or fewer values than variables.
    pub fn run_in_order<'o>(
        &self,
        values: &[Var<'_>],
        out: impl Into<ViewMut<'o>>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        let mut out = out.into();
        let run = |core: &Core, values: Values<'_>| launch::run(core, values, &mut out, progress);
        numbers::with(self, Values::InOrder(values), run).map_err(|error| self.in_text(error))
    }

    /// Runs into an output: any array or view that has the result's dtype, and the result's shape
    /// or a shape that the result broadcasts to. The output may be one of the inputs, or overlap
    /// them.
    ///
    /// With up to 8 variables and without reductions this allocates nothing once a layout has been
    /// seen, except what a thread needs when it starts. An input that overlaps the output without
    /// being it is copied first.
    ///
    /// # Errors
    ///
    /// If a variable is missing or of another type than compiled for, shapes do not broadcast, or
    /// the output does not fit.
    pub fn run<'o>(&self, vars: &Vars<'_>, out: impl Into<ViewMut<'o>>) -> Result<(), Error> {
        self.run_with(vars, out, None)
    }

    /// The same as [`Program::run`], but it tells the progress how far it is, and the progress may
    /// stop it.
    ///
    /// # Errors
    ///
    /// As [`Program::run`], and if it is cancelled.
    pub fn run_with<'o>(
        &self,
        vars: &Vars<'_>,
        out: impl Into<ViewMut<'o>>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        let mut out = out.into();
        let run = |core: &Core, values: Values<'_>| launch::run(core, values, &mut out, progress);
        numbers::with(self, Values::Named(vars), run).map_err(|error| self.in_text(error))
    }

    /// Runs into a fresh array, whose memory order follows the inputs'.
    ///
    /// # Errors
    ///
    /// As [`Program::run`], and if the result is not of the type asked for, or there is no memory
    /// for it.
    pub fn evaluate<R: FromResult>(&self, vars: &Vars<'_>) -> Result<R, Error> {
        numbers::with(self, Values::Named(vars), fresh::evaluate).map_err(|error| self.in_text(error))
    }

    /// The same as [`Program::evaluate`], but the result is in memory of a pool, which gets that
    /// memory back when the result is dropped.
    ///
    /// # Errors
    ///
    /// As [`Program::evaluate`].
    pub fn evaluate_pooled<'p>(&self, vars: &Vars<'_>, pool: &'p OutputPool) -> Result<Pooled<'p>, Error> {
        let evaluate = |core: &Core, values: Values<'_>| fresh::evaluate_pooled(core, values, pool);
        numbers::with(self, Values::Named(vars), evaluate).map_err(|error| self.in_text(error))
    }

    /// What a stage of the compiler makes of the text, as text.
    #[must_use]
    pub fn explain(&self, stage: Stage) -> String {
        let Core { text, signature, compiled, context, .. } = &self.core;
        compile::explain(text, compiled, signature, &context.options, stage).unwrap_or_else(|error| error.render())
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("text", &self.core.text)
            .field("signature", &format_args!("{}", self.core.signature))
            .field("backend", &self.backend())
            .finish_non_exhaustive()
    }
}
