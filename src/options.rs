//! What a caller may choose.

use ndexpr_grammar::Limits;

/// How freely floats are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FloatMode {
    /// Every operation is rounded by itself, as IEEE 754 has it: the bits are those of NumPy.
    #[default]
    Strict,
    /// Products and sums may become fused multiply-adds. Division by a constant may become
    /// multiplication by its inverse, and powers may become plain products. Constants may be
    /// brought together. The bits are still the same for any number of threads and any layout.
    Fast,
}

/// What runs a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// Machine code, compiled by Cranelift.
    #[default]
    Jit,
    /// The reference interpreter: slow, but it gives the same bits.
    Interp,
}

impl Backend {
    /// `"jit"` or `"interp"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Backend::Jit => "jit",
            Backend::Interp => "interp",
        }
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// What to do with variables that a text does not use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unused {
    /// Nothing: a caller may offer more than a formula needs.
    #[default]
    Allow,
    /// They are an error: one of them may be a misspelling.
    Deny,
}

/// The widest vector registers of compiled code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Registers {
    #[default]
    Widest,
    /// For comparing with the widest registers: results have the same bits.
    Bits128,
}

/// All choices of an engine that change what it compiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct CompileOptions {
    pub(crate) floats: FloatMode,
    pub(crate) backend: Backend,
    pub(crate) unused: Unused,
    pub(crate) limits: Limits,
    pub(crate) registers: Registers,
    pub(crate) max_iterations: MaxIterations,
}

/// The most iterations of a loop for one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MaxIterations(pub(crate) u64);

impl Default for MaxIterations {
    fn default() -> MaxIterations {
        MaxIterations(10_000_000)
    }
}
