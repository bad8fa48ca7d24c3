//! Sine, cosine and tangent.
//!
//! `x = k pi/2 + r`, where `k` is whole and `|r| <= pi/4`, by Cody and Waite's reduction with FMA.
//! `pi/2` is in three parts, and `r` in two floats, so that the error of `r` is small relative to
//! `r` near the multiples of `pi/2` as well. Beyond 10^9 payne_hanek.rs takes over. A `float32`
//! beyond 2^17 is reduced as a `float64`.
//!
//! Each lane computes either `sin(r) = r + r^3 p(r^2)` or `cos(r) = 1 - r^2/2 + r^4 q(r^2)`,
//! depending on `k`. Both polynomials have the same length, so that one evaluation, with
//! coefficients chosen by lane, serves both. The tangent is a quotient of two polynomials, or the
//! negative of its reciprocal. In all of them the rounding error of the leading sum is kept.

use super::payne_hanek::reduce_lanes;
use super::polynomial::horner;
use crate::arch::vector::{Bits, F32s, F64s, Float, Mask, Vector};

/// The constants of a dtype, made by sollya/trigonometric.sollya.
trait Constants: Float {
    const HALF: Self;
    const TWO_OVER_PI: Self;
    /// Adding this to a number that is small enough leaves the nearest whole number in the low
    /// bits.
    const TO_INT: Self;
    /// `pi/2` in three parts.
    const PI_OVER_2: [Self; 3];
    /// The reduction is good up to here.
    const LARGE: Self;
    const ZERO_BITS: Self::Bits;
    const ONE_BITS: Self::Bits;
    /// How far left a shift moves the last bit but one to the sign.
    const TO_SIGN: u32;

    /// `(sin(r) - r) / r^3` where `is_sine`, and `(cos(r) - 1 + r^2/2) / r^4` elsewhere, as
    /// functions of `r^2`.
    fn sine_or_cosine<V: Vector<Elem = Self>>(is_sine: V::Mask, square: V) -> V;

    /// Both of these functions.
    fn sine_and_cosine<V: Vector<Elem = Self>>(square: V) -> [V; 2];

    /// `p` and `q` with `tan(r) = (r + r^3 p(r^2)) / (1 + first r^2 + r^4 q(r^2))`.
    fn tangent<V: Vector<Elem = Self>>(square: V) -> [V; 2];

    /// `first` in the formula above.
    const TANGENT_FIRST: Self;
}

/// Horner's rule with the coefficients of the first polynomial where `is_first`, and of the second
/// elsewhere.
#[inline(always)]
fn horner_of<V: Vector, const N: usize>(is_first: V::Mask, x: V, polynomials: [&[V::Elem; N]; 2]) -> V {
    let [first, second] = polynomials;
    let mut sum = V::select(is_first, x.splat(first[N - 1]), x.splat(second[N - 1]));
    for idx in (0..N - 1).rev() {
        sum = sum.mul_add(x, V::select(is_first, x.splat(first[idx]), x.splat(second[idx])));
    }
    sum
}

macro_rules! polynomials {
    ($sine:expr, $cosine:expr, $numerator:expr, $denominator:expr) => {
        #[inline(always)]
        fn sine_or_cosine<V: Vector<Elem = Self>>(is_sine: V::Mask, square: V) -> V {
            horner_of(is_sine, square, [&$sine, &$cosine])
        }

        #[inline(always)]
        fn sine_and_cosine<V: Vector<Elem = Self>>(square: V) -> [V; 2] {
            [horner(square, &$sine), horner(square, &$cosine)]
        }

        #[inline(always)]
        fn tangent<V: Vector<Elem = Self>>(square: V) -> [V; 2] {
            [horner(square, &$numerator), horner(square, &$denominator)]
        }
    };
}

