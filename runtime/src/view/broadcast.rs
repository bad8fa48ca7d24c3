//! NumPy's broadcasting of shapes.
//!
//! In: shapes. Out: the one shape that all can be stretched to, or which two disagree and where.
//! Shapes are aligned at their last axes; a missing or unit axis takes the other's extent, 0
//! included.

use super::Shape;

/// Two shapes that do not broadcast.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("shapes {lhs_shape:?} and {rhs_shape:?} do not broadcast")]
pub struct BroadcastError {
    /// Which of the shapes set the extent.
    pub lhs: usize,
    /// Which of the shapes disagrees with it; always after `lhs`.
    pub rhs: usize,
    /// The whole shape number `lhs`.
    pub lhs_shape: Box<[usize]>,
    /// The whole shape number `rhs`.
    pub rhs_shape: Box<[usize]>,
    /// The axis they disagree on, counted from the last, which is 0.
    pub axis_from_last: usize,
    /// `lhs`'s extent there, not 1.
    pub lhs_extent: usize,
    /// `rhs`'s extent there, not 1.
    pub rhs_extent: usize,
}

/// The shape that all of `shapes` can be stretched to. If there are no shapes, it is the empty
/// shape (rank 0).
///
/// ```
/// use ndexpr_runtime::view::broadcast_shapes;
///
/// assert_eq!(broadcast_shapes([&[4, 1][..], &[3], &[]])?[..], [4, 3]);
/// let error = broadcast_shapes([&[3, 4][..], &[5]]).unwrap_err();
/// assert_eq!((error.lhs_extent, error.rhs_extent, error.axis_from_last), (4, 5, 0));
/// # Ok::<(), ndexpr_runtime::view::BroadcastError>(())
/// ```
///
/// # Errors
///
/// The first disagreement, shapes taken in order and axes from the last.
pub fn broadcast_shapes<'s>(shapes: impl IntoIterator<Item = &'s [usize]>) -> Result<Shape, BroadcastError> {
    // Last axis first. Each entry: the extent, and the shape that it came from.
    let mut axes: smallvec::SmallVec<[(usize, usize, &[usize]); 6]> = Default::default();
    for (rhs, rhs_shape) in shapes.into_iter().enumerate() {
        for (axis_from_last, &rhs_extent) in rhs_shape.iter().rev().enumerate() {
            match axes.get_mut(axis_from_last) {
                None => axes.push((rhs_extent, rhs, rhs_shape)),
                Some(axis) if axis.0 == 1 => *axis = (rhs_extent, rhs, rhs_shape),
                Some(&mut (lhs_extent, lhs, lhs_shape)) => {
                    if rhs_extent != 1 && rhs_extent != lhs_extent {
                        return Err(BroadcastError {
                            lhs,
                            rhs,
                            lhs_shape: lhs_shape.into(),
                            rhs_shape: rhs_shape.into(),
                            axis_from_last,
                            lhs_extent,
                            rhs_extent,
                        });
                    }
                }
            }
        }
    }
    Ok(axes.iter().rev().map(|&(extent, ..)| extent).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broadcast(shapes: &[&[usize]]) -> Result<Vec<usize>, (usize, usize, usize, usize, usize)> {
        broadcast_shapes(shapes.iter().copied())
            .map(|shape| shape.to_vec())
            .map_err(|e| (e.lhs, e.rhs, e.axis_from_last, e.lhs_extent, e.rhs_extent))
    }

    #[test]
    fn numpy_rules() {
        assert_eq!(broadcast(&[]), Ok(vec![]));
        assert_eq!(broadcast(&[&[], &[]]), Ok(vec![]));
        assert_eq!(broadcast(&[&[3], &[]]), Ok(vec![3]));
        assert_eq!(broadcast(&[&[8, 1, 6, 1], &[7, 1, 5]]), Ok(vec![8, 7, 6, 5]));
        assert_eq!(broadcast(&[&[1], &[0]]), Ok(vec![0]));
        assert_eq!(broadcast(&[&[0], &[1]]), Ok(vec![0]));
        assert_eq!(broadcast(&[&[2, 0], &[2, 1], &[1, 1]]), Ok(vec![2, 0]));
        assert_eq!(broadcast(&[&[3], &[0]]), Err((0, 1, 0, 3, 0)));
        assert_eq!(broadcast(&[&[2, 1], &[8, 4, 3]]), Err((0, 1, 1, 2, 4)));
        assert_eq!(broadcast(&[&[], &[1], &[4], &[1], &[5, 3]]), Err((2, 4, 0, 4, 3)), "names who set the extent");
    }

    #[test]
    fn the_error_tells_the_shapes() {
        let error = broadcast_shapes([&[3, 4][..], &[5]]).unwrap_err();
        assert_eq!(error.to_string(), "shapes [3, 4] and [5] do not broadcast");
    }
}
