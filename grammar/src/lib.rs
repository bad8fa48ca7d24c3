//! The language of [ndexpr](https://docs.rs/ndexpr): text to a syntax tree with spans.
//!
//! In: the text of a program, from anyone. Out: an [`Ast`], or an [`Error`] that says what is wrong
//! and where. Always true: every text gives one or the other, in time linear in its length and with
//! a fixed amount of stack. The tree is an arena with children before parents, so that no later
//! stage needs recursion either.
//!
//! ```
//! use ndexpr_grammar::{BinaryOp, ExprKind, Limits, StmtKind, parse};
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
//! let ast = parse("d = a - b; return d*d", &Limits::default())?;
//! assert!(matches!(ast[ast.body()[1]].kind, StmtKind::Return(Some(_))));
//! assert_eq!(ast.to_text(), "d = a - b\nreturn d * d");
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
//! A part of Python 3, for whole arrays. A text is an expression, or statements. What is read here
//! has the structure that Python gives it; a text that Python refuses may be read too (see
//! [Lines and blocks](#lines-and-blocks)).
//!
//! ## Expressions
//!
//! Python's operators with Python's precedence, tightest first:
//!
//! | | |
//! |---|---|
//! | `f(x, y)` `f(x, axis=(0, 1))` `(x)` `(x, y)` `(x,)` `()` | calls, brackets, tuples |
//! | `1_000` `0xff` `1e-3` `2.5j` `True` `name` | literals, names |
//! | `x.name` `x.name(y)` `x[1, :2, ::-1, ..., None]` | after any operand, and one another |
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
//! Only a name, or a name behind a dot, can be called. Arguments by name come after those by
//! position. A tuple can be an argument, an item of a tuple or of an index, or a whole value, but
//! no operand ([`ErrorKind::TupleOperand`]). In a chain of comparisons, `&`, `|` and `^` need
//! brackets: see [`ErrorKind::BitsInChain`]. `None` is a name that nothing can be assigned to.
//!
//! ```
//! # use ndexpr_grammar::{Limits, parse};
//! let ast = parse("-x[1:, None].T**2", &Limits::default())?;
//! assert_eq!(
//!     ast.dump(),
//!     "\
//! neg @0..17
//!   pow @1..17
//!     attribute T @1..14
//!       index [_:, _] @1..12
//!         name x @1..2
//!         int 1 @3..4
//!         name None @7..11
//!     int 2 @16..17
//! ",
//! );
//! # Ok::<(), ndexpr_grammar::Error>(())
//! ```
//!
//! ## Statements
//!
//! - `x, y`: an expression, or a tuple without brackets.
//! - `x = value`, `x = y = value`: a target is a name, `x[...]` or `x.name`, or a tuple of targets
//!   with or without brackets. These are all that can be read; `ndexpr` assigns to names alone, and
//!   refuses the others.
//! - `x += value`, and likewise `-= *= /= //= %= **= <<= >>= &= |= ^=`: the target is a name or
//!   `x[...]`, of which `ndexpr` refuses the second.
//! - `x: float = value`, `x: float`: an annotation is an expression or a string, and dropped; alone
//!   it is `pass`.
//! - `return`, `return value`.
//! - `pass`, `"text"`: nothing happens; a string can only be such a docstring, or an annotation.
//! - `def f(x, k=2): return x*k`: parameters and results may have annotations, as in
//!   `def f(x: float) -> float:`.
//! - `if condition: ...`, with any number of `elif condition: ...` and maybe `else: ...`.
//! - `while condition: ...` and `for name in range(...): ...`, maybe with `else: ...`. A loop runs
//!   over `range` with one to three arguments by position, and over nothing else.
//! - `break`, `continue`: in a loop of the same function.
//!
//! A value that is assigned or returned may be a tuple without brackets.
//!
//! ```
//! # use ndexpr_grammar::{Limits, parse};
//! let text = r#"
//!     def smooth(u, k: float = 0.25):
//!         """The mean of the neighbours."""
//!         u[1:-1] += k * (u[2:] - 2*u[1:-1] + u[:-2])
//!         return u
//!
//!     x, y = a.sum(axis=0), smooth(b)
//!     return x - y
//! "#;
//! let ast = parse(text, &Limits::default())?;
//! assert_eq!(
//!     ast.to_text(),
//!     "\
//! def smooth(u, k=0.25):
//!     pass
//!     u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
//!     return u
//! x, y = a.sum(axis=0), smooth(b)
//! return x - y",
//! );
//! # Ok::<(), ndexpr_grammar::Error>(())
//! ```
//!
//! An `elif` is an `if` alone in the `else` of the one before it:
//!
//! ```
//! # use ndexpr_grammar::{Limits, parse};
//! let text = "while x > 1: x = x/2 if x < 9 else 0\nif x: y\nelse:\n  if z: w";
//! let ast = parse(text, &Limits::default())?;
//! assert_eq!(
//!     ast.to_text(),
//!     "\
//! while x > 1:
//!     x = x / 2 if x < 9 else 0
//! if x:
//!     y
//! elif z:
//!     w",
//! );
//! # Ok::<(), ndexpr_grammar::Error>(())
//! ```
//!
//! ## Lines and blocks
//!
//! A statement ends with its line or with `;`. A block is one line behind the `:`, or deeper lines
//! below it. A statement with a block begins a line, and so does its `elif` or `else`, at the same
//! indentation. White space, line breaks within brackets, a `\` at the end of a line, and comments
//! (`#` to the end of the line) may stand between any two tokens. Lines with nothing else on them
//! do not count.
//!
//! Texts are often written between the quotes of a host language. So all lines may be indented
//! alike; and if a text begins on its first line, the indentation of all is that of the first line
//! after it that begins a statement outside of blocks.
//!
//! A line goes on in the next one also where Python would report an error: after an operator and
//! after `=`; before an operator that has a left operand in any case, before `,` and before `=`;
//! and if the next line is deeper, after `,` and before `+`, `-`, `(`, `[` and `.` too. The last
//! line of a block below its `:` ends in any case. A line that begins with `if` goes on with a
//! conditional value if an `else` and no `:` follows; one that begins with `else` does if the value
//! has no `else` yet and no `:` follows.
//!
//! ```
//! # use ndexpr_grammar::{Limits, parse};
//! for (text, same) in [
//!     ("x = a +\nb", "x = a + b"),
//!     ("x = a\n  - b\n  .T", "x = a - b.T"),
//!     ("x = a\n* b", "x = a * b"),
//!     ("x = a\n-b", "x = a\n-b"),
//!     ("x = a,\nb", "x = a,\nb"),
//!     ("x = a\nif b\nelse c", "x = a if b else c"),
//!     ("x = a\nif b: c\nelse: d", "x = a\nif b:\n    c\nelse:\n    d"),
//!     ("x = a\n       return x", "x = a\nreturn x"),
//! ] {
//!     assert_eq!(parse(text, &Limits::default())?.to_text(), same);
//! }
//! # Ok::<(), ndexpr_grammar::Error>(())
//! ```
//!
//! A tab reaches to the next multiple of 8 columns. Lines whose order of depth would be another one
//! with tabs of 1 column are refused.
//!
//! ## Names
//!
//! Names are Unicode identifiers, and two are one if their normal forms are ([`normal_name`]). The
//! reserved words that mean something are `and or not if elif else True true False false def return
//! pass while for in break continue`. Python's other ones are no names either; [`Feature`] lists
//! what they begin there.
//!
//! Errors of this and the later stages are drawn by [`Diagnostic`].
//!
//! # The modules
//!
//! Each may use those before it, and none after it: `span`, `operator`, `ast`, `foreign`, `name`,
//! `string`, `error`, `number`, `token`, `limits`, `lexer`, `layout`, `builder`, `python`,
//! `explain`, `parser`, `print`, `dump`, `diagnostic`, `render`, `advice`.

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
mod operator;
mod parser;
mod print;
mod python;
mod render;
mod span;
mod string;
mod token;

pub use ast::{Ast, Expr, ExprId, ExprKind, IndexItem, Keyword, NameId, Param, Stmt, StmtId, StmtKind};
pub use diagnostic::{Diagnostic, Excerpt, Label};
pub use error::{Error, ErrorKind, Expectation, Expected, Feature, Found};
pub use limits::Limits;
pub use name::normal_name;
pub use operator::{BinaryOp, CompareOp, UnaryOp};
pub use parser::parse;
pub use span::Span;

#[cfg(test)]
mod tests;
