//! Bundles: the registers that hold one value for all lanes of a vector block.

use crate::tape::{Kind, Ty};
use cranelift_codegen::ir::{Type, Value, types};
use smallvec::SmallVec;

/// Registers in the order of the lanes. A uniform value has one register for any block, with the
/// same element in every lane.
#[derive(Clone, Debug)]
pub(super) struct Bundle {
    pub(super) registers: SmallVec<[Value; 8]>,
    pub(super) is_uniform: bool,
}

impl Bundle {
    /// The register for the `i`th part of the block.
    pub(super) fn register(&self, i: usize) -> Value {
        self.registers[if self.is_uniform { 0 } else { i }]
    }
}

/// The register type of a value. Where registers have 256 bits, it is the type of the first half.
pub(super) fn register_type(ty: Ty) -> Type {
    match (ty.kind, ty.bytes) {
        (Kind::Float, 4) => types::F32X4,
        (Kind::Float, _) => types::F64X2,
        (_, bytes) => int_register(bytes),
    }
}

/// The type of a register of integers of this many bytes.
pub(super) fn int_register(bytes: u32) -> Type {
    match bytes {
        1 => types::I8X16,
        2 => types::I16X8,
        4 => types::I32X4,
        _ => types::I64X2,
    }
}
