//! Inverse sine, cosine and tangent.
//!
//! `atan(x)` is `x + x^3 p(x^2)` up to 1/2, `pi/4 + atan((x - 1) / (x + 1))` up to 2, where `x - 1`
//! is exact, and `pi/2 + atan(-1 / x)` beyond. `atan2` does the same with a quotient. `pi/4`,
//! `x + 1` and the quotients are in two floats each, so that the remaining error is little more
//! than the rounding of the last sum.
//!
//! `asin(x)` is `x + x^3 p(x^2)` up to 1/2, and `pi/2 - 2 asin(w)` with `w = sqrt((1 - x) / 2)`
//! beyond. `acos` is computed in the same way.

use super::double::Double;
use super::polynomial::{even_odd, horner};
use crate::arch::generic::{AnyCpu, F64x2};
use crate::arch::vector::{F32s, F64s, Float, Vector};

/// The constants of a dtype, made by sollya/inverse_trigonometric.sollya.
trait Constants: Float {
    const HALF: Self;
    const ZERO: Self;
    const TWO: Self;
    const PI_OVER_4: [Self; 2];
    const PI_OVER_2: [Self; 2];
    const PI_3_OVER_4: [Self; 2];
    const PI: [Self; 2];
    /// What the first part of `pi`, or of `pi` times a power of two, lacks, divided by that first
    /// part.
    const PI_REST: Self;
    /// The inverse tangent is `pi/2` from here on.
    const STEEP: Self;
    /// For coordinates from the first to the second bound, neither quotients nor their errors
    /// overflow or underflow.
    const ORDINARY: [Self; 2];
    /// The bits of a positive number, subtracted from this, leave the bits of roughly its
    /// reciprocal, with an error of 1/13 at most.
    const RECIPROCAL: Self::Bits;

    /// `(atan(t) - t) / t^3` as a function of `t^2`.
    fn arc_tangent<V: Vector<Elem = Self>>(square: V) -> V;

    /// `(asin(t) - t) / t^3` as a function of `t^2`.
    fn arc_sine<V: Vector<Elem = Self>>(square: V) -> V;
}

impl Constants for f64 {
    const HALF: f64 = 0.5;
    const ZERO: f64 = 0.0;
    const TWO: f64 = 2.0;
    const PI_OVER_4: [f64; 2] = [std::f64::consts::FRAC_PI_4, 3.061616997868383e-17];
    const PI_OVER_2: [f64; 2] = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17];
    const PI_3_OVER_4: [f64; 2] = [2.356194490192345, 9.184850993605148e-17];
    const PI: [f64; 2] = [std::f64::consts::PI, 1.2246467991473532e-16];
    const PI_REST: f64 = 3.8981718325193755e-17;
    const STEEP: f64 = 1e18;
    const ORDINARY: [f64; 2] = [1e-150, 1e150];
    const RECIPROCAL: u64 = 0x7fde_db6d_0000_0000;

    #[inline(always)]
    fn arc_tangent<V: Vector<Elem = f64>>(square: V) -> V {
        even_odd(square, square * square, &ARC_TANGENT)
    }

    #[inline(always)]
    fn arc_sine<V: Vector<Elem = f64>>(square: V) -> V {
        even_odd(square, square * square, &ARC_SINE)
    }
}

/// The polynomial for magnitudes up to 1/2. Its error is 2^-57.7, relative to the inverse tangent.
const ARC_TANGENT: [f64; 12] = [
    -0.3333333333333298,
    0.19999999999903123,
    -0.1428571427638746,
    0.11111110659708877,
    -0.09090896246524784,
    0.07692073939411088,
    -0.06663810877468249,
    0.05858300584702988,
    -0.051220128120935425,
    0.041865229895992326,
    -0.027435234447055368,
    0.010117037552530784,
];

/// The polynomial for magnitudes up to 1/2. Its error is 2^-59.9, relative to the inverse sine.
const ARC_SINE: [f64; 13] = [
    0.1666666666666676,
    0.07499999999970867,
    0.04464285717455937,
    0.03038194270993964,
    0.022372214933961018,
    0.017351612884649172,
    0.013980810970570011,
    0.011398984899684095,
    0.01077987180695415,
    0.003707763803502037,
    0.021704324805356688,
    -0.020994857763657213,
    0.0326261109961928,
];

