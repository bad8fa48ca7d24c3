//! The order of lanes in wide registers, where values have several widths.
//!
//! A wide register is two halves, and each half holds what a narrow register would hold for lanes
//! of its own (see [`x64`](super::x64)). In memory, the lanes of both halves come in turns: as many
//! as a half has of the widest type belong to the first one, as many to the second one, and so on.
//! For the widest type, this is the order of a wide register in memory. A narrower element is
//! brought into that order when it is loaded, and out of it when it is stored.
//!
//! A *granule* is what follows one another in memory and belongs to one half.

use super::access::array_flags;
use super::block::{BlockCode, bitcast};
use super::bundle::register_type;
use super::x64::{Conversion, Step};
use crate::tape::{Inst, Node, Ty};
use cranelift_codegen::ir::{ConstantData, InstBuilder, Value, types};
use ndexpr_runtime::abi::RunKind;
use smallvec::SmallVec;

/// The order of an element type that is narrower than the widest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// The bytes of a granule: 2, 4 or 8.
    granule: usize,
}

/// A register's bytes.
type Bytes = [u8; 16];

impl Order {
    /// The order of granules in `n_bytes` bytes: the even ones first, and the odd ones from the
    /// middle of the register on. For each byte of the result, the byte that it is; others are
    /// zero.
    fn apart(self, n_bytes: usize) -> Bytes {
        let mut bytes = [0x80; 16];
        for at in 0..n_bytes {
            let (granule, rest) = (at / self.granule, at % self.granule);
            bytes[8 * (granule % 2) + granule / 2 * self.granule + rest] = at as u8;
        }
        bytes
    }

    /// The reverse of [`apart`](Order::apart).
    fn together(self, n_bytes: usize) -> Bytes {
        let mut bytes = [0x80; 16];
        for (to, from) in self.apart(n_bytes).into_iter().enumerate() {
            if let Some(byte) = bytes.get_mut(from as usize) {
                *byte = to as u8;
            }
        }
        bytes
    }
}

impl BlockCode<'_, '_> {
    /// The order of a type's lanes, if it is not that of the memory.
    pub(super) fn order(&self, ty: Ty) -> Option<Order> {
        let granule = (16 * ty.bytes / self.widest) as usize;
        (self.is_wide && ty.bytes < self.widest).then_some(Order { granule })
    }

    /// Loads a wide register, or as many bytes as the block has.
    pub(super) fn load_in_order(&mut self, address: Value, offset: i32, ty: Ty, order: Order) -> Value {
        let n_bytes = self.n_lanes * ty.bytes;
        if n_bytes >= self.width.bytes() {
            let register = self.load_register(address, offset, ty);
            let apart = self.shuffled(register, order.apart(16));
            return self.permuted(apart, ty, Step::Interleave);
        }
        let part = self.in_step(Step::Narrow, |block| {
            let part = match n_bytes {
                16 => block.load_register(address, offset, ty),
                _ => block.load_part(address, ty, n_bytes),
            };
            block.shuffled(part, order.apart(n_bytes as usize))
        });
        self.permuted(part, ty, Step::Spread)
    }

    /// A wide register as it is in memory.
    pub(super) fn out_of_order(&mut self, register: Value, order: Order) -> Value {
        let to = self.builder.func.dfg.value_type(register);
        let together = self.shuffle_of_quarters(register, Step::Interleave);
        let shuffled = self.shuffled(together, order.together(16));
        bitcast(self.builder, to, shuffled)
    }

    /// Stores the bytes that the block has in a wide register.
    pub(super) fn store_part_out_of_order(&mut self, address: Value, ty: Ty, register: Value, order: Order) {
        let n_bytes = self.n_lanes * ty.bytes;
        let part = self.shuffle_of_quarters(register, Step::Gather);
        self.in_step(Step::Narrow, |block| {
            let part = block.shuffled(part, order.together(n_bytes as usize));
            match n_bytes {
                16 => block.store_register(address, part),
                _ => {
                    let part = bitcast(block.builder, register_type(ty), part);
                    block.store_part(address, ty, n_bytes, part);
                }
            }
        });
    }

