//! How a vector block meets memory: operands by run kind, and spill slots.

use super::block::{BlockCode, bitcast};
use super::bundle::register_type;
use super::marks::Mark;
use super::word::Word;
use super::x64::Step;
use crate::outline::Width;
use crate::tape::{Kind, Ty, ValueId};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use ndexpr_runtime::abi::RunKind;

/// The flags of accesses to arrays. They may have any alignment, and they do not trap because every
/// element is in a view.
///
/// There are no alias regions, because a kernel may read what it writes if an output is an input
/// too.
pub(super) fn array_flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// The type of one element as a scalar.
fn scalar_type(ty: Ty) -> Type {
    match (ty.kind, ty.bytes) {
        (Kind::Float, 4) => types::F32,
        (Kind::Float, _) => types::F64,
        (_, 1) => types::I8,
        (_, 2) => types::I16,
        (_, 4) => types::I32,
        _ => types::I64,
    }
}

impl BlockCode<'_, '_> {
    /// Loads the `i`th register of an input.
    pub(super) fn load(&mut self, operand: usize, ty: Ty, i: usize) -> Value {
        let row = self.rows[&(operand as u32)];
        match row.kind {
            RunKind::Contiguous => self.load_contiguous(row.base, row.shift, ty, i),
            RunKind::Splat => {
                let at = row.base.get(self.builder);
                self.load_splat(at, ty)
            }
            RunKind::Strided => {
                let stride = row.lane_stride.expect("a strided operand has a stride");
                self.load_strided(row.base, stride, ty, i)
            }
        }
    }

    /// Stores all registers of a value to an output.
    pub(super) fn store(&mut self, output: u32, value: ValueId) {
        let row = self.rows[&(self.tape.inputs.len() as u32 + output)];
        let ty = self.ty(value);
        let streams = self.streams && self.tape.streams(output);
        for i in 0..self.n_registers(ty) {
            let register = self.register(value, i);
            match (row.kind, row.lane_stride) {
                (RunKind::Strided, Some(stride)) => {
                    self.store_strided(row.base, stride, ty, i, register);
                }
                _ => self.store_contiguous((row.base, row.shift), ty, i, register, streams),
            }
        }
    }

    /// Loads the `i`th register of a value that an earlier segment or a call left in its slot.
    pub(super) fn load_slot(&mut self, value: ValueId, i: usize) -> Value {
        let base = self.slot_rows[&value];
        self.load_contiguous(base, 0, self.ty(value), i)
    }

    /// Stores all registers of a value to its slot.
    pub(super) fn store_slot(&mut self, value: ValueId) {
        let base = self.slot_rows[&value];
        let ty = self.ty(value);
        for i in 0..self.n_registers(ty) {
            let register = self.register(value, i);
            self.store_contiguous((base, 0), ty, i, register, false);
        }
    }

    /// Loads a register that waits in memory.
    pub(super) fn load_kept(&mut self, base: Value, at: i32, ty: Ty) -> Value {
        self.builder.ins().load(register_type(ty), array_flags(), base, at)
    }

    /// Stores a register to both halves of the place where it waits.
    pub(super) fn store_kept(&mut self, base: Value, at: i32, register: Value) {
        for half in [0, Width::Bits128.bytes() as i32] {
            self.builder.ins().store(array_flags(), register, base, at + half);
        }
    }

    /// Stores a register to the place where it waits.
    pub(super) fn store_place(&mut self, base: Value, at: i32, register: Value) {
        self.builder.ins().store(array_flags(), register, base, at);
    }

    /// Loads one element into every lane.
    pub(super) fn load_splat(&mut self, at: Value, ty: Ty) -> Value {
        let scalar = self.builder.ins().load(scalar_type(ty), array_flags(), at, 0);
        self.builder.ins().splat(register_type(ty), scalar)
    }

