//! Comparisons of ndexpr's speed with that of other libraries.
//!
//! Every comparison is a binary in `src/bin` and a module here; they share how time is taken, and
//! what is said of the machine. See README.md for what to run.
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
