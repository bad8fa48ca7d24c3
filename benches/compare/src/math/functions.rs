//! The table: one row per function, with the arguments that it gets and why, and what it is called
//! elsewhere.

use super::Loop;
use super::scalar::{libm, map, split, zip};

/// One row of the table.
pub struct Function {
    /// What the row is called; `sin_large` is `sin` with other arguments.
    pub name: &'static str,
    /// What `MathFn` calls the function.
    pub ours: &'static str,
    /// What SVML calls the function, without prefix and suffixes, if it has it.
    pub svml: Option<&'static str>,
    /// Arguments and results.
    pub form: Form,
    /// Where the first arguments are from, uniformly.
    pub a: Range,
    /// Where the second arguments are from.
    pub b: Option<Range>,
    /// Why these arguments.
    pub why: &'static str,
    /// The scalar function over `f64`.
    pub scalar_f64: fn() -> Loop<f64>,
    /// The scalar function over `f32`.
    pub scalar_f32: fn() -> Loop<f32>,
}

/// How many arguments and results a function has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One and one.
    Unary,
    /// Two and one.
    Binary,
    /// One and two: `sincos`.
    Split,
}

/// From `low`, exclusive, to `high`, inclusive.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

const fn range(low: f64, high: f64) -> Range {
    Range { low, high }
}

impl Function {
    const fn unary(name: &'static str, a: Range, scalar_f64: fn() -> Loop<f64>, scalar_f32: fn() -> Loop<f32>) -> Self {
        Function { name, ours: name, svml: Some(name), form: Form::Unary, a, b: None, why: "", scalar_f64, scalar_f32 }
    }

    const fn because(self, why: &'static str) -> Self {
        Function { why, ..self }
    }

    const fn and(self, b: Range) -> Self {
        Function { form: Form::Binary, b: Some(b), ..self }
    }

    /// Of two results; ours is a pair, of this name.
    const fn split(self, ours: &'static str) -> Self {
        Function { form: Form::Split, ours, ..self }
    }

    const fn of(self, name: &'static str) -> Self {
        Function { ours: name, svml: Some(name), ..self }
    }

    const fn not_in_svml(self) -> Self {
        Function { svml: None, ..self }
    }
}

