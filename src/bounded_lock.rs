//! A lock that threads wait for only briefly.
//!
//! After a fork, a lock may stay locked for ever in the child, because the thread that held it
//! exists in the parent only. So a thread that cannot get a lock of this type soon goes on without
//! the value. The value must be something that a thread can do without, such as a cache.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// A mutex that gives up after a short wait.
pub(crate) struct BoundedLock<T> {
    value: Mutex<T>,
    /// The process that made it.
    process_id: u32,
    /// The process id of a forked child in which the lock is locked for ever; 0 if no such child
    /// was seen.
    is_lost_in: AtomicU32,
}

/// The longest wait. A holder needs the lock for a fraction of a microsecond, but the system may
/// have suspended it. Going on without a cached program mostly costs less than a millisecond.
const PATIENCE: Duration = Duration::from_millis(10);

impl<T> BoundedLock<T> {
    pub(crate) fn new(value: T) -> BoundedLock<T> {
        BoundedLock { value: Mutex::new(value), process_id: std::process::id(), is_lost_in: AtomicU32::new(0) }
    }

    /// The value; `None` if the lock stays held. A panic of an earlier holder is ignored.
    pub(crate) fn lock(&self) -> Option<MutexGuard<'_, T>> {
        self.try_lock().or_else(|| self.wait())
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    #[cold]
    fn wait(&self) -> Option<MutexGuard<'_, T>> {
        let process_id = std::process::id();
        if self.is_lost_in.load(Ordering::Relaxed) == process_id {
            return None;
        }
        let start = Instant::now();
        loop {
            for _ in 0..100 {
                if let Some(value) = self.try_lock() {
                    return Some(value);
                }
                std::hint::spin_loop();
            }
            if start.elapsed() >= PATIENCE {
                break;
            }
            std::thread::yield_now();
        }
        if process_id != self.process_id {
            self.is_lost_in.store(process_id, Ordering::Relaxed);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This is the situation in a child that was forked while another thread held the lock.
    #[test]
    fn a_lock_that_stays_held_is_given_up() {
        let lock = BoundedLock::new(1);
        let held = lock.lock().unwrap();
        assert!(lock.lock().is_none());
        drop(held);
        assert_eq!(lock.lock().as_deref(), Some(&1));
    }

    #[test]
    fn a_panic_of_another_is_ignored() {
        let lock = BoundedLock::new(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = lock.lock();
            panic!("with the lock");
        }));
        assert!(panicked.is_err());
        assert_eq!(lock.lock().as_deref(), Some(&1));
    }
}
