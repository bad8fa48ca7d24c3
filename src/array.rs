//! Results: arrays of a dtype known only at run time, and their conversion to arrays of a Rust
//! type.

use crate::error::Error;
use crate::vars::Var;
use ndarray::{Array, ArrayD, Dimension};
use ndexpr_runtime::dtype::{DType, Element, Scalar};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{View, ViewMut};

/// An owned array of any dtype and rank.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant is named by its dtype")]
#[non_exhaustive]
pub enum DynArray {
    Bool(ArrayD<bool>),
    Int8(ArrayD<i8>),
    Int16(ArrayD<i16>),
    Int32(ArrayD<i32>),
    Int64(ArrayD<i64>),
    UInt8(ArrayD<u8>),
    UInt16(ArrayD<u16>),
    UInt32(ArrayD<u32>),
    UInt64(ArrayD<u64>),
    Float32(ArrayD<f32>),
    Float64(ArrayD<f64>),
}

/// Runs an expression on the array inside, whatever its dtype.
macro_rules! each {
    ($self:expr, $array:ident => $body:expr) => {
        match $self {
            DynArray::Bool($array) => $body,
            DynArray::Int8($array) => $body,
            DynArray::Int16($array) => $body,
            DynArray::Int32($array) => $body,
            DynArray::Int64($array) => $body,
            DynArray::UInt8($array) => $body,
            DynArray::UInt16($array) => $body,
            DynArray::UInt32($array) => $body,
            DynArray::UInt64($array) => $body,
            DynArray::Float32($array) => $body,
            DynArray::Float64($array) => $body,
        }
    };
}

impl DynArray {
    pub(crate) fn new(output: Output) -> DynArray {
        fn typed<T: Element>(output: Output) -> ArrayD<T> {
            output.into_array().expect("the dtype was asked for")
        }
        match output.dtype() {
            DType::Bool => DynArray::Bool(typed(output)),
            DType::Int8 => DynArray::Int8(typed(output)),
            DType::Int16 => DynArray::Int16(typed(output)),
            DType::Int32 => DynArray::Int32(typed(output)),
            DType::Int64 => DynArray::Int64(typed(output)),
            DType::UInt8 => DynArray::UInt8(typed(output)),
            DType::UInt16 => DynArray::UInt16(typed(output)),
            DType::UInt32 => DynArray::UInt32(typed(output)),
            DType::UInt64 => DynArray::UInt64(typed(output)),
            DType::Float32 => DynArray::Float32(typed(output)),
            DType::Float64 => DynArray::Float64(typed(output)),
        }
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            DynArray::Bool(_) => DType::Bool,
            DynArray::Int8(_) => DType::Int8,
            DynArray::Int16(_) => DType::Int16,
            DynArray::Int32(_) => DType::Int32,
            DynArray::Int64(_) => DType::Int64,
            DynArray::UInt8(_) => DType::UInt8,
            DynArray::UInt16(_) => DType::UInt16,
            DynArray::UInt32(_) => DType::UInt32,
            DynArray::UInt64(_) => DType::UInt64,
            DynArray::Float32(_) => DType::Float32,
            DynArray::Float64(_) => DType::Float64,
        }
    }

    /// The extents, outermost axis first; none for a single value.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        each!(self, array => array.shape())
    }

    /// Elements, not bytes, between neighbours along each axis.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        each!(self, array => array.strides())
    }

    /// The array as a view, for example as a variable of another expression.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        each!(self, array => View::from(array))
    }

    /// The elements in logical order: the last axis runs fastest, whatever the memory order.
    pub fn scalars(&self) -> Box<dyn Iterator<Item = Scalar> + '_> {
        each!(self, array => Box::new(array.iter().map(|&element| Scalar::new(element))))
    }

    /// The one element of an array of rank 0 or of one element.
    #[must_use]
    pub fn to_scalar(&self) -> Option<Scalar> {
        let mut all = self.scalars();
        all.next().filter(|_| self.shape().iter().all(|&extent| extent == 1))
    }
}

impl<'a> From<&'a DynArray> for Var<'a> {
    fn from(array: &'a DynArray) -> Self {
        array.view().into()
    }
}

/// What an evaluation can give: a [`DynArray`], an ndarray of any rank and element type, or a
/// number.
///
/// The dtype must be the expression's, which is checked before anything is computed; nothing is
/// converted, because a cast in the text says what happens, and costs less.
pub trait FromResult: Sized + sealed::Sealed {
    /// The dtype that the result must have; `None` if it may have any.
    const DTYPE: Option<DType>;
    /// The rank that the result must have; `None` if it may have any.
    const RANK: Option<usize>;
    #[doc(hidden)]
    fn from_output(output: Output) -> Result<Self, Error>;
    /// A small result of zeros in C order; `None` if `Self` does not have the rank, or can only be
    /// made from an [`Output`].
    #[doc(hidden)]
    fn zeros(_shape: &[usize]) -> Option<Self> {
        None
    }
    /// A view to fill what [`FromResult::zeros`] has made.
    #[doc(hidden)]
    fn view_mut(&mut self) -> Option<ViewMut<'_>> {
        None
    }
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for DynArray {}
impl FromResult for DynArray {
    const DTYPE: Option<DType> = None;
    const RANK: Option<usize> = None;
    fn from_output(output: Output) -> Result<DynArray, Error> {
        Ok(DynArray::new(output))
    }
}

macro_rules! typed_results {
    ($($ty:ty, $variant:ident;)*) => {$(
        impl<D: Dimension> sealed::Sealed for Array<$ty, D> {}
        impl<D: Dimension> FromResult for Array<$ty, D> {
            const DTYPE: Option<DType> = Some(DType::$variant);
            const RANK: Option<usize> = D::NDIM;
            fn from_output(output: Output) -> Result<Self, Error> {
                let (dtype, n_axes) = (output.dtype(), output.shape().len());
                output.into_array_of().ok_or_else(|| match dtype == DType::$variant {
                    true => Error::result_rank(D::NDIM.unwrap_or(0), n_axes),
                    false => Error::result_dtype(DType::$variant, dtype, None),
                })
            }
            fn zeros(shape: &[usize]) -> Option<Self> {
                if D::NDIM.is_some_and(|n_axes| n_axes != shape.len()) {
                    return None;
                }
                let mut dimension = D::zeros(shape.len());
                dimension.slice_mut().copy_from_slice(shape);
                Some(Array::from_elem(dimension, <$ty>::default()))
            }
            fn view_mut(&mut self) -> Option<ViewMut<'_>> {
                Some(self.into())
            }
        }
        impl sealed::Sealed for $ty {}
        impl FromResult for $ty {
            const DTYPE: Option<DType> = Some(DType::$variant);
            const RANK: Option<usize> = Some(0);
            fn from_output(output: Output) -> Result<Self, Error> {
                let value = output.view().read(&[]).ok_or_else(|| Error::result_rank(0, output.shape().len()))?;
                value.get().ok_or_else(|| Error::result_dtype(DType::$variant, output.dtype(), None))
            }
        }
    )*};
}

typed_results! {
    bool, Bool;
    i8, Int8;
    i16, Int16;
    i32, Int32;
    i64, Int64;
    u8, UInt8;
    u16, UInt16;
    u32, UInt32;
    u64, UInt64;
    f32, Float32;
    f64, Float64;
}
