//! The table: one entry for each function, in any order.
//!
//! `ulp` is the bound that the tests assert. The largest errors that a search has found are in
//! ACCURACY.md.
//!
//! `ns` is for float32 and float64 at the highest level, for arguments in the range where the
//! function is mostly used.
// Chosen by "math-functions" in docs/measurements.md.

use super::integer::{ByFloats, Integer};
use super::tile::binary;
use super::{
    MathFn, erf, exp, exp10, gamma, hyperbolic, inverse_hyperbolic, inverse_trigonometric, log, log_f32, modulo, pow,
    pow_f32, power, trigonometric,
};
use crate::arch::CpuLevel;
use crate::arch::tile_fns::TileFns;
use crate::arch::tiles::{self, Binary, OfElements, Pair, Unary};
use crate::arch::vector::{F32s, F64s};
use crate::dtype::DType;

/// What one function is.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    function: MathFn,
    pub(super) name: &'static str,
    pub(super) arity: usize,
    f32: Code,
    f64: Code,
    /// The code for the dtypes from `int8` to `uint64`, in [`DType`]'s order, if the function is
    /// defined for integers.
    ints: Option<[Code; 8]>,
}

/// One function's code for one dtype.
#[derive(Clone, Copy)]
pub(super) struct Code {
    pub(super) tile_fns: TileFns,
    /// The time at the highest level.
    ns_per_elem: f32,
    pub(super) max_ulp: Option<f64>,
}

impl Code {
    /// Roughly how long an element takes at the level of this process, in nanoseconds.
    pub(super) fn ns_per_elem(&self) -> f32 {
        self.ns_per_elem * self.tile_fns.slowdown(CpuLevel::current())
    }
}

impl Entry {
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

/// The entry of a function of one float, over vectors.
macro_rules! unary_fn {
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

        Entry {
            function: MathFn::$variant,
            name: $name,
            arity: 1,
            f32: Code { tile_fns: tiles::unary_f32::<Function>(), ns_per_elem: $ns_f32, max_ulp: Some($ulp_f32) },
            f64: Code { tile_fns: tiles::unary_f64::<Function>(), ns_per_elem: $ns_f64, max_ulp: Some($ulp_f64) },
            ints: None,
        }
    }};
}

/// The entry of a function of two floats, over vectors, and perhaps of two integers.
macro_rules! binary_fn {
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

        Entry {
            function: MathFn::$variant,
            name: $name,
            arity: 2,
            f32: Code { tile_fns: tiles::binary_f32::<Function>(), ns_per_elem: $ns_f32, max_ulp: Some($ulp_f32) },
            f64: Code { tile_fns: tiles::binary_f64::<Function>(), ns_per_elem: $ns_f64, max_ulp: Some($ulp_f64) },
            ints: $ints,
        }
    }};
}

/// The entry of a remainder or quotient: floats by `modulo`, integers by `integer`. The times are
/// those of the dtypes `float32`, `float64`, `int8` and `int16`, `int32`, and `int64`.
macro_rules! modulo_fn {
    ($variant:ident, $name:ident, $by_floats:ident, ns: $ns:expr) => {{
        struct Function;

        impl Binary for Function {
            #[inline(always)]
            fn of_f64<V: F64s>(x: V, y: V) -> V {
                modulo::$name(x, y)
            }

            #[inline(always)]
            fn of_f32<V: F32s>(x: V, y: V) -> V {
                modulo::$name(x, y)
            }
        }

        const NS: [f32; 5] = $ns;
        let of_f32 = tiles::binary_f32::<Function>().with_scalar(binary!(f32, modulo::f32::$name));
        let of_f64 = tiles::binary_f64::<Function>().with_scalar(binary!(f64, modulo::f64::$name));
        Entry {
            function: MathFn::$variant,
            name: stringify!($name),
            arity: 2,
            f32: Code { tile_fns: of_f32, ns_per_elem: NS[0], max_ulp: None },
            f64: Code { tile_fns: of_f64, ns_per_elem: NS[1], max_ulp: None },
            ints: Some([
                by_floats!(i8, $name, $by_floats, NS[2]),
                by_floats!(i16, $name, $by_floats, NS[2]),
                by_floats!(i32, $name, $by_floats, NS[3]),
                by_floats!(i64, $name, $by_floats, NS[4]),
                by_floats!(u8, $name, $by_floats, NS[2]),
                by_floats!(u16, $name, $by_floats, NS[2]),
                by_floats!(u32, $name, $by_floats, NS[3]),
                by_floats!(u64, $name, $by_floats, NS[4]),
            ]),
        }
    }};
}

