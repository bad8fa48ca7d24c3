//! Elementwise loops between reductions.

use super::{Part, Worker};

impl Worker<'_> {
    /// Computes rows, one or several at a time.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn map_rows(&self, part: &Part) {
        let (outer, reduced) = (&self.stage.nest.outer, &self.stage.nest.reduced);
        let inner = reduced.inner();
        let mut at = part.outer.start;
        while at < part.outer.end {
            let n_rows = (part.outer.end - at).min(outer.inner() - at % outer.inner());
            for first in (0..reduced.n()).step_by(inner) {
                // SAFETY: the caller's contract; the rows are along the innermost outer axis.
                unsafe {
                    self.compute(&self.starts(at, first), (n_rows, inner), |operand| outer.inner_stride(operand), 0)
                };
            }
            at += n_rows;
        }
    }

    /// Computes lanes that are outer indices.
    ///
    /// # Safety
    ///
    /// The contract of [`run`](Worker::run).
    pub(super) unsafe fn map_lanes(&self, part: &Part) {
        let outer = &self.stage.nest.outer;
        let mut at = part.outer.start;
        while at < part.outer.end {
            let n_lanes = (part.outer.end - at).min(outer.inner() - at % outer.inner());
            // SAFETY: the caller's contract; the lanes are along the innermost outer axis.
            unsafe { self.compute(&self.starts(at, 0), (1, n_lanes), |_| 0, 0) };
            at += n_lanes;
        }
    }
}
