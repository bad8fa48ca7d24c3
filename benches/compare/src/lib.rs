//! Comparisons of ndexpr's speed with that of other libraries.
//!
//! A comparison in Rust is a binary in `src/bin` with a module here (today only [`math`]); the
//! other modules time it and describe the machine. Comparisons from Python are in `peers.py` and
//! `kernels.py`. See README.md for what to run.
//!
//! | module      | job |
//! |-------------|-----|
//! | [`math`]    | math functions: ndexpr, Intel SVML, the standard library |
//! | [`timing`]  | contenders in turn, medians |
//! | [`gauge`]   | whether the core is shared |
//! | [`machine`] | the CPU's name and the load |

pub mod gauge;
pub mod machine;
pub mod math;
pub mod timing;
