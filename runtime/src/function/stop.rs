//! Why a run stops in the middle of compiled code.
//!
//! In: a panic of a closure, or a loop that must end. Out: the same, once no compiled code is left
//! on the thread: it waits until the kernel has returned. [`resume_stop`] goes on with it there, so
//! that the run stops as it does after any panic in a chunk. Until then the thread calls no
//! other closure or loop: a later call of the kernel would only compute what nobody reads.

use std::any::Any;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;

/// A closure has panicked: the payload of the panic that stops the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panicked {
    /// The name of the function.
    pub function: Box<str>,
    /// What the panic says.
    pub message: String,
}

/// A loop has not ended for an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endless {
    /// What tells the loops of a program apart.
    pub label: u32,
    /// The most iterations that there may be.
    pub limit: u64,
}

/// Why a run stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A closure has panicked.
    Panicked(Panicked),
    /// A loop does not end.
    Endless(Endless),
    /// There is not so much memory as a loop needs.
    OutOfMemory {
        /// How many bytes it is.
        n_bytes: usize,
    },
    /// For a reason that is known already.
    Already,
}

/// What the thread goes on with once the kernel has returned: the payload of a panic. It is a
/// [`Stopped`], or what something else has panicked with.
type Payload = Box<dyn Any + Send>;

thread_local! {
    /// The first reason since the thread last looked. It has no destructor, so that it is there as
    /// long as the thread runs anything.
    static STOPPED: Cell<ManuallyDrop<Option<Payload>>> = const { Cell::new(ManuallyDrop::new(None)) };
}

pub(super) fn take_stop() -> Option<Payload> {
    ManuallyDrop::into_inner(STOPPED.replace(ManuallyDrop::new(None)))
}

/// Whether the thread is about to stop.
pub(crate) fn has_stopped() -> bool {
    let stopped = take_stop();
    let has_stopped = stopped.is_some();
    STOPPED.set(ManuallyDrop::new(stopped));
    has_stopped
}

/// Stops the thread as soon as the kernel has returned. The first reason counts.
pub(crate) fn stop(reason: Stopped) {
    stop_with(Box::new(reason));
}

/// The same for a panic that was caught below compiled code.
pub(crate) fn stop_with(payload: Box<dyn Any + Send>) {
    if !has_stopped() {
        STOPPED.set(ManuallyDrop::new(Some(payload)));
    }
}

/// Goes on with what a kernel on this thread has stopped for, if there is something: with a panic.
/// No compiled code may be running on the thread.
pub(crate) fn resume_stop() {
    if let Some(payload) = take_stop() {
        resume_unwind(payload);
    }
}
