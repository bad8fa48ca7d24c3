//! An error as it is shown: a message, places in the source with a remark each, and notes.
//!
//! In: the facts of an error of any stage, as words. Out: [`Diagnostic`], and its drawing over the source text. Always
//! true: labels may lie anywhere, in any order, over each other or outside the text; drawing never fails.

use crate::render;
use crate::span::Span;

/// A message with labels and notes, see [`Diagnostic::render`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Places in the source, with a remark each.
    pub labels: Vec<Label>,
    /// Facts and advice that belong to no place.
    pub notes: Vec<String>,
}

/// A place in the source and what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The remark; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic without labels and notes.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), labels: Vec::new(), notes: Vec::new() }
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Draws the diagnostic as plain text; every line, the last too, ends with a line break.
    ///
    /// Only lines of the source with a label are shown, with their number if there are several in the source, and long
    /// ones around their labels only.
    ///
    /// ```
    /// use ndexpr_grammar::{Diagnostic, Span};
    ///
    /// let diagnostic = Diagnostic::new("shapes [3, 4] and [5] do not broadcast")
    ///     .label(Span::new(0, 3), "this has shape [3, 4]")
    ///     .label(Span::new(6, 7), "this has shape [5]")
    ///     .note("trailing extents must be equal or 1, found 4 and 5");
    /// assert_eq!(
    ///     diagnostic.render("a*2 + b"),
    ///     "\
    /// error: shapes [3, 4] and [5] do not broadcast
    ///   a*2 + b
    ///   ^^^   ^ this has shape [5]
    ///   |
    ///   this has shape [3, 4]
    ///   = trailing extents must be equal or 1, found 4 and 5
    /// ",
    /// );
    /// ```
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        render::render(self, source)
    }
}
