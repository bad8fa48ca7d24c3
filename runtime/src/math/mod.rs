//! Math functions over whole tiles: what compiled code calls once per tile.
//!
//! [`MathFn`] names a function, [`MathFn::tile_fns`] gives its code for a dtype, [`MathFn::apply`]
//! runs that code on one element. There is one table, in `table.rs`, and one file per family of
//! functions.
//!
//! Always true:
//! - A result depends on the elements alone: not on the CPU, the tile's length, or the element's
//!   place in the tile. The exception is the sign and payload of a NaN. Whether a result is a NaN
//!   depends on the elements alone too.
//! - Floats follow C99's Annex F on special values, and are within [`MathFn::max_ulp`] of the exact
//!   value.
//! - Functions of integers are defined for all arguments: overflow wraps around, division by zero
//!   gives 0.
//! - No function here panics, so nothing unwinds into compiled code.
//!
//! # How a function is built
//!
//! A function of floats is written once, over the `Vector` trait of [`arch`](crate::arch), and
//! compiled for each CPU level. Take `exp`, in `exp.rs`:
//!
//! 1. **Reduce.** `x = k ln 2 + r` with a whole number `k`. `ln 2` is in two parts, so that both
//!    the float `r` and its *correction*, which is what this float lacks, are known. To round
//!    `x / ln 2` to `k`, 1.5 * 2^52 is added, which also leaves `k` in the low bits of the sum.
//! 2. **Approximate.** `exp(r) = 1 + r + r^2 p(r)` with `p` a minimax polynomial.
//!    `sollya/exp.sollya` makes the coefficients of `p` and says how large its error is;
//!    `sollya/rust.py` prints them as Rust.
//! 3. **Reconstruct** from the small terms to the large ones: `1 + (r + (r^2 p(r) + correction))`.
//!    Each sum rounds, but only the last two roundings count: half an ULP, and half an ULP of
//!    something a third as large. Where that error is too large, `double.rs` represents one number
//!    by two floats.
//! 4. **Scale** by `2^k`: `k` is added to the exponent's bits, which is right where the result is
//!    normal.
//! 5. **Take care of the rest** - overflow, subnormal results, infinities, NaN - under one
//!    `if rare.any()`, where each lane selects its result. The result of a lane must not depend on
//!    whether another lane caused that branch to be taken: a lane that is not rare itself keeps its
//!    result.
//!
//! The results have the same bits everywhere because of the trait: each of its operations is exact
//! to the bit at every level. So there is no approximate reciprocal among them, and a product and a
//! sum become an FMA only where the code says so. Tables are for where a polynomial would be long.
//! A lookup in a table of up to 16 (`f64`) or 32 (`f32`) entries is one permutation in AVX-512, and
//! loads elsewhere.
//!
//! Every function of vectors is `#[inline(always)]`, because only the loop in `arch/tiles.rs` that
//! it is inlined into has the instruction set. For the same reason there are no closures. A
//! constant is made by `x.splat(c)`, where `x` is any vector at hand. This vector only proves that
//! the CPU has the instructions (`arch/vector.rs`). Rare cases that need long code, such as the
//! reduction of huge angles, go through `Vector::patch`, lane by lane and out of line.
//!
//! # How to add one
//!
//! 1. Write the function, over `F64s` and `F32s`, in the file of its family, and the script of its
//!    coefficients beside it.
//! 2. Add a variant of [`MathFn`], and an entry of `table.rs` that names it.
//! 3. Add its special values to `tests/math.rs`, and its ranges and its exact values to
//!    tests/data/math/make_accuracy.py.
//! 4. Add an entry to the language's table, `src/ops/table.rs` of the crate `ndexpr`.
//! 5. Run `cargo test -p ndexpr-runtime` at each level (`NDEXPR_CPU=generic`, `avx2`, `avx512`).
//! 6. Search for its largest error with tests/accuracy, and measure its time with benches/compare.
//!
#![doc = include_str!("ACCURACY.md")]

mod double;
mod erf;
mod erf_tables;
mod exp;
mod exp10;
mod exp_square;
mod gamma;
mod gamma_tables;
mod hyperbolic;
mod integer;
mod inverse_hyperbolic;
mod inverse_trigonometric;
mod log;
mod log_double;
mod log_f32;
mod log_table;
mod modulo;
mod payne_hanek;
mod polynomial;
mod pow;
mod pow_f32;
mod power;
mod powers_of_ten;
mod table;
mod tile;
mod trigonometric;
mod wide;