impl Constants for f64 {
    const HALF: f64 = 0.5;
    const TWO_OVER_PI: f64 = std::f64::consts::FRAC_2_PI;
    const TO_INT: f64 = 6755399441055744.0;
    const PI_OVER_2: [f64; 3] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];
    const LARGE: f64 = 1e9;
    const ZERO_BITS: u64 = 0;
    const ONE_BITS: u64 = 1;
    const TO_SIGN: u32 = 62;

    polynomials!(SINE, COSINE, TANGENT_NUMERATOR, TANGENT_DENOMINATOR);

    const TANGENT_FIRST: f64 = -0.46671003809676626;
}

/// The polynomial of the sine. Its error is 2^-57.8, relative to the sine.
const SINE: [f64; 6] = [
    -0.1666666666666663,
    0.008333333333321924,
    -0.0001984126982946497,
    2.755731358503006e-06,
    -2.505074281422583e-08,
    1.5895975029957484e-10,
];

/// The polynomial of the cosine. Its error is 2^-63.9, relative to the cosine.
const COSINE: [f64; 6] = [
    0.041666666666666595,
    -0.0013888888888873348,
    2.4801587289008097e-05,
    -2.7557314219059267e-07,
    2.0875705689505815e-09,
    -1.1358764866516342e-11,
];

/// The numerator of the tangent. With the denominator below, the error is 2^-60.2, relative to the
/// tangent.
const TANGENT_NUMERATOR: [f64; 3] = [-0.1333767047634329, 0.003424063153208199, -1.7847884095769725e-05];

/// The denominator of the tangent, from the coefficient of `r^4` on.
const TANGENT_DENOMINATOR: [f64; 3] = [0.025660742518796995, -0.0003116776123801781, 4.975310073231525e-07];

impl Constants for f32 {
    const HALF: f32 = 0.5;
    const TWO_OVER_PI: f32 = std::f32::consts::FRAC_2_PI;
    const TO_INT: f32 = 12_582_912.0;
    const PI_OVER_2: [f32; 3] = [std::f32::consts::FRAC_PI_2, -4.371139e-8, -1.7151245e-15];
    const LARGE: f32 = 131072.0;
    const ZERO_BITS: u32 = 0;
    const ONE_BITS: u32 = 1;
    const TO_SIGN: u32 = 30;

    polynomials!(SINE_F32, COSINE_F32, TANGENT_NUMERATOR_F32, TANGENT_DENOMINATOR_F32);

    const TANGENT_FIRST: f32 = -0.44464567;
}

/// The polynomial of the sine. Its error is 2^-27.8, relative to the sine.
const SINE_F32: [f32; 3] = [-0.16666654, 0.008332108, -0.00019508236];

/// The polynomial of the cosine. Its error is 2^-32.7, relative to the cosine.
const COSINE_F32: [f32; 3] = [0.041666646, -0.0013887299, 2.4430286e-5];

/// The numerator of the tangent. With the denominator below, the error is 2^-31.6, relative to the
/// tangent.
const TANGENT_NUMERATOR_F32: [f32; 2] = [-0.11131234, 0.0010717562];

/// The denominator of the tangent, from the coefficient of `r^4` on.
const TANGENT_DENOMINATOR_F32: [f32; 1] = [0.015953647];

/// `|x| = k pi/2 + r + r_low`.
struct Reduced<V: Vector> {
    /// `k` modulo 4, in the low two bits.
    quadrant: V::Bits,
    /// At most `pi/4` in magnitude, or a little more.
    r: V,
    r_low: V,
}

impl<V: Vector<Elem: Constants>> Reduced<V> {
    /// Reduces an `x` from 0 to `LARGE`.
    #[inline(always)]
    fn of(x: V) -> Reduced<V> {
        let shifted = x.mul_add(x.splat(V::Elem::TWO_OVER_PI), x.splat(V::Elem::TO_INT));
        let k = shifted - x.splat(V::Elem::TO_INT);
        let [first, second, third] = V::Elem::PI_OVER_2;
        let (first, second, third) = (x.splat(first), x.splat(second), x.splat(third));
        // This is exact, because it is a multiple of the last place of `first`, and less than
        // `first`.
        let head = k.neg_mul_add(first, x);
        // Dekker's sum of `head` and `-k second`. Where `k second` is greater, `r` is exact: both
        // are multiples of the last place of `k second`.
        let product = k * second;
        let product_low = k.mul_sub(second, product);
        let r = head - product;
        let r_low = ((head - r) - product) - product_low;
        Reduced { quadrant: shifted.to_bits(), r, r_low: k.neg_mul_add(third, r_low) }
    }

