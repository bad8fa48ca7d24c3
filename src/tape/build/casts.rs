//! Conversions between dtypes, as steps that registers can do.
//!
//! In: a value, its dtype, and the dtype that it gets. Out: the value of the last step.
//!
//! Always true: every element becomes what Rust's `as` makes of it, as in `ops::scalar`. Floats
//! saturate, NaN becomes 0, and an integer that is no float is rounded once. A bool is a mask here,
//! never a byte.

use super::Builder;
use crate::tape::{Condition, Inst, Ty, ValueId};
use ndexpr_runtime::dtype::DType;

impl Builder<'_> {
    pub(super) fn cast(&mut self, x: ValueId, from: DType, to: DType) -> ValueId {
        let ty = Ty::in_memory(to);
        match (from, to) {
            (DType::Bool, _) if to.is_float() => {
                let one = self.float(ty.bytes, 1.0);
                let zero = self.float(ty.bytes, 0.0);
                self.select(x, one, zero)
            }
            (DType::Bool, _) => self.mask_to_int(x, ty.bytes),
            (_, DType::Bool) => self.is_not_zero(x, from.is_signed_int()),
            _ => match (from.is_float(), to.is_float()) {
                (false, false) => self.resize_int(x, from.is_signed_int(), ty.bytes),
                (true, true) => self.push(Inst::ResizeFloat, &[x], ty),
                (false, true) => self.int_to_float(x, from, ty),
                (true, false) => self.float_to_int(x, to),
            },
        }
    }

    fn resize_int(&mut self, x: ValueId, signed: bool, bytes: u32) -> ValueId {
        let ty = Ty::int(bytes);
        match self.ty(x).bytes.cmp(&bytes) {
            std::cmp::Ordering::Less => self.push(Inst::Extend { signed }, &[x], ty),
            std::cmp::Ordering::Equal => x,
            std::cmp::Ordering::Greater => self.push(Inst::Truncate, &[x], ty),
        }
    }

    fn int_to_float(&mut self, x: ValueId, from: DType, ty: Ty) -> ValueId {
        let signed = from.is_signed_int();
        match (from.size(), ty.bytes) {
            // int32 holds every value.
            (1 | 2, _) => {
                let wide = self.resize_int(x, signed, 4);
                self.push(Inst::ToFloat { signed: true }, &[wide], ty)
            }
            (4, 8) if !signed => {
                let wide = self.resize_int(x, false, 8);
                self.with_exponent(wide, TWO_52, f64::from_bits(TWO_52))
            }
            (8, 8) => self.int64_to_float64(x, signed),
            _ => self.push(Inst::ToFloat { signed }, &[x], ty),
        }
    }

    /// The float whose low bits are those of an integer, below a given exponent, minus what the
    /// exponent stands for.
    fn with_exponent(&mut self, low_bits: ValueId, exponent: u64, bias: f64) -> ValueId {
        let exponent = self.constant(Ty::int(8), exponent);
        let bits = self.same(Inst::Or, &[low_bits, exponent]);
        let float = self.push(Inst::Reinterpret, &[bits], Ty::float(8));
        let bias = self.float(8, bias);
        self.same(Inst::Sub, &[float, bias])
    }

    /// The upper and the lower half each become a float exactly; their sum is rounded once.
    ///
    /// The lower half, below the exponent of 2^52, is `2^52 + low`; the upper one, below that of
    /// 2^84, is `2^84 + 2^32 * high`, with `high + 2^31` in place of a signed `high`. One
    /// subtraction takes away all biases.
    fn int64_to_float64(&mut self, x: ValueId, signed: bool) -> ValueId {
        let low_mask = self.constant(Ty::int(8), 0xffff_ffff);
        let low = self.same(Inst::And, &[x, low_mask]);
        let low_exponent = self.constant(Ty::int(8), TWO_52);
        let low = self.same(Inst::Or, &[low, low_exponent]);
        let low = self.push(Inst::Reinterpret, &[low], Ty::float(8));
        let half = self.constant(Ty::int(8), 32);
        let high = self.same(Inst::Shr { signed: false }, &[x, half]);
        let high = if signed {
            let flip = self.constant(Ty::int(8), 1 << 31);
            self.same(Inst::Xor, &[high, flip])
        } else {
            high
        };
        let sign_bias = if signed { 9_223_372_036_854_775_808.0 } else { 0.0 };
        let bias = f64::from_bits(TWO_84) + sign_bias + f64::from_bits(TWO_52);
        let high = self.with_exponent(high, TWO_84, bias);
        self.same(Inst::Add, &[high, low])
    }

    fn float_to_int(&mut self, x: ValueId, to: DType) -> ValueId {
        let bytes = to.size() as u32;
        let signed = to.is_signed_int();
        match (self.ty(x).bytes, bytes) {
            (4, 4) | (8, 8) => self.push(Inst::ToInt { signed }, &[x], Ty::int(bytes)),
            (4, 8) => {
                let wide = self.push(Inst::ResizeFloat, &[x], Ty::float(8));
                self.push(Inst::ToInt { signed }, &[wide], Ty::int(8))
            }
            (4, _) => {
                let wide = self.push(Inst::ToInt { signed: true }, &[x], Ty::int(4));
                let (low, high) = int_range(to);
                let low = self.constant(Ty::int(4), low as u32 as u64);
                let high = self.constant(Ty::int(4), high as u32 as u64);
                let at_least = self.same(Inst::Max { signed: true }, &[wide, low]);
                let clamped = self.same(Inst::Min { signed: true }, &[at_least, high]);
                self.push(Inst::Truncate, &[clamped], Ty::int(bytes))
            }
            _ => self.float64_to_narrow_int(x, to),
        }
    }

    /// If a truncated float64 is clamped to the range, its sum with 1.5 * 2^52 has the integer in
    /// its low bits.
    fn float64_to_narrow_int(&mut self, x: ValueId, to: DType) -> ValueId {
        let (low, high) = int_range(to);
        let zero = self.float(8, 0.0);
        let low = self.float(8, low as f64);
        let high = self.float(8, high as f64);
        let shift = self.float(8, 6_755_399_441_055_744.0);
        let is_number = self.compare(Condition::Eq, false, x, x);
        let number = self.select(is_number, x, zero);
        let at_least = self.same(Inst::Max { signed: true }, &[number, low]);
        let clamped = self.same(Inst::Min { signed: true }, &[at_least, high]);
        let truncated = self.same(Inst::Trunc, &[clamped]);
        let shifted = self.same(Inst::Add, &[truncated, shift]);
        let bits = self.push(Inst::Reinterpret, &[shifted], Ty::int(8));
        self.push(Inst::Truncate, &[bits], Ty::int(to.size() as u32))
    }
}

/// The bits of 2^52 and 2^84 as float64.
const TWO_52: u64 = 0x4330_0000_0000_0000;
const TWO_84: u64 = 0x4530_0000_0000_0000;

/// The smallest and largest value of an integer dtype of at most 4 bytes.
fn int_range(dtype: DType) -> (i64, i64) {
    let bits = 8 * dtype.size() as u32;
    if dtype.is_signed_int() { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}
