//! Reduces whole leaves in the loop that computes their elements.

use smallvec::SmallVec;

use super::Worker;
use super::trees::Trees;
use crate::abi::Operand;
use crate::exec::Kernel;
use crate::exec::kernel::LeafRows;
use crate::exec::stages::stage::Place;
use crate::reduce::{LANES, LEAF};

/// A kernel that accumulates leaves, and its operands at a leaf.
pub(super) struct Leaves<'s> {
    kernel: &'s Kernel,
    rows: LeafRows,
    operands: SmallVec<[Operand; 36]>,
    /// The bytes from a leaf to the next one.
    steps: SmallVec<[usize; 36]>,
}

/// Takes an operand: where it is, the bytes from lane to lane, the lanes from row to row, and the
/// bytes from leaf to leaf.
type Push<'p> = dyn FnMut(*mut u8, usize, usize, usize) + 'p;

impl Leaves<'_> {
    /// Whether the kernel writes kept values past the caches.
    pub(super) fn streams(&self) -> bool {
        self.kernel.spec().is_streaming
    }
}

impl Worker<'_> {
    /// The leaves of the result of an outer index, from leaf number `leaf` on; `None` if there is
    /// no kernel for leaves.
    pub(super) fn leaves(&self, outer: usize, leaf: usize) -> Option<Leaves<'_>> {
        let kernel = self.leaf_kernel?;
        let rows = kernel.spec().leaf?;
        let starts = self.starts(outer, leaf * LEAF);
        let (mut operands, mut steps) = (SmallVec::new(), SmallVec::new());
        let mut push = |ptr: *mut u8, stride: usize, elems_per_row: usize, step: usize| {
            let row_stride = (elems_per_row * stride) as isize;
            operands.push(Operand { ptr, lane_stride: stride as isize, row_stride });
            steps.push(step);
        };
        let of_accumulators = |push: &mut Push<'_>| {
            let mut ptr = self.accumulators;
            for accumulators in self.stage.reductions().filter_map(|(_, reducer)| reducer.accumulators()) {
                let size = accumulators.dtype.size();
                for _ in 0..accumulators.count {
                    push(ptr, size, 0, 0);
                    ptr = ptr.wrapping_add(LANES * size);
                }
            }
        };
        let of_rows = |push: &mut Push<'_>, arrays: &[(*mut u8, usize, bool)]| {
            for row in 0..rows.rows {
                for &(start, stride, goes_on) in arrays {
                    let step = if goes_on { LEAF * stride } else { 0 };
                    push(start.wrapping_add(row * LANES * stride), stride, rows.rows * LANES, step);
                }
            }
        };
        let inputs = (0..self.stage.n_inputs).map(|operand| {
            let stride = self.stage.nest.lane_group().inner_stride(operand) as usize;
            (starts[operand], stride, true)
        });
        // If the kernel cannot stream, values wait in scratch as without it.
        let waits = |value: usize| self.streams(value) && !kernel.spec().is_streaming;
        let kept = self.stage.values.iter().enumerate().filter_map(|(k, value)| match value.place {
            Place::Operand(_) if waits(k) => Some((self.value_scratch(k), value.dtype.size(), false)),
            Place::Operand(operand) => Some((starts[operand], value.dtype.size(), true)),
            Place::Scratch => None,
        });
        of_rows(&mut push, &inputs.collect::<SmallVec<[_; 8]>>());
        of_accumulators(&mut push);
        of_rows(&mut push, &kept.collect::<SmallVec<[_; 4]>>());
        of_accumulators(&mut push);
        Some(Leaves { kernel, rows, operands, steps })
    }

    /// Computes and reduces the leaf where `leaves` are, and goes on to the next leaf.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run); there must be a whole leaf, and the trees be those of
    /// the stage's reductions.
    pub(super) unsafe fn accumulate(&self, leaves: &mut Leaves<'_>, trees: &mut Trees<'_>) {
        let in_turn = |at: &mut *mut u8, n_bytes: usize| std::mem::replace(at, at.wrapping_add(n_bytes));
        let mut at = self.accumulators;
        for (_, reducer) in self.stage.reductions() {
            let n_bytes = reducer.accumulators().map_or(0, |accumulators| accumulators.n_bytes());
            // SAFETY: the scratch has room for the accumulators of all reductions, which all take
            // multiples of 64 bytes.
            unsafe { reducer.start_leaf(in_turn(&mut at, n_bytes)) };
        }
        let n_rows = LEAF / LANES / leaves.rows.rows;
        // SAFETY: the kernel was checked against the stage; the operands are those of a whole leaf,
        // by the caller's contract, and the accumulators; the scratch has the kernel's slots.
        unsafe { leaves.kernel.spec().call_leaf(n_rows, &leaves.operands, self.slots) };
        let mut at = self.accumulators;
        for ((_, reducer), tree) in self.stage.reductions().zip(trees) {
            let n_bytes = reducer.accumulators().map_or(0, |accumulators| accumulators.n_bytes());
            // SAFETY: these are the reduction's accumulators, as above; the tree's slot has room
            // for a partial.
            unsafe { reducer.end_leaf(in_turn(&mut at, n_bytes), tree.slot().as_mut_ptr().cast()) };
            tree.push(0);
        }
        for (operand, step) in leaves.operands.iter_mut().zip(&leaves.steps) {
            operand.ptr = operand.ptr.wrapping_add(*step);
        }
    }
}
