//! Functions along axes: how exact they are, that their bits depend on the elements alone, and
//! where results may go.

mod accuracy;
mod bounds;

pub(crate) use accuracy::worst_cases;

use crate::cases::arrays::{Array, Layout, pool, same};
use crate::cases::source::Source;
use ndarray::{Array2, array, s};
use ndexpr::{Backend, DType, DynArray, Engine, ErrorKind, Scalar, Var, Vars, ViewMut, vars};

/// Every function along axes: its name, whether it accumulates, and whether it takes several axes.
fn functions() -> Vec<(&'static str, bool, bool)> {
    let all = ndexpr::functions().into_iter().filter(|function| function.params.contains(&"axis=None"));
    all.map(|function| {
        let is_running = !function.params.contains(&"keepdims=False");
        (function.name, is_running, !is_running && !function.name.starts_with("arg"))
    })
    .collect()
}

/// Each function along some of the axes of an array of so many axes.
fn texts(n_axes: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for (name, is_running, takes_several) in functions() {
        if !is_running || n_axes == 1 {
            texts.push(format!("{name}(x)"));
        }
        texts.extend((0..n_axes).map(|axis| format!("{name}(x, axis={axis})")));
        if takes_several && n_axes == 3 {
            texts.extend(["(0, 1)", "(0, 2)", "(1, 2)"].map(|axes| format!("{name}(x, axis={axes}, keepdims=True)")));
        }
    }
    texts.extend(
        [
            "cumsum(x * 2 + 1, axis=-1)",
            "x - mean(x, axis=0)",
            "sum(x * x, axis=-1) + max(x)",
            "x / sum(x, axis=-1, keepdims=True)",
        ]
        .map(str::to_owned),
    );
    texts
}

fn engine(backend: Backend, threads: usize) -> Engine {
    Engine::builder().backend(backend).threads(threads).build().expect("an engine")
}

fn evaluate(engine: &Engine, text: &str, array: &Array) -> (Vec<usize>, Vec<Scalar>) {
    let result: DynArray = engine
        .evaluate(text, &Vars::new().with("x", array.view()))
        .unwrap_or_else(|error| panic!("{text} of {} {:?}: {error}", array.dtype, array.shape));
    (result.shape().to_vec(), result.scalars().collect())
}

/// Layouts with the axes in one order in memory: whatever the strides, the elements are taken in
/// that order.
fn layouts(shape: &[usize]) -> Vec<(&'static str, Layout)> {
    let dense = || Layout::dense(shape);
    let mut padded = dense();
    if let [.., last] = &mut padded.steps[..] {
        *last = 3;
    }
    let mut half_reversed = dense();
    half_reversed.steps[0] = -1;
    let mut odd = dense();
    odd.gap = 3;
    vec![
        ("contiguous", dense()),
        ("strided", dense().step(2)),
        ("reversed", dense().step(-1)),
        ("half reversed", half_reversed),
        ("short steps", padded),
        ("odd strides", odd),
        ("misaligned", dense().misaligned(1)),
    ]
}

