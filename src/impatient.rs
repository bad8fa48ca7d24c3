//! A lock that nobody waits long for.
//!
//! In a forked child a lock may be held for ever, by a thread that is not there. So whatever is behind one of these is a
//! convenience that can be done without, such as a cache.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// A mutex that is given up after a short wait.
pub(crate) struct Impatient<T> {
    value: Mutex<T>,
    /// The process that made it.
    process_id: u32,
    /// A child in which it is locked for ever; 0 if none was seen.
    is_lost_in: AtomicU32,
}

/// It is held for the fraction of a microsecond, but whoever has it may have to wait for a processor. Then doing without,
/// which takes less than a millisecond mostly, is not the worst that can happen.
const PATIENCE: Duration = Duration::from_millis(10);

impl<T> Impatient<T> {
    pub(crate) fn new(value: T) -> Impatient<T> {
        Impatient { value: Mutex::new(value), process_id: std::process::id(), is_lost_in: AtomicU32::new(0) }
    }

    /// The value; `None` if there is no getting at it. A panic of who held it before is ignored.
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

    /// As it is in a child that was forked while another thread had it.
    #[test]
    fn what_stays_locked_is_given_up() {
        let lock = Impatient::new(1);
        let held = lock.lock().unwrap();
        assert!(lock.lock().is_none());
        drop(held);
        assert_eq!(lock.lock().as_deref(), Some(&1));
    }

    #[test]
    fn a_panic_of_another_is_ignored() {
        let lock = Impatient::new(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = lock.lock();
            panic!("with the lock");
        }));
        assert!(panicked.is_err());
        assert_eq!(lock.lock().as_deref(), Some(&1));
    }
}
