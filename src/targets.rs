//! [`Targets`]: arrays that a call updates.

use crate::vars::is_same_name;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::view::ViewMut;
use std::fmt;

/// Arrays that [`execute`](crate::execute) updates, by name. Usually made by
/// [`targets!`](crate::targets!).
#[derive(Default)]
pub struct Targets<'a> {
    names: Vec<&'a str>,
    arrays: Vec<ViewMut<'a>>,
}

impl<'a> Targets<'a> {
    /// No arrays.
    #[must_use]
    pub fn new() -> Targets<'a> {
        Targets::default()
    }

    /// The arrays with one more: a mutable reference to an ndarray of any kind or to a slice, or a
    /// [`ViewMut`]. An array of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: &'a str, array: impl Into<ViewMut<'a>>) -> Targets<'a> {
        let array = array.into();
        match self.place(name) {
            Some(place) => self.arrays[place] = array,
            None => {
                self.names.push(name);
                self.arrays.push(array);
            }
        }
        self
    }

    /// The names and dtypes, in the order in which they were added.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, DType)> {
        self.names.iter().zip(&self.arrays).map(|(name, array)| (*name, array.dtype()))
    }

    /// The place of the array of a name, whichever spelling it was added by.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let place = self.names.iter().position(|known| *known == name);
        place.or_else(|| self.names.iter().position(|known| is_same_name(known, name)))
    }

    pub(crate) fn arrays(&mut self) -> &mut [ViewMut<'a>] {
        &mut self.arrays
    }
}

impl fmt::Debug for Targets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.names.iter().zip(&self.arrays)).finish()
    }
}

/// Makes [`Targets`]: `targets! { u, v }` takes the variables of these names by mutable reference,
/// and `name: array` anything that is [`Into<ViewMut>`](crate::ViewMut).
///
/// ```
/// use ndarray::array;
/// use ndexpr::{execute, targets, vars};
///
/// let (mut u, v) = (array![1.0, 2.0, 3.0], array![10.0, 20.0, 30.0]);
/// execute("u += v; u[0] = 0", vars! { v }, targets! { u })?;
/// assert_eq!(u, array![0.0, 22.0, 33.0]);
/// # Ok::<(), ndexpr::Error>(())
/// ```
#[macro_export]
macro_rules! targets {
    (@add $targets:expr,) => { $targets };
    (@add $targets:expr, $name:ident : $value:expr $(, $($rest:tt)*)?) => {
        $crate::targets!(@add $targets.with(stringify!($name), $value), $($($rest)*)?)
    };
    (@add $targets:expr, $name:ident $(, $($rest:tt)*)?) => {
        $crate::targets!(@add $targets.with(stringify!($name), &mut $name), $($($rest)*)?)
    };
    ($($targets:tt)*) => {
        $crate::targets!(@add $crate::Targets::new(), $($targets)*)
    };
}
