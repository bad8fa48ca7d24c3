//! Small powers, roots and lengths of floats.
//!
//! `hypot` is `libm`'s (musl's), `cbrt` is its correctly rounded one (CORE-MATH's).

use super::scalar_double::fma;

pub(super) use libm::{cbrt, hypot};

/// `x^3` within 1 ULP. Compiled code computes it by the same operations, each rounded, and must get the same bits.
///
/// The comparison is false where the correction has no meaning: for NaN, where the product over- or underflowed, and
/// for zeros, whose sign it would lose.
pub(super) fn cube(x: f64) -> f64 {
    let h = x * x;
    let l = fma(x, x, -h);
    let p = h * x;
    let e = fma(h, x, -p);
    let c = e + l * x;
    if c.abs() < p.abs() { p + c } else { p }
}

/// `x^4` within 1 ULP, as [`cube`].
pub(super) fn quart(x: f64) -> f64 {
    let h = x * x;
    let l = fma(x, x, -h);
    let p = h * h;
    let e = fma(h, h, -p);
    let c = e + (h + h) * l;
    if c.abs() < p.abs() { p + c } else { p }
}

/// `x^3` of a float32: the square is exact in a double, so this rounds a double that is off by 2^-53 at most.
pub(super) fn cube_f32(x: f32) -> f32 {
    let x = f64::from(x);
    (x * x * x) as f32
}

/// `x^4` of a float32, as [`cube_f32`].
pub(super) fn quart_f32(x: f32) -> f32 {
    let x = f64::from(x);
    let square = x * x;
    (square * square) as f32
}
