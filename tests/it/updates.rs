//! Several results, and updates of arrays: what the calls of a program do beside computing. What
//! they compute is compared with NumPy in `python/tests/test_execute.py`.

use expect_test::{Expect, expect};
use ndarray::{Array1, Array2, ArrayD, array, s};
use ndexpr::{
    Backend, DType, DynArray, Engine, ErrorKind, OutputPool, Progress, Signature, Stage, Targets, Var, VarType, View,
    ViewMut, evaluate, execute, raw, targets, vars,
};

#[test]
fn results_of_any_types_and_shapes() {
    let (x, n) = (array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], array![1_u8, 2, 3]);
    type Results = (Array2<f64>, f64, Array1<u8>, Array1<bool>, Array1<f64>);
    let (a, b, c, d, e): Results =
        evaluate("x*n, sum(x), n + 1, n > 1, max(x, axis=0)", vars! { x, n }).expect("five results");
    assert_eq!(a, array![[1.0, 4.0, 9.0], [4.0, 10.0, 18.0]]);
    assert_eq!((b, c, d), (21.0, array![2, 3, 4], array![false, true, true]));
    assert_eq!(e, array![4.0, 5.0, 6.0]);
    let (only,): (Array1<u8>,) = evaluate("n,", vars! { n }).expect("one result in a tuple");
    assert_eq!(only, n);
    let same: Array1<u8> = evaluate("n,", vars! { n }).expect("the same without one");
    assert_eq!(same, n);
    let none: Vec<DynArray> = evaluate("n", vars! { n }).expect("a list of one");
    assert_eq!(none.len(), 1);
}

#[test]
fn results_beside_reductions_that_are_decided_early() {
    let x = Array1::from_shape_fn(100_000, |i| i as f64);
    for threads in [1, 2] {
        let engine = Engine::builder().threads(threads).build().expect("an engine");
        let (y, any): (Array1<f64>, bool) = engine.evaluate("y = x + 1; y, any(y)", &vars! { x }).expect("two results");
        assert!(any);
        assert_eq!(y, &x + 1.0);
    }
}

#[test]
fn sums_do_not_depend_on_what_is_beside_them() {
    let n = 300;
    let x = Array2::from_shape_fn((n, n), |(i, j)| ((i * 31 + j * 17) as f64).sin());
    let y = Array2::from_shape_fn((n, n), |(i, j)| ((i * 7 + j) as f64).cos());
    let turned = y.t().to_owned();
    let row = Array1::from_shape_fn(n, |i| i as f64);
    for y in [y.view(), turned.t()] {
        let vars = vars! { x, y, row };
        let alone: f64 = evaluate("sum(x)", vars.clone()).expect("a sum");
        for text in ["sum(x), y + 1", "sum(x), x*y, y", "sum(x), sum(x*y), sum(y)", "x + row, sum(x), row*2, sum(row)"]
        {
            let all: Vec<DynArray> = evaluate(text, vars.clone()).expect("several results");
            let sum = all.iter().filter(|one| one.shape().is_empty()).map(|one| one.to_scalar().and_then(|s| s.get()));
            assert!(sum.into_iter().any(|sum| sum == Some(alone)), "{text}");
        }
    }
}

/// The loops of a text over arrays, as they are fused.
#[track_caller]
fn check_loops(text: &str, written: &[&str], expected: Expect) {
    let names = ["x", "y", "z"];
    let signature = names.iter().fold(Signature::new(), |all, &name| all.with(name, VarType::array(DType::Float64)));
    let engine = Engine::builder().build().expect("an engine");
    let loops = match written.is_empty() {
        true => engine.compile(text, &signature).map(|program| program.explain(Stage::Fuse)),
        false => engine.procedure(text, &signature, written).map(|procedure| procedure.explain(Stage::Fuse)),
    };
    expected.assert_eq(&loops.expect("a text"));
}

