//! How compiled code, and the interpreter, call a closure.
//!
//! In: addresses of a tile's elements. Out: the results, or zeros and a reason to stop that waits.
//! Always true: nothing unwinds into compiled code.

use super::RustFunction;
use super::stop::{Panicked, Stopped, has_stopped, stop};
use crate::dtype::DType;
use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls the [`RustFunction`] at `context` for compiled code.
///
/// # Safety
///
/// The contract of [`CallbackFn`], for the dtypes of the function.
pub(super) unsafe extern "C" fn call(context: *const (), n: usize, out: *mut u8, args: *const *const u8) {
    // SAFETY: the caller has the context from `Callbacks`, which keeps the function alive, and
    // gives an address for each argument.
    let (function, args) = unsafe {
        let function = &*context.cast::<RustFunction>();
        (function, std::slice::from_raw_parts(args, function.args.len()))
    };
    if !has_stopped() {
        // SAFETY: the caller's contract.
        match caught(function, || unsafe { run(function, n, out, args) }) {
            Ok(()) => return,
            Err(panic) => stop(Stopped::Panicked(panic)),
        }
    }
    // What is at `out` may be no element of the dtype, and compiled code goes on with it.
    // SAFETY: the caller vouches for the room; zeros are elements of every dtype.
    unsafe { out.write_bytes(0, n * function.result.size()) };
}

/// Runs a function on one element.
pub(super) fn apply(function: &RustFunction, args: &[u64]) -> Result<u64, Panicked> {
    let in_memory = |dtype: DType, bits: u64| crate::dtype::Scalar::from_bits(dtype, bits).to_ne_bytes();
    let bits = args.iter().copied().chain(std::iter::repeat(0));
    // Words, so that elements of every dtype are aligned.
    let mut words = [0_u64; super::MAX_ARGS];
    for ((word, &dtype), bits) in words.iter_mut().zip(function.args).zip(bits) {
        *word = u64::from_ne_bytes(in_memory(dtype, bits));
    }
    let ptrs = words.each_ref().map(|word| std::ptr::from_ref(word).cast::<u8>());
    let mut out = 0_u64;
    caught(function, || {
        // SAFETY: each argument is one element of its dtype, aligned, and a bool is 0 or 1 because
        // a scalar is. There is room for a result of any dtype, apart from the arguments.
        unsafe { function.code.run(1, (&raw mut out).cast(), &ptrs[..function.args.len()]) };
    })?;
    let bytes = out.to_ne_bytes();
    Ok(match function.result.size() {
        1 => u64::from(bytes[0]),
        2 => u64::from(u16::from_ne_bytes([bytes[0], bytes[1]])),
        4 => u64::from(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])),
        _ => out,
    })
}

/// Runs a closure, and catches its panic.
fn caught(function: &RustFunction, run: impl FnOnce()) -> Result<(), Panicked> {
    // What a closure left half-done is its own: nothing of the runtime's is in its hands.
    let outcome = catch_unwind(AssertUnwindSafe(run));
    outcome.map_err(|payload| Panicked { function: function.name.clone(), message: message(payload) })
}

/// What a panic says.
fn message(payload: Box<dyn Any + Send>) -> String {
    let payload = match payload.downcast::<String>() {
        Ok(message) => return *message,
        Err(payload) => payload,
    };
    match payload.downcast::<&'static str>() {
        Ok(message) => (*message).to_owned(),
        Err(payload) => {
            // To drop it might panic again.
            std::mem::forget(payload);
            "it gives no message".to_owned()
        }
    }
}

/// Elements that are copied at once where a closure cannot read them in place.
const PIECE: usize = 128;

/// Room for a piece of any dtype.
#[repr(align(64))]
struct Piece([MaybeUninit<u64>; PIECE]);

impl Piece {
    /// Room without elements.
    const EMPTY: Piece = Piece([MaybeUninit::uninit(); PIECE]);
    const ZEROED: Piece = Piece([MaybeUninit::new(0); PIECE]);

