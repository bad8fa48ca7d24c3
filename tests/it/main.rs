//! The integration tests of ndexpr, as one binary.

mod alignment;
mod api;
mod backends;
mod cases;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_exec;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod cli_killed;
#[cfg(feature = "cli")]
mod cli_results;
mod code_memory;
mod control_flow;
mod diagnostics;
mod differential;
mod every_axis;
mod golden;
mod golden_format;
mod golden_programs;
mod hostile;
mod in_a_row;
mod language;
mod large;
mod leaves;
mod levels;
mod little_memory;
mod long_loops;
mod measurements;
mod memory;
mod module_order;
mod preludes;
mod program_errors;
mod programs;
mod progress;
mod random_programs;
mod reductions;
mod rows;
mod rust_functions;
mod seeds;
mod soak;
#[cfg(target_os = "linux")]
mod soak_threads;
mod updates;
mod views;
mod weak;
