//! The cache of programs: least recently used out first.
//!
//! A warm look-up hashes the text and the variables' names and types once, without allocating, and compares them with what
//! it finds.
//!
//! Nobody waits long for the list, which a forked child might find locked for ever: a program can always be compiled once
//! more.

use crate::error::Error;
use crate::impatient::Impatient;
use crate::program::Program;
use crate::vars::Vars;
use lru::LruCache;
use rustc_hash::{FxBuildHasher, FxHasher};
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Arc, MutexGuard};

/// Programs by the hash of what they were compiled from.
type Programs = LruCache<u64, Arc<Program>, FxBuildHasher>;

pub(crate) struct Cache {
    programs: Option<Impatient<Programs>>,
}

impl Cache {
    /// A cache of so many programs; 0 for none.
    pub(crate) fn new(capacity: usize) -> Cache {
        let list = |capacity| Impatient::new(LruCache::with_hasher(capacity, FxBuildHasher));
        Cache { programs: NonZeroUsize::new(capacity).map(list) }
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
        self.programs.as_ref()?.lock()
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
