//! [`launch`]: the chunk loop of every run.
//!
//! In: a number of chunks, how many threads the work is worth, the scratch that each thread needs,
//! and what to do for a chunk. Out: each chunk done once, or the first error. Always true:
//!
//! - before each chunk a thread asks whether to go on: it does not after an error, or if the run
//!   was cancelled. Chunks that it leaves out are not counted as done;
//! - a thread has the same scratch for all chunks that it is handed, and no other thread uses it;
//! - a panic in a chunk reaches the caller, after the other threads have stopped (see
//!   [`Pool::run`](crate::pool::Pool::run));
//! - nothing is allocated, except scratch when a thread needs more than ever before.

use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{ExecError, Progress};
use crate::machine::MAX_HANDOUTS;
use crate::memory::{AllocError, with_scratch};
use crate::pool::Pool;

/// How to run.
#[derive(Clone, Copy, Debug)]
pub struct RunOptions<'a> {
    /// The threads that may take part.
    pub pool: &'a Pool,
    /// It is told how far the run is, and may cancel it.
    pub progress: Option<&'a Progress>,
}

impl<'a> RunOptions<'a> {
    /// Options with this pool and without progress.
    #[must_use]
    pub fn new(pool: &'a Pool) -> RunOptions<'a> {
        RunOptions { pool, progress: None }
    }
}

/// How a run is cut.
pub(super) struct Chunks {
    pub(super) n: usize,
    /// The most threads that take part.
    pub(super) n_threads: usize,
    /// Bytes of scratch for each thread.
    pub(super) scratch_bytes: usize,
    /// Whether the elements of the chunks count as progress.
    pub(super) is_counted: bool,
}

/// A run, as its chunks see it.
pub(super) struct Run<'r> {
    progress: Option<&'r Progress>,
    is_counted: bool,
    /// [`RUNS`], or why the run ends early. This is an atomic, because no thread may ever wait for
    /// another one to set it: in a forked child, that other thread does not exist.
    state: AtomicU8,
}

const RUNS: u8 = 0;
const IS_CANCELLED: u8 = 1;
const HAS_NO_SCRATCH: u8 = 2;

/// Calls `work(run, chunk, scratch)` for each chunk, on several threads. `work` returns how many
/// elements it has computed and not [reported](Run::report) itself.
pub(super) fn launch(
    options: &RunOptions<'_>,
    chunks: &Chunks,
    work: impl Fn(&Run<'_>, usize, *mut u8) -> usize + Sync,
) -> Result<(), ExecError> {
    let run = Run { progress: options.progress, is_counted: chunks.is_counted, state: AtomicU8::new(RUNS) };
    let n_handouts = chunks.n.min(MAX_HANDOUTS);
    options.pool.run(n_handouts, chunks.n_threads, |_, handout| {
        if !run.goes_on() {
            return;
        }
        // The first handouts are one chunk longer than the others.
        let (len, n_longer) = (chunks.n / n_handouts, chunks.n % n_handouts);
        let first = handout * len + handout.min(n_longer);
        let end = first + len + usize::from(handout < n_longer);
        // After a panic the other threads need not go on, and loops of theirs might not end.
        let _ends = EndsIfPanicking(&run);
        let outcome = with_scratch(chunks.scratch_bytes, |scratch| {
            for chunk in first..end {
                if chunk > first && !run.goes_on() {
                    return;
                }
                run.add_done(as_current(&run, || work(&run, chunk, scratch)));
            }
        });
        if outcome.is_err() {
            run.end(HAS_NO_SCRATCH);
        }
    });
    match run.state.into_inner() {
        RUNS => Ok(()),
        IS_CANCELLED => Err(ExecError::Cancelled),
        _ => Err(AllocError::OutOfMemory { n_bytes: chunks.scratch_bytes }.into()),
    }
}

thread_local! {
    /// The run whose chunk the thread computes.
    static CURRENT: Cell<Option<NonNull<Run<'static>>>> = const { Cell::new(None) };
}

/// Does something that may ask [`has_current_ended`] of this run.
fn as_current<R>(run: &Run<'_>, work: impl FnOnce() -> R) -> R {
    /// Puts back what was there before, also after a panic.
    struct Restore(Option<NonNull<Run<'static>>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }

    let _restore = Restore(CURRENT.replace(Some(NonNull::from(run).cast())));
    work()
}

/// Whether the run that this thread computes a chunk of has ended, or must end: work within a chunk
/// that may take long asks this, and then leaves its results as they are.
pub(crate) fn has_current_ended() -> bool {
    // SAFETY: `as_current` borrows the run until it has put back what was there before.
    CURRENT.get().is_some_and(|run| !unsafe { run.cast::<Run<'_>>().as_ref() }.goes_on())
}

/// Ends a run if the thread unwinds.
struct EndsIfPanicking<'r>(&'r Run<'r>);

impl Drop for EndsIfPanicking<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end(IS_CANCELLED);
        }
    }
}

impl Run<'_> {
    /// For long chunks: counts so many elements as done. Returns false if the run must end early:
    /// then the chunk returns, and leaves its outputs as they are.
    pub(super) fn report(&self, n_elems: usize) -> bool {
        self.add_done(n_elems);
        self.goes_on()
    }

    fn add_done(&self, n_elems: usize) {
        if let Some(progress) = self.progress
            && self.is_counted
        {
            progress.add_done(n_elems);
        }
    }

    /// Whether to go on.
    fn goes_on(&self) -> bool {
        if self.state.load(Ordering::Relaxed) != RUNS {
            return false;
        }
        let is_to_stop = self.progress.is_some_and(Progress::is_to_stop);
        if is_to_stop {
            self.end(IS_CANCELLED);
        }
        !is_to_stop
    }

    /// Ends the run early. If several threads end it, the first reason counts.
    fn end(&self, reason: u8) {
        let _ = self.state.compare_exchange(RUNS, reason, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A value that the threads of a run share although it holds raw pointers.
pub(super) struct Shared<T>(T);

// SAFETY: the caller of `new` has promised that threads may share it.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// # Safety
    ///
    /// Everything in `value` except raw pointers must be `Sync`. Each place in the memory that the
    /// pointers lead to may be written by only one of the threads that share the value, and no
    /// other thread may read it meanwhile.
    pub(super) unsafe fn new(value: T) -> Shared<T> {
        Shared(value)
    }

    pub(super) fn get(&self) -> &T {
        &self.0
    }
}
