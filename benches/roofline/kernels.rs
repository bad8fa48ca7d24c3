//! The loops written by hand, on a part of the arrays.

use crate::simd::{self, Stores, for_each_level};
use std::hint::black_box;

/// Makes maps: the same expression in an ordinary loop, and block by block with streaming stores.
macro_rules! maps {
    ($($(#[$doc:meta])* fn $name:ident($($x:ident),*) -> $ty:ty { $value:expr })*) => {
        for_each_level! {$(
            $(#[$doc])*
            fn $name($($x: &[$ty],)* out: &mut [$ty], stores: Stores) {
                $(let $x = &$x[..out.len()];)*
                if stores == Stores::Ordinary {
                    for i in 0..out.len() {
                        $(let $x = $x[i];)*
                        out[i] = $value;
                    }
                    return;
                }
                // Small enough that reads of the next block overlap with writes of the last, large
                // enough for vectors.
                const BLOCK: usize = 256 / size_of::<$ty>();
                assert!(out.as_ptr().addr().is_multiple_of(simd::ALIGNMENT), "parts start at cache lines");
                let (out, out_rest) = out.as_chunks_mut::<BLOCK>();
                $(let ($x, rest) = $x.as_chunks::<BLOCK>(); let $x = ($x, rest);)*
                for k in 0..out.len() {
                    $(let $x = &$x.0[k];)*
                    // Not `array::from_fn`, which may stay a function without the level's vectors.
                    let mut block = [<$ty>::default(); BLOCK];
                    for i in 0..BLOCK {
                        $(let $x = $x[i];)*
                        block[i] = $value;
                    }
                    // SAFETY: the first block is aligned, checked above, and all have 256 bytes;
                    // streaming stores are available with AVX only.
                    unsafe { simd::stream(&mut out[k], &block) };
                }
                for i in 0..out_rest.len() {
                    $(let $x = $x.1[i];)*
                    out_rest[i] = $value;
                }
                simd::fence();
            }
        )*}
    };
}

maps! {
    fn fill() -> f64 { 1.5 }
    // A plain copy would become a call of `memcpy`, which chooses its stores itself.
    fn copy(a) -> f64 { -a }
    fn triad(a, b) -> f64 { a + b * 2.0 }
    fn horner(a) -> f64 { ((0.25 * a + 0.75) * a - 1.5) * a - 2.0 }
    fn select(a, b) -> f64 { if a > 0.5 { a * 2.0 } else { b + 1.0 } }
    fn hypotenuse(a, b) -> f64 { (a * a + b * b).sqrt() }
    fn square_plus_f32(x) -> f32 { x * x + x }
    fn add_u8(x, y) -> u8 { x.wrapping_add(y) }
}

for_each_level! {
    /// With enough accumulators that no addition waits for another.
    fn sum(a: &[f64]) -> f64 {
        const LANES: usize = 64;
        let (blocks, rest) = a.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for block in blocks {
            for (sum, value) in sums.iter_mut().zip(block) {
                *sum += value;
            }
        }
        sums.iter().chain(rest).sum()
    }

    /// As [`sum`], of products.
    fn dot(a: &[f64], b: &[f64]) -> f64 {
        const LANES: usize = 32;
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let mut sums = [0.0; LANES];
        for (a, b) in a.iter().zip(b) {
            for i in 0..LANES {
                sums[i] += a[i] * b[i];
            }
        }
        let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
        sums.iter().copied().chain(rest).sum()
    }

    /// A fresh output without any care for its pages.
    fn triad_collected(a: &[f64], b: &[f64]) -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| a + b * 2.0).collect()
    }

    /// [`CHAIN`] fused multiply-adds on each of [`CHAINS`] numbers in registers.
    fn multiply_adds() {
        let (x, y) = black_box((0.999, 0.001));
        let mut values: [f64; CHAINS] = black_box([1.0; CHAINS]);
        for _ in 0..CHAIN {
            for value in &mut values {
                *value = value.mul_add(x, y);
            }
        }
        black_box(values);
    }

    /// As many divisions.
    fn divisions() {
        let x = black_box(0.999_999);
        let mut values: [f64; CHAINS] = black_box([1.0; CHAINS]);
        for _ in 0..CHAIN {
            for value in &mut values {
                *value /= x;
            }
        }
        black_box(values);
    }
}

/// Chains of operations side by side: enough to fill the pipelines, and few enough for the
/// registers of AVX2.
pub(crate) const CHAINS: usize = 48;
/// The length of a chain.
pub(crate) const CHAIN: usize = 10_000;
