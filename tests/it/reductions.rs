//! Functions along axes: how exact they are, that their bits depend on the elements alone, and
//! where results may go.
//!
//! `NDEXPR_REDUCE_ELEMS=10000000 cargo test --release reductions` is the long run of the accuracy
//! tests.

use crate::cases::arrays::{Array, Layout, pool, same};
use crate::cases::source::Source;
use ndarray::{Array1, Array2, array, s};
use ndexpr::{Backend, DType, DynArray, Element, Engine, Scalar, Var, Vars, vars};

// --- Accuracy -----------------------------------------------------------------------------------------------------

const EPS: f64 = f64::EPSILON;

/// An exact sum of floats, in units of 2^-1074. Limbs have 32 bits each, and room for carries above
/// them.
#[derive(Clone)]
struct Exact {
    limbs: [i64; 68],
}

impl Exact {
    const ZERO: Exact = Exact { limbs: [0; 68] };

    fn of(xs: impl IntoIterator<Item = f64>) -> Exact {
        let mut sum = Exact::ZERO;
        xs.into_iter().for_each(|x| sum.add(x));
        sum
    }

    fn add(&mut self, x: f64) {
        if x == 0.0 {
            return;
        }
        assert!(x.is_finite());
        let (bits, exponent) = (x.to_bits(), (x.to_bits() >> 52 & 0x7ff) as usize);
        let fraction = bits & ((1 << 52) - 1);
        let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
        let place = exponent.saturating_sub(1);
        let shifted = u128::from(mantissa) << (place % 32);
        for (i, limb) in self.limbs[place / 32..].iter_mut().take(3).enumerate() {
            let part = (shifted >> (32 * i)) as u32;
            *limb += if x < 0.0 { -i64::from(part) } else { i64::from(part) };
        }
    }

    fn add_product(&mut self, x: f64, y: f64) {
        let product = x * y;
        self.add(product);
        self.add(x.mul_add(y, -product));
    }

    /// The sum, to a few units in the last place.
    fn value(&self) -> f64 {
        let mut limbs = self.limbs;
        let carried = |limbs: &mut [i64; 68]| {
            let mut carry = 0;
            for limb in &mut limbs[..67] {
                *limb += carry;
                carry = *limb >> 32;
                *limb &= 0xffff_ffff;
            }
            limbs[67] += carry;
        };
        carried(&mut limbs);
        let is_negative = limbs[67] < 0;
        if is_negative {
            limbs.iter_mut().for_each(|limb| *limb = -*limb);
            carried(&mut limbs);
        }
        let value = limbs.iter().enumerate().rev().fold(0.0, |sum, (i, &limb)| {
            // In two steps, for the power alone may underflow.
            sum + limb as f64 * 2.0_f64.powi(16 * i as i32 - 537) * 2.0_f64.powi(16 * i as i32 - 537)
        });
        if is_negative { -value } else { value }
    }

    /// How far `found` is from the sum.
    fn error(&self, found: f64) -> f64 {
        let mut difference = self.clone();
        difference.add(-found);
        difference.value().abs()
    }
}

#[test]
fn the_exact_sum_is_exact() {
    assert_eq!(Exact::of([1e300, 1.0, -1e300, 5e-324, 1e-300]).error(1.0), 1e-300);
    assert_eq!(Exact::of([5e-324, 5e-324]).value(), 1e-323);
    assert_eq!(Exact::of((0..1000).map(|i| f64::from(i) - 999.0)).value(), -499_500.0);
    assert_eq!(Exact::of([f64::MAX, -1.0]).error(f64::MAX), 1.0);
}

/// A float dtype under test.
trait Real: Element + Into<f64> {
    fn from_f64(x: f64) -> Self;
    /// The distance to the next float, away from 0.
    fn ulp(x: f64) -> f64;
    /// What rounding a float64 to this dtype adds to an error.
    const IS_NARROW: bool;
}

impl Real for f32 {
    const IS_NARROW: bool = true;

    fn from_f64(x: f64) -> f32 {
        x as f32
    }

    fn ulp(x: f64) -> f64 {
        let x = (x as f32).abs();
        f64::from(x.next_up()) - f64::from(x)
    }
}

impl Real for f64 {
    const IS_NARROW: bool = false;

    fn from_f64(x: f64) -> f64 {
        x
    }

    fn ulp(x: f64) -> f64 {
        x.abs().next_up() - x.abs()
    }
}

fn n_elems() -> usize {
    std::env::var("NDEXPR_REDUCE_ELEMS").map_or(1_000_000, |n| n.parse().expect("a number of elements"))
}

