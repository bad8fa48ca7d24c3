//! Engines: options, threads, and a cache of programs.

mod cache;

use crate::codegen::Generator;
use crate::compile::{self, UsedName};
use crate::context::Context;
use crate::error::Error;
use crate::function::Function;
use crate::functions::{self, FunctionInfo};
use crate::options::{Backend, CompileOptions, FloatMode, MaxIterations, Registers, Unused};
use crate::program::{Procedure, Program};
use crate::resolve::Registry;
use crate::results::FromResults;
use crate::targets::Targets;
use crate::vars::{Signature, VarType, Vars};
use cache::Cache;
use ndexpr_grammar::Limits;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::pool::{self, Pool};
use ndexpr_runtime::view::ViewMut;
use once_cell::race::OnceBox;
use std::sync::Arc;

/// Compiles and runs expressions. Cheap to share between threads; most programs need one.
///
/// ```
/// use ndexpr::{Engine, vars};
///
/// let engine = Engine::builder().threads(1).build()?;
/// let a = [1.0, 2.0, 3.0];
/// let twice: ndarray::Array1<f64> = engine.evaluate("a + a", &vars! { a })?;
/// assert_eq!(twice, ndarray::array![2.0, 4.0, 6.0]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub struct Engine {
    context: Arc<Context>,
    cache: Cache<Program>,
    procedures: Cache<Procedure>,
}

