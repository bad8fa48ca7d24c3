//! AVX2 with FMA.

use super::super::vector::{Bits, F32s, Mask, Table, Vector};
use super::operators;
use std::arch::x86_64::*;

/// An intrinsic of this instruction set.
macro_rules! avx2 {
    ($call:expr) => {
        // SAFETY: the vectors of this module are made only inside the tile functions of this level, and `CpuLevel`
        // gives that level only to CPUs that have the instructions. Register to register: nothing else can go wrong.
        unsafe { $call }
    };
}

/// Four `f64`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x4(__m256d);

/// Eight `f32`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x8(__m256);

/// Four 64-bit integers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct I64x4(__m256i);

/// Eight 32-bit integers.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct I32x8(__m256i);

/// All ones where set.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Mask4(__m256d);

/// All ones where set.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Mask8(__m256);

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
                self ^ Self::splat($elem::MAX)
            }
        }

        impl Bits for $bits {
            type Elem = $elem;
            type Mask = $mask;

            #[inline(always)]
            fn splat(value: $elem) -> Self {
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

macro_rules! vector {
    (
        $vector:ident, $elem:ident, $lanes:literal, $bits:ident, $mask:ident, set1: $set1:ident,
        loadu: $loadu:ident, storeu: $storeu:ident, stream: $stream:ident, maskload: $maskload:ident, maskstore: $maskstore:ident,
        add: $add:ident, sub: $sub:ident, mul: $mul:ident, div: $div:ident, fmadd: $fmadd:ident, fmsub: $fmsub:ident,
        fnmadd: $fnmadd:ident, sqrt: $sqrt:ident, round: $round:ident, cmp: $cmp:ident, blendv: $blendv:ident,
        max: $max:ident, min: $min:ident, to_bits: $to_bits:ident, from_bits: $from_bits:ident, $($others:tt)*
    ) => {
        operators! {
            $vector:
            Add add |a, b| $vector(avx2!($add(a, b))),
            Sub sub |a, b| $vector(avx2!($sub(a, b))),
            Mul mul |a, b| $vector(avx2!($mul(a, b))),
            Div div |a, b| $vector(avx2!($div(a, b)))
        }

        impl std::ops::Neg for $vector {
            type Output = Self;

            #[inline(always)]
            fn neg(self) -> Self {
                self.xor_sign(Self::splat(-0.0))
            }
        }

        impl $vector {
            /// Sign bits set in the first `n` lanes.
            #[inline(always)]
            fn first(n: usize) -> __m256i {
                /// Read from `LANES - n` on.
                const WINDOW: [<<$bits as Bits>::Elem as SignedOf>::Signed; 2 * $lanes] = {
                    let mut window = [0; 2 * $lanes];
                    let mut idx = 0;
                    while idx < $lanes {
                        window[idx] = -1;
                        idx += 1;
                    }
                    window
                };
                debug_assert!(n <= $lanes);
                // SAFETY: from at most `LANES` on, and as many lanes more are in the window.
                avx2!(_mm256_loadu_si256(WINDOW.as_ptr().add($lanes - n).cast()))
            }
        }

        impl Vector for $vector {
            type Elem = $elem;
            type Bits = $bits;
            type Mask = $mask;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(value: $elem) -> Self {
                $vector(avx2!($set1(value)))
            }

            #[inline(always)]
            unsafe fn load(src: *const $elem) -> Self {
                // SAFETY: the caller's.
                $vector(avx2!($loadu(src)))
            }

            #[inline(always)]
            unsafe fn store(self, dst: *mut $elem) {
                // SAFETY: the caller's.
                avx2!($storeu(dst, self.0))
            }

            #[inline(always)]
            unsafe fn stream(self, dst: *mut $elem) {
                // SAFETY: the caller's, who aligns it.
                avx2!($stream(dst, self.0))
            }

            #[inline(always)]
            unsafe fn stream_first(self, dst: *mut $elem, n: usize) {
                let mut lanes = [0.0; $lanes];
                // SAFETY: there is room for all lanes, and the caller vouches for the first of `dst`.
                unsafe {
                    self.store(lanes.as_mut_ptr());
                    super::stream_bytes(lanes.as_ptr().cast(), dst.cast(), n * size_of::<$elem>());
                }
            }

            #[inline(always)]
            unsafe fn load_first(src: *const $elem, n: usize) -> Self {
                let mask = $bits(Self::first(n));
                // SAFETY: the caller's; lanes that the mask leaves out are not touched.
                let lanes = $vector(avx2!($maskload(src, mask.0)));
                Self::select($mask(Self::from_bits(mask).0), lanes, Self::splat(1.0))
            }

            #[inline(always)]
            unsafe fn store_first(self, dst: *mut $elem, n: usize) {
                // SAFETY: the caller's; lanes that the mask leaves out are not touched.
                avx2!($maskstore(dst, Self::first(n), self.0))
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                $vector(avx2!($fmadd(self.0, factor.0, addend.0)))
            }

            #[inline(always)]
            fn mul_sub(self, factor: Self, subtrahend: Self) -> Self {
                $vector(avx2!($fmsub(self.0, factor.0, subtrahend.0)))
            }

            #[inline(always)]
            fn neg_mul_add(self, factor: Self, minuend: Self) -> Self {
                $vector(avx2!($fnmadd(self.0, factor.0, minuend.0)))
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                $vector(avx2!($sqrt(self.0)))
            }

            #[inline(always)]
            fn round(self) -> Self {
                $vector(avx2!($round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }

            #[inline(always)]
            fn lt(self, other: Self) -> $mask {
                $mask(avx2!($cmp::<_CMP_LT_OQ>(self.0, other.0)))
            }

            #[inline(always)]
            fn le(self, other: Self) -> $mask {
                $mask(avx2!($cmp::<_CMP_LE_OQ>(self.0, other.0)))
            }

            #[inline(always)]
            fn eq(self, other: Self) -> $mask {
                $mask(avx2!($cmp::<_CMP_EQ_OQ>(self.0, other.0)))
            }

            #[inline(always)]
            fn is_nan(self) -> $mask {
                $mask(avx2!($cmp::<_CMP_UNORD_Q>(self.0, self.0)))
            }

            #[inline(always)]
            fn select(mask: $mask, if_true: Self, if_false: Self) -> Self {
                $vector(avx2!($blendv(if_false.0, if_true.0, mask.0)))
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $vector(avx2!($max(self.0, other.0)))
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $vector(avx2!($min(self.0, other.0)))
            }

            #[inline(always)]
            fn to_bits(self) -> $bits {
                $bits(avx2!($to_bits(self.0)))
            }

            #[inline(always)]
            fn from_bits(bits: $bits) -> Self {
                $vector(avx2!($from_bits(bits.0)))
            }

            $($others)*
        }
    };
}

/// The signed integer of the same width.
trait SignedOf {
    type Signed;
}

impl SignedOf for u32 {
    type Signed = i32;
}

impl SignedOf for u64 {
    type Signed = i64;
}

/// Added to a whole float of magnitude below 2^51, leaves its integer in the low bits.
const F64_TO_INT: f64 = 6755399441055744.0;

vector! {
    F64x4, f64, 4, I64x4, Mask4, set1: _mm256_set1_pd,
    loadu: _mm256_loadu_pd, storeu: _mm256_storeu_pd, stream: _mm256_stream_pd, maskload: _mm256_maskload_pd, maskstore: _mm256_maskstore_pd,
    add: _mm256_add_pd, sub: _mm256_sub_pd, mul: _mm256_mul_pd, div: _mm256_div_pd, fmadd: _mm256_fmadd_pd,
    fmsub: _mm256_fmsub_pd, fnmadd: _mm256_fnmadd_pd, sqrt: _mm256_sqrt_pd, round: _mm256_round_pd,
    cmp: _mm256_cmp_pd, blendv: _mm256_blendv_pd, max: _mm256_max_pd, min: _mm256_min_pd,
    to_bits: _mm256_castpd_si256, from_bits: _mm256_castsi256_pd,

    /// Two factors, neither of them subnormal; only the second product can round.
    #[inline(always)]
    fn scale(self, exponent: Self) -> Self {
        let exponent = exponent.to_int();
        // Halved as an unsigned number, rounded down: of the biased exponent.
        let half = (exponent + I64x4::splat(2046)).shr(1);
        let rest = exponent + I64x4::splat(2046) - half;
        self * Self::from_bits(half.shl(52)) * Self::from_bits(rest.shl(52))
    }

    #[inline(always)]
    fn from_int(int: I64x4) -> Self {
        let magic = Self::splat(F64_TO_INT);
        Self::from_bits(int + magic.to_bits()) - magic
    }

    #[inline(always)]
    fn to_int(self) -> I64x4 {
        let magic = Self::splat(F64_TO_INT);
        (self + magic).to_bits() - magic.to_bits()
    }

    /// Loads one by one: there is no permutation of so many, and on AMD's CPUs a gather is slower than this.
    #[inline(always)]
    fn lookup<const N: usize>(table: &[f64; N], idx: I64x4) -> Self {
        const { assert!(N.is_power_of_two()) };
        let idx = idx & I64x4::splat(N as u64 - 1);
        let [a, b, c, d] = avx2!([
            _mm256_extract_epi64::<0>(idx.0),
            _mm256_extract_epi64::<1>(idx.0),
            _mm256_extract_epi64::<2>(idx.0),
            _mm256_extract_epi64::<3>(idx.0),
        ])
        // SAFETY: masked, each index is below the table's length.
        .map(|idx| unsafe { *table.get_unchecked(idx as usize) });
        F64x4(avx2!(_mm256_set_pd(d, c, b, a)))
    }

    /// Loads of four columns at a time, or what is left of them, and a transposition.
    #[inline(always)]
    fn lookup_columns<const ROWS: usize, const COLUMNS: usize, const N: usize>(
        table: &Table<f64, ROWS, COLUMNS>,
        idx: I64x4,
        first: usize,
    ) -> [Self; N] {
        const { assert!(ROWS.is_power_of_two()) };
        assert!(first + N <= COLUMNS);
        let idx = idx & I64x4::splat(ROWS as u64 - 1);
        let [a, b, c, d] = avx2!([
            _mm256_extract_epi64::<0>(idx.0),
            _mm256_extract_epi64::<1>(idx.0),
            _mm256_extract_epi64::<2>(idx.0),
            _mm256_extract_epi64::<3>(idx.0),
        ])
        // SAFETY: masked, each index is below the table's length; by the assertion, `N` elements from `first` are in a row.
        .map(|idx| unsafe { table.rows.get_unchecked(idx as usize).as_ptr().add(first) });
        let mut found = [Self::splat(1.0); N];
        let mut start = 0;
        while start + 4 <= N {
            // SAFETY: four elements from `start` are among the `N`.
            let [a, b, c, d] = [a, b, c, d].map(|row| avx2!(_mm256_loadu_pd(row.add(start))));
            let (ab, ab_odd) = avx2!((_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)));
            let (cd, cd_odd) = avx2!((_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d)));
            found[start] = F64x4(avx2!(_mm256_permute2f128_pd::<0x20>(ab, cd)));
            found[start + 1] = F64x4(avx2!(_mm256_permute2f128_pd::<0x20>(ab_odd, cd_odd)));
            found[start + 2] = F64x4(avx2!(_mm256_permute2f128_pd::<0x31>(ab, cd)));
            found[start + 3] = F64x4(avx2!(_mm256_permute2f128_pd::<0x31>(ab_odd, cd_odd)));
            start += 4;
        }
        if start + 2 <= N {
            // SAFETY: two elements from `start` are among the `N`.
            let [a, b, c, d] = [a, b, c, d].map(|row| avx2!(_mm_loadu_pd(row.add(start))));
            let (ac, bd) = avx2!((_mm256_set_m128d(c, a), _mm256_set_m128d(d, b)));
            found[start] = F64x4(avx2!(_mm256_unpacklo_pd(ac, bd)));
            found[start + 1] = F64x4(avx2!(_mm256_unpackhi_pd(ac, bd)));
            start += 2;
        }
        if start < N {
            // SAFETY: the element at `start` is the last of the `N`.
            let [a, b, c, d] = [a, b, c, d].map(|row| unsafe { *row.add(start) });
            found[start] = F64x4(avx2!(_mm256_set_pd(d, c, b, a)));
        }
        found
    }
}

vector! {
    F32x8, f32, 8, I32x8, Mask8, set1: _mm256_set1_ps,
    loadu: _mm256_loadu_ps, storeu: _mm256_storeu_ps, stream: _mm256_stream_ps, maskload: _mm256_maskload_ps, maskstore: _mm256_maskstore_ps,
    add: _mm256_add_ps, sub: _mm256_sub_ps, mul: _mm256_mul_ps, div: _mm256_div_ps, fmadd: _mm256_fmadd_ps,
    fmsub: _mm256_fmsub_ps, fnmadd: _mm256_fnmadd_ps, sqrt: _mm256_sqrt_ps, round: _mm256_round_ps,
    cmp: _mm256_cmp_ps, blendv: _mm256_blendv_ps, max: _mm256_max_ps, min: _mm256_min_ps,
    to_bits: _mm256_castps_si256, from_bits: _mm256_castsi256_ps,

    /// Two factors, neither of them subnormal; only the second product can round.
    #[inline(always)]
    fn scale(self, exponent: Self) -> Self {
        let biased = exponent.to_int() + I32x8::splat(254);
        let half = biased.shr(1);
        self * Self::from_bits(half.shl(23)) * Self::from_bits((biased - half).shl(23))
    }

    #[inline(always)]
    fn from_int(int: I32x8) -> Self {
        F32x8(avx2!(_mm256_cvtepi32_ps(int.0)))
    }

    #[inline(always)]
    fn to_int(self) -> I32x8 {
        I32x8(avx2!(_mm256_cvtps_epi32(self.0)))
    }

    /// Permutes up to 32 entries; a gather beyond.
    #[inline(always)]
    fn lookup<const N: usize>(table: &[f32; N], idx: I32x8) -> Self {
        const { assert!(N.is_power_of_two() && N >= 8) };
        // SAFETY: the eight elements from `start` are in the table, where this is called.
        let part = |start: usize| avx2!(_mm256_permutevar8x32_ps(_mm256_loadu_ps(table.as_ptr().add(start)), idx.0));
        // Bit `bit` of the index as a sign, which is what a blend looks at.
        let choose = |bit: u32, low: __m256, high: __m256| {
            avx2!(_mm256_blendv_ps(low, high, _mm256_castsi256_ps(idx.shl(31 - bit).0)))
        };
        F32x8(match N {
            8 => part(0),
            16 => choose(3, part(0), part(8)),
            32 => choose(4, choose(3, part(0), part(8)), choose(3, part(16), part(24))),
            _ => {
                let idx = idx & I32x8::splat(N as u32 - 1);
                // SAFETY: masked, each index is below the table's length.
                avx2!(_mm256_i32gather_ps::<4>(table.as_ptr(), idx.0))
            }
        })
    }
}

impl F32s for F32x8 {
    type Wide = F64x4;

    #[inline(always)]
    fn widen(self) -> [F64x4; 2] {
        let low = avx2!(_mm256_castps256_ps128(self.0));
        let high = avx2!(_mm256_extractf128_ps::<1>(self.0));
        [F64x4(avx2!(_mm256_cvtps_pd(low))), F64x4(avx2!(_mm256_cvtps_pd(high)))]
    }

    #[inline(always)]
    fn narrow([low, high]: [F64x4; 2]) -> F32x8 {
        let (low, high) = (avx2!(_mm256_cvtpd_ps(low.0)), avx2!(_mm256_cvtpd_ps(high.0)));
        F32x8(avx2!(_mm256_set_m128(high, low)))
    }
}
