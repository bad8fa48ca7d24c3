//! Loops of one call: what is refused, what nothing comes to, and that blocks of rows change nothing.

use ndarray::{Array2, Axis};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{
    Dest, ExecError, Fold, MapLoop, MapOutput, Origin, ReduceLoop, RunOptions, ScanLoop, Source, Stages, Value,
    copy_kernel,
};
use ndexpr_runtime::plan::PlanError;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::reduce::{ReduceOp, Reducer, ScanOp, Scanner};
use ndexpr_runtime::view::{AxisSet, View, ViewMut};

fn reducer(op: ReduceOp, dtype: DType) -> Reducer {
    Reducer::new(op, dtype).expect("it is defined for the dtype")
}

/// One reduction of a view along the second axis, into the result.
fn along_rows<'s>(shape: &'s [usize], values: &'s [Value], folds: &'s [Fold]) -> ReduceLoop<'s> {
    let axes = AxisSet::of([1]).expect("an axis");
    ReduceLoop { shape, axes, inputs: &[Source::View(0)], values, folds }
}

fn copied(dtype: DType) -> Value {
    Value { dtype, origin: Some(Origin::Input(0)), keep: None }
}

fn sum_of(dtype: DType) -> Fold {
    Fold { reducer: reducer(ReduceOp::Sum, dtype), value: 0, dest: Dest::Result(0) }
}

#[test]
fn what_does_not_fit_is_refused() {
    let a = Array2::<f64>::ones((4, 5));
    let view = View::from(&a);
    let floats = [copied(DType::Float64)];
    let sum = [sum_of(DType::Float64)];

    let mut out = ndarray::Array1::<f64>::zeros(4);
    let mut stages = Stages::new(&[&view], &[ViewMut::from(&mut out)]);
    let of_f32 = stages.reduce(&along_rows(&[4, 5], &floats, &[sum_of(DType::Float32)]));
    assert!(matches!(of_f32, Err(PlanError::DTypeMismatch { .. })), "{of_f32:?}");
    let as_f32 = stages.reduce(&along_rows(&[4, 5], &[copied(DType::Float32)], &[sum_of(DType::Float32)]));
    assert!(matches!(as_f32, Err(PlanError::DTypeMismatch { .. })), "{as_f32:?}");
    let too_long = stages.reduce(&along_rows(&[9, 5], &floats, &sum));
    assert!(matches!(too_long, Err(PlanError::NotBroadcastable { .. })), "{too_long:?}");

    let mut out = ndarray::Array1::<i64>::zeros(4);
    let to_int = Stages::new(&[&view], &[ViewMut::from(&mut out)]).reduce(&along_rows(&[4, 5], &floats, &sum));
    assert!(matches!(to_int, Err(PlanError::DTypeMismatch { .. })), "{to_int:?}");
    let mut out = ndarray::Array1::<f64>::zeros(5);
    let to_five = Stages::new(&[&view], &[ViewMut::from(&mut out)]).reduce(&along_rows(&[4, 5], &floats, &sum));
    assert!(matches!(to_five, Err(PlanError::OutputShape { .. })), "{to_five:?}");
}

/// A value that waits for a reduction that is not there would be written where there is no room for it; and what names
/// something that does not exist is an error, not a panic.
#[test]
fn what_is_missing_or_unused_is_refused() {
    let a = Array2::<f64>::ones((4, 5));
    let view = View::from(&a);
    let mut out = ndarray::Array1::<f64>::zeros(4);
    let mut stages = Stages::new(&[&view], &[ViewMut::from(&mut out)]);
    let (floats, sum) = ([copied(DType::Float64)], [sum_of(DType::Float64)]);
    let along = along_rows(&[4, 5], &floats, &sum);

    let unused = stages.reduce(&ReduceLoop { values: &[floats[0]; 2], ..along });
    assert_eq!(unused, Err(PlanError::UnusedValue { value: 1 }));
    let nothing = stages.reduce(&ReduceLoop { folds: &[], ..along });
    assert_eq!(nothing, Err(PlanError::NoReduction));
    let twice = stages.reduce(&ReduceLoop { folds: &[sum[0]; 2], ..along });
    assert_eq!(twice, Err(PlanError::SharedOutput { output: 1 }));

    let missing = |what, index| Err(PlanError::Missing { what, index });
    assert_eq!(stages.reduce(&ReduceLoop { inputs: &[Source::View(1)], ..along }), missing("array", 1));
    assert_eq!(stages.reduce(&ReduceLoop { inputs: &[Source::Temp(0)], ..along }), missing("temporary", 0));
    let axes = AxisSet::of([1, 2]).expect("axes");
    assert_eq!(stages.reduce(&ReduceLoop { axes, ..along }), missing("axis", 2));
    let folds = [Fold { value: 1, ..sum[0] }];
    assert_eq!(stages.reduce(&ReduceLoop { folds: &folds, ..along }), missing("value", 1));
    let folds = [Fold { dest: Dest::Temp(3), ..sum[0] }];
    assert_eq!(stages.reduce(&ReduceLoop { folds: &folds, ..along }), missing("temporary", 3));
    let values = [Value { origin: Some(Origin::Product([0, 7])), ..floats[0] }];
    assert_eq!(stages.reduce(&ReduceLoop { values: &values, ..along }), missing("input", 7));

    let scanner = Scanner::new(ScanOp::CumSum, DType::Float64);
    let scan = ScanLoop {
        shape: &[4, 5],
        axis: 2,
        inputs: &[Source::View(0)],
        value: floats[0],
        scanner,
        dest: Dest::Result(0),
    };
    assert_eq!(stages.scan(&scan), missing("axis", 2));
    let of_rank_0 = stages.scan(&ScanLoop { shape: &[], axis: 0, inputs: &[], ..scan });
    assert_eq!(of_rank_0, missing("axis", 0));
    let output = MapOutput { dtype: DType::Float64, dest: Dest::Result(0) };
    let map = stages.map(&MapLoop { shape: &[4], inputs: &[], outputs: &[output; 2] });
    assert_eq!(map, Err(PlanError::SharedOutput { output: 1 }));
}

