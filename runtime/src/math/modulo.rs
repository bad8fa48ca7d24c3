//! Remainders and whole quotients of floats: C's `fmod`, and NumPy's `%` and `//`, bit for bit.
//!
//! Each is written once for single floats, by its definition, and once for vectors. The remainder
//! of a truncated quotient `q` is exact, and so is `a - q b` computed with one rounding, even if
//! `q` is one too large: it is a multiple of the last bit of `a` or `b`, and no greater than `b`.
//! This serves all lanes whose quotients are so small that they have all their bits. The others
//! are computed one by one.

use crate::arch::vector::{Bits, Float, Vector};

macro_rules! float_modulo {
    ($ty:ident) => {
        pub(in crate::math) mod $ty {
            /// The remainder of the truncated quotient: exact, with the sign of `a`.
            pub(in crate::math) fn fmod(a: $ty, b: $ty) -> $ty {
                a % b
            }

            /// NumPy's `a % b`: with the sign of `b`, and NaN for `b = 0`.
            pub(in crate::math) fn remainder(a: $ty, b: $ty) -> $ty {
                let rest = a % b;
                if b == 0.0 {
                    rest
                } else if rest == 0.0 {
                    (0.0 as $ty).copysign(b)
                } else if (b < 0.0) != (rest < 0.0) {
                    rest + b
                } else {
                    rest
                }
            }

            /// NumPy's `a // b`: the quotient is computed from the remainder and snapped to the
            /// nearest whole number.
            pub(in crate::math) fn floor_divide(a: $ty, b: $ty) -> $ty {
                if b == 0.0 {
                    return a / b;
                }
                let rest = a % b;
                let mut quotient = (a - rest) / b;
                if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return (0.0 as $ty).copysign(a / b);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }
        }
    };
}

float_modulo!(f32);
float_modulo!(f64);

/// What vectors need to know of their elements.
pub(super) trait Modulo: Float {
    const ZERO: Self;
    const HALF: Self;
    const INFINITY: Self;
    /// Quotients below this have all bits of their whole part, and two after the point.
    const LIMIT: Self;
    /// The functions of single floats.
    const FMOD: fn(Self, Self) -> Self;
    const REMAINDER: fn(Self, Self) -> Self;
    const FLOOR_DIVIDE: fn(Self, Self) -> Self;
}

macro_rules! modulo {
    ($ty:ident, $limit:literal) => {
        impl Modulo for $ty {
            const ZERO: $ty = 0.0;
            const HALF: $ty = 0.5;
            const INFINITY: $ty = $ty::INFINITY;
            const LIMIT: $ty = $limit;
            const FMOD: fn($ty, $ty) -> $ty = $ty::fmod;
            const REMAINDER: fn($ty, $ty) -> $ty = $ty::remainder;
            const FLOOR_DIVIDE: fn($ty, $ty) -> $ty = $ty::floor_divide;
        }
    };
}

modulo!(f32, 4194304.0);
modulo!(f64, 2251799813685248.0);

/// The remainders of truncated quotients, and the lanes where they are not right.
#[inline(always)]
fn usual_fmod<V: Vector<Elem: Modulo>>(a: V, b: V) -> (V, V::Mask) {
    let (x, y) = (a.abs(), b.abs());
    let quotient = x / y;
    let rest = quotient.round().neg_mul_add(y, x);
    let rest = V::select(rest.lt(a.splat(V::Elem::ZERO)), rest + y, rest);
    let is_usual = quotient.lt(a.splat(V::Elem::LIMIT)) & y.lt(a.splat(V::Elem::INFINITY));
    (rest.copysign(a), !is_usual)
}

/// True where one sign is minus and the other is not.
#[inline(always)]
fn signs_differ<V: Vector<Elem: Modulo>>(a: V, b: V) -> V::Mask {
    // The sign bit is also that of the integer.
    (a.to_bits() ^ b.to_bits()).lt_signed(a.splat(V::Elem::ZERO).to_bits())
}

#[inline(always)]
pub(super) fn fmod<V: Vector<Elem: Modulo>>(a: V, b: V) -> V {
    let (rest, is_rare) = usual_fmod(a, b);
    rest.patch(is_rare, [a, b], V::Elem::FMOD)
}

#[inline(always)]
pub(super) fn remainder<V: Vector<Elem: Modulo>>(a: V, b: V) -> V {
    let (rest, is_rare) = usual_fmod(a, b);
    let zero = a.splat(V::Elem::ZERO);
    let value = V::select(signs_differ(a, b), rest + b, rest);
    let value = V::select(rest.eq(zero), zero.copysign(b), value);
    value.patch(is_rare, [a, b], V::Elem::REMAINDER)
}

#[inline(always)]
pub(super) fn floor_divide<V: Vector<Elem: Modulo>>(a: V, b: V) -> V {
    let (rest, is_rare) = usual_fmod(a, b);
    let (zero, one) = (a.splat(V::Elem::ZERO), a.splat(V::Elem::ONE));
    let quotient = (a - rest) / b;
    let quotient = V::select(signs_differ(a, b) & !rest.eq(zero), quotient - one, quotient);
    let near = quotient.round();
    let floor = V::select(quotient.lt(near), near - one, near);
    let value = V::select((quotient - floor).gt(a.splat(V::Elem::HALF)), floor + one, floor);
    let value = V::select(quotient.eq(zero), zero.xor_sign(a).xor_sign(b), value);
    value.patch(is_rare, [a, b], V::Elem::FLOOR_DIVIDE)
}
