//! AVX2 with FMA.

use super::super::CpuLevel;
use super::super::vector::{Bits, F32s, Level, Table, Vector};
use super::operators;
use std::arch::x86_64::*;

/// Proves that the CPU has the instructions of this module.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Level for Avx2 {
    #[inline(always)]
    unsafe fn assume() -> Avx2 {
        debug_assert!(CpuLevel::Avx2 <= CpuLevel::highest());
        Avx2(())
    }
}

/// An intrinsic of this instruction set.
macro_rules! avx2 {
    ($call:expr) => {
        // SAFETY: the function around this has, among its arguments, a value of a type of this
        // module: `Avx2`, or one that was made from it. So the CPU has the instructions: no other
        // module can make an `Avx2`, and `assume` demands the instructions. Nothing else can go
        // wrong when registers are the only operands. Where memory is read or written, there is a
        // comment.
        unsafe { $call }
    };
}

mod bits;

use bits::{I32x8, I64x4, Mask4, Mask8};

/// Four `f64`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F64x4(__m256d);

/// Eight `f32`.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct F32x8(__m256);

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
                self.xor_sign(self.splat(-0.0))
            }
        }

        impl $vector {
            /// A vector with the sign bits set in the first `n` lanes.
            #[inline(always)]
            fn first(_: Avx2, n: usize) -> __m256i {
                /// Ones, then zeros; it is read from `LANES - n` on.
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
                // SAFETY: it is read from at most `LANES` on, and `LANES` elements from there are
                // in the window.
                avx2!(_mm256_loadu_si256(WINDOW.as_ptr().add($lanes - n).cast()))
            }
        }

        impl Vector for $vector {
            type Level = Avx2;
            type Elem = $elem;
            type Bits = $bits;
            type Mask = $mask;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn level(self) -> Avx2 {
                Avx2(())
            }

            #[inline(always)]
            fn splat_at(_: Avx2, value: $elem) -> Self {
                $vector(avx2!($set1(value)))
            }

            #[inline(always)]
            unsafe fn load(_: Avx2, src: *const $elem) -> Self {
                // SAFETY: the caller's contract.
                $vector(avx2!($loadu(src)))
            }

            #[inline(always)]
            unsafe fn store(self, dst: *mut $elem) {
                // SAFETY: the caller's contract.
                avx2!($storeu(dst, self.0))
            }

            #[inline(always)]
            unsafe fn stream(self, dst: *mut $elem) {
                // SAFETY: the caller's contract; it aligns `dst`.
                avx2!($stream(dst, self.0))
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
            unsafe fn load_first(level: Avx2, src: *const $elem, n: usize) -> Self {
                let mask = $bits(Self::first(level, n));
                // SAFETY: the caller's contract; lanes that the mask leaves out are not touched.
                let lanes = $vector(avx2!($maskload(src, mask.0)));
                Self::select($mask(Self::from_bits(mask).0), lanes, Self::splat_at(level, 1.0))
            }

            #[inline(always)]
            unsafe fn store_first(self, dst: *mut $elem, n: usize) {
                // SAFETY: the caller's contract; lanes that the mask leaves out are not touched.
                avx2!($maskstore(dst, Self::first(self.level(), n), self.0))
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

/// Adding this to a whole float of magnitude below 2^51 leaves its integer in the low bits.
const F64_TO_INT: f64 = 6755399441055744.0;

vector! {
    F64x4, f64, 4, I64x4, Mask4, set1: _mm256_set1_pd,
    loadu: _mm256_loadu_pd, storeu: _mm256_storeu_pd, stream: _mm256_stream_pd, maskload: _mm256_maskload_pd, maskstore: _mm256_maskstore_pd,
    add: _mm256_add_pd, sub: _mm256_sub_pd, mul: _mm256_mul_pd, div: _mm256_div_pd, fmadd: _mm256_fmadd_pd,
    fmsub: _mm256_fmsub_pd, fnmadd: _mm256_fnmadd_pd, sqrt: _mm256_sqrt_pd, round: _mm256_round_pd,
    cmp: _mm256_cmp_pd, blendv: _mm256_blendv_pd, max: _mm256_max_pd, min: _mm256_min_pd,
    to_bits: _mm256_castpd_si256, from_bits: _mm256_castsi256_pd,

    /// Multiplies by two factors, neither of them subnormal. Only the second product can round.
    #[inline(always)]
    fn scale(self, exponent: Self) -> Self {
        let exponent = exponent.to_int();
        // This is half the exponent with both biases, as an unsigned number and rounded down.
        let half = (exponent + exponent.splat(2046)).shr(1);
        let rest = exponent + exponent.splat(2046) - half;
        self * Self::from_bits(half.shl(52)) * Self::from_bits(rest.shl(52))
    }

    #[inline(always)]
    fn from_int(int: I64x4) -> Self {
        let magic = Self::from_bits(int.splat(F64_TO_INT.to_bits()));
        Self::from_bits(int + magic.to_bits()) - magic
    }

    #[inline(always)]
    fn to_int(self) -> I64x4 {
        let magic = self.splat(F64_TO_INT);
        (self + magic).to_bits() - magic.to_bits()
    }

    /// Loads the entries one by one: there is no permutation of so many, and on AMD's CPUs a gather
    /// is slower than this.
    #[inline(always)]
    fn lookup<const N: usize>(table: &[f64; N], idx: I64x4) -> Self {
        const { assert!(N.is_power_of_two()) };
        let idx = idx & idx.splat(N as u64 - 1);
        let [a, b, c, d] = avx2!([
            _mm256_extract_epi64::<0>(idx.0),
            _mm256_extract_epi64::<1>(idx.0),
            _mm256_extract_epi64::<2>(idx.0),
            _mm256_extract_epi64::<3>(idx.0),
        ])
        // SAFETY: each index is masked, so it is below the table's length.
        .map(|idx| unsafe { *table.get_unchecked(idx as usize) });
        F64x4(avx2!(_mm256_set_pd(d, c, b, a)))
    }

    /// Loads four columns at a time, or what is left of them, and transposes them.
    #[inline(always)]
    fn lookup_columns<const ROWS: usize, const COLUMNS: usize, const N: usize>(
        table: &Table<f64, ROWS, COLUMNS>,
        idx: I64x4,
        first: usize,
    ) -> [Self; N] {
        const { assert!(ROWS.is_power_of_two()) };
        assert!(first + N <= COLUMNS);
        let idx = idx & idx.splat(ROWS as u64 - 1);
        let [a, b, c, d] = avx2!([
            _mm256_extract_epi64::<0>(idx.0),
            _mm256_extract_epi64::<1>(idx.0),
            _mm256_extract_epi64::<2>(idx.0),
            _mm256_extract_epi64::<3>(idx.0),
        ])
        // SAFETY: each index is masked, so it is below the table's length. By the assertion, a row
        // has `N` elements from `first` on.
        .map(|idx| unsafe { table.rows.get_unchecked(idx as usize).as_ptr().add(first) });
        let mut found = [Self::from_bits(idx); N];
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

    /// Multiplies by two factors, neither of them subnormal. Only the second product can round.
    #[inline(always)]
    fn scale(self, exponent: Self) -> Self {
        let biased = exponent.to_int() + exponent.splat_bits(254);
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

    /// A permutation for up to 32 entries, and a gather for more.
    #[inline(always)]
    fn lookup<const N: usize>(table: &[f32; N], idx: I32x8) -> Self {
        const { assert!(N.is_power_of_two() && N >= 8) };
        // SAFETY: wherever this is called, the eight elements from `start` on are in the table.
        let part = |start: usize| avx2!(_mm256_permutevar8x32_ps(_mm256_loadu_ps(table.as_ptr().add(start)), idx.0));
        // Selects by bit `bit` of the index, which is moved to the sign, because that is what a
        // blend looks at.
        let choose = |bit: u32, low: __m256, high: __m256| {
            avx2!(_mm256_blendv_ps(low, high, _mm256_castsi256_ps(idx.shl(31 - bit).0)))
        };
        F32x8(match N {
            8 => part(0),
            16 => choose(3, part(0), part(8)),
            32 => choose(4, choose(3, part(0), part(8)), choose(3, part(16), part(24))),
            _ => {
                let idx = idx & idx.splat(N as u32 - 1);
                // SAFETY: each index is masked, so it is below the table's length.
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
