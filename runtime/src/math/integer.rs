//! Division and powers of integers, defined for every operand: an overflow wraps around, and a
//! division by zero gives 0.

/// The integer dtypes.
pub(super) trait Integer: Copy {
    /// The remainder of the truncated quotient, with the sign of `self`; 0 for a zero divisor.
    fn fmod(self, divisor: Self) -> Self;
    /// The remainder of the floored quotient, with the sign of `divisor`; 0 for a zero divisor.
    fn remainder(self, divisor: Self) -> Self;
    /// The floored quotient, wrapped around; 0 for a zero divisor.
    fn floor_divide(self, divisor: Self) -> Self;
    /// The power, wrapped around. With a negative exponent, it is the exact power truncated: 1 or
    /// -1 for the bases 1 and -1, and 0 for any other base, also for base 0.
    fn pow(self, exponent: Self) -> Self;
}

/// The power by repeated squaring, with one round per bit of the exponent.
macro_rules! by_squaring {
    ($ty:ident, $base:expr, $exponent:expr) => {{
        let (mut base, mut exponent, mut power): ($ty, $ty, $ty) = ($base, $exponent, 1);
        while exponent != 0 {
            if exponent & 1 == 1 {
                power = power.wrapping_mul(base);
            }
            base = base.wrapping_mul(base);
            exponent >>= 1;
        }
        power
    }};
}

macro_rules! signed {
    ($($ty:ident)*) => {$(
        impl Integer for $ty {
            fn fmod(self, divisor: $ty) -> $ty {
                if divisor == 0 { 0 } else { self.wrapping_rem(divisor) }
            }

            fn remainder(self, divisor: $ty) -> $ty {
                let rest = self.fmod(divisor);
                // The signs are opposite, so the sum cannot overflow.
                if rest != 0 && (rest < 0) != (divisor < 0) { rest.wrapping_add(divisor) } else { rest }
            }

            fn floor_divide(self, divisor: $ty) -> $ty {
                if divisor == 0 {
                    return 0;
                }
                let quotient = self.wrapping_div(divisor);
                let rest = self.wrapping_rem(divisor);
                if rest != 0 && (rest < 0) != (divisor < 0) { quotient.wrapping_sub(1) } else { quotient }
            }

            fn pow(self, exponent: $ty) -> $ty {
                if exponent < 0 {
                    return match self {
                        1 => 1,
                        -1 if exponent & 1 == 0 => 1,
                        -1 => -1,
                        _ => 0,
                    };
                }
                by_squaring!($ty, self, exponent)
            }
        }
    )*};
}

macro_rules! unsigned {
    ($($ty:ident)*) => {$(
        impl Integer for $ty {
            fn fmod(self, divisor: $ty) -> $ty {
                if divisor == 0 { 0 } else { self % divisor }
            }

            fn remainder(self, divisor: $ty) -> $ty {
                self.fmod(divisor)
            }

            fn floor_divide(self, divisor: $ty) -> $ty {
                if divisor == 0 { 0 } else { self / divisor }
            }

            fn pow(self, exponent: $ty) -> $ty {
                by_squaring!($ty, self, exponent)
            }
        }
    )*};
}

signed!(i8 i16 i32 i64);
unsigned!(u8 u16 u32 u64);

/// The same functions by the quotient of two floats. They have no branches and no integer division,
/// so the compiler makes vectors of loops over them.
///
/// A quotient `a / b` that is not whole differs from a whole number by at least `1 / |b|`. Its
/// rounding error is less: at most `|a / b| / 2^24` in `f32`, where `|a|` is at most `2^16`, and
/// `|a / b| / 2^53` in `f64`, where it is at most `2^51`. So rounding down or towards zero gives
/// the same as with the exact quotient. All other steps are exact: a product of the quotient and
/// `b` is at most `|a| + |b|`.
pub(super) trait ByFloats: Integer {
    /// Whether the functions take this argument: all of up to 32 bits, and of 64 bits those below
    /// `2^51`.
    fn is_small(self) -> bool;
    /// [`Integer::fmod`].
    fn fmod_by_floats(self, divisor: Self) -> Self;
    /// [`Integer::remainder`].
    fn remainder_by_floats(self, divisor: Self) -> Self;
    /// [`Integer::floor_divide`].
    fn floor_divide_by_floats(self, divisor: Self) -> Self;
}

/// At 1.5 times 2 to the number of fraction bits, the last bit of a float is worth 1. So its bits
/// are those of [`ONES_BITS`] and of an integer, added.
const ONES: f64 = 6755399441055744.0;
const ONES_BITS: u64 = ONES.to_bits();

/// A whole float as an integer, wrapped around.
macro_rules! wrapped {
    ($ty:ident, $float:expr, $whole:expr) => {
        ($float + $whole).to_bits().wrapping_sub($whole.to_bits()) as $ty
    };
}

/// A float of 64 bits from a small integer of 64 bits. AVX2 has no such conversion.
macro_rules! small_float {
    ($x:expr) => {
        f64::from_bits(($x as u64).wrapping_add(ONES_BITS)) - ONES
    };
}

macro_rules! by_floats {
    ($($ty:ident, $is_small:expr, $float:expr, $whole:expr;)*) => {$(
        impl ByFloats for $ty {
            #[inline(always)]
            fn is_small(self) -> bool {
                $is_small(self)
            }

            #[inline(always)]
            fn fmod_by_floats(self, divisor: $ty) -> $ty {
                let (a, b) = ($float(self), $float(divisor));
                let rest = wrapped!($ty, a - (a / b).trunc() * b, $whole);
                if divisor == 0 { 0 } else { rest }
            }

            #[inline(always)]
            fn remainder_by_floats(self, divisor: $ty) -> $ty {
                let (a, b) = ($float(self), $float(divisor));
                let rest = wrapped!($ty, a - (a / b).floor() * b, $whole);
                if divisor == 0 { 0 } else { rest }
            }

            #[inline(always)]
            fn floor_divide_by_floats(self, divisor: $ty) -> $ty {
                let (a, b) = ($float(self), $float(divisor));
                let quotient = wrapped!($ty, (a / b).floor(), $whole);
                if divisor == 0 { 0 } else { quotient }
            }
        }
    )*};
}

by_floats! {
    i8, |_| true, f32::from, 12582912.0_f32;
    u8, |_| true, f32::from, 12582912.0_f32;
    i16, |_| true, f32::from, 12582912.0_f32;
    u16, |_| true, f32::from, 12582912.0_f32;
    i32, |_| true, f64::from, ONES;
    u32, |_| true, f64::from, ONES;
    i64, |x: i64| (x as u64).wrapping_add(1 << 51) < 1 << 52, |x: i64| small_float!(x), ONES;
    u64, |x: u64| x < 1 << 51, |x: u64| small_float!(x), ONES;
}
