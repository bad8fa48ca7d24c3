//! One phase of a procedure, and how it runs.
//!
//! In: a call's variables, its arrays for writing, and what earlier phases have left. Out: the
//! arrays updated, and what later phases need. Always true: while a phase runs, an array is either
//! read or written, and never both, except by one loop element for element.

use super::super::bind::{Inputs, Values};
use super::super::flat_many::{self, Value};
use super::super::launch;
use super::super::numbers;
use super::super::recent::Recent;
use super::super::{OutputInfo, Program};
use super::blocks::Rows;
use super::decided::Decided;
use super::flow::{Counts, Dest, Source};
use super::spare::Made;
use crate::error::Error;
use crate::input::Input;
use crate::resolve::{Array, End, Root};
use crate::vars::{Var, VarType};
use ndexpr_grammar::{NameId, Span};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::{ExecError, Progress, RunOptions, copy_into};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{CallArrays, ViewMut};
use smallvec::SmallVec;
use std::sync::Arc;

/// A part of a procedure: a program, and what its variables and results are.
pub(super) struct Phase {
    pub(super) program: Program,
    dests: Vec<Dest>,
    /// For each variable that the program is given.
    sources: Vec<Source>,
    /// Whether arrays of different names may share memory. If not, how a phase runs follows from
    /// how each array lies by itself.
    is_careful: bool,
    /// What was decided for the last call.
    recent: Recent<Decided>,
    /// The numbers of the results that are those of the text.
    pub(super) results: Vec<usize>,
    /// What is left as it was found, under another name: the places of the new and the old one.
    moves: Vec<(usize, usize)>,
    pub(super) end: End,
}

/// What a phase has left for others.
#[derive(Clone)]
enum Left {
    Array(Arc<Output>),
    Number(Var<'static>),
}

/// A call of a procedure, as far as it is done.
pub(super) struct Call<'c, 'a> {
    /// The values of the procedure's variables.
    values: &'c [Var<'c>],
    /// The arrays that the procedure may update.
    targets: &'c mut [ViewMut<'a>],
    carried: Vec<Option<Left>>,
    types: &'c [VarType],
    /// The condition that the last phase has computed, if it has one, and its place in the text.
    condition: Option<(Var<'static>, Span)>,
    results: Vec<Output>,
    progress: Option<&'c Progress>,
}

impl<'c, 'a> Call<'c, 'a> {
    pub(super) fn new(
        values: &'c [Var<'c>],
        targets: &'c mut [ViewMut<'a>],
        types: &'c [VarType],
        progress: Option<&'c Progress>,
    ) -> Call<'c, 'a> {
        let carried = vec![None; types.len()];
        Call { values, targets, carried, types, condition: None, results: Vec::new(), progress }
    }

    /// What the last phase has decided; `None` if there is nothing to decide.
    pub(super) fn condition(&mut self) -> Result<Option<bool>, Error> {
        let Some((condition, span)) = self.condition.take() else { return Ok(None) };
        Ok(Some(only_element(&condition, span)?.bits() != 0))
    }

    /// A number that phases have left, which the text has at `span`.
    pub(super) fn carried_number(&self, place: usize, span: Span) -> Result<Scalar, Error> {
        let ty = self.types[place];
        if ty.dtype.is_float() {
            return Err(Error::range_dtype(ty.dtype, span));
        }
        let value = match &self.carried[place] {
            Some(Left::Number(value)) => value.clone(),
            Some(Left::Array(output)) => Var::from(output.view()),
            None => return Err(Error::internal("a value that was not computed")),
        };
        only_element(&value, span)
    }

    /// Leaves a number for phases.
    pub(super) fn set_number(&mut self, place: usize, value: Var<'static>) {
        self.carried[place] = Some(Left::Number(value));
    }

    pub(super) fn check_cancelled(&self) -> Result<(), Error> {
        match self.progress.is_some_and(Progress::is_to_stop) {
            true => Err(ExecError::Cancelled.into()),
            false => Ok(()),
        }
    }

    /// Leaves a value for phases, and gives back the memory of the one before, if no other value is
    /// in it.
    fn leave(&mut self, place: usize, output: Output) -> Result<Option<Output>, Error> {
        let ty = self.types[place];
        if ty.is_scalar {
            let number = output.view().read(&[]).ok_or_else(|| Error::internal("a number with axes"))?;
            self.carried[place] = Some(Left::Number(Var::number(number, ty.is_weak)));
            return Ok(Some(output));
        }
        let before = self.carried[place].replace(Left::Array(Arc::new(output)));
        Ok(match before {
            Some(Left::Array(output)) => Arc::try_unwrap(output).ok(),
            _ => None,
        })
    }

    pub(super) fn into_results(self) -> Vec<Output> {
        self.results
    }
}

