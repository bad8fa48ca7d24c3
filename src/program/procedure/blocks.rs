//! Updates of arrays that the same loop reads at other places, block by block.
//!
//! In: what a phase reads and writes, as it lies in memory. Out: [`Blocks`]: some rows of the
//! results at a time. Always true: no row of a block is read for a block that comes two blocks or
//! more later. So the results of a block wait in a buffer until the next block is computed, and are
//! written then. The buffers stay in the cache, where a second array for all results would go to
//! memory and back.

use super::hazards::{Read, Readers, Write};
use crate::shape::Shape;
use ndexpr_runtime::view::{Overlap, Part, View, ViewMut};

/// The bytes of all results of a block, for each thread. There are two of these buffers.
// Chosen by "update-blocks" in docs/measurements.md.
const BLOCK_BYTES: usize = 512 << 10;

/// Results of no more bytes than this are computed as a whole, and the memory for them is kept for
/// the next call. To get memory from the system again would take longer than to compute them.
pub(super) const MAX_KEPT_BYTES: usize = 1 << 20;

/// Results of more bytes are computed in at least so many blocks.
const MIN_BLOCKS: usize = 4;

/// The blocks of a phase; see the module.
#[derive(Debug)]
pub(super) struct Blocks {
    /// The axis of the rows, of a phase whose results have one shape.
    axis: usize,
    n_rows: usize,
    n_elems: usize,
    rows_per_block: usize,
    /// The shape of a block that is whole.
    pub(super) shape: Shape,
}

/// The rows of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    axis: usize,
    /// The axes of the results.
    n_axes: usize,
    start: usize,
    n: usize,
}

impl Blocks {
    /// The blocks of a phase that is one loop. `is_direct` tells for each write whether it needs
    /// none. `None` if blocks are of no use.
    pub(super) fn new(
        reads: &[Read<'_, '_>],
        writes: &[Write<'_>],
        is_direct: &[bool],
        n_threads: usize,
    ) -> Option<Blocks> {
        let delayed =
            || writes.iter().zip(is_direct).filter(|(_, is_direct)| !**is_direct).map(|(write, _)| &write.part);
        let first = delayed().next()?;
        let strides = first.strides().iter().map(|stride| stride.unsigned_abs());
        let moving = first.shape().iter().zip(strides).enumerate().filter(|(_, (extent, _))| **extent > 1);
        let (axis, (&n_rows, _)) = moving.max_by_key(|(_, (_, stride))| *stride)?;
        let mut reach = 0;
        for write in delayed() {
            for read in reads.iter().filter(|read| read.readers != Readers::None) {
                if let Some(view) = read.input.view()
                    && Overlap::between(view, write) != Overlap::None
                {
                    reach = reach.max(Overlap::reach(view, write, axis)?);
                }
            }
        }
        let n_elems = first.n_elems();
        let row_bytes: usize = delayed().map(|write| write.dtype().size() * (n_elems / n_rows)).sum();
        if n_rows.saturating_mul(row_bytes) <= MAX_KEPT_BYTES {
            return None;
        }
        let rows_per_block = (BLOCK_BYTES * n_threads / row_bytes).min(n_rows / MIN_BLOCKS).max(1).max(reach);
        if rows_per_block >= n_rows {
            return None;
        }
        let mut shape = Shape::from_slice(first.shape());
        shape[axis] = rows_per_block;
        Some(Blocks { axis, n_rows, n_elems, rows_per_block, shape })
    }

    /// The elements of a result.
    pub(super) fn n_elems(&self) -> usize {
        self.n_elems
    }

    /// The rows of all blocks, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Rows> {
        let &Blocks { axis, n_rows, rows_per_block, ref shape, .. } = self;
        let n_axes = shape.len();
        let starts = (0..n_rows).step_by(rows_per_block);
        starts.map(move |start| Rows { axis, n_axes, start, n: rows_per_block.min(n_rows - start) })
    }
}

impl Rows {
    /// The part of an input that belongs to the rows.
    pub(super) fn of_input<'a>(&self, view: &View<'a>) -> View<'a> {
        match (self.axis + view.n_axes()).checked_sub(self.n_axes) {
            Some(axis) if view.shape()[axis] > 1 => view.select(self.parts(axis, self.start)),
            // It is the same for all rows.
            _ => view.clone(),
        }
    }

    /// The part of an output that belongs to the rows.
    pub(super) fn of_output<'a>(&self, view: ViewMut<'a>) -> ViewMut<'a> {
        view.select(self.parts(self.axis, self.start))
    }

    /// As many rows of a buffer.
    pub(super) fn first_of<'a>(&self, buffer: ViewMut<'a>) -> ViewMut<'a> {
        buffer.select(self.parts(self.axis, 0))
    }

    /// The same, to read.
    pub(super) fn first_of_view<'a>(&self, buffer: &View<'a>) -> View<'a> {
        buffer.select(self.parts(self.axis, 0))
    }

    fn parts(&self, axis: usize, start: usize) -> impl Iterator<Item = Part> {
        std::iter::repeat_n(Part::Whole, axis).chain([Part::Slice { start, n: self.n, step: 1 }])
    }
}
