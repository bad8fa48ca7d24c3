//! [`Output`]: a fresh array of the runtime's own, to be filled and handed over.

use ndarray::{Array, ArrayD, Dimension};

use super::AllocError;
use super::buffer::Buffer;
use crate::dtype::{DType, Element};
use crate::view::{Layout, RawView, Shape, Strides, View, ViewMut, count_elems, list};

/// A fresh, zeroed array in any memory order. Filled through [`Output::view_mut`], handed over by
/// [`Output::into_array`].
///
/// ```
/// use ndexpr_runtime::{dtype::{DType, Scalar}, memory::Output};
///
/// let mut output = Output::new(DType::Int32, &[2, 3], &[1, 0])?; // axis 1 outermost in memory: F order
/// output.view_mut().write(&[0, 1], Scalar::new(7i32))?;
/// let array = output.into_array::<i32>().unwrap();
/// assert_eq!(array, ndarray::array![[0, 7, 0], [0, 0, 0]].into_dyn());
/// assert_eq!(array.strides(), [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Output {
    buffer: Buffer,
    shape: Shape,
    strides: Strides,
    /// Axes from outermost to innermost in memory.
    order: Shape,
}

impl Output {
    /// A zeroed array without gaps, whose axes lie in memory in the given order, outermost first.
    /// [`plan::output_order`](crate::plan::output_order) finds the order that suits the inputs.
    ///
    /// # Errors
    ///
    /// If there is not enough memory, or `order` is not an order of `shape`'s axes.
    pub fn new(dtype: DType, shape: &[usize], order: &[usize]) -> Result<Output, AllocError> {
        let (n_elems, strides) = lay_out(dtype, shape, order)?;
        let buffer = Buffer::zeroed(dtype, n_elems)?;
        Ok(Output { buffer, shape: list(shape), strides, order: list(order) })
    }

    /// The layout of such an array.
    ///
    /// # Errors
    ///
    /// As [`Output::new`], except that this allocates no memory.
    pub(crate) fn layout(dtype: DType, shape: &[usize], order: &[usize]) -> Result<Layout, AllocError> {
        let (_, strides) = lay_out(dtype, shape, order)?;
        Ok(RawView { ptr: std::ptr::null_mut(), dtype, shape: list(shape), strides }.layout())
    }

    /// Whether it has this shape, and its axes lie in memory in this order.
    #[must_use]
    pub fn is_of(&self, shape: &[usize], order: &[usize]) -> bool {
        self.shape[..] == *shape && self.order[..] == *order
    }

    /// The same memory as an array of another shape and order, with whatever elements it has now.
    ///
    /// # Errors
    ///
    /// As [`Output::new`], and if the shape has another number of elements.
    pub fn reshaped(self, shape: &[usize], order: &[usize]) -> Result<Output, AllocError> {
        let (n_elems, strides) = lay_out(self.dtype(), shape, order)?;
        if n_elems != self.n_elems() {
            return Err(AllocError::OtherSize { n_elems: self.n_elems(), shape: shape.into() });
        }
        let (shape, order) = (list(shape), list(order));
        Ok(Output { buffer: self.buffer, shape, strides, order })
    }

    /// The number of elements.
    #[must_use]
    pub fn n_elems(&self) -> usize {
        self.shape.iter().product()
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.buffer.dtype()
    }

    /// The extents, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn raw(&self, ptr: *mut u8) -> RawView {
        RawView { ptr, dtype: self.dtype(), shape: self.shape.clone(), strides: self.strides.clone() }
    }

    /// The array, to read.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        // SAFETY: the buffer, borrowed meanwhile, has as many elements as the shape, and the
        // strides are those of an array without gaps: see `Output::new`.
        unsafe { View::wrap(self.raw(self.buffer.as_ptr().cast_mut())) }
    }

    /// The array, to write.
    #[must_use]
    pub fn view_mut(&mut self) -> ViewMut<'_> {
        let ptr = self.buffer.as_mut_ptr();
        // SAFETY: the buffer, borrowed mutably meanwhile, has as many elements as the shape, and
        // the strides are those of an array without gaps, in which no two elements meet: see
        // `Output::new`.
        unsafe { ViewMut::wrap(self.raw(ptr)) }
    }

    /// The array, without copying; `None` if its elements are not of type `T`.
    #[must_use]
    pub fn into_array<T: Element>(self) -> Option<ArrayD<T>> {
        self.into_array_of()
    }

    /// The array, without copying; `None` if its elements are not of type `T`, or it does not have
    /// the rank of `D`.
    #[must_use]
    pub fn into_array_of<T: Element, D: Dimension>(self) -> Option<Array<T, D>> {
        let n_axes = self.shape.len();
        if D::NDIM.is_some_and(|expected| expected != n_axes) {
            return None;
        }
        let dimension = |extent: &dyn Fn(usize) -> usize| {
            let mut dimension = D::zeros(n_axes);
            dimension.slice_mut().iter_mut().enumerate().for_each(|(k, place)| *place = extent(k));
            dimension
        };
        let elems = self.buffer.into_vec::<T>()?;
        if self.order.iter().copied().eq(0..n_axes) {
            return Array::from_shape_vec(dimension(&|axis| self.shape[axis]), elems).ok();
        }
        let array = Array::from_shape_vec(dimension(&|k| self.shape[self.order[k]]), elems).ok()?;
        let position = |axis: usize| self.order.iter().position(|&other| other == axis).unwrap_or(axis);
        Some(array.permuted_axes(dimension(&position)))
    }
}

