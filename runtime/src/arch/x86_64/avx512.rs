//! AVX-512: F, DQ, VL and BW, which every CPU with AVX-512 except the first Xeon Phi has.

use super::super::CpuLevel;
use super::super::vector::{Bits, F32s, Level, Mask, Vector};
use super::operators;
use std::arch::x86_64::*;

/// Proves that the CPU has the instructions of this module.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Level for Avx512 {
    #[inline(always)]
    unsafe fn assume() -> Avx512 {
        debug_assert!(CpuLevel::Avx512 <= CpuLevel::highest());
        Avx512(())
    }
}

/// An intrinsic of this instruction set.
macro_rules! avx512 {
    ($call:expr) => {
        // SAFETY: the function around this has, among its arguments, a value of a type of this
        // module: `Avx512`, or one that was made from it. So the CPU has the instructions: no other
        // module can make an `Avx512`, and `assume` demands the instructions. Nothing else can go
        // wrong when registers are the only operands. Where memory is read or written, there is a
        // comment.
        unsafe { $call }
    };
}

/// Eight `f64`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x8(__m512d);

/// Sixteen `f32`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x16(__m512);

/// Eight 64-bit integers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct I64x8(__m512i);

/// Sixteen 32-bit integers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct I32x16(__m512i);

#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Mask8(__mmask8);

#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Mask16(__mmask16);

macro_rules! mask {
    ($mask:ident) => {
        operators! { $mask: BitAnd bitand |a, b| $mask(a & b), BitOr bitor |a, b| $mask(a | b) }

        impl std::ops::Not for $mask {
            type Output = Self;

            #[inline(always)]
            fn not(self) -> Self {
                $mask(!self.0)
            }
        }

        impl Mask for $mask {
            #[inline(always)]
            fn any(self) -> bool {
                self.0 != 0
            }

            #[inline(always)]
            fn lane(self, lane: usize) -> bool {
                self.0 >> lane & 1 == 1
            }
        }
    };
}

mask!(Mask8);
mask!(Mask16);

macro_rules! bits {
    (
        $bits:ident, $elem:ident, $signed:ident, $mask:ident, set1: $set1:ident, add: $add:ident, sub: $sub:ident,
        sll: $sll:ident, srl: $srl:ident, eq: $eq:ident, lt: $lt:ident, blend: $blend:ident
    ) => {
        operators! {
            $bits:
            Add add |a, b| $bits(avx512!($add(a, b))),
            Sub sub |a, b| $bits(avx512!($sub(a, b))),
            BitAnd bitand |a, b| $bits(avx512!(_mm512_and_si512(a, b))),
            BitOr bitor |a, b| $bits(avx512!(_mm512_or_si512(a, b))),
            BitXor bitxor |a, b| $bits(avx512!(_mm512_xor_si512(a, b)))
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
                $bits(avx512!($set1(value as $signed)))
            }

            #[inline(always)]
            fn shl(self, count: u32) -> Self {
                $bits(avx512!($sll(self.0, _mm_cvtsi32_si128(count as i32))))
            }

            #[inline(always)]
            fn shr(self, count: u32) -> Self {
                $bits(avx512!($srl(self.0, _mm_cvtsi32_si128(count as i32))))
            }

            #[inline(always)]
            fn eq(self, other: Self) -> $mask {
                $mask(avx512!($eq(self.0, other.0)))
            }

            #[inline(always)]
            fn lt_signed(self, other: Self) -> $mask {
                $mask(avx512!($lt(self.0, other.0)))
            }

            #[inline(always)]
            fn select(mask: $mask, if_true: Self, if_false: Self) -> Self {
                $bits(avx512!($blend(mask.0, if_false.0, if_true.0)))
            }
        }
    };
}

bits! {
    I64x8, u64, i64, Mask8, set1: _mm512_set1_epi64, add: _mm512_add_epi64, sub: _mm512_sub_epi64,
    sll: _mm512_sll_epi64, srl: _mm512_srl_epi64,
    eq: _mm512_cmpeq_epi64_mask, lt: _mm512_cmplt_epi64_mask,
    blend: _mm512_mask_blend_epi64
}

