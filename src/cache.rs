//! The cache of programs: least recently used out first.
//!
//! A warm look-up hashes the text and the variables' names and types once, without allocating, and compares them with what
//! it finds.

use crate::error::Error;
use crate::program::Program;
use crate::vars::Vars;
use lru::LruCache;
use rustc_hash::{FxBuildHasher, FxHasher};
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

/// Programs by the hash of what they were compiled from.
pub(crate) struct Cache {
    programs: Option<Mutex<LruCache<u64, Arc<Program>, FxBuildHasher>>>,
}

impl Cache {
    /// A cache of so many programs; 0 for none.
    pub(crate) fn new(capacity: usize) -> Cache {
        let programs =
            NonZeroUsize::new(capacity).map(|capacity| Mutex::new(LruCache::with_hasher(capacity, FxBuildHasher)));
        Cache { programs }
    }

    /// The program for a text and variables of these names and types. Errors are not kept.
    pub(crate) fn get_or_compile(
        &self,
        text: &str,
        vars: &Vars<'_>,
        compile: impl FnOnce() -> Result<Arc<Program>, Error>,
    ) -> Result<Arc<Program>, Error> {
        let Some(programs) = &self.programs else { return compile() };
        let key = hash(text, vars);
        let lock = || programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = lock().get(&key)
            && is_for(program, text, vars)
        {
            return Ok(Arc::clone(program));
        }
        // Unlocked, so that others can run meanwhile. Should two compile the same, both are right.
        let program = compile()?;
        // What makes room, or has the same hash, is dropped without the lock: that frees code.
        let old = lock().push(key, Arc::clone(&program));
        drop(old);
        Ok(program)
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
