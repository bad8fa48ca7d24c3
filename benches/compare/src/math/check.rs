//! That a loop computes what its name says: a wrong function would be a wrong comparison.

use super::Loop;
use super::arrays::{Arrays, Real};
use super::functions::{Form, Function};
use ndexpr_runtime::dtype::DType;

/// Enough for arguments of all kinds, little enough to take no time.
const N: usize = 256;

/// How far the loop's results are from those of the scalar function of doubles, relative to these,
/// at most.
///
/// NaN against a number is infinitely far.
#[must_use]
pub fn difference<T: Real>(function: &Function, contender: &dyn Fn(&mut Arrays<T>)) -> f64 {
    let mut arrays = Arrays::<T>::new(function, N);
    contender(&mut arrays);
    let results = arrays.widened();
    let mut exact = arrays.widened();
    let scalar: Loop<f64> = (function.scalar_f64)();
    scalar(&mut exact);
    let mut pairs: Vec<_> = results.out.iter().zip(exact.out.iter()).collect();
    if function.form == Form::Split {
        pairs.extend(results.out2.iter().zip(exact.out2.iter()));
    }
    pairs.into_iter().map(|(&result, &exact)| relative(result, exact)).fold(0.0, f64::max)
}

fn relative(result: f64, exact: f64) -> f64 {
    if result == exact || (result.is_nan() && exact.is_nan()) {
        return 0.0;
    }
    let difference = ((result - exact) / exact).abs();
    if difference.is_nan() { f64::INFINITY } else { difference }
}

/// Differences above this are not rounding.
#[must_use]
pub fn tolerance(dtype: DType) -> f64 {
    if dtype == DType::Float32 { 1e-6 } else { 1e-13 }
}