/// Of all layouts of two axes, the running sums stay inside of the result.
#[test]
fn scans_write_their_result_only() {
    let a = Array2::from_shape_fn((20, 3), |(i, j)| (3 * i + j) as f64);
    for axis in [0, 1] {
        for strides in [[24, 8], [8, 160]] {
            let mut bytes = vec![0xa5_u8; 480 + 64];
            let view = View::from(&a);
            let mut result =
                ViewMut::from_bytes_mut(&mut bytes[..480], DType::Float64, &[20, 3], &strides, 0).expect("room");
            let mut stages = Stages::new(&[&view], std::slice::from_ref(&result));
            let scanner = Scanner::new(ScanOp::CumSum, DType::Float64);
            let (inputs, value) = (&[Source::View(0)], copied(DType::Float64));
            stages
                .scan(&ScanLoop { shape: &[20, 3], axis, inputs, value, scanner, dest: Dest::Result(0) })
                .expect("it fits");
            let pool = Pool::new(1).expect("a thread");
            let kernel = stages.needs_kernel(0).then(|| copy_kernel(DType::Float64, stages.run_kinds(0)[0]));
            stages
                .run(&[&view], std::slice::from_mut(&mut result), &[kernel.as_ref()], &RunOptions::new(&pool))
                .expect("it runs");
            let mut sums = a.clone();
            sums.accumulate_axis_inplace(Axis(axis), |before, x| *x += before);
            for ((i, j), sum) in sums.indexed_iter() {
                assert_eq!(result.read(&[i, j]).and_then(|x| x.get()), Some(*sum), "axis {axis}, {strides:?}");
            }
            assert!(bytes[480..].iter().all(|&byte| byte == 0xa5));
        }
    }
}

#[test]
fn a_missing_kernel_is_an_error() {
    let a = Array2::<f64>::ones((4, 5)).reversed_axes();
    let view = View::from(&a);
    let mut out = ndarray::Array1::<f64>::zeros(5);
    let mut out = ViewMut::from(&mut out);
    let mut stages = Stages::new(&[&view], std::slice::from_ref(&out));
    // A value that is no copy has to be computed.
    let values = [Value { origin: None, ..copied(DType::Float64) }];
    stages.reduce(&along_rows(&[5, 4], &values, &[sum_of(DType::Float64)])).expect("it fits");
    let pool = Pool::new(1).expect("a thread");
    let missing = stages.run(&[&view], std::slice::from_mut(&mut out), &[None], &RunOptions::new(&pool));
    assert!(matches!(missing, Err(ExecError::KernelMismatch { .. })), "{missing:?}");
}

#[test]
fn nothing_has_its_sum() {
    let a = Array2::<f32>::zeros((3, 0));
    let view = View::from(&a);
    let mut out = ndarray::Array1::<f32>::from_elem(3, 7.0);
    let mut result = ViewMut::from(&mut out);
    let mut stages = Stages::new(&[&view], std::slice::from_ref(&result));
    let fold = Fold { reducer: reducer(ReduceOp::Prod, DType::Float32), value: 0, dest: Dest::Result(0) };
    stages.reduce(&along_rows(&[3, 0], &[copied(DType::Float32)], &[fold])).expect("it fits");
    let pool = Pool::new(2).expect("threads");
    stages
        .run(&[&view], std::slice::from_mut(&mut result), &[None], &RunOptions::new(&pool))
        .expect("there is nothing to do");
    assert_eq!(out, ndarray::Array1::ones(3));
}

