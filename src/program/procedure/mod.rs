//! Procedures: compiled texts that update arrays.
//!
//! ```text
//! mod      a text -> phases, each a compiled program, and what their results are for
//! flow     where the values of a phase come from and go to
//! hazards  what a phase reads and writes -> which results need memory of their own
//! blocks   updates that are computed block by block
//! spare    memory that is kept from call to call
//! plans    plans for arrays that lie as before
//! decided  how the arrays of a phase lie -> what it reads and writes, and where
//! phase    runs a phase
//! ```

mod blocks;
mod decided;
mod flow;
mod hazards;
mod phase;
mod plans;
mod spare;

use super::core::Core;
use super::guard;
use super::numbers::Variants;
use super::{OutputInfo, Program};
use crate::compile::{self, Clock, Stage};
use crate::context::Context;
use crate::error::Error;
use crate::options::{Backend, Unused};
use crate::resolve::{Mode, Root};
use crate::results::FromResults;
use crate::targets::Targets;
use crate::vars::{Signature, VarType, Vars};
use flow::Source;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{Overlap, View, ViewMut};
use once_cell::race::OnceBox;
use phase::Phase;
use std::sync::Arc;

/// A compiled text that updates arrays, and may give results. Immutable, and may run on many
/// threads at once.
///
/// The statements have the effects that they have in NumPy, in this order. What lines up element by
/// element runs as one loop; other statements get loops of their own, in order. If a call fails or
/// is cancelled, each array has what was written so far: some of its elements may be new, and
/// others as they were.
///
/// A call finds out how the arrays lie and which of them can be written directly. The next one uses
/// that again if its arrays have the same dtypes, shapes and strides. Results that cannot be
/// written directly need memory; up to a megabyte for each phase is kept from one call to the next.
///
/// ```
/// use ndarray::{Array1, array};
/// use ndexpr::{DType, Engine, Signature, VarType, targets, vars};
///
/// let array = VarType::array(DType::Float64);
/// let signature = Signature::new().with("u", array).with("f", array);
/// let step = Engine::global().procedure("u[1:-1] += 0.5*f[1:-1]; return sum(u)", &signature, &["u"])?;
/// let (mut u, f) = (Array1::<f64>::zeros(4), array![1.0, 2.0, 3.0, 4.0]);
/// for round in 1..4 {
///     let total: f64 = step.call(&vars! { f }, &mut targets! { u })?;
///     assert_eq!(total, 2.5*f64::from(round));
/// }
/// assert_eq!(u, array![0.0, 3.0, 4.5, 0.0]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub struct Procedure {
    text: Arc<str>,
    signature: Signature,
    /// The names of the arrays that are updated, in the signature's spelling.
    written: Vec<String>,
    context: Arc<Context>,
    phases: Phases,
    /// For calls in which arrays of different names share memory.
    careful: OnceBox<Result<Phases, Error>>,
}

/// The phases of a text, in order.
struct Phases {
    all: Vec<Phase>,
    n_carried: usize,
}

impl Procedure {
    pub(crate) fn new(
        text: &str,
        signature: &Signature,
        written: &[&str],
        context: Arc<Context>,
        progress: Option<&Progress>,
    ) -> Result<Procedure, Error> {
        let mut names = Vec::with_capacity(written.len());
        for name in written {
            let name = ndexpr_grammar::normal_name(name).into_owned();
            match signature.get(&name) {
                Some(ty) if !ty.is_scalar => names.push(name),
                _ => return Err(Error::target_type(&name)),
            }
        }
        let text: Arc<str> = text.into();
        let phases = Phases::new(&text, signature, &names, &context, false, progress)?;
        if context.options.unused == Unused::Deny {
            let graphs = phases.all.iter().map(|phase| phase.program.core.graph());
            compile::check_all_used(graphs, signature).map_err(|error| error.in_text(&text, &context.registry))?;
        }
        let signature = signature.clone();
        Ok(Procedure { text, signature, written: names, context, phases, careful: OnceBox::new() })
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The types of the variables that it was compiled for, those of updated arrays included.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The names of the arrays that it may update.
    pub fn written(&self) -> impl ExactSizeIterator<Item = &str> {
        self.written.iter().map(String::as_str)
    }

    /// Whether it gives a tuple of results.
    #[must_use]
    pub fn is_tuple(&self) -> bool {
        self.phases.all.last().is_some_and(|phase| phase.program.is_tuple())
    }

    /// The results that it gives, in order; often there are none.
    ///
    /// ```
    /// use ndexpr::{DType, Engine, Signature, VarType};
    ///
    /// let signature = Signature::new().with("u", VarType::array(DType::Float64));
    /// let procedure = Engine::global().procedure("u += 1; t = sum(u); return t, u[0] > 1", &signature, &["u"])?;
    /// let outputs: Vec<_> = procedure.outputs().map(|output| (output.name, output.dtype)).collect();
    /// assert_eq!(outputs, [(Some("t"), DType::Float64), (None, DType::Bool)]);
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    pub fn outputs(&self) -> impl Iterator<Item = OutputInfo<'_>> {
        self.phases.all.last().into_iter().flat_map(Phase::outputs)
    }

