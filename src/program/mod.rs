//! Programs: compiled expressions, and how they run on the values of a call.
//!
//! ```text
//! numbers     weak integers          -> what is computed from them, and which variant runs
//! views       given variables        -> the slices and transposes of them that loops read
//! bind        values of variables    -> checked views
//! shapes      shapes of the views    -> the results' shapes, or what does not broadcast
//! prepared    shapes                 -> loops that suit them
//! overlap     inputs in an output    -> copies
//! launch      decides how the call runs: flat, elementwise, staged, or interpreted
//! fresh       results of their own
//! procedure   texts that update arrays, as several programs one after the other
//! guard       panics of functions of Rust -> errors
//! ```
//!
//! [`Program`] is the public front of these.

mod bind;
mod core;
mod elementwise;
mod flat;
mod flat_many;
mod folded;
mod folds;
mod fresh;
mod guard;
mod launch;
mod numbers;
mod others;
mod overlap;
mod parts;
mod prepared;
mod procedure;
mod recent;
mod shapes;
mod staged;
mod views;

pub use procedure::Procedure;
pub use shapes::Layout;

use crate::compile::{self, Clock, Stage, WeakInts};
use crate::context::Context;
use crate::error::Error;
use crate::options::Backend;
use crate::outputs::{OutputPool, Pooled};
use crate::resolve::Resolved;
use crate::results::FromResults;
use crate::vars::{Signature, Var, VarType, Vars};
use bind::{Inputs, Values, bind};
use core::Core;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{Flat, Progress};
use ndexpr_runtime::view::ViewMut;
use smallvec::SmallVec;
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
        let core = Core::new(text, signature, context, progress)?;
        Ok(Program { core, variants: numbers::Variants::default() })
    }

    /// A program for the class of these values.
    fn for_values(
        text: (&Arc<str>, Resolved),
        signature: &Signature,
        weak: WeakInts,
        context: Arc<Context>,
    ) -> Result<Program, Error> {
        let core = Core::of_resolved(text, signature, weak, context, None, Clock::start())?;
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

    /// The dtype of the result, or of the first of several. It may be another dtype for calls with
    /// weak integers: `2**k` is an integer, and a float if `k` is negative.
    /// [`Engine::program`](crate::Engine::program) gives the program for a call.
    #[must_use]
    pub fn result_dtype(&self) -> DType {
        self.core.result_dtype(0)
    }

    /// The results, in order: at least one.
    ///
    /// ```
    /// use ndexpr::{DType, Engine, vars};
    ///
    /// let program = Engine::global().program("y = x*2; return y, x > 1", &vars! { x: &[1.0, 2.0] })?;
    /// let outputs: Vec<_> = program.outputs().map(|output| (output.name, output.dtype)).collect();
    /// assert_eq!(outputs, [(Some("y"), DType::Float64), (None, DType::Bool)]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = OutputInfo<'_>> {
        (0..self.core.n_results()).map(|number| OutputInfo::of(&self.core, number))
    }

    /// Whether the text gives a tuple: of several results, or of one, as `a,` does.
    #[must_use]
    pub fn is_tuple(&self) -> bool {
        self.core.compiled.resolved.is_tuple()
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
        let own = self.core.compiled.arranged.executable.fallback_reason();
        own.or_else(|| self.core.others.fallback_reason())
    }

    /// How long each stage took when the program was compiled. `Asm` is the code generation, `Clif`
    /// included.
    #[must_use]
    pub fn compile_times(&self) -> &[(Stage, Duration)] {
        &self.core.compiled.times
    }

    /// The shape of the result, or of the first of several, for these variables.
    ///
    /// # Errors
    ///
    /// If a variable is missing or of another type than compiled for, or the shapes do not
    /// broadcast.
    pub fn result_shape(&self, vars: &Vars<'_>) -> Result<Vec<usize>, Error> {
        Ok(self.layout(Values::Named(vars))?.shape.to_vec())
    }

    /// The shapes of all results for these variables.
    ///
    /// # Errors
    ///
    /// As [`Program::result_shape`].
    pub fn result_shapes(&self, vars: &Vars<'_>) -> Result<Vec<Vec<usize>>, Error> {
        let layouts = self.layouts(Values::Named(vars))?;
        Ok(layouts.iter().map(|layout| layout.shape.to_vec()).collect())
    }

    /// The memory order of a fresh result, or of the first of several, for these variables: its
    /// axes from outermost to innermost.
    ///
    /// # Errors
    ///
    /// As [`Program::result_shape`].
    pub fn result_order(&self, vars: &Vars<'_>) -> Result<Vec<usize>, Error> {
        Ok(self.layout(Values::Named(vars))?.order.to_vec())
    }

    /// The memory orders of all fresh results for these variables, each as
    /// [`Program::result_order`] has it.
    ///
    /// # Errors
    ///
    /// As [`Program::result_shape`].
    pub fn result_orders(&self, vars: &Vars<'_>) -> Result<Vec<Vec<usize>>, Error> {
        let layouts = self.layouts(Values::Named(vars))?;
        Ok(layouts.iter().map(|layout| layout.order.to_vec()).collect())
    }

    fn layout(&self, values: Values<'_>) -> Result<Layout, Error> {
        Ok(self.layouts(values)?.swap_remove(0))
    }

    fn layouts(&self, values: Values<'_>) -> Result<SmallVec<[Layout; 1]>, Error> {
        let layouts = numbers::with(self, values, |core, values| {
            let mut inputs = Inputs::new();
            bind(core, values, None, &mut inputs).and_then(|()| shapes::layouts(core, &inputs))
        });
        layouts.map_err(|error| self.in_text(error))
    }

    /// See [`raw::result_layouts`](crate::raw::result_layouts).
    pub(crate) fn result_layouts(&self, values: &[Var<'_>]) -> Result<SmallVec<[Layout; 1]>, Error> {
        self.layouts(Values::InOrder(values))
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

    /// See [`raw::has_loops`](crate::raw::has_loops).
    pub(crate) fn has_loops(&self) -> bool {
        !self.core.graph().regions().is_empty()
    }

    /// See [`raw::run_flat`](crate::raw::run_flat).
    pub(crate) fn run_flat(&self, flat: &Flat<'_>) -> Option<Result<(), Error>> {
        if !self.reads_what_is_given() {
            return None;
        }
        let run = || flat::run_given(&self.core, flat).transpose();
        let done = guard::guarded(&self.core, run).map_err(|error| self.in_text(error));
        done.transpose()
    }

    /// About how many bytes of memory it takes, its machine code included. Grows when it meets new
    /// layouts.
    pub(crate) fn n_bytes(&self) -> usize {
        self.core.n_bytes() + self.variants.n_bytes()
    }

    /// Runs a call. All that is wrong with it becomes an error about the text.
    fn run_guarded<R>(
        &self,
        values: Values<'_>,
        run: impl FnOnce(&Core, Values<'_>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let done = guard::guarded(&self.core, || numbers::with(self, values, run));
        done.map_err(|error| self.in_text(error))
    }

    fn in_text(&self, error: Error) -> Error {
        error.in_text(&self.core.text, &self.core.context.registry)
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
        self.run_all_in_order(values, &mut [out.into()], progress)
    }

    /// The same as [`Program::run_in_order`], into one output for each result.
    ///
    /// # Errors
    ///
    /// As [`Program::run_all`], and if there are more or fewer values than variables.
    pub fn run_all_in_order(
        &self,
        values: &[Var<'_>],
        outs: &mut [ViewMut<'_>],
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        let run = |core: &Core, values: Values<'_>| launch::run(core, values, outs, progress);
        self.run_guarded(Values::InOrder(values), run)
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
        self.run_all(vars, &mut [out.into()], progress)
    }

    /// Runs into one output for each result, as [`Program::run_with`] does into one. No two outputs
    /// may share memory.
    ///
    /// ```
    /// use ndexpr::{Engine, ViewMut, vars};
    ///
    /// let x = [3.0, 4.0];
    /// let program = Engine::global().program("x*x, sum(x)", &vars! { x })?;
    /// let (mut squares, mut total) = ([0.0; 2], ndarray::arr0(0.0));
    /// program.run_all(&vars! { x }, &mut [ViewMut::from(&mut squares[..]), ViewMut::from(&mut total)], None)?;
    /// assert_eq!((squares, total.into_scalar()), ([9.0, 16.0], 7.0));
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Program::run_with`], if there are more or fewer outputs than results, or if two outputs
    /// share memory.
    pub fn run_all(&self, vars: &Vars<'_>, outs: &mut [ViewMut<'_>], progress: Option<&Progress>) -> Result<(), Error> {
        let run = |core: &Core, values: Values<'_>| launch::run(core, values, outs, progress);
        self.run_guarded(Values::Named(vars), run)
    }

    /// Runs into fresh arrays, whose memory order follows the inputs': one, or a tuple or `Vec` for
    /// several results.
    ///
    /// # Errors
    ///
    /// As [`Program::run`], and if the results are not of the types asked for, or there is no
    /// memory for them.
    pub fn evaluate<R: FromResults>(&self, vars: &Vars<'_>) -> Result<R, Error> {
        self.run_guarded(Values::Named(vars), fresh::evaluate)
    }

    /// The same as [`Program::evaluate`], but the result is in memory of a pool, which gets that
    /// memory back when the result is dropped.
    ///
    /// # Errors
    ///
    /// As [`Program::evaluate`].
    pub fn evaluate_pooled<'p>(&self, vars: &Vars<'_>, pool: &'p OutputPool) -> Result<Pooled<'p>, Error> {
        if self.core.n_results() != 1 {
            return Err(self.in_text(self.core.count_error(1)));
        }
        Ok(self.evaluate_all_pooled(vars, pool)?.swap_remove(0))
    }

    /// The same as [`Program::evaluate_pooled`], for any number of results.
    ///
    /// # Errors
    ///
    /// As [`Program::evaluate`].
    pub fn evaluate_all_pooled<'p>(&self, vars: &Vars<'_>, pool: &'p OutputPool) -> Result<Vec<Pooled<'p>>, Error> {
        let evaluate = |core: &Core, values: Values<'_>| fresh::evaluate_pooled(core, values, pool);
        self.run_guarded(Values::Named(vars), evaluate)
    }

    /// What a stage of the compiler makes of the text, as text.
    #[must_use]
    pub fn explain(&self, stage: Stage) -> String {
        let Core { text, signature, compiled, context, .. } = &self.core;
        compile::explain(text, compiled, signature, context.setting(), stage).unwrap_or_else(|error| error.render())
    }
}

/// A result of a [`Program`] or a [`Procedure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputInfo<'p> {
    /// The name that the text returns, if it returns one: `return y, x + 1` has results `y` and
    /// `None`.
    pub name: Option<&'p str>,
    /// The type of its elements, as in [`Program::result_dtype`].
    pub dtype: DType,
}

impl OutputInfo<'_> {
    /// The result of this number.
    fn of(core: &Core, number: usize) -> OutputInfo<'_> {
        let text = core.compiled.resolved.results()[number].span.text(&core.text);
        let is_name =
            text.chars().all(|c| c == '_' || c.is_alphanumeric()) && !text.starts_with(|c: char| c.is_numeric());
        OutputInfo { name: is_name.then_some(text), dtype: core.result_dtype(number) }
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
