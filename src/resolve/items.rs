//! What stands between brackets.

/// An item between brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    /// A single place; a negative one counts from the end.
    At(i64),
    /// `start:stop:step`; the step is not 0.
    Slice {
        start: Option<i64>,
        stop: Option<i64>,
        step: i64,
    },
    NewAxis,
    Ellipsis,
}

/// An index as text.
pub(super) fn index_text(items: &[Item]) -> String {
    let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    let item = |item: &Item| match *item {
        Item::At(at) => at.to_string(),
        Item::Slice { start, stop, step: 1 } => format!("{}:{}", number(start), number(stop)),
        Item::Slice { start, stop, step } => format!("{}:{}:{step}", number(start), number(stop)),
        Item::NewAxis => "None".to_owned(),
        Item::Ellipsis => "...".to_owned(),
    };
    format!("[{}]", items.iter().map(item).collect::<Vec<_>>().join(", "))
}