impl Engine {
    /// Chooses options; [`EngineBuilder::build`] makes the engine.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The engine of [`evaluate`](crate::evaluate): default options, made when first asked for.
    ///
    /// Where [`EngineBuilder::build`] would refuse the value of `NDEXPR_NUM_THREADS`, this ignores
    /// it.
    #[must_use]
    pub fn global() -> &'static Engine {
        static GLOBAL: OnceBox<Engine> = OnceBox::new();
        GLOBAL.get_or_init(|| {
            let build = |threads| Engine::builder().threads(threads).build();
            let threads = pool::default_threads().unwrap_or_else(|_| pool::available_threads());
            Box::new(build(threads).or_else(|_| build(1)).expect("one thread needs no pool"))
        })
    }

    /// Threads that may take part in one evaluation, the caller's included.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.context.pool.n_threads()
    }

    /// All functions that texts of the engine can call: those of the language that nothing hides,
    /// as [`functions`](crate::functions()) lists them, then those of Rust, then those of preludes.
    ///
    /// ```
    /// use ndexpr::{Engine, Function};
    ///
    /// let logistic = Function::scalar("logistic", |x: f64| 1.0 / (1.0 + (-x).exp())).doc("1 / (1 + e ** -x).");
    /// let prelude = "def half(x, of=1): return x/2*of";
    /// let engine = Engine::builder().function(logistic).prelude(prelude).build()?;
    /// let functions = engine.functions();
    /// let [.., logistic, half] = &functions[..] else { panic!("they come last") };
    /// assert_eq!((logistic.name, &logistic.params[..], logistic.doc), ("logistic", &["x"][..], "1 / (1 + e ** -x)."));
    /// assert_eq!((half.name, &half.params[..]), ("half", &["x", "of=1"][..]));
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionInfo<'_>> {
        functions::all(&self.context.registry)
    }

    /// See [`raw::code_bytes`](crate::raw::code_bytes).
    pub(crate) fn code_bytes(&self) -> usize {
        self.context.generator.as_ref().map_or(0, Generator::code_bytes)
    }

    /// The names in a text that stand for variables, in the order in which it first has them: for
    /// callers that look values up by name, before there is a signature.
    ///
    /// # Errors
    ///
    /// If the text is not an expression.
    ///
    /// ```
    /// let names = ndexpr::Engine::global().names("b*sin(a) + b/pi + sum(c, axis=None)")?;
    /// let names: Vec<_> = names.iter().map(|used| (used.name.as_str(), used.is_constant)).collect();
    /// assert_eq!(names, [("b", false), ("a", false), ("pi", true), ("c", false)]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    pub fn names(&self, text: &str) -> Result<Vec<UsedName>, Error> {
        compile::names(text, self.context.setting())
    }

    /// Compiles a text for variables of these types. Variables that it does not use are allowed
    /// unless the engine denies them.
    ///
    /// # Errors
    ///
    /// If the text is not an expression, names something that does not exist, or applies an
    /// operation to dtypes that it is not defined for; see [`ErrorKind`](crate::ErrorKind).
    pub fn compile(&self, text: &str, signature: &Signature) -> Result<Arc<Program>, Error> {
        self.compile_with(text, signature, None)
    }

    /// The same as [`Engine::compile`], but the progress may stop it: by [`Progress::cancel`] from
    /// another thread, or by the function that it [asks](Progress::asking). A long text takes up to
    /// a second. It is stopped between passes, between loops and between the functions of a loop,
    /// each of which takes some 10 ms; what calls of the program compile later is not stopped.
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`], and if it is cancelled.
    ///
    /// ```
    /// use ndexpr::{DType, Engine, ErrorKind, Progress, Signature, VarType};
    ///
    /// let signature = Signature::new().with("a", VarType::array(DType::Float64));
    /// let progress = Progress::default();
    /// progress.cancel();
    /// let engine = Engine::builder().build()?;
    /// let error = engine.compile_with("a + 1", &signature, Some(&progress)).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Cancelled);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    pub fn compile_with(
        &self,
        text: &str,
        signature: &Signature,
        progress: Option<&Progress>,
    ) -> Result<Arc<Program>, Error> {
        Program::new(text, signature, Arc::clone(&self.context), progress).map(Arc::new)
    }

    /// Compiles a text that updates arrays, for variables of these types. `written` are the names
    /// of those that it may update.
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`], and if the text updates anything else, or a name of `written` is no
    /// array of the signature.
    pub fn procedure(&self, text: &str, signature: &Signature, written: &[&str]) -> Result<Arc<Procedure>, Error> {
        self.procedure_with(text, signature, written, None)
    }

    /// The same as [`Engine::procedure`], but the progress may stop it, as in
    /// [`Engine::compile_with`].
    ///
    /// # Errors
    ///
    /// As [`Engine::procedure`], and if it is cancelled.
    pub fn procedure_with(
        &self,
        text: &str,
        signature: &Signature,
        written: &[&str],
        progress: Option<&Progress>,
    ) -> Result<Arc<Procedure>, Error> {
        Procedure::new(text, signature, written, Arc::clone(&self.context), progress).map(Arc::new)
    }

    /// Runs a text that updates arrays; see [`execute`](crate::execute). It is compiled at the
    /// first call with this text and these types, and found in a cache later.
    ///
    /// # Errors
    ///
    /// As [`Engine::procedure`] and [`Procedure::run`].
    pub fn execute(&self, text: &str, vars: &Vars<'_>, targets: &mut Targets<'_>) -> Result<(), Error> {
        self.procedure_for(text, vars, targets)?.run(vars, targets)
    }

    /// The procedure for a text, variables and arrays of these types, from the cache if it is
    /// there.
    ///
    /// # Errors
    ///
    /// As [`Engine::procedure`].
    pub fn procedure_for(&self, text: &str, vars: &Vars<'_>, targets: &Targets<'_>) -> Result<Arc<Procedure>, Error> {
        self.procedures.get_or_compile((text, vars, targets), || {
            let mut signature = vars.signature();
            for (name, dtype) in targets.iter() {
                signature = signature.with(name, VarType::array(dtype));
            }
            let names: Vec<&str> = targets.iter().map(|(name, _)| name).collect();
            self.procedure(text, &signature, &names)
        })
    }

    /// Evaluates a text into a fresh array. The program is compiled at the first call with this
    /// text and these types, and found in a cache later.
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`] and [`Program::evaluate`].
    pub fn evaluate<R: FromResults>(&self, text: &str, vars: &Vars<'_>) -> Result<R, Error> {
        self.cached(text, vars)?.evaluate(vars)
    }

    /// Evaluates a text into an output, as [`Program::run`] does. In all other respects this is the
    /// same as [`Engine::evaluate`].
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`] and [`Program::run`].
    pub fn evaluate_into<'o>(&self, text: &str, vars: &Vars<'_>, out: impl Into<ViewMut<'o>>) -> Result<(), Error> {
        self.cached(text, vars)?.run(vars, out)
    }

    /// The program for a text and these variables, from the cache if it is there: it depends on
    /// their types, and may depend on the values of weak integers (`2**k` is a float if `k` is
    /// negative).
    ///
    /// # Errors
    ///
    /// As [`Engine::compile`].
    pub fn program(&self, text: &str, vars: &Vars<'_>) -> Result<Arc<Program>, Error> {
        let program = self.cached(text, vars)?;
        let variant = program.variant_for(vars)?;
        Ok(variant.unwrap_or(program))
    }

    /// The program for a text and variables of these types. If the values of a call need a variant
    /// of it, it runs that variant.
    fn cached(&self, text: &str, vars: &Vars<'_>) -> Result<Arc<Program>, Error> {
        self.cache.get_or_compile((text, vars), || self.compile(text, &vars.signature()))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("threads", &self.threads())
            .field("options", &self.context.options)
            .finish_non_exhaustive()
    }
}

/// Chooses the options of an [`Engine`].
#[derive(Clone, Debug)]
pub struct EngineBuilder {
    threads: Option<usize>,
    cache_capacity: usize,
    cache_bytes: usize,
    options: CompileOptions,
    functions: Vec<Function>,
    preludes: Vec<String>,
}

impl Default for EngineBuilder {
    fn default() -> EngineBuilder {
        EngineBuilder {
            threads: None,
            cache_capacity: 256,
            cache_bytes: 64 << 20,
            options: CompileOptions::default(),
            functions: Vec::new(),
            preludes: Vec::new(),
        }
    }
}

impl EngineBuilder {
    /// Threads that may take part in one evaluation, the caller's included. Unless this is set, it
    /// is the value of the environment variable `NDEXPR_NUM_THREADS` (values above
    /// [`MAX_THREADS`](crate::MAX_THREADS) count as that), or else the number of processors that
    /// this process may use.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> EngineBuilder {
        self.threads = Some(threads);
        self
    }

    /// How freely floats are computed; [`FloatMode::Strict`] unless set.
    #[must_use]
    pub fn float_mode(mut self, floats: FloatMode) -> EngineBuilder {
        self.options.floats = floats;
        self
    }

    /// What runs programs; [`Backend::Jit`] unless set.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> EngineBuilder {
        self.options.backend = backend;
        self
    }

    /// What to do with variables that a text does not use; [`Unused::Allow`] unless set.
    #[must_use]
    pub fn unused(mut self, unused: Unused) -> EngineBuilder {
        self.options.unused = unused;
        self
    }

    /// Compiles for vector registers of 128 bits, for tests: results have the same bits.
    #[doc(hidden)]
    #[must_use]
    pub fn narrow_registers(mut self) -> EngineBuilder {
        self.options.registers = Registers::Bits128;
        self
    }

    /// Bounds on texts.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> EngineBuilder {
        self.options.limits = limits;
        self
    }

    /// The most iterations of a loop for one element, ten million unless set. A loop that goes on
    /// longer is an error of kind [`ErrorKind::Iterations`](crate::ErrorKind::Iterations). Compiled
    /// loops do a few iterations at once, and may do that many more.
    ///
    /// ```
    /// use ndarray::{Array1, array};
    /// use ndexpr::{Engine, ErrorKind, vars};
    ///
    /// let engine = Engine::builder().max_iterations(1000).build()?;
    /// let x = array![1.0, 2.0];
    /// let text = "while x > 0: x += 1\nreturn x";
    /// let error = engine.evaluate::<Array1<f64>>(text, &vars! { x }).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Iterations);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    #[must_use]
    pub fn max_iterations(mut self, iterations: u64) -> EngineBuilder {
        self.options.max_iterations = MaxIterations(iterations);
        self
    }

    /// How many programs the cache holds, 256 unless set; those least recently used make room. 0
    /// turns it off.
    #[must_use]
    pub fn cache_capacity(mut self, programs: usize) -> EngineBuilder {
        self.cache_capacity = programs;
        self
    }

    /// How many bytes the programs in the cache take together, 64 MiB unless set; those least
    /// recently used make room. A program that takes more by itself is not kept.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: usize) -> EngineBuilder {
        self.cache_bytes = bytes;
        self
    }

    /// Adds a function of Rust that all texts of the engine can call; see [`Function`].
    #[must_use]
    pub fn function(mut self, function: Function) -> EngineBuilder {
        self.functions.push(function);
        self
    }

    /// Adds a text of functions that all texts of the engine can call, as if each began with these
    /// definitions:
    ///
    /// ```
    /// use ndexpr::{Engine, vars};
    ///
    /// let engine = Engine::builder()
    ///     .prelude(
    ///         "
    ///         def spread(x):
    ///             \"\"\"The largest minus the smallest.\"\"\"
    ///             return x.max() - x.min()
    ///
    ///         def scaled(x, to=1):
    ///             return (x - x.min()) / spread(x) * to",
    ///     )
    ///     .build()?;
    /// let a = [1.0, 2.0, 5.0];
    /// let result: ndarray::Array1<f64> = engine.evaluate("scaled(a, to=100)", &vars! { a })?;
    /// assert_eq!(result, ndarray::array![0.0, 25.0, 100.0]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    ///
    /// A prelude has definitions, docstrings and comments, and nothing else. A function of it may
    /// call functions of the language and of Rust, those of the same prelude and of preludes that
    /// were added before. Names that it does not assign to are variables of the call; what a text
    /// assigns or defines means nothing to it. So texts cannot change what a prelude's function
    /// does.
    ///
    /// A name means, in this order, what the text defines, the function of the last prelude that
    /// has it, a function of Rust, a function of the language.
    ///
    /// A prelude is parsed once, within the default [`Limits`]. A call of a function counts as much
    /// as its body where the limits of a text are concerned. Texts that call nothing of a prelude
    /// take no longer to compile than without. Errors show the call in the text, and the place in
    /// the prelude.
    #[must_use]
    pub fn prelude(mut self, text: impl Into<String>) -> EngineBuilder {
        self.preludes.push(text.into());
        self
    }

    /// Makes the engine. Threads start when they are first needed.
    ///
    /// # Errors
    ///
    /// If the number of threads is 0 or more than [`MAX_THREADS`](crate::MAX_THREADS). Unless it
    /// was set: if `NDEXPR_NUM_THREADS` is not a positive integer. If a text cannot call a function
    /// by its name, or a prelude is not made of functions.
    pub fn build(self) -> Result<Engine, Error> {
        let registry = Registry::new(&self.functions, &self.preludes)?;
        let pool = Pool::new(self.threads.map_or_else(pool::default_threads, Ok)?)?;
        let generator = Generator::for_host(self.options.registers);
        Ok(Engine {
            context: Arc::new(Context { options: self.options, registry, pool, generator }),
            cache: Cache::new(self.cache_capacity, self.cache_bytes),
            procedures: Cache::new(self.cache_capacity, self.cache_bytes),
        })
    }
}
