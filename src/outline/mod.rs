//! The outline of a kernel: all that is decided about a loop before instructions are chosen.
//!
//! In: a tape, the [`RunKind`]s of its operands, how outputs are written, and the [`Machine`]. Out:
//! an [`Outline`], which an emitter only has to write down:
//!
//! ```text
//! for each segment of the tape:
//!     constants that stay in registers
//!     for each row:
//!         values that are the same in all lanes
//!         lanes one by one, up to where stores are aligned      head
//!         whole vector blocks                                   blocks
//!         vector blocks of one register                         narrow blocks
//!         lanes one by one                                      tail
//!         (in long loops whole vector blocks only: the runtime pads the others)
//!     for each call of the segment: call it for rows x lanes elements
//! ```
//!
//! In a tile of one row, calls may use arrays directly (see [`direct`]), and segments that would
//! only copy are skipped.
//!
//! Always true of an outline, and checked by [`verify`]: every instruction of the tape is made in
//! its segment, after what it uses; what a segment uses of operands and spill slots is listed;
//! blocks fill registers.

mod blocks;
mod calls;
mod direct;
mod machine;
mod pressure;
mod print;
mod scratch;
mod spills;
mod verify;

pub(crate) use blocks::{Blocks, Head};
pub(crate) use calls::Table;
pub(crate) use direct::Direct;
pub(crate) use machine::{Machine, VectorBlock, Width};
pub(crate) use scratch::{MAX_ADDRESSES, PLACE_BYTES, ScratchLayout, WORD_BYTES};
pub(crate) use spills::{Event, Spills};
pub(crate) use verify::verify;

use crate::tape::{Function, Inst, Node, Tape, ValueId};
use blocks::Shape;
use calls::{Call, Callee};
use ndexpr_runtime::abi::RunKind;
use pressure::{Bodies, Lanes};
use spills::Demand;
use std::ops::Range;

/// How a kernel writes its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    Ordinary,
    /// Outputs are written past the caches, and some runs are short. The kernel may only run where
    /// vector blocks begin at multiples of 16 bytes in every output.
    Streaming,
    /// Outputs are written past the caches, and runs are long, as
    /// [`Plan::has_long_runs`](ndexpr_runtime::plan::Plan::has_long_runs) tells.
    StreamingLong,
    /// The kept outputs of whole leaves are written past the caches. The kernel may only run where
    /// rows begin at multiples of a register in every one of them.
    StreamingLeaves,
}

impl Stores {
    pub(crate) fn is_streaming(self) -> bool {
        self != Stores::Ordinary
    }
}

/// The variant of a kernel that an outline is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant<'l> {
    /// The run kind of each operand, inputs first.
    pub(crate) kinds: &'l [RunKind],
    pub(crate) stores: Stores,
}

/// The outline of a kernel; see the module.
#[derive(Debug)]
pub(crate) struct Outline<'l> {
    pub(crate) tape: &'l Tape,
    pub(crate) kinds: &'l [RunKind],
    pub(crate) stores: Stores,
    /// The registers of whole vector blocks.
    pub(crate) width: Width,
    /// Why the registers are not wider.
    pub(crate) not_wide: Option<String>,
    /// If the kernel is only called for whole blocks, their lanes. Other lanes would need all
    /// instructions a second time, which takes long to compile if they are many.
    pub(crate) whole_blocks: Option<u32>,
    pub(crate) machine: Machine,
    pub(crate) segments: Vec<Segment>,
    pub(crate) direct: Direct,
    pub(crate) table: Table,
}

/// One segment: a loop over the rows and lanes of a tile, then calls. All lists of values are in
/// the order of the tape.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    /// True if a tile of one row skips the loop, because calls use the arrays directly.
    pub(crate) is_skipped: bool,
    /// The loads and constants that the loop makes.
    pub(crate) made_anew: Vec<ValueId>,
    /// The loads and constants that wait in a spill slot for calls.
    pub(crate) to_slots: Vec<ValueId>,
    /// All other instructions of the loop.
    pub(crate) body: Vec<ValueId>,
    /// The constants that stay in registers during the loop.
    pub(crate) hoisted: Vec<ValueId>,
    /// Values that are the same in all lanes of a row: loads first, then instructions.
    pub(crate) uniform: Vec<ValueId>,
    /// Those of them that vector blocks use.
    pub(crate) kept: Vec<ValueId>,
    /// The instructions of the body that vector blocks have: those whose results differ from lane
    /// to lane, and those whose results go to slots.
    pub(crate) in_blocks: Vec<ValueId>,
    /// The operands that the loop reads or writes, in order, inputs first.
    pub(crate) operands: Vec<u32>,
    /// The values whose spill slot the loop reads or writes.
    pub(crate) slots: Vec<ValueId>,
    pub(crate) blocks: Blocks,
    /// What whole blocks do if their values do not fit the registers.
    pub(crate) spills: Option<Spills>,
    /// What blocks do in which each value takes one register, if these do not fit.
    pub(crate) spills_of_lanes: Option<Spills>,
    pub(crate) calls: Vec<SegmentCall>,
}

