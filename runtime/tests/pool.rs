//! The pool: every chunk once, panics, nesting, callers at the same time, a forked child.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ndexpr_runtime::pool::{MAX_THREADS, Pool, PoolError};

#[test]
fn every_chunk_once_and_participants_apart() {
    for n_threads in [1, 2, 3, 8] {
        let pool = Pool::new(n_threads).unwrap();
        for n_chunks in [0, 1, 2, 3, 7, 1000] {
            for max_threads in [0, 1, 2, 100] {
                let calls: Vec<AtomicU32> = (0..n_chunks).map(|_| AtomicU32::new(0)).collect();
                let is_busy: Vec<AtomicBool> = (0..n_threads).map(|_| AtomicBool::new(false)).collect();
                pool.run(n_chunks, max_threads, |participant, chunk| {
                    assert!(participant < max_threads.max(1));
                    assert!(!is_busy[participant].swap(true, Ordering::Relaxed), "two with one number");
                    calls[chunk].fetch_add(1, Ordering::Relaxed);
                    is_busy[participant].store(false, Ordering::Relaxed);
                });
                assert!(calls.iter().all(|n| n.load(Ordering::Relaxed) == 1));
            }
        }
    }
}

#[test]
fn helpers_do_take_part() {
    let pool = Pool::new(2).unwrap();
    // Both chunks must run at the same time, or this hangs.
    let barrier = Barrier::new(2);
    pool.run(2, 2, |_, _| {
        barrier.wait();
    });
}

#[test]
fn thread_counts() {
    assert_eq!(Pool::new(0).unwrap_err(), PoolError::BadThreadCount { n_threads: 0 });
    assert!(Pool::new(MAX_THREADS + 1).is_err());
    assert_eq!(Pool::new(MAX_THREADS).unwrap().n_threads(), MAX_THREADS, "none are started yet");
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
    for n_threads in [1, 2, 8] {
        let pool = Pool::new(n_threads).unwrap();
        for panicking in [0, 17, 99] {
            let result = catch_unwind(AssertUnwindSafe(|| {
                pool.run(100, n_threads, |_, chunk| {
                    if chunk == panicking {
                        std::panic::resume_unwind(Box::new(chunk));
                    }
                });
            }));
            assert_eq!(*result.unwrap_err().downcast::<usize>().unwrap(), panicking);
        }
        // By a helper, for certain.
        if n_threads > 1 {
            let has_panicked = AtomicBool::new(false);
            let result = catch_unwind(AssertUnwindSafe(|| {
                pool.run(usize::MAX, 2, |participant, _| {
                    if participant == 1 {
                        has_panicked.store(true, Ordering::Relaxed);
                        std::panic::resume_unwind(Box::new("helper"));
                    }
                });
            }));
            assert!(result.is_err() && has_panicked.into_inner());
        }
        let n_calls = AtomicUsize::new(0);
        pool.run(100, n_threads, |_, _| {
            n_calls.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(n_calls.into_inner(), 100);
    }
}

#[test]
fn nested_and_concurrent_calls() {
    for n_threads in [1, 2, 3, 8] {
        let pool = Pool::new(n_threads).unwrap();
        let n_calls = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        pool.run(10, n_threads, |_, _| {
                            pool.run(10, n_threads, |_, _| {
                                n_calls.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(n_calls.into_inner(), 4 * 20 * 10 * 10);
    }
}

#[test]
fn a_call_does_not_wait_for_workers_that_are_busy_elsewhere() {
    let pool = Pool::new(2).unwrap();
    let (are_both_inside, is_over) = (Barrier::new(3), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pool.run(2, 2, |_, _| {
                are_both_inside.wait();
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        });
        are_both_inside.wait();
        // The only worker is held by the call above, which ends only after this one.
        let n_calls = AtomicUsize::new(0);
        pool.run(100, 2, |_, _| {
            n_calls.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(n_calls.into_inner(), 100);
        is_over.store(true, Ordering::Relaxed);
    });
}

/// Chunks must be done in the child though the workers stayed with the parent.
#[test]
#[cfg(target_os = "linux")]
fn a_forked_child_works() {
    let pool = Pool::new(4).unwrap();
    pool.run(1000, 4, |_, _| ());
    // SAFETY: the child calls nothing but `run`, which allocates nothing without workers, and `_exit`.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let n_calls = AtomicUsize::new(0);
        pool.run(1000, 4, |_, _| {
            n_calls.fetch_add(1, Ordering::Relaxed);
        });
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(i32::from(n_calls.into_inner() != 1000)) };
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut status = -1;
    // SAFETY: `child` is a child of this process that nobody else waits for; `status` is writable.
    while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == 0 {
        if Instant::now() > deadline {
            // SAFETY: as above.
            unsafe { libc::kill(child, libc::SIGKILL) };
            panic!("the child hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(status, 0);
}
