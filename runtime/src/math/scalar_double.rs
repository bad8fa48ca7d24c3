//! Double-double arithmetic: a value as the unevaluated sum of two doubles, where one is not enough.
//!
//! The algorithms are Dekker's and Knuth's, with FMA for the exact product. `hi` is always the sum rounded to a
//! double, so `|lo|` is at most half a unit in the last place of `hi`. Nothing here is meant for arguments whose
//! products underflow or overflow; the callers exclude those.

/// The FMA of these functions: one rounding, the same bits with and without the instruction.
#[inline]
pub(super) fn fma(a: f64, b: f64, c: f64) -> f64 {
    a.mul_add(b, c)
}

/// `hi + lo`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double {
    pub(super) hi: f64,
    pub(super) lo: f64,
}

/// ln 2 in two parts; a product of the first, of 32 significant bits, with an exponent is exact.
const LN_2_SPLIT: (f64, f64) = (0.6931471806019545, -4.2009150726810846e-11);

impl Double {
    pub(super) const LN_2: Double = Double { hi: std::f64::consts::LN_2, lo: 2.3190468138462996e-17 };
    pub(super) const FRAC_PI_2: Double = Double { hi: std::f64::consts::FRAC_PI_2, lo: 6.123233995736766e-17 };
    pub(super) const PI: Double = Double { hi: std::f64::consts::PI, lo: 1.2246467991473532e-16 };

    pub(super) const fn new(value: f64) -> Double {
        Double { hi: value, lo: 0.0 }
    }

    /// Exactly `a + b`, where `|a| >= |b|` or `a` is 0.
    #[inline]
    pub(super) fn fast_sum(a: f64, b: f64) -> Double {
        let hi = a + b;
        Double { hi, lo: b - (hi - a) }
    }

    /// Exactly `a + b`.
    #[inline]
    pub(super) fn sum(a: f64, b: f64) -> Double {
        let hi = a + b;
        let b_part = hi - a;
        Double { hi, lo: (a - (hi - b_part)) + (b - b_part) }
    }

    /// Exactly `a * b`.
    #[inline]
    pub(super) fn product(a: f64, b: f64) -> Double {
        let hi = a * b;
        Double { hi, lo: fma(a, b, -hi) }
    }

    #[inline]
    pub(super) fn add(self, other: Double) -> Double {
        let sum = Double::sum(self.hi, other.hi);
        Double::fast_sum(sum.hi, sum.lo + (self.lo + other.lo))
    }

    #[inline]
    pub(super) fn neg(self) -> Double {
        Double { hi: -self.hi, lo: -self.lo }
    }

    #[inline]
    pub(super) fn sub(self, other: Double) -> Double {
        self.add(other.neg())
    }

    #[inline]
    pub(super) fn mul(self, other: Double) -> Double {
        let product = Double::product(self.hi, other.hi);
        Double::fast_sum(product.hi, product.lo + (self.hi * other.lo + self.lo * other.hi))
    }

    #[inline]
    pub(super) fn div(self, other: Double) -> Double {
        let quotient = self.hi / other.hi;
        let rest = fma(-quotient, other.hi, self.hi) + (self.lo - quotient * other.lo);
        Double::fast_sum(quotient, rest / other.hi)
    }

    /// The square root; not of 0.
    #[inline]
    pub(super) fn sqrt(self) -> Double {
        let root = self.hi.sqrt();
        let rest = fma(-root, root, self.hi) + self.lo;
        Double::fast_sum(root, rest / (2.0 * root))
    }

    /// Times a power of two.
    #[inline]
    pub(super) fn scale(self, factor: f64) -> Double {
        Double { hi: self.hi * factor, lo: self.lo * factor }
    }

    /// The nearest double.
    #[inline]
    pub(super) fn round(self) -> f64 {
        self.hi + self.lo
    }
}

