//! Views of ndarrays, of any ownership and dimension, without copying.
//!
//! ndarray's own invariants are rules 1 to 3 of the [module](super): its arrays have as many
//! strides as axes, at most `isize::MAX` elements, all inside their memory; and those that hand out
//! `&mut` never alias.

use ndarray::{ArrayBase, ArrayRef, ArrayView, ArrayViewMut, Data, DataMut, Dimension};

use super::raw::RawView;
use super::{View, ViewMut, list};
use crate::dtype::Element;

/// ndarray counts strides in elements. The multiplication wraps, because the stride of a unit or
/// empty axis may be anything.
fn raw<T: Element>(ptr: *mut T, shape: &[usize], strides: &[isize]) -> RawView {
    let mut strides = list(strides);
    strides.iter_mut().for_each(|stride| *stride = stride.wrapping_mul(size_of::<T>() as isize));
    RawView { ptr: ptr.cast(), dtype: T::DTYPE, shape: list(shape), strides }
}

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for View<'a> {
    fn from(array: ArrayView<'a, T, D>) -> View<'a> {
        // SAFETY: ndarray's invariants, above, for memory that `array` borrows for `'a`.
        unsafe { View::wrap(raw(array.as_ptr().cast_mut(), array.shape(), array.strides())) }
    }
}

impl<'a, T: Element, D: Dimension> From<&'a ArrayRef<T, D>> for View<'a> {
    fn from(array: &'a ArrayRef<T, D>) -> View<'a> {
        // SAFETY: ndarray's invariants, above, for memory that `array` borrows for `'a`.
        unsafe { View::wrap(raw(array.as_ptr().cast_mut(), array.shape(), array.strides())) }
    }
}

impl<'a, S, D> From<&'a ArrayBase<S, D>> for View<'a>
where
    S: Data,
    S::Elem: Element,
    D: Dimension,
{
    fn from(array: &'a ArrayBase<S, D>) -> View<'a> {
        View::from(&**array)
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayViewMut<'a, T, D>> for ViewMut<'a> {
    fn from(mut array: ArrayViewMut<'a, T, D>) -> ViewMut<'a> {
        // SAFETY: ndarray's invariants, above, for memory that `array` borrows mutably for `'a`.
        unsafe { ViewMut::wrap(raw(array.as_mut_ptr(), array.shape(), array.strides())) }
    }
}

impl<'a, T: Element, D: Dimension> From<&'a mut ArrayRef<T, D>> for ViewMut<'a> {
    fn from(array: &'a mut ArrayRef<T, D>) -> ViewMut<'a> {
        // SAFETY: ndarray's invariants, above, for memory that `array` borrows mutably for `'a`.
        unsafe { ViewMut::wrap(raw(array.as_mut_ptr(), array.shape(), array.strides())) }
    }
}

/// A shared array ([`ndarray::ArcArray`], [`ndarray::CowArray`]) is made unique first, which may
/// copy it.
impl<'a, S, D> From<&'a mut ArrayBase<S, D>> for ViewMut<'a>
where
    S: DataMut,
    S::Elem: Element,
    D: Dimension,
{
    fn from(array: &'a mut ArrayBase<S, D>) -> ViewMut<'a> {
        ViewMut::from(&mut **array)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, ArrayD, CowArray, IxDyn, array, s};

    use super::*;
    use crate::dtype::{DType, Scalar};

    fn values(view: &View<'_>) -> Vec<f64> {
        view.scalars().filter_map(Scalar::get).collect()
    }

    #[test]
    fn every_ownership() {
        let owned = array![[1.0, 2.0], [3.0, 4.0]];
        assert_eq!(values(&View::from(&owned)), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values(&View::from(owned.view())), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values(&View::from(&owned.clone().into_shared())), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values(&View::from(&CowArray::from(&owned))), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values(&View::from(&*owned)), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values(&View::from(owned.t())), [1.0, 3.0, 2.0, 4.0]);
        let reversed = owned.slice(s![..;-1, 1..]);
        assert_eq!(values(&View::from(&reversed)), [4.0, 2.0]);
        assert_eq!(View::from(reversed).strides()[0], -16);
        let scalar = ndarray::arr0(7.0);
        assert_eq!(values(&View::from(&scalar)), [7.0]);
        let wide = ArrayD::<f64>::ones(IxDyn(&[1; 40]));
        assert_eq!(View::from(&wide).n_axes(), 40);
        let empty = Array2::<f64>::zeros((0, 3));
        assert_eq!(View::from(&empty).n_elems(), 0);
        let line = array![1.0, 2.0];
        assert_eq!(values(&View::from(line.broadcast((2, 2)).unwrap())), [1.0, 2.0, 1.0, 2.0]);
    }

    #[test]
    fn writing_a_shared_array_unshares_it() {
        let original = Array1::<i32>::zeros(3).into_shared();
        let mut copy = original.clone();
        let mut view = ViewMut::from(&mut copy);
        assert_eq!(view.dtype(), DType::Int32);
        view.write(&[1], Scalar::new(5i32)).unwrap();
        assert_eq!(original, array![0, 0, 0]);
        assert_eq!(copy, array![0, 5, 0]);
        let mut cow = CowArray::from(copy.view());
        ViewMut::from(&mut cow).write(&[0], Scalar::new(1i32)).unwrap();
        assert_eq!((cow[0], copy[0]), (1, 0));
    }
}
