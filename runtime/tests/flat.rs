//! Short calls: what is taken, what is refused, and that they do the same as plans.

use ndarray::{Array1, Array2, ShapeBuilder, array, s};
use ndexpr_runtime::abi::RunKind::{Contiguous, Splat};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{Flat, FlatMany, MAX_FLAT_INPUTS, copy_kernel};
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::view::{View, ViewMut};

fn one_thread() -> Pool {
    Pool::new(1).unwrap()
}

/// Copies an input to an output by a short call; false if it is refused.
fn copy(input: &View<'_>, out: &mut ViewMut<'_>) -> bool {
    let Some(mut flat) = Flat::new(out) else { return false };
    if !flat.push(input) {
        return false;
    }
    let kernel = copy_kernel(input.dtype(), flat.run_kinds()[0]);
    flat.run(&kernel, &one_thread()).expect("it is short").unwrap();
    true
}

#[test]
fn arrays_that_lie_alike() {
    let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let mut c = Array2::<f64>::zeros((2, 3));
    assert!(copy(&View::from(&a), &mut ViewMut::from(&mut c)));
    assert_eq!(c, a);
    let mut f_order = Array2::<f64>::zeros((2, 3).f());
    assert!(!copy(&View::from(&a), &mut ViewMut::from(&mut f_order)), "another order");
    let a_in_f_order = a.t().as_standard_layout().to_owned().reversed_axes();
    assert!(copy(&View::from(&a_in_f_order), &mut ViewMut::from(&mut f_order)));
    assert_eq!(f_order, a);
    // The stride of an axis of one element means nothing.
    let column = View::from_bytes(&[7, 8], DType::Int8, &[2, 1], &[1, 99], 0).unwrap();
    let mut out = array![[0_i8], [0]];
    assert!(copy(&column, &mut ViewMut::from(&mut out)));
    assert_eq!(out, array![[7], [8]]);
    // More than a tile.
    let long = Array1::from_iter((0..40_000).map(f64::from));
    let mut out = Array1::<f64>::zeros(40_000);
    assert!(copy(&View::from(&long), &mut ViewMut::from(&mut out)));
    assert_eq!(out, long);
}

#[test]
fn calls_in_a_row_on_several_threads() {
    let pool = Pool::new(3).unwrap();
    for n in [30_000, 40_001] {
        let mut out = Array1::<f64>::zeros(n);
        for call in 0..100 {
            let input = Array1::from_iter((0..n).map(|k| (k + call) as f64));
            let (input_view, mut out_view) = (View::from(&input), ViewMut::from(&mut out));
            let mut flat = Flat::new(&mut out_view).unwrap();
            assert!(flat.push(&input_view));
            flat.run(&copy_kernel(DType::Float64, Contiguous), &pool).expect("it is short").unwrap();
            assert_eq!(out, input);
        }
    }
}

#[test]
fn long_work_is_left_to_plans() {
    let (input, mut out) = (Array1::<f64>::ones(10_000_000), Array1::<f64>::zeros(10_000_000));
    let (input, mut out) = (View::from(&input), ViewMut::from(&mut out));
    let mut flat = Flat::new(&mut out).unwrap();
    assert!(flat.push(&input));
    let kernel = copy_kernel(DType::Float64, Contiguous);
    assert!(flat.run(&kernel, &one_thread()).is_none());
    assert!(flat.run(&kernel, &Pool::new(2).unwrap()).is_none());
}

