//! Several loops as one call: values pass from one to the next, along axes or element by element.
//!
//! In: [`Loop`]s over views, over temporaries and over the result; kernels for them. Out: the result, filled. Loops that
//! reduce the same axis of the same shape, and what follows them, run block by block of rows while these are in the
//! cache: see [`chain`](Stages::chain_end).

mod run;

use smallvec::SmallVec;

use self::run::{Bound, run_chain};
use super::{ExecError, Kernel, RunOptions};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::memory::{AllocError, Output};
use crate::plan::{AxisNest, Kinds, Lanes, Plan, PlanError, run_kind};
use crate::reduce::{COLUMN_LEAF, ReduceOp, Reducer, Scanner};
use crate::view::{MAX_AXES, Overlap, RawView, View, ViewMut, count_elems, is_broadcastable, overlap};

/// Where an input of a loop comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'v, 'a> {
    /// An array of the caller's.
    View(&'v View<'a>),
    /// A temporary, without those of its axes whose bit is set; they have extent 1.
    Temp(usize, AxisSet),
    /// The result, as far as earlier loops have written it.
    Result,
}

/// A set of axes: bit `k` for axis `k`.
pub type AxisSet = u32;

/// Where a value of a loop goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dest {
    /// To the result.
    Result,
    /// To a temporary.
    Temp(usize),
    /// Nowhere: it is reduced or scanned.
    Scratch,
}

/// What becomes of a value along the reduced axes.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    /// The operation.
    pub op: AlongOp,
    /// Which of the loop's values.
    pub value: usize,
    /// What takes the outcome: the result, or a temporary of the loop's shape, with extent 1 on reduced axes unless it is
    /// a scan. The result may also be without these axes.
    pub dest: Dest,
}

/// An operation along axes.
#[derive(Clone, Copy, Debug)]
pub enum AlongOp {
    /// To one result.
    Reduce(Reducer),
    /// To as many results as elements; the only fold of its loop, along one axis.
    Scan(Scanner),
}

impl AlongOp {
    fn dtype(&self) -> DType {
        match self {
            AlongOp::Reduce(reducer) => reducer.dtype(),
            AlongOp::Scan(scanner) => scanner.dtype(),
        }
    }
}

/// What needs no kernel to be reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The elements of an input.
    Input(usize),
    /// Products of the elements of two inputs, which are floats of the value's dtype.
    Product([usize; 2]),
}

/// One loop.
#[derive(Clone, Copy, Debug)]
pub struct Loop<'s, 'v, 'a> {
    /// What it iterates over.
    pub shape: &'s [usize],
    /// The axes that folds are along; none for an elementwise loop.
    pub reduced: AxisSet,
    /// What it reads, in the kernel's order.
    pub inputs: &'s [Source<'v, 'a>],
    /// What the kernel computes, in its order.
    pub values: &'s [(DType, Dest)],
    /// By value: where it is from, if reductions can read that themselves.
    pub origins: &'s [Option<Origin>],
    /// What becomes of the values.
    pub folds: &'s [Fold],
}

/// The loops of a call, in order, with the memory between them.
///
/// ```
/// use ndexpr_runtime::dtype::DType;
/// use ndexpr_runtime::exec::{AlongOp, Dest, Fold, Loop, Origin, RunOptions, Source, Stages};
/// use ndexpr_runtime::reduce::{ReduceOp, Reducer};
/// use ndexpr_runtime::{pool::Pool, view::{View, ViewMut}};
///
/// let a = ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// let (a, mut unused) = (View::from(&a), 0.0);
/// let mut stages = Stages::new(ViewMut::from_element_mut(&mut unused));
/// let sums = stages.add_temp(DType::Float64, &[2, 1], &[0, 1])?;
/// let sum = Reducer::new(ReduceOp::Sum, DType::Float64).unwrap();
/// stages.push(&Loop {
///     shape: &[2, 3],
///     reduced: 0b10,
///     inputs: &[Source::View(&a)],
///     values: &[(DType::Float64, Dest::Scratch)],
///     origins: &[Some(Origin::Input(0))],
///     folds: &[Fold { op: AlongOp::Reduce(sum), value: 0, dest: Dest::Temp(sums) }],
/// })?;
/// assert!(!stages.needs_kernel(0), "the array's own rows are summed");
/// stages.run(&[None], &RunOptions::new(&Pool::new(1)?))?;
/// assert_eq!(stages.temp(sums).read(&[1, 0]).unwrap().get(), Some(15.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Stages<'a> {
    result: ViewMut<'a>,
    temps: Vec<Output>,
    /// The temporaries' memory, of which `temps` is the owner.
    raw_temps: Vec<RawView>,
    steps: Vec<Step<'a>>,
}