    /// What a stage of the compiler makes of each phase, as text.
    #[must_use]
    pub fn explain(&self, stage: Stage) -> String {
        let mut all = String::new();
        for (number, phase) in self.phases.all.iter().enumerate() {
            if self.phases.all.len() > 1 && stage != Stage::Ast {
                all.push_str(&format!("phase {number}\n"));
            }
            all.push_str(&phase.program.explain(stage));
            if stage == Stage::Ast {
                break;
            }
        }
        all
    }

    /// What runs the phases: the interpreter, if the engine was told to use it or if machine code
    /// could not be made for one of them.
    #[must_use]
    pub fn backend(&self) -> Backend {
        if self.fallback_reason().is_some() { Backend::Interp } else { Backend::Jit }
    }

    /// Why a phase, or a layout that it has been run with, is interpreted. None if none is.
    #[must_use]
    pub fn fallback_reason(&self) -> Option<&str> {
        self.phases.all.iter().find_map(|phase| phase.program.fallback_reason())
    }

    /// Updates the arrays.
    ///
    /// # Errors
    ///
    /// If a variable or an array is missing or of another type than compiled for, shapes do not
    /// broadcast, a value does not have the shape of what it is assigned to, or the text gives
    /// results.
    pub fn run(&self, vars: &Vars<'_>, targets: &mut Targets<'_>) -> Result<(), Error> {
        self.run_with(vars, targets, None)
    }

    /// The same as [`Procedure::run`], but the progress may stop it.
    ///
    /// # Errors
    ///
    /// As [`Procedure::run`], and if it is cancelled.
    pub fn run_with(
        &self,
        vars: &Vars<'_>,
        targets: &mut Targets<'_>,
        progress: Option<&Progress>,
    ) -> Result<(), Error> {
        self.call_with(vars, targets, progress)
    }

    /// Updates the arrays, and gives the results in fresh arrays.
    ///
    /// # Errors
    ///
    /// As [`Procedure::run`], and if the results are not of the types asked for.
    pub fn call<R: FromResults>(&self, vars: &Vars<'_>, targets: &mut Targets<'_>) -> Result<R, Error> {
        self.call_with(vars, targets, None)
    }

    /// The same as [`Procedure::call`], but the progress may stop it.
    ///
    /// # Errors
    ///
    /// As [`Procedure::call`], and if it is cancelled.
    pub fn call_with<R: FromResults>(
        &self,
        vars: &Vars<'_>,
        targets: &mut Targets<'_>,
        progress: Option<&Progress>,
    ) -> Result<R, Error> {
        let results = self.check_types::<R>().and_then(|()| self.results(vars, targets, progress));
        let results = results.and_then(|results| R::from_outputs(&mut results.into_iter()));
        results.map_err(|error| error.in_text(&self.text, &self.context.registry))
    }

    /// Checks that there are as many results as are asked for, of their dtypes.
    fn check_types<R: FromResults>(&self) -> Result<(), Error> {
        let Some(last) = self.phases.all.last() else { return Ok(()) };
        let (core, roots) = (&last.program.core, &last.results[..]);
        if let Some(expected) = R::COUNT
            && expected != roots.len()
        {
            return Err(Error::result_count(expected, roots.len(), core.results_span(roots)));
        }
        for (number, &root) in roots.iter().enumerate() {
            if let Some(expected) = R::wanted(number).dtype
                && expected != core.result_dtype(root)
            {
                return Err(core.dtype_error(root, expected));
            }
        }
        Ok(())
    }

