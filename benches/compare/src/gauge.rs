//! Whether a core is shared: a program on its other hardware thread takes a part of its execution
//! units.
//!
//! On a virtual machine that program can belong to somebody else, and no load average shows it. It
//! slows down some code by a factor of two (gathers most) and other code not at all, so not even
//! ratios are right. A loop that keeps a core busy shows it at once: it takes a third longer on a
//! shared core.

use std::hint::black_box;
use std::time::Instant;

/// The loop, and the best reading so far.
pub struct Gauge {
    arguments: Vec<f64>,
    results: Vec<f64>,
    best: f64,
}

/// Reading it takes about 10 microseconds.
const CALLS: usize = 12;

/// Readings above the best one by this factor mean that the core is shared. Sharing makes it 1.3 at
/// least; where the linker puts the loop makes up to 1.05, which matters to a best reading from
/// another build.
const ALONE: f64 = 1.12;

impl Gauge {
    /// With the reading of a core that is not shared, in nanoseconds, if it is known; otherwise it
    /// is the best so far.
    #[must_use]
    pub fn new(best: Option<f64>) -> Gauge {
        let arguments: Vec<_> =
            (0..256).map(|i| 0.5 + 999.0 * (f64::from(i) * 0.618_033_988_749_895).fract()).collect();
        let results = arguments.clone();
        let mut gauge = Gauge { arguments, results, best: best.unwrap_or(f64::INFINITY) };
        (0..100).for_each(|_| _ = gauge.read());
        gauge
    }

    /// The time of the loop now, in nanoseconds for an element.
    pub fn read(&mut self) -> f64 {
        let start = Instant::now();
        for _ in 0..CALLS {
            for (result, argument) in self.results.iter_mut().zip(black_box(&self.arguments)) {
                *result = argument.log2();
            }
            black_box(&mut self.results);
        }
        let reading = start.elapsed().as_secs_f64() * 1e9 / (CALLS * self.arguments.len()) as f64;
        self.best = self.best.min(reading);
        reading
    }

    /// Whether the core was unshared when this was read, as far as is known by now.
    #[must_use]
    pub fn is_alone(&self, reading: f64) -> bool {
        reading <= self.best * ALONE
    }

    /// The reading of a core that is not shared.
    #[must_use]
    pub fn best(&self) -> f64 {
        self.best
    }
}
