//! `exec::run` against a walk over all indices, over random shapes, layouts, tiles and threads.

mod common;

use common::{Array, add_and_count_for, add_in_blocks_for, array, broadcastable, indices, pool, shape};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::exec::{ExecError, Kernel, Progress, RunOptions, copy_of, run};
use ndexpr_runtime::plan::{Input, Plan, PlanError};
use ndexpr_runtime::view::{View, ViewMut};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Clone, Debug)]
struct Case {
    shape: Vec<usize>,
    a: Array,
    b: Array,
    out: Array,
    visits: Array,
    n_threads: usize,
    max_tile_elems: Option<usize>,
    ns_per_elem: f32,
    /// The lanes of blocks, if the kernel is only called for whole ones. Its tiles have any size.
    block: Option<usize>,
}

impl Case {
    fn kernel(&self, plan: &Plan<'_>) -> Kernel {
        match self.block {
            None => add_and_count_for(plan, self.max_tile_elems, self.ns_per_elem),
            Some(4) => add_in_blocks_for::<4>(plan, self.ns_per_elem),
            Some(_) => add_in_blocks_for::<32>(plan, self.ns_per_elem),
        }
    }
}

fn case() -> impl Strategy<Value = Case> {
    let operands = shape().prop_flat_map(|shape| {
        let a = broadcastable(shape.clone()).prop_flat_map(|shape| array(DType::Float64, shape));
        let b = broadcastable(shape.clone()).prop_flat_map(|shape| array(DType::Float32, shape));
        let (out, visits) = (array(DType::Float64, shape.clone()), array(DType::UInt8, shape.clone()));
        (Just(shape), a, b, out, visits)
    });
    let max_tile_elems =
        prop::sample::select(vec![None, None, Some(1), Some(7), Some(64), Some(100), Some(256), Some(1024)]);
    let ns_per_elem = prop::sample::select(vec![0.0, 30.0, 3000.0, f32::NAN, -1.0]);
    let block = prop::sample::select(vec![None, Some(4), Some(32)]);
    (operands, prop::sample::select(vec![1, 2, 3, 8]), max_tile_elems, ns_per_elem, block).prop_map(
        |((shape, a, b, out, visits), n_threads, max_tile_elems, ns_per_elem, block)| Case {
            shape,
            a,
            b,
            out: out.filled(0),
            visits: visits.filled(0),
            n_threads,
            max_tile_elems,
            ns_per_elem,
            block,
        },
    )
}

fn sum(a: Option<Scalar>, b: Option<Scalar>) -> Scalar {
    Scalar::new(a.unwrap().get::<f64>().unwrap() + f64::from(b.unwrap().get::<f32>().unwrap()))
}

/// `out = a + b` and `visits = 1`, element by element; the bytes between elements stay.
fn expected(case: &Case) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut visits) = (case.out.clone(), case.visits.clone());
    let a = case.a.view().broadcast_to(&case.shape).unwrap();
    let b = case.b.view().broadcast_to(&case.shape).unwrap();
    for index in indices(&case.shape) {
        out.view_mut().write(&index, sum(a.read(&index), b.read(&index))).unwrap();
        visits.view_mut().write(&index, Scalar::new(1u8)).unwrap();
    }
    (out.bytes, visits.bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_element_is_computed_once(mut case in case()) {
        let settings = case.clone();
        let kernel_of = |plan: &Plan<'_>| settings.kernel(plan);
        let (expected_out, expected_visits) = expected(&case);
        let inputs = [case.a.view(), case.b.view()];
        let mut outputs = [case.out.view_mut(), case.visits.view_mut()];
        let plan = Plan::new(&case.shape, &inputs, &mut outputs).unwrap();
        prop_assert_eq!(plan.n_elems(), case.shape.iter().product::<usize>());
        prop_assert_eq!(plan.extents().iter().product::<usize>(), plan.n_elems());
        let kernel = kernel_of(&plan);
        let progress = Progress::new(plan.n_elems());
        let options = RunOptions { pool: pool(case.n_threads), progress: Some(&progress) };
        run(&plan, &kernel, &options).unwrap();
        prop_assert_eq!(progress.done(), progress.total());
        prop_assert_eq!(case.visits.bytes, expected_visits, "visits");
        prop_assert_eq!(case.out.bytes, expected_out, "sums");
    }

    #[test]
    fn in_place(mut case in case(), by_address in any::<bool>()) {
        let settings = case.clone();
        let kernel_of = |plan: &Plan<'_>| settings.kernel(plan);
        // The first input is the output itself.
        case.a = case.out.clone();
        let shape = case.shape.clone();
        for index in indices(&shape) {
            let value = Scalar::new(index.iter().sum::<usize>() as f64);
            case.a.view_mut().write(&index, value).unwrap();
        }
        case.out = case.a.clone();
        let (expected_out, expected_visits) = expected(&case);
        let b = case.b.view();
        let (strides, ptr) = (case.out.strides.clone(), case.out.view_mut().as_ptr().cast_mut());
        // SAFETY: the buffer outlives the plan, in which the two meet, and nothing else uses it meanwhile.
        let (out_to_read, out) = unsafe {
            (
                View::from_raw_parts(ptr, DType::Float64, &shape, &strides).unwrap(),
                ViewMut::from_raw_parts(ptr, DType::Float64, &shape, &strides).unwrap(),
            )
        };
        let mut outputs = [out, case.visits.view_mut()];
        let plan = if by_address {
            Plan::new(&shape, &[out_to_read, b], &mut outputs).unwrap()
        } else {
            Plan::in_place(&shape, &[Input::Output(0), Input::View(&b)], &mut outputs).unwrap()
        };
        let kernel = kernel_of(&plan);
        run(&plan, &kernel, &RunOptions::new(pool(case.n_threads))).unwrap();
        prop_assert_eq!(case.visits.bytes, expected_visits, "visits");
        prop_assert_eq!(case.out.bytes, expected_out, "sums");
    }
}

