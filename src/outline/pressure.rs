//! How many lanes a vector block has, and how many registers that leaves.
//!
//! In: a tape's instructions by segment, and the machine. Out: lanes, such that values take no more
//! registers at once than there are, as far as that can be counted before registers are allocated.

use super::machine::{Machine, Width};
use crate::tape::{Inst, Kind, Tape, ValueId};

/// Tapes longer than this get the smallest vector block: their loops are too large to gain by
/// interleaving, and code size and compile time grow with the block.
const LONG_TAPE: usize = 400;

/// Loops of at least this many instructions are long chains if few values are alive at once. What
/// the processor sees ahead is less than one block and the next, so the more registers a block has,
/// the less the processor waits.
// Chosen by "long-chains" in docs/measurements.md.
const LONG_CHAIN: usize = 20;

/// The lanes of a vector block, and the registers that it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lanes {
    pub(super) n_lanes: u32,
    pub(super) spare_registers: u32,
}

/// The instructions of each segment that are neither calls nor made anew in each segment, in order.
pub(super) struct Bodies<'t> {
    tape: &'t Tape,
    bodies: &'t [Vec<ValueId>],
}

impl<'t> Bodies<'t> {
    pub(super) fn new(tape: &'t Tape, bodies: &'t [Vec<ValueId>]) -> Bodies<'t> {
        Bodies { tape, bodies }
    }

    /// The block in which the widest values take 8, 4 or 2 registers: the largest block that stays
    /// within the budget. In long chains they may take 7, unless narrower values would then leave a
    /// register unfilled.
    pub(super) fn lanes(&self, machine: &Machine) -> Lanes {
        let nodes = &self.tape.nodes;
        let widest = nodes.iter().map(|node| node.ty.bytes).max().unwrap_or(8);
        let lanes = |registers: u32| registers * machine.width.bytes() / widest;
        let choices: &[u32] = match nodes.len() {
            ..=LONG_TAPE if self.tape.is_of_one_width() && self.is_long_chain() => &[8, 7, 4, 2],
            ..=LONG_TAPE => &[8, 4, 2],
            _ => &[1],
        };
        let mut most = 0;
        let mut n_lanes = lanes(choices[choices.len() - 1]);
        for &registers in choices {
            n_lanes = lanes(registers);
            most = self.most_pressure(n_lanes, machine.width);
            if most <= machine.register_budget() {
                break;
            }
        }
        Lanes { n_lanes, spare_registers: (machine.n_registers - 1).saturating_sub(most) }
    }

    /// The lanes of a block in wide registers. In a short loop of one width, a block takes half as
    /// many registers as with narrow ones, so that no more lanes are left over. In a long chain it
    /// takes as many as with narrow ones. With several widths it takes as many as there are, so
    /// that narrow values fill registers too. If there are too few registers even for a small
    /// block, some of its values go through the stack.
    // Chosen by "wide-block-registers" in docs/measurements.md.
    pub(super) fn wide_lanes(&self, machine: &Machine) -> Result<u32, &'static str> {
        let width = machine.wide.ok_or("the machine has no wider ones, or they were not asked for")?;
        if !self.tape.has_vector_forms() {
            return Err("some of it is done lane by lane");
        }
        let lanes = |registers: u32| registers * width.bytes() / self.tape.widest();
        let is_chain = self.is_long_chain() && self.tape.nodes.len() <= LONG_TAPE;
        let choices: &[u32] = match (self.tape.is_of_one_width(), is_chain) {
            (true, true) => &[7, 4, 2],
            (true, false) => &[4, 2],
            (false, _) => &[8, 4, 2],
        };
        let fits = |lanes: &u32| self.most_pressure(*lanes, width) <= machine.register_budget();
        Ok(choices.iter().map(|&registers| lanes(registers)).find(fits).unwrap_or(lanes(1)))
    }

    fn is_long_chain(&self) -> bool {
        self.bodies.len() == 1 && self.bodies[0].len() >= LONG_CHAIN
    }

    /// The most registers that values of a segment take at once, in blocks of this many lanes.
    /// Constants take one each; a load that is used once is part of its use.
    fn most_pressure(&self, n_lanes: u32, width: Width) -> u32 {
        let nodes = &self.tape.nodes;
        let registers = |value: ValueId| match nodes[value.index()].inst {
            Inst::Const(_) => 0,
            _ => (n_lanes * nodes[value.index()].ty.bytes).div_ceil(width.bytes()),
        };
        let mut most = 0;
        // Both are cleared again after each segment, so that many segments do not take quadratic
        // time.
        let (mut uses, mut is_live) = (vec![0_u32; nodes.len()], vec![false; nodes.len()]);
        for body in self.bodies {
            let args = || body.iter().flat_map(|value| nodes[value.index()].args());
            args().for_each(|arg| uses[arg.index()] += 1);
            let is_folded = |value: ValueId| {
                let node = &nodes[value.index()];
                matches!(node.inst, Inst::Load(_)) && uses[value.index()] == 1 && node.ty.kind == Kind::Float
            };
            let mut now = 0;
            for &value in body.iter().rev() {
                if std::mem::take(&mut is_live[value.index()]) {
                    now -= registers(value);
                }
                for &arg in nodes[value.index()].args() {
                    if !is_live[arg.index()] && !is_folded(arg) {
                        is_live[arg.index()] = true;
                        now += registers(arg);
                    }
                }
                most = most.max(now);
            }
            for arg in args() {
                uses[arg.index()] = 0;
                is_live[arg.index()] = false;
            }
        }
        most
    }
}
