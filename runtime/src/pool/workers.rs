//! The pool's own threads: starting, parking, waking, ending.
//!
//! Always true:
//!
//! - A worker that parks first announces it and then looks for work. A caller first offers work and
//!   then looks for parked workers. There is a fence between the two steps of each, so at least one
//!   of them sees the other, and no offer is overlooked.
//! - If the system refuses a thread, the calls go on with the threads that there are, and a later
//!   call asks again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::crew::Crew;
use super::placement::{UNKNOWN, current_cpu, n_spare};
use super::spin::SPIN;
use super::sync::{
    AtomicBool, AtomicUsize, Builder, JoinHandle, Mutex, Ordering, Padded, Thread, comes_true, current, fence, lock,
    park,
};

/// For how long [`Workers::end`] waits for threads that have not even begun.
///
/// In a forked child they never begin if the parent was just then starting or ending a thread: the
/// standard library has a lock for that (around what it keeps to report stack overflows), and no
/// thread of the child opens it. Elsewhere a thread begins within a millisecond, or when the system
/// gets round to it. Then it sees that all is over, and ends by itself.
const PATIENCE: Duration = Duration::from_secs(1);

/// For how long no thread is asked for after the system has refused one. The reason may be gone by
/// then: other threads have ended, memory is free, or a limit was raised. An attempt that fails
/// costs some 10 us.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// The stack of each worker: the standard library's default, stated here because the environment
/// variable RUST_MIN_STACK would change that. A chunk's frames take up to 16 KiB for a kernel and a
/// few for the functions that run it; the rest is for what an application runs by
/// [`Pool::run`](super::Pool::run).
const STACK_BYTES: usize = 2 << 20;

pub(super) struct Workers {
    /// One entry for each thread that may exist. The first workers are preferred for waking, so
    /// that the last ones can sleep long.
    workers: Box<[Padded<Worker>]>,
    max_awake: usize,
    n_started: AtomicUsize,
    /// How many are parked. A worker is counted before it says so itself, and may still be counted
    /// when it has been woken.
    n_parked: AtomicUsize,
    begin: Instant,
    /// Milliseconds from `begin`, before which no thread is asked for, because the system has
    /// refused one. 0 for no time.
    no_start_before: AtomicUsize,
    is_over: AtomicBool,
    handles: Mutex<Vec<JoinHandle<()>>>,
    /// For how long workers wait awake.
    spin: Duration,
}

/// What others need to know of a worker.
struct Worker {
    is_parked: AtomicBool,
    /// Set by the worker when it begins.
    thread: Mutex<Option<Thread>>,
    /// Where it last parked; [`UNKNOWN`] at first.
    last_cpu: AtomicUsize,
}

impl Worker {
    /// Marks a parked worker as awake. One thread succeeds for each time that it parks.
    fn claim(&self) -> bool {
        self.is_parked.load(Ordering::Relaxed) && self.is_parked.swap(false, Ordering::AcqRel)
    }
}

