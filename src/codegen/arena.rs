//! The executable memory of an engine: one arena of pages that kernels take and give back.
//!
//! In: sizes. Out: [`Pages`], which Cranelift fills and which then become executable. Always true:
//!
//! - no page is writable and executable at once;
//! - a page belongs to at most one kernel, so that no kernel's page is touched while another one is
//!   written or freed;
//! - pages that are given back are taken again, and chunks without a kernel are unmapped, except
//!   the first.
//!
//! This is for processors that see new instructions at once, as x86 processors do. Elsewhere caches
//! must be cleared. Cranelift's own memory does that, and it has a mapping for each kernel.
//!
//! Memory is mapped in chunks, because the system limits the number of mappings of a process.
//! Neighbouring kernels share a mapping. A forked child has its own copy of all pages. If the list
//! of chunks stays locked there, kernels get chunks of their own, and pages are not given back.

use crate::bounded_lock::BoundedLock;
use cranelift_jit::{BranchProtection, JITMemoryKind, JITMemoryProvider};
use cranelift_module::{ModuleError, ModuleResult};
use memmap2::MmapMut;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A chunk has this many bytes, or as many as a larger kernel takes.
const CHUNK_BYTES: usize = 256 << 10;

/// The executable memory of an engine; see the module.
pub(super) struct Arena {
    chunks: BoundedLock<Vec<Chunk>>,
    /// The bytes of all pages that kernels have.
    used_bytes: AtomicUsize,
}

/// Pages that were mapped together.
struct Chunk {
    mapping: Arc<Mapping>,
    /// For each page, whether a kernel has it.
    is_taken: Vec<bool>,
}

/// Memory that is unmapped when its chunk and all its kernels are gone.
struct Mapping {
    /// The address of the first page.
    start: usize,
    _map: MmapMut,
}

/// The pages of a kernel.
struct Taken {
    mapping: Arc<Mapping>,
    first: usize,
    n_pages: usize,
}

impl Arena {
    pub(super) fn new() -> Arc<Arena> {
        Arc::new(Arena { chunks: BoundedLock::new(Vec::new()), used_bytes: AtomicUsize::new(0) })
    }

    /// The bytes of all pages that kernels have.
    pub(super) fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Takes writable pages for this many bytes.
    fn take(&self, n_bytes: usize) -> io::Result<Taken> {
        let n_pages = n_bytes.div_ceil(region::page::size()).max(1);
        let taken = match self.chunks.lock() {
            Some(mut chunks) => match chunks.iter_mut().find_map(|chunk| chunk.take(n_pages)) {
                Some(taken) => taken,
                None => {
                    let mut chunk = Chunk::new(n_pages.max(CHUNK_BYTES / region::page::size()))?;
                    let taken = chunk.take(n_pages).ok_or(io::ErrorKind::OutOfMemory)?;
                    chunks.push(chunk);
                    taken
                }
            },
            None => Chunk::new(n_pages)?.take(n_pages).ok_or(io::ErrorKind::OutOfMemory)?,
        };
        self.used_bytes.fetch_add(taken.n_bytes(), Ordering::Relaxed);
        Ok(taken)
    }

    /// Takes pages back. They are writable again, and no longer executable.
    fn give_back(&self, taken: &Taken) {
        self.used_bytes.fetch_sub(taken.n_bytes(), Ordering::Relaxed);
        // Pages that stay executable must not be taken again.
        if taken.protect(region::Protection::READ_WRITE).is_err() {
            return;
        }
        let Some(mut chunks) = self.chunks.lock() else { return };
        let chunk = chunks.iter_mut().find(|chunk| Arc::ptr_eq(&chunk.mapping, &taken.mapping));
        let Some(chunk) = chunk else { return };
        chunk.is_taken[taken.first..taken.first + taken.n_pages].fill(false);
        let mut is_first = true;
        chunks.retain(|chunk| std::mem::take(&mut is_first) || chunk.is_taken.contains(&true));
    }
}

impl Chunk {
    /// Maps this many writable pages.
    fn new(n_pages: usize) -> io::Result<Chunk> {
        let mut map = MmapMut::map_anon(n_pages * region::page::size())?;
        let start = map.as_mut_ptr().expose_provenance();
        Ok(Chunk { mapping: Arc::new(Mapping { start, _map: map }), is_taken: vec![false; n_pages] })
    }

    /// Takes neighbouring pages that no kernel has.
    fn take(&mut self, n_pages: usize) -> Option<Taken> {
        let first = (0..self.is_taken.len()).find(|&first| {
            let pages = self.is_taken.get(first..first + n_pages);
            pages.is_some_and(|pages| !pages.contains(&true))
        })?;
        self.is_taken[first..first + n_pages].fill(true);
        Some(Taken { mapping: Arc::clone(&self.mapping), first, n_pages })
    }
}

