//! One phase of a procedure, and how it runs.
//!
//! In: a call's variables, its arrays for writing, and what earlier phases have left. Out: the
//! arrays updated, and what later phases need. Always true: while a phase runs, an array is either
//! read or written, and never both, except by one loop element for element.

use super::super::bind::{Inputs, Values, bind};
use super::super::core::Core;
use super::super::flat_many::{self, Value};
use super::super::launch;
use super::super::numbers;
use super::super::prepared::{Prepared, prepare};
use super::super::shapes::order_of;
use super::super::views;
use super::super::{OutputInfo, Program};
use super::hazards::{self, Read, Write};
use crate::error::Error;
use crate::input::Input;
use crate::resolve::{Array, Root, ViewOp};
use crate::shape::Shape;
use crate::vars::{Var, Vars};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::exec::{Progress, RunOptions, copy_into};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::ViewMut;
use smallvec::SmallVec;

/// A part of a procedure: a program, and what its variables and results are.
pub(super) struct Phase {
    pub(super) program: Program,
    dests: Vec<Dest>,
    /// For each variable that the program is given.
    sources: Vec<Source>,
    /// The numbers of the results that are those of the text.
    pub(super) results: Vec<usize>,
}

/// Where the value of a variable comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The call's variables.
    Var,
    /// An array for writing.
    Target(usize),
    /// What an earlier phase has left.
    Carried(usize),
}

/// Where a result of a phase goes.
#[derive(Clone, Copy)]
enum Dest {
    Carried(usize),
    /// To an array for writing, or a part of it.
    Target(usize, Array),
    Result,
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

/// What is decided before a phase runs.
struct Decided<'p> {
    prepared: Prepared<'p>,
    /// For each result, the shape and the memory order of new memory for it; `None` if it is
    /// written to its array directly.
    fresh: SmallVec<[Option<(Shape, Shape)>; 4]>,
}

impl Phase {
    pub(super) fn new(
        program: Program,
        roots: Vec<Root>,
        sources: Vec<Source>,
        written: &[String],
        first_carried: usize,
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
        Phase { program, dests, sources, results }
    }

    pub(super) fn result_dtypes(&self) -> impl Iterator<Item = DType> {
        self.results.iter().map(|&number| self.program.core.result_dtype(number))
    }

