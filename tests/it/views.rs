//! Slices, single places, new axes and transposes in a text, against indices computed by hand.

use ndarray::{Array2, Array3, ArrayD, Axis, IxDyn, array, s};
use ndexpr::{DType, Engine, Signature, Stage, VarType, Vars, View, ViewMut, evaluate, vars};
use std::f64::consts::PI;

fn result(text: &str, vars: Vars<'_>) -> ArrayD<f64> {
    evaluate(text, vars).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn parts_are_those_of_ndarray() {
    let a = Array2::from_shape_fn((6, 7), |(r, c)| (r * 10 + c) as f64);
    let b = Array3::from_shape_fn((3, 4, 5), |(i, j, k)| (i * 100 + j * 10 + k) as f64);
    let v = array![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    let check = |text: &str, expected: ArrayD<f64>| {
        let vars = vars! { a: a.view(), b: b.view(), v: v.view(), k: 2.0 };
        assert_eq!(result(text, vars), expected, "{text}");
    };
    check("a[1:-1, ::2]", a.slice(s![1..5, ..;2]).to_owned().into_dyn());
    check("a[::-1]", a.slice(s![..;-1, ..]).to_owned().into_dyn());
    check("a[4:1:-2, -1]", array![46.0, 26.0].into_dyn());
    check("a.T", a.t().to_owned().into_dyn());
    check("a.T[2]", a.column(2).to_owned().into_dyn());
    check("b.T", b.view().reversed_axes().to_owned().into_dyn());
    check("b[..., 1]", b.index_axis(Axis(2), 1).to_owned().into_dyn());
    check("b[1, ..., 1]", b.slice(s![1, .., 1]).to_owned().into_dyn());
    check("b[:, None, 0, ::4]", b.slice(s![.., 0, ..;4]).insert_axis(Axis(1)).to_owned().into_dyn());
    check("v[None]*2", (v.clone() * 2.0).insert_axis(Axis(0)).into_dyn());
    check("a[2, 3]", ndarray::arr0(23.0).into_dyn());
    check("a[2][3]", ndarray::arr0(23.0).into_dyn());
    check("v[9:]", ArrayD::zeros(IxDyn(&[0])));
    check("v[-99:99:3]", array![1.0, 4.0, 7.0].into_dyn());
    check("v[9223372036854775807:-9223372036854775808:-9223372036854775808]", array![7.0].into_dyn());
    check("v[::9223372036854775807]", array![1.0].into_dyn());
    // Of expressions, whose variables have other shapes.
    let whole = &a * k() + &v;
    check("(a*k + v)[1:, ::-3]", whole.slice(s![1.., ..;-3]).to_owned().into_dyn());
    check("(a*k + v)[2]", whole.row(2).to_owned().into_dyn());
    check("(v + a[:, :1])[3:, 5]", (&v + &a.slice(s![.., ..1])).slice(s![3.., 5]).to_owned().into_dyn());
    check("(a + v).T[1:3]", (&a + &v).t().slice(s![1..3, ..]).to_owned().into_dyn());
    check("(v*2 + 1)[1:][1:]", v.slice(s![2..]).mapv(|x| x * 2.0 + 1.0).into_dyn());
    check("t = (a*pi)[1:]; t[1:] - t[:-1]", (&a.slice(s![2.., ..]) * PI - &a.slice(s![1..5, ..]) * PI).into_dyn());
    check("(pi*v + k)[1:][1:].T", v.slice(s![2..]).mapv(|x| PI * x + 2.0).into_dyn());
    check("(where(a > 20, a, k) - 1)[0, 1]", ndarray::arr0(1.0).into_dyn());
    // With functions along axes.
    check("sum(a[1:3], axis=1)", a.slice(s![1..3, ..]).sum_axis(Axis(1)).into_dyn());
    check("a[1:3].T.sum(axis=0)", a.slice(s![1..3, ..]).sum_axis(Axis(1)).into_dyn());
    check("a - sum(v[:2])", a.mapv(|x| x - 3.0).into_dyn());
}

fn k() -> f64 {
    2.0
}

/// Stencils read five parts of one array, and write a fresh one or an output.
#[test]
fn a_stencil_is_one_loop() {
    let u = Array2::from_shape_fn((40, 50), |(r, c)| ((r * 7 + c * 3) % 11) as f64);
    let text = "0.25*(u[1:-1, 2:] + u[1:-1, :-2] + u[2:, 1:-1] + u[:-2, 1:-1])";
    let (left, right) = (u.slice(s![1..39, ..48]), u.slice(s![1..39, 2..]));
    let (up, down) = (u.slice(s![..38, 1..49]), u.slice(s![2.., 1..49]));
    let expected = (&right + &left + down + up) * 0.25;
    let vars = vars! { u: u.view() };
    assert_eq!(evaluate::<Array2<f64>>(text, vars.clone()).unwrap(), expected);
    let mut out = Array2::<f64>::zeros((38, 48));
    ndexpr::evaluate_into(text, vars.clone(), &mut out).unwrap();
    assert_eq!(out, expected);
    let program = Engine::global().program(text, &vars).unwrap();
    assert_eq!(program.variables().map(|(name, _)| name).collect::<Vec<_>>(), ["u"]);
    assert_eq!(program.result_shape(&vars).unwrap(), [38, 48]);
    assert!(!program.explain(Stage::Fuse).contains("loop 1"), "{}", program.explain(Stage::Fuse));
    // In place: what is read must not be overwritten before.
    let mut own = u.clone();
    let (ptr, row_bytes) = (own.as_mut_ptr(), 50 * 8_isize);
    // SAFETY: all elements are those of `own`, which nobody else uses meanwhile. `run` checks how
    // its inputs and outputs overlap.
    let (input, out) = unsafe {
        let input = View::from_raw_parts(ptr.cast(), DType::Float64, &[40, 50], &[row_bytes, 8]).unwrap();
        let inner = ptr.add(51).cast();
        (input, ViewMut::from_raw_parts(inner, DType::Float64, &[38, 48], &[row_bytes, 8]).unwrap())
    };
    program.run(&vars! { u: input }, out).unwrap();
    assert_eq!(own.slice(s![1..39, 1..49]), expected);
}

/// Weak numbers and views in one text: each has a place of its own among the variables.
#[test]
fn views_beside_weak_numbers() {
    let signature = Signature::new()
        .with("a", VarType::array(DType::Int16))
        .with("b", VarType::array(DType::Int16))
        .with("n", VarType::weak(DType::Int64));
    let program = Engine::global().compile("b[1:]*(n*2 + 1) + a[0]**n", &signature).unwrap();
    let (a, b) = (array![3_i16, 4], array![1_i16, 2, 3]);
    let vars = Vars::new().with("a", &a).with("b", &b).with("n", ndexpr::Var::weak(2_i64));
    assert_eq!(program.evaluate::<ndarray::Array1<i16>>(&vars).unwrap(), array![2 * 5 + 9, 3 * 5 + 9]);
    let names: Vec<&str> = program.variables().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "n", "a"], "in the order of the text");
    let in_order = [ndexpr::Var::from(&b), ndexpr::Var::weak(2_i64), ndexpr::Var::from(&a)];
    let mut out = ndarray::Array1::<i16>::zeros(2);
    program.run_in_order(&in_order, &mut out, None).unwrap();
    assert_eq!(out, array![2 * 5 + 9, 3 * 5 + 9]);
}