impl Taken {
    fn start(&self) -> *mut u8 {
        std::ptr::with_exposed_provenance_mut(self.mapping.start + self.first * region::page::size())
    }

    fn n_bytes(&self) -> usize {
        self.n_pages * region::page::size()
    }

    fn protect(&self, protection: region::Protection) -> region::Result<()> {
        // SAFETY: the pages are of a mapping that is there as long as `self` is. (1) They are this
        // kernel's alone: see `Chunk::take`. (2) No one writes them any more when they become
        // executable, because Cranelift has finished them; and no code of them runs any more when
        // they become writable, because the kernel is gone.
        unsafe { region::protect(self.start(), self.n_bytes(), protection) }
    }
}

/// The pages of one kernel, as Cranelift asks for them.
pub(super) struct Pages {
    arena: Arc<Arena>,
    taken: Vec<Taken>,
}

impl Pages {
    pub(super) fn new(arena: &Arc<Arena>) -> Pages {
        Pages { arena: Arc::clone(arena), taken: Vec::new() }
    }
}

impl JITMemoryProvider for Pages {
    fn allocate(&mut self, size: usize, align: u64, kind: JITMemoryKind) -> io::Result<*mut u8> {
        // A kernel is one function without data of its own.
        if !matches!(kind, JITMemoryKind::Executable) || align > region::page::size() as u64 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let taken = self.arena.take(size)?;
        let start = taken.start();
        self.taken.push(taken);
        Ok(start)
    }

    unsafe fn free_memory(&mut self) {
        self.taken.drain(..).for_each(|taken| self.arena.give_back(&taken));
    }

    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        for taken in &self.taken {
            let protected = taken.protect(region::Protection::READ_EXECUTE);
            protected.map_err(|error| ModuleError::Backend(error.into()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n_chunks(arena: &Arena) -> usize {
        arena.chunks.lock().expect("nobody holds it").len()
    }

    #[test]
    fn pages_are_taken_again_and_empty_chunks_are_unmapped() {
        let (arena, page) = (Arena::new(), region::page::size());
        let per_chunk = CHUNK_BYTES / page;
        let take = |n_bytes| {
            let mut pages = Pages::new(&arena);
            let start = pages.allocate(n_bytes, 32, JITMemoryKind::Executable).expect("memory");
            (pages, start)
        };
        // SAFETY: nothing of these pages is used afterwards.
        let free = |mut pages: Pages| unsafe { pages.free_memory() };
        let (first, start) = take(100);
        assert_eq!(arena.used_bytes(), page);
        let (second, other) = take(page + 1);
        assert_eq!((arena.used_bytes(), other.addr() - start.addr()), (3 * page, page));
        free(first);
        let (third, again) = take(page);
        assert_eq!((again, arena.used_bytes()), (start, 3 * page), "the page that was given back");
        let many: Vec<_> = (0..3 * per_chunk).map(|_| take(1)).collect();
        assert_eq!(n_chunks(&arena), 4);
        let (large, _) = take(2 * CHUNK_BYTES);
        assert_eq!(n_chunks(&arena), 5);
        many.into_iter().map(|(pages, _)| pages).chain([second, third, large]).for_each(free);
        assert_eq!((arena.used_bytes(), n_chunks(&arena)), (0, 1));
    }

    #[test]
    fn finished_pages_are_executable_and_cannot_be_written() {
        let arena = Arena::new();
        let mut pages = Pages::new(&arena);
        let start = pages.allocate(10, 32, JITMemoryKind::Executable).expect("memory");
        let protection = |at: *mut u8| region::query(at).expect("a mapped page").protection();
        assert_eq!(protection(start), region::Protection::READ_WRITE);
        pages.finalize(BranchProtection::None).expect("executable pages");
        assert_eq!(protection(start), region::Protection::READ_EXECUTE);
        // SAFETY: nothing of the pages is used afterwards.
        unsafe { pages.free_memory() };
        assert_eq!(protection(start), region::Protection::READ_WRITE);
    }

    #[test]
    fn there_are_pages_while_the_list_stays_locked() {
        let arena = Arena::new();
        let held = arena.chunks.lock().expect("nobody holds it");
        let mut pages = Pages::new(&arena);
        let start = pages.allocate(10, 32, JITMemoryKind::Executable).expect("memory");
        pages.finalize(BranchProtection::None).expect("executable pages");
        // SAFETY: nothing of the pages is used afterwards.
        unsafe { pages.free_memory() };
        assert!(!start.is_null());
        drop(held);
        assert_eq!((arena.used_bytes(), n_chunks(&arena)), (0, 0));
    }
}
