//! Copies of inputs that partly overlap an output: made before the loop, read instead.

use std::sync::Arc;

use super::{AllocError, Output};
use crate::abi::{KernelArgs, KernelFn, RunKind};
use crate::dtype::DType;
use crate::exec::{Kernel, KernelSpec, run_on_caller};
use crate::plan::{Plan, PlanError, output_order};
use crate::view::{Shape, View, ViewMut};

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

/// Copies a view's elements, in the view's own memory order. An axis along which the view repeats itself (stride 0) is
/// not multiplied out.
///
/// # Errors
///
/// If there is not enough memory, or the view has more than [`MAX_AXES`](crate::view::MAX_AXES) axes.
pub fn copy_of(view: &View<'_>) -> Result<OwnedCopy, AllocError> {
    let distinct = view.distinct();
    let order = output_order(distinct.shape(), std::slice::from_ref(&distinct));
    let mut elems = Output::new(view.dtype(), distinct.shape(), &order)?;
    copy_into(&distinct, &mut elems.view_mut()).map_err(|_| AllocError::TooManyAxes { n_axes: view.n_axes() })?;
    Ok(OwnedCopy { elems, shape: view.shape().into() })
}

/// Copies a view's elements, repeated to the shape of `to`, on the caller's thread.
///
/// # Errors
///
/// As [`Plan::new`]; an output of another dtype than the view's counts as one of another shape.
pub fn copy_into(from: &View<'_>, to: &mut ViewMut<'_>) -> Result<(), PlanError> {
    if from.dtype() != to.dtype() {
        let (expected, found) = (from.shape().into(), to.shape().into());
        return Err(PlanError::OutputShape { output: 0, expected, found });
    }
    let shape = to.shape().to_vec();
    let mut outputs = [to.reborrow()];
    let plan = Plan::new(&shape, std::slice::from_ref(from), &mut outputs)?;
    // SAFETY: the copying functions go by the strides, so they are right for any run kinds; this is the one for one input
    // and one output of the dtype; they use no scratch and no tile functions.
    unsafe { run_on_caller(&plan, &copy_kernel(from.dtype(), RunKind::Strided)) };
    Ok(())
}

/// A kernel that copies an input of this dtype and run kind to a contiguous output.
#[must_use]
pub fn copy_kernel(dtype: DType, kind: RunKind) -> Kernel {
    let spec = KernelSpec {
        entry: copying(dtype),
        operands: Box::new([(dtype, kind), (dtype, RunKind::Contiguous)]),
        n_outputs: 1,
        max_tile_elems: None,
        slot_bytes: 0,
        is_streaming: false,
        tile_fns: Box::default(),
        ns_per_elem: 0.5,
        code: Arc::new(()),
    };
    // SAFETY: as in `copy_into`; the code is this program's own.
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

/// Copies `n` elements of `size` bytes (1, 2, 4 or 8), each `stride` bytes after the one before.
///
/// # Safety
///
/// The elements at `from` must be readable and those at `to` writable, of any alignment; they must not overlap.
pub(crate) unsafe fn copy_strided(
    size: usize,
    n: usize,
    from: *const u8,
    from_stride: isize,
    to: *mut u8,
    to_stride: isize,
) {
    /// # Safety
    ///
    /// As of the outer function, for elements of the size of `T`.
    unsafe fn copy<T: Copy>(n: usize, from: *const u8, from_stride: isize, to: *mut u8, to_stride: isize) {
        for k in 0..n as isize {
            // SAFETY: the caller's contract.
            unsafe {
                let elem = from.offset(k * from_stride).cast::<T>().read_unaligned();
                to.offset(k * to_stride).cast::<T>().write_unaligned(elem);
            }
        }
    }
    // SAFETY: the caller's contract; each arm is for elements of its type's size.
    unsafe {
        match size {
            _ if from_stride == size as isize && to_stride == from_stride => {
                to.copy_from_nonoverlapping(from, n * size)
            }
            1 => copy::<u8>(n, from, from_stride, to, to_stride),
            2 => copy::<u16>(n, from, from_stride, to, to_stride),
            4 => copy::<u32>(n, from, from_stride, to, to_stride),
            _ => copy::<u64>(n, from, from_stride, to, to_stride),
        }
    }
}

/// A kernel: copies elements by their bits.
unsafe extern "C" fn copy_elems<T: Copy>(args: *const KernelArgs) {
    // SAFETY: called with valid arguments for two operands whose elements have the size of `T`, of any alignment.
    unsafe { for_each_pair(args, |from: *const T, to: *mut T| to.write_unaligned(from.read_unaligned())) }
}

/// A kernel: copies bools. Any byte may be in the input, but only 0 and 1 may go out.
unsafe extern "C" fn copy_bools(args: *const KernelArgs) {
    // SAFETY: called with valid arguments for two operands of one-byte elements.
    unsafe { for_each_pair(args, |from: *const u8, to: *mut u8| to.write(u8::from(from.read() != 0))) }
}

/// # Safety
///
/// `args` must be as [`crate::abi`] says, for one input and one output, and `f` must be sound for any pair of their
/// elements.
unsafe fn for_each_pair<T>(args: *const KernelArgs, f: impl Fn(*const T, *mut T)) {
    // SAFETY: the caller vouches for the arguments, of which there are two operands.
    let (args, from, to) = unsafe { (&*args, *(*args).operands, *(*args).operands.add(1)) };
    for row in 0..args.n_rows as isize {
        let from_row = from.ptr.wrapping_offset(row * from.row_stride);
        let to_row = to.ptr.wrapping_offset(row * to.row_stride);
        for lane in 0..args.n_lanes as isize {
            f(
                from_row.wrapping_offset(lane * from.lane_stride).cast_const().cast(),
                to_row.wrapping_offset(lane * to.lane_stride).cast(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{array, s};

    use super::*;

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
