//! Results side by side: rows of memory are added to a block of them, one row after the other.

use super::trees::TreeMemory;
use super::{Outcome, Part, Starts, Worker};
use crate::exec::stages::Sink;
use crate::memory::copy_strided;
use crate::reduce::COLUMN_LEAF;

impl Worker<'_> {
    /// Results side by side: a block of lanes, within one run of the innermost kept axis.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    pub(super) unsafe fn columns(&self, part: &Part, outcome: Outcome) {
        let stage = self.stage;
        let reduced = &stage.nest.reduced;
        let (n, n_lanes) = (reduced.n(), part.kept.len());
        let mut memory = TreeMemory::new(stage, n_lanes, part.leaves.len());
        let mut trees = memory.trees();
        for leaf in part.leaves.clone() {
            let first = leaf * COLUMN_LEAF;
            let n_rows = COLUMN_LEAF.min(n - first);
            // SAFETY: the caller's contract.
            unsafe {
                let starts = self.fill_columns(part.kept.start, first, n_rows, n_lanes);
                for ((sink, reducer), tree) in stage.reductions().zip(&mut trees) {
                    let (source, row_stride) = self.column_source(sink, &starts, first, n_rows, n_lanes);
                    reducer.column_leaf(
                        n_rows,
                        n_lanes,
                        source,
                        row_stride,
                        first as u64,
                        tree.slot().as_mut_ptr().cast(),
                    );
                    tree.push(0);
                }
            }
        }
        // SAFETY: the caller's contract.
        unsafe { self.conclude(trees, part.kept.start, n_lanes, outcome) };
    }

    /// Computes rows `first..first + n_rows` of a block of lanes into scratch; gives where the operands are at the first.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run); the lanes must be kept, and the tile fit the scratch.
    pub(super) unsafe fn fill_columns(&self, kept: usize, first: usize, n_rows: usize, n_lanes: usize) -> Starts {
        let reduced = &self.stage.nest.reduced;
        let starts = self.starts(kept, first);
        let mut row = 0;
        while row < n_rows && self.kernel.is_some() {
            let n = (n_rows - row).min(reduced.inner() - (first + row) % reduced.inner());
            let starts = self.starts(kept, first + row);
            // SAFETY: the caller's contract; the rows are along the innermost reduced axis.
            unsafe { self.compute(&starts, (n, n_lanes), |operand| reduced.inner_stride(operand), row * n_lanes) };
            row += n;
        }
        starts
    }

    /// Where a sink reads a tile of columns: lanes consecutive, rows so many bytes apart.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run); `starts` is where the operands are at the first element of the tile.
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
        let (kept, reduced) = (&stage.nest.kept, &stage.nest.reduced);
        let is_one_run = reduced.extents.len() == 1 || first % reduced.inner() + n_rows <= reduced.inner();
        if kept.inner_stride(operand) == size as isize && is_one_run {
            return (starts[operand], reduced.inner_stride(operand));
        }
        for row in 0..n_rows {
            let offset = reduced.offset(operand, first + row) - reduced.offset(operand, first);
            let source = starts[operand].wrapping_offset(offset);
            // SAFETY: the elements are the operand's. The scratch of a value that is in memory is free. The tile fits it:
            // `block_lanes` keeps to that, but in a direct stage, which only comes here with a single lane (`is_direct` in
            // `stages::stage`).
            unsafe {
                let row = scratch.add(row * n_lanes * size);
                copy_strided(size, n_lanes, source, kept.inner_stride(operand), row, size as isize);
            }
        }
        in_scratch
    }
}
