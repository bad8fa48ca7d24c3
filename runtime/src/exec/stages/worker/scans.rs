//! Running results.

use super::{FILL_ELEMS, Part, Worker};
use crate::exec::elems::copy_strided;
use crate::plan::Lanes;
use crate::reduce::{COLUMN_LEAF, Scanner};

/// Words of scratch for running results: those of a tile, before they go to the target, and for
/// columns also what each column has accumulated.
pub(super) fn words(lanes: Lanes, n_lanes: usize) -> usize {
    match lanes {
        Lanes::Reduced => FILL_ELEMS,
        Lanes::Outer => (COLUMN_LEAF + 1) * n_lanes,
    }
}

impl Worker<'_> {
    /// Computes running results, one row after the other.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn scan_rows(&self, scanner: Scanner, part: &Part) {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        let sink = &stage.sinks[0];
        let size = scanner.result_dtype().size();
        for outer in part.outer.clone() {
            let mut carry = scanner.start();
            let results: *mut u8 = self.words.cast();
            for first in (0..reduced.n()).step_by(FILL_ELEMS) {
                let n = FILL_ELEMS.min(reduced.n() - first);
                // SAFETY: the elements were computed, or are the array's; there is room for as many
                // results, which are elements of the target that this thread alone writes.
                unsafe {
                    self.fill_row(outer, first..first + n);
                    let source = self.row_source(sink, outer, first..first + n);
                    scanner.scan(n, source, results, &mut carry);
                    let stride = reduced.inner_stride(sink.target);
                    let target = self.starts(outer, first)[sink.target];
                    copy_strided(size, n, results, size as isize, target, stride);
                }
                if !self.goes_on_after(n) {
                    return;
                }
            }
        }
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
            // SAFETY: as in `scan_rows`.
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
