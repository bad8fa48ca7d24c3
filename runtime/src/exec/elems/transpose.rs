//! Elements that lie along columns, copied to rows.

use crate::machine::LINE_BYTES;
use crate::memory::prefetch_to_l2;

/// Copies `n_rows` x `n_lanes` elements of `size` bytes (1, 2, 4 or 8) to rows without gaps. At
/// `from`, elements are nearer to each other along a column than along a row. Meanwhile this
/// prefetches the lines that are `ahead` bytes from the elements, whatever addresses these are.
///
/// # Safety
///
/// The elements at `from` must be readable, with these strides from row to row and from lane to
/// lane, and there must be room for as many at `to`, all of any alignment; they must not overlap.
pub(in crate::exec) unsafe fn copy_transposed(
    size: usize,
    extents: (usize, usize),
    from: *const u8,
    (row_stride, lane_stride): (isize, isize),
    to: *mut u8,
    ahead: isize,
) {
    // SAFETY: the caller's contract; each arm is for elements of its type's size. Elements that
    // follow each other down a column are the usual case, which has separate loops.
    unsafe {
        match (size, row_stride == size as isize) {
            (1, true) => copy::<u8>(extents, from, (1, lane_stride), to, ahead),
            (1, false) => copy::<u8>(extents, from, (row_stride, lane_stride), to, ahead),
            (2, true) => copy::<u16>(extents, from, (2, lane_stride), to, ahead),
            (2, false) => copy::<u16>(extents, from, (row_stride, lane_stride), to, ahead),
            (4, true) => copy::<u32>(extents, from, (4, lane_stride), to, ahead),
            (4, false) => copy::<u32>(extents, from, (row_stride, lane_stride), to, ahead),
            (_, true) => copy::<u64>(extents, from, (8, lane_stride), to, ahead),
            (_, false) => copy::<u64>(extents, from, (row_stride, lane_stride), to, ahead),
        }
    }
}

/// # Safety
///
/// The contract of [`copy_transposed`], for elements of the size of `T`.
#[inline(always)]
unsafe fn copy<T: Square>(
    (n_rows, n_lanes): (usize, usize),
    from: *const u8,
    (row_stride, lane_stride): (isize, isize),
    to: *mut u8,
    ahead: isize,
) {
    let to = to.cast::<T>();
    let at = |row: usize, lane: usize| from.wrapping_offset(row as isize * row_stride + lane as isize * lane_stride);
    // SAFETY: the caller's contract; rows and lanes are below their numbers.
    let copy_one = |row: usize, lane: usize| unsafe {
        to.add(row * n_lanes + lane).write_unaligned(at(row, lane).cast::<T>().read_unaligned());
    };
    let squares = if row_stride == size_of::<T>() as isize { n_lanes / T::SIDE * T::SIDE } else { 0 };
    for first in (0..n_rows).step_by(T::LINE) {
        let end = n_rows.min(first + T::LINE);
        // These rows of a column may lie in two lines, which reach beyond the tile. The first line
        // is in the cache already, and the last one is not.
        let ask = |lane: usize| prefetch_to_l2(at(end - 1, lane).wrapping_offset(ahead));
        let square_rows = (end - first) / T::SIDE * T::SIDE;
        for lane in (0..squares).step_by(T::SIDE) {
            (0..T::SIDE).for_each(|i| ask(lane + i));
            let (from, to) = (at(first, lane), to.wrapping_add(first * n_lanes + lane));
            // SAFETY: as above: these rows and lanes are below their numbers, and rows are side by
            // side.
            let transpose = |row: usize| unsafe {
                T::transpose(from.add(row * size_of::<T>()), lane_stride, to.add(row * n_lanes), n_lanes);
            };
            // This is the usual number, for which the compiler makes straight-line code.
            if square_rows == T::LINE {
                (0..T::LINE).step_by(T::SIDE).for_each(transpose);
                continue;
            }
            (0..square_rows).step_by(T::SIDE).for_each(transpose);
            (first + square_rows..end).for_each(|row| (lane..lane + T::SIDE).for_each(|lane| copy_one(row, lane)));
        }
        for lane in squares..n_lanes {
            ask(lane);
            (first..end).for_each(|row| copy_one(row, lane));
        }
    }
}

/// Elements that are transposed a square at a time.
trait Square: Copy {
    /// Elements along each side; a divisor of the elements of a cache line.
    const SIDE: usize;
    /// Elements of a cache line.
    const LINE: usize = LINE_BYTES / size_of::<Self>();

