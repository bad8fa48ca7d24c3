//! A lock that a forked child never waits on for ever.
//!
//! In: short work on a value. Out: what the work returns. Always true: a thread that waits here
//! waits for a thread of its own process.
//!
//! A child has only one of its parent's threads. A lock that another thread held at the moment of
//! the fork stays locked in the child. The child gives that value up and begins with a fresh one,
//! so this type is only for caches.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

pub(crate) struct Lock<T> {
    /// Never null. The value is freed only when the whole lock is dropped.
    current: AtomicPtr<Locked<T>>,
}

struct Locked<T> {
    /// The process that made it.
    process_id: u32,
    value: Mutex<T>,
}

impl<T: Default> Lock<T> {
    pub(crate) fn new() -> Lock<T> {
        Lock { current: AtomicPtr::new(Locked::fresh()) }
    }

    /// Does the work on the value while no other thread uses it. The work must not take the
    /// interpreter's lock, because the thread that holds that lock may be waiting here.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        loop {
            let current = self.current.load(Ordering::Acquire);
            // SAFETY: the pointer came from a box, and only `drop` frees that box, which happens
            // when the lock is no longer borrowed.
            let locked = unsafe { &*current };
            if let Some(mut value) = locked.lock() {
                return work(&mut value);
            }
            let fresh = Locked::fresh();
            let replaced = self.current.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire);
            if replaced.is_err() {
                // SAFETY: another thread was first, so nobody else has seen this one.
                drop(unsafe { Box::from_raw(fresh) });
            }
            // The value that was replaced is not freed: it is locked, and a thread may be about to
            // look at it.
        }
    }
}

impl<T> Drop for Lock<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box, and nobody else has the lock any more.
        drop(unsafe { Box::from_raw(*self.current.get_mut()) });
    }
}

impl<T: Default> Locked<T> {
    fn fresh() -> *mut Locked<T> {
        let process_id = std::process::id();
        Box::into_raw(Box::new(Locked { process_id, value: Mutex::new(T::default()) }))
    }
}

impl<T> Locked<T> {
    /// The value; `None` if it is locked and was made by another process. A panic of another thread
    /// that held it is ignored.
    fn lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) if self.process_id == std::process::id() => {
                Some(self.value.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn work_is_done_alone() {
        let lock: Lock<usize> = Lock::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| lock.with(|value| *value += 1)));
            }
        });
        assert_eq!(lock.with(|value| *value), 4000);
    }

    #[test]
    fn a_panic_of_another_is_ignored() {
        let lock: Lock<usize> = Lock::new();
        let work = std::panic::AssertUnwindSafe(|| lock.with(|_| panic!("with the lock")));
        assert!(std::panic::catch_unwind(work).is_err());
        assert_eq!(lock.with(|value| *value), 0);
    }

    /// In the child, only the thread that forks exists, so the lock that the other thread holds
    /// stays held.
    #[cfg(unix)]
    #[test]
    fn a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have() {
        unsafe extern "C" {
            safe fn fork() -> i32;
            safe fn _exit(status: i32) -> !;
            unsafe fn waitpid(child: i32, status: *mut i32, options: i32) -> i32;
            safe fn alarm(seconds: u32) -> u32;
        }
        let lock: Lock<usize> = Lock::new();
        let (held, is_held) = channel();
        let (release, may_release) = channel();
        std::thread::scope(|scope| {
            let lock = &lock;
            scope.spawn(move || {
                lock.with(|value| {
                    *value = 7;
                    held.send(()).unwrap();
                    may_release.recv().unwrap();
                });
            });
            is_held.recv().unwrap();
            let child = fork();
            if child == 0 {
                // Ends the child if it waits.
                alarm(10);
                let first = lock.with(|value| std::mem::replace(value, 1));
                let second = lock.with(|value| *value);
                _exit(i32::from((first, second) != (0, 1)));
            }
            let mut status = -1;
            // SAFETY: the status is a place for an `int`.
            assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
            release.send(()).unwrap();
            assert_eq!(status, 0);
        });
        assert_eq!(lock.with(|value| *value), 7);
    }
}
