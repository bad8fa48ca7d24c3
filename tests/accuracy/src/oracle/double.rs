//! CORE-MATH's correctly rounded functions, by name.

use core_math as cr;

use crate::float::{Format, Real};

/// What CORE-MATH has for one function.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) nearest_f32: Option<fn(f32, f32) -> f32>,
    pub(super) nearest_f64: Option<fn(f64, f64) -> f64>,
    /// Within a few ULP of a double.
    pub(super) double: fn(f64, f64) -> f64,
}

macro_rules! unary {
    ($name:literal, $f32:ident, $f64:ident) => {
        Row {
            name: $name,
            nearest_f32: Some(|x, _| cr::$f32(x)),
            nearest_f64: Some(|x, _| cr::$f64(x)),
            double: |x, _| cr::$f64(x),
        }
    };
}

macro_rules! binary {
    ($name:literal, $f32:ident, $f64:ident) => {
        Row { name: $name, nearest_f32: Some(cr::$f32), nearest_f64: Some(cr::$f64), double: cr::$f64 }
    };
}

static ROWS: &[Row] = &[
    unary!("exp", expf, exp),
    unary!("exp2", exp2f, exp2),
    unary!("exp10", exp10f, exp10),
    unary!("expm1", expm1f, expm1),
    unary!("log", logf, log),
    unary!("log2", log2f, log2),
    unary!("log10", log10f, log10),
    unary!("log1p", log1pf, log1p),
    unary!("sin", sinf, sin),
    unary!("cos", cosf, cos),
    unary!("tan", tanf, tan),
    unary!("asin", asinf, asin),
    unary!("acos", acosf, acos),
    unary!("atan", atanf, atan),
    binary!("atan2", atan2f, atan2),
    unary!("sinh", sinhf, sinh),
    unary!("cosh", coshf, cosh),
    unary!("tanh", tanhf, tanh),
    unary!("asinh", asinhf, asinh),
    unary!("acosh", acoshf, acosh),
    unary!("atanh", atanhf, atanh),
    binary!("pow", powf, pow),
    unary!("cbrt", cbrtf, cbrt),
    binary!("hypot", hypotf, hypot),
    unary!("erf", erff, erf),
    unary!("erfc", erfcf, erfc),
    unary!("tgamma", tgammaf, tgamma),
    unary!("lgamma", lgammaf, lgamma),
    // A cube of a float32 has 72 bits, a fourth power 96: rounded in double, each would be rounded
    // twice.
    Row {
        name: "cube",
        nearest_f32: Some(|x, _| cr::powf(x, 3.0)),
        nearest_f64: Some(|x, _| cr::pow(x, 3.0)),
        double: |x, _| x * x * x,
    },
    Row {
        name: "quart",
        nearest_f32: Some(|x, _| cr::powf(x, 4.0)),
        nearest_f64: Some(|x, _| cr::pow(x, 4.0)),
        double: |x, _| (x * x) * (x * x),
    },
    // No library has this one correctly rounded.
    Row { name: "sigmoid", nearest_f32: None, nearest_f64: None, double: |x, _| 1.0 / (1.0 + cr::exp(-x)) },
];

pub(super) fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.name)
}

/// How many float32 ULP `found` is from `function`'s value, or more where that is a power of two;
/// `None` if only one of them is NaN, infinite or zero, or if their signs differ.
pub(super) fn error(function: fn(f64, f64) -> f64, x: f32, y: f32, found: f32) -> Option<f64> {
    const FORMAT: Format = f32::FORMAT;
    const OVERFLOW: f64 = f32::MAX as f64 + (1u128 << 103) as f64;
    let (value, found) = (function(x.into(), y.into()), f64::from(found));
    if value.is_nan() || found.is_nan() {
        return (value.is_nan() && found.is_nan()).then_some(0.0);
    }
    if value.is_sign_negative() != found.is_sign_negative() {
        return None;
    }
    if value == found || found.is_infinite() && value.abs() >= OVERFLOW {
        return Some(0.0);
    }
    if value == 0.0 || found.is_infinite() || value.abs() >= OVERFLOW {
        return None;
    }
    // What rounded to a power of two may be less, where the unit is half as large; and so may what
    // is next to nothing, as a subnormal double is, whose exponent is far below the least of a
    // float32 whatever its field says.
    let below = value.to_bits() - 1;
    let exponent = (below >> 52 & 0x7ff) as i32 - 1023;
    let ulp_exponent = exponent.clamp(FORMAT.min_exponent, FORMAT.max_exponent) - (FORMAT.precision - 1);
    let ulps_in_one = f64::from_bits(((1023 - ulp_exponent) as u64) << 52);
    Some((found - value).abs() * ulps_in_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_float32_are_in_its_ulps() {
        let of = |value: f64, found: f32| error(|x, _| x, value as f32, 0.0, found);
        assert_eq!(of(1.5, 1.5f32.next_up()), Some(1.0));
        assert_eq!(of(1.0, 1.0f32.next_down()), Some(1.0), "of a number that may be just below 1");
        assert_eq!(of(-3.0, -3.0), Some(0.0));
        assert_eq!(of(f64::INFINITY, f32::INFINITY), Some(0.0));
        assert_eq!(of(f64::NAN, f32::NAN), Some(0.0));
        assert_eq!(of(0.0, f32::from_bits(1)), None);
        assert_eq!(of(-1.0, 1.0), None);
        assert_eq!(of(f64::INFINITY, f32::MAX), None);
        assert_eq!(error(|_, _| 1e-310, 0.0, 0.0, f32::from_bits(2)), Some(2.0));
        assert_eq!(error(|_, _| 3.5e38, 0.0, 0.0, f32::INFINITY), Some(0.0));
    }
}
