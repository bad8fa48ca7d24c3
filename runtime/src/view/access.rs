//! What can be asked of both a [`View`] and a [`ViewMut`].

use super::raw::read_scalar;
use super::{View, ViewMut};
use crate::dtype::{DType, Scalar};

macro_rules! accessors {
    ($($view:ident)*) => {$(
        impl $view<'_> {
            /// The type of the elements.
            #[must_use]
            pub fn dtype(&self) -> DType {
                self.raw().dtype
            }

            /// The extents, outermost first.
            #[must_use]
            pub fn shape(&self) -> &[usize] {
                &self.raw().shape
            }

            /// Bytes from one element to the next along each axis.
            #[must_use]
            pub fn strides(&self) -> &[isize] {
                &self.raw().strides
            }

            /// The number of axes.
            #[must_use]
            pub fn n_axes(&self) -> usize {
                self.raw().shape.len()
            }

            /// The number of elements.
            #[must_use]
            pub fn n_elems(&self) -> usize {
                self.raw().n_elems()
            }

            /// The element at index 0 of every axis.
            #[must_use]
            pub fn as_ptr(&self) -> *const u8 {
                self.raw().ptr
            }

            /// The element at `index`, or `None` if there is none.
            #[must_use]
            pub fn read(&self, index: &[usize]) -> Option<Scalar> {
                let ptr = self.raw().element(index)?;
                // SAFETY: `element` checked the index, so by rule 2 of the module this is an
                // element of the view.
                Some(unsafe { read_scalar(ptr, self.raw().dtype) })
            }
        }
    )*};
}

accessors!(View ViewMut);