/// A call after a segment's loop.
#[derive(Clone, Debug)]
pub(crate) enum SegmentCall {
    OfTable(TableCall),
    /// A call of a function of Rust, or of a loop of each element.
    Callback(CallbackCall),
}

/// A call of a function of Rust, or of a loop of each element.
#[derive(Clone, Debug)]
pub(crate) struct CallbackCall {
    pub(crate) callee: Callee,
    /// Which entry of the table of callbacks.
    pub(crate) entry: u32,
    /// Where the result goes, of a function.
    pub(crate) result: Option<ValueId>,
    pub(crate) args: Box<[ValueId]>,
    /// Where the results go, of a loop: for each value that it carries.
    pub(crate) results: Box<[Option<ValueId>]>,
}

/// A call of a function of the table.
#[derive(Clone, Debug)]
pub(crate) struct TableCall {
    /// Where the elements of its results and arguments are: the first result, the first argument,
    /// and the second result or argument if there is one.
    pub(crate) places: [Option<ValueId>; 3],
    /// The entry of the table that is called.
    pub(crate) entry: usize,
    /// The entry that is called in a tile of one row.
    pub(crate) direct_entry: usize,
    /// The constant that is stored to its slot before the call, as a single element.
    pub(crate) single: Option<ValueId>,
}

/// The segments of one function. The time that Cranelift takes for a function grows faster than the
/// function, and nothing can stop it before it is done.
// Chosen by "many-calls" in docs/measurements.md.
const PART_SEGMENTS: usize = 32;

/// Loops of more instructions are only called for whole blocks.
// Chosen by "long-loops" in docs/measurements.md.
const LONG_BODY: usize = 200;

