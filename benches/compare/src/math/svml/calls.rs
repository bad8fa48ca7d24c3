//! Loops that load a vector, call a function on it, and store the result: what a compiler makes of
//! a loop over it.

use super::Vectors;
use crate::math::arrays::Arrays;
use crate::math::functions::Form;
use crate::math::{Level, Loop};
use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::transmute;

/// The loops over one type of vector, as functions of a module.
macro_rules! loops {
    ($name:ident, $feature:literal, $element:ty, $vector:ty, $load:path, $store:path, $first:tt, $second:tt) => {
        mod $name {
            use super::*;

            const LANES: usize = size_of::<$vector>() / size_of::<$element>();
            #[allow(improper_ctypes_definitions, reason = "C's and Rust's vector types are the same in registers")]
            type Unary = unsafe extern "C" fn($vector) -> $vector;
            #[allow(improper_ctypes_definitions, reason = "as above")]
            type Binary = unsafe extern "C" fn($vector, $vector) -> $vector;

            /// # Safety
            ///
            /// `address` is that of a function of this form over such vectors, and the CPU has
            /// their level.
            pub(super) unsafe fn over(form: Form, address: *const ()) -> Loop<$element> {
                match form {
                    Form::Unary => {
                        // SAFETY: by the caller's word it is such a function.
                        let function = unsafe { transmute::<*const (), Unary>(address) };
                        // SAFETY: by the caller's word the CPU has the level.
                        Box::new(move |arrays| unsafe { unary(function, arrays) })
                    }
                    Form::Binary => {
                        // SAFETY: by the caller's word it is such a function.
                        let function = unsafe { transmute::<*const (), Binary>(address) };
                        // SAFETY: by the caller's word the CPU has the level.
                        Box::new(move |arrays| unsafe { binary(function, arrays) })
                    }
                    // SAFETY: by the caller's word it is such a function, and the CPU has the
                    // level.
                    Form::Split => Box::new(move |arrays| unsafe { split(address, arrays) }),
                }
            }

            #[target_feature(enable = $feature)]
            unsafe fn unary(function: Unary, arrays: &mut Arrays<$element>) {
                for (out, a) in arrays.out.chunks_exact_mut(LANES).zip(arrays.a.chunks_exact(LANES)) {
                    // SAFETY: both are as long as a vector.
                    unsafe { $store(out.as_mut_ptr(), function($load(a.as_ptr()))) }
                }
            }

            #[target_feature(enable = $feature)]
            unsafe fn binary(function: Binary, arrays: &mut Arrays<$element>) {
                let arguments = arrays.a.chunks_exact(LANES).zip(arrays.b.chunks_exact(LANES));
                for (out, (a, b)) in arrays.out.chunks_exact_mut(LANES).zip(arguments) {
                    // SAFETY: all three are as long as a vector.
                    unsafe { $store(out.as_mut_ptr(), function($load(a.as_ptr()), $load(b.as_ptr()))) }
                }
            }

            /// Two results in registers: no type in Rust is returned like that, so the call is
            /// assembly.
            #[target_feature(enable = $feature)]
            unsafe fn split(function: *const (), arrays: &mut Arrays<$element>) {
                let results = arrays.out.chunks_exact_mut(LANES).zip(arrays.out2.chunks_exact_mut(LANES));
                for ((out, out2), a) in results.zip(arrays.a.chunks_exact(LANES)) {
                    // SAFETY: all three are as long as a vector. The function keeps the registers
                    // that C's do, at least.
                    unsafe {
                        let (first, second): ($vector, $vector);
                        asm!(
                            "call {function}",
                            function = in(reg) function,
                            inlateout($first) $load(a.as_ptr()) => first,
                            lateout($second) second,
                            clobber_abi("C"),
                        );
                        $store(out.as_mut_ptr(), first);
                        $store(out2.as_mut_ptr(), second);
                    }
                }
            }
        }
    };
}

loops!(avx512_f64, "avx512f", f64, __m512d, _mm512_loadu_pd, _mm512_storeu_pd, "zmm0", "zmm1");
loops!(avx512_f32, "avx512f", f32, __m512, _mm512_loadu_ps, _mm512_storeu_ps, "zmm0", "zmm1");
loops!(avx2_f64, "avx2,fma", f64, __m256d, _mm256_loadu_pd, _mm256_storeu_pd, "ymm0", "ymm1");
loops!(avx2_f32, "avx2,fma", f32, __m256, _mm256_loadu_ps, _mm256_storeu_ps, "ymm0", "ymm1");

impl Vectors for f64 {
    const LANES_512: &'static str = "8";
    const LANES_256: &'static str = "4";

    unsafe fn over(level: Level, form: Form, address: *const ()) -> Loop<f64> {
        // SAFETY: the caller's word is what is asked for.
        unsafe { if level == Level::Avx512 { avx512_f64::over(form, address) } else { avx2_f64::over(form, address) } }
    }
}

impl Vectors for f32 {
    const LANES_512: &'static str = "f16";
    const LANES_256: &'static str = "f8";

    unsafe fn over(level: Level, form: Form, address: *const ()) -> Loop<f32> {
        // SAFETY: the caller's word is what is asked for.
        unsafe { if level == Level::Avx512 { avx512_f32::over(form, address) } else { avx2_f32::over(form, address) } }
    }
}
