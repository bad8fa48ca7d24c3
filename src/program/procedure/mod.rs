//! Procedures: compiled texts that update arrays.
//!
//! ```text
//! mod      a text -> phases, each a compiled program, and what their results are for
//! flow     where the values of a phase come from and go to
//! hazards  what a phase reads and writes -> which results need memory of their own
//! blocks   updates that are computed block by block
//! spare    memory that is kept from call to call
//! plans    plans for arrays that lie as before
//! control  which phase is next
//! types    the types of what phases leave, where control may take several ways
//! decided  how the arrays of a phase lie -> what it reads and writes, and where
//! phase    runs a phase
//! ```

mod blocks;
mod control;
mod decided;
mod flow;
mod hazards;
mod phase;
mod plans;
mod spare;
mod types;

use super::core::Core;
use super::guard;
use super::numbers::Variants;
use super::{OutputInfo, Program};
use crate::compile::{self, Clock, Stage};
use crate::context::Context;
use crate::error::Error;
use crate::hir::Given;
use crate::options::{Backend, Unused};
use crate::resolve::{End, Mode, Root};
use crate::results::FromResults;
use crate::targets::Targets;
use crate::vars::{Signature, Var, VarType, Vars};
use control::Control;
use decided::Decided;
use flow::{Counts, Source};
use ndexpr_grammar::NameId;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{CallArrays, Overlap, View, ViewMut};
use once_cell::race::OnceBox;
use phase::Phase;
use smallvec::SmallVec;
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
    /// The arrays that are updated, in the signature's spelling.
    written: Vec<(String, DType)>,
    context: Arc<Context>,
    phases: Phases,
    /// For calls in which arrays of different names share memory.
    careful: OnceBox<Result<Phases, Error>>,
}

/// The phases of a text, in order.
struct Phases {
    all: Vec<Phase>,
    loops: Vec<control::Loop>,
    /// The types of what phases leave for others.
    carried: Vec<VarType>,
    /// See [`Procedure::variables`].
    variables: Vec<(String, VarType)>,
}

