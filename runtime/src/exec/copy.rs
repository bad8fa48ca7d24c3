//! Copies arrays: inputs that partly overlap an output, and outcomes that are repeated to fill a
//! larger output.
//!
//! In: a view, and where its elements go. Out: the same elements there. A copy is a run like any
//! other: it may use several threads, and it can be cancelled.

use std::sync::Arc;

use super::run::run_uncounted;
use super::{ExecError, Kernel, KernelSpec, RunOptions, run};
use crate::abi::{KernelArgs, KernelFn, RunKind};
use crate::dtype::DType;
use crate::function::Callbacks;
use crate::machine::COPY_NS_PER_ELEM;
use crate::memory::{AllocError, Output};
use crate::plan::{Plan, PlanError, output_order};
use crate::view::{MAX_AXES, Shape, View, ViewMut};

/// A copy of a view's elements. Made by [`copy_of`].
#[derive(Debug)]
pub struct OwnedCopy {
    /// The elements, with extent 1 where the original repeats them.
    elems: Output,
    /// The original's shape.
    shape: Shape,
}

impl OwnedCopy {
    /// The same elements as the original had, in the same shape.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let elems = self.elems.view();
        // The axes where the two differ have extent 1 here, so this cannot fail.
        elems.broadcast_to(&self.shape).unwrap_or(elems)
    }
}

/// Copies a view's elements, in the view's own memory order. An axis along which the view repeats
/// itself (stride 0) is not multiplied out. The elements do not count as progress.
///
/// # Errors
///
/// If there is not enough memory, the view has more than [`MAX_AXES`] axes, or the run is
/// cancelled.
pub fn copy_of(view: &View<'_>, options: &RunOptions<'_>) -> Result<OwnedCopy, ExecError> {
    if view.n_axes() > MAX_AXES {
        return Err(AllocError::TooManyAxes { n_axes: view.n_axes() }.into());
    }
    let distinct = view.distinct();
    let order = output_order(distinct.shape(), std::slice::from_ref(&distinct));
    let mut elems = Output::new(view.dtype(), distinct.shape(), &order)?;
    copy(&distinct, &mut elems.view_mut(), |plan, kernel| run_uncounted(plan, kernel, options))?;
    Ok(OwnedCopy { elems, shape: view.shape().into() })
}

/// Copies a view's elements, repeated to the shape of `to`. They count as progress, and are added
/// to its total.
///
/// # Errors
///
/// As [`Plan::new`] and [`run`]; an output that does not have the view's dtype is reported as one
/// that does not have its shape.
pub fn copy_into(from: &View<'_>, to: &mut ViewMut<'_>, options: &RunOptions<'_>) -> Result<(), ExecError> {
    if let Some(progress) = options.progress {
        progress.add_total(to.n_elems());
    }
    copy(from, to, |plan, kernel| run(plan, kernel, options))
}

