//! Plans: one call's iteration, made from views.
//!
//! In: a shape, views to read and views to write. Out: a [`Plan`], which is the same iteration as a
//! nest of as few loops as the strides allow. From the inside out, these are called the *lane*
//! axis, the *row* axis and the outer axes. The plan classifies each operand's *run* along the
//! lanes, so that a kernel can be chosen. It also gives [`Tiling`]s, which cut the nest into the
//! rectangles of rows and lanes that a kernel is called for. Always true of a plan that exists:
//!
//! 1. every address that the nest can reach from an operand's pointer is an element of that
//!    operand's view;
//! 2. the nest reaches each element of each output exactly once, and together with it the elements
//!    of the inputs that broadcasting assigns to it;
//! 3. an input shares no memory with an output, or is exactly that output, element for element;
//! 4. the tiles of a tiling cover the nest, each element once.
//!
//! A plan of up to 6 axes and 8 operands is made without the heap.

mod along;
mod errors;
mod geometry;
mod known;
mod nest;
mod of_parts;
mod order;
mod tiles;
mod tiling;

pub(crate) use along::{AxisNest, Kinds, Lanes};
pub use errors::PlanError;
pub(crate) use geometry::{Geometry, run_kind};
pub use known::Known;
pub use of_parts::PartsPlan;
pub use order::output_order;
pub use tiling::{Ahead, Tiling};

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use smallvec::SmallVec;

use self::nest::Nest;
use crate::abi::RunKind;
use crate::dtype::DType;
use crate::machine::{MIN_STREAMED_RUN_BYTES, MIN_UNALIGNED_RUN_BYTES, STREAM_ALIGN, is_worth_streaming};
use crate::view::{Overlap, RawView, View, ViewMut, overlap};

/// How many operands are stored without the heap.
type PerOperand<T> = SmallVec<[T; 8]>;

/// Where an input's elements come from.
#[derive(Clone, Copy, Debug)]
pub enum Input<'v, 'a> {
    /// The elements come from a view.
    View(&'v View<'a>),
    /// The elements come from the output of this number, as it was before the call: `a += b` reads
    /// its output.
    Output(usize),
}

/// One call's iteration. See the [module](self) for what is always true of it.
///
/// A plan borrows the memory of its inputs, and that of its outputs exclusively. It is not `Sync`:
/// two threads that ran the same plan at once would write the same outputs.
///
/// ```
/// use ndexpr_runtime::{abi::RunKind, plan::Plan, view::{View, ViewMut}};
///
/// let (a, b) = (ndarray::Array2::<f64>::ones((100, 50)), ndarray::Array1::<f64>::ones(50));
/// let mut out = ndarray::Array2::<f64>::zeros((100, 50));
/// let (inputs, mut outputs) = ([View::from(&a), View::from(&b)], [ViewMut::from(&mut out)]);
/// let plan = Plan::new(&[100, 50], &inputs, &mut outputs)?;
/// assert_eq!(plan.extents(), [100, 50]);
/// assert_eq!(plan.run_kinds(), [RunKind::Contiguous; 3]);
/// # Ok::<(), ndexpr_runtime::plan::PlanError>(())
/// ```
///
/// ```compile_fail
/// fn is_sync<T: Sync>() {}
/// is_sync::<ndexpr_runtime::plan::Plan<'static>>();
/// ```
pub struct Plan<'a> {
    geometry: Cow<'a, Geometry>,
    /// Where the nest begins in each operand.
    starts: PerOperand<*mut u8>,
    /// Whether an input is exactly an output.
    is_in_place: bool,
    memory: PhantomData<(&'a [u8], &'a mut [u8])>,
}

