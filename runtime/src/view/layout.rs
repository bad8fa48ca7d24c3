//! Arithmetic on shapes and strides: counts, spans, broadcasting of strides, self-overlap. No
//! pointers.
//!
//! Every function here is total: it answers an overflow by `None`.

use std::ops::Range;

use smallvec::SmallVec;

/// The number of elements, or `None` if the product of the non-zero extents does not fit in an
/// `isize`.
///
/// Zeros do not hide a product that is too large, because dropping an axis must not make a legal
/// shape illegal.
pub(crate) fn count_elems(shape: &[usize]) -> Option<usize> {
    let product = shape.iter().filter(|&&extent| extent != 0).try_fold(1usize, |n, &extent| n.checked_mul(extent))?;
    isize::try_from(product).ok()?;
    Some(if shape.contains(&0) { 0 } else { product })
}

/// Where the elements lie, in bytes from the element at index 0: from the lowest one's start to the
/// highest one's end. `None` if that overflows even an `i128`. An empty shape spans `0..0`.
pub(super) fn byte_span(elem_bytes: usize, shape: &[usize], strides: &[isize]) -> Option<Range<i128>> {
    if shape.contains(&0) {
        return Some(0..0);
    }
    let mut span = 0..elem_bytes as i128;
    for (&extent, &stride) in shape.iter().zip(strides) {
        let reach = (extent as i128 - 1).checked_mul(stride as i128)?;
        if reach < 0 {
            span.start = span.start.checked_add(reach)?;
        } else {
            span.end = span.end.checked_add(reach)?;
        }
    }
    Some(span)
}

/// Whether two elements may share a byte.
///
/// This looks at the axes from the smallest stride up. An axis is fine if one step along it is
/// longer than all that the axes before it span. Every layout that slicing, transposing or
/// reversing an array can make passes. A few interleaved ones that do not overlap (one-byte
/// elements, shape `[3, 2]`, strides `[2, 3]`) fail too.
pub(super) fn overlaps_itself(elem_bytes: usize, shape: &[usize], strides: &[isize]) -> bool {
    if let (&[extent], &[stride]) = (shape, strides) {
        return extent > 1 && stride.unsigned_abs() < elem_bytes;
    }
    if shape.contains(&0) {
        return false;
    }
    let mut axes: SmallVec<[(u128, u128); 8]> = shape
        .iter()
        .zip(strides)
        .filter(|&(&extent, _)| extent > 1)
        .map(|(&extent, &stride)| (stride.unsigned_abs() as u128, extent as u128))
        .collect();
    axes.sort_unstable();
    let mut span = elem_bytes as u128;
    for (stride, extent) in axes {
        if stride < span {
            return true;
        }
        span = span.saturating_add(stride.saturating_mul(extent - 1));
    }
    false
}

/// Whether an array of shape `from` can be stretched to shape `to`.
///
/// ```
/// use ndexpr_runtime::view::is_broadcastable;
///
/// assert!(is_broadcastable(&[3, 1], &[2, 3, 4]));
/// assert!(!is_broadcastable(&[2, 3, 4], &[3, 4]));
/// ```
#[must_use]
pub fn is_broadcastable(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len() && from.iter().rev().zip(to.iter().rev()).all(|(&from, &to)| from == to || from == 1)
}

/// The strides over shape `to` of an array of shape `from`: 0 on new and on stretched axes.
/// `from` must be broadcastable to `to`; see [`is_broadcastable`].
pub(super) fn broadcast_strides<'s>(
    from: &'s [usize],
    strides: &'s [isize],
    to: &'s [usize],
) -> impl Iterator<Item = isize> + 's {
    let n_new_axes = to.len() - from.len();
    let kept = from.iter().zip(strides).zip(&to[n_new_axes..]);
    let kept = kept.map(|((&from, &stride), &to)| if from == 1 && to != 1 { 0 } else { stride });
    std::iter::repeat_n(0, n_new_axes).chain(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        assert_eq!(count_elems(&[]), Some(1));
        assert_eq!(count_elems(&[3, 0, 4]), Some(0));
        assert_eq!(count_elems(&[usize::MAX, 0]), None);
        assert_eq!(count_elems(&[1 << 32, 1 << 31]), None);
        assert_eq!(count_elems(&[1 << 31, 1 << 31]), Some(1 << 62));
    }

    #[test]
    fn spans() {
        assert_eq!(byte_span(8, &[], &[]), Some(0..8));
        assert_eq!(byte_span(8, &[3, 2], &[-16, 100]), Some(-32..108));
        assert_eq!(byte_span(8, &[3, 0], &[-16, 100]), Some(0..0));
        let huge = [isize::MAX as usize; 3];
        assert_eq!(byte_span(8, &huge, &[isize::MAX; 3]), None);
        assert_eq!(byte_span(8, &huge, &[isize::MIN; 3]), None);
    }

    #[test]
    fn strides() {
        assert_eq!(broadcast_strides(&[1, 4], &[9, 8], &[2, 3, 4]).collect::<Vec<_>>(), [0, 0, 8]);
    }

    #[test]
    fn self_overlap() {
        assert!(!overlaps_itself(8, &[3, 4], &[32, 8]));
        assert!(!overlaps_itself(8, &[3, 4], &[8, -24]));
        assert!(!overlaps_itself(8, &[1, 4], &[0, 8]));
        assert!(!overlaps_itself(8, &[5, 0], &[0, 0]));
        assert!(overlaps_itself(8, &[2], &[0]));
        assert!(overlaps_itself(8, &[2], &[7]));
        assert!(overlaps_itself(8, &[3, 4], &[24, 8]));
        assert!(overlaps_itself(1, &[3, 2], &[2, 3]), "conservative");
    }
}
