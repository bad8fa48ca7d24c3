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
use super::flow::{Dest, Source};
use super::spare::Made;
use crate::error::Error;
use crate::input::Input;
use crate::resolve::{Array, Root};
use crate::vars::{Var, Vars};
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::{Progress, RunOptions, copy_into};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::plan::Whole;
use ndexpr_runtime::view::ViewMut;
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
}

/// A call of a procedure, as far as it is done.
pub(super) struct Call<'c, 'a> {
    vars: &'c Vars<'c>,
    targets: &'c mut [ViewMut<'a>],
    /// For each array of the procedure, its place among the targets.
    places: &'c [usize],
    carried: Vec<Option<Output>>,
    results: Vec<Output>,
    progress: Option<&'c Progress>,
}

impl<'c, 'a> Call<'c, 'a> {
    pub(super) fn new(
        vars: &'c Vars<'c>,
        targets: &'c mut [ViewMut<'a>],
        places: &'c [usize],
        n_carried: usize,
        progress: Option<&'c Progress>,
    ) -> Call<'c, 'a> {
        let carried = std::iter::repeat_with(|| None).take(n_carried).collect();
        Call { vars, targets, places, carried, results: Vec::new(), progress }
    }

    pub(super) fn into_results(self) -> Vec<Output> {
        self.results
    }
}

impl Phase {
    pub(super) fn new(
        program: Program,
        roots: Vec<Root>,
        sources: Vec<Source>,
        written: &[String],
        first_carried: usize,
        is_careful: bool,
    ) -> Phase {
        let resolved = &program.core.compiled.resolved;
        let mut dests = Vec::with_capacity(roots.len());
        let mut n_carried = first_carried;
        for root in roots {
            dests.push(match root {
                Root::Carried(_) => {
                    n_carried += 1;
                    Dest::Carried(n_carried - 1)
                }
                Root::Update(array) => {
                    let name = resolved.name(resolved.views().base(array));
                    let place = written.iter().position(|known| known == name);
                    Dest::Target(place.expect("only arrays for writing are updated"), array)
                }
                Root::Result => Dest::Result,
            });
        }
        let is_result = |dest: &Dest| matches!(dest, Dest::Result);
        let results = (0..dests.len()).filter(|&number| is_result(&dests[number])).collect();
        Phase { program, dests, sources, is_careful, recent: Recent::default(), results }
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = OutputInfo<'_>> {
        self.results.iter().map(|&number| OutputInfo::of(&self.program.core, number))
    }

