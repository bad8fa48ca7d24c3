//! Bundles: the registers that hold one value for all lanes of a vector block.

use crate::tape::{Kind, Ty};
use cranelift_codegen::ir::{Type, Value, types};
use smallvec::SmallVec;

/// Registers in the order of the lanes. A uniform value has one, with the same in every lane,
/// whatever the block.
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

/// The register type of a value: of its first half, where registers have 256 bits.
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
