//! Several loops as one call: values pass from one to the next, along axes or element by element.
//!
//! In: [`Loop`]s over views, over temporaries and over the result; kernels for them. Out: the result, filled. Loops that
//! reduce the same axis of the same shape, and what follows them, run block by block of rows while these are in the
//! cache: see [`chain`](Stages::chain_end).

mod chain;
mod run;
mod spec;
mod stage;

pub use self::spec::{AlongOp, AxisSet, Dest, Fold, Loop, Origin, Source};

pub(super) use self::stage::{Place, Sink, Stage};

use smallvec::SmallVec;

use self::run::{Bound, run_chain};
use self::stage::{Memory, stage};
use super::{ExecError, Kernel, RunOptions};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::memory::{AllocError, Output};
use crate::plan::{Kinds, Lanes, Plan, PlanError};
use crate::reduce::Reducer;
use crate::view::{MAX_AXES, Overlap, RawView, View, ViewMut, count_elems, is_broadcastable, overlap};

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

fn missing_kernel(dtypes: &[DType]) -> ExecError {
    let plan: Vec<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
    ExecError::KernelMismatch { kernel: "none".into(), plan: plan.join(", ").into() }
}
