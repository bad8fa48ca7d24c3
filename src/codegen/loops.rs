//! The shape of a kernel.
//!
//! ```text
//! for each segment of the tape:
//!     hoist constants
//!     for each row:
//!         strips of lanes: see `row`
//!     for each call of the segment: call it for rows x lanes elements
//! ```
//!
//! A tile of one row spares the loops that would only copy between arrays and slots around a call: the call gets the
//! arrays themselves, see [`Direct`].
//!
//! Loops are tested at the bottom and count lanes; the address of a contiguous operand is its row's base plus the
//! count times the element size, which x86 has as an addressing mode. There is no per-lane work besides.

use super::Func;
use super::Stores;
use super::bundle::{Bundle, Width};
use super::call::{Call, Callee, Table};
use super::row::Row;
use super::target::Target;
use crate::tape::{Inst, Tape, ValueId};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AbiParam, BlockArg, InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use ndexpr_runtime::abi::{KernelArgs, Operand, RunKind, TileFn};
use std::mem::offset_of;

/// Where the elements of a row are, and how they follow one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowAccess {
    /// The address of lane 0.
    pub(super) base: Value,
    pub(super) kind: RunKind,
    /// Bytes between lanes, of a strided operand.
    pub(super) lane_stride: Option<Value>,
}

/// Makes the kernel's function of a tape.
pub(super) fn emit(
    func: &mut Func,
    builder_context: &mut FunctionBuilderContext,
    tape: &Tape,
    kinds: &[RunKind],
    callees: &Table,
    (stores, width): (Stores, Width),
    target: &Target,
) {
    let call_conv = target.isa().default_call_conv();
    func.signature = Signature::new(call_conv);
    func.signature.params.push(AbiParam::new(types::I64));
    let mut builder = FunctionBuilder::new(func, builder_context);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    let args = builder.block_params(entry)[0];
    let field = |builder: &mut FunctionBuilder<'_>, offset: usize| {
        builder.ins().load(types::I64, args_flags(), args, offset as i32)
    };
    let n_lanes = field(&mut builder, offset_of!(KernelArgs, n_lanes));
    let n_rows = field(&mut builder, offset_of!(KernelArgs, n_rows));
    let operands = field(&mut builder, offset_of!(KernelArgs, operands));
    let slots = field(&mut builder, offset_of!(KernelArgs, slots));
    let tile_fns = field(&mut builder, offset_of!(KernelArgs, tile_fns));
    let direct = Direct::new(tape, kinds);
    let is_one_row = direct.skips.contains(&true).then(|| builder.ins().icmp_imm_s(IntCC::Equal, n_rows, 1));
    let mut kernel = Emitter {
        builder,
        tape,
        kinds,
        callees,
        stores,
        width,
        target,
        direct,
        n_lanes,
        n_rows,
        is_one_row,
        operands,
        slots,
        tile_fns,
    };
    for segment in 0..tape.n_segments {
        kernel.segment(segment);
        kernel.calls(segment);
    }
    kernel.builder.ins().return_(&[]);
    kernel.builder.seal_all_blocks();
    kernel.builder.finalize(target.isa().frontend_config());
}

/// Loads from the kernel's arguments: aligned, and they do not change.
fn args_flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_aligned().with_readonly().with_can_move()
}

struct Emitter<'a> {
    builder: FunctionBuilder<'a>,
    tape: &'a Tape,
    kinds: &'a [RunKind],
    callees: &'a Table,
    stores: Stores,
    /// Of the registers of whole strips.
    width: Width,
    target: &'a Target,
    direct: Direct,
    n_lanes: Value,
    n_rows: Value,
    /// If anything is direct.
    is_one_row: Option<Value>,
    operands: Value,
    slots: Value,
    tile_fns: Value,
}

/// What calls take from arrays, or leave there, without a slot between: if the tile is one row, whose elements follow
/// one another in a contiguous operand, or are one and the same in a splat one.
struct Direct {
    /// By segment: its loop only copies between arrays and slots, so it is skipped.
    skips: Vec<bool>,
    /// By value: the operand that has it, or takes it.
    operand_of: Vec<Option<u32>>,
    /// By value: a constant that calls take as a single element, whatever the tile. Its slot has the first element only.
    is_one: Vec<bool>,
}

