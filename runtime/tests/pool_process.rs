//! The pool and its process: forks, the CPU time of idle threads, memory, threads that the system
//! refuses.
//!
//! One test at a time, in one function: they measure the whole process, or fork it.

#![cfg(target_os = "linux")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ndexpr_runtime::pool::{MAX_THREADS, Pool, PoolError, available_threads, default_threads};

struct Counting;

/// Of all threads.
static N_ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        N_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_pool_in_its_process() {
    forks_between_calls();
    forks_while_others_call();
    forks_while_threads_start_and_end();
    a_fork_in_a_chunk();
    calls_do_not_allocate();
    idle_threads_use_no_cpu_time();
    refused_threads_are_asked_for_again();
    affinities_are_not_touched();
    the_environment_tells_the_number_of_threads();
}

/// Runs `child` in a forked child, and asserts that it returns `true` in time.
fn in_child(child: impl FnOnce() -> bool) {
    // SAFETY: the child has one thread. What it does is `child`, whose locks and allocations glibc
    // and the pool keep in order across forks, and `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        // Neither a panic nor a return may reach the test harness.
        let is_good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(false);
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(i32::from(!is_good)) };
    }
    assert_eq!(wait_for(pid), 0);
}

/// The status of a child that has ended.
fn wait_for(pid: i32) -> i32 {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut status = -1;
    // SAFETY: `pid` is a child of this process that no other thread waits for; `status` is
    // writable.
    while unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == 0 {
        if Instant::now() > deadline {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            panic!("the child hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    status
}

/// Whether a call does all chunks.
fn works(pool: &Pool) -> bool {
    let n_calls = AtomicUsize::new(0);
    pool.run(1000, pool.n_threads(), |_, _| {
        n_calls.fetch_add(1, Ordering::Relaxed);
    });
    n_calls.into_inner() == 1000
}

/// A call that hangs unless it has all threads.
fn needs_all_threads(pool: &Pool) -> bool {
    let barrier = Barrier::new(pool.n_threads());
    pool.run(pool.n_threads(), pool.n_threads(), |_, _| {
        barrier.wait();
    });
    true
}

/// The child starts its own threads, whether the parent's never began, spin or are parked. So does
/// the child's child.
fn forks_between_calls() {
    let pool = Pool::new(4).unwrap();
    in_child(|| needs_all_threads(&pool));
    for pause_ms in [0, 0, 0, 5] {
        assert!(needs_all_threads(&pool));
        std::thread::sleep(Duration::from_millis(pause_ms));
        in_child(|| {
            in_child(|| works(&pool) && needs_all_threads(&pool));
            works(&pool) && needs_all_threads(&pool)
        });
    }
    // Dropping a parent's pool does not wait.
    let mut pool = Some(pool);
    in_child(|| {
        drop(pool.take());
        true
    });
    assert!(needs_all_threads(pool.as_ref().unwrap()));
    // An executor's threads stay behind, and its locks are in whatever state.
    let pool = Pool::on(2, |helper| _ = std::thread::spawn(|| helper.help())).unwrap();
    assert!(needs_all_threads(&pool));
    in_child(|| works(&pool));
}

fn forks_while_others_call() {
    let (pool, is_over) = (Pool::new(3).unwrap(), AtomicBool::new(false));
    // A child that is forked while a thread begins can start no threads: see `workers.rs`.
    assert!(needs_all_threads(&pool));
    let all_here = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                all_here.wait();
                while !is_over.load(Ordering::Relaxed) {
                    assert!(works(&pool));
                }
            });
        }
        all_here.wait();
        for _ in 0..50 {
            in_child(|| works(&pool) && needs_all_threads(&pool));
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

/// Of such children one in some hundreds cannot start threads: see `workers.rs`. Its calls are done
/// by the caller, and its pools can be dropped.
fn forks_while_threads_start_and_end() {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::thread::spawn(|| ()).join().unwrap();
                }
            });
        }
        let outcome = std::panic::catch_unwind(|| {
            for _ in 0..300 {
                in_child(|| works(&Pool::new(3).unwrap()));
            }
        });
        // Else the threads would go on for ever after a failure.
        is_over.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
    });
}

/// The helper that is in the other chunk does not exist in the child: its call cannot end well
/// there, but it must end. A nested call can.
fn a_fork_in_a_chunk() {
    let (pool, parent) = (Pool::new(2).unwrap(), std::process::id());
    let (barrier, status) = (Barrier::new(2), AtomicUsize::new(usize::MAX));
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pool.run(2, 2, |participant, _| {
            barrier.wait();
            if participant == 0 {
                // SAFETY: as in `in_child`: the child leaves by `_exit`, here or below.
                let pid = unsafe { libc::fork() };
                if pid == 0 {
                    if !works(&pool) {
                        // SAFETY: ends the process at once.
                        unsafe { libc::_exit(2) };
                    }
                } else {
                    status.store(wait_for(pid) as usize, Ordering::Relaxed);
                }
            } else {
                while status.load(Ordering::Relaxed) == usize::MAX {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
    }));
    if std::process::id() != parent {
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(if outcome.is_err() { 0 } else { 1 }) };
    }
    drop(std::panic::take_hook());
    assert!(outcome.is_ok() && works(&pool));
    assert_eq!(status.into_inner(), 0);
}