    /// The address of the block's first element in a contiguous row.
    pub(super) fn address(&mut self, base: Word, ty: Ty) -> Value {
        let known = self.addresses.iter().find(|&&(known, bytes, _)| known == base && bytes == ty.bytes);
        if let Some(&(_, _, address)) = known {
            return address;
        }
        let offset = self.lane_offset(ty.bytes);
        let row = base.get(self.builder);
        let address = self.builder.ins().iadd(row, offset);
        self.addresses.push((base, ty.bytes, address));
        address
    }

    /// The bytes from lane 0 to the block's first lane, in a contiguous row of elements of this
    /// size.
    fn lane_offset(&mut self, elem_bytes: u32) -> Value {
        let shift = elem_bytes.ilog2();
        *self.lane_offsets[shift as usize].get_or_insert_with(|| match shift {
            0 => self.lane,
            _ => {
                let shift = self.builder.ins().iconst(types::I64, i64::from(shift));
                self.builder.ins().ishl(self.lane, shift)
            }
        })
    }

    /// The bytes of a value's lanes in the whole block.
    fn block_bytes(&self, ty: Ty) -> u32 {
        self.n_lanes * ty.bytes
    }

    /// Emits something in a wide loop that is not for wide registers; elsewhere it is like the
    /// rest.
    pub(super) fn in_step<R>(&mut self, step: Step, emit: impl FnOnce(&mut Self) -> R) -> R {
        if !self.is_wide {
            return emit(self);
        }
        let after = self.builder.srcloc();
        self.builder.set_srcloc(Mark::Loop(self.loop_index, step).loc());
        let result = emit(self);
        self.builder.set_srcloc(after);
        result
    }

    /// Loads the `i`th register of a block from a contiguous row, which begins `shift` bytes after
    /// the base.
    fn load_contiguous(&mut self, base: Word, shift: i32, ty: Ty, i: usize) -> Value {
        let address = self.address(base, ty);
        let offset = shift + i as i32 * self.width.bytes() as i32;
        match self.order(ty) {
            None if self.block_bytes(ty) >= self.width.bytes() => self.load_register(address, offset, ty),
            None => self.load_part(address, ty, self.block_bytes(ty)),
            Some(order) => self.load_in_order(address, offset, ty, order),
        }
    }

    /// Loads a whole register.
    pub(super) fn load_register(&mut self, address: Value, offset: i32, ty: Ty) -> Value {
        let register = register_type(ty);
        if ty.kind == Kind::Float && self.target.wants_aligned_operands() {
            // Cranelift 0.135.8 makes any load an operand of `cmpps` and `cmppd`, which trap if
            // it is not aligned. A load of another type does not become an operand.
            let bits = self.builder.ins().load(types::I8X16, array_flags(), address, offset);
            return bitcast(self.builder, register, bits);
        }
        self.builder.ins().load(register, array_flags(), address, offset)
    }

    /// Loads a part of a register as one scalar of that size.
    pub(super) fn load_part(&mut self, address: Value, ty: Ty, n_bytes: u32) -> Value {
        let ins = self.builder.ins();
        let register = match (n_bytes, ty.kind, ty.bytes) {
            (8, Kind::Float, 8) => {
                let scalar = ins.load(types::F64, array_flags(), address, 0);
                self.builder.ins().scalar_to_vector(types::F64X2, scalar)
            }
            (4, Kind::Float, _) => {
                let scalar = ins.load(types::F32, array_flags(), address, 0);
                self.builder.ins().scalar_to_vector(types::F32X4, scalar)
            }
            (8, ..) => {
                let scalar = ins.load(types::I64, array_flags(), address, 0);
                self.builder.ins().scalar_to_vector(types::I64X2, scalar)
            }
            (bytes, ..) => {
                let scalar = match bytes {
                    4 => ins.load(types::I32, array_flags(), address, 0),
                    2 => ins.uload16(types::I32, array_flags(), address, 0),
                    _ => ins.uload8(types::I32, array_flags(), address, 0),
                };
                self.builder.ins().scalar_to_vector(types::I32X4, scalar)
            }
        };
        bitcast(self.builder, register_type(ty), register)
    }

