//! The pool: every chunk once, panics, nesting, callers at the same time, dropping, executors. See
//! also `pool_process.rs`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use ndexpr_runtime::pool::{Helper, MAX_THREADS, Pool, PoolError};

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

/// Many callers, nested calls, panics and other numbers of threads, all at the same time.
#[test]
fn many_callers_of_all_kinds() {
    for n_threads in 1..=8 {
        let pool = Arc::new(Pool::new(n_threads).unwrap());
        std::thread::scope(|scope| {
            // More than there are slots for jobs.
            for caller in 0..20 {
                let pool = &pool;
                scope.spawn(move || {
                    for call in 0..50 {
                        let (n_chunks, n_done) = ((caller * 7 + call * 3) % 40, AtomicUsize::new(0));
                        let is_panicking = call % 10 == 9 && n_chunks > 0;
                        let outcome = catch_unwind(AssertUnwindSafe(|| {
                            pool.run(n_chunks, n_threads, |_, chunk| {
                                if call % 5 == 0 {
                                    pool.run(3, 2, |_, _| _ = n_done.fetch_add(1, Ordering::Relaxed));
                                } else if is_panicking && chunk == n_chunks / 2 {
                                    std::panic::resume_unwind(Box::new(chunk));
                                } else {
                                    n_done.fetch_add(1, Ordering::Relaxed);
                                }
                            });
                        }));
                        assert_eq!(outcome.is_err(), is_panicking);
                        let n_expected = if call % 5 == 0 { 3 * n_chunks } else { n_chunks };
                        assert!(is_panicking || n_done.into_inner() == n_expected);
                    }
                });
            }
        });
    }
}

/// Threads that work, wait awake, sleep, or have not yet begun.
#[test]
fn dropping_a_pool_is_quick_whatever_its_threads_do() {
    for n_threads in [2, 4, 8] {
        for pause_us in [0, 20, 100, 2000] {
            for _ in 0..10 {
                let pool = Arc::new(Pool::new(n_threads).unwrap());
                let others: Vec<_> = (0..2)
                    .map(|_| {
                        let pool = Arc::clone(&pool);
                        std::thread::spawn(move || pool.run(50, n_threads, |_, _| ()))
                    })
                    .collect();
                pool.run(50, n_threads, |_, _| ());
                std::thread::sleep(Duration::from_micros(pause_us));
                // The last one to drop its handle ends the threads.
                let start = Instant::now();
                drop(pool);
                others.into_iter().for_each(|other| other.join().unwrap());
                assert!(start.elapsed() < Duration::from_secs(10));
            }
        }
    }
}

#[test]
fn on_rayon() {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let pool = Pool::on(3, move |helper| threads.spawn(|| helper.help())).unwrap();
    // Twice, so that the helpers come again.
    for _ in 0..2 {
        let barrier = Barrier::new(3);
        pool.run(3, 3, |_, _| {
            barrier.wait();
        });
    }
    let n_calls = AtomicUsize::new(0);
    for _ in 0..100 {
        pool.run(10, 3, |_, _| pool.run(10, 3, |_, _| _ = n_calls.fetch_add(1, Ordering::Relaxed)));
    }
    assert_eq!(n_calls.into_inner(), 100 * 10 * 10);
}

/// An executor may drop helpers, run them on the spot, or much later, and may panic.
#[test]
fn on_odd_executors() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = {
        let kept = Arc::clone(&kept);
        move |helper| kept.lock().unwrap().push(helper)
    };
    let pools = [Pool::on(4, drop).unwrap(), Pool::on(4, Helper::help).unwrap(), Pool::on(4, keep).unwrap()];
    for pool in &pools {
        for _ in 0..100 {
            let n_calls = AtomicUsize::new(0);
            pool.run(10, 4, |_, _| _ = n_calls.fetch_add(1, Ordering::Relaxed));
            assert_eq!(n_calls.into_inner(), 10);
        }
    }
    drop(pools);
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    assert!((1..=3).contains(&kept.len()), "no more than the pool has room for: {}", kept.len());
    kept.into_iter().for_each(Helper::help);

    let pool = Pool::on(2, |_| std::panic::resume_unwind(Box::new("no"))).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| pool.run(2, 2, |_, _| ()))).is_err());
}
