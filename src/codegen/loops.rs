//! The shape of a kernel: segments, rows and calls, as the outline has them.
//!
//! In: an [`Outline`]. Out: a Cranelift function for each of its parts. Loops are tested at the
//! bottom and count lanes. The address of a contiguous operand is its row's base plus the count
//! times the element size, which x86 has as an addressing mode. There is no other work per lane.

use super::Func;
use super::block::RowAccess;
use super::bundle::Bundle;
use super::row::Row;
use super::target::Target;
use super::word::Word;
use crate::outline::{
    CallbackCall, MAX_ADDRESSES, Outline, ScratchLayout, Segment, SegmentCall, TableCall, WORD_BYTES,
};
use crate::tape::{Inst, ValueId};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AbiParam, BlockArg, InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use ndexpr_runtime::abi::{Callback, KernelArgs, Operand, RunKind, TileFn};
use ndexpr_runtime::dtype::DType;
use rustc_hash::FxHashMap;
use std::mem::offset_of;
use std::ops::Range;

/// Makes the function of some segments of an outline.
pub(super) fn emit(
    func: &mut Func,
    builder_context: &mut FunctionBuilderContext,
    outline: &Outline<'_>,
    segments: Range<usize>,
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
    let (scratch, widest) = (outline.scratch(), outline.tape.widest());
    let mut kernel = Emitter { builder, outline, target, scratch, widest, args };
    for (index, segment) in outline.segments[segments].iter().enumerate() {
        kernel.segment(index as u32, segment);
        segment.calls.iter().for_each(|call| kernel.call(call));
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
    scratch: ScratchLayout,
    /// The bytes of the widest value of the tape.
    widest: u32,
    /// The address of the kernel's arguments.
    args: Value,
}

/// The kernel's arguments, as a loop or a call reads them.
///
/// Each loop and each call reads them anew, so that only their address stays in a register all
/// through a kernel of many segments. Otherwise the time to allocate registers would grow with the
/// square of the calls.
struct Args {
    n_lanes: Value,
    n_rows: Value,
    operands: Value,
    /// Whether the tile has one row, if such tiles are treated in another way.
    is_one_row: Option<Value>,
    /// The scratch, if the kernel has slots there.
    slots: Option<Value>,
}

/// The operands of a segment: in registers, or the address of the memory where their addresses are.
enum Accesses {
    InRegisters(Vec<(u32, Access)>),
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
    fn args(&mut self) -> Args {
        let n_lanes = self.arg(offset_of!(KernelArgs, n_lanes));
        let n_rows = self.arg(offset_of!(KernelArgs, n_rows));
        let operands = self.arg(offset_of!(KernelArgs, operands));
        let slots = (self.scratch.n_bytes > 0).then(|| self.arg(offset_of!(KernelArgs, slots)));
        let is_one_row = self.outline.has_direct().then(|| self.builder.ins().icmp_imm_s(IntCC::Equal, n_rows, 1));
        Args { n_lanes, n_rows, operands, is_one_row, slots }
    }

    fn arg(&mut self, offset: usize) -> Value {
        self.builder.ins().load(types::I64, args_flags(), self.args, offset as i32)
    }

    fn segment(&mut self, index: u32, segment: &Segment) {
        // Tiles of iterations are one row.
        if !segment.has_loop() || (segment.is_skipped && self.outline.tape.iterates) {
            return;
        }
        let args = &self.args();
        let access = match self.scratch.addresses {
            None => Accesses::InRegisters(
                sources(self.outline, segment).map(|operand| (operand, self.access(args, operand))).collect(),
            ),
            Some(start) => Accesses::InMemory(self.in_scratch(args, start)),
        };
        let constants = self.hoisted_constants(segment);
        let places = self.scratch.places.map(|start| self.in_scratch(args, start));
        let n_repeatable = self.n_repeatable(args, segment);
        if self.outline.tape.iterates {
            self.only_row(args, segment, index, access, constants, places);
            return;
        }

        let row_block = self.builder.create_block();
        let row = self.builder.append_block_param(row_block, types::I64);
        let segment_end = self.builder.create_block();
        let zero = self.builder.ins().iconst(types::I64, 0);
        let from_zero = [BlockArg::Value(zero)];
        match args.is_one_row {
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
                let rows: FxHashMap<u32, RowAccess> =
                    accesses.iter().map(|(operand, access)| (*operand, self.row(access, row))).collect();
                shifted(self.outline, segment, |source| rows[&source])
            }
            Accesses::InMemory(addresses) => {
                self.addresses_of_row(args, segment, addresses, row);
                self.rows_in_memory(args, segment, addresses)
            }
        };
        let row_code = Row {
            outline: self.outline,
            segment,
            loop_index: index,
            widest: self.widest,
            target: self.target,
            n_lanes: args.n_lanes,
            n_repeatable,
            accesses: rows,
            slots: self.slot_rows(args, segment, Some(row)),
            places,
        };
        row_code.emit(&mut self.builder, constants);
        let next_row = self.builder.ins().iadd_imm_s(row, 1);
        let more = self.builder.ins().icmp(IntCC::SignedLessThan, next_row, args.n_rows);
        self.builder.ins().brif(more, row_block, &[BlockArg::Value(next_row)], segment_end, &[]);

        self.builder.switch_to_block(segment_end);
    }

    /// A segment of iterations, whose tiles have one row.
    fn only_row(
        &mut self,
        args: &Args,
        segment: &Segment,
        loop_index: u32,
        access: Accesses,
        constants: Vec<(ValueId, Bundle)>,
        places: Option<Value>,
    ) {
        let accesses = match access {
            Accesses::InRegisters(accesses) => {
                let rows: FxHashMap<u32, RowAccess> =
                    accesses.iter().map(|(operand, access)| (*operand, access.only_row())).collect();
                shifted(self.outline, segment, |source| rows[&source])
            }
            Accesses::InMemory(addresses) => {
                let row = self.builder.ins().iconst(types::I64, 0);
                self.addresses_of_row(args, segment, addresses, row);
                self.rows_in_memory(args, segment, addresses)
            }
        };
        let row_code = Row {
            outline: self.outline,
            segment,
            loop_index,
            widest: self.widest,
            target: self.target,
            n_lanes: args.n_lanes,
            n_repeatable: None,
            accesses,
            slots: self.slot_rows(args, segment, None),
            places,
        };
        row_code.emit(&mut self.builder, constants);
    }

    /// The lanes of a row if its last block may begin before the one ahead of it ends, or 0. `None`
    /// if that never pays.
    fn n_repeatable(&mut self, args: &Args, segment: &Segment) -> Option<Value> {
        let n = segment.blocks.whole.n_lanes;
        if !segment.blocks.repeats_lanes {
            return None;
        }
        let n_repeatable = self.arg(offset_of!(KernelArgs, repeatable_lanes));
        let has_block = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, args.n_lanes, i64::from(n));
        let none = self.builder.ins().iconst(types::I64, 0);
        Some(self.builder.ins().select(has_block, n_repeatable, none))
    }

    /// Where the row's elements of each spill slot are that the segment uses. The row is the first
    /// one if none is given.
    fn slot_rows(&mut self, args: &Args, segment: &Segment, row: Option<Value>) -> FxHashMap<ValueId, Word> {
        let tape = self.outline.tape;
        let mut rows = FxHashMap::default();
        if segment.slots.is_empty() {
            return rows;
        }
        let row_elem = row.map(|row| self.builder.ins().imul(row, args.n_lanes));
        let mut starts = [None; 4];
        for &value in &segment.slots {
            let slot = tape.slot_of[value.index()].expect("the outline lists values that have a slot");
            let bytes = tape.node(value).ty.bytes;
            let word = match segment.slots.len() > MAX_ADDRESSES {
                false => Word::Register(self.slot_row(args, slot.offset, bytes, row_elem)),
                // The slots of values of one width have one address in registers.
                true => {
                    let start =
                        *starts[bytes.ilog2() as usize].get_or_insert_with(|| self.slot_row(args, 0, bytes, row_elem));
                    Word::Sum(start, slot.offset as i64)
                }
            };
            rows.insert(value, word);
        }
        rows
    }

    /// An address in the scratch.
    fn in_scratch(&mut self, args: &Args, start: usize) -> Value {
        let (scratch, start) = (args.slots(), self.builder.ins().iconst(types::I64, start as i64));
        self.builder.ins().iadd(scratch, start)
    }

    /// Writes the addresses of the row of the segment's operands to memory: by a loop over all from
    /// the first to the last, or one by one if these are far apart.
    fn addresses_of_row(&mut self, args: &Args, segment: &Segment, addresses: Value, row: Value) {
        let (Some(&first), Some(&last)) = (segment.operands.first(), segment.operands.last()) else { return };
        let (first, end_of_last) = (first as usize, last as usize + 1);
        if end_of_last - first > 2 * segment.operands.len() + MAX_ADDRESSES {
            for &operand in &segment.operands {
                let access = self.access(args, operand);
                let Word::Register(address) = self.row(&access, row).base else { continue };
                let at = (operand as usize * WORD_BYTES) as i32;
                self.builder.ins().store(MemFlagsData::new().with_notrap().with_aligned(), address, addresses, at);
            }
            return;
        }
        let [body, end] = [(); 2].map(|()| self.builder.create_block());
        let [from, to] = [(); 2].map(|()| self.builder.append_block_param(body, types::I64));
        let first_operand = self.builder.ins().iadd_imm_s(args.operands, (first * size_of::<Operand>()) as i64);
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
    fn rows_in_memory(&self, args: &Args, segment: &Segment, addresses: Value) -> FxHashMap<u32, RowAccess> {
        shifted(self.outline, segment, |source| {
            let index = source as usize;
            let kind = self.outline.kinds[index];
            let at = (index * size_of::<Operand>() + offset_of!(Operand, lane_stride)) as i32;
            RowAccess {
                base: Word::Memory { base: addresses, at: (index * WORD_BYTES) as i32 },
                kind,
                shift: 0,
                lane_stride: (kind == RunKind::Strided).then_some(Word::Memory { base: args.operands, at }),
            }
        })
    }

    fn access(&mut self, args: &Args, operand: u32) -> Access {
        let kind = self.outline.kinds[operand as usize];
        let at = (operand as usize * size_of::<Operand>()) as i32;
        let mut field =
            |offset: usize| self.builder.ins().load(types::I64, args_flags(), args.operands, at + offset as i32);
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
        RowAccess { base: Word::Register(base), kind: access.kind, shift: 0, lane_stride }
    }

    /// Where the row's elements of a slot are. The rows of a tile follow one another without gaps
    /// there.
    fn slot_row(&mut self, args: &Args, offset: usize, bytes: u32, row_elem: Option<Value>) -> Value {
        let shift = self.builder.ins().iconst(types::I64, i64::from(bytes.ilog2()));
        let row_bytes = row_elem.map(|row_elem| self.builder.ins().ishl(row_elem, shift));
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        let start = self.builder.ins().iadd(args.slots(), offset);
        row_bytes.map_or(start, |row_bytes| self.builder.ins().iadd(start, row_bytes))
    }

    fn hoisted_constants(&mut self, segment: &Segment) -> Vec<(ValueId, Bundle)> {
        let tape = self.outline.tape;
        let constant = |&value: &ValueId| (value, super::block::constant(&mut self.builder, tape.node(value)));
        segment.hoisted.iter().map(constant).collect()
    }

    fn call(&mut self, call: &SegmentCall) {
        match call {
            SegmentCall::OfTable(call) => self.table_call(call),
            SegmentCall::Callback(call) => self.callback(call),
        }
    }

    /// Calls a function of Rust or a loop, after writing the addresses of its arguments, and those
    /// of a loop's results, to the scratch.
    fn callback(&mut self, call: &CallbackCall) {
        let args = &self.args();
        let n_elems = self.builder.ins().imul(args.n_rows, args.n_lanes);
        let start = self.scratch.call_args.expect("the scratch of a kernel with callbacks has room for addresses");
        let addresses = self.in_scratch(args, start);
        let values = call.args.iter().map(|&arg| Some(arg)).chain(call.results.iter().copied());
        for (place, value) in values.enumerate() {
            let elems = self.tile_elems_of(args, value);
            let at = (place * WORD_BYTES) as i32;
            self.builder.ins().store(MemFlagsData::new().with_notrap().with_aligned(), elems, addresses, at);
        }
        let out = self.tile_elems_of(args, call.result);
        let callbacks = self.arg(offset_of!(KernelArgs, callbacks));
        let entry = call.entry as usize * size_of::<Callback>();
        let mut field =
            |offset: usize| self.builder.ins().load(types::I64, args_flags(), callbacks, (entry + offset) as i32);
        let (code, context) = (field(offset_of!(Callback, code)), field(offset_of!(Callback, context)));
        self.call_code(code, [context, n_elems, out, addresses]);
    }

    /// The address of a value's elements in the tile, or null.
    fn tile_elems_of(&mut self, args: &Args, value: Option<ValueId>) -> Value {
        match value {
            Some(value) => self.tile_elems(args, value),
            None => self.builder.ins().iconst(types::I64, 0),
        }
    }

    /// Calls code with four words.
    fn call_code(&mut self, code: Value, args: [Value; 4]) {
        let mut signature = Signature::new(self.target.isa().default_call_conv());
        signature.params.extend([AbiParam::new(types::I64); 4]);
        let signature = self.builder.import_signature(signature);
        self.builder.ins().call_indirect(signature, code, &args);
    }

    fn table_call(&mut self, call: &TableCall) {
        let args = &self.args();
        let n_elems = self.builder.ins().imul(args.n_rows, args.n_lanes);
        let [out, a, b] = call.places.map(|place| self.tile_elems_of(args, place));
        let callee = self.callee(args, call);
        if let Some(single) = call.single
            && let Inst::Const(bits) = self.outline.tape.node(single).inst
        {
            let ty = if self.outline.tape.node(single).ty.bytes == 4 { types::I32 } else { types::I64 };
            let bits = self.builder.ins().iconst(ty, bits as i64);
            self.builder.ins().store(MemFlagsData::new().with_notrap().with_aligned(), bits, b, 0);
        }
        self.call_code(callee, [n_elems, out, a, b]);
    }

    /// The function of a call. If the tile has one row, it is the function for direct operands.
    fn callee(&mut self, args: &Args, call: &TableCall) -> Value {
        let tile_fns = self.arg(offset_of!(KernelArgs, tile_fns));
        let mut entry = |index: usize| {
            let at = index * size_of::<TileFn>();
            self.builder.ins().load(types::I64, args_flags(), tile_fns, at as i32)
        };
        if self.outline.tape.iterates {
            return entry(call.direct_entry);
        }
        let in_any_tile = entry(call.entry);
        match args.is_one_row {
            Some(is_one_row) if call.direct_entry != call.entry => {
                let direct = entry(call.direct_entry);
                self.builder.ins().select(is_one_row, direct, in_any_tile)
            }
            _ => in_any_tile,
        }
    }

    /// The address of a value's elements in the tile, for a call.
    fn tile_elems(&mut self, args: &Args, value: ValueId) -> Value {
        let offset = self.outline.tape.slot_of[value.index()].expect("a call's values have slots").offset;
        let offset = self.builder.ins().iconst(types::I64, offset as i64);
        let slot = self.builder.ins().iadd(args.slots(), offset);
        let is_in_iterations = self.outline.tape.iterates;
        let Some(operand) = self.outline.direct.operand_of[value.index()] else { return slot };
        if args.is_one_row.is_none() && !is_in_iterations {
            return slot;
        }
        let at = operand as usize * size_of::<Operand>() + offset_of!(Operand, ptr);
        let elems = self.builder.ins().load(types::I64, args_flags(), args.operands, at as i32);
        args.is_one_row.map_or(elems, |is_one_row| self.builder.ins().select(is_one_row, elems, slot))
    }
}