    /// True in the even quadrants. There, the sine of the angle is plus or minus the sine of `r`.
    /// In the odd quadrants, the cosine of the angle is plus or minus the sine of `r`.
    #[inline(always)]
    fn is_even(&self) -> V::Mask {
        (self.quadrant & self.quadrant.splat(V::Elem::ONE_BITS)).eq(self.quadrant.splat(V::Elem::ZERO_BITS))
    }

    /// `value`, negated in the quadrants 2 and 3.
    #[inline(always)]
    fn signed(&self, value: V) -> V {
        value.xor_sign(V::from_bits(self.quadrant.shl(V::Elem::TO_SIGN)))
    }

    /// The reduced angle plus one quadrant.
    #[inline(always)]
    fn next(self) -> Reduced<V> {
        Reduced { quadrant: self.quadrant + self.quadrant.splat(V::Elem::ONE_BITS), ..self }
    }

    /// The sine.
    #[inline(always)]
    fn sine(self) -> V {
        let is_sine = self.is_even();
        let square = self.r * self.r;
        let [one, low] = self.cosine_head(square);
        let tail = V::Elem::sine_or_cosine(is_sine, square);
        let factor = square * V::select(is_sine, self.r, square);
        let sum = factor.mul_add(tail, V::select(is_sine, self.r_low, low));
        self.signed(V::select(is_sine, self.r, one) + sum)
    }

    /// The sine and the cosine: by the operations of [`sine`](Reduced::sine) in each lane.
    #[inline(always)]
    fn sine_and_cosine(self) -> [V; 2] {
        let is_even = self.is_even();
        let square = self.r * self.r;
        let [one, low] = self.cosine_head(square);
        let [sine_tail, cosine_tail] = V::Elem::sine_and_cosine(square);
        let sine = self.r + (square * self.r).mul_add(sine_tail, self.r_low);
        let cosine = one + (square * square).mul_add(cosine_tail, low);
        let (first, second) = (V::select(is_even, sine, cosine), V::select(is_even, cosine, sine));
        [self.signed(first), self.next().signed(second)]
    }

    /// `1 - (r + r_low)^2 / 2`, in two floats.
    #[inline(always)]
    fn cosine_head(&self, square: V) -> [V; 2] {
        let (one, half) = (square.splat(V::Elem::ONE), square.splat(V::Elem::HALF));
        let head = square.neg_mul_add(half, one);
        let low = square.neg_mul_add(half, one - head);
        [head, self.r.neg_mul_add(self.r_low, low)]
    }

    /// The tangent.
    #[inline(always)]
    fn tangent(self) -> V {
        let Reduced { r, r_low, .. } = self;
        let one = r.splat(V::Elem::ONE);
        let square = r * r;
        let square_low = (r + r).mul_add(r_low, r.mul_sub(r, square));
        let [numerator, denominator] = V::Elem::tangent(square);
        let first = r.splat(V::Elem::TANGENT_FIRST);
        let head = square.mul_add(first, one);
        let low = square_low.mul_add(first, square.mul_add(first, one - head));
        let head_low = (square * square).mul_add(denominator, low);
        // The numerator's derivative is less than 1 by about as much as `head`.
        let r_low = (square * r).mul_add(numerator, r_low * head);
        // In the odd quadrants, the result is the negative reciprocal. The low parts are up to a
        // tenth of the high ones.
        let is_even = self.is_even();
        let (over, over_low) = (V::select(is_even, r, head), V::select(is_even, r_low, head_low));
        let (under, under_low) = (V::select(is_even, head, r), V::select(is_even, head_low, r_low));
        let reciprocal = one / (under + under_low);
        let quotient = (over + over_low) * reciprocal;
        let rest = quotient.neg_mul_add(under, over) + quotient.neg_mul_add(under_low, over_low);
        let tangent = rest.mul_add(reciprocal, quotient);
        tangent.xor_sign(V::from_bits(self.quadrant.shl(V::Elem::TO_SIGN + 1)))
    }
}