use crate::abi::TileFn;
use crate::dtype::{DType, Element, Scalar};
use table::{Code, Entry};

pub use crate::arch::tile_fns::TileFns;
pub use power::{LARGEST_SQUARE_OF_CUBES, LARGEST_SQUARE_OF_QUARTS};
pub use wide::WideFn;

/// Defines the enum of the functions, and a list of them.
macro_rules! math_fns {
    ($($(#[$docs:meta])* $variant:ident,)*) => {
        /// A function that compiled code calls once per tile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum MathFn {
            $($(#[$docs])* $variant,)*
        }

        impl MathFn {
            /// Every function, in declaration order.
            pub const ALL: [MathFn; [$(MathFn::$variant),*].len()] = [$(MathFn::$variant),*];
        }
    };
}

math_fns! {
    /// e^x.
    Exp,
    /// 2^x; exact where the result is a power of two.
    Exp2,
    /// 10^x; the nearest float for whole x.
    Exp10,
    /// e^x - 1.
    Expm1,
    /// Natural logarithm.
    Log,
    /// Logarithm to base 2; exact for powers of two.
    Log2,
    /// Logarithm to base 10; exact for powers of ten.
    Log10,
    /// ln(1 + x).
    Log1p,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Inverse sine.
    Asin,
    /// Inverse cosine.
    Acos,
    /// Inverse tangent.
    Atan,
    /// The angle of the point whose y is the first argument and whose x is the second.
    Atan2,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// Inverse hyperbolic sine.
    Asinh,
    /// Inverse hyperbolic cosine.
    Acosh,
    /// Inverse hyperbolic tangent.
    Atanh,
    /// x^y. For integers an overflow wraps around. With a negative exponent, the result is the
    /// exact power truncated, and 0 for base 0.
    Pow,
    /// Cube root, correctly rounded.
    Cbrt,
    /// sqrt(x^2 + y^2), without overflow on the way.
    Hypot,
    /// Error function.
    Erf,
    /// 1 - erf(x).
    Erfc,
    /// The gamma function. It is NaN at its poles, except at 0.0 and -0.0, where it is infinite.
    Tgamma,
    /// The natural logarithm of the gamma function's magnitude; infinite at its poles. Left of -2
    /// it has zeros. Near them the error is bounded, but not in ULP, see [`MathFn::max_ulp`].
    Lgamma,
    /// The logistic function, 1 / (1 + e^-x).
    Sigmoid,
    /// x^3.
    Cube,
    /// x^4.
    Quart,
    /// C's `fmod`: the remainder of the truncated quotient, with the dividend's sign.
    Fmod,
    /// NumPy's `%`: the remainder of the floored quotient, with the divisor's sign.
    Remainder,
    /// NumPy's `//`: the floored quotient.
    FloorDivide,
}

impl MathFn {
    fn entry(self) -> &'static Entry {
        &table::ENTRIES[self as usize]
    }

    /// Its name, in lower case: `"exp"`, `"floor_divide"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The number of arguments, 1 or 2.
    #[must_use]
    pub fn arity(self) -> usize {
        self.entry().arity
    }

    /// The function's code for tiles of this dtype, for every CPU level, or `None` if the function
    /// is not defined for the dtype. The arguments and the result are all of this dtype.
    #[must_use]
    pub fn tile_fns(self, dtype: DType) -> Option<&'static TileFns> {
        Some(&self.entry().code(dtype)?.tile_fns)
    }

    /// The code among [`tile_fns`](MathFn::tile_fns) for the level of this process, with ordinary
    /// stores.
    #[must_use]
    pub fn tile_fn(self, dtype: DType) -> Option<TileFn> {
        self.tile_fns(dtype)?.ordinary()
    }

    /// Applies the function to one element, with the same code that [`MathFn::tile_fn`] gives. The
    /// result is `None` unless there are [`arity`](MathFn::arity) arguments, all of one dtype that
    /// the function is defined for.
    #[must_use]
    pub fn apply(self, args: &[Scalar]) -> Option<Scalar> {
        let (&first, rest) = args.split_first()?;
        let dtype = first.dtype();
        if args.len() != self.arity() || rest.iter().any(|arg| arg.dtype() != dtype) {
            return None;
        }
        let tile = self.tile_fn(dtype)?;
        // A function of one argument ignores the second.
        let second = rest.first().copied().unwrap_or(first);
        match dtype {
            DType::Bool => None,
            DType::Int8 => apply_as::<i8>(tile, first, second),
            DType::Int16 => apply_as::<i16>(tile, first, second),
            DType::Int32 => apply_as::<i32>(tile, first, second),
            DType::Int64 => apply_as::<i64>(tile, first, second),
            DType::UInt8 => apply_as::<u8>(tile, first, second),
            DType::UInt16 => apply_as::<u16>(tile, first, second),
            DType::UInt32 => apply_as::<u32>(tile, first, second),
            DType::UInt64 => apply_as::<u64>(tile, first, second),
            DType::Float32 => apply_as::<f32>(tile, first, second),
            DType::Float64 => apply_as::<f64>(tile, first, second),
        }
    }

    /// Roughly how long an element takes on one core, in nanoseconds; 0 if the function is not
    /// defined for the dtype.
    ///
    /// This serves to decide how work is split. The true time depends on the CPU and the arguments.
    #[must_use]
    pub fn ns_per_elem(self, dtype: DType) -> f32 {
        self.entry().code(dtype).map_or(0.0, |code| code.ns_per_elem())
    }

    /// How far a result may be from the exact one, in units in the last place of the exact one
    /// (ULP), for floats whose result does not overflow. [`MathFn::Lgamma`] is an exception left of
    /// -2, where it has zeros between the poles: there, a result below 1/2 may be as far off as a
    /// result of 1/2. `None` for integers, which are exact, and for [`MathFn::Fmod`],
    /// [`MathFn::Remainder`] and [`MathFn::FloorDivide`], which are defined by their procedure, bit
    /// for bit.
    #[must_use]
    pub fn max_ulp(self, dtype: DType) -> Option<f64> {
        self.entry().code(dtype)?.max_ulp
    }
}

/// Two functions of one argument that share most of their work, computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MathPair {
    /// Sine and cosine.
    SinCos,
}