impl Phase {
    pub(super) fn new(
        (program, roots): (Program, Vec<Root>),
        (sources, moves, end): (Vec<Source>, Vec<(usize, usize)>, End),
        target: &dyn Fn(&str) -> Option<usize>,
        carried: &dyn Fn(NameId) -> Option<usize>,
        is_careful: bool,
    ) -> Phase {
        let resolved = &program.core.compiled.resolved;
        let mut dests = Vec::with_capacity(roots.len());
        for root in roots {
            dests.push(match root {
                Root::Carried(name) => Dest::Carried(carried(name).expect("each name that is carried has a place")),
                Root::Condition => Dest::Condition,
                Root::Update(array) => {
                    let name = resolved.name(resolved.views().base(array));
                    Dest::Target(target(name).expect("only arrays for writing are updated"), array)
                }
                Root::Result => Dest::Result,
            });
        }
        let is_result = |dest: &Dest| matches!(dest, Dest::Result);
        let results = (0..dests.len()).filter(|&number| is_result(&dests[number])).collect();
        Phase { program, dests, sources, is_careful, recent: Recent::default(), results, moves, end }
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = OutputInfo<'_>> {
        self.results.iter().map(|&number| OutputInfo::of(&self.program.core, number))
    }

    pub(super) fn run(&self, call: &mut Call<'_, '_>) -> Result<(), Error> {
        let moved: SmallVec<[(usize, Option<Left>); 4]> =
            self.moves.iter().map(|&(to, from)| (to, call.carried[from].clone())).collect();
        if self.is_to_run() {
            self.run_loops(call)?;
        }
        moved.into_iter().for_each(|(to, value)| call.carried[to] = value);
        Ok(())
    }

    fn run_loops(&self, call: &mut Call<'_, '_>) -> Result<(), Error> {
        if call.progress.is_none()
            && let Some(done) = self.run_quickly(call)
        {
            return done;
        }
        let given = self.given(call, &|target| Some(&call.targets[target]))?;
        let computed = numbers::compute(&self.program, Values::InOrder(&given))?;
        let (variant, numbers) = computed.ok_or_else(|| self.wrong_type(&given))?;
        let decided = self.decided(variant, &given, &numbers, call.progress)?;
        drop(given);
        self.run_decided(&numbers, &decided, call)
    }