impl Workers {
    /// Workers of which at most `max_awake` are awake at the same time.
    ///
    /// `is_crowded` if there are fewer processors than threads. Then a thread that spins takes a
    /// processor from those that it waits for.
    pub(super) fn new(max_awake: usize, is_crowded: bool) -> Workers {
        let worker = |_| {
            let (is_parked, thread) = (AtomicBool::new(false), Mutex::new(None));
            Padded(Worker { is_parked, thread, last_cpu: AtomicUsize::new(UNKNOWN) })
        };
        let n_workers = max_awake + n_spare(is_crowded);
        Workers {
            workers: (0..n_workers).map(worker).collect(),
            max_awake,
            n_started: AtomicUsize::new(0),
            n_parked: AtomicUsize::new(0),
            begin: Instant::now(),
            no_start_before: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            handles: Mutex::new(Vec::new()),
            spin: if is_crowded { Duration::ZERO } else { SPIN },
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
        self.n_started.load(Ordering::Relaxed).saturating_sub(self.n_parked.load(Ordering::Relaxed))
    }

    /// Whether a worker can be woken or started.
    pub(super) fn has_reserves(&self) -> bool {
        self.n_awake() < self.max_awake && (self.n_parked.load(Ordering::Relaxed) > 0 || self.may_start())
    }

    /// Wakes a worker or starts one. If two threads do so at once, the spare worker may be awake in
    /// addition to the maximum.
    pub(super) fn wake_or_start_one(&self, crew: &Arc<Crew>) -> bool {
        if self.n_awake() >= self.max_awake {
            return false;
        }
        let here = current_cpu();
        self.wake_one(|worker| here == UNKNOWN || worker.last_cpu.load(Ordering::Relaxed) != here)
            || self.start_one(crew)
            || self.wake_one(|_| true)
    }

    /// Wakes the first parked worker that is eligible.
    fn wake_one(&self, is_eligible: impl Fn(&Worker) -> bool) -> bool {
        if self.n_parked.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut started = self.workers[..self.n_started.load(Ordering::Relaxed)].iter();
        let Some(worker) = started.find(|worker| is_eligible(worker) && worker.claim()) else {
            return false;
        };
        self.n_parked.fetch_sub(1, Ordering::Relaxed);
        let thread = lock(&worker.thread).clone();
        thread.into_iter().for_each(|thread| thread.unpark());
        true
    }

    /// Whether there may be one more thread, and the system did not refuse one recently.
    fn may_start(&self) -> bool {
        let no_start_before = self.no_start_before.load(Ordering::Relaxed);
        self.n_started.load(Ordering::Relaxed) < self.workers.len()
            && (no_start_before == 0 || self.begin.elapsed().as_millis() >= no_start_before as u128)
    }

    fn start_one(&self, crew: &Arc<Crew>) -> bool {
        if !self.may_start() {
            return false;
        }
        let mut handles = lock(&self.handles);
        let index = handles.len();
        // Another caller may have started the last one, or have been refused, before this one had
        // the lock.
        if index == self.workers.len() || !self.may_start() {
            return false;
        }
        self.n_started.store(index + 1, Ordering::Relaxed);
        let crew = Arc::clone(crew);
        let builder = Builder::new().name(format!("ndexpr-{}", index + 1)).stack_size(STACK_BYTES);
        match builder.spawn(move || crew.work(index)) {
            Ok(handle) => handles.push(handle),
            Err(_) => {
                self.n_started.store(index, Ordering::Relaxed);
                let no_start_before = (self.begin.elapsed() + RETRY_PAUSE).as_millis();
                self.no_start_before.store(usize::try_from(no_start_before).unwrap_or(usize::MAX), Ordering::Relaxed);
            }
        }
        handles.len() > index
    }

    /// Makes the thread of worker `index` known to wakers. That worker must call this once, before
    /// anything else.
    pub(super) fn register(&self, index: usize) {
        *lock(&self.workers[index].thread) = Some(current());
    }

    /// Called by worker `index`: parks it until it is woken, but not if `is_needed`.
    pub(super) fn park(&self, index: usize, is_needed: impl Fn() -> bool) {
        let worker = &self.workers[index];
        worker.last_cpu.store(current_cpu(), Ordering::Relaxed);
        self.n_parked.fetch_add(1, Ordering::Relaxed);
        worker.is_parked.store(true, Ordering::Release);
        // First the announcement, then the search for work: see the top of this file.
        fence(Ordering::SeqCst);
        if (is_needed() || self.is_over()) && worker.claim() {
            self.n_parked.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        while worker.is_parked.load(Ordering::Acquire) {
            park();
        }
    }

    /// Ends all threads, and waits for that; for threads that do not begin, it waits for
    /// [`PATIENCE`].
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while self.wake_one(|_| true) {}
        let mut patience = PATIENCE;
        for (worker, handle) in self.workers.iter().zip(lock(&self.handles).drain(..)) {
            // A worker that drops its own pool cannot wait for itself.
            if handle.thread().id() == current().id() {
                continue;
            }
            if comes_true(|| lock(&worker.thread).is_some(), patience) {
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

    /// Such threads may exist in a forked child: see [`PATIENCE`].
    #[test]
    fn threads_that_do_not_begin_are_not_waited_for() {
        let workers = Workers::new(2, true);
        let (end, wait_for_end) = channel::<()>();
        let never_begins = move || _ = wait_for_end.recv();
        lock(&workers.handles).push(Builder::new().spawn(never_begins).unwrap());
        workers.end();
        assert!(end.send(()).is_ok(), "the thread is still there");
    }

    /// Workers without threads, parked on these processors.
    fn parked_on<const N: usize>(cpus: [usize; N]) -> Workers {
        let workers = Workers::new(N, true);
        assert_eq!(workers.workers.len(), N, "no spare one without a processor for it");
        workers.n_started.store(N, Ordering::Relaxed);
        workers.n_parked.store(N, Ordering::Relaxed);
        for (worker, cpu) in workers.workers.iter().zip(cpus) {
            worker.last_cpu.store(cpu, Ordering::Relaxed);
            worker.is_parked.store(true, Ordering::Relaxed);
        }
        workers
    }

    fn n_parked(workers: &Workers) -> Vec<bool> {
        workers.workers.iter().map(|worker| worker.is_parked.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn the_first_eligible_worker_is_woken() {
        let workers = parked_on([7, 3, 7, 5]);
        assert!(workers.wake_one(|worker| worker.last_cpu.load(Ordering::Relaxed) != 7));
        assert_eq!(n_parked(&workers), [true, false, true, true]);
        assert!(workers.wake_one(|_| true));
        assert_eq!(n_parked(&workers), [false, false, true, true]);
        assert!(!workers.wake_one(|worker| worker.last_cpu.load(Ordering::Relaxed) == 3), "it is awake");
        assert_eq!(workers.n_awake(), 2);
    }

    #[test]
    fn a_refused_thread_is_asked_for_again_after_a_pause() {
        let workers = Workers::new(1, true);
        assert!(workers.has_reserves());
        let soon = workers.begin.elapsed() + Duration::from_millis(50);
        workers.no_start_before.store(soon.as_millis() as usize, Ordering::Relaxed);
        assert!(!workers.has_reserves());
        std::thread::sleep(Duration::from_millis(60));
        assert!(workers.has_reserves());
    }
}
