//! Memory for results that a phase keeps from one call to the next.

use super::blocks::MAX_KEPT_BYTES;
use ndexpr_runtime::memory::Output;
use smallvec::SmallVec;
use std::sync::Mutex;

/// Memory that was made for results.
pub(super) type Made = SmallVec<[Option<Output>; 4]>;

/// Memory of the last call. Nobody waits for it: a thread that finds it in use makes its own.
#[derive(Default)]
pub(super) struct Spare(Mutex<Option<Made>>);

impl Spare {
    pub(super) fn take(&self) -> Option<Made> {
        self.0.try_lock().ok()?.take()
    }

    /// Keeps memory, if it is not too much.
    pub(super) fn put(&self, made: Made) {
        let n_bytes: usize = made.iter().flatten().map(|output| output.view().n_elems() * output.dtype().size()).sum();
        if n_bytes > MAX_KEPT_BYTES {
            return;
        }
        if let Ok(mut place) = self.0.try_lock() {
            *place = Some(made);
        }
    }
}
