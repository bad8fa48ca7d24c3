//! [`FromResults`]: what an evaluation can give.

use crate::array::{DynArray, FromResult};
use crate::error::Error;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::ViewMut;

/// What an evaluation can give: a [`FromResult`], a tuple of up to twelve of them for a text of
/// several results, or a `Vec<DynArray>` for any number of results.
///
/// ```
/// use ndarray::{Array1, array};
/// use ndexpr::{DynArray, evaluate, vars};
///
/// let (x, y) = (array![1.0, 2.0, 3.0], array![10.0, 20.0, 30.0]);
/// let (sums, dot): (Array1<f64>, f64) = evaluate("return x + y, sum(x*y)", vars! { x: &x, y: &y })?;
/// assert_eq!((sums, dot), (array![11.0, 22.0, 33.0], 140.0));
/// let all: Vec<DynArray> = evaluate("x + y, x > 1, max(y)", vars! { x, y })?;
/// assert_eq!(all.len(), 3);
/// # Ok::<(), ndexpr::Error>(())
/// ```
pub trait FromResults: Sized + sealed::Sealed {
    /// How many results there must be; `None` if there may be any number.
    const COUNT: Option<usize>;
    /// What a result must be.
    #[doc(hidden)]
    fn wanted(result: usize) -> Wanted;
    /// All results, in order.
    #[doc(hidden)]
    fn from_outputs(outputs: &mut dyn Iterator<Item = Output>) -> Result<Self, Error>;
    /// As [`FromResult::zeros`]; `None` for more than one result.
    #[doc(hidden)]
    fn zeros(_shape: &[usize]) -> Option<Self> {
        None
    }
    /// As [`FromResult::view_mut`].
    #[doc(hidden)]
    fn view_mut(&mut self) -> Option<ViewMut<'_>> {
        None
    }
}

/// What a result must be; `None` stands for anything.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    pub dtype: Option<DType>,
    pub rank: Option<usize>,
}

impl Wanted {
    fn of<R: FromResult>() -> Wanted {
        Wanted { dtype: R::DTYPE, rank: R::RANK }
    }
}

mod sealed {
    pub trait Sealed {}
}

fn next<R: FromResult>(outputs: &mut dyn Iterator<Item = Output>) -> Result<R, Error> {
    R::from_output(outputs.next().ok_or_else(|| Error::internal("a result that is not there"))?)
}

impl<R: FromResult> sealed::Sealed for R {}
impl<R: FromResult> FromResults for R {
    const COUNT: Option<usize> = Some(1);
    fn wanted(_result: usize) -> Wanted {
        Wanted::of::<R>()
    }
    fn from_outputs(outputs: &mut dyn Iterator<Item = Output>) -> Result<R, Error> {
        next(outputs)
    }
    fn zeros(shape: &[usize]) -> Option<R> {
        <R as FromResult>::zeros(shape)
    }
    fn view_mut(&mut self) -> Option<ViewMut<'_>> {
        <R as FromResult>::view_mut(self)
    }
}

impl sealed::Sealed for Vec<DynArray> {}
impl FromResults for Vec<DynArray> {
    const COUNT: Option<usize> = None;
    fn wanted(_result: usize) -> Wanted {
        Wanted::default()
    }
    fn from_outputs(outputs: &mut dyn Iterator<Item = Output>) -> Result<Self, Error> {
        Ok(outputs.map(DynArray::new).collect())
    }
}

/// For texts without a result, which update arrays.
impl FromResults for () {
    const COUNT: Option<usize> = Some(0);
    fn wanted(_result: usize) -> Wanted {
        Wanted::default()
    }
    fn from_outputs(_outputs: &mut dyn Iterator<Item = Output>) -> Result<Self, Error> {
        Ok(())
    }
}
impl sealed::Sealed for () {}

macro_rules! tuples {
    ($($count:literal: $($result:ident)*;)*) => {$(
        impl<$($result: FromResult),*> sealed::Sealed for ($($result,)*) {}
        impl<$($result: FromResult),*> FromResults for ($($result,)*) {
            const COUNT: Option<usize> = Some($count);
            fn wanted(result: usize) -> Wanted {
                [$(Wanted::of::<$result>()),*][result]
            }
            fn from_outputs(outputs: &mut dyn Iterator<Item = Output>) -> Result<Self, Error> {
                Ok(($(next::<$result>(outputs)?,)*))
            }
        }
    )*};
}

tuples! {
    1: A;
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
    7: A B C D E F G;
    8: A B C D E F G H;
    9: A B C D E F G H I;
    10: A B C D E F G H I J;
    11: A B C D E F G H I J K;
    12: A B C D E F G H I J K L;
}
