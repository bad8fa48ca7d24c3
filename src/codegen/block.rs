//! The instructions of one vector block.
//!
//! Each instruction of the tape is emitted for all registers of its bundle before the next one, so
//! that the processor finds independent work beside every dependent chain. Loads are emitted at
//! their first use, next to it, where x86 takes them as memory operands.

use super::bundle::{Bundle, int_register, register_type};
use super::target::Target;
use super::word::Word;
use crate::outline::{Event, PLACE_BYTES, Segment, Width};
use crate::tape::{Condition, Inst, Kind, Node, Tape, Ty, ValueId};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    ConstantData, Endianness, InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use ndexpr_runtime::abi::RunKind;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Where the elements of a row are, and how they follow one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowAccess {
    /// The address of lane 0.
    pub(super) base: Word,
    pub(super) kind: RunKind,
    /// The bytes from there to lane 0, if another operand's address was taken.
    pub(super) shift: i32,
    /// The bytes between lanes, if the operand is strided.
    pub(super) lane_stride: Option<Word>,
}

/// Registers of a value, as far as they have been emitted.
type Registers = SmallVec<[Option<Value>; 8]>;

/// A vector block being emitted.
pub(super) struct BlockCode<'a, 'f> {
    pub(super) builder: &'a mut FunctionBuilder<'f>,
    pub(super) tape: &'a Tape,
    /// True if stores of whole registers to outputs go past the caches.
    pub(super) streams: bool,
    pub(super) target: &'a Target,
    /// The width of the registers.
    pub(super) width: Width,
    /// True if the registers are wider than Cranelift's. The block is then in a marked loop.
    pub(super) is_wide: bool,
    /// The number of the marked loop.
    pub(super) loop_index: u32,
    /// The bytes of the widest value of the tape.
    pub(super) widest: u32,
    /// Where the row of each operand is that the segment uses.
    pub(super) rows: &'a FxHashMap<u32, RowAccess>,
    /// Where the row's elements of each slot are that the segment uses.
    pub(super) slot_rows: &'a FxHashMap<ValueId, Word>,
    /// The values that are the same in all blocks and wait in memory.
    pub(super) kept: &'a Kept,
    /// The places of values that are stored there already, in bytes after the first kept one.
    pub(super) places: FxHashMap<ValueId, i32>,
    /// The number of lanes of this block.
    pub(super) n_lanes: u32,
    /// The lane of the row that the block starts at.
    pub(super) lane: Value,
    /// The registers of values that have been emitted.
    pub(super) values: FxHashMap<ValueId, Bundle>,
    /// The registers of values that are loaded. Each is emitted when it is first used.
    pub(super) parts: FxHashMap<ValueId, Registers>,
    /// The bytes from lane 0 to `lane`, for elements of 1, 2, 4 and 8 bytes, if they are known.
    pub(super) lane_offsets: [Option<Value>; 4],
    /// The address of the block's first element in each contiguous row, by base and element size.
    pub(super) addresses: Vec<(Word, u32, Value)>,
}

/// Values that are the same in all blocks of a row, each in a place in memory, if registers do not
/// keep them; and the places of spills.
#[derive(Default)]
pub(super) struct Kept {
    /// The address of the first value.
    pub(super) base: Option<Value>,
    /// The place of each value after the first one, in bytes.
    pub(super) at: FxHashMap<ValueId, i32>,
    /// The first place for spills, in the same way.
    pub(super) first_place: i32,
}

impl Kept {
    fn find(&self, value: ValueId) -> Option<(Value, i32)> {
        Some((self.base?, *self.at.get(&value)?))
    }
}

/// A constant in every lane of one register.
pub(super) fn constant(builder: &mut FunctionBuilder<'_>, node: &Node) -> Bundle {
    let Inst::Const(bits) = node.inst else { unreachable!("only constants are constant") };
    let value = splat_bits(builder, node.ty, bits);
    Bundle { registers: SmallVec::from_slice(&[value]), is_uniform: true }
}

/// A register with the low bits of `bits` in every lane.
pub(super) fn splat_bits(builder: &mut FunctionBuilder<'_>, ty: Ty, bits: u64) -> Value {
    let lane = &bits.to_le_bytes()[..ty.bytes as usize];
    let bytes: Vec<u8> = lane.iter().copied().cycle().take(16).collect();
    let constant = builder.func.dfg.constants.insert(ConstantData::from(bytes));
    builder.ins().vconst(register_type(ty), constant)
}

