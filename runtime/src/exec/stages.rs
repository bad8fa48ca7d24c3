//! Several loops as one call: values pass from one to the next, along axes or element by element.
//!
//! In: [`Loop`]s over views, over temporaries and over the result; how these lie; kernels. Out: the result, filled. Loops that
//! reduce the same axis of the same shape, and what follows them, run block by block of rows while these are in the
//! cache: see [`chain`](Stages::chain_end).

mod chain;
mod run;
mod spec;
mod stage;

pub use self::spec::{AlongOp, AxisSet, Dest, Fold, Loop, Origin, Source};

pub(super) use self::stage::{Place, Sink, Stage};

use std::borrow::Cow;

use smallvec::SmallVec;

use self::run::{Bound, run_chain};
use self::stage::{Memory, stage};
use super::{ExecError, Kernel, RunOptions};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::memory::{AllocError, Output};
use crate::plan::{Geometry, Kinds, Lanes, Plan, PlanError};
use crate::reduce::Reducer;
use crate::view::{
    Layout, MAX_AXES, Overlap, RawView, Shape, View, ViewMut, count_elems, is_broadcastable, list, overlap,
};

/// The loops of a call, in order: what they do with arrays that lie in a certain way, wherever their memory is. So they may run
/// again and again.
///
/// ```
/// use ndexpr_runtime::dtype::DType;
/// use ndexpr_runtime::exec::{AlongOp, Dest, Fold, Loop, Origin, RunOptions, Source, Stages};
/// use ndexpr_runtime::reduce::{ReduceOp, Reducer};
/// use ndexpr_runtime::{pool::Pool, view::{View, ViewMut}};
///
/// let (a, mut sums) = (ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ndarray::array![0.0, 0.0]);
/// let (a, mut result) = (View::from(&a), ViewMut::from(&mut sums));
/// let mut stages = Stages::new(&[&a], &result);
/// let sum = Reducer::new(ReduceOp::Sum, DType::Float64).unwrap();
/// stages.push(&Loop {
///     shape: &[2, 3],
///     reduced: 0b10,
///     inputs: &[Source::View(0)],
///     values: &[(DType::Float64, Dest::Scratch)],
///     origins: &[Some(Origin::Input(0))],
///     folds: &[Fold { op: AlongOp::Reduce(sum), value: 0, dest: Dest::Result }],
/// })?;
/// assert!(!stages.needs_kernel(0), "the array's own rows are summed");
/// stages.run(&[&a], &mut result, &[None], &RunOptions::new(&Pool::new(1)?))?;
/// assert_eq!(sums, ndarray::array![6.0, 15.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Stages {
    views: SmallVec<[Layout; 4]>,
    result: Layout,
    temps: Vec<Temp>,
    steps: Vec<Step>,
}

/// What passes from one loop to another.
struct Temp {
    shape: Shape,
    order: Shape,
    layout: Layout,
}

enum Step {
    /// No elements.
    Empty {
        fills: Vec<(Dest, Reducer)>,
        kinds: Kinds,
    },
    /// An elementwise loop on its own.
    Map(Box<Map>),
    Along(Box<Stage>),
}

struct Map {
    geometry: Geometry,
    operands: SmallVec<[Memory; 8]>,
}

