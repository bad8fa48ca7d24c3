//! Roots, lengths and small powers of floats.
//!
//! `cbrt` divides the bits of `x`, as an integer, by three: this estimates `x^(-1/3)` (Kahan's
//! trick: a third of the bits is a third of the logarithm). A polynomial in the error of the
//! estimate improves it. That gives a root of half the precision, whose square is exact. The
//! difference between the cube of this root and `x` is then exact too, and one step of Halley's
//! method corrects the root by it.
//!
//! `hypot` adds the squares, then the rounding errors of their sum and of the larger square, and
//! takes the root.

use super::polynomial::horner;
use crate::arch::vector::{Bits, F32s, F64s, Mask, Vector};

/// The polynomial for `((1 - e)^(-1/3) - 1) / e`, where `e` is the error of the estimate, up to
/// 0.1022. It is made by sollya/power.sollya, and its error is 2^-22.4.
const INVERSE_CBRT: [f64; 4] = [0.33333161296129865, 0.2222160836239293, 0.17415368582190044, 0.145789714441552];

/// The cube root, off by at most 0.501 ULP.
#[inline(always)]
pub(super) fn cbrt<V: F64s>(x: V) -> V {
    let magnitude = x.abs();
    let root = cbrt_of_positive(magnitude);
    let rare = !(magnitude.ge(x.splat(1e-270)) & magnitude.le(x.splat(1e270)));
    let root = if rare.any() {
        let is_large = magnitude.gt(x.splat(1.0));
        let scale = V::select(is_large, x.splat(power_of_two(-600)), x.splat(power_of_two(600)));
        let unscale = V::select(is_large, x.splat(power_of_two(200)), x.splat(power_of_two(-200)));
        let far = cbrt_of_positive(magnitude * scale) * unscale;
        let is_itself = magnitude.eq(x.splat(0.0)) | !magnitude.lt(x.splat(f64::INFINITY));
        V::select(rare, V::select(is_itself, magnitude, far), root)
    } else {
        root
    };
    root.copysign(x)
}

/// The cube root of an `x` in `2^-900..2^900`.
#[inline(always)]
fn cbrt_of_positive<V: F64s>(x: V) -> V {
    /// 2^52 as a float: an integer in its low bits adds that integer to it.
    const COUNTER: f64 = 4503599627370496.0;
    /// The sum of the estimate's upper bits and a third of those of `x`, chosen such that errors to
    /// both sides are equal.
    const ESTIMATE: f64 = 749829546747887.0;
    let upper_bits = V::from_bits(x.to_bits().shr(13) | x.splat(COUNTER).to_bits());
    let estimate = upper_bits.mul_add(x.splat(-1.0 / 3.0), x.splat(COUNTER + ESTIMATE + COUNTER / 3.0));
    let estimate = V::from_bits(estimate.to_bits().shl(13));
    let error = (estimate * x).neg_mul_add(estimate * estimate, x.splat(1.0));
    let inverse = (estimate * error).mul_add(horner(error, &INVERSE_CBRT), estimate);
    // The root, cut to 26 bits.
    let root = V::from_bits(((inverse * x) * inverse).to_bits() & x.splat_bits(!((1 << 27) - 1)));
    let square = root * root;
    let rest = square.neg_mul_add(root, x);
    let quotient = rest / rest.mul_add(x.splat(-2.0), x.splat(3.0) * x);
    quotient.mul_add(root, root)
}

/// The same polynomial as [`INVERSE_CBRT`], for `f32`. Its error is 2^-13.4.
const INVERSE_CBRT_F32: [f32; 2] = [0.33424118, 0.22373883];

/// The cube root, off by at most 0.501 ULP.
#[inline(always)]
pub(super) fn cbrt_f32<V: F32s>(x: V) -> V {
    let magnitude = x.abs();
    let root = cbrt_of_positive_f32(magnitude);
    let rare = !(magnitude.ge(x.splat(1e-30)) & magnitude.le(x.splat(1e30)));
    let root = if rare.any() {
        let is_large = magnitude.gt(x.splat(1.0));
        let scale = V::select(is_large, x.splat(power_of_two_f32(-72)), x.splat(power_of_two_f32(72)));
        let unscale = V::select(is_large, x.splat(power_of_two_f32(24)), x.splat(power_of_two_f32(-24)));
        let far = cbrt_of_positive_f32(magnitude * scale) * unscale;
        let is_itself = magnitude.eq(x.splat(0.0)) | !magnitude.lt(x.splat(f32::INFINITY));
        V::select(rare, V::select(is_itself, magnitude, far), root)
    } else {
        root
    };
    root.copysign(x)
}

/// The same as [`cbrt_of_positive`], for an `x` in `2^-100..2^100`.
#[inline(always)]
fn cbrt_of_positive_f32<V: F32s>(x: V) -> V {
    /// 2^23 as a float: an integer in its low bits adds that integer to it.
    const COUNTER: f32 = 8388608.0;
    /// The sum of the estimate's upper bits and a third of those of `x`, chosen such that errors to
    /// both sides are equal.
    const ESTIMATE: f32 = 2773243.0;
    let upper_bits = V::from_bits(x.to_bits().shr(9) | x.splat(COUNTER).to_bits());
    let third = (upper_bits - x.splat(COUNTER)) * x.splat(1.0 / 3.0);
    let estimate = V::from_bits((x.splat(COUNTER + ESTIMATE) - third).to_bits().shl(9));
    let error = (estimate * x).neg_mul_add(estimate * estimate, x.splat(1.0));
    let inverse = (estimate * error).mul_add(horner(error, &INVERSE_CBRT_F32), estimate);
    // The root, cut to 12 bits.
    let root = V::from_bits(((inverse * x) * inverse).to_bits() & x.splat_bits(!((1 << 12) - 1)));
    let square = root * root;
    let rest = square.neg_mul_add(root, x);
    let quotient = rest / rest.mul_add(x.splat(-2.0), x.splat(3.0) * x);
    quotient.mul_add(root, root)
}

