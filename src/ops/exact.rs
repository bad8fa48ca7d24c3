//! Exact arithmetic of whole numbers that have no dtype: literals, and variables that arrive as
//! Python's numbers do.
//!
//! In: up to three integers of 128 bits. Out: what Python gives for them, or why there is no such
//! number. Always true: the outcome depends on the integers alone.

/// What an operation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Int(i128),
    Bool(bool),
    /// The result does not fit 128 bits.
    TooLarge,
    /// The result is no whole number, because the second argument is negative.
    Fraction,
}

/// An operation on as many of the integers as its function has parameters.
pub(crate) type Exact = fn(&[i128; 3]) -> Outcome;

fn int(value: Option<i128>) -> Outcome {
    value.map_or(Outcome::TooLarge, Outcome::Int)
}

pub(super) fn add(&[a, b, _]: &[i128; 3]) -> Outcome {
    int(a.checked_add(b))
}

pub(super) fn subtract(&[a, b, _]: &[i128; 3]) -> Outcome {
    int(a.checked_sub(b))
}

pub(super) fn multiply(&[a, b, _]: &[i128; 3]) -> Outcome {
    int(a.checked_mul(b))
}

/// The quotient, rounded down. A division by 0 gives 0, as it does for arrays.
pub(super) fn floor_divide(&[a, b, _]: &[i128; 3]) -> Outcome {
    if b == 0 {
        return Outcome::Int(0);
    }
    let quotient = a.checked_div(b);
    int(quotient.map(|quotient| if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient }))
}

/// The remainder with the sign of `b`.
pub(super) fn remainder(&[a, b, _]: &[i128; 3]) -> Outcome {
    if b == 0 {
        return Outcome::Int(0);
    }
    let rest = a.wrapping_rem(b);
    Outcome::Int(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
}

/// The remainder with the sign of `a`.
pub(super) fn fmod(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Int(if b == 0 { 0 } else { a.wrapping_rem(b) })
}

pub(super) fn power(&[base, exponent, _]: &[i128; 3]) -> Outcome {
    match (base, exponent) {
        (_, ..0) => Outcome::Fraction,
        (_, 0) | (1, _) => Outcome::Int(1),
        (0, _) => Outcome::Int(0),
        (-1, _) => Outcome::Int(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => int(u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent))),
    }
}

pub(super) fn negative(&[a, ..]: &[i128; 3]) -> Outcome {
    int(a.checked_neg())
}

/// The number itself; this is what rounding gives, for example.
pub(super) fn identity(&[a, ..]: &[i128; 3]) -> Outcome {
    Outcome::Int(a)
}

pub(super) fn abs(&[a, ..]: &[i128; 3]) -> Outcome {
    int(a.checked_abs())
}

pub(super) fn sign(&[a, ..]: &[i128; 3]) -> Outcome {
    Outcome::Int(a.signum())
}

pub(super) fn square(&[a, ..]: &[i128; 3]) -> Outcome {
    int(a.checked_mul(a))
}

/// The reciprocal, rounded towards 0: it is 0 except for 1 and -1. The reciprocal of 0 is 0, as it
/// is for arrays.
pub(super) fn reciprocal(&[a, ..]: &[i128; 3]) -> Outcome {
    Outcome::Int(if matches!(a, 1 | -1) { a } else { 0 })
}

pub(crate) fn minimum(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Int(a.min(b))
}

pub(crate) fn maximum(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Int(a.max(b))
}

pub(super) fn clip(&[a, low, high]: &[i128; 3]) -> Outcome {
    Outcome::Int(a.max(low).min(high))
}

pub(super) fn choose(&[condition, a, b]: &[i128; 3]) -> Outcome {
    Outcome::Int(if condition != 0 { a } else { b })
}

pub(super) fn invert(&[a, ..]: &[i128; 3]) -> Outcome {
    Outcome::Int(!a)
}

pub(super) fn bitwise_and(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Int(a & b)
}

pub(super) fn bitwise_or(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Int(a | b)
}

pub(super) fn bitwise_xor(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Int(a ^ b)
}

/// A shift by a negative count gives 0, as it does for arrays.
pub(super) fn left_shift(&[a, count, _]: &[i128; 3]) -> Outcome {
    if a == 0 || count < 0 {
        return Outcome::Int(0);
    }
    let factor = u32::try_from(count).ok().filter(|&count| count < 127).map(|count| 1_i128 << count);
    int(factor.and_then(|factor| a.checked_mul(factor)))
}

/// A shift by a negative count leaves only the sign, as it does for arrays.
pub(super) fn right_shift(&[a, count, _]: &[i128; 3]) -> Outcome {
    let count = if count < 0 { 127 } else { count.min(127) };
    Outcome::Int(a >> count)
}

pub(super) fn equal(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Bool(a == b)
}

pub(super) fn not_equal(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Bool(a != b)
}

pub(super) fn less(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Bool(a < b)
}

pub(super) fn less_equal(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Bool(a <= b)
}

pub(super) fn greater(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Bool(a > b)
}

pub(super) fn greater_equal(&[a, b, _]: &[i128; 3]) -> Outcome {
    Outcome::Bool(a >= b)
}