/// The code of a division of integers by a quotient of floats, where there are vectors.
macro_rules! by_floats {
    ($ty:ident, $name:ident, $by_floats:ident, $ns:expr) => {{
        struct Function;

        impl OfElements<$ty> for Function {
            #[inline(always)]
            fn apply(a: $ty, b: $ty) -> $ty {
                a.$by_floats(b)
            }

            #[inline(always)]
            fn takes(a: $ty, b: $ty) -> bool {
                a.is_small() & b.is_small()
            }

            #[inline(always)]
            fn of_any(a: $ty, b: $ty) -> $ty {
                Integer::$name(a, b)
            }
        }

        let tile_fns = tiles::elements::<$ty, Function>(binary!($ty, Integer::$name));
        Code { tile_fns, ns_per_elem: $ns, max_ulp: None }
    }};
}

/// The code for each integer dtype, with one time for up to 32 bits and one for 64.
macro_rules! ints {
    ($name:ident, ns: [$ns_int:expr, $ns_int64:expr]) => {
        Some([
            Code { tile_fns: TileFns::same(binary!(i8, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tile_fns: TileFns::same(binary!(i16, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tile_fns: TileFns::same(binary!(i32, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tile_fns: TileFns::same(binary!(i64, Integer::$name)), ns_per_elem: $ns_int64, max_ulp: None },
            Code { tile_fns: TileFns::same(binary!(u8, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tile_fns: TileFns::same(binary!(u16, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tile_fns: TileFns::same(binary!(u32, Integer::$name)), ns_per_elem: $ns_int, max_ulp: None },
            Code { tile_fns: TileFns::same(binary!(u64, Integer::$name)), ns_per_elem: $ns_int64, max_ulp: None },
        ])
    };
}

/// The entries, in the order of the numbers of [`MathFn`].
pub(super) static ENTRIES: [Entry; MathFn::ALL.len()] = by_function([
    unary_fn!(Exp, "exp", [exp::exp, exp::exp], ulp: [1.0, 1.0], ns: [0.2, 0.58]),
    unary_fn!(Exp2, "exp2", [exp::exp2, exp::exp2], ulp: [1.0, 1.0], ns: [0.15, 0.47]),
    unary_fn!(Exp10, "exp10", [exp10::exp10, exp10::exp10], ulp: [1.0, 1.0], ns: [0.24, 0.67]),
    unary_fn!(Expm1, "expm1", [exp::expm1, exp::expm1], ulp: [1.0, 1.0], ns: [0.3, 0.77]),
    unary_fn!(Log, "log", [log_f32::log_f32, log::log], ulp: [1.0, 1.0], ns: [0.26, 0.68]),
    unary_fn!(Log2, "log2", [log_f32::log2_f32, log::log2], ulp: [1.0, 1.0], ns: [0.26, 0.73]),
    unary_fn!(Log10, "log10", [log_f32::log10_f32, log::log10], ulp: [1.0, 1.0], ns: [0.28, 0.76]),
    unary_fn!(Log1p, "log1p", [log_f32::log1p_f32, log::log1p], ulp: [1.0, 1.0], ns: [0.41, 0.93]),
    unary_fn!(Sin, "sin", [trigonometric::sin_f32, trigonometric::sin], ulp: [1.0, 1.0], ns: [0.36, 0.86]),
    unary_fn!(Cos, "cos", [trigonometric::cos_f32, trigonometric::cos], ulp: [1.0, 1.0], ns: [0.36, 0.84]),
    unary_fn!(Tan, "tan", [trigonometric::tan_f32, trigonometric::tan], ulp: [1.0, 1.0], ns: [0.54, 1.2]),
    unary_fn!(Asin, "asin", [inverse_trigonometric::asin_f32, inverse_trigonometric::asin], ulp: [1.0, 1.0], ns: [0.32, 0.92]),
    unary_fn!(Acos, "acos", [inverse_trigonometric::acos_f32, inverse_trigonometric::acos], ulp: [1.0, 1.0], ns: [0.36, 0.95]),
    unary_fn!(Atan, "atan", [inverse_trigonometric::atan_f32, inverse_trigonometric::atan], ulp: [1.0, 1.0], ns: [0.39, 1.0]),
    binary_fn!(Atan2, "atan2", [inverse_trigonometric::atan2_f32, inverse_trigonometric::atan2], ulp: [1.0, 1.0], ns: [0.57, 1.4], None),
    unary_fn!(Sinh, "sinh", [hyperbolic::sinh, hyperbolic::sinh], ulp: [1.0, 1.0], ns: [0.35, 0.84]),
    unary_fn!(Cosh, "cosh", [hyperbolic::cosh, hyperbolic::cosh], ulp: [1.0, 1.0], ns: [0.29, 0.77]),
    unary_fn!(Tanh, "tanh", [hyperbolic::tanh_f32, hyperbolic::tanh], ulp: [1.0, 1.0], ns: [0.42, 1.4]),
    unary_fn!(Asinh, "asinh", [inverse_hyperbolic::asinh_f32, inverse_hyperbolic::asinh], ulp: [1.0, 1.0], ns: [0.66, 1.6]),
    unary_fn!(Acosh, "acosh", [inverse_hyperbolic::acosh_f32, inverse_hyperbolic::acosh], ulp: [1.0, 1.0], ns: [0.69, 1.7]),
    unary_fn!(Atanh, "atanh", [inverse_hyperbolic::atanh_f32, inverse_hyperbolic::atanh], ulp: [1.0, 1.0], ns: [0.58, 1.4]),
    binary_fn!(Pow, "pow", [pow_f32::pow_f32, pow::pow], ulp: [1.0, 1.0], ns: [0.67, 1.9], ints!(pow, ns: [2.9, 2.7])),
    unary_fn!(Cbrt, "cbrt", [power::cbrt_f32, power::cbrt], ulp: [1.0, 1.0], ns: [0.34, 0.77]),
    binary_fn!(Hypot, "hypot", [power::hypot_f32, power::hypot], ulp: [1.0, 1.0], ns: [0.18, 0.55], None),
    unary_fn!(Erf, "erf", [erf::erf_f32, erf::erf], ulp: [1.0, 1.0], ns: [0.25, 1.2]),
    unary_fn!(Erfc, "erfc", [erf::erfc_f32, erf::erfc], ulp: [1.0, 1.0], ns: [0.61, 1.9]),
    unary_fn!(Tgamma, "tgamma", [gamma::tgamma_f32, gamma::tgamma], ulp: [1.0, 1.0], ns: [1.5, 4.1]),
    unary_fn!(Lgamma, "lgamma", [gamma::lgamma_f32, gamma::lgamma], ulp: [1.0, 1.0], ns: [1.4, 3.5]),
    unary_fn!(Sigmoid, "sigmoid", [exp::sigmoid, exp::sigmoid], ulp: [1.0, 1.0], ns: [0.51, 1.3]),
    unary_fn!(Cube, "cube", [power::cube_f32, power::cube], ulp: [0.501, 1.0], ns: [0.1, 0.2]),
    unary_fn!(Quart, "quart", [power::quart_f32, power::quart], ulp: [0.501, 1.0], ns: [0.1, 0.2]),
    modulo_fn!(Fmod, fmod, fmod_by_floats, ns: [0.25, 0.5, 0.17, 0.33, 0.85]),
    modulo_fn!(Remainder, remainder, remainder_by_floats, ns: [0.28, 0.55, 0.17, 0.36, 0.85]),
    modulo_fn!(FloorDivide, floor_divide, floor_divide_by_floats, ns: [0.5, 1.0, 0.17, 0.33, 0.85]),
]);

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

/// The code of [`SinCos`] for `f32` and for `f64`.
pub(super) static SIN_COS: [Code; 2] = [
    Code { tile_fns: tiles::pair_f32::<SinCos>(), ns_per_elem: 0.45, max_ulp: Some(1.0) },
    Code { tile_fns: tiles::pair_f64::<SinCos>(), ns_per_elem: 1.1, max_ulp: Some(1.0) },
];

/// Puts each entry in the place of its function. There are as many entries as functions, so if no
/// two are of one function, no function is left out.
const fn by_function<const N: usize>(entries: [Entry; N]) -> [Entry; N] {
    let (mut sorted, mut is_there) = (entries, [false; N]);
    let mut idx = 0;
    while idx < N {
        let place = entries[idx].function as usize;
        assert!(!is_there[place], "two entries are of one function");
        (sorted[place], is_there[place]) = (entries[idx], true);
        idx += 1;
    }
    sorted
}
