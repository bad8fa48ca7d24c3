//! Byte ranges of the source text.
//!
//! In: byte offsets, from the lexer. Out: [`Span`], carried by every expression, error and label.
//! Always true: a span made by this crate has `start <= end`, lies inside the text it was made
//! from, and both ends are `char` boundaries.

use std::fmt;
use std::ops::Range;

/// A half-open range of bytes of the source text.
///
/// ```
/// use ndexpr_grammar::Span;
///
/// let span = Span::new(4, 7);
/// assert_eq!(span.text("a + b*2"), "b*2");
/// assert_eq!(span.join(Span::new(0, 1)), Span::new(0, 7));
/// assert_eq!(span.to_string(), "4..7");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to, but not including, `end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The length in bytes; 0 if the ends are in the wrong order.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the span covers no byte. Such a span still marks a place.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// The same span so many bytes further on; at the end of what a span can be, if it would be
    /// behind that.
    #[must_use]
    pub const fn moved(self, by: u32) -> Self {
        Self::new(self.start.saturating_add(by), self.end.saturating_add(by))
    }

    /// The span as a range for slicing.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The part of `text` that the span covers, empty if it does not fit `text`.
    #[must_use]
    pub fn text(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or("")
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}