impl Access {
    /// The only row of a tile.
    fn only_row(&self) -> RowAccess {
        let lane_stride = self.lane_stride.map(Word::Register);
        RowAccess { base: Word::Register(self.ptr), kind: self.kind, shift: 0, lane_stride }
    }
}

/// The operands in whose memory those of a segment are.
fn sources(outline: &Outline<'_>, segment: &Segment) -> impl Iterator<Item = u32> {
    let mut sources: Vec<u32> = segment.operands.iter().map(|&operand| outline.tape.source(operand).0).collect();
    sources.sort_unstable();
    sources.dedup();
    sources.into_iter()
}

/// How each operand of a segment is accessed, by how the memory is accessed that it is in.
fn shifted(
    outline: &Outline<'_>,
    segment: &Segment,
    access_of: impl Fn(u32) -> RowAccess,
) -> FxHashMap<u32, RowAccess> {
    let tape = outline.tape;
    let access = |&operand: &u32| {
        let (source, n_lanes) = tape.source(operand);
        let dtype = tape.inputs.iter().chain(&tape.outputs).nth(operand as usize).map_or(DType::Bool, |of| of.dtype);
        let shift = n_lanes as i32 * dtype.size() as i32;
        (operand, RowAccess { shift, ..access_of(source) })
    };
    segment.operands.iter().map(access).collect()
}

impl Args {
    fn slots(&self) -> Value {
        self.slots.expect("values with a slot have scratch")
    }
}