#[test]
fn bits_do_not_depend_on_threads_and_strides() {
    let engines = [engine(Backend::Jit, 1), engine(Backend::Jit, 2), engine(Backend::Jit, 3), engine(Backend::Jit, 8)];
    let interp = engine(Backend::Interp, 1);
    let mut n_compared = 0;
    for shape in [&[1][..], &[1025], &[70_000], &[300, 70], &[6, 1017], &[5, 9000], &[9000, 5], &[20, 33, 17]] {
        let n: usize = shape.iter().product();
        for dtype in [DType::Float32, DType::Float64, DType::Int16] {
            // No edge values: a sum that is NaN or infinite would hide differences.
            let mut source = Source::from_seed(n as u64);
            let values: Vec<u64> = (0..n.min(1009))
                .map(|_| match (dtype, source.bits() as i64 as f64 / 1e18) {
                    (DType::Float32, x) => u64::from((x as f32).to_bits()),
                    (DType::Float64, x) => x.to_bits(),
                    (_, x) => (x * 1000.0) as i16 as u16 as u64,
                })
                .collect();
            let make = |layout: &Layout| Array::new(dtype, layout, |i| values[i % values.len()]);
            let arrays: Vec<_> = layouts(shape).iter().map(|(name, layout)| (*name, make(layout))).collect();
            let fortran = (make(&Layout::dense(shape).fortran()), make(&Layout::dense(shape).fortran().step(-2)));
            for text in texts(shape.len()) {
                let expected = evaluate(&engines[0], &text, &arrays[0].1);
                let compare = |how: &str,
                               (found_shape, found): (Vec<usize>, Vec<Scalar>),
                               expected: &(Vec<usize>, Vec<Scalar>)| {
                    assert_eq!(found_shape, expected.0, "{text} of {dtype} {shape:?}, {how}");
                    let place = (0..found.len()).find(|&i| !same(found[i], expected.1[i]));
                    if let Some(i) = place {
                        panic!("{text} of {dtype} {shape:?}, {how}: {:?}, not {:?} at {i}", found[i], expected.1[i]);
                    }
                };
                for (name, array) in &arrays {
                    compare(name, evaluate(&engines[0], &text, array), &expected);
                    n_compared += 1;
                }
                for engine in &engines[1..] {
                    let how = format!("{} threads", engine.threads());
                    compare(&how, evaluate(engine, &text, &arrays[0].1), &expected);
                    compare(&how, evaluate(engine, &text, &arrays[1].1), &expected);
                }
                compare("interpreted", evaluate(&interp, &text, &arrays[2].1), &expected);
                let expected = evaluate(&engines[0], &text, &fortran.0);
                compare("Fortran order reversed", evaluate(&engines[2], &text, &fortran.1), &expected);
            }
        }
    }
    assert!(n_compared > 5000, "only {n_compared}");
}

#[test]
fn outputs_of_any_layout() {
    let engine = engine(Backend::Jit, 2);
    for shape in [&[70, 130][..], &[6, 5, 7], &[3, 4000]] {
        let values = pool(5, DType::Float64, 1009);
        let x = Array::new(DType::Float64, &Layout::dense(shape), |i| values[i % 1009]);
        for text in texts(shape.len()) {
            let (result_shape, expected) = evaluate(&engine, &text, &x);
            let dtype = expected[0].dtype();
            let dense = || Layout::dense(&result_shape);
            let mut apart = dense();
            apart.gap = 8;
            for (how, layout) in [
                ("strided", dense().step(2)),
                ("reversed", dense().step(-1)),
                ("Fortran order", dense().fortran()),
                ("Fortran order, strided", dense().fortran().step(-3)),
                ("apart", apart),
                ("misaligned", dense().misaligned(3)),
            ] {
                let mut out = Array::garbage(dtype, &layout);
                engine.evaluate_into(&text, &Vars::new().with("x", x.view()), out.view_mut()).expect("a reduction");
                let found = out.scalars();
                let place = (0..found.len()).find(|&i| !same(found[i], expected[i]));
                assert_eq!(place.map(|i| (found[i], expected[i])), None, "{text} of {shape:?} into {how}");
                for i in 0..found.len() {
                    out.put(i, 0xa5a5_a5a5_a5a5_a5a5);
                }
                assert!(out.memory.iter().all(|&byte| byte == 0xa5), "{text} of {shape:?} into {how} wrote beside it");
            }
        }
    }
}

