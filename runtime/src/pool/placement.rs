//! On which processor a woken worker begins: not on that of whoever wakes it.
//!
//! Linux wakes a thread on the processor that it ran on last or on the waker's, unless one of those that share the cache with
//! them idles; which processors do, a virtual machine may not know. Should it be the waker's, who goes on computing, then the
//! worker waits until the system balances loads, and from then on begins there each time. Measured 2026-11 on 2 Zen 4
//! cores of a virtual machine (Linux 6.18), 40 calls of 30 us in a row after 10 ms of sleep: in 50 of 60 such rows the worker began
//! 1.2-1.7 ms late, when all was done, while the other processor idled.
//!
//! So the waker takes its own processor from those that the sleeper may use, and the worker gives it back to itself when it
//! is awake. What the process's owner allows is read each time, and nothing is ever allowed beyond it.

#[cfg(all(target_os = "linux", not(all(loom, test))))]
pub(super) use self::on_linux::Placement;

#[cfg(not(all(target_os = "linux", not(all(loom, test)))))]
pub(super) use self::elsewhere::Placement;

#[cfg(all(target_os = "linux", not(all(loom, test))))]
mod on_linux {
    use std::sync::{Mutex, PoisonError};

    use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// A worker's.
    #[derive(Default)]
    pub(in super::super) struct Placement(Mutex<State>);

    #[derive(Default)]
    struct State {
        /// None until it begins.
        worker: Option<Pid>,
        /// The processors that it may use, while it may use fewer.
        allowed: Option<CpuSet>,
    }

    impl Placement {
        /// As the worker: to be called once, first.
        pub(in super::super) fn move_in(&self) {
            self.state(|state| state.worker = Some(gettid()));
        }

        /// As who is about to wake the worker: has it begin on another processor, if it may. Failures do not matter.
        pub(in super::super) fn send_elsewhere(&self) {
            self.state(|state| {
                let Some(worker) = state.worker else { return };
                let Ok(allowed) = sched_getaffinity(Some(worker)) else { return };
                let (mut others, here) = (allowed, sched_getcpu());
                if here < CpuSet::MAX_CPU {
                    others.unset(here);
                }
                if (1..allowed.count()).contains(&others.count()) && sched_setaffinity(Some(worker), &others).is_ok() {
                    // Should it not have been back since it was sent away before, that is what it may use.
                    state.allowed.get_or_insert(allowed);
                }
            });
        }

        /// As the worker, awake: it may use all processors again.
        pub(in super::super) fn return_home(&self) {
            self.state(|state| {
                if let Some(allowed) = state.allowed.take() {
                    let _ = sched_setaffinity(None, &allowed);
                }
            });
        }

        fn state(&self, f: impl FnOnce(&mut State)) {
            f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn cpus(worker: Option<Pid>) -> Vec<usize> {
            let set = sched_getaffinity(worker).unwrap();
            (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
        }

        #[test]
        fn a_worker_is_sent_from_its_wakers_processor_and_comes_back() {
            let placement = Placement::default();
            placement.send_elsewhere();
            placement.return_home();
            placement.move_in();
            let (worker, before) = (gettid(), cpus(None));
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    // The waker stays where it is meanwhile.
                    let here = before[0];
                    let mut only_here = CpuSet::new();
                    only_here.set(here);
                    sched_setaffinity(None, &only_here).unwrap();
                    for _ in 0..2 {
                        placement.send_elsewhere();
                        let rest = cpus(Some(worker));
                        let others: Vec<usize> = before.iter().copied().filter(|&cpu| cpu != here).collect();
                        assert_eq!(rest, if others.is_empty() { before.clone() } else { others });
                    }
                });
            });
            placement.return_home();
            assert_eq!(cpus(None), before);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(all(loom, test)))))]
mod elsewhere {
    /// A worker's, where the system has no such thing, or a model.
    #[derive(Default)]
    pub(in super::super) struct Placement;

    impl Placement {
        pub(in super::super) fn move_in(&self) {}

        pub(in super::super) fn send_elsewhere(&self) {}

        pub(in super::super) fn return_home(&self) {}
    }
}
