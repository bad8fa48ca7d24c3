//! Atomics, locks and threads: std's, or loom's in the models (`models.rs`), which then try all
//! orders of events.
//!
//! The rest of the pool takes them from here and nowhere else. An application that builds itself
//! with `--cfg loom` gets std's: the models are this crate's own tests.
//!
//! # Locks and forks
//!
//! A forked child has the parent's memory but only the thread that forked. A lock that another
//! thread held stays locked there for ever. So in this crate, no forked child waits for a lock that
//! was made before the fork:
//!
//! - Outside the pool there are no locks, and nothing that waits for another thread's
//!   initialisation (`OnceLock`, `LazyLock`). What is made once is in the types of
//!   `once_cell::race`: several threads may make it, one of them wins, and none waits.
//! - A crew belongs to one process (`Pool::crew`). The locks of `workers.rs` are taken by a worker
//!   that begins, by `Crew::call_helpers` and by `Crew::end`. The second returns at once in another
//!   process than the crew's, and `Pool` does not call the third there.
//! - `Job::panic` is locked by a helper that panics, which gives up if it would have to wait, and
//!   by the caller when no helper is inside. In a child that was forked inside a chunk, the caller
//!   panics before that if helpers were inside.
//! - `Job::parked_caller` is locked by the caller when it parks, and after that by the last helper
//!   inside. So no two threads are ever at this lock at the same time.
//!
//! `tests/pool_locks.rs` looks for locks elsewhere. The standard library has locks too. Those
//! around the environment and standard output are not taken in calls; the one that a starting
//! thread takes is the reason for `PATIENCE` in `workers.rs`. The allocator's locks are glibc's,
//! which takes care of forks.

#[cfg(not(all(loom, test)))]
pub(super) use self::with_std::*;

#[cfg(all(loom, test))]
pub(super) use self::with_loom::*;

#[cfg(not(all(loom, test)))]
mod with_std {
    pub(in super::super) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
    pub(in super::super) use std::sync::{Mutex, MutexGuard};
    pub(in super::super) use std::thread::{Builder, JoinHandle, Thread, current, park};

    /// Whether the condition comes true within `patience`.
    pub(in super::super) fn comes_true(condition: impl Fn() -> bool, patience: std::time::Duration) -> bool {
        let start = std::time::Instant::now();
        loop {
            if condition() {
                return true;
            }
            if start.elapsed() >= patience {
                return false;
            }
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
    }

    /// `UnsafeCell`, with the part of loom's interface that is used here.
    pub(in super::super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(in super::super) fn new(value: T) -> UnsafeCell<T> {
            UnsafeCell(std::cell::UnsafeCell::new(value))
        }

        pub(in super::super) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        pub(in super::super) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}

#[cfg(all(loom, test))]
mod with_loom {
    pub(in super::super) use loom::cell::UnsafeCell;
    pub(in super::super) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
    pub(in super::super) use loom::sync::{Mutex, MutexGuard};
    pub(in super::super) use loom::thread::{Builder, JoinHandle, Thread, current, park};

    /// In a model there is no time, and every thread begins.
    pub(in super::super) fn comes_true(_condition: impl Fn() -> bool, _patience: std::time::Duration) -> bool {
        true
    }
}

/// Locks. Nothing that is locked here can be left half-done by a panic, so poison is ignored.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Alone on its cache line, and on the neighbour that some processors fetch with it.
#[repr(align(128))]
pub(super) struct Padded<T>(pub(super) T);

impl<T> std::ops::Deref for Padded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
