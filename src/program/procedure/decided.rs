//! How a phase runs.
//!
//! In: the values of a phase's variables. Out: a [`Decided`]: what its loops read and write. It
//! holds no pointers. If arrays of different names share no memory, it serves every call whose
//! arrays have the same shapes and strides.

use super::super::Program;
use super::super::bind::{Inputs, Values, bind};
use super::super::core::Core;
use super::super::others::Which;
use super::super::prepared::{Loops, Prepared, prepare};
use super::super::shapes::{order_of, shapes};
use super::super::views::Maker;
use super::blocks::Blocks;
use super::flow::{Dest, Source};
use super::hazards::{self, Read, Readers, Write};
use super::plans::Plans;
use super::spare::{Made, Spare};
use crate::error::Error;
use crate::fuse::{self, Fused};
use crate::input::Input;
use crate::resolve::{Action, Array, Store, ViewOp};
use crate::shape::{Shape, Shapes};
use crate::vars::Var;
use ndexpr_runtime::dtype::Scalar;
use ndexpr_runtime::exec::Progress;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{Apart, PartLayout, View, ViewMut};
use smallvec::SmallVec;
use std::sync::Arc;

/// What is decided before a phase runs.
pub(super) struct Decided {
    /// How the given values lay.
    given: SmallVec<[PartLayout; 4]>,
    /// The variant of the program that runs, if that is not the program itself.
    variant: Option<Arc<Program>>,
    which: Which,
    /// All shapes, if there is more than the shape of one result.
    shapes: Option<Arc<Shapes>>,
    /// For each variable of the graph.
    operands: SmallVec<[Operand; 8]>,
    /// For each result.
    pub(super) places: SmallVec<[Place; 4]>,
    /// Set if results that are not written directly are computed block by block.
    pub(super) blocks: Option<Blocks>,
    spare: Spare,
    /// For each loop the plan, if all results are written directly by loops that are compiled.
    plans: Option<Plans>,
}

/// The value of a variable of the graph.
enum Operand {
    /// A given value.
    Given(usize),
    /// A part of a given value.
    Part(usize, Box<PartLayout>),
    /// A number that was computed for the call.
    Number(usize),
    /// An output, as it was before.
    Output(usize),
}

/// Where a result goes.
pub(super) struct Place {
    /// The shape and the memory order of new memory for it; `None` if it is written to its array
    /// directly.
    pub(super) fresh: Option<(Shape, Shape)>,
    /// The array for writing that it goes to, at once or in the end.
    pub(super) target: Option<usize>,
    /// The part of that array.
    part: Option<PartLayout>,
}

impl Place {
    /// Whether new memory for it may be this one.
    pub(super) fn is_memory_for(&self, output: &Output) -> bool {
        let is_as = |(shape, order): &(Shape, Shape)| output.is_of(shape, order);
        self.target.is_none() && self.fresh.as_ref().is_some_and(is_as)
    }

    /// The part of the array that the result goes to.
    pub(super) fn part_of<'a>(&self, whole: ViewMut<'a>) -> Result<ViewMut<'a>, Error> {
        let part = self.part.as_ref().and_then(|part| part.of_mut(whole));
        part.ok_or_else(|| Error::internal("a part of another array"))
    }
}

