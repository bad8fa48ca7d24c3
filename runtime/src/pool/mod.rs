//! Threads: hands numbered chunks of work to the caller and to helpers.
//!
//! In: a number of chunks and a function of `(participant, chunk)`. Out: each chunk called exactly
//! once, and all calls over when [`Pool::run`] returns. Always true:
//!
//! - the caller takes part, and no thread waits for a helper that has not begun. So a call does its
//!   work alone and returns if all workers are busy (with another caller's long work, or with the
//!   caller's own, when calls are nested);
//! - a panic in a chunk reaches the caller, after the other participants have stopped;
//! - workers do not exist before they are first needed, and park when there is nothing to do;
//! - a call allocates nothing, except when it starts a thread;
//! - a thread's affinity, priority and signal mask stay what the application made them;
//! - a forked child starts its own workers when it first needs them, whatever the parent's were
//!   doing. Threads may be unable to begin there (`workers.rs` tells why); then its calls are done
//!   by their callers alone. It waits for no lock that the fork may have left locked (`sync.rs` has
//!   the rule).
//!
//! A call puts its job into a slot, and helpers that look for work go through the slots:
//!
//! ```text
//! job         what to do, on the caller's stack       shares       which participant does which chunk
//! slot        the gate that helpers pass to a job     crew         slots and helpers: how many are woken
//! workers     the pool's own threads                  placement    which parked worker is woken
//! helpers     an executor's                           short_calls  short calls that follow each other closely
//! spin        waiting awake before parking            sync         std or loom; models.rs runs the pool under loom
//! threads     how many threads there should be
//! ```
//!
//! To try all orders of events, up to a few preemptions:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p ndexpr-runtime --profile models --lib pool::models --target-dir target/loom
//! ```

mod crew;
mod helpers;
mod job;
#[cfg(all(loom, test))]
mod models;
mod placement;
mod shares;
mod short_calls;
mod slot;
mod spin;
mod sync;
mod threads;
mod workers;

pub use helpers::Helper;
pub(crate) use short_calls::ShortCall;
pub use threads::{MAX_THREADS, available_threads, default_threads};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::crew::Crew;
use self::helpers::Spawn;
use self::short_calls::ShortCalls;
use self::sync::{AtomicPtr, Ordering};

/// Why a pool could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// No threads, or more than [`MAX_THREADS`].
    #[error("a pool has 1 to {MAX_THREADS} threads, not {n_threads}")]
    BadThreadCount {
        /// What was asked for.
        n_threads: usize,
    },
    /// The environment variable `NDEXPR_NUM_THREADS` does not tell a number of threads.
    #[error("the environment variable NDEXPR_NUM_THREADS is a number of threads, 1 or more, not {value:?}")]
    BadEnvironment {
        /// The value of the variable.
        value: String,
    },
}

/// A fixed number of threads, of which the caller of [`Pool::run`] is one.
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// let pool = ndexpr_runtime::pool::Pool::new(2)?;
/// let sum = AtomicUsize::new(0);
/// pool.run(100, 2, |_participant, chunk| {
///     sum.fetch_add(chunk, Ordering::Relaxed);
/// });
/// assert_eq!(sum.into_inner(), 4950);
/// # Ok::<(), ndexpr_runtime::pool::PoolError>(())
/// ```
///
/// A pool has one more thread than that, which is parked, if all others last ran on the waker's
/// processor (`placement.rs`).
///
/// Dropping a pool ends its threads, and waits for that.
pub struct Pool {
    n_threads: usize,
    /// The application's threads, and the process that they are in; `None` if the pool starts its
    /// own.
    executor: Option<(Spawn, u32)>,
    /// Null until helpers are first needed. Then a boxed `Arc`, which lives until the pool is
    /// dropped. A crew of a parent process lives for ever, because its threads are not here and
    /// cannot be ended.
    crew: AtomicPtr<Arc<Crew>>,
    /// Calls that were too short to wake helpers for.
    short_calls: ShortCalls,
}

impl Pool {
    /// A pool of `n_threads` threads: the caller, and workers that are started when they are first
    /// needed.
    ///
    /// If the system refuses a thread, calls go on with those that there are, and a later call asks
    /// again.
    ///
    /// # Errors
    ///
    /// If `n_threads` is 0 or more than [`MAX_THREADS`].
    pub fn new(n_threads: usize) -> Result<Pool, PoolError> {
        Pool::with_executor(n_threads, None)
    }

