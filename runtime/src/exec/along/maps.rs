//! Elementwise loops between reductions.

use super::{Part, Worker};

impl Worker<'_> {
    /// Elementwise, a row at a time or several.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    pub(super) unsafe fn map_rows(&self, part: &Part) {
        let (kept, reduced) = (&self.stage.nest.kept, &self.stage.nest.reduced);
        let inner = reduced.inner();
        let mut at = part.kept.start;
        while at < part.kept.end {
            let n_rows = (part.kept.end - at).min(kept.inner() - at % kept.inner());
            for outer in (0..reduced.n()).step_by(inner) {
                // SAFETY: the caller's contract; the rows are along the innermost kept axis.
                unsafe {
                    self.compute(&self.starts(at, outer), (n_rows, inner), |operand| kept.inner_stride(operand), 0)
                };
            }
            at += n_rows;
        }
    }

    /// Elementwise over one axis of kept indices.
    ///
    /// # Safety
    ///
    /// As [`run`](Worker::run).
    pub(super) unsafe fn map_lanes(&self, part: &Part) {
        let kept = &self.stage.nest.kept;
        let mut at = part.kept.start;
        while at < part.kept.end {
            let n_lanes = (part.kept.end - at).min(kept.inner() - at % kept.inner());
            // SAFETY: the caller's contract; the lanes are along the innermost kept axis.
            unsafe { self.compute(&self.starts(at, 0), (1, n_lanes), |_| 0, 0) };
            at += n_lanes;
        }
    }
}
