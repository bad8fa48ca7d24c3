//! The public interface, as its users see it.

use ndarray::{ArcArray1, Array0, Array1, Array2, Array3, ArrayD, CowArray, Ix1, arr0, array, s};
use ndexpr::{
    Backend, DType, DynArray, Engine, ErrorKind, FloatMode, Limits, Progress, Scalar, Signature, Unused, Var, VarType,
    Vars, View, ViewMut, evaluate, evaluate_into, raw, targets, vars,
};
use std::sync::Arc;

#[test]
fn every_kind_of_array_is_a_variable() {
    let owned = array![1.0, 2.0, 3.0];
    let expected = array![2.0, 4.0, 6.0];
    let view = owned.view();
    let shared = ArcArray1::from(owned.clone());
    let cow: CowArray<'_, f64, Ix1> = CowArray::from(owned.view());
    let vec = owned.to_vec();
    let slice: &[f64] = &vec;
    let fixed = [1.0, 2.0, 3.0];
    for vars in [
        vars! { a: &owned },
        vars! { a: view },
        vars! { a: &shared },
        vars! { a: &cow },
        vars! { a: &vec },
        vars! { a: slice },
        vars! { a: &slice },
        vars! { a: &fixed },
        vars! { a: owned.slice(s![..]) },
        vars! { a: View::from(&owned) },
        Vars::new().with("a", &owned),
    ] {
        assert_eq!(evaluate::<Array1<f64>>("a*2", vars).unwrap(), expected);
    }
    let a = owned;
    assert_eq!(evaluate::<Array1<f64>>("a*2", vars! { a }).unwrap(), expected);
    assert_eq!(evaluate::<Array1<f64>>("a*2", vars! { a, }).unwrap(), expected);
}

#[test]
fn only_variables_of_the_text_give_the_result_its_shape() {
    let (unused, k) = (array![1.0, 2.0], 3.0);
    assert_eq!(evaluate::<f64>("k*2", vars! { unused, k }).unwrap(), 6.0);
    let a = array![[1.0, 2.0]];
    assert_eq!(evaluate::<Array2<f64>>("a + k", vars! { unused, a, k }).unwrap(), array![[4.0, 5.0]]);
    // Of which one is optimised away.
    assert_eq!(
        evaluate::<Array2<f64>>("where(True, k, unused) + a", vars! { unused, a, k }).unwrap(),
        array![[4.0, 5.0]]
    );
    let column = array![[1.0], [2.0]];
    let both: Array2<f64> = evaluate("where(True, a, column)", vars! { a, column }).unwrap();
    assert_eq!(both, array![[1.0, 2.0], [1.0, 2.0]]);
    let error = evaluate::<Array1<f64>>("a + k", vars! { a, k }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResultRank);
}

#[test]
fn numbers_of_every_type_are_variables() {
    macro_rules! check {
        ($($ty:ty)*) => {$(
            let one = <$ty>::try_from(1_u8).unwrap();
            assert_eq!(evaluate::<$ty>("x", vars! { x: one }).unwrap(), one);
            assert_eq!(evaluate::<$ty>("x", vars! { x: &one }).unwrap(), one);
            assert_eq!(evaluate::<$ty>("x", vars! { x: Scalar::new(one) }).unwrap(), one);
        )*};
    }
    check!(i16 i32 i64 u8 u16 u32 u64 f32 f64);
    assert_eq!(evaluate::<i8>("-x", vars! { x: 1_i8 }).unwrap(), -1);
    assert!(evaluate::<bool>("not x", vars! { x: false }).unwrap());
}

#[test]
fn results_come_as_any_type_that_fits() {
    let a = array![[1.0, 2.0], [3.0, 4.0]];
    let matrix: Array2<f64> = evaluate("a + 1", vars! { a }).unwrap();
    assert_eq!(matrix, array![[2.0, 3.0], [4.0, 5.0]]);
    let any_rank: ArrayD<f64> = evaluate("a + 1", vars! { a }).unwrap();
    assert_eq!(any_rank, matrix.clone().into_dyn());
    let any: DynArray = evaluate("a + 1", vars! { a }).unwrap();
    assert_eq!(any, DynArray::Float64(any_rank));
    assert_eq!(any.to_scalar(), None);
    let rank_0: Array0<f64> = evaluate("x + 1", vars! { x: 1.0 }).unwrap();
    assert_eq!(rank_0, arr0(2.0));
    let number: f64 = evaluate("x + 1", vars! { x: 1.0 }).unwrap();
    assert_eq!(number, 2.0);
    let constant: i64 = evaluate("6*7", vars! {}).unwrap();
    assert_eq!(constant, 42);

    let error = evaluate::<Array2<f32>>("a + 1", vars! { a }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResultDType);
    let error = evaluate::<Array3<f64>>("a + 1", vars! { a }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResultRank);
    let error = evaluate::<f64>("a + 1", vars! { a }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResultRank);
}

