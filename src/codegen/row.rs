//! The code of one row of a tile: whole strips, and lanes one by one.
//!
//! ```text
//! what is the same for all lanes
//! if registers are double: some of the loops below, up to where their stores are aligned
//! for each whole strip:    the segment's instructions
//! for each register left:  the same instructions
//! for each lane left:      the same instructions
//! ```

use super::Stores;
use super::bundle::{Bundle, Width};
use super::loops::RowAccess;
use super::marks::Mark;
use super::strip::{Kept, Strip};
use super::target::Target;
use crate::tape::{Inst, Tape, ValueId};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, SourceLoc, Value, types};
use cranelift_frontend::FunctionBuilder;
use ndexpr_runtime::abi::RunKind;

/// Rows of fewer strips than this are not aligned: to go lane by lane takes longer than what it saves.
const MIN_ALIGNED_STRIPS: u32 = 8;

/// Strips of fewer registers than this leave so little that it goes lane by lane at once.
const MIN_REGISTERS: u32 = 8;

/// A line of the caches.
const LINE_BYTES: u32 = 64;

/// A row of a segment.
pub(super) struct Row<'a> {
    pub(super) tape: &'a Tape,
    pub(super) stores: Stores,
    pub(super) target: &'a Target,
    /// Of the registers of whole strips.
    pub(super) width: Width,
    /// The lanes of the row.
    pub(super) n_lanes: Value,
    /// Where operands are, inputs first; those that the segment uses.
    pub(super) accesses: Vec<Option<RowAccess>>,
    /// By value: where the row's elements of its slot are, if the segment uses it.
    pub(super) slots: Vec<Option<Value>>,
    /// Loads and constants that go to slots.
    pub(super) to_slots: &'a [ValueId],
    /// The segment's instructions.
    pub(super) body: &'a [ValueId],
    /// The number of the loop over whole strips, where it is marked.
    pub(super) loop_index: u32,
    /// Tiles of one row go without it, so that it should be short.
    pub(super) is_rare: bool,
}

/// What strips find ready.
struct Ready {
    values: Vec<Option<Bundle>>,
    kept: Kept,
}

