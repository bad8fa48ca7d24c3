//! The integration tests of ndexpr, as one binary.

mod api;
mod backends;
mod cases;
#[cfg(feature = "cli")]
mod cli;
mod diagnostics;
mod differential;
mod every_axis;
mod golden;
mod hostile;
mod large;
mod levels;
mod reductions;
mod soak;
