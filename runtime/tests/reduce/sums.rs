//! Sums, of products and of squared deviations too: which bits they have, how accurate they are,
//! and what infinities and NaNs give.

use crate::support::{Kind, Memory, elements, finish, float, levels, pairs, reduce};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::reduce::{LANES, LEAF, ReduceOp, Reducer};

/// Products are rounded to their dtype and then summed as any elements are.
#[test]
fn sums_of_products_are_sums_of_rounded_products_at_every_level() {
    for dtype in [DType::Float32, DType::Float64] {
        for n in [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, LEAF - 1, LEAF, LEAF + 1, 3 * LEAF + 40] {
            for kind in [Kind::Any, Kind::Few, Kind::Special, Kind::First] {
                let [x, y] = [n, 2 * n].map(|seed| elements(kind, dtype, seed)[..n].to_vec());
                let product = |(&x, &y): (&Scalar, &Scalar)| match dtype {
                    DType::Float32 => Scalar::new(x.get::<f32>().unwrap() * y.get::<f32>().unwrap()),
                    _ => Scalar::new(float(x) * float(y)),
                };
                let products: Vec<Scalar> = x.iter().zip(&y).map(product).collect();
                for (level, offset) in levels().flat_map(|level| [(level, 0), (level, 3)]) {
                    let reducer = Reducer::at(ReduceOp::Sum, dtype, level).unwrap();
                    let memory = [&x, &y, &products].map(|elements| Memory::new(elements, offset));
                    let words = n.div_ceil(LEAF) * reducer.partial_bytes() / 8;
                    let mut partials = [vec![0_u64; words], vec![0_u64; words]];
                    let [sums, expected] = partials.each_mut().map(|words| words.as_mut_ptr().cast::<u8>());
                    // SAFETY: there are `n` elements of each, and room for the partials of their
                    // leaves.
                    unsafe {
                        reducer.product_leaves(n, memory[0].ptr(), memory[1].ptr(), sums);
                        reducer.leaves(n, memory[2].ptr(), 0, expected);
                    }
                    let [sums, expected] = partials.map(|words| finish(&reducer, n.div_ceil(LEAF), &words));
                    let bits = |sums: &[Scalar]| sums.iter().map(|sum| sum.bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&sums), bits(&expected), "{dtype}, {n} of {kind:?} at {level:?}");
                }
            }
        }
    }
}

#[test]
fn only_sums_of_floats_take_products() {
    for (op, dtype) in pairs() {
        let takes = Reducer::new(op, dtype).unwrap().takes_products();
        assert_eq!(takes, op == ReduceOp::Sum && dtype.is_float(), "{op:?} of {dtype}");
    }
}

/// An element is added no more often than a lane has elements, halved, and passed up the tree; each
/// time the error is half an ULP of a sum that is no greater than that of the magnitudes.
#[test]
fn sums_are_accurate() {
    for n in [5, 100, 1024, 10_000, 300_000] {
        let x = elements(Kind::Any, DType::Float64, n);
        // Exact: each element is a multiple of 2^-72, and less than 2^20.
        let exact = |x: f64| (x * 2.0_f64.powi(72)) as i128;
        let sum: i128 = x.iter().map(|&x| exact(float(x))).sum();
        let magnitudes: f64 = x.iter().map(|&x| float(x).abs()).sum();
        let additions = LEAF / LANES + 5 + n.div_ceil(LEAF).next_power_of_two().ilog2() as usize;
        let actual = reduce(&Reducer::new(ReduceOp::Sum, DType::Float64).unwrap(), &x).get::<f64>().unwrap();
        let error = (exact(actual) - sum) as f64 * 2.0_f64.powi(-72);
        assert!(error.abs() <= additions as f64 * magnitudes * f64::EPSILON / 2.0, "{n} elements: off by {error}");

        let x: Vec<Scalar> = x.into_iter().map(|x| Scalar::new(float(x) as f32)).collect();
        let sum: i128 = x.iter().map(|&x| exact(float(x))).sum();
        let sum = (sum as f64 * 2.0_f64.powi(-72)) as f32;
        let actual = reduce(&Reducer::new(ReduceOp::Sum, DType::Float32).unwrap(), &x).get::<f32>().unwrap();
        assert!((actual - sum).abs() <= sum.abs() * f32::EPSILON, "{n} elements: {actual}, not {sum}");
    }
}

#[test]
fn deviations_from_a_large_mean_are_accurate() {
    // The deviations are +1 and -1.
    let x: Vec<Scalar> = (0..100_000).map(|i| Scalar::new(1e9 + f64::from(i % 2 * 2))).collect();
    for op in [ReduceOp::Deviations, ReduceOp::NanDeviations] {
        let actual = reduce(&Reducer::new(op, DType::Float64).unwrap(), &x).get::<f64>().unwrap();
        assert!((actual - 1e5).abs() < 1e-4, "{actual}");
    }
}

#[test]
fn deviations_are_as_special_as_those_of_numpy() {
    let of = |op, x: &[f64]| {
        let x: Vec<Scalar> = x.iter().copied().map(Scalar::new).collect();
        reduce(&Reducer::new(op, DType::Float64).unwrap(), &x).get::<f64>().unwrap()
    };
    let (all, numbers) = (ReduceOp::Deviations, ReduceOp::NanDeviations);
    let inf = f64::INFINITY;
    for op in [all, numbers] {
        assert_eq!(of(op, &[1e308, 1e308]), inf);
        assert_eq!(of(op, &[1e308; 5000]), inf);
        assert_eq!(of(op, &[1e200, -1e200]), inf);
        assert!(of(op, &[inf]).is_nan());
        assert!(of(op, &[inf, 1.0]).is_nan());
        assert!(of(op, &[&[1e308; 3000][..], &[inf]].concat()).is_nan());
        assert_eq!(of(op, &[0.1; 3000]), 0.0);
    }
    assert!(of(all, &[1.0, f64::NAN]).is_nan());
    assert!(of(all, &[f64::NAN]).is_nan());
    assert_eq!(of(numbers, &[f64::NAN]), 0.0);
    // Leaves of nothing but NaN before, between and after.
    let (nan, large) = ([f64::NAN; 2 * LEAF], 2.0_f64.powi(600));
    assert_eq!(of(numbers, &[&nan[..], &[large; LEAF], &nan, &[large; 3], &nan].concat()), 0.0);
    assert_eq!(of(numbers, &[&nan[..], &[1.0], &nan, &[3.0], &nan].concat()), 2.0);
}
