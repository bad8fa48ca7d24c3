//! Timed turns, of one thread or of several that start together.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A loop in chunks that threads can run at the same time.
pub(crate) struct Chunked<'a> {
    pub(crate) n_chunks: usize,
    pub(crate) run: Box<dyn Fn(usize) + Sync + 'a>,
}

/// Times of calls, at least one, until the time is up.
pub(crate) fn repeat(time: Duration, mut call: impl FnMut()) -> Vec<Duration> {
    let mut times = Vec::new();
    let start = Instant::now();
    loop {
        let before = Instant::now();
        call();
        times.push(before.elapsed());
        if start.elapsed() >= time {
            return times;
        }
    }
}

/// As [`repeat`]; each call runs all chunks once. The other threads wait for a call without
/// sleeping, but they end with the turn, because the next line needs the processors.
pub(crate) fn repeat_together(time: Duration, threads: usize, work: &Chunked<'_>) -> Vec<Duration> {
    repeat_around(time, threads, work, |all| all())
}

/// As [`repeat_together`], but a call is what `call` does with a function that runs all chunks.
pub(crate) fn repeat_around(
    time: Duration,
    threads: usize,
    work: &Chunked<'_>,
    mut call: impl FnMut(&dyn Fn()),
) -> Vec<Duration> {
    let shares = Shares::new(work.n_chunks, threads.min(work.n_chunks));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 1..shares.next.len() {
            let (shares, is_over) = (&shares, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    shares.take(thread, &work.run);
                    spin_loop();
                }
            });
        }
        let all = || {
            shares.refill();
            shares.take(0, &work.run);
            shares.wait();
        };
        let times = repeat(time, || call(&all));
        is_over.store(true, Ordering::Relaxed);
        times
    })
}

/// The chunks of a call that are left: each thread has a contiguous share of them.
///
/// A call ends with its last chunk, not with the last thread: a thread that was interrupted without
/// having a chunk delays nothing.
struct Shares {
    n_chunks: usize,
    /// The first chunk of each share that no thread has taken; at least the share's end if there is
    /// none.
    next: Vec<AtomicUsize>,
    n_done: AtomicUsize,
}

impl Shares {
    /// All shares, with no chunk left in any.
    fn new(n_chunks: usize, threads: usize) -> Shares {
        let next = (0..threads).map(|_| AtomicUsize::new(n_chunks)).collect();
        Shares { n_chunks, next, n_done: AtomicUsize::new(0) }
    }

    fn start(&self, share: usize) -> usize {
        share * self.n_chunks / self.next.len()
    }

    /// Starts a call, when all chunks of the one before are done.
    fn refill(&self) {
        self.n_done.store(0, Ordering::Relaxed);
        for (share, next) in self.next.iter().enumerate() {
            next.store(self.start(share), Ordering::Release);
        }
    }

    /// Runs the thread's own chunks, then those that others have left.
    fn take(&self, thread: usize, run: impl Fn(usize)) {
        let threads = self.next.len();
        for share in (thread..threads).chain(0..thread) {
            let (next, end) = (&self.next[share], self.start(share + 1));
            // Read before it is written: threads that wait should not take the cache line from
            // those that work.
            while next.load(Ordering::Relaxed) < end {
                let chunk = next.fetch_add(1, Ordering::AcqRel);
                if chunk < end {
                    run(chunk);
                    self.n_done.fetch_add(1, Ordering::Release);
                }
            }
        }
    }

    fn wait(&self) {
        while self.n_done.load(Ordering::Acquire) < self.n_chunks {
            spin_loop();
        }
    }
}