impl Direct {
    fn new(tape: &Tape, kinds: &[RunKind]) -> Direct {
        let mut direct = Direct {
            skips: vec![false; tape.n_segments as usize],
            operand_of: vec![None; tape.nodes.len()],
            is_one: vec![false; tape.nodes.len()],
        };
        // Whether all calls that use a value can take it as a single element.
        let is_taken_as_one = |value: ValueId| {
            let takes_one = |user: ValueId| {
                let call = Call::at(tape, user);
                call.is_none_or(|call| call.callee.by_one().is_some() && tape.node(user).args[0] != value)
            };
            tape.values().filter(|&user| tape.node(user).args().contains(&value)).all(takes_one)
        };
        for value in tape.values() {
            let is_const = matches!(tape.node(value).inst, Inst::Const(_)) && tape.slot_of[value.index()].is_some();
            direct.is_one[value.index()] = is_const && is_taken_as_one(value);
        }
        let contiguous_input = |value: ValueId| match tape.node(value).inst {
            Inst::Load(operand) if kinds[operand as usize] == RunKind::Contiguous => Some(operand),
            _ => None,
        };
        let single_input = |value: ValueId| match tape.node(value).inst {
            Inst::Load(operand) if kinds[operand as usize] == RunKind::Splat => {
                is_taken_as_one(value).then_some(operand)
            }
            _ => None,
        };
        let direct_input = |value: ValueId| contiguous_input(value).or_else(|| single_input(value));
        let is_call = |value: ValueId| matches!(tape.node(value).inst, Inst::Call { .. });
        let segments = tape.by_segment();
        for (segment, values) in segments.iter().enumerate() {
            // Before calls: nothing but loads that wait for them.
            let is_one = &direct.is_one;
            let loop_values = || values.iter().copied().filter(|&value| !is_call(value) && !is_one[value.index()]);
            if loop_values().next().is_some() && loop_values().all(|value| direct_input(value).is_some()) {
                direct.skips[segment] = true;
                for value in loop_values() {
                    direct.operand_of[value.index()] = direct_input(value);
                }
            }
        }
        // The output may be an array that calls read from, so no call may come after the one that writes there.
        if let Some((call, output)) = call_to_output(tape, kinds) {
            direct.skips[segments.len() - 1] = true;
            direct.operand_of[call.index()] = Some(output);
        }
        direct
    }
}

/// The last call of all and the contiguous output that takes its result, if nothing else is left to do after it.
pub(super) fn call_to_output(tape: &Tape, kinds: &[RunKind]) -> Option<(ValueId, u32)> {
    let is_call = |value: &ValueId| matches!(tape.node(*value).inst, Inst::Call { .. });
    let segments = tape.by_segment();
    let [.., before, last] = &segments[..] else { return None };
    let [store] = last[..] else { return None };
    let Inst::Store(output) = tape.node(store).inst else { return None };
    let call = before.iter().copied().rfind(is_call)?;
    let operand = tape.inputs.len() as u32 + output;
    let is_direct = tape.node(store).args() == [call] && kinds[operand as usize] == RunKind::Contiguous;
    is_direct.then_some((call, operand))
}

/// An operand as a segment uses it.
struct Access {
    ptr: Value,
    row_stride: Value,
    lane_stride: Option<Value>,
    kind: RunKind,
}

