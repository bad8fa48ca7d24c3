//! Changes of width: one register becomes two, or two become one, a step at a time.
//!
//! A result that takes only a part of a register is made of one source register twice, so that a
//! uniform value stays the same in all lanes.

use super::block::{BlockCode, bitcast, splat_bits};
use super::bundle::{int_register, register_type};
use super::x64::Step;
use crate::tape::{Kind, Ty, ValueId};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use smallvec::SmallVec;

type Registers = SmallVec<[Value; 8]>;

impl BlockCode<'_, '_> {
    fn registers(&mut self, value: ValueId) -> Registers {
        let ty = self.ty(value);
        (0..self.n_registers(ty)).map(|i| self.register(value, i)).collect()
    }

    /// Makes two registers of twice the width from each register, or only the first half if that is
    /// all the block fills.
    fn widen(&mut self, registers: Registers, to: Ty, signed: bool) -> Registers {
        let n = self.n_registers(to);
        let mut wide = Registers::new();
        for register in registers {
            let low =
                if signed { self.builder.ins().swiden_low(register) } else { self.builder.ins().uwiden_low(register) };
            wide.push(low);
            if wide.len() < n {
                wide.push(if signed {
                    self.builder.ins().swiden_high(register)
                } else {
                    self.builder.ins().uwiden_high(register)
                });
            }
        }
        wide
    }

    /// Makes one register of half the width from every two registers.
    fn narrow(&mut self, registers: &Registers, mut pair: impl FnMut(&mut Self, Value, Value) -> Value) -> Registers {
        registers.chunks(2).map(|both| pair(self, both[0], both.get(1).copied().unwrap_or(both[0]))).collect()
    }

    pub(super) fn extend(&mut self, arg: ValueId, to: Ty, signed: bool) -> Registers {
        let mut registers = self.registers(arg);
        let mut bytes = self.ty(arg).bytes;
        while bytes < to.bytes {
            let from = Ty::int(bytes);
            bytes *= 2;
            registers = match self.is_wide {
                // The instructions that extend the first half of a register take two there.
                true => {
                    self.unpacked(&registers, Ty::int(bytes), |block, register| block.signs(from, register, signed))
                }
                false => self.widen(registers, Ty::int(bytes), signed),
            };
        }
        registers
    }

    /// Makes two registers of twice the width from each register, or only the first one if that is
    /// all the block fills: each lane, and behind it the lane of a second register.
    fn unpacked(
        &mut self,
        registers: &Registers,
        to: Ty,
        mut second: impl FnMut(&mut Self, Value) -> Value,
    ) -> Registers {
        let n = self.n_registers(to);
        let mut wide = Registers::new();
        for &low in registers {
            let high = second(self, low);
            for half in [0, 8] {
                if wide.len() < n {
                    let lane = to.bytes as u8 / 2;
                    let bytes: [u8; 16] = std::array::from_fn(|at| {
                        let (at, of_second) = (at as u8, at as u8 / lane % 2);
                        half + at / (2 * lane) * lane + at % lane + 16 * of_second
                    });
                    wide.push(self.shuffle(low, high, bytes, int_register(to.bytes)));
                }
            }
        }
        wide
    }

    /// For each lane of integers, what the upper half of a lane of twice the width holds.
    fn signs(&mut self, ty: Ty, register: Value, signed: bool) -> Value {
        let zero = splat_bits(self.builder, ty, 0);
        match signed {
            true => self.builder.ins().icmp(IntCC::SignedGreaterThan, zero, register),
            false => zero,
        }
    }

    pub(super) fn truncate(&mut self, arg: ValueId, to: Ty) -> Registers {
        let mut registers = self.registers(arg);
        let mut bytes = self.ty(arg).bytes;
        while bytes > to.bytes {
            bytes /= 2;
            registers = match bytes {
                4 => self.narrow(&registers, Self::even_words),
                _ => self.narrow(&registers, |block, a, b| {
                    // What is left after the mask is positive and fits, so the packing does not
                    // saturate.
                    let mask = splat_bits(block.builder, Ty::int(2 * bytes), (1 << (8 * bytes)) - 1);
                    let a = block.builder.ins().band(a, mask);
                    let b = block.builder.ins().band(b, mask);
                    block.builder.ins().unarrow(a, b)
                }),
            };
        }
        registers
    }