impl<'l> Outline<'l> {
    /// Outlines a tape, with the widest registers that suit it.
    ///
    /// # Errors
    ///
    /// If outputs cannot be written that way.
    pub(crate) fn new(tape: &'l Tape, variant: Variant<'l>, machine: &Machine) -> Result<Outline<'l>, String> {
        let by_segment = tape.by_segment();
        let Variant { kinds, stores } = variant;
        check_stores(tape, variant, &by_segment)?;
        let is_in_body = |value: &ValueId| {
            let inst = tape.node(*value).inst;
            !inst.is_rematerialised() && !matches!(inst, Inst::Call { .. })
        };
        let in_bodies: Vec<Vec<ValueId>> =
            by_segment.iter().map(|values| values.iter().copied().filter(is_in_body).collect()).collect();
        let bodies = Bodies::new(tape, &in_bodies);
        let direct = Direct::new(tape, kinds, &by_segment);
        let wide = suits_wide(tape, variant).and_then(|()| bodies.wide_lanes(machine));
        // Most tiles skip some loops, so these should be short.
        let narrow = match wide.is_err() || direct.skips.contains(&true) {
            true => bodies.lanes(machine),
            false => Lanes::default(),
        };
        let (lanes, width) = match (&wide, machine.wide) {
            (Ok(lanes), Some(width)) => (*lanes, width),
            _ => (narrow, machine.width),
        };
        let shape = Shape {
            whole: VectorBlock { n_lanes: lanes.n_lanes, width },
            skipped: VectorBlock { n_lanes: narrow.n_lanes, width: machine.width },
            lanes,
        };
        let n_lanes = shape.whole.n_lanes.max(shape.skipped.n_lanes);
        let fits_tiles = tape.max_tile_elems.is_none_or(|most| n_lanes as usize <= most);
        // Lanes that are there for whole blocks alone are no elements: a function of Rust must not
        // see them.
        let calls_rust = !tape.functions.is_empty() || !tape.regions.is_empty();
        let is_long = bodies.n_instructions() > LONG_BODY;
        // Iterations have such lanes in any case: the runtime gives them what elements have.
        let has_whole_blocks = tape.leaf.is_some() || tape.iterates || (is_long && fits_tiles && !calls_rust);
        let whole_blocks = has_whole_blocks.then_some(n_lanes);
        if is_long && whole_blocks.is_some() && stores.is_streaming() {
            return Err("so long a loop does not wait for memory".to_owned());
        }
        let mut outline = Outline {
            tape,
            kinds,
            stores,
            width,
            not_wide: wide.err().map(str::to_owned),
            whole_blocks,
            machine: *machine,
            segments: Vec::with_capacity(by_segment.len()),
            direct,
            table: Table::new(tape, stores),
        };
        let mut flags = Flags::new(tape);
        for (index, (values, body)) in by_segment.iter().zip(in_bodies).enumerate() {
            let segment = outline.segment(index, values, body, &shape, &mut flags);
            outline.segments.push(segment);
        }
        Ok(outline)
    }

    /// Outlines one segment. If it has no loop, only its calls are of use.
    fn segment(
        &self,
        index: usize,
        values: &[ValueId],
        body: Vec<ValueId>,
        shape: &Shape,
        flags: &mut Flags,
    ) -> Segment {
        let tape = self.tape;
        let is_made_anew = |value: ValueId| tape.node(value).inst.is_rematerialised();
        let is_const = |value: ValueId| matches!(tape.node(value).inst, Inst::Const(_));
        let calls = values.iter().filter_map(|&value| self.call(value)).collect();
        let is_skipped = self.direct.skips[index];
        // Loads and constants that wait for this segment's calls.
        let in_slots = values.iter().copied().filter(|&value| is_made_anew(value));
        let to_slots: Vec<ValueId> = in_slots
            .clone()
            .filter(|value| tape.slot_of[value.index()].is_some() && !self.direct.is_one[value.index()])
            .collect();
        let args = || body.iter().flat_map(|value| tape.node(*value).args().iter().copied());
        let made_anew = flags.distinct(in_slots.chain(args().filter(|&arg| is_made_anew(arg))));
        let made = args().chain(body.iter().copied()).filter(|&value| !is_made_anew(value));
        let mut slots = flags.distinct(made.chain(to_slots.iter().copied()));
        slots.retain(|value| tape.slot_of[value.index()].is_some());
        let mut operands: Vec<u32> = Vec::new();
        for &value in made_anew.iter().chain(&body) {
            match tape.node(value).inst {
                Inst::Load(operand) => operands.push(operand),
                Inst::Store(output) => operands.push(tape.inputs.len() as u32 + output),
                _ => {}
            }
        }
        operands.sort_unstable();
        operands.dedup();
        let n_hoisted = shape.lanes.spare_registers as usize;
        let hoisted = made_anew.iter().copied().filter(|&value| is_const(value)).take(n_hoisted).collect();
        let uniform = self.uniform(&made_anew, &body, flags);
        let (kept, in_blocks) = self.in_blocks(&uniform, &body, &to_slots, flags);
        let blocks = self.blocks(shape, &body, is_skipped);
        let spills_of = |block| if shape.lanes.fits { None } else { self.spills(&in_blocks, &uniform, block) };
        let spills = spills_of(blocks.whole);
        let spills_of_lanes = blocks.has_single_lanes.then(|| spills_of(VectorBlock::ONE_LANE)).flatten();
        Segment {
            is_skipped,
            made_anew,
            to_slots,
            body,
            hoisted,
            uniform,
            kept,
            in_blocks,
            operands,
            slots,
            blocks,
            spills,
            spills_of_lanes,
            calls,
        }
    }

    /// The uniform values that blocks use, and the instructions of blocks.
    fn in_blocks(
        &self,
        uniform: &[ValueId],
        body: &[ValueId],
        to_slots: &[ValueId],
        flags: &mut Flags,
    ) -> (Vec<ValueId>, Vec<ValueId>) {
        let tape = self.tape;
        uniform.iter().for_each(|value| flags.is_marked[value.index()] = true);
        let is_uniform = |flags: &Flags, value: ValueId| flags.is_marked[value.index()];
        let has_slot = |value: &ValueId| tape.slot_of[value.index()].is_some();
        let in_blocks: Vec<ValueId> =
            body.iter().copied().filter(|value| !is_uniform(flags, *value) || has_slot(value)).collect();
        let varying = in_blocks.iter().filter(|value| !is_uniform(flags, **value));
        let mut kept: Vec<ValueId> = varying.flat_map(|value| tape.node(*value).args()).copied().collect();
        kept.extend(in_blocks.iter().chain(to_slots));
        kept.retain(|&value| is_uniform(flags, value));
        uniform.iter().for_each(|value| flags.is_marked[value.index()] = false);
        (flags.distinct(kept.into_iter()), in_blocks)
    }

    /// What blocks do if their values do not fit the registers. `None` if they do.
    fn spills(&self, body: &[ValueId], uniform: &[ValueId], block: VectorBlock) -> Option<Spills> {
        let is_uniform = self.is_uniform(uniform);
        Some(Spills::new(&self.demand(body, &is_uniform, block))).filter(Spills::is_needed)
    }

    /// For each value, whether it is a constant or one of these.
    fn is_uniform(&self, uniform: &[ValueId]) -> Vec<bool> {
        let is_const = |node: &Node| matches!(node.inst, Inst::Const(_));
        let mut is_uniform: Vec<bool> = self.tape.nodes.iter().map(is_const).collect();
        uniform.iter().for_each(|value| is_uniform[value.index()] = true);
        is_uniform
    }

    fn demand<'d>(&'d self, body: &'d [ValueId], is_uniform: &'d [bool], block: VectorBlock) -> Demand<'d> {
        Demand { tape: self.tape, body, is_uniform, block, budget: self.machine.register_budget() }
    }

    /// The values that are the same in all lanes of a row: splat loads, and what is computed from
    /// these and constants alone.
    fn uniform(&self, made_anew: &[ValueId], body: &[ValueId], flags: &mut Flags) -> Vec<ValueId> {
        let tape = self.tape;
        let is_splat = |value: &ValueId| match tape.node(*value).inst {
            Inst::Load(operand) => self.kinds[operand as usize] == RunKind::Splat,
            _ => false,
        };
        let mut uniform: Vec<ValueId> = made_anew.iter().copied().filter(is_splat).collect();
        uniform.iter().for_each(|value| flags.is_marked[value.index()] = true);
        for &value in body {
            let node = tape.node(value);
            let is_uniform =
                |arg: &ValueId| matches!(tape.node(*arg).inst, Inst::Const(_)) || flags.is_marked[arg.index()];
            if !matches!(node.inst, Inst::Store(_)) && node.args().iter().all(is_uniform) {
                flags.is_marked[value.index()] = true;
                uniform.push(value);
            }
        }
        uniform.iter().for_each(|value| flags.is_marked[value.index()] = false);
        uniform
    }

    /// The call in the place of a value.
    fn call(&self, value: ValueId) -> Option<SegmentCall> {
        let tape = self.tape;
        let call = Call::at(tape, value)?;
        let node = tape.node(value);
        let callback = CallbackCall {
            callee: call.callee,
            entry: 0,
            result: None,
            args: node.args().into(),
            results: Box::default(),
        };
        match call.callee {
            Callee::Rust(entry) => {
                return Some(SegmentCall::Callback(CallbackCall { entry, result: Some(value), ..callback }));
            }
            Callee::Region(index) => {
                let mut results = vec![None; tape.regions[index as usize].carried.len()];
                for &value in &call.results {
                    if let Inst::Call { function: Function::Region { result, .. }, .. } = tape.node(value).inst {
                        results[result as usize] = Some(value);
                    }
                }
                let entry = tape.functions.len() as u32 + index;
                return Some(SegmentCall::Callback(CallbackCall { entry, results: results.into(), ..callback }));
            }
            _ => {}
        }
        let (first, second) = (node.args[0], node.args[1]);
        // The second result or the second argument, if there is one.
        let besides = match (&call.results[1..], node.args()) {
            (&[result], _) => Some(result),
            (_, &[_, second]) => Some(second),
            _ => None,
        };
        let is_one = self.direct.is_one[second.index()];
        let by_one = |is_one: bool| call.callee.by_one().filter(|_| is_one).unwrap_or(call.callee);
        let is_splat = self.direct.operand_of[second.index()]
            .is_some_and(|operand| self.kinds[operand as usize] == RunKind::Splat);
        let writes_output = self.direct.operand_of[call.results[0].index()].is_some();
        let stores = if writes_output { self.stores } else { Stores::Ordinary };
        let entry = |callee: Callee, stores| self.table.find(callee, stores).expect("the table has every function");
        Some(SegmentCall::OfTable(TableCall {
            places: [Some(call.results[0]), Some(first), besides],
            entry: entry(by_one(is_one), Stores::Ordinary),
            direct_entry: entry(by_one(is_one || is_splat), stores),
            single: (is_one && matches!(tape.node(second).inst, Inst::Const(_))).then_some(second),
        }))
    }

    /// The segments of each function: a kernel of many segments becomes several functions, which
    /// run one after the other.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let n_segments = self.segments.len();
        (0..n_segments).step_by(PART_SEGMENTS).map(move |start| start..(start + PART_SEGMENTS).min(n_segments))
    }

    /// Whether a tile of one row is treated in another way.
    pub(crate) fn has_direct(&self) -> bool {
        self.direct.skips.contains(&true) && !self.tape.iterates
    }

    /// Estimated nanoseconds for an element: half a cycle for an instruction on a register.
    pub(crate) fn ns_per_elem(&self) -> f32 {
        let instructions = self.tape.nodes.iter().map(|node| match node.inst {
            Inst::Call { .. } | Inst::Const(_) => 0.0,
            Inst::Div | Inst::Sqrt => 1.6 * node.ty.bytes as f32,
            _ => 0.16 * node.ty.bytes as f32,
        });
        instructions.sum::<f32>() / self.width.bytes() as f32 + calls::ns_per_elem(self.tape)
    }
}

