//! The arguments that are tried, in parts that are made chunk by chunk as threads ask for them.

mod grids;
mod hard_cases;
mod pairs;
mod powers;
mod reduction;
mod shapes;
mod thresholds;
mod unary;

use std::io;
use std::path::Path;

use crate::float::Real;
use crate::oracle::Oracle;
use crate::random::Random;

pub(crate) use unary::every_bit_pattern;

/// The arguments in a chunk, about: enough to make a tile function's call nothing, few enough for a
/// cache.
pub(crate) const CHUNK: usize = 8192;

/// Arguments for one call of a tile function.
#[derive(Default)]
pub(crate) struct Points<T> {
    /// The first arguments.
    pub(crate) x: Vec<T>,
    /// The second arguments, as many.
    pub(crate) y: Vec<T>,
}

impl<T: Real> Points<T> {
    /// Adds one.
    pub(crate) fn push(&mut self, x: T, y: T) {
        self.x.push(x);
        self.y.push(y);
    }

    /// Adds `x` and all that are at most so many places from it.
    fn push_around(&mut self, x: T, places: i64) {
        for offset in -places..=places {
            self.push(x.offset(offset), T::default());
        }
    }
}

/// Adds the arguments of a chunk, by its number.
type Fill<T> = dyn Fn(usize, &mut Points<T>) + Send + Sync;

/// Some of the arguments.
pub(crate) struct Part<T> {
    /// How many chunks there are.
    pub(crate) n_chunks: usize,
    fill: Box<Fill<T>>,
}

impl<T: Real> Part<T> {
    /// Chunks that `fill` adds to what it gets, by number.
    pub(crate) fn new(n_chunks: usize, fill: impl Fn(usize, &mut Points<T>) + Send + Sync + 'static) -> Part<T> {
        Part { n_chunks, fill: Box::new(fill) }
    }

    /// Arguments that exist already.
    fn of(points: Points<T>) -> Part<T> {
        let n_chunks = points.x.len().div_ceil(CHUNK);
        Part::new(n_chunks, move |chunk, out| {
            let end = points.x.len().min((chunk + 1) * CHUNK);
            out.x.extend_from_slice(&points.x[chunk * CHUNK..end]);
            out.y.extend_from_slice(&points.y[chunk * CHUNK..end]);
        })
    }

    /// `n` random arguments; `number` tells parts of one seed apart.
    fn random(
        n: u64,
        seed: u64,
        number: usize,
        draw: impl Fn(&mut Random) -> (T, T) + Send + Sync + 'static,
    ) -> Part<T> {
        let n_chunks = n.div_ceil(CHUNK as u64) as usize;
        Part::new(n_chunks, move |chunk, out| {
            let mut random = Random::of(seed, number, chunk);
            let n_here = (n - (chunk * CHUNK) as u64).min(CHUNK as u64);
            for _ in 0..n_here {
                let (x, y) = draw(&mut random);
                out.push(x, y);
            }
        })
    }

    /// Adds the arguments of one chunk.
    pub(crate) fn fill(&self, chunk: usize, points: &mut Points<T>) {
        (self.fill)(chunk, points);
    }
}

/// What to try a function with.
pub(crate) struct Request<'a> {
    /// The function's values, which tell its thresholds.
    pub(crate) oracle: &'a Oracle,
    /// The number of its arguments.
    pub(crate) arity: usize,
    /// How many random arguments to draw; others come on top.
    pub(crate) samples: u64,
    /// What the random arguments depend on.
    pub(crate) seed: u64,
    /// A copy of CORE-MATH, for its worst cases.
    pub(crate) hard_cases: Option<&'a Path>,
}

/// All the arguments, in parts.
///
/// # Errors
///
/// If a file of hard cases cannot be read or parsed. A missing file is no error.
pub(crate) fn parts<T: Real>(request: &Request<'_>) -> io::Result<Vec<Part<T>>> {
    let mut parts = if request.arity == 1 { unary::parts(request) } else { pairs::parts(request) };
    if let Some(directory) = request.hard_cases {
        parts.extend(hard_cases::part(directory, request.oracle.name, request.arity)?);
    }
    Ok(parts)
}