    /// A pool that starts no threads: the caller, and up to `n_threads - 1` helpers at a time,
    /// which an executor of the application runs. So an application that has a thread pool needs no
    /// second one.
    ///
    /// `spawn` must return soon and have [`Helper::help`] called on another thread. A helper that
    /// begins late is of no use: a call never waits for a helper that has not begun. In a forked
    /// child callers work alone.
    ///
    /// ```
    /// use ndexpr_runtime::pool::{Helper, Pool};
    ///
    /// let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    /// let pool = Pool::on(2, move |helper: Helper| threads.spawn(|| helper.help()))?;
    /// pool.run(100, 2, |_participant, _chunk| ());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Pool::new`].
    pub fn on(n_threads: usize, spawn: impl Fn(Helper) + Send + Sync + 'static) -> Result<Pool, PoolError> {
        Pool::with_executor(n_threads, Some((Arc::new(spawn), std::process::id())))
    }

    fn with_executor(n_threads: usize, executor: Option<(Spawn, u32)>) -> Result<Pool, PoolError> {
        if !(1..=MAX_THREADS).contains(&n_threads) {
            return Err(PoolError::BadThreadCount { n_threads });
        }
        Ok(Pool { n_threads, executor, crew: AtomicPtr::new(std::ptr::null_mut()), short_calls: ShortCalls::new() })
    }

    /// The most threads that take part in one call, the caller included.
    #[must_use]
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Calls `work(participant, chunk)` once for each chunk in `0..n_chunks`, on at most
    /// `max_threads` threads.
    ///
    /// Each thread begins in a different part of the chunks and takes the lowest that is left
    /// there; when none is left, it goes on in the next part. `participant` is 0 for the caller,
    /// less than `max_threads` for every thread, and different for each thread that takes part in
    /// the call.
    ///
    /// # Panics
    ///
    /// If `work` panics: then chunks that no thread had begun are left out. Also in a child that
    /// was forked inside of `work`, when the call ends there, if other participants were at work.
    pub fn run(&self, n_chunks: usize, max_threads: usize, work: impl Fn(usize, usize) + Sync) {
        let n_helpers = max_threads.min(self.n_threads).min(n_chunks).saturating_sub(1);
        match if n_helpers > 0 { self.crew() } else { None } {
            Some(crew) => crew.run(n_chunks, n_helpers, &work),
            None => (0..n_chunks).for_each(|chunk| work(0, chunk)),
        }
    }

    /// Begins a call that is too short to wake helpers for, and would gain `gain` by helpers that
    /// are awake. It has helpers if it is one of many consecutive calls, for which they stay awake.
    /// `None` if helpers never stay awake.
    pub(crate) fn short_call(&self, gain: Duration) -> Option<ShortCall<'_>> {
        let waits_awake = || self.crew().is_some_and(|crew| crew.waits_awake());
        let call = (self.n_threads > 1).then(|| self.short_calls.call(gain))?;
        (!call.has_helpers() || waits_awake()).then_some(call)
    }

    /// The crew of this process. This takes no lock, because in a forked child it might be locked
    /// for ever.
    fn crew(&self) -> Option<&Arc<Crew>> {
        let mut crew = self.crew.load(Ordering::Acquire);
        loop {
            // SAFETY: null, or made below. Only `drop` frees it, and `self` is borrowed here.
            if let Some(crew) = unsafe { crew.as_ref() }
                && crew.is_of_this_process()
            {
                return Some(crew);
            }
            let n_helpers = self.n_threads - 1;
            let new = match &self.executor {
                // The executor's threads are not in this process, and its locks may be locked for
                // ever.
                Some((_, process_id)) if *process_id != std::process::id() => return None,
                Some((spawn, _)) => Crew::of_helpers(n_helpers, Arc::clone(spawn)),
                None => Crew::of_workers(n_helpers),
            };
            let new = Box::into_raw(Box::new(Arc::new(new)));
            match self.crew.compare_exchange(crew, new, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => crew = new,
                Err(winner) => {
                    // SAFETY: made above, and no other thread has seen it.
                    drop(unsafe { Box::from_raw(new) });
                    crew = winner;
                }
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let crew = self.crew.load(Ordering::Acquire);
        // SAFETY: null, or made in `crew`, and no other thread borrows the pool.
        if let Some(borrowed) = unsafe { crew.as_ref() }
            && borrowed.is_of_this_process()
        {
            borrowed.end();
            // SAFETY: as above; `crew` made it by `Box::into_raw`.
            drop(unsafe { Box::from_raw(crew) });
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads)", self.n_threads)
    }
}
