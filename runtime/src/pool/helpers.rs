//! Helpers that an executor of the application runs. It runs them when it can, or never, if it
//! drops them.

use std::fmt;
use std::sync::Arc;

use super::crew::Crew;
use super::sync::{AtomicUsize, Ordering, fence};

/// Makes an executor run a helper.
pub(super) type Spawn = Arc<dyn Fn(Helper) + Send + Sync>;

pub(super) struct Helpers {
    spawn: Spawn,
    /// How many may exist at a time, so that an executor that is busy with other work does not
    /// collect many.
    max_live: usize,
    n_live: AtomicUsize,
}

impl Helpers {
    pub(super) fn new(max_live: usize, spawn: Spawn) -> Helpers {
        Helpers { spawn, max_live, n_live: AtomicUsize::new(0) }
    }

    /// How many exist: they help, or will help soon.
    pub(super) fn n_live(&self) -> usize {
        self.n_live.load(Ordering::Relaxed)
    }

    pub(super) fn has_reserves(&self) -> bool {
        self.n_live() < self.max_live
    }

    /// Hands one more to the executor.
    pub(super) fn spawn_one(&self, crew: &Arc<Crew>) -> bool {
        let is_counted = self.count_in();
        if is_counted {
            (self.spawn)(Helper { crew: Arc::clone(crew), is_counted: true });
        }
        is_counted
    }

    fn count_in(&self) -> bool {
        let one_more = |n_live| if n_live < self.max_live { Some(n_live + 1) } else { None };
        self.n_live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    fn count_out(&self) {
        self.n_live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A task that helps a [`Pool`](super::Pool), for an executor to run: see
/// [`Pool::on`](super::Pool::on).
///
/// It may be run at any time, also after the pool is gone, or be dropped instead.
#[must_use = "a helper does nothing until `help` is called"]
pub struct Helper {
    crew: Arc<Crew>,
    /// Whether it is among the live ones.
    is_counted: bool,
}

impl Helper {
    /// Helps with the work that there is, if any is left, and returns when there is no work that
    /// one more helper could help with. It does not sleep, wait or unwind.
    pub fn help(mut self) {
        while self.is_counted {
            while self.crew.help() {}
            self.count_out();
            // Either this helper sees the caller's offer, or the caller sees that this helper is
            // gone: the caller offers first and counts the helpers afterwards, with a fence
            // between.
            fence(Ordering::SeqCst);
            self.is_counted = self.crew.has_room() && self.crew.helpers().is_some_and(Helpers::count_in);
        }
    }

    fn count_out(&mut self) {
        if std::mem::take(&mut self.is_counted) {
            self.crew.helpers().into_iter().for_each(Helpers::count_out);
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.count_out();
    }
}

impl fmt::Debug for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Helper")
    }
}