#[test]
fn outputs_in_the_place_of_an_input() {
    let a = Array2::from_shape_fn((120, 90), |(i, j)| ((i * 91 + j * 7) % 113) as f64 / 8.0);
    let b = Array2::from_shape_fn((120, 90), |(i, j)| ((i * 17 + j * 5) % 101) as f64 / 4.0);
    for threads in [1, 3] {
        let engine = engine(Backend::Jit, threads);
        for text in [
            "a - mean(a, axis=0)",
            "a / sum(a, axis=1, keepdims=True)",
            "(a - mean(a)) / std(a)",
            "cumsum(a, axis=0)",
            "cumsum(a, axis=1)",
            "cumprod(a * 0 + 1, axis=0) * b",
            "a + max(a + b, axis=0)",
            "sum(a, axis=0) + 0 * a",
            "where(a > b, sum(a, axis=0), cumsum(b, axis=1) + a)",
        ] {
            let uses_b = text.contains('b');
            let bind = |vars| if uses_b { Vars::with(vars, "b", &b) } else { vars };
            let expected: Array2<f64> = engine.evaluate(text, &bind(Vars::new().with("a", &a))).expect(text);
            let mut dense = a.clone();
            engine.evaluate_into(text, &bind(Vars::new().with("a", Var::output::<f64>())), &mut dense).expect(text);
            assert_eq!(dense, expected, "{text}");
            let mut wide = Array2::<f64>::zeros((240, 180));
            let mut strided = wide.slice_mut(s![..;-2, ..;2]);
            strided.assign(&a);
            engine
                .evaluate_into(text, &bind(Vars::new().with("a", Var::output::<f64>())), strided.view_mut())
                .expect(text);
            assert_eq!(strided, expected, "{text}, strided");
            let mut turned = Array2::<f64>::zeros((90, 120)).reversed_axes();
            turned.assign(&a);
            engine
                .evaluate_into(text, &bind(Vars::new().with("a", Var::output::<f64>())), turned.view_mut())
                .expect(text);
            let difference = (&turned - &expected).mapv(f64::abs).into_iter().fold(0.0, f64::max);
            assert!(difference < 1e-12, "{text}, Fortran order: {difference:e}");
        }
    }
}

#[test]
fn results_broadcast_to_larger_outputs() {
    let a = array![[1.0, 2.0], [3.0, 4.0]];
    let mut out = Array2::<f64>::zeros((3, 2));
    ndexpr::evaluate_into("sum(a, axis=0)", vars! { a }, &mut out).unwrap();
    assert_eq!(out, array![[4.0, 6.0], [4.0, 6.0], [4.0, 6.0]]);
    ndexpr::evaluate_into("max(a)", vars! { a }, &mut out).unwrap();
    assert_eq!(out, Array2::from_elem((3, 2), 4.0));
}

/// A program keeps something of each call for the next one. Whatever shapes, orders and addresses
/// alternate, that must not show in results.
#[test]
fn calls_by_turns_with_other_layouts() {
    let texts = [
        "sum(a*b)",
        "mean(a, axis=0) + max(b)",
        "(a - mean(a, axis=1, keepdims=True)) / (1 + std(b))",
        "cumsum(a, axis=0) - b",
        "var(a, ddof=1) * sum(b, axis=1) + argmax(a)",
    ];
    let c = Array2::from_shape_fn((40, 50), |(i, j)| ((i * 31 + j * 17) % 97) as f64 / 8.0);
    let d = c.mapv(|x| (x * 3.0) % 7.0);
    let calls = [
        (c.view(), d.view()),
        (c.view(), d.view()),
        (d.view(), c.view()),
        (c.t(), d.t()),
        (c.slice(s![..20, ..]), d.slice(s![20.., ..])),
        (c.slice(s![..20, ..]), d.slice(s![19, ..]).insert_axis(ndarray::Axis(0))),
        (c.slice(s![..;2, ..]), d.slice(s![..20, ..;-1])),
        (c.slice(s![..0, ..]), d.slice(s![..0, ..])),
        (c.view(), d.view()),
    ];
    let (engine, oracle) = (engine(Backend::Jit, 2), engine(Backend::Interp, 1));
    for text in texts {
        let program = engine.program(text, &vars! { a: &c, b: &d }).expect(text);
        std::thread::scope(|scope| {
            for offset in [0, 4] {
                let (program, oracle, calls) = (&program, &oracle, &calls);
                scope.spawn(move || {
                    for (a, b) in calls.iter().cycle().skip(offset).take(3 * calls.len()) {
                        let vars = vars! { a: a.view(), b: b.view() };
                        let expected: Result<DynArray, _> = oracle.evaluate(text, &vars);
                        let found: Result<DynArray, _> = program.evaluate(&vars);
                        match (found, expected) {
                            (Ok(found), Ok(expected)) => assert!(is_same(&found, &expected), "{text} of {a:?}, {b:?}"),
                            (Err(found), Err(expected)) => assert_eq!(found.to_string(), expected.to_string()),
                            (found, expected) => panic!("{text} of {a:?}, {b:?}: {found:?}, {expected:?}"),
                        }
                    }
                });
            }
        });
        // In place, between calls that are not.
        let (mut in_place, b) = (c.clone(), d.view());
        if let Ok(expected) = program.evaluate::<Array2<f64>>(&vars! { a: &c, b })
            && expected.dim() == c.dim()
        {
            let program = engine.program(text, &vars! { a: Var::output::<f64>(), b }).expect(text);
            let mut apart = Array2::<f64>::zeros(c.dim());
            for _ in 0..2 {
                engine.evaluate_into(text, &vars! { a: &c, b }, &mut apart).expect(text);
                in_place.assign(&c);
                program.run(&vars! { a: Var::output::<f64>(), b }, &mut in_place).expect(text);
                assert_eq!((&apart, &in_place), (&expected, &expected), "{text}");
            }
        }
    }
}