/// A register's bits as another type.
pub(super) fn bitcast(builder: &mut FunctionBuilder<'_>, to: Type, value: Value) -> Value {
    if builder.func.dfg.value_type(value) == to {
        return value;
    }
    let little_endian = MemFlagsData::new().with_endianness(Endianness::Little);
    builder.ins().bitcast(to, little_endian, value)
}

impl BlockCode<'_, '_> {
    pub(super) fn ty(&self, value: ValueId) -> Ty {
        self.tape.node(value).ty
    }

    /// The number of registers that a value takes; a part of one counts as one.
    pub(super) fn n_registers(&self, ty: Ty) -> usize {
        (self.n_lanes * ty.bytes).div_ceil(self.width.bytes()) as usize
    }

    /// The number of lanes in one register of a value.
    pub(super) fn lanes_per_register(&self, ty: Ty) -> usize {
        (self.width.bytes() / ty.bytes).min(self.n_lanes) as usize
    }

    /// The `i`th register of a value that an instruction uses.
    pub(super) fn register(&mut self, value: ValueId, i: usize) -> Value {
        if let Some(bundle) = self.values.get(&value) {
            return bundle.register(i);
        }
        if let Some((base, at)) = self.kept.find(value) {
            let register = self.load_kept(base, at, self.ty(value));
            self.set_uniform(value, register);
            return register;
        }
        let node = *self.tape.node(value);
        if let Inst::Const(_) = node.inst {
            let bundle = constant(self.builder, &node);
            let register = bundle.register(0);
            self.values.insert(value, bundle);
            return register;
        }
        let n_registers = self.n_registers(node.ty);
        let parts = self.parts.entry(value).or_default();
        parts.resize(n_registers, None);
        if let Some(register) = parts[i] {
            return register;
        }
        let register = match (self.places.get(&value).copied().zip(self.kept.base), node.inst) {
            (Some((place, base)), _) => self.load_kept(base, place + (i as u32 * PLACE_BYTES) as i32, node.ty),
            (None, Inst::Load(operand)) => self.load(operand as usize, node.ty, i),
            (None, _) => self.load_slot(value, i),
        };
        if let Some(part) = self.parts.get_mut(&value).and_then(|parts| parts.get_mut(i)) {
            *part = Some(register);
        }
        register
    }

    /// Emits, ahead of all blocks, what is the same for all of the row's lanes. This block has one
    /// lane, which stands for all.
    pub(super) fn uniform_values(&mut self, segment: &Segment) {
        for &value in &segment.uniform {
            let node = *self.tape.node(value);
            let register = match node.inst {
                Inst::Load(operand) => {
                    let row = self.rows[&operand];
                    let at = row.base.get(self.builder);
                    self.load_splat(at, node.ty)
                }
                _ => self.compute(&node, true).registers[0],
            };
            self.set_uniform(value, register);
        }
    }