/// The number of elements and the strides of an array without gaps.
fn lay_out(dtype: DType, shape: &[usize], order: &[usize]) -> Result<(usize, Strides), AllocError> {
    let is_order = order.len() == shape.len() && (0..shape.len()).all(|axis| order.contains(&axis));
    if !is_order {
        return Err(AllocError::BadOrder { order: order.into(), n_axes: shape.len() });
    }
    let too_large = || AllocError::TooLarge { shape: shape.into() };
    let n_elems = count_elems(shape).ok_or_else(too_large)?;
    let mut strides = Strides::from_elem(0, shape.len());
    let mut stride = dtype.size() as isize;
    for &axis in order.iter().rev() {
        strides[axis] = stride;
        stride = isize::try_from(shape[axis].max(1)).ok().and_then(|n| stride.checked_mul(n)).ok_or_else(too_large)?;
    }
    Ok((n_elems, strides))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::Scalar;
    use ndarray::IxDyn;

    #[test]
    fn arrays_have_the_strides_of_their_view() {
        for (shape, order) in [
            (&[][..], &[][..]),
            (&[5], &[0]),
            (&[2, 3], &[1, 0]),
            (&[2, 3, 4], &[1, 2, 0]),
            (&[2, 3, 4], &[2, 0, 1]),
            (&[2, 1, 3, 1], &[3, 0, 1, 2]),
        ] {
            let mut output = Output::new(DType::Float32, shape, order).unwrap();
            let strides = output.view_mut().strides().to_vec();
            let last: Vec<usize> = shape.iter().map(|extent| extent - 1).collect();
            output.view_mut().write(&last, Scalar::new(1f32)).unwrap();
            let array = output.into_array::<f32>().unwrap();
            assert_eq!(array.shape(), shape);
            assert_eq!(array[IxDyn(&last)], 1.0);
            for (axis, &extent) in shape.iter().enumerate() {
                assert!(extent == 1 || array.strides()[axis] * 4 == strides[axis], "{shape:?} {order:?}");
            }
        }
    }

    #[test]
    fn empty_and_absurd() {
        let empty = Output::new(DType::Int8, &[3, 0], &[0, 1]).unwrap();
        assert_eq!(empty.into_array::<i8>().unwrap().shape(), [3, 0]);
        let huge = Output::new(DType::Float64, &[usize::MAX, 2], &[0, 1]);
        assert!(matches!(huge, Err(AllocError::TooLarge { .. })));
        let huge = Output::new(DType::Float64, &[1 << 60], &[0]);
        assert!(matches!(huge, Err(AllocError::TooLarge { .. })));
        let huge = Output::new(DType::UInt8, &[isize::MAX as usize - 10], &[0]);
        assert!(matches!(huge, Err(AllocError::OutOfMemory { .. })));
        let bad = Output::new(DType::Float64, &[2, 2], &[0, 0]);
        assert!(matches!(bad, Err(AllocError::BadOrder { .. })));
        assert!(Output::new(DType::Float64, &[2], &[0]).unwrap().into_array::<i64>().is_none());
    }

    #[test]
    fn memory_takes_another_shape() {
        let mut output = Output::new(DType::Int16, &[2, 3], &[0, 1]).unwrap();
        for k in 0..6_i16 {
            output.view_mut().write(&[usize::from(k > 2), k as usize % 3], Scalar::new(k)).unwrap();
        }
        let output = output.reshaped(&[3, 2], &[1, 0]).unwrap();
        let wrong = Output::new(DType::Int16, &[6], &[0]).unwrap().reshaped(&[5], &[0]);
        assert!(matches!(wrong, Err(AllocError::OtherSize { n_elems: 6, .. })));
        assert_eq!(output.into_array_of::<i16, ndarray::Ix2>().unwrap(), ndarray::array![[0, 3], [1, 4], [2, 5]]);
    }

    #[test]
    fn arrays_of_a_rank() {
        let output = || Output::new(DType::Float64, &[2, 3], &[0, 1]).unwrap();
        assert_eq!(output().into_array_of::<f64, ndarray::Ix2>().unwrap(), ndarray::Array2::<f64>::zeros((2, 3)));
        assert!(output().into_array_of::<f64, ndarray::Ix1>().is_none());
        assert!(output().into_array_of::<f32, ndarray::Ix2>().is_none());
    }

    #[test]
    fn every_dtype_and_large_ones() {
        for dtype in DType::ALL {
            let output = Output::new(dtype, &[3], &[0]).unwrap();
            assert!(output.view().scalars().all(|scalar| scalar.bits() == 0 && scalar.dtype() == dtype));
        }
        let n = crate::machine::MIN_HUGE_PAGE_BYTES / 8 + 12345;
        let array = Output::new(DType::Float64, &[n], &[0]).unwrap().into_array::<f64>().unwrap();
        assert!(array.iter().all(|&x| x == 0.0));
    }
}
