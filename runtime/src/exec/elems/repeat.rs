//! Copies elements that repeat along an axis, as often as they repeat.

/// Copies the first `n_bytes` at `rows` to the `n_rows - 1` places that follow, which have
/// `n_bytes` bytes each.
///
/// # Safety
///
/// Those `n_rows * n_bytes` bytes must be readable and writable, and the first `n_bytes`
/// initialised.
pub(in crate::exec) unsafe fn repeat_row(n_bytes: usize, n_rows: usize, rows: *mut u8) {
    let mut done = n_bytes;
    while done < n_rows * n_bytes {
        let more = done.min(n_rows * n_bytes - done);
        // SAFETY: the caller's contract; both are within the bytes, the second part after the
        // first.
        unsafe { rows.add(done).copy_from_nonoverlapping(rows, more) };
        done += more;
    }
}

/// Copies each of `n_rows` elements of `size` bytes (1, 2, 4 or 8) to a row of `n_lanes` elements
/// equal to it, without gaps.
///
/// # Safety
///
/// The elements at `from` must be readable, with this stride from row to row, and there must be
/// room for all rows at `to`, all of any alignment; they must not overlap.
pub(in crate::exec) unsafe fn repeat_lanes(
    size: usize,
    extents: (usize, usize),
    from: *const u8,
    row_stride: isize,
    to: *mut u8,
) {
    // SAFETY: the caller's contract; each arm is for elements of its type's size.
    unsafe {
        match size {
            1 => repeat_each::<u8>(extents, from, row_stride, to),
            2 => repeat_each::<u16>(extents, from, row_stride, to),
            4 => repeat_each::<u32>(extents, from, row_stride, to),
            _ => repeat_each::<u64>(extents, from, row_stride, to),
        }
    }
}

/// # Safety
///
/// The contract of [`repeat_lanes`], for elements of the size of `T`.
unsafe fn repeat_each<T: Copy>((n_rows, n_lanes): (usize, usize), from: *const u8, row_stride: isize, to: *mut u8) {
    /// # Safety
    ///
    /// The contract of the outer function, for rows of `N`.
    unsafe fn rows_of<T: Copy, const N: usize>(n_rows: usize, from: *const u8, row_stride: isize, to: *mut u8) {
        for row in 0..n_rows {
            // SAFETY: the caller's contract.
            unsafe {
                let elem = from.offset(row as isize * row_stride).cast::<T>().read_unaligned();
                to.cast::<[T; N]>().add(row).write_unaligned([elem; N]);
            }
        }
    }
    // SAFETY: the caller's contract. Points and colours are the usual short rows: the compiler
    // turns each of them into a few stores.
    unsafe {
        match n_lanes {
            2 => rows_of::<T, 2>(n_rows, from, row_stride, to),
            3 => rows_of::<T, 3>(n_rows, from, row_stride, to),
            4 => rows_of::<T, 4>(n_rows, from, row_stride, to),
            _ => {
                for row in 0..n_rows {
                    let elem = from.offset(row as isize * row_stride).cast::<T>().read_unaligned();
                    let row = to.cast::<T>().add(row * n_lanes);
                    (0..n_lanes).for_each(|lane| row.add(lane).write_unaligned(elem));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_repeated() {
        for n in [1_usize, 2, 3, 7, 64, 65] {
            let mut bytes: Vec<u8> = [vec![1, 2, 3], vec![0; 3 * (n - 1)], vec![9]].concat();
            // SAFETY: there are so many rows of 3 bytes.
            unsafe { repeat_row(3, n, bytes.as_mut_ptr()) };
            assert_eq!(bytes, [[1, 2, 3].repeat(n), vec![9]].concat());
        }
    }

    /// Tests every size and rows of every length, with elements side by side, apart and backwards,
    /// unaligned.
    #[test]
    fn lanes_are_repeated() {
        for size in [1_usize, 2, 4, 8] {
            for n_lanes in [1, 2, 3, 4, 5, 15, 16, 33] {
                for (stride, first) in [(size as isize, 0), (size as isize + 3, 0), (-(size as isize) - 1, 6)] {
                    let bytes: Vec<u8> = (0..200).collect();
                    let mut repeated = vec![0; 1 + 7 * n_lanes * size + 1];
                    let at = |row: usize| (1 + first * stride.abs() + row as isize * stride) as usize;
                    // SAFETY: the bytes hold seven elements, the first of them at either end, and
                    // there is room for all rows.
                    unsafe {
                        let (from, to) = (bytes.as_ptr().add(at(0)), repeated.as_mut_ptr().add(1));
                        repeat_lanes(size, (7, n_lanes), from, stride, to);
                    }
                    let rows = (0..7).flat_map(|row| bytes[at(row)..][..size].repeat(n_lanes));
                    assert!(repeated == [vec![0], rows.collect(), vec![0]].concat(), "size {size}, {n_lanes} lanes");
                }
            }
        }
    }
}
