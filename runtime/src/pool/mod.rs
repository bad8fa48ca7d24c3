//! Threads: hands numbered chunks of work to the caller and to helpers.
//!
//! In: a number of chunks and a function of `(participant, chunk)`. Out: each chunk called exactly once, and all calls
//! over when [`Pool::run`] returns. Always true:
//!
//! - the caller takes part, and nobody waits for a helper that has not begun. So a call that finds all workers busy
//!   (with another caller's long work, or with the caller's own, when calls are nested) does its work alone and returns;
//!   so does one in a forked child, where there are no workers;
//! - a panic in a chunk reaches the caller, after the other participants have stopped;
//! - workers do not exist before they are first needed, and sleep when there is nothing to do.

mod job;
mod threads;

pub use threads::default_threads;

use std::fmt;
use std::sync::{Arc, OnceLock};

use self::job::Job;

/// The most threads that a pool may have.
pub const MAX_THREADS: usize = 4096;

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
pub struct Pool {
    n_threads: usize,
    /// The workers, once they were needed.
    workers: OnceLock<Workers>,
}

struct Workers {
    /// `None` if the system refused the threads; then callers work alone.
    threads: Option<rayon::ThreadPool>,
    /// Whose threads they are: a forked child inherits this struct, but not the threads.
    process_id: u32,
}

impl Pool {
    /// A pool of `n_threads` threads: the caller, and workers that are started when they are first needed.
    ///
    /// # Errors
    ///
    /// If `n_threads` is 0 or more than [`MAX_THREADS`].
    pub fn new(n_threads: usize) -> Result<Pool, PoolError> {
        if !(1..=MAX_THREADS).contains(&n_threads) {
            return Err(PoolError::BadThreadCount { n_threads });
        }
        Ok(Pool { n_threads, workers: OnceLock::new() })
    }

    /// The most threads that take part in one call, the caller included.
    #[must_use]
    pub fn n_threads(&self) -> usize {
        self.n_threads
    }

    /// Calls `work(participant, chunk)` once for each chunk in `0..n_chunks`, on at most `max_threads` threads.
    ///
    /// Each takes the lowest chunk that is left until there is none. `participant` is 0 for the caller, less than
    /// `max_threads` for everyone, and different for everyone who takes part in the call.
    ///
    /// # Panics
    ///
    /// If `work` does: then chunks that no one had begun are left out.
    pub fn run(&self, n_chunks: usize, max_threads: usize, work: impl Fn(usize, usize) + Sync) {
        let n_helpers = max_threads.min(self.n_threads).min(n_chunks).saturating_sub(1);
        let workers = if n_helpers > 0 { self.workers() } else { None };
        let Some(workers) = workers else {
            return (0..n_chunks).for_each(|chunk| work(0, chunk));
        };
        Job::run(n_chunks, &work, |job| {
            for _ in 0..n_helpers {
                let job = Arc::clone(job);
                workers.spawn(move || job.help());
            }
        });
    }

    fn workers(&self) -> Option<&rayon::ThreadPool> {
        let workers = self.workers.get_or_init(|| {
            let builder = rayon::ThreadPoolBuilder::new()
                .num_threads(self.n_threads - 1)
                .thread_name(|k| format!("ndexpr-{}", k + 1));
            Workers { threads: builder.build().ok(), process_id: std::process::id() }
        });
        workers.threads.as_ref().filter(|_| workers.process_id == std::process::id())
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({} threads)", self.n_threads)
    }
}