    fn ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

fn is_aligned(ptr: *const u8, dtype: DType) -> bool {
    ptr.addr().is_multiple_of(dtype.size())
}

/// Runs a function where its arguments are, if a closure can read them there.
///
/// # Safety
///
/// The contract of [`CallbackFn`], for the dtypes of the function.
unsafe fn run(function: &RustFunction, n: usize, out: *mut u8, args: &[*const u8]) {
    let out_end = out.addr() + n * function.result.size();
    let is_in_place = |(&arg, &dtype): (&*const u8, &DType)| {
        let is_apart = arg.addr() >= out_end || arg.addr() + n * dtype.size() <= out.addr();
        is_apart && is_aligned(arg, dtype)
    };
    if is_aligned(out, function.result) && args.iter().zip(function.args).all(is_in_place) {
        // SAFETY: the caller's contract, and what has been checked here.
        return unsafe { function.code.run(n, out, args) };
    }
    // SAFETY: the caller's contract.
    unsafe { run_in_pieces(function, n, out, args) }
}

/// Runs a function on copies of its arguments, and copies its results, piece by piece.
///
/// # Safety
///
/// That of [`run`].
#[inline(never)]
unsafe fn run_in_pieces(function: &RustFunction, n: usize, out: *mut u8, args: &[*const u8]) {
    let mut pieces = [const { Piece::EMPTY }; super::MAX_ARGS];
    let mut results = Piece::ZEROED;
    let results = results.ptr();
    let pieces = pieces.each_mut().map(Piece::ptr);
    for start in (0..n).step_by(PIECE) {
        let n = PIECE.min(n - start);
        for ((&arg, dtype), &piece) in args.iter().zip(function.args).zip(&pieces) {
            let size = dtype.size();
            // SAFETY: the elements are some of those that the caller vouches for, and a piece has
            // room for them. An argument that is exactly at `out` has elements of the result's
            // size, so those of this piece have not been written yet.
            unsafe { piece.copy_from_nonoverlapping(arg.add(start * size), n * size) };
        }
        let ptrs = pieces.map(<*mut u8>::cast_const);
        let size = function.result.size();
        // SAFETY: the pieces have `n` elements of the arguments' dtypes, and room for results, of
        // initialised bytes; they are aligned and apart. At `out` there is room for the results of
        // this piece.
        unsafe {
            function.code.run(n, results, &ptrs[..args.len()]);
            out.add(start * size).copy_from_nonoverlapping(results, n * size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Callbacks;
    use super::super::stop::{resume_stop, take_stop};
    use super::*;
    use crate::abi::Callback;
    use std::panic::resume_unwind;
    use std::sync::Arc;

    /// Runs a function as compiled code does: `n` elements from `args` to `out`.
    fn run(function: &RustFunction, n: usize, out: *mut u8, args: &[*const u8]) -> Option<Panicked> {
        let callbacks = Callbacks::new(&[Arc::new(function.clone())], &[]);
        let Callback { code, context } = callbacks.table()[0];
        // SAFETY: the tests give addresses of as many elements, of the function's dtypes.
        unsafe { code(context, n, out, args.as_ptr()) };
        take_stop().map(|payload| match *payload.downcast::<Stopped>().expect("a reason to stop") {
            Stopped::Panicked(panic) => panic,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn elements_anywhere() {
        let add = RustFunction::tiles("add", |x: &[f64], k: &[u8], out: &mut [f64]| {
            for (i, out) in out.iter_mut().enumerate() {
                *out = x[i] + f64::from(k[i]);
            }
        });
        for n in [1, 2, PIECE - 1, PIECE, PIECE + 1, 1000] {
            for shift in [0, 1, 4, 8] {
                let (x, k): (Vec<f64>, Vec<u8>) = (0..n).map(|i| (i as f64 / 4.0, i as u8)).unzip();
                let expected: Vec<f64> = x.iter().zip(&k).map(|(x, &k)| x + f64::from(k)).collect();
                // Words, so that the start is aligned and `shift` alone decides.
                let mut words = vec![u64::MAX; n + 1];
                let at = words.as_mut_ptr().cast::<u8>().wrapping_add(shift);
                // SAFETY: there is a word more than elements, and the shift is at most a word.
                unsafe { at.copy_from_nonoverlapping(x.as_ptr().cast(), 8 * n) };
                let mut out = vec![0.5_f64; n];
                assert_eq!(run(&add, n, out.as_mut_ptr().cast(), &[at, k.as_ptr()]), None);
                assert_eq!(out, expected, "an argument shifted by {shift}");
                // The result is exactly where an argument is.
                assert_eq!(run(&add, n, at, &[at, k.as_ptr()]), None);
                // SAFETY: as above.
                unsafe { out.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(at, 8 * n) };
                assert_eq!(out, expected, "in place, shifted by {shift}");
            }
        }
    }

    #[test]
    fn a_panic_waits_and_leaves_zeros() {
        let function = RustFunction::scalar("checked", |x: u8| -> bool {
            if x == 3 {
                resume_unwind(Box::new("three"));
            }
            true
        });
        let mut out = [7_u8; 5];
        let panic = run(&function, 5, out.as_mut_ptr(), &[[1_u8, 2, 3, 4, 5].as_ptr()]);
        assert_eq!(panic, Some(Panicked { function: "checked".into(), message: "three".to_owned() }));
        assert_eq!(out, [0; 5]);
        assert_eq!(run(&function, 2, out.as_mut_ptr(), &[[1_u8, 2].as_ptr()]), None);
        assert_eq!(out, [1, 1, 0, 0, 0]);
    }

    #[test]
    fn after_a_panic_no_closure_is_called() {
        let panics = RustFunction::scalar("panics", |_: u8| -> u8 { resume_unwind(Box::new(String::from("first"))) });
        let called = RustFunction::scalar("called", |_: u8| -> u8 { unreachable!("after a panic") });
        let callbacks = Callbacks::new(&[Arc::new(panics), Arc::new(called)], &[]);
        let (x, mut out) = ([1_u8; 4], [9_u8; 4]);
        for callback in callbacks.table() {
            // SAFETY: there are four elements of the functions' dtypes.
            unsafe { (callback.code)(callback.context, 4, out.as_mut_ptr(), [x.as_ptr()].as_ptr()) };
            assert_eq!(out, [0; 4]);
        }
        let payload = catch_unwind(resume_stop).unwrap_err().downcast::<Stopped>().unwrap();
        let Stopped::Panicked(panic) = *payload else { panic!("{payload:?}") };
        assert_eq!((&*panic.function, &*panic.message), ("panics", "first"));
        resume_stop();
    }

    #[test]
    fn single_elements() {
        let function = RustFunction::scalar("pick", |c: bool, x: i16, y: f32| -> f64 {
            if c { f64::from(x) } else { f64::from(y) }
        });
        assert_eq!(format!("{function:?}"), "pick(bool, int16, float32) -> float64");
        let bits = |c: u64, x: i16, y: f32| [c, u64::from(x as u16), u64::from(y.to_bits())];
        assert_eq!(function.apply(&bits(1, -3, 2.5)).map(f64::from_bits), Ok(-3.0));
        assert_eq!(function.apply(&bits(0, -3, 2.5)).map(f64::from_bits), Ok(2.5));
        // Any other byte is true, and what is missing is 0.
        assert_eq!(function.apply(&bits(0xff, -3, 2.5)).map(f64::from_bits), Ok(-3.0));
        assert_eq!(function.apply(&[]).map(f64::from_bits), Ok(0.0));
        let narrow = RustFunction::scalar("narrow", |x: i64| -> i8 { x as i8 });
        assert_eq!(narrow.apply(&[(-1_i64) as u64]), Ok(0xff));
    }
}
