//! The pool under loom, which runs each model in all orders of events that differ by up to a few
//! preemptions, and in all that the memory orderings allow. It finds races, deadlocks and lost
//! wake-ups. See the top of `mod.rs` for the command.
//!
//! Where a model has a [`Meeting`], both threads must get there: if a worker overlooked the work,
//! loom would report a deadlock. Elsewhere a call may end without help.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};

use super::Pool;
use super::job::Job;
use super::slot::Slot;
use super::spin::Spin;
use super::sync::UnsafeCell;

fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Where two threads wait for each other.
struct Meeting {
    n_here: Mutex<usize>,
    both_here: Condvar,
}

impl Meeting {
    fn new() -> Meeting {
        Meeting { n_here: Mutex::new(0), both_here: Condvar::new() }
    }

    fn wait(&self) {
        let mut n_here = self.n_here.lock().unwrap();
        *n_here += 1;
        self.both_here.notify_all();
        while *n_here < 2 {
            n_here = self.both_here.wait(n_here).unwrap();
        }
    }
}

/// Results of chunks, written without synchronisation, as those of kernels are: loom sees it if a
/// chunk is done twice at the same time, or if the caller reads too early.
struct Results([UnsafeCell<usize>; 2]);

// SAFETY: none is needed; loom checks it.
unsafe impl Sync for Results {}

impl Results {
    fn new() -> Results {
        Results(std::array::from_fn(|_| UnsafeCell::new(0)))
    }

    fn add(&self, chunk: usize) {
        // SAFETY: loom checks that no other thread uses it meanwhile.
        self.0[chunk].with_mut(|n| unsafe { *n += 1 });
    }

    fn check(&self, n_times: usize) {
        for result in &self.0 {
            // SAFETY: as above.
            assert_eq!(result.with(|n| unsafe { *n }), n_times);
        }
    }
}

/// Does two chunks behind the gate of a slot, which must be the caller's.
fn run_in(slot: &Slot) {
    let results = Results::new();
    let work = |_participant, chunk| results.add(chunk);
    // SAFETY: `work` lives longer than the job.
    let job = unsafe { Job::new(2, 1, &work) };
    // SAFETY: the slot is the caller's, and is closed before the job goes.
    unsafe { slot.open(&job) };
    assert!(job.take_part(0, || ()).is_ok());
    slot.close(&job, Spin::new(std::time::Duration::ZERO), || ());
    results.check(1);
}

/// One slot, one caller with two jobs, two helpers that come at any time, also between the jobs and
/// after them.
#[test]
fn a_late_helper_does_not_touch_a_job_that_is_over() {
    check(2, || {
        let slot = Arc::new(Slot::new());
        let helpers: Vec<_> = (0..2)
            .map(|_| {
                let slot = Arc::clone(&slot);
                loom::thread::spawn(move || _ = slot.help(|| ()))
            })
            .collect();
        for _ in 0..2 {
            assert!(slot.try_take());
            run_in(&slot);
        }
        assert!(!slot.has_room() && slot.demand() == 0);
        helpers.into_iter().for_each(|helper| helper.join().unwrap());
    });
}

/// One slot for two callers, so one may find it taken, and a helper that may join both.
#[test]
fn callers_do_not_share_a_slot() {
    check(2, || {
        let slot = Arc::new(Slot::new());
        let spawn = |f: fn(&Slot)| {
            let slot = Arc::clone(&slot);
            loom::thread::spawn(move || f(&slot))
        };
        let call = |slot: &Slot| {
            if slot.try_take() {
                run_in(slot);
            }
        };
        let others = [spawn(call), spawn(|slot| _ = slot.help(|| ()) && slot.help(|| ()))];
        call(&slot);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

/// From starting the worker to ending it. In the second call the worker may be at work, about to
/// sleep, or asleep.
#[test]
fn a_worker_overlooks_no_work() {
    check(2, || {
        let pool = Pool::new(2).unwrap();
        for _ in 0..2 {
            let (results, meeting) = (Results::new(), Meeting::new());
            pool.run(2, 2, |_, chunk| {
                results.add(chunk);
                meeting.wait();
            });
            results.check(1);
        }
    });
}

#[test]
fn dropping_a_pool_ends_its_workers() {
    check(2, || {
        let pool = Pool::new(3).unwrap();
        let results = Results::new();
        pool.run(2, 3, |_, chunk| results.add(chunk));
        drop(pool);
        results.check(1);
    });
}

#[test]
fn nested_calls() {
    check(1, || {
        let pool = Pool::new(2).unwrap();
        let n_done = AtomicUsize::new(0);
        pool.run(2, 2, |_, _| {
            let results = Results::new();
            pool.run(2, 2, |_, chunk| results.add(chunk));
            results.check(1);
            n_done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(n_done.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_panic_of_either_reaches_the_caller() {
    check(1, || {
        let pool = Pool::new(2).unwrap();
        for panicking in 0..2 {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                pool.run(2, 2, |_, chunk| {
                    if chunk == panicking {
                        resume_unwind(Box::new(chunk));
                    }
                });
            }));
            assert_eq!(*outcome.unwrap_err().downcast::<usize>().unwrap(), panicking);
        }
    });
}

/// An executor of one thread for each helper. In the second call the first helper may be at work,
/// about to go, or gone.
#[test]
fn an_executor_overlooks_no_work() {
    check(2, || {
        let pool = Pool::on(2, |helper| _ = loom::thread::spawn(|| helper.help())).unwrap();
        for _ in 0..2 {
            let (results, meeting) = (Results::new(), Meeting::new());
            pool.run(2, 2, |_, chunk| {
                results.add(chunk);
                meeting.wait();
            });
            results.check(1);
        }
    });
}
