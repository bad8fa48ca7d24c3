//! Where the functions of one argument are not trivial, and what their code may split that into.

/// A number that code reduces arguments by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    Pi,
    Ln2,
    /// log10(2).
    Log2,
}

/// What to know about a function to try it where it is hard.
pub(super) struct Shape {
    name: &'static str,
    /// The arguments of float64 whose results are neither constant nor beyond the dtype, about.
    domain_f64: (f64, f64),
    /// The same of float32.
    domain_f32: (f64, f64),
    /// Below this power of two the function is trivial: x itself, or a constant.
    pub(super) least_exponent: i32,
    /// Ranges to look at closer.
    pub(super) ranges: &'static [(f64, f64)],
    /// Multiples of this constant divided by these numbers are where pieces may meet.
    pub(super) steps: Option<(Constant, &'static [u32])>,
}

impl Shape {
    /// The shape of this function; a plain one if nothing is known of it.
    pub(super) fn of(name: &str) -> &'static Shape {
        SHAPES.iter().find(|shape| shape.name == name).unwrap_or(&PLAIN)
    }

    /// The domain for a dtype of this precision.
    pub(super) fn domain(&self, precision: i32) -> (f64, f64) {
        if precision == 24 { self.domain_f32 } else { self.domain_f64 }
    }
}

const ALL_F64: (f64, f64) = (f64::MIN, f64::MAX);
const ALL_F32: (f64, f64) = (f32::MIN as f64, f32::MAX as f64);
const POSITIVE_F64: (f64, f64) = (0.0, f64::MAX);
const POSITIVE_F32: (f64, f64) = (0.0, f32::MAX as f64);
const UNIT: (f64, f64) = (-1.0, 1.0);

/// Down to the smallest numbers.
const ALL: i32 = -1074;

static PLAIN: Shape = Shape {
    name: "",
    domain_f64: ALL_F64,
    domain_f32: ALL_F32,
    least_exponent: ALL,
    ranges: &[(-1.0, 1.0), (-10.0, 10.0), (-1000.0, 1000.0)],
    steps: None,
};

/// A shape in a line or two.
macro_rules! shape {
    ($name:literal, $f64:expr, $f32:expr, from $least:expr, $ranges:expr, $steps:expr) => {
        Shape {
            name: $name,
            domain_f64: $f64,
            domain_f32: $f32,
            least_exponent: $least,
            ranges: &$ranges,
            steps: $steps,
        }
    };
}

const PI_STEPS: Option<(Constant, &[u32])> = Some((Constant::Pi, &[1, 2, 4, 8, 16, 32, 64, 128, 256]));
const LN_2_STEPS: Option<(Constant, &[u32])> = Some((Constant::Ln2, &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]));
const LOG_2_STEPS: Option<(Constant, &[u32])> = Some((Constant::Log2, &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512]));
const NEAR_ONE: [(f64, f64); 4] = [(0.5, 2.0), (0.7, 1.42), (0.9, 1.1), (0.99, 1.01)];
const TURNS: [(f64, f64); 5] = [(-0.8, 0.8), (-3.2, 3.2), (-10.0, 10.0), (-1e3, 1e3), (-1e6, 1e6)];
/// Around the zeros of ln|gamma(x)| below 0, which lie closer and closer to the whole numbers.
const GAMMA_LOGARITHM: [(f64, f64); 9] = [
    (-2.8, -2.4),
    (-4.0, -3.0),
    (-6.1, -4.0),
    (-12.0, -6.0),
    (-3.0, 3.0),
    (0.5, 3.0),
    (1.9, 2.1),
    (-40.0, 40.0),
    (-300.0, 300.0),
];

