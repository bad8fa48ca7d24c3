//! Random cases, and the check of a case. `cargo test` draws cases from seeds, `cargo fuzz` from
//! bytes.
//!
//! - [`source`]: where choices come from.
//! - [`arrays`]: arrays of any dtype and layout, and values worth computing with.
//! - [`language`]: the operations and the dtypes that each is defined for, as found by asking the
//!   compiler.
//! - [`case`]: an expression with its variables, drawn from a source.
//! - [`program`]: texts that mean the same as an expression, or a part of it.
//! - [`updates`]: an expression among several results, and assigned to arrays.
//! - [`check`]: the compiler against the interpreter, and what to print if they differ.

#![allow(dead_code, reason = "each user of this module uses a part of it")]

pub(crate) mod arrays;
pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod language;
pub(crate) mod program;
pub(crate) mod source;
pub(crate) mod updates;