#[test]
fn a_result_can_be_a_variable_again() {
    let a = array![1, 2, 3];
    let any: DynArray = evaluate("a * 10", vars! { a }).unwrap();
    let sum: Array1<i32> = evaluate("a + any", vars! { a, any }).unwrap();
    assert_eq!(sum, array![11, 22, 33]);
}

#[test]
fn fresh_results_keep_the_memory_order_of_the_inputs() {
    let c = Array2::<f64>::zeros((3, 4));
    let f = Array2::<f64>::zeros((4, 3)).reversed_axes();
    let from = |vars| evaluate::<Array2<f64>>("a + 1", vars).unwrap();
    assert!(from(vars! { a: &c }).is_standard_layout());
    assert!(from(vars! { a: &f }).t().is_standard_layout());
    let permuted = Array3::<f64>::zeros((2, 3, 4)).permuted_axes([1, 2, 0]);
    let result: Array3<f64> = evaluate("a + 1", vars! { a: &permuted }).unwrap();
    assert_eq!(result.strides(), permuted.strides());
}

#[test]
fn outputs_of_any_layout() {
    let a = Array2::from_shape_fn((6, 8), |(i, j)| (i * 8 + j) as f64);
    let expected = a.mapv(|x| x * 2.0);
    let mut big = Array2::<f64>::zeros((12, 16));
    let mut strided = big.slice_mut(s![..;2, ..;-2]);
    evaluate_into("a*2", vars! { a }, strided.view_mut()).unwrap();
    assert_eq!(strided, expected);
    evaluate_into("a*2", vars! { a }, &mut strided).unwrap();
    let mut transposed = Array2::<f64>::zeros((8, 6));
    evaluate_into("a*2", vars! { a }, transposed.view_mut().reversed_axes()).unwrap();
    assert_eq!(transposed.t(), expected);
    let mut flat = vec![0.0; 8];
    evaluate_into("a*2", vars! { a: a.row(1) }, &mut flat[..]).unwrap();
    assert_eq!(flat, expected.row(1).to_vec());
}

#[test]
fn results_broadcast_to_larger_outputs() {
    let row = array![1.0, 2.0, 3.0];
    let mut out = Array2::<f64>::zeros((2, 3));
    evaluate_into("row*2", vars! { row }, &mut out).unwrap();
    assert_eq!(out, array![[2.0, 4.0, 6.0], [2.0, 4.0, 6.0]]);
    evaluate_into("7.0", vars! {}, &mut out).unwrap();
    assert!(out.iter().all(|&x| x == 7.0));

    let error = evaluate_into("out + row", vars! { out: &out.clone(), row }, &mut Array1::<f64>::zeros(3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutputShape);
    let error = evaluate_into("row", vars! { row }, &mut Array1::<f32>::zeros(3)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResultDType);
}

/// Two views of one buffer of float64, as callers of a C interface have them.
fn overlapping<'a>(buffer: &'a mut [f64], input: usize, output: usize, len: usize) -> (View<'a>, ViewMut<'a>) {
    assert!(input.max(output) + len <= buffer.len());
    let start = buffer.as_mut_ptr();
    // SAFETY: both ranges are inside of the buffer, checked above, which stays borrowed as long as
    // they live. They are only used together in one call, which allows the overlap.
    unsafe {
        (
            View::from_raw_parts(start.add(input).cast::<u8>(), DType::Float64, &[len], &[8]).unwrap(),
            ViewMut::from_raw_parts(start.add(output).cast::<u8>(), DType::Float64, &[len], &[8]).unwrap(),
        )
    }
}