/// Reduces an `x` that is not negative.
#[inline(always)]
fn reduce<V: F64s>(x: V) -> Reduced<V> {
    let reduced = Reduced::of(x);
    let is_rare = !x.le(x.splat(f64::LARGE));
    if is_rare.any() {
        let found = (V::from_bits(reduced.quadrant), reduced.r, reduced.r_low);
        let (quadrant, r, r_low) = reduce_lanes(x, f64::LARGE, found);
        return Reduced { quadrant: quadrant.to_bits(), r, r_low };
    }
    reduced
}

/// Reduces an `x` that is not negative.
#[inline(always)]
fn reduce_f32<V: F32s>(x: V) -> Reduced<V> {
    let reduced = Reduced::of(x);
    let large = !x.le(x.splat(f32::LARGE));
    if large.any() {
        let [front, back] = x.widen();
        let ([front_quadrant, front], [back_quadrant, back]) = (wide_parts(front), wide_parts(back));
        let quadrant = V::narrow([front_quadrant, back_quadrant]).to_int();
        let r = V::narrow([front, back]);
        let [r_front, r_back] = r.widen();
        let r_low = V::narrow([front - r_front, back - r_back]);
        return Reduced {
            quadrant: V::Bits::select(large, quadrant, reduced.quadrant),
            r: V::select(large, r, reduced.r),
            r_low: V::select(large, r_low, reduced.r_low),
        };
    }
    reduced
}

/// The quadrant and the remainder.
#[inline(always)]
fn wide_parts<V: F64s>(x: V) -> [V; 2] {
    let Reduced { quadrant, r, .. } = reduce(x);
    [V::from_int(quadrant & x.splat_bits(3)), r]
}

/// The sine.
#[inline(always)]
pub(super) fn sin<V: F64s>(x: V) -> V {
    reduce(x.abs()).sine().xor_sign(x)
}

/// The sine.
#[inline(always)]
pub(super) fn sin_f32<V: F32s>(x: V) -> V {
    reduce_f32(x.abs()).sine().xor_sign(x)
}

/// The cosine.
#[inline(always)]
pub(super) fn cos<V: F64s>(x: V) -> V {
    reduce(x.abs()).next().sine()
}

/// The cosine.
#[inline(always)]
pub(super) fn cos_f32<V: F32s>(x: V) -> V {
    reduce_f32(x.abs()).next().sine()
}

/// The sine and the cosine, with the bits of [`sin`] and [`cos`].
#[inline(always)]
pub(super) fn sin_cos<V: F64s>(x: V) -> [V; 2] {
    let [sine, cosine] = reduce(x.abs()).sine_and_cosine();
    [sine.xor_sign(x), cosine]
}

/// The sine and the cosine, with the bits of [`sin_f32`] and [`cos_f32`].
#[inline(always)]
pub(super) fn sin_cos_f32<V: F32s>(x: V) -> [V; 2] {
    let [sine, cosine] = reduce_f32(x.abs()).sine_and_cosine();
    [sine.xor_sign(x), cosine]
}

/// The tangent.
#[inline(always)]
pub(super) fn tan<V: F64s>(x: V) -> V {
    reduce(x.abs()).tangent().xor_sign(x)
}

/// The tangent.
#[inline(always)]
pub(super) fn tan_f32<V: F32s>(x: V) -> V {
    reduce_f32(x.abs()).tangent().xor_sign(x)
}
