//! The language of [ndexpr](https://docs.rs/ndexpr): text to a syntax tree with spans.
//!
//! In: the text of an expression, from anyone. Out: an [`Ast`], or an [`Error`] that says what is
//! wrong and where. Always true: every text gives one or the other, in time linear in its length
//! and with a fixed amount of stack. The tree is an arena with children before parents, so that no
//! later stage needs recursion either.
//!
//! ```
//! use ndexpr_grammar::{BinaryOp, ExprKind, Limits, parse};
//!
//! let ast = parse("a + b*2", &Limits::default())?;
//! let root = ast.expression().expect("the text is one expression");
//! let ExprKind::Binary { op, lhs, rhs } = ast[root].kind else {
//!     unreachable!("the root is the sum");
//! };
//! assert_eq!(op, BinaryOp::Add);
//! assert_eq!(ast[lhs].span.text("a + b*2"), "a");
//! assert_eq!(ast[rhs].span.text("a + b*2"), "b*2");
//! assert_eq!(ast.to_text(), "a + b * 2");
//!
//! let error = parse("a + * b", &Limits::default()).unwrap_err();
//! assert_eq!(
//!     error.to_diagnostic().render("a + * b"),
//!     "\
//! error: expected an operand, found `*`
//!   a + * b
//!       ^ expected an operand
//! ",
//! );
//! # Ok::<(), ndexpr_grammar::Error>(())
//! ```
//!
//! # The language
//!
//! Python's expressions over whole arrays, with Python's precedence, tightest first:
//!
//! | | |
//! |---|---|
//! | `f(x, y)` `f(x, axis=(0, 1))` `(x)` `1_000` `0xff` `1e-3` `2.5j` `True` `name` | calls, brackets, literals, names |
//! | `x ** y` | groups to the right; binds tighter than a sign on its left: `-a**2` is `-(a**2)` |
//! | `+x` `-x` `~x` | |
//! | `x * y` `x / y` `x // y` `x % y` | |
//! | `x + y` `x - y` | |
//! | `x << y` `x >> y` | |
//! | `x & y` | |
//! | `x ^ y` | exclusive or |
//! | <code>x \| y</code> | |
//! | `x < y` `<=` `>` `>=` `==` `!=` | chained: `0 < a <= 1` |
//! | `not x` | |
//! | `x and y` | |
//! | `x or y` | |
//! | `x if condition else y` | groups to the right |
//!
//! Arguments by name come after those by position. A tuple can only be an argument. In a chain of
//! comparisons, `&`, `|` and `^` need brackets: see [`ErrorKind::BitsInChain`].
//!
//! White space, line breaks and comments (`#` to the end of the line) may stand between any two
//! tokens. Names are Unicode identifiers, and two are one if their normal forms are
//! ([`normal_name`]); the keywords are `and or not if else True true False false`.
//!
//! Errors of this and the later stages are drawn by [`Diagnostic`].
//!
//! # The modules
//!
//! Each may use those before it, and none after it: `span`, `ast`, `foreign`, `name`, `string`,
//! `error`, `number`, `token`, `limits`, `lexer`, `layout`, `builder`, `python`, `explain`,
//! `parser`, `print`, `dump`, `diagnostic`, `render`, `advice`.

#![forbid(unsafe_code)]

mod advice;
mod ast;
mod builder;
mod diagnostic;
mod dump;
mod error;
mod explain;
mod foreign;
mod layout;
mod lexer;
mod limits;
mod name;
mod number;
mod parser;
mod print;
mod python;
mod render;
mod span;
mod string;
mod token;

pub use ast::{
    Ast, BinaryOp, CompareOp, Expr, ExprId, ExprKind, IndexItem, Keyword, NameId, Param, Stmt, StmtId, StmtKind, UnaryOp,
};
pub use diagnostic::{Diagnostic, Label};
pub use error::{Error, ErrorKind, Expectation, Expected, Feature, Found};
pub use limits::Limits;
pub use name::normal_name;
pub use parser::parse;
pub use span::Span;

#[cfg(test)]
mod tests;
