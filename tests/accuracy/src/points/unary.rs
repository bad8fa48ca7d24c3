//! Arguments for functions of one: random ones over all bits, exponents and ranges, and all values
//! of float32.

use super::shapes::Shape;
use super::{CHUNK, Part, Points, Request, grids, reduction, specials, thresholds};
use crate::float::Real;

/// Every value of the dtype, of which there are 2^32 at most.
pub(crate) fn every_bit_pattern<T: Real>() -> Part<T> {
    let n_chunks = (1usize << T::BITS.min(32)) / CHUNK;
    Part::new(n_chunks, |chunk, out| {
        for bits in chunk * CHUNK..(chunk + 1) * CHUNK {
            out.push(T::from_bits(bits as u64), T::default());
        }
    })
}

pub(super) fn parts<T: Real>(request: &Request<'_>) -> Vec<Part<T>> {
    let shape = Shape::of(request.oracle.name);
    let domain = shape.domain(T::FORMAT.precision);
    let mut list = Points::default();
    specials::<T>().into_iter().for_each(|value| list.push(value, T::default()));
    thresholds::push(request.oracle, domain, &mut list);
    let mut parts = vec![Part::of(list), grids::significands(shape, domain), grids::fractions(domain)];
    if let Some((constant, divisors)) = shape.steps {
        parts.push(grids::multiples(constant, divisors, domain, request.seed));
    }
    if matches!(request.oracle.name, "sin" | "cos" | "tan") {
        parts.push(reduction::part());
    }
    parts.extend(random(shape, domain, request));
    parts
}

/// A quarter over all bit patterns, a quarter over the exponents that matter, the rest over ranges.
fn random<T: Real>(shape: &'static Shape, domain: (f64, f64), request: &Request<'_>) -> Vec<Part<T>> {
    let (samples, seed) = (request.samples, request.seed);
    let exponents = exponents::<T>(shape, domain);
    let any_bits = Part::random(samples / 4, seed, 0, |random| (T::from_bits(random.next()), T::default()));
    let any_exponent = Part::random(samples / 4, seed, 1, move |random| {
        let magnitude = random.of_exponents(exponents.0, exponents.1);
        let value = if domain.0 < 0.0 { magnitude * random.sign() } else { magnitude };
        (T::from_f64(value), T::default())
    });
    let ranges = ranges(shape, domain);
    let in_ranges = Part::random(samples - samples / 4 * 2, seed, 2, move |random| {
        let (lo, hi) = ranges[random.below(ranges.len() as u64) as usize];
        (T::from_f64(random.uniform(lo, hi)), T::default())
    });
    vec![any_bits, any_exponent, in_ranges]
}

/// The exponents of the numbers of a domain that are not trivial.
pub(super) fn exponents<T: Real>(shape: &Shape, domain: (f64, f64)) -> (i32, i32) {
    let largest = domain.0.abs().max(domain.1.abs());
    let highest = (largest.to_bits() >> 52) as i32 - 1023;
    (shape.least_exponent.max(T::FORMAT.least_exponent()), highest.min(T::FORMAT.max_exponent))
}

/// The ranges of a shape within a domain, and the domain itself unless it is so wide that random
/// values are near its ends.
fn ranges(shape: &Shape, domain: (f64, f64)) -> Vec<(f64, f64)> {
    let mut ranges: Vec<_> = (shape.ranges.iter())
        .map(|&(lo, hi)| (lo.max(domain.0), hi.min(domain.1)))
        .filter(|&(lo, hi)| lo < hi)
        .collect();
    if domain.0.abs().max(domain.1.abs()) < 1e4 {
        ranges.push(domain);
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;
    use crate::oracle::Oracle;

    fn request(oracle: &Oracle) -> Request<'_> {
        Request { oracle, arity: 1, samples: 40_000, seed: 3, hard_cases: None }
    }

    #[test]
    fn exponents_are_those_of_the_domain() {
        let shape = Shape::of("exp");
        assert_eq!(exponents::<f64>(shape, shape.domain(53)), (-60, 9));
        assert_eq!(exponents::<f32>(shape, shape.domain(24)), (-60, 6));
        let shape = Shape::of("log");
        assert_eq!(exponents::<f64>(shape, shape.domain(53)), (-1074, 1023));
        assert_eq!(exponents::<f32>(shape, shape.domain(24)), (-149, 127));
    }

    #[test]
    fn a_quarter_is_over_all_bits_and_the_rest_in_the_domain() {
        let oracle = Oracle::of("exp").unwrap();
        let shape = Shape::of("exp");
        let parts = random::<f64>(shape, shape.domain(53), &request(&oracle));
        let counts: Vec<_> = parts.iter().map(|part| all(part).len()).collect();
        assert_eq!(counts, [10_000, 10_000, 20_000]);
        assert!(all(&parts[1]).iter().all(|&(x, _)| x.abs() < 1024.0 && x.abs() >= 2f64.powi(-60)));
        assert!(all(&parts[2]).iter().all(|&(x, _)| (-746.0..=710.0).contains(&x)));
        let n_negative = all(&parts[1]).iter().filter(|(x, _)| *x < 0.0).count();
        assert!((4_500..5_500).contains(&n_negative), "{n_negative}");
    }

    #[test]
    fn logarithms_get_no_negative_arguments_but_by_their_bits() {
        let oracle = Oracle::of("log").unwrap();
        let shape = Shape::of("log");
        let parts = random::<f32>(shape, shape.domain(24), &request(&oracle));
        assert!(all(&parts[0]).iter().any(|&(x, _)| x < 0.0));
        assert!(parts[1..].iter().flat_map(all).all(|(x, _)| x >= 0.0));
    }

    #[test]
    fn every_bit_pattern_is_every_one() {
        let part = every_bit_pattern::<f32>();
        let mut points = Points::default();
        part.fill(0, &mut points);
        part.fill(part.n_chunks - 1, &mut points);
        assert_eq!(points.x[0].to_bits(), 0);
        assert_eq!(points.x.last().map(|x| x.to_bits()), Some(u32::MAX));
        assert_eq!(part.n_chunks * CHUNK, 1 << 32);
    }
}
