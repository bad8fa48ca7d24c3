//! One call's work, on the caller's stack.
//!
//! A job says what to do and remembers what went wrong. Who may touch it, and for how long, is the business of the gate
//! that it is behind (`slot.rs`): helpers use a job between entering and leaving only.

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
    /// What is seldom needed.
    aside: Mutex<Aside>,
}

#[derive(Default)]
struct Aside {
    /// The first helper's panic.
    panic: Option<Payload>,
    /// The caller, if it went to sleep until the last helper has left.
    sleeping_caller: Option<Thread>,
}

// SAFETY: `work` points to a closure that is `Sync`, as `Job::new` demands; the rest is `Sync` by itself.
unsafe impl Sync for Job {}

impl Job {
    /// A job for the caller, who is participant 0, and helpers.
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
            aside: Mutex::default(),
        }
    }

    /// Of the caller and all who may help.
    pub(super) fn n_participants(&self) -> usize {
        self.n_participants
    }

    /// Does `first`, and chunks until none is left. A panic is returned, and then nobody begins another chunk.
    pub(super) fn take_part(&self, participant: usize, first: impl FnOnce()) -> Result<(), Payload> {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            first();
            self.shares.for_each(participant, |chunk| {
                // SAFETY: the closure outlives the job, as `new`'s caller has vouched, and `call` was made for its type.
                unsafe { (self.call)(self.work, participant, chunk) };
            });
        }));
        if outcome.is_err() {
            self.shares.abandon();
        }
        outcome
    }

    /// As a helper: [`Job::take_part`], with the panic kept for the caller. Does not unwind.
    pub(super) fn help(&self, participant: usize, first: impl FnOnce()) {
        if let Err(payload) = self.take_part(participant, first) {
            let mut aside = lock(&self.aside);
            if aside.panic.is_none() {
                aside.panic = Some(payload);
            } else {
                // One panic is enough to tell. This one is not dropped, since that may panic too.
                std::mem::forget(payload);
            }
        }
    }

    pub(super) fn take_panic(&self) -> Option<Payload> {
        lock(&self.aside).panic.take()
    }

    /// Says that this thread, the caller, is about to sleep.
    pub(super) fn announce_sleep(&self) {
        lock(&self.aside).sleeping_caller = Some(current());
    }

    /// Whom to wake, once [`Job::announce_sleep`] has been called.
    pub(super) fn sleeping_caller(&self) -> Option<Thread> {
        lock(&self.aside).sleeping_caller.clone()
    }
}
