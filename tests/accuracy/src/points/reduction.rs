//! The arguments closest to multiples of pi/2, which are the hardest to reduce: Kahan's method.
//!
//! For each exponent e, those are the whole numbers m for which `m * 2^e * 2/pi` is closest to a
//! whole number. The continued fraction of the fraction of `2^e * 2/pi` has denominators that are
//! closest of all up to their size; sums of a few of the largest that fit the significand are
//! nearly as close, and there are many.

use rug::Float;
use rug::float::Constant;

use super::{Part, negated, power_of_two};
use crate::float::Real;

/// Reaches 2^-300 below the binary point after a shift by any exponent.
const PRECISION: u32 = 1400;

/// Below this exponent of m there are no arguments that a reduction is hard for.
const LOWEST_EXPONENT: i32 = -60;

/// Some hundreds for each exponent.
pub(super) fn part<T: Real>() -> Part<T> {
    let two_over_pi = Float::with_val(PRECISION, 2) / Float::with_val(PRECISION, Constant::Pi);
    let highest = T::FORMAT.max_exponent - (T::FORMAT.precision - 1);
    Part::new((highest - LOWEST_EXPONENT + 1) as usize, move |chunk, out| {
        let exponent = LOWEST_EXPONENT + chunk as i32;
        let shifted = two_over_pi.clone() << exponent;
        let fraction = Float::with_val(PRECISION, shifted.fract_ref());
        for significand in closest(fraction, T::FORMAT.precision as u32) {
            let x = T::from_f64(significand as f64 * power_of_two(exponent));
            out.push(x, T::default());
            out.push(negated(x), T::default());
        }
    })
}

/// Significands of so many bits whose multiples of `fraction` are close to whole numbers.
fn closest(fraction: Float, bits: u32) -> Vec<i64> {
    let denominators = denominators(fraction, 1 << bits);
    let range = 1i64 << (bits - 1)..1 << bits;
    let [.., third, second, largest] = denominators[..] else { return Vec::new() };
    let mut found = Vec::new();
    for largests in 0..=(range.end / largest).min(16) {
        for seconds in -16..=16 {
            for thirds in -4..=4 {
                found.push(largests * largest + seconds * second + thirds * third);
            }
        }
    }
    found.retain(|significand| range.contains(significand));
    found.sort_unstable();
    found.dedup();
    found
}

/// The denominators of the convergents of a number between 0 and 1, up to `limit`.
fn denominators(mut rest: Float, limit: i64) -> Vec<i64> {
    let (mut before, mut last) = (0i128, 1i128);
    let mut found = Vec::new();
    while last <= i128::from(limit) && !rest.is_zero() {
        found.push(last as i64);
        rest.recip_mut();
        // Beyond the limit squared the next denominator is too, whatever it is exactly.
        let quotient = rest.to_f64().min(1e18) as i128;
        let whole = Float::with_val(rest.prec(), rest.floor_ref());
        rest -= whole;
        (before, last) = (last, quotient * last + before);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    #[test]
    fn the_worst_known_argument_is_among_them() {
        let worst = 6381956970095103.0 * 2f64.powi(797);
        let points = all(&part::<f64>());
        assert!(points.iter().any(|&(x, _)| x == worst));
        assert!(points.iter().any(|&(x, _)| x == -worst));
        assert!(points.len() > 100_000, "{}", points.len());
    }

    #[test]
    fn all_are_close() {
        for (x, _) in all(&part::<f64>()).into_iter().step_by(1001) {
            let pi = Float::with_val(1400, Constant::Pi);
            let turns: Float = Float::with_val(1400, x) / pi * 2;
            let distance = Float::with_val(53, turns.clone() - turns.round()).abs().to_f64();
            assert!(distance < 1e-9, "{x:e} is {distance} of a quarter turn off");
        }
    }

    #[test]
    fn convergents_of_pi_are_the_known_ones() {
        let fraction = Float::with_val(300, Constant::Pi) - 3u32;
        assert_eq!(denominators(fraction, 40_000), [1, 7, 106, 113, 33102, 33215]);
    }
}