    /// Stores the `i`th register of a block to a contiguous row, which begins `shift` bytes after
    /// the base; past the caches if that is asked
    /// for and the block fills the register.
    fn store_contiguous(&mut self, (base, shift): (Word, i32), ty: Ty, i: usize, register: Value, streams: bool) {
        // The address is emitted before the store, so that only the store itself is marked.
        let address = self.address(base, ty);
        let offset = shift + i as i32 * self.width.bytes() as i32;
        let is_filled = self.block_bytes(ty) >= self.width.bytes();
        let register = match self.order(ty) {
            None => register,
            Some(order) if is_filled => self.out_of_order(register, order),
            Some(order) => return self.store_part_out_of_order(address, ty, register, order),
        };
        if !is_filled {
            return self.store_part(address, ty, self.block_bytes(ty), register);
        }
        let after = self.builder.srcloc();
        if streams {
            let mark = if self.is_wide { Mark::Loop(self.loop_index, Step::Streamed) } else { Mark::Store };
            self.builder.set_srcloc(mark.loc());
        }
        self.builder.ins().store(array_flags(), register, address, offset);
        self.builder.set_srcloc(after);
    }

    /// Stores a whole register.
    pub(super) fn store_register(&mut self, address: Value, register: Value) {
        self.builder.ins().store(array_flags(), register, address, 0);
    }

    /// Stores the first bytes of a register.
    pub(super) fn store_part(&mut self, address: Value, ty: Ty, n_bytes: u32, register: Value) {
        let part = match (n_bytes, ty.kind, ty.bytes) {
            (8, Kind::Float, 8) => types::F64X2,
            (4, Kind::Float, _) => types::F32X4,
            (8, ..) => types::I64X2,
            (4, ..) => types::I32X4,
            (2, ..) => types::I16X8,
            _ => types::I8X16,
        };
        let register = bitcast(self.builder, part, register);
        let scalar = self.builder.ins().extractlane(register, 0);
        self.builder.ins().store(array_flags(), scalar, address, 0);
    }

    /// The address of the first lane in the block's `i`th register.
    fn strided_address(&mut self, base: Value, stride: Value, ty: Ty, i: usize) -> Value {
        let first = (i * self.lanes_per_register(ty)) as i64;
        let lane = if first == 0 {
            self.lane
        } else {
            let first = self.builder.ins().iconst(types::I64, first);
            self.builder.ins().iadd(self.lane, first)
        };
        let offset = self.builder.ins().imul(lane, stride);
        self.builder.ins().iadd(base, offset)
    }

    fn load_strided(&mut self, base: Word, stride: Word, ty: Ty, i: usize) -> Value {
        let (base, stride) = (base.get(self.builder), stride.get(self.builder));
        let mut address = self.strided_address(base, stride, ty, i);
        let mut load = |block: &mut Self| {
            let ins = block.builder.ins();
            let scalar = ins.load(scalar_type(ty), array_flags(), address, 0);
            address = block.builder.ins().iadd(address, stride);
            scalar
        };
        let first = load(self);
        let mut register = self.scalar_to_register(ty, first);
        for lane in 1..self.lanes_per_register(ty) {
            let scalar = load(self);
            register = self.builder.ins().insertlane(register, scalar, lane as u8);
        }
        register
    }

    fn store_strided(&mut self, base: Word, stride: Word, ty: Ty, i: usize, register: Value) {
        let (base, stride) = (base.get(self.builder), stride.get(self.builder));
        let mut address = self.strided_address(base, stride, ty, i);
        for lane in 0..self.lanes_per_register(ty) {
            let scalar = self.builder.ins().extractlane(register, lane as u8);
            self.builder.ins().store(array_flags(), scalar, address, 0);
            address = self.builder.ins().iadd(address, stride);
        }
    }
}
