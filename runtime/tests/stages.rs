//! Loops of one call: what is refused, what nothing comes to, and that blocks of rows change nothing.

use ndarray::{Array2, Axis};
use ndexpr_runtime::dtype::{DType, Scalar};
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
fn along_rows<'s, 'v, 'a>(
    shape: &'s [usize],
    inputs: &'s [Source<'v, 'a>],
    values: &'s [(DType, Dest)],
    folds: &'s [Fold],
) -> Loop<'s, 'v, 'a> {
    Loop { shape, reduced: 0b10, inputs, values, origins: &[Some(Origin::Input(0))], folds }
}

#[test]
fn what_does_not_fit_is_refused() {
    let a = Array2::<f64>::ones((4, 5));
    let view = View::from(&a);
    let inputs = [Source::View(&view)];
    let values = [(DType::Float64, Dest::Scratch)];
    let sum = |dtype| [Fold { op: reduce(ReduceOp::Sum, dtype), value: 0, dest: Dest::Result }];

    let mut out = ndarray::Array1::<f64>::zeros(4);
    let mut stages = Stages::new(ViewMut::from(&mut out));
    let of_f32 = stages.push(&along_rows(&[4, 5], &inputs, &values, &sum(DType::Float32)));
    assert!(matches!(of_f32, Err(PlanError::DTypeMismatch { .. })), "{of_f32:?}");
    let as_f32 = stages.push(&along_rows(&[4, 5], &inputs, &[(DType::Float32, Dest::Scratch)], &sum(DType::Float32)));
    assert!(matches!(as_f32, Err(PlanError::DTypeMismatch { .. })), "{as_f32:?}");
    let too_long = stages.push(&along_rows(&[9, 5], &inputs, &values, &sum(DType::Float64)));
    assert!(matches!(too_long, Err(PlanError::NotBroadcastable { .. })), "{too_long:?}");

    let mut out = ndarray::Array1::<i64>::zeros(4);
    let to_int =
        Stages::new(ViewMut::from(&mut out)).push(&along_rows(&[4, 5], &inputs, &values, &sum(DType::Float64)));
    assert!(matches!(to_int, Err(PlanError::DTypeMismatch { .. })), "{to_int:?}");
    let mut out = ndarray::Array1::<f64>::zeros(5);
    let to_five =
        Stages::new(ViewMut::from(&mut out)).push(&along_rows(&[4, 5], &inputs, &values, &sum(DType::Float64)));
    assert!(matches!(to_five, Err(PlanError::OutputShape { .. })), "{to_five:?}");
}

#[test]
fn a_missing_kernel_is_an_error() {
    let a = Array2::<f64>::ones((4, 5)).reversed_axes();
    let view = View::from(&a);
    let mut out = ndarray::Array1::<f64>::zeros(5);
    let mut stages = Stages::new(ViewMut::from(&mut out));
    let fold = [Fold { op: reduce(ReduceOp::Sum, DType::Float64), value: 0, dest: Dest::Result }];
    // A value that is no copy has to be computed.
    let inputs = [Source::View(&view)];
    let spec = Loop { origins: &[None], ..along_rows(&[5, 4], &inputs, &[(DType::Float64, Dest::Scratch)], &fold) };
    stages.push(&spec).expect("it fits");
    let pool = Pool::new(1).expect("a thread");
    let missing = stages.run(&[None], &RunOptions::new(&pool));
    assert!(matches!(missing, Err(ExecError::KernelMismatch { .. })), "{missing:?}");
}

#[test]
fn nothing_has_its_sum() {
    let a = Array2::<f32>::zeros((3, 0));
    let view = View::from(&a);
    let mut out = ndarray::Array1::<f32>::from_elem(3, 7.0);
    let mut stages = Stages::new(ViewMut::from(&mut out));
    let fold = [Fold { op: reduce(ReduceOp::Prod, DType::Float32), value: 0, dest: Dest::Result }];
    let inputs = [Source::View(&view)];
    let spec = along_rows(&[3, 0], &inputs, &[(DType::Float32, Dest::Scratch)], &fold);
    stages.push(&spec).expect("it fits");
    stages.run(&[None], &RunOptions::new(&Pool::new(2).expect("threads"))).expect("there is nothing to do");
    drop(stages);
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
        let mut stages = Stages::new(ViewMut::from(&mut out));
        let maxima = stages.add_temp(DType::Float64, &[1000, 1], &[0, 1]).expect("memory");
        let fold = [Fold { op: reduce(ReduceOp::Max, DType::Float64), value: 0, dest: Dest::Temp(maxima) }];
        let inputs = [Source::View(&view)];
        let spec = along_rows(&[1000, 333], &inputs, &[(DType::Float64, Dest::Scratch)], &fold);
        stages.push(&spec).expect("it fits");
        let inputs = [Source::Temp(maxima, 0)];
        let spec = Loop { reduced: 0, ..along_rows(&[1000, 333], &inputs, &[(DType::Float64, Dest::Result)], &[]) };
        stages.push(&spec).expect("it fits");
        let copy = copy_kernel(DType::Float64, stages.run_kinds(1)[0]);
        let pool = Pool::new(n_threads).expect("threads");
        stages.run(&[None, Some(&copy)], &RunOptions::new(&pool)).expect("it runs");
        assert_eq!(stages.temp(maxima).read(&[5, 0]), Some(Scalar::new(expected[5])));
        drop(stages);
        assert!(out.rows().into_iter().zip(&expected).all(|(row, max)| row.iter().all(|x| x == max)), "{n_threads}");
    }
}
