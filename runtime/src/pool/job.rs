//! One call's work, on the caller's stack.
//!
//! A job holds what to do and the first panic. The gate of its slot (`slot.rs`) decides which
//! threads may touch it and when: helpers use a job only between entering and leaving.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::shares::Shares;
use super::sync::{Mutex, Thread, current, lock};

type Payload = Box<dyn Any + Send>;

pub(super) struct Job {
    /// The caller's closure, also on its stack.
    work: *const (),
    /// Calls `work` with a participant and a chunk.
    call: unsafe fn(*const (), usize, usize),
    shares: Shares,
    n_participants: usize,
    /// The first helper's panic.
    panic: Mutex<Option<Payload>>,
    /// The caller, if it has parked until the last helper leaves.
    parked_caller: Mutex<Option<Thread>>,
}

// SAFETY: `work` points to a closure that is `Sync`, as `Job::new` demands; the rest is `Sync` by
// itself.
unsafe impl Sync for Job {}

impl Job {
    /// A job for the caller, which is participant 0, and helpers.
    ///
    /// # Safety
    ///
    /// `work` must outlive the job.
    pub(super) unsafe fn new<F: Fn(usize, usize) + Sync>(n_chunks: usize, n_helpers: usize, work: &F) -> Job {
        /// # Safety
        ///
        /// `work` must point to a live `F`.
        unsafe fn call<F: Fn(usize, usize)>(work: *const (), participant: usize, chunk: usize) {
            // SAFETY: the caller vouches for the pointer.
            unsafe { (*work.cast::<F>())(participant, chunk) }
        }
        let n_participants = n_helpers + 1;
        Job {
            work: std::ptr::from_ref(work).cast(),
            call: call::<F>,
            shares: Shares::new(n_chunks, n_participants),
            n_participants,
            panic: Mutex::new(None),
            parked_caller: Mutex::new(None),
        }
    }

    /// How many may take part: the caller and all helpers.
    pub(super) fn n_participants(&self) -> usize {
        self.n_participants
    }

    /// Does `first`, and then chunks until none is left. A panic is returned, and no participant
    /// begins another chunk then.
    pub(super) fn take_part(&self, participant: usize, first: impl FnOnce()) -> Result<(), Payload> {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            first();
            self.shares.for_each(participant, |chunk| {
                // SAFETY: the closure outlives the job, as `new`'s caller has vouched, and `call`
                // was made for its type.
                unsafe { (self.call)(self.work, participant, chunk) };
            });
        }));
        if outcome.is_err() {
            self.shares.abandon();
        }
        outcome
    }

    /// Does [`Job::take_part`] as a helper, and keeps a panic for the caller. Does not unwind.
    pub(super) fn help(&self, participant: usize, first: impl FnOnce()) {
        if let Err(payload) = self.take_part(participant, first) {
            // The caller gets one panic. If the lock is taken, another helper is just storing its
            // own; in a forked child that helper does not exist, so this one must not wait. Other
            // payloads are not dropped, because that may panic too.
            match self.panic.try_lock() {
                Ok(mut panic) if panic.is_none() => *panic = Some(payload),
                _ => std::mem::forget(payload),
            }
        }
    }

    /// The first helper's panic. No helper may be inside.
    pub(super) fn take_panic(&self) -> Option<Payload> {
        lock(&self.panic).take()
    }

    /// Announces that this thread, the caller, is about to park.
    pub(super) fn announce_parking(&self) {
        *lock(&self.parked_caller) = Some(current());
    }

    /// The caller, for the last helper to wake it, after [`Job::announce_parking`].
    pub(super) fn parked_caller(&self) -> Option<Thread> {
        lock(&self.parked_caller).clone()
    }
}
