//! Tests of the crate as a whole: text in; trees, text and drawings out.

mod constructs;
mod control;
mod diagnostics;
mod hostile;
mod language;
mod layout;
mod names;
mod programs;
mod properties;
mod python;
mod rendering;
mod statements;
