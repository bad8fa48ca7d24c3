//! Several loops as one call: values pass from one to the next, along axes or element by element.
//!
//! In: loops ([`MapLoop`], [`ReduceLoop`], [`ScanLoop`]) over views, over temporaries and over
//! results; the layouts of these; kernels. Out: the results, filled. Loops that reduce the same axis
//! of the same shape, and what follows them, run one block of rows after the other, while the block
//! is in the cache: see [`chain`](Stages::chain_end). Always true: what a safe caller adds is
//! checked, so whatever is accepted stays inside of its arrays.
//!
//! A module uses only modules above it:
//!
//! | module   | job |
//! |----------|-----|
//! | `spec`   | what a loop is |
//! | `stage`  | a loop, ready to run |
//! | `kernels` | the kernels of a loop |
//! | `worker` | does parts of a stage's work on one thread |
//! | `run`    | cuts the work into parts for the threads |
//! | `build`  | checks a loop and makes its stage |
//! | `chain`  | which loops run together |

mod build;
mod chain;
mod kernels;
mod run;
mod spec;
mod stage;
mod worker;

pub use self::kernels::{LeafUse, LoopKernels};
pub use self::spec::{Dest, Fold, MapLoop, MapOutput, Origin, ReduceLoop, ScanLoop, Source, Value};

use std::borrow::Cow;

use smallvec::SmallVec;

use self::run::{Bound, run_chain};
use self::spec::LoopSpec;
use self::stage::{Memory, Stage};
use super::{ExecError, Kernel, RunOptions, copy_into};
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::memory::{AllocError, Output};
use crate::plan::{Geometry, Kinds, Plan, PlanError};
use crate::reduce::Reducer;
use crate::view::{AxisSet, Layout, Overlap, RawView, Shape, View, ViewMut, list, overlap};

/// The loops of a call, in order. They are made for arrays of certain dtypes, shapes and strides,
/// wherever these have their memory, so they may run again and again.
///
/// ```
/// use ndexpr_runtime::dtype::DType;
/// use ndexpr_runtime::exec::{Dest, Fold, Origin, ReduceLoop, RunOptions, Source, Stages, Value};
/// use ndexpr_runtime::reduce::{ReduceOp, Reducer};
/// use ndexpr_runtime::{pool::Pool, view::{AxisSet, View, ViewMut}};
///
/// let (a, mut sums) = (ndarray::array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ndarray::array![0.0, 0.0]);
/// let (a, mut result) = (View::from(&a), ViewMut::from(&mut sums));
/// let mut stages = Stages::new(&[&a], std::slice::from_ref(&result));
/// let sum = Reducer::new(ReduceOp::Sum, DType::Float64).unwrap();
/// stages.reduce(&ReduceLoop {
///     shape: &[2, 3],
///     axes: AxisSet::of([1]).unwrap(),
///     inputs: &[Source::View(0)],
///     values: &[Value { dtype: DType::Float64, origin: Some(Origin::Input(0)), keep: None }],
///     folds: &[Fold { reducer: sum, value: 0, dest: Dest::Result(0) }],
/// })?;
/// assert!(!stages.needs_kernel(0), "the array's own rows are summed");
/// stages.run(&[&a], std::slice::from_mut(&mut result), &[None], &RunOptions::new(&Pool::new(1)?))?;
/// assert_eq!(sums, ndarray::array![6.0, 15.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Stages {
    views: SmallVec<[Layout; 4]>,
    results: SmallVec<[Layout; 1]>,
    temps: Vec<Temp>,
    steps: Vec<Step>,
}

/// A temporary: what passes from one loop to another.
struct Temp {
    shape: Shape,
    order: Shape,
    layout: Layout,
    /// Unit axes that loops do not see when they read it.
    hidden: AxisSet,
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
    /// Whether it reads a result that it writes.
    is_in_place: bool,
}

impl Stages {
    /// Stages without loops yet, for arrays of these dtypes, shapes and strides.
    #[must_use]
    pub fn new(views: &[&View<'_>], results: &[ViewMut<'_>]) -> Stages {
        let views = views.iter().map(|view| view.raw().layout()).collect();
        let results = results.iter().map(|result| result.raw().layout()).collect();
        Stages { views, results, temps: Vec::new(), steps: Vec::new() }
    }