/// Every function.
pub const FUNCTIONS: [Function; 33] = [
    Function::unary("exp", range(-10.0, 10.0), || map(f64::exp), || map(f32::exp))
        .because("the range of most published figures; no result is special in either dtype"),
    Function::unary("exp2", range(-10.0, 10.0), || map(f64::exp2), || map(f32::exp2)).because("as exp"),
    Function::unary("exp10", range(-10.0, 10.0), || map(|x| libm::exp10(x)), || map(|x| libm::exp10f(x)))
        .because("as exp"),
    Function::unary("expm1", range(-2.0, 2.0), || map(f64::exp_m1), || map(f32::exp_m1))
        .because("about 0, where it differs from exp"),
    Function::unary("log", range(0.0, 1000.0), || map(f64::ln), || map(f32::ln))
        .because("several binary exponents, and some arguments below and near 1"),
    Function::unary("log2", range(0.0, 1000.0), || map(f64::log2), || map(f32::log2)).because("as log"),
    Function::unary("log10", range(0.0, 1000.0), || map(f64::log10), || map(f32::log10)).because("as log"),
    Function::unary("log1p", range(-0.9, 10.0), || map(f64::ln_1p), || map(f32::ln_1p))
        .because("about 0, where it differs from log, and beyond"),
    Function::unary("sin", range(-10.0, 10.0), || map(f64::sin), || map(f32::sin)).because("a few periods"),
    Function::unary("cos", range(-10.0, 10.0), || map(f64::cos), || map(f32::cos)).because("a few periods"),
    Function::unary("tan", range(-10.0, 10.0), || map(f64::tan), || map(f32::tan)).because("a few periods"),
    Function::unary("sincos", range(-10.0, 10.0), || split(f64::sin_cos), || split(f32::sin_cos))
        .split("sin_cos")
        .because("a few periods"),
    Function::unary("sin_large", range(-1e5, 1e5), || map(f64::sin), || map(f32::sin))
        .of("sin")
        .because("many periods: a phase that grows with time"),
    Function::unary("cos_large", range(-1e5, 1e5), || map(f64::cos), || map(f32::cos))
        .of("cos")
        .because("many periods"),
    Function::unary("tan_large", range(-1e5, 1e5), || map(f64::tan), || map(f32::tan))
        .of("tan")
        .because("many periods"),
    Function::unary("asin", range(-1.0, 1.0), || map(f64::asin), || map(f32::asin)).because("the domain"),
    Function::unary("acos", range(-1.0, 1.0), || map(f64::acos), || map(f32::acos)).because("the domain"),
    Function::unary("atan", range(-10.0, 10.0), || map(f64::atan), || map(f32::atan))
        .because("both sides of 1, where algorithms split"),
    Function::unary("atan2", range(-10.0, 10.0), || zip(f64::atan2), || zip(f32::atan2))
        .and(range(-10.0, 10.0))
        .because("all quadrants"),
    Function::unary("sinh", range(-5.0, 5.0), || map(f64::sinh), || map(f32::sinh)).because("both sides of 1"),
    Function::unary("cosh", range(-5.0, 5.0), || map(f64::cosh), || map(f32::cosh)).because("as sinh"),
    Function::unary("tanh", range(-5.0, 5.0), || map(f64::tanh), || map(f32::tanh))
        .because("as sinh; not yet 1 in either dtype for most"),
    Function::unary("asinh", range(-100.0, 100.0), || map(f64::asinh), || map(f32::asinh))
        .because("mostly where it is a logarithm"),
    Function::unary("acosh", range(1.0, 100.0), || map(f64::acosh), || map(f32::acosh)).because("as asinh"),
    Function::unary("atanh", range(-1.0, 1.0), || map(f64::atanh), || map(f32::atanh)).because("the domain"),
    Function::unary("pow", range(0.0, 10.0), || zip(f64::powf), || zip(f32::powf))
        .and(range(-5.0, 5.0))
        .because("real powers of positive numbers: the general case"),
    Function::unary("cbrt", range(-1000.0, 1000.0), || map(f64::cbrt), || map(f32::cbrt)).because("both signs"),
    Function::unary("hypot", range(-10.0, 10.0), || zip(f64::hypot), || zip(f32::hypot))
        .and(range(-10.0, 10.0))
        .because("coordinates; nothing near overflow"),
    Function::unary("erf", range(-3.0, 3.0), || map(|x| libm::erf(x)), || map(|x| libm::erff(x)))
        .because("where it is not 1 yet"),
    Function::unary("erfc", range(-3.0, 6.0), || map(|x| libm::erfc(x)), || map(|x| libm::erfcf(x)))
        .because("with some of its tail"),
    Function::unary("tgamma", range(0.5, 10.0), || map(|x| libm::tgamma(x)), || map(|x| libm::tgammaf(x)))
        .not_in_svml()
        .because("as a generalised factorial"),
    Function::unary("lgamma", range(0.5, 100.0), || map(|x| libm::lgamma(x)), || map(|x| libm::lgammaf(x)))
        .not_in_svml()
        .because("as in likelihoods"),
    Function::unary("sigmoid", range(-10.0, 10.0), || map(sigmoid_f64), || map(sigmoid_f32))
        .not_in_svml()
        .because("both tails"),
];

fn sigmoid_f64(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn sigmoid_f32(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::check;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = FUNCTIONS.iter().map(|function| function.name).collect();
        assert_eq!(names.len(), FUNCTIONS.len());
    }

    /// Loosely: the standard library's inverse hyperbolic functions of floats lose digits near 0.
    #[test]
    fn both_scalar_functions_are_the_same_function() {
        for function in &FUNCTIONS {
            let difference = check::difference(function, &*(function.scalar_f32)());
            assert!(difference < 1e-4, "{}: {difference:e}", function.name);
        }
    }
}