impl MathPair {
    /// Every pair.
    pub const ALL: [MathPair; 1] = [MathPair::SinCos];

    fn code(self, dtype: DType) -> Option<&'static Code> {
        let MathPair::SinCos = self;
        match dtype {
            DType::Float32 => Some(&table::SIN_COS[0]),
            DType::Float64 => Some(&table::SIN_COS[1]),
            _ => None,
        }
    }

    /// Its name, in lower case: `"sin_cos"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MathPair::SinCos => "sin_cos",
        }
    }

    /// The functions, in the order of the results. Each result has the bits that its function alone
    /// gives.
    #[must_use]
    pub fn functions(self) -> [MathFn; 2] {
        match self {
            MathPair::SinCos => [MathFn::Sin, MathFn::Cos],
        }
    }

    /// The code of both functions for tiles of this dtype, for every CPU level, or `None` if they
    /// are not defined for the dtype. The results of the first function are written to the output,
    /// and those of the second to where a second argument would be read from.
    #[must_use]
    pub fn tile_fns(self, dtype: DType) -> Option<&'static TileFns> {
        Some(&self.code(dtype)?.tile_fns)
    }

    /// Roughly how long an element takes on one core, in nanoseconds, like [`MathFn::ns_per_elem`].
    #[must_use]
    pub fn ns_per_elem(self, dtype: DType) -> f32 {
        self.code(dtype).map_or(0.0, |code| code.ns_per_elem())
    }
}

/// Runs `tile` on one element. `tile` must be the table's code for `T`. The result is `None` if a
/// scalar is not a `T`.
fn apply_as<T: Element>(tile: TileFn, a: Scalar, b: Scalar) -> Option<Scalar> {
    let (a, mut b): (T, T) = (a.get()?, b.get()?);
    let mut out = a;
    // SAFETY: `tile` is the code for `T`, since `apply` chose both by the same dtype. 1. `out`, `a`
    // and `b` are one initialised `T` each, and n is 1. 2. They are different variables, so they do
    // not overlap.
    unsafe { tile(1, (&raw mut out).cast(), (&raw const a).cast(), (&raw mut b).cast()) };
    Some(Scalar::new(out))
}
