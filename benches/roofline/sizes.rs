//! Time for an element by the number of elements: whether more threads are ever slower than one.

use crate::contest::batch_of;
use crate::memory::Array;
use ndexpr::{Engine, Vars};
use serde::Serialize;
use std::fmt::Write;
use std::time::{Duration, Instant};

const TEXTS: [&str; 2] = ["a + b*2", "exp(sin(a)*b)"];

/// The sizes that are measured: three a decade.
fn sizes(max: usize) -> impl Iterator<Item = usize> {
    let decades = (0..).map(|exponent| 10_usize.pow(exponent)).take_while(move |&decade| decade <= max);
    decades.flat_map(|decade| [1, 2, 5].map(|k| k * decade)).filter(move |&n| n <= max)
}

/// Both curves of an expression.
#[derive(Serialize)]
pub(crate) struct Curves {
    pub(crate) text: &'static str,
    pub(crate) threads: usize,
    pub(crate) points: Vec<Point>,
}

/// A size, with medians for an element.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Point {
    pub(crate) n: usize,
    pub(crate) ns_alone: f64,
    pub(crate) ns_together: f64,
    /// The time with all threads divided by the time with one: the median over neighbouring calls.
    pub(crate) ratio: f64,
    /// Whether more threads are slower by more than noise.
    pub(crate) is_slower: bool,
}

/// The largest ratio that noise gives between two times that are really equal.
const NOISE: f64 = 1.03;

/// Measures both expressions up to `max` elements, a point for about as long as `time`.
pub(crate) fn measure(max: usize, alone: &Engine, together: &Engine, time: Duration) -> Vec<Curves> {
    let uniform = |i: usize, step: f64| ((i + 1) as f64 * step).fract();
    let a: Array<f64> = Array::from_fn(max, |i| uniform(i, 0.618_033_988_749_895));
    let b: Array<f64> = Array::from_fn(max, |i| uniform(i, 0.754_877_666_246_693));
    let mut out: Array<f64> = Array::from_fn(max, |_| 0.0);
    let curves = |text| {
        let points = sizes(max).map(|n| {
            let vars = Vars::new().with("a", &a[..n]).with("b", &b[..n]);
            let [alone, together] = [alone, together].map(|engine| engine.program(text, &vars).expect("an expression"));
            let mut look = || {
                point(n, time, |is_together| {
                    let program = if is_together { &together } else { &alone };
                    program.run(&vars, &mut out[..n]).expect("shapes fit");
                })
            };
            let first = look();
            if !first.is_slower {
                return first;
            }
            // Of so many sizes one is measured wrong now and then, but not twice in a row.
            let second = look();
            if second.is_slower { second } else { first.min(second) }
        });
        Curves { text, threads: together.threads(), points: points.collect() }
    };
    TEXTS.map(curves).into()
}

impl Point {
    fn min(self, other: Point) -> Point {
        if other.ratio < self.ratio { other } else { self }
    }
}

/// The time of a batch of calls. In a larger batch the waking of threads would not show; in a
/// smaller one the clock would.
const BATCH: Duration = Duration::from_micros(200);

const MIN_ROUNDS: usize = 7;

/// Batches on one thread and batches on all threads take turns.
fn point(n: usize, time: Duration, mut call: impl FnMut(bool)) -> Point {
    let batches = [false, true].map(|is_together| batch_of(BATCH, &mut || call(is_together)));
    let mut times: [Vec<f64>; 2] = Default::default();
    let start = Instant::now();
    while start.elapsed() < time || (times[0].len() < MIN_ROUNDS && !time.is_zero()) || times[0].is_empty() {
        let is_odd = times[0].len() % 2 == 1;
        for is_together in [is_odd, !is_odd] {
            let batch = batches[usize::from(is_together)];
            // This call loads into the caches what the other kind has displaced.
            if batch > 1 {
                call(is_together);
            }
            let start = Instant::now();
            (0..batch).for_each(|_| call(is_together));
            times[usize::from(is_together)].push(start.elapsed().as_secs_f64() * 1e9 / (batch * n) as f64);
        }
    }
    let mut ratios: Vec<f64> = times[1].iter().zip(&times[0]).map(|(together, alone)| together / alone).collect();
    let quantile = |values: &mut Vec<f64>, part: f64| {
        values.sort_unstable_by(f64::total_cmp);
        values[(values.len() as f64 * part) as usize]
    };
    let [alone, together] = &mut times;
    Point {
        n,
        ns_alone: quantile(alone, 0.5),
        ns_together: quantile(together, 0.5),
        ratio: quantile(&mut ratios, 0.5),
        is_slower: quantile(&mut ratios, 0.5) > NOISE && quantile(&mut ratios, 0.25) > 1.0,
    }
}

/// The tables, and below them the sizes for which more threads are slower.
pub(crate) fn write(curves: &[Curves], text: &mut String) -> std::fmt::Result {
    for Curves { text: expression, threads, points } in curves {
        writeln!(text, "\n`{expression}`, ns per element, medians of alternating calls\n")?;
        writeln!(text, "| {:>10} | {:>9} | {:>9} | {:>6} |", "n", "1 thread", format!("{threads} threads"), "ratio")?;
        writeln!(text, "|{:->12}|{:->11}|{:->11}|{:->8}|", ":", ":", ":", ":")?;
        for Point { n, ns_alone, ns_together, ratio, .. } in points {
            writeln!(text, "| {n:>10} | {ns_alone:>9.3} | {ns_together:>9.3} | {ratio:>6.2} |")?;
        }
        let slower: Vec<_> = points.iter().filter(|point| point.is_slower).collect();
        let slower: Vec<_> = slower.iter().map(|point| format!("{:.2}x at {}", point.ratio, point.n)).collect();
        let slower = if slower.is_empty() { "nowhere".to_owned() } else { slower.join(", ") };
        writeln!(text, "\n{threads} threads slower than one: {slower}")?;
    }
    Ok(())
}
