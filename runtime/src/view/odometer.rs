//! Counting over the indices of a shape.

/// Steps from an index to the next one, the last axis fastest. After the last index comes the first
/// one.
///
/// Calls `moved(axis, n_steps)` for each axis along which the index moves. `n_steps` says how far:
/// one step forwards, or back to 0.
pub(crate) fn step(index: &mut [usize], extents: &[usize], mut moved: impl FnMut(usize, isize)) {
    for (axis, (place, &extent)) in index.iter_mut().zip(extents).enumerate().rev() {
        *place += 1;
        if *place < extent {
            return moved(axis, 1);
        }
        moved(axis, 1 - extent as isize);
        *place = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_once_and_back() {
        let (extents, strides) = ([2, 1, 3], [3, 7, 1]);
        let (mut index, mut offset) = ([0; 3], 0);
        for n in 1..=6 {
            step(&mut index, &extents, |axis, n_steps| offset += n_steps * strides[axis]);
            assert_eq!(index, [n % 6 / 3, 0, n % 3]);
            assert_eq!(offset, n as isize % 6);
        }
    }
}