impl Constants for f32 {
    const HALF: f32 = 0.5;
    const ZERO: f32 = 0.0;
    const TWO: f32 = 2.0;
    const PI_OVER_4: [f32; 2] = [std::f32::consts::FRAC_PI_4, -2.1855694e-8];
    const PI_OVER_2: [f32; 2] = [std::f32::consts::FRAC_PI_2, -4.371139e-8];
    const PI_3_OVER_4: [f32; 2] = [2.3561945, -5.9624403e-9];
    const PI: [f32; 2] = [std::f32::consts::PI, -8.742278e-8];
    const PI_REST: f32 = -2.7827534e-8;
    const STEEP: f32 = 1e9;
    const ORDINARY: [f32; 2] = [1e-18, 1e18];
    const RECIPROCAL: u32 = 0x7ef6_db6d;

    #[inline(always)]
    fn arc_tangent<V: Vector<Elem = f32>>(square: V) -> V {
        horner(square, &ARC_TANGENT_F32)
    }

    #[inline(always)]
    fn arc_sine<V: Vector<Elem = f32>>(square: V) -> V {
        horner(square, &ARC_SINE_F32)
    }
}

/// The polynomial for magnitudes up to 1/2. Its error is 2^-27.4, relative to the inverse tangent.
const ARC_TANGENT_F32: [f32; 5] = [-0.33333233, 0.19994186, -0.14174582, 0.101581655, -0.051297754];

/// The polynomial for magnitudes up to 1/2. Its error is 2^-27.6, relative to the inverse sine.
const ARC_SINE_F32: [f32; 5] = [0.16666752, 0.0749531, 0.04546902, 0.024185503, 0.042157013];

#[inline(always)]
fn select<V: Vector>(mask: V::Mask, if_true: Double<V>, if_false: Double<V>) -> Double<V> {
    Double { high: V::select(mask, if_true.high, if_false.high), low: V::select(mask, if_true.low, if_false.low) }
}

/// Selects between constants of two parts; `like` is any vector, as for [`Vector::splat`].
#[inline(always)]
fn choose<V: Vector>(like: V, mask: V::Mask, if_true: [V::Elem; 2], if_false: [V::Elem; 2]) -> Double<V> {
    select(mask, Double::splat(like, if_true), Double::splat(like, if_false))
}

/// `base + angle` or `base - angle`. Here `angle` is the angle, in the first octant, of the point
/// whose coordinates are `small` and `large`.
struct Octant<V: Vector> {
    small: V,
    large: V,
    /// Negative where the angle is subtracted.
    sign: V,
    /// The base for the first half of the octant.
    axis: Double<V>,
    /// The base for the second half: `axis` with `pi/4` added to it or subtracted from it.
    diagonal: Double<V>,
}

impl<V: Vector<Elem: Constants>> Octant<V> {
    #[inline(always)]
    fn angle(self) -> V {
        let Octant { small, large, sign, axis, diagonal } = self;
        let is_second = large.lt(small + small);
        let sum = Double::fast_sum(large, small);
        // The difference, `small - large`, is exact.
        let over = V::select(is_second, small - large, small);
        let under = V::select(is_second, sum.high, large);
        let (quotient, tail) =
            angle_of_quotient(over, under, V::select(is_second, sum.low, large.splat(V::Elem::ZERO)));
        let base = select(is_second, diagonal, axis);
        let head = Double::fast_sum(base.high, quotient.xor_sign(sign));
        head.high + (head.low + (base.low + tail.xor_sign(sign)))
    }
}

/// The inverse tangent of `over / (under + under_low)`, at most 1/2 in magnitude, in two floats.
#[inline(always)]
fn angle_of_quotient<V: Vector<Elem: Constants>>(over: V, under: V, under_low: V) -> (V, V) {
    let quotient = over / under;
    let rest = quotient.neg_mul_add(under_low, quotient.neg_mul_add(under, over));
    // A few bits of the quotient's error are enough.
    let low = rest * rough_reciprocal(under);
    let square = quotient * quotient;
    (quotient, (quotient * square).mul_add(V::Elem::arc_tangent(square), low))
}

/// The reciprocal, to within 1/13.
#[inline(always)]
fn rough_reciprocal<V: Vector<Elem: Constants>>(x: V) -> V {
    V::from_bits(x.splat_bits(V::Elem::RECIPROCAL) - x.to_bits())
}

