//! The shape of a kernel: segments, rows and calls, as the outline has them.
//!
//! In: an [`Outline`]. Out: a Cranelift function. Loops are tested at the bottom and count lanes.
//! The address of a contiguous operand is its row's base plus the count times the element size,
//! which x86 has as an addressing mode. There is no other work per lane.

use super::Func;
use super::block::RowAccess;
use super::bundle::Bundle;
use super::row::Row;
use super::target::Target;
use super::word::Word;
use crate::outline::{MAX_ADDRESSES, Outline, Segment, SegmentCall, WORD_BYTES};
use crate::tape::{Inst, ValueId};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AbiParam, BlockArg, InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use ndexpr_runtime::abi::{KernelArgs, Operand, RunKind, TileFn};
use std::mem::offset_of;

/// Makes the kernel's function of an outline.
pub(super) fn emit(
    func: &mut Func,
    builder_context: &mut FunctionBuilderContext,
    outline: &Outline<'_>,
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
    let has_calls = outline.segments.iter().any(|segment| !segment.calls.is_empty());
    let slots = (outline.scratch().n_bytes > 0).then(|| field(&mut builder, offset_of!(KernelArgs, slots)));
    let tile_fns = has_calls.then(|| field(&mut builder, offset_of!(KernelArgs, tile_fns)));
    let is_one_row = outline.has_direct().then(|| builder.ins().icmp_imm_s(IntCC::Equal, n_rows, 1));
    let mut kernel = Emitter { builder, outline, target, n_lanes, n_rows, is_one_row, operands, slots, tile_fns };
    for (index, segment) in outline.segments.iter().enumerate() {
        kernel.segment(index as u32, segment);
        kernel.calls(segment);
    }
    kernel.builder.ins().return_(&[]);
    kernel.builder.seal_all_blocks();
    kernel.builder.finalize(target.isa().frontend_config());
}

/// The flags of loads from the kernel's arguments, which are aligned and do not change.
fn args_flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_aligned().with_readonly().with_can_move()
}

struct Emitter<'a> {
    builder: FunctionBuilder<'a>,
    outline: &'a Outline<'a>,
    target: &'a Target,
    n_lanes: Value,
    n_rows: Value,
    /// Whether the tile has one row, if such tiles are treated in another way.
    is_one_row: Option<Value>,
    operands: Value,
    /// The scratch, if the kernel has slots there.
    slots: Option<Value>,
    /// The table of functions, if the kernel calls any.
    tile_fns: Option<Value>,
}

/// The operands of a segment: in registers, or the address of the memory where their addresses are.
enum Accesses {
    InRegisters(Vec<Option<Access>>),
    InMemory(Value),
}

/// An operand as a segment uses it.
struct Access {
    ptr: Value,
    row_stride: Value,
    lane_stride: Option<Value>,
    kind: RunKind,
}