impl Stages {
    /// No loops yet, for arrays that lie as these do.
    #[must_use]
    pub fn new(views: &[&View<'_>], result: &ViewMut<'_>) -> Stages {
        let views = views.iter().map(|view| view.raw().layout()).collect();
        Stages { views, result: result.raw().layout(), temps: Vec::new(), steps: Vec::new() }
    }

    /// Makes room for a temporary, which each run begins with zeros; gives its number.
    ///
    /// # Errors
    ///
    /// If there can be no such array, as in [`Output::new`].
    pub fn add_temp(&mut self, dtype: DType, shape: &[usize], order: &[usize]) -> Result<usize, AllocError> {
        let layout = Output::layout(dtype, shape, order)?;
        self.temps.push(Temp { shape: list(shape), order: list(order), layout });
        Ok(self.temps.len() - 1)
    }

    /// Adds a loop. Its number is how many were added before.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`], but that nothing is known of memory yet: the outputs of the loop count on after its values.
    ///
    /// # Panics
    ///
    /// If a view, a temporary or a value is named that does not exist.
    pub fn push(&mut self, spec: &Loop<'_>) -> Result<(), PlanError> {
        let n_elems = check_shape(spec.shape)?;
        let (operands, memory) = self.operands(spec)?;
        let step = match n_elems {
            0 => Stages::empty(spec),
            _ if !spec.folds.is_empty() => Step::Along(Box::new(stage(spec, &operands, &memory, spec.reduced))),
            _ => match self.following(spec, &operands, &memory) {
                Some(stage) => Step::Along(Box::new(stage)),
                None => {
                    let raw: SmallVec<[&RawView; 8]> = operands.iter().collect();
                    let geometry = Geometry::new(spec.shape, &raw, spec.inputs.len())?;
                    Step::Map(Box::new(Map { geometry, operands: memory }))
                }
            },
        };
        self.steps.push(step);
        Ok(())
    }

    /// The operands of a loop's nest, checked: inputs, values that are in memory, targets.
    #[expect(clippy::type_complexity, reason = "two lists that go together")]
    fn operands(&self, spec: &Loop<'_>) -> Result<(SmallVec<[RawView; 8]>, SmallVec<[Memory; 8]>), PlanError> {
        // How operands lie is all that is asked for.
        let nowhere = std::ptr::null_mut();
        let result = self.result.at(nowhere);
        let mut operands: SmallVec<[RawView; 8]> = SmallVec::new();
        let mut memory: SmallVec<[Memory; 8]> = SmallVec::new();
        for (input, source) in spec.inputs.iter().enumerate() {
            let (raw, whose) = match *source {
                Source::View(view) => (self.views[view].at(nowhere), Memory::View(view)),
                Source::Temp(temp, dropped) => {
                    (without_axes(self.temps[temp].layout.at(nowhere), dropped), Memory::Temp(temp))
                }
                Source::Result => (self.result.at(nowhere), Memory::Result),
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
            Dest::Result if result.shape.len() == spec.shape.len() => {
                Some((dtype, result.clone(), Memory::Result, reduced))
            }
            Dest::Result => Some((dtype, with_axes(&result, reduced), Memory::Result, reduced)),
            Dest::Temp(temp) => Some((dtype, self.temps[temp].layout.at(nowhere), Memory::Temp(temp), reduced)),
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
    fn empty(spec: &Loop<'_>) -> Step {
        let fills = spec.folds.iter().filter_map(|fold| match fold.op {
            AlongOp::Reduce(reducer) => Some((fold.dest, reducer)),
            AlongOp::Scan(_) => None,
        });
        let n_operands = spec.inputs.len() + spec.values.len();
        Step::Empty { fills: fills.collect(), kinds: (0..n_operands).map(|_| RunKind::Contiguous).collect() }
    }

    /// The elementwise loop as a stage that can run row by row after the loop before it, if it has that one's shape or
    /// one element for each of its results.
    fn following(&self, spec: &Loop<'_>, operands: &[RawView], memory: &[Memory]) -> Option<Stage> {
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
            Step::Map(map) => map.geometry.run_kinds(),
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

    /// Whether these arrays lie as those that the loops were added for.
    #[must_use]
    pub fn is_for(&self, views: &[&View<'_>]) -> bool {
        views.len() == self.views.len() && views.iter().zip(&self.views).all(|(view, layout)| layout.is_of(view.raw()))
    }

    /// Whether this result lies as the one that the loops were added for.
    #[must_use]
    pub fn is_into(&self, result: &ViewMut<'_>) -> bool {
        self.result.is_of(result.raw())
    }

    /// Runs all loops in order, each with its kernel.
    ///
    /// # Errors
    ///
    /// As [`run`](super::run); a kernel that is missing counts as one for other operands. And if the arrays lie otherwise
    /// than those that the loops were added for, or the result overlaps one of them.
    pub fn run(
        &self,
        views: &[&View<'_>],
        result: &mut ViewMut<'_>,
        kernels: &[Option<&Kernel>],
        options: &RunOptions<'_>,
    ) -> Result<(), ExecError> {
        if !self.is_for(views) || !self.is_into(result) {
            return Err(ExecError::LayoutMismatch);
        }
        if let Some(input) = views.iter().position(|view| overlap(view.raw(), result.raw()) != Overlap::None) {
            return Err(ExecError::Overlap { input });
        }
        let mut temps: SmallVec<[Output; 4]> = SmallVec::new();
        for Temp { shape, order, layout } in &self.temps {
            temps.push(Output::new(layout.dtype(), shape, order)?);
        }
        let temp_ptrs: SmallVec<[*mut u8; 4]> = temps.iter_mut().map(|temp| temp.view_mut().raw().ptr).collect();
        let result_ptr = result.raw().ptr;
        let place = |memory: Memory| match memory {
            Memory::View(view) => views[view].raw().ptr,
            Memory::Temp(temp) => temp_ptrs[temp],
            Memory::Result => result_ptr,
        };
        let mut at = 0;
        while at < self.steps.len() {
            let kernel = kernels.get(at).copied().flatten();
            let end = match &self.steps[at] {
                Step::Empty { fills, .. } => {
                    for (dest, reducer) in fills {
                        match *dest {
                            Dest::Result => fill(result, reducer),
                            Dest::Temp(temp) => fill(&mut temps[temp].view_mut(), reducer),
                            Dest::Scratch => {}
                        }
                    }
                    at + 1
                }
                Step::Map(map) => {
                    // What the plan borrows, this function does: it was checked above that the arrays lie as they should and
                    // do not overlap; and of what a loop writes it reads the result only, see `operands`.
                    let ptrs = map.operands.iter().map(|&memory| place(memory));
                    let is_in_place = map.operands.iter().filter(|&&memory| memory == Memory::Result).count() > 1;
                    let plan = Plan::at(Cow::Borrowed(&map.geometry), ptrs, is_in_place);
                    super::run(&plan, kernel.ok_or_else(|| missing_kernel(plan.dtypes()))?, options)?;
                    at + 1
                }
                Step::Along(_) => {
                    let end = self.chain_end(at, kernels, options);
                    let mut stages: SmallVec<[Bound<'_>; 4]> = SmallVec::new();
                    for (index, step) in self.steps.iter().enumerate().take(end).skip(at) {
                        if let Step::Along(stage) = step {
                            stages.push(Bound::new(stage, kernels.get(index).copied().flatten(), place)?);
                        }
                    }
                    // SAFETY: the result is borrowed exclusively, and nobody else has the temporaries; views are borrowed.
                    // All lie as the loops were made for, so these stay inside of them, and none overlaps the result.
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
fn without_axes(raw: RawView, dropped: AxisSet) -> RawView {
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

fn missing_kernel(dtypes: &[DType]) -> ExecError {
    let plan: Vec<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
    ExecError::KernelMismatch { kernel: "none".into(), plan: plan.join(", ").into() }
}
