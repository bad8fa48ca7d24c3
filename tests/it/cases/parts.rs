//! Parts of arrays, as texts, and what arrays are reduced to.

use super::language::Language;
use super::source::Source;
use ndexpr::DType;

/// What of an array some statement is about: so many elements of each axis, or one place of it,
/// which leaves no axis.
pub(super) type Part = Vec<Option<usize>>;

/// Functions that reduce an array of a dtype to one value, with the dtypes that they give.
pub(super) fn reductions(dtype: DType) -> Vec<(&'static str, DType)> {
    let language = Language::get();
    let forms = language.forms.iter().filter(|form| form.args == dtype);
    let all = forms.filter_map(|form| {
        let op = &language.ops[form.op];
        let function = op.template.strip_suffix("($)").filter(|_| op.is_along_axes)?;
        Some((function, form.result))
    });
    all.collect()
}

/// A part of an array of a shape: mostly some neighbours along each axis.
pub(super) fn random_part(source: &mut Source<'_>, shape: &[usize]) -> Part {
    let item = |&extent: &usize| match source.below(10) {
        0 => None,
        1..=3 => Some(extent),
        4..=6 => Some(extent - source.between(1, 2)),
        7 => Some(extent / 2),
        _ => Some(source.between(1, extent)),
    };
    shape.iter().map(item).collect()
}

/// An index that takes such a part of an array of the shape, anywhere in it.
pub(super) fn index(source: &mut Source<'_>, shape: &[usize], part: &Part) -> Option<String> {
    let mut items = Vec::with_capacity(shape.len());
    let mut is_all = true;
    for (&extent, part) in shape.iter().zip(part) {
        let Some(n) = *part else {
            is_all = false;
            let at = source.below(extent);
            items.push(if source.one_in(3) { format!("-{}", extent - at) } else { at.to_string() });
            continue;
        };
        if n == 0 || n > extent {
            return None;
        }
        let step = if source.one_in(4) { source.pick(&[2, -1, -2, 3]) } else { 1_isize };
        let step = if (n - 1) * step.unsigned_abs() < extent { step } else { step.signum() };
        let reach = (n - 1) * step.unsigned_abs();
        let low = source.below(extent - reach);
        is_all &= n == extent && step == 1;
        items.push(match step {
            1 if n == extent => ":".to_owned(),
            1 if low + n == extent => format!("{low}:"),
            1 if source.one_in(2) => format!("{low}:-{}", extent - low - n),
            1 => format!("{low}:{}", low + n),
            2.. => format!("{low}:{}:{step}", low + reach + 1),
            // Behind the first element there is no place that a number could stand for.
            _ if low == 0 => format!("{reach}::{step}"),
            _ => format!("{}:{}:{step}", low + reach, low - 1),
        });
    }
    if is_all && source.one_in(2) {
        return Some(String::new());
    }
    Some(format!("[{}]", items.join(", ")))
}
