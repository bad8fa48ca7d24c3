//! The instances of the vector traits for x86-64's instruction sets.

pub(crate) mod avx2;
pub(crate) mod avx512;

/// Binary operators of a type with one field, by functions of the fields.
macro_rules! operators {
    ($ty:ident: $($trait:ident $method:ident |$a:ident, $b:ident| $result:expr),*) => {$(
        impl std::ops::$trait for $ty {
            type Output = Self;

            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self.0, other.0);
                $result
            }
        }
    )*};
}
use operators;