/// The worst that sums have to expect.
pub(super) fn worst_cases(n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let mut source = Source::from_seed(7);
    let random: Vec<f64> = (0..n).map(|_| source.bits() as i64 as f64 / 1e18).collect();
    let mut rising = random.clone();
    rising.sort_by(f64::total_cmp);
    let falling = rising.iter().rev().copied().collect();
    let alternating = (0..n).map(|i| (1.0 + i as f64 * 1e-13) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    // Each is cancelled by one far away.
    let mirrored = (0..n).map(|i| if i < n / 2 { random[i] } else { -random[n - 1 - i] }).collect();
    let mut one_huge = vec![1e-3; n];
    one_huge[n / 3] = 1e13;
    let far = random.iter().map(|x| 1e6 + x).collect();
    vec![
        ("random", random),
        ("rising", rising),
        ("falling", falling),
        ("alternating", alternating),
        ("mirrored", mirrored),
        ("one huge", one_huge),
        ("tenths", vec![0.1; n]),
        ("far from 0", far),
    ]
}

fn found<T: Real>(engine: &Engine, text: &str, xs: &[T]) -> f64
where
    for<'a> Var<'a>: From<&'a [T]>,
{
    let result: DynArray = engine.evaluate(text, &Vars::new().with("x", xs)).expect("a reduction");
    assert_eq!(result.dtype(), T::DTYPE);
    let scalar = result.to_scalar().expect("one element");
    scalar.get::<f64>().unwrap_or_else(|| f64::from(scalar.get::<f32>().expect("a float")))
}

/// The bounds are those of `tests/data/golden/make_golden.py`.
fn check_sums<T: Real>()
where
    for<'a> Var<'a>: From<&'a [T]>,
{
    let engine = Engine::builder().threads(2).build().expect("an engine");
    for n in [1000, 4097, n_elems()] {
        for (case, xs) in worst_cases(n) {
            let xs: Vec<T> = xs.into_iter().map(T::from_f64).collect();
            check_sums_of(&engine, case, &xs);
        }
    }
}

fn check_sums_of<T: Real>(engine: &Engine, case: &str, xs: &[T])
where
    for<'a> Var<'a>: From<&'a [T]>,
{
    let n = xs.len() as f64;
    let wide = || xs.iter().map(|&x| x.into());
    let assert_near = |text: &str, found: f64, error: f64, bound: f64| {
        assert!(error <= bound, "{text} of {} {n} {case}: {found:e} is off by {error:e}, not {bound:e}", T::DTYPE);
    };

    let exact = Exact::of(wide());
    let (sum, magnitude) = (exact.value(), wide().map(f64::abs).sum::<f64>());
    let rounding = if T::IS_NARROW { T::ulp(sum) } else { 0.0 };
    let bound = (4.0 + 2.0 * n.log2()) * EPS * magnitude;
    for text in ["sum(x)", "nansum(x)"] {
        let found = found(engine, text, xs);
        assert_near(text, found, exact.error(found), bound + rounding);
    }
    let found_mean = found(engine, "mean(x)", xs);
    let mut scaled = exact.clone();
    scaled.add_product(-found_mean, n);
    assert_near("mean(x)", found_mean, scaled.value().abs() / n, bound / n + 2.0 * T::ulp(sum / n));

    // Squared deviations from what is nearly the mean, less what that is off by.
    let mean = sum / n;
    let (mut squares, mut deviations) = (Exact::ZERO, Exact::ZERO);
    let mut largest: f64 = 0.0;
    for x in wide() {
        let deviation = x - mean;
        let back = deviation + mean;
        let rest = (x - back) + ((back - deviation) - mean);
        squares.add_product(deviation, deviation);
        squares.add_product(2.0 * deviation, rest);
        squares.add(rest * rest);
        deviations.add(deviation);
        deviations.add(rest);
        largest = largest.max(x.abs());
    }
    let off = deviations.value();
    squares.add(-off * off / n);
    let var = squares.value().max(0.0) / n;
    let c = (8.0 + 4.0 * n.log2()) * EPS;
    let bound = c * (var + mean.abs() * var.sqrt()) + (c * largest).powi(2);
    let found_var = found(engine, "var(x)", xs);
    let mut scaled = squares.clone();
    scaled.add_product(-found_var, n);
    assert_near("var(x)", found_var, scaled.value().abs() / n, bound + 2.0 * T::ulp(var));

    let mut square = Exact::ZERO;
    wide().for_each(|x| square.add_product(x, x));
    let norm = square.value().sqrt();
    let found_norm = found(engine, "norm(x)", xs);
    square.add_product(-found_norm, found_norm);
    let bound = (5.0 + 2.0 * n.log2()) / 2.0 * EPS * norm + 2.0 * T::ulp(norm);
    assert_near("norm(x)", found_norm, square.value().abs() / (2.0 * norm), bound);
}

#[test]
fn sums_of_float32_are_accurate() {
    check_sums::<f32>();
}

#[test]
fn sums_of_float64_are_accurate() {
    check_sums::<f64>();
}

/// A product in twice the precision.
fn exact_product(xs: impl Iterator<Item = f64>) -> (f64, f64) {
    xs.fold((1.0, 0.0), |(high, low), x| {
        let product = high * x;
        let rest = high.mul_add(x, -product) + low * x;
        let sum = product + rest;
        (sum, rest - (sum - product))
    })
}

fn check_products<T: Real>()
where
    for<'a> Var<'a>: From<&'a [T]>,
{
    let engine = Engine::builder().threads(2).build().expect("an engine");
    for n in [1000, 4097, n_elems()] {
        let mut source = Source::from_seed(8);
        let random: Vec<f64> = (0..n).map(|_| 1.0 + source.bits() as i64 as f64 / 1e23).collect();
        let mut rising = random.clone();
        rising.sort_by(f64::total_cmp);
        let signs = random.iter().enumerate().map(|(i, x)| if i % 3 == 0 { -x } else { *x }).collect();
        for (case, xs) in [("random", random), ("rising", rising), ("signs", signs)] {
            let xs: Vec<T> = xs.into_iter().map(T::from_f64).collect();
            let (high, low) = exact_product(xs.iter().map(|&x| x.into()));
            for text in ["prod(x)", "nanprod(x)"] {
                let found = found(&engine, text, &xs);
                let error = ((found - high) - low).abs();
                let bound = n as f64 * EPS / 2.0 * high.abs() + if T::IS_NARROW { T::ulp(high) } else { 0.0 };
                assert!(error <= bound, "{text} of {} {n} {case}: {found:e} is off by {error:e}", T::DTYPE);
            }
        }
    }
}

#[test]
fn products_are_accurate() {
    check_products::<f32>();
    check_products::<f64>();
}

#[test]
fn running_sums_round_once_for_each_element() {
    let mut source = Source::from_seed(9);
    let xs: Vec<f64> = (0..20_000).map(|_| source.bits() as i64 as f64 / 1e18).collect();
    let narrow: Vec<f32> = xs.iter().map(|&x| x as f32).collect();
    let sums: Array1<f64> = ndexpr::evaluate("cumsum(x)", vars! { x: &xs }).unwrap();
    let narrow_sums: Array1<f32> = ndexpr::evaluate("cumsum(x)", vars! { x: &narrow }).unwrap();
    let (mut exact, mut narrow_exact, mut magnitude) = (Exact::ZERO, Exact::ZERO, 0.0);
    for i in 0..xs.len() {
        exact.add(xs[i]);
        narrow_exact.add(narrow[i].into());
        magnitude += xs[i].abs();
        let bound = i as f64 * EPS / 2.0 * magnitude;
        assert!(exact.error(sums[i]) <= bound, "float64 at {i}");
        let ulp = <f32 as Real>::ulp(narrow_exact.value());
        assert!(narrow_exact.error(narrow_sums[i].into()) <= ulp + bound, "float32 at {i}");
    }
}

// --- The same bits ------------------------------------------------------------------------------------------------

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
        ["x - mean(x, axis=0)", "sum(x * x, axis=-1) + max(x)", "x / sum(x, axis=-1, keepdims=True)"]
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
    for shape in [&[1][..], &[1025], &[70_000], &[300, 70], &[5, 9000], &[9000, 5], &[20, 33, 17]] {
        let n: usize = shape.iter().product();
        for dtype in [DType::Float32, DType::Float64, DType::Int16] {
            // No edges: sums that are NaN or infinite hide what is to be seen.
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

// --- Outputs ------------------------------------------------------------------------------------------------------

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

// --- One program, many calls --------------------------------------------------------------------------------------

/// What a call leaves for the next must not show: whatever the shapes, orders and places of arrays
/// are by turns.
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
        // Into an output that is one of the inputs, between calls that are not.
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

// --- One order of addition, whatever runs it ------------------------------------------------------------------------

/// What else the text reads has no say in the order in which a sum adds its elements.
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
