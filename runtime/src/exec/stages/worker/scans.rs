//! Running results.

use super::{FILL_ELEMS, Part, Worker};
use crate::exec::elems::copy_strided;
use crate::plan::Lanes;
use crate::reduce::{COLUMN_LEAF, SIDE_BY_SIDE, Scanner};

/// Words of scratch for running results: those of a tile, before they go to the target, and for
/// columns also what each column has accumulated.
pub(super) fn words(lanes: Lanes, n_lanes: usize) -> usize {
    match lanes {
        Lanes::Reduced => FILL_ELEMS,
        Lanes::Outer => (COLUMN_LEAF + 1) * n_lanes,
    }
}

impl Worker<'_> {
    /// Computes running results along rows, several rows at a time.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn scan_rows(&self, scanner: Scanner, part: &Part) {
        let nest = &self.stage.nest;
        let can_batch = self.can_scan_side_by_side(scanner);
        let mut outer = part.outer.start;
        while outer < part.outer.end {
            // Rows along the innermost outer axis.
            let n_rows = (part.outer.end - outer).min(nest.outer.inner() - outer % nest.outer.inner());
            // SAFETY: the caller's contract; there are as many rows.
            let (n_done, goes_on) = unsafe {
                if can_batch && n_rows >= SIDE_BY_SIDE {
                    (SIDE_BY_SIDE, self.scan_batch(scanner, outer))
                } else {
                    (1, self.scan_row(scanner, outer))
                }
            };
            if !goes_on {
                return;
            }
            outer += n_done;
        }
    }

    /// Whether elements and results follow one another in their rows.
    fn can_scan_side_by_side(&self, scanner: Scanner) -> bool {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        let sink = &stage.sinks[0];
        let follow = |operand: usize, size: usize| reduced.inner_stride(operand) == size as isize;
        reduced.extents.len() == 1
            && follow(sink.target, scanner.result_dtype().size())
            && stage.source_operand(sink).is_none_or(|source| follow(source, scanner.dtype().size()))
    }

    /// Computes running results of [`SIDE_BY_SIDE`] rows. Returns false if the part must end early.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run), for these rows, which are along the innermost outer
    /// axis; and they [can be scanned](Worker::can_scan_side_by_side) at once.
    unsafe fn scan_batch(&self, scanner: Scanner, outer: usize) -> bool {
        let (stage, nest) = (self.stage, &self.stage.nest);
        let sink = &stage.sinks[0];
        let mut carries = [scanner.start(); SIDE_BY_SIDE];
        // Not a power of two, so that rows in the scratch begin in different sets of the L1 cache.
        const LANES: usize = FILL_ELEMS / SIDE_BY_SIDE - 8;
        for first in (0..nest.reduced.n()).step_by(LANES) {
            let n = LANES.min(nest.reduced.n() - first);
            let starts = self.starts(outer, first);
            // SAFETY: a part of each row fits the scratch; it is computed there, or is the array's.
            // Elements of the target are this thread's to write. An input that shares memory with
            // it is the target element for element, or was copied before.
            unsafe {
                self.compute(&starts, (SIDE_BY_SIDE, n), |operand| nest.outer.inner_stride(operand), 0);
                let (source, stride) = match stage.source_operand(sink) {
                    Some(operand) => (starts[operand], nest.outer.inner_stride(operand)),
                    None => (self.value_scratch(sink.value), (n * scanner.dtype().size()) as isize),
                };
                let target_stride = nest.outer.inner_stride(sink.target);
                scanner.scan_side_by_side(n, source, stride, starts[sink.target], target_stride, &mut carries);
            }
            if !self.goes_on_after(SIDE_BY_SIDE * n) {
                return false;
            }
        }
        true
    }

    /// Computes running results along one row. Returns false if the part must end early.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run), for this row.
    unsafe fn scan_row(&self, scanner: Scanner, outer: usize) -> bool {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        let sink = &stage.sinks[0];
        let size = scanner.result_dtype().size();
        let stride = reduced.inner_stride(sink.target);
        let is_contiguous = stride == size as isize && reduced.extents.len() == 1;
        let mut carry = scanner.start();
        for first in (0..reduced.n()).step_by(FILL_ELEMS) {
            let n = FILL_ELEMS.min(reduced.n() - first);
            let target = self.starts(outer, first)[sink.target];
            let results = if is_contiguous { target } else { self.words.cast() };
            // SAFETY: the elements were computed, or are the array's; there is room for as many
            // results, in scratch or in the target, whose elements this thread alone writes. An
            // input that shares memory with it is the target element for element, or was copied
            // before.
            unsafe {
                self.fill_row(outer, first..first + n);
                let source = self.row_source(sink, outer, first..first + n);
                scanner.scan(n, source, results, &mut carry);
                if !is_contiguous {
                    copy_strided(size, n, results, size as isize, target, stride);
                }
            }
            if !self.goes_on_after(n) {
                return false;
            }
        }
        true
    }

    /// Computes running results, down the rows of a block of lanes.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn scan_columns(&self, scanner: Scanner, part: &Part) {
        let (stage, nest) = (self.stage, &self.stage.nest);
        let (sink, n_lanes) = (&stage.sinks[0], part.outer.len());
        let size = scanner.result_dtype().size();
        let out: *mut u8 = self.words.cast();
        // SAFETY: the caller's contract: there are as many words behind those of the results.
        let carries = unsafe { std::slice::from_raw_parts_mut(self.words.add(COLUMN_LEAF * n_lanes), n_lanes) };
        carries.fill(scanner.start());
        for first in (0..nest.reduced.n()).step_by(COLUMN_LEAF) {
            let n_rows = COLUMN_LEAF.min(nest.reduced.n() - first);
            let result_stride = (n_lanes * size) as isize;
            // SAFETY: as in `scan_row`.
            unsafe {
                let starts = self.fill_columns(part.outer.start, first, n_rows, n_lanes);
                let (source, row_stride) = self.column_source(sink, &starts, first, n_rows, n_lanes);
                scanner.scan_rows(n_rows, source, row_stride, out, result_stride, carries);
                for row in 0..n_rows {
                    let offset =
                        nest.reduced.offset(sink.target, first + row) - nest.reduced.offset(sink.target, first);
                    let target = starts[sink.target].wrapping_offset(offset);
                    let source = out.offset(row as isize * result_stride);
                    copy_strided(size, n_lanes, source, size as isize, target, nest.outer.inner_stride(sink.target));
                }
            }
            if !self.goes_on_after(n_rows * n_lanes) {
                return;
            }
        }
    }
}
