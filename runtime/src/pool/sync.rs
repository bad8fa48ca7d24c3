//! Atomics, locks and threads: std's, or loom's in the models (`models.rs`), which then try all orders of events.
//!
//! The rest of the pool takes them from here and nowhere else. An application that builds itself with `--cfg loom` gets
//! std's: the models are this crate's own tests.

#[cfg(not(all(loom, test)))]
pub(super) use self::with_std::*;

#[cfg(all(loom, test))]
pub(super) use self::with_loom::*;

#[cfg(not(all(loom, test)))]
mod with_std {
    pub(in super::super) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};
    pub(in super::super) use std::sync::{Mutex, MutexGuard};
    pub(in super::super) use std::thread::{Builder, JoinHandle, Thread, current, park};

    /// Whether it comes true before long.
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

/// Locks; nothing that is locked here can be left half-done by a panic.
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
