//! Vectors as arrays, for every CPU: the compiler turns them into the instructions that the CPU
//! has.
//!
//! On a CPU without an FMA instruction, an FMA is a function call, so this code is slow there. It
//! gives the same bits.

use super::vector::{Bits, F32s, Level, Mask, Vector};
use std::array;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// The level of every CPU, which needs no proof.
#[derive(Clone, Copy)]
pub(crate) struct AnyCpu;

impl Level for AnyCpu {
    #[inline(always)]
    unsafe fn assume() -> AnyCpu {
        AnyCpu
    }
}

/// Two `f64`.
pub(crate) type F64x2 = Lanes<f64, 2>;

/// Four `f32`.
pub(crate) type F32x4 = Lanes<f32, 4>;

#[derive(Clone, Copy)]
pub(crate) struct Lanes<T, const N: usize>([T; N]);

/// A mask, as one bool for each lane.
#[derive(Clone, Copy)]
pub(crate) struct LaneMask<const N: usize>([bool; N]);

impl<T: Copy, const N: usize> Lanes<T, N> {
    #[inline(always)]
    fn map<U>(self, f: impl Fn(T) -> U) -> Lanes<U, N> {
        Lanes(self.0.map(f))
    }

    #[inline(always)]
    fn zip<U>(self, other: Lanes<T, N>, f: impl Fn(T, T) -> U) -> Lanes<U, N> {
        Lanes(array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }

    #[inline(always)]
    fn test(self, other: Lanes<T, N>, f: impl Fn(T, T) -> bool) -> LaneMask<N> {
        LaneMask(array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }

    #[inline(always)]
    fn choose(mask: LaneMask<N>, if_true: Lanes<T, N>, if_false: Lanes<T, N>) -> Lanes<T, N> {
        Lanes(array::from_fn(|lane| if mask.0[lane] { if_true.0[lane] } else { if_false.0[lane] }))
    }
}

/// The operators of vectors, by those of their elements.
macro_rules! operators {
    ($($trait:ident $method:ident $op:tt, $ty:ty);* $(;)?) => {$(
        impl<const N: usize> $trait for Lanes<$ty, N> {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $op b)
            }
        }
    )*};
}

