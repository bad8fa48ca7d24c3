//! `exp(-x^2)` for the functions that multiply it by something. The same code serves both dtypes.
//!
//! The method is that of exp.rs, but the exponents of two are in eighths:
//! `exp(-x^2) = 2^(-k/8) exp(r)`. Here `r` is smaller, at most `ln(2)/16` in magnitude, so one
//! float is enough for `exp(r) - 1`. An FMA rounds `x^2 - k ln(2)/8` only once, so one float is
//! enough for the square too.

use super::double::Double;
use super::exp::Parameters;
use super::polynomial::even_odd;
use crate::arch::vector::{Bits, Table, Vector};

/// What these functions need to know of a dtype, in addition to exp.rs. It is made by
/// sollya/exp_square.sollya.
pub(super) trait SquareParameters: Parameters {
    const TWO: Self;
    const EIGHTH: Self;
    const SEVEN_SIXTEENTHS: Self;
    const EIGHT_LOG2_E: Self;
    /// All bits except the lowest three.
    const WHOLE_BITS: Self::Bits;
    /// `2^(-i/8)` as a float, and what this float lacks, as a fraction of it.
    const POWERS: &'static Table<Self, 8, 2>;
    /// `ln(2)/8` in two parts; the product of the first part with any `k` is exact.
    const LN_2_EIGHTH: [Self; 2];
    /// `p` of `exp(r) = 1 + r + r^2 p(r)`, for `|r| <= ln(2)/16`. Its error is one part in 2^57 of
    /// `exp(r)`, in `f32` one part in 2^32.
    const EXP_TAIL_SHORT: &'static [Self];
}

impl SquareParameters for f64 {
    const TWO: f64 = 2.0;
    const EIGHTH: f64 = 0.125;
    const SEVEN_SIXTEENTHS: f64 = 0.4375;
    const EIGHT_LOG2_E: f64 = 8.0 * std::f64::consts::LOG2_E;
    const WHOLE_BITS: u64 = !7;
    const POWERS: &'static Table<f64, 8, 2> = &Table::new([
        [1.0, 0.0],
        [0.9170040432046712, 1.790126907604513e-17],
        [0.8408964152537145, 4.875160526227062e-17],
        [0.7711054127039704, 5.1548301170786783e-17],
        [std::f64::consts::FRAC_1_SQRT_2, -6.835808657661922e-17],
        [0.6484197773255048, 1.9572585293112036e-17],
        [0.5946035575013605, 3.3484623336251524e-17],
        [0.5452538663326288, -2.7939114859515733e-17],
    ]);
    const LN_2_EIGHTH: [f64; 2] = [0.08664339756978734, 2.0582436978621353e-13];
    const EXP_TAIL_SHORT: &'static [f64] = &[
        0.5000000000000179,
        0.1666666666666724,
        0.04166666659032072,
        0.008333333318635491,
        0.0013889703133923529,
        0.00019842407318722128,
    ];
}

impl SquareParameters for f32 {
    const TWO: f32 = 2.0;
    const EIGHTH: f32 = 0.125;
    const SEVEN_SIXTEENTHS: f32 = 0.4375;
    const EIGHT_LOG2_E: f32 = 8.0 * std::f32::consts::LOG2_E;
    const WHOLE_BITS: u32 = !7;
    const POWERS: &'static Table<f32, 8, 2> = &Table::new([
        [1.0, 0.0],
        [0.91700405, -6.1282597e-9],
        [0.8408964, -1.4719605e-8],
        [0.7711054, 5.233334e-9],
        [std::f32::consts::FRAC_1_SQRT_2, 1.7114271e-8],
        [0.6484198, -3.099072e-8],
        [0.59460354, 3.193418e-8],
        [0.5452539, -1.19921575e-8],
    ]);
    const LN_2_EIGHTH: [f32; 2] = [0.086639404, 3.993273e-6];
    const EXP_TAIL_SHORT: &'static [f32] = &[0.5, 0.16667962, 0.04166905];
}

/// `exp(-x^2) = 2^-q power (1 + rest)`.
pub(super) struct ExpOfSquare<V: Vector> {
    /// The whole number `k = 8 q + i`.
    k: V,
    /// `k`, in the low bits.
    k_bits: V::Bits,
    /// `2^(-i/8)`, rounded.
    pub(super) power: V,
    /// At most `ln(2)/16` in magnitude, or only a little more.
    pub(super) rest: V,
}

impl<V: Vector> ExpOfSquare<V>
where
    V::Elem: SquareParameters,
{
    /// Takes an `x` of magnitude below 50, in `f32` below 13.
    #[inline(always)]
    pub(super) fn of(x: V) -> ExpOfSquare<V> {
        let shifted = (x * x).mul_add(x.splat(V::Elem::EIGHT_LOG2_E), x.splat(V::Elem::TO_INT));
        let k = shifted - x.splat(V::Elem::TO_INT);
        let Double { high: ln_2, low: ln_2_low } = Double::splat(x, V::Elem::LN_2_EIGHTH);
        let r = k.mul_add(ln_2_low, x.neg_mul_add(x, k * ln_2));
        let [power, low] = V::lookup_columns(V::Elem::POWERS, shifted.to_bits(), 0);
        let square = r * r;
        let rest = square.mul_add(even_odd(r, square, V::Elem::EXP_TAIL_SHORT), r + low);
        ExpOfSquare { k, k_bits: shifted.to_bits(), power, rest }
    }

    /// `value * 2^-q`, for a normal result.
    #[inline(always)]
    pub(super) fn scale_normal(&self, value: V) -> V {
        let q = self.k_bits & value.splat_bits(V::Elem::WHOLE_BITS);
        V::from_bits(value.to_bits() - q.shl(V::Elem::EXPONENT_SHIFT - 3))
    }

    /// `value * 2^-q`, rounded.
    #[inline(always)]
    pub(super) fn scale(&self, value: V) -> V {
        // For none of the eight `i` is the number that is rounded in the middle between two whole
        // numbers.
        let q = self.k.mul_sub(value.splat(V::Elem::EIGHTH), value.splat(V::Elem::SEVEN_SIXTEENTHS)).round();
        value.scale(-q)
    }
}