#[test]
fn partial_overlap_is_refused_and_a_copy_helps() {
    let mut buffer: Vec<f64> = (0..101).map(f64::from).collect();
    let (zeros, mut visits) = ([0f32; 100], [0u8; 100]);
    let ptr: *mut u8 = buffer.as_mut_ptr().cast();
    // SAFETY: the buffer outlives both; they meet in plans only.
    let (shifted, out) = unsafe {
        (
            View::from_raw_parts(ptr, DType::Float64, &[100], &[8]).unwrap(),
            ViewMut::from_raw_parts(ptr.wrapping_add(8), DType::Float64, &[100], &[8]).unwrap(),
        )
    };
    let mut outputs = [out, ViewMut::from_slice_mut(&mut visits)];
    let copy = copy_of(&shifted, &RunOptions::new(pool(2))).unwrap();
    let error = Plan::new(&[100], &[shifted, View::from_slice(&zeros)], &mut outputs).unwrap_err();
    assert_eq!(error, PlanError::Overlap { input: 0, output: 0 });
    let inputs = [copy.view(), View::from_slice(&zeros)];
    let plan = Plan::new(&[100], &inputs, &mut outputs).unwrap();
    run(&plan, &add_and_count_for(&plan, None, 1.0), &RunOptions::new(pool(1))).unwrap();
    let expected: Vec<f64> = std::iter::once(0.0).chain((0..100).map(f64::from)).collect();
    assert_eq!(buffer, expected);
}

#[test]
fn a_kernel_for_other_operands_is_refused() {
    let (a, b) = (vec![1f64; 10], vec![1f32; 10]);
    let (mut out, mut visits) = (vec![0f64; 10], vec![0u8; 10]);
    let inputs = [View::from_slice(&a), View::from_slice(&b)];
    let mut outputs = [ViewMut::from_slice_mut(&mut out), ViewMut::from_slice_mut(&mut visits)];
    let plan = Plan::new(&[10], &inputs, &mut outputs).unwrap();
    let kernel = add_and_count_for(&plan, None, 1.0);
    drop(outputs);

    let splat = [View::from_element(&2f64), View::from_slice(&b)];
    let mut outputs = [ViewMut::from_slice_mut(&mut out), ViewMut::from_slice_mut(&mut visits)];
    let plan = Plan::new(&[10], &splat, &mut outputs).unwrap();
    let error = run(&plan, &kernel, &RunOptions::new(pool(1))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kernel for (float64 contiguous, float32 contiguous -> float64 contiguous, uint8 contiguous) cannot run a plan \
         for (float64 splat, float32 contiguous -> float64 contiguous, uint8 contiguous)"
    );
    drop(outputs);

    let mut outputs = [ViewMut::from_slice_mut(&mut visits)];
    let plan = Plan::new(&[10], &inputs, &mut outputs).unwrap();
    assert!(matches!(run(&plan, &kernel, &RunOptions::new(pool(1))), Err(ExecError::KernelMismatch { .. })));
    assert_eq!(out, [0.0; 10]);
}

