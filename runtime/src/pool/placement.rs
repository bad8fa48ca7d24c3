//! Which parked worker is woken: one that last ran on another processor than the waker.
//!
//! Linux wakes a thread on the processor that it last ran on, unless it knows an idle one that
//! shares a cache with it. In a virtual machine it may know none, because a halted virtual
//! processor does not count as idle there. If the worker last ran on the waker's processor, and the
//! waker goes on computing, then the worker waits until the scheduler balances the load, which
//! takes longer than most calls. "placement" in docs/measurements.md says how long.
//!
//! So a worker notes its processor when it parks, and a waker prefers a worker with another one. If
//! every parked worker last ran on the waker's processor, the waker starts one more thread instead:
//! the scheduler begins new threads on the least loaded processor. There may be one worker more
//! than may be awake, for this purpose. So while each worker has a processor to itself, one of the
//! parked ones is not on the waker's.
//!
//! On a busy machine two workers may come to last run on the same processor. If it is the waker's,
//! a short call goes without help, until the scheduler has moved one of them.
//!
//! Always true: the pool never changes a thread's affinity, neither the application's threads' nor
//! its own. The owner of the process may narrow the affinity at any time, and `sched_setaffinity`
//! cannot compare before it sets, so a pool that sets an affinity can undo what the owner has set
//! meanwhile.

/// The processor that this thread runs on, or [`UNKNOWN`].
#[cfg(all(target_os = "linux", not(all(loom, test))))]
pub(super) fn current_cpu() -> usize {
    rustix::thread::sched_getcpu()
}

/// The processor that this thread runs on, or [`UNKNOWN`]: in models and on systems that do not
/// tell the processor, it is always [`UNKNOWN`].
#[cfg(not(all(target_os = "linux", not(all(loom, test)))))]
pub(super) fn current_cpu() -> usize {
    UNKNOWN
}

/// A number that no processor has.
pub(super) const UNKNOWN: usize = usize::MAX;

/// How many workers there may be beyond those that may be awake. Without a free processor for it,
/// one more is of no use.
pub(super) fn n_spare(is_crowded: bool) -> usize {
    usize::from(current_cpu() != UNKNOWN && !is_crowded)
}
