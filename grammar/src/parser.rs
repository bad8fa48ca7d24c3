//! Text to tree: runs the generated parser over the layout.
//!
//! In: any text. Out: an [`Ast`] or the first [`Error`]. Always true: time and memory are linear in
//! the text, and the stack used does not depend on it.

use crate::ast::Ast;
use crate::builder::Builder;
use crate::error::Error;
use crate::explain::explain;
use crate::layout::Layout;
use crate::limits::Limits;

/// The parser that lalrpop generates from `program.lalrpop`.
mod generated {
    #![allow(clippy::all, clippy::pedantic, clippy::restriction, clippy::nursery, warnings, reason = "generated code")]

    lalrpop_util::lalrpop_mod!(pub(super) program);
}

/// Parses a program: an expression, or statements.
///
/// # Errors
///
/// The first thing that is wrong with the text, see [`ErrorKind`](crate::ErrorKind).
///
/// ```
/// use ndexpr_grammar::{Limits, parse};
///
/// let ast = parse("a + b*2", &Limits::default())?;
/// assert_eq!(ast.names().collect::<Vec<_>>(), ["a", "b"]);
///
/// let ast = parse("x = a + b\nreturn x*2", &Limits::default())?;
/// assert_eq!(ast.body().len(), 2);
/// # Ok::<(), ndexpr_grammar::Error>(())
/// ```
pub fn parse(text: &str, limits: &Limits) -> Result<Ast, Error> {
    let max_text_bytes = limits.max_text_bytes.min(u32::MAX as usize);
    if text.len() > max_text_bytes {
        return Err(Error::text_too_long(text.len(), max_text_bytes));
    }
    let mut layout = Layout::new(text, limits.max_nesting);
    let mut builder = Builder::new(text, limits.max_nodes);
    let parser = generated::program::RootParser::new();
    parser.parse(&mut builder, &mut layout).map_err(|error| explain(error, &layout, text))?;
    builder.finish().ok_or_else(Error::empty)
}
