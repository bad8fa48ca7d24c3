//! Random cases, and the check of a case. `cargo test` draws cases from seeds, `cargo fuzz` from
//! bytes.
//!
//! - [`source`]: where choices come from.
//! - [`arrays`]: arrays of any dtype and layout, and values worth computing with.
//! - [`language`]: the operations and the dtypes that each is defined for, as found by asking the
//!   compiler.
//! - [`drawing`]: expressions that are well typed by construction.
//! - [`case`]: such an expression with its variables, drawn from a source.
//! - [`program`]: texts that mean the same as an expression, or a part of it.
//! - [`updates`]: an expression among several results, and assigned to arrays.
//! - [`statements`]: programs as trees of statements.
//! - [`control`], [`control_loops`]: programs whose elements branch and loop by themselves.
//! - [`setting`], [`parts`], [`phases`], [`phase_blocks`]: programs that update arrays in branches
//!   and loops.
//! - [`program_case`]: a program with its variables, and smaller ones.
//! - [`walk`]: a program, run statement by statement.
//! - [`program_check`]: a program, compiled against interpreted.
//! - [`check`]: the compiler against the interpreter, and what to print if they differ.

#![allow(dead_code, reason = "each user of this module uses a part of it")]

pub(crate) mod arrays;
pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod control;
pub(crate) mod control_loops;
pub(crate) mod drawing;
pub(crate) mod language;
pub(crate) mod parts;
pub(crate) mod phase_blocks;
pub(crate) mod phases;
pub(crate) mod program;
pub(crate) mod program_case;
pub(crate) mod program_check;
pub(crate) mod setting;
pub(crate) mod source;
pub(crate) mod statements;
pub(crate) mod updates;
pub(crate) mod walk;