/// The inverse tangent.
#[inline(always)]
fn inverse_tangent<V: Vector<Elem: Constants>>(x: V) -> V {
    let (zero, one) = (x.splat(V::Elem::ZERO), x.splat(V::Elem::ONE));
    // With the arguments in this order, a NaN stays a NaN.
    let magnitude = x.splat(V::Elem::STEEP).min(x.abs());
    let is_not_flat = x.splat(V::Elem::HALF).lt(magnitude);
    let is_steep = x.splat(V::Elem::TWO).lt(magnitude);
    let sum = Double::fast_sum(one, magnitude);
    let over = V::select(is_steep, -one, V::select(is_not_flat, magnitude - one, magnitude));
    let under = V::select(is_steep, magnitude, V::select(is_not_flat, sum.high, one));
    let under_low = V::select(is_steep, zero, V::select(is_not_flat, sum.low, zero));
    let (quotient, tail) = angle_of_quotient(over, under, under_low);
    let [half, quarter] = [x.splat(V::Elem::PI_OVER_2[0]), x.splat(V::Elem::PI_OVER_4[0])];
    let base = V::select(is_steep, half, V::select(is_not_flat, quarter, zero));
    let head = Double::fast_sum(base, quotient);
    (head.high + (head.low + base.mul_add(x.splat(V::Elem::PI_REST), tail))).xor_sign(x)
}

/// The angle of the point `(x, y)`, and a mask of the lanes where this angle is not right.
#[inline(always)]
fn point_angle<V: Vector<Elem: Constants>>(y: V, x: V) -> (V, V::Mask) {
    let (y_size, x_size) = (y.abs(), x.abs());
    let is_steep = x_size.lt(y_size);
    let is_left = x.lt(y.splat(V::Elem::ZERO));
    // These are not minima and maxima, because those would lose a NaN.
    let (small, large) = (V::select(is_steep, x_size, y_size), V::select(is_steep, y_size, x_size));
    let left = choose(x, is_left, V::Elem::PI, [V::Elem::ZERO; 2]);
    let octant = Octant {
        small,
        large,
        sign: (x_size - y_size).xor_sign(x),
        axis: select(is_steep, Double::splat(y, V::Elem::PI_OVER_2), left),
        diagonal: choose(x, is_left, V::Elem::PI_3_OVER_4, V::Elem::PI_OVER_4),
    };
    let (least, most) = (y.splat(V::Elem::ORDINARY[0]), y.splat(V::Elem::ORDINARY[1]));
    let is_ordinary = least.le(large) & large.le(most) & (least.le(small) | small.eq(y.splat(V::Elem::ZERO)));
    (octant.angle().xor_sign(y), !is_ordinary)
}

/// [`atan2`] of one point, which may be any point.
fn atan2_of_one(y: f64, x: f64) -> f64 {
    /// A factor large enough to bring any coordinate from either side of the ordinary ones into
    /// their middle.
    const FACTOR: f64 = f64::from_bits((1023 + 600) << 52);
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    let (y_size, x_size) = match (y.is_infinite(), x.is_infinite()) {
        (true, true) => (1.0, 1.0),
        (true, false) => (1.0, 0.0),
        (false, true) => (0.0, 1.0),
        (false, false) if y == 0.0 && x == 0.0 => (0.0, 1.0),
        (false, false) => (y.abs(), x.abs()),
    };
    if x_size / y_size < 1e-20 {
        return std::f64::consts::FRAC_PI_2.copysign(y);
    }
    if y_size / x_size < 1e-20 {
        let angle = if x.is_sign_negative() { std::f64::consts::PI } else { y_size / x_size };
        return angle.copysign(y);
    }
    let factor = if y_size.max(x_size) > 1.0 { 1.0 / FACTOR } else { FACTOR };
    let [y, x] =
        [(y_size, y), (x_size, x)].map(|(size, signed)| F64x2::splat_at(AnyCpu, (size * factor).copysign(signed)));
    let (angle, _) = point_angle(y, x);
    let mut lanes = [0.0; F64x2::LANES];
    // SAFETY: the array has as many elements as the vector has lanes.
    unsafe { angle.store(lanes.as_mut_ptr()) }
    lanes[0]
}

fn atan2_of_one_f32(y: f32, x: f32) -> f32 {
    atan2_of_one(y.into(), x.into()) as f32
}

