//! The caches of programs and procedures: those least recently used make room first.
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
use crate::program::{Procedure, Program};
use crate::targets::Targets;
use crate::vars::{Signature, VarType, Vars, is_same_name};
use lru::LruCache;
use ndexpr_runtime::dtype::DType;
use rustc_hash::{FxBuildHasher, FxHasher};
use std::hash::{Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Arc, MutexGuard};

/// Something that is compiled from a text, for values of some types.
pub(super) trait Cached {
    /// The text, and values of these types.
    type Call<'c>: Copy;
    fn n_bytes(&self) -> usize;
    fn hash(call: Self::Call<'_>) -> u64;
    /// Whether it was compiled from this text, for these types.
    fn is_for(&self, call: Self::Call<'_>) -> bool;
}

/// Programs by the hash of what they were compiled from.
type Programs<P> = LruCache<u64, Arc<P>, FxBuildHasher>;

pub(super) struct Cache<P> {
    /// None if nothing is to be kept.
    programs: Option<BoundedLock<Programs<P>>>,
    max_bytes: usize,
}

impl<P: Cached> Cache<P> {
    /// A cache of so many programs, which take so many bytes together.
    pub(super) fn new(max_programs: usize, max_bytes: usize) -> Cache<P> {
        let list = |max_programs| BoundedLock::new(LruCache::with_hasher(max_programs, FxBuildHasher));
        Cache { programs: NonZeroUsize::new(max_programs).map(list), max_bytes }
    }

    /// The program for a text and variables of these names and types. Errors are not kept.
    pub(super) fn get_or_compile(
        &self,
        call: P::Call<'_>,
        compile: impl FnOnce() -> Result<Arc<P>, Error>,
    ) -> Result<Arc<P>, Error> {
        if self.programs.is_none() {
            return compile();
        }
        let key = P::hash(call);
        if let Some(mut programs) = self.lock()
            && let Some(program) = programs.get(&key)
            && program.is_for(call)
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
    fn add(&self, key: u64, program: &Arc<P>) -> Vec<Arc<P>> {
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
    fn lock(&self) -> Option<MutexGuard<'_, Programs<P>>> {
        self.programs.as_ref()?.lock()
    }
}

impl Cached for Program {
    type Call<'c> = (&'c str, &'c Vars<'c>);

    fn n_bytes(&self) -> usize {
        Program::n_bytes(self)
    }

    fn hash((text, vars): (&str, &Vars<'_>)) -> u64 {
        hash(text, vars.iter().map(|(name, var)| (name, var.ty())))
    }

    fn is_for(&self, (text, vars): (&str, &Vars<'_>)) -> bool {
        self.text() == text && is_signature(self.signature(), vars.iter().map(|(name, var)| (name, var.ty())))
    }
}

impl Cached for Procedure {
    type Call<'c> = (&'c str, &'c Vars<'c>, &'c Targets<'c>);

    fn n_bytes(&self) -> usize {
        Procedure::n_bytes(self)
    }

    fn hash((text, vars, targets): (&str, &Vars<'_>, &Targets<'_>)) -> u64 {
        hash(text, types(vars, targets))
    }

    fn is_for(&self, (text, vars, targets): (&str, &Vars<'_>, &Targets<'_>)) -> bool {
        let is_same = |(known, (name, _)): (&str, (&str, DType))| known == name || is_same_name(known, name);
        self.text() == text
            && self.written().len() == targets.iter().len()
            && self.written().zip(targets.iter()).all(is_same)
            && is_signature(self.signature(), types(vars, targets))
    }
}

/// The names and types of variables and of arrays for writing, in the order of a signature.
fn types<'c>(vars: &'c Vars<'c>, targets: &'c Targets<'c>) -> impl Iterator<Item = (&'c str, VarType)> {
    let targets = targets.iter().map(|(name, dtype)| (name, VarType::array(dtype)));
    vars.iter().map(|(name, var)| (name, var.ty())).chain(targets)
}

fn hash<'c>(text: &str, types: impl Iterator<Item = (&'c str, VarType)>) -> u64 {
    let mut hasher = FxHasher::default();
    text.hash(&mut hasher);
    for (name, ty) in types {
        name.hash(&mut hasher);
        ty.hash(&mut hasher);
    }
    hasher.finish()
}

/// Whether a signature has exactly these variables, in this order.
fn is_signature<'c>(signature: &Signature, mut types: impl Iterator<Item = (&'c str, VarType)>) -> bool {
    let is_same = |(known, ty): (&str, VarType)| {
        types.next().is_some_and(|(name, found)| ty == found && (known == name || is_same_name(known, name)))
    };
    signature.iter().all(is_same) && types.next().is_none()
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
        let get = || cache.get_or_compile(("a + 1", &vars), || engine.compile("a + 1", &vars.signature())).unwrap();
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
        let get = |text: &str| cache.get_or_compile((text, &vars), || engine.compile(text, &vars.signature())).unwrap();
        let programs: Vec<_> = (0..20).map(|k| get(&text(k))).collect();
        assert!((400_000..1 << 20).contains(&cache.n_bytes()), "{}", cache.n_bytes());
        assert!(Arc::ptr_eq(&get(&text(19)), &programs[19]), "the last one is there");
        assert!(!Arc::ptr_eq(&get(&text(0)), &programs[0]), "the first one has made room");
        let huge = format!("a #{}", "x".repeat(1_040_000));
        assert!(!Arc::ptr_eq(&get(&huge), &get(&huge)), "it would not leave room for anything else");
        assert!(Arc::ptr_eq(&get(&text(19)), &programs[19]));
    }
}
