//! MPFR's functions, by name, at any precision.

use rug::Float;
use rug::ops::Pow;

/// `f(x, y)` to so many bits.
pub(super) type Exact = fn(f64, f64, u32) -> Float;

macro_rules! unary {
    ($method:ident) => {
        |x, _, precision| Float::with_val(precision, x).$method()
    };
}

/// The function of this name.
pub(super) fn function(name: &str) -> Option<Exact> {
    Some(match name {
        "exp" => unary!(exp),
        "exp2" => unary!(exp2),
        "exp10" => unary!(exp10),
        "expm1" => unary!(exp_m1),
        "log" => unary!(ln),
        "log2" => unary!(log2),
        "log10" => unary!(log10),
        "log1p" => unary!(ln_1p),
        "sin" => unary!(sin),
        "cos" => unary!(cos),
        "tan" => unary!(tan),
        "asin" => unary!(asin),
        "acos" => unary!(acos),
        "atan" => unary!(atan),
        "sinh" => unary!(sinh),
        "cosh" => unary!(cosh),
        "tanh" => unary!(tanh),
        "asinh" => unary!(asinh),
        "acosh" => unary!(acosh),
        "atanh" => unary!(atanh),
        "cbrt" => unary!(cbrt),
        "erf" => unary!(erf),
        "erfc" => unary!(erfc),
        "tgamma" => tgamma,
        "lgamma" => |x, _, precision| Float::with_val(precision, x).ln_abs_gamma().0,
        "cube" => |x, _, precision| Float::with_val(precision, x).pow(3),
        "quart" => |x, _, precision| Float::with_val(precision, x).pow(4),
        "sigmoid" => sigmoid,
        "atan2" => |y, x, precision| Float::with_val(precision, y).atan2(&Float::with_val(precision, x)),
        "hypot" => |x, y, precision| Float::with_val(precision, x).hypot(&Float::with_val(precision, y)),
        "pow" => |x, y, precision| Float::with_val(precision, x).pow(Float::with_val(precision, y)),
        _ => return None,
    })
}

/// 1/(1 + e^-x): three roundings, each relative, for nothing cancels.
fn sigmoid(x: f64, _: f64, precision: u32) -> Float {
    ((Float::with_val(precision, -x).exp()) + 1u32).recip()
}

/// Below -300 the value is less than any number's half, whose sign alone counts; MPFR takes long to
/// say so.
fn tgamma(x: f64, _: f64, precision: u32) -> Float {
    if x < -300.0 && x.is_finite() && x.fract() != 0.0 {
        let tiny = Float::with_val(precision, 1) >> 5000u32;
        // Positive between -2k and -2k + 1.
        return if x.floor() % 2.0 == 0.0 { tiny } else { -tiny };
    }
    Float::with_val(precision, x).gamma()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, x: f64, y: f64) -> f64 {
        function(name).expect("a function")(x, y, 160).to_f64()
    }

    #[test]
    fn names_are_of_the_functions_they_say() {
        assert_eq!(value("exp10", 3.0, 0.0), 1000.0);
        assert_eq!(value("cube", -3.0, 0.0), -27.0);
        assert_eq!(value("quart", -3.0, 0.0), 81.0);
        assert_eq!(value("sigmoid", 0.0, 0.0), 0.5);
        assert_eq!(value("sigmoid", -1e308, 0.0), 0.0);
        assert_eq!(value("tgamma", 5.0, 0.0), 24.0);
        assert_eq!(value("lgamma", -1.5, 0.0), 0.860_047_015_376_481);
        assert_eq!(value("atan2", 1.0, 0.0), std::f64::consts::FRAC_PI_2);
        assert_eq!(value("hypot", 3.0, -4.0), 5.0);
        assert_eq!(value("pow", 2.0, -1.0), 0.5);
        assert!(value("pow", -8.0, 0.5).is_nan());
    }

    #[test]
    fn far_below_zero_the_gamma_function_keeps_its_sign() {
        for x in [-299.5, -298.5, -300.5, -301.5, -1000.25] {
            let of_the_library = Float::with_val(160, x).gamma();
            assert_eq!(tgamma(x, 0.0, 160).is_sign_negative(), of_the_library.is_sign_negative(), "{x}");
        }
        assert!(tgamma(-301.0, 0.0, 160).is_nan());
        assert!(tgamma(f64::NEG_INFINITY, 0.0, 160).is_nan());
    }
}