    /// Copies a square. At `from`, each column is `SIDE` consecutive elements, and the columns are
    /// `lane_stride` bytes apart. At `to`, each row becomes `SIDE` consecutive elements, and the
    /// rows are `row_len` elements apart.
    ///
    /// # Safety
    ///
    /// The elements must be readable and writable; they need no alignment, and must not overlap.
    unsafe fn transpose(from: *const u8, lane_stride: isize, to: *mut Self, row_len: usize);
}

/// Elements that are copied one by one.
macro_rules! single {
    ($($ty:ident)*) => {$(
        impl Square for $ty {
            const SIDE: usize = 1;

            #[inline(always)]
            unsafe fn transpose(from: *const u8, _: isize, to: *mut $ty, _: usize) {
                // SAFETY: the caller's contract.
                unsafe { to.write_unaligned(from.cast::<$ty>().read_unaligned()) }
            }
        }
    )*};
}

single!(u8 u16);
#[cfg(not(target_arch = "x86_64"))]
single!(u32 u64);

#[cfg(target_arch = "x86_64")]
impl Square for u32 {
    const SIDE: usize = 4;

    #[inline(always)]
    unsafe fn transpose(from: *const u8, lane_stride: isize, to: *mut u32, row_len: usize) {
        use std::arch::x86_64::{
            _mm_loadu_si128, _mm_storeu_si128, _mm_unpackhi_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi32,
            _mm_unpacklo_epi64,
        };
        // SAFETY: the caller's contract; every x86-64 has these instructions.
        unsafe {
            let column = |lane: isize| _mm_loadu_si128(from.offset(lane * lane_stride).cast());
            let (a, b, c, d) = (column(0), column(1), column(2), column(3));
            let (ab_low, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
            let (cd_low, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
            _mm_storeu_si128(to.cast(), _mm_unpacklo_epi64(ab_low, cd_low));
            _mm_storeu_si128(to.add(row_len).cast(), _mm_unpackhi_epi64(ab_low, cd_low));
            _mm_storeu_si128(to.add(2 * row_len).cast(), _mm_unpacklo_epi64(ab_high, cd_high));
            _mm_storeu_si128(to.add(3 * row_len).cast(), _mm_unpackhi_epi64(ab_high, cd_high));
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Square for u64 {
    const SIDE: usize = 2;

    #[inline(always)]
    unsafe fn transpose(from: *const u8, lane_stride: isize, to: *mut u64, row_len: usize) {
        use std::arch::x86_64::{_mm_loadu_si128, _mm_storeu_si128, _mm_unpackhi_epi64, _mm_unpacklo_epi64};
        // SAFETY: the caller's contract; every x86-64 has these instructions.
        unsafe {
            let (a, b) = (_mm_loadu_si128(from.cast()), _mm_loadu_si128(from.offset(lane_stride).cast()));
            _mm_storeu_si128(to.cast(), _mm_unpacklo_epi64(a, b));
            _mm_storeu_si128(to.add(row_len).cast(), _mm_unpackhi_epi64(a, b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests every size and extents around squares and bands, with rows side by side and apart,
    /// columns in either direction, unaligned.
    #[test]
    fn every_element_comes_to_its_place() {
        for size in [1_usize, 2, 4, 8] {
            for (n_rows, n_lanes) in [(1, 1), (8, 2), (7, 9), (16, 4), (17, 5), (24, 64), (33, 7)] {
                for (gap, sign) in [(0, 1), (0, -1), (3, 1), (3, -1)] {
                    let row_stride = (size + gap) as isize;
                    let column = n_rows * (size + gap) + 5;
                    let bytes: Vec<u8> = (0..1 + column * n_lanes).map(|i| (i * 7 + i / 251) as u8).collect();
                    let first = 1 + if sign < 0 { column * (n_lanes - 1) } else { 0 };
                    let mut copied = vec![0; 1 + n_rows * n_lanes * size + 1];
                    // SAFETY: there are `n_lanes` columns of `column` bytes each, the first of them
                    // at either end, and there is room for all elements.
                    unsafe {
                        let strides = (row_stride, sign * column as isize);
                        let from = bytes.as_ptr().add(first);
                        copy_transposed(size, (n_rows, n_lanes), from, strides, copied.as_mut_ptr().add(1), -64);
                    }
                    assert_eq!((copied[0], copied[copied.len() - 1]), (0, 0), "nothing beside");
                    for (place, elem) in copied[1..copied.len() - 1].chunks_exact(size).enumerate() {
                        let (row, lane) = ((place / n_lanes) as isize, (place % n_lanes) as isize);
                        let at = first as isize + row * row_stride + lane * sign * column as isize;
                        assert_eq!(elem, &bytes[at as usize..][..size], "size {size}, row {row}, lane {lane}");
                    }
                }
            }
        }
    }
}