    pub(super) fn outputs(&self) -> impl Iterator<Item = OutputInfo<'_>> {
        self.results.iter().map(|&number| OutputInfo::of(&self.program.core, number))
    }

    pub(super) fn run(&self, call: &mut Call<'_, '_>) -> Result<(), Error> {
        if self.dests.is_empty() {
            return Ok(());
        }
        if call.progress.is_none()
            && let Some(done) = self.run_flat(call)
        {
            return done;
        }
        let given = self.given(call, &|target| Some(&call.targets[call.places[target]]))?;
        let computed = numbers::compute(&self.program, Values::InOrder(&given))?;
        let (variant, numbers) = computed.ok_or_else(|| self.wrong_type(&given))?;
        let core = variant.as_ref().map_or(&self.program.core, |variant| &variant.core);
        let decided = self.decide(core, &given, &numbers, call.progress)?;
        drop(given);
        self.run_decided(core, &numbers, &decided, call)
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

    /// The values of the variables that the program is given. `target` gives an array for writing;
    /// a number stands for one that is not there.
    fn given<'v>(
        &self,
        call: &'v Call<'_, '_>,
        target: &dyn Fn(usize) -> Option<&'v ViewMut<'v>>,
    ) -> Result<SmallVec<[Var<'v>; 8]>, Error> {
        given(self, call.vars, &call.carried, target)
    }

    /// Decides how the phase runs, from where its arrays are.
    fn decide<'p>(
        &self,
        core: &'p Core,
        given: &[Var<'_>],
        numbers: &[Scalar],
        progress: Option<&Progress>,
    ) -> Result<Decided<'p>, Error> {
        let graph = core.graph();
        let mut views = views::Call::new(core, Values::InOrder(given));
        let all = all_vars(core, given, numbers, &mut views)?;
        let mut inputs = Inputs::new();
        bind(core, Values::InOrder(&all), None, &mut inputs)?;
        let prepared = prepare(core, &inputs, &[], progress)?;
        let mut writes: SmallVec<[Write<'_>; 4]> = SmallVec::new();
        for (number, dest) in self.dests.iter().enumerate() {
            let Dest::Target(target, array) = *dest else { continue };
            let part = match array {
                Array::Name(_) => {
                    let place = self.sources.iter().position(|source| *source == Source::Target(target));
                    let var = place.and_then(|place| given[place].as_view());
                    var.ok_or_else(|| Error::internal("an array for writing that is not there"))?.clone()
                }
                Array::View(id) => views.view(id)?,
            };
            if prepared.roots[number][..] != *part.shape() {
                let result = core.compiled.resolved.results()[number];
                return Err(Error::update_shape(&prepared.roots[number], part.shape(), result.span));
            }
            writes.push(Write { part, target });
        }
        let target_of = |var: usize| match self.sources.get(given_place(core, var)?) {
            Some(&Source::Target(target)) => Some(target),
            _ => None,
        };
        let read = |(var, input)| Read {
            input,
            is_needed: core.is_read(var),
            target: target_of(var),
            is_grouped: is_grouped(core, var),
        };
        let reads: SmallVec<[Read<'_, '_>; 8]> = inputs.iter().enumerate().map(read).collect();
        let has_several_passes = core.has_reductions() || prepared.loops.fused.n_result_loops() > 1;
        let mut direct = hazards::direct(&reads, &writes, has_several_passes).into_iter();
        let mut fresh: SmallVec<[Option<(Shape, Shape)>; 4]> = SmallVec::new();
        for (number, dest) in self.dests.iter().enumerate() {
            let is_direct = matches!(dest, Dest::Target(..)) && direct.next() == Some(true);
            let shape = &prepared.roots[number];
            fresh.push((!is_direct).then(|| (shape.clone(), order_of(shape, &inputs))));
        }
        debug_assert_eq!(graph.roots().len(), self.dests.len());
        Ok(Decided { prepared, fresh })
    }

    fn run_decided(
        &self,
        core: &Core,
        numbers: &[Scalar],
        decided: &Decided<'_>,
        call: &mut Call<'_, '_>,
    ) -> Result<(), Error> {
        let Decided { prepared, fresh } = decided;
        let mut made: SmallVec<[Option<Output>; 4]> = SmallVec::new();
        for (number, layout) in fresh.iter().enumerate() {
            made.push(match layout {
                Some((shape, order)) => Some(Output::new(core.result_dtype(number), shape, order)?),
                None => None,
            });
        }
        {
            // Arrays that are written directly, by the place of the target; all others are read.
            let is_direct = |target: usize| {
                let mut dests = self.dests.iter().zip(fresh);
                dests.any(|(dest, fresh)| matches!(dest, Dest::Target(found, _) if *found == target) && fresh.is_none())
            };
            let mut written: SmallVec<[Option<&mut ViewMut<'_>>; 4]> = SmallVec::new();
            let mut shared: SmallVec<[Option<&ViewMut<'_>>; 4]> = SmallVec::new();
            let places = call.places;
            for (place, array) in call.targets.iter_mut().enumerate() {
                match places.iter().position(|&known| known == place).is_some_and(is_direct) {
                    true => (written.push(Some(array)), shared.push(None)),
                    false => (written.push(None), shared.push(Some(array))),
                };
            }
            let given = given(self, call.vars, &call.carried, &|target| shared[places[target]])?;
            let mut views = views::Call::new(core, Values::InOrder(&given));
            let mut vars: SmallVec<[Result<Var<'_>, usize>; 8]> = SmallVec::new();
            for var in 0..core.graph().vars().len() {
                let target = given_place(core, var).and_then(|place| match self.sources[place] {
                    Source::Target(target) if is_direct(target) => Some(target),
                    _ => None,
                });
                vars.push(match target {
                    Some(target) => Err(self.dest_of(target)),
                    None => Ok(var_at(core, var, &given, numbers, &mut views)?),
                });
            }
            let inputs = vars.iter().map(|var| match var {
                Ok(var) => var.view().map_or(Input::Output(0), Input::View),
                Err(output) => Input::Output(*output),
            });
            let inputs: Inputs<'_> = inputs.collect();
            let mut outs: SmallVec<[ViewMut<'_>; 4]> = SmallVec::new();
            for (dest, made) in self.dests.iter().zip(&mut made) {
                outs.push(match (made, *dest) {
                    (Some(output), _) => output.view_mut(),
                    (None, Dest::Target(target, array)) => {
                        let whole = written[places[target]].take();
                        let whole = whole.ok_or_else(|| Error::internal("an array that is written twice"))?;
                        views::part_of(core, whole.reborrow(), array)?
                    }
                    (None, _) => return Err(Error::internal("a result that goes nowhere")),
                });
            }
            launch::run_apart(core, prepared, &inputs, &mut outs, call.progress)?;
        }
        let options = RunOptions { pool: core.pool(), progress: call.progress };
        for (dest, made) in self.dests.iter().zip(made) {
            match (*dest, made) {
                (Dest::Target(target, array), Some(output)) => {
                    let whole = call.targets[call.places[target]].reborrow();
                    copy_into(&output.view(), &mut views::part_of(core, whole, array)?, &options)?;
                }
                (Dest::Target(..), None) => {}
                (Dest::Carried(place), output) => call.carried[place] = output,
                (Dest::Result, output) => call.results.extend(output),
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

    /// The number of the result that goes to an array.
    fn dest_of(&self, target: usize) -> usize {
        let is_it = |dest: &Dest| matches!(dest, Dest::Target(found, _) if *found == target);
        self.dests.iter().position(is_it).unwrap_or(0)
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

/// The values of all variables of the graph.
fn all_vars<'v>(
    core: &Core,
    given: &[Var<'v>],
    numbers: &[Scalar],
    views: &mut views::Call<'v>,
) -> Result<SmallVec<[Var<'v>; 8]>, Error> {
    (0..core.graph().vars().len()).map(|var| var_at(core, var, given, numbers, views)).collect()
}

/// The value of a variable of the graph: one that is given, a view, or a number.
fn var_at<'v>(
    core: &Core,
    var: usize,
    given: &[Var<'v>],
    numbers: &[Scalar],
    views: &mut views::Call<'v>,
) -> Result<Var<'v>, Error> {
    let graph = core.graph();
    let n_plain = graph.n_plain_vars();
    Ok(match var.checked_sub(n_plain) {
        None => given[graph.places()[var]].clone(),
        Some(view) if view < graph.views().len() => Var::from(views.view(graph.views()[view])?),
        Some(other) => Var::from(numbers[other - graph.views().len()]),
    })
}

/// The place among the given variables of the one that a variable of the graph is, or is a view of.
fn given_place(core: &Core, var: usize) -> Option<usize> {
    let graph = core.graph();
    match var.checked_sub(graph.n_plain_vars()) {
        None => Some(graph.places()[var]),
        Some(view) => {
            let base = core.compiled.resolved.views().base(Array::View(*graph.views().get(view)?));
            core.places.get(&base).copied()
        }
    }
}

/// Whether a variable is a view whose shape follows from several arrays.
fn is_grouped(core: &Core, var: usize) -> bool {
    let graph = core.graph();
    let Some(&id) = var.checked_sub(graph.n_plain_vars()).and_then(|view| graph.views().get(view)) else {
        return false;
    };
    core.compiled.resolved.views().chain(Array::View(id)).any(|(_, def)| matches!(def.op, ViewOp::BroadcastIn(_)))
}
