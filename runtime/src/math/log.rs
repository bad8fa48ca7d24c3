//! Logarithms. `libm`'s (FreeBSD's), all below 1 ULP; `log2` of a power of two and `log10` of a power of ten are exact.

pub(super) use libm::{log, log1p, log2, log10};
