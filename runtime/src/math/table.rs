//! The table: one row per function, in the order of [`MathFn`]'s variants.
//!
//! `ulp` is the bound that the tests assert; what a search for the largest errors has found is in ACCURACY.md.
//!
//! `ns` is for float32 and float64 at the highest level, as benches/compare has it: tiles of 2048, arguments in the range
//! where the function is mostly used. AMD EPYC Zen 4, 2026-11.

use super::integer::Integer;
use super::tile::binary;
use super::{
    MathFn, erf, exp, exp10, gamma, hyperbolic, inverse_hyperbolic, inverse_trigonometric, log, log_f32, modulo, pow,
    pow_f32, power, trigonometric,
};
use crate::arch::CpuLevel;
use crate::arch::tiles::{self, Binary, Pair, Tiles, Unary};
use crate::arch::vector::{F32s, F64s};
use crate::dtype::DType;

/// What one function is.
pub(super) struct Row {
    function: MathFn,
    pub(super) name: &'static str,
    pub(super) arity: usize,
    f32: Code,
    f64: Code,
    /// From `int8` to `uint64` in [`DType`]'s order, if it is defined for integers.
    ints: Option<[Code; 8]>,
}

/// One function's code for one dtype.
#[derive(Clone, Copy)]
pub(super) struct Code {
    pub(super) tiles: Tiles,
    /// At the highest level.
    ns_per_elem: f32,
    pub(super) max_ulp: Option<f64>,
}

impl Code {
    /// At the level of this process.
    pub(super) fn ns_per_elem(&self) -> f32 {
        self.ns_per_elem * self.tiles.slowdown(CpuLevel::current())
    }
}

impl Row {
    /// The code for a dtype, if there is any.
    pub(super) fn code(&self, dtype: DType) -> Option<&Code> {
        match dtype {
            DType::Bool => None,
            DType::Float32 => Some(&self.f32),
            DType::Float64 => Some(&self.f64),
            _ => self.ints.as_ref()?.get(dtype as usize - DType::Int8 as usize),
        }
    }
}

/// A function of one float, over vectors.
macro_rules! unary_row {
    (
        $variant:ident, $name:literal, [$of_f32:path, $of_f64:path],
        ulp: [$ulp_f32:expr, $ulp_f64:expr], ns: [$ns_f32:expr, $ns_f64:expr]
    ) => {{
        struct Function;

        impl Unary for Function {
            #[inline(always)]
            fn of_f64<V: F64s>(x: V) -> V {
                $of_f64(x)
            }

            #[inline(always)]
            fn of_f32<V: F32s>(x: V) -> V {
                $of_f32(x)
            }
        }

        Row {
            function: MathFn::$variant,
            name: $name,
            arity: 1,
            f32: Code { tiles: tiles::unary_f32::<Function>(), ns_per_elem: $ns_f32, max_ulp: Some($ulp_f32) },
            f64: Code { tiles: tiles::unary_f64::<Function>(), ns_per_elem: $ns_f64, max_ulp: Some($ulp_f64) },
            ints: None,
        }
    }};
}

/// A function of two floats, over vectors, and perhaps of integers.
macro_rules! binary_row {
    (
        $variant:ident, $name:literal, [$of_f32:path, $of_f64:path],
        ulp: [$ulp_f32:expr, $ulp_f64:expr], ns: [$ns_f32:expr, $ns_f64:expr],
        $ints:expr
    ) => {{
        struct Function;

        impl Binary for Function {
            #[inline(always)]
            fn of_f64<V: F64s>(x: V, y: V) -> V {
                $of_f64(x, y)
            }

            #[inline(always)]
            fn of_f32<V: F32s>(x: V, y: V) -> V {
                $of_f32(x, y)
            }
        }

        Row {
            function: MathFn::$variant,
            name: $name,
            arity: 2,
            f32: Code { tiles: tiles::binary_f32::<Function>(), ns_per_elem: $ns_f32, max_ulp: Some($ulp_f32) },
            f64: Code { tiles: tiles::binary_f64::<Function>(), ns_per_elem: $ns_f64, max_ulp: Some($ulp_f64) },
            ints: $ints,
        }
    }};
}

