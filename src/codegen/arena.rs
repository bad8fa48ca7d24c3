//! The executable memory of an engine: one arena of pages that kernels take and give back.
//!
//! In: finished code. Out: [`Pages`], which hold it and can be executed. Always true:
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
        // executable, because `Pages::new` has written all of the code; and no code of them runs
        // any more when they become writable, because the kernel is gone.
        unsafe { region::protect(self.start(), self.n_bytes(), protection) }
    }

    /// Writes code to the first bytes. The pages must be writable.
    fn write(&mut self, code: &[u8]) {
        assert!(code.len() <= self.n_bytes(), "the pages are too few");
        // SAFETY: (1) the pages are of a mapping that is there as long as `self` is; (2) the code
        // fits, by the assertion; (3) they are this kernel's alone (`Chunk::take`), so nobody else
        // reads or writes them; (4) pages that `Arena::take` gives out are writable: they are new,
        // or `Arena::give_back` has made them so.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), self.start(), code.len()) };
    }
}

/// The pages of one kernel, which hold its code. They are given back when this is dropped; nobody
/// may run the code after that.
pub(super) struct Pages {
    arena: Arc<Arena>,
    taken: Taken,
}

impl Pages {
    /// Pages with this code, ready to be executed. The code begins at the first byte.
    ///
    /// # Errors
    ///
    /// If the system gives no memory, or does not let it be executed.
    pub(super) fn new(arena: &Arc<Arena>, code: &[u8]) -> io::Result<Pages> {
        let mut pages = Pages { arena: Arc::clone(arena), taken: arena.take(code.len())? };
        pages.taken.write(code);
        pages.taken.protect(region::Protection::READ_EXECUTE).map_err(io::Error::other)?;
        Ok(pages)
    }

    /// The first byte.
    pub(super) fn start(&self) -> *const u8 {
        self.taken.start()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.arena.give_back(&self.taken);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n_chunks(arena: &Arena) -> usize {
        arena.chunks.lock().expect("nobody holds it").len()
    }

    fn pages(arena: &Arc<Arena>, n_bytes: usize) -> Pages {
        Pages::new(arena, &vec![0; n_bytes]).expect("memory")
    }

    #[test]
    fn pages_are_taken_again_and_empty_chunks_are_unmapped() {
        let (arena, page) = (Arena::new(), region::page::size());
        let per_chunk = CHUNK_BYTES / page;
        let first = pages(&arena, 100);
        let start = first.start();
        assert_eq!(arena.used_bytes(), page);
        let second = pages(&arena, page + 1);
        assert_eq!((arena.used_bytes(), second.start().addr() - start.addr()), (3 * page, page));
        drop(first);
        let third = pages(&arena, page);
        assert_eq!((third.start(), arena.used_bytes()), (start, 3 * page), "the page that was given back");
        let many: Vec<_> = (0..3 * per_chunk).map(|_| pages(&arena, 1)).collect();
        assert_eq!(n_chunks(&arena), 4);
        let large = pages(&arena, 2 * CHUNK_BYTES);
        assert_eq!(n_chunks(&arena), 5);
        drop((many, second, third, large));
        assert_eq!((arena.used_bytes(), n_chunks(&arena)), (0, 1));
    }

    #[test]
    fn finished_pages_are_executable_and_cannot_be_written() {
        let arena = Arena::new();
        let protection = |at: *const u8| region::query(at).expect("a mapped page").protection();
        let pages = Pages::new(&arena, &[1, 2, 3]).expect("memory");
        let start = pages.start();
        assert_eq!(protection(start), region::Protection::READ_EXECUTE);
        drop(pages);
        assert_eq!(protection(start), region::Protection::READ_WRITE);
    }

    #[test]
    fn there_are_pages_while_the_list_stays_locked() {
        let arena = Arena::new();
        let held = arena.chunks.lock().expect("nobody holds it");
        let pages = pages(&arena, 10);
        assert!(!pages.start().is_null());
        drop(pages);
        drop(held);
        assert_eq!((arena.used_bytes(), n_chunks(&arena)), (0, 0));
    }
}
