//! Every operation and dtype at every CPU level against plain loops, along rows and columns; what
//! an operation gives without elements, and when a part of them decides it.

use crate::plain::{assert_deviations, expected, in_order};
use crate::support::{KINDS, Memory, elements, finish, levels, pairs, reduce};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::reduce::{COLUMN_LEAF, LEAF, ReduceOp, Reducer};

#[test]
fn results_are_those_of_plain_loops_at_every_level() {
    let counts = (1..=70).chain([127, 128, 129, 255, 1023, 1024, 1025, 3000, 7 * LEAF + 100]);
    for ((op, dtype), n) in counts.flat_map(|n| pairs().map(move |pair| (pair, n))) {
        for kind in KINDS {
            let x = elements(kind, dtype, n);
            let results: Vec<Scalar> =
                levels().map(|level| reduce(&Reducer::at(op, dtype, level).unwrap(), &x)).collect();
            assert!(results.iter().all(|&result| result == results[0]), "{op:?} {dtype} {n} {kind:?}: {results:?}");
            if matches!(op, ReduceOp::Deviations | ReduceOp::NanDeviations) {
                assert_deviations(op, &x, results[0]);
            } else {
                assert_eq!(results[0], expected(op, &x, in_order), "{op:?} {dtype} {n} {kind:?}");
            }
        }
    }
}

#[test]
fn columns_are_those_of_plain_loops_at_every_level() {
    let one_by_one = |x: &[f64], identity: f64, op: fn(f64, f64) -> f64| x.iter().fold(identity, |a, &b| op(a, b));
    let shapes =
        [1, 2, 3, 7, 8, 9, 15, COLUMN_LEAF].into_iter().flat_map(|rows| [1, 3, 8, 13, 64, 67, 150].map(|n| (rows, n)));
    for ((op, dtype), (rows, lanes)) in shapes.flat_map(|shape| pairs().map(move |pair| (pair, shape))) {
        for (kind, is_flipped) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            // Rows of memory have elements that are not in the tile.
            let width = lanes + 5;
            let x = elements(kind, dtype, rows * width);
            let memory = Memory::new(&x, lanes % 8);
            let stride = (width * dtype.size()) as isize;
            let results: Vec<Vec<Scalar>> = levels()
                .map(|level| {
                    let reducer = Reducer::at(op, dtype, level).unwrap();
                    let mut partials = vec![0; lanes * 3];
                    let (start, stride) = if is_flipped { ((rows - 1) * width, -stride) } else { (0, stride) };
                    // SAFETY: as many rows, from the last up if flipped, and room for partials of
                    // three words.
                    unsafe {
                        let src = memory.ptr().add(start * dtype.size());
                        reducer.column_leaf(rows, lanes, src, stride, 32, partials.as_mut_ptr().cast());
                    }
                    finish(&reducer, lanes, &partials)
                })
                .collect();
            assert!(results.iter().all(|result| *result == results[0]), "{op:?} {dtype} {rows}x{lanes} {kind:?}");
            for (lane, &actual) in results[0].iter().enumerate() {
                let mut column: Vec<Scalar> = (0..rows).map(|row| x[row * width + lane]).collect();
                if is_flipped {
                    column.reverse();
                }
                if matches!(op, ReduceOp::Deviations | ReduceOp::NanDeviations) {
                    assert_deviations(op, &column, actual);
                    continue;
                }
                let mut expected = expected(op, &column, one_by_one);
                if matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax) {
                    expected = Scalar::new(expected.get::<i64>().unwrap() + 32);
                }
                assert_eq!(actual, expected, "{op:?} {dtype} {rows}x{lanes}, lane {lane}, {kind:?}");
            }
        }
    }
}

#[test]
fn no_elements_give_what_they_can() {
    for (op, dtype) in pairs() {
        let empty = Reducer::new(op, dtype).unwrap().empty();
        assert!(empty.is_none_or(|empty| Some(empty.dtype()) == op.result_dtype(dtype)));
    }
    let empty = |op, dtype| Reducer::new(op, dtype).unwrap().empty();
    assert_eq!(empty(ReduceOp::Sum, DType::UInt8), Some(Scalar::new(0_u64)));
    assert_eq!(empty(ReduceOp::Prod, DType::Float32), Some(Scalar::new(1.0_f32)));
    assert_eq!(empty(ReduceOp::All, DType::Bool), Some(Scalar::new(true)));
    assert_eq!(empty(ReduceOp::Min, DType::Bool), None);
    assert!(Reducer::new(ReduceOp::Any, DType::Float64).is_none());
    assert!(Reducer::new(ReduceOp::Deviations, DType::Int64).is_none());
}

#[test]
fn true_decides_any_and_false_decides_all() {
    let is_decided = |op, partials: &[u8]| Reducer::new(op, DType::Bool).unwrap().is_decided(partials);
    assert!(is_decided(ReduceOp::Any, &[1, 1]) && !is_decided(ReduceOp::Any, &[1, 0]));
    assert!(is_decided(ReduceOp::All, &[0, 0]) && !is_decided(ReduceOp::All, &[1, 0]));
    assert!(!is_decided(ReduceOp::Sum, &[0; 8]));
}
