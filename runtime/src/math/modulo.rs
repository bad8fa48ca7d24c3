//! Remainders and whole quotients of floats: C's `fmod`, and NumPy's `%` and `//`, bit for bit.

macro_rules! float_modulo {
    ($ty:ident) => {
        pub(in crate::math) mod $ty {
            /// The remainder of the truncated quotient: exact, with the sign of `a`.
            pub(in crate::math) fn fmod(a: $ty, b: $ty) -> $ty {
                a % b
            }

            /// NumPy's `a % b`: with the sign of `b`, and NaN for `b = 0`.
            pub(in crate::math) fn remainder(a: $ty, b: $ty) -> $ty {
                let rest = a % b;
                if b == 0.0 {
                    rest
                } else if rest == 0.0 {
                    (0.0 as $ty).copysign(b)
                } else if (b < 0.0) != (rest < 0.0) {
                    rest + b
                } else {
                    rest
                }
            }

            /// NumPy's `a // b`: the quotient is computed from the remainder and snapped to the
            /// nearest whole number.
            pub(in crate::math) fn floor_divide(a: $ty, b: $ty) -> $ty {
                if b == 0.0 {
                    return a / b;
                }
                let rest = a % b;
                let mut quotient = (a - rest) / b;
                if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return (0.0 as $ty).copysign(a / b);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }
        }
    };
}

float_modulo!(f32);
float_modulo!(f64);
