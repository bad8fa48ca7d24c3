//! The integration tests of ndexpr, as one binary.

mod api;
mod backends;
mod cases;
#[cfg(feature = "cli")]
mod cli;
mod diagnostics;
mod differential;
mod golden;
mod hostile;
mod large;
mod reductions;
mod soak;
