//! Reductions whose kernels accumulate whole leaves: the same bits as the interpreter, which
//! reduces what is in memory, and as a loop by hand; wherever arrays begin and however they lie.

use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut1, Axis, s};
use ndexpr::{Backend, DynArray, Engine, Vars, ViewMut, targets, vars};

/// More elements than are needed for whole leaves, and some that do not fill one.
const N: usize = 68 * 1024 + 77;

fn engine(backend: Backend, threads: usize) -> Engine {
    Engine::builder().backend(backend).threads(threads).build().expect("an engine")
}

/// Floats of many magnitudes; every so many of them is the given one.
fn floats(n: usize, odd: f64, every: usize) -> Array1<f64> {
    Array1::from_shape_fn(n, |i| match i % every {
        0 => odd,
        k => ((i * 7919 + k) % 10_007) as f64 * 0.37 - 1800.0 + 1.0 / (1 + k) as f64,
    })
}

/// The bytes of all results of a text.
fn results(backend: Backend, threads: usize, text: &str, vars: &Vars<'_>) -> Vec<Vec<u64>> {
    let engine = engine(backend, threads);
    let program = engine.program(text, vars).unwrap_or_else(|error| panic!("{text}: {error}"));
    if backend == Backend::Jit {
        assert_eq!(program.fallback_reason(), None, "{text}");
    }
    let results: Vec<DynArray> = program.evaluate(vars).unwrap_or_else(|error| panic!("{text}: {error}"));
    results.iter().map(|result| result.view().scalars().map(|scalar| scalar.bits()).collect()).collect()
}

fn check(text: &str, vars: &Vars<'_>) {
    let expected = results(Backend::Interp, 1, text, vars);
    for threads in [1, 4] {
        let found = results(Backend::Jit, threads, text, vars);
        assert_eq!(found.len(), expected.len(), "{text}");
        for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
            assert_eq!(differs, None, "{text}, result {number}, {threads} threads");
        }
    }
}

#[test]
fn all_kinds_of_folds_have_the_bits_of_the_interpreter() {
    for (odd, every) in [(1e17, 5000), (f64::NAN, 30_000), (-f64::NAN, 1), (-0.0, 2), (0.0, 1), (f64::INFINITY, 1777)] {
        let (a, b) = (floats(N, odd, every), floats(N, 0.25, 3));
        for text in [
            "sum(a*b + 1)",
            "sum((a - b)**2)",
            "return sum(a), sum(a*a), min(a), max(a)",
            "return min(a*b), max(a*b), nanmin(a*b), nanmax(a*b)",
            "return nanmin(a), nanmax(-a), prod(1 + a*1e-9)",
            "x = a*b; y = x + 1; return y, sum(x), max(y)",
            "return a - b, a + b, sum(a - b), min(a + b)",
            "return sum(where(a > b, a, -b)), mean(a*a), max(abs(a))",
            "return sum(sqrt(abs(a))), max(floor(b)), sum(0*b + 3)",
        ] {
            check(text, &vars! { a, b });
        }
    }
}

#[test]
fn other_dtypes_have_the_bits_of_the_interpreter() {
    let a = floats(N, 3.5, 7).mapv(|x| x as f32);
    let b = floats(N, f64::NAN, 40_000).mapv(|x| x as f32);
    let i = Array1::from_shape_fn(N, |i| (i as i64).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64));
    let u = i.mapv(|i| i as u64 ^ 0x55);
    check("return min(a*b), max(a + b), nanmax(b), nanmin(a - b), a*b", &vars! { a, b });
    check("return max(a), sum(a)", &vars! { a });
    check("return sum(i*i + 1), i ^ 5", &vars! { i });
    check("return sum(u), sum(u*3), u + 1", &vars! { u });
    check("return sum(i), max(i), sum(u)", &vars! { i, u });
    check("return max(a*k), min(a + k)", &vars! { a, k: 2.5_f32 });
}

