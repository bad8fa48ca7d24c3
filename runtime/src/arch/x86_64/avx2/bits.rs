//! Masks and the integers of floats' bits.

use super::super::operators;
use crate::arch::vector::{Bits, Mask};
use std::arch::x86_64::*;

/// Four 64-bit integers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct I64x4(pub(super) __m256i);

/// Eight 32-bit integers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct I32x8(pub(super) __m256i);

/// A mask: a lane is all ones where it is set.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Mask4(pub(super) __m256d);

/// A mask: a lane is all ones where it is set.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Mask8(pub(super) __m256);

macro_rules! mask {
    ($mask:ident, and: $and:ident, or: $or:ident, xor: $xor:ident, ones: $ones:expr, movemask: $movemask:ident) => {
        operators! {
            $mask:
            BitAnd bitand |a, b| $mask(avx2!($and(a, b))),
            BitOr bitor |a, b| $mask(avx2!($or(a, b)))
        }

        impl std::ops::Not for $mask {
            type Output = Self;

            #[inline(always)]
            fn not(self) -> Self {
                $mask(avx2!($xor(self.0, $ones)))
            }
        }

        impl Mask for $mask {
            #[inline(always)]
            fn any(self) -> bool {
                avx2!($movemask(self.0)) != 0
            }

            #[inline(always)]
            fn lane(self, lane: usize) -> bool {
                avx2!($movemask(self.0)) >> lane & 1 == 1
            }
        }
    };
}

mask! {
    Mask4, and: _mm256_and_pd, or: _mm256_or_pd, xor: _mm256_xor_pd, ones: _mm256_castsi256_pd(_mm256_set1_epi64x(-1)),
    movemask: _mm256_movemask_pd
}

mask! {
    Mask8, and: _mm256_and_ps, or: _mm256_or_ps, xor: _mm256_xor_ps, ones: _mm256_castsi256_ps(_mm256_set1_epi64x(-1)),
    movemask: _mm256_movemask_ps
}

macro_rules! bits {
    (
        $bits:ident, $elem:ident, $signed:ident, $mask:ident, set1: $set1:ident, add: $add:ident, sub: $sub:ident,
        sll: $sll:ident, srl: $srl:ident, eq: $eq:ident, gt: $gt:ident,
        cast: $cast:ident, castback: $castback:ident, blendv: $blendv:ident
    ) => {
        operators! {
            $bits:
            Add add |a, b| $bits(avx2!($add(a, b))),
            Sub sub |a, b| $bits(avx2!($sub(a, b))),
            BitAnd bitand |a, b| $bits(avx2!(_mm256_and_si256(a, b))),
            BitOr bitor |a, b| $bits(avx2!(_mm256_or_si256(a, b))),
            BitXor bitxor |a, b| $bits(avx2!(_mm256_xor_si256(a, b)))
        }

        impl std::ops::Not for $bits {
            type Output = Self;

            #[inline(always)]
            fn not(self) -> Self {
                self ^ self.splat($elem::MAX)
            }
        }

        impl Bits for $bits {
            type Elem = $elem;
            type Mask = $mask;

            #[inline(always)]
            fn splat(self, value: $elem) -> Self {
                $bits(avx2!($set1(value as $signed)))
            }

            #[inline(always)]
            fn shl(self, count: u32) -> Self {
                $bits(avx2!($sll(self.0, _mm_cvtsi32_si128(count as i32))))
            }

            #[inline(always)]
            fn shr(self, count: u32) -> Self {
                $bits(avx2!($srl(self.0, _mm_cvtsi32_si128(count as i32))))
            }

            #[inline(always)]
            fn eq(self, other: Self) -> $mask {
                $mask(avx2!($cast($eq(self.0, other.0))))
            }

            #[inline(always)]
            fn lt_signed(self, other: Self) -> $mask {
                $mask(avx2!($cast($gt(other.0, self.0))))
            }

            #[inline(always)]
            fn select(mask: $mask, if_true: Self, if_false: Self) -> Self {
                $bits(avx2!($castback($blendv($cast(if_false.0), $cast(if_true.0), mask.0))))
            }
        }
    };
}

bits! {
    I64x4, u64, i64, Mask4, set1: _mm256_set1_epi64x, add: _mm256_add_epi64, sub: _mm256_sub_epi64,
    sll: _mm256_sll_epi64, srl: _mm256_srl_epi64,
    eq: _mm256_cmpeq_epi64, gt: _mm256_cmpgt_epi64, cast: _mm256_castsi256_pd, castback: _mm256_castpd_si256,
    blendv: _mm256_blendv_pd
}

bits! {
    I32x8, u32, i32, Mask8, set1: _mm256_set1_epi32, add: _mm256_add_epi32, sub: _mm256_sub_epi32,
    sll: _mm256_sll_epi32, srl: _mm256_srl_epi32,
    eq: _mm256_cmpeq_epi32, gt: _mm256_cmpgt_epi32, cast: _mm256_castsi256_ps, castback: _mm256_castps_si256,
    blendv: _mm256_blendv_ps
}
