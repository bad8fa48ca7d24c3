//! Powers of floats: `x^y = exp(y ln |x|)`, in two floats up to the last sum.
//!
//! The error of the logarithm is one part in 2^65, and the exponent `y ln |x|` is at most 745, so
//! the result is off by 2^-55 of it. The exponential is `exp(x) = 2^k 2^(idx/16) exp(r)` with
//! `|r| <= ln(2)/32`. The powers `2^(idx/16)` are from a table (Tang, "Table-driven implementation
//! of the exponential function", 1989).

use super::double::Double;
use super::log::is_extraordinary;
use super::log_double::{log_double, log_double_of_subnormal};
use super::polynomial::even_odd;
use crate::arch::vector::{Bits, F64s, Float, Mask, Table, Vector};

/// 16 / ln 2.
const LOG2_E_16: f64 = 23.083120654223414;

/// ln(2) / 16 in two parts. The first has 38 bits, so its product with a whole number below 2^15 is
/// exact.
const LN_2_16: [f64; 2] = [0.04332169878489367, 1.0291218489310676e-13];

/// `2^(idx/16)`.
const POWERS: [f64; 16] = [
    1.0,
    1.0442737824274138,
    1.0905077326652577,
    1.1387886347566916,
    1.189207115002721,
    1.241857812073484,
    1.2968395546510096,
    1.3542555469368927,
    std::f64::consts::SQRT_2,
    1.4768261459394993,
    1.5422108254079407,
    1.6104903319492543,
    1.681792830507429,
    1.7562521603732995,
    1.8340080864093424,
    1.9152065613971474,
];

/// What each element of [`POWERS`] lacks, as a fraction of it.
const POWERS_LOW: [f64; 16] = [
    0.0,
    8.189317638195515e-17,
    -2.7939114859515733e-17,
    7.826573258636076e-17,
    3.3484623336251524e-17,
    3.750854201303127e-17,
    1.9572585293112036e-17,
    5.68648095791174e-17,
    -6.835808657661922e-17,
    -2.3591094770850053e-17,
    5.1548301170786783e-17,
    1.5341410053603723e-17,
    4.875160526227062e-17,
    1.685487290628973e-17,
    1.790126907604513e-17,
    -5.545065618639427e-17,
];

/// The bits of [`POWERS`], less `idx` shifted left by 48 bits. Adding `n` shifted left by 48 bits
/// gives the bits of `2^(n/16)`, because it adds both the `idx` and the `k` of `n`.
pub(super) const POWERS_LESS_IDX: [f64; 16] = {
    let mut table = POWERS;
    let mut idx = 0;
    while idx < table.len() {
        table[idx] = f64::from_bits(table[idx].to_bits() - ((idx as u64) << 48));
        idx += 1;
    }
    table
};

/// Both tables in one, for looking up a pair.
const PAIRS: &Table<f64, 16, 2> = &Table::of_columns([POWERS_LESS_IDX, POWERS_LOW]);

/// `q` with `exp(r) = 1 + r + r^2 q(r)` for `|r| <= ln(2)/32`, made by sollya/pow.sollya. Its error
/// is 2^-64.
const EXP_TAIL: [f64; 6] = [
    0.5000000000000001,
    0.1666666666666667,
    0.041666666663331464,
    0.008333333332662403,
    0.0013889067942157505,
    0.000198415208154615,
];

/// Adding this to a number of magnitude below 2^51 leaves the nearest whole number in the low bits.
pub(super) const TO_INT: f64 = 6755399441055744.0;

/// `2^(n/16) (1 + rest)`.
struct Power<V: Vector> {
    /// An element of [`POWERS_LESS_IDX`].
    less_idx: V,
    n: V,
    /// `n`, in the low bits.
    n_bits: V::Bits,
    rest: V,
}

impl<V: F64s> Power<V> {
    /// e to the power of a number of magnitude below 1000.
    #[inline(always)]
    fn exp(x: Double<V>) -> Power<V> {
        let shifted = x.high.mul_add(x.high.splat(LOG2_E_16), x.high.splat(TO_INT));
        let n = shifted - x.high.splat(TO_INT);
        let low = n.neg_mul_add(x.high.splat(LN_2_16[1]), x.low);
        let r = n.neg_mul_add(x.high.splat(LN_2_16[0]), x.high) + low;
        let square = r * r;
        let [less_idx, low] = V::lookup_columns(PAIRS, shifted.to_bits(), 0);
        let rest = square.mul_add(even_odd(r, square, &EXP_TAIL), r + low);
        Power { less_idx, n, n_bits: shifted.to_bits(), rest }
    }

    /// The power, where it is a normal number.
    #[inline(always)]
    fn normal(&self) -> V {
        let power = V::from_bits(self.less_idx.to_bits() + self.n_bits.shl(48));
        power.mul_add(self.rest, power)
    }