/// Arguments near those where a function was found to be at its worst: `n_each` around each.
pub(crate) fn neighbours<T: Real>(centres: Vec<(T, T)>, arity: usize, n_each: usize, seed: u64) -> Part<T> {
    // Errors cluster on every scale, from neighbours up to an interval of a table: 2^-8 of a
    // binade.
    let most_bits = (T::FORMAT.precision - 8) as u64;
    Part::new(centres.len(), move |chunk, out| {
        let (x, y) = centres[chunk];
        let mut random = Random::of(seed, usize::MAX, chunk);
        let mut move_by = |value: T| {
            let bits = random.below(most_bits).max(random.below(most_bits));
            let distance = (random.next() & ((2 << bits) - 1)) as i64;
            value.offset(if random.next() & 1 == 0 { distance } else { -distance })
        };
        for idx in 0..n_each {
            match (arity, idx % 3) {
                (1, _) | (_, 0) => out.push(move_by(x), y),
                (_, 1) => out.push(x, move_by(y)),
                _ => out.push(move_by(x), move_by(y)),
            }
        }
    })
}

/// Values that functions treat apart.
fn specials<T: Real>() -> Vec<T> {
    let largest = T::from_f64(f64::INFINITY).offset(-1);
    let least = T::from_f64(0.0).offset(1);
    let least_normal = T::from_f64(power_of_two(T::FORMAT.min_exponent));
    let positive = [
        T::from_f64(0.0),
        least,
        least.offset(1),
        least_normal.offset(-1),
        least_normal,
        T::from_f64(0.25),
        T::from_f64(0.5),
        T::from_f64(1.0).offset(-1),
        T::from_f64(1.0),
        T::from_f64(1.0).offset(1),
        T::from_f64(1.5),
        T::from_f64(2.0),
        T::from_f64(2.5),
        T::from_f64(3.0),
        T::from_f64(4.0),
        T::from_f64(1e10),
        T::from_f64(power_of_two(T::FORMAT.precision)),
        T::from_f64(power_of_two(T::FORMAT.precision)).offset(-1),
        T::from_f64(power_of_two(T::FORMAT.precision + 1)),
        largest,
        T::from_f64(f64::INFINITY),
        T::from_f64(f64::NAN),
    ];
    positive.into_iter().flat_map(|value| [value, negated(value)]).collect()
}

/// The number with the other sign.
fn negated<T: Real>(value: T) -> T {
    T::from_bits(value.bits() ^ 1 << (T::BITS - 1))
}

/// `2^exponent` as a double, subnormal ones included.
pub(crate) fn power_of_two(exponent: i32) -> f64 {
    debug_assert!((-1074..=1023).contains(&exponent), "2^{exponent} is no double");
    f64::from_bits(if exponent < -1022 { 1 << (exponent + 1074) } else { ((exponent + 1023) as u64) << 52 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of a part's arguments.
    pub(super) fn all<T: Real>(part: &Part<T>) -> Vec<(T, T)> {
        let mut points = Points::default();
        (0..part.n_chunks).for_each(|chunk| part.fill(chunk, &mut points));
        assert_eq!(points.x.len(), points.y.len());
        points.x.into_iter().zip(points.y).collect()
    }

    #[test]
    fn powers_of_two_are_exact() {
        assert_eq!(power_of_two(-1074), 5e-324);
        assert_eq!(power_of_two(-1022), f64::MIN_POSITIVE);
        assert_eq!(power_of_two(-1), 0.5);
        assert_eq!(power_of_two(1023), 2f64.powi(1023));
    }

    #[test]
    fn a_part_gives_as_many_as_were_asked_for() {
        let part = Part::random(20_000, 1, 2, |random| (random.uniform(0.0, 1.0), 0.0));
        let points = all(&part);
        assert_eq!(points.len(), 20_000);
        assert!(points.iter().all(|&(x, _)| (0.0..=1.0).contains(&x)));
        assert_ne!(points[0], points[CHUNK]);
        let list = Points { x: vec![1.5f32; CHUNK + 1], y: vec![0.0; CHUNK + 1] };
        assert_eq!(all(&Part::of(list)).len(), CHUNK + 1);
    }

    #[test]
    fn neighbours_are_near() {
        let part = neighbours(vec![(1.0, 3.0), (2.0, 3.0)], 2, 300, 7);
        let points = all::<f64>(&part);
        assert_eq!(points.len(), 600);
        for (idx, (x, y)) in points.into_iter().enumerate() {
            let centre = if idx < 300 { 1.0 } else { 2.0 };
            assert!((x - centre).abs() < 0.02 && (y - 3.0).abs() < 0.02, "{x} {y}");
        }
        let of_one = all::<f32>(&neighbours(vec![(1.0, 3.0)], 1, 50, 7));
        assert!(of_one.into_iter().all(|(x, y)| y == 3.0 && (x - 1.0).abs() < 0.02));
    }
}