/// The values of a call's variables, and its arrays for writing.
type InOrder<'v> = (SmallVec<[Var<'v>; 8]>, SmallVec<[ViewMut<'v>; 4]>);

impl Procedure {
    pub(crate) fn new(
        text: &str,
        signature: &Signature,
        written: &[&str],
        context: Arc<Context>,
        progress: Option<&Progress>,
    ) -> Result<Procedure, Error> {
        let mut arrays: Vec<(String, DType)> = Vec::with_capacity(written.len());
        for name in written {
            let name = ndexpr_grammar::normal_name(name).into_owned();
            match signature.get(&name) {
                Some(_) if arrays.iter().any(|(known, _)| *known == name) => {}
                Some(ty) if !ty.is_scalar => arrays.push((name, ty.dtype)),
                _ => return Err(Error::target_type(&name)),
            }
        }
        let (text, written): (Arc<str>, _) = (text.into(), arrays);
        let phases = Phases::new(&text, signature, &written, Vec::new(), &context, false, progress)?;
        if context.options.unused == Unused::Deny {
            let graphs = phases.all.iter().map(|phase| phase.program.core.graph());
            compile::check_all_used(graphs, signature).map_err(|error| error.in_text(&text, &context.registry))?;
        }
        let signature = signature.clone();
        Ok(Procedure { text, signature, written, context, phases, careful: OnceBox::new() })
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

    /// The names of the arrays that it may update, each once.
    pub fn written(&self) -> impl ExactSizeIterator<Item = &str> {
        self.written.iter().map(|(name, _)| name.as_str())
    }

    /// The variables that the text uses and that it does not update, in the order in which it first
    /// names them. A call needs a value for each.
    pub fn variables(&self) -> impl ExactSizeIterator<Item = (&str, VarType)> {
        self.phases.variables.iter().map(|(name, ty)| (name.as_str(), *ty))
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
        self.called(|| {
            let (values, mut arrays) = self.in_order(vars, targets)?;
            self.results(&values, &mut arrays, progress)
        })
    }

    /// The same as [`Procedure::call_with`], on values in the order of [`Procedure::variables`] and
    /// arrays in the order of [`Procedure::written`]: for callers that have looked the names up
    /// before.
    ///
    /// ```
    /// use ndexpr::{DType, Engine, Signature, Var, VarType, ViewMut};
    ///
    /// let array = VarType::array(DType::Float64);
    /// let signature = Signature::new().with("u", array).with("v", array).with("k", VarType::scalar(DType::Float64));
    /// let step = Engine::global().procedure("u[1:] += k*v[1:]; v += u", &signature, &["u", "v"])?;
    /// assert!(step.variables().map(|(name, _)| name).eq(["k"]));
    /// let (mut u, mut v) = ([1.0, 2.0], [10.0, 20.0]);
    /// let mut arrays = [ViewMut::from(&mut u[..]), ViewMut::from(&mut v[..])];
    /// step.call_in_order::<()>(&[Var::from(0.5)], &mut arrays, None)?;
    /// assert_eq!((u, v), ([1.0, 12.0], [11.0, 32.0]));
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Procedure::call_with`], and if there are more or fewer values or arrays than that.
    pub fn call_in_order<R: FromResults>(
        &self,
        values: &[Var<'_>],
        arrays: &mut [ViewMut<'_>],
        progress: Option<&Progress>,
    ) -> Result<R, Error> {
        self.called(|| self.results(values, arrays, progress))
    }

    /// Gives the results of a call as what is asked for. All that is wrong becomes an error about
    /// the text.
    fn called<R: FromResults>(&self, call: impl FnOnce() -> Result<Vec<Output>, Error>) -> Result<R, Error> {
        let results = self.check_types::<R>().and_then(|()| call());
        let results = results.and_then(|results| R::from_outputs(&mut results.into_iter()));
        results.map_err(|error| error.in_text(&self.text, &self.context.registry))
    }

    /// What a call gives by name, in order.
    fn in_order<'v>(&self, vars: &Vars<'v>, targets: &'v mut Targets<'_>) -> Result<InOrder<'v>, Error> {
        let places: SmallVec<[usize; 4]> = self
            .written()
            .map(|name| targets.place(name).ok_or_else(|| Error::missing_target(name)))
            .collect::<Result<_, _>>()?;
        let mut given: SmallVec<[Option<&mut ViewMut<'_>>; 4]> = targets.arrays().iter_mut().map(Some).collect();
        let arrays = places.iter().map(|&place| given[place].take().map(ViewMut::reborrow));
        let arrays = arrays.collect::<Option<_>>().ok_or_else(|| Error::internal("an array of two names"))?;
        let first_use = |name: &str| self.phases.all.iter().find_map(|phase| phase.program.core.first_use(name));
        let value = |(name, _)| vars.get(name).cloned().ok_or_else(|| Error::missing_variable(name, first_use(name)));
        Ok((self.variables().map(value).collect::<Result<_, _>>()?, arrays))
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
        values: &[Var<'_>],
        arrays: &mut [ViewMut<'_>],
        progress: Option<&Progress>,
    ) -> Result<Vec<Output>, Error> {
        if values.len() != self.phases.variables.len() {
            return Err(Error::value_count(self.phases.variables.len(), values.len()));
        }
        if arrays.len() != self.written.len() {
            return Err(Error::array_count(self.written.len(), arrays.len()));
        }
        for ((name, expected), array) in self.written.iter().zip(&*arrays) {
            if *expected != array.dtype() {
                let ty = VarType::array(*expected);
                return Err(Error::variable_type(name, ty, array.dtype(), array.n_axes(), None));
            }
        }
        let phases = if is_shared(arrays, values) { self.careful()? } else { &self.phases };
        let mut call = phase::Call::new(values, arrays, &phases.carried, progress);
        let limits = (&phases.loops[..], self.context.options.max_iterations.0);
        let (mut control, mut at) = (Control::default(), 0);
        while let Some(phase) = phases.all.get(at) {
            guard::guarded(&phase.program.core, || phase.run(&mut call))?;
            at = control.next(limits, (at, phase.end), &mut call)?;
        }
        Ok(call.into_results())
    }

    /// See [`raw::procedure_has_loops`](crate::raw::procedure_has_loops).
    pub(crate) fn has_loops(&self) -> bool {
        !self.phases.loops.is_empty() || self.phases.all.iter().any(|phase| phase.program.has_loops())
    }

    /// See [`raw::run_procedure`](crate::raw::run_procedure).
    pub(crate) fn run_arrays(&self, arrays: &mut CallArrays<'_>) -> Option<Result<(), Error>> {
        let Phases { all, carried, variables, .. } = &self.phases;
        let counts = Counts { values: variables.len(), targets: self.written.len() };
        let gives_results = !carried.is_empty()
            || all.iter().any(|phase| phase.end != End::Next)
            || all.last().is_some_and(|last| !last.results.is_empty());
        if gives_results || arrays.n_arrays() != counts.values + counts.targets {
            return None;
        }
        let done = self.run_planned(counts, arrays).or_else(|| match &all[..] {
            // A flat call would take the same array under two names for one that is read and then
            // written, but statements may have another order.
            [only] if arrays.apart().is_some() => {
                guard::guarded(&only.program.core, || only.run_flat(counts, arrays).transpose()).transpose()
            }
            _ => None,
        });
        done.map(|done| done.map_err(|error| error.in_text(&self.text, &self.context.registry)))
    }

    /// Runs all phases as they ran last, if the arrays lie as they did then. Does nothing
    /// otherwise.
    fn run_planned(&self, counts: Counts, arrays: &mut CallArrays<'_>) -> Option<Result<(), Error>> {
        let mut phases: SmallVec<[(&Phase, Arc<Decided>); 2]> = SmallVec::new();
        for phase in self.phases.all.iter().filter(|phase| phase.is_to_run()) {
            phases.push((phase, phase.recent()?));
        }
        let arrays = arrays.apart()?;
        // Nothing runs before it is known that all phases can. The first one finds out by itself.
        let can_run = |(phase, decided): &(&Phase, Arc<Decided>)| decided.has_plans(&arrays, &phase.places(counts));
        if !phases.iter().skip(1).all(can_run) {
            return None;
        }
        for (phase, decided) in &phases {
            let core = &phase.program.core;
            let run = || decided.run_planned(core, &arrays, &phase.places(counts)).transpose();
            match guard::guarded(core, run) {
                Ok(done) => done?,
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(()))
    }

    /// The phases for calls in which arrays of different names share memory.
    #[cold]
    fn careful(&self) -> Result<&Phases, Error> {
        let make = || {
            let (written, variables) = (&self.written, self.phases.variables.clone());
            Box::new(Phases::new(&self.text, &self.signature, written, variables, &self.context, true, None))
        };
        self.careful.get_or_init(make).as_ref().map_err(Clone::clone)
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
            .field("written", &self.written().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Phases {
    /// The phases of a text. `variables` are those that are known; others come behind them.
    fn new(
        text: &Arc<str>,
        signature: &Signature,
        written: &[(String, DType)],
        mut variables: Vec<(String, VarType)>,
        context: &Arc<Context>,
        is_careful: bool,
        progress: Option<&Progress>,
    ) -> Result<Phases, Error> {
        let target = |name: &str| written.iter().position(|(known, _)| known == name);
        let is_written = |name: &str| target(name).is_some();
        let mode = Mode::Update { is_written: &is_written, is_careful };
        let phases = compile::resolve(text, mode, Some(signature), context.setting(), &mut Clock::start());
        let mut phases = phases.map_err(|error| error.in_text(text, &context.registry))?;
        let has_control = types::has_control(&phases);
        let needed = phases.needed();
        let is_needed = |root: &Root| root.carried().is_none_or(|name| needed.contains(&name));
        let has_unneeded = phases.all.iter().any(|phase| !phase.roots.iter().all(is_needed));
        // The types of what phases leave. Without branches they follow from the phases before.
        // But a value that is read for nothing has a type too, and no phase computes it.
        let mut signature = match has_control || has_unneeded {
            true => types::settle(&mut phases, signature, context.setting())
                .map_err(|error| error.in_text(text, &context.registry))?,
            false => signature.clone(),
        };
        phases.prune(&needed);
        let mut carried = Carried::default();
        for phase in &phases.all {
            phase.roots.iter().filter_map(Root::carried).for_each(|name| carried.add(name));
        }
        phases.loops.iter().filter_map(|the_loop| the_loop.range.as_ref()).for_each(|range| carried.add(range.value));
        let place = |name: NameId| carried.place(name);
        let loops = phases.loops.iter().map(|the_loop| control::Loop::new(the_loop, &place));
        let loops = loops.collect::<Option<_>>().ok_or_else(|| Error::internal("a loop without its values"))?;
        let mut types = vec![VarType::scalar(DType::Bool); carried.0.len()];
        let mut all = Vec::with_capacity(phases.all.len());
        for mut phase in phases.all {
            let moves = if has_control { types::take_moves(&mut phase, &signature) } else { Vec::new() };
            let moves = moves.into_iter().filter_map(|(to, from)| Some((carried.place(to)?, carried.place(from)?)));
            let moves = moves.collect();
            let (resolved, roots, end) = (phase.resolved, phase.roots, phase.end);
            let core =
                Core::of_resolved((text, resolved), &signature, None, Arc::clone(context), progress, Clock::start())?;
            let name_of = |name: NameId| core.compiled.resolved.name(name);
            for (number, root) in roots.iter().enumerate() {
                if let Root::Carried(name) = *root
                    && !has_control
                {
                    // Optimising may leave one value for all elements of an array.
                    signature = signature.with(name_of(name), core.graph().root_type(number));
                }
            }
            for (&name, ty) in carried.0.iter().zip(&mut types) {
                if let Some(known) = signature.get(name_of(name)) {
                    *ty = known;
                }
            }
            let mut source = |given: &Given| {
                if let Some(place) = carried.place(given.id) {
                    return Source::Carried(place);
                }
                if core.compiled.resolved.is_carried_name(given.id) {
                    return Source::Nothing;
                }
                if let Some(place) = target(&given.name) {
                    return Source::Target(place);
                }
                let place = variables.iter().position(|(known, _)| *known == given.name);
                Source::Var(place.unwrap_or_else(|| {
                    variables.push((given.name.clone(), given.ty));
                    variables.len() - 1
                }))
            };
            let sources = core.graph().given_vars().iter().map(&mut source).collect();
            let program = Program { core, variants: Variants::default() };
            all.push(Phase::new((program, roots), (sources, moves, end), &target, &place, is_careful));
        }
        Ok(Phases { all, loops, carried: types, variables })
    }
}

/// The names of what phases leave for others; each has a place.
#[derive(Default)]
struct Carried(Vec<NameId>);

impl Carried {
    fn add(&mut self, name: NameId) {
        if self.place(name).is_none() {
            self.0.push(name);
        }
    }

    fn place(&self, name: NameId) -> Option<usize> {
        self.0.iter().position(|&known| known == name)
    }
}

/// Whether an array that is updated shares memory with another array of the call.
fn is_shared(targets: &[ViewMut<'_>], values: &[Var<'_>]) -> bool {
    targets.iter().enumerate().any(|(place, target)| {
        let overlaps = |other: &View<'_>| Overlap::of(other, target) != Overlap::None;
        targets[..place].iter().any(|other| overlaps(&other.as_view()))
            || values.iter().any(|value| value.as_view().is_some_and(overlaps))
    })
}
