//! Numbers of 64 bits that loops need, as addresses and strides: in general registers while they
//! are few, else in memory.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use cranelift_frontend::FunctionBuilder;

/// Where such a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// In a register, all through the loop.
    Register(Value),
    /// In memory, so many bytes after this address. It is read for each use.
    Memory { base: Value, at: i32 },
    /// The sum of these. It is made for each use.
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

    /// False if getting it again would make it again.
    pub(super) fn is_kept(self) -> bool {
        matches!(self, Word::Register(_))
    }
}
