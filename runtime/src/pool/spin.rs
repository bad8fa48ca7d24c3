//! Waiting awake for a while, before sleeping.
//!
//! Measured 2026-11 on 2 Zen 4 cores, shared with other programs, by `examples/measure_pool.rs fork-join`: until both
//! threads of a call are at work takes 0.4-1.6 us if the worker is awake, 25-30 us if it sleeps.

use std::time::{Duration, Instant};

/// For how long a thread waits awake for the next job, or for the last helpers of its own: about as long as sleeping and
/// being woken takes, so that waiting never costs more than twice what the better choice would have.
pub(super) const SPIN: Duration = Duration::from_micros(50);

/// Looks before the first offer of the CPU to others: about 2 us, for jobs that follow each other closely.
const LOOKS_ALONE: u32 = 64;

/// Looks from one such offer to the next, about half a microsecond.
///
/// Without these, a worker that was woken on the CPU of its caller, because the others are taken, keeps its caller
/// from going on: a call of nothing, 100 us after the one before, on 2 busy CPUs took 58-92 us, and takes 0.4-0.5 us.
const LOOKS_PER_OFFER: u32 = 16;

/// One wait.
pub(super) struct Spin {
    limit: Duration,
    n_looks: u32,
    /// When the wait began, or a few looks later.
    begin: Option<Instant>,
}

impl Spin {
    pub(super) fn new(limit: Duration) -> Spin {
        Spin { limit, n_looks: 0, begin: None }
    }

    /// Begins anew.
    pub(super) fn restart(&mut self) {
        *self = Spin::new(self.limit);
    }

    /// Waits a moment; `false` if it has been enough.
    pub(super) fn once(&mut self) -> bool {
        // The models have no time, and try all of what can happen in a wait anyway.
        if self.limit.is_zero() || cfg!(all(loom, test)) {
            return false;
        }
        self.n_looks += 1;
        if self.n_looks < LOOKS_ALONE || !self.n_looks.is_multiple_of(LOOKS_PER_OFFER) {
            std::hint::spin_loop();
            return true;
        }
        let begin = *self.begin.get_or_insert_with(Instant::now);
        std::thread::yield_now();
        begin.elapsed() < self.limit
    }
}