#[test]
fn one_pass_where_elements_line_up() {
    check_loops(
        "return x + y, x - y, sum(x*y), max(x)",
        &[],
        expect![[r#"
            loop 0 over x
              reads    h0 = x, h1 = y
              computes h2 add, h3 sub, h4 mul
              writes   result0 = h2, result1 = h3, result2 = sum h4, result3 = reduce_max h0
        "#]],
    );
    check_loops(
        "x *= 0.9; x += 0.1*z; y -= x",
        &["x", "y"],
        expect![[r#"
            loop 0
              reads    h0 = x, h3 = z, h7 = y
              computes h2 mul, h5 mul, h6 add, h8 sub
              writes   result0 = h6, result1 = h8
        "#]],
    );
    check_loops(
        "x[1:-1] = y[:-2] + y[2:]; y[1:-1] = x[:-2] + x[2:]",
        &["x", "y"],
        expect![[r#"
            phase 0
            loop 0
              reads    h0 = y[:-2], h1 = y[2:]
              computes h2 add
              writes   result = h2
            phase 1
            loop 0
              reads    h0 = x[:-2], h1 = x[2:]
              computes h2 add
              writes   result = h2
        "#]],
    );
}

#[test]
fn outputs_of_the_caller() {
    let (x, y) = (array![1.0, 2.0, 3.0], array![10.0, 20.0, 30.0]);
    let engine = Engine::builder().build().expect("an engine");
    let program = engine.program("x + y, x > 1, sum(y)", &vars! { x, y }).expect("a program");
    assert_eq!(program.result_shapes(&vars! { x, y }).expect("shapes"), [vec![3], vec![3], vec![]]);
    let (mut sum, mut flags, mut total) = (Array1::zeros(3), [false; 3], ndarray::arr0(0.0));
    let mut outs = [ViewMut::from(&mut sum), ViewMut::from(&mut flags[..]), ViewMut::from(&mut total)];
    program.run_all(&vars! { x, y }, &mut outs, None).expect("a run");
    assert_eq!((sum, flags, total.into_scalar()), (array![11.0, 22.0, 33.0], [false, true, true], 60.0));

    // A result is repeated to fill a larger output.
    let (mut rows, mut flags, mut total) = (Array2::zeros((2, 3)), [false; 3], Array1::<f64>::zeros(2));
    let mut outs = [ViewMut::from(&mut rows), ViewMut::from(&mut flags[..]), ViewMut::from(&mut total)];
    program.run_all(&vars! { x, y }, &mut outs, None).expect("a run");
    assert_eq!((rows.row(1).to_owned(), total), (array![11.0, 22.0, 33.0], array![60.0, 60.0]));

    let mut one = [0.0; 3];
    let error = program.run(&vars! { x, y }, &mut one[..]).expect_err("there are three");
    assert_eq!(error.kind(), ErrorKind::ResultCount);
    let pool = OutputPool::new(1 << 20);
    let pooled = program.evaluate_all_pooled(&vars! { x, y }, &pool).expect("results in a pool");
    assert_eq!((pooled.len(), pooled[2].view().read(&[]).and_then(|s| s.get())), (3, Some(60.0)));
    assert!(program.evaluate_pooled(&vars! { x, y }, &pool).is_err());
}

#[test]
fn many_variables_and_single_values_take_the_short_way_too() {
    let arrays: Vec<Array1<f64>> = (0..12).map(|k| Array1::from_elem(5, f64::from(k))).collect();
    let names: Vec<String> = (0..12).map(|k| format!("v{k}")).collect();
    let all = names.iter().zip(&arrays).fold(ndexpr::Vars::new(), |vars, (name, array)| vars.with(name, array));
    let sum: Array1<f64> = evaluate(&names.join(" + "), all).expect("a sum of twelve");
    assert_eq!(sum, Array1::from_elem(5, 66.0));
    let x = array![1.0, 2.0];
    let (a, b): (Array1<f64>, Array1<f64>) =
        evaluate("x*sin(k), x + cos(k)", vars! { x, k: 0.0 }).expect("single values first");
    assert_eq!((a, b), (array![0.0, 0.0], array![2.0, 3.0]));
}

#[test]
fn updates_in_rust() {
    let (mut u, v) = (array![1.0, 2.0, 3.0, 4.0], array![10.0, 20.0, 30.0, 40.0]);
    execute("u += v; u[::2] = -u[::2]", vars! { v }, targets! { u }).expect("an update");
    assert_eq!(u, array![-11.0, 22.0, -33.0, 44.0]);
    // A part of an array, and a slice.
    let mut field = Array2::<f32>::zeros((4, 4));
    let mut total = [0.0_f64; 1];
    let inner = field.slice_mut(s![1..3, ..]);
    execute("f[...] = k; t[0] = sum(f)", vars! { k: 2 }, targets! { f: inner, t: &mut total[..] }).expect("an update");
    assert_eq!((field.sum(), total[0]), (16.0, 16.0));
}

#[test]
fn a_procedure_runs_again_and_gives_results() {
    let signature = Signature::new().with("u", VarType::array(DType::Float64)).with("k", VarType::weak(DType::Int64));
    for backend in [Backend::Jit, Backend::Interp] {
        let engine = Engine::builder().backend(backend).build().expect("an engine");
        let text = "u[1:] += u[:-1]*k**2\nreturn max(u), u[0]";
        let step = engine.procedure(text, &signature, &["u"]).expect("a procedure");
        let mut u = array![1.0, 1.0, 1.0];
        for _ in 0..2 {
            let two = ndexpr::Var::weak(2_i64);
            let (largest, first): (f64, f64) = step.call(&vars! { k: two }, &mut targets! { u }).expect("a call");
            assert_eq!(first, 1.0);
            assert_eq!(largest, u[2]);
        }
        assert_eq!(u, array![1.0, 9.0, 25.0]);
        let error =
            step.run(&vars! { k: ndexpr::Var::weak(2_i64) }, &mut targets! { u }).expect_err("it gives results");
        assert_eq!(error.kind(), ErrorKind::ResultCount);
        let error = step.call::<(f64, f64)>(&vars! { k: 2 }, &mut targets! { u }).expect_err("it is not weak");
        assert_eq!(error.kind(), ErrorKind::VariableType);
        // Another class of weak numbers: a negative power is a fraction.
        let text = "u *= 2.0**k";
        let scale = engine.procedure(text, &signature, &["u"]).expect("a procedure");
        for (k, expected) in [(1_i64, 2.0), (-1, 0.5)] {
            let mut u = array![1.0];
            scale.run(&vars! { k: ndexpr::Var::weak(k) }, &mut targets! { u }).expect("a run");
            assert_eq!(u[0], expected);
        }
    }
}

#[test]
fn values_wait_where_memory_changes() {
    let mut u = Array1::from_shape_fn(50_000, |i| i as f64);
    let before = u.clone();
    // The old values are needed after the array has changed.
    execute("old = u*2; u[...] = 0; u[1:-1] = old[2:] - old[:-2]; u[0] = sum(old)", vars! {}, targets! { u })
        .expect("an update");
    assert_eq!(u[0], before.sum() * 2.0);
    assert!(u.iter().skip(1).take(49_998).all(|&x| x == 4.0));
    assert_eq!(u[49_999], 0.0);
}

#[test]
fn mistakes_change_nothing() {
    let (mut u, g) = (array![1.0, 2.0, 3.0], array![1.0]);
    let mut n = array![1_i32, 2, 3];
    let mut check = |text: &str, kind: ErrorKind| {
        let error = execute(text, vars! { g }, targets! { u, n }).expect_err("it is wrong");
        assert_eq!(error.kind(), kind, "{text}: {}", error.render());
        assert_eq!((&u, &n), (&array![1.0, 2.0, 3.0], &array![1, 2, 3]), "{text}");
    };
    check("g += 1", ErrorKind::Statement);
    check("u[1:] = u", ErrorKind::Shape);
    check("u[:2] = n[:2, None] + u[:2]", ErrorKind::OutputShape);
    check("u[0] = u", ErrorKind::OutputShape);
    check("n += 0.5", ErrorKind::NotDefined);
    check("n[...] = 2**40; n += 2**40", ErrorKind::LiteralRange);
    check("u[5] = 1", ErrorKind::Index);
    check("u += w", ErrorKind::UnknownVariable);
    check("u += 1; return u", ErrorKind::ResultCount);
    check("t = 1", ErrorKind::Statement);
    check("u[:2] = 1, 2", ErrorKind::Argument);
    check("u[4//3 : 2**70]; u += 1", ErrorKind::Statement);
    check("u[4/2] = 1", ErrorKind::Index);
    check("def f(x): return x + 1\nf(u); u += 1", ErrorKind::Statement);
    check("u += 1; missing(u)", ErrorKind::UnknownFunction);
    let error = execute("u += 1", vars! {}, Targets::new()).expect_err("there is no u");
    assert_eq!(error.kind(), ErrorKind::Statement);
    let signature = Signature::new().with("u", VarType::array(DType::Float64));
    let procedure = Engine::global().procedure("u += 1", &signature, &["u"]).expect("a procedure");
    let error = procedure.run(&vars! {}, &mut Targets::new()).expect_err("it is not given");
    assert_eq!(error.kind(), ErrorKind::MissingVariable);
    let error = procedure.run(&vars! {}, &mut targets! { u: &mut n }).expect_err("it is of another type");
    assert_eq!(error.kind(), ErrorKind::VariableType);
    assert!(Engine::global().procedure("u += 1", &signature, &["v"]).is_err());
}

#[test]
fn a_cancelled_update_ends() {
    let signature = Signature::new().with("u", VarType::array(DType::Float64));
    let procedure = Engine::global().procedure("u += 1; u[1:] = u[:-1]", &signature, &["u"]).expect("a procedure");
    let mut u = Array1::<f64>::zeros(1_000_000);
    let progress = Progress::default();
    progress.cancel();
    let error = procedure.run_with(&vars! {}, &mut targets! { u }, Some(&progress)).expect_err("it is cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(u.iter().all(|&x| x == 0.0 || x == 1.0));
}

#[test]
fn hostile_updates_stay_within_limits() {
    let engine = Engine::builder().threads(1).build().expect("an engine");
    let mut u = Array1::<f64>::zeros(64);
    // Each statement reads what the one before has written elsewhere: as many phases.
    let phases = (0..2000).map(|k| format!("u[{}] = u[{}] + 1", k % 60 + 1, k % 60)).collect::<Vec<_>>().join("\n");
    engine.execute(&phases, &vars! {}, &mut targets! { u }).expect("two thousand phases");
    assert_eq!(u[1], 1.0);
    // Values of all phases are needed at the end.
    let lines = (0..300).map(|k| format!("t{k} = u*{k}\nu[{}] = {k}", k % 60)).collect::<Vec<_>>().join("\n");
    let sum = (0..300).map(|k| format!("t{k}")).collect::<Vec<_>>().join(" + ");
    engine.execute(&format!("{lines}\nu[...] = {sum}"), &vars! {}, &mut targets! { u }).expect("carried values");
    let x = ArrayD::from_elem(vec![3], 2.0);
    let many: Vec<DynArray> = engine
        .evaluate(&(0..3000).map(|k| format!("x + {k}")).collect::<Vec<_>>().join(", "), &vars! { x })
        .expect("many");
    assert_eq!((many.len(), many[2999].scalars().next().and_then(|s| s.get())), (3000, Some(3001.0)));
}

#[test]
fn unused_variables_are_those_that_no_phase_uses() {
    let engine = Engine::builder().unused(ndexpr::Unused::Deny).build().expect("an engine");
    let array = VarType::array(DType::Float64);
    let signature = Signature::new().with("u", array).with("v", array).with("w", array);
    assert!(engine.procedure("u[1:] = v[1:]; u[:-1] = u[1:]; v += w", &signature, &["u", "v"]).is_ok());
    let error = engine.procedure("u[1:] = v[1:]; u[:-1] = u[1:]", &signature, &["u"]).expect_err("w is not used");
    assert_eq!(error.kind(), ErrorKind::UnusedVariable);
}

/// An update of arrays that are too large for a second array, `u` and `v`: the parts that are
/// assigned to, and their new values.
struct InBlocks {
    shape: [usize; 2],
    updates: &'static [(&'static str, &'static str)],
}

const IN_BLOCKS: &[InBlocks] = &[
    InBlocks { shape: [600, 500], updates: &[("u[1:]", "u[1:] + u[:-1]*0.5")] },
    InBlocks { shape: [600, 500], updates: &[("u[:-1]", "u[:-1] - u[1:]")] },
    InBlocks { shape: [600, 500], updates: &[("u[:, 2:-3]", "u[:, :-5] + u[:, 5:]*v[:, 1:-4]")] },
    InBlocks { shape: [600, 500], updates: &[("u[7:-7, 1:-1]", "u[14:, 2:] - u[:-14, :-2] + v[7:-7, 1:-1]")] },
    // Rows that are read lie further away than a block is long.
    InBlocks { shape: [600, 500], updates: &[("u[250:]", "u[:-250]*2 + v[1]")] },
    InBlocks { shape: [600, 500], updates: &[("u[550:]", "u[:50]*2")] },
    InBlocks { shape: [600, 500], updates: &[("u[::-1][1:]", "u[::-1][:-1] + v[0, :]")] },
    InBlocks { shape: [600, 500], updates: &[("u.T[1:]", "u.T[:-1] + v.T[1:]")] },
    // Every second row, read in the other order.
    InBlocks { shape: [900, 400], updates: &[("u[::2]", "u[1::2] + u[::-2]")] },
    InBlocks { shape: [900, 400], updates: &[("u[1:]", "u[:-1] + u[0, 0]")] },
    InBlocks { shape: [1, 300_001], updates: &[("u[0, 1:]", "u[0, :-1] + v[0, 1:]")] },
    InBlocks { shape: [300_001, 1], updates: &[("u[3:-3]", "u[6:] - u[:-6]")] },
    InBlocks {
        shape: [500, 450],
        updates: &[
            ("u[1:-1, 1:-1]", "u[2:, 1:-1] + u[:-2, 1:-1] - v[1:-1, 2:]"),
            ("v[1:-1, 1:-1]", "u[1:-1, 1:-1]*v[1:-1, :-2]"),
        ],
    },
    // One of the arrays needs no buffer.
    InBlocks { shape: [500, 450], updates: &[("u[1:, :]", "u[:-1, :] + v[1:, :]"), ("v[1:, :]", "v[1:, :]*u[1:, :]")] },
];

#[test]
fn large_arrays_are_updated_in_blocks() {
    fn check<T: ndexpr::Element + PartialEq + std::fmt::Debug + Copy>(value: impl Fn(usize) -> T) {
        for InBlocks { shape, updates } in IN_BLOCKS {
            let (n_rows, n_columns) = (shape[0], shape[1]);
            let array = |by: usize| Array2::from_shape_fn((n_rows, n_columns), |(i, j)| value(i * by + j * 3));
            let (u, v) = (array(5), array(11));
            // All new values first, then the assignments.
            let names = ["new_u", "new_v"];
            let dtype = T::DTYPE.name();
            let new: Vec<ndexpr::DynArray> = (updates.iter())
                .map(|(_, value)| evaluate(&format!("{dtype}({value})"), vars! { u, v }).expect(value))
                .collect();
            let (mut expected_u, mut expected_v) = (u.clone(), v.clone());
            for ((part, _), (name, new)) in updates.iter().zip(names.iter().zip(&new)) {
                let new = ndexpr::Vars::new().with(name, new);
                execute(&format!("{part} = {name}"), new, targets! { u: &mut expected_u, v: &mut expected_v })
                    .expect("an assignment");
            }
            // The second value must not see the first update, so both have names first.
            let mut text: String =
                updates.iter().zip(names).map(|((_, value), name)| format!("{name} = {value}\n")).collect();
            for ((part, _), name) in updates.iter().zip(names) {
                text += &format!("{part} = {name}\n");
            }
            for threads in [1, 4] {
                for backend in [Backend::Jit, Backend::Interp] {
                    let engine = Engine::builder().threads(threads).backend(backend).build().expect("an engine");
                    let (mut new_u, mut new_v) = (u.clone(), v.clone());
                    let progress = Progress::new(0);
                    let procedure = engine
                        .procedure_for(&text, &vars! {}, &targets! { u: &mut new_u, v: &mut new_v })
                        .expect("a procedure");
                    procedure
                        .run_with(&vars! {}, &mut targets! { u: &mut new_u, v: &mut new_v }, Some(&progress))
                        .expect("a run");
                    assert!(new_u == expected_u && new_v == expected_v, "{text}, {dtype}, {threads} threads");
                    assert_eq!(progress.done(), progress.total(), "{text}");
                }
            }
        }
    }

    check(|k| (k % 1013) as f64 / 8.0);
    check(|k| (k % 113) as i64);
    check(|k| (k % 97) as f32 / 4.0);
}

/// What is remembered of a call must not be used for another one that differs.
#[test]
fn later_calls_may_differ_in_layouts_and_numbers() {
    let signature = Signature::new()
        .with("u", VarType::array(DType::Float64))
        .with("v", VarType::array(DType::Float64))
        .with("k", VarType::weak(DType::Int64));
    for text in ["u[1:] += v[1:]*2**k", "u[1:] += v[:-1]*2**k; u[:-1] *= v[1:]", "u += v; v[1:-1] = u[:-2]*2**k"] {
        let procedure = Engine::global().procedure(text, &signature, &["u", "v"]).expect("a procedure");
        let start = Array2::from_shape_fn((6, 8), |(i, j)| (3 * i + j) as f64);
        for round in 0..3 {
            for (k, form) in [(3_i64, 0), (-1, 0), (-1, 1), (2, 1), (2, 2), (0, 3), (1, 0)] {
                let run = |backend: Option<Backend>| {
                    let (mut u, mut v) = (start.clone(), start.clone() + 0.5);
                    let (mut u_view, mut v_view) = (u.view_mut(), v.view_mut());
                    // In turn: as they are, transposed, parts, and one in each order.
                    match form {
                        0 => {}
                        1 => (u_view, v_view) = (u_view.reversed_axes(), v_view.reversed_axes()),
                        2 => {
                            (u_view, v_view) = (u_view.slice_move(s![..;2, 1..]), v_view.slice_move(s![..;-2, ..-1]));
                        }
                        _ => {
                            let square = s![..6, ..6];
                            (u_view, v_view) = (u_view.slice_move(square), v_view.slice_move(square).reversed_axes());
                        }
                    }
                    let mut arrays = targets! { u: u_view, v: v_view };
                    match backend {
                        None => procedure.run(&vars! { k: Var::weak(k) }, &mut arrays),
                        Some(backend) => {
                            let engine = Engine::builder().backend(backend).build().expect("an engine");
                            engine.execute(text, &vars! { k: Var::weak(k) }, &mut arrays)
                        }
                    }
                    .expect(text);
                    (u, v)
                };
                assert_eq!(run(None), run(Some(Backend::Interp)), "{text}, round {round}, k {k}, form {form}");
            }
        }
    }
}

/// `x` is named first, and read last or never.
#[test]
fn the_order_of_names_is_not_the_order_of_reading() {
    let (u, v, w) = (array![46.0, 53.0, 25.0], array![24.0, 30.0, 84.0], array![2.0, 3.0, 5.0]);
    let expected = &u - &w * &v;
    for text in ["x = v[:-1]\nu - w*v", "x = v\ny = u - w*x\ny"] {
        let program = Engine::global().program(text, &vars! { u, v, w }).expect("a program");
        let values = program.variables().map(|(name, _)| match name {
            "u" => Var::from(&u),
            "v" => Var::from(&v),
            _ => Var::from(&w),
        });
        let values: Vec<Var<'_>> = values.collect();
        let mut out = Array1::<f64>::zeros(3);
        program.run_in_order(&values, &mut out, None).expect("a run");
        assert_eq!(out, expected, "{text}");
        let mut target = u.clone();
        let update = text.replace("\nu - w*v", "\nu[...] = u - w*v").replace("\ny = u - w*x\ny", "\nu[...] = u - w*x");
        execute(&update, vars! { v, w }, targets! { u: &mut target }).expect("an update");
        assert_eq!(target, expected, "{update}");
    }
}

/// The texts that calls in order are tried with. They have one phase or several, run flat, by plans
/// or otherwise, and some give results.
const IN_ORDER: [&str; 8] = [
    "u += k*w; v -= u*w",
    "u[1:] += k*w[1:]; v[1:] = u[1:]*2",
    "u[1:-1] = 0.5*(v[2:] + v[:-2])*k; v[1:-1] = u[2:] - u[:-2] + w[1:-1]",
    "u[1:] = u[:-1]*k + w[1:]; v *= 2",
    "u *= 2; v[...] = w*k + 1",
    "v[1:] += sum(u)*k; u += w*max(v)",
    "u[0] = k; v[...] = w[0]; u += v",
    "x = w; u[...] = v + k; v[1:] = x[1:]*u[1:]",
];

#[test]
fn calls_in_order_are_those_by_name() {
    let array = VarType::array(DType::Float64);
    let signature =
        Signature::new().with("w", array).with("v", array).with("k", VarType::weak(DType::Float64)).with("u", array);
    let w = Array1::from_shape_fn(6, |i| i as f64 - 2.5);
    for text in IN_ORDER {
        let step = Engine::global().procedure(text, &signature, &["v", "u"]).expect(text);
        assert!(step.written().eq(["v", "u"]));
        let fresh = || (Array1::from_shape_fn(6, |i| i as f64), Array1::from_shape_fn(6, |i| (i * i) as f64));
        let ((mut u, mut v), (mut by_name_u, mut by_name_v)) = (fresh(), fresh());
        for (round, k) in [0.5, 2.0, -1.0].into_iter().enumerate() {
            let values: Vec<Var<'_>> =
                step.variables().map(|(name, _)| if name == "k" { Var::weak(k) } else { Var::from(&w) }).collect();
            let mut arrays = [ViewMut::from(&mut v), ViewMut::from(&mut u)];
            step.call_in_order::<()>(&values, &mut arrays, None).expect(text);
            // The arrays that the call does not need are ignored, whatever they are.
            let mut others = Array1::<u8>::zeros(2);
            let mut targets = targets! { other: &mut others, u: &mut by_name_u, v: &mut by_name_v };
            step.run(&vars! { other: true, w, k: Var::weak(k) }, &mut targets).expect(text);
            assert_eq!((&u, &v), (&by_name_u, &by_name_v), "{text}, round {round}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_call_in_order() {
    let array = VarType::array(DType::Float64);
    let signature = Signature::new().with("u", array).with("v", array).with("k", VarType::scalar(DType::Float64));
    let step = Engine::global().procedure("u += k*v", &signature, &["u", "u"]).expect("a procedure");
    assert!(step.written().eq(["u"]), "each once");
    assert!(step.variables().map(|(name, _)| name).eq(["k", "v"]), "as the text first names them");
    let (mut u, v, single) = (array![1.0, 2.0], array![3.0, 4.0], array![1.0_f32, 2.0]);
    let failed = |values: &[Var<'_>], arrays: &mut [ViewMut<'_>]| {
        let error = step.call_in_order::<()>(values, arrays, None).expect_err("an error");
        (error.kind(), error.to_string())
    };
    let missing = |message: &str| (ErrorKind::MissingVariable, message.to_owned());
    let values = [Var::from(0.5), Var::from(&v)];
    let found = failed(&values[..1], &mut [ViewMut::from(&mut u)]);
    assert_eq!(found, missing("the expression has 2 variables, but 1 values were given"));
    assert_eq!(failed(&values, &mut []), missing("the text updates 1 arrays, but 0 were given"));
    let (kind, message) = failed(&[Var::from(0.5), Var::from(&single)], &mut [ViewMut::from(&mut u)]);
    assert_eq!(kind, ErrorKind::VariableType);
    assert_eq!(message, "the variable `v` is float32, but the program was compiled for float64");
    let (kind, message) = failed(&values, &mut [ViewMut::from(&mut single.clone())]);
    assert_eq!(kind, ErrorKind::VariableType);
    assert_eq!(message, "the variable `u` is float32, but the program was compiled for float64");
    let count = step.call_in_order::<(f64,)>(&values, &mut [ViewMut::from(&mut u)], None).expect_err("no result");
    assert_eq!(count.kind(), ErrorKind::ResultCount);
    assert_eq!(u, array![1.0, 2.0]);
    // By name, nothing is written either if a later statement misses something.
    let two = Engine::global().procedure("u[1:] = u[:-1]; u += k*v", &signature, &["u"]).expect("a procedure");
    let error = two.run(&vars! { k: 0.5 }, &mut targets! { u }).expect_err("no `v`");
    assert_eq!((error.kind(), error.to_string()), missing("the variable `v` was not given"));
    assert!(error.render().contains("used here"));
    assert_eq!(u, array![1.0, 2.0]);
}

/// Arrays of any layouts in turn, as a binding describes them: what a call at once does not do is
/// left to the usual call.
#[test]
fn calls_at_once_do_what_calls_in_order_do() {
    let array = VarType::array(DType::Float64);
    let signature =
        Signature::new().with("u", array).with("v", array).with("w", array).with("k", VarType::scalar(DType::Float64));
    for text in IN_ORDER {
        let step = Engine::global().procedure(text, &signature, &["u", "v"]).expect(text);
        let mut n_at_once = 0;
        for round in 0..40 {
            // Some arrays are one after the other, some are every second element of the memory, and
            // some are backwards, share memory, or are the same.
            let (n, form) = ([6, 6, 6, 9][round % 4], round / 4 % 5);
            let (step_bytes, starts) = match form {
                0 | 1 => (8, [0, 10, 20]),
                2 => (16, [0, 1, 30]),
                3 => (-8, [9, 20, 20]),
                _ => (8, [0, 2, 20]),
            };
            let run = |at_once: bool, n_at_once: &mut usize| {
                let mut memory: Vec<f64> = (0..60).map(|i| f64::from(i % 7) - 2.0).collect();
                let base = memory.as_mut_ptr();
                let (shape, strides) = ([n], [step_bytes]);
                let ptr = |place: usize| base.wrapping_add(starts[place]).cast::<u8>();
                let k = 0.5_f64.to_ne_bytes();
                let mut arrays = raw::CallArrays::new();
                for (name, _) in step.variables() {
                    match name {
                        "k" => arrays.push_number(DType::Float64, &k),
                        // SAFETY: the elements are in the memory, which lives until the call is
                        // over and is not used meanwhile.
                        _ => unsafe { arrays.push_raw(ptr(2), DType::Float64, (&shape, &strides), false) },
                    }
                }
                for place in 0..2 {
                    // SAFETY: as above.
                    unsafe { arrays.push_raw(ptr(place), DType::Float64, (&shape, &strides), true) };
                }
                let done = if at_once { raw::run_procedure(&step, &mut arrays) } else { None };
                match done {
                    Some(done) => {
                        done.expect(text);
                        *n_at_once += 1;
                    }
                    None => {
                        // SAFETY: as above; a procedure looks at what its arrays share.
                        let (values, mut arrays) = unsafe {
                            let view = |place| View::from_raw_parts(ptr(place), DType::Float64, &shape, &strides);
                            let value = |name: &str| if name == "k" { 0.5.into() } else { view(2).unwrap().into() };
                            let values: Vec<Var<'_>> = step.variables().map(|(name, _)| value(name)).collect();
                            let array = |place| ViewMut::from_raw_parts(ptr(place), DType::Float64, &shape, &strides);
                            (values, [array(0).unwrap(), array(1).unwrap()])
                        };
                        step.call_in_order::<()>(&values, &mut arrays, None).expect(text);
                    }
                }
                memory
            };
            let found = run(true, &mut n_at_once);
            assert_eq!(found, run(false, &mut 0), "{text}, round {round}");
        }
        // What needs memory between its statements is never done at once.
        let is_at_once = !text.contains("sum") && !text.contains("u[:-1]*k") && step.backend() == Backend::Jit;
        assert!(n_at_once > 0 || !is_at_once, "{text}");
        assert!(n_at_once < 40, "{text}");
    }
}

#[test]
fn what_is_not_called_at_once() {
    let array = VarType::array(DType::Float64);
    let signature = Signature::new().with("u", array).with("v", array);
    let step = |text: &str| Engine::global().procedure(text, &signature, &["u"]).expect(text);
    let (mut u, v, other) = (Array1::<f64>::zeros(4), Array1::<f64>::ones(4), Array1::<f32>::ones(4));
    for text in ["u += v", "u[1:] += v[1:]"] {
        let step = step(text);
        step.call_in_order::<()>(&[Var::from(&v)], &mut [ViewMut::from(&mut u)], None).expect(text);
        let mut is_done = |views: &[View<'_>], is_written: bool| {
            let copy = u.clone();
            let (read, mut written) = (View::from(&copy), ViewMut::from(&mut u));
            let mut arrays = raw::CallArrays::new();
            views.iter().for_each(|view| arrays.push(view));
            if is_written {
                arrays.push_mut(&mut written)
            } else {
                arrays.push(&read)
            }
            raw::run_procedure(&step, &mut arrays).is_some()
        };
        assert!(is_done(&[View::from(&v)], true) || step.backend() != Backend::Jit);
        assert!(!is_done(&[View::from(&v)], false), "an array that is only read");
        assert!(!is_done(&[], true) && !is_done(&[View::from(&v), View::from(&v)], true), "others are there");
        assert!(!is_done(&[View::from(&other)], true), "another type");
        assert!(!is_done(&[View::from(&v.slice(s![..3]).to_owned())], true), "another shape");
    }
    let results = step("u += v; return sum(u)");
    let (view, mut out) = (View::from(&v), ViewMut::from(&mut u));
    let mut arrays = raw::CallArrays::new();
    arrays.push(&view);
    arrays.push_mut(&mut out);
    assert!(raw::run_procedure(&results, &mut arrays).is_none(), "results");
}

#[test]
fn values_that_wait_for_nothing_have_types() {
    let signature =
        Signature::new().with("u", VarType::array(DType::Float64)).with("v", VarType::array(DType::Float64));
    let texts = [
        "t = v > sum(v)\nunused = t[2]\nu += v",
        "t = u*2\nu[...] = v + u\nfor i in range(int16(t)):\n    pass",
        "t = v > sum(v)\nunused = t[2]\nfor i in range(1):\n    u += v\n    unused = u*i",
    ];
    for text in texts {
        for engine in [Engine::builder(), Engine::builder().backend(Backend::Interp)] {
            let engine = engine.build().expect("an engine");
            let (mut u, v) = (array![1.0, 2.0, 3.0], array![10.0, 20.0, 30.0]);
            let procedure = engine.procedure(text, &signature, &["u"]).unwrap_or_else(|error| panic!("{error}"));
            procedure.run(&vars! { v }, &mut targets! { u }).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(u, array![11.0, 22.0, 33.0], "{text}");
        }
    }
}

#[test]
fn a_name_of_a_row_changes_the_array() {
    let signature = Signature::new().with("u", VarType::array(DType::Float64));
    for text in ["row = u[1]\nrow += 1\nrow *= 2", "row = u[1]\nfor i in range(2):\n    row += i\nrow *= 2"] {
        let procedure = Engine::global().procedure(text, &signature, &["u"]).expect("a procedure");
        let mut u = array![[1.0, 2.0], [3.0, 4.0]];
        procedure.run(&vars! {}, &mut targets! { u }).expect("a run");
        assert_eq!(u, array![[1.0, 2.0], [8.0, 10.0]], "{text}");
        // For NumPy it is the number 3, and the name is given another one.
        let mut u = array![1.0, 3.0];
        let error = procedure.run(&vars! {}, &mut targets! { u }).expect_err("an element");
        assert_eq!(error.kind(), ErrorKind::Statement);
        assert_eq!(u, array![1.0, 3.0], "{text}");
    }
    let procedure = Engine::global().procedure("u[1] += 1", &signature, &["u"]).expect("a procedure");
    let mut u = array![1.0, 3.0];
    procedure.run(&vars! {}, &mut targets! { u }).expect("an element named by its index");
    assert_eq!(u, array![1.0, 4.0]);
}
