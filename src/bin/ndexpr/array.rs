//! An array as the command line holds it: bytes in a mapped file or in memory, and their layout.
//!
//! Always true: `shape` and `strides` have one entry per axis, and every element they reach lies
//! within the bytes.

use memmap2::Mmap;
use ndexpr::{DType, View};

use crate::failure::Failure;

/// Where the bytes are.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// In a file, mapped.
    Map(Mmap),
    /// In memory.
    Memory(Vec<u8>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Map(map) => map,
            Bytes::Memory(bytes) => bytes,
        }
    }
}

/// The order of an array's elements in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The last axis is the fastest.
    C,
    /// The first axis is the fastest.
    Fortran,
}

impl Order {
    /// The order of a file for a result whose axes have this order in memory, outermost first.
    pub(crate) fn of_axes(axes: &[usize]) -> Order {
        if axes.len() > 1 && axes.iter().rev().copied().eq(0..axes.len()) { Order::Fortran } else { Order::C }
    }

    /// The axes from outermost to innermost.
    pub(crate) fn axes(self, n_axes: usize) -> Vec<usize> {
        match self {
            Order::C => (0..n_axes).collect(),
            Order::Fortran => (0..n_axes).rev().collect(),
        }
    }
}

/// An array whose elements lie densely from `offset` on, in native byte order.
#[derive(Debug)]
pub(crate) struct Array {
    bytes: Bytes,
    offset: usize,
    dtype: DType,
    shape: Vec<usize>,
    order: Order,
    strides: Vec<isize>,
}

impl Array {
    /// The array of `shape` that starts at byte `offset`, or `None` if the bytes do not hold it.
    pub(crate) fn new(bytes: Bytes, offset: usize, dtype: DType, shape: Vec<usize>, order: Order) -> Option<Array> {
        let n_bytes = byte_count(&shape, dtype)?;
        let end = offset.checked_add(n_bytes)?;
        if end > bytes.as_slice().len() {
            return None;
        }
        let strides = dense_strides(&shape, dtype, &order.axes(shape.len()));
        Some(Array { bytes, offset, dtype, shape, order, strides })
    }

    /// Its elements' type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// Its extents.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The order of its elements in memory.
    pub(crate) fn order(&self) -> Order {
        self.order
    }

    /// The bytes of all its elements.
    pub(crate) fn n_bytes(&self) -> usize {
        element_count(&self.shape) * self.dtype.size()
    }

    /// The library's view of it.
    pub(crate) fn view(&self) -> Result<View<'_>, Failure> {
        let view = View::from_bytes(self.bytes.as_slice(), self.dtype, &self.shape, &self.strides, self.offset);
        view.map_err(|error| Failure::Engine(error.into()))
    }

    /// The bytes of its elements, in memory order.
    pub(crate) fn data(&self) -> &[u8] {
        &self.bytes.as_slice()[self.offset..][..self.n_bytes()]
    }

    /// Whether its bytes are a file's, mapped.
    #[cfg(test)]
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.bytes, Bytes::Map(_))
    }

    /// Its strides in bytes.
    #[cfg(test)]
    pub(crate) fn strides(&self) -> &[isize] {
        &self.strides
    }
}

/// The number of elements; an empty array may have any other extents, so this is not just their
/// product.
pub(crate) fn element_count(shape: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().product() }
}

/// The bytes of a dense array, or `None` if they could not be addressed.
pub(crate) fn byte_count(shape: &[usize], dtype: DType) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let n_bytes = shape.iter().try_fold(dtype.size(), |bytes, &extent| bytes.checked_mul(extent))?;
    isize::try_from(n_bytes).is_ok().then_some(n_bytes)
}

/// Byte strides of a dense array that [`byte_count`] accepts, whose axes lie in memory in this
/// order, outermost first; all 0 if it is empty.
pub(crate) fn dense_strides(shape: &[usize], dtype: DType, axes: &[usize]) -> Vec<isize> {
    let mut strides = vec![0_isize; shape.len()];
    if shape.contains(&0) {
        return strides;
    }
    let mut step = dtype.size() as isize;
    for &axis in axes.iter().rev() {
        strides[axis] = step;
        step *= shape[axis] as isize;
    }
    strides
}

/// The scalar whose native bytes these are.
#[cfg(test)]
pub(crate) fn scalar_from_bytes(dtype: DType, bytes: &[u8]) -> ndexpr::Scalar {
    let mut wide = [0_u8; 8];
    let size = dtype.size();
    if cfg!(target_endian = "little") {
        wide[..size].copy_from_slice(&bytes[..size]);
    } else {
        wide[8 - size..].copy_from_slice(&bytes[..size]);
    }
    ndexpr::Scalar::from_bits(dtype, u64::from_ne_bytes(wide))
}

/// `float64[3, 4]`, or `float64` for a single value.
pub(crate) fn type_and_shape(dtype: DType, shape: &[usize]) -> String {
    if shape.is_empty() {
        return dtype.name().to_owned();
    }
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("{dtype}[{}]", extents.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_files_have() {
        assert_eq!(Order::of_axes(&[]), Order::C);
        assert_eq!(Order::of_axes(&[0]), Order::C);
        assert_eq!(Order::of_axes(&[0, 1]), Order::C);
        assert_eq!(Order::of_axes(&[1, 0]), Order::Fortran);
        assert_eq!(Order::of_axes(&[2, 1, 0]), Order::Fortran);
        assert_eq!(Order::of_axes(&[1, 0, 2]), Order::C);
    }

    #[test]
    fn strides_by_order() {
        assert_eq!(dense_strides(&[2, 3, 4], DType::Int16, &Order::C.axes(3)), [24, 8, 2]);
        assert_eq!(dense_strides(&[2, 3, 4], DType::Int16, &Order::Fortran.axes(3)), [2, 4, 12]);
        assert_eq!(dense_strides(&[2, 3, 4], DType::Int16, &[1, 0, 2]), [8, 16, 2]);
        assert_eq!(dense_strides(&[], DType::Int16, &[]), [0_isize; 0]);
        assert_eq!(dense_strides(&[usize::MAX, 0, 7], DType::Int64, &[0, 1, 2]), [0, 0, 0]);
    }

    #[test]
    fn bytes_are_counted_without_overflow() {
        assert_eq!(byte_count(&[3, 4], DType::Float64), Some(96));
        assert_eq!(byte_count(&[], DType::Float32), Some(4));
        assert_eq!(byte_count(&[usize::MAX, usize::MAX, 0], DType::Float64), Some(0));
        assert_eq!(byte_count(&[1 << 40, 1 << 40], DType::Bool), None);
        assert_eq!(byte_count(&[1 << 60], DType::Float64), None);
    }

    #[test]
    fn arrays_lie_within_their_bytes() {
        let new = |len, offset, shape: &[usize]| {
            Array::new(Bytes::Memory(vec![0; len]), offset, DType::Int32, shape.to_vec(), Order::C)
        };
        assert!(new(24, 0, &[6]).is_some());
        assert!(new(24, 4, &[6]).is_none());
        assert!(new(24, usize::MAX, &[6]).is_none());
        assert!(new(24, 25, &[0]).is_none());
        assert!(new(24, 24, &[0]).is_some());
    }
}
