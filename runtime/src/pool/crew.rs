//! The helpers of a pool and the job slots that they look for work in. Helpers are the pool's own
//! threads or an executor's.
//!
//! A crew belongs to the process that made it. Callers offer jobs in the slots, and helpers that
//! look for work go through the slots. A participant that begins a job compares the demand (helpers
//! inside and room left, in all slots) with the supply (helpers awake), and calls at most two more
//! helpers. So waking many takes a few steps, and no caller spends a long time on it.
//!
//! Always true: in a forked child no thread takes a lock of the parent's crew, see `sync.rs`.

use std::panic::resume_unwind;
use std::sync::Arc;

use super::helpers::{Helpers, Spawn};
use super::job::Job;
use super::slot::Slot;
use super::spin::{SPIN, Spin};
use super::sync::{Ordering, fence};
use super::workers::Workers;

/// How many calls can have helpers at the same time. Further calls are done by their callers alone.
/// A helper that looks for work reads all slots, which takes a few nanoseconds.
const N_SLOTS: usize = if cfg!(all(loom, test)) { 2 } else { 16 };

/// How many more helpers each participant calls when it begins.
///
/// A waker needs less time than a woken thread ("waking" in docs/measurements.md), so if each
/// helper wakes two more, many helpers are awake sooner than if one caller woke them all. This
/// follows from reasoning, and not from a measurement, which would take more processors.
const FAN_OUT: usize = 2;

pub(super) struct Crew {
    slots: [Slot; N_SLOTS],
    hands: Hands,
    process_id: u32,
}

enum Hands {
    Own(Workers),
    Executor(Helpers),
}

impl Crew {
    /// A crew of at most `n_workers` threads at a time, which the pool starts itself. None is
    /// started yet.
    pub(super) fn of_workers(n_workers: usize) -> Crew {
        let is_crowded = std::thread::available_parallelism().is_ok_and(|n_cpus| n_cpus.get() <= n_workers);
        Crew::new(Hands::Own(Workers::new(n_workers, is_crowded)))
    }

    /// A crew of at most `max_helpers` at a time, run by `spawn`.
    pub(super) fn of_helpers(max_helpers: usize, spawn: Spawn) -> Crew {
        Crew::new(Hands::Executor(Helpers::new(max_helpers, spawn)))
    }

    fn new(hands: Hands) -> Crew {
        Crew { slots: std::array::from_fn(|_| Slot::new()), hands, process_id: std::process::id() }
    }

    /// Whether this is the process that made the crew. A forked child has the memory, but not the
    /// threads.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.process_id == std::process::id()
    }

    /// Whether helpers spin for a while before they park, waiting for the next call.
    pub(super) fn waits_awake(&self) -> bool {
        matches!(&self.hands, Hands::Own(workers) if !workers.spin().is_zero())
    }

    /// Calls `work(participant, chunk)` for all chunks, on this thread and by at most `n_helpers`
    /// others.
    pub(super) fn run<F: Fn(usize, usize) + Sync>(self: &Arc<Crew>, n_chunks: usize, n_helpers: usize, work: &F) {
        let Some(slot) = self.slots.iter().find(|slot| slot.try_take()) else {
            return (0..n_chunks).for_each(|chunk| work(0, chunk));
        };
        // SAFETY: `work` is borrowed for the whole of this function.
        let job = unsafe { Job::new(n_chunks, n_helpers, work) };
        // SAFETY: the slot was taken above. The job stays here until `close` has returned: the code
        // between does not unwind, because `take_part` catches panics.
        unsafe { slot.open(&job) };
        let outcome = job.take_part(0, || {
            // First the offer, then the search for parked workers: see `workers.rs`.
            fence(Ordering::SeqCst);
            self.call_helpers();
        });
        slot.close(&job, Spin::new(self.spin()), || {
            assert!(self.is_of_this_process(), "forked in a chunk: what the helpers were doing is lost to the child");
        });
        if let Some(payload) = outcome.err().or_else(|| job.take_panic()) {
            resume_unwind(payload);
        }
    }

    /// Takes part in one job that has room, if there is one.
    pub(super) fn help(self: &Arc<Crew>) -> bool {
        self.slots.iter().any(|slot| slot.help(|| self.call_helpers()))
    }

    pub(super) fn has_room(&self) -> bool {
        self.slots.iter().any(Slot::has_room)
    }

    /// What worker `index` does from beginning to end.
    pub(super) fn work(self: &Arc<Crew>, index: usize) {
        let Hands::Own(workers) = &self.hands else { return };
        workers.register(index);
        let mut spin = Spin::new(workers.spin());
        while !workers.is_over() {
            if self.help() {
                spin.restart();
            } else if !spin.once() {
                // If a chunk has forked, this may be the child's only thread, and no thread would
                // ever wake it.
                if !self.is_of_this_process() {
                    return;
                }
                workers.park(index, || self.has_room());
                spin.restart();
            }
        }
    }

    /// Ends all threads, and waits for that. No thread may be in [`Crew::run`].
    pub(super) fn end(&self) {
        if let Hands::Own(workers) = &self.hands {
            workers.end();
        }
    }

    /// The helpers of an executor.
    pub(super) fn helpers(&self) -> Option<&Helpers> {
        if let Hands::Executor(helpers) = &self.hands { Some(helpers) } else { None }
    }

    /// Wakes or starts up to [`FAN_OUT`] helpers, if the demand is greater than the supply.
    fn call_helpers(self: &Arc<Crew>) {
        let (n_awake, has_reserves) = match &self.hands {
            Hands::Own(workers) => (workers.n_awake(), workers.has_reserves()),
            Hands::Executor(helpers) => (helpers.n_live(), helpers.has_reserves()),
        };
        // In a forked child that goes on in a chunk, the locks of the parent's crew may be locked
        // for ever.
        if !has_reserves || !self.is_of_this_process() {
            return;
        }
        let demand: usize = self.slots.iter().map(Slot::demand).sum();
        for _ in 0..demand.saturating_sub(n_awake).min(FAN_OUT) {
            let is_called = match &self.hands {
                Hands::Own(workers) => workers.wake_or_start_one(self),
                Hands::Executor(helpers) => helpers.spawn_one(self),
            };
            if !is_called {
                return;
            }
        }
    }

    fn spin(&self) -> std::time::Duration {
        match &self.hands {
            Hands::Own(workers) => workers.spin(),
            Hands::Executor(_) => SPIN,
        }
    }
}
