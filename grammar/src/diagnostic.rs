//! An error as it is shown: a message, places in the source with a remark each, and notes.
//!
//! In: the facts of an error of any stage, as words. Out: [`Diagnostic`], and its drawing over the
//! source text. Always true: labels may lie anywhere, in any order, over each other or outside the
//! text; drawing never fails.

use std::sync::Arc;

use crate::span::Span;

/// A message with labels and notes, see [`Diagnostic::render`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Places in the source, with a remark each.
    pub labels: Vec<Label>,
    /// Places in other texts, which the source makes use of.
    pub elsewhere: Vec<Excerpt>,
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

/// Places in a text that is not the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Which text it is, as in "in the prelude".
    pub title: String,
    /// The whole text.
    pub text: Arc<str>,
    /// Places in that text, with a remark each.
    pub labels: Vec<Label>,
}

impl Diagnostic {
    /// A diagnostic without labels and notes.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), labels: Vec::new(), elsewhere: Vec::new(), notes: Vec::new() }
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
}
