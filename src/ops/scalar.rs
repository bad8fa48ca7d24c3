//! What each primitive means for one element: the definition that folding and the interpreter run,
//! and that compiled code is tested against.
//!
//! Values are bits, zero-extended to 64, of the dtype that the caller names.

use super::Op;
use ndexpr_runtime::dtype::{DType, Element, Scalar};

/// Applies a primitive to one element. `from` is the dtype of the arguments (for a select, of the
/// last two) and `to` that of the result. Arguments that the primitive does not take are ignored.
///
/// The graph never holds a primitive with dtypes that it is not defined for. For such a primitive
/// the result is 0.
pub(crate) fn apply(op: Op, from: DType, to: DType, args: [u64; 3]) -> u64 {
    let [a, b, c] = args;
    match op {
        Op::Select => {
            if a != 0 {
                b
            } else {
                c
            }
        }
        Op::Cast => cast(from, to, a),
        Op::Math(function) => {
            let all = args.map(|bits| Scalar::from_bits(from, bits));
            function.apply(&all[..function.arity()]).map_or(0, Scalar::bits)
        }
        _ => match from {
            DType::Bool => bools(op, a != 0, b != 0),
            DType::Int8 => int::<i8>(op, a, b),
            DType::Int16 => int::<i16>(op, a, b),
            DType::Int32 => int::<i32>(op, a, b),
            DType::Int64 => int::<i64>(op, a, b),
            DType::UInt8 => int::<u8>(op, a, b),
            DType::UInt16 => int::<u16>(op, a, b),
            DType::UInt32 => int::<u32>(op, a, b),
            DType::UInt64 => int::<u64>(op, a, b),
            DType::Float32 => float32(op, a, b, c),
            DType::Float64 => float64(op, a, b, c),
        },
    }
}

fn bools(op: Op, a: bool, b: bool) -> u64 {
    u64::from(match op {
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor | Op::Ne => a ^ b,
        Op::Eq => a == b,
        Op::Not => !a,
        _ => false,
    })
}

/// The integer operations that differ between widths and signs.
trait Int: Element + Ord {
    const BITS: u32;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn abs(self) -> Self;
    fn shl(self, count: u32) -> Self;
    fn shr(self, count: u32) -> Self;
    fn zero() -> Self;
    /// The value as the count of a shift, if it can be one.
    fn as_count(self) -> Option<u32>;
}

macro_rules! ints {
    ($($ty:ty: $abs:expr;)*) => {$(
        impl Int for $ty {
            const BITS: u32 = <$ty>::BITS;
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            fn abs(self) -> Self {
                let abs: fn($ty) -> $ty = $abs;
                abs(self)
            }
            fn shl(self, count: u32) -> Self {
                self.wrapping_shl(count)
            }
            fn shr(self, count: u32) -> Self {
                self.wrapping_shr(count)
            }
            fn zero() -> Self {
                0
            }
            fn as_count(self) -> Option<u32> {
                u32::try_from(self).ok().filter(|&count| count < <$ty>::BITS)
            }
        }
    )*};
}

ints! {
    i8: i8::wrapping_abs;
    i16: i16::wrapping_abs;
    i32: i32::wrapping_abs;
    i64: i64::wrapping_abs;
    u8: |x| x;
    u16: |x| x;
    u32: |x| x;
    u64: |x| x;
}

fn int<T: Int>(op: Op, a: u64, b: u64) -> u64 {
    let (a, b) = (T::from_bits(a), T::from_bits(b));
    let value = match op {
        Op::Add => a.add(b),
        Op::Sub => a.sub(b),
        Op::Mul => a.mul(b),
        Op::Neg => T::zero().sub(a),
        Op::Abs => a.abs(),
        Op::Min => a.min(b),
        Op::Max => a.max(b),
        Op::And => T::from_bits(a.to_bits() & b.to_bits()),
        Op::Or => T::from_bits(a.to_bits() | b.to_bits()),
        Op::Xor => T::from_bits(a.to_bits() ^ b.to_bits()),
        Op::Not => T::from_bits(!a.to_bits()),
        Op::Shl => b.as_count().map_or(T::zero(), |count| a.shl(count)),
        Op::Shr => match b.as_count() {
            Some(count) => a.shr(count),
            // All that is left of the number is its sign.
            None if a < T::zero() => a.shr(T::BITS - 1),
            None => T::zero(),
        },
        _ => return u64::from(compare(op, &a, &b)),
    };
    value.to_bits()
}

fn compare<T: PartialOrd>(op: Op, a: &T, b: &T) -> bool {
    match op {
        Op::Eq => a == b,
        Op::Ne => a != b,
        Op::Lt => a < b,
        Op::Le => a <= b,
        Op::Gt => a > b,
        Op::Ge => a >= b,
        _ => false,
    }
}

macro_rules! floats {
    ($name:ident, $ty:ty) => {
        fn $name(op: Op, a: u64, b: u64, c: u64) -> u64 {
            let [a, b, c] = [a, b, c].map(<$ty as Element>::from_bits);
            let value = match op {
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Neg => -a,
                Op::Abs => a.abs(),
                Op::Sqrt => a.sqrt(),
                Op::Floor => a.floor(),
                Op::Ceil => a.ceil(),
                Op::Trunc => a.trunc(),
                Op::Rint => a.round_ties_even(),
                Op::Min => {
                    if a.is_nan() || a < b {
                        a
                    } else {
                        b
                    }
                }
                Op::Max => {
                    if a.is_nan() || a > b {
                        a
                    } else {
                        b
                    }
                }
                Op::Copysign => a.copysign(b),
                Op::Fma => a.mul_add(b, c),
                _ => return u64::from(compare(op, &a, &b)),
            };
            Element::to_bits(value)
        }
    };
}

floats!(float32, f32);
floats!(float64, f64);

/// A conversion between dtypes; see [`Op::Cast`].
pub(crate) fn cast(from: DType, to: DType, bits: u64) -> u64 {
    // Rust's `as` is the definition that is wanted: wrapping, saturating, rounding to nearest even.
    macro_rules! cast_to {
        ($value:expr) => {{
            let value = $value;
            match to {
                DType::Bool => u64::from(value != (0 as _)),
                DType::Int8 => (value as i8).to_bits(),
                DType::Int16 => (value as i16).to_bits(),
                DType::Int32 => (value as i32).to_bits(),
                DType::Int64 => (value as i64).to_bits(),
                DType::UInt8 => (value as u8).to_bits(),
                DType::UInt16 => (value as u16).to_bits(),
                DType::UInt32 => (value as u32).to_bits(),
                DType::UInt64 => (value as u64).to_bits(),
                DType::Float32 => Element::to_bits(value as f32),
                DType::Float64 => Element::to_bits(value as f64),
            }
        }};
    }
    match from {
        DType::Bool => cast_to!(u8::from(bits != 0)),
        DType::Int8 => cast_to!(i8::from_bits(bits)),
        DType::Int16 => cast_to!(i16::from_bits(bits)),
        DType::Int32 => cast_to!(i32::from_bits(bits)),
        DType::Int64 => cast_to!(i64::from_bits(bits)),
        DType::UInt8 => cast_to!(u8::from_bits(bits)),
        DType::UInt16 => cast_to!(u16::from_bits(bits)),
        DType::UInt32 => cast_to!(u32::from_bits(bits)),
        DType::UInt64 => cast_to!(u64::from_bits(bits)),
        DType::Float32 => cast_to!(<f32 as Element>::from_bits(bits)),
        DType::Float64 => cast_to!(<f64 as Element>::from_bits(bits)),
    }
}
