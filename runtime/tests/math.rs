//! The math functions against answers from outside: NumPy's, mpmath's and Annex F's.
//!
//! The tables are in tests/data/math, each with the script that made it.

use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::math::MathFn;

const ACCURACY: &str = include_str!("../../tests/data/math/accuracy.txt");
const INTEGER_AND_REMAINDER: &str = include_str!("../../tests/data/math/integer_and_remainder.txt");

/// The lines of a table, each with the function and dtype of its section.
fn table(text: &str) -> impl Iterator<Item = (MathFn, DType, Vec<&str>)> {
    let mut section = None;
    text.lines().filter(|line| !line.starts_with('#')).filter_map(move |line| {
        let words: Vec<_> = line.split(' ').collect();
        if let [function, dtype] = words[..] {
            let function = MathFn::ALL.into_iter().find(|f| f.name() == function).expect("a function");
            section = Some((function, DType::from_name(dtype).expect("a dtype")));
            return None;
        }
        let (function, dtype) = section.expect("a section before the first line");
        Some((function, dtype, words))
    })
}

fn scalar(dtype: DType, hex: &str) -> Scalar {
    match hex {
        "nan" if dtype == DType::Float32 => Scalar::new(f32::NAN),
        "nan" => Scalar::new(f64::NAN),
        _ => Scalar::from_bits(dtype, u64::from_str_radix(hex, 16).expect("hexadecimal")),
    }
}

/// A float of either dtype.
fn float(value: Scalar) -> f64 {
    value.get::<f64>().or_else(|| value.get::<f32>().map(f64::from)).expect("a float")
}

fn is_nan(value: Scalar) -> bool {
    value.dtype().is_float() && float(value).is_nan()
}

fn assert_same(found: Scalar, expected: Scalar, what: &str) {
    assert!(found == expected || is_nan(found) && is_nan(expected), "{what} is {expected:?}, found {found:?}");
}

/// `f(x)`, or `f(x, y)`, of float64.
fn call<const N: usize>(function: MathFn, args: [f64; N]) -> f64 {
    float(function.apply(&args.map(Scalar::new)).expect("a function of float64"))
}

/// The ULP of a result this large, with this many bits of precision and this least exponent.
fn ulp_of(value: f64, dtype: DType) -> f64 {
    let (precision, least_exponent) = if dtype == DType::Float32 { (24, -149) } else { (53, -1074) };
    // Exact: of a float32, always normal here; of a float64, the exponent field, where 0 stands for
    // the least.
    let field = (value.to_bits() >> 52 & 0x7ff) as i32;
    let exponent = (field - 1022 - precision).max(least_exponent);
    power_of_two(exponent)
}

/// `2^exponent`, subnormal or not.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(if exponent < -1022 { 1 << (exponent + 1074) } else { ((exponent + 1023) as u64) << 52 })
}

#[test]
fn integers_and_remainders_are_numpys() {
    let mut n_checked = 0;
    for (function, dtype, words) in table(INTEGER_AND_REMAINDER) {
        let [a, b, expected] = [0, 1, 2].map(|idx| scalar(dtype, words[idx]));
        let found = function.apply(&[a, b]).expect("defined for every number");
        assert_same(found, expected, &format!("{}({a:?}, {b:?})", function.name()));
        n_checked += 1;
    }
    assert!(n_checked > 10_000, "only {n_checked} lines");
}

