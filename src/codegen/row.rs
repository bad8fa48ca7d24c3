//! The code of one row of a tile: vector blocks, and lanes one by one, as the outline has them.

use super::block::{BlockCode, Kept, RowAccess};
use super::bundle::Bundle;
use super::marks::Mark;
use super::target::Target;
use super::word::Word;
use super::x64::Step;
use crate::outline::{Head, Outline, Segment, VectorBlock};
use crate::tape::{Inst, ValueId};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, SourceLoc, Value, types};
use cranelift_frontend::FunctionBuilder;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// A row of a segment.
pub(super) struct Row<'a> {
    pub(super) outline: &'a Outline<'a>,
    pub(super) segment: &'a Segment,
    /// The number of the loop over whole blocks, for marking it.
    pub(super) loop_index: u32,
    /// The bytes of the widest value of the tape.
    pub(super) widest: u32,
    pub(super) target: &'a Target,
    /// The lanes of the row.
    pub(super) n_lanes: Value,
    /// The lanes of the row if the last whole block may begin before the one ahead of it ends, or
    /// 0.
    pub(super) n_repeatable: Option<Value>,
    /// Where each operand that the segment uses is.
    pub(super) accesses: FxHashMap<u32, RowAccess>,
    /// Where the row's elements of each spill slot are that the segment uses.
    pub(super) slots: FxHashMap<ValueId, Word>,
    /// Where kept values and spills are, if they are in the scratch.
    pub(super) places: Option<Value>,
}

/// What is computed ahead of the vector blocks.
#[derive(Default)]
struct Ready {
    values: FxHashMap<ValueId, Bundle>,
    kept: Kept,
}

/// A basic block, and the lane that it is given.
#[derive(Clone, Copy)]
struct LaneBlock {
    block: Block,
    lane: Value,
}

/// A loop over vector blocks.
struct BlockLoop {
    vector: VectorBlock,
    /// The basic block that tests whether there is another vector block.
    test: LaneBlock,
    /// Whether the last vector block may begin before the one ahead of it ends.
    repeats_lanes: bool,
    /// If it goes over the head: the number of lanes of the head, and the basic block after the
    /// head.
    head: Option<(Value, Block)>,
    /// The basic block that follows when less than a vector block is left.
    then: Block,
}