fn copy(
    from: &View<'_>,
    to: &mut ViewMut<'_>,
    run: impl FnOnce(&Plan<'_>, &Kernel) -> Result<(), ExecError>,
) -> Result<(), ExecError> {
    if from.dtype() != to.dtype() {
        let (expected, found) = (from.shape().into(), to.shape().into());
        return Err(PlanError::OutputShape { output: 0, expected, found }.into());
    }
    let shape = Shape::from_slice(to.shape());
    let mut outputs = [to.reborrow()];
    let plan = Plan::new(&shape, std::slice::from_ref(from), &mut outputs)?;
    let kernel = copier(from.dtype(), [plan.run_kinds()[0], plan.run_kinds()[1]]);
    run(&plan, &kernel)
}

/// A kernel that copies an input of this dtype and run kind to a contiguous output.
#[must_use]
pub fn copy_kernel(dtype: DType, kind: RunKind) -> Kernel {
    copier(dtype, [kind, RunKind::Contiguous])
}

/// A kernel that copies an input to an output.
fn copier(dtype: DType, [from, to]: [RunKind; 2]) -> Kernel {
    let spec = KernelSpec {
        entry: copying(dtype),
        rest: Box::default(),
        operands: Box::new([(dtype, from), (dtype, to)]),
        n_outputs: 1,
        max_tile_elems: None,
        whole_blocks: None,
        slot_bytes: 0,
        is_streaming: false,
        leaf: None,
        tile_fns: Box::default(),
        callbacks: Callbacks::default(),
        ns_per_elem: COPY_NS_PER_ELEM,
        code: Arc::new(()),
    };
    // SAFETY: the copying functions go by the strides, so they are right for any run kinds; this is
    // the one for one input and one output of the dtype; they use no scratch and no tile functions;
    // and the code is this program's own.
    unsafe { Kernel::new(spec) }
}

/// The function that copies elements of a dtype.
fn copying(dtype: DType) -> KernelFn {
    match dtype {
        DType::Bool => copy_bools,
        DType::Int8 | DType::UInt8 => copy_elems::<u8>,
        DType::Int16 | DType::UInt16 => copy_elems::<u16>,
        DType::Int32 | DType::UInt32 | DType::Float32 => copy_elems::<u32>,
        DType::Int64 | DType::UInt64 | DType::Float64 => copy_elems::<u64>,
    }
}

/// A kernel: copies elements by their bits.
unsafe extern "C" fn copy_elems<T: Copy>(args: *const KernelArgs) {
    // SAFETY: called with valid arguments, of which two are operands.
    let (n_lanes, strides) = unsafe {
        let operands = std::slice::from_raw_parts((*args).operands, 2);
        ((*args).n_lanes, [operands[0].lane_stride, operands[1].lane_stride])
    };
    if strides == [size_of::<T>() as isize; 2] {
        // SAFETY: the operands' elements have the size of `T`, and those of a row have no gaps. A
        // row may be copied to itself.
        return unsafe {
            for_each_row(args, |from: *const T, to: *mut T| {
                to.cast::<u8>().copy_from(from.cast(), n_lanes * size_of::<T>())
            })
        };
    }
    // SAFETY: called with valid arguments for two operands whose elements have the size of `T`, of
    // any alignment.
    unsafe { for_each_pair(args, |from: *const T, to: *mut T| to.write_unaligned(from.read_unaligned())) }
}

/// A kernel: copies bools. Any byte may be in the input, but only 0 and 1 may go out.
unsafe extern "C" fn copy_bools(args: *const KernelArgs) {
    // SAFETY: called with valid arguments for two operands of one-byte elements.
    unsafe { for_each_pair(args, |from: *const u8, to: *mut u8| to.write(u8::from(from.read() != 0))) }
}

/// # Safety
///
/// `args` must be as [`crate::abi`] says, for one input and one output, and `f` must be sound for
/// any pair of their elements.
unsafe fn for_each_pair<T>(args: *const KernelArgs, f: impl Fn(*const T, *mut T)) {
    // SAFETY: the caller vouches for the arguments, of which there are two operands.
    let (n_lanes, from, to) = unsafe { ((*args).n_lanes, *(*args).operands, *(*args).operands.add(1)) };
    let in_row = |from_row: *const T, to_row: *mut T| {
        for lane in 0..n_lanes as isize {
            f(
                from_row.wrapping_byte_offset(lane * from.lane_stride),
                to_row.wrapping_byte_offset(lane * to.lane_stride),
            );
        }
    };
    // SAFETY: the same contract.
    unsafe { for_each_row(args, in_row) }
}

/// # Safety
///
/// `args` must be as [`crate::abi`] says, for one input and one output, and `f` must be sound for
/// the first elements of any of their rows.
unsafe fn for_each_row<T>(args: *const KernelArgs, f: impl Fn(*const T, *mut T)) {
    // SAFETY: the caller vouches for the arguments, of which there are two operands.
    let (n_rows, from, to) = unsafe { ((*args).n_rows, *(*args).operands, *(*args).operands.add(1)) };
    for row in 0..n_rows as isize {
        let from_row = from.ptr.wrapping_offset(row * from.row_stride);
        let to_row = to.ptr.wrapping_offset(row * to.row_stride);
        f(from_row.cast_const().cast(), to_row.cast());
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{array, s};

    use super::*;
    use crate::exec::Progress;
    use crate::pool::Pool;

    fn copy_of(view: &View<'_>) -> Result<OwnedCopy, ExecError> {
        super::copy_of(view, &RunOptions::new(&Pool::new(2).unwrap()))
    }

    #[test]
    fn copies_fill_larger_arrays_count_and_can_be_cancelled() {
        let (line, pool) = (array![1, 2, 3], Pool::new(2).unwrap());
        let mut to = ndarray::Array2::<i32>::zeros((300, 3)).reversed_axes();
        let progress = Progress::new(7);
        let options = RunOptions { progress: Some(&progress), ..RunOptions::new(&pool) };
        let (from, mut to) = (View::from(&line).broadcast_to(&[300, 3]).unwrap(), ViewMut::from(&mut to));
        let wrong = copy_into(&from, &mut to, &RunOptions::new(&pool));
        assert!(matches!(wrong, Err(ExecError::Plan(PlanError::NotBroadcastable { .. }))), "{wrong:?}");
        let column = line.view().insert_axis(ndarray::Axis(1));
        copy_into(&View::from(column), &mut to, &options).unwrap();
        assert_eq!((progress.done(), progress.total()), (900, 907));
        assert_eq!(to.read(&[1, 299]).unwrap().get(), Some(2));
        progress.cancel();
        assert_eq!(copy_into(&View::from(column), &mut to, &options), Err(ExecError::Cancelled));
        assert!(matches!(super::copy_of(&View::from(column), &options), Err(ExecError::Cancelled)));
    }

    #[test]
    fn copies_keep_values_shape_and_order() {
        let array = ndarray::Array3::from_shape_fn((3, 4, 5), |(i, j, k)| (100 * i + 10 * j + k) as i16);
        let sliced = array.slice(s![..;-1, 1.., ..;2]).permuted_axes([2, 0, 1]);
        let view = View::from(sliced);
        let copy = copy_of(&view).unwrap();
        assert_eq!(copy.view().shape(), view.shape());
        assert!(copy.view().scalars().eq(view.scalars()));
        assert_eq!(copy.view().strides(), [2, 3 * 3 * 2, 3 * 2]);
    }

    #[test]
    fn repeated_axes_are_not_multiplied_out() {
        let line = array![1.0, 2.0, 3.0];
        let view = View::from(&line).broadcast_to(&[1 << 50, 3]).unwrap();
        let copy = copy_of(&view).unwrap();
        assert_eq!(copy.view().shape(), view.shape());
        assert_eq!(copy.view().read(&[1 << 49, 2]), view.read(&[0, 2]));
        let empty = View::from(&line).broadcast_to(&[0, 3]).unwrap();
        assert_eq!(copy_of(&empty).unwrap().view().shape(), [0, 3]);
    }

    #[test]
    fn any_byte_is_a_bool_and_rank_0() {
        let bytes = [0, 1, 2, 255];
        let view = View::from_bytes(&bytes, DType::Bool, &[4], &[1], 0).unwrap();
        let copy = copy_of(&view).unwrap();
        let array = copy.elems.into_array::<bool>().unwrap();
        assert_eq!(array, array![false, true, true, true].into_dyn());
        let copy = copy_of(&View::from_element(&7u64)).unwrap();
        assert_eq!(copy.view().read(&[]).unwrap().get(), Some(7u64));
    }
}