/// A flag for each value, all clear between uses.
struct Flags {
    is_marked: Vec<bool>,
}

impl Flags {
    fn new(tape: &Tape) -> Flags {
        Flags { is_marked: vec![false; tape.nodes.len()] }
    }

    /// The values, each once and in the order of the tape.
    fn distinct(&mut self, values: impl Iterator<Item = ValueId>) -> Vec<ValueId> {
        let mut distinct: Vec<ValueId> =
            values.filter(|value| !std::mem::replace(&mut self.is_marked[value.index()], true)).collect();
        distinct.iter().for_each(|value| self.is_marked[value.index()] = false);
        distinct.sort_unstable();
        distinct
    }
}

/// Refuses streaming stores if a function writes an output itself and has no stores past the
/// caches. Taking its result from a spill slot would cost more than ordinary stores.
fn check_stores(tape: &Tape, variant: Variant<'_>, segments: &[Vec<ValueId>]) -> Result<(), String> {
    let Variant { kinds, stores } = variant;
    let streams = |value| Call::at(tape, value).is_some_and(|call| call.callee.tile_fn(stores).is_some());
    match direct::call_to_output(tape, kinds, segments) {
        Some((call, _)) if stores.is_streaming() && !streams(call) => {
            Err("a call writes the output itself, and has no stores past the caches".to_owned())
        }
        _ => Ok(()),
    }
}