/// `base + sign (t + asin(t) - t)`. The argument of `asin` is the sum of the float `t` and what it
/// lacks.
struct Arc<V: Vector> {
    /// Half a turn, a quarter of a turn, or 0.
    base: Double<V>,
    /// `t` or `-t`.
    signed: V,
    signed_low: V,
    square: V,
}

impl<V: Vector<Elem: Constants>> Arc<V> {
    #[inline(always)]
    fn angle(self) -> V {
        let sum = Double::fast_sum(self.base.high, self.signed);
        let low = self.base.low + self.signed_low;
        let tail = (self.signed * self.square).mul_add(V::Elem::arc_sine(self.square), low);
        sum.high + (sum.low + tail)
    }
}

/// `2 sqrt((1 - |x|) / 2)`: a fourth of its square, and the number itself in two floats.
#[inline(always)]
fn chord<V: Vector<Elem: Constants>>(magnitude: V) -> (V, Double<V>) {
    let half = magnitude.splat(V::Elem::HALF);
    // This is exact for magnitudes from 1/2 on.
    let square = magnitude.neg_mul_add(half, half);
    let root = square.sqrt();
    // The root lacks `rest / (2 root)`, where `rest` is what its square lacks. A few bits of that
    // are enough.
    (square, Double { high: root + root, low: root.neg_mul_add(root, square) * rough_reciprocal(root) })
}

/// The inverse sine.
#[inline(always)]
fn inverse_sine<V: Vector<Elem: Constants>>(x: V) -> V {
    let magnitude = x.abs();
    let is_small = magnitude.le(x.splat(V::Elem::HALF));
    let (square, chord) = chord(magnitude);
    let arc = Arc {
        base: choose(x, is_small, [V::Elem::ZERO; 2], V::Elem::PI_OVER_2),
        signed: V::select(is_small, magnitude, -chord.high),
        signed_low: V::select(is_small, x.splat(V::Elem::ZERO), -chord.low),
        square: V::select(is_small, x * x, square),
    };
    arc.angle().xor_sign(x)
}

/// The inverse cosine.
#[inline(always)]
fn inverse_cosine<V: Vector<Elem: Constants>>(x: V) -> V {
    let magnitude = x.abs();
    let zero = x.splat(V::Elem::ZERO);
    let is_small = magnitude.le(x.splat(V::Elem::HALF));
    let (square, chord) = chord(magnitude);
    let far = choose(x, x.lt(zero), V::Elem::PI, [V::Elem::ZERO; 2]);
    let arc = Arc {
        base: select(is_small, Double::splat(x, V::Elem::PI_OVER_2), far),
        signed: V::select(is_small, -x, chord.high.xor_sign(x)),
        signed_low: V::select(is_small, zero, chord.low.xor_sign(x)),
        square: V::select(is_small, x * x, square),
    };
    arc.angle()
}

/// The inverse sine.
#[inline(always)]
pub(super) fn asin<V: F64s>(x: V) -> V {
    inverse_sine(x)
}

/// The inverse sine.
#[inline(always)]
pub(super) fn asin_f32<V: F32s>(x: V) -> V {
    inverse_sine(x)
}

/// The inverse cosine.
#[inline(always)]
pub(super) fn acos<V: F64s>(x: V) -> V {
    inverse_cosine(x)
}

/// The inverse cosine.
#[inline(always)]
pub(super) fn acos_f32<V: F32s>(x: V) -> V {
    inverse_cosine(x)
}

/// The inverse tangent.
#[inline(always)]
pub(super) fn atan<V: F64s>(x: V) -> V {
    inverse_tangent(x)
}

/// The inverse tangent.
#[inline(always)]
pub(super) fn atan_f32<V: F32s>(x: V) -> V {
    inverse_tangent(x)
}

/// The angle of the point `(x, y)`, from -pi to pi.
#[inline(always)]
pub(super) fn atan2<V: F64s>(y: V, x: V) -> V {
    let (angle, rare) = point_angle(y, x);
    angle.patch(rare, [y, x], atan2_of_one)
}

/// The angle of the point `(x, y)`, from -pi to pi.
#[inline(always)]
pub(super) fn atan2_f32<V: F32s>(y: V, x: V) -> V {
    let (angle, rare) = point_angle(y, x);
    angle.patch(rare, [y, x], atan2_of_one_f32)
}