#[test]
fn long_bodies_and_many_folds() {
    let (a, b) = (floats(N, 0.5, 11), floats(N, 2.0, 13));
    let polynomial = |degree: usize| (0..degree).fold("a".to_owned(), |text, k| format!("({text}*b*1e-4 + {k}.5)"));
    for degree in [5, 20, 40, 80, 150] {
        check(&format!("p = {}; return sum(p), max(p), p", polynomial(degree)), &vars! { a, b });
    }
    let folds: Vec<String> = (0..40).map(|k| format!("max(a*{k} + b)")).collect();
    check(&format!("return {}", folds.join(", ")), &vars! { a, b });
}

#[test]
fn rows_and_other_layouts() {
    let wide = Array2::from_shape_fn((3, N), |(row, i)| ((i * 31 + row * 17) % 1009) as f64 * 0.125 - 60.0);
    let line = floats(N, -0.0, 9);
    check("return sum(w*l, axis=1), max(w + l, axis=1), w - l", &vars! { w: &wide, l: &line });
    check("return sum(w*l), min(w)", &vars! { w: &wide, l: &line });
    let (reversed, columns) = (wide.slice(s![.., ..;-1]), wide.view().reversed_axes());
    check("return sum(r*2, axis=1), max(r, axis=1)", &vars! { r: reversed });
    check("return sum(c + 1, axis=0), max(c, axis=0)", &vars! { c: columns });
    let column = wide.index_axis(Axis(0), 1).insert_axis(Axis(0));
    check("return sum(w*v, axis=1), w*v", &vars! { w: &wide, v: column });
    let each = Array2::from_shape_fn((3, 1), |(row, _)| row as f64 + 0.5);
    check("return sum(w*e, axis=1), max(w*e, axis=1), w*e", &vars! { w: &wide, e: &each });
}

/// The same memory beginning at any of eight elements, as an input and as an output.
#[test]
fn arrays_may_begin_anywhere() {
    // More than the caches of some machines have, so that results are written past them.
    let n = (5 << 20) + 99;
    let memory = floats(n + 8, 1e9, 4097);
    let text = "x = a*0.5; y = x + 1; return y, sum(x), max(y)";
    let engine = engine(Backend::Jit, 2);
    let from = |start: usize| -> ArrayView1<'_, f64> { memory.slice(s![start..start + n]) };
    let mut place = vec![0.0_f64; n + 16];
    let aligned = place.as_ptr().align_offset(64);
    for start in 0..8 {
        let a = from(start);
        let sums = results(Backend::Interp, 1, "return sum(a*0.5), max(a*0.5 + 1)", &vars! { a });
        place.fill(-7.0);
        let (mut sum, mut max) = (0.0, 0.0);
        let y = ArrayViewMut1::from(&mut place[aligned + start..][..n]);
        let mut outs = [ViewMut::from(y), ViewMut::from_element_mut(&mut sum), ViewMut::from_element_mut(&mut max)];
        let program = engine.program(text, &vars! { a }).expect("a program");
        program.run_all(&vars! { a }, &mut outs, None).expect("a run");
        assert_eq!([vec![f64::to_bits(sum)], vec![f64::to_bits(max)]], sums[..], "start {start}");
        let found = &place[aligned + start..][..n];
        assert!(found.iter().zip(a).all(|(y, a)| *y == a * 0.5 + 1.0), "start {start}");
        let untouched = place[..aligned + start].iter().chain(&place[aligned + start + n..]);
        assert!(untouched.into_iter().all(|&x| x == -7.0), "start {start}");
    }
}

/// Beside a reduction, an array may be updated where it is.
#[test]
fn updates_beside_reductions() {
    let mut expected = Vec::new();
    for backend in [Backend::Interp, Backend::Jit] {
        for threads in [1, 4] {
            let (mut a, b) = (floats(N, 0.5, 3), floats(N, 4.0, 5));
            let engine = engine(backend, threads);
            engine.execute("a *= 0.5; a += b*sum(a*b)*1e-9", &vars! { b }, &mut targets! { a }).expect("an update");
            let bits: Vec<u64> = a.iter().map(|x| x.to_bits()).collect();
            expected.push(bits);
        }
    }
    assert!(expected.windows(2).all(|two| two[0] == two[1]));
}
