//! Exponentials. `libm`'s (FreeBSD's), all below 1 ULP, but for `exp10`.

pub(super) use libm::{exp, exp2, expm1};

/// `10^x`. Exact for whole `x` from 0 to 22, because `pow` is.
pub(super) fn exp10(x: f64) -> f64 {
    libm::pow(10.0, x)
}