    /// How the phase runs on these values.
    fn decided(
        &self,
        variant: Option<Arc<Program>>,
        given: &[Var<'_>],
        numbers: &[Scalar],
        progress: Option<&Progress>,
    ) -> Result<Arc<Decided>, Error> {
        if let Some(recent) = self.recent.get()
            && recent.is_for(variant.as_ref(), given)
        {
            return Ok(recent);
        }
        let (program, flow) = ((&self.program, variant), (&self.sources[..], &self.dests[..]));
        let decided = Arc::new(Decided::new(program, flow, given, numbers, self.is_careful, progress)?);
        if !self.is_careful && decided.is_for_later(&self.program) {
            self.recent.set(Arc::clone(&decided));
        }
        Ok(decided)
    }

    /// Runs without views of parts, if the arrays lie as the last ones did or all in one way. Does
    /// nothing otherwise.
    fn run_quickly(&self, call: &mut Call<'_, '_>) -> Option<Result<(), Error>> {
        let counts = Counts { values: call.values.len(), targets: call.targets.len() };
        let carried: SmallVec<[Var<'_>; 4]> = call.carried.iter().map(|left| value_of(left.as_ref())).collect();
        let mut arrays = CallArrays::new();
        if !call.values.iter().all(|value| value.push_to_call(&mut arrays)) {
            return None;
        }
        call.targets.iter_mut().for_each(|array| arrays.push_mut(array));
        if !carried.iter().all(|value| value.push_to_call(&mut arrays)) {
            return None;
        }
        self.run_flat(counts, &mut arrays).or_else(|| {
            let decided = self.recent.get()?;
            decided.run_planned(&self.program.core, &arrays.apart()?, &self.places(counts))
        })
    }

    /// Whether the phase computes anything.
    pub(super) fn is_to_run(&self) -> bool {
        !self.dests.is_empty()
    }

    /// How the last call ran.
    pub(super) fn recent(&self) -> Option<Arc<Decided>> {
        self.recent.get()
    }

    /// The places of the values that the program is given, among all arrays of a call.
    pub(super) fn places(&self, counts: Counts) -> SmallVec<[usize; 8]> {
        let mut places = SmallVec::new();
        self.sources.iter().for_each(|source| places.push(source.place(counts)));
        places
    }

    /// Runs without a plan, if the phase updates whole arrays that lie in memory as all others do.
    /// Does nothing otherwise.
    pub(super) fn run_flat(&self, counts: Counts, arrays: &mut CallArrays<'_>) -> Option<Result<(), Error>> {
        let core = &self.program.core;
        if !core.graph().numbers().is_empty() || !core.graph().reads_what_is_given() {
            return None;
        }
        let mut written: SmallVec<[usize; 4]> = SmallVec::new();
        for dest in &self.dests {
            let Dest::Target(target, Array::Name(_)) = *dest else { return None };
            written.push(Source::Target(target).place(counts));
        }
        let value_of = |place: usize| {
            let place = self.sources[place].place(counts);
            match written.iter().position(|&written| written == place) {
                Some(output) => Value::Output(output),
                None => Value::Array(place),
            }
        };
        flat_many::run_phase(core, value_of, arrays, &written)
    }

    /// The values of the variables that the program is given. `target` gives an array for writing;
    /// a number stands for one that is not there.
    fn given<'v>(
        &self,
        call: &'v Call<'_, '_>,
        target: &dyn Fn(usize) -> Option<&'v ViewMut<'v>>,
    ) -> Result<SmallVec<[Var<'v>; 8]>, Error> {
        given(self, call.values, &call.carried, target)
    }

    fn run_decided(&self, numbers: &[Scalar], decided: &Decided, call: &mut Call<'_, '_>) -> Result<(), Error> {
        let core = decided.core(&self.program);
        let mut made = decided.made(core)?;
        let options = RunOptions { pool: core.pool(), progress: call.progress };
        match &decided.blocks {
            None => {
                self.compute(numbers, decided, call, (&mut made, None))?;
                self.store(decided, call, (&made, None), &options)?;
            }
            Some(blocks) => {
                if let Some(progress) = call.progress {
                    progress.set_total(blocks.n_elems());
                }
                let mut before = decided.delayed(core)?;
                let mut rows_before = None;
                for rows in blocks.rows() {
                    self.compute(numbers, decided, call, (&mut made, Some(rows)))?;
                    // Now nothing reads what the block before writes.
                    if let Some(rows) = rows_before.replace(rows) {
                        self.store(decided, call, (&before, Some(rows)), &options)?;
                    }
                    for (place, (output, before)) in decided.places.iter().zip(made.iter_mut().zip(&mut before)) {
                        if place.is_delayed() {
                            std::mem::swap(output, before);
                        }
                    }
                }
                self.store(decided, call, (&before, rows_before), &options)?;
            }
        }
        for (number, (dest, made)) in self.dests.iter().zip(&mut made).enumerate() {
            match *dest {
                Dest::Target(..) => {}
                Dest::Carried(place) => {
                    let output = made.take().ok_or_else(|| Error::internal("a value that was not computed"))?;
                    let before = call.leave(place, output)?;
                    *made = before.filter(|output| decided.places[number].is_memory_for(output));
                }
                Dest::Condition => {
                    let output = made.as_ref().ok_or_else(|| Error::internal("a condition that was not computed"))?;
                    let span = core.compiled.resolved.results()[number].span;
                    let value = only_element(&Var::from(output.view()), span)?;
                    call.condition = Some((Var::from(value), span));
                }
                Dest::Result => call.results.extend(made.take()),
            }
        }
        decided.keep(made);
        Ok(())
    }

    /// Computes the results, or some rows of them.
    fn compute(
        &self,
        numbers: &[Scalar],
        decided: &Decided,
        call: &mut Call<'_, '_>,
        (made, rows): (&mut Made, Option<Rows>),
    ) -> Result<(), Error> {
        let core = decided.core(&self.program);
        // Arrays that are written directly, by the place of the target; all others are read.
        let mut written: SmallVec<[Option<&mut ViewMut<'_>>; 4]> = SmallVec::new();
        let mut shared: SmallVec<[Option<&ViewMut<'_>>; 4]> = SmallVec::new();
        for (target, array) in call.targets.iter_mut().enumerate() {
            match decided.is_direct(target) {
                true => (written.push(Some(array)), shared.push(None)),
                false => (written.push(None), shared.push(Some(array))),
            };
        }
        let given = given(self, call.values, &call.carried, &|target| shared[target])?;
        let numbers: SmallVec<[Var<'_>; 4]> = numbers.iter().copied().map(Var::from).collect();
        let mut inputs: Inputs<'_> = decided.inputs(&given, &numbers)?;
        let mut outs: SmallVec<[ViewMut<'_>; 4]> = SmallVec::new();
        for (place, made) in decided.places.iter().zip(made) {
            let out = match (made, place.target) {
                (Some(output), _) => output.view_mut(),
                (None, Some(target)) => {
                    let whole = written[target].take();
                    place.part_of(whole.ok_or_else(|| Error::internal("an array that is written twice"))?.reborrow())?
                }
                (None, None) => return Err(Error::internal("a result that goes nowhere")),
            };
            outs.push(match rows {
                Some(rows) if place.is_delayed() => rows.first_of(out),
                Some(rows) => rows.of_output(out),
                None => out,
            });
        }
        let Some(rows) = rows else {
            return launch::run_apart(core, &decided.loops(core), &inputs, &mut outs, call.progress);
        };
        for input in &mut inputs {
            if let Input::View(view) = input {
                *view = rows.of_input(view);
            }
        }
        launch::run_part(core, &decided.loops(core), &inputs, &mut outs, call.progress)
    }

    /// Writes what was computed to the arrays that it goes to, if it is not there yet.
    fn store(
        &self,
        decided: &Decided,
        call: &mut Call<'_, '_>,
        (made, rows): (&Made, Option<Rows>),
        options: &RunOptions<'_>,
    ) -> Result<(), Error> {
        for (place, made) in decided.places.iter().zip(made) {
            if let (Some(target), Some(output)) = (place.target, made) {
                let part = place.part_of(call.targets[target].reborrow())?;
                let from = output.view();
                match rows {
                    Some(rows) => copy_into(&rows.first_of_view(&from), &mut rows.of_output(part), options)?,
                    None => copy_into(&from, &mut { part }, options)?,
                }
            }
        }
        Ok(())
    }

    /// The error for a value of another type than compiled for.
    fn wrong_type(&self, given: &[Var<'_>]) -> Error {
        let core = &self.program.core;
        let mut pairs = core.graph().given_vars().iter().zip(given);
        match pairs.find(|(given, value)| value.ty() != given.ty) {
            Some((given, value)) => {
                let n_axes = value.as_view().map_or(0, |view| view.n_axes());
                Error::variable_type(&given.name, given.ty, value.ty().dtype, n_axes, core.first_use(&given.name))
            }
            None => Error::internal("numbers that cannot be computed"),
        }
    }
}

/// See [`Phase::given`].
fn given<'v>(
    phase: &Phase,
    values: &'v [Var<'_>],
    carried: &'v [Option<Left>],
    target: &dyn Fn(usize) -> Option<&'v ViewMut<'v>>,
) -> Result<SmallVec<[Var<'v>; 8]>, Error> {
    let mut all: SmallVec<[Var<'v>; 8]> = SmallVec::new();
    for source in &phase.sources {
        all.push(match *source {
            Source::Var(place) => {
                let value = values.get(place);
                value.ok_or_else(|| Error::internal("a variable of no value"))?.clone()
            }
            Source::Target(place) => match target(place) {
                Some(array) => Var::from(array.as_view()),
                None => Var::from(false),
            },
            Source::Carried(place) => value_of(carried[place].as_ref()),
            Source::Nothing => value_of(None),
        });
    }
    Ok(all)
}

/// What a phase has left; something else if it is not there, as a value is that only other ways of
/// control lead to.
fn value_of(left: Option<&Left>) -> Var<'_> {
    match left {
        Some(Left::Array(output)) => Var::from(output.view()),
        Some(Left::Number(value)) => value.clone(),
        None => Var::from(false),
    }
}

/// The only element of a value that decides for all elements.
fn only_element(value: &Var<'_>, span: Span) -> Result<Scalar, Error> {
    let view = value.view().ok_or_else(|| Error::internal("a condition that is no value"))?;
    match view.n_elems() {
        1 => {
            let place: SmallVec<[usize; 4]> = view.shape().iter().map(|_| 0).collect();
            view.read(&place).ok_or_else(|| Error::internal("an element that is not there"))
        }
        _ => Err(Error::condition_shape(view.shape(), span)),
    }
}