impl Emitter<'_> {
    fn segment(&mut self, index: u32, segment: &Segment) {
        if !segment.has_loop() {
            return;
        }
        let access = match self.outline.scratch().addresses {
            None => Accesses::InRegisters(self.accesses(segment)),
            Some(start) => Accesses::InMemory(self.in_scratch(start)),
        };
        let constants = self.hoisted_constants(segment);
        let places = self.outline.scratch().places.map(|start| self.in_scratch(start));

        let row_block = self.builder.create_block();
        let row = self.builder.append_block_param(row_block, types::I64);
        let segment_end = self.builder.create_block();
        let zero = self.builder.ins().iconst(types::I64, 0);
        let from_zero = [BlockArg::Value(zero)];
        match self.is_one_row {
            Some(is_one_row) if segment.is_skipped => {
                self.builder.ins().brif(is_one_row, segment_end, &[], row_block, &from_zero);
            }
            _ => {
                self.builder.ins().jump(row_block, &from_zero);
            }
        }

        self.builder.switch_to_block(row_block);
        let rows = match access {
            Accesses::InRegisters(accesses) => {
                accesses.iter().map(|access| access.as_ref().map(|access| self.row(access, row))).collect()
            }
            Accesses::InMemory(addresses) => {
                self.addresses_of_row(segment, addresses, row);
                self.rows_in_memory(segment, addresses)
            }
        };
        let row_code = Row {
            outline: self.outline,
            segment,
            loop_index: index,
            target: self.target,
            n_lanes: self.n_lanes,
            accesses: rows,
            slots: self.slot_rows(segment, row),
            places,
        };
        row_code.emit(&mut self.builder, constants);
        let next_row = self.builder.ins().iadd_imm_s(row, 1);
        let more = self.builder.ins().icmp(IntCC::SignedLessThan, next_row, self.n_rows);
        self.builder.ins().brif(more, row_block, &[BlockArg::Value(next_row)], segment_end, &[]);

        self.builder.switch_to_block(segment_end);
    }

    /// For each value, where the row's elements of its spill slot are, if the segment uses the
    /// slot.
    fn slot_rows(&mut self, segment: &Segment, row: Value) -> Vec<Option<Word>> {
        let tape = self.outline.tape;
        let mut rows = vec![None; tape.nodes.len()];
        if segment.slots.is_empty() {
            return rows;
        }
        let row_elem = self.builder.ins().imul(row, self.n_lanes);
        let mut starts = [None; 4];
        for &value in &segment.slots {
            let slot = tape.slot_of[value.index()].expect("the outline lists values that have a slot");
            let bytes = tape.node(value).ty.bytes;
            rows[value.index()] = Some(match segment.slots.len() > MAX_ADDRESSES {
                false => Word::Register(self.slot_row(slot.offset, bytes, row_elem)),
                // The slots of values of one width have one address in registers.
                true => {
                    let start =
                        *starts[bytes.ilog2() as usize].get_or_insert_with(|| self.slot_row(0, bytes, row_elem));
                    Word::Sum(start, slot.offset as i64)
                }
            });
        }
        rows
    }

    /// An address in the scratch.
    fn in_scratch(&mut self, start: usize) -> Value {
        let (scratch, start) = (self.slots(), self.builder.ins().iconst(types::I64, start as i64));
        self.builder.ins().iadd(scratch, start)
    }

    /// Writes the addresses of the row of the segment's operands to memory: by a loop over all from
    /// the first to the last, or one by one if these are far apart.
    fn addresses_of_row(&mut self, segment: &Segment, addresses: Value, row: Value) {
        let (Some(&first), Some(&last)) = (segment.operands.first(), segment.operands.last()) else { return };
        let (first, end_of_last) = (first as usize, last as usize + 1);
        if end_of_last - first > 2 * segment.operands.len() + MAX_ADDRESSES {
            for &operand in &segment.operands {
                let access = self.access(operand as usize);
                let Word::Register(address) = self.row(&access, row).base else { continue };
                let at = (operand as usize * WORD_BYTES) as i32;
                self.builder.ins().store(MemFlagsData::new().with_notrap().with_aligned(), address, addresses, at);
            }
            return;
        }
        let [body, end] = [(); 2].map(|()| self.builder.create_block());
        let [from, to] = [(); 2].map(|()| self.builder.append_block_param(body, types::I64));
        let first_operand = self.builder.ins().iadd_imm_s(self.operands, (first * size_of::<Operand>()) as i64);
        let first_address = self.builder.ins().iadd_imm_s(addresses, (first * WORD_BYTES) as i64);
        let first = [first_operand, first_address].map(BlockArg::Value);
        let last = self.builder.ins().iadd_imm_s(addresses, (end_of_last * WORD_BYTES) as i64);
        self.builder.ins().jump(body, &first);
        self.builder.switch_to_block(body);
        let mut field = |offset: usize| self.builder.ins().load(types::I64, args_flags(), from, offset as i32);
        let (ptr, row_stride) = (field(offset_of!(Operand, ptr)), field(offset_of!(Operand, row_stride)));
        let offset = self.builder.ins().imul(row, row_stride);
        let address = self.builder.ins().iadd(ptr, offset);
        self.builder.ins().store(MemFlagsData::new().with_notrap().with_aligned(), address, to, 0);
        let next_from = self.builder.ins().iadd_imm_s(from, size_of::<Operand>() as i64);
        let next_to = self.builder.ins().iadd_imm_s(to, WORD_BYTES as i64);
        let more = self.builder.ins().icmp(IntCC::NotEqual, next_to, last);
        let next = [next_from, next_to].map(BlockArg::Value);
        self.builder.ins().brif(more, body, &next, end, &[]);
        self.builder.switch_to_block(end);
    }

    /// The operands of a segment, whose addresses are in memory.
    fn rows_in_memory(&self, segment: &Segment, addresses: Value) -> Vec<Option<RowAccess>> {
        let mut rows = vec![None; self.outline.kinds.len()];
        for operand in segment.operands.iter().map(|&operand| operand as usize) {
            let kind = self.outline.kinds[operand];
            let at = (operand * size_of::<Operand>() + offset_of!(Operand, lane_stride)) as i32;
            rows[operand] = Some(RowAccess {
                base: Word::Memory { base: addresses, at: (operand * WORD_BYTES) as i32 },
                kind,
                lane_stride: (kind == RunKind::Strided).then_some(Word::Memory { base: self.operands, at }),
            });
        }
        rows
    }

    /// For each operand, inputs first, how to access it, if the segment reads or writes it.
    fn accesses(&mut self, segment: &Segment) -> Vec<Option<Access>> {
        let mut accesses: Vec<Option<Access>> = self.outline.kinds.iter().map(|_| None).collect();
        for &operand in &segment.operands {
            accesses[operand as usize] = Some(self.access(operand as usize));
        }
        accesses
    }

    fn access(&mut self, operand: usize) -> Access {
        let kind = self.outline.kinds[operand];
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
        let lane_stride = access.lane_stride.map(Word::Register);
        RowAccess { base: Word::Register(base), kind: access.kind, lane_stride }
    }

    fn slots(&self) -> Value {
        self.slots.expect("values with a slot have scratch")
    }

    /// Where the row's elements of a slot are. The rows of a tile follow one another without gaps
    /// there.
    fn slot_row(&mut self, offset: usize, bytes: u32, row_elem: Value) -> Value {
        let shift = self.builder.ins().iconst(types::I64, i64::from(bytes.ilog2()));
        let row_bytes = self.builder.ins().ishl(row_elem, shift);
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        let slots = self.slots();
        let start = self.builder.ins().iadd(slots, offset);
        self.builder.ins().iadd(start, row_bytes)
    }

    fn hoisted_constants(&mut self, segment: &Segment) -> Vec<(ValueId, Bundle)> {
        let tape = self.outline.tape;
        let constant = |&value: &ValueId| (value, super::block::constant(&mut self.builder, tape.node(value)));
        segment.hoisted.iter().map(constant).collect()
    }

    fn calls(&mut self, segment: &Segment) {
        let mut n_elems = None;
        for call in &segment.calls {
            let n_elems = *n_elems.get_or_insert_with(|| self.builder.ins().imul(self.n_rows, self.n_lanes));
            let [out, a, b] = call.places.map(|place| match place {
                Some(value) => self.tile_elems(value),
                None => self.builder.ins().iconst(types::I64, 0),
            });
            let callee = self.callee(call);
            if let Some(single) = call.single
                && let Inst::Const(bits) = self.outline.tape.node(single).inst
            {
                let ty = if self.outline.tape.node(single).ty.bytes == 4 { types::I32 } else { types::I64 };
                let bits = self.builder.ins().iconst(ty, bits as i64);
                self.builder.ins().store(MemFlagsData::new().with_notrap().with_aligned(), bits, b, 0);
            }
            let mut signature = Signature::new(self.target.isa().default_call_conv());
            signature.params.extend([AbiParam::new(types::I64); 4]);
            let signature = self.builder.import_signature(signature);
            self.builder.ins().call_indirect(signature, callee, &[n_elems, out, a, b]);
        }
    }

    /// The function of a call. If the tile has one row, it is the function for direct operands.
    fn callee(&mut self, call: &SegmentCall) -> Value {
        let entry = self.entry(call.entry);
        match self.is_one_row {
            Some(is_one_row) if call.direct_entry != call.entry => {
                let direct = self.entry(call.direct_entry);
                self.builder.ins().select(is_one_row, direct, entry)
            }
            _ => entry,
        }
    }

    /// An entry of the kernel's table of functions.
    fn entry(&mut self, index: usize) -> Value {
        let at = index * size_of::<TileFn>();
        let tile_fns = self.tile_fns.expect("the kernel has calls");
        self.builder.ins().load(types::I64, args_flags(), tile_fns, at as i32)
    }

    /// The address of a value's elements in the tile, for a call.
    fn tile_elems(&mut self, value: ValueId) -> Value {
        let offset = self.outline.tape.slot_of[value.index()].expect("a call's values have slots").offset;
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        let slots = self.slots();
        let slot = self.builder.ins().iadd(slots, offset);
        let (Some(operand), Some(is_one_row)) = (self.outline.direct.operand_of[value.index()], self.is_one_row) else {
            return slot;
        };
        let at = operand as usize * size_of::<Operand>() + offset_of!(Operand, ptr);
        let elems = self.builder.ins().load(types::I64, args_flags(), self.operands, at as i32);
        self.builder.ins().select(is_one_row, elems, slot)
    }
}