/// Refuses wide registers for some layouts.
///
/// Streaming stores are aligned, and two outputs need not be aligned at the same lane. At the ends
/// of runs, where a line is written in parts, kernels of both widths are slow.
// Chosen by "register-width" in docs/measurements.md.
fn suits_wide(tape: &Tape, variant: Variant<'_>) -> Result<(), &'static str> {
    if variant.kinds.contains(&RunKind::Strided) {
        return Err("an operand is strided");
    }
    match variant.stores {
        Stores::Ordinary | Stores::StreamingLeaves => Ok(()),
        Stores::Streaming => Err("runs past the caches may be short"),
        Stores::StreamingLong if tape.outputs.len() != 1 => Err("several outputs cannot all be aligned"),
        Stores::StreamingLong if tape.max_tile_elems.is_some() => Err("its tiles are short"),
        Stores::StreamingLong => Ok(()),
    }
}

impl Segment {
    /// What a kind of blocks does if its values do not fit the registers.
    pub(crate) fn spills_of(&self, block: VectorBlock) -> Option<&Spills> {
        if block == self.blocks.whole { self.spills.as_ref() } else { self.spills_of_lanes.as_ref() }
    }

    /// False if the segment consists of calls alone.
    pub(crate) fn has_loop(&self) -> bool {
        !self.body.is_empty() || !self.to_slots.is_empty()
    }
}