enum Step<'a> {
    /// No elements.
    Empty {
        fills: Vec<(Dest, Reducer)>,
        kinds: Kinds,
    },
    /// An elementwise loop on its own.
    Map(Box<Plan<'a>>),
    Along(Box<Stage>),
}

/// A loop along axes, or an elementwise one that may follow it row by row.
pub(super) struct Stage {
    pub(super) nest: AxisNest,
    pub(super) n_inputs: usize,
    pub(super) values: SmallVec<[Value; 2]>,
    pub(super) sinks: SmallVec<[Sink; 2]>,
    /// Folds read the inputs themselves, so there is nothing to compute.
    pub(super) is_direct: bool,
    /// By value.
    origins: SmallVec<[Option<Origin>; 2]>,
    /// Of the kernel's operands.
    kinds: Kinds,
    dtypes: SmallVec<[DType; 8]>,
    shape: crate::view::Shape,
    reduced: AxisSet,
    bytes_per_elem: usize,
    /// What the operands are, to tell who reads what another stage writes.
    operands: SmallVec<[Memory; 8]>,
}

/// Whose memory an operand is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    View,
    Temp(usize),
    Result,
}

pub(super) struct Value {
    pub(super) dtype: DType,
    pub(super) place: Place,
}

/// Where a value's elements are while it is folded.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Scratch,
    /// An operand of the nest.
    Operand(usize),
}

pub(super) struct Sink {
    reducer: Option<Reducer>,
    pub(super) scanner: Option<Scanner>,
    pub(super) value: usize,
    /// The operand of the nest that takes the outcome.
    pub(super) target: usize,
}

impl Stage {
    /// The sinks that reduce.
    pub(super) fn reductions(&self) -> impl Iterator<Item = (&Sink, Reducer)> {
        self.sinks.iter().filter_map(|sink| sink.reducer.map(|reducer| (sink, reducer)))
    }

    /// The operand that has the elements which a sink reads, if they are in memory.
    pub(super) fn source_operand(&self, sink: &Sink) -> Option<usize> {
        match self.values[sink.value].place {
            Place::Operand(operand) => Some(operand),
            Place::Scratch => match self.origins[sink.value] {
                Some(Origin::Input(input)) if self.is_direct => Some(input),
                _ => None,
            },
        }
    }

    /// The operands whose products a sink reads.
    pub(super) fn factors(&self, sink: &Sink) -> Option<[usize; 2]> {
        match self.origins[sink.value] {
            Some(Origin::Product(factors)) if self.is_direct => Some(factors),
            _ => None,
        }
    }

    fn n_elems(&self) -> usize {
        self.nest.kept.n() * self.nest.reduced.n()
    }
}

