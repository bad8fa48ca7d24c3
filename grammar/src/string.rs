//! String literals, by hand.
//!
//! In: the text from the prefix or the quote of a literal on. Out: how long the literal is. Always
//! true: the time taken is linear; a literal with single quotes ends within its line, unless a
//! backslash joins that with the next one.

/// The letters that may stand before a quote.
pub(crate) enum Prefix {
    /// Letters such as `r`, `u` and `b`.
    Plain,
    /// Letters with an `f`: the literal has expressions inside.
    Formatted,
}

/// The prefix that a word is, if it is one.
pub(crate) fn prefix(word: &str) -> Option<Prefix> {
    let mut letters = [0; 2];
    letters.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
    match letters.map(|letter| letter.to_ascii_lowercase()) {
        [b'r' | b'u' | b'b', 0] | [b'r', b'b'] | [b'b', b'r'] => Some(Prefix::Plain),
        [b'f', 0] | [b'f', b'r'] | [b'r', b'f'] => Some(Prefix::Formatted),
        _ => None,
    }
}

/// The length in bytes of the literal whose quotes are at the start of `text`. An error has the
/// length of what there is of it: up to the end of the line or of the text.
pub(crate) fn n_bytes(text: &str) -> Result<usize, usize> {
    let bytes = text.as_bytes();
    let Some(&quote) = bytes.first() else { return Err(0) };
    let is_triple = bytes.starts_with(&[quote; 3]);
    let n_quotes = if is_triple { 3 } else { 1 };
    let mut position = n_quotes;
    while let Some(&byte) = bytes.get(position) {
        match byte {
            // What follows a backslash ends no literal, a line break neither.
            b'\\' if bytes[position + 1..].starts_with(b"\r\n") => position += 3,
            b'\\' => position += 2,
            b'\r' | b'\n' if !is_triple => return Err(position),
            _ if bytes[position..].starts_with(&[quote; 3][..n_quotes]) => return Ok(position + n_quotes),
            _ => position += 1,
        }
    }
    Err(bytes.len())
}