fn calls_do_not_allocate() {
    let pool = Pool::new(4).unwrap();
    assert!(needs_all_threads(&pool));
    let allocations = || {
        // The threads have all come, and whatever they allocate for themselves is there soon.
        std::thread::sleep(Duration::from_millis(50));
        let before = N_ALLOCATIONS.load(Ordering::Relaxed);
        for call in 0..1000 {
            assert!(works(&pool) && needs_all_threads(&pool));
            if call % 100 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        N_ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    // In the first round the pool may start its spare worker, once.
    assert!(allocations() == 0 || allocations() == 0);
}

fn idle_threads_use_no_cpu_time() {
    let cpu_time = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is writable.
        assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) }, 0);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let n_cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    for n_threads in [2, n_cpus.max(2), 8] {
        let pool = Pool::new(n_threads).unwrap();
        assert!(needs_all_threads(&pool));
        std::thread::sleep(Duration::from_millis(5));
        let before = cpu_time();
        std::thread::sleep(Duration::from_millis(200));
        let used = cpu_time() - before;
        assert!(used < Duration::from_millis(4), "{used:?} by {n_threads} threads in 200 ms");
    }
}

/// In a child whose address space has no room for another stack: calls are done without threads.
/// When there is room, the threads come.
fn refused_threads_are_asked_for_again() {
    in_child(|| {
        let pool = Pool::new(3).unwrap();
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
        limit_address_space(pages * 4096 + (4 << 20));
        // Uses up the room, and the stacks that the C library keeps of threads that have ended.
        let is_refused = (0..1000).any(|_| {
            let sleep = || std::thread::sleep(Duration::from_secs(3600));
            std::thread::Builder::new().spawn(sleep).is_err()
        });
        assert!(is_refused && works(&pool) && works(&pool));
        limit_address_space(libc::RLIM_INFINITY);
        gets_all_threads(&pool)
    });
}

fn limit_address_space(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` is readable.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) }, 0);
}

/// Whether before long all threads of the pool are in one call.
fn gets_all_threads(pool: &Pool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        let n_here = AtomicUsize::new(0);
        let call = Instant::now();
        pool.run(pool.n_threads(), pool.n_threads(), |_, _| {
            n_here.fetch_add(1, Ordering::Relaxed);
            while n_here.load(Ordering::Relaxed) < pool.n_threads() && call.elapsed() < Duration::from_millis(200) {
                std::thread::yield_now();
            }
        });
        // A participant that waits in vain does its chunk alone, and then another's.
        if call.elapsed() < Duration::from_millis(200) {
            return true;
        }
    }
    false
}

type Cpus = libc::cpu_set_t;

/// The processors that a thread may use; 0 for this one.
fn affinity(thread: i32) -> Cpus {
    // SAFETY: an empty set is all zeros.
    let mut cpus: Cpus = unsafe { std::mem::zeroed() };
    // SAFETY: `cpus` is writable and as large as stated.
    assert_eq!(unsafe { libc::sched_getaffinity(thread, size_of::<Cpus>(), &raw mut cpus) }, 0);
    cpus
}

/// As `taskset --all-tasks`: narrows or widens each thread of this process.
fn set_affinity_of_all(cpus: &Cpus) {
    let mut done = Vec::new();
    loop {
        let new: Vec<i32> = threads_of_this_process().into_iter().filter(|thread| !done.contains(thread)).collect();
        if new.is_empty() {
            return;
        }
        for &thread in &new {
            // SAFETY: `cpus` is readable and as large as stated. The thread may be gone, which does
            // not matter.
            unsafe { libc::sched_setaffinity(thread, size_of::<Cpus>(), cpus) };
        }
        // Threads that were started by one that had not been seen to yet.
        done.extend(new);
    }
}

fn threads_of_this_process() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.map(|task| task.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

/// An affinity that the owner of the process sets while workers are woken stays. Here a thread
/// plays the owner.
fn affinities_are_not_touched() {
    let all = affinity(0);
    // SAFETY: the sets are sets, and the numbers are less than their size.
    let cpus: Vec<usize> = (0..8 * size_of::<Cpus>()).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &all) }).collect();
    let only = |cpu: usize| {
        // SAFETY: as above, and an empty set is all zeros.
        unsafe {
            let mut only: Cpus = std::mem::zeroed();
            libc::CPU_SET(cpu, &mut only);
            only
        }
    };
    let (pool, n_rounds) = (Pool::new(2).unwrap(), if cpus.len() > 1 { 300 } else { 0 });
    for round in 0..n_rounds {
        set_affinity_of_all(&all);
        let (narrow, is_over) = (only(cpus[round % cpus.len()]), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(500));
                set_affinity_of_all(&narrow);
                is_over.store(true, Ordering::Relaxed);
            });
            // Each call wakes the worker, which parks in the pause.
            while !is_over.load(Ordering::Relaxed) {
                assert!(works(&pool));
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        assert!(works(&pool));
        // The worker is done with what it does when it has been woken.
        std::thread::sleep(Duration::from_millis(1));
        for thread in threads_of_this_process() {
            // SAFETY: both are sets.
            let is_narrow = unsafe { libc::CPU_EQUAL(&affinity(thread), &narrow) };
            assert!(is_narrow, "round {round}: thread {thread} may use more than its owner allows");
        }
    }
    set_affinity_of_all(&all);
}

fn the_environment_tells_the_number_of_threads() {
    let bad = |value: &str| Err(PoolError::BadEnvironment { value: value.to_owned() });
    for (value, expected) in
        [("", Ok(available_threads())), ("3", Ok(3)), ("100000", Ok(MAX_THREADS)), ("0", bad("0")), ("abc", bad("abc"))]
    {
        in_child(|| {
            // SAFETY: the child has one thread, so no other reads the environment meanwhile.
            unsafe { std::env::set_var("NDEXPR_NUM_THREADS", value) };
            default_threads() == expected
        });
    }
}
