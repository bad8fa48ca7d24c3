//! Arguments around the places where code that works piece by piece may change pieces.

use rug::Float;
use rug::float::Constant as Known;

use super::shapes::{Constant, Shape};
use super::unary::exponents;
use super::{CHUNK, Part, Points, negated, power_of_two};
use crate::float::Real;
use crate::random::Random;

/// How many places around each are tried.
const AROUND: i64 = 4;

/// Around `(1 + j/256) * 2^k` for every j and every k that matters, and a few other significands
/// for every k.
pub(super) fn significands<T: Real>(shape: &'static Shape, domain: (f64, f64)) -> Part<T> {
    let (lowest, highest) = exponents::<T>(shape, domain);
    // What logarithms and roots split at: sqrt(2), and the cube roots of 2 and 4.
    const OTHERS: [f64; 4] = [std::f64::consts::SQRT_2, 1.259_921_049_894_873_2, 1.587_401_051_968_199_4, 4.0 / 3.0];
    Part::new((highest - lowest + 1) as usize, move |chunk, out| {
        let scale = power_of_two(lowest + chunk as i32);
        for significand in (0..256).map(|j| 1.0 + f64::from(j) / 256.0).chain(OTHERS) {
            push_both_signs(T::from_f64(significand * scale), domain, out);
        }
    })
}

/// Around `k/128` up to 1024, and `k/1024` up to 8.
pub(super) fn fractions<T: Real>(domain: (f64, f64)) -> Part<T> {
    const COARSE: usize = 1024 * 128;
    const FINE: usize = 8 * 1024;
    const PER_CHUNK: usize = CHUNK / 16;
    Part::new((COARSE + FINE).div_ceil(PER_CHUNK), move |chunk, out| {
        for idx in chunk * PER_CHUNK..((chunk + 1) * PER_CHUNK).min(COARSE + FINE) {
            let value = if idx < COARSE { (idx + 1) as f64 / 128.0 } else { (idx + 1 - COARSE) as f64 / 1024.0 };
            push_both_signs(T::from_f64(value), domain, out);
        }
    })
}

/// Around multiples of a constant's parts: the first 4096 of each, and as many of all sizes up to
/// where neighbours of the dtype are further apart.
pub(super) fn multiples<T: Real>(
    constant: Constant,
    divisors: &'static [u32],
    domain: (f64, f64),
    seed: u64,
) -> Part<T> {
    const CHUNKS_EACH: usize = 16;
    const PER_CHUNK: u64 = 512;
    // Exact to beyond any neighbour's half, for factors of 64 bits.
    let value = match constant {
        Constant::Pi => Float::with_val(256, Known::Pi),
        Constant::Ln2 => Float::with_val(256, Known::Log2),
        Constant::Log2 => Float::with_val(256, 2).log10(),
    };
    Part::new(divisors.len() * CHUNKS_EACH, move |chunk, out| {
        let step = value.clone() / divisors[chunk / CHUNKS_EACH];
        let mut random = Random::of(seed, 3, chunk);
        for idx in 0..PER_CHUNK {
            let first = (chunk % CHUNKS_EACH) as u64;
            let factor = if first < CHUNKS_EACH as u64 / 2 {
                first * PER_CHUNK + idx + 1
            } else {
                (random.next() | 1 << 63) >> random.between(64 - T::FORMAT.precision, 52)
            };
            let multiple = Float::with_val(256, &step * factor);
            push_both_signs(T::from_f64(multiple.to_f64()), domain, out);
        }
    })
}

/// What is around `value` and around its negative, if they are in the domain or at its edge.
fn push_both_signs<T: Real>(value: T, domain: (f64, f64), out: &mut Points<T>) {
    if value.to_f64() <= domain.1 {
        out.push_around(value, AROUND);
    }
    if -value.to_f64() >= domain.0 {
        out.push_around(negated(value), AROUND);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    fn has(points: &[(f64, f64)], value: f64) -> bool {
        points.iter().any(|&(x, _)| x == value)
    }

    #[test]
    fn significands_are_of_every_binade() {
        let shape = Shape::of("exp");
        let points = all(&significands::<f64>(shape, shape.domain(53)));
        for value in [1.0, -1.0, 1.0 + 255.0 / 256.0, 1.5 * 2f64.powi(-60), 640.0, -700.0, 0.75f64.next_down()] {
            assert!(has(&points, value), "{value:e}");
        }
        assert!(!has(&points, 712.0));
        assert_eq!(all(&significands::<f32>(Shape::of("log"), (0.0, f32::MAX.into()))).len(), 277 * 260 * 9);
    }

    #[test]
    fn fractions_stay_in_the_domain() {
        let points = all(&fractions::<f64>((-1.0, 1.0)));
        for value in [1.0 / 128.0, -1.0, 1.0, 1.0f64.next_up(), 3.0 / 1024.0] {
            assert!(has(&points, value), "{value:e}");
        }
        assert!(points.iter().all(|&(x, _)| x.abs() < 1.001));
        assert!(has(&all(&fractions::<f64>((0.0, f64::MAX))), 1024.0));
    }

    #[test]
    fn multiples_are_the_nearest_numbers() {
        let points = all(&multiples::<f64>(Constant::Pi, &[2, 32], (f64::MIN, f64::MAX), 1));
        let half = std::f64::consts::FRAC_PI_2;
        for value in [half, -half, half.next_up(), 3.0 * half / 16.0, 4096.0 * half] {
            assert!(has(&points, value), "{value:e}");
        }
        assert!(points.iter().any(|&(x, _)| x > 1e12));
    }
}
