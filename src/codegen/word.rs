//! Numbers of 64 bits that loops need, as addresses and strides: in general registers while they
//! are few, else in memory.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::FunctionBuilder;

/// Where a number of 64 bits is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// In a register, all through the loop.
    Register(Value),
    /// In memory, `at` bytes after `base`. It is loaded at each use.
    Memory { base: Value, at: i32 },
    /// A value plus a constant. They are added at each use.
    Sum(Value, i64),
}

impl Word {
    pub(super) fn get(self, builder: &mut FunctionBuilder<'_>) -> Value {
        match self {
            Word::Register(value) => value,
            Word::Memory { base, at } => {
                builder.ins().load(types::I64, MemFlagsData::new().with_notrap().with_aligned(), base, at)
            }
            Word::Sum(base, offset) => {
                let offset = builder.ins().iconst(types::I64, offset);
                builder.ins().iadd(base, offset)
            }
        }
    }

    /// True if `get` emits no instruction.
    pub(super) fn is_kept(self) -> bool {
        matches!(self, Word::Register(_))
    }
}
