//! The cache of programs: least recently used out first.
//!
//! A warm look-up hashes the text and the variables' names and types once, without allocating, and compares them with what
//! it finds.
//!
//! In a forked child the list may be locked for ever, by a thread that is not there. So nobody waits for long: a program can
//! always be compiled once more.

use crate::error::Error;
use crate::program::Program;
use crate::vars::Vars;
use lru::LruCache;
use rustc_hash::{FxBuildHasher, FxHasher};
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// Programs by the hash of what they were compiled from.
type Programs = LruCache<u64, Arc<Program>, FxBuildHasher>;

pub(crate) struct Cache {
    programs: Option<Mutex<Programs>>,
    /// The process that made it.
    process_id: u32,
    /// A child in which the list is locked for ever; 0 if none was seen.
    is_lost_in: AtomicU32,
}

/// The list is never locked for more than a look-up, but whoever has locked it may have to wait for a processor. Then
/// compiling, which takes less than a millisecond mostly, is not the worst that can happen.
const PATIENCE: Duration = Duration::from_millis(10);

impl Cache {
    /// A cache of so many programs; 0 for none.
    pub(crate) fn new(capacity: usize) -> Cache {
        let list = |capacity| Mutex::new(LruCache::with_hasher(capacity, FxBuildHasher));
        Cache {
            programs: NonZeroUsize::new(capacity).map(list),
            process_id: std::process::id(),
            is_lost_in: AtomicU32::new(0),
        }
    }

    /// The program for a text and variables of these names and types. Errors are not kept.
    pub(crate) fn get_or_compile(
        &self,
        text: &str,
        vars: &Vars<'_>,
        compile: impl FnOnce() -> Result<Arc<Program>, Error>,
    ) -> Result<Arc<Program>, Error> {
        if self.programs.is_none() {
            return compile();
        }
        let key = hash(text, vars);
        if let Some(mut programs) = self.lock()
            && let Some(program) = programs.get(&key)
            && is_for(program, text, vars)
        {
            return Ok(Arc::clone(program));
        }
        // Unlocked, so that others can run meanwhile. Should two compile the same, both are right.
        let program = compile()?;
        // What makes room, or has the same hash, is dropped without the lock: that frees code.
        let old = self.lock().and_then(|mut programs| programs.push(key, Arc::clone(&program)));
        drop(old);
        Ok(program)
    }

    /// The list; `None` if there is none, or no getting at it.
    fn lock(&self) -> Option<MutexGuard<'_, Programs>> {
        let programs = self.programs.as_ref()?;
        let try_lock = || match programs.try_lock() {
            Ok(programs) => Some(programs),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        try_lock().or_else(|| self.wait_for(try_lock))
    }

    #[cold]
    fn wait_for<T>(&self, try_lock: impl Fn() -> Option<T>) -> Option<T> {
        let process_id = std::process::id();
        if self.is_lost_in.load(Ordering::Relaxed) == process_id {
            return None;
        }
        let start = Instant::now();
        loop {
            for _ in 0..100 {
                if let Some(found) = try_lock() {
                    return Some(found);
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

fn hash(text: &str, vars: &Vars<'_>) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    for (name, var) in vars.iter() {
        name.hash(&mut hasher);
        var.ty().hash(&mut hasher);
    }
    hasher.finish()
}

fn is_for(program: &Program, text: &str, vars: &Vars<'_>) -> bool {
    program.text() == text && program.signature().iter().eq(vars.iter().map(|(name, var)| (name, var.ty())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;

    /// As it is in a child that was forked while another thread looked something up.
    #[test]
    fn a_list_that_stays_locked_is_done_without() {
        let engine = Engine::builder().threads(1).build().unwrap();
        let (cache, vars) = (Cache::new(4), Vars::new().with("a", 1.0));
        let get = || cache.get_or_compile("a + 1", &vars, || engine.compile("a + 1", &vars.signature())).unwrap();
        let first = get();
        assert!(Arc::ptr_eq(&first, &get()));
        let locked = cache.programs.as_ref().unwrap().lock().unwrap();
        assert!(!Arc::ptr_eq(&first, &get()));
        drop(locked);
        assert!(Arc::ptr_eq(&first, &get()));
    }
}