#[test]
fn results_are_within_the_stated_ulps() {
    let mut worst = vec![[0.0f64; 2]; MathFn::ALL.len()];
    let mut n_checked = 0;
    for (function, dtype, words) in table(ACCURACY) {
        let (args, [nearest, rest]) = words.split_at(function.arity()) else { panic!("{words:?}") };
        let args: Vec<_> = args.iter().map(|hex| scalar(dtype, hex)).collect();
        let (nearest, rest) = (float(scalar(dtype, nearest)), rest.parse::<f64>().expect("a number"));
        let found = function.apply(&args).expect("defined for floats");
        // `nearest` is one binade up where the exact result is just below a power of two.
        let below = if rest < 0.0 { nearest.abs().next_down() } else { nearest.abs() };
        let ulp = ulp_of(if nearest == 0.0 { 0.0 } else { below }, dtype);
        // The one above the largest finite stands for infinity: scaled down, so that the difference
        // is finite.
        let largest = if dtype == DType::Float32 { f64::from(f32::MAX) } else { f64::MAX };
        let found_scaled = match float(found) {
            value if value.is_infinite() => (largest / 4.0 + ulp / 4.0).copysign(value),
            value => value / 4.0,
        };
        let error = if float(found).abs() < 1e-300 {
            ((float(found) - nearest) / ulp - rest).abs()
        } else {
            ((found_scaled - nearest / 4.0) / (ulp / 4.0) - rest).abs()
        };
        let bound = function.max_ulp(dtype).expect("a bound");
        assert!(error <= bound, "{}({args:?}) = {found:?} is {error} ULP off; the bound is {bound}", function.name());
        let cell = &mut worst[function as usize][usize::from(dtype == DType::Float64)];
        *cell = cell.max(error);
        n_checked += 1;
    }
    assert!(n_checked > 9_000, "only {n_checked} lines");
    for (function, worst) in MathFn::ALL.into_iter().zip(worst) {
        let is_covered = worst.iter().all(|&ulps| ulps > 0.0);
        assert!(is_covered || function.max_ulp(DType::Float64).is_none(), "{} is not in the table", function.name());
    }
}

/// The page of the largest errors has every function, with its bound, and none above it.
#[test]
fn the_accuracy_page_is_complete_and_keeps_the_bounds() {
    let page = include_str!("../src/math/ACCURACY.md");
    let rows: Vec<Vec<&str>> = (page.lines().filter(|line| line.starts_with("| ")))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    for function in MathFn::ALL {
        for dtype in [DType::Float32, DType::Float64] {
            let Some(bound) = function.max_ulp(dtype) else { continue };
            let row = rows.iter().find(|row| row[0] == function.name() && row[1] == dtype.name());
            let row = row.unwrap_or_else(|| panic!("{} of {dtype} is not there", function.name()));
            let worst: f64 = row[4].trim_start_matches("<= ").parse().expect("a number");
            assert!(worst <= bound, "{row:?} is above the bound {bound}");
            assert_eq!(row[5].parse(), Ok(bound), "{row:?} has another bound");
        }
    }
}

#[test]
fn stated_ulps_keep_the_promise() {
    for function in MathFn::ALL {
        for dtype in [DType::Float32, DType::Float64] {
            assert!(function.max_ulp(dtype).is_none_or(|bound| bound <= 1.0), "{}", function.name());
        }
        assert_eq!(function.max_ulp(DType::Int32), None);
    }
}