    /// The registers of a conversion of what is loaded for it, if one instruction does both.
    pub(super) fn converted_load(&mut self, node: &Node) -> Option<SmallVec<[Value; 8]>> {
        let to = node.ty;
        if !self.is_wide || self.n_lanes * to.bytes < self.width.bytes() {
            return None;
        }
        let (operand, conversion) = self.conversion(node)?;
        let row = self.rows.get(&operand).filter(|row| row.kind == RunKind::Contiguous)?;
        // What comes before a conversion to floats of 8 bytes: integers of 4 in a narrow register.
        let between = match (node.inst, conversion) {
            (Inst::ToFloat { .. }, Conversion::Extend { from, .. }) => Some(from),
            _ => None,
        };
        let from = match conversion {
            Conversion::Extend { from, .. } => from,
            Conversion::IntToFloat | Conversion::FloatToFloat => 4,
        };
        let address = self.address(row.base, Ty::int(from));
        let bytes_per_register = (self.width.bytes() / to.bytes * from) as i32;
        let registers = (0..self.n_registers(to)).map(|i| {
            let step = if between.is_some() { Step::ConvertNarrow(conversion) } else { Step::Convert(conversion) };
            let loaded = self.in_step(step, |block| {
                block.builder.ins().sload32x2(array_flags(), address, i as i32 * bytes_per_register)
            });
            match (between, self.order(to)) {
                (Some(_), _) => self.in_step(Step::Widen, |block| {
                    let ints = bitcast(block.builder, types::I32X4, loaded);
                    let wide = block.builder.ins().swiden_low(ints);
                    block.builder.ins().fcvt_from_sint(register_type(to), wide)
                }),
                (None, None) => bitcast(self.builder, register_type(to), loaded),
                (None, Some(order)) => {
                    let apart = self.shuffled(loaded, order.apart(16));
                    self.permuted(apart, to, Step::Interleave)
                }
            }
        });
        Some(registers.collect())
    }

    /// The input that is loaded for a conversion, and the first conversion of what is loaded.
    fn conversion(&self, node: &Node) -> Option<(u32, Conversion)> {
        let arg = self.tape.node(node.args[0]);
        match (node.inst, arg.inst) {
            (Inst::Extend { signed }, Inst::Load(operand)) => {
                Some((operand, Conversion::Extend { from: arg.ty.bytes, to: node.ty.bytes, signed }))
            }
            (Inst::ToFloat { signed: true }, Inst::Load(operand)) if (arg.ty.bytes, node.ty.bytes) == (4, 8) => {
                Some((operand, Conversion::IntToFloat))
            }
            (Inst::ToFloat { signed: true }, Inst::Extend { .. }) if (arg.ty.bytes, node.ty.bytes) == (4, 8) => {
                self.conversion(arg)
            }
            (Inst::ResizeFloat, Inst::Load(operand)) if node.ty.bytes == 8 => Some((operand, Conversion::FloatToFloat)),
            _ => None,
        }
    }

    fn permuted(&mut self, register: Value, ty: Ty, step: Step) -> Value {
        let permuted = self.shuffle_of_quarters(register, step);
        bitcast(self.builder, register_type(ty), permuted)
    }

    /// The shuffle that stands for a permutation of quarters.
    pub(super) fn shuffle_of_quarters(&mut self, register: Value, step: Step) -> Value {
        const WORDS: Bytes = [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15];
        self.in_step(step, |block| {
            let register = bitcast(block.builder, types::I8X16, register);
            let mask = block.builder.func.dfg.immediates.push(WORDS.as_slice().into());
            block.builder.ins().shuffle(register, register, mask)
        })
    }

    /// The bytes of each half in this order.
    fn shuffled(&mut self, register: Value, order: Bytes) -> Value {
        let register = bitcast(self.builder, types::I8X16, register);
        if (0..16).zip(order).all(|(to, from)| from == to || from & 0x80 != 0) {
            return register;
        }
        let order = self.builder.func.dfg.constants.insert(ConstantData::from(order.to_vec()));
        let order = self.builder.ins().vconst(types::I8X16, order);
        self.builder.ins().x86_pshufb(register, order)
    }
}