impl<'a> Stages<'a> {
    /// No loops yet.
    #[must_use]
    pub fn new(result: ViewMut<'a>) -> Stages<'a> {
        Stages { result, temps: Vec::new(), raw_temps: Vec::new(), steps: Vec::new() }
    }

    /// Makes a zeroed temporary; gives its number.
    ///
    /// # Errors
    ///
    /// As [`Output::new`].
    pub fn add_temp(&mut self, dtype: DType, shape: &[usize], order: &[usize]) -> Result<usize, AllocError> {
        let mut temp = Output::new(dtype, shape, order)?;
        self.raw_temps.push(temp.view_mut().raw().clone());
        self.temps.push(temp);
        Ok(self.temps.len() - 1)
    }

    /// What a temporary holds.
    ///
    /// # Panics
    ///
    /// If there is no temporary of this number.
    #[must_use]
    pub fn temp(&self, temp: usize) -> View<'_> {
        self.temps[temp].view()
    }

    /// Adds a loop. Its number is how many were added before.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`]: the outputs of the loop count on after its values. A view must not overlap the result at all.
    ///
    /// # Panics
    ///
    /// If a temporary or a value is named that does not exist.
    pub fn push(&mut self, spec: &Loop<'_, '_, 'a>) -> Result<(), PlanError> {
        let n_elems = check_shape(spec.shape)?;
        let (operands, memory) = self.operands(spec)?;
        let step = match n_elems {
            0 => self.empty(spec),
            _ if !spec.folds.is_empty() => Step::Along(Box::new(stage(spec, &operands, &memory, spec.reduced))),
            _ => match self.following(spec, &operands, &memory) {
                Some(stage) => Step::Along(Box::new(stage)),
                None => {
                    let raw: SmallVec<[&RawView; 8]> = operands.iter().collect();
                    Step::Map(Box::new(Plan::of_raw(spec.shape, &raw, spec.inputs.len())?))
                }
            },
        };
        self.steps.push(step);
        Ok(())
    }

    /// The operands of a loop's nest, checked: inputs, values that are in memory, targets.
    #[expect(clippy::type_complexity, reason = "two lists that go together")]
    fn operands(&self, spec: &Loop<'_, '_, 'a>) -> Result<(SmallVec<[RawView; 8]>, SmallVec<[Memory; 8]>), PlanError> {
        let mut operands: SmallVec<[RawView; 8]> = SmallVec::new();
        let mut memory: SmallVec<[Memory; 8]> = SmallVec::new();
        for (input, source) in spec.inputs.iter().enumerate() {
            let (raw, whose) = match *source {
                Source::View(view) => {
                    if overlap(view.raw(), self.result.raw()) != Overlap::None {
                        return Err(PlanError::Overlap { input, output: 0 });
                    }
                    (view.raw().clone(), Memory::View)
                }
                Source::Temp(temp, dropped) => (without_axes(&self.raw_temps[temp], dropped), Memory::Temp(temp)),
                Source::Result => (self.result.raw().clone(), Memory::Result),
            };
            if !is_broadcastable(&raw.shape, spec.shape) {
                let (from, to) = (raw.shape[..].into(), spec.shape.into());
                return Err(PlanError::NotBroadcastable { input, from, to });
            }
            operands.push(raw);
            memory.push(whose);
        }
        for (&(dtype, _), origin) in spec.values.iter().zip(spec.origins) {
            match *origin {
                None => {}
                Some(Origin::Input(input)) => same_dtype(dtype, operands[input].dtype)?,
                Some(Origin::Product(factors)) => {
                    factors.iter().try_for_each(|&input| same_dtype(dtype, operands[input].dtype))?;
                }
            }
        }
        for fold in spec.folds {
            same_dtype(spec.values[fold.value].0, fold.op.dtype())?;
        }
        let written = spec.values.iter().map(|&(dtype, dest)| (dtype, dest, 0));
        let folded = spec.folds.iter().map(|fold| match fold.op {
            AlongOp::Reduce(reducer) => (reducer.result_dtype(), fold.dest, spec.reduced),
            AlongOp::Scan(scanner) => (scanner.result_dtype(), fold.dest, 0),
        });
        let outputs = written.chain(folded).filter_map(|(dtype, dest, reduced)| match dest {
            Dest::Result if self.result.n_axes() == spec.shape.len() => {
                Some((dtype, self.result.raw().clone(), Memory::Result, reduced))
            }
            Dest::Result => Some((dtype, with_axes(self.result.raw(), reduced), Memory::Result, reduced)),
            Dest::Temp(temp) => Some((dtype, self.raw_temps[temp].clone(), Memory::Temp(temp), reduced)),
            Dest::Scratch => None,
        });
        for (output, (dtype, raw, whose, reduced)) in outputs.enumerate() {
            same_dtype(dtype, raw.dtype)?;
            let expected = spec.shape.iter().enumerate();
            let expected = expected.map(|(axis, &extent)| if reduced >> axis & 1 == 1 { 1 } else { extent });
            if !raw.shape.iter().copied().eq(expected.clone()) {
                let (expected, found) = (expected.collect(), raw.shape[..].into());
                return Err(PlanError::OutputShape { output, expected, found });
            }
            // The result may be updated in place, element for element; nothing else is read and written at once.
            let is_clash = |input: &Memory| *input == whose && (whose != Memory::Result || reduced != 0);
            if let Some(input) = memory[..spec.inputs.len()].iter().position(is_clash) {
                return Err(PlanError::Overlap { input, output });
            }
            operands.push(raw);
            memory.push(whose);
        }
        Ok((operands, memory))
    }