/// Annex F, for one and two arguments. Signs of zeros count.
#[test]
#[rustfmt::skip]
fn special_values_are_annex_fs() {
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
    use MathFn::*;
    type Rows<T> = (MathFn, &'static [T]);
    const INF: f64 = f64::INFINITY;
    const NAN: f64 = f64::NAN;
    const THREE_QUARTERS: f64 = 3.0 * FRAC_PI_4;
    let unary: &[Rows<(f64, f64)>] = &[
        (Exp, &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e4, INF), (-1e4, 0.0), (1e30, INF), (-1e30, 0.0)]),
        (Exp2, &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1024.0, INF), (-1076.0, 0.0), (1e300, INF), (-1e300, 0.0)]),
        (Exp10, &[
            (0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (309.0, INF), (-325.0, 0.0), (1e30, INF), (-1e30, 0.0),
            (-1.0, 0.1), (-5.0, 1e-5), (23.0, 1e23),
        ]),
        (Expm1, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -1.0), (1e4, INF), (-1e4, -1.0), (1e30, INF), (-1e30, -1.0)]),
        (Log, &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-1e-40, NAN), (-INF, NAN)]),
        (Log2, &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-1e-40, NAN), (-INF, NAN)]),
        (Log10, &[(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF), (-1.0, NAN), (-1e-40, NAN), (-INF, NAN)]),
        (Log1p, &[(0.0, 0.0), (-0.0, -0.0), (-1.0, -INF), (INF, INF), (-2.0, NAN), (-INF, NAN)]),
        (Sin, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)]),
        (Cos, &[(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN)]),
        (Tan, &[(0.0, 0.0), (-0.0, -0.0), (INF, NAN), (-INF, NAN)]),
        (Asin, &[(0.0, 0.0), (-0.0, -0.0), (1.0, FRAC_PI_2), (-1.0, -FRAC_PI_2), (1.5, NAN), (-INF, NAN), (INF, NAN)]),
        (Acos, &[(1.0, 0.0), (-1.0, PI), (0.0, FRAC_PI_2), (1.5, NAN), (-1.5, NAN), (INF, NAN)]),
        (Atan, &[(0.0, 0.0), (-0.0, -0.0), (INF, FRAC_PI_2), (-INF, -FRAC_PI_2)]),
        (Sinh, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (1e4, INF), (-1e4, -INF)]),
        (Cosh, &[(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (1e4, INF), (-1e4, INF)]),
        (Tanh, &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (1e30, 1.0), (-1e30, -1.0), (1e-40, 1e-40)]),
        (Asinh, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF)]),
        (Acosh, &[(1.0, 0.0), (INF, INF), (0.5, NAN), (0.0, NAN), (-0.0, NAN), (-2.0, NAN), (-INF, NAN)]),
        (Atanh, &[(0.0, 0.0), (-0.0, -0.0), (1.0, INF), (-1.0, -INF), (1.5, NAN), (-INF, NAN), (INF, NAN)]),
        (Cbrt, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (-27.0, -3.0)]),
        (Erf, &[(0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0)]),
        (Erfc, &[(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (30.0, 0.0)]),
        (Sigmoid, &[(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (1e4, 1.0), (-1e4, 0.0), (100.0, 1.0)]),
        (Tgamma, &[
            (0.0, INF), (-0.0, -INF), (-1.0, NAN), (-2.0, NAN), (-1e20, NAN), (-INF, NAN), (INF, INF), (1.0, 1.0),
            (2.0, 1.0), (5.0, 24.0), (1e4, INF), (-1000.5, -0.0), (-1001.5, 0.0),
        ]),
        (Lgamma, &[
            (0.0, INF), (-0.0, INF), (-1.0, INF), (-2.0, INF), (-1e20, INF), (-INF, INF), (INF, INF), (1.0, 0.0), (2.0, 0.0),
        ]),
        (Cube, &[(0.0, 0.0), (-0.0, -0.0), (INF, INF), (-INF, -INF), (-3.0, -27.0), (-1e-200, -0.0), (-1e200, -INF)]),
        (Quart, &[(0.0, 0.0), (-0.0, 0.0), (INF, INF), (-INF, INF), (-3.0, 81.0), (-1e-200, 0.0), (1e150, INF)]),
    ];
    for &(function, rows) in unary {
        for &(x, expected) in rows.iter().chain(&[(NAN, NAN)]) {
            check_in_both_dtypes(function, &[x], expected);
        }
    }
    let binary: &[Rows<(f64, f64, f64)>] = &[
        (Atan2, &[
            (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -0.0, PI), (-0.0, -0.0, -PI), (0.0, -1.0, PI), (-0.0, -1.0, -PI),
            (0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (-1.0, 0.0, -FRAC_PI_2), (-1.0, -0.0, -FRAC_PI_2), (1.0, 0.0, FRAC_PI_2),
            (1.0, -INF, PI), (-1.0, -INF, -PI), (1.0, INF, 0.0), (-1.0, INF, -0.0), (INF, 1.0, FRAC_PI_2),
            (-INF, 1.0, -FRAC_PI_2), (INF, -INF, THREE_QUARTERS), (-INF, -INF, -THREE_QUARTERS), (INF, INF, FRAC_PI_4),
            (-INF, INF, -FRAC_PI_4), (NAN, 1.0, NAN), (1.0, NAN, NAN), (1.0, 1.0, FRAC_PI_4), (-1.0, -1.0, -THREE_QUARTERS),
        ]),
        (Hypot, &[
            (INF, NAN, INF), (-INF, NAN, INF), (NAN, INF, INF), (NAN, -INF, INF), (NAN, 1.0, NAN), (1.0, NAN, NAN),
            (-0.0, -0.0, 0.0), (-3.0, 0.0, 3.0), (-0.0, 3.0, 3.0), (-3.0, 4.0, 5.0),
        ]),
        (Pow, &[
            (0.0, -3.0, INF), (-0.0, -3.0, -INF), (-0.0, -2.0, INF), (-0.0, -0.5, INF), (0.0, -INF, INF), (-0.0, -INF, INF),
            (0.0, 3.0, 0.0), (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (-0.0, 0.5, 0.0), (-1.0, INF, 1.0), (-1.0, -INF, 1.0),
            (1.0, NAN, 1.0), (1.0, INF, 1.0), (NAN, 0.0, 1.0), (NAN, -0.0, 1.0), (-INF, 0.0, 1.0), (-8.0, 0.5, NAN),
            (0.5, -INF, INF), (2.0, -INF, 0.0), (0.5, INF, 0.0), (-2.0, INF, INF), (-INF, -3.0, -0.0), (-INF, -2.0, 0.0),
            (-INF, -0.5, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF), (-INF, 0.5, INF), (INF, -1.0, 0.0), (INF, 1.0, INF),
            (NAN, 1.0, NAN), (2.0, NAN, NAN), (-2.0, 3.0, -8.0), (10.0, -1.0, 0.1), (-1.0, NAN, NAN), (0.0, NAN, NAN),
            (INF, NAN, NAN), (NAN, INF, NAN), (-0.5, INF, 0.0), (-0.5, -INF, INF), (0.0, INF, 0.0), (-0.0, INF, 0.0),
            (0.0, -2.5, INF), (-0.0, 2.5, 0.0), (1.0, -INF, 1.0), (1.0, 1e30, 1.0), (-1.0, 1e30, 1.0), (-1.0, -3.0, -1.0),
            (-2.0, 1e30, INF), (-2.0, -1e30, 0.0), (0.5, 1e30, 0.0), (-10.0, 309.0, -INF), (-10.0, -401.0, -0.0),
            (1e-39, -1e30, INF), (1e-39, 1e30, 0.0), (1e-39, 0.0, 1.0), (-1e-39, 0.5, NAN), (4.0, 0.5, 2.0), (3.0, 5.0, 243.0),
        ]),
        (Fmod, &[
            (0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (INF, 1.0, NAN), (1.0, 0.0, NAN), (1.0, -0.0, NAN), (1.0, INF, 1.0),
            (-1.0, INF, -1.0), (-6.0, 3.0, -0.0), (NAN, 1.0, NAN), (1.0, NAN, NAN), (-7.0, 3.0, -1.0),
        ]),
        (Remainder, &[
            (5.0, INF, 5.0), (-5.0, INF, INF), (-0.0, 1.0, 0.0), (0.0, -1.0, -0.0), (1.0, 0.0, NAN), (-7.0, 3.0, 2.0),
        ]),
        (FloorDivide, &[
            (1.0, 0.0, INF), (-1.0, 0.0, -INF), (0.0, 0.0, NAN), (-5.0, INF, -1.0), (-0.0, 1.0, -0.0), (-7.0, 3.0, -3.0),
        ]),
    ];
    for &(function, rows) in binary {
        for &(x, y, expected) in rows {
            check_in_both_dtypes(function, &[x, y], expected);
        }
    }
    let n_functions = unary.len() + binary.len();
    assert_eq!(n_functions, MathFn::ALL.len(), "every function has special values");
}

fn check_in_both_dtypes(function: MathFn, args: &[f64], expected: f64) {
    let wide: Vec<_> = args.iter().copied().map(Scalar::new).collect();
    let narrow: Vec<_> = args.iter().map(|&x| Scalar::new(x as f32)).collect();
    for (args, expected) in [(wide, Scalar::new(expected)), (narrow, Scalar::new(expected as f32))] {
        let found = function.apply(&args).expect("defined for floats");
        assert_same(found, expected, &format!("{}({args:?})", function.name()));
    }
}

#[test]
fn whole_powers_and_their_inverses_are_exact() {
    for exponent in -1074..1024 {
        let power = power_of_two(exponent);
        assert_eq!(call(MathFn::Exp2, [exponent.into()]), power, "exp2({exponent})");
        assert_eq!(call(MathFn::Log2, [power]), exponent.into(), "log2(2^{exponent})");
        assert_eq!(call(MathFn::Pow, [2.0, exponent.into()]), power, "2^{exponent}");
    }
    // Below, 10^k is subnormal, too coarse to have a whole logarithm.
    for exponent in -307..=308 {
        let power: f64 = format!("1e{exponent}").parse().unwrap();
        assert_eq!(call(MathFn::Log10, [power]), exponent.into(), "log10(1e{exponent})");
    }
    for exponent in -330..=310 {
        let power: f64 = format!("1e{exponent}").parse().unwrap();
        assert_eq!(call(MathFn::Exp10, [exponent.into()]), power, "exp10({exponent})");
        let power: f32 = format!("1e{exponent}").parse().unwrap();
        let found = MathFn::Exp10.apply(&[Scalar::new(exponent as f32)]);
        assert_eq!(found, Some(Scalar::new(power)), "exp10({exponent}) of float32");
    }
    for exponent in -149..128i16 {
        let found = MathFn::Exp2.apply(&[Scalar::new(f32::from(exponent))]);
        assert_eq!(found, Some(Scalar::new(power_of_two(exponent.into()) as f32)), "exp2({exponent}) of float32");
    }
    let mut factorial = 1.0;
    for n in 1..=23 {
        assert_eq!(call(MathFn::Tgamma, [f64::from(n)]), factorial, "gamma({n})");
        factorial *= f64::from(n);
    }
    for root in -2000..2000 {
        let root = f64::from(root);
        for exponent in 0..=4 {
            assert_eq!(call(MathFn::Pow, [root, exponent.into()]), root.powi(exponent), "{root}^{exponent}");
        }
        assert_eq!(call(MathFn::Cbrt, [root * root * root]), root);
        assert_eq!(call(MathFn::Cube, [root]), root * root * root);
        assert_eq!(call(MathFn::Quart, [root]), root * root * root * root);
    }
    for x in [0.1, 1.0 / 3.0, -7.3e-200, 5e-324, -f64::MAX, 1e22, -0.0, 2.3e-310] {
        assert_eq!(call(MathFn::Pow, [x, 1.0]), x);
        assert_eq!(call(MathFn::Pow, [x, 0.0]), 1.0);
    }
}

#[test]
fn integer_powers_are_total() {
    let pow = |base: i8, exponent: i8| MathFn::Pow.apply(&[Scalar::new(base), Scalar::new(exponent)]);
    for base in i8::MIN..=i8::MAX {
        for exponent in i8::MIN..=i8::MAX {
            let expected = match (base, exponent) {
                (_, 0..) => base.wrapping_pow(exponent as u32),
                (1, _) => 1,
                (-1, _) => 1 - 2 * (exponent & 1),
                _ => 0,
            };
            assert_eq!(pow(base, exponent), Some(Scalar::new(expected)), "{base}**{exponent}");
        }
    }
}

/// Bit patterns for any dtype: of floats, special and ordinary values alike.
fn sample(dtype: DType, n: usize, seed: u64) -> Vec<Scalar> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 11
    };
    (0..n)
        .map(|_| match dtype {
            DType::Float32 => Scalar::new((next() as f64 / 2f64.powi(52) * 9.0 - 9.0) as f32),
            DType::Float64 => Scalar::new(next() as f64 / 2f64.powi(52) * 9.0 - 9.0),
            _ => Scalar::from_bits(dtype, next()),
        })
        .collect()
}

/// One tile through `tile_fn`, at a byte offset from alignment; in place of the given argument, if
/// any.
fn run_tile(
    function: MathFn,
    dtype: DType,
    args: [&[Scalar]; 2],
    offset: usize,
    in_place: Option<usize>,
) -> Vec<Scalar> {
    let (n, size) = (args[0].len(), dtype.size());
    let tile = function.tile_fn(dtype).expect("defined");
    let bytes_of = |values: &[Scalar]| -> Vec<u8> {
        let pad = std::iter::repeat_n(0xa5, offset);
        let elems = values.iter().flat_map(|value| value.bits().to_le_bytes().into_iter().take(size));
        pad.chain(elems).chain([0xa5; 16]).collect()
    };
    const { assert!(cfg!(target_endian = "little"), "the bytes are laid out for this") };
    let mut buffers = [bytes_of(args[0]), bytes_of(args[1]), bytes_of(args[0])];
    buffers[2][offset..offset + n * size].fill(0);
    let out_idx = in_place.unwrap_or(2);
    let [a, b, out] = [0, 1, out_idx].map(|idx| buffers[idx][offset..].as_mut_ptr());
    let b = if function.arity() == 2 { b } else { std::ptr::null_mut() };
    // SAFETY: the function is the dtype's. Each buffer has `n` initialised elements from `offset`
    // on; `out` is one of the arguments or a separate buffer.
    unsafe { tile(n, out, a, b) };
    let out = &buffers[out_idx];
    assert!(out[..offset].iter().chain(&out[offset + n * size..]).all(|&byte| byte == 0xa5), "wrote outside");
    let elems = out[offset..offset + n * size].chunks_exact(size);
    elems
        .map(|elem| {
            let mut bits = [0; 8];
            bits[..size].copy_from_slice(elem);
            Scalar::from_bits(dtype, u64::from_le_bytes(bits))
        })
        .collect()
}

#[test]
fn tiles_of_any_length_and_alignment_give_what_one_element_gives() {
    for function in MathFn::ALL {
        for dtype in DType::ALL.into_iter().filter(|&dtype| function.tile_fn(dtype).is_some()) {
            for n in (0..=9).chain([63, 257]) {
                let (a, b) = (sample(dtype, n, 7), sample(dtype, n, 8));
                let expected: Vec<_> = (a.iter().zip(&b))
                    .map(|(&x, &y)| function.apply(&[x, y][..function.arity()]).expect("defined"))
                    .collect();
                for offset in [0, 1, 3] {
                    for in_place in [None, Some(0), Some(1)] {
                        if in_place == Some(1) && function.arity() == 1 {
                            continue;
                        }
                        let found = run_tile(function, dtype, [&a, &b], offset, in_place);
                        for (&found, &expected) in found.iter().zip(&expected) {
                            assert_same(found, expected, &format!("{} {dtype} {n} {offset}", function.name()));
                        }
                        assert_eq!(found.len(), n);
                    }
                }
            }
        }
    }
}

#[test]
fn both_arguments_may_be_the_output() {
    let tile = MathFn::Hypot.tile_fn(DType::Float64).unwrap();
    let mut values = [3.0, 0.0, -1.0];
    let ptr = values.as_mut_ptr().cast::<u8>();
    // SAFETY: three float64 elements; `out` is exactly `a` and `b`.
    unsafe { tile(3, ptr, ptr, ptr) };
    assert_eq!(values, [18f64.sqrt(), 0.0, 2f64.sqrt()]);
}

#[test]
fn functions_are_defined_where_they_say() {
    let of_integers = [MathFn::Pow, MathFn::Fmod, MathFn::Remainder, MathFn::FloorDivide];
    for function in MathFn::ALL {
        for dtype in DType::ALL {
            let is_defined = dtype.is_float() || dtype.is_int() && of_integers.contains(&function);
            assert_eq!(function.tile_fn(dtype).is_some(), is_defined, "{} {dtype}", function.name());
            assert_eq!(function.ns_per_elem(dtype) > 0.0, is_defined, "{} {dtype}", function.name());
            let args = vec![Scalar::from_bits(dtype, 1); function.arity()];
            assert_eq!(function.apply(&args).is_some(), is_defined);
            assert_eq!(function.apply(&[args, vec![Scalar::new(1.0)]].concat()), None, "one argument too many");
        }
        assert_eq!(function.apply(&[]), None);
    }
    assert_eq!(MathFn::Pow.apply(&[Scalar::new(2.0), Scalar::new(2.0f32)]), None, "mixed dtypes");
    let names: std::collections::HashSet<_> = MathFn::ALL.iter().map(|function| function.name()).collect();
    assert_eq!(names.len(), MathFn::ALL.len());
}

/// Any bit pattern at all: no panic, which would abort the process here, and float NaN only where
/// there is a reason.
#[test]
fn no_argument_panics() {
    let patterns = (0..64).flat_map(|shift| [1u64 << shift, (1 << shift) - 1, !(1 << shift), u64::MAX << shift]);
    let patterns: Vec<_> = patterns.chain([0x7ff0_0000_0000_0000, 0xfff8_0000_0000_0000, 0x7f80_0000]).collect();
    for function in MathFn::ALL {
        for dtype in DType::ALL.into_iter().filter(|&dtype| function.tile_fn(dtype).is_some()) {
            for &x in &patterns {
                if function.arity() == 1 {
                    assert!(function.apply(&[Scalar::from_bits(dtype, x)]).is_some());
                    continue;
                }
                for &y in &patterns {
                    assert!(function.apply(&[x, y].map(|bits| Scalar::from_bits(dtype, bits))).is_some());
                }
            }
        }
    }
}