/// A remainder or quotient: floats by `modulo`, integers by `integer`.
macro_rules! modulo_row {
    ($variant:ident, $name:ident, ns: [$ns_f32:expr, $ns_f64:expr, $ns_int:expr, $ns_int64:expr]) => {
        Row {
            function: MathFn::$variant,
            name: stringify!($name),
            arity: 2,
            f32: Code { tiles: Tiles::same(binary!(f32, modulo::f32::$name)), ns_per_elem: $ns_f32, max_ulp: None },
            f64: Code { tiles: Tiles::same(binary!(f64, modulo::f64::$name)), ns_per_elem: $ns_f64, max_ulp: None },
            ints: ints!($name, ns: [$ns_int, $ns_int64]),
        }
    };
}

/// The integers' codes: one time for up to 32 bits and one for 64.
macro_rules! ints {
    ($name:ident, ns: [$ns_int:expr, $ns_int64:expr]) => {
        Some([
            Code { tiles: Tiles::same(binary!(i8, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tiles: Tiles::same(binary!(i16, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tiles: Tiles::same(binary!(i32, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tiles: Tiles::same(binary!(i64, Integer::$name)), ns_per_elem: $ns_int64, max_ulp: None },
            Code { tiles: Tiles::same(binary!(u8, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tiles: Tiles::same(binary!(u16, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tiles: Tiles::same(binary!(u32, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tiles: Tiles::same(binary!(u64, Integer::$name)), ns_per_elem: $ns_int64, max_ulp: None },
        ])
    };
}

pub(super) static ROWS: [Row; MathFn::ALL.len()] = [
    unary_row!(Exp, "exp", [exp::exp, exp::exp], ulp: [1.0, 1.0], ns: [0.2, 0.58]),
    unary_row!(Exp2, "exp2", [exp::exp2, exp::exp2], ulp: [1.0, 1.0], ns: [0.15, 0.47]),
    unary_row!(Exp10, "exp10", [exp10::exp10, exp10::exp10], ulp: [1.0, 1.0], ns: [0.24, 0.67]),
    unary_row!(Expm1, "expm1", [exp::expm1, exp::expm1], ulp: [1.0, 1.0], ns: [0.3, 0.77]),
    unary_row!(Log, "log", [log_f32::log_f32, log::log], ulp: [1.0, 1.0], ns: [0.26, 0.68]),
    unary_row!(Log2, "log2", [log_f32::log2_f32, log::log2], ulp: [1.0, 1.0], ns: [0.26, 0.73]),
    unary_row!(Log10, "log10", [log_f32::log10_f32, log::log10], ulp: [1.0, 1.0], ns: [0.28, 0.76]),
    unary_row!(Log1p, "log1p", [log_f32::log1p_f32, log::log1p], ulp: [1.0, 1.0], ns: [0.41, 0.93]),
    unary_row!(Sin, "sin", [trigonometric::sin_f32, trigonometric::sin], ulp: [1.0, 1.0], ns: [0.36, 0.86]),
    unary_row!(Cos, "cos", [trigonometric::cos_f32, trigonometric::cos], ulp: [1.0, 1.0], ns: [0.36, 0.84]),
    unary_row!(Tan, "tan", [trigonometric::tan_f32, trigonometric::tan], ulp: [1.0, 1.0], ns: [0.54, 1.2]),
    unary_row!(Asin, "asin", [inverse_trigonometric::asin_f32, inverse_trigonometric::asin], ulp: [1.0, 1.0], ns: [0.32, 0.92]),
    unary_row!(Acos, "acos", [inverse_trigonometric::acos_f32, inverse_trigonometric::acos], ulp: [1.0, 1.0], ns: [0.36, 0.95]),
    unary_row!(Atan, "atan", [inverse_trigonometric::atan_f32, inverse_trigonometric::atan], ulp: [1.0, 1.0], ns: [0.39, 1.0]),
    binary_row!(Atan2, "atan2", [inverse_trigonometric::atan2_f32, inverse_trigonometric::atan2], ulp: [1.0, 1.0], ns: [0.57, 1.4], None),
    unary_row!(Sinh, "sinh", [hyperbolic::sinh, hyperbolic::sinh], ulp: [1.0, 1.0], ns: [0.35, 0.84]),
    unary_row!(Cosh, "cosh", [hyperbolic::cosh, hyperbolic::cosh], ulp: [1.0, 1.0], ns: [0.29, 0.77]),
    unary_row!(Tanh, "tanh", [hyperbolic::tanh_f32, hyperbolic::tanh], ulp: [1.0, 1.0], ns: [0.42, 1.4]),
    unary_row!(Asinh, "asinh", [inverse_hyperbolic::asinh_f32, inverse_hyperbolic::asinh], ulp: [1.0, 1.0], ns: [0.66, 1.6]),
    unary_row!(Acosh, "acosh", [inverse_hyperbolic::acosh_f32, inverse_hyperbolic::acosh], ulp: [1.0, 1.0], ns: [0.69, 1.7]),
    unary_row!(Atanh, "atanh", [inverse_hyperbolic::atanh_f32, inverse_hyperbolic::atanh], ulp: [1.0, 1.0], ns: [0.58, 1.4]),
    binary_row!(Pow, "pow", [pow_f32::pow_f32, pow::pow], ulp: [1.0, 1.0], ns: [0.67, 1.9], ints!(pow, ns: [2.9, 2.7])),
    unary_row!(Cbrt, "cbrt", [power::cbrt_f32, power::cbrt], ulp: [1.0, 1.0], ns: [0.34, 0.77]),
    binary_row!(Hypot, "hypot", [power::hypot_f32, power::hypot], ulp: [1.0, 1.0], ns: [0.18, 0.55], None),
    unary_row!(Erf, "erf", [erf::erf_f32, erf::erf], ulp: [1.0, 1.0], ns: [0.25, 1.2]),
    unary_row!(Erfc, "erfc", [erf::erfc_f32, erf::erfc], ulp: [1.0, 1.0], ns: [0.61, 1.9]),
    unary_row!(Tgamma, "tgamma", [gamma::tgamma_f32, gamma::tgamma], ulp: [1.0, 1.0], ns: [1.5, 4.1]),
    unary_row!(Lgamma, "lgamma", [gamma::lgamma_f32, gamma::lgamma], ulp: [1.0, 1.0], ns: [1.4, 3.5]),
    unary_row!(Sigmoid, "sigmoid", [exp::sigmoid, exp::sigmoid], ulp: [1.0, 1.0], ns: [0.51, 1.3]),
    unary_row!(Cube, "cube", [power::cube_f32, power::cube], ulp: [0.501, 1.0], ns: [0.1, 0.2]),
    unary_row!(Quart, "quart", [power::quart_f32, power::quart], ulp: [0.501, 1.0], ns: [0.1, 0.2]),
    modulo_row!(Fmod, fmod, ns: [5.3, 6.7, 2.0, 2.1]),
    modulo_row!(Remainder, remainder, ns: [6.7, 6.2, 2.1, 2.1]),
    modulo_row!(FloorDivide, floor_divide, ns: [7.2, 7.9, 2.5, 2.1]),
];

/// Sine and cosine together.
struct SinCos;

impl Pair for SinCos {
    #[inline(always)]
    fn of_f64<V: F64s>(x: V) -> [V; 2] {
        trigonometric::sin_cos(x)
    }

    #[inline(always)]
    fn of_f32<V: F32s>(x: V) -> [V; 2] {
        trigonometric::sin_cos_f32(x)
    }
}

/// Of `f32` and `f64`.
pub(super) static SIN_COS: [Code; 2] = [
    Code { tiles: tiles::pair_f32::<SinCos>(), ns_per_elem: 0.45, max_ulp: Some(1.0) },
    Code { tiles: tiles::pair_f64::<SinCos>(), ns_per_elem: 1.1, max_ulp: Some(1.0) },
];

const _: () = {
    let mut idx = 0;
    while idx < ROWS.len() {
        assert!(MathFn::ALL[idx] as usize == idx, "MathFn::ALL is in declaration order");
        assert!(ROWS[idx].function as usize == idx, "the rows are in declaration order");
        idx += 1;
    }
};
