//! Functions of the application: closures that compiled code calls once per tile.
//!
//! In: a closure over single elements, or over slices of them (`closures.rs`). Out: a
//! [`RustFunction`], which `call.rs` runs for compiled code, and [`RustFunction::apply`] for one
//! element. Always true: the dtypes of arguments and result are those of the closure's types; a
//! closure sees aligned elements, bools that are 0 or 1, and a result that no argument shares
//! memory with; and a panic of a closure never reaches compiled code. It stops the run, as
//! `stop.rs` tells. `callbacks.rs` is the table of what a kernel calls.

mod call;
mod callbacks;
mod closures;
mod stop;

pub use callbacks::{Callable, Callbacks};
pub use closures::{OfElements, OfTiles, ScalarClosure, TileClosure};

pub use stop::{Endless, Panicked, Stopped};

pub(crate) use stop::{has_stopped, resume_stop, stop, stop_with};

use crate::dtype::DType;
use closures::{Closure, Code};
use std::fmt;
use std::sync::Arc;

/// The most arguments of a function.
pub const MAX_ARGS: usize = 8;

/// Roughly how long an element takes if nobody says it, in nanoseconds: as long as a few functions
/// of the runtime.
const DEFAULT_NS_PER_ELEM: f32 = 4.0;

/// A function of the application, on tiles. A clone shares the closure.
#[derive(Clone)]
pub struct RustFunction {
    name: Box<str>,
    args: &'static [DType],
    result: DType,
    ns_per_elem: f32,
    code: Arc<dyn Code>,
}

impl RustFunction {
    /// A function that applies the closure to each element.
    pub fn scalar<Form: 'static>(name: &str, closure: impl ScalarClosure<Form>) -> RustFunction {
        RustFunction::of_closure::<Form>(name, closure)
    }

    /// A function that gives the closure all elements of a tile at once. The closure must give an
    /// element the same result whatever the other elements are, and how many they are.
    pub fn tiles<Form: 'static>(name: &str, closure: impl TileClosure<Form>) -> RustFunction {
        RustFunction::of_closure::<Form>(name, closure)
    }

    fn of_closure<Form: 'static>(name: &str, closure: impl Closure<Form>) -> RustFunction {
        let (args, result) = signature(&closure);
        RustFunction {
            name: name.into(),
            args,
            result,
            ns_per_elem: DEFAULT_NS_PER_ELEM,
            code: closures::into_code(closure),
        }
    }

    /// The same function with another estimate of the nanoseconds that an element takes on one
    /// core. A number that is not positive counts as 0.
    #[must_use]
    pub fn with_ns_per_elem(mut self, ns_per_elem: f32) -> RustFunction {
        self.ns_per_elem = ns_per_elem.max(0.0);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dtypes of its arguments; at least one, and at most [`MAX_ARGS`].
    #[must_use]
    pub fn args(&self) -> &[DType] {
        self.args
    }

    /// The dtype of its result.
    #[must_use]
    pub fn result(&self) -> DType {
        self.result
    }

    /// Roughly how long an element takes on one core, in nanoseconds. It decides on threads and
    /// chunks only.
    #[must_use]
    pub fn ns_per_elem(&self) -> f32 {
        self.ns_per_elem
    }

    /// The result for one element, as bits. The arguments are bits of its dtypes; those that are
    /// missing count as 0.
    ///
    /// # Errors
    ///
    /// If the closure panics.
    pub fn apply(&self, args: &[u64]) -> Result<u64, Panicked> {
        call::apply(self, args)
    }
}

fn signature<Form, C: Closure<Form>>(_: &C) -> (&'static [DType], DType) {
    (C::ARGS, C::RESULT)
}

impl fmt::Debug for RustFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        for (k, dtype) in self.args.iter().enumerate() {
            write!(f, "{}{dtype}", if k == 0 { "" } else { ", " })?;
        }
        write!(f, ") -> {}", self.result)
    }
}
