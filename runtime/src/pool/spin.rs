//! Spinning: waiting awake for a while, before parking. A worker that is awake joins a call much
//! sooner than a parked one.

use std::time::{Duration, Instant};

/// For how long a thread spins until the next job, or until the last helpers of its own job leave.
/// That is about as long as parking and being woken takes, so spinning costs at most twice what the
/// better choice would have cost.
// Chosen by "spin" in docs/measurements.md.
pub(super) const SPIN: Duration = Duration::from_micros(50);

/// Checks before the first yield of the processor: about 2 us, for jobs that follow each other
/// closely.
const CHECKS_BEFORE_YIELDING: u32 = 64;

/// Checks from one yield to the next, about half a microsecond.
///
/// If the other processors are busy, a worker may be woken on its caller's. Without yields it would
/// keep the caller from going on.
// Chosen by "spin-offers" in docs/measurements.md.
const CHECKS_PER_YIELD: u32 = 16;

/// One wait.
pub(super) struct Spin {
    limit: Duration,
    n_checks: u32,
    /// When the wait began, or a few checks later.
    begin: Option<Instant>,
}

impl Spin {
    pub(super) fn new(limit: Duration) -> Spin {
        Spin { limit, n_checks: 0, begin: None }
    }

    /// Begins a new wait.
    pub(super) fn restart(&mut self) {
        *self = Spin::new(self.limit);
    }

    /// Waits a moment; `false` if the limit is reached.
    pub(super) fn once(&mut self) -> bool {
        // The models have no time, and try all of what can happen in a wait anyway.
        if self.limit.is_zero() || cfg!(all(loom, test)) {
            return false;
        }
        self.n_checks += 1;
        if self.n_checks < CHECKS_BEFORE_YIELDING || !self.n_checks.is_multiple_of(CHECKS_PER_YIELD) {
            std::hint::spin_loop();
            return true;
        }
        let begin = *self.begin.get_or_insert_with(Instant::now);
        std::thread::yield_now();
        begin.elapsed() < self.limit
    }
}
