//! Functions of Rust in texts: every dtype, layout and way to run, against loops that call the same
//! closure; and panics.

use expect_test::{Expect, expect};
use ndarray::{Array1, Array2, ArrayD, array, s};
use ndexpr::{
    Backend, DType, DynArray, Element, Engine, EngineBuilder, ErrorKind, Function, FunctionOrigin, Signature, Var,
    VarType, Vars, targets, vars,
};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const LENGTHS: [usize; 8] = [0, 1, 2, 7, 63, 1000, 1025, 20_000];

/// Engines of every kind with these functions.
fn engines(functions: &[Function]) -> Vec<Engine> {
    let mut engines = Vec::new();
    for backend in [Backend::Jit, Backend::Interp] {
        for threads in [1, 4] {
            let builder = Engine::builder().backend(backend).threads(threads);
            let builder = functions.iter().cloned().fold(builder, EngineBuilder::function);
            engines.push(builder.build().expect("an engine"));
        }
    }
    engines
}

/// Checks that a text is run as the engine was told to.
#[track_caller]
fn check_backend(engine: &Engine, text: &str, vars: &Vars<'_>) {
    let program = engine.program(text, vars).unwrap_or_else(|error| panic!("{error:?}"));
    let reason = program.fallback_reason().unwrap_or_default();
    assert!(reason.is_empty() || reason == "the engine was told to", "{text}: {reason}");
}

/// A few values of a type.
trait Sample: Element {
    fn sample(i: usize) -> Self;

    fn all(n: usize) -> Array1<Self> {
        (0..n).map(Self::sample).collect()
    }
}

macro_rules! samples {
    ($($ty:ty: $sample:expr;)*) => {$(
        impl Sample for $ty {
            fn sample(i: usize) -> $ty {
                let sample: fn(usize) -> $ty = $sample;
                sample(i)
            }
        }
    )*};
}

samples! {
    bool: |i| i % 3 == 1;
    i8: |i| (i * 7) as i8;
    i16: |i| (i * 771) as i16;
    i32: |i| (i as i32).wrapping_mul(77_077_077);
    i64: |i| (i as i64).wrapping_mul(-7_070_707_070_707_070_707);
    u8: |i| (i * 11) as u8;
    u16: |i| (i * 1117) as u16;
    u32: |i| (i as u32).wrapping_mul(1_111_111_117);
    u64: |i| (i as u64).wrapping_mul(11_111_111_111_111_111_117);
    f32: |i| i as f32 / 7.0 - 3.0;
    f64: |i| i as f64 / 7.0 - 3.0;
}

/// Calls a macro for each pair of dtypes.
macro_rules! for_each_pair {
    ($check:ident) => {
        for_each_pair!($check: bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64; [bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64]);
    };
    ($check:ident: $($first:ty)*; $seconds:tt) => { $(for_each_pair!(@$check $first; $seconds);)* };
    (@$check:ident $first:ty; [$($second:ty)*]) => { $($check::<$first, $second>();)* };
}

