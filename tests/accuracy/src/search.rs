//! Tries a function with all its arguments, on several threads, and climbs from the worst of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::ProgressBar;
use ndexpr_runtime::abi::TileFn;

use crate::cells::Cells;
use crate::float::{Format, Real};
use crate::oracle::Oracle;
use crate::points::{self, Part, Points};
use crate::ulp::error_in_ulps;
use crate::worst::{Case, Worst};

/// Errors from here on are of interest: just below half a unit, the error that the nearest number
/// may have.
const FLOOR: f64 = 0.499;
/// How many of the worst cases are kept.
const N_WORST: usize = 2000;
/// How many of them, and of the worst of each cell, are climbed from.
const N_CENTRES: usize = 1000;
/// How many neighbours of each are tried in a round.
const N_NEIGHBOURS: usize = 2000;
/// A climb tries as many arguments as there were samples, and so many more.
const LEAST_CLIMB: u64 = 6 * (2 * N_CENTRES * N_NEIGHBOURS) as u64;
/// It ends when so many rounds in a row found nothing worse.
const FRUITLESS_ROUNDS: u32 = 4;

/// The code that is tried.
pub(crate) struct Subject {
    /// The function over a tile of the dtype that the search is for.
    pub(crate) tile: TileFn,
    /// The number of its arguments.
    pub(crate) arity: usize,
    /// What it should be.
    pub(crate) oracle: Oracle,
}

/// How to search.
pub(crate) struct Effort {
    pub(crate) n_threads: usize,
    /// What the random neighbours depend on.
    pub(crate) seed: u64,
    /// Whether to try neighbours of the worst arguments, until some more than so many are tried.
    pub(crate) climb: Option<u64>,
}

/// What a search found.
pub(crate) struct Outcome<T> {
    /// The arguments tried.
    pub(crate) n_tried: u64,
    /// The results that are not the nearest number to the exact value; unknown for some functions.
    pub(crate) n_not_nearest: Option<u64>,
    /// The worst cases, the worst first; none if every result is the nearest.
    pub(crate) worst: Vec<Case<T>>,
}

/// Tries all the arguments, then neighbours of the worst.
pub(crate) fn search<T: Real>(
    subject: &Subject,
    parts: &[Part<T>],
    effort: &Effort,
    progress: &ProgressBar,
) -> Outcome<T> {
    let mut total = Tally::new(FLOOR);
    pass(subject, parts, effort.n_threads, progress, &mut total);
    if let Some(samples) = effort.climb {
        climb(subject, effort, total.n_tried + LEAST_CLIMB + samples, progress, &mut total);
    }
    let n_not_nearest = T::nearest(&subject.oracle).map(|_| total.n_not_nearest);
    Outcome { n_tried: total.n_tried, n_not_nearest, worst: total.worst.sorted() }
}

/// Tries neighbours of the worst, and then of the worst of those, until so many arguments are tried
/// in all.
fn climb<T: Real>(subject: &Subject, effort: &Effort, n_tried: u64, progress: &ProgressBar, total: &mut Tally<T>) {
    let (mut round, mut n_fruitless) = (0, 0);
    let mut before = total.worst.largest();
    while total.n_tried < n_tried && n_fruitless < FRUITLESS_ROUNDS && before.is_finite() {
        let mut centres = total.worst.sorted();
        centres.truncate(N_CENTRES);
        centres.extend(total.cells.worst(N_CENTRES));
        if centres.is_empty() {
            return;
        }
        let centres = centres.iter().map(|case| (case.x, case.y)).collect();
        let around = points::neighbours(centres, subject.arity, N_NEIGHBOURS, effort.seed ^ round << 32);
        pass(subject, &[around], effort.n_threads, progress, total);
        n_fruitless = if total.worst.largest() > before { 0 } else { n_fruitless + 1 };
        before = total.worst.largest();
        round += 1;
    }
}

