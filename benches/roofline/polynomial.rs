//! A polynomial of degree 16 by Horner's rule, with vectors of 256 and of 512 bits.
//!
//! Each step waits for the one before, and compilers choose how many vectors they compute side by
//! side, so a plain loop leaves much of the processor idle. Loops with four and with twelve
//! registers stand beside the plain one. Which of them is best depends on the width and on what a
//! step is. Chosen by "polynomial-loops" in docs/measurements.md.

use crate::simd::{Level, for_each_level};

/// The coefficient of the highest power comes first.
pub(crate) const COEFFICIENTS: [f64; 17] = [
    0.0625, -0.125, 0.1875, -0.25, 0.3125, -0.375, 0.4375, -0.5, 0.5625, -0.625, 0.6875, -0.75, 0.8125, -0.875, 0.9375,
    -1.0, 1.0625,
];

pub(crate) type Loop = fn(&[f64], &mut [f64]);

for_each_level! {
    fn plain(x: &[f64], out: &mut [f64]) {
        for (x, out) in x.iter().zip(out) {
            *out = strict(*x);
        }
    }

    fn plain_fused(x: &[f64], out: &mut [f64]) {
        for (x, out) in x.iter().zip(out) {
            *out = fused(*x);
        }
    }
}

#[inline(always)]
fn strict(x: f64) -> f64 {
    COEFFICIENTS[1..].iter().fold(COEFFICIENTS[0], |value, coefficient| value * x + coefficient)
}

#[inline(always)]
fn fused(x: f64) -> f64 {
    COEFFICIENTS[1..].iter().fold(COEFFICIENTS[0], |value, coefficient| value.mul_add(x, *coefficient))
}

/// All loops of these vectors; none if the processor does not have them.
#[cfg(target_arch = "x86_64")]
pub(crate) fn loops(level: Level, is_fused: bool) -> Vec<Loop> {
    use wide::{avx2, avx512};
    match (level, is_fused) {
        _ if level > Level::detected() => vec![],
        (Level::Baseline, false) => vec![|x, out| plain(Level::Baseline, x, out)],
        (Level::Baseline, true) => vec![|x, out| plain_fused(Level::Baseline, x, out)],
        (Level::Avx2, false) => vec![|x, out| plain(Level::Avx2, x, out), avx2::<4, false>, avx2::<12, false>],
        (Level::Avx2, true) => vec![|x, out| plain_fused(Level::Avx2, x, out), avx2::<4, true>, avx2::<12, true>],
        (Level::Avx512, false) => vec![|x, out| plain(Level::Avx512, x, out), avx512::<4, false>, avx512::<12, false>],
        (Level::Avx512, true) => {
            vec![|x, out| plain_fused(Level::Avx512, x, out), avx512::<4, true>, avx512::<12, true>]
        }
    }
}

/// As the other, for processors without these vectors.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn loops(level: Level, is_fused: bool) -> Vec<Loop> {
    match (level, is_fused) {
        (Level::Baseline, false) => vec![|x, out| plain(Level::Baseline, x, out)],
        (Level::Baseline, true) => vec![|x, out| plain_fused(Level::Baseline, x, out)],
        _ => vec![],
    }
}

#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{COEFFICIENTS, Level, fused, strict};
    use std::arch::x86_64::*;

    /// Makes loops of vectors of `$lanes` numbers, as many vectors at a time as there are
    /// `REGISTERS`.
    macro_rules! wide {
        ($name:ident, $level:expr, $features:literal, $lanes:literal, $splat:ident, $load:ident, $store:ident,
         $add:ident, $multiply:ident, $multiply_add:ident) => {
            pub(super) fn $name<const REGISTERS: usize, const FUSED: bool>(x: &[f64], out: &mut [f64]) {
                #[target_feature(enable = $features)]
                fn inner<const REGISTERS: usize, const FUSED: bool>(x: &[[f64; $lanes]], out: &mut [[f64; $lanes]]) {
                    for (x, out) in x.as_chunks::<REGISTERS>().0.iter().zip(out.as_chunks_mut::<REGISTERS>().0) {
                        let mut values = [$splat(COEFFICIENTS[0]); REGISTERS];
                        for &coefficient in &COEFFICIENTS[1..] {
                            let coefficient = $splat(coefficient);
                            for (value, x) in values.iter_mut().zip(x) {
                                // SAFETY: as many numbers as a vector has.
                                let x = unsafe { $load(x.as_ptr()) };
                                *value = match FUSED {
                                    true => $multiply_add(*value, x, coefficient),
                                    false => $add($multiply(*value, x), coefficient),
                                };
                            }
                        }
                        for (value, out) in values.into_iter().zip(out) {
                            // SAFETY: as above.
                            unsafe { $store(out.as_mut_ptr(), value) };
                        }
                    }
                }
                assert!(Level::detected() >= $level);
                // SAFETY: the processor has the features, checked above.
                unsafe { inner::<REGISTERS, FUSED>(x.as_chunks().0, out.as_chunks_mut().0) };
                let n = x.len() / (REGISTERS * $lanes) * (REGISTERS * $lanes);
                for (x, out) in x[n..].iter().zip(&mut out[n..]) {
                    *out = if FUSED { fused(*x) } else { strict(*x) };
                }
            }
        };
    }

    wide!(
        avx2,
        Level::Avx2,
        "avx2,fma",
        4,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_add_pd,
        _mm256_mul_pd,
        _mm256_fmadd_pd
    );
    wide!(
        avx512,
        Level::Avx512,
        "avx512f",
        8,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_add_pd,
        _mm512_mul_pd,
        _mm512_fmadd_pd
    );
}