    /// Makes room for a temporary, which is all zeros when a run begins. Returns its number. Loops
    /// that read it do not see those of the `hidden` axes that have extent 1.
    ///
    /// # Errors
    ///
    /// If there can be no such array, as in [`Output::new`].
    pub fn add_temp(
        &mut self,
        dtype: DType,
        shape: &[usize],
        order: &[usize],
        hidden: AxisSet,
    ) -> Result<usize, AllocError> {
        let layout = Output::layout(dtype, shape, order)?;
        self.temps.push(Temp { shape: list(shape), order: list(order), layout, hidden });
        Ok(self.temps.len() - 1)
    }

    /// Adds an elementwise loop. A loop's number is how many were added before it.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`], except that overlap is recognised by name only. Also if the loop names
    /// something that does not exist, if dtypes differ, or if two outputs go to one place. In the
    /// numbering of outputs, the outcomes come after the values.
    pub fn map(&mut self, map: &MapLoop<'_>) -> Result<(), PlanError> {
        self.add(&LoopSpec::Map(*map))
    }

    /// Adds a loop that reduces.
    ///
    /// # Errors
    ///
    /// As [`Stages::map`], and if there is no reduction, or a value is neither reduced nor kept.
    pub fn reduce(&mut self, reduce: &ReduceLoop<'_>) -> Result<(), PlanError> {
        self.add(&LoopSpec::Reduce(*reduce))
    }

    /// Adds a loop of running results.
    ///
    /// # Errors
    ///
    /// As [`Stages::map`].
    pub fn scan(&mut self, scan: &ScanLoop<'_>) -> Result<(), PlanError> {
        self.add(&LoopSpec::Scan(*scan))
    }

