//! Elements along one axis.

/// Copies `n` elements of `size` bytes (1, 2, 4 or 8), each `from_stride` bytes after the one
/// before, to places that are `to_stride` bytes apart.
///
/// # Safety
///
/// The elements at `from` must be readable and those at `to` writable, of any alignment; they must
/// not overlap.
pub(in crate::exec) unsafe fn copy_strided(
    size: usize,
    n: usize,
    from: *const u8,
    from_stride: isize,
    to: *mut u8,
    to_stride: isize,
) {
    /// # Safety
    ///
    /// The contract of the outer function, for elements of the size of `T`.
    unsafe fn copy<T: Copy>(n: usize, from: *const u8, from_stride: isize, to: *mut u8, to_stride: isize) {
        for k in 0..n as isize {
            // SAFETY: the caller's contract.
            unsafe {
                let elem = from.offset(k * from_stride).cast::<T>().read_unaligned();
                to.offset(k * to_stride).cast::<T>().write_unaligned(elem);
            }
        }
    }
    // SAFETY: the caller's contract; each arm is for elements of its type's size.
    unsafe {
        match size {
            _ if from_stride == size as isize && to_stride == from_stride => {
                to.copy_from_nonoverlapping(from, n * size)
            }
            1 => copy::<u8>(n, from, from_stride, to, to_stride),
            2 => copy::<u16>(n, from, from_stride, to, to_stride),
            4 => copy::<u32>(n, from, from_stride, to, to_stride),
            _ => copy::<u64>(n, from, from_stride, to, to_stride),
        }
    }
}