    pub(super) fn run(&self, call: &mut Call<'_, '_>) -> Result<(), Error> {
        if self.dests.is_empty() {
            return Ok(());
        }
        if call.progress.is_none()
            && let Some(done) = self.run_flat(call).or_else(|| self.run_known(call))
        {
            return done;
        }
        let given = self.given(call, &|target| Some(&call.targets[call.places[target]]))?;
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

    /// Runs without a plan, if the phase updates whole arrays that lie in memory as all others do.
    /// Does nothing otherwise.
    fn run_flat(&self, call: &mut Call<'_, '_>) -> Option<Result<(), Error>> {
        let core = &self.program.core;
        if !core.graph().numbers().is_empty() || !core.graph().reads_what_is_given() {
            return None;
        }
        let target = |dest: &Dest| match *dest {
            Dest::Target(target, Array::Name(_)) => Some(target),
            _ => None,
        };
        let written: SmallVec<[usize; 4]> = self.dests.iter().map(target).collect::<Option<_>>()?;
        let (places, vars) = (call.places, call.vars);
        let mut shared: SmallVec<[Option<Var<'_>>; 4]> = SmallVec::new();
        let mut outs: SmallVec<[Option<ViewMut<'_>>; 4]> = written.iter().map(|_| None).collect();
        for (place, array) in call.targets.iter_mut().enumerate() {
            match written.iter().position(|&target| places[target] == place) {
                Some(output) => {
                    outs[output] = Some(array.reborrow());
                    shared.push(None);
                }
                None => shared.push(Some(Var::from(array.as_view()))),
            }
        }
        let mut outs: SmallVec<[ViewMut<'_>; 4]> = outs.into_iter().collect::<Option<_>>()?;
        let carried: SmallVec<[Option<Var<'_>>; 4]> =
            call.carried.iter().map(|output| output.as_ref().map(|output| Var::from(output.view()))).collect();
        let given = core.graph().given_vars();
        let value_of = |place: usize| match self.sources[place] {
            Source::Var => vars.get(&given[place].name).map(Value::Var),
            Source::Carried(carry) => carried[carry].as_ref().map(Value::Var),
            Source::Target(target) => match written.iter().position(|&written| written == target) {
                Some(output) => Some(Value::Output(output)),
                None => shared[places[target]].as_ref().map(Value::Var),
            },
        };
        flat_many::run_phase(core, value_of, &mut outs)
    }

    /// Runs as the last call did, if the arrays lie as they did then and all results are written
    /// directly. Does nothing otherwise.
    fn run_known(&self, call: &mut Call<'_, '_>) -> Option<Result<(), Error>> {
        let decided = self.recent.get()?;
        let core = &self.program.core;
        let mut targets: SmallVec<[Option<&mut ViewMut<'_>>; 4]> = call.targets.iter_mut().map(Some).collect();
        let mut arrays: SmallVec<[Whole<'_>; 4]> = SmallVec::new();
        for (source, given) in self.sources.iter().zip(core.graph().given_vars()) {
            arrays.push(match *source {
                Source::Var => Whole::Read(call.vars.get(&given.name)?.view()?),
                Source::Carried(place) => Whole::Read(call.carried[place].as_ref()?.view()),
                Source::Target(target) => {
                    let array = targets[call.places[target]].take()?;
                    match decided.is_direct(target) {
                        true => Whole::Write(array.reborrow()),
                        false => Whole::Read(array.as_view()),
                    }
                }
            });
        }
        decided.run_known(core, &mut arrays)
    }

    /// The values of the variables that the program is given. `target` gives an array for writing;
    /// a number stands for one that is not there.
    fn given<'v>(
        &self,
        call: &'v Call<'_, '_>,
        target: &dyn Fn(usize) -> Option<&'v ViewMut<'v>>,
    ) -> Result<SmallVec<[Var<'v>; 8]>, Error> {
        given(self, call.vars, &call.carried, target)
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
        for (dest, made) in self.dests.iter().zip(&mut made) {
            match *dest {
                Dest::Target(..) => {}
                Dest::Carried(place) => call.carried[place] = made.take(),
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
        let places = call.places;
        for (place, array) in call.targets.iter_mut().enumerate() {
            match places.iter().position(|&known| known == place).is_some_and(|target| decided.is_direct(target)) {
                true => (written.push(Some(array)), shared.push(None)),
                false => (written.push(None), shared.push(Some(array))),
            };
        }
        let given = given(self, call.vars, &call.carried, &|target| shared[places[target]])?;
        let numbers: SmallVec<[Var<'_>; 4]> = numbers.iter().copied().map(Var::from).collect();
        let mut inputs: Inputs<'_> = decided.inputs(&given, &numbers)?;
        let mut outs: SmallVec<[ViewMut<'_>; 4]> = SmallVec::new();
        for (place, made) in decided.places.iter().zip(made) {
            let out = match (made, place.target) {
                (Some(output), _) => output.view_mut(),
                (None, Some(target)) => {
                    let whole = written[places[target]].take();
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
                let part = place.part_of(call.targets[call.places[target]].reborrow())?;
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
    vars: &'v Vars<'_>,
    carried: &'v [Option<Output>],
    target: &dyn Fn(usize) -> Option<&'v ViewMut<'v>>,
) -> Result<SmallVec<[Var<'v>; 8]>, Error> {
    let core = &phase.program.core;
    let mut all: SmallVec<[Var<'v>; 8]> = SmallVec::new();
    for (source, given) in phase.sources.iter().zip(core.graph().given_vars()) {
        all.push(match *source {
            Source::Var => {
                let missing = || Error::missing_variable(&given.name, core.first_use(&given.name));
                vars.get(&given.name).ok_or_else(missing)?.clone()
            }
            Source::Target(place) => match target(place) {
                Some(array) => Var::from(array.as_view()),
                None => Var::from(false),
            },
            Source::Carried(place) => {
                let output = carried[place].as_ref();
                Var::from(output.ok_or_else(|| Error::internal("a value that was not computed"))?.view())
            }
        });
    }
    Ok(all)
}
