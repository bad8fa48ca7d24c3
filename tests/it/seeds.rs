//! Random cases, each from a seed of its own, on several threads.
//!
//! `NDEXPR_FUZZ_SEED` is the first seed, `NDEXPR_FUZZ_CASES` tells how many there are, and
//! `NDEXPR_FUZZ_WORKERS` on how many threads, one for each core unless set.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Failures after which a run ends.
pub(crate) const MAX_FAILURES: usize = 8;

/// Calls `one` for each seed, until there are enough failures. Gives the seeds.
pub(crate) fn for_each_seed(
    default_cases: u64,
    n_failures: impl Fn() -> usize + Sync,
    one: impl Fn(u64) + Sync,
) -> Range<u64> {
    let first = variable("NDEXPR_FUZZ_SEED").unwrap_or(0);
    let n_cases = variable("NDEXPR_FUZZ_CASES").unwrap_or(default_cases);
    let n_workers = match variable("NDEXPR_FUZZ_WORKERS") {
        Some(n) => n as usize,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..n_workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - first >= n_cases || n_failures() >= MAX_FAILURES {
                        return;
                    }
                    one(seed);
                }
            });
        }
    });
    first..first + n_cases
}

/// A number from the environment.
fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}
