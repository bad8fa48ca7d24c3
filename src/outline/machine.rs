//! The machine that a kernel is made for: what an outline may know of its registers and caches.
//! `codegen::target` fills it in.

use crate::tape::{Preferences, Ty};

/// The size of the vector registers of a vector block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Bits128,
    Bits256,
}

impl Width {
    pub(crate) const fn bytes(self) -> u32 {
        match self {
            Width::Bits128 => 16,
            Width::Bits256 => 32,
        }
    }

    pub(crate) const fn bits(self) -> u32 {
        8 * self.bytes()
    }
}

/// What is known of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The registers that every loop can have.
    pub(crate) width: Width,
    /// Wider registers, for loops in which nothing is done lane by lane.
    pub(crate) wide: Option<Width>,
    pub(crate) n_registers: u32,
    /// A line of the caches.
    pub(crate) line_bytes: u32,
    /// True if a fused multiply-add is an instruction.
    pub(crate) has_fma: bool,
    /// True if the runtime's functions use wider registers than those that every loop can have.
    pub(crate) has_wider_calls: bool,
}

impl Machine {
    /// What the tape should look like for this machine.
    pub(crate) fn preferences(&self) -> Preferences {
        Preferences {
            fuses_in_loops: self.has_fma,
            prefers_calls: self.has_wider_calls,
            divides_in_wide_loops: self.wide.is_some(),
            iterates: false,
        }
    }

    /// The same machine without its wider registers.
    pub(crate) fn narrow(&self) -> Machine {
        Machine { wide: None, ..*self }
    }

    /// The number of registers that the values of a vector block may take: all, except one for
    /// temporaries and one for what is hoisted.
    pub(super) fn register_budget(&self) -> u32 {
        self.n_registers - 2
    }
}

/// Lanes for which instructions are emitted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VectorBlock {
    pub(crate) n_lanes: u32,
    /// The width of the registers.
    pub(crate) width: Width,
}

impl VectorBlock {
    pub(crate) const ONE_LANE: VectorBlock = VectorBlock { n_lanes: 1, width: Width::Bits128 };

    /// The number of registers that a value takes; a part of one counts as one.
    pub(crate) fn n_registers(self, ty: Ty) -> u32 {
        (self.n_lanes * ty.bytes).div_ceil(self.width.bytes())
    }
}
