//! [`Progress`]: how far a run is, and a way to stop it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// How far one or several runs are, and a way to stop them. It counts elements, and is updated
/// about once in a millisecond.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
    is_cancelled: AtomicBool,
    question: Option<Question>,
}

/// The question whether to go on.
struct Question {
    may_go_on: Box<dyn Fn() -> bool + Send + Sync>,
    /// The thread that asks it.
    thread: ThreadId,
    period: Duration,
    start: Instant,
    /// When to ask next, in nanoseconds after `start`.
    next: AtomicU64,
}

impl Question {
    /// True if this thread is the one that asks, it is time to ask, and the answer is no.
    fn is_denied(&self) -> bool {
        if std::thread::current().id() != self.thread {
            return false;
        }
        let now = self.start.elapsed();
        if nanoseconds(now) < self.next.load(Ordering::Relaxed) {
            return false;
        }
        let may_go_on = (self.may_go_on)();
        self.next.store(nanoseconds(self.start.elapsed().saturating_add(self.period)), Ordering::Relaxed);
        !may_go_on
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("thread", &self.thread).field("period", &self.period).finish_non_exhaustive()
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Progress {
    /// Progress towards `n_elems` elements: the sum over all runs that will report here.
    #[must_use]
    pub fn new(n_elems: usize) -> Progress {
        Progress { total: AtomicUsize::new(n_elems), ..Progress::default() }
    }

    /// Asks a function whether to go on. It is asked on the thread that calls this, between the
    /// chunks that are computed there, or between the steps of compiling, once `period` has passed
    /// since the last time. `false` cancels. This is for a main thread that has to attend to
    /// something while it computes.
    ///
    /// ```
    /// use ndexpr_runtime::exec::Progress;
    /// use std::time::{Duration, Instant};
    ///
    /// let deadline = Instant::now() + Duration::from_secs(10);
    /// let progress = Progress::default().asking(Duration::from_millis(20), move || Instant::now() < deadline);
    /// assert!(!progress.is_to_stop());
    /// ```
    #[must_use]
    pub fn asking(self, period: Duration, may_go_on: impl Fn() -> bool + Send + Sync + 'static) -> Progress {
        let question = Question {
            may_go_on: Box::new(may_go_on),
            thread: std::thread::current().id(),
            period,
            start: Instant::now(),
            next: AtomicU64::new(nanoseconds(period)),
        };
        Progress { question: Some(question), ..self }
    }

    /// Sets how many elements there are in all, if it was not known before.
    pub fn set_total(&self, n_elems: usize) {
        self.total.store(n_elems, Ordering::Relaxed);
    }

    /// Adds to the number of elements in all, for a run that turns out to have more to do.
    pub fn add_total(&self, n_elems: usize) {
        self.total.fetch_add(n_elems, Ordering::Relaxed);
    }

    /// Elements that have been computed.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Elements that there are in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// Stops the runs that report here, within about a millisecond, with
    /// [`ExecError::Cancelled`](super::ExecError::Cancelled). Later runs do not begin.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`Progress::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Whether a run that reports here must stop: it was cancelled, or [a function that was
    /// asked](Progress::asking) says so now. Each thread asks before each chunk.
    #[must_use]
    pub fn is_to_stop(&self) -> bool {
        if self.question.as_ref().is_some_and(Question::is_denied) {
            self.cancel();
        }
        self.is_cancelled()
    }

    /// Counts so many more elements as computed.
    pub fn add_done(&self, n_elems: usize) {
        self.done.fetch_add(n_elems, Ordering::Relaxed);
    }
}
