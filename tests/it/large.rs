//! Arrays that do not fit the caches, whose results are written past them.

use ndarray::{Array1, Array2, Axis, Zip, s};
use ndexpr::{Engine, vars};

/// More than the last-level cache of most processors holds, with a few such arrays.
const N: usize = 5_000_000;

fn numbers(n: usize, factor: f64) -> Array1<f64> {
    Array1::from_iter((0..n).map(|k| (k % 1013) as f64 * factor - 3.0))
}

#[test]
fn elementwise() {
    let (a, b) = (numbers(N, 0.25), numbers(N, 0.5));
    let expected = &a + &b * 2.0;
    for threads in [1, 3] {
        let engine = Engine::builder().threads(threads).build().unwrap();
        // From any place in a cache line on, and to any.
        for (first, last) in [(0, N), (1, N), (3, N - 5)] {
            let mut out = Array1::from_elem(N, -1.0);
            let vars = vars! { a: a.slice(s![first..last]), b: b.slice(s![first..last]) };
            engine.evaluate_into("a + b*2", &vars, out.slice_mut(s![first..last])).unwrap();
            assert!(out.slice(s![first..last]) == expected.slice(s![first..last]));
            assert!(out.slice(s![..first]).iter().chain(out.slice(s![last..])).all(|&x| x == -1.0));
        }
        // Values that wait for a call, and the output itself.
        let mut out = a.clone();
        engine.evaluate_into("sqrt(a*a + b*b) + a", &vars! { a: ndexpr::Var::output::<f64>(), b }, &mut out).unwrap();
        let expected = Zip::from(&a).and(&b).map_collect(|&a, &b| (a * a + b * b).sqrt() + a);
        assert!(out == expected);
        let bools: Array1<bool> = engine.evaluate("a < b", &vars! { a, b }).unwrap();
        assert!(bools.iter().zip(a.iter().zip(&b)).all(|(&is_less, (a, b))| is_less == (a < b)));
    }
}

/// What a call writes to the output itself, wherever in a cache line that begins and ends; all are correctly rounded.
#[test]
fn results_of_calls() {
    let (a, b) = (numbers(N, 0.25) + 4.0, numbers(N, 0.5) + 4.0);
    type Plain = fn(f64, f64) -> f64;
    let texts: [(&str, Plain); 3] =
        [("sqrt(a)", |a, _| a.sqrt()), ("a / b", |a, b| a / b), ("a / 0.7", |a, _| a / 0.7)];
    let engine = Engine::builder().threads(3).build().unwrap();
    for (text, f) in texts {
        let expected = Zip::from(&a).and(&b).map_collect(|&a, &b| f(a, b));
        for (first, last) in [(0, N), (1, N), (3, N - 5)] {
            let mut out = Array1::from_elem(N, -1.0);
            let vars = vars! { a: a.slice(s![first..last]), b: b.slice(s![first..last]) };
            engine.evaluate_into(text, &vars, out.slice_mut(s![first..last])).unwrap();
            assert!(out.slice(s![first..last]) == expected.slice(s![first..last]), "{text} from {first}");
            assert!(out.slice(s![..first]).iter().chain(out.slice(s![last..])).all(|&x| x == -1.0), "{text}");
        }
    }
}

#[test]
fn rows() {
    let engine = Engine::builder().threads(2).build().unwrap();
    // Long rows, rows shorter than what is streamed, and very short ones.
    for columns in [2000, 100, 3] {
        let rows = N / columns;
        let a = numbers(rows * columns, 0.25).into_shape_with_order((rows, columns)).unwrap();
        let b = numbers(rows * columns, 0.5).into_shape_with_order((columns, rows)).unwrap();
        let row = numbers(columns, 1.5);
        let all: Array2<f64> = engine.evaluate("a*row + b", &vars! { a, row, b: b.t() }).unwrap();
        assert!(all == &a * &row + b.t(), "{columns} columns");
        // Rows with gaps between.
        let mut wide = Array2::from_elem((rows, columns + 3), -1.0);
        engine.evaluate_into("a*row", &vars! { a, row }, wide.slice_mut(s![.., 1..=columns])).unwrap();
        assert!(wide.slice(s![.., 1..=columns]) == &a * &row);
        assert!(wide.column(0).iter().chain(wide.slice(s![.., columns + 1..])).all(|&x| x == -1.0));
    }
}

#[test]
fn softmax_of_rows() {
    const SOFTMAX: &str = "exp(a - max(a, axis=-1, keepdims=True)) / sum(exp(a - max(a, axis=-1, keepdims=True)), axis=-1, keepdims=True)";
    let engine = Engine::builder().threads(2).build().unwrap();
    for columns in [1000, 37] {
        let rows = N / columns;
        let a = numbers(rows * columns, 0.01).into_shape_with_order((rows, columns)).unwrap();
        let all: Array2<f64> = engine.evaluate(SOFTMAX, &vars! { a }).unwrap();
        for (row, result) in a.axis_iter(Axis(0)).zip(all.axis_iter(Axis(0))).step_by(97) {
            let alone: Array1<f64> = engine.evaluate(SOFTMAX, &vars! { a: row }).unwrap();
            assert!(alone == result);
            assert!((result.sum() - 1.0).abs() < 1e-12);
        }
    }
}
