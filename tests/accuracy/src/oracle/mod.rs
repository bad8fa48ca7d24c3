//! The functions' values from outside the engine, at three prices.
//!
//! 1. CORE-MATH's functions are correctly rounded: a result with the same bits is at most half an
//!    ULP off.
//! 2. A result that differs is estimated: a float64 by the C library's `long double`, a float32 by
//!    a double function.
//! 3. MPFR has the value to 160 bits. Every error that is reported is from there; the first two
//!    only save its time.

mod double;
mod exact;
mod long_double;

use rug::Float;

use long_double::LongDouble;

/// The bits that the reported errors rest on.
pub(crate) const PRECISION: u32 = 160;

/// One function's values. Functions of one argument ignore their second.
pub(crate) struct Oracle {
    /// Its name, as in the engine.
    pub(crate) name: &'static str,
    /// The correctly rounded function of float32.
    pub nearest_f32: Option<fn(f32, f32) -> f32>,
    /// The correctly rounded function of float64.
    pub nearest_f64: Option<fn(f64, f64) -> f64>,
    /// A double within a few ULP of the value, which is enough for float32.
    double: fn(f64, f64) -> f64,
    exact: fn(f64, f64, u32) -> Float,
    long_double: Option<LongDouble>,
}

impl Oracle {
    /// The oracle of the function of this name.
    pub(crate) fn of(name: &str) -> Option<Oracle> {
        let (row, exact) = (double::row(name)?, exact::function(name)?);
        Some(Oracle {
            name: row.name,
            nearest_f32: row.nearest_f32,
            nearest_f64: row.nearest_f64,
            double: row.double,
            exact,
            long_double: LongDouble::of(name),
        })
    }

    /// True where the function crosses zero between its poles, and an error is counted in units of
    /// 1/2 instead of the result's: left of -2, the logarithm of the gamma function is the sum of
    /// two that cancel.
    pub(crate) fn has_absolute_errors(&self, x: f64, found: f64) -> bool {
        self.name == "lgamma" && x < -2.0 && found.abs() < 0.5
    }

    /// The value to [`PRECISION`] bits, correctly rounded, or within a few units of the last of
    /// them.
    pub(crate) fn exact(&self, x: f64, y: f64) -> Float {
        (self.exact)(x, y, PRECISION)
    }

    /// About how many float64 ULP `found` is off; `None` where that takes [`Oracle::exact`].
    pub(crate) fn long_double_error(&self, x: f64, y: f64, found: f64) -> Option<f64> {
        self.long_double?.error(x, y, found)
    }

    /// About how many float32 ULP `found` is off; `None` where that takes [`Oracle::exact`].
    pub(crate) fn double_error(&self, x: f32, y: f32, found: f32) -> Option<f64> {
        double::error(self.double, x, y, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::float::Real;
    use crate::random::Random;
    use crate::ulp::error_in_ulps;
    use ndexpr_runtime::math::MathFn;

    /// Arguments of any size, most of them near 1, where functions are not trivial.
    fn arguments() -> impl Iterator<Item = (f64, f64)> {
        let mut random = Random::new(11);
        let mut draw = move |idx: u64| match idx % 4 {
            0 => random.uniform(-30.0, 30.0),
            1 => random.uniform(-1.0, 1.0),
            2 => random.uniform(1.0, 300.0),
            _ => f64::from_bits(random.next()),
        };
        (0..4000).map(move |idx| (draw(idx), draw(idx / 4)))
    }

    #[test]
    fn there_is_one_for_every_function_with_a_bound() {
        for function in MathFn::ALL {
            if function.max_ulp(f64::DTYPE).is_some() {
                assert!(Oracle::of(function.name()).is_some(), "{}", function.name());
            }
        }
        assert!(Oracle::of("fmod").is_none());
    }

    /// Two libraries that know nothing of each other.
    #[test]
    fn core_math_is_mpfr_rounded() {
        for name in double::names() {
            let oracle = Oracle::of(name).unwrap();
            for (x, y) in arguments() {
                if let Some(nearest) = oracle.nearest_f64 {
                    let (found, exact) = (nearest(x, y), oracle.exact(x, y));
                    assert!(error_in_ulps(found, &exact, f64::FORMAT) <= 0.5, "{name}({x:e}, {y:e}) = {found:e}");
                }
                let (x, y) = (x as f32, y as f32);
                if let Some(nearest) = oracle.nearest_f32 {
                    let (found, exact) = (nearest(x, y), oracle.exact(x.into(), y.into()));
                    let error = error_in_ulps(found.into(), &exact, f32::FORMAT);
                    assert!(error <= 0.5, "{name}({x:e}, {y:e}) = {found:e} of float32");
                }
            }
        }
    }

    fn assert_estimates_are_close<T: Real>() {
        let mut random = Random::new(12);
        for name in double::names() {
            let oracle = Oracle::of(name).unwrap();
            let (mut n_tried, mut n_estimates) = (0, 0);
            for (x, y) in arguments().map(|(x, y)| (T::from_f64(x), T::from_f64(y))) {
                let exact = oracle.exact(x.to_f64(), y.to_f64());
                let nearest = T::from_f64(exact.to_f64());
                let found = nearest.offset(random.below(5) as i64 - 2);
                n_tried += i32::from(nearest.place().abs() > 2 && found.to_f64().is_finite());
                let Some(estimate) = T::estimate(&oracle, x, y, found) else { continue };
                n_estimates += 1;
                let error = error_in_ulps(found.to_f64(), &exact, T::FORMAT);
                // A power of two may be one by rounding, and the estimate allows for that.
                let unsure = if exact.to_f64().to_bits().trailing_zeros() >= 52 { 2.0 } else { 1.0 };
                let is_close =
                    estimate >= error - T::ESTIMATE_MARGIN && estimate <= error * unsure + T::ESTIMATE_MARGIN;
                assert!(is_close, "{name}({:e}, {:e}): {estimate} for {error}", x.to_f64(), y.to_f64());
            }
            assert!(n_estimates >= n_tried || oracle.long_double.is_none(), "{name}: {n_estimates} of {n_tried}");
        }
    }

    #[test]
    fn estimates_are_within_their_margin() {
        assert_estimates_are_close::<f32>();
        assert_estimates_are_close::<f64>();
    }
}
