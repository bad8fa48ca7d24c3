//! Help by an executor of the application's: helpers that it runs when it likes, or drops.

use std::fmt;
use std::sync::Arc;

use super::crew::Crew;
use super::sync::{AtomicUsize, Ordering, fence};

/// Has a helper run somewhere.
pub(super) type Spawn = Arc<dyn Fn(Helper) + Send + Sync>;

pub(super) struct Helpers {
    spawn: Spawn,
    /// How many may exist at a time: so an executor that is busy with other things is not flooded.
    most: usize,
    n_live: AtomicUsize,
}

impl Helpers {
    pub(super) fn new(most: usize, spawn: Spawn) -> Helpers {
        Helpers { spawn, most, n_live: AtomicUsize::new(0) }
    }

    /// How many exist: they help, or soon will.
    pub(super) fn n_live(&self) -> usize {
        self.n_live.load(Ordering::Relaxed)
    }

    pub(super) fn has_reserves(&self) -> bool {
        self.n_live() < self.most
    }

    /// Hands one more to the executor.
    pub(super) fn call_one(&self, crew: &Arc<Crew>) -> bool {
        let is_counted = self.count_in();
        if is_counted {
            (self.spawn)(Helper { crew: Arc::clone(crew), is_counted: true });
        }
        is_counted
    }

    fn count_in(&self) -> bool {
        let one_more = |n_live| if n_live < self.most { Some(n_live + 1) } else { None };
        self.n_live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }

    fn count_out(&self) {
        self.n_live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Someone to help a [`Pool`](super::Pool), for an executor to run: see [`Pool::on`](super::Pool::on).
///
/// It may be run at any time, also after the pool is gone, or be dropped instead.
#[must_use = "nobody helps until `help` is called"]
pub struct Helper {
    crew: Arc<Crew>,
    /// Among the live ones.
    is_counted: bool,
}

impl Helper {
    /// Helps with the work that there is, if any is left, and returns when there is none that one more could help with.
    /// Does not sleep or wait, and does not unwind.
    pub fn help(mut self) {
        while self.is_counted {
            while self.crew.help() {}
            self.count_out();
            // A caller that counts on this helper is seen here, or sees that it is gone: it offers first, and counts
            // afterwards, with a fence between.
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