#[test]
fn cancelling_stops_before_the_next_chunk() {
    for n_threads in [1, 2, 8] {
        let n = 100_000;
        let (a, b, mut out, mut visits) = (vec![1f64; n], vec![1f32; n], vec![0f64; n], vec![0u8; n]);
        let inputs = [View::from_slice(&a), View::from_slice(&b)];
        let mut outputs = [ViewMut::from_slice_mut(&mut out), ViewMut::from_slice_mut(&mut visits)];
        let plan = Plan::new(&[n], &inputs, &mut outputs).unwrap();
        let kernel = add_and_count_for(&plan, Some(64), 1e6);
        let progress = Progress::new(n);
        let options = RunOptions { pool: pool(n_threads), progress: Some(&progress) };
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                while progress.done() == 0 {
                    std::thread::yield_now();
                }
                progress.cancel();
            });
            run(&plan, &kernel, &options)
        });
        // The run may have been faster than the thread that cancels it.
        assert!(result == Err(ExecError::Cancelled) || progress.done() == n, "{result:?}");
        assert_eq!(run(&plan, &kernel, &options), Err(ExecError::Cancelled), "cancelled before it begins");
        assert_eq!(visits.iter().map(|&v| usize::from(v)).sum::<usize>(), progress.done());
    }
}

/// The thread that wanted to be asked is, between its chunks, and nobody else.
#[test]
fn a_no_when_asked_stops_before_the_next_chunk() {
    for n_threads in [1, 2, 8] {
        let n = 100_000;
        let (a, b, mut out, mut visits) = (vec![1f64; n], vec![1f32; n], vec![0f64; n], vec![0u8; n]);
        let inputs = [View::from_slice(&a), View::from_slice(&b)];
        let mut outputs = [ViewMut::from_slice_mut(&mut out), ViewMut::from_slice_mut(&mut visits)];
        let plan = Plan::new(&[n], &inputs, &mut outputs).unwrap();
        let kernel = add_and_count_for(&plan, Some(64), 1e6);
        let (n_asked, caller) = (Arc::new(AtomicUsize::new(0)), std::thread::current().id());
        let count = Arc::clone(&n_asked);
        let progress = Progress::new(n).asking(Duration::ZERO, move || {
            assert_eq!(std::thread::current().id(), caller);
            count.fetch_add(1, Ordering::Relaxed) < 2
        });
        let options = RunOptions { pool: pool(n_threads), progress: Some(&progress) };
        match run(&plan, &kernel, &options) {
            Err(ExecError::Cancelled) => assert!(progress.is_cancelled() && n_asked.load(Ordering::Relaxed) == 3),
            // The helpers may have done nearly everything before the caller had its second chunk.
            result => assert!(n_threads > 1 && result.is_ok() && progress.done() == n, "{result:?}"),
        }
        assert_eq!(visits.iter().map(|&v| usize::from(v)).sum::<usize>(), progress.done());
    }
}

/// Not before the period is over.
#[test]
fn asking_takes_its_time() {
    let n_asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&n_asked);
    let progress = Progress::default().asking(Duration::from_secs(1000), move || {
        count.fetch_add(1, Ordering::Relaxed);
        false
    });
    assert!(!progress.is_to_stop());
    assert_eq!(n_asked.load(Ordering::Relaxed), 0);
}

#[test]
fn plan_errors() {
    let (a, b, mut out) = ([1f64; 6], [1f64; 4], [0f64; 6]);
    let wide = ndarray::ArrayD::<f64>::ones(ndarray::IxDyn(&[1; 33]));
    let mut outputs = [ViewMut::from_slice_mut(&mut out)];
    let mut error = |shape: &[usize], inputs: &[View<'_>]| Plan::new(shape, inputs, &mut outputs).unwrap_err();
    assert_eq!(error(&[1; 33], &[View::from(&wide)]), PlanError::TooManyAxes { n_axes: 33 });
    assert!(matches!(error(&[6], &[View::from(&wide)]), PlanError::NotBroadcastable { input: 0, .. }));
    assert!(matches!(error(&[1 << 40, 1 << 40], &[]), PlanError::TooLarge { .. }));
    let views = [View::from_slice(&a), View::from_slice(&b)];
    assert_eq!(error(&[6], &views), PlanError::NotBroadcastable { input: 1, from: Box::new([4]), to: Box::new([6]) });
    assert_eq!(
        error(&[1, 6], &views[..1]),
        PlanError::OutputShape { output: 0, expected: Box::new([1, 6]), found: Box::new([6]) }
    );
    let error = Plan::in_place(&[6], &[Input::Output(1)], &mut outputs).unwrap_err();
    assert_eq!(error, PlanError::NoSuchOutput { input: 0, output: 1 });
}
