//! Reduces rows of memory into a block of results that are side by side, one row after the other.

use super::super::stage::Sink;
use super::trees::TreeMemory;
use super::{Outcome, Part, Starts, Worker};
use crate::exec::elems::copy_strided;
use crate::reduce::COLUMN_LEAF;

impl Worker<'_> {
    /// Computes results that are side by side: a block of lanes, within one run of the innermost
    /// outer axis.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn columns(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        let reduced = &stage.nest.reduced;
        let (n, n_lanes) = (reduced.n(), part.outer.len());
        // SAFETY: the caller's contract.
        let mut memory = unsafe { TreeMemory::new(stage, n_lanes, part.leaves.len(), self.words) };
        let mut trees = memory.trees();
        for leaf in part.leaves.clone() {
            let first = leaf * COLUMN_LEAF;
            let n_rows = COLUMN_LEAF.min(n - first);
            let mut is_decided = !stage.keeps_values();
            // SAFETY: the caller's contract; the slot has room for the partials of all lanes.
            unsafe {
                let starts = self.fill_columns(part.outer.start, first, n_rows, n_lanes);
                for ((sink, reducer), tree) in stage.reductions().zip(&mut trees) {
                    let (source, row_stride) = self.column_source(sink, &starts, first, n_rows, n_lanes);
                    let partials: *mut u8 = tree.slot().as_mut_ptr().cast();
                    reducer.column_leaf(n_rows, n_lanes, source, row_stride, first as u64, partials);
                    let bytes = n_lanes * reducer.partial_bytes();
                    is_decided &= reducer.is_decided(std::slice::from_raw_parts(partials, bytes));
                    tree.push(0);
                }
            }
            if is_decided {
                break;
            }
            if !self.goes_on_after(n_rows * n_lanes) {
                return;
            }
        }
        // SAFETY: the caller's contract.
        unsafe { self.conclude(trees, part.outer.start, n_lanes, outcome) };
    }

    /// Computes rows `first..first + n_rows` of a block of lanes into scratch. Returns where the
    /// operands are at the first row.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run); the lanes must be results, and the tile must fit the
    /// scratch.
    pub(super) unsafe fn fill_columns(&self, outer: usize, first: usize, n_rows: usize, n_lanes: usize) -> Starts {
        let reduced = &self.stage.nest.reduced;
        let starts = self.starts(outer, first);
        let mut row = 0;
        while row < n_rows && self.kernel.is_some() {
            let n = (n_rows - row).min(reduced.inner() - (first + row) % reduced.inner());
            let starts = self.starts(outer, first + row);
            // SAFETY: the caller's contract; the rows are along the innermost reduced axis.
            unsafe { self.compute(&starts, (n, n_lanes), |operand| reduced.inner_stride(operand), row * n_lanes) };
            row += n;
        }
        starts
    }

    /// Returns where a sink reads a tile of columns, whose lanes are consecutive, and the number of
    /// bytes from row to row.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run); `starts` is where the operands are at the first
    /// element of the tile.
    pub(super) unsafe fn column_source(
        &self,
        sink: &Sink,
        starts: &[*mut u8],
        first: usize,
        n_rows: usize,
        n_lanes: usize,
    ) -> (*const u8, isize) {
        let stage = self.stage;
        let size = stage.values[sink.value].dtype.size();
        let scratch = self.value_scratch(sink.value);
        let in_scratch = (scratch.cast_const(), (n_lanes * size) as isize);
        let Some(operand) = stage.source_operand(sink) else { return in_scratch };
        let (outer, reduced) = (&stage.nest.outer, &stage.nest.reduced);
        let is_one_run = reduced.extents.len() == 1 || first % reduced.inner() + n_rows <= reduced.inner();
        if outer.inner_stride(operand) == size as isize && is_one_run {
            return (starts[operand], reduced.inner_stride(operand));
        }
        for row in 0..n_rows {
            let offset = reduced.offset(operand, first + row) - reduced.offset(operand, first);
            let source = starts[operand].wrapping_offset(offset);
            // SAFETY: the elements are the operand's. The scratch of a value that is in memory is
            // free. The tile fits it: `block_lanes` makes sure of that, except in a direct stage,
            // which only comes here with a single lane (`is_direct` in `stages::stage`).
            unsafe {
                let row = scratch.add(row * n_lanes * size);
                copy_strided(size, n_lanes, source, outer.inner_stride(operand), row, size as isize);
            }
        }
        in_scratch
    }
}