fn is_same(a: &DynArray, b: &DynArray) -> bool {
    match (a, b) {
        (DynArray::Float64(a), DynArray::Float64(b)) => {
            a.shape() == b.shape()
                && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
        }
        _ => false,
    }
}

/// The other arrays of a text do not change the order in which a sum adds its elements.
#[test]
fn sums_add_in_one_order_compiled_and_interpreted() {
    // Elements of very different sizes, so that another order of addition is another sum.
    let element =
        |i: usize, j: usize| ((i * 7919 + j * 104_729) % 1009) as f64 * 1.1_f64.powi(((i + j) % 200) as i32 - 100);
    let c_order = Array2::from_shape_fn((70, 110), |(i, j)| element(i, j));
    let mut f_order = Array2::zeros(ndarray::ShapeBuilder::f((70, 110)));
    f_order.assign(&c_order.mapv(|x| x * 3.3 + 0.1));
    let row = Array2::from_shape_fn((1, 110), |(_, j)| element(j, 3));
    let (jit, oracle) = (engine(Backend::Jit, 2), engine(Backend::Interp, 1));
    for text in [
        "sum(x) + y",
        "sum(y) + x",
        "sum(x + 0.5) * y + sum(y * 2)",
        "x - mean(x, axis=1, keepdims=True) + sum(y - mean(y))",
        "sum(exp(x * 1e-9) * y) + exp(x * 1e-9)",
        "sum(x - sum(y, axis=0)) + r",
        "sum(sqrt(sum(x, axis=0)) * r) + y",
        "var(x) + std(y, axis=0) + r",
        "cumsum(x, axis=0) + sum(y)",
    ] {
        for (x, y) in [(&f_order, &c_order), (&c_order, &f_order)] {
            let vars = vars! { x: x, y: y, r: &row };
            let expected: DynArray = oracle.evaluate(text, &vars).expect(text);
            let found: DynArray = jit.evaluate(text, &vars).expect(text);
            assert!(is_same(&found, &expected), "{text}");
        }
    }
}

/// More elements than can be counted, each the same one.
#[test]
fn domains_beyond_counting_are_errors() {
    let one = ndarray::arr2(&[[1.0_f64]]);
    let n = 1_usize << 33;
    let a = ndexpr::View::from(&one).broadcast_to(&[n, 1]).unwrap();
    let b = ndexpr::View::from(&one).broadcast_to(&[1, n]).unwrap();
    for backend in [Backend::Jit, Backend::Interp] {
        let engine = engine(backend, 1);
        for text in ["mean(a + b)", "sum(a + b)", "var(a * b, axis=None)", "cumsum(a + b, axis=0)"] {
            let vars = vars! { a: a.clone(), b: b.clone() };
            let error = engine.evaluate::<DynArray>(text, &vars).expect_err(text);
            let is_told = matches!(error.kind(), ndexpr::ErrorKind::Limit | ndexpr::ErrorKind::Memory);
            assert!(is_told, "{text}: {error}");
        }
    }
}