/// `2^exponent`, for a normal result.
#[inline]
pub(super) fn power_of_two(exponent: i32) -> f64 {
    debug_assert!((-1022..=1023).contains(&exponent));
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// `value * 2^exponent` with one rounding, for `-2000 < exponent < 2000`.
#[inline]
pub(super) fn scale_by(value: f64, exponent: i32) -> f64 {
    if exponent < -1000 {
        // Exact down to 2^-1022, so that only the second product rounds: `value` is at least 2^-21 here.
        value * power_of_two(-1000) * power_of_two(exponent + 1000)
    } else if exponent > 1000 {
        value * power_of_two(1000) * power_of_two(exponent - 1000)
    } else {
        value * power_of_two(exponent)
    }
}

/// `x = exponent * ln 2 + r`, `|r| <= 0.35`, for `|x| < 800`.
#[inline]
pub(super) fn reduce_by_ln_2(x: Double) -> (i32, Double) {
    let exponent = (x.hi * std::f64::consts::LOG2_E).round_ties_even();
    // Exact: the product has 43 bits, and the difference cancels the leading ones.
    let head = fma(-exponent, LN_2_SPLIT.0, x.hi);
    let rest = Double::sum(head, -exponent * LN_2_SPLIT.1);
    (exponent as i32, Double::fast_sum(rest.hi, rest.lo + x.lo))
}

/// `exp(r) - 1` for `|r| <= 0.35`, within 2^-57 of its value: Taylor, the first two terms in full.
#[inline]
pub(super) fn exp_m1_reduced(r: Double) -> Double {
    /// `1/3!, 1/4!, ...`
    const INVERSE_FACTORIALS: [f64; 14] = {
        let mut table = [0.0; 14];
        let (mut idx, mut factorial) = (0, 2.0);
        while idx < table.len() {
            factorial *= (idx + 3) as f64;
            table[idx] = 1.0 / factorial;
            idx += 1;
        }
        table
    };
    let x = r.hi;
    let square = Double::product(x, x);
    let tail = square.hi * x * horner(x, &INVERSE_FACTORIALS);
    let sum = Double::fast_sum(x, 0.5 * square.hi);
    Double::fast_sum(sum.hi, sum.lo + (0.5 * square.lo + r.lo + r.lo * x) + tail)
}

/// `exp(x) - 1` for `|x| < 700`, within 2^-57 of its value.
#[inline]
pub(super) fn exp_m1(x: Double) -> Double {
    let (exponent, r) = reduce_by_ln_2(x);
    let reduced = exp_m1_reduced(r);
    if exponent == 0 {
        return reduced;
    }
    // 2^k (1 + e) - 1 = (2^k - 1) + 2^k e
    let scale = power_of_two(exponent);
    Double::sum(scale, -1.0).add(reduced.scale(scale))
}

/// `ln(1 + v)` for `2^-60 < |v| < 2^60` and `v > -1/2`, within 2^-57 of its value: one Newton step from the rounded
/// one.
#[inline]
pub(super) fn ln_1p(v: Double) -> Double {
    let guess = libm::log1p(v.hi);
    let found = exp_m1(Double::new(guess));
    let error = (v.hi - found.hi) + (v.lo - found.lo);
    Double::fast_sum(guess, error / (1.0 + v.hi))
}

/// `ln(x)` for a normal, finite `x > 2`, within 2^-57 of its value.
#[inline]
pub(super) fn ln(x: f64) -> Double {
    let exponent = (x.to_bits() >> 52) as i32 - 1023;
    let mantissa = f64::from_bits((x.to_bits() & ((1 << 52) - 1)) | 1.0f64.to_bits());
    let head = Double::product(f64::from(exponent), Double::LN_2.hi);
    let exponent_part = Double::fast_sum(head.hi, head.lo + f64::from(exponent) * Double::LN_2.lo);
    if mantissa == 1.0 { exponent_part } else { exponent_part.add(ln_1p(Double::new(mantissa - 1.0))) }
}

/// The polynomial with these coefficients, the constant first.
#[inline]
pub(super) fn horner<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for coefficient in coefficients[..N - 1].iter().rev() {
        sum = sum * x + coefficient;
    }
    sum
}