impl Row<'_> {
    /// The lanes of a whole strip.
    fn lanes_per_strip(&self) -> u32 {
        match self.width {
            Width::Bits128 => self.tape.n_lanes,
            Width::Bits256 => self.tape.double_lanes.expect("a tape for registers of twice the width"),
        }
    }

    /// Emits it at the builder's block, and leaves the builder at the block after it. Of the loads and constants those are
    /// `needed` that say so, and some constants are in registers already.
    pub(super) fn emit(&self, builder: &mut FunctionBuilder<'_>, needed: &[bool], constants: Vec<(ValueId, Bundle)>) {
        let [strips, registers, lanes, end] = [(); 4].map(|()| block_of_lane(builder));
        let ready = self.ready(builder, needed, constants);
        let zero = builder.ins().iconst(types::I64, 0);
        let from_zero = [BlockArg::Value(zero)];
        let per_register = self.lanes_per_register();
        // The loop that goes as far as to where stores are aligned.
        let head = self
            .lanes_to_alignment(builder)
            .map(|n_lanes| (n_lanes, if self.stores.is_streaming() { registers.0 } else { lanes.0 }));
        match head {
            Some((n_lanes, head)) => {
                let has_head = builder.ins().icmp(IntCC::NotEqual, n_lanes, zero);
                builder.ins().brif(has_head, head, &from_zero, strips.0, &from_zero);
            }
            None => {
                builder.ins().jump(strips.0, &from_zero);
            }
        }
        let after_head = |test: Block| head.filter(|head| head.1 == test).map(|(n_lanes, _)| (n_lanes, strips.0));

        let whole = (self.lanes_per_strip(), self.width);
        self.strips(builder, &ready, whole, (strips, None), if per_register.is_some() { registers.0 } else { lanes.0 });
        if let Some(n_lanes) = per_register {
            let from = (registers, after_head(registers.0));
            self.strips(builder, &ready, (n_lanes, Width::Bits128), from, lanes.0);
        }
        self.strips(builder, &ready, (1, Width::Bits128), (lanes, after_head(lanes.0)), end.0);
        builder.switch_to_block(end.0);
    }

    /// The lanes of strips of one register of the widest value, if whole strips leave many of those to go lane by lane.
    ///
    /// Measured 2026-11, AMD EPYC Zen 4, ns per element without and with them: int8 `i*i + i` of 100 elements 1.6 and 0.8, of
    /// 1000 0.18 and 0.10; float32 `f*f + f` of 30 elements 3.0 and 2.7. To compile `a + b*2` takes a tenth longer.
    fn lanes_per_register(&self) -> Option<u32> {
        let widest = self.tape.nodes.iter().map(|node| node.ty.bytes).max()?;
        let n_lanes = Width::Bits128.bytes() / widest;
        let leaves_many = !self.is_rare && n_lanes > 1 && self.lanes_per_strip() >= MIN_REGISTERS * n_lanes;
        // Streaming stores of double registers begin after some of single ones.
        let begins_so = self.width == Width::Bits256 && self.stores.is_streaming();
        (leaves_many || begins_so).then_some(n_lanes)
    }

    /// Emits a loop over strips of so many lanes, while one is left, from the lane on that `test` is given; then to the block
    /// `then`. With a `head`, from that lane on to its block instead.
    fn strips(
        &self,
        builder: &mut FunctionBuilder<'_>,
        ready: &Ready,
        (n_lanes, width): (u32, Width),
        ((test, from), head): ((Block, Value), Option<(Value, Block)>),
        then: Block,
    ) {
        let (strip, lane) = block_of_lane(builder);
        builder.switch_to_block(test);
        let n = builder.ins().iconst(types::I64, i64::from(n_lanes));
        let last = builder.ins().isub(self.n_lanes, n);
        let has_strip = builder.ins().icmp(IntCC::SignedLessThanOrEqual, from, last);
        let from = [BlockArg::Value(from)];
        builder.ins().brif(has_strip, strip, &from, then, &from);

        builder.switch_to_block(strip);
        if width == Width::Bits256 {
            builder.set_srcloc(Mark::Loop(self.loop_index).loc());
        }
        self.strip(builder, ready, lane, (n_lanes, width));
        let next = builder.ins().iadd(lane, n);
        let to_next = [BlockArg::Value(next)];
        if let Some((lane, block)) = head {
            let after_head = builder.create_block();
            let is_there = builder.ins().icmp(IntCC::Equal, next, lane);
            builder.ins().brif(is_there, block, &to_next, after_head, &[]);
            builder.switch_to_block(after_head);
        }
        let has_next = builder.ins().icmp(IntCC::SignedLessThanOrEqual, next, last);
        match width {
            Width::Bits128 => {
                builder.ins().brif(has_next, strip, &to_next, then, &to_next);
            }
            Width::Bits256 => {
                let (cleared, lane) = block_of_lane(builder);
                builder.ins().brif(has_next, strip, &to_next, cleared, &to_next);
                builder.switch_to_block(cleared);
                builder.set_srcloc(Mark::End(self.loop_index).loc());
                builder.ins().fence();
                builder.set_srcloc(SourceLoc::default());
                builder.ins().jump(then, &[BlockArg::Value(lane)]);
            }
        }
    }

    /// Emits what is the same for all lanes.
    fn ready(&self, builder: &mut FunctionBuilder<'_>, needed: &[bool], constants: Vec<(ValueId, Bundle)>) -> Ready {
        let none = Ready { values: vec![None; self.tape.nodes.len()], kept: Kept::default() };
        // One lane stands for all: every register has it in all of its lanes.
        let lane = builder.ins().iconst(types::I64, 0);
        let mut strip = self.new_strip(builder, &none, lane, (1, Width::Bits128));
        for (value, bundle) in constants {
            strip.values[value.index()] = Some(bundle);
        }
        strip.uniform_values(self.body, needed);
        match self.width {
            Width::Bits128 => Ready { values: strip.values, kept: Kept::default() },
            // Nothing lives in registers from one block to the next.
            Width::Bits256 => Ready { kept: strip.keep_uniform_values(), ..none },
        }
    }

    /// The lanes before the first at which the stores of double registers are aligned. Ordinary stores need not be, so in rows of few
    /// strips none are. Streaming ones begin with a cache line; they are aligned to single registers, which go as far as that.
    ///
    /// Measured 2026-11, AMD EPYC Zen 4, one thread, f64, ns per element with the output at 16 bytes after a multiple of 32 and with
    /// it there: `where(a > 0.5, a*2, b + 1)` of 1e4 elements 0.231 and 0.219, of 1e5 0.310 and 0.294; a cubic polynomial of 1e4
    /// 0.239 and 0.223. Where inputs are does not matter as much: 0.223 and 0.218.
    fn lanes_to_alignment(&self, builder: &mut FunctionBuilder<'_>) -> Option<Value> {
        if self.width == Width::Bits128 {
            return None;
        }
        let output = self.body.iter().find_map(|value| match self.tape.node(*value).inst {
            Inst::Store(output) => Some(self.tape.inputs.len() + output as usize),
            _ => None,
        })?;
        let base = self.accesses[output].filter(|access| access.kind == RunKind::Contiguous)?.base;
        let size = self.tape.outputs[output - self.tape.inputs.len()].dtype.size();
        let n_bytes = builder.ins().ineg(base);
        let alignment = if self.stores.is_streaming() { LINE_BYTES } else { Width::Bits256.bytes() };
        let n_bytes = builder.ins().band_imm_u(n_bytes, i64::from(alignment) - 1);
        let n_lanes = builder.ins().ushr_imm_u(n_bytes, i64::from(size.ilog2()));
        if self.stores.is_streaming() {
            return Some(n_lanes);
        }
        let min_lanes = i64::from(MIN_ALIGNED_STRIPS * self.lanes_per_strip());
        let is_worth = builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, self.n_lanes, min_lanes);
        let zero = builder.ins().iconst(types::I64, 0);
        Some(builder.ins().select(is_worth, n_lanes, zero))
    }

    /// Emits the segment's instructions for one strip, or one lane.
    fn strip(&self, builder: &mut FunctionBuilder<'_>, ready: &Ready, lane: Value, size: (u32, Width)) {
        let mut strip = self.new_strip(builder, ready, lane, size);
        for &value in self.to_slots {
            strip.store_slot(value);
        }
        let mut has_stored = false;
        for &value in self.body {
            if matches!(self.tape.node(value).inst, Inst::Store(_)) && !has_stored {
                has_stored = true;
                strip.load_what_is_stored(self.body);
            }
            strip.inst(value);
        }
    }

    fn new_strip<'s, 'f>(
        &'s self,
        builder: &'s mut FunctionBuilder<'f>,
        ready: &'s Ready,
        lane: Value,
        (n_lanes, width): (u32, Width),
    ) -> Strip<'s, 'f> {
        Strip {
            builder,
            tape: self.tape,
            // Beside wide registers, narrow ones write the ends of a row, which are parts of cache lines.
            streams: self.stores.is_streaming() && width == self.width,
            target: self.target,
            width,
            loop_index: self.loop_index,
            rows: &self.accesses,
            slot_rows: &self.slots,
            kept: &ready.kept,
            n_lanes,
            lane,
            values: ready.values.clone(),
            parts: vec![Vec::new(); self.tape.nodes.len()],
            addresses: Vec::new(),
        }
    }
}

/// A block with a lane as its parameter.
fn block_of_lane(builder: &mut FunctionBuilder<'_>) -> (Block, Value) {
    let block = builder.create_block();
    (block, builder.append_block_param(block, types::I64))
}