impl<'a> Plan<'a> {
    /// Plans an elementwise loop over `shape`: inputs are stretched to it, outputs must have
    /// exactly it.
    ///
    /// # Errors
    ///
    /// If an input does not broadcast to `shape`, an output has another shape, an input partly
    /// overlaps an output (copy it first, see [`exec::copy_of`](crate::exec::copy_of)), or there
    /// are too many axes or elements.
    pub fn new(shape: &[usize], inputs: &[View<'a>], outputs: &'a mut [ViewMut<'_>]) -> Result<Plan<'a>, PlanError> {
        Plan::build(shape, inputs.iter().map(Input::View), outputs)
    }

    /// The same as [`Plan::new`], for a loop some of whose inputs are outputs: it updates these in
    /// place.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`], and if there is no output of a number named by an input.
    pub fn in_place(
        shape: &[usize],
        inputs: &[Input<'_, 'a>],
        outputs: &'a mut [ViewMut<'_>],
    ) -> Result<Plan<'a>, PlanError> {
        Plan::build(shape, inputs.iter().copied(), outputs)
    }

    fn build<'v>(
        shape: &[usize],
        inputs: impl Iterator<Item = Input<'v, 'a>>,
        outputs: &'a mut [ViewMut<'_>],
    ) -> Result<Plan<'a>, PlanError>
    where
        'a: 'v,
    {
        let operands = Plan::operands(inputs, outputs)?;
        Plan::of_raw(shape, &operands, operands.len() - outputs.len())
    }

    /// All operands, inputs first.
    fn operands<'o>(
        inputs: impl Iterator<Item = Input<'o, 'a>>,
        outputs: &'o [ViewMut<'_>],
    ) -> Result<PerOperand<&'o RawView>, PlanError>
    where
        'a: 'o,
    {
        let mut operands: PerOperand<&RawView> = SmallVec::new();
        for (input, source) in inputs.enumerate() {
            operands.push(match source {
                Input::View(view) => view.raw(),
                Input::Output(output) => outputs.get(output).ok_or(PlanError::NoSuchOutput { input, output })?.raw(),
            });
        }
        operands.extend(outputs.iter().map(ViewMut::raw));
        Ok(operands)
    }

    /// The same as [`Plan::new`], for operands whose memory the caller vouches for: inputs, then
    /// outputs. Running the plan is sound only while that memory is as good as if the plan had
    /// borrowed it.
    fn of_raw(shape: &[usize], operands: &[&RawView], n_inputs: usize) -> Result<Plan<'a>, PlanError> {
        let geometry = Geometry::new(shape, operands, n_inputs)?;
        let is_in_place = check_memory(&operands[..n_inputs], &operands[n_inputs..])?;
        Ok(Plan::at(Cow::Owned(geometry), operands.iter().map(|operand| operand.ptr), is_in_place))
    }

    /// A plan of operands at these places, inputs first. The caller vouches for their memory as in
    /// [`Plan::of_raw`], and for their strides, which must be the geometry's. None may overlap an
    /// output, except, if `is_in_place`, inputs that are exactly that output.
    pub(crate) fn at(geometry: Cow<'a, Geometry>, ptrs: impl Iterator<Item = *mut u8>, is_in_place: bool) -> Plan<'a> {
        let starts = ptrs.zip(&geometry.nest.operands).map(|(ptr, walk)| ptr.wrapping_offset(walk.offset)).collect();
        Plan { geometry, starts, is_in_place, memory: PhantomData }
    }

    /// How each operand moves along the lanes, inputs first. A kernel is chosen by it. Inputs whose
    /// tiles are packed count as contiguous: those that are transposed with respect to the others,
    /// or repeat short rows.
    ///
    /// A plan of one element or none has contiguous runs only.
    #[must_use]
    pub fn run_kinds(&self) -> &[RunKind] {
        &self.geometry.run_kinds
    }

    /// The operands' dtypes, inputs first.
    #[must_use]
    pub fn dtypes(&self) -> &[DType] {
        &self.geometry.dtypes
    }

    /// The number of inputs.
    #[must_use]
    pub fn n_inputs(&self) -> usize {
        self.geometry.n_inputs
    }

    /// The number of outputs.
    #[must_use]
    pub fn n_outputs(&self) -> usize {
        self.geometry.outputs().len()
    }

    /// The number of elements of each output.
    #[must_use]
    pub fn n_elems(&self) -> usize {
        self.geometry.n_elems
    }

    /// The extents of the loops, outer axes first, then rows, then lanes: at least two. All 0 if
    /// there is nothing to do.
    #[must_use]
    pub fn extents(&self) -> &[usize] {
        &self.geometry.nest.extents
    }

    /// Bytes of memory that one element of the iteration touches in all operands that advance along
    /// the lanes.
    pub(crate) fn bytes_per_elem(&self) -> usize {
        self.geometry.bytes_per_elem()
    }

    /// Whether the outputs should be written past the caches: they do not fit into the caches
    /// together with the inputs, no input is an output, and they are written in long runs.
    #[must_use]
    pub fn is_worth_streaming(&self) -> bool {
        !self.is_in_place
            && is_worth_streaming(self.bytes_per_elem().saturating_mul(self.n_elems()))
            && self.geometry.writes_runs_of(MIN_STREAMED_RUN_BYTES)
    }

    /// Whether streaming stores are worth it in tiles of this tiling. In short tiles they are worth
    /// it only if tiles begin where such stores may begin.
    pub(crate) fn can_stream(&self, tiling: &Tiling) -> bool {
        let Geometry { nest, dtypes, joins_rows, .. } = &*self.geometry;
        let n_lanes = tiling.lanes_per_tile * if *joins_rows { tiling.rows_per_tile } else { 1 };
        self.geometry.outputs().all(|output| {
            let steps = nest.operands[output].strides.iter().zip(&nest.extents).rev().skip(1);
            let steps =
                steps.filter(|&(_, &extent)| extent > 1 && !joins_rows).map(|(stride, _)| stride.unsigned_abs());
            let is_aligned = steps.chain([self.starts[output].addr()]).all(|step| step.is_multiple_of(STREAM_ALIGN));
            is_aligned || n_lanes * dtypes[output].size() >= MIN_UNALIGNED_RUN_BYTES
        })
    }

    /// Whether a tile's outputs are whole rows that are long, or long parts of rows.
    #[must_use]
    pub fn has_long_runs(&self) -> bool {
        self.geometry.has_long_runs()
    }

    /// The inputs whose tiles must be packed before a kernel for [`Plan::run_kinds`] can read them.
    pub(crate) fn packed(&self) -> &[usize] {
        &self.geometry.packed
    }

    /// Whether a kernel for [`Plan::run_kinds`] must see the rows of a tile, which are whole, as
    /// one.
    pub(crate) fn joins_rows(&self) -> bool {
        self.geometry.joins_rows
    }

    pub(crate) fn nest(&self) -> &Nest {
        &self.geometry.nest
    }
}

/// Checks that no input partly overlaps an output. Returns whether one is exactly an output.
fn check_memory(inputs: &[&RawView], outputs: &[&RawView]) -> Result<bool, PlanError> {
    let mut is_in_place = false;
    for (input, in_view) in inputs.iter().enumerate() {
        for (output, out_view) in outputs.iter().enumerate() {
            match overlap(in_view, out_view) {
                Overlap::Partial => return Err(PlanError::Overlap { input, output }),
                Overlap::Same => is_in_place = true,
                Overlap::None => {}
            }
        }
    }
    for (output, out_view) in outputs.iter().enumerate() {
        if outputs[..output].iter().any(|other| overlap(other, out_view) != Overlap::None) {
            return Err(PlanError::SharedOutput { output });
        }
    }
    Ok(is_in_place)
}

impl fmt::Debug for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({:?}", self.extents())?;
        for (k, dtype) in self.dtypes().iter().enumerate() {
            let role = if k < self.n_inputs() { "in" } else { "out" };
            write!(f, ", {role} {dtype} {}", self.run_kinds()[k])?;
            if let Some(walk) = self.nest().operands.get(k) {
                write!(f, " {:?}", &walk.strides[..])?;
            }
        }
        f.write_str(")")
    }
}
