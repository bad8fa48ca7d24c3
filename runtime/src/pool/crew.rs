//! Those who help: slots for jobs, and hands to do them, by threads of our own or by an executor's.
//!
//! A crew belongs to the process that made it. Its callers offer jobs in slots; who looks for work goes through the slots.
//! How many are called in follows from demand (those inside and the room left, in all slots) and supply (those awake).
//! Whoever begins calls in at most two more, so that waking many takes a few steps instead of one caller's long time.

use std::panic::resume_unwind;
use std::sync::Arc;

use super::helpers::{Helpers, Spawn};
use super::job::Job;
use super::slot::Slot;
use super::spin::{SPIN, Spin};
use super::sync::{Ordering, fence};
use super::workers::Workers;

/// How many calls can have helpers at the same time; more are done by their callers alone. Who looks for work looks at
/// all of them, a few nanoseconds.
const N_SLOTS: usize = if cfg!(all(loom, test)) { 2 } else { 16 };

/// How many more are called in by each who begins.
///
/// Waking takes the one who wakes 1-3 us, and the one who is woken 25 us (2 Zen 4 cores, 2026-11), so whoever wakes two
/// and goes on has soon been overtaken. Reasoned from that, not measured: it takes more CPUs.
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
    /// Of at most `n_workers` threads of its own, none of which is started yet.
    pub(super) fn of_workers(n_workers: usize) -> Crew {
        // Waiting awake would keep the CPU from those who are waited for.
        let is_crowded = std::thread::available_parallelism().is_ok_and(|n_cpus| n_cpus.get() <= n_workers);
        Crew::new(Hands::Own(Workers::new(n_workers, if is_crowded { std::time::Duration::ZERO } else { SPIN })))
    }

    /// Of at most `most` helpers at a time, run by `spawn`.
    pub(super) fn of_helpers(most: usize, spawn: Spawn) -> Crew {
        Crew::new(Hands::Executor(Helpers::new(most, spawn)))
    }

    fn new(hands: Hands) -> Crew {
        Crew { slots: std::array::from_fn(|_| Slot::new()), hands, process_id: std::process::id() }
    }

    /// Whether this is the process that made the crew. A forked child inherits the memory, but not the threads.
    pub(super) fn is_of_this_process(&self) -> bool {
        self.process_id == std::process::id()
    }

    /// Whether helpers wait awake for the next call, for a while.
    pub(super) fn waits_awake(&self) -> bool {
        matches!(&self.hands, Hands::Own(workers) if !workers.spin().is_zero())
    }

    /// Calls `work(participant, chunk)` for all chunks, on this thread and by at most `n_helpers` others.
    pub(super) fn run<F: Fn(usize, usize) + Sync>(self: &Arc<Crew>, n_chunks: usize, n_helpers: usize, work: &F) {
        let Some(slot) = self.slots.iter().find(|slot| slot.try_take()) else {
            return (0..n_chunks).for_each(|chunk| work(0, chunk));
        };
        // SAFETY: `work` is borrowed for the whole of this function.
        let job = unsafe { Job::new(n_chunks, n_helpers, work) };
        // SAFETY: the slot was taken above. The job stays here until `close` has returned: what is between does not
        // unwind, since `take_part` catches panics.
        unsafe { slot.open(&job) };
        let outcome = job.take_part(0, || {
            // The offer, then the look for sleepers: see `workers.rs`.
            fence(Ordering::SeqCst);
            self.call_in();
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
        self.slots.iter().any(|slot| slot.help(|| self.call_in()))
    }

    pub(super) fn has_room(&self) -> bool {
        self.slots.iter().any(Slot::has_room)
    }

    /// What worker `index` does all its life.
    pub(super) fn work(self: &Arc<Crew>, index: usize) {
        let Hands::Own(workers) = &self.hands else { return };
        workers.move_in(index);
        let mut spin = Spin::new(workers.spin());
        while !workers.is_over() {
            if self.help() {
                spin.restart();
            } else if !spin.once() {
                // A chunk may have forked; then this is the child's only thread, and nobody would ever wake it.
                if !self.is_of_this_process() {
                    return;
                }
                workers.sleep(index, || self.has_room());
                spin.restart();
            }
        }
    }

    /// Ends all threads, and waits for it. Nobody may be in [`Crew::run`].
    pub(super) fn end(&self) {
        if let Hands::Own(workers) = &self.hands {
            workers.end();
        }
    }

    /// The helpers of an executor.
    pub(super) fn helpers(&self) -> Option<&Helpers> {
        if let Hands::Executor(helpers) = &self.hands { Some(helpers) } else { None }
    }

    /// Wakes or starts up to [`FAN_OUT`] helpers, if there is more to do than there are hands.
    fn call_in(self: &Arc<Crew>) {
        let (n_awake, has_reserves) = match &self.hands {
            Hands::Own(workers) => (workers.n_awake(), workers.has_reserves()),
            Hands::Executor(helpers) => (helpers.n_live(), helpers.has_reserves()),
        };
        if !has_reserves {
            return;
        }
        let demand: usize = self.slots.iter().map(Slot::demand).sum();
        for _ in 0..demand.saturating_sub(n_awake).min(FAN_OUT) {
            let is_called = match &self.hands {
                Hands::Own(workers) => workers.call_one(self),
                Hands::Executor(helpers) => helpers.call_one(self),
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