/// The rows' maxima, then the array with each row's maximum in place of its elements: two loops over the same rows.
#[test]
fn blocks_of_rows_change_nothing() {
    let a = Array2::from_shape_fn((1000, 333), |(i, j)| ((i * 7919 + j * 104_729) % 10_007) as f64);
    let expected = a.fold_axis(Axis(1), f64::MIN, |max, x| max.max(*x));
    for n_threads in [1, 2, 3] {
        let view = View::from(&a);
        let mut out = Array2::<f64>::zeros((1000, 333));
        let mut result = ViewMut::from(&mut out);
        let mut stages = Stages::new(&[&view], std::slice::from_ref(&result));
        let maxima = stages.add_temp(DType::Float64, &[1000, 1], &[0, 1], AxisSet::EMPTY).expect("memory");
        let fold = Fold { reducer: reducer(ReduceOp::Max, DType::Float64), value: 0, dest: Dest::Temp(maxima) };
        stages.reduce(&along_rows(&[1000, 333], &[copied(DType::Float64)], &[fold])).expect("it fits");
        let outputs = [MapOutput { dtype: DType::Float64, dest: Dest::Result(0) }];
        let map = MapLoop { shape: &[1000, 333], inputs: &[Source::Temp(maxima)], outputs: &outputs };
        stages.map(&map).expect("it fits");
        let copy = copy_kernel(DType::Float64, stages.run_kinds(1)[0]);
        let pool = Pool::new(n_threads).expect("threads");
        stages
            .run(&[&view], std::slice::from_mut(&mut result), &[None, Some(&copy)], &RunOptions::new(&pool))
            .expect("it runs");
        assert!(out.rows().into_iter().zip(&expected).all(|(row, max)| row.iter().all(|x| x == max)), "{n_threads}");
    }
}

#[test]
fn the_same_loops_run_on_other_arrays_of_the_same_layouts() {
    let arrays = [Array2::<f64>::ones((4, 500)), Array2::from_elem((4, 500), 2.0)];
    let mut out = ndarray::Array1::<f64>::zeros(4);
    let mut stages = Stages::new(&[&View::from(&arrays[0])], &[ViewMut::from(&mut out)]);
    stages.reduce(&along_rows(&[4, 500], &[copied(DType::Float64)], &[sum_of(DType::Float64)])).expect("it fits");
    let pool = Pool::new(1).expect("a thread");
    let options = RunOptions::new(&pool);
    for array in &arrays {
        stages
            .run(&[&View::from(array)], &mut [ViewMut::from(&mut out)], &[None], &options)
            .expect("the layouts are the same");
        assert_eq!(out, array.sum_axis(Axis(1)));
    }

    let is_refused = |views: &[&View<'_>], result: &mut ViewMut<'_>| {
        matches!(stages.run(views, std::slice::from_mut(result), &[None], &options), Err(ExecError::LayoutMismatch))
    };
    let a = View::from(&arrays[0]);
    assert!(is_refused(&[], &mut ViewMut::from(&mut out)));
    assert!(is_refused(&[&a, &a], &mut ViewMut::from(&mut out)));
    assert!(is_refused(&[&View::from(&Array2::<f64>::ones((4, 499)))], &mut ViewMut::from(&mut out)), "another shape");
    assert!(is_refused(&[&View::from(&Array2::<i64>::ones((4, 500)))], &mut ViewMut::from(&mut out)), "another dtype");
    let in_f_order = Array2::<f64>::ones((500, 4)).reversed_axes();
    assert!(is_refused(&[&View::from(&in_f_order)], &mut ViewMut::from(&mut out)), "other strides");
    assert!(is_refused(&[&a], &mut ViewMut::from(&mut ndarray::Array1::<f64>::zeros(5))), "another result");

    let mut memory = vec![1_u8; 4 * 500 * 8];
    let start = memory.as_mut_ptr();
    // SAFETY: the elements are inside of the memory, in which any bytes are numbers.
    let view = unsafe { View::from_raw_parts(start, DType::Float64, &[4, 500], &[4000, 8]) }.expect("a view");
    // SAFETY: as above. The two share memory, and neither is used while the other is: the run is refused.
    let mut result = unsafe { ViewMut::from_raw_parts(start, DType::Float64, &[4], &[8]) }.expect("a view");
    let overlapping = stages.run(&[&view], std::slice::from_mut(&mut result), &[None], &options);
    assert!(matches!(overlapping, Err(ExecError::Overlap { input: 0 })), "{overlapping:?}");
}
