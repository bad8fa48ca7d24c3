//! How many lanes a vector block has, and how many registers that leaves.
//!
//! In: a tape's instructions by segment, and the machine. Out: lanes for which the values fit the
//! registers at once, as far as that can be counted before registers are allocated, or the fact
//! that no choice fits.

use super::machine::{Machine, VectorBlock, Width};
use super::spills::{Demand, Spills};
use crate::tape::{Inst, Kind, Tape, ValueId};

/// A loop of at least this many instructions in one segment counts as a long chain, in which each
/// step waits for the one before. The processor's out-of-order window is too small to overlap two
/// blocks, so a block of more registers gives it more independent work.
// Chosen by "long-chains" in docs/measurements.md.
const LONG_CHAIN: usize = 20;

/// The registers that the widest values take in a block that does not fit, if more of them would
/// be too many.
const FEW_REGISTERS: u32 = 2;

/// In a crowded block more than one value for so many instructions gives up its registers.
const MAX_CROWDING: usize = 3;

/// The lanes of a vector block, and the registers that it leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lanes {
    pub(super) n_lanes: u32,
    /// The registers that can hold constants all through a loop.
    pub(super) spare_registers: u32,
    /// True if all values that are alive at once fit the registers.
    pub(super) fits: bool,
}

/// The instructions of each segment, in order, without calls and without loads and constants, which
/// each segment makes anew.
pub(super) struct Bodies<'t> {
    tape: &'t Tape,
    bodies: &'t [Vec<ValueId>],
}

impl<'t> Bodies<'t> {
    pub(super) fn new(tape: &'t Tape, bodies: &'t [Vec<ValueId>]) -> Bodies<'t> {
        Bodies { tape, bodies }
    }

    /// The block in which the widest values take 8, 4 or 2 registers: the largest block that stays
    /// within the budget; see `choose` for long loops. In long chains they may take 7, unless
    /// narrower values would then leave a register unfilled.
    pub(super) fn lanes(&self, machine: &Machine) -> Lanes {
        let choices: &[u32] = match self.takes_seven() {
            true => &[8, 7, 4, 2],
            false => &[8, 4, 2],
        };
        self.choose(choices, machine, machine.width)
    }

    /// The lanes of a block in wide registers. In a short loop of one width, a block takes half as
    /// many registers as with narrow ones, so it has no more lanes and leaves no longer tail. In a
    /// long chain it takes as many as with narrow ones. With several widths the widest values may
    /// take 8, so that narrow values fill registers too.
    // Chosen by "wide-block-registers" in docs/measurements.md.
    pub(super) fn wide_lanes(&self, machine: &Machine) -> Result<Lanes, &'static str> {
        let width = machine.wide.ok_or("the machine has no wider ones, or they were not asked for")?;
        if !self.tape.has_vector_forms() {
            return Err("some of it is done lane by lane");
        }
        let choices: &[u32] = match (self.tape.is_of_one_width(), self.takes_seven()) {
            (true, true) => &[7, 4, 2],
            (true, false) => &[4, 2],
            (false, _) => &[8, 4, 2],
        };
        let lanes = self.choose(choices, machine, width);
        // No value stays in a wide register from one basic block to the next.
        Ok(Lanes { spare_registers: 0, ..lanes })
    }

    /// The first choice of registers for the widest values with which all values fit. If they fit
    /// with none, some values go through the stack.
    ///
    /// A loop with a long segment gets fewer: code size and compile time grow with the block, and
    /// code that does not fit the instruction caches costs more than the waits that a larger block
    /// would hide.
    // Chosen by "long-loops" in docs/measurements.md.
    fn choose(&self, choices: &[u32], machine: &Machine, width: Width) -> Lanes {
        let longest = self.bodies.iter().map(Vec::len).max().unwrap_or(0);
        let (most_fitting, spilling) = match longest {
            0..=200 => (8, 4),
            // What is done lane by lane takes many instructions, and compiles slowly.
            _ if !self.tape.has_vector_forms() => (1, 1),
            201..=400 => (4, 4),
            401..=800 => (2, 2),
            _ => (1, 1),
        };
        let lanes = |registers: u32| registers * width.bytes() / self.tape.widest();
        let budget = machine.register_budget();
        let mut pressures = choices.iter().filter(|&&registers| registers <= most_fitting).map(|&registers| {
            let n_lanes = lanes(registers);
            (n_lanes, self.most_pressure(n_lanes, width))
        });
        match pressures.find(|&(_, most)| most <= budget) {
            Some((n_lanes, most)) => Lanes { n_lanes, spare_registers: machine.n_registers - 1 - most, fits: true },
            None => {
                let is_crowded = spilling > FEW_REGISTERS && self.is_crowded(lanes(spilling), machine, width);
                let spilling = if is_crowded { FEW_REGISTERS } else { spilling };
                Lanes { n_lanes: lanes(spilling), spare_registers: 0, fits: false }
            }
        }
    }

    /// Whether so many values give up their registers in a block that does not fit that the work
    /// for this takes longer than the waits that the block hides.
    // Chosen by "crowded-blocks" in docs/measurements.md.
    fn is_crowded(&self, n_lanes: u32, machine: &Machine, width: Width) -> bool {
        let nodes = &self.tape.nodes;
        let is_uniform: Vec<bool> = nodes.iter().map(|node| matches!(node.inst, Inst::Const(_))).collect();
        let block = VectorBlock { n_lanes, width };
        let n_leaving = |body: &Vec<ValueId>| {
            let budget = machine.register_budget();
            Spills::new(&Demand { tape: self.tape, body, is_uniform: &is_uniform, block, budget }).n_leaving()
        };
        let n_leaving: usize = self.bodies.iter().map(n_leaving).sum();
        n_leaving > self.n_instructions() / MAX_CROWDING
    }

    pub(super) fn n_instructions(&self) -> usize {
        self.bodies.iter().map(Vec::len).sum()
    }

    /// Whether the widest values may take 7 registers. The rows of a leaf are no multiple of that.
    fn takes_seven(&self) -> bool {
        self.tape.is_of_one_width() && self.is_long_chain() && self.tape.leaf.is_none()
    }

    fn is_long_chain(&self) -> bool {
        self.bodies.len() == 1 && self.bodies[0].len() >= LONG_CHAIN
    }

    /// The most registers that values of a segment take at once, in blocks of this many lanes.
    /// Constants take none here: they get spare registers. A float load that is used once is an
    /// operand of its use, so it takes none either.
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
