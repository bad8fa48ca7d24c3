//! Arguments for functions of two: of every pair of exponents, of like and unlike size, and at the
//! ends of the dtype.

use super::{Part, Points, Request, negated, power_of_two, powers, specials};
use crate::float::{Format, Real};
use crate::random::Random;

pub(super) fn parts<T: Real>(request: &Request<'_>) -> Vec<Part<T>> {
    let mut list = Points::default();
    for x in specials::<T>() {
        specials::<T>().into_iter().for_each(|y| list.push(x, y));
    }
    let (samples, seed) = (request.samples, request.seed);
    let any_bits = |n| Part::random(n, seed, 0, |random| (T::from_bits(random.next()), T::from_bits(random.next())));
    if request.oracle.name == "pow" {
        powers::push_exact(&mut list);
        return vec![Part::of(list), any_bits(samples / 8), Part::random(samples - samples / 8, seed, 1, powers::draw)];
    }
    vec![Part::of(list), any_bits(samples / 8), Part::random(samples - samples / 8, seed, 1, draw)]
}

/// Two of similar size, mostly, because both matter then.
fn draw<T: Real>(random: &mut Random) -> (T, T) {
    let Format { precision, min_exponent, max_exponent } = T::FORMAT;
    let least = T::FORMAT.least_exponent();
    let (x, y) = match random.below(16) {
        0..4 => pair(random, (least, max_exponent), 2),
        4..7 => pair(random, (least, max_exponent), precision + 8),
        7 => (random.of_exponents(least, max_exponent), random.of_exponents(least, max_exponent)),
        8..10 => (random.uniform(0.0, 10.0), random.uniform(0.0, 10.0)),
        10 => pair(random, (least, min_exponent + 4), 4),
        11 => pair(random, (max_exponent - 3, max_exponent), precision),
        12..14 => return near_a_ratio(random),
        14 => whole(random, precision),
        _ => return nearly_the_same(random),
    };
    with_signs(T::from_f64(x), T::from_f64(y), random)
}

/// The first of any exponent in the range, the second's at most so much away.
fn pair(random: &mut Random, exponents: (i32, i32), apart: i32) -> (f64, f64) {
    let first = random.between(exponents.0, exponents.1);
    let second = (first + random.between(-apart, apart)).clamp(exponents.0, exponents.1);
    (random.of_exponents(first, first), random.of_exponents(second, second))
}

/// A ratio around `k/64` or `64/k`, where tables have their edges.
fn near_a_ratio<T: Real>(random: &mut Random) -> (T, T) {
    let x = random.of_exponents(-20, 20);
    let ratio = (random.below(256) + 1) as f64 / 64.0;
    let y = if random.next() & 1 == 0 { x * ratio } else { x / ratio };
    let near = T::from_f64(y).offset(random.between(-4, 4).into());
    with_signs(T::from_f64(x), near, random)
}

/// Whole numbers: of `hypot` with whole results, and results halfway between two numbers.
fn whole(random: &mut Random, precision: i32) -> (f64, f64) {
    let bits = random.between(1, precision / 2) as u32;
    let [a, b] = [0; 2].map(|_| 1 + random.below(1 << bits));
    let scale = power_of_two(random.between(-60, 0));
    if bits < 15 && a != b {
        // A triangle with whole sides.
        return (a.abs_diff(b) as f64 * (a + b) as f64 * scale, 2.0 * a as f64 * b as f64 * scale);
    }
    (a as f64 * scale, b as f64 * scale)
}

/// `y = x * (1 + 2^-k)`, or a few places from `x`.
fn nearly_the_same<T: Real>(random: &mut Random) -> (T, T) {
    let x = random.of_exponents(T::FORMAT.min_exponent, T::FORMAT.max_exponent - 1);
    let y = x * (1.0 + power_of_two(-random.between(1, T::FORMAT.precision)));
    let y = T::from_f64(y).offset(random.between(-4, 4).into());
    with_signs(T::from_f64(x), y, random)
}

/// The two in any order, with any signs.
fn with_signs<T: Real>(x: T, y: T, random: &mut Random) -> (T, T) {
    let bits = random.next();
    let x = if bits & 1 == 0 { x } else { negated(x) };
    let y = if bits & 2 == 0 { y } else { negated(y) };
    if bits & 4 == 0 { (x, y) } else { (y, x) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;
    use crate::oracle::Oracle;

    fn assert_covers<T: Real>(name: &str) {
        let oracle = Oracle::of(name).unwrap();
        let request = Request { oracle: &oracle, arity: 2, samples: 100_000, seed: 1, hard_cases: None };
        let points: Vec<_> = parts::<T>(&request).iter().flat_map(all).collect();
        let n_specials = specials::<T>().len();
        assert!(points.len() >= 100_000 + n_specials * n_specials, "{name}: {}", points.len());
        let quadrant = |&(x, y): &(T, T)| (x.to_f64() > 0.0, y.to_f64() > 0.0);
        for wanted in [(true, true), (true, false), (false, true), (false, false)] {
            let n = points.iter().filter(|&point| quadrant(point) == wanted).count();
            assert!(n > 5_000, "{name} {wanted:?}: {n}");
        }
        let n_plain = points.iter().filter(|(x, y)| x.to_f64().is_normal() && y.to_f64().is_normal()).count();
        assert!(n_plain > 80_000, "{name}: {n_plain}");
    }

    #[test]
    fn all_quadrants_and_sizes_are_there() {
        for name in ["atan2", "hypot", "pow"] {
            assert_covers::<f64>(name);
            assert_covers::<f32>(name);
        }
    }

    #[test]
    fn triangles_have_whole_sides() {
        let mut random = Random::new(4);
        let n_whole = (0..1000).filter(|_| {
            let (x, y) = whole(&mut random, 53);
            let root = (x * x + y * y).sqrt();
            root * root == x * x + y * y
        });
        assert!(n_whole.count() > 200);
    }
}
