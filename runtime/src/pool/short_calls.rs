//! Consecutive short calls: whether they follow each other so closely that it pays to keep a helper
//! awake for them.
//!
//! Waking a helper costs more than a short call gains by it, but a helper that is awake from the
//! previous call costs nothing. So a helper is woken when the consecutive calls could have gained
//! as much as waking costs. At worst, they have then lost twice what the better choice would have
//! cost. All calls of a series must be made by one thread. If several threads make short calls,
//! there is other work for the processors, and a helper that the system preempts keeps its caller
//! waiting.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::spin::SPIN;

/// What waking a helper costs its caller.
// Chosen by "waking" in docs/measurements.md.
const WAKING: Duration = Duration::from_micros(16);

/// The last consecutive calls of a pool that were too short to wake helpers for. If two threads
/// write at once, the values may mix; they are only an estimate anyway.
pub(super) struct ShortCalls {
    begin: Instant,
    /// The thread that called; 0 before the first call.
    caller: AtomicUsize,
    /// Until when a helper of the last call is awake, in nanoseconds from `begin`.
    until: AtomicU64,
    /// What these calls could have gained, in nanoseconds.
    gain: AtomicU64,
}

/// A short call, until it is over.
pub(crate) struct ShortCall<'p> {
    calls: &'p ShortCalls,
    has_helpers: bool,
}

impl ShortCall<'_> {
    /// Whether helpers should take part.
    pub(crate) fn has_helpers(&self) -> bool {
        self.has_helpers
    }
}

impl Drop for ShortCall<'_> {
    fn drop(&mut self) {
        self.calls.end_at(self.calls.begin.elapsed());
    }
}

impl ShortCalls {
    pub(super) fn new() -> ShortCalls {
        ShortCalls {
            begin: Instant::now(),
            caller: AtomicUsize::new(0),
            until: AtomicU64::new(0),
            gain: AtomicU64::new(0),
        }
    }

    /// Begins a call of this thread, which would gain `gain` by helpers that are awake.
    pub(super) fn call(&self, gain: Duration) -> ShortCall<'_> {
        ShortCall { calls: self, has_helpers: self.begin_at(self.begin.elapsed(), this_thread(), gain) }
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

/// A number for the calling thread, different from that of every other live thread; not 0.
fn this_thread() -> usize {
    thread_local! {
        static PLACE: u8 = const { 0 };
    }
    // A thread that is ending has no such memory any more. It makes no consecutive calls.
    PLACE.try_with(|place| std::ptr::from_ref(place).addr()).unwrap_or(1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    /// A call of 10 us, half of which helpers would save: whether it has them.
    fn call(calls: &ShortCalls, begin: Duration, caller: usize) -> bool {
        let has_helpers = calls.begin_at(begin, caller, 5 * US);
        calls.end_at(begin + 10 * US);
        has_helpers
    }

    /// How many of a caller's calls, one every `every`, go by before one has helpers.
    fn calls_alone(calls: &ShortCalls, begin: Duration, caller: usize, every: Duration) -> Option<u32> {
        (0..100).find(|&n| call(calls, begin + n * every, caller))
    }

    #[test]
    fn consecutive_calls_get_helpers_when_these_pay() {
        assert_eq!(calls_alone(&ShortCalls::new(), Duration::ZERO, 7, 10 * US), Some(3));
        assert_eq!(
            calls_alone(&ShortCalls::new(), Duration::ZERO, 7, 59 * US),
            Some(3),
            "a helper would still be awake"
        );
        assert_eq!(calls_alone(&ShortCalls::new(), Duration::ZERO, 7, 61 * US), None, "it would sleep");
    }

    #[test]
    fn a_pause_or_another_thread_ends_the_series() {
        let calls = ShortCalls::new();
        assert_eq!(calls_alone(&calls, Duration::ZERO, 7, 10 * US), Some(3));
        assert!(call(&calls, 40 * US, 7));
        assert_eq!(calls_alone(&calls, 50 * US, 8, 10 * US), Some(3), "another thread");
        assert_eq!(calls_alone(&calls, 1000 * US, 8, 10 * US), Some(3), "a pause");
        assert!(!(200..300).any(|n: u32| call(&calls, n * 10 * US, 9 + n as usize % 2)), "two threads by turns");
    }

    #[test]
    fn threads_have_different_numbers() {
        let here = this_thread();
        assert_eq!(here, this_thread());
        assert_ne!(here, 0);
        assert_ne!(Ok(here), std::thread::spawn(this_thread).join().map_err(drop));
    }
}