bits! {
    I32x16, u32, i32, Mask16, set1: _mm512_set1_epi32, add: _mm512_add_epi32, sub: _mm512_sub_epi32,
    sll: _mm512_sll_epi32, srl: _mm512_srl_epi32,
    eq: _mm512_cmpeq_epi32_mask, lt: _mm512_cmplt_epi32_mask,
    blend: _mm512_mask_blend_epi32
}

macro_rules! vector {
    (
        $vector:ident, $elem:ident, $lanes:literal, $bits:ident, $mask:ident, $mask_bits:ident, set1: $set1:ident,
        loadu: $loadu:ident, storeu: $storeu:ident, stream: $stream:ident, mask_loadu: $mask_loadu:ident, mask_storeu: $mask_storeu:ident,
        add: $add:ident, sub: $sub:ident, mul: $mul:ident, div: $div:ident, fmadd: $fmadd:ident, fmsub: $fmsub:ident,
        fnmadd: $fnmadd:ident, sqrt: $sqrt:ident, roundscale: $roundscale:ident, cmp: $cmp:ident, blend: $blend:ident,
        max: $max:ident, min: $min:ident, to_bits: $to_bits:ident, from_bits: $from_bits:ident, scalef: $scalef:ident,
        from_int: $from_int:ident, to_int: $to_int:ident, $($lookup:tt)*
    ) => {
        operators! {
            $vector:
            Add add |a, b| $vector(avx512!($add(a, b))),
            Sub sub |a, b| $vector(avx512!($sub(a, b))),
            Mul mul |a, b| $vector(avx512!($mul(a, b))),
            Div div |a, b| $vector(avx512!($div(a, b)))
        }

        impl std::ops::Neg for $vector {
            type Output = Self;

            #[inline(always)]
            fn neg(self) -> Self {
                self.xor_sign(self.splat(-0.0))
            }
        }

        impl Vector for $vector {
            type Level = Avx512;
            type Elem = $elem;
            type Bits = $bits;
            type Mask = $mask;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn level(self) -> Avx512 {
                Avx512(())
            }

            #[inline(always)]
            fn splat_at(_: Avx512, value: $elem) -> Self {
                $vector(avx512!($set1(value)))
            }

            #[inline(always)]
            unsafe fn load(_: Avx512, src: *const $elem) -> Self {
                // SAFETY: the caller's contract.
                $vector(avx512!($loadu(src)))
            }

            #[inline(always)]
            unsafe fn store(self, dst: *mut $elem) {
                // SAFETY: the caller's contract.
                avx512!($storeu(dst, self.0))
            }

            #[inline(always)]
            unsafe fn stream(self, dst: *mut $elem) {
                // SAFETY: the caller's contract; it aligns `dst`.
                avx512!($stream(dst, self.0))
            }

            #[inline(always)]
            unsafe fn stream_first(self, dst: *mut $elem, n: usize) {
                let mut lanes = [0.0; $lanes];
                // SAFETY: the array has room for all lanes, and the caller vouches for the first
                // elements of `dst`.
                unsafe {
                    self.store(lanes.as_mut_ptr());
                    super::stream_bytes(lanes.as_ptr().cast(), dst.cast(), n * size_of::<$elem>());
                }
            }

            #[inline(always)]
            unsafe fn load_first(level: Avx512, src: *const $elem, n: usize) -> Self {
                // SAFETY: the caller's contract; lanes that the mask leaves out are not touched.
                $vector(avx512!($mask_loadu(Self::splat_at(level, 1.0).0, (1 << n) - 1, src)))
            }

            #[inline(always)]
            unsafe fn store_first(self, dst: *mut $elem, n: usize) {
                // SAFETY: the caller's contract; lanes that the mask leaves out are not touched.
                avx512!($mask_storeu(dst, (1 << n) - 1, self.0))
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                $vector(avx512!($fmadd(self.0, factor.0, addend.0)))
            }

            #[inline(always)]
            fn mul_sub(self, factor: Self, subtrahend: Self) -> Self {
                $vector(avx512!($fmsub(self.0, factor.0, subtrahend.0)))
            }

            #[inline(always)]
            fn neg_mul_add(self, factor: Self, minuend: Self) -> Self {
                $vector(avx512!($fnmadd(self.0, factor.0, minuend.0)))
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                $vector(avx512!($sqrt(self.0)))
            }

            #[inline(always)]
            fn round(self) -> Self {
                $vector(avx512!($roundscale::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }

            #[inline(always)]
            fn lt(self, other: Self) -> $mask {
                $mask(avx512!($cmp::<_CMP_LT_OQ>(self.0, other.0)))
            }

            #[inline(always)]
            fn le(self, other: Self) -> $mask {
                $mask(avx512!($cmp::<_CMP_LE_OQ>(self.0, other.0)))
            }

            #[inline(always)]
            fn eq(self, other: Self) -> $mask {
                $mask(avx512!($cmp::<_CMP_EQ_OQ>(self.0, other.0)))
            }

            #[inline(always)]
            fn is_nan(self) -> $mask {
                $mask(avx512!($cmp::<_CMP_UNORD_Q>(self.0, self.0)))
            }

            #[inline(always)]
            fn select(mask: $mask, if_true: Self, if_false: Self) -> Self {
                $vector(avx512!($blend(mask.0, if_false.0, if_true.0)))
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $vector(avx512!($max(self.0, other.0)))
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $vector(avx512!($min(self.0, other.0)))
            }

            #[inline(always)]
            fn to_bits(self) -> $bits {
                $bits(avx512!($to_bits(self.0)))
            }

            #[inline(always)]
            fn from_bits(bits: $bits) -> Self {
                $vector(avx512!($from_bits(bits.0)))
            }

            #[inline(always)]
            fn scale(self, exponent: Self) -> Self {
                $vector(avx512!($scalef(self.0, exponent.0)))
            }

            #[inline(always)]
            fn from_int(int: $bits) -> Self {
                $vector(avx512!($from_int(int.0)))
            }

            #[inline(always)]
            fn to_int(self) -> $bits {
                $bits(avx512!($to_int(self.0)))
            }

            $($lookup)*
        }
    };
}

vector! {
    F64x8, f64, 8, I64x8, Mask8, __mmask8, set1: _mm512_set1_pd,
    loadu: _mm512_loadu_pd, storeu: _mm512_storeu_pd, stream: _mm512_stream_pd, mask_loadu: _mm512_mask_loadu_pd,
    mask_storeu: _mm512_mask_storeu_pd, add: _mm512_add_pd, sub: _mm512_sub_pd, mul: _mm512_mul_pd,
    div: _mm512_div_pd, fmadd: _mm512_fmadd_pd, fmsub: _mm512_fmsub_pd, fnmadd: _mm512_fnmadd_pd,
    sqrt: _mm512_sqrt_pd, roundscale: _mm512_roundscale_pd, cmp: _mm512_cmp_pd_mask, blend: _mm512_mask_blend_pd,
    max: _mm512_max_pd, min: _mm512_min_pd, to_bits: _mm512_castpd_si512, from_bits: _mm512_castsi512_pd,
    scalef: _mm512_scalef_pd, from_int: _mm512_cvtepi64_pd, to_int: _mm512_cvtpd_epi64,

    /// A permutation for up to 32 entries, and a gather for more.
    #[inline(always)]
    fn lookup<const N: usize>(table: &[f64; N], idx: I64x8) -> Self {
        const { assert!(N.is_power_of_two() && N >= 8) };
        // SAFETY: wherever this is called, the eight elements from `start` on are in the table.
        let part = |start: usize| avx512!(_mm512_loadu_pd(table.as_ptr().add(start)));
        let pair = |start: usize| avx512!(_mm512_permutex2var_pd(part(start), idx.0, part(start + 8)));
        F64x8(match N {
            8 => avx512!(_mm512_permutexvar_pd(idx.0, part(0))),
            16 => pair(0),
            32 => {
                let is_upper = avx512!(_mm512_test_epi64_mask(idx.0, _mm512_set1_epi64(16)));
                avx512!(_mm512_mask_blend_pd(is_upper, pair(0), pair(16)))
            }
            _ => {
                let idx = idx & idx.splat(N as u64 - 1);
                // SAFETY: each index is masked, so it is below the table's length.
                avx512!(_mm512_i64gather_pd::<8>(idx.0, table.as_ptr()))
            }
        })
    }
}

vector! {
    F32x16, f32, 16, I32x16, Mask16, __mmask16, set1: _mm512_set1_ps,
    loadu: _mm512_loadu_ps, storeu: _mm512_storeu_ps, stream: _mm512_stream_ps, mask_loadu: _mm512_mask_loadu_ps,
    mask_storeu: _mm512_mask_storeu_ps, add: _mm512_add_ps, sub: _mm512_sub_ps, mul: _mm512_mul_ps,
    div: _mm512_div_ps, fmadd: _mm512_fmadd_ps, fmsub: _mm512_fmsub_ps, fnmadd: _mm512_fnmadd_ps,
    sqrt: _mm512_sqrt_ps, roundscale: _mm512_roundscale_ps, cmp: _mm512_cmp_ps_mask, blend: _mm512_mask_blend_ps,
    max: _mm512_max_ps, min: _mm512_min_ps, to_bits: _mm512_castps_si512, from_bits: _mm512_castsi512_ps,
    scalef: _mm512_scalef_ps, from_int: _mm512_cvtepi32_ps, to_int: _mm512_cvtps_epi32,

    /// A permutation for up to 64 entries, and a gather for more.
    #[inline(always)]
    fn lookup<const N: usize>(table: &[f32; N], idx: I32x16) -> Self {
        const { assert!(N.is_power_of_two() && N >= 8) };
        // SAFETY: wherever this is called, the sixteen elements from `start` on are in the table.
        let part = |start: usize| avx512!(_mm512_loadu_ps(table.as_ptr().add(start)));
        let pair = |start: usize| avx512!(_mm512_permutex2var_ps(part(start), idx.0, part(start + 16)));
        F32x16(match N {
            8 => {
                // SAFETY: the eight elements are in the table.
                let half = avx512!(_mm256_loadu_ps(table.as_ptr()));
                avx512!(_mm512_permutexvar_ps(idx.0, _mm512_broadcast_f32x8(half)))
            }
            16 => avx512!(_mm512_permutexvar_ps(idx.0, part(0))),
            32 => pair(0),
            64 => {
                let is_upper = avx512!(_mm512_test_epi32_mask(idx.0, _mm512_set1_epi32(32)));
                avx512!(_mm512_mask_blend_ps(is_upper, pair(0), pair(32)))
            }
            _ => {
                let idx = idx & idx.splat(N as u32 - 1);
                // SAFETY: each index is masked, so it is below the table's length.
                avx512!(_mm512_i32gather_ps::<4>(idx.0, table.as_ptr()))
            }
        })
    }
}

impl F32s for F32x16 {
    type Wide = F64x8;

    #[inline(always)]
    fn widen(self) -> [F64x8; 2] {
        let low = avx512!(_mm512_castps512_ps256(self.0));
        let high = avx512!(_mm512_extractf32x8_ps::<1>(self.0));
        [F64x8(avx512!(_mm512_cvtps_pd(low))), F64x8(avx512!(_mm512_cvtps_pd(high)))]
    }

    #[inline(always)]
    fn narrow([low, high]: [F64x8; 2]) -> F32x16 {
        let (low, high) = (avx512!(_mm512_cvtpd_ps(low.0)), avx512!(_mm512_cvtpd_ps(high.0)));
        F32x16(avx512!(_mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high)))
    }
}
