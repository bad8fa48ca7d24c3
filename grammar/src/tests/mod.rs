//! Tests of the crate as a whole: text in; trees, text and drawings out.

mod diagnostics;
mod hostile;
mod language;
mod names;
mod properties;
mod rendering;
