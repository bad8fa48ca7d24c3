//! Runs kernels: over one plan, over a few small arrays, or several loops as one call.
//!
//! In: a [`Plan`](crate::plan::Plan), a [`Flat`] or [`Stages`], and a [`Kernel`] for each loop.
//! Out: the outputs, filled. Always true: a kernel is only called for operands of the dtypes and
//! run kinds that it was compiled for; exactly one call computes each element of the outputs; and
//! what is computed depends neither on the number of threads nor on where tiles and chunks begin.
//!
//! A module uses only modules above it:
//!
//! | module     | job |
//! |------------|-----|
//! | `error`    | why a run did not finish |
//! | `progress` | how far a run is, and a way to stop it |
//! | `elems`    | moves elements between places with strides |
//! | `kernel`   | a compiled loop, and how it is called for a tile |
//! | `cost`     | how many threads take part, and in how long chunks |
//! | `launch`   | the one chunk loop: threads, scratch, progress, cancelling |
//! | `flat`     | short calls on small arrays that lie in the same way |
//! | `flat_many` | the same with several outputs |
//! | `staging`  | inputs that a tile reads from scratch |
//! | `run`      | runs a kernel over a plan |
//! | `copy`     | copies arrays |
//! | `stages`   | several loops as one call, some of them along axes |
//! | `fold`     | short calls that reduce small arrays to single elements |

mod copy;
mod cost;
mod elems;
mod error;
mod flat;
mod flat_many;
mod fold;
mod kernel;
mod launch;
mod progress;
mod run;
mod stages;
mod staging;

pub use copy::{OwnedCopy, copy_into, copy_kernel, copy_of};
pub use error::ExecError;
pub use flat::{Flat, MAX_FLAT_INPUTS};
pub use flat_many::{Element, FlatMany, map_elements};
pub use fold::{FlatFold, FoldValue, MAX_FLAT_FOLDS, Outcome};
pub use kernel::{Kernel, KernelSpec, LeafRows, WholeBlocks};
pub use launch::RunOptions;
pub use progress::Progress;

pub(crate) use launch::has_current_ended;
pub use run::{run, run_streaming};
pub use stages::{
    Dest, Fold, LeafUse, LoopKernels, MapLoop, MapOutput, Origin, ReduceLoop, ScanLoop, Source, Stages, Value,
};

pub use crate::machine::{LEAF_STREAM_ALIGN, STREAM_ALIGN};
