//! Closures as functions on tiles.
//!
//! In: a closure of 1 to [`MAX_ARGS`](super::MAX_ARGS) arguments, each an [`Element`] or a slice of
//! elements. Out: its dtypes, and [`Code`] that runs it over the elements of a tile. Always true:
//! what a closure may be is one list at the end of this file.

use crate::dtype::{DType, Element};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Marks closures over single elements. `Form` is `fn(A, B) -> R`.
pub struct OfElements<Form>(PhantomData<Form>);

/// Marks closures over slices. `Form` is `fn(A, B) -> R`, of the elements.
pub struct OfTiles<Form>(PhantomData<Form>);

/// A closure over single elements, such as `|x: f64, k: i32| x.powi(k)`, whose arguments and result
/// are any of the [`Element`]s. All closures of up to eight of them are.
pub trait ScalarClosure<Form>: Closure<Form> {}

/// A closure over slices of elements, such as `|x: &[f64], out: &mut [f64]|
/// out.copy_from_slice(x)`. The slices have one length; the last one takes the results. What is in
/// it before has no meaning. All closures of up to eight arguments and a result are.
pub trait TileClosure<Form>: Closure<Form> {}

/// A closure of either kind. It is not to be named outside of this crate, so nothing else can claim
/// to be one: [`Code`] trusts the dtypes.
pub trait Closure<Form>: Send + Sync + 'static {
    #[doc(hidden)]
    const ARGS: &'static [DType];
    #[doc(hidden)]
    const RESULT: DType;

    /// Computes `n` elements.
    ///
    /// # Safety
    ///
    /// That of [`Code::run`], for these dtypes.
    #[doc(hidden)]
    unsafe fn run(&self, n: usize, out: *mut u8, args: &[*const u8]);
}

/// A closure of any form.
pub(super) trait Code: Send + Sync {
    /// Computes `n` elements.
    ///
    /// # Safety
    ///
    /// There must be an address for each argument of the function, at which there are `n` elements
    /// of the argument's dtype, which nobody writes meanwhile; bools are 0 or 1. There must be room
    /// for `n` elements of the result's dtype at `out`, of initialised bytes, which nobody else
    /// uses meanwhile. All are aligned, and no argument overlaps the room for the result.
    unsafe fn run(&self, n: usize, out: *mut u8, args: &[*const u8]);
}

/// A closure whose form is known.
struct Formed<C, Form> {
    closure: C,
    form: PhantomData<fn() -> Form>,
}

impl<C: Closure<Form>, Form> Code for Formed<C, Form> {
    unsafe fn run(&self, n: usize, out: *mut u8, args: &[*const u8]) {
        // SAFETY: the same contract.
        unsafe { self.closure.run(n, out, args) }
    }
}

pub(super) fn into_code<Form: 'static>(closure: impl Closure<Form>) -> Arc<dyn Code> {
    Arc::new(Formed { closure, form: PhantomData })
}

macro_rules! closures {
    ($($arg:ident $x:ident $place:literal),*) => {
        impl<F, $($arg,)* R> Closure<OfElements<fn($($arg),*) -> R>> for F
        where
            F: Fn($($arg),*) -> R + Send + Sync + 'static,
            $($arg: Element,)*
            R: Element,
        {
            const ARGS: &'static [DType] = &[$($arg::DTYPE),*];
            const RESULT: DType = R::DTYPE;

            unsafe fn run(&self, n: usize, out: *mut u8, args: &[*const u8]) {
                // SAFETY: the caller vouches for the elements and for the room, whose dtypes are
                // those of these types.
                let out = unsafe { std::slice::from_raw_parts_mut(out.cast::<MaybeUninit<R>>(), n) };
                // SAFETY: as above.
                $(let $x = unsafe { std::slice::from_raw_parts(args[$place].cast::<$arg>(), n) };)*
                for (i, out) in out.iter_mut().enumerate() {
                    out.write(self($($x[i]),*));
                }
            }
        }

        impl<F, $($arg,)* R> ScalarClosure<OfElements<fn($($arg),*) -> R>> for F
        where
            F: Fn($($arg),*) -> R + Send + Sync + 'static,
            $($arg: Element,)*
            R: Element,
        {
        }

        impl<F, $($arg,)* R> Closure<OfTiles<fn($($arg),*) -> R>> for F
        where
            F: Fn($(&[$arg],)* &mut [R]) + Send + Sync + 'static,
            $($arg: Element,)*
            R: Element,
        {
            const ARGS: &'static [DType] = &[$($arg::DTYPE),*];
            const RESULT: DType = R::DTYPE;

            unsafe fn run(&self, n: usize, out: *mut u8, args: &[*const u8]) {
                let out = out.cast::<R>();
                // Any bytes are numbers, but not bools. Zeros for numbers too would cost as much as
                // a cheap closure.
                if R::DTYPE == DType::Bool {
                    // SAFETY: the caller vouches for the room.
                    unsafe { out.write_bytes(0, n) };
                }
                // SAFETY: the caller vouches for the room, and that its bytes are initialised;
                // those of bools are zeros.
                let out = unsafe { std::slice::from_raw_parts_mut(out, n) };
                // SAFETY: the caller vouches for the elements, whose dtypes are those of these
                // types.
                $(let $x = unsafe { std::slice::from_raw_parts(args[$place].cast::<$arg>(), n) };)*
                self($($x,)* out);
            }
        }

        impl<F, $($arg,)* R> TileClosure<OfTiles<fn($($arg),*) -> R>> for F
        where
            F: Fn($(&[$arg],)* &mut [R]) + Send + Sync + 'static,
            $($arg: Element,)*
            R: Element,
        {
        }
    };
}

closures!(A a 0);
closures!(A a 0, B b 1);
closures!(A a 0, B b 1, C c 2);
closures!(A a 0, B b 1, C c 2, D d 3);
closures!(A a 0, B b 1, C c 2, D d 3, E e 4);
closures!(A a 0, B b 1, C c 2, D d 3, E e 4, G g 5);
closures!(A a 0, B b 1, C c 2, D d 3, E e 4, G g 5, H h 6);
closures!(A a 0, B b 1, C c 2, D d 3, E e 4, G g 5, H h 6, I i 7);
