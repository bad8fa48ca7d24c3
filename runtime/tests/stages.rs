//! Loops of one call: what is refused, what nothing comes to, and that blocks of rows change nothing.

use ndarray::{Array2, Axis};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{AlongOp, Dest, ExecError, Fold, Loop, Origin, RunOptions, Source, Stages};
use ndexpr_runtime::memory::copy_kernel;
use ndexpr_runtime::plan::PlanError;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::reduce::{ReduceOp, Reducer};
use ndexpr_runtime::view::{View, ViewMut};

fn reduce(op: ReduceOp, dtype: DType) -> AlongOp {
    AlongOp::Reduce(Reducer::new(op, dtype).expect("it is defined for the dtype"))
}

/// One reduction of a view of two axes along the second, into the result.
fn along_rows<'s>(
    shape: &'s [usize],
    inputs: &'s [Source],
    values: &'s [(DType, Dest)],
    folds: &'s [Fold],
) -> Loop<'s> {
    Loop { shape, reduced: 0b10, inputs, values, origins: &[Some(Origin::Input(0))], folds }
}

#[test]
fn what_does_not_fit_is_refused() {
    let a = Array2::<f64>::ones((4, 5));
    let view = View::from(&a);
    let inputs = [Source::View(0)];
    let values = [(DType::Float64, Dest::Scratch)];
    let sum = |dtype| [Fold { op: reduce(ReduceOp::Sum, dtype), value: 0, dest: Dest::Result }];

    let mut out = ndarray::Array1::<f64>::zeros(4);
    let mut stages = Stages::new(&[&view], &ViewMut::from(&mut out));
    let of_f32 = stages.push(&along_rows(&[4, 5], &inputs, &values, &sum(DType::Float32)));
    assert!(matches!(of_f32, Err(PlanError::DTypeMismatch { .. })), "{of_f32:?}");
    let as_f32 = stages.push(&along_rows(&[4, 5], &inputs, &[(DType::Float32, Dest::Scratch)], &sum(DType::Float32)));
    assert!(matches!(as_f32, Err(PlanError::DTypeMismatch { .. })), "{as_f32:?}");
    let too_long = stages.push(&along_rows(&[9, 5], &inputs, &values, &sum(DType::Float64)));
    assert!(matches!(too_long, Err(PlanError::NotBroadcastable { .. })), "{too_long:?}");

    let mut out = ndarray::Array1::<i64>::zeros(4);
    let to_int = Stages::new(&[&view], &ViewMut::from(&mut out)).push(&along_rows(
        &[4, 5],
        &inputs,
        &values,
        &sum(DType::Float64),
    ));
    assert!(matches!(to_int, Err(PlanError::DTypeMismatch { .. })), "{to_int:?}");
    let mut out = ndarray::Array1::<f64>::zeros(5);
    let to_five = Stages::new(&[&view], &ViewMut::from(&mut out)).push(&along_rows(
        &[4, 5],
        &inputs,
        &values,
        &sum(DType::Float64),
    ));
    assert!(matches!(to_five, Err(PlanError::OutputShape { .. })), "{to_five:?}");
}

#[test]
fn a_missing_kernel_is_an_error() {
    let a = Array2::<f64>::ones((4, 5)).reversed_axes();
    let view = View::from(&a);
    let mut out = ndarray::Array1::<f64>::zeros(5);
    let mut out = ViewMut::from(&mut out);
    let mut stages = Stages::new(&[&view], &out);
    let fold = [Fold { op: reduce(ReduceOp::Sum, DType::Float64), value: 0, dest: Dest::Result }];
    // A value that is no copy has to be computed.
    let inputs = [Source::View(0)];
    let spec = Loop { origins: &[None], ..along_rows(&[5, 4], &inputs, &[(DType::Float64, Dest::Scratch)], &fold) };
    stages.push(&spec).expect("it fits");
    let pool = Pool::new(1).expect("a thread");
    let missing = stages.run(&[&view], &mut out, &[None], &RunOptions::new(&pool));
    assert!(matches!(missing, Err(ExecError::KernelMismatch { .. })), "{missing:?}");
}

#[test]
fn nothing_has_its_sum() {
    let a = Array2::<f32>::zeros((3, 0));
    let view = View::from(&a);
    let mut out = ndarray::Array1::<f32>::from_elem(3, 7.0);
    let mut result = ViewMut::from(&mut out);
    let mut stages = Stages::new(&[&view], &result);
    let fold = [Fold { op: reduce(ReduceOp::Prod, DType::Float32), value: 0, dest: Dest::Result }];
    let inputs = [Source::View(0)];
    let spec = along_rows(&[3, 0], &inputs, &[(DType::Float32, Dest::Scratch)], &fold);
    stages.push(&spec).expect("it fits");
    let pool = Pool::new(2).expect("threads");
    stages.run(&[&view], &mut result, &[None], &RunOptions::new(&pool)).expect("there is nothing to do");
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
        let mut stages = Stages::new(&[&view], &result);
        let maxima = stages.add_temp(DType::Float64, &[1000, 1], &[0, 1]).expect("memory");
        let fold = [Fold { op: reduce(ReduceOp::Max, DType::Float64), value: 0, dest: Dest::Temp(maxima) }];
        let inputs = [Source::View(0)];
        let spec = along_rows(&[1000, 333], &inputs, &[(DType::Float64, Dest::Scratch)], &fold);
        stages.push(&spec).expect("it fits");
        let inputs = [Source::Temp(maxima, 0)];
        let spec = Loop { reduced: 0, ..along_rows(&[1000, 333], &inputs, &[(DType::Float64, Dest::Result)], &[]) };
        stages.push(&spec).expect("it fits");
        let copy = copy_kernel(DType::Float64, stages.run_kinds(1)[0]);
        let pool = Pool::new(n_threads).expect("threads");
        stages.run(&[&view], &mut result, &[None, Some(&copy)], &RunOptions::new(&pool)).expect("it runs");
        assert!(out.rows().into_iter().zip(&expected).all(|(row, max)| row.iter().all(|x| x == max)), "{n_threads}");
    }
}

#[test]
fn the_same_loops_run_on_other_arrays_that_lie_alike() {
    let arrays = [Array2::<f64>::ones((4, 500)), Array2::from_elem((4, 500), 2.0)];
    let mut out = ndarray::Array1::<f64>::zeros(4);
    let mut stages = Stages::new(&[&View::from(&arrays[0])], &ViewMut::from(&mut out));
    let fold = [Fold { op: reduce(ReduceOp::Sum, DType::Float64), value: 0, dest: Dest::Result }];
    let values = [(DType::Float64, Dest::Scratch)];
    stages.push(&along_rows(&[4, 500], &[Source::View(0)], &values, &fold)).expect("it fits");
    let pool = Pool::new(1).expect("a thread");
    let options = RunOptions::new(&pool);
    for array in &arrays {
        stages.run(&[&View::from(array)], &mut ViewMut::from(&mut out), &[None], &options).expect("it lies alike");
        assert_eq!(out, array.sum_axis(Axis(1)));
    }

    let is_refused = |views: &[&View<'_>], result: &mut ViewMut<'_>| {
        matches!(stages.run(views, result, &[None], &options), Err(ExecError::LayoutMismatch))
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
    let overlapping = stages.run(&[&view], &mut result, &[None], &options);
    assert!(matches!(overlapping, Err(ExecError::Overlap { input: 0 })), "{overlapping:?}");
}