impl Row<'_> {
    /// Emits the row at the builder's block, and leaves the builder at the block after it.
    /// `constants` are in registers already.
    pub(super) fn emit(&self, builder: &mut FunctionBuilder<'_>, constants: Vec<(ValueId, Bundle)>) {
        let blocks = self.segment.blocks;
        let [whole, end] = [(); 2].map(|()| block_of_lane(builder));
        let narrow = blocks.narrow.map(|vector| (vector, block_of_lane(builder)));
        let lanes = blocks.has_single_lanes.then(|| (VectorBlock::ONE_LANE, block_of_lane(builder)));
        let ready = self.ready(builder, constants);
        let zero = builder.ins().iconst(types::I64, 0);
        let from_zero = [BlockArg::Value(zero)];
        // The number of lanes in the head, and the loop that goes over it.
        let head = blocks.head.and_then(|head| {
            let (_, test) = if head.is_narrow { narrow } else { lanes }?;
            Some((self.head_lanes(builder, &head), test.block))
        });
        match head {
            Some((n_lanes, head)) => {
                let has_head = builder.ins().icmp(IntCC::NotEqual, n_lanes, zero);
                builder.ins().brif(has_head, head, &from_zero, whole.block, &from_zero);
            }
            None => {
                builder.ins().jump(whole.block, &from_zero);
            }
        }
        let after_head = |test: Block| head.filter(|head| head.1 == test).map(|(n_lanes, _)| (n_lanes, whole.block));

        let loops: SmallVec<[_; 3]> = [Some((blocks.whole, whole)), narrow, lanes].into_iter().flatten().collect();
        for (k, &(vector, test)) in loops.iter().enumerate() {
            let then = loops.get(k + 1).map_or(end.block, |next| next.1.block);
            let (repeats_lanes, head) = (k == 0, after_head(test.block));
            self.block_loop(builder, &ready, &BlockLoop { vector, test, repeats_lanes, head, then });
        }
        builder.switch_to_block(end.block);
    }

    /// True if these blocks have registers that Cranelift does not have.
    fn is_wide(&self, vector: VectorBlock) -> bool {
        vector.width != self.outline.machine.width
    }

    fn block_loop(&self, builder: &mut FunctionBuilder<'_>, ready: &Ready, block_loop: &BlockLoop) {
        let &BlockLoop { vector, test, repeats_lanes, head, then } = block_loop;
        let LaneBlock { block: body, lane } = block_of_lane(builder);
        let tail = self.n_repeatable.filter(|_| repeats_lanes).map(|n_lanes| (n_lanes, block_of_lane(builder)));
        let after = tail.map_or(then, |(_, tail)| tail.block);
        builder.switch_to_block(test.block);
        let n = builder.ins().iconst(types::I64, i64::from(vector.n_lanes));
        let (is_in, bound) = match vector.n_lanes {
            1 => (IntCC::SignedLessThan, self.n_lanes),
            _ => (IntCC::SignedLessThanOrEqual, builder.ins().isub(self.n_lanes, n)),
        };
        let has_block = builder.ins().icmp(is_in, test.lane, bound);
        let from = [BlockArg::Value(test.lane)];
        builder.ins().brif(has_block, body, &from, after, &from);

        builder.switch_to_block(body);
        if self.is_wide(vector) {
            builder.set_srcloc(Mark::Loop(self.loop_index, Step::Wide).loc());
        }
        self.vector_block(builder, ready, lane, vector);
        let next = builder.ins().iadd(lane, n);
        let to_next = [BlockArg::Value(next)];
        if let Some((n_lanes, block)) = head {
            let after_head = builder.create_block();
            let is_there = builder.ins().icmp(IntCC::Equal, next, n_lanes);
            builder.ins().brif(is_there, block, &to_next, after_head, &[]);
            builder.switch_to_block(after_head);
        }
        let has_next = builder.ins().icmp(is_in, next, bound);
        builder.ins().brif(has_next, body, &to_next, after, &to_next);
        builder.set_srcloc(SourceLoc::default());
        if let Some((n_lanes, tail)) = tail {
            builder.switch_to_block(tail.block);
            let is_left = builder.ins().icmp(IntCC::SignedLessThan, tail.lane, n_lanes);
            builder.ins().brif(is_left, body, &[BlockArg::Value(bound)], then, &[BlockArg::Value(tail.lane)]);
        }
    }

    /// Emits the values that are the same for all lanes.
    fn ready(&self, builder: &mut FunctionBuilder<'_>, constants: Vec<(ValueId, Bundle)>) -> Ready {
        let none = Ready::default();
        // One lane stands for all: every register has it in all of its lanes.
        let lane = builder.ins().iconst(types::I64, 0);
        let mut block = self.new_block(builder, &none, lane, VectorBlock::ONE_LANE);
        block.values.extend(constants);
        block.uniform_values(self.segment);
        match self.is_wide(self.segment.blocks.whole) || self.segment.spills.is_some() {
            false => Ready { values: block.values, kept: Kept::default() },
            // No value stays in a wide register from one basic block to the next.
            true => Ready { kept: block.keep_uniform_values(self.segment, self.places), ..Ready::default() },
        }
    }

    /// The lanes of the head, or 0 if the row has none.
    fn head_lanes(&self, builder: &mut FunctionBuilder<'_>, head: &Head) -> Value {
        let base = self.accesses[&head.operand].base;
        let base = base.get(builder);
        let n_bytes = builder.ins().ineg(base);
        let n_bytes = builder.ins().band_imm_u(n_bytes, i64::from(head.alignment) - 1);
        let n_lanes = builder.ins().ushr_imm_u(n_bytes, i64::from(head.elem_bytes.ilog2()));
        if head.min_lanes == 0 {
            return n_lanes;
        }
        let min_lanes = i64::from(head.min_lanes);
        let is_worth = builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, self.n_lanes, min_lanes);
        let zero = builder.ins().iconst(types::I64, 0);
        builder.ins().select(is_worth, n_lanes, zero)
    }

    /// Emits the segment's instructions for one vector block.
    fn vector_block(&self, builder: &mut FunctionBuilder<'_>, ready: &Ready, lane: Value, vector: VectorBlock) {
        let mut block = self.new_block(builder, ready, lane, vector);
        for &value in &self.segment.to_slots {
            block.store_slot(value);
        }
        if let Some(spills) = self.segment.spills_of(vector) {
            self.segment.to_slots.iter().for_each(|&value| block.forget(value));
            spills.events.iter().for_each(|event| block.event(event));
            return;
        }
        let mut has_stored = false;
        for &value in &self.segment.in_blocks {
            if matches!(self.outline.tape.node(value).inst, Inst::Store(_)) && !has_stored {
                has_stored = true;
                block.load_what_is_stored(&self.segment.body);
            }
            block.inst(value);
        }
    }

    fn new_block<'s, 'f>(
        &'s self,
        builder: &'s mut FunctionBuilder<'f>,
        ready: &'s Ready,
        lane: Value,
        vector: VectorBlock,
    ) -> BlockCode<'s, 'f> {
        BlockCode {
            builder,
            tape: self.outline.tape,
            // In a kernel with wide registers, narrow ones write the ends of a row. The ends are
            // parts of cache lines, so they are not streamed.
            streams: self.outline.stores.is_streaming() && vector.width == self.segment.blocks.whole.width,
            target: self.target,
            width: vector.width,
            is_wide: self.is_wide(vector),
            loop_index: self.loop_index,
            widest: self.widest,
            rows: &self.accesses,
            slot_rows: &self.slots,
            kept: &ready.kept,
            places: FxHashMap::default(),
            n_lanes: vector.n_lanes,
            lane,
            values: ready.values.clone(),
            parts: FxHashMap::default(),
            lane_offsets: [None; 4],
            addresses: Vec::new(),
        }
    }
}

/// A basic block with a lane as its parameter.
fn block_of_lane(builder: &mut FunctionBuilder<'_>) -> LaneBlock {
    let block = builder.create_block();
    LaneBlock { block, lane: builder.append_block_param(block, types::I64) }
}
