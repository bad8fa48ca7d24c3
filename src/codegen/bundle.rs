//! Bundles: the registers that hold one value for all lanes of a strip.

use crate::tape::{Kind, Ty};
use cranelift_codegen::ir::{Type, Value, types};
use smallvec::SmallVec;

/// The bytes of a vector register: all that Cranelift has.
pub(super) const REGISTER_BYTES: u32 = 16;

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

/// The registers that a strip of so many lanes takes; a part of one counts as one.
pub(super) fn n_registers(ty: Ty, n_lanes: u32) -> usize {
    (n_lanes * ty.bytes).div_ceil(REGISTER_BYTES) as usize
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
