//! One `Vec` of any dtype: allocated zeroed, taken out typed.

use std::alloc::{Layout, alloc_zeroed};
use std::any::Any;

use super::{AllocError, huge_pages};
use crate::dtype::{DType, Element};

macro_rules! buffer {
    ($($dtype:ident: $ty:ty,)*) => {
        /// A real `Vec` of the dtype's Rust type, so that it can become an array's storage.
        #[derive(Debug)]
        pub(super) enum Buffer {
            $($dtype(Vec<$ty>),)*
        }

        impl Buffer {
            /// `n` zeros.
            pub(super) fn zeroed(dtype: DType, n: usize) -> Result<Buffer, AllocError> {
                Ok(match dtype {
                    $(DType::$dtype => Buffer::$dtype(zeroed_vec(n)?),)*
                })
            }

            pub(super) fn dtype(&self) -> DType {
                match self {
                    $(Buffer::$dtype(_) => DType::$dtype,)*
                }
            }

            pub(super) fn as_ptr(&self) -> *const u8 {
                match self {
                    $(Buffer::$dtype(vec) => vec.as_ptr().cast(),)*
                }
            }

            pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
                match self {
                    $(Buffer::$dtype(vec) => vec.as_mut_ptr().cast(),)*
                }
            }

            /// The `Vec`, if it is one of `T`.
            pub(super) fn into_vec<T: Element>(mut self) -> Option<Vec<T>> {
                let vec: &mut dyn Any = match &mut self {
                    $(Buffer::$dtype(vec) => vec,)*
                };
                vec.downcast_mut::<Vec<T>>().map(std::mem::take)
            }
        }
    };
}

buffer! {
    Bool: bool,
    Int8: i8,
    Int16: i16,
    Int32: i32,
    Int64: i64,
    UInt8: u8,
    UInt16: u16,
    UInt32: u32,
    UInt64: u64,
    Float32: f32,
    Float64: f64,
}

/// `n` words of 0, for what a run needs beside its outputs.
pub(crate) fn zeroed_words(n: usize) -> Result<Vec<u64>, AllocError> {
    zeroed_vec(n)
}

/// The same as `vec![0; n]`, which zeroes nothing where the system hands out zero pages. The
/// difference is that if there is no memory, this returns an error, while `vec!` aborts.
fn zeroed_vec<T: Element>(n: usize) -> Result<Vec<T>, AllocError> {
    let n_bytes = n.saturating_mul(size_of::<T>());
    let out_of_memory = AllocError::OutOfMemory { n_bytes };
    if n == 0 {
        return Ok(Vec::new());
    }
    let Ok(layout) = Layout::array::<T>(n) else {
        return Err(out_of_memory);
    };
    // SAFETY: `n` is not 0, checked above, and no element has size 0, so neither has the layout.
    let ptr = unsafe { alloc_zeroed(layout) };
    if ptr.is_null() {
        return Err(out_of_memory);
    }
    // SAFETY: (1) `ptr` is not null, checked above; (2) it comes from the global allocator with the
    // layout of `n` `T`s, which is what a `Vec` of capacity `n` frees; (3) all bytes are zero,
    // which is a value of every `Element` (the trait is sealed: bool, integers, floats).
    unsafe {
        huge_pages::advise(ptr, layout.size());
        Ok(Vec::from_raw_parts(ptr.cast(), n, n))
    }
}
