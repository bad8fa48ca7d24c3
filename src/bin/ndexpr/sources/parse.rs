//! Dtypes and shapes as text.

use ndexpr::DType;

use super::{did_you_mean, literal};

/// Axes that the library can take.
pub(crate) const MAX_RANK: usize = 32;

/// The dtype of this name, or an error that lists them.
pub(crate) fn parse_dtype(name: &str) -> Result<DType, String> {
    let name = name.trim_matches(['\'', '"']);
    DType::from_name(name).ok_or_else(|| {
        let names = DType::ALL.iter().flat_map(|dtype| [dtype.name(), dtype.short_name()]);
        let hint = did_you_mean(name, names);
        let list = DType::ALL.map(DType::name).join(", ");
        format!("there is no dtype `{name}`{hint} (there are: {list})")
    })
}

/// `1e6`, `(3, 4)`, `[3, 4]`, `3x4`, `()`.
pub(crate) fn parse_shape(text: &str) -> Result<Vec<usize>, String> {
    let text = text.trim();
    let inner = [('(', ')'), ('[', ']')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)));
    let shape: Vec<usize> = match inner {
        Some(list) => {
            let list = list.trim();
            // One comma may trail, as in Python's `(3,)`.
            let list = list.strip_suffix(',').unwrap_or(list);
            if list.trim().is_empty() {
                Vec::new()
            } else {
                list.split(',').map(literal::count).collect::<Result<_, _>>()?
            }
        }
        None if !text.starts_with("0x") && text.contains('x') => {
            text.split('x').map(literal::count).collect::<Result<_, _>>()?
        }
        None => vec![literal::count(text)?],
    };
    if shape.len() > MAX_RANK {
        return Err(format!("a shape of {} axes is more than the {MAX_RANK} that are possible", shape.len()));
    }
    Ok(shape)
}
