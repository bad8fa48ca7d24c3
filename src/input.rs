//! What a variable's value is when a call runs.

use ndexpr_runtime::view::View;

/// An input of a call.
#[derive(Clone, Debug)]
pub(crate) enum Input<'a> {
    /// An array or a single value.
    View(View<'a>),
    /// An output of the call, by its number, as it was before.
    Output(usize),
}

impl<'a> Input<'a> {
    /// The array, unless it is an output.
    pub(crate) fn view(&self) -> Option<&View<'a>> {
        match self {
            Input::View(view) => Some(view),
            Input::Output(_) => None,
        }
    }
}
