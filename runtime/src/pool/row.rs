//! Calls in a row: whether short calls follow each other so closely that it pays to have a helper awake for them.
//!
//! Waking a helper costs more than a short call gains by it, but a helper that is awake from the call before costs
//! nothing. So one is woken when the calls in a row could have gained as much as that costs: at worst they have then lost
//! twice what the better choice would have cost. All calls are to be one thread's. Where several threads make
//! short calls there is other work for the CPUs, and a helper that is put aside by the system keeps its caller waiting.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::spin::SPIN;

/// What waking a helper costs its caller.
///
/// Measured 2026-11 on 2 Zen 4 cores of a shared machine, by `examples/measure_pool.rs two-against-one`: 8-18 us.
const WAKING: Duration = Duration::from_micros(16);

/// The last calls of a pool that were too short to wake helpers for. Whatever two threads write at once is a guess as good as
/// any other.
pub(super) struct Row {
    begin: Instant,
    /// Who called; 0 for nobody yet.
    caller: AtomicUsize,
    /// Until when a helper of the last call is awake, in nanoseconds from `begin`.
    until: AtomicU64,
    /// What the calls in this row could have gained, in nanoseconds.
    gain: AtomicU64,
}

/// A call in a row, until it is over.
pub(crate) struct ShortCall<'p> {
    row: &'p Row,
    has_helpers: bool,
}

impl ShortCall<'_> {
    /// Whether it is to have helpers.
    pub(crate) fn has_helpers(&self) -> bool {
        self.has_helpers
    }
}

impl Drop for ShortCall<'_> {
    fn drop(&mut self) {
        self.row.end_at(self.row.begin.elapsed());
    }
}

impl Row {
    pub(super) fn new() -> Row {
        Row { begin: Instant::now(), caller: AtomicUsize::new(0), until: AtomicU64::new(0), gain: AtomicU64::new(0) }
    }

    /// Begins a call of this thread, which would gain so much by helpers that are awake.
    pub(super) fn call(&self, gain: Duration) -> ShortCall<'_> {
        ShortCall { row: self, has_helpers: self.begin_at(self.begin.elapsed(), this_thread(), gain) }
    }

    fn begin_at(&self, now: Duration, caller: usize, gain: Duration) -> bool {
        let is_next = self.caller.load(Ordering::Relaxed) == caller && nanos(now) <= self.until.load(Ordering::Relaxed);
        let before = if is_next { self.gain.load(Ordering::Relaxed) } else { 0 };
        let gain = before.saturating_add(nanos(gain));
        self.caller.store(caller, Ordering::Relaxed);
        self.gain.store(gain, Ordering::Relaxed);
        gain >= nanos(WAKING)
    }

    fn end_at(&self, now: Duration) {
        self.until.store(nanos(now + SPIN), Ordering::Relaxed);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A number for the calling thread, different from that of every other that lives; not 0.
fn this_thread() -> usize {
    thread_local! {
        static PLACE: u8 = const { 0 };
    }
    // Without a thread's own memory, at its very end, it is no thread that calls in a row.
    PLACE.try_with(|place| std::ptr::from_ref(place).addr()).unwrap_or(1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    /// A call of 10 us, half of which helpers would save: whether it is to have them.
    fn call(row: &Row, begin: Duration, caller: usize) -> bool {
        let has_helpers = row.begin_at(begin, caller, 5 * US);
        row.end_at(begin + 10 * US);
        has_helpers
    }

    /// How many of a caller's calls, one every `every`, go by before one is to have helpers.
    fn calls_alone(row: &Row, begin: Duration, caller: usize, every: Duration) -> Option<u32> {
        (0..100).find(|&n| call(row, begin + n * every, caller))
    }

    #[test]
    fn calls_in_a_row_get_helpers_when_these_have_paid() {
        assert_eq!(calls_alone(&Row::new(), Duration::ZERO, 7, 10 * US), Some(3));
        assert_eq!(calls_alone(&Row::new(), Duration::ZERO, 7, 59 * US), Some(3), "a helper would still be awake");
        assert_eq!(calls_alone(&Row::new(), Duration::ZERO, 7, 61 * US), None, "it would sleep");
    }

    #[test]
    fn a_pause_or_another_thread_ends_the_row() {
        let row = Row::new();
        assert_eq!(calls_alone(&row, Duration::ZERO, 7, 10 * US), Some(3));
        assert!(call(&row, 40 * US, 7));
        assert_eq!(calls_alone(&row, 50 * US, 8, 10 * US), Some(3), "another thread");
        assert_eq!(calls_alone(&row, 1000 * US, 8, 10 * US), Some(3), "a pause");
        assert!(!(200..300).any(|n: u32| call(&row, n * 10 * US, 9 + n as usize % 2)), "two threads by turns");
    }

    #[test]
    fn threads_have_different_numbers() {
        let here = this_thread();
        assert_eq!(here, this_thread());
        assert_ne!(here, 0);
        assert_ne!(Ok(here), std::thread::spawn(this_thread).join().map_err(drop));
    }
}
