//! Keeps what was made for a program's last call, so that the next call can use it.

use super::staged::Staged;
use std::sync::{Arc, Mutex};

/// The stages of the last call. Nobody waits for them: a thread that finds them in use makes its
/// own.
#[derive(Default)]
pub(super) struct Recent(Mutex<Option<Arc<Staged>>>);

impl Recent {
    pub(super) fn get(&self) -> Option<Arc<Staged>> {
        self.0.try_lock().ok()?.clone()
    }

    pub(super) fn set(&self, staged: Arc<Staged>) {
        if let Ok(mut place) = self.0.try_lock() {
            *place = Some(staged);
        }
    }
}