impl Emitter<'_> {
    fn segment(&mut self, segment: u32) {
        let tape = self.tape;
        let needed = tape.rematerialised_in(segment);
        let body: Vec<ValueId> = tape
            .values()
            .filter(|value| {
                let node = tape.node(*value);
                tape.segment_of[value.index()] == segment
                    && !node.inst.is_rematerialised()
                    && !matches!(node.inst, Inst::Call { .. })
            })
            .collect();
        // Loads and constants that wait for this segment's calls.
        let to_slots: Vec<ValueId> = tape
            .values()
            .filter(|value| {
                tape.node(*value).inst.is_rematerialised()
                    && tape.segment_of[value.index()] == segment
                    && tape.slot_of[value.index()].is_some()
                    && !self.direct.is_one[value.index()]
            })
            .collect();
        if body.is_empty() && to_slots.is_empty() {
            return;
        }
        let accesses = self.accesses(&needed, &body);
        let constants = match self.width {
            Width::Bits128 => self.hoisted_constants(&needed),
            // Nothing lives in registers from one block to the next.
            Width::Bits256 => Vec::new(),
        };

        let row_block = self.builder.create_block();
        let row = self.builder.append_block_param(row_block, types::I64);
        let segment_end = self.builder.create_block();
        let zero = self.builder.ins().iconst(types::I64, 0);
        let from_zero = [BlockArg::Value(zero)];
        match self.is_one_row {
            Some(is_one_row) if self.direct.skips[segment as usize] => {
                self.builder.ins().brif(is_one_row, segment_end, &[], row_block, &from_zero);
            }
            _ => {
                self.builder.ins().jump(row_block, &from_zero);
            }
        }

        self.builder.switch_to_block(row_block);
        let is_rare = self.direct.skips[segment as usize];
        let row_code = Row {
            tape,
            stores: self.stores,
            target: self.target,
            width: if is_rare { Width::Bits128 } else { self.width },
            n_lanes: self.n_lanes,
            accesses: accesses.iter().map(|access| access.as_ref().map(|access| self.row(access, row))).collect(),
            slots: self.slot_rows(row, &to_slots, &body),
            to_slots: &to_slots,
            body: &body,
            loop_index: segment,
            is_rare,
        };
        row_code.emit(&mut self.builder, &needed, constants);
        let next_row = self.builder.ins().iadd_imm_s(row, 1);
        let more = self.builder.ins().icmp(IntCC::SignedLessThan, next_row, self.n_rows);
        self.builder.ins().brif(more, row_block, &[BlockArg::Value(next_row)], segment_end, &[]);

        self.builder.switch_to_block(segment_end);
    }

    /// By value: where a row's elements are of the slots that a segment writes, or reads. What is made anew in it is not read from
    /// its slot.
    fn slot_rows(&mut self, row: Value, to_slots: &[ValueId], body: &[ValueId]) -> Vec<Option<Value>> {
        let tape = self.tape;
        let row_elem = self.builder.ins().imul(row, self.n_lanes);
        let mut uses_slot = vec![false; tape.nodes.len()];
        for value in body.iter().flat_map(|value| tape.node(*value).args().iter().chain([value])) {
            uses_slot[value.index()] |= !tape.node(*value).inst.is_rematerialised();
        }
        for value in to_slots {
            uses_slot[value.index()] = true;
        }
        let slot_row = |value: ValueId| {
            let slot = tape.slot_of[value.index()].filter(|_| uses_slot[value.index()])?;
            Some(self.slot_row(slot.offset, tape.node(value).ty.bytes, row_elem))
        };
        tape.values().map(slot_row).collect()
    }

    /// The operands that a segment reads and writes; by operand, inputs first.
    fn accesses(&mut self, needed: &[bool], body: &[ValueId]) -> Vec<Option<Access>> {
        let tape = self.tape;
        let mut used = vec![false; tape.inputs.len() + tape.outputs.len()];
        for value in tape.values() {
            match tape.node(value).inst {
                Inst::Load(operand) if needed[value.index()] => used[operand as usize] = true,
                _ => {}
            }
        }
        for value in body {
            if let Inst::Store(operand) = tape.node(*value).inst {
                used[tape.inputs.len() + operand as usize] = true;
            }
        }
        used.iter().enumerate().map(|(operand, &used)| used.then(|| self.access(operand))).collect()
    }

    fn access(&mut self, operand: usize) -> Access {
        let kind = self.kinds[operand];
        let at = (operand * size_of::<Operand>()) as i32;
        let mut field =
            |offset: usize| self.builder.ins().load(types::I64, args_flags(), self.operands, at + offset as i32);
        Access {
            ptr: field(offset_of!(Operand, ptr)),
            row_stride: field(offset_of!(Operand, row_stride)),
            lane_stride: (kind == RunKind::Strided).then(|| field(offset_of!(Operand, lane_stride))),
            kind,
        }
    }

    fn row(&mut self, access: &Access, row: Value) -> RowAccess {
        let offset = self.builder.ins().imul(row, access.row_stride);
        let base = self.builder.ins().iadd(access.ptr, offset);
        RowAccess { base, kind: access.kind, lane_stride: access.lane_stride }
    }

    /// Where a slot's elements of the row are: a tile's rows follow one another without gaps.
    fn slot_row(&mut self, offset: usize, bytes: u32, row_elem: Value) -> Value {
        let shift = self.builder.ins().iconst(types::I64, i64::from(bytes.ilog2()));
        let row_bytes = self.builder.ins().ishl(row_elem, shift);
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        let start = self.builder.ins().iadd(self.slots, offset);
        self.builder.ins().iadd(start, row_bytes)
    }

    /// As many constants as the strip leaves registers for; the rest is loaded where it is used.
    fn hoisted_constants(&mut self, needed: &[bool]) -> Vec<(ValueId, Bundle)> {
        let tape = self.tape;
        let all: Vec<ValueId> = tape
            .values()
            .filter(|value| needed[value.index()] && matches!(tape.node(*value).inst, Inst::Const(_)))
            .collect();
        all.into_iter()
            .take(tape.spare_registers as usize)
            .map(|value| (value, super::strip::constant(&mut self.builder, tape.node(value))))
            .collect()
    }

    fn calls(&mut self, segment: u32) {
        let tape = self.tape;
        let mut n_elems = None;
        for value in tape.values() {
            let Some(call) = Call::at(tape, value) else { continue };
            if tape.segment_of[value.index()] != segment {
                continue;
            }
            let n_elems = *n_elems.get_or_insert_with(|| self.builder.ins().imul(self.n_rows, self.n_lanes));
            let out = self.tile_elems(call.results[0]);
            let node = tape.node(value);
            let a = self.tile_elems(node.args[0]);
            // The second result, the second argument, or neither.
            let b = match (&call.results[1..], node.args()) {
                ([second], _) => self.tile_elems(*second),
                (_, [_, b]) => self.tile_elems(*b),
                _ => self.builder.ins().iconst(types::I64, 0),
            };
            let callee = self.callee(&call, node.args[1]);
            if let Inst::Const(bits) = tape.node(node.args[1]).inst
                && self.direct.is_one[node.args[1].index()]
            {
                let ty = if tape.node(node.args[1]).ty.bytes == 4 { types::I32 } else { types::I64 };
                let bits = self.builder.ins().iconst(ty, bits as i64);
                self.builder.ins().store(MemFlagsData::new().with_notrap().with_aligned(), bits, b, 0);
            }
            let mut signature = Signature::new(self.target.isa().default_call_conv());
            signature.params.extend([AbiParam::new(types::I64); 4]);
            let signature = self.builder.import_signature(signature);
            self.builder.ins().call_indirect(signature, callee, &[n_elems, out, a, b]);
        }
    }

    /// The function of a call: if the tile is one row, that for its operands as they are.
    fn callee(&mut self, call: &Call, second: ValueId) -> Value {
        let by_one = |is_one: bool| call.callee.by_one().filter(|_| is_one).unwrap_or(call.callee);
        let ordinary = (by_one(self.direct.is_one[second.index()]), Stores::Ordinary);
        let writes_output = self.direct.operand_of[call.results[0].index()].is_some();
        let direct = (
            by_one(self.direct.is_one[second.index()] || self.is_direct_splat(second)),
            if writes_output { self.stores } else { Stores::Ordinary },
        );
        let entry = self.entry(ordinary);
        match self.is_one_row {
            Some(is_one_row) if direct != ordinary => {
                let direct = self.entry(direct);
                self.builder.ins().select(is_one_row, direct, entry)
            }
            _ => entry,
        }
    }

    /// The entry of the kernel's table for a function that writes this way.
    fn entry(&mut self, (callee, stores): (Callee, Stores)) -> Value {
        let index = self.callees.find(callee, stores);
        let at = index.expect("the table has every callee") * size_of::<TileFn>();
        self.builder.ins().load(types::I64, args_flags(), self.tile_fns, at as i32)
    }

    /// Whether a call takes the single element of a splat operand, if the tile is one row.
    fn is_direct_splat(&self, value: ValueId) -> bool {
        self.direct.operand_of[value.index()].is_some_and(|operand| self.kinds[operand as usize] == RunKind::Splat)
    }

    /// The address of a value's elements of the tile, for a call.
    fn tile_elems(&mut self, value: ValueId) -> Value {
        let offset = self.tape.slot_of[value.index()].expect("a call's values have slots").offset;
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        let slot = self.builder.ins().iadd(self.slots, offset);
        let (Some(operand), Some(is_one_row)) = (self.direct.operand_of[value.index()], self.is_one_row) else {
            return slot;
        };
        let at = operand as usize * size_of::<Operand>() + offset_of!(Operand, ptr);
        let elems = self.builder.ins().load(types::I64, args_flags(), self.operands, at as i32);
        self.builder.ins().select(is_one_row, elems, slot)
    }
}