    /// The power, rounded once; infinite or 0 where it must be.
    #[inline(always)]
    fn any(&self) -> V {
        let idx = self.n_bits & self.n_bits.splat(15);
        let k = (self.n - V::from_int(idx)) * self.n.splat(1.0 / 16.0);
        let power = V::lookup(&POWERS, idx);
        let power = Double::fast_sum(power, power * self.rest);
        let result = power.high.scale(k);
        // Where the result is subnormal, it was rounded twice. Instead, the power is added to a
        // number whose last place is that of the subnormal numbers, divided by 2^k. This sum is
        // rounded once.
        let bias = k.splat(1.0).scale(k.splat(-1022.0) - k);
        let sum = Double::fast_sum(bias, power.high);
        let subnormal = ((sum.high + (sum.low + power.low)) - bias).scale(k);
        V::select(result.lt(result.splat(f64::MIN_POSITIVE)), subnormal, result)
    }
}

/// x^y.
#[inline(always)]
pub(super) fn pow<V: F64s>(x: V, y: V) -> V {
    let x_abs = x.abs();
    let exponent = times(log_double(x_abs), y);
    let near = Power::exp(exponent).normal();
    let far = is_extraordinary(x_abs) | !exponent.high.abs().le(x.splat(708.0));
    let negative = x.to_bits().lt_signed(x.splat_bits(0));
    if (far | negative).any() {
        let near = if far.any() { V::select(far, pow_far(x_abs, y), near) } else { near };
        signed_and_special(x, y, near, x.splat(0.0), x.splat(f64::INFINITY), x.splat(0.5))
    } else {
        near
    }
}

/// The product; its second part is at most a few last places of the first.
#[inline(always)]
fn times<V: F64s>(log: Double<V>, y: V) -> Double<V> {
    let product = Double::product(log.high, y);
    Double { high: product.high, low: log.low.mul_add(y, product.low) }
}

/// x^y for positive, finite `x`, where the result or `x` may be subnormal, and the result may
/// overflow.
#[inline(always)]
fn pow_far<V: F64s>(x: V, y: V) -> V {
    let is_subnormal = x.lt(x.splat(f64::MIN_POSITIVE));
    let log = log_double(x);
    let log_subnormal = log_double_of_subnormal(x);
    let log = Double {
        high: V::select(is_subnormal, log_subnormal.high, log.high),
        low: V::select(is_subnormal, log_subnormal.low, log.low),
    };
    let exponent = times(log, y);
    let high = exponent.high.max(x.splat(-760.0)).min(x.splat(760.0));
    // Where the exponent overflowed, its second part is NaN.
    let low = V::select(exponent.high.eq(high), exponent.low, x.splat(0.0));
    Power::exp(Double { high, low }).any()
}

/// `x^y` by Annex F, given `power = |x|^y`, which is right for finite `x` and `y`, except for
/// `x = 0`.
#[inline(always)]
pub(super) fn signed_and_special<V: Vector>(x: V, y: V, power: V, zero: V, infinity: V, half: V) -> V {
    let one = x.splat(V::Elem::ONE);
    let x_abs = x.abs();
    let y_infinite = y.abs().eq(infinity);
    let extreme = x_abs.eq(zero) | x_abs.eq(infinity) | y_infinite;
    let (is_large, is_up) = (x_abs.gt(one), y.gt(zero));
    let grows = (is_large & is_up) | !(is_large | is_up);
    let power = V::select(extreme, V::select(grows, infinity, zero), power);
    let power = V::select(x_abs.eq(one), one, power);
    // Negative numbers, that is those with the sign bit set, have whole powers only, and the odd
    // powers are negative.
    let is_whole = y.round().eq(y);
    let is_odd = is_whole & !(y * half).round().eq(y * half);
    let power = V::select(is_odd, power.xor_sign(x), power);
    let power = V::select(x.lt(zero) & !is_whole & !extreme, infinity * zero, power);
    let power = V::select(x.is_nan() | y.is_nan(), x + y, power);
    V::select(y.eq(zero) | x.eq(one), one, power)
}

/// The polynomial of 2^r for `|r| <= 1/32`, made by sollya/pow.sollya. Its error is 2^-29.
const EXP2_SHORT: [f64; 4] = [1.0, 0.6931471798844021, 0.24023433431983132, 0.05550611610480504];

/// 2^x, with an error of one part in 2^29 if the result is normal.
#[inline(always)]
pub(super) fn exp2_short<V: F64s>(x: V) -> V {
    // This rounds to the nearest sixteenth.
    let shifted = x + x.splat(TO_INT / 16.0);
    let r = x - (shifted - x.splat(TO_INT / 16.0));
    let less_idx = V::lookup(&POWERS_LESS_IDX, shifted.to_bits());
    V::from_bits(less_idx.to_bits() + shifted.to_bits().shl(48)) * even_odd(r, r * r, &EXP2_SHORT)
}