#[test]
fn outputs_may_be_inputs_or_overlap_them() {
    for len in [1, 7, 100, 100_000] {
        for (input, output) in [(0, 0), (0, 1), (1, 0), (3, 0), (0, 3)] {
            for text in ["a*2 + 1", "sin(a)*2 + a", "where(a > 5, exp(-a), a)"] {
                let start: Vec<f64> = (0..len + 3).map(|i| i as f64).collect();
                let fresh: Array1<f64> = evaluate(text, vars! { a: &start[input..input + len] }).unwrap();
                let mut buffer = start.clone();
                let (a, out) = overlapping(&mut buffer, input, output, len);
                evaluate_into(text, vars! { a }, out).unwrap();
                assert_eq!(buffer[output..output + len], *fresh.as_slice().unwrap(), "{text} {len} {input}->{output}");
                assert_eq!(buffer[..output], start[..output]);
                assert_eq!(buffer[output + len..], start[output + len..]);
            }
        }
    }
}

#[test]
fn outputs_are_updated_in_place() {
    for backend in [Backend::Jit, Backend::Interp] {
        let engine = Engine::builder().threads(2).backend(backend).build().unwrap();
        for text in ["a + b*2", "sin(a)*2 + a", "where(a > 5, exp(-a), a) * b"] {
            let start = Array2::from_shape_fn((50, 41), |(i, j)| (i * 41 + j) as f64);
            let b = start.mapv(|x| x / 7.0);
            let expected: Array2<f64> = engine.evaluate(text, &vars! { a: &start, b }).unwrap();
            let vars = vars! { a: Var::output::<f64>(), b };
            let mut a = start.clone();
            engine.evaluate_into(text, &vars, &mut a).unwrap();
            assert_eq!(a, expected, "{text}");
            let mut big = Array2::zeros((100, 41));
            let mut strided = big.slice_mut(s![..;-2, ..]);
            strided.assign(&start);
            engine.evaluate_into(text, &vars, &mut strided).unwrap();
            assert_eq!(strided, expected, "{text}");
            let error = engine.evaluate::<Array2<f64>>(text, &vars).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MissingVariable);
        }
        let wrong = vars! { a: Var::output::<f32>(), b: 1.0_f64 };
        let error = engine.evaluate_into("a + b", &wrong, &mut Array1::<f64>::zeros(3)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::VariableType);
    }
}

#[test]
fn compiled_programs_check_what_they_are_given() {
    let engine = Engine::builder().threads(1).build().unwrap();
    let signature = Signature::new().with("a", VarType::array(DType::Float64)).with("k", VarType::scalar(DType::Int32));
    let program = engine.compile("a * k", &signature).unwrap();
    assert_eq!(program.result_dtype(), DType::Float64);
    assert_eq!(program.variables().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "k"]);
    assert_eq!(program.backend(), Backend::Jit);
    let a = array![1.0, 2.0];
    let run = |vars: Vars<'_>| program.evaluate::<Array1<f64>>(&vars);
    assert_eq!(run(vars! { a, k: 3_i32 }).unwrap(), array![3.0, 6.0]);
    assert_eq!(run(vars! { a, k: 3_i32, unused: 1 }).unwrap(), array![3.0, 6.0]);
    assert_eq!(run(vars! { a }).unwrap_err().kind(), ErrorKind::MissingVariable);
    assert_eq!(run(vars! { a, k: 3_i64 }).unwrap_err().kind(), ErrorKind::VariableType);
    assert_eq!(run(vars! { a, k: &[3_i32, 4] }).unwrap_err().kind(), ErrorKind::VariableType);
    // An array may be of any rank, none included.
    assert_eq!(program.evaluate::<f64>(&vars! { a: 2.0, k: 3_i32 }).unwrap(), 6.0);
    assert_eq!(program.result_shape(&vars! { a, k: 3_i32 }).unwrap(), [2]);
    assert_eq!(program.result_order(&vars! { a, k: 3_i32 }).unwrap(), [0]);
}

#[test]
fn programs_are_shared_between_threads() {
    fn is_shareable<T: Send + Sync>(_: &T) {}
    let engine = Engine::builder().threads(2).build().unwrap();
    let signature = Signature::new().with("a", VarType::array(DType::Float64));
    let program: Arc<ndexpr::Program> = engine.compile("a*2 + sin(a)", &signature).unwrap();
    is_shareable(&engine);
    is_shareable(&*program);
    drop(engine);
    std::thread::scope(|scope| {
        for t in 0..8 {
            let program = &program;
            scope.spawn(move || {
                for n in [10, 1000, 100_000] {
                    let a = Array1::from_elem(n, f64::from(t));
                    let result: Array1<f64> = program.evaluate(&vars! { a }).unwrap();
                    assert!(result.iter().all(|&x| x == result[0]));
                    assert!((result[0] - (f64::from(t) * 2.0 + f64::from(t).sin())).abs() < 1e-12);
                }
            });
        }
    });
}

