//! Measures what the constants in `exec/cost.rs` and `plan/tiling.rs` are about. By hand, on an
//! idle machine: `cargo run --release -p ndexpr-runtime --example measure`.

#![allow(clippy::print_stdout, reason = "the result is a table to read")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ndarray::{Array1, Array2};
use ndexpr_runtime::abi::{KernelArgs, RunKind};
use ndexpr_runtime::exec::{Kernel, KernelSpec, RunOptions, run};
use ndexpr_runtime::plan::Plan;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::view::{View, ViewMut};

/// The least time of one call, in nanoseconds, over about half a second of calls.
fn least_ns(mut f: impl FnMut()) -> f64 {
    let (begin, mut least) = (Instant::now(), f64::INFINITY);
    while begin.elapsed().as_millis() < 500 {
        let start = Instant::now();
        f();
        least = least.min(start.elapsed().as_nanos() as f64);
    }
    least
}

/// The 10th percentile and the median time of one call, in nanoseconds, `pause` microseconds after
/// the one before.
fn wake_ns_after(pause: u64, mut f: impl FnMut()) -> (f64, f64) {
    let mut times: Vec<f64> = (0..2000)
        .map(|_| {
            let idle = Instant::now();
            while idle.elapsed().as_micros() < u128::from(pause) {
                std::hint::spin_loop();
            }
            let start = Instant::now();
            f();
            start.elapsed().as_nanos() as f64
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    (times[times.len() / 10], times[times.len() / 2])
}

/// Kernel: `out = a + b * 2` for float64; fast where all are contiguous.
unsafe extern "C" fn add_twice(args: *const KernelArgs) {
    // SAFETY: run for two inputs and one output of float64 only, aligned.
    unsafe {
        let args = &*args;
        let [a, b, out] = &*args.operands.cast::<[ndexpr_runtime::abi::Operand; 3]>();
        let is_contiguous = [a, b, out].iter().all(|operand| operand.lane_stride == 8);
        for row in 0..args.n_rows as isize {
            let [a_row, b_row, out_row] = [a, b, out].map(|operand| operand.ptr.offset(row * operand.row_stride));
            if is_contiguous {
                let (a, b, out) = (a_row.cast::<f64>(), b_row.cast::<f64>(), out_row.cast::<f64>());
                for lane in 0..args.n_lanes {
                    out.add(lane).write(a.add(lane).read() + b.add(lane).read() * 2.0);
                }
            } else {
                for lane in 0..args.n_lanes as isize {
                    let a = a_row.offset(lane * a.lane_stride).cast::<f64>().read();
                    let b = b_row.offset(lane * b.lane_stride).cast::<f64>().read();
                    out_row.offset(lane * out.lane_stride).cast::<f64>().write(a + b * 2.0);
                }
            }
        }
    }
}

fn kernel_for(plan: &Plan<'_>) -> Kernel {
    let operands: Box<[_]> = plan.dtypes().iter().copied().zip(plan.run_kinds().iter().copied()).collect();
    let is_strided = operands.iter().any(|&(_, kind)| kind == RunKind::Strided);
    let spec = KernelSpec {
        entry: add_twice,
        rest: Box::default(),
        operands,
        n_outputs: 1,
        max_tile_elems: None,
        whole_blocks: None,
        is_streaming: false,
        leaf: None,
        slot_bytes: 0,
        tile_fns: Box::default(),
        callbacks: ndexpr_runtime::function::Callbacks::default(),
        ns_per_elem: if is_strided { 0.6 } else { 0.12 },
        code: Arc::new(()),
    };
    // SAFETY: `add_twice` goes by the strides; the views below are of aligned float64.
    unsafe { Kernel::new(spec) }
}

fn run_once(pool: &Pool, kernel: &Kernel, a: View<'_>, b: View<'_>, out: &mut ViewMut<'_>) {
    let (shape, inputs) = (out.shape().to_vec(), [a, b]);
    let plan = Plan::new(&shape, &inputs, std::slice::from_mut(out)).expect("fits");
    run(&plan, kernel, &RunOptions::new(pool)).expect("runs");
}

fn main() {
    let (one, two) = (Pool::new(1).expect("1"), Pool::new(2).expect("2"));
    println!(
        "empty job of 2 chunks on 2 threads, ns (the caller does not wait for helpers that have not begun), p10 and median:"
    );
    for pause in [0, 10, 100, 1000] {
        let (low, median) = wake_ns_after(pause, || two.run(2, 2, |_, chunk| _ = black_box(chunk)));
        println!("  {pause:5} us after the one before: {low:8.0} {median:8.0}");
    }
    println!("fork-join with both chunks held until both threads are in, ns, p10 and median:");
    for pause in [0, 10, 100, 1000] {
        let barrier = std::sync::atomic::AtomicUsize::new(0);
        let (low, median) = wake_ns_after(pause, || {
            barrier.store(0, std::sync::atomic::Ordering::SeqCst);
            two.run(2, 2, |_, _| {
                barrier.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                while barrier.load(std::sync::atomic::Ordering::SeqCst) < 2 {
                    std::hint::spin_loop();
                }
            });
        });
        println!("  {pause:5} us after the one before: {low:8.0} {median:8.0}");
    }
    let spin_10_us = |_, _| {
        let start = Instant::now();
        while start.elapsed().as_micros() < 10 {
            std::hint::spin_loop();
        }
    };
    for (pool, n_threads) in [(&one, 1), (&two, 2)] {
        let ns = least_ns(|| pool.run(16, n_threads, spin_10_us));
        println!("16 chunks of 10 us on {n_threads} thread(s), least ns: {ns:8.0}");
    }
    println!("a + b*2, f64, contiguous, least ns per element (and ns per call):");
    for n in [1, 100, 1000, 10_000, 30_000, 100_000, 200_000, 300_000, 1_000_000, 10_000_000] {
        let (a, b, mut out) = (Array1::<f64>::ones(n), Array1::<f64>::ones(n), Array1::<f64>::zeros(n));
        let mut out = ViewMut::from(&mut out);
        let kernel = {
            let inputs = [View::from(&a), View::from(&b)];
            kernel_for(&Plan::new(&[n], &inputs, std::slice::from_mut(&mut out)).expect("fits"))
        };
        let ns =
            [&one, &two].map(|pool| least_ns(|| run_once(pool, &kernel, View::from(&a), View::from(&b), &mut out)));
        let [per_one, per_two] = ns.map(|ns| ns / n as f64);
        println!("  n={n:9}  1 thread {per_one:8.3} ({:10.0})  2 threads {per_two:8.3} ({:10.0})", ns[0], ns[1]);
    }
    println!("a + b.T*2, f64, least ns per element:");
    for n in [100, 1000, 2048, 3000] {
        let (a, b, mut out) = (Array2::<f64>::ones((n, n)), Array2::<f64>::ones((n, n)), Array2::<f64>::zeros((n, n)));
        let mut out = ViewMut::from(&mut out);
        let kernel = {
            let inputs = [View::from(&a), View::from(b.t())];
            kernel_for(&Plan::new(&[n, n], &inputs, std::slice::from_mut(&mut out)).expect("fits"))
        };
        let [per_one, per_two] = [&one, &two].map(|pool| {
            least_ns(|| run_once(pool, &kernel, View::from(&a), View::from(b.t()), &mut out)) / (n * n) as f64
        });
        println!("  {n:5}x{n:<5}  1 thread {per_one:8.3}  2 threads {per_two:8.3}");
    }
}