/// Tries all the arguments, and adds what it finds.
fn pass<T: Real>(subject: &Subject, parts: &[Part<T>], n_threads: usize, progress: &ProgressBar, total: &mut Tally<T>) {
    let n_chunks: usize = parts.iter().map(|part| part.n_chunks).sum();
    progress.inc_length(n_chunks as u64);
    let floor = total.worst.threshold();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut tally = Tally::new(floor);
        let (mut points, mut results) = (Points::default(), Vec::new());
        while let Some((part, chunk)) = chunk_of(parts, next.fetch_add(1, Ordering::Relaxed)) {
            points.x.clear();
            points.y.clear();
            part.fill(chunk, &mut points);
            run(subject, &points, &mut results);
            tally.add(&subject.oracle, &points, &results);
            progress.inc(1);
        }
        tally
    };
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..n_threads).map(|_| scope.spawn(work)).collect();
        total.merge(work());
        for helper in helpers {
            // A helper that panicked takes the command down with its own message.
            total.merge(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
}

/// The part, and the number within it, of the chunk with this number in all.
fn chunk_of<T>(parts: &[Part<T>], mut number: usize) -> Option<(&Part<T>, usize)> {
    for part in parts {
        if number < part.n_chunks {
            return Some((part, number));
        }
        number -= part.n_chunks;
    }
    None
}

/// One call of the tile function.
fn run<T: Real>(subject: &Subject, points: &Points<T>, results: &mut Vec<T>) {
    let n = points.x.len();
    results.clear();
    results.resize(n, T::default());
    assert_eq!(points.y.len(), n, "as many second arguments as first ones");
    let second = if subject.arity == 2 { points.y.as_ptr().cast_mut().cast() } else { std::ptr::null_mut() };
    // SAFETY: `out`, `a`, and `b` if the function has a second argument, are `n` initialised
    // elements each, of the dtype that the function is for; they are three vectors, so they do not
    // overlap. A second argument is only read, and no function here has a second result.
    unsafe { (subject.tile)(n, results.as_mut_ptr().cast(), points.x.as_ptr().cast(), second) };
}

/// What was found so far, by one thread or all.
struct Tally<T> {
    n_tried: u64,
    n_not_nearest: u64,
    worst: Worst<T>,
    cells: Cells<T>,
}

impl<T: Real> Tally<T> {
    /// Nothing yet. Cases below `floor` are not among the worst.
    fn new(floor: f64) -> Tally<T> {
        Tally { n_tried: 0, n_not_nearest: 0, worst: Worst::new(N_WORST, floor), cells: Cells::new() }
    }

    fn merge(&mut self, other: Tally<T>) {
        self.n_tried += other.n_tried;
        self.n_not_nearest += other.n_not_nearest;
        self.worst.merge(other.worst);
        self.cells.merge(other.cells);
    }

    fn add(&mut self, oracle: &Oracle, points: &Points<T>, results: &[T]) {
        let nearest = T::nearest(oracle);
        for ((&x, &y), &found) in points.x.iter().zip(&points.y).zip(results) {
            if let Some(nearest) = nearest {
                let nearest = nearest(x, y);
                if nearest.bits() == found.bits() || nearest.to_f64().is_nan() && found.to_f64().is_nan() {
                    continue;
                }
            }
            self.n_not_nearest += 1;
            self.add_one(oracle, x, y, found);
        }
        self.n_tried += results.len() as u64;
    }

    /// Adds a case, by its estimate if that is not among the worst.
    fn add_one(&mut self, oracle: &Oracle, x: T, y: T, found: T) {
        let threshold = self.worst.threshold();
        if threshold.is_infinite() {
            return;
        }
        let is_absolute = oracle.has_absolute_errors(x.to_f64(), found.to_f64());
        let estimate = if is_absolute { None } else { T::estimate(oracle, x, y, found) };
        if let Some(ulps) = estimate {
            self.cells.add(Case { ulps, x, y, found });
            if ulps + T::ESTIMATE_MARGIN < threshold {
                return;
            }
        }
        // Climbs come by the same arguments again and again, of float32 above all.
        if self.worst.has(x, y) {
            return;
        }
        let exact = oracle.exact(x.to_f64(), y.to_f64());
        let format = if is_absolute { Format { min_exponent: -1, ..T::FORMAT } } else { T::FORMAT };
        let case = Case { ulps: error_in_ulps(found.to_f64(), &exact, format), x, y, found };
        if estimate.is_none() {
            self.cells.add(case);
        }
        if case.ulps >= threshold {
            self.worst.add(case);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::Request;

    /// A tile function of float64 that applies `$f` to each element.
    macro_rules! tile {
        ($f:expr) => {{
            unsafe extern "C" fn tile(n: usize, out: *mut u8, a: *const u8, _: *mut u8) {
                let (out, a) = (out.cast::<f64>(), a.cast::<f64>());
                let f: fn(f64) -> f64 = $f;
                // SAFETY: as a tile function's caller promises.
                (0..n).for_each(|idx| unsafe { out.add(idx).write_unaligned(f(a.add(idx).read_unaligned())) });
            }
            tile
        }};
    }

    fn outcome(tile: TileFn, n_threads: usize) -> Outcome<f64> {
        let oracle = Oracle::of("exp").unwrap();
        let request = Request { oracle: &oracle, arity: 1, samples: 100_000, seed: 1, hard_cases: None };
        let parts = points::parts(&request).unwrap();
        let effort = Effort { n_threads, seed: 1, climb: Some(request.samples) };
        search(&Subject { tile, arity: 1, oracle }, &parts, &effort, &ProgressBar::hidden())
    }

    #[test]
    fn a_function_that_is_always_the_nearest_has_no_case() {
        let outcome = outcome(tile!(core_math::exp), 2);
        assert_eq!((outcome.n_not_nearest, outcome.worst.len()), (Some(0), 0));
        assert!(outcome.n_tried > 200_000);
    }

    #[test]
    fn a_function_that_is_wrong_in_a_small_range_is_caught() {
        fn wrong(x: f64) -> f64 {
            core_math::exp(x).offset(if x > 1.1 && x < 1.11 { 3 } else { 0 })
        }
        let worst = outcome(tile!(wrong), 1).worst[0];
        assert!((2.5..=3.5).contains(&worst.ulps) && worst.x > 1.1 && worst.x < 1.11, "{worst:?}");
    }

    #[test]
    fn a_wrong_special_value_is_infinitely_wrong() {
        fn wrong(x: f64) -> f64 {
            if x == f64::NEG_INFINITY { -0.0 } else { core_math::exp(x) }
        }
        let worst = outcome(tile!(wrong), 1).worst[0];
        assert_eq!((worst.ulps, worst.x), (f64::INFINITY, f64::NEG_INFINITY));
        let never = outcome(tile!(|_| f64::NAN), 2);
        assert_eq!(never.worst[0].ulps, f64::INFINITY);
    }

    /// The peak is narrower than the distance of the random arguments, but not its foot.
    #[test]
    fn neighbours_of_the_worst_lead_to_the_peak() {
        fn wrong(x: f64) -> f64 {
            let distance = ((x - 1.234_567).abs() * 2f64.powi(40)).log2().clamp(0.0, 40.0);
            core_math::exp(x).offset(40 - distance as i64)
        }
        let worst = outcome(tile!(wrong), 1).worst[0];
        assert!(worst.ulps > 35.0, "{worst:?}");
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        fn wrong(x: f64) -> f64 {
            x.exp().offset(i64::from(x.to_bits().is_multiple_of(7)))
        }
        let [one, three] = [1, 3].map(|n_threads| outcome(tile!(wrong), n_threads));
        assert_eq!((one.n_tried, one.n_not_nearest), (three.n_tried, three.n_not_nearest));
        let errors = |outcome: &Outcome<f64>| outcome.worst.iter().map(|case| case.ulps).collect::<Vec<_>>();
        assert_eq!(errors(&one), errors(&three));
    }
}
