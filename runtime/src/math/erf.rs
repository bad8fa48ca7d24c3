//! The error function and its complement.
//!
//! `erf` is Taylor's series below 0.25, in double-double arithmetic, and `libm`'s (FreeBSD's) beyond. `erfc` beyond 0.4
//! is `exp(-x^2) f(x) / (1 + 2x)` in double-double arithmetic, after Shepherd and Laframboise (Math. Comp. 36, 1981):
//! `f` lies between 1 and 1.3, so a polynomial in `(x - K)/(x + K)` gives it from there to infinity.

use super::scalar_double::{Double, exp_m1_reduced, fma, horner, reduce_by_ln_2, scale_by};

/// `K`, where the polynomial's argument is 0.
const CENTRE: f64 = 3.25;

/// The polynomial's constant; it and the others were made by tests/data/math/make_constants.py.
const HEAD: Double = Double { hi: 1.2475151132011641, lo: -7.399536941827554e-17 };

/// The other coefficients, the lowest first.
const TAIL: [f64; 24] = [
    -0.13861133360837138,
    -0.027456781190889172,
    0.1135074936362477,
    -0.11897889089383037,
    0.08014898632554143,
    -0.03696058327170097,
    0.010148647022448531,
    -0.00018754552425197325,
    -0.0010751243060939928,
    0.00030504787685852966,
    7.50415258832509e-05,
    -5.416692843124466e-05,
    -4.38389496034554e-06,
    8.608772228403615e-06,
    3.1488915343296e-07,
    -1.4317016204342074e-06,
    -8.235432816170305e-08,
    2.509344057309023e-07,
    3.20195643161061e-08,
    -4.3792244855477155e-08,
    -9.06487010483279e-09,
    6.73454753589767e-09,
    1.359101383557865e-09,
    -6.689961604421209e-10,
];

/// `2 / sqrt(pi)` times the integral of `exp(-t^2)` from 0 to `x`.
pub(super) fn erf(x: f64) -> f64 {
    /// `-1/(1! 3), 1/(2! 5), ...`, times `2/sqrt(pi)`.
    const SERIES: [f64; 10] = {
        let mut table = [0.0; 10];
        let (mut idx, mut factor) = (0, std::f64::consts::FRAC_2_SQRT_PI);
        while idx < table.len() {
            factor /= -((idx + 1) as f64);
            table[idx] = factor / (2 * idx + 3) as f64;
            idx += 1;
        }
        table
    };
    const FRAC_2_SQRT_PI_LO: f64 = 1.533545961316588e-17;
    if x.is_nan() || x.abs() >= 0.25 || x == 0.0 {
        return libm::erf(x);
    }
    let square = x * x;
    let head = Double::product(x, std::f64::consts::FRAC_2_SQRT_PI);
    head.hi + (head.lo + x * (FRAC_2_SQRT_PI_LO + square * horner(square, &SERIES)))
}

/// `1 - erf(x)`, without the cancellation.
pub(super) fn erfc(x: f64) -> f64 {
    if x.is_nan() || x < 0.4 {
        return 1.0 - erf(x);
    }
    // erfc(27.3) is below half the smallest subnormal.
    if x > 27.3 {
        return 0.0;
    }
    let argument = (x - CENTRE) / (x + CENTRE);
    let head = Double::fast_sum(HEAD.hi, argument * horner(argument, &TAIL));
    let f = Double { hi: head.hi, lo: head.lo + HEAD.lo };
    let square = x * x;
    let (exponent, r) = reduce_by_ln_2(Double { hi: -square, lo: -fma(x, x, -square) });
    let exp = Double::new(1.0).add(exp_m1_reduced(r));
    let value = exp.mul(f).div(Double::sum(2.0 * x, 1.0));
    scale_by(value.round(), exponent)
}