/// A call that tells its progress runs as stages; one that does not may take a shorter way.
#[test]
fn short_calls_have_the_bits_of_stages() {
    use ndexpr::{Progress, View};
    let reduced: Vec<String> =
        functions().iter().filter(|function| !function.1).map(|function| format!("{}(#)", function.0)).collect();
    let more = [
        "sum(x*y)",
        "sum(#)/sqrt(sum(x*x))",
        "mean(#) + k",
        "max(#) - min(#)",
        "std(#, ddof=1)*k",
        // What nothing needs runs over other elements, or is wrong.
        "sum(k) if True else sum(x)",
        "sum(i) + sum(x)*0",
        "prod(k)*sum(x)**0",
        "sum(i + 0*sum(x, axis=0))",
        "sum(x + 0*sum(y, axis=7))",
        "sum(x + 0*cumsum(y))",
        "sum(x + 0*sum(y, axis=-1))",
    ];
    let mut n_short = 0;
    for dtype in [DType::Float64, DType::Float32, DType::Int16, DType::UInt64, DType::Bool] {
        for shape in [&[1][..], &[7], &[1000], &[1024], &[1025], &[5000], &[70_000], &[3, 400], &[2, 0, 3]] {
            let n: usize = shape.iter().product();
            let array = |seed: u64| {
                let values = pool(seed, dtype, n.max(1));
                Array::new(dtype, &Layout::dense(shape), |i| values[i])
            };
            let (x, y) = (array(31), array(32));
            let vars = vars! { x: x.view(), y: y.view(), k: 2.5, i: 3_i16 };
            for engine in [1, 2].map(|threads| Engine::builder().threads(threads).build().expect("an engine")) {
                for text in reduced.iter().map(String::as_str).chain(more) {
                    for argument in ["x", "x*3 - y", "x > y", "x/7", "exp(-x)"] {
                        let text = text.replace('#', argument);
                        let Ok(program) = engine.program(&text, &vars) else { continue };
                        let mut found = [[0_u8; 8]; 2];
                        let dtype = program.result_dtype();
                        let ends = [0, 1].map(|way| {
                            // SAFETY: 8 bytes hold an element of any dtype, and all are
                            // initialised; nobody else uses them meanwhile.
                            let out = unsafe { ViewMut::from_raw_parts(found[way].as_mut_ptr(), dtype, &[], &[]) };
                            let out = out.expect("a view");
                            let progress = Progress::default();
                            let progress = (way == 1).then_some(&progress);
                            program.run_with(&vars, out, progress).map_err(|error| error.to_string())
                        });
                        assert_eq!(ends[0], ends[1], "{text} of {shape:?}");
                        let [short, staged] = found.map(u64::from_ne_bytes).map(|bits| Scalar::from_bits(dtype, bits));
                        assert!(same(short, staged), "{text} of {shape:?}, {dtype}: {short} and {staged}");
                        if ends[0].is_ok() {
                            let fresh = program.evaluate::<DynArray>(&vars).expect("a result");
                            assert_eq!(fresh.view().read(&[]).map(|fresh| same(fresh, staged)), Some(true), "{text}");
                            n_short += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(n_short > 1000, "{n_short} results");
    // A reduction that nothing needs must have its axis nevertheless.
    let (x, i) = ([1.0, 2.0], 3_i16);
    let program =
        Engine::global().program("sum(isfinite(max(i, axis=0)) + x)", &vars! { x: &x, i }).expect("a program");
    let error = program.evaluate::<f64>(&vars! { x: &x, i }).expect_err("there is no axis");
    assert_eq!(error.kind(), ErrorKind::Axis);
    // Where arrays lie differently, or are repeated, stages run.
    let (row, column) = (Array2::<f64>::ones((1, 30)), Array2::<f64>::ones((30, 1)));
    let sum = Engine::global().program("sum(a*b)", &vars! { a: &row, b: &column }).expect("a program");
    assert_eq!(sum.evaluate::<f64>(&vars! { a: &row, b: &column }).expect("a sum"), 900.0);
    assert_eq!(sum.evaluate::<f64>(&vars! { a: &row, b: View::from(row.t()) }).expect("a sum"), 900.0);
}