/// `sqrt(x^2 + y^2)`, off by at most 0.86 ULP; exact where the exact value is a float.
#[inline(always)]
pub(super) fn hypot<V: F64s>(x: V, y: V) -> V {
    let (x, y) = (x.abs(), y.abs());
    // If one argument is a NaN, one of the two lengths is the NaN and the other is the number.
    let (longer, shorter) = (x.max(y), y.min(x));
    let length = length(longer, shorter);
    let rare = !(longer.ge(x.splat(1e-135)) & longer.le(x.splat(1e150)));
    if rare.any() {
        let is_large = longer.gt(x.splat(1.0));
        let scale = V::select(is_large, x.splat(power_of_two(-600)), x.splat(power_of_two(600)));
        let unscale = V::select(is_large, x.splat(power_of_two(600)), x.splat(power_of_two(-600)));
        let far = self::length(longer * scale, shorter * scale) * unscale;
        let infinity = x.splat(f64::INFINITY);
        let far = V::select(x.eq(infinity) | y.eq(infinity), infinity, far);
        V::select(rare, far, length)
    } else {
        length
    }
}

/// The same as [`hypot`], for `f32`.
#[inline(always)]
pub(super) fn hypot_f32<V: F32s>(x: V, y: V) -> V {
    let (x, y) = (x.abs(), y.abs());
    let (longer, shorter) = (x.max(y), y.min(x));
    let length = length(longer, shorter);
    let rare = !(longer.ge(x.splat(1e-15)) & longer.le(x.splat(1e18)));
    if rare.any() {
        let is_large = longer.gt(x.splat(1.0));
        let scale = V::select(is_large, x.splat(power_of_two_f32(-70)), x.splat(power_of_two_f32(90)));
        let unscale = V::select(is_large, x.splat(power_of_two_f32(70)), x.splat(power_of_two_f32(-90)));
        let far = self::length(longer * scale, shorter * scale) * unscale;
        let infinity = x.splat(f32::INFINITY);
        let far = V::select(x.eq(infinity) | y.eq(infinity), infinity, far);
        V::select(rare, far, length)
    } else {
        length
    }
}

/// The length for sides whose squares do not overflow, and where the square of the longer one is
/// not too small. Rounding the sum costs at most 0.36 ULP of the root. That is too little to make
/// the result differ from an exact root that is a float.
#[inline(always)]
fn length<V: Vector>(longer: V, shorter: V) -> V {
    let square = longer * longer;
    let sum = shorter.mul_add(shorter, square);
    // This is exact, since the sum is at most twice the square.
    let added = sum - square;
    let low = shorter.mul_sub(shorter, added) + longer.mul_sub(longer, square);
    (sum + low).sqrt()
}

/// `x^3`: the square `h` and its rounding error are both multiplied by `x`. So the last operation
/// rounds a sum that is off only by the rounding of the second product, `2^-106` of the whole.
/// Where that product is subnormal, the result is at most one of the smallest normal numbers, and
/// off by up to 1 ULP. Compiled code computes it by the same operations and must get the same bits.
///
/// From [`LARGEST_SQUARE_OF_CUBES`] on the result overflows, and the second product may be NaN or
/// an infinity of the other sign.
#[inline(always)]
pub(super) fn cube<V: F64s>(x: V) -> V {
    let h = x * x;
    let l = x.mul_sub(x, h);
    let c = V::select(h.lt(x.splat(LARGEST_SQUARE_OF_CUBES)), l * x, x.splat(0.0));
    h.mul_add(x, c)
}

/// `x^4`, in the same way as [`cube`]: `h^2 + 2*h*l`, without `l^2`, which is `2^-106` of the whole
/// at most.
#[inline(always)]
pub(super) fn quart<V: F64s>(x: V) -> V {
    let h = x * x;
    let l = x.mul_sub(x, h);
    let c = V::select(h.lt(x.splat(LARGEST_SQUARE_OF_QUARTS)), (h + h) * l, x.splat(0.0));
    h.mul_add(h, c)
}

/// Where `x^3` is finite, `x` is less than `2^341.4` and `x^2` is less than this.
pub const LARGEST_SQUARE_OF_CUBES: f64 = power_of_two(700);

/// Where `x^4` is finite, `x^2` is less than this.
pub const LARGEST_SQUARE_OF_QUARTS: f64 = power_of_two(520);

/// `x^3` of a float32: the square is exact in a double, so this rounds a double that is off by
/// 2^-53 at most.
#[inline(always)]
pub(super) fn cube_f32<V: F32s>(x: V) -> V {
    V::narrow(x.widen().map(|x| x * x * x))
}

/// `x^4` of a float32, in the same way as [`cube_f32`].
#[inline(always)]
pub(super) fn quart_f32<V: F32s>(x: V) -> V {
    let [low, high] = x.widen().map(|x| x * x);
    V::narrow([low * low, high * high])
}

/// `2^exponent`, for an exponent whose power is normal.
const fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// `2^exponent`, for an exponent whose power is normal.
const fn power_of_two_f32(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}