/// The output as it was can be read as a whole only, and the error says so.
#[test]
fn parts_of_the_output_are_refused() {
    let mut out = array![1.0, 2.0, 3.0];
    let error = ndexpr::evaluate_into("a[::-1]*2", vars! { a: ndexpr::Var::output::<f64>() }, &mut out).unwrap_err();
    assert_eq!(error.kind(), ndexpr::ErrorKind::Output, "{error:?}");
    assert_eq!(out, array![1.0, 2.0, 3.0]);
}

/// Values in order of another type, beside views and computed numbers: the error names the value.
#[test]
fn values_of_another_type_are_named() {
    let signature = Signature::new().with("b", VarType::array(DType::Int16)).with("n", VarType::weak(DType::Int64));
    let program = Engine::global().compile("b[1:]*(n*2 + 1)", &signature).unwrap();
    let (b, n) = (array![1_i16, 2, 3], array![1.5]);
    let mut out = ndarray::Array1::<i16>::zeros(2);
    let values = [ndexpr::Var::from(&b), ndexpr::Var::from(&n)];
    let error = program.run_in_order(&values, &mut out, None).unwrap_err();
    assert_eq!(error.kind(), ndexpr::ErrorKind::VariableType, "{error:?}");
    let error = program.run_in_order(&values[..1], &mut out, None).unwrap_err();
    assert_eq!(error.kind(), ndexpr::ErrorKind::MissingVariable, "{error:?}");
}

/// A slice, by its text and by its numbers.
type Slice = (Option<i64>, Option<i64>, i64);

fn text_of((start, stop, step): Slice) -> String {
    let text = |bound: Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
    format!("{}:{}:{step}", text(start), text(stop))
}

/// The indices of a slice, by Python's definition: one after the other.
fn indices(extent: i64, (start, stop, step): Slice) -> Vec<usize> {
    let at = |index: i64| if index < 0 { index + extent } else { index };
    let start = start.map_or(if step > 0 { 0 } else { extent - 1 }, at);
    let stop = stop.map_or(if step > 0 { extent } else { -1 }, |stop| at(stop).max(-1));
    let mut index = if step > 0 { start.max(0) } else { start.min(extent - 1) };
    let mut all = Vec::new();
    while (step > 0 && index < stop.min(extent)) || (step < 0 && index > stop && index >= 0) {
        all.push(index as usize);
        index += step;
    }
    all
}

/// Slices of an expression, against element after element.
#[test]
fn slices_are_those_of_python() {
    let mut state = 3_u64;
    let mut next = |n: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    for _ in 0..400 {
        let (n_rows, n_cols) = (next(7) as usize, next(7) as usize);
        let a = Array2::from_shape_fn((n_rows, n_cols), |(r, c)| (r * 10 + c) as f64);
        let v = ndarray::Array1::from_shape_fn(n_cols, |c| c as f64 * 0.5);
        let mut bound = || if next(4) == 0 { None } else { Some(next(17) as i64 - 8) };
        let bounds = [(bound(), bound()), (bound(), bound())];
        let steps = [1, 2, 3, -1, -2, -3];
        let [row, col] = bounds.map(|(start, stop)| (start, stop, steps[next(6) as usize]));
        let (rows, cols) = (indices(n_rows as i64, row), indices(n_cols as i64, col));
        let expected =
            Array2::from_shape_fn((rows.len(), cols.len()), |(r, c)| a[[rows[r], cols[c]]] * 2.0 + v[cols[c]]);
        let text = format!("(a*2 + v)[{}, {}]", text_of(row), text_of(col));
        assert_eq!(result(&text, vars! { a: a.view(), v: v.view() }), expected.into_dyn(), "{text} of {:?}", a.shape());
    }
}
