//! The gate between a job, which lives on its caller's stack, and helpers, which may come late or
//! never.
//!
//! A helper must find out that a job is over without touching it. So slots live as long as every
//! thread that reads them, and the gate of a slot is one word: how many helpers may still enter,
//! and how many are inside.
//!
//! ```text
//! caller:  take the slot, open, work, close, wait until no helper is inside, give the slot back
//! helper:  enter (while there is room), work, leave; the last to leave wakes a parked caller
//! ```
//!
//! Always true: the job that a slot points to is alive while the gate has room or a helper is
//! inside, because the caller returns from [`Slot::close`] only when neither is the case. A helper
//! may read the word of an earlier job and then enter a later one whose word happens to be the
//! same. That does no harm: a helper reads the pointer only when it is inside.

use super::job::Job;
use super::spin::Spin;
use super::sync::{AtomicBool, AtomicUsize, Ordering, Padded, UnsafeCell, park};

/// One helper inside.
const INSIDE: usize = 1;

/// Room for one helper more.
const ROOM: usize = 1 << 13;

/// Set when the caller parks until the last helper has left.
const CALLER_PARKED: usize = 1 << 26;

const _: () = assert!(super::MAX_THREADS * INSIDE < ROOM && super::MAX_THREADS * ROOM < CALLER_PARKED);

fn n_inside(state: usize) -> usize {
    state % ROOM / INSIDE
}

fn n_room(state: usize) -> usize {
    state % CALLER_PARKED / ROOM
}

/// A place for one job.
pub(super) struct Slot {
    /// Whether a caller has the slot. It is on another cache line than the gate, because idle
    /// workers keep reading that line.
    is_taken: Padded<AtomicBool>,
    gate: Padded<Gate>,
}

struct Gate {
    state: AtomicUsize,
    /// Written by the caller that has the slot, before it opens the gate; read by those inside.
    job: UnsafeCell<*const Job>,
}

// SAFETY: `job` is written by one thread, while no other may read it (see there). A job is `Sync`.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

impl Slot {
    pub(super) fn new() -> Slot {
        Slot {
            is_taken: Padded(AtomicBool::new(false)),
            gate: Padded(Gate { state: AtomicUsize::new(0), job: UnsafeCell::new(std::ptr::null()) }),
        }
    }

    /// Makes the slot this caller's, if no other caller has it.
    pub(super) fn try_take(&self) -> bool {
        !self.is_taken.load(Ordering::Relaxed) && !self.is_taken.swap(true, Ordering::Acquire)
    }

    /// Lets helpers in, as many as the job has room for.
    ///
    /// # Safety
    ///
    /// The slot must be this caller's. `job` must stay where it is until [`Slot::close`] has
    /// returned.
    pub(super) unsafe fn open(&self, job: &Job) {
        // SAFETY: the slot is this caller's, and the gate is shut, so no other thread reads or
        // writes the pointer.
        self.gate.job.with_mut(|place| unsafe { *place = job });
        // Release: a helper that enters sees the pointer and the job.
        self.gate.state.store((job.n_participants() - 1) * ROOM, Ordering::Release);
    }

    /// Lets no more helpers in, waits until none is inside, and gives the slot back.
    ///
    /// `check` is called before the caller parks, to panic if no thread can wake it. The slot is
    /// then lost.
    pub(super) fn close(&self, job: &Job, mut spin: Spin, check: impl FnOnce()) {
        let state = &self.gate.state;
        // Acquire, here and below: the caller sees everything that helpers wrote before they left.
        let mut seen = state.fetch_and(!(CALLER_PARKED - ROOM), Ordering::Acquire);
        while n_inside(seen) > 0 && spin.once() {
            seen = state.load(Ordering::Acquire);
        }
        if n_inside(seen) > 0 {
            check();
            job.announce_parking();
            // Release: a helper that sees the flag sees the announcement.
            seen = state.fetch_or(CALLER_PARKED, Ordering::AcqRel);
            while n_inside(seen) > 0 {
                park();
                seen = state.load(Ordering::Acquire);
            }
        }
        state.store(0, Ordering::Relaxed);
        self.is_taken.store(false, Ordering::Release);
    }

    /// Whether a helper could enter.
    pub(super) fn has_room(&self) -> bool {
        n_room(self.gate.state.load(Ordering::Relaxed)) > 0
    }

    /// How many helpers are inside or could enter.
    pub(super) fn demand(&self) -> usize {
        let state = self.gate.state.load(Ordering::Relaxed);
        n_inside(state) + n_room(state)
    }

    /// Takes part in the slot's job, if there is room, and tells whether there was. `first` is
    /// called inside, and may panic like the job itself.
    pub(super) fn help(&self, first: impl FnOnce()) -> bool {
        let state = &self.gate.state;
        let mut seen = state.load(Ordering::Relaxed);
        loop {
            if n_room(seen) == 0 {
                return false;
            }
            // Acquire: see `open`.
            match state.compare_exchange_weak(seen, seen - ROOM + INSIDE, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        // SAFETY: this helper is inside, as counted above, until it leaves below. Until then the
        // caller writes no other pointer and stays in `close`, so the job stays where it is.
        let job = unsafe { &*self.gate.job.with(|place| *place) };
        // Room only shrinks, so no other helper has seen the same room.
        job.help(job.n_participants() - n_room(seen), first);
        // SAFETY: this helper is still inside, and the job is not touched below.
        unsafe { self.leave(job) };
        true
    }

    /// Leaves the job. It takes a pointer, because a reference would have to be valid until this
    /// function returns.
    ///
    /// # Safety
    ///
    /// The calling helper must be inside, and not touch the job afterwards.
    unsafe fn leave(&self, job: *const Job) {
        let state = &self.gate.state;
        // Acquire, here and in failures: see `close` about the announcement.
        let mut seen = state.load(Ordering::Acquire);
        loop {
            // The handle is read before leaving: afterwards the job is gone.
            let is_last = seen & CALLER_PARKED != 0 && n_inside(seen) == 1;
            // SAFETY: this helper is inside until the exchange below succeeds.
            let caller = if is_last { unsafe { (*job).parked_caller() } } else { None };
            // Release: the caller sees what this helper has written.
            match state.compare_exchange_weak(seen, seen - INSIDE, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return caller.into_iter().for_each(|caller| caller.unpark()),
                Err(now) => seen = now,
            }
        }
    }
}
