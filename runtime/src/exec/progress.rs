//! [`Progress`]: how far a run is, and a way to stop it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How far one or several runs are, and a way to stop them from another thread. Counted in elements, once per chunk,
/// about every millisecond.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
    is_cancelled: AtomicBool,
}

impl Progress {
    /// Progress towards `n_elems` elements: the sum over all runs that will report here.
    #[must_use]
    pub fn new(n_elems: usize) -> Progress {
        Progress { total: AtomicUsize::new(n_elems), ..Progress::default() }
    }

    /// Sets how many elements there are in all, if it was not known before.
    pub fn set_total(&self, n_elems: usize) {
        self.total.store(n_elems, Ordering::Relaxed);
    }

    /// Elements that have been computed.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    /// Elements that there are in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// Stops the runs that report here, within about a millisecond, with
    /// [`ExecError::Cancelled`](super::ExecError::Cancelled); later ones do not begin.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`Progress::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Tells that so many more elements have been computed.
    pub fn add_done(&self, n_elems: usize) {
        self.done.fetch_add(n_elems, Ordering::Relaxed);
    }
}