    /// A loop without elements: reductions still have results, of nothing.
    fn empty(&self, spec: &Loop<'_, '_, 'a>) -> Step<'a> {
        let fills = spec.folds.iter().filter_map(|fold| match fold.op {
            AlongOp::Reduce(reducer) => Some((fold.dest, reducer)),
            AlongOp::Scan(_) => None,
        });
        let n_operands = spec.inputs.len() + spec.values.len();
        Step::Empty { fills: fills.collect(), kinds: (0..n_operands).map(|_| RunKind::Contiguous).collect() }
    }

    /// The elementwise loop as a stage that can run row by row after the loop before it, if it has that one's shape or
    /// one element for each of its results.
    fn following(&self, spec: &Loop<'_, '_, 'a>, operands: &[RawView], memory: &[Memory]) -> Option<Stage> {
        let Some(Step::Along(before)) = self.steps.last() else { return None };
        let is_following = |(axis, &extent): (usize, &usize)| {
            extent == before.shape[axis] || (extent == 1 && before.reduced >> axis & 1 == 1)
        };
        if spec.shape.len() != before.shape.len() || !spec.shape.iter().enumerate().all(is_following) {
            return None;
        }
        let stage = stage(spec, operands, memory, before.reduced);
        let (nest, rows) = (&stage.nest, &before.nest);
        let is_same_rows = nest.kept.extents == rows.kept.extents
            && match nest.lanes {
                Lanes::Reduced => before.nest.lanes == Lanes::Reduced && nest.reduced.extents == rows.reduced.extents,
                Lanes::Kept => nest.reduced.n() == 1,
            };
        is_same_rows.then_some(stage)
    }

    /// How the operands of a loop's kernel move along the lanes: inputs, then values.
    ///
    /// # Panics
    ///
    /// If there is no loop of this number.
    #[must_use]
    pub fn run_kinds(&self, index: usize) -> &[RunKind] {
        match &self.steps[index] {
            Step::Empty { kinds, .. } => kinds,
            Step::Map(plan) => plan.run_kinds(),
            Step::Along(stage) => &stage.kinds,
        }
    }

    /// Whether a loop computes anything; if not, it runs without a kernel.
    ///
    /// # Panics
    ///
    /// If there is no loop of this number.
    #[must_use]
    pub fn needs_kernel(&self, index: usize) -> bool {
        match &self.steps[index] {
            Step::Empty { .. } => false,
            Step::Map(_) => true,
            Step::Along(stage) => !stage.is_direct,
        }
    }

    /// Runs all loops in order, each with its kernel.
    ///
    /// # Errors
    ///
    /// As [`run`](super::run); a kernel that is missing counts as one for other operands.
    pub fn run(&mut self, kernels: &[Option<&Kernel>], options: &RunOptions<'_>) -> Result<(), ExecError> {
        let mut at = 0;
        while at < self.steps.len() {
            let kernel = kernels.get(at).copied().flatten();
            let end = match &self.steps[at] {
                Step::Empty { fills, .. } => {
                    for (dest, reducer) in fills {
                        match *dest {
                            Dest::Result => fill(&mut self.result, reducer),
                            Dest::Temp(temp) => fill(&mut self.temps[temp].view_mut(), reducer),
                            Dest::Scratch => {}
                        }
                    }
                    at + 1
                }
                Step::Map(plan) => {
                    super::run(plan, kernel.ok_or_else(|| missing_kernel(plan.dtypes()))?, options)?;
                    at + 1
                }
                Step::Along(_) => {
                    let end = self.chain_end(at, kernels, options);
                    let mut stages: SmallVec<[Bound<'_>; 4]> = SmallVec::new();
                    for (index, step) in self.steps.iter().enumerate().take(end).skip(at) {
                        if let Step::Along(stage) = step {
                            stages.push(Bound::new(stage, kernels.get(index).copied().flatten())?);
                        }
                    }
                    // SAFETY: `self` is borrowed exclusively, so nobody else uses the result or the temporaries; views
                    // are borrowed for `'a`, and `operands` has checked that none overlaps the result.
                    unsafe {
                        match &stages[..] {
                            [stage] => stage.run(options)?,
                            stages => run_chain(stages, options)?,
                        }
                    }
                    end
                }
            };
            at = end;
        }
        Ok(())
    }

    /// The end of the loops from `at` on that run together: block by block of rows, so that what one loop has read or
    /// written is still in the cache for the next.
    ///
    /// They have the same kept axes, and what one uses of another is in the rows of the block.
    fn chain_end(&self, at: usize, kernels: &[Option<&Kernel>], options: &RunOptions<'_>) -> usize {
        let Step::Along(first) = &self.steps[at] else { return at + 1 };
        let is_reduction = |stage: &Stage| stage.nest.lanes == Lanes::Reduced && stage.reductions().next().is_some();
        let row_bytes = first.nest.reduced.n().saturating_mul(first.bytes_per_elem);
        let n_threads = options.pool.n_threads();
        if !is_reduction(first) || row_bytes > MAX_CHAIN_ROW_BYTES || first.nest.kept.n() < MIN_CHAIN_ROWS * n_threads {
            return at + 1;
        }
        let mut end = at + 1;
        while let Some(Step::Along(stage)) = self.steps.get(end) {
            let (nest, rows) = (&stage.nest, &first.nest);
            let is_same_rows = nest.kept.extents == rows.kept.extents
                && match nest.lanes {
                    Lanes::Reduced => nest.reduced.extents == rows.reduced.extents,
                    Lanes::Kept => nest.reduced.n() == 1 && stage.sinks.is_empty(),
                };
            let earlier = self.steps[at..end].iter().filter_map(|step| match step {
                Step::Along(stage) => Some(&**stage),
                _ => None,
            });
            let is_scan = stage.sinks.iter().any(|sink| sink.scanner.is_some());
            let needs = stage.is_direct || kernels.get(end).copied().flatten().is_some();
            if !is_same_rows || is_scan || !needs || !earlier.into_iter().all(|earlier| shares_rows(stage, earlier)) {
                break;
            }
            end += 1;
        }
        end
    }
}

/// Rows of a chain are not longer than this: a block of them has to stay in the L2 cache.
const MAX_CHAIN_ROW_BYTES: usize = 512 << 10;

/// Rows of a chain for each thread, so that all threads have blocks.
const MIN_CHAIN_ROWS: usize = 4;

/// Whether what both stages use and one of them writes is used in the same rows by both: then blocks of rows may run in any
/// order.
fn shares_rows(stage: &Stage, earlier: &Stage) -> bool {
    let is_still = |strides: &[isize]| strides.iter().all(|&stride| stride == 0);
    let is_unit = |stage: &Stage| stage.nest.reduced.n() == 1;
    let in_same_rows = |operand: usize, other: usize| {
        let (here, there) = (&stage.nest, &earlier.nest);
        here.ptrs[operand] == there.ptrs[other]
            && here.kept.strides(operand) == there.kept.strides(other)
            && match (is_unit(stage), is_unit(earlier)) {
                (false, false) => here.reduced.strides(operand) == there.reduced.strides(other),
                (false, true) => is_still(here.reduced.strides(operand)),
                (true, _) => is_still(there.reduced.strides(other)),
            }
    };
    stage.operands.iter().enumerate().filter(|(_, memory)| **memory != Memory::View).all(|(operand, memory)| {
        let others = earlier.operands.iter().enumerate().filter(|(_, other)| *other == memory);
        let is_written = |other: usize| operand >= stage.n_inputs || other >= earlier.n_inputs;
        others.filter(|&(other, _)| is_written(other)).all(|(other, _)| in_same_rows(operand, other))
    })
}

fn same_dtype(expected: DType, found: DType) -> Result<(), PlanError> {
    if expected == found { Ok(()) } else { Err(PlanError::DTypeMismatch { expected, found }) }
}

/// A shape that can be iterated over; gives its number of elements.
fn check_shape(shape: &[usize]) -> Result<usize, PlanError> {
    if shape.len() > MAX_AXES {
        return Err(PlanError::TooManyAxes { n_axes: shape.len() });
    }
    count_elems(shape).ok_or_else(|| PlanError::TooLarge { shape: shape.into() })
}

/// The array without some of its axes, which have extent 1.
fn without_axes(raw: &RawView, dropped: AxisSet) -> RawView {
    let is_left = |axis: usize| dropped >> axis & 1 == 0 || raw.shape[axis] != 1;
    let axes = || (0..raw.shape.len()).filter(|&axis| is_left(axis));
    RawView {
        ptr: raw.ptr,
        dtype: raw.dtype,
        shape: axes().map(|axis| raw.shape[axis]).collect(),
        strides: axes().map(|axis| raw.strides[axis]).collect(),
    }
}

/// The array with unit axes put in, where an axis of the outcome is reduced.
fn with_axes(raw: &RawView, inserted: AxisSet) -> RawView {
    let (mut shape, mut strides) = (raw.shape.clone(), raw.strides.clone());
    for axis in (0..MAX_AXES).filter(|axis| inserted >> axis & 1 == 1) {
        if axis <= shape.len() {
            shape.insert(axis, 1);
            strides.insert(axis, 0);
        }
    }
    RawView { ptr: raw.ptr, dtype: raw.dtype, shape, strides }
}

/// Writes the result of no elements everywhere.
fn fill(view: &mut ViewMut<'_>, reducer: &Reducer) {
    let Some(value) = reducer.empty() else { return };
    let shape = view.shape().to_vec();
    let mut index = vec![0; shape.len()];
    for _ in 0..view.n_elems() {
        // The index is inside, and the array has the reducer's dtype, or it keeps what it has.
        let _ = view.write(&index, value);
        for (place, &extent) in index.iter_mut().zip(&shape).rev() {
            *place += 1;
            if *place < extent {
                break;
            }
            *place = 0;
        }
    }
}

/// The stage of a loop that has elements.
fn stage(spec: &Loop<'_, '_, '_>, operands: &[RawView], memory: &[Memory], reduced: AxisSet) -> Stage {
    let n_inputs = spec.inputs.len();
    let raw: SmallVec<[&RawView; 8]> = operands.iter().collect();
    let is_ordered = spec.folds.iter().any(|fold| match fold.op {
        AlongOp::Reduce(reducer) => matches!(reducer.op(), ReduceOp::ArgMin | ReduceOp::ArgMax),
        AlongOp::Scan(_) => false,
    });
    let nest = AxisNest::new(spec.shape, &raw, n_inputs, |axis| reduced >> axis & 1 == 1, is_ordered);
    let mut next = n_inputs;
    let values: SmallVec<[Value; 2]> = spec
        .values
        .iter()
        .map(|&(dtype, dest)| {
            let place = if dest == Dest::Scratch { Place::Scratch } else { Place::Operand(next) };
            next += usize::from(dest != Dest::Scratch);
            Value { dtype, place }
        })
        .collect();
    let sinks = spec.folds.iter().filter(|fold| fold.dest != Dest::Scratch).enumerate();
    let sinks = sinks.map(|(k, fold)| {
        let (reducer, scanner) = match fold.op {
            AlongOp::Reduce(reducer) => (Some(reducer), None),
            AlongOp::Scan(scanner) => (None, Some(scanner)),
        };
        Sink { reducer, scanner, value: fold.value, target: next + k }
    });
    let sinks: SmallVec<[Sink; 2]> = sinks.collect();
    let lanes = nest.lane_group();
    let kind = |operand: usize, dtype: DType| match nest.lane_group().n() {
        // A row of one element counts as contiguous.
        1 => RunKind::Contiguous,
        _ => run_kind(lanes.inner_stride(operand), dtype.size()),
    };
    let dtypes: SmallVec<[DType; 8]> =
        operands[..n_inputs].iter().map(|raw| raw.dtype).chain(values.iter().map(|value| value.dtype)).collect();
    let mut kinds: Kinds = (0..n_inputs).map(|input| kind(input, dtypes[input])).collect();
    kinds.extend(values.iter().map(|value| match value.place {
        Place::Operand(operand) => kind(operand, value.dtype),
        Place::Scratch => RunKind::Contiguous,
    }));
    let origins: SmallVec<[Option<Origin>; 2]> = SmallVec::from_slice(spec.origins);
    let is_contiguous = |input: usize| lanes.inner_stride(input) == operands[input].dtype.size() as isize;
    let is_read_in_place = |sink: &Sink| {
        matches!(values[sink.value].place, Place::Scratch)
            && match origins[sink.value] {
                Some(Origin::Input(input)) => is_contiguous(input) || (lanes.n() == 1 && lanes.extents.len() == 1),
                Some(Origin::Product(factors)) => {
                    nest.lanes == Lanes::Reduced
                        && sink.reducer.is_some_and(|reducer| reducer.takes_products())
                        && factors.into_iter().all(is_contiguous)
                }
                None => false,
            }
    };
    let is_direct = !spec.folds.is_empty()
        && values.iter().all(|value| matches!(value.place, Place::Scratch))
        && sinks.iter().all(is_read_in_place)
        && match nest.lanes {
            Lanes::Reduced => nest.reduced.extents.len() == 1,
            Lanes::Kept => nest.reduced.extents.len() == 1 || nest.reduced.inner().is_multiple_of(COLUMN_LEAF),
        };
    let moving = kinds.iter().zip(&dtypes).filter(|&(&kind, _)| kind != RunKind::Splat);
    let bytes_per_elem = moving.map(|(_, dtype)| dtype.size()).sum();
    Stage {
        sinks,
        nest,
        n_inputs,
        values,
        is_direct,
        origins,
        kinds,
        dtypes,
        shape: spec.shape.into(),
        reduced,
        bytes_per_elem,
        operands: SmallVec::from_slice(memory),
    }
}

fn missing_kernel(dtypes: &[DType]) -> ExecError {
    let plan: Vec<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
    ExecError::KernelMismatch { kernel: "none".into(), plan: plan.join(", ").into() }
}