    /// Stores to memory what blocks use of [`uniform_values`](BlockCode::uniform_values). There are
    /// places for spills behind it.
    pub(super) fn keep_uniform_values(&mut self, segment: &Segment, in_scratch: Option<Value>) -> Kept {
        let n_places = segment.n_places();
        if n_places == 0 {
            return Kept::default();
        }
        let bytes = PLACE_BYTES as i32;
        let base = in_scratch.unwrap_or_else(|| {
            let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, PLACE_BYTES * (n_places + 1), 0);
            let slot = self.builder.create_sized_stack_slot(slot);
            // The stack itself is only aligned to half of that. To `x64`, an address by the stack's
            // own register would look like that of a spilled vector.
            let start = self.builder.ins().stack_addr(types::I64, slot, bytes - 1);
            self.builder.ins().band_imm_s(start, -i64::from(bytes))
        });
        let first_place = segment.kept.len() as i32 * bytes;
        let mut kept = Kept { base: Some(base), at: FxHashMap::default(), first_place };
        for (k, &value) in segment.kept.iter().enumerate() {
            let at = k as i32 * bytes;
            let register = self.register(value, 0);
            self.store_kept(base, at, register);
            kept.at.insert(value, at);
        }
        kept
    }

    fn set_uniform(&mut self, value: ValueId, register: Value) {
        let registers = SmallVec::from_slice(&[register]);
        self.values.insert(value, Bundle { registers, is_uniform: true });
    }

    /// Emits one instruction, unless it was ahead of all blocks.
    pub(super) fn inst(&mut self, value: ValueId) {
        let node = *self.tape.node(value);
        if let Inst::Store(operand) = node.inst {
            self.store(operand, node.args[0]);
            return;
        }
        // Addresses in memory are read for each instruction.
        self.addresses.retain(|(base, ..)| base.is_kept());
        if !self.values.contains_key(&value) && self.kept.find(value).is_none() {
            let bundle = self.compute(&node, false);
            self.values.insert(value, bundle);
        }
        if self.tape.slot_of[value.index()].is_some() {
            self.store_slot(value);
        }
    }

    /// One event of a block whose values do not all stay in registers.
    pub(super) fn event(&mut self, event: &Event) {
        let value = event.value;
        let node = *self.tape.node(value);
        let n_registers = self.n_registers(node.ty);
        let place = event.place.map(|place| self.kept.first_place + (place * PLACE_BYTES) as i32);
        if let Inst::Load(_) = node.inst {
            (0..n_registers).for_each(|i| {
                self.register(value, i);
            });
        } else {
            self.inst(value);
        }
        if let Some(place) = place {
            let base = self.kept.base.expect("there are places");
            for i in 0..n_registers {
                let register = self.register(value, i);
                self.store_place(base, place + (i as u32 * PLACE_BYTES) as i32, register);
            }
            self.places.insert(value, place);
        }
        event.leaving.iter().for_each(|&value| self.forget(value));
    }

    /// From now on, a value is read from memory again.
    pub(super) fn forget(&mut self, value: ValueId) {
        self.values.remove(&value);
        self.parts.remove(&value);
    }

    /// Makes the loads that only stores use, before the first of several stores, because an
    /// output may be the memory of an input.
    pub(super) fn load_what_is_stored(&mut self, body: &[ValueId]) {
        let is_store = |value: &&ValueId| matches!(self.tape.node(**value).inst, Inst::Store(_));
        let stores: Vec<ValueId> = body.iter().filter(is_store).copied().collect();
        for store in stores.iter().skip(1) {
            let value = self.tape.node(*store).args[0];
            if matches!(self.tape.node(value).inst, Inst::Load(_)) {
                for i in 0..self.n_registers(self.ty(value)) {
                    self.register(value, i);
                }
            }
        }
    }

    /// The registers of an instruction's result.
    fn compute(&mut self, node: &Node, is_uniform: bool) -> Bundle {
        if let Some(registers) = self.converted_load(node) {
            return Bundle { registers, is_uniform };
        }
        let registers = match node.inst {
            Inst::Extend { signed } => self.extend(node.args[0], node.ty, signed),
            Inst::Truncate => self.truncate(node.args[0], node.ty),
            Inst::ResizeMask => self.resize_mask(node.args[0], node.ty),
            Inst::ResizeFloat => self.resize_float(node.args[0], node.ty),
            Inst::ToFloat { signed } => self.int_to_float(node.args[0], node.ty, signed, is_uniform),
            Inst::ToInt { signed } if node.ty.bytes == 8 => {
                self.by_lanes(&node.args[..1], node.ty, is_uniform, |builder, args| match signed {
                    true => builder.ins().fcvt_to_sint_sat(types::I64, args[0]),
                    false => builder.ins().fcvt_to_uint_sat(types::I64, args[0]),
                })
            }
            Inst::Shl | Inst::Shr { .. } => self.shift(node, is_uniform),
            _ => (0..self.n_registers(node.ty)).map(|i| self.one(node, i)).collect(),
        };
        Bundle { registers, is_uniform }
    }

    /// The `i`th register of an instruction that works register by register.
    fn one(&mut self, node: &Node, i: usize) -> Value {
        let arity = node.inst.arity();
        let mut args = [Value::from_u32(0); 3];
        for (place, &arg) in args.iter_mut().zip(&node.args[..arity]) {
            *place = self.register(arg, i);
        }
        let [a, b, c] = args;
        let ty = node.ty;
        let is_float = ty.kind == Kind::Float;
        match node.inst {
            Inst::Add if is_float => self.builder.ins().fadd(a, b),
            Inst::Add => self.builder.ins().iadd(a, b),
            Inst::Sub if is_float => self.builder.ins().fsub(a, b),
            Inst::Sub => self.builder.ins().isub(a, b),
            Inst::Mul if is_float => self.builder.ins().fmul(a, b),
            Inst::Mul if ty.bytes == 1 => self.multiply_bytes(a, b),
            Inst::Mul => self.builder.ins().imul(a, b),
            Inst::Div => self.builder.ins().fdiv(a, b),
            Inst::Neg if is_float => self.builder.ins().fneg(a),
            Inst::Neg => self.builder.ins().ineg(a),
            Inst::Abs => self.builder.ins().iabs(a),
            Inst::Sqrt => self.builder.ins().sqrt(a),
            Inst::Floor => self.builder.ins().floor(a),
            Inst::Ceil => self.builder.ins().ceil(a),
            Inst::Trunc => self.builder.ins().trunc(a),
            Inst::Rint => self.builder.ins().nearest(a),
            Inst::Min { .. } if is_float => self.extremum(ty, [a, b], [a, b]),
            Inst::Max { .. } if is_float => self.extremum(ty, [b, a], [a, b]),
            Inst::Min { signed: true } => self.builder.ins().smin(a, b),
            Inst::Min { signed: false } => self.builder.ins().umin(a, b),
            Inst::Max { signed: true } => self.builder.ins().smax(a, b),
            Inst::Max { signed: false } => self.builder.ins().umax(a, b),
            Inst::Fma => self.builder.ins().fma(a, b, c),
            Inst::And => self.builder.ins().band(a, b),
            Inst::Or => self.builder.ins().bor(a, b),
            Inst::Xor => self.builder.ins().bxor(a, b),
            Inst::Not => self.builder.ins().bnot(a),
            Inst::Compare { condition, signed } => {
                let kind = self.ty(node.args[0]).kind;
                self.compare(condition, kind, signed, a, b)
            }
            Inst::Select => self.select(ty, a, b, c),
            Inst::Reinterpret => bitcast(self.builder, register_type(ty), a),
            Inst::ToInt { signed: true } => self.builder.ins().fcvt_to_sint_sat(types::I32X4, a),
            Inst::ToInt { signed: false } => self.builder.ins().fcvt_to_uint_sat(types::I32X4, a),
            other => unreachable!("{other:?} does not work register by register"),
        }
    }

    fn compare(&mut self, condition: Condition, kind: Kind, signed: bool, a: Value, b: Value) -> Value {
        if kind == Kind::Float {
            let condition = match condition {
                Condition::Eq => FloatCC::Equal,
                Condition::Ne => FloatCC::NotEqual,
                Condition::Lt => FloatCC::LessThan,
                Condition::Le => FloatCC::LessThanOrEqual,
                Condition::Gt => FloatCC::GreaterThan,
                Condition::Ge => FloatCC::GreaterThanOrEqual,
                Condition::Unordered => FloatCC::Unordered,
            };
            return self.builder.ins().fcmp(condition, a, b);
        }
        let condition = match (condition, signed) {
            (Condition::Eq | Condition::Unordered, _) => IntCC::Equal,
            (Condition::Ne, _) => IntCC::NotEqual,
            (Condition::Lt, true) => IntCC::SignedLessThan,
            (Condition::Lt, false) => IntCC::UnsignedLessThan,
            (Condition::Le, true) => IntCC::SignedLessThanOrEqual,
            (Condition::Le, false) => IntCC::UnsignedLessThanOrEqual,
            (Condition::Gt, true) => IntCC::SignedGreaterThan,
            (Condition::Gt, false) => IntCC::UnsignedGreaterThan,
            (Condition::Ge, true) => IntCC::SignedGreaterThanOrEqual,
            (Condition::Ge, false) => IntCC::UnsignedGreaterThanOrEqual,
        };
        self.builder.ins().icmp(condition, a, b)
    }

    /// The first of two floats if the first of `ordered`, which are the same two in any order, is
    /// below the second; else the second of the two. This comparison is the form in which Cranelift
    /// recognises the `min` and `max` of x86.
    fn extremum(&mut self, ty: Ty, ordered: [Value; 2], [a, b]: [Value; 2]) -> Value {
        let mask = self.builder.ins().fcmp(FloatCC::LessThan, ordered[0], ordered[1]);
        let mask = bitcast(self.builder, register_type(ty), mask);
        self.builder.ins().bitselect(mask, a, b)
    }

    fn select(&mut self, ty: Ty, mask: Value, a: Value, b: Value) -> Value {
        if self.target.is_x86() {
            // Every byte of a mask's lane is the same, so a blend of bytes is right for all widths.
            let [mask, a, b] = [mask, a, b].map(|value| bitcast(self.builder, types::I8X16, value));
            let chosen = self.builder.ins().blendv(mask, a, b);
            return bitcast(self.builder, register_type(ty), chosen);
        }
        let mask = bitcast(self.builder, register_type(ty), mask);
        self.builder.ins().bitselect(mask, a, b)
    }

    /// There is no product of bytes, so the even and the odd ones are multiplied in lanes of 16
    /// bits.
    fn multiply_bytes(&mut self, a: Value, b: Value) -> Value {
        let [a, b] = [a, b].map(|value| bitcast(self.builder, types::I16X8, value));
        let eight = self.builder.ins().iconst(types::I32, 8);
        let low_byte = splat_bits(self.builder, Ty::int(2), 0xff);
        let even = self.builder.ins().imul(a, b);
        let even = self.builder.ins().band(even, low_byte);
        let a_odd = self.builder.ins().ushr(a, eight);
        let b_odd = self.builder.ins().ushr(b, eight);
        let odd = self.builder.ins().imul(a_odd, b_odd);
        let odd = self.builder.ins().ishl(odd, eight);
        let both = self.builder.ins().bor(even, odd);
        bitcast(self.builder, types::I8X16, both)
    }

    /// A shift by the same count everywhere is one instruction; otherwise lanes are shifted one by
    /// one.
    fn shift(&mut self, node: &Node, is_uniform: bool) -> SmallVec<[Value; 8]> {
        if let Inst::Const(count) = self.tape.node(node.args[1]).inst {
            let count = self.builder.ins().iconst(types::I32, count as i64);
            return (0..self.n_registers(node.ty))
                .map(|i| {
                    let a = self.register(node.args[0], i);
                    match node.inst {
                        Inst::Shl => self.builder.ins().ishl(a, count),
                        Inst::Shr { signed: true } => self.builder.ins().sshr(a, count),
                        _ => self.builder.ins().ushr(a, count),
                    }
                })
                .collect();
        }
        self.by_lanes(&node.args[..2], node.ty, is_uniform, |builder, args| match node.inst {
            Inst::Shl => builder.ins().ishl(args[0], args[1]),
            Inst::Shr { signed: true } => builder.ins().sshr(args[0], args[1]),
            _ => builder.ins().ushr(args[0], args[1]),
        })
    }

    /// Computes lane by lane what has no vector form. A uniform value is computed once.
    pub(super) fn by_lanes(
        &mut self,
        args: &[ValueId],
        ty: Ty,
        is_uniform: bool,
        mut op: impl FnMut(&mut FunctionBuilder<'_>, &[Value]) -> Value,
    ) -> SmallVec<[Value; 8]> {
        let per_register = self.lanes_per_register(ty);
        let mut registers = SmallVec::new();
        for i in 0..self.n_registers(ty) {
            let mut register = None;
            for j in 0..per_register {
                let lane = i * per_register + j;
                let mut scalars: SmallVec<[Value; 2]> = SmallVec::new();
                for &arg in args {
                    let arg_per_register = self.lanes_per_register(self.ty(arg));
                    let source = self.register(arg, lane / arg_per_register);
                    let at = (lane % arg_per_register) as u8;
                    scalars.push(self.builder.ins().extractlane(source, at));
                }
                let scalar = op(self.builder, &scalars);
                register = Some(match register {
                    None => self.first_lane(ty, scalar, is_uniform),
                    Some(so_far) => self.builder.ins().insertlane(so_far, scalar, j as u8),
                });
            }
            registers.extend(register);
        }
        registers
    }

    /// A register with a scalar in its first lane, or in all.
    fn first_lane(&mut self, ty: Ty, scalar: Value, in_all: bool) -> Value {
        if in_all {
            return self.builder.ins().splat(register_type(ty), scalar);
        }
        self.scalar_to_register(ty, scalar)
    }

    /// A register with a scalar in its first lane; the others are zero.
    pub(super) fn scalar_to_register(&mut self, ty: Ty, scalar: Value) -> Value {
        if ty.bytes >= 4 {
            return self.builder.ins().scalar_to_vector(register_type(ty), scalar);
        }
        let wide = self.builder.ins().uextend(types::I32, scalar);
        let register = self.builder.ins().scalar_to_vector(types::I32X4, wide);
        bitcast(self.builder, int_register(ty.bytes), register)
    }
}
