//! Arrays that do not fit the caches, whose results are written past them.

use ndarray::{Array1, Array2, Axis, Zip, s};
use ndexpr::{Backend, Engine, Vars, vars};

/// More than the last-level cache of most processors holds, with a few such arrays.
const N: usize = 5_000_000;

/// The number of elements after which they repeat.
const PERIOD: usize = 1013;

fn numbers(n: usize, factor: f64) -> Array1<f64> {
    Array1::from_iter((0..n).map(|k| (k % PERIOD) as f64 * factor - 3.0))
}

#[test]
fn elementwise() {
    let (a, b) = (numbers(N, 0.25), numbers(N, 0.5));
    let expected = &a + &b * 2.0;
    for threads in [1, 3] {
        let engine = Engine::builder().threads(threads).build().unwrap();
        // Inputs and outputs begin at any place in a cache line.
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

/// Elements of other sizes, with inputs and outputs that are not aligned to a register.
#[test]
fn elementwise_of_small_elements() {
    const N_BYTES: usize = 16_000_000;
    let engine = Engine::builder().threads(2).build().unwrap();
    let bytes = Array1::from_iter((0..N_BYTES).map(|k| (k % PERIOD) as u8));
    let floats = bytes.slice(s![..N]).mapv(f32::from);
    for (from, to) in [(0, 0), (3, 16), (5, 7), (64, 48)] {
        let mut out = Array1::from_elem(N_BYTES, 7_u8);
        let (a, b) = (bytes.slice(s![from..N_BYTES - 100]), bytes.slice(s![from + 1..N_BYTES - 99]));
        let last = to + a.len();
        engine.evaluate_into("a*3 + b", &vars! { a, b }, out.slice_mut(s![to..last])).unwrap();
        let expected = Zip::from(a).and(b).map_collect(|a, b| a.wrapping_mul(3).wrapping_add(*b));
        assert!(out.slice(s![to..last]) == expected, "{from} to {to}");
        assert!(out.slice(s![..to]).iter().chain(out.slice(s![last..])).all(|&x| x == 7), "around {to}");

        let mut out = Array1::from_elem(N, -1.0_f32);
        let a = floats.slice(s![from..N - 100]);
        let last = to + a.len();
        engine.evaluate_into("sqrt(a) / 3 - a", &vars! { a }, out.slice_mut(s![to..last])).unwrap();
        assert!(out.slice(s![to..last]) == a.mapv(|a| a.sqrt() / 3.0 - a), "{from} to {to}");
        assert!(out.slice(s![..to]).iter().chain(out.slice(s![last..])).all(|&x| x == -1.0), "around {to}");
    }
}

/// Calls that write to the output directly, which begins and ends anywhere in a cache line.
#[test]
fn results_of_calls() {
    let (a, b) = (numbers(N, 0.25) + 4.0, numbers(N, 0.5) + 4.0);
    let engine = Engine::builder().threads(3).build().unwrap();
    let one_by_one = Engine::builder().backend(Backend::Interp).build().unwrap();
    for text in ["exp(-a)", "exp(3 - a)", "atan2(a, b)", "a**3"] {
        let period = vars! { a: a.slice(s![..PERIOD]), b: b.slice(s![..PERIOD]) };
        let period: Array1<f64> = one_by_one.evaluate(text, &period).unwrap();
        let expected = Array1::from_shape_fn(N, |k| period[k % PERIOD]);
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

/// Elements of every size, transposed in both directions, of two sizes at once, in rows of all
/// lengths.
#[test]
fn transposed() {
    let engine = Engine::builder().threads(2).build().unwrap();
    for (rows, columns) in [(1001, 999), (77, 7001), (5003, 130)] {
        let numbers = numbers(rows * columns, 1.0).into_shape_with_order((columns, rows)).unwrap();
        let bytes = numbers.mapv(|x| x as i8);
        let (shorts, floats) = (numbers.mapv(|x| x as i16), numbers.mapv(|x| x as f32));
        let a = Array2::from_shape_fn((rows, columns), |(i, k)| (i * 3 + k) as f64);
        let check = |what: &str, text: &str, vars: &Vars<'_>, other: &Array2<f64>| {
            let sum: Array2<f64> = engine.evaluate(text, vars).unwrap();
            assert!(sum == &a + other, "{rows} x {columns}, {what}");
        };
        check("i8", "a + b", &vars! { a, b: bytes.t() }, &bytes.t().mapv(f64::from));
        check("i16", "a + b", &vars! { a, b: shorts.t() }, &shorts.t().mapv(f64::from));
        check("f32", "a + b", &vars! { a, b: floats.t() }, &floats.t().mapv(f64::from));
        for step in [s![..;-1, ..], s![.., ..;-1]] {
            let b = numbers.t();
            let b = b.slice(step);
            check("reversed", "a + b", &vars! { a, b }, &b.to_owned());
        }
        let product = &numbers.t() * &shorts.t().mapv(f64::from);
        check("two", "b*c + a", &vars! { a, b: numbers.t(), c: shorts.t() }, &product);
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
