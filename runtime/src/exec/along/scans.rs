//! Running results.

use super::{FILL_ELEMS, Part, Worker};
use crate::memory::copy_strided;
use crate::reduce::{COLUMN_LEAF, Scanner};

impl Worker<'_> {
    /// Running results, a row after the other.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    pub(super) unsafe fn scan_rows(&self, scanner: Scanner, part: &Part) {
        let (stage, reduced) = (self.stage, &self.stage.nest.reduced);
        let sink = &stage.sinks[0];
        let size = scanner.result_dtype().size();
        for kept in part.kept.clone() {
            let mut carry = scanner.start();
            for first in (0..reduced.n()).step_by(FILL_ELEMS) {
                let n = FILL_ELEMS.min(reduced.n() - first);
                let mut results = [0_u64; FILL_ELEMS];
                // SAFETY: the elements were computed, or are the array's; there is room for as many results, which are
                // elements of the target that this thread alone writes.
                unsafe {
                    self.fill_row(kept, first..first + n);
                    let source = self.row_source(sink, kept, first..first + n);
                    scanner.scan(n, source, results.as_mut_ptr().cast(), &mut carry);
                    let stride = reduced.inner_stride(sink.target);
                    let target = self.starts(kept, first)[sink.target];
                    copy_strided(size, n, results.as_ptr().cast(), size as isize, target, stride);
                }
            }
        }
    }

    /// Running results, down the rows of a block of lanes.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    pub(super) unsafe fn scan_columns(&self, scanner: Scanner, part: &Part) {
        let (stage, nest) = (self.stage, &self.stage.nest);
        let (sink, n_lanes) = (&stage.sinks[0], part.kept.len());
        let size = scanner.result_dtype().size();
        let mut carries = vec![scanner.start(); n_lanes];
        let mut results = vec![0_u64; COLUMN_LEAF * n_lanes];
        for first in (0..nest.reduced.n()).step_by(COLUMN_LEAF) {
            let n_rows = COLUMN_LEAF.min(nest.reduced.n() - first);
            let result_stride = (n_lanes * size) as isize;
            // SAFETY: as in `scan_rows`.
            unsafe {
                let starts = self.fill_columns(part.kept.start, first, n_rows, n_lanes);
                let (source, row_stride) = self.column_source(sink, &starts, first, n_rows, n_lanes);
                let out: *mut u8 = results.as_mut_ptr().cast();
                scanner.scan_rows(n_rows, source, row_stride, out, result_stride, &mut carries);
                for row in 0..n_rows {
                    let offset =
                        nest.reduced.offset(sink.target, first + row) - nest.reduced.offset(sink.target, first);
                    let target = starts[sink.target].wrapping_offset(offset);
                    let source = out.offset(row as isize * result_stride);
                    copy_strided(size, n_lanes, source, size as isize, target, nest.kept.inner_stride(sink.target));
                }
            }
        }
    }
}