    /// A mask is a signed -1 or 0, which all conversions of signed integers keep.
    pub(super) fn resize_mask(&mut self, arg: ValueId, to: Ty) -> Registers {
        let mut bytes = self.ty(arg).bytes;
        let mut registers = self.registers(arg);
        // All bytes of a mask's lane are the same, so a wider lane is a narrower one several times.
        while bytes < to.bytes {
            registers = self.unpacked(&registers, Ty::mask(2 * bytes), |_, register| register);
            bytes *= 2;
        }
        while bytes > to.bytes {
            bytes /= 2;
            registers = match bytes {
                4 => self.narrow(&registers, Self::even_words),
                _ => self.narrow(&registers, |block, a, b| block.builder.ins().snarrow(a, b)),
            };
        }
        registers
    }

    /// The lower halves of the 64-bit lanes of both registers, as one register of 32-bit lanes.
    fn even_words(&mut self, a: Value, b: Value) -> Value {
        const EVEN: [u8; 16] = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
        self.shuffle(a, b, EVEN, types::I32X4)
    }

    /// The first halves of both registers.
    fn low_halves(&mut self, a: Value, b: Value, to: cranelift_codegen::ir::Type) -> Value {
        const LOW: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
        self.shuffle(a, b, LOW, to)
    }

    /// A register with the second half of `a` in both halves.
    fn high_half(&mut self, a: Value) -> Value {
        const HIGH: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
        let to = self.builder.func.dfg.value_type(a);
        self.shuffle(a, a, HIGH, to)
    }

    fn shuffle(&mut self, a: Value, b: Value, bytes: [u8; 16], to: cranelift_codegen::ir::Type) -> Value {
        let a = bitcast(self.builder, types::I8X16, a);
        let b = bitcast(self.builder, types::I8X16, b);
        let mask = self.builder.func.dfg.immediates.push(bytes.as_slice().into());
        let mixed = self.builder.ins().shuffle(a, b, mask);
        bitcast(self.builder, to, mixed)
    }

    pub(super) fn resize_float(&mut self, arg: ValueId, to: Ty) -> Registers {
        let registers = self.registers(arg);
        if to.bytes == 4 {
            return self.narrow(&registers, |block, a, b| {
                let low = block.builder.ins().fvdemote(a);
                let high = if a == b { low } else { block.builder.ins().fvdemote(b) };
                block.low_halves(low, high, types::F32X4)
            });
        }
        self.halves(registers, to, |block, half| block.builder.ins().fvpromote_low(half))
    }

    /// Converts each half of each register to a register of lanes of twice the width, or only the
    /// first half if that is all the block fills.
    fn halves(&mut self, registers: Registers, to: Ty, mut step: impl FnMut(&mut Self, Value) -> Value) -> Registers {
        let n = self.n_registers(to);
        let mut whole = Registers::new();
        for register in registers {
            for half in [Step::Gather, Step::GatherHigh] {
                if whole.len() == n {
                    break;
                }
                if self.is_wide {
                    let to = self.builder.func.dfg.value_type(register);
                    let quarters = self.shuffle_of_quarters(register, half);
                    let quarters = bitcast(self.builder, to, quarters);
                    whole.push(self.in_step(Step::Widen, |block| step(block, quarters)));
                } else {
                    let part = if half == Step::Gather { register } else { self.high_half(register) };
                    whole.push(step(self, part));
                }
            }
        }
        whole
    }

    pub(super) fn int_to_float(&mut self, arg: ValueId, to: Ty, signed: bool, is_uniform: bool) -> Registers {
        debug_assert_eq!(to.kind, Kind::Float);
        let from = self.ty(arg);
        match (from.bytes, to.bytes) {
            (4, 4) => {
                let registers = self.registers(arg);
                registers
                    .into_iter()
                    .map(|register| match signed {
                        true => self.builder.ins().fcvt_from_sint(types::F32X4, register),
                        false => self.builder.ins().fcvt_from_uint(types::F32X4, register),
                    })
                    .collect()
            }
            (4, 8) => {
                let registers = self.registers(arg);
                // Cranelift makes one instruction of this pair.
                self.halves(registers, to, |block, half| {
                    let half = bitcast(block.builder, int_register(4), half);
                    let wide = block.builder.ins().swiden_low(half);
                    block.builder.ins().fcvt_from_sint(register_type(to), wide)
                })
            }
            // A conversion by way of float64 would round twice.
            _ => self.by_lanes(&[arg], to, is_uniform, |builder, args| match signed {
                true => builder.ins().fcvt_from_sint(types::F32, args[0]),
                false => builder.ins().fcvt_from_uint(types::F32, args[0]),
            }),
        }
    }
}
