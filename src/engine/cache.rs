//! The cache of programs: those least recently used make room first.
//!
//! A warm look-up hashes the text and the variables' names and types once, without allocating, and
//! compares them with what it finds. The cache is bounded by the number of programs and by their
//! bytes: a program grows when it meets new layouts, so its bytes are counted anew whenever another
//! one is added.
//!
//! No thread waits long for the list, because in a forked child it may be locked for ever: a
//! program can always be compiled again.

use crate::bounded_lock::BoundedLock;
use crate::error::Error;
use crate::program::Program;
use crate::vars::{Var, VarType, Vars, is_same_name};
use lru::LruCache;
use rustc_hash::{FxBuildHasher, FxHasher};
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Arc, MutexGuard};

/// Programs by the hash of what they were compiled from.
type Programs = LruCache<u64, Arc<Program>, FxBuildHasher>;

pub(super) struct Cache {
    /// None if nothing is to be kept.
    programs: Option<BoundedLock<Programs>>,
    max_bytes: usize,
}

impl Cache {
    /// A cache of so many programs, which take so many bytes together.
    pub(super) fn new(max_programs: usize, max_bytes: usize) -> Cache {
        let list = |max_programs| BoundedLock::new(LruCache::with_hasher(max_programs, FxBuildHasher));
        Cache { programs: NonZeroUsize::new(max_programs).map(list), max_bytes }
    }

    /// The program for a text and variables of these names and types. Errors are not kept.
    pub(super) fn get_or_compile(
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
        // The list is not locked here, so that other threads can run meanwhile. If two threads
        // compile the same program, both results are right.
        let program = compile()?;
        // Dropped after the lock is released, because that frees code.
        let removed = self.add(key, &program);
        drop(removed);
        Ok(program)
    }

    /// Adds a program. Returns those that made room for it, or had the same hash.
    fn add(&self, key: u64, program: &Arc<Program>) -> Vec<Arc<Program>> {
        let mut removed = Vec::new();
        if program.n_bytes() > self.max_bytes {
            return removed;
        }
        let Some(mut programs) = self.lock() else { return removed };
        removed.extend(programs.push(key, Arc::clone(program)).map(|(_, old)| old));
        let mut bytes: usize = programs.iter().map(|(_, program)| program.n_bytes()).sum();
        while bytes > self.max_bytes
            && let Some((_, oldest)) = programs.pop_lru()
        {
            bytes -= oldest.n_bytes().min(bytes);
            removed.push(oldest);
        }
        removed
    }

    /// The bytes that the programs take.
    #[cfg(test)]
    fn n_bytes(&self) -> usize {
        self.lock().map_or(0, |programs| programs.iter().map(|(_, program)| program.n_bytes()).sum())
    }

    /// The list; `None` if there is none, or it stays locked.
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
    let (compiled, given) = (program.signature().iter(), vars.iter());
    let is_same = |((known, ty), (name, var)): ((&str, VarType), (&str, &Var<'_>))| {
        ty == var.ty() && (known == name || is_same_name(known, name))
    };
    program.text() == text && compiled.len() == given.len() && compiled.zip(given).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;

    /// This is the situation in a child that was forked while another thread looked something up.
    #[test]
    fn programs_are_compiled_while_the_list_stays_locked() {
        let engine = Engine::builder().threads(1).build().unwrap();
        let (cache, vars) = (Cache::new(4, 1 << 20), Vars::new().with("a", 1.0));
        let get = || cache.get_or_compile("a + 1", &vars, || engine.compile("a + 1", &vars.signature())).unwrap();
        let first = get();
        assert!(Arc::ptr_eq(&first, &get()));
        let locked = cache.programs.as_ref().unwrap().lock().unwrap();
        assert!(!Arc::ptr_eq(&first, &get()));
        drop(locked);
        assert!(Arc::ptr_eq(&first, &get()));
    }

    #[test]
    fn long_texts_make_room_for_each_other() {
        let engine = Engine::builder().threads(1).build().unwrap();
        let vars = Vars::new().with("a", 1.0);
        let cache = Cache::new(100, 1 << 20);
        let text = |k: usize| format!("a + {k} #{}", "x".repeat(200_000));
        let get = |text: &str| cache.get_or_compile(text, &vars, || engine.compile(text, &vars.signature())).unwrap();
        let programs: Vec<_> = (0..20).map(|k| get(&text(k))).collect();
        assert!((400_000..1 << 20).contains(&cache.n_bytes()), "{}", cache.n_bytes());
        assert!(Arc::ptr_eq(&get(&text(19)), &programs[19]), "the last one is there");
        assert!(!Arc::ptr_eq(&get(&text(0)), &programs[0]), "the first one has made room");
        let huge = format!("a #{}", "x".repeat(1_040_000));
        assert!(!Arc::ptr_eq(&get(&huge), &get(&huge)), "it would not leave room for anything else");
        assert!(Arc::ptr_eq(&get(&text(19)), &programs[19]));
    }
}
