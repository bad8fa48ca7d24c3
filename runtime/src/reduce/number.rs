//! What elements are added and multiplied as.

use std::convert::identity;

use super::source::Source;
use crate::dtype::{DType, Element, Scalar};

/// A type of sums or products.
pub(super) trait Number: Copy {
    const ZERO: Self;
    /// The number that changes nothing when it is added. For floats it is -0.0, because -0.0 + 0.0
    /// is 0.0.
    const NEUTRAL: Self;
    const ONE: Self;

    /// The sum; of integers, wrapped around.
    fn plus(self, other: Self) -> Self;
    /// The product; of integers, wrapped around.
    fn times(self, other: Self) -> Self;
}

/// A dtype whose elements are added and multiplied.
pub(super) trait Addend: Source {
    /// Wide enough for the sum of 32 elements, unless that wraps around in `Wide` too.
    type Narrow: Number + Into<Self::Wide>;
    type Wide: Number + Element;
    /// The dtype of results.
    type Output: Copy;

    fn narrow(raw: Self::Raw) -> Self::Narrow;
    fn wide(raw: Self::Raw) -> Self::Wide;
    /// The result, rounded to its dtype. All NaNs become one, because it is not defined which of
    /// two NaNs an operation returns.
    fn output(wide: Self::Wide) -> Self::Output;
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        impl Number for $ty {
            const ZERO: $ty = 0;
            const NEUTRAL: $ty = 0;
            const ONE: $ty = 1;

            #[inline(always)]
            fn plus(self, other: $ty) -> $ty {
                self.wrapping_add(other)
            }

            #[inline(always)]
            fn times(self, other: $ty) -> $ty {
                self.wrapping_mul(other)
            }
        }
    )*};
}

integers!(i16 i32 i64 u8 u16 u32 u64);

impl Number for f64 {
    const ZERO: f64 = 0.0;
    const NEUTRAL: f64 = -0.0;
    const ONE: f64 = 1.0;

    #[inline(always)]
    fn plus(self, other: f64) -> f64 {
        self + other
    }

    #[inline(always)]
    fn times(self, other: f64) -> f64 {
        self * other
    }
}

macro_rules! addends {
    ($($ty:ident, $narrow:ident, $wide:ident, $output:ident, $finish:expr;)*) => {$(
        impl Addend for $ty {
            type Narrow = $narrow;
            type Wide = $wide;
            type Output = $output;

            #[inline(always)]
            fn narrow(raw: Self::Raw) -> $narrow {
                $narrow::from(Self::key(raw))
            }

            #[inline(always)]
            fn wide(raw: Self::Raw) -> $wide {
                $wide::from(Self::key(raw))
            }

            #[inline(always)]
            fn output(wide: $wide) -> $output {
                $finish(wide)
            }
        }
    )*};
}

addends! {
    bool, u8, i64, i64, identity;
    i8, i16, i64, i64, identity;
    i16, i32, i64, i64, identity;
    i32, i64, i64, i64, identity;
    i64, i64, i64, i64, identity;
    u8, u16, u64, u64, identity;
    u16, u32, u64, u64, identity;
    u32, u64, u64, u64, identity;
    u64, u64, u64, u64, identity;
    f32, f64, f64, f32, f32_of;
    f64, f64, f64, f64, f64_of;
}

#[inline(always)]
fn f32_of(x: f64) -> f32 {
    if x.is_nan() { f32::NAN } else { x as f32 }
}

#[inline(always)]
pub(super) fn f64_of(x: f64) -> f64 {
    if x.is_nan() { f64::NAN } else { x }
}

/// The dtype of sums and products of elements of a dtype.
pub(super) fn wide_dtype(dtype: DType) -> DType {
    match dtype {
        DType::Float32 | DType::Float64 => dtype,
        _ if dtype.is_unsigned_int() => DType::UInt64,
        _ => DType::Int64,
    }
}

/// 0 or 1 of a dtype of sums and products.
pub(super) fn small(dtype: DType, value: u8) -> Scalar {
    match dtype {
        DType::Float32 => Scalar::new(f32::from(value)),
        DType::Float64 => Scalar::new(f64::from(value)),
        _ => Scalar::from_bits(dtype, u64::from(value)),
    }
}
