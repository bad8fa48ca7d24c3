//! The measure: how many units in the last place a result is from the exact value.

use rug::Float;

use crate::float::Format;

/// The error of `found`, in units in the last place of the exact value.
///
/// The unit is `2^(max(e, min_exponent) - (precision - 1))` for an exact value in `[2^e, 2^(e +
/// 1))`; beyond the largest number it is that of the largest. An infinity is taken as
/// `2^(max_exponent + 1)`, and is right where the exact value is that or more. What no distance can
/// describe is an infinite error: NaN for a number, the wrong infinity, another number where the
/// exact one is a zero or an infinity, and a zero of the wrong sign.
pub(crate) fn error_in_ulps(found: f64, exact: &Float, format: Format) -> f64 {
    if exact.is_nan() || found.is_nan() {
        return if exact.is_nan() && found.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let has_same_sign = found.is_sign_negative() == exact.is_sign_negative();
    if !exact.is_normal() {
        let is_same = if exact.is_zero() { found == 0.0 } else { found.is_infinite() };
        return if is_same && has_same_sign { 0.0 } else { f64::INFINITY };
    }
    if !has_same_sign && (found == 0.0 || found.is_infinite()) {
        return f64::INFINITY;
    }
    // MPFR's exponent is that of a significand below one.
    let exponent = exact.get_exp().map_or(0, |exponent| exponent - 1);
    let found = if found.is_infinite() {
        let overflow = Float::with_val(64, 1) << (format.max_exponent + 1);
        if *exact.as_abs() >= overflow {
            return 0.0;
        }
        if exact.is_sign_negative() { -overflow } else { overflow }
    } else {
        Float::with_val(53, found)
    };
    let ulp_exponent = exponent.clamp(format.min_exponent, format.max_exponent) - (format.precision - 1);
    // If the two are close, some 100 bits of this are good, because the exact value is rounded too.
    let difference = Float::with_val(exact.prec() + 1, &found - exact);
    (difference.abs() >> ulp_exponent).to_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::Real;

    const F64: Format = f64::FORMAT;
    const F32: Format = f32::FORMAT;

    fn exact(value: f64) -> Float {
        Float::with_val(200, value)
    }

    /// `value + ulps * 2^exponent`.
    fn beside(value: f64, ulps: f64, exponent: i32) -> Float {
        exact(value) + (exact(ulps) << exponent)
    }

    #[test]
    fn the_unit_is_that_of_the_exact_value() {
        assert_eq!(error_in_ulps(1.0, &exact(1.0), F64), 0.0);
        assert_eq!(error_in_ulps(1.0f64.next_up(), &exact(1.0), F64), 1.0);
        assert_eq!(error_in_ulps(1.0, &beside(1.0, 0.25, -52), F64), 0.25);
        // Just below a power of two the unit is half as large.
        assert_eq!(error_in_ulps(1.0, &beside(1.0, -0.25, -53), F64), 0.25);
        assert_eq!(error_in_ulps(1.0, &beside(1.0, -0.25, -24), F32), 0.25);
        assert_eq!(error_in_ulps(-3.0, &beside(-3.0, 0.75, -51), F64), 0.75);
        assert_eq!(error_in_ulps(2.0, &exact(1.0), F32), 8388608.0);
    }

    #[test]
    fn subnormals_have_the_unit_of_the_smallest_normal() {
        assert_eq!(error_in_ulps(5e-324, &beside(0.0, 0.5, -1074), F64), 0.5);
        assert_eq!(error_in_ulps(0.0, &beside(0.0, 0.75, -1074), F64), 0.75);
        assert_eq!(error_in_ulps(0.0, &(exact(1.0) >> 5000), F64), 0.0);
        assert_eq!(error_in_ulps(5e-324, &(exact(1.0) >> 5000), F64), 1.0);
        assert_eq!(error_in_ulps(2f64.powi(-149), &beside(0.0, 0.25, -149), F32), 0.75);
    }

    #[test]
    fn infinity_is_the_power_of_two_beyond_the_largest() {
        assert_eq!(error_in_ulps(f64::INFINITY, &beside(f64::MAX, 0.5, 971), F64), 0.5);
        assert_eq!(error_in_ulps(f64::INFINITY, &exact(f64::MAX), F64), 1.0);
        assert_eq!(error_in_ulps(f64::NEG_INFINITY, &exact(-f64::MAX), F64), 1.0);
        assert_eq!(error_in_ulps(f64::INFINITY, &(exact(1.0) << 5000), F64), 0.0);
        assert_eq!(error_in_ulps(f64::MAX, &(exact(1.0) << 1024), F64), 1.0);
        assert!(error_in_ulps(f64::MAX, &(exact(1.0) << 5000), F64) > 1e300);
        assert_eq!(error_in_ulps(f64::INFINITY, &exact(f32::MAX.into()), F32), 1.0);
    }

    #[test]
    fn special_values_are_right_or_infinitely_wrong() {
        let (infinity, nan) = (f64::INFINITY, f64::NAN);
        for (found, right, error) in [
            (nan, nan, 0.0),
            (-nan, nan, 0.0),
            (nan, 1.0, infinity),
            (1.0, nan, infinity),
            (infinity, infinity, 0.0),
            (-infinity, infinity, infinity),
            (f64::MAX, infinity, infinity),
            (-infinity, f64::MAX, infinity),
            (0.0, 0.0, 0.0),
            (-0.0, 0.0, infinity),
            (5e-324, 0.0, infinity),
            (0.0, -5e-324, infinity),
            (-0.0, -5e-324, 1.0),
        ] {
            assert_eq!(error_in_ulps(found, &exact(right), F64), error, "{found:?} for {right:?}");
        }
    }
}
