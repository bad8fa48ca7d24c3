//! Mapped memory that holds an array to be computed: anonymous, or a file's.
//!
//! Always true: every element that the strides reach lies within the map.

use std::io;

use memmap2::MmapMut;
use ndexpr::{DType, View, ViewMut};

use crate::array::{Order, byte_count, dense_strides, element_count};
use crate::failure::Failure;

/// An array to be computed, or to be updated.
#[derive(Debug)]
pub(crate) struct Elements {
    map: MmapMut,
    offset: usize,
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl Elements {
    /// The array of `shape` that starts at byte `offset` of a map, or `None` if the map does not hold
    /// it.
    pub(crate) fn new(map: MmapMut, offset: usize, dtype: DType, shape: Vec<usize>, order: Order) -> Option<Elements> {
        let end = offset.checked_add(byte_count(&shape, dtype)?)?;
        if end > map.len() {
            return None;
        }
        let strides = dense_strides(&shape, dtype, &order.axes(shape.len()));
        Some(Elements { map, offset, dtype, shape, strides })
    }

    /// Memory for an array that goes into no file, whose axes lie in memory in this order,
    /// outermost first.
    pub(crate) fn in_memory(dtype: DType, shape: &[usize], axes: &[usize]) -> Result<Elements, Failure> {
        let too_big = |bytes| Failure::TooBig { name: "the result".to_owned(), bytes };
        let n_bytes = byte_count(shape, dtype).ok_or_else(|| {
            too_big(shape.iter().fold(dtype.size() as u128, |bytes, &extent| bytes.saturating_mul(extent as u128)))
        })?;
        // A map is never empty.
        let map = MmapMut::map_anon(n_bytes.max(1)).map_err(|_| too_big(n_bytes as u128))?;
        // The first touch of a page costs more than computing its elements, so few large pages are
        // better. It is a hint.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let strides = dense_strides(shape, dtype, axes);
        Ok(Elements { map, offset: 0, dtype, shape: shape.to_vec(), strides })
    }

    /// Its elements' type.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// Its extents.
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many elements it has.
    pub(crate) fn n_elems(&self) -> usize {
        element_count(&self.shape)
    }

    /// The bytes of all its elements.
    pub(crate) fn n_bytes(&self) -> usize {
        self.n_elems() * self.dtype.size()
    }

    /// These bytes, in memory order.
    pub(crate) fn data_mut(&mut self) -> &mut [u8] {
        let (offset, n_bytes) = (self.offset, self.n_bytes());
        &mut self.map[offset..][..n_bytes]
    }

    /// Waits until the file of the map has the elements.
    pub(crate) fn flush(&self) -> io::Result<()> {
        self.map.flush()
    }

    /// The array, to be written.
    pub(crate) fn view_mut(&mut self) -> Result<ViewMut<'_>, Failure> {
        let view = ViewMut::from_bytes_mut(&mut self.map, self.dtype, &self.shape, &self.strides, self.offset);
        view.map_err(|error| Failure::Engine(error.into()))
    }

    /// The array, to be read.
    pub(crate) fn view(&self) -> Result<View<'_>, Failure> {
        let view = View::from_bytes(&self.map, self.dtype, &self.shape, &self.strides, self.offset);
        view.map_err(|error| Failure::Engine(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_lie_within_their_maps() {
        let new = |offset, shape: &[usize]| {
            let map = MmapMut::map_anon(24).unwrap();
            Elements::new(map, offset, DType::Int32, shape.to_vec(), Order::Fortran)
        };
        assert_eq!(new(0, &[2, 3]).unwrap().view().unwrap().strides(), [4, 8]);
        assert_eq!(new(8, &[4]).unwrap().data_mut().len(), 16);
        assert!(new(4, &[6]).is_none());
        assert!(new(usize::MAX, &[6]).is_none());
    }

    #[test]
    fn memory_in_any_order() {
        let mut elements = Elements::in_memory(DType::Int16, &[2, 3], &[1, 0]).unwrap();
        assert_eq!(elements.view_mut().unwrap().strides(), [2, 4]);
        assert_eq!(elements.view().unwrap().shape(), [2, 3]);
        assert_eq!(Elements::in_memory(DType::Float64, &[0, 3], &[0, 1]).unwrap().view().unwrap().shape(), [0, 3]);
        let error = Elements::in_memory(DType::Float64, &[1 << 40, 1 << 40], &[0, 1]).unwrap_err();
        assert!(error.to_string().starts_with("`the result` would need"), "{error}");
        assert!(Elements::in_memory(DType::Float64, &[1 << 58], &[0]).is_err());
    }
}
