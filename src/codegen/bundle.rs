//! Bundles: the registers that hold one value for all lanes of a strip.

use crate::tape::{Kind, Ty};
use cranelift_codegen::ir::{Type, Value, types};
use smallvec::SmallVec;

/// How wide the vector registers of a strip are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// 128 bits: what Cranelift has.
    Bits128,
    /// 256 bits: Cranelift compiles for 128, and [`x64`](super::x64) rewrites the machine code. A value has the type of
    /// its first half.
    Bits256,
}

impl Width {
    pub(super) fn bytes(self) -> u32 {
        match self {
            Width::Bits128 => 16,
            Width::Bits256 => 32,
        }
    }
}

/// Registers in the order of the lanes. A uniform value has one, with the same in every lane, whatever the strip.
#[derive(Clone, Debug)]
pub(super) struct Bundle {
    pub(super) registers: SmallVec<[Value; 8]>,
    pub(super) is_uniform: bool,
}

impl Bundle {
    /// The register for the `i`th part of the strip.
    pub(super) fn register(&self, i: usize) -> Value {
        self.registers[if self.is_uniform { 0 } else { i }]
    }
}

/// The register type of a value.
pub(super) fn register_type(ty: Ty) -> Type {
    match (ty.kind, ty.bytes) {
        (Kind::Float, 4) => types::F32X4,
        (Kind::Float, _) => types::F64X2,
        (_, bytes) => int_register(bytes),
    }
}

/// A register of integers of so many bytes.
pub(super) fn int_register(bytes: u32) -> Type {
    match bytes {
        1 => types::I8X16,
        2 => types::I16X8,
        4 => types::I32X4,
        _ => types::I64X2,
    }
}
