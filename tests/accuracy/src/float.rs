//! The two dtypes as the search sees them: bit patterns, neighbours, and the shape of their
//! numbers.

use ndexpr_runtime::dtype::DType;

use crate::oracle::Oracle;

/// How a dtype's numbers lie on the line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Bits of the significand, the leading one included.
    pub(crate) precision: i32,
    /// The exponent of the smallest normal number, 2^min_exponent.
    pub(crate) min_exponent: i32,
    /// The exponent of the largest numbers, which are below 2^(max_exponent + 1).
    pub(crate) max_exponent: i32,
}

impl Format {
    /// The exponent of the smallest number, 2^least_exponent.
    pub(crate) fn least_exponent(self) -> i32 {
        self.min_exponent - (self.precision - 1)
    }
}

/// `f32` or `f64`.
pub(crate) trait Real: Copy + Default + Send + Sync + 'static {
    /// The dtype in the engine.
    const DTYPE: DType;
    /// The shape of its numbers.
    const FORMAT: Format;
    /// The bits of one element.
    const BITS: u32;

    /// The number with these bits, of which the lowest `BITS` count.
    fn from_bits(bits: u64) -> Self;
    /// Its bits.
    fn bits(self) -> u64;
    /// The nearest number of this dtype.
    fn from_f64(value: f64) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// The correctly rounded function of this dtype, if there is one.
    fn nearest(oracle: &Oracle) -> Option<fn(Self, Self) -> Self>;
    /// About how many ULP `found` is from the function's value; `None` if only a closer look can
    /// tell.
    fn estimate(oracle: &Oracle, x: Self, y: Self, found: Self) -> Option<f64>;
    /// How far [`Real::estimate`] may be from the true error, in ULP.
    const ESTIMATE_MARGIN: f64;

    /// The number's place on the line: neighbours differ by one, and both zeros are at 0.
    fn place(self) -> i64 {
        let magnitude = (self.bits() & (u64::MAX >> (65 - Self::BITS))) as i64;
        if self.bits() >> (Self::BITS - 1) & 1 == 1 { -magnitude } else { magnitude }
    }

    /// The number so many places away; infinity if that is beyond the largest. NaN stays NaN.
    fn offset(self, places: i64) -> Self {
        if self.to_f64().is_nan() {
            return self;
        }
        let infinity = Self::from_f64(f64::INFINITY).place();
        let place = self.place().saturating_add(places).clamp(-infinity, infinity);
        let sign = if place < 0 || place == 0 && self.bits() >> (Self::BITS - 1) & 1 == 1 { 1 } else { 0 };
        Self::from_bits(place.unsigned_abs() | sign << (Self::BITS - 1))
    }
}

impl Real for f64 {
    const DTYPE: DType = DType::Float64;
    const FORMAT: Format = Format { precision: 53, min_exponent: -1022, max_exponent: 1023 };
    const BITS: u32 = 64;
    // A long double has 11 bits more, and the C library's functions are within 5 of its ULP: a
    // third of this.
    const ESTIMATE_MARGIN: f64 = 1.0 / 128.0;

    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }

    fn bits(self) -> u64 {
        self.to_bits()
    }

    fn from_f64(value: f64) -> f64 {
        value
    }

    fn to_f64(self) -> f64 {
        self
    }

    fn nearest(oracle: &Oracle) -> Option<fn(f64, f64) -> f64> {
        oracle.nearest_f64
    }

    fn estimate(oracle: &Oracle, x: f64, y: f64, found: f64) -> Option<f64> {
        oracle.long_double_error(x, y, found)
    }
}

impl Real for f32 {
    const DTYPE: DType = DType::Float32;
    const FORMAT: Format = Format { precision: 24, min_exponent: -126, max_exponent: 127 };
    const BITS: u32 = 32;
    // The double function is within a few of its own ULP, which are 2^-29 of these.
    const ESTIMATE_MARGIN: f64 = 1e-6;

    fn from_bits(bits: u64) -> f32 {
        f32::from_bits(bits as u32)
    }

    fn bits(self) -> u64 {
        self.to_bits().into()
    }

    fn from_f64(value: f64) -> f32 {
        value as f32
    }

    fn to_f64(self) -> f64 {
        self.into()
    }

    fn nearest(oracle: &Oracle) -> Option<fn(f32, f32) -> f32> {
        oracle.nearest_f32
    }

    fn estimate(oracle: &Oracle, x: f32, y: f32, found: f32) -> Option<f64> {
        oracle.double_error(x, y, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_place_away() {
        for x in [0.0, 1.0, -1.0, 5e-324, f64::MAX, -2.2250738585072014e-308] {
            assert_eq!(x.offset(1), x.next_up(), "above {x:e}");
            assert_eq!(x.offset(-1), x.next_down(), "below {x:e}");
            assert_eq!(x.offset(0).to_bits(), x.to_bits());
        }
        assert_eq!(1f32.offset(3), 1.0 + 3.0 * f32::EPSILON);
        assert_eq!(1f32.offset(-1).offset(2), 1f32.next_up());
        assert_eq!((-0.0f64).offset(0).to_bits(), (-0.0f64).to_bits());
    }

    #[test]
    fn no_offset_leaves_the_line() {
        assert_eq!(f64::MAX.offset(1 << 40), f64::INFINITY);
        assert_eq!((-1f32).offset(i64::MIN), f32::NEG_INFINITY);
        assert_eq!(f32::INFINITY.offset(i64::MAX), f32::INFINITY);
        assert!(f32::NAN.offset(-7).is_nan());
    }
}
