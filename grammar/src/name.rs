//! Names: which characters they are made of, and which spellings are one name.
//!
//! In: text. Out: how far a name reaches, and its normal form. Always true: the normal form of a
//! name is a name, and its own normal form.
//!
//! Names are found by hand: in a generated automaton, the classes of Unicode take so many states
//! that its stack frame in a debug build is larger than the stack of some threads (logos 0.16, 250
//! KiB).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Whether the normal form of a character has a middle dot: the dot, the Greek one, and `l` with a
/// dot. The dot is far more often meant to multiply than to be part of a name.
fn has_middle_dot(character: char) -> bool {
    matches!(character, '·' | '\u{387}' | '\u{13f}' | '\u{140}')
}

/// Whether a character can continue a name. These are Unicode's default identifiers, except those
/// with a middle dot.
fn continues(character: char) -> bool {
    unicode_ident::is_xid_continue(character) && !has_middle_dot(character)
}

/// Whether a character can begin a name.
pub(crate) fn begins(character: char) -> bool {
    character == '_' || unicode_ident::is_xid_start(character) && !has_middle_dot(character)
}

/// The number of bytes at the start of `text` that continue a name.
pub(crate) fn n_continuing_bytes(text: &str) -> usize {
    text.find(|character| !continues(character)).unwrap_or(text.len())
}

/// A name in its normal form, Unicode's NFKC, as Python has it: the micro sign U+00B5 and the Greek
/// letter mu U+03BC are one name.
///
/// ```
/// use ndexpr_grammar::normal_name;
///
/// assert_eq!(normal_name("\u{b5}"), "\u{3bc}");
/// assert_eq!(normal_name("a"), "a");
/// ```
#[must_use]
pub fn normal_name(name: &str) -> Cow<'_, str> {
    if name.is_ascii() || unicode_normalization::is_nfkc(name) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.nfkc().collect())
}
