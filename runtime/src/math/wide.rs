//! Operations that compiled code could do itself, but in registers of 128 bits. Here they use the
//! CPU's widest registers.
//!
//! An operation is worth a call if the processor takes as long for it in a narrow register as in
//! one twice as wide. Divisions and square roots are such operations. Both are IEEE 754's,
//! correctly rounded, so they have the same bits either way. A subtraction is not worth a call, but
//! it costs almost nothing as a part of a call that follows anyway: `exp(a - b)`.

use super::{MathFn, exp};
use crate::arch::CpuLevel;
use crate::arch::tile_fns::TileFns;
use crate::arch::tiles::{self, Binary, Unary};
use crate::arch::vector::{F32s, F64s};
use crate::dtype::DType;

/// An operation over a tile of floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WideFn {
    /// The first argument divided by the second.
    Divide,
    /// The square root.
    Sqrt,
    /// The exponential of the first argument less the second; it has the bits of [`MathFn::Exp`] of
    /// the difference.
    ExpDifference,
}

struct Divide;

impl Binary for Divide {
    #[inline(always)]
    fn of_f64<V: F64s>(x: V, y: V) -> V {
        x / y
    }

    #[inline(always)]
    fn of_f32<V: F32s>(x: V, y: V) -> V {
        x / y
    }
}

struct ExpDifference;

impl Binary for ExpDifference {
    #[inline(always)]
    fn of_f64<V: F64s>(x: V, y: V) -> V {
        exp::exp(x - y)
    }

    #[inline(always)]
    fn of_f32<V: F32s>(x: V, y: V) -> V {
        exp::exp(x - y)
    }
}

struct Sqrt;

impl Unary for Sqrt {
    #[inline(always)]
    fn of_f64<V: F64s>(x: V) -> V {
        x.sqrt()
    }

    #[inline(always)]
    fn of_f32<V: F32s>(x: V) -> V {
        x.sqrt()
    }
}

impl WideFn {
    /// Every operation.
    pub const ALL: [WideFn; 3] = [WideFn::Divide, WideFn::Sqrt, WideFn::ExpDifference];

    /// Its name, in lower case: `"divide"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            WideFn::Divide => "divide",
            WideFn::Sqrt => "sqrt",
            WideFn::ExpDifference => "exp_difference",
        }
    }

    /// The number of arguments, 1 or 2.
    #[must_use]
    pub fn arity(self) -> usize {
        match self {
            WideFn::Divide | WideFn::ExpDifference => 2,
            WideFn::Sqrt => 1,
        }
    }

    /// Whether the CPU, at the level of this process, has registers of more than 128 bits.
    #[must_use]
    pub fn is_wide() -> bool {
        CpuLevel::current() > CpuLevel::Generic
    }

    /// The operation's code for tiles of this dtype, for every CPU level; `None` if the elements
    /// are not floats.
    #[must_use]
    pub fn tile_fns(self, dtype: DType) -> Option<&'static TileFns> {
        const SQRT: [TileFns; 2] = [tiles::unary_f32::<Sqrt>(), tiles::unary_f64::<Sqrt>()];
        const DIVIDE: [TileFns; 2] = [tiles::binary_f32::<Divide>(), tiles::binary_f64::<Divide>()];
        const EXP: [TileFns; 2] = [tiles::binary_f32::<ExpDifference>(), tiles::binary_f64::<ExpDifference>()];
        match self {
            WideFn::Divide => of_float(&DIVIDE, dtype),
            WideFn::Sqrt => of_float(&SQRT, dtype),
            WideFn::ExpDifference => of_float(&EXP, dtype),
        }
    }

    /// The same as [`tile_fns`](WideFn::tile_fns) for an operation of two arguments, but the second
    /// argument is a single element. It is where the first element of the argument would be. This
    /// differs from the contract of [`TileFn`](crate::abi::TileFn).
    #[must_use]
    pub fn tile_fns_by_one(self, dtype: DType) -> Option<&'static TileFns> {
        const DIVIDE: [TileFns; 2] = [tiles::binary_by_one_f32::<Divide>(), tiles::binary_by_one_f64::<Divide>()];
        const EXP: [TileFns; 2] =
            [tiles::binary_by_one_f32::<ExpDifference>(), tiles::binary_by_one_f64::<ExpDifference>()];
        match self {
            WideFn::Divide => of_float(&DIVIDE, dtype),
            WideFn::ExpDifference => of_float(&EXP, dtype),
            WideFn::Sqrt => None,
        }
    }

    /// Roughly how long an element takes on one core, in nanoseconds, in registers of 256 bits or
    /// more. In registers of 128 bits it takes twice as long.
    // Chosen by "wide-functions" in docs/measurements.md.
    #[must_use]
    pub fn ns_per_elem(self, dtype: DType) -> f32 {
        match (self, dtype == DType::Float32) {
            (WideFn::Divide, true) => 0.11,
            (WideFn::Divide, false) => 0.31,
            (WideFn::Sqrt, true) => 0.18,
            (WideFn::Sqrt, false) => 0.57,
            (WideFn::ExpDifference, _) => MathFn::Exp.ns_per_elem(dtype),
        }
    }
}

/// The code for the dtype, given that for `float32` and that for `float64`.
fn of_float(tiles: &'static [TileFns; 2], dtype: DType) -> Option<&'static TileFns> {
    match dtype {
        DType::Float32 => Some(&tiles[0]),
        DType::Float64 => Some(&tiles[1]),
        _ => None,
    }
}