impl Decided {
    pub(super) fn new(
        (program, variant): (&Program, Option<Arc<Program>>),
        (sources, dests): (&[Source], &[Dest]),
        given: &[Var<'_>],
        numbers: &[Scalar],
        is_careful: bool,
        progress: Option<&Progress>,
    ) -> Result<Decided, Error> {
        let own = variant.clone();
        let core = core_of(program, own.as_ref());
        let value_at = |place: usize| given.get(place);
        let mut maker = Maker::new(core, &value_at);
        let mut operands = operands(core, &mut maker)?;
        let all: SmallVec<[Var<'_>; 8]> =
            operands.iter().map(|operand| value(operand, given, numbers)).collect::<Result<_, Error>>()?;
        let mut inputs = Inputs::new();
        bind(core, Values::InOrder(&all), None, &mut inputs)?;
        let Prepared { roots, loops } = prepare(core, &inputs, &[], progress)?;
        let mut places: SmallVec<[Place; 4]> = SmallVec::new();
        let mut written: SmallVec<[(usize, PartLayout); 4]> = SmallVec::new();
        let mut writes: SmallVec<[Write<'_>; 4]> = SmallVec::new();
        for (dest, shape) in dests.iter().zip(&roots) {
            let fresh = Some((shape.clone(), order_of(shape, &inputs)));
            let Dest::Target(target, array) = *dest else {
                places.push(Place { fresh, target: None, part: None });
                continue;
            };
            let (place, part) = match array {
                Array::Name(_) => {
                    let place = sources.iter().position(|source| *source == Source::Target(target));
                    let place = place.ok_or_else(|| Error::internal("an array for writing that is not there"))?;
                    (place, PartLayout::whole(&view_of(given, place)?))
                }
                Array::View(id) => maker.part(id)?,
            };
            let resolved = &core.compiled.resolved;
            let result = resolved.results()[places.len()];
            if part.shape().is_empty()
                && let Action::Store(Store { is_by_name: true, .. }) = resolved.step(result.step).action
            {
                return Err(Error::element_by_name(resolved.name(resolved.views().base(array)), result.span));
            }
            if shape[..] != *part.shape() {
                return Err(Error::update_shape(shape, part.shape(), result.span));
            }
            let part_of = part.of(&view_of(given, place)?);
            let part_of = part_of.ok_or_else(|| Error::internal("a part of another array"))?;
            // The stages of programs with reductions read all inputs apart from the outputs.
            let all = &loops.arranged.fused.loops;
            let writer = || all.iter().position(|group| group.writes(places.len()));
            let in_place = if core.has_reductions() { None } else { writer() };
            writes.push(Write { part: part_of, in_place, target });
            written.push((place, part.clone()));
            places.push(Place { fresh, target: Some(target), part: Some(part) });
        }
        // Which array for writing an input is, or is a part of.
        let target_of = |operand: &Operand| match operand {
            Operand::Given(place) | Operand::Part(place, _) => match sources[*place] {
                Source::Target(target) => Some(target),
                Source::Var(_) | Source::Carried(_) | Source::Nothing => None,
            },
            Operand::Number(_) | Operand::Output(_) => None,
        };
        let readers = readers(core, &loops.arranged.fused);
        let read = |((var, input), operand)| Read {
            input,
            readers: readers[var],
            target: target_of(operand),
            is_grouped: is_grouped(core, var),
        };
        let reads: SmallVec<[Read<'_, '_>; 8]> = inputs.iter().enumerate().zip(&operands).map(read).collect();
        let direct = hazards::direct(&reads, &writes);
        let is_one_loop = !core.has_reductions() && loops.arranged.fused.n_result_loops() == 1;
        let blocks = || Blocks::new(&reads, &writes, &direct, core.pool().n_threads());
        let blocks = if is_one_loop && !is_careful { blocks() } else { None };
        let to_arrays = places.iter_mut().filter(|place| place.target.is_some());
        for (place, _) in to_arrays.zip(direct).filter(|(_, is_direct)| *is_direct) {
            place.fresh = None;
        }
        // Which program runs may follow from the values of numbers.
        let is_one_program = variant.is_none() && core.graph().numbers().is_empty();
        let is_fixed = !is_careful && is_one_program && places.iter().all(Place::is_at_once);
        let part = |var: usize| match operands.get(var)? {
            Operand::Given(place) => Some((*place, layout(given.get(*place)?)?)),
            Operand::Part(place, part) => Some((*place, PartLayout::clone(part))),
            Operand::Number(_) | Operand::Output(_) => None,
        };
        let layouts = || given.iter().map(layout).collect::<Option<Vec<PartLayout>>>();
        let plans = layouts().filter(|_| is_fixed).and_then(|all| Plans::new(core, &loops, all, &part, &written));
        for operand in &mut operands {
            let written = target_of(operand).and_then(|target| places.iter().position(|place| place.is_direct(target)));
            if let Some(output) = written {
                *operand = Operand::Output(output);
            }
        }
        let given: SmallVec<[PartLayout; 4]> = given.iter().filter_map(layout).collect();
        let Loops { which, shapes: known, .. } = loops;
        let shapes = match known {
            // Stages may have to be made again, when outputs stand for some of the inputs.
            None if core.has_reductions() => Some(Arc::new(shapes(core, &inputs, &[])?)),
            known => known,
        };
        Ok(Decided { given, variant, which, shapes, operands, places, blocks, spare: Spare::default(), plans })
    }

    /// Whether it can serve another call. If weak integers must fit the dtypes that they meet, each
    /// call has to check that.
    pub(super) fn is_for_later(&self, program: &Program) -> bool {
        let core = self.core(program);
        self.given.len() == core.graph().given_vars().len()
            && core.graph().vars().iter().all(|var| var.must_fit.is_empty())
    }

    /// Whether it is for these values, and for the variant of the program that they need.
    pub(super) fn is_for(&self, variant: Option<&Arc<Program>>, given: &[Var<'_>]) -> bool {
        let is_same = match (&self.variant, variant) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        let is_for = |(layout, value): (&PartLayout, &Var<'_>)| match value.as_view() {
            Some(array) => layout.is_for(array),
            None => value.view().is_some_and(|number| layout.is_for(&number)),
        };
        is_same && self.given.len() == given.len() && self.given.iter().zip(given).all(is_for)
    }

    /// Memory for the results that do not go to arrays directly. If they are computed block by
    /// block, that is for a block.
    pub(super) fn made(&self, core: &Core) -> Result<Made, Error> {
        let mut spare = self.spare.take().unwrap_or_default();
        spare.resize_with(self.places.len(), || None);
        self.filled(core, spare, |_| true)
    }

    /// The same, only for results that go to arrays later.
    pub(super) fn delayed(&self, core: &Core) -> Result<Made, Error> {
        self.filled(core, self.places.iter().map(|_| None).collect(), Place::is_delayed)
    }

    fn filled(&self, core: &Core, mut made: Made, is_needed: impl Fn(&Place) -> bool) -> Result<Made, Error> {
        for (number, (place, made)) in self.places.iter().zip(&mut made).enumerate() {
            if let Some((shape, order)) = &place.fresh
                && made.is_none()
                && is_needed(place)
            {
                let block = self.blocks.as_ref().filter(|_| place.is_delayed()).map(|blocks| &blocks.shape);
                *made = Some(Output::new(core.result_dtype(number), block.unwrap_or(shape), order)?);
            }
        }
        Ok(made)
    }

    /// Keeps memory for the next call.
    pub(super) fn keep(&self, made: Made) {
        self.spare.put(made);
    }

    /// Whether all loops can run on these arrays of a call [by plans](Decided::run_planned).
    pub(super) fn has_plans(&self, arrays: &Apart<'_>, places: &[usize]) -> bool {
        self.plans.as_ref().is_some_and(|plans| plans.are_for(arrays, places))
    }

    /// Runs the loops without looking at views, if the arrays lie as they did, and all results are
    /// written directly. `places` are those of the given values. Does nothing otherwise.
    pub(super) fn run_planned(&self, core: &Core, arrays: &Apart<'_>, places: &[usize]) -> Option<Result<(), Error>> {
        self.plans.as_ref()?.run(core, self.loops(core).arranged, (arrays, places))
    }

    pub(super) fn core<'p>(&'p self, program: &'p Program) -> &'p Core {
        core_of(program, self.variant.as_ref())
    }

    pub(super) fn loops<'p>(&self, core: &'p Core) -> Loops<'p> {
        Loops::of_earlier(core, self.which, self.shapes.clone())
    }

    /// Whether an array for writing is written while the phase runs.
    pub(super) fn is_direct(&self, target: usize) -> bool {
        self.places.iter().any(|place| place.is_direct(target))
    }

    /// The inputs of all loops.
    pub(super) fn inputs<'v>(&self, given: &'v [Var<'v>], numbers: &'v [Var<'v>]) -> Result<Inputs<'v>, Error> {
        let mut inputs = Inputs::new();
        for operand in &self.operands {
            let view = match operand {
                Operand::Output(number) => {
                    inputs.push(Input::Output(*number));
                    continue;
                }
                Operand::Given(place) => given[*place].view(),
                Operand::Number(number) => numbers[*number].view(),
                Operand::Part(place, part) => match given[*place].as_view() {
                    Some(array) => part.of(array),
                    None => given[*place].view().and_then(|number| part.of(&number)),
                },
            };
            inputs.push(Input::View(view.ok_or_else(|| Error::internal("a value of another layout"))?));
        }
        Ok(inputs)
    }
}

impl Place {
    /// Whether the result is written to its array directly.
    fn is_at_once(&self) -> bool {
        self.target.is_some() && self.fresh.is_none()
    }

    /// Whether the result goes to its array after it was computed.
    pub(super) fn is_delayed(&self) -> bool {
        self.target.is_some() && self.fresh.is_some()
    }

    fn is_direct(&self, target: usize) -> bool {
        self.target == Some(target) && self.fresh.is_none()
    }
}

fn core_of<'p>(program: &'p Program, variant: Option<&'p Arc<Program>>) -> &'p Core {
    variant.map_or(&program.core, |variant| &variant.core)
}

/// What the variables of the graph are.
fn operands(core: &Core, maker: &mut Maker<'_, '_>) -> Result<SmallVec<[Operand; 8]>, Error> {
    let graph = core.graph();
    let mut operands: SmallVec<[Operand; 8]> = graph.places().iter().map(|&place| Operand::Given(place)).collect();
    for &view in graph.views() {
        let (place, part) = maker.part(view)?;
        operands.push(Operand::Part(place, Box::new(part)));
    }
    let n_numbers = graph.vars().len() - operands.len();
    operands.extend((0..n_numbers).map(Operand::Number));
    Ok(operands)
}

fn value<'v>(operand: &Operand, given: &'v [Var<'_>], numbers: &[Scalar]) -> Result<Var<'v>, Error> {
    Ok(match operand {
        Operand::Given(place) => given[*place].clone(),
        Operand::Part(place, part) => {
            let part = part.of(&view_of(given, *place)?);
            Var::from(part.ok_or_else(|| Error::internal("a part of another array"))?)
        }
        Operand::Number(number) => Var::from(numbers[*number]),
        Operand::Output(_) => return Err(Error::internal("an output that is not known yet")),
    })
}

fn view_of<'g>(given: &'g [Var<'_>], place: usize) -> Result<View<'g>, Error> {
    given[place].view().ok_or_else(|| Error::internal("an array that is not there"))
}

fn layout(value: &Var<'_>) -> Option<PartLayout> {
    value.view().map(|view| PartLayout::whole(&view))
}

/// Which loops read each variable.
fn readers(core: &Core, fused: &Fused) -> Vec<Readers> {
    let mut readers = vec![Readers::None; core.graph().vars().len()];
    for (index, group) in fused.loops.iter().enumerate() {
        for &(_, source) in &group.inputs {
            // Behind the variables are the counts of reductions.
            if let fuse::Source::View(var) = source
                && let Some(readers) = readers.get_mut(var)
            {
                *readers = if *readers == Readers::None { Readers::One(index) } else { Readers::Several };
            }
        }
    }
    readers
}

/// Whether a variable is a view whose shape follows from several arrays.
fn is_grouped(core: &Core, var: usize) -> bool {
    let graph = core.graph();
    let Some(&id) = var.checked_sub(graph.n_plain_vars()).and_then(|view| graph.views().get(view)) else {
        return false;
    };
    core.compiled.resolved.views().chain(Array::View(id)).any(|(_, def)| matches!(def.op, ViewOp::BroadcastIn(_)))
}