    fn add(&mut self, spec: &LoopSpec<'_>) -> Result<(), PlanError> {
        let step = self.step(spec)?;
        self.steps.push(step);
        Ok(())
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

    /// Which kernel for leaves suits a loop and these results; `None` if it should have none.
    ///
    /// # Panics
    ///
    /// If there is no loop of this number.
    #[must_use]
    pub fn leaf_use(&self, index: usize, results: &[ViewMut<'_>]) -> Option<LeafUse> {
        let Step::Along(stage) = &self.steps[index] else { return None };
        let place = |memory: &Memory| match *memory {
            Memory::Result(result) => results.get(result).map_or(std::ptr::null_mut(), |result| result.raw().ptr),
            // Temporaries begin at cache lines, and views are not written.
            Memory::View(_) | Memory::Temp(_) => std::ptr::null_mut(),
        };
        stage.leaf_use(&stage.operands.iter().map(place).collect::<SmallVec<[*mut u8; 8]>>())
    }

    /// Whether these arrays have the dtypes, shapes and strides that the loops were added for.
    #[must_use]
    pub fn is_for(&self, views: &[&View<'_>]) -> bool {
        views.len() == self.views.len()
            && views.iter().zip(&self.views).all(|(view, layout)| layout.is_of(view.raw().by_ref()))
    }

    /// Whether these results have the dtypes, shapes and strides that the loops were added for.
    #[must_use]
    pub fn is_into(&self, results: &[ViewMut<'_>]) -> bool {
        results.len() == self.results.len()
            && results.iter().zip(&self.results).all(|(result, layout)| layout.is_of(result.raw().by_ref()))
    }

    /// Runs all loops in order, each with its kernel.
    ///
    /// # Errors
    ///
    /// As [`run`](super::run); a kernel that is missing counts as one for other operands. Also if
    /// the arrays do not have the layouts that the loops were added for, or a result overlaps one of
    /// them or another result.
    pub fn run(
        &self,
        views: &[&View<'_>],
        results: &mut [ViewMut<'_>],
        kernels: &[Option<&Kernel>],
        options: &RunOptions<'_>,
    ) -> Result<(), ExecError> {
        let kernels = kernels.iter().map(|&any| LoopKernels { any, leaves: None });
        let kernels: SmallVec<[LoopKernels<'_>; 4]> = kernels.collect();
        self.run_with_leaves(views, results, &kernels, options)
    }

    /// Runs all loops in order, with the kernels that there are for each.
    ///
    /// # Errors
    ///
    /// As [`Stages::run`]. A kernel for leaves that the loop cannot use is not used.
    pub fn run_with_leaves(
        &self,
        views: &[&View<'_>],
        results: &mut [ViewMut<'_>],
        kernels: &[LoopKernels<'_>],
        options: &RunOptions<'_>,
    ) -> Result<(), ExecError> {
        if !self.is_for(views) || !self.is_into(results) {
            return Err(ExecError::LayoutMismatch);
        }
        for (output, result) in results.iter().enumerate() {
            let is_shared = |other: &RawView| overlap(other, result.raw()) != Overlap::None;
            if let Some(input) = views.iter().position(|view| is_shared(view.raw())) {
                return Err(ExecError::Overlap { input });
            }
            if results[..output].iter().any(|other| is_shared(other.raw())) {
                return Err(ExecError::SharedOutput { output });
            }
        }
        let mut temps: SmallVec<[Output; 4]> = SmallVec::new();
        for Temp { shape, order, layout, .. } in &self.temps {
            temps.push(Output::new(layout.dtype(), shape, order)?);
        }
        let temp_ptrs: SmallVec<[*mut u8; 4]> = temps.iter_mut().map(|temp| temp.view_mut().raw().ptr).collect();
        let result_ptrs: SmallVec<[*mut u8; 4]> = results.iter().map(|result| result.raw().ptr).collect();
        let place = |memory: Memory| match memory {
            Memory::View(view) => views[view].raw().ptr,
            Memory::Temp(temp) => temp_ptrs[temp],
            Memory::Result(result) => result_ptrs[result],
        };
        let of_loop = |index: usize| kernels.get(index).copied().unwrap_or_default();
        let mut at = 0;
        while at < self.steps.len() {
            let kernel = of_loop(at).any;
            let end = match &self.steps[at] {
                Step::Empty { fills, .. } => {
                    for (dest, reducer) in fills {
                        match *dest {
                            Dest::Result(number) => fill(&mut results[number], reducer, options)?,
                            Dest::Temp(temp) => fill(&mut temps[temp].view_mut(), reducer, options)?,
                        }
                    }
                    at + 1
                }
                Step::Map(map) => {
                    // This function borrows what the plan should borrow. It was checked above that
                    // the arrays have the right layouts and do not overlap; and a loop reads
                    // nothing that it writes, except results: see `build`.
                    let ptrs = map.operands.iter().map(|&memory| place(memory));
                    let is_in_place = map.is_in_place;
                    let plan = Plan::at(Cow::Borrowed(&map.geometry), ptrs, is_in_place);
                    super::run(&plan, kernel.ok_or_else(|| missing_kernel(plan.dtypes()))?, options)?;
                    at + 1
                }
                Step::Along(_) => {
                    let end = self.chain_end(at, kernels, options);
                    let mut stages: SmallVec<[Bound<'_>; 4]> = SmallVec::new();
                    for (index, step) in self.steps.iter().enumerate().take(end).skip(at) {
                        if let Step::Along(stage) = step {
                            stages.push(Bound::new(stage, of_loop(index), place)?);
                        }
                    }
                    // SAFETY: the results are borrowed exclusively, and nobody else has the
                    // temporaries; views are borrowed. All have the layouts that the loops were
                    // made for, so loops stay inside of them, and none overlaps a result.
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

/// Fills the result with what the reduction gives for no elements.
fn fill(result: &mut ViewMut<'_>, reducer: &Reducer, options: &RunOptions<'_>) -> Result<(), ExecError> {
    let Some(value) = reducer.empty() else { return Ok(()) };
    let bytes = value.to_ne_bytes();
    match View::from_bytes(&bytes, value.dtype(), &[], &[], 0) {
        Ok(value) => copy_into(&value, result, options),
        // It has enough bytes for every dtype.
        Err(_) => Ok(()),
    }
}

fn missing_kernel(dtypes: &[DType]) -> ExecError {
    let plan: Vec<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
    ExecError::KernelMismatch { kernel: "none".into(), plan: plan.join(", ").into() }
}
