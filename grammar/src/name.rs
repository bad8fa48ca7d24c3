//! Names and keywords, by hand: in a generated automaton, the classes of Unicode take so many states that its stack
//! frame in a debug build is larger than some threads' stack (logos 0.16, 250 KiB).
//!
//! In: the text from the first character of a word on. Out: the word. Always true: it is consumed to its end.

use logos::Lexer;

use crate::token::{Fault, Token};

/// Whether a character can continue a name: Unicode's default identifiers, less the middle dot, which is far more often
/// meant to multiply.
pub(crate) fn continues(character: char) -> bool {
    character != '·' && unicode_ident::is_xid_continue(character)
}

fn begins(character: char) -> bool {
    character == '_' || unicode_ident::is_xid_start(character)
}

/// The length of what continues a name at the start of `text`.
pub(crate) fn n_continuing_bytes(text: &str) -> usize {
    text.find(|character| !continues(character)).unwrap_or(text.len())
}

/// The logos callback: consumes the rest of the word.
pub(crate) fn lex<'s>(lexer: &mut Lexer<'s, Token<'s>>) -> Result<&'s str, Fault> {
    if !lexer.slice().starts_with(begins) {
        return Err(Fault::Stray);
    }
    let n_bytes = n_continuing_bytes(lexer.remainder());
    lexer.bump(n_bytes);
    Ok(lexer.slice())
}

impl<'s> Token<'s> {
    /// The keyword that a word is, else the name.
    pub(crate) fn word(word: &'s str) -> Self {
        match word {
            "and" => Self::And,
            "or" => Self::Or,
            "not" => Self::Not,
            "if" => Self::If,
            "else" => Self::Else,
            "True" | "true" => Self::True,
            "False" | "false" => Self::False,
            _ => Self::Name(word),
        }
    }
}