#[rustfmt::skip]
static SHAPES: &[Shape] = &[
    shape!("exp", (-746.0, 710.0), (-104.5, 89.0), from -60, [(-0.4, 0.4), (-2.0, 2.0), (-20.0, 20.0)], LN_2_STEPS),
    shape!("exp2", (-1076.0, 1024.5), (-151.0, 128.5), from -60, [(-0.6, 0.6), (-2.0, 2.0), (-20.0, 20.0)], None),
    shape!("exp10", (-324.5, 308.5), (-46.0, 39.0), from -60, [(-0.2, 0.2), (-2.0, 2.0), (-20.0, 20.0)], LOG_2_STEPS),
    shape!("expm1", (-40.0, 710.0), (-18.0, 89.0), from -60, [(-0.4, 0.4), (-2.0, 2.0), (-40.0, 40.0)], LN_2_STEPS),
    shape!("log", POSITIVE_F64, POSITIVE_F32, from ALL, NEAR_ONE, None),
    shape!("log2", POSITIVE_F64, POSITIVE_F32, from ALL, NEAR_ONE, None),
    shape!("log10", POSITIVE_F64, POSITIVE_F32, from ALL, NEAR_ONE, None),
    shape!("log1p", (-1.0, f64::MAX), (-1.0, f32::MAX as f64), from -60,
        [(-1.0, 2.0), (-0.3, 0.42), (-0.1, 0.1), (-0.01, 0.01)], None),
    shape!("sin", ALL_F64, ALL_F32, from -30, TURNS, PI_STEPS),
    shape!("cos", ALL_F64, ALL_F32, from -30, TURNS, PI_STEPS),
    shape!("tan", ALL_F64, ALL_F32, from -30, TURNS, PI_STEPS),
    shape!("asin", UNIT, UNIT, from -40, [(0.4, 0.8), (0.9, 1.0), (-0.1, 0.1)], None),
    shape!("acos", UNIT, UNIT, from -60, [(0.4, 0.8), (0.9, 1.0), (-0.1, 0.1)], None),
    shape!("atan", ALL_F64, ALL_F32, from -40, [(-0.5, 0.5), (-3.0, 3.0), (-20.0, 20.0)], None),
    shape!("sinh", (-711.0, 711.0), (-90.0, 90.0), from -40, [(-1.0, 1.0), (-3.0, 3.0), (-25.0, 25.0)], LN_2_STEPS),
    shape!("cosh", (-711.0, 711.0), (-90.0, 90.0), from -40, [(-1.0, 1.0), (-3.0, 3.0), (-25.0, 25.0)], LN_2_STEPS),
    shape!("tanh", (-20.0, 20.0), (-10.0, 10.0), from -40, [(-0.3, 0.3), (-1.0, 1.0), (-3.0, 3.0)], LN_2_STEPS),
    shape!("asinh", ALL_F64, ALL_F32, from -40, [(-0.5, 0.5), (-3.0, 3.0), (-20.0, 20.0)], None),
    shape!("acosh", (1.0, f64::MAX), (1.0, f32::MAX as f64), from 0, [(1.0, 1.01), (1.0, 3.0), (1.0, 20.0)], None),
    shape!("atanh", UNIT, UNIT, from -40, [(-0.3, 0.3), (0.4, 0.6), (0.9, 1.0)], None),
    shape!("cbrt", ALL_F64, ALL_F32, from ALL, [(1.0, 8.0), (-10.0, 10.0)], None),
    shape!("erf", (-6.0, 6.0), (-4.0, 4.0), from ALL, [(-0.5, 0.5), (-1.0, 1.0), (-3.0, 3.0)], None),
    shape!("erfc", (-6.0, 27.5), (-4.0, 10.5), from -60, [(-1.0, 3.0), (0.2, 0.6), (0.8, 6.0)], None),
    shape!("cube", (-5.7e102, 5.7e102), (-7e12, 7e12), from -360, [(1.0, 2.0), (-9.0, 9.0)], None),
    shape!("quart", (-1.2e77, 1.2e77), (-4.3e9, 4.3e9), from -270, [(1.0, 2.0), (-9.0, 9.0)], None),
    shape!("sigmoid", (-746.0, 40.0), (-104.5, 20.0), from -60, [(-0.4, 0.4), (-3.0, 3.0), (-20.0, 20.0)], LN_2_STEPS),
    shape!("tgamma", (-186.0, 172.0), (-45.0, 36.0), from ALL,
        [(-0.5, 0.5), (0.5, 3.0), (-3.0, 3.0), (-10.0, 10.0), (10.0, 30.0)], None),
    shape!("lgamma", ALL_F64, ALL_F32, from ALL, GAMMA_LOGARITHM, None),
];

#[cfg(test)]
mod tests {
    use super::*;
    use ndexpr_runtime::dtype::DType;
    use ndexpr_runtime::math::MathFn;

    #[test]
    fn every_function_of_one_argument_has_a_shape() {
        for function in MathFn::ALL.into_iter().filter(|function| function.max_ulp(DType::Float64).is_some()) {
            let is_known = Shape::of(function.name()).name == function.name();
            assert_eq!(is_known, function.arity() == 1, "{}", function.name());
        }
    }

    #[test]
    fn ranges_are_not_empty() {
        for shape in SHAPES {
            for &(lo, hi) in shape.ranges.iter().chain([&shape.domain_f64, &shape.domain_f32]) {
                assert!(lo < hi, "{}", shape.name);
            }
            assert!(shape.domain_f32.1 <= shape.domain_f64.1, "{}", shape.name);
        }
    }
}
