//! The contract between compiled code and the code that runs it.
//!
//! A *kernel* is machine code for one loop. It is called once per tile, and computes a rectangle of
//! `n_rows` x `n_lanes` elements. Everything it needs is in [`KernelArgs`]:
//!
//! | field              | meaning |
//! |--------------------|---------|
//! | `n_lanes`          | elements along the inner axis, at least 1 |
//! | `n_rows`           | elements along the next axis, at least 1 |
//! | `repeatable_lanes` | `n_lanes` if lanes may be computed twice, or else 0 |
//! | `operands`         | one [`Operand`] per input, then one per output, in the kernel's order |
//! | `slots`            | this thread's scratch, 64-byte aligned, as large as the kernel asked for |
//! | `tile_fns`         | the kernel's own table of [`TileFn`]s |
//! | `callbacks`        | the kernel's own table of [`Callback`]s |
//!
//! The element of an operand at `(row, lane)` is at `ptr + row * row_stride + lane * lane_stride`,
//! strides in bytes, of any sign and alignment. A kernel is compiled for one [`RunKind`] per
//! operand and trusts it.

use std::fmt;

/// Where one operand's elements of the current tile are.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// The element at row 0, lane 0.
    pub ptr: *mut u8,
    /// Bytes from one lane to the next.
    pub lane_stride: isize,
    /// Bytes from one row to the next.
    pub row_stride: isize,
}

/// The one argument of a kernel.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KernelArgs {
    /// Elements along the inner axis, at least 1.
    pub n_lanes: usize,
    /// Elements along the next axis, at least 1.
    pub n_rows: usize,
    /// `n_lanes` if the code may compute a lane again after it has written the lane's results,
    /// because no output is where an input is; otherwise 0.
    pub repeatable_lanes: usize,
    /// Inputs, then outputs.
    pub operands: *const Operand,
    /// Scratch of the calling thread, 64-byte aligned.
    pub slots: *mut u8,
    /// The kernel's table of tile functions.
    pub tile_fns: *const TileFn,
    /// The kernel's table of functions of the application.
    pub callbacks: *const Callback,
}

/// A compiled loop.
pub type KernelFn = unsafe extern "C" fn(args: *const KernelArgs);

/// A function over a whole tile: it reads `n` elements at `a` and writes `n` at `out`. If it has a
/// second argument, the elements of that are at `b`, and it only reads them. If it has a second
/// result, it writes the elements of that at `b`. If it has neither, `b` is null. All elements are
/// contiguous and of the dtype that the function was chosen for; they need no alignment beyond one
/// byte. A result may be exactly where an argument is, and overlaps nothing otherwise.
pub type TileFn = unsafe extern "C" fn(n: usize, out: *mut u8, a: *const u8, b: *mut u8);

/// A function of the application, over a whole tile: any number of arguments, of any dtypes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Callback {
    /// The code.
    pub code: CallbackFn,
    /// What the code is called with first.
    pub context: *const (),
}

/// The code of a [`Callback`]. It reads `n` elements of each argument, whose addresses are at
/// `args`, one after the other, and writes `n` at `out`. All elements are contiguous and of the
/// dtypes that the callback was chosen for; they need no alignment beyond one byte. Bools among the
/// arguments are 0 or 1. All bytes are initialised. The result may be exactly where an argument of
/// elements of the same size is, and overlaps nothing otherwise. If there are several results,
/// `out` is not used, and the addresses of the results follow those of the arguments; one that
/// nobody needs is null.
pub type CallbackFn = unsafe extern "C" fn(context: *const (), n: usize, out: *mut u8, args: *const *const u8);

/// How an operand moves along the lanes. A kernel is specialised for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunKind {
    /// One element after the other: the lane stride is the element's size.
    Contiguous,
    /// The same element for every lane: the lane stride is 0. An output has this kind only if there
    /// is one lane.
    Splat,
    /// Any other lane stride. A kernel that is compiled for it takes any lane stride at all.
    Strided,
}

impl fmt::Display for RunKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RunKind::Contiguous => "contiguous",
            RunKind::Splat => "splat",
            RunKind::Strided => "strided",
        })
    }
}
