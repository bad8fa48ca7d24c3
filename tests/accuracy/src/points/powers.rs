//! Arguments for pow: results of every size, bases near 1, and powers that are exact or nearly
//! halfway.

use super::{Points, negated, power_of_two};
use crate::float::{Format, Real};
use crate::random::Random;

/// One pair.
pub(super) fn draw<T: Real>(random: &mut Random) -> (T, T) {
    let Format { precision, max_exponent, .. } = T::FORMAT;
    let least = T::FORMAT.least_exponent();
    match random.below(16) {
        // A base of any size, and the exponent that gives a result of any size.
        0..3 => {
            let x = random.of_exponents(least, max_exponent);
            to_result(x, any_result::<T>(random), random)
        }
        3..5 => {
            let x = random.uniform(0.5, 2.0);
            to_result(x, any_result::<T>(random), random)
        }
        // A base near 1, where the exponent is huge.
        5..8 => {
            let x = near_one::<T>(random);
            to_result(x.to_f64(), any_result::<T>(random), random)
        }
        // A result at the end of the normal or subnormal numbers.
        8..10 => {
            let x = if random.next() & 1 == 0 {
                random.of_exponents(least, max_exponent)
            } else {
                near_one::<T>(random).to_f64()
            };
            let edge = [least - 1, least, T::FORMAT.min_exponent, max_exponent + 1][random.below(4) as usize];
            let nearness = power_of_two(-random.between(0, precision - 8));
            to_result(x, f64::from(edge) + random.uniform(-2.0, 2.0) * nearness, random)
        }
        // A result near 1.
        10 => {
            let x = random.of_exponents(least, max_exponent);
            let logarithm = random.of_exponents(-precision - 4, 0) * random.sign();
            to_result(x, logarithm, random)
        }
        11 => (T::from_f64(random.uniform(0.0, 100.0)), T::from_f64(random.uniform(-30.0, 30.0))),
        // Whole and half exponents, of bases of either sign.
        12 => {
            let y = f64::from(random.between(-128, 128)) / 2.0;
            let top = f64::from(max_exponent) / y.abs().max(1.0);
            let x = random.of_exponents(-top as i32 - 1, top as i32) * random.sign();
            (T::from_f64(x), T::from_f64(y))
        }
        // Around the edges of a logarithm's table.
        13 => {
            let significand = 1.0 + random.below(256) as f64 / 256.0;
            let x =
                T::from_f64(significand * power_of_two(random.between(-30, 30))).offset(random.between(-4, 4).into());
            to_result(x.to_f64(), any_result::<T>(random), random)
        }
        // Few bits in base and exponent: powers that are exact, or just too long to be.
        14 => {
            let bits = random.between(1, precision / 2);
            let x = 1.0 + random.below(1 << bits) as f64;
            let y = f64::from(random.between(1, 4 * precision / bits)) / [1.0, 2.0, 4.0][random.below(3) as usize];
            let x = if random.next() & 1 == 0 { x * x } else { x };
            (T::from_f64(x * power_of_two(2 * random.between(-20, 20))), T::from_f64(y * random.sign()))
        }
        _ => {
            let x = random.of_exponents(least, max_exponent) * random.sign();
            (T::from_f64(x), T::from_f64(f64::from(random.between(-9, 9))))
        }
    }
}

/// The base-2 logarithm of a result somewhat beyond both ends of the dtype.
fn any_result<T: Real>(random: &mut Random) -> f64 {
    random.uniform(f64::from(T::FORMAT.least_exponent()) * 1.006, f64::from(T::FORMAT.max_exponent) * 1.006)
}

/// `1 + 2^-k * u`, or `1 - 2^-k * u`.
fn near_one<T: Real>(random: &mut Random) -> T {
    let k = random.between(1, T::FORMAT.precision);
    T::from_f64(1.0 + random.uniform(0.5, 1.0) * power_of_two(-k) * random.sign())
}

/// The base, and the exponent for a result of this base-2 logarithm; a whole exponent, and a
/// negative base, at times.
fn to_result<T: Real>(x: f64, logarithm: f64, random: &mut Random) -> (T, T) {
    let x = T::from_f64(x);
    let y = logarithm / x.to_f64().log2();
    match random.below(8) {
        0 => (x, T::from_f64(y.round())),
        1 => (negated(x), T::from_f64(y.round())),
        _ => (x, T::from_f64(y)),
    }
}

/// Powers of small whole numbers and of quotients of them, with whole, half and quarter exponents.
pub(super) fn push_exact<T: Real>(out: &mut Points<T>) {
    for base in 1..=64 {
        for quarters in -256..=256 {
            let y = T::from_f64(f64::from(quarters) / 4.0);
            let x = f64::from(base);
            for x in [x, x * x, x / 64.0, 1.0 / x, -x] {
                let x = T::from_f64(x);
                out.push(x, y);
                out.push(x.offset(1), y);
                out.push(x.offset(-1), y);
            }
        }
    }
    for base in 1..=20_000 {
        let root = f64::from(base);
        let square = T::from_f64(root * root);
        for exponent in [0.5, -0.5, 1.5, 2.5, -1.5, 1.0, 2.0, 3.0, -1.0] {
            out.push(square, T::from_f64(exponent));
            out.push(T::from_f64(root * root * root * root), T::from_f64(exponent / 2.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_of_every_size() {
        let mut random = Random::new(9);
        let mut of_exponent = [0; 40];
        let (mut n_nan, mut n_near_one) = (0, 0);
        for _ in 0..100_000 {
            let (x, y) = draw::<f64>(&mut random);
            let result = x.powf(y).abs();
            n_nan += i32::from(result.is_nan());
            n_near_one += i32::from((x.abs() - 1.0).abs() < 1e-6 && y.abs() > 1e6);
            if result > 0.0 && result.is_finite() {
                of_exponent[((result.log2() + 1080.0) / 54.0) as usize] += 1;
            }
        }
        assert!(of_exponent[..39].iter().all(|&n| n > 500), "{of_exponent:?}");
        assert!(n_nan < 8_000 && n_near_one > 5_000, "{n_nan} {n_near_one}");
    }

    #[test]
    fn exact_powers_are_there() {
        let mut points = Points::<f64>::default();
        push_exact(&mut points);
        let has = |x, y| points.x.iter().zip(&points.y).any(|(&a, &b)| (a, b) == (x, y));
        assert!(has(3.0, 33.0) && has(81.0, 0.25) && has(49.0, 1.5) && has(-5.0, 3.0) && has(0.25, -0.5));
        assert!(has(19_999.0 * 19_999.0, 0.5));
    }
}