macro_rules! vector {
    ($float:ident, $bits:ident, $int:ident, scale: $scale:expr) => {
        operators! {
            Add add +, $float;
            Sub sub -, $float;
            Mul mul *, $float;
            Div div /, $float;
            BitAnd bitand &, $bits;
            BitOr bitor |, $bits;
            BitXor bitxor ^, $bits;
        }

        impl<const N: usize> Neg for Lanes<$float, N> {
            type Output = Self;

            #[inline(always)]
            fn neg(self) -> Self {
                self.map(|x| -x)
            }
        }

        impl<const N: usize> Vector for Lanes<$float, N> {
            type Level = AnyCpu;
            type Elem = $float;
            type Bits = Lanes<$bits, N>;
            type Mask = LaneMask<N>;
            const LANES: usize = N;

            #[inline(always)]
            fn level(self) -> AnyCpu {
                AnyCpu
            }

            #[inline(always)]
            fn splat_at(_: AnyCpu, value: $float) -> Self {
                Lanes([value; N])
            }

            #[inline(always)]
            unsafe fn load(_: AnyCpu, src: *const $float) -> Self {
                // SAFETY: the caller's contract; an array has as many elements as a vector has
                // lanes.
                Lanes(unsafe { src.cast::<[$float; N]>().read_unaligned() })
            }

            #[inline(always)]
            unsafe fn store(self, dst: *mut $float) {
                // SAFETY: as above.
                unsafe { dst.cast::<[$float; N]>().write_unaligned(self.0) }
            }

            #[inline(always)]
            unsafe fn stream(self, dst: *mut $float) {
                // SAFETY: the caller's contract.
                unsafe { self.store(dst) }
            }

            #[inline(always)]
            unsafe fn stream_first(self, dst: *mut $float, n: usize) {
                // SAFETY: the caller's contract.
                unsafe { self.store_first(dst, n) }
            }

            #[inline(always)]
            unsafe fn load_first(_: AnyCpu, src: *const $float, n: usize) -> Self {
                // SAFETY: only lanes below `n` are read, and the caller says that their elements
                // are there.
                Lanes(array::from_fn(|lane| if lane < n { unsafe { src.add(lane).read_unaligned() } } else { 1.0 }))
            }

            #[inline(always)]
            unsafe fn store_first(self, dst: *mut $float, n: usize) {
                for (lane, &value) in self.0.iter().enumerate().take(n) {
                    // SAFETY: only lanes below `n` are written, and the caller says that their
                    // elements are there.
                    unsafe { dst.add(lane).write_unaligned(value) }
                }
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                Lanes(array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], addend.0[lane])))
            }

            #[inline(always)]
            fn mul_sub(self, factor: Self, subtrahend: Self) -> Self {
                self.mul_add(factor, -subtrahend)
            }

            #[inline(always)]
            fn neg_mul_add(self, factor: Self, minuend: Self) -> Self {
                (-self).mul_add(factor, minuend)
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                self.map($float::sqrt)
            }

            #[inline(always)]
            fn round(self) -> Self {
                self.map($float::round_ties_even)
            }

            #[inline(always)]
            fn lt(self, other: Self) -> LaneMask<N> {
                self.test(other, |a, b| a < b)
            }

            #[inline(always)]
            fn le(self, other: Self) -> LaneMask<N> {
                self.test(other, |a, b| a <= b)
            }

            #[inline(always)]
            fn eq(self, other: Self) -> LaneMask<N> {
                self.test(other, |a, b| a == b)
            }

            #[inline(always)]
            fn is_nan(self) -> LaneMask<N> {
                LaneMask(self.0.map($float::is_nan))
            }

            #[inline(always)]
            fn select(mask: LaneMask<N>, if_true: Self, if_false: Self) -> Self {
                Self::choose(mask, if_true, if_false)
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                self.zip(other, |a, b| if a > b { a } else { b })
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                self.zip(other, |a, b| if a < b { a } else { b })
            }

            #[inline(always)]
            fn to_bits(self) -> Lanes<$bits, N> {
                self.map($float::to_bits)
            }

            #[inline(always)]
            fn from_bits(bits: Lanes<$bits, N>) -> Self {
                bits.map($float::from_bits)
            }

            #[inline(always)]
            fn scale(self, exponent: Self) -> Self {
                self.zip(exponent, $scale)
            }

            #[inline(always)]
            fn from_int(int: Lanes<$bits, N>) -> Self {
                int.map(|int| int as $int as $float)
            }

            #[inline(always)]
            fn to_int(self) -> Lanes<$bits, N> {
                self.map(|x| x as $int as $bits)
            }

            #[inline(always)]
            fn lookup<const LEN: usize>(table: &[$float; LEN], idx: Lanes<$bits, N>) -> Self {
                const { assert!(LEN.is_power_of_two()) };
                idx.map(|idx| table[idx as usize % LEN])
            }
        }

        impl<const N: usize> Add for Lanes<$bits, N> {
            type Output = Self;

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.zip(other, $bits::wrapping_add)
            }
        }

        impl<const N: usize> Sub for Lanes<$bits, N> {
            type Output = Self;

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.zip(other, $bits::wrapping_sub)
            }
        }

        impl<const N: usize> Not for Lanes<$bits, N> {
            type Output = Self;

            #[inline(always)]
            fn not(self) -> Self {
                self.map(|bits| !bits)
            }
        }

        impl<const N: usize> Bits for Lanes<$bits, N> {
            type Elem = $bits;
            type Mask = LaneMask<N>;

            #[inline(always)]
            fn splat(self, value: $bits) -> Self {
                Lanes([value; N])
            }

            #[inline(always)]
            fn shl(self, count: u32) -> Self {
                self.map(|bits| bits << count)
            }

            #[inline(always)]
            fn shr(self, count: u32) -> Self {
                self.map(|bits| bits >> count)
            }

            #[inline(always)]
            fn eq(self, other: Self) -> LaneMask<N> {
                self.test(other, |a, b| a == b)
            }

            #[inline(always)]
            fn lt_signed(self, other: Self) -> LaneMask<N> {
                self.test(other, |a, b| (a as $int) < b as $int)
            }

            #[inline(always)]
            fn select(mask: LaneMask<N>, if_true: Self, if_false: Self) -> Self {
                Self::choose(mask, if_true, if_false)
            }
        }
    };
}

vector!(f64, u64, i64, scale: |x, exponent| {
    // The power is in two factors, neither of them subnormal. Only the second product can round,
    // see `Vector::scale`.
    let exponent = exponent as i64;
    let half = exponent >> 1;
    let power = |exponent: i64| f64::from_bits(((exponent + 1023) as u64) << 52);
    x * power(half) * power(exponent - half)
});

vector!(f32, u32, i32, scale: |x, exponent| {
    let exponent = exponent as i32;
    let half = exponent >> 1;
    let power = |exponent: i32| f32::from_bits(((exponent + 127) as u32) << 23);
    x * power(half) * power(exponent - half)
});

impl F32s for F32x4 {
    type Wide = F64x2;

    #[inline(always)]
    fn widen(self) -> [F64x2; 2] {
        let [a, b, c, d] = self.0.map(f64::from);
        [Lanes([a, b]), Lanes([c, d])]
    }

    #[inline(always)]
    fn narrow([low, high]: [F64x2; 2]) -> F32x4 {
        Lanes([low.0[0] as f32, low.0[1] as f32, high.0[0] as f32, high.0[1] as f32])
    }
}

impl<const N: usize> BitAnd for LaneMask<N> {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        LaneMask(array::from_fn(|lane| self.0[lane] & other.0[lane]))
    }
}

impl<const N: usize> BitOr for LaneMask<N> {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        LaneMask(array::from_fn(|lane| self.0[lane] | other.0[lane]))
    }
}

impl<const N: usize> Not for LaneMask<N> {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        LaneMask(self.0.map(|is_set| !is_set))
    }
}

impl<const N: usize> Mask for LaneMask<N> {
    #[inline(always)]
    fn any(self) -> bool {
        self.0.contains(&true)
    }

    #[inline(always)]
    fn lane(self, lane: usize) -> bool {
        self.0[lane]
    }
}