    /// Runs all phases.
    fn results(
        &self,
        vars: &Vars<'_>,
        targets: &mut Targets<'_>,
        progress: Option<&Progress>,
    ) -> Result<Vec<Output>, Error> {
        let mut places = Vec::with_capacity(self.written.len());
        for name in &self.written {
            let place = targets.place(name).ok_or_else(|| Error::missing_target(name))?;
            let (found, expected) = (targets.arrays()[place].dtype(), self.signature.get(name).map(|ty| ty.dtype));
            if expected.is_some_and(|expected| expected != found) {
                let ty = VarType::array(expected.unwrap_or(found));
                return Err(Error::variable_type(name, ty, found, targets.arrays()[place].n_axes(), None));
            }
            places.push(place);
        }
        let phases = match is_shared(targets.arrays(), vars) {
            false => &self.phases,
            true => {
                let make = || {
                    let phases = Phases::new(&self.text, &self.signature, &self.written, &self.context, true, None);
                    Box::new(phases)
                };
                self.careful.get_or_init(make).as_ref().map_err(Clone::clone)?
            }
        };
        let mut call = phase::Call::new(vars, targets.arrays(), &places, phases.n_carried, progress);
        for phase in &phases.all {
            guard::guarded(&phase.program.core, || phase.run(&mut call))?;
        }
        Ok(call.into_results())
    }

    /// About how many bytes of memory it takes, its machine code included.
    pub(crate) fn n_bytes(&self) -> usize {
        let careful = self.careful.get().and_then(|phases| phases.as_ref().ok());
        let phases = [Some(&self.phases), careful].into_iter().flatten().flat_map(|phases| &phases.all);
        self.text.len() + self.signature.n_bytes() + phases.map(|phase| phase.program.n_bytes()).sum::<usize>()
    }
}

impl std::fmt::Debug for Procedure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Procedure")
            .field("text", &self.text)
            .field("signature", &format_args!("{}", self.signature))
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

impl Phases {
    fn new(
        text: &Arc<str>,
        signature: &Signature,
        written: &[String],
        context: &Arc<Context>,
        is_careful: bool,
        progress: Option<&Progress>,
    ) -> Result<Phases, Error> {
        let is_written = |name: &str| written.iter().any(|known| known == name);
        let mode = Mode::Update { is_written: &is_written, is_careful };
        let phases = compile::resolve(text, mode, context.setting(), &mut Clock::start());
        let phases = phases.map_err(|error| error.in_text(text, &context.registry))?;
        let mut all = Vec::with_capacity(phases.len());
        // The types of what earlier phases leave.
        let mut signature = signature.clone();
        let mut carried: Vec<String> = Vec::new();
        for phase in phases {
            let (resolved, roots) = (phase.resolved, phase.roots);
            let core =
                Core::of_resolved((text, resolved), &signature, None, Arc::clone(context), progress, Clock::start())?;
            let first_carried = carried.len();
            for (number, root) in roots.iter().enumerate() {
                if let Root::Carried(name) = *root {
                    let (graph, name) = (core.graph(), core.compiled.resolved.name(name).to_owned());
                    let dtype = core.result_dtype(number);
                    // Optimising may leave one value for all elements of an array.
                    let is_scalar = graph.is_scalar(graph.roots()[number]) && graph.root_domains()[number].is_empty();
                    let ty = if is_scalar { VarType::scalar(dtype) } else { VarType::array(dtype) };
                    signature = signature.with(name.as_str(), ty);
                    carried.push(name);
                }
            }
            let source = |name: &str| match carried[..first_carried].iter().position(|known| known == name) {
                Some(place) => Source::Carried(place),
                None => match written.iter().position(|known| known == name) {
                    Some(place) => Source::Target(place),
                    None => Source::Var,
                },
            };
            let sources = core.graph().given_vars().iter().map(|given| source(&given.name)).collect();
            let program = Program { core, variants: Variants::default() };
            all.push(Phase::new(program, roots, sources, written, first_carried, is_careful));
        }
        Ok(Phases { all, n_carried: carried.len() })
    }
}

/// Whether an array that is updated shares memory with another array of the call.
fn is_shared(targets: &[ViewMut<'_>], vars: &Vars<'_>) -> bool {
    targets.iter().enumerate().any(|(place, target)| {
        let overlaps = |other: &View<'_>| Overlap::of(other, target) != Overlap::None;
        targets[..place].iter().any(|other| overlaps(&other.as_view()))
            || vars.iter().any(|(_, var)| var.as_view().is_some_and(overlaps))
    })
}