fn check_pair<T: Sample, U: Sample>() {
    let functions = [
        Function::scalar("first", |x: T, _: U| x),
        Function::scalar("second", |_: T, y: U| y),
        Function::tiles("same", |x: &[T], y: &[U], z: &[T], out: &mut [bool]| {
            assert!(x.len() == out.len() && y.len() == out.len() && z.len() == out.len(), "one length");
            for (i, out) in out.iter_mut().enumerate() {
                *out = x[i] == z[i];
            }
        }),
    ];
    for engine in engines(&functions) {
        for n in [0, 1, 7, 300] {
            let (t, u) = (T::all(n), U::all(n));
            let vars = vars! { t, u };
            let values =
                |text: &str| engine.evaluate::<DynArray>(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(values("first(t, u)"), engine.evaluate("t", &vars).expect("a variable"), "{}, {n}", T::DTYPE);
            assert_eq!(values("second(t, u)"), engine.evaluate("u", &vars).expect("a variable"), "{}, {n}", U::DTYPE);
            // Both calls, of other widths, and a third that reads what one of them gives.
            let same = values("same(t, second(first(t, u), u), first(t, u))");
            assert_eq!(same, DynArray::Bool(Array1::from_elem(n, true).into_dyn()), "{} {}", T::DTYPE, U::DTYPE);
        }
    }
}

#[test]
fn every_dtype_as_argument_and_result() {
    for_each_pair!(check_pair);
}

#[test]
fn one_to_eight_arguments_of_any_widths() {
    let functions = [
        Function::scalar("f1", |a: f64| a + 1.0),
        Function::scalar("f2", |a: f64, b: i8| a + f64::from(b)),
        Function::scalar("f3", |a: f64, b: i8, c: bool| if c { a } else { f64::from(b) }),
        Function::scalar("f4", |a: f64, b: i8, c: bool, d: f32| if c { a } else { f64::from(b) + f64::from(d) }),
        Function::scalar("f5", |a: i16, b: i8, c: bool, d: f32, e: f64| {
            f64::from(a) + if c { f64::from(b) } else { e } + f64::from(d)
        }),
        Function::scalar("f6", |a: i16, b: i8, c: bool, d: f32, e: f64, f: u32| {
            f64::from(a) + if c { f64::from(b) } else { e } + f64::from(d) - f64::from(f)
        }),
        Function::scalar("f7", |a: i16, b: i8, c: bool, d: f32, e: f64, f: u32, g: u8| {
            f64::from(a) + if c { f64::from(b) } else { e } + f64::from(d) - f64::from(f) * f64::from(g)
        }),
        Function::scalar("f8", |a: i16, b: i8, c: bool, d: f32, e: f64, f: u32, g: u8, h: i64| -> u8 {
            let all = i64::from(a) + i64::from(b) + i64::from(c) + d as i64 + e as i64 + i64::from(f) + i64::from(g);
            all.wrapping_add(h) as u8
        }),
        Function::tiles(
            "t8",
            |a: &[i16], b: &[i8], c: &[bool], d: &[f32], e: &[f64], f: &[u32], g: &[u8], h: &[i64], out: &mut [u8]| {
                for i in 0..out.len() {
                    let floats = d[i] as i64 + e[i] as i64;
                    let ints = i64::from(a[i]) + i64::from(b[i]) + i64::from(f[i]) + i64::from(g[i]);
                    out[i] = (floats + ints + i64::from(c[i])).wrapping_add(h[i]) as u8;
                }
            },
        ),
    ];
    for engine in engines(&functions) {
        for n in LENGTHS {
            let (a, b, c) = (f64::all(n), i8::all(n), bool::all(n));
            let (d, i, f, g, h) = (f32::all(n), i16::all(n), u32::all(n), u8::all(n), i64::all(n));
            let vars = vars! { a, b, c, d, i, f, g, h };
            let value =
                |text: &str| engine.evaluate::<Array1<f64>>(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
            let each = |f: &dyn Fn(usize) -> f64| (0..n).map(f).collect::<Array1<f64>>();
            assert_eq!(value("f1(a)"), each(&|k| a[k] + 1.0));
            assert_eq!(value("f2(a, b)"), each(&|k| a[k] + f64::from(b[k])));
            assert_eq!(value("f3(a, b, c)"), each(&|k| if c[k] { a[k] } else { f64::from(b[k]) }));
            let d_of = |k: usize| f64::from(d[k]);
            assert_eq!(value("f4(a, b, c, d)"), each(&|k| if c[k] { a[k] } else { f64::from(b[k]) + d_of(k) }));
            let f5 = |k: usize| f64::from(i[k]) + if c[k] { f64::from(b[k]) } else { a[k] } + d_of(k);
            assert_eq!(value("f5(i, b, c, d, a)"), each(&f5));
            assert_eq!(value("f6(i, b, c, d, a, f)"), each(&|k| f5(k) - f64::from(f[k])));
            assert_eq!(value("f7(i, b, c, d, a, f, g)"), each(&|k| f5(k) - f64::from(f[k]) * f64::from(g[k])));
            let eight = |k: usize| {
                let ints = i64::from(i[k]) + i64::from(b[k]) + i64::from(c[k]) + i64::from(f[k]) + i64::from(g[k]);
                (ints + d[k] as i64 + a[k] as i64).wrapping_add(h[k]) as u8
            };
            let expected: Array1<u8> = (0..n).map(eight).collect();
            for text in ["f8(i, b, c, d, a, f, g, h)", "t8(i, b, c, d, a, f, g, h)"] {
                assert_eq!(engine.evaluate::<Array1<u8>>(text, &vars).expect("a result"), expected, "{text}, {n}");
            }
        }
    }
}

fn soft(x: f64) -> f64 {
    x / (1.0 + x.abs())
}

fn blend(x: f64, y: f64, t: f64) -> f64 {
    x * t + y * (1.0 - t)
}

fn soft_and_blend() -> [Function; 2] {
    let soft = Function::scalar("soft", soft);
    let blend = Function::tiles("blend", |x: &[f64], y: &[f64], t: &[f64], out: &mut [f64]| {
        for (i, out) in out.iter_mut().enumerate() {
            *out = blend(x[i], y[i], t[i]);
        }
    });
    [soft, blend.params(&["x", "y", "t"])]
}

#[test]
fn calls_are_parts_of_expressions() {
    for engine in engines(&soft_and_blend()) {
        for n in LENGTHS {
            let (a, b) = (f64::all(n), f64::all(n).mapv(|x| x * 0.3 + 1.0));
            let vars = vars! { a, b, k: 0.25 };
            let check = |text: &str, expected: &dyn Fn(f64, f64) -> f64| {
                check_backend(&engine, text, &vars);
                let found: Array1<f64> = engine.evaluate(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
                let expected: Array1<f64> = a.iter().zip(&b).map(|(&a, &b)| expected(a, b)).collect();
                assert_eq!(found, expected, "{text}, {n} elements, {engine:?}");
            };
            check("soft(a)", &|a, _| soft(a));
            check("2*soft(a + b) - b", &|a, b| 2.0 * soft(a + b) - b);
            check("soft(soft(soft(a)))", &|a, _| soft(soft(soft(a))));
            check("blend(a, b, 0.5)", &|a, b| blend(a, b, 0.5));
            check("blend(soft(a), a*b, t=k) + soft(b)", &|a, b| blend(soft(a), a * b, 0.25) + soft(b));
            check("blend(t=soft(k), y=a, x=b)", &|a, b| blend(b, a, soft(0.25)));
            check("where(soft(a) > 0.1, soft(b), -1)", &|a, b| if soft(a) > 0.1 { soft(b) } else { -1.0 });
            check("def f(x, y=2): return soft(x)*y\nt = f(a)\nt += f(b, y=3)\nt", &|a, b| {
                soft(a) * 2.0 + soft(b) * 3.0
            });
            check("floor(soft(a)*8) + sqrt(soft(b)**2)", &|a, b| (soft(a) * 8.0).floor() + (soft(b) * soft(b)).sqrt());
        }
    }
}

#[test]
fn layouts_and_slices() {
    for engine in engines(&soft_and_blend()) {
        let m = Array2::from_shape_fn((37, 53), |(i, j)| (i * 53 + j) as f64 / 100.0 - 9.0);
        let row: Array1<f64> = m.row(3).to_owned();
        let (flipped, thin, turned) = (m.slice(s![..;-1, ..]), m.slice(s![.., ..;2]), m.t());
        let a = f64::all(1000);
        let vars = vars! { m, row, flipped, thin, turned, a };
        let value =
            |text: &str| engine.evaluate::<ArrayD<f64>>(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(value("soft(flipped)"), flipped.mapv(soft).into_dyn());
        assert_eq!(value("soft(thin)"), thin.mapv(soft).into_dyn());
        assert_eq!(value("soft(turned)"), turned.mapv(soft).into_dyn());
        assert_eq!(value("soft(m.T) + turned"), (turned.mapv(soft) + turned).into_dyn());
        assert_eq!(value("soft(row)[1:]"), row.slice(s![1..]).mapv(soft).into_dyn());
        assert_eq!(value("soft(m + row)[1:, ::3]"), (&m + &row).slice(s![1.., ..;3]).mapv(soft).into_dyn());
        assert_eq!(value("soft(m + row)[2]"), (&m + &row).row(2).mapv(soft).into_dyn());
        let blended = ndarray::Zip::from(&m).and(&flipped).and_broadcast(&row).map_collect(|&x, &y, &t| blend(x, y, t));
        assert_eq!(value("blend(m, flipped, row)"), blended.clone().into_dyn());
        assert_eq!(value("blend(m, flipped, row).T"), blended.t().to_owned().into_dyn());
        assert_eq!(value("soft(a[::-1])[::-7]"), a.slice(s![..;7]).mapv(soft).into_dyn());
    }
}

#[test]
fn outputs_that_are_arguments() {
    for engine in engines(&soft_and_blend()) {
        for n in LENGTHS {
            let (a, b) = (f64::all(n), f64::all(n).mapv(|x| x - 1.0));
            let expected: Array1<f64> = a.iter().zip(&b).map(|(&x, &y)| blend(soft(x), y, x)).collect();
            let mut out = a.clone();
            engine.evaluate_into("soft(a)", &vars! { a: Var::output::<f64>() }, &mut out).expect("a result");
            assert_eq!(out, a.mapv(soft), "{n}");
            let mut out = a.clone();
            engine
                .evaluate_into("blend(soft(a), b, a)", &vars! { a: Var::output::<f64>(), b }, &mut out)
                .expect("a result");
            assert_eq!(out, expected, "{n}");
            // Arrays that no slice can have, because they are not aligned.
            let mut bytes = vec![0_u8; 8 * n + 3];
            let (mut out_bytes, places) = (bytes.clone(), |n: usize| (3..8 * n + 3).step_by(8));
            for (value, at) in a.iter().zip(places(n)) {
                bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
            }
            let view = ndexpr::View::from_bytes(&bytes, DType::Float64, &[n], &[8], 3).expect("a view");
            let out = ndexpr::ViewMut::from_bytes_mut(&mut out_bytes, DType::Float64, &[n], &[8], 3).expect("a view");
            engine.evaluate_into("soft(a)", &vars! { a: view }, out).expect("a result");
            let found: Array1<f64> =
                places(n).map(|at| f64::from_ne_bytes(out_bytes[at..at + 8].try_into().expect("8 bytes"))).collect();
            assert_eq!(found, a.mapv(soft), "{n}");
        }
    }
}

#[test]
fn updates_and_several_results() {
    let prelude = "def step(u, k=1):\n    u[1:] = soft(u[:-1])*k\n    return u.max()";
    let builder = || soft_and_blend().into_iter().fold(Engine::builder().prelude(prelude), EngineBuilder::function);
    for backend in [Backend::Jit, Backend::Interp] {
        for threads in [1, 4] {
            let engine = builder().backend(backend).threads(threads).build().expect("an engine");
            for n in [1, 2, 1000, 20_000] {
                let a = f64::all(n);
                let (same, sum): (Array1<f64>, f64) =
                    engine.evaluate("s = soft(a); s, sum(s)", &vars! { a }).expect("two results");
                assert_eq!(same, a.mapv(soft));
                assert_eq!(sum, engine.evaluate::<f64>("sum(same)", &vars! { same }).expect("a sum"));
                let mut u = a.clone();
                engine.execute("u += soft(u)", &vars! {}, &mut targets! { u: &mut u }).expect("an update");
                assert_eq!(u, a.mapv(|x| x + soft(x)), "{n}");
                let mut expected = a.clone();
                expected.slice_mut(s![1..]).assign(&a.slice(s![..-1]).mapv(|x| soft(x) * 2.0));
                let mut u = a.clone();
                let procedure = "step(u, k=2)";
                let text = format!("t = {procedure}\nu[0] = t");
                engine
                    .execute(&text, &vars! {}, &mut targets! { u: &mut u })
                    .unwrap_or_else(|error| panic!("{error:?}"));
                assert_eq!(u.slice(s![1..]), expected.slice(s![1..]), "{n}");
                assert_eq!(u[0], expected.fold(f64::MIN, |max, &x| max.max(x)), "{n}");
            }
        }
    }
}

/// A bool of an array is any byte, and a closure gets 0 or 1.
#[test]
fn bools_are_zero_or_one() {
    let bits = Function::tiles("bits", |x: &[bool], out: &mut [u8]| {
        for (x, out) in x.iter().zip(out) {
            *out = u8::from(*x) + 10 * (*x as u8);
        }
    });
    for engine in engines(&[bits]) {
        let bytes: Vec<u8> = (0..999).map(|i| (i % 5 * 60) as u8).collect();
        let view = ndexpr::View::from_bytes(&bytes, DType::Bool, &[999], &[1], 0).expect("a view");
        let found: Array1<u8> = engine.evaluate("bits(x)", &vars! { x: view }).expect("a result");
        assert_eq!(found, bytes.iter().map(|&byte| if byte == 0 { 0 } else { 11 }).collect::<Array1<u8>>());
    }
}

#[test]
fn reductions_of_calls() {
    for engine in engines(&soft_and_blend()) {
        let m = Array2::from_shape_fn((61, 47), |(i, j)| (i * 47 + j) as f64 / 50.0 - 11.0);
        let g = m.mapv(soft);
        let vars = vars! { m, g, k: 3.0 };
        for (text, same) in [
            ("sum(soft(m))", "sum(g)"),
            ("max(soft(m), axis=0)", "max(g, axis=0)"),
            ("soft(m).mean(axis=1) + soft(m).var()", "mean(g, axis=1) + var(g)"),
            ("cumsum(soft(m), axis=1)", "cumsum(g, axis=1)"),
            ("argmax(soft(m), axis=0)", "argmax(g, axis=0)"),
            ("soft(m) - sum(soft(m), axis=0)", "g - sum(g, axis=0)"),
            ("e_ = exp(soft(m)); e_/e_.sum(axis=1, keepdims=True)", "exp(g)/sum(exp(g), axis=1, keepdims=True)"),
            ("sum(soft(m)*m, axis=1)", "sum(g*m, axis=1)"),
            ("soft(soft(m).sum()) + soft(k) - soft(k)", "s = g.sum(); s/(1 + abs(s))"),
            ("soft(sum(m, axis=0))", "s = sum(m, axis=0); s/(1 + abs(s))"),
            ("any(soft(m) > 0.9)", "any(g > 0.9)"),
        ] {
            let value =
                |text: &str| engine.evaluate::<DynArray>(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
            check_backend(&engine, text, &vars);
            assert_eq!(value(text), value(same), "{text}, {engine:?}");
        }
    }
}

#[test]
fn single_values_and_literals() {
    let functions = [
        Function::scalar("soft", soft),
        Function::scalar("narrow", |x: f32| x * 2.0),
        Function::scalar("count", |n: u8, b: bool| n + u8::from(b)),
    ];
    for engine in engines(&functions) {
        let vars = vars! { a: &[1_i32, -2], k: 3.0, x: &[0.5_f32], w: Var::weak(0.5), i: Var::weak(7_i64) };
        let value = |text: &str| engine.evaluate::<DynArray>(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
        let float = |value: f64| DynArray::Float64(ndarray::arr0(value).into_dyn());
        assert_eq!(value("soft(1)"), float(0.5));
        assert_eq!(value("soft(k)"), float(0.75));
        assert_eq!(value("soft(True) + soft(1.0)"), float(1.0));
        assert_eq!(value("soft(a)"), DynArray::Float64(array![0.5, -2.0 / 3.0].into_dyn()));
        // Literals and weak numbers take the dtype of the parameter.
        assert_eq!(value("narrow(0.25)"), DynArray::Float32(ndarray::arr0(0.5).into_dyn()));
        assert_eq!(value("narrow(w) + x"), DynArray::Float32(array![1.5].into_dyn()));
        assert_eq!(value("narrow(i)"), DynArray::Float32(ndarray::arr0(14.0).into_dyn()));
        assert_eq!(value("narrow(i + 1)"), DynArray::Float32(ndarray::arr0(16.0).into_dyn()));
        assert_eq!(value("count(255 - 1, True)"), DynArray::UInt8(ndarray::arr0(255).into_dyn()));
        assert_eq!(value("count(i*2, a[0] > 0)"), DynArray::UInt8(ndarray::arr0(15).into_dyn()));
        // The result of a call has its dtype, also where all arguments are literals.
        assert_eq!(value("x*soft(1)"), DynArray::Float64(array![0.25].into_dyn()));
        let error = engine.evaluate::<DynArray>("count(i, False)", &vars! { i: Var::weak(300_i64) }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LiteralRange);
    }
}

/// Lanes beyond the end of an array are no elements.
#[test]
fn closures_see_elements_only() {
    let functions = [
        Function::scalar("inverse", |x: i64| 1_000_000 / x),
        Function::scalar("checked", |x: f64| {
            assert!(x > 0.0, "{x} is no element");
            x.sqrt()
        }),
    ];
    // A loop that is too long for a tail of its own.
    let long = (1..200).map(|k| format!("+ a*{k}.5/(a + {k})")).collect::<String>();
    let long = format!("checked(a) {long}");
    for engine in engines(&functions) {
        for n in [1, 2, 3, 5, 17, 100, 255, 257, 5001] {
            let (a, i) = (Array1::from_elem(n, 4.0), Array1::from_elem(n, 8_i64));
            let m = Array2::from_elem((n, 3), 4.0);
            let vars = vars! { a, i, m, t: m.t(), thin: m.slice(s![.., ..;2]) };
            let value =
                |text: &str| engine.evaluate::<DynArray>(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(value("inverse(i)"), DynArray::Int64(Array1::from_elem(n, 125_000).into_dyn()));
            for text in [
                "checked(m + m)",
                "checked(t)*t",
                "checked(thin)",
                "checked(m).sum(axis=0)",
                "checked(t).sum(axis=0)",
                &long,
            ] {
                value(text);
            }
        }
    }
}

fn panicking() -> Vec<Function> {
    let functions = [
        Function::scalar("positive", |x: f64| {
            assert!(x >= 0.0, "{x} is negative");
            x
        }),
        Function::tiles("never", |_: &[f64], _: &mut [f64]| panic!("never ever")),
        Function::scalar("odd", |_: f64| -> bool { std::panic::panic_any(17) }),
        Function::scalar("soft", soft),
    ];
    functions.into()
}

/// Runs with panics that print nothing.
fn quietly<R>(run: impl FnOnce() -> R) -> R {
    static IS_QUIET: AtomicBool = AtomicBool::new(false);
    if !IS_QUIET.swap(true, Ordering::Relaxed) {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload_as_str().unwrap_or("17");
            if !["is negative", "never ever", "17"].iter().any(|known| text.contains(known)) {
                hook(info);
            }
        }));
    }
    run()
}

#[test]
fn a_panic_is_an_error() {
    quietly(|| {
        for engine in engines(&panicking()) {
            let mut a = Array1::from_elem(100_000, 1.0);
            let m = Array2::from_elem((300, 300), -1.0);
            a[77_777] = -3.5;
            let vars = vars! { a, m, k: -2.0 };
            let error = |text: &str| engine.evaluate::<DynArray>(text, &vars).expect_err(text);
            for text in [
                "positive(a)",
                "2*positive(a + 0) + soft(a)",
                "sum(positive(a))",
                "soft(a) - mean(positive(a))",
                "cumsum(positive(a))",
                "positive(k) + a",
                "positive(m).sum(axis=0)",
                "positive(m.T) + m",
                "positive(m)[::2, 5:]",
                "positive(k)",
            ] {
                let error = error(text);
                assert_eq!(error.kind(), ErrorKind::Panic, "{text}: {error:?}");
                assert!(error.to_string().starts_with("the function `positive` panicked: -"), "{text}: {error}");
                // The engine goes on, and this thread too.
                let half: f64 = engine.evaluate("soft(1.0)", &vars! {}).expect("a result");
                assert_eq!(half, 0.5);
            }
            assert_eq!(error("never(a)").to_string(), "the function `never` panicked: never ever");
            assert_eq!(error("odd(a)").to_string(), "the function `odd` panicked: it gives no message");
            // The first panic of a tile is the one that counts.
            assert_eq!(error("never(soft(m)) + odd(m)").kind(), ErrorKind::Panic);
            let mut out = vec![false; 1000];
            let error = engine.evaluate_into("odd(x)", &vars! { x: &f64::all(1000) }, &mut out[..]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panic);
            let sum: f64 = engine.evaluate("sum(positive(abs(a)))", &vars).expect("no panic");
            assert_eq!(sum, 100_002.5);
        }
    });
}

#[test]
fn a_panic_ends_an_update() {
    for engine in engines(&panicking()) {
        let mut u = Array1::from_elem(5000, 1.0);
        u[4000] = -1.0;
        for text in ["u += positive(u)", "u[1:] = positive(u[:-1])", "u *= 2\nu[::-1] = positive(u)"] {
            let execute = |u: &mut Array1<f64>| engine.execute(text, &vars! {}, &mut targets! { u: u });
            let error = quietly(|| execute(&mut u.clone())).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Panic, "{text}");
            execute(&mut Array1::from_elem(5000, 1.0)).expect("no panic");
        }
    }
}

#[test]
fn a_panic_shows_the_call() {
    let engine = panicking().into_iter().fold(Engine::builder(), EngineBuilder::function).build().expect("an engine");
    let check = |text: &str, expected: Expect| {
        let error = quietly(|| engine.evaluate::<DynArray>(text, &vars! { a: &[-1.0, 2.0] }).unwrap_err());
        expected.assert_eq(&error.render());
    };
    check(
        "1 + positive(a*2)",
        expect![[r#"
        error: the function `positive` panicked: -2 is negative
          1 + positive(a*2)
              ^^^^^^^^^^^^^ called here
    "#]],
    );
    check(
        "def f(x): return positive(x)\nf(a)",
        expect![[r#"
        error: the function `positive` panicked: -1 is negative
          1 | def f(x): return positive(x)
            |                  ^^^^^^^^^^^ called here
          2 | f(a)
            | ^^^^ in this call of `f`
    "#]],
    );
    check(
        "positive(1) + positive(a)",
        expect![[r#"
        error: the function `positive` panicked: -1 is negative
    "#]],
    );
}

#[test]
fn panics_of_many_threads_at_once() {
    quietly(|| {
        for engine in engines(&panicking()) {
            let (n_errors, n_results) = (AtomicUsize::new(0), AtomicUsize::new(0));
            std::thread::scope(|scope| {
                for thread in 0..6 {
                    let (engine, n_errors, n_results) = (&engine, &n_errors, &n_results);
                    scope.spawn(move || {
                        for round in 0..20 {
                            let is_wrong = (round + thread) % 2 == 0;
                            let a = Array1::from_elem(3000, if is_wrong { -1.0 } else { 1.0 });
                            match engine.evaluate::<f64>("sum(positive(a))", &vars! { a }) {
                                Ok(sum) => {
                                    assert_eq!(sum, 3000.0);
                                    n_results.fetch_add(1, Ordering::Relaxed);
                                }
                                Err(error) => {
                                    assert_eq!(error.kind(), ErrorKind::Panic);
                                    n_errors.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        }
                    });
                }
            });
            assert_eq!((n_errors.into_inner(), n_results.into_inner()), (60, 60));
        }
    });
}

/// A closure may use an engine itself, and what goes wrong there is its own matter.
#[test]
fn a_closure_evaluates_a_text() {
    let inner =
        panicking().into_iter().fold(Engine::builder().threads(2), EngineBuilder::function).build().expect("an engine");
    let tries = Function::tiles("tries", move |x: &[f64], out: &mut [f64]| {
        match quietly(|| inner.evaluate::<Array1<f64>>("positive(x) + 1", &vars! { x })) {
            Ok(sum) => out.copy_from_slice(sum.as_slice().expect("in order")),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Panic);
                out.fill(0.0);
            }
        }
    });
    for engine in engines(&[tries]) {
        let a = Array1::from_elem(2000, 1.0);
        assert_eq!(engine.evaluate::<Array1<f64>>("tries(a)*2", &vars! { a }).expect("a result"), &a * 4.0);
        assert_eq!(engine.evaluate::<Array1<f64>>("tries(-a)*2", &vars! { a }).expect("a result"), &a * 0.0);
    }
}

#[test]
fn a_program_outlives_its_engine() {
    struct Dropped(std::sync::Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_dropped = std::sync::Arc::new(AtomicBool::new(false));
    let held = Dropped(is_dropped.clone());
    let function =
        Function::scalar("plus", move |x: f64| if held.0.load(Ordering::Relaxed) { f64::NAN } else { x + 1.0 });
    let engine = Engine::builder().function(function).build().expect("an engine");
    let program =
        engine.compile("plus(a)", &Signature::new().with("a", VarType::array(DType::Float64))).expect("a program");
    drop(engine);
    assert_eq!(program.evaluate::<Array1<f64>>(&vars! { a: &[1.0, 2.0] }).expect("a result"), array![2.0, 3.0]);
    assert!(!is_dropped.load(Ordering::Relaxed));
    drop(program);
    assert!(is_dropped.load(Ordering::Relaxed), "nothing keeps it longer");
}

#[test]
fn names_hide_each_other() {
    let functions = [Function::scalar("erf", |x: f64| x + 100.0), Function::scalar("sum", |x: f64, y: f64| x - y)];
    for engine in engines(&functions) {
        let a = array![0.0, 1.0];
        let vars = vars! { a };
        let value = |text: &str| engine.evaluate::<DynArray>(text, &vars).unwrap_or_else(|error| panic!("{error:?}"));
        let floats = |values: Array1<f64>| DynArray::Float64(values.into_dyn());
        assert_eq!(value("erf(a)"), floats(array![100.0, 101.0]));
        assert_eq!(value("np.erf(0*a)"), floats(array![0.0, 0.0]));
        assert_eq!(value("sum(a, y=1)"), floats(array![-1.0, 0.0]));
        assert_eq!(value("a.sum(axis=0) + np.sum(a, axis=0)"), DynArray::Float64(ndarray::arr0(2.0).into_dyn()));
        assert_eq!(value("def erf(x): return -x\nerf(a)"), floats(array![-0.0, -1.0]));
        // A variable of the same name is no function.
        let mixed: Array1<f64> = engine.evaluate("erf(erf)", &vars! { erf: &[1.0] }).expect("a result");
        assert_eq!(mixed, array![101.0]);
    }
}

#[test]
fn functions_are_listed() {
    let engine = Engine::builder()
        .function(Function::scalar("erf", |x: f64| x).doc("The identity."))
        .function(Function::scalar("scale", |x: f32, n: i32| -> bool { x > n as f32 }).params(&["value", "by"]))
        .build()
        .expect("an engine");
    let functions = engine.functions();
    let erf: Vec<_> = functions.iter().filter(|function| function.name == "erf").collect();
    assert_eq!(erf.len(), 1);
    assert_eq!((erf[0].origin, erf[0].doc), (FunctionOrigin::Rust, "The identity."));
    let scale = functions.last().expect("functions");
    assert_eq!((scale.name, &scale.params[..], scale.doc), ("scale", &["value", "by"][..], ""));
    assert_eq!(scale.dtypes, Some((&[DType::Float32, DType::Int32][..], DType::Bool)));
    assert_eq!(functions.len(), ndexpr::functions().len() + 1);
    assert!(ndexpr::functions().iter().all(|function| function.origin == FunctionOrigin::Language));
}

#[test]
fn what_is_wrong_with_a_call() {
    let engine = soft_and_blend()
        .into_iter()
        .chain([Function::scalar("narrow", |x: f32, n: u8| x * f32::from(n)), Function::scalar("flag", |x: bool| x)])
        .fold(Engine::builder(), EngineBuilder::function)
        .build()
        .expect("an engine");
    let signature = Signature::new()
        .with("a", VarType::array(DType::Float64))
        .with("i", VarType::array(DType::Int64))
        .with("u", VarType::array(DType::UInt8));
    let check = |text: &str, kind: ErrorKind, expected: Expect| {
        let error = engine.compile(text, &signature).expect_err(text);
        assert_eq!(error.kind(), kind, "{text}");
        expected.assert_eq(&error.render());
    };
    check(
        "narrow(a + 1, u)",
        ErrorKind::NotDefined,
        expect![[r#"
        error: `narrow` takes float32 for `x`, found float64
          narrow(a + 1, u)
                 ^^^^^ this is float64
          = some values would change; to convert it nevertheless, write x.astype(float32)
    "#]],
    );
    check(
        "narrow(i, u)",
        ErrorKind::NotDefined,
        expect![[r#"
        error: `narrow` takes float32 for `x`, found int64
          narrow(i, u)
                 ^ this is int64
          = some values would change; to convert it nevertheless, write x.astype(float32)
    "#]],
    );
    check(
        "narrow(2, y=2.5)",
        ErrorKind::NotDefined,
        expect![[r#"
        error: `narrow` takes uint8 for `y`, found float64
          narrow(2, y=2.5)
                      ^^^ this is float64
          = some values would change; to convert it nevertheless, write x.astype(uint8)
    "#]],
    );
    check(
        "flag(1)",
        ErrorKind::NotDefined,
        expect![[r#"
        error: `flag` takes bool for `x`, found int64
          flag(1)
               ^ this is int64
          = some values would change; to convert it nevertheless, write x.astype(bool)
    "#]],
    );
    check(
        "narrow(2, 300)",
        ErrorKind::LiteralRange,
        expect![[r#"
        error: the integer 300 does not fit uint8
          narrow(2, 300)
                    ^^^ this does not fit uint8
          = uint8 holds 0 to 255
    "#]],
    );
    check(
        "soft(a, a)",
        ErrorKind::ArgumentCount,
        expect![[r#"
        error: `soft` takes 1 argument, found 2
          soft(a, a)
          ^^^^^^^^^^ in this call
          = its form is soft(x)
    "#]],
    );
    check(
        "blend(a, t=a)",
        ErrorKind::ArgumentCount,
        expect![[r#"
        error: `blend` needs an argument for `y`
          blend(a, t=a)
          ^^^^^^^^^^^^^ in this call
          = its form is blend(x, y, t)
    "#]],
    );
    check(
        "blend(a, a, s=a)",
        ErrorKind::Argument,
        expect![[r#"
        error: `blend` has no parameter `s`
          blend(a, a, s=a)
                      ^ no parameter of this function
          = its form is blend(x, y, t)
    "#]],
    );
    check(
        "blend(a, a, y=a)",
        ErrorKind::Argument,
        expect![[r#"
        error: the argument `y` is given twice
          blend(a, a, y=a)
                   ^  ^ again here
                   |
                   first here, by position
    "#]],
    );
    check(
        "sofd(a)",
        ErrorKind::UnknownFunction,
        expect![[r#"
        error: there is no function `sofd`
          sofd(a)
          ^^^^ not found
          = did you mean `soft`?
    "#]],
    );
    check(
        "1 + soft",
        ErrorKind::UnknownVariable,
        expect![[r#"
        error: `soft` is a function, and no variable has this name
          1 + soft
              ^^^^ a value is needed here
          = to call the function, write soft(...)
    "#]],
    );
    check(
        "soft((a, a))",
        ErrorKind::Argument,
        expect![[r#"
        error: a tuple is no value
          soft((a, a))
               ^^^^^^ this is a tuple
          = only the axis may be one, as in sum(a, axis=(0, 1))
    "#]],
    );
    check(
        "a.soft()",
        ErrorKind::UnknownFunction,
        expect![[r#"
        error: there is no method `soft`
          a.soft()
            ^^^^ not found
          = the methods are astype, all, any, argmax, argmin, clip, cumprod, cumsum, max, mean, min, prod, round, std, sum, var
          = to call a function, write soft(...)
    "#]],
    );
    check(
        "np.soft(a)",
        ErrorKind::UnknownFunction,
        expect![[r#"
        error: there is no function `soft`
          np.soft(a)
             ^^^^ not found
          = did you mean `soft`?
    "#]],
    );
}

#[test]
fn functions_that_cannot_be_called() {
    let error = |function: Function| {
        let error = Engine::builder().function(function).build().map(drop).expect_err("it cannot be called");
        assert_eq!(error.kind(), ErrorKind::Function);
        error.render()
    };
    let soft = |name: &str| Function::scalar(name, soft);
    expect![[r#"
        error: the function `to be` cannot be called by this name
          = expected a name as texts have them, which is no keyword of Python
    "#]]
    .assert_eq(&error(soft("to be")));
    expect![[r#"
        error: the function `lambda` cannot be called by this name
          = expected a name as texts have them, which is no keyword of Python
    "#]]
    .assert_eq(&error(soft("lambda")));
    expect![[r#"
        error: `f` has 1 argument, but 2 names were given
          = expected a name for each argument; the results need none
    "#]]
    .assert_eq(&error(soft("f").params(&["x", "y"])));
    expect![[r#"
        error: the parameter `1` of `f` cannot be given by this name
          = expected a name as texts have them, which is no keyword of Python
    "#]]
    .assert_eq(&error(soft("f").params(&["1"])));
    expect![[r#"
        error: the function `f` has two parameters `x`
    "#]]
    .assert_eq(&error(Function::scalar("f", |x: f64, _: f64| x).params(&["x", "x"])));
    let twice = Engine::builder().function(soft("f")).function(soft("f")).build().map(drop).expect_err("two of a name");
    expect![[r#"
        error: the function `f` is given twice
    "#]]
    .assert_eq(&twice.render());
}