#[test]
fn the_cache_finds_programs_by_text_and_types() {
    let engine = Engine::builder().threads(1).cache_capacity(2).build().unwrap();
    let a = array![1.0];
    let first = engine.program("a + 1", &vars! { a }).unwrap();
    assert!(Arc::ptr_eq(&first, &engine.program("a + 1", &vars! { a }).unwrap()));
    assert!(Arc::ptr_eq(&first, &engine.program("a + 1", &vars! { a: &array![[2.0]] }).unwrap()), "any rank");
    assert!(!Arc::ptr_eq(&first, &engine.program("a + 1", &vars! { a: &array![1_i32] }).unwrap()));
    assert!(!Arc::ptr_eq(&first, &engine.program("a + 1.0", &vars! { a }).unwrap()));
    // Two programs have come since, so the first one is no longer in the cache.
    assert!(!Arc::ptr_eq(&first, &engine.program("a + 1", &vars! { a }).unwrap()));
    let none = Engine::builder().threads(1).cache_capacity(0).build().unwrap();
    let once = none.program("a + 1", &vars! { a }).unwrap();
    assert!(!Arc::ptr_eq(&once, &none.program("a + 1", &vars! { a }).unwrap()));
}

#[test]
fn options_do_what_they_say() {
    let a = array![1.0, 3.0];
    let build = || Engine::builder().threads(1);
    let deny = build().unused(Unused::Deny).build().unwrap();
    let error = deny.evaluate::<Array1<f64>>("a", &vars! { a, b: 1.0 }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnusedVariable);
    // The second phase does not use `b`.
    let phases = "u += b; u[1:] += u[:-1]";
    let mut u = array![1.0, 2.0];
    deny.execute(phases, &vars! { b: 1.0 }, &mut targets! { u }).unwrap();
    assert_eq!(u, array![2.0, 5.0]);
    let error = deny.execute(phases, &vars! { b: 1.0, c: 1.0 }, &mut targets! { u }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnusedVariable);
    // Three parts, and the statement that they are.
    let limits = Limits { max_nodes: 4, ..Limits::default() };
    let limited = build().limits(limits).build().unwrap();
    assert!(limited.evaluate::<Array1<f64>>("a + 1", &vars! { a }).is_ok());
    assert_eq!(limited.evaluate::<Array1<f64>>("a + 1 + a", &vars! { a }).unwrap_err().kind(), ErrorKind::Limit);
    let interpreted = build().backend(Backend::Interp).build().unwrap();
    let program = interpreted.program("a*3", &vars! { a }).unwrap();
    assert_eq!(program.backend(), Backend::Interp);
    assert!(program.fallback_reason().is_some());
    assert_eq!(program.evaluate::<Array1<f64>>(&vars! { a }).unwrap(), array![3.0, 9.0]);
    assert!(Engine::builder().threads(0).build().is_err());
    assert_eq!(build().build().unwrap().threads(), 1);

    // 1 + 2^-53 * (1 + 2^-52) differs by rounding once or twice.
    let (x, y) = (1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
    let vars = vars! { x, y, z: -1.0 };
    let strict: f64 = build().build().unwrap().evaluate("x*y + z", &vars).unwrap();
    let fast: f64 = build().float_mode(FloatMode::Fast).build().unwrap().evaluate("x*y + z", &vars).unwrap();
    assert_eq!(strict, x * y - 1.0);
    assert_eq!(fast, x.mul_add(y, -1.0));
    assert_ne!(strict, fast);
}

#[test]
fn shapes_of_every_kind() {
    let empty = Array2::<f64>::zeros((0, 3));
    let row = array![1.0, 2.0, 3.0];
    let result: Array2<f64> = evaluate("empty + row", vars! { empty, row }).unwrap();
    assert_eq!(result.shape(), [0, 3]);
    let deep = ArrayD::<f64>::ones(vec![1; 32]);
    let result: ArrayD<f64> = evaluate("deep + 1", vars! { deep }).unwrap();
    assert_eq!(result.ndim(), 32);
    let too_deep = ArrayD::<f64>::ones(vec![1; 33]);
    let error = evaluate::<ArrayD<f64>>("x + 1", vars! { x: &too_deep }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    // All variables take part in the shape, even those that were optimised away.
    let chosen: Array1<f64> = evaluate("where(True, 1.0, row)", vars! { row }).unwrap();
    assert_eq!(chosen, array![1.0, 1.0, 1.0]);
}

#[test]
fn variables_shadow_constants_and_unicode_is_fine() {
    assert_eq!(evaluate::<f64>("e", vars! {}).unwrap(), std::f64::consts::E);
    assert_eq!(evaluate::<f64>("e", vars! { e: 2.0 }).unwrap(), 2.0);
    assert_eq!(evaluate::<f64>("λ*π", vars! { λ: 2.0, π: 3.0 }).unwrap(), 6.0);
    assert_eq!(evaluate::<i64>("1 + # one\n 2", vars! {}).unwrap(), 3);
    let var: Var<'_> = 1_u8.into();
    assert_eq!(var.ty(), VarType::scalar(DType::UInt8));
}

#[test]
fn names_are_listed_before_anything_is_known_of_them() {
    let engine = Engine::global();
    let names = |text| engine.names(text).unwrap().into_iter().map(|used| used.name).collect::<Vec<_>>();
    assert_eq!(names("b*a + sin(b) - sum(c, axis=None, keepdims=True) + float32(d)"), ["b", "a", "c", "d"]);
    assert_eq!(names("1 + 2"), [""; 0]);
    assert_eq!(names("sqr(unknown)"), ["unknown"]);
    assert!(engine.names("e + pi").unwrap().iter().all(|used| used.is_constant));
    assert_eq!(engine.names("a +").unwrap_err().kind(), ErrorKind::Syntax);
    // They are the program's variables, in the same order.
    let text = "where(m, y, x) if z > 0 else max(y)*w";
    let signature =
        names(text).iter().fold(Signature::new(), |all, name| all.with(name, VarType::array(DType::Float64)));
    let program = engine.compile(text, &signature).unwrap();
    assert!(program.variables().map(|(name, _)| name).eq(names(text).iter().map(String::as_str)));
}

#[test]
fn values_in_order_are_as_good_as_named_ones() {
    let (a, b) = (Array2::<f64>::ones((2, 3)), array![1.0, 2.0, 3.0]);
    for text in ["b - a*2", "sum(b*a, axis=0) - a"] {
        let program = Engine::global().program(text, &vars! { a: &a, b: &b }).unwrap();
        let values: Vec<Var<'_>> =
            program.variables().map(|(name, _)| if name == "a" { Var::from(&a) } else { Var::from(&b) }).collect();
        let named: Array2<f64> = program.evaluate(&vars! { a: &a, b: &b }).unwrap();
        let layout = raw::result_layout(&program, &values).unwrap();
        assert_eq!((layout.shape(), layout.order()), (&[2, 3][..], &[0, 1][..]));
        let mut out = Array2::<f64>::zeros((2, 3));
        program.run_in_order(&values, &mut out, None).unwrap();
        assert_eq!(out, named);
        let error = program.run_in_order(&values[..1], &mut out, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingVariable);
        assert_eq!(error.to_string(), "the expression has 2 variables, but 1 values were given");
        let progress = Progress::new(6);
        progress.cancel();
        let error = program.run_in_order(&values, &mut out, Some(&progress)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}

#[test]
fn layouts_in_order_are_those_of_named_values() {
    let (one, four, square) = (array![1.0], Array1::<f64>::ones(4), Array2::<f64>::ones((4, 4)));
    let (zero, none) = (arr0(1.0), Array1::<f64>::zeros(0));
    let all =
        [Var::from(&one), Var::from(&four), Var::from(square.t()), Var::from(&zero), Var::from(&none), 2.0.into()];
    for a in &all {
        for b in &all {
            let vars = Vars::new().with("a", a.clone()).with("b", b.clone());
            let program = Engine::global().program("a + b", &vars).unwrap();
            let layout = raw::result_layout(&program, &[a.clone(), b.clone()]);
            assert_eq!(layout.as_ref().ok().map(|layout| layout.shape().to_vec()), program.result_shape(&vars).ok());
            assert_eq!(layout.ok().map(|layout| layout.order().to_vec()), program.result_order(&vars).ok());
        }
    }
}

#[test]
fn weak_variables_promote_as_literals_do() {
    let (f, i, u, m) = (array![1.5_f32], array![7_i8], array![7_u64], array![true]);
    let dtype = |text: &str, k: Var<'_>| -> DType {
        let vars = vars! { f: &f, i: &i, u: &u, m: &m }.with("k", k);
        evaluate::<DynArray>(text, vars).unwrap_or_else(|error| panic!("{text}: {error}")).dtype()
    };
    for (text, with_int, with_float) in [
        ("f + k", DType::Float32, DType::Float32),
        ("i + k", DType::Int8, DType::Float64),
        ("u * k", DType::UInt64, DType::Float64),
        ("m * k", DType::Int64, DType::Float64),
        ("f * (k + 1)", DType::Float32, DType::Float32),
        ("f * (k + 1.5)", DType::Float32, DType::Float32),
        ("i * -k", DType::Int8, DType::Float64),
        ("f + sqrt(k)", DType::Float32, DType::Float32),
        ("k", DType::Int64, DType::Float64),
        ("k / 2", DType::Float64, DType::Float64),
        ("k > 2", DType::Bool, DType::Bool),
        ("i > k", DType::Bool, DType::Bool),
        ("float32(k) + i", DType::Float32, DType::Float32),
        ("where(m, i, k)", DType::Int8, DType::Float64),
        ("arctan2(f, k)", DType::Float32, DType::Float32),
        ("arctan2(i, k)", DType::Float32, DType::Float64),
        ("sum(k) + f", DType::Float64, DType::Float64),
    ] {
        assert_eq!(dtype(text, Var::weak(3_i64)), with_int, "{text}");
        assert_eq!(dtype(text, Var::weak(3.0_f64)), with_float, "{text}");
    }
    assert_eq!(dtype("f + k", Var::weak(u64::MAX)), DType::Float32);
    assert_eq!(Var::weak(1_i64).ty(), VarType::weak(DType::Int64));
    assert_eq!(VarType::weak(DType::Int64).to_string(), "weak int64");
}

#[test]
fn weak_integers_must_fit() {
    let i = array![7_i8, -7];
    let plus: Array1<i8> = evaluate("i + k", vars! { i: &i, k: Var::weak(-121_i64) }).unwrap();
    assert_eq!(plus, array![-114, -128]);
    let error = evaluate::<Array1<i8>>("2*i + k", vars! { i: &i, k: Var::weak(128_i64) }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LiteralRange);
    assert_eq!(
        error.render(),
        "error: the variable `k` is 128, which int8 cannot hold\n  2*i + k\n        ^ this meets int8\n"
    );
    // Any integers can be compared.
    for (k, less) in [(128_i64, [true, true]), (0, [false, true]), (-1000, [false, false])] {
        let found: Array1<bool> = evaluate("i < k", vars! { i: &i, k: Var::weak(k) }).unwrap();
        assert_eq!(found.to_vec(), less);
    }
    let u = array![0_u64, u64::MAX];
    let found: Array1<bool> = evaluate("u > k", vars! { u: &u, k: Var::weak(-1_i64) }).unwrap();
    assert_eq!(found.to_vec(), [true, true]);
}

/// Python stores names in Unicode's normal form, so a micro sign and a Greek mu are one name: in the text and in the
/// names that callers give.
#[test]
fn spellings_of_a_name_are_one_name() {
    let engine = Engine::builder().threads(1).build().unwrap();
    let (micro, mu) = ("\u{b5}", "\u{3bc}");
    for text in [micro, mu].map(|name| format!("{name} + 1")) {
        let names = engine.names(&text).unwrap();
        assert_eq!(names.iter().map(|used| used.name.as_str()).collect::<Vec<_>>(), [mu]);
        for name in [micro, mu] {
            let vars = Vars::new().with("a", 0.5).with(name, 2.0);
            assert_eq!(engine.evaluate::<f64>(&text, &vars).unwrap(), 3.0);
            assert!(Arc::ptr_eq(&engine.program(&text, &vars).unwrap(), &engine.program(&text, &vars).unwrap()));
            let signature = Signature::new().with(name, VarType::scalar(DType::Float64));
            let program = engine.compile(&text, &signature).unwrap();
            assert_eq!(program.evaluate::<f64>(&vars).unwrap(), 3.0);
        }
    }
    let both = Vars::new().with(micro, 1.0).with(mu, 2.0);
    assert_eq!(both.iter().len(), 1);
    assert_eq!(engine.evaluate::<f64>("fix", &Vars::new().with("\u{fb01}x", 7.0)).unwrap(), 7.0);
}
