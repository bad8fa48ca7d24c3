//! Work that gives up the interpreter's lock, and stops if a handler of a signal raises an
//! exception.

use crate::calls;
use ndexpr::Progress;
use pyo3::intern;
use pyo3::prelude::*;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the main thread looks for signals.
const SIGNAL_PERIOD: Duration = Duration::from_millis(20);

/// Does the work, and returns `None` if it panics. Nothing of ours is left half-done then: a run
/// writes only the output, which nobody reads, and what is being compiled is dropped.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// Does the work, and looks for signals now and then. Only the main thread can do that, and this
/// thread is the main thread. If a handler of a signal raises an exception, this stops the
/// work and returns that exception.
pub(crate) fn interruptible<T>(py: Python<'_>, work: impl FnOnce(&Progress) -> T + Send) -> PyResult<Option<T>>
where
    T: Send,
{
    let raised = Arc::new(Mutex::new(None));
    let exception = Arc::clone(&raised);
    let check_signals = move || match Python::attach(|py| py.check_signals()) {
        Ok(()) => true,
        Err(error) => {
            *exception.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            false
        }
    };
    let progress = Progress::default().asking(SIGNAL_PERIOD, check_signals);
    let done = py.detach(|| guarded(|| work(&progress)));
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    raised.map_or(Ok(done), Err)
}

/// True in the thread where Python runs the handlers of signals.
pub(crate) fn is_main_thread(py: Python<'_>) -> bool {
    thread_local! {
        /// The answer, and the process in which it is right: in a forked child, the thread that has
        /// forked is the main thread.
        static IS_MAIN: Cell<Option<(u32, bool)>> = const { Cell::new(None) };
    }
    let process_id = std::process::id();
    match IS_MAIN.get() {
        Some((known_in, is_main)) if known_in == process_id => is_main,
        _ => {
            let is_main = find_is_main_thread(py).unwrap_or(false);
            IS_MAIN.set(Some((process_id, is_main)));
            is_main
        }
    }
}

fn find_is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = calls::import(intern!(py, "threading"))?;
    let main = calls::call_method(&threading, intern!(py, "main_thread"), ())?;
    let main: u64 = calls::get_attr(&main, intern!(py, "ident"))?.extract()?;
    let this: u64 = calls::call_method(&threading, intern!(py, "get_ident"), ())?.extract()?;
    Ok(this == main)
}
