//! Keeps what was made for a program's last call, so that the next call can use it.

use std::sync::{Arc, Mutex};

/// What was made for the last call. Nobody waits for it: a thread that finds it in use makes its
/// own.
pub(super) struct Recent<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Recent<T> {
    fn default() -> Recent<T> {
        Recent(Mutex::new(None))
    }
}

impl<T> Recent<T> {
    pub(super) fn get(&self) -> Option<Arc<T>> {
        self.0.try_lock().ok()?.clone()
    }

    pub(super) fn set(&self, made: Arc<T>) {
        if let Ok(mut place) = self.0.try_lock() {
            *place = Some(made);
        }
    }
}
