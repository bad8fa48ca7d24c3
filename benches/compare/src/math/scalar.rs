//! Loops that call a scalar function for every element: the standard library's, or libm's where it
//! has none.

use super::Loop;

/// out = function(a)
pub(super) fn map<T: Copy>(function: impl Fn(T) -> T + 'static) -> Loop<T> {
    Box::new(move |arrays| {
        for (out, &a) in arrays.out.iter_mut().zip(arrays.a.iter()) {
            *out = function(a);
        }
    })
}

/// out = function(a, b)
pub(super) fn zip<T: Copy>(function: impl Fn(T, T) -> T + 'static) -> Loop<T> {
    Box::new(move |arrays| {
        for ((out, &a), &b) in arrays.out.iter_mut().zip(arrays.a.iter()).zip(arrays.b.iter()) {
            *out = function(a, b);
        }
    })
}

/// (out, out2) = function(a)
pub(super) fn split<T: Copy>(function: impl Fn(T) -> (T, T) + 'static) -> Loop<T> {
    Box::new(move |arrays| {
        for ((out, out2), &a) in arrays.out.iter_mut().zip(arrays.out2.iter_mut()).zip(arrays.a.iter()) {
            (*out, *out2) = function(a);
        }
    })
}

/// What the standard library lacks, from the system's C library.
pub(super) mod libm {
    // SAFETY: these are C's functions with C's types. They read and write nothing but `errno` and
    // the floating-point flags, `lgamma` also `signgam`, which nothing here reads.
    #[link(name = "m")]
    unsafe extern "C" {
        pub(in super::super) safe fn exp10(x: f64) -> f64;
        pub(in super::super) safe fn exp10f(x: f32) -> f32;
        pub(in super::super) safe fn erf(x: f64) -> f64;
        pub(in super::super) safe fn erff(x: f32) -> f32;
        pub(in super::super) safe fn erfc(x: f64) -> f64;
        pub(in super::super) safe fn erfcf(x: f32) -> f32;
        pub(in super::super) safe fn tgamma(x: f64) -> f64;
        pub(in super::super) safe fn tgammaf(x: f32) -> f32;
        pub(in super::super) safe fn lgamma(x: f64) -> f64;
        pub(in super::super) safe fn lgammaf(x: f32) -> f32;
    }
}
