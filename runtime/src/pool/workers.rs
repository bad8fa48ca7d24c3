//! The pool's own threads: starting, sleeping, waking, ending.
//!
//! Always true: a worker that sleeps has announced it first and looked for work afterwards, and a caller first offers
//! work and looks for sleepers afterwards, with a fence between in both. So one of them sees the other, and no offer is
//! overlooked.

use std::sync::Arc;
use std::time::Duration;

use super::crew::Crew;
use super::placement::Placement;
use super::sync::{
    AtomicBool, AtomicUsize, Builder, JoinHandle, Mutex, Ordering, Padded, Thread, comes_true, current, fence, lock,
    park,
};

/// How long threads are waited for that have not even begun when all are to end.
///
/// In a forked child they never do if the parent was just then starting or ending a thread: the standard library has a
/// lock for that (around what it keeps to tell of stack overflows), and in the child nobody opens it. Elsewhere a thread
/// begins within a millisecond, or when the system gets round to it; then it sees that all is over, and ends by itself.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Workers {
    /// One for each thread that may exist. The first are woken first, so that the last can sleep long.
    beds: Box<[Padded<Bed>]>,
    n_started: AtomicUsize,
    /// How many sleep. It counts one before its bed says so, and may be behind when it has been woken.
    n_asleep: AtomicUsize,
    /// Set when the system has refused a thread: then there will be no more.
    is_refused: AtomicBool,
    is_over: AtomicBool,
    handles: Mutex<Vec<JoinHandle<()>>>,
    /// For how long workers wait awake.
    spin: Duration,
}

/// Where a worker sleeps.
struct Bed {
    is_asleep: AtomicBool,
    /// Set by the worker when it begins.
    thread: Mutex<Option<Thread>>,
    placement: Placement,
}

impl Bed {
    /// Marks the sleeper as awake; one thread succeeds, for each time that it sleeps.
    fn leave(&self) -> bool {
        self.is_asleep.load(Ordering::Relaxed) && self.is_asleep.swap(false, Ordering::AcqRel)
    }
}

impl Workers {
    pub(super) fn new(most: usize, spin: Duration) -> Workers {
        let bed = |_| {
            let (is_asleep, thread) = (AtomicBool::new(false), Mutex::new(None));
            Padded(Bed { is_asleep, thread, placement: Placement::default() })
        };
        Workers {
            beds: (0..most).map(bed).collect(),
            n_started: AtomicUsize::new(0),
            n_asleep: AtomicUsize::new(0),
            is_refused: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            handles: Mutex::new(Vec::new()),
            spin,
        }
    }

    pub(super) fn spin(&self) -> Duration {
        self.spin
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// How many work or look for work. Exact only while nothing changes.
    pub(super) fn n_awake(&self) -> usize {
        self.n_started.load(Ordering::Relaxed).saturating_sub(self.n_asleep.load(Ordering::Relaxed))
    }

    /// Whether there is anyone to wake or to start.
    pub(super) fn has_reserves(&self) -> bool {
        self.n_asleep.load(Ordering::Relaxed) > 0
            || self.n_started.load(Ordering::Relaxed) < self.beds.len() && !self.is_refused.load(Ordering::Relaxed)
    }

    /// Wakes a worker, or starts one.
    pub(super) fn call_one(&self, crew: &Arc<Crew>) -> bool {
        self.wake_one() || self.start_one(crew)
    }

    fn wake_one(&self) -> bool {
        if self.n_asleep.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let Some(bed) = self.beds[..self.n_started.load(Ordering::Relaxed)].iter().find(|bed| bed.leave()) else {
            return false;
        };
        self.n_asleep.fetch_sub(1, Ordering::Relaxed);
        bed.placement.send_elsewhere();
        let thread = lock(&bed.thread).clone();
        thread.into_iter().for_each(|thread| thread.unpark());
        true
    }

    fn start_one(&self, crew: &Arc<Crew>) -> bool {
        let mut handles = lock(&self.handles);
        let index = handles.len();
        if index == self.beds.len() || self.is_refused.load(Ordering::Relaxed) {
            return false;
        }
        self.n_started.store(index + 1, Ordering::Relaxed);
        let crew = Arc::clone(crew);
        match Builder::new().name(format!("ndexpr-{}", index + 1)).spawn(move || crew.work(index)) {
            Ok(handle) => handles.push(handle),
            Err(_) => {
                self.n_started.store(index, Ordering::Relaxed);
                self.is_refused.store(true, Ordering::Relaxed);
            }
        }
        handles.len() > index
    }

    /// As worker `index`: to be called once, first.
    pub(super) fn move_in(&self, index: usize) {
        self.beds[index].placement.move_in();
        *lock(&self.beds[index].thread) = Some(current());
    }

    /// As worker `index`: sleeps until woken, but not if `is_needed`.
    pub(super) fn sleep(&self, index: usize, is_needed: impl Fn() -> bool) {
        let bed = &self.beds[index];
        self.n_asleep.fetch_add(1, Ordering::Relaxed);
        bed.is_asleep.store(true, Ordering::Release);
        // The announcement, then the look: see the top.
        fence(Ordering::SeqCst);
        if (is_needed() || self.is_over()) && bed.leave() {
            self.n_asleep.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        while bed.is_asleep.load(Ordering::Acquire) {
            park();
        }
        bed.placement.return_home();
    }

    /// Ends all threads, and waits for it; for those that do not begin, not for ever.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while self.wake_one() {}
        let mut patience = PATIENCE;
        for (bed, handle) in self.beds.iter().zip(lock(&self.handles).drain(..)) {
            // A worker that drops its own pool cannot wait for itself.
            if handle.thread().id() == current().id() {
                continue;
            }
            if comes_true(|| lock(&bed.thread).is_some(), patience) {
                let _ = handle.join();
            } else {
                patience = Duration::ZERO;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// As they may be in a forked child: see [`PATIENCE`].
    #[test]
    fn threads_that_do_not_begin_are_not_waited_for() {
        let workers = Workers::new(2, Duration::ZERO);
        let (end, wait_for_end) = channel::<()>();
        let never_begins = move || _ = wait_for_end.recv();
        lock(&workers.handles).push(Builder::new().spawn(never_begins).unwrap());
        workers.end();
        assert!(end.send(()).is_ok(), "the thread is still there");
    }
}
