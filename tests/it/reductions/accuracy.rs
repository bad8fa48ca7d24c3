//! How exact sums, products and running sums are, against exact arithmetic.
//!
//! `NDEXPR_REDUCE_ELEMS=10000000 cargo test --release reductions` is the long run.

use crate::cases::source::Source;
use ndarray::Array1;
use ndexpr::{DynArray, Element, Engine, Var, Vars, vars};

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
            // In two steps, because the power alone may underflow.
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

/// Elements that are hard to sum, by name.
pub(crate) fn worst_cases(n: usize) -> Vec<(&'static str, Vec<f64>)> {
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
