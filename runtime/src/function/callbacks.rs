//! What a kernel calls besides the functions of the runtime.

use super::RustFunction;
use super::call::call;
use crate::abi::{Callback, CallbackFn};
use std::fmt::Debug;
use std::sync::Arc;

/// What a kernel calls with several results, such as a loop of each element.
///
/// # Safety
///
/// The code must be right for a context that is the address of `self`, in the sense of
/// [`CallbackFn`].
pub unsafe trait Callable: Debug + Send + Sync {
    /// The code.
    fn code(&self) -> CallbackFn;
}

/// The functions, and the loops, that a kernel calls, in its order. They live as long as this does.
#[derive(Clone, Debug, Default)]
pub struct Callbacks {
    functions: Box<[Arc<RustFunction>]>,
    #[expect(dead_code, reason = "the table leads to them")]
    loops: Box<[Arc<dyn Callable>]>,
    /// What compiled code reads: an entry for each function, then one for each loop.
    table: Box<[Callback]>,
}

// SAFETY: the table is only read, and its pointers lead to the functions and loops, which
// are `Send` and `Sync`.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    /// The callbacks of these functions and loops.
    #[must_use]
    pub fn new(functions: &[Arc<RustFunction>], loops: &[Arc<dyn Callable>]) -> Callbacks {
        let of_function =
            |function: &Arc<RustFunction>| Callback { code: call as CallbackFn, context: Arc::as_ptr(function).cast() };
        let of_loop =
            |called: &Arc<dyn Callable>| Callback { code: called.code(), context: Arc::as_ptr(called).cast() };
        let table = functions.iter().map(of_function).chain(loops.iter().map(of_loop)).collect();
        Callbacks { functions: functions.into(), loops: loops.into(), table }
    }

    /// Whether there is nothing to call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The functions, in order.
    #[must_use]
    pub fn functions(&self) -> &[Arc<RustFunction>] {
        &self.functions
    }

    /// The table that compiled code reads.
    pub(crate) fn table(&self) -> &[Callback] {
        &self.table
    }
}