#[test]
fn parts_that_lie_alike() {
    let mut memory = array![1.0, 2.0, 3.0, 4.0, 5.0, 0.0];
    let start: *mut f64 = memory.as_mut_ptr();
    // Copies three elements from one place of the memory to another; false if it is refused.
    let copy = |from: usize, to: usize| {
        assert!(from.max(to) + 3 <= 6);
        // SAFETY: the elements are inside of the memory, which only this call reads and writes.
        let mut flat = unsafe { Flat::dense(start.add(to).cast(), DType::Float64, 3) };
        // SAFETY: as above.
        if !unsafe { flat.push_dense(start.add(from).cast(), DType::Float64) } {
            return false;
        }
        assert_eq!(flat.inputs().collect::<Vec<_>>(), [(DType::Float64, Contiguous)]);
        assert_eq!(flat.result_dtype(), DType::Float64);
        let kernel = copy_kernel(DType::Float64, Contiguous);
        flat.run(&kernel, &one_thread()).expect("it is short").unwrap();
        true
    };
    assert!(copy(0, 3));
    assert!(copy(1, 1), "the output itself");
    assert!(!copy(0, 1) && !copy(3, 1), "partly the output");
    assert_eq!(memory, array![1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
}

#[test]
fn one_element_is_repeated() {
    let mut out = Array1::<f64>::zeros(5);
    assert!(copy(&View::from_element(&3.0), &mut ViewMut::from(&mut out)));
    assert_eq!(out, Array1::from_elem(5, 3.0));
    let mut one = 0.0;
    assert!(copy(&View::from_element(&4.0), &mut ViewMut::from_element_mut(&mut one)));
    assert_eq!(one, 4.0);
}

#[test]
fn what_is_not_simple_is_refused() {
    let (a, mut out) = (Array1::<f64>::zeros(6), Array1::<f64>::zeros(6));
    let views = [View::from(a.slice(s![..5])), View::from(a.slice(s![..;2])), View::from(a.slice(s![..;-1]))];
    for view in views.iter().chain([&View::from(&a.view().insert_axis(ndarray::Axis(0)))]) {
        assert!(!copy(view, &mut ViewMut::from(&mut out)), "{view:?}");
    }
    assert!(Flat::new(&mut ViewMut::from(out.slice_mut(s![..;2]))).is_none(), "gaps");
    assert!(Flat::new(&mut ViewMut::from(out.slice_mut(s![..;-1]))).is_none(), "reversed");
    assert!(Flat::new(&mut ViewMut::from(out.slice_mut(s![..0]))).is_none(), "empty");
    let mut cube = ndarray::Array3::<f64>::zeros((2, 3, 4)).permuted_axes([0, 2, 1]);
    assert!(Flat::new(&mut ViewMut::from(&mut cube)).is_none(), "neither C nor F order");

    let mut out = ViewMut::from(&mut out);
    let mut flat = Flat::new(&mut out).unwrap();
    for _ in 0..MAX_FLAT_INPUTS {
        assert!(flat.push(&View::from(&a)));
    }
    assert!(
        !flat.push(&View::from(&a)) && !flat.push_scalar(DType::Int8, &[0; 8]) && !flat.push_output(DType::Float64)
    );
    assert_eq!(flat.run_kinds(), [Contiguous; MAX_FLAT_INPUTS + 1]);
    assert!(flat.select(std::iter::repeat_n(0, MAX_FLAT_INPUTS + 1)).is_none());
}

#[test]
fn inputs_that_meet_the_output() {
    let mut memory = [1.0, 2.0, 3.0, 4.0];
    let base = memory.as_mut_ptr().cast::<u8>();
    // SAFETY: all are inside of `memory`, and only used by short calls, which refuse a partial
    // overlap.
    let (exactly, shifted, last, mut out) = unsafe {
        (
            View::from_raw_parts(base, DType::Float64, &[3], &[8]).unwrap(),
            View::from_raw_parts(base.add(8), DType::Float64, &[3], &[8]).unwrap(),
            View::from_raw_parts(base.add(16), DType::Float64, &[], &[]).unwrap(),
            ViewMut::from_raw_parts(base, DType::Float64, &[3], &[8]).unwrap(),
        )
    };
    assert!(!copy(&shifted, &mut out), "partly");
    assert!(!copy(&last, &mut out), "an element of it for all");
    assert!(copy(&exactly, &mut out));
    let mut flat = Flat::new(&mut out).unwrap();
    assert!(!flat.push_output(DType::Int64), "another dtype");
    assert!(flat.push_output(DType::Float64) && flat.push_scalar(DType::Float64, &[0; 8]));
    assert_eq!(flat.run_kinds(), [Contiguous, Splat, Contiguous]);
    let flat = flat.select([1].into_iter()).unwrap();
    assert_eq!(flat.run_kinds(), [Splat, Contiguous]);
    flat.run(&copy_kernel(DType::Float64, Splat), &one_thread()).unwrap().unwrap();
    assert_eq!(memory, [0.0, 0.0, 0.0, 4.0]);
}

#[test]
fn kernels_must_fit() {
    let (a, mut out) = ([1.0, 2.0], [0.0; 2]);
    let mut out = ViewMut::from_slice_mut(&mut out);
    let mut flat = Flat::new(&mut out).unwrap();
    assert!(flat.push(&View::from_slice(&a)));
    assert!(flat.run(&copy_kernel(DType::Float32, Contiguous), &one_thread()).unwrap().is_err());
}

/// What reduces to one element without stages: what it refuses, and what it gives.
#[test]
fn folds() {
    use ndexpr_runtime::exec::{ExecError, FlatFold, FoldValue, Origin, map_elements};
    use ndexpr_runtime::reduce::{ReduceOp, Reducer};

    let pool = Pool::new(2).unwrap();
    let sum = Reducer::new(ReduceOp::Sum, DType::Float64).unwrap();
    let max = Reducer::new(ReduceOp::Max, DType::Float64).unwrap();
    let value = |origin| FoldValue { dtype: DType::Float64, origin: Some(origin) };
    let [a, b] = [1.0, 0.5].map(|step| ndarray::Array2::from_shape_fn((3, 500), |(i, j)| (i * 500 + j) as f64 * step));
    let (views, gaps) = ([View::from(&a), View::from(&b)], View::from(a.slice(ndarray::s![.., ..;2])));
    let (turned, other) = (View::from(a.t()), View::from(a.row(0)));
    let scalar = 2.5_f64.to_ne_bytes();
    let mut call = FlatFold::new();
    assert!(!call.push(&gaps));
    assert!(call.push(&views[0]) && call.push(&views[1]));
    assert!(!call.push(&turned) && !call.push(&other));
    assert!(call.push_scalar(DType::Float64, &scalar));
    assert_eq!(call.n_elems(), 1500);
    assert_eq!((call.scalar(0), call.scalar(2)), (None, Some((DType::Float64, scalar))));

    let values = [value(Origin::Input(0)), value(Origin::Product([0, 1]))];
    let folds = [(sum, 0), (sum, 1), (max, 0)];
    assert!(!call.needs_kernel(&values, &folds));
    let mut outcomes = [[0; 8]; 3];
    call.run(None, &values, &folds, &pool, &mut outcomes).expect("it is short").unwrap();
    let squares: f64 = (0..1500).map(|i| f64::from(i) * f64::from(i) / 2.0).sum();
    assert_eq!(outcomes.map(f64::from_ne_bytes), [1499.0 * 750.0, squares, 1499.0]);

    // A single element, or a product for what takes none, must be computed.
    for (origin, reducer) in [(Origin::Input(2), sum), (Origin::Product([0, 1]), max)] {
        let values = [value(origin)];
        assert!(call.needs_kernel(&values, &[(reducer, 0)]));
        let done = call.run(None, &values, &[(reducer, 0)], &pool, &mut outcomes);
        assert!(matches!(done, Some(Err(ExecError::LayoutMismatch))), "{done:?}");
    }
    let copy = copy_kernel(DType::Float64, Contiguous);
    let one = call.select([1].into_iter());
    one.run(Some(&copy), &values[..1], &[(sum, 0)], &pool, &mut outcomes).expect("it is short").unwrap();
    assert_eq!(f64::from_ne_bytes(outcomes[0]), 1499.0 * 375.0);
    let done = call.run(Some(&copy), &values[..1], &[(sum, 0)], &pool, &mut outcomes);
    assert!(matches!(done, Some(Err(ExecError::KernelMismatch { .. }))), "{done:?}");
    let wrong = Reducer::new(ReduceOp::Sum, DType::Float32).unwrap();
    let done = one.run(Some(&copy), &values[..1], &[(wrong, 0)], &pool, &mut outcomes);
    assert!(matches!(done, Some(Err(ExecError::LayoutMismatch))), "{done:?}");

    // Single elements, many elements, and too many reductions run in another way.
    let long = vec![1.0; 1 << 17];
    let long_view = View::from_slice(&long);
    let mut long_call = FlatFold::new();
    assert!(long_call.push(&long_view));
    assert!(long_call.run(None, &values[..1], &[(sum, 0)], &pool, &mut outcomes).is_none());
    assert!(call.select([2].into_iter()).select([].into_iter()).run(None, &[], &[], &pool, &mut []).is_some());
    assert!(FlatFold::new().run(None, &[], &[], &pool, &mut []).is_none());
    assert!(call.run(None, &values, &[(sum, 0); 9], &pool, &mut [[0; 8]; 9]).is_none());

    let mut out = [(DType::Float64, [0; 8])];
    map_elements(&copy, &[(DType::Float64, 7.5_f64.to_ne_bytes())], &mut out).unwrap();
    assert_eq!(f64::from_ne_bytes(out[0].1), 7.5);
    assert!(map_elements(&copy, &[(DType::Int64, [0; 8])], &mut out).is_err());
    assert!(map_elements(&copy, &[], &mut out).is_err());
    assert!(map_elements(&copy, &[out[0]], &mut [out[0]; 2]).is_err());
}

/// Short calls with several outputs: what they refuse.
#[test]
fn several_outputs() {
    let (a, row) = (Array2::<f64>::ones((3, 4)), Array1::<f64>::ones(4));
    let (mut first, mut second) = (Array2::<f64>::zeros((3, 4)), Array2::<f32>::zeros((3, 4)));
    let mut turned = Array2::<f64>::zeros((3, 4).f());
    assert!(FlatMany::new(&mut [ViewMut::from(&mut first), ViewMut::from(&mut turned)]).is_none(), "another order");
    assert!(FlatMany::new(&mut []).is_none());
    let mut outs = [ViewMut::from(&mut first), ViewMut::from(&mut second)];
    let mut flat = FlatMany::new(&mut outs).expect("they lie alike");
    assert!(flat.push(&View::from(&a)) && flat.push(&View::from_element(&2.0)));
    assert!(!flat.push(&View::from(&row)) && !flat.push(&View::from(a.t())));
    assert!(flat.push_output(1) && !flat.push_output(2));
    assert_eq!(flat.run_kinds()[..], [Contiguous, Splat, Contiguous, Contiguous, Contiguous]);
    flat.select([2, 0].into_iter());
    assert_eq!(flat.n_inputs(), 2);
    let kernel = copy_kernel(DType::Float64, Contiguous);
    assert!(flat.run(&kernel, &one_thread()).expect("it is short").is_err(), "a kernel of one output");
}

/// A part of an output, or of two outputs at once, cannot be an input.
#[test]
fn outputs_that_overlap() {
    let mut memory = [0.0; 10];
    let start = memory.as_mut_ptr();
    let at = |offset: usize| {
        // SAFETY: all elements are in `memory`, which lives as long; nothing is read or written.
        unsafe { ViewMut::from_raw_parts(start.add(offset).cast(), DType::Float64, &[5], &[8]) }.unwrap()
    };
    assert!(FlatMany::new(&mut [at(0), at(3)]).is_none());
    let mut outs = [at(0), at(5)];
    let mut flat = FlatMany::new(&mut outs).expect("they are apart");
    // SAFETY: as above.
    let part = |offset: usize| unsafe { View::from_raw_parts(start.add(offset).cast(), DType::Float64, &[5], &[8]) };
    assert!(flat.push(&part(5).unwrap()) && !flat.push(&part(2).unwrap()));
}
