//! One call's work, shared with helpers that may come late or never.
//!
//! A helper that begins after the caller has closed the job must find out without touching the caller's stack. So the
//! job is counted by `Arc`, and its `state` is a gate: the number of helpers inside, and whether it is closed.
//!
//! ```text
//! caller:  open, work, close, wait until nobody is inside, return
//! helper:  enter (unless closed), work, leave; the last to leave a closed job wakes the caller
//! ```

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;

/// Set in `state` when no more helpers may enter. The lower bits count those inside.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// How often the caller looks whether the last helpers have left before it parks: about a microsecond, and helpers are
/// at most a chunk behind.
const N_SPINS: usize = 100;

pub(super) struct Job {
    /// The caller's closure, on the caller's stack: valid for those inside the gate only.
    work: *const (),
    call: unsafe fn(*const (), usize, usize),
    n_chunks: usize,
    next_chunk: AtomicUsize,
    next_participant: AtomicUsize,
    state: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    caller: Thread,
}

// SAFETY: `work` points to a closure that is `Sync`, as `Job::run` demands, and is called only while it lives, as
// `Job::help` argues; everything else is `Send + Sync` by itself.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

impl Job {
    /// Does all chunks, together with those whom `invite` tells to [`Job::help`].
    pub(super) fn run<F: Fn(usize, usize) + Sync>(n_chunks: usize, work: &F, invite: impl FnOnce(&Arc<Job>)) {
        /// # Safety
        ///
        /// `work` must point to a live `F`.
        unsafe fn call<F: Fn(usize, usize)>(work: *const (), participant: usize, chunk: usize) {
            // SAFETY: the caller vouches for the pointer.
            unsafe { (*work.cast::<F>())(participant, chunk) }
        }
        let job = Arc::new(Job {
            work: std::ptr::from_ref(work).cast(),
            call: call::<F>,
            n_chunks,
            next_chunk: AtomicUsize::new(0),
            next_participant: AtomicUsize::new(1),
            state: AtomicUsize::new(0),
            panic: Mutex::new(None),
            caller: std::thread::current(),
        });
        // From the invitation on, nothing may unwind past `close`.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            invite(&job);
            // SAFETY: `work` is borrowed for the whole of this function.
            unsafe { job.work_as(0) };
        }));
        if outcome.is_err() {
            job.abandon();
        }
        job.close();
        let helper_panic = job.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(payload) = outcome.err().or(helper_panic) {
            resume_unwind(payload);
        }
    }

    /// Takes part, if the job is still open. Does not unwind.
    pub(super) fn help(&self) {
        let enter = |state: usize| if state & CLOSED == 0 { Some(state + 1) } else { None };
        if self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter).is_err() {
            return;
        }
        let participant = self.next_participant.fetch_add(1, Ordering::Relaxed);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: this helper is inside the gate: the count that it added above keeps the caller in `close`, and so
            // `work` alive, until it is subtracted below.
            unsafe { self.work_as(participant) };
        }));
        if let Err(payload) = outcome {
            self.abandon();
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(payload);
        }
        // The caller may go on from here; it shares `self` by `Arc`, so that may still be used. Release: it sees
        // everything that the chunks have written.
        if self.state.fetch_sub(1, Ordering::Release) == CLOSED | 1 {
            self.caller.unpark();
        }
    }

    /// Does chunks until none is left.
    ///
    /// # Safety
    ///
    /// The closure that `work` points to must be alive.
    unsafe fn work_as(&self, participant: usize) {
        loop {
            let chunk = self.next_chunk.fetch_add(1, Ordering::Relaxed);
            if chunk >= self.n_chunks {
                return;
            }
            // SAFETY: the caller vouches that the closure is alive, and `call` was made for its type.
            unsafe { (self.call)(self.work, participant, chunk) };
        }
    }

    /// Leaves out the chunks that no one has begun.
    fn abandon(&self) {
        self.next_chunk.store(self.n_chunks, Ordering::Relaxed);
    }

    /// Lets no one in any more, and waits until no one is inside.
    fn close(&self) {
        let mut state = self.state.fetch_or(CLOSED, Ordering::Acquire) | CLOSED;
        let mut n_looks = 0;
        while state != CLOSED {
            if n_looks < N_SPINS {
                n_looks += 1;
                std::hint::spin_loop();
            } else {
                std::thread::park();
            }
            state = self.state.load(Ordering::Acquire);
        }
    }
}
