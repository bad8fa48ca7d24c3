//! The memory order of a fresh output: NumPy's `order='K'`.

use smallvec::SmallVec;

use crate::view::{RawView, Shape, Strides, View, is_broadcastable};

/// The order in memory, outermost axis first, that a fresh output of `shape` should have so that it
/// follows its inputs.
///
/// The order follows NumPy's `order='K'`: C if the inputs are in C order, or disagree; F if all are
/// in F order; and permuted arrays keep their permutation. Broadcast axes do not count. Inputs that
/// do not broadcast to `shape` do not count either.
///
/// ```
/// use ndexpr_runtime::{plan::output_order, view::View};
///
/// let a = ndarray::Array3::<f64>::zeros((2, 3, 4));
/// assert_eq!(output_order(&[2, 3, 4], &[View::from(&a)])[..], [0, 1, 2]);
/// let permuted = a.view().permuted_axes([2, 0, 1]);
/// assert_eq!(output_order(&[4, 2, 3], &[View::from(permuted)])[..], [1, 2, 0]);
/// ```
#[must_use]
pub fn output_order<'v>(shape: &[usize], inputs: impl IntoIterator<Item = &'v View<'v>>) -> Shape {
    order_of(shape, inputs.into_iter().map(View::raw))
}

/// The same for raw views.
pub(super) fn order_of<'v>(shape: &[usize], inputs: impl Iterator<Item = &'v RawView>) -> Shape {
    let strides: SmallVec<[Strides; 8]> = inputs
        .filter(|input| is_broadcastable(&input.shape, shape))
        .map(|input| {
            let strides = input.strides_over(shape).zip(shape);
            strides.map(|(stride, &extent)| if extent == 1 { 0 } else { stride }).collect()
        })
        .collect();
    // An insertion sort from the last axis on, into `order` from innermost to outermost. An axis
    // only moves past others if `belongs_inside` says so; if it cannot tell, the next axis further
    // inward is compared. A general sort would be wrong, because the comparison is not transitive.
    let mut order = Shape::new();
    for axis in (0..shape.len()).rev() {
        let mut position = order.len();
        for candidate in (0..order.len()).rev() {
            match belongs_inside(axis, order[candidate], &strides) {
                Some(true) => position = candidate,
                Some(false) => break,
                None => {}
            }
        }
        order.insert(position, axis);
    }
    order.reverse();
    order
}

/// Whether `axis` should be inside of `other`, an axis that comes after it in C order; `None` if no
/// input moves along both. If inputs disagree, C order is chosen.
fn belongs_inside(axis: usize, other: usize, strides: &[Strides]) -> Option<bool> {
    strides
        .iter()
        .map(|strides| (strides[axis].unsigned_abs(), strides[other].unsigned_abs()))
        .filter(|&(stride, other)| stride != 0 && other != 0)
        .map(|(stride, other)| stride < other)
        .reduce(|all, this| all && this)
}
