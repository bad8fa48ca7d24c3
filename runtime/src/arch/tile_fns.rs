//! The code of a function for each CPU level, of which the right one is handed out.

use std::fmt;

use super::CpuLevel;
use crate::abi::TileFn;

/// One function's code for one dtype: a [`TileFn`] for each CPU level.
#[derive(Clone, Copy)]
pub struct TileFns {
    /// One for each [`CpuLevel`], in the order of the levels.
    ordinary: PerLevel,
    /// The same with stores past the caches.
    streaming: Option<PerLevel>,
    levels: Levels,
}

/// How the code of one level differs from another's.
#[derive(Clone, Copy)]
enum Levels {
    /// It is the same.
    Same,
    /// Each has vectors of its own.
    Vectors,
    /// The lowest has no vectors.
    ScalarFirst,
}

/// The code of each level, in their order.
pub(super) type PerLevel = [TileFn; CpuLevel::ALL.len()];

impl TileFns {
    /// Vectors of its own for each level.
    pub(super) const fn of_vectors(ordinary: PerLevel, streaming: Option<PerLevel>) -> TileFns {
        TileFns { ordinary, streaming, levels: Levels::Vectors }
    }

    /// The same code at every level.
    pub(crate) const fn same(tile: TileFn) -> TileFns {
        TileFns { ordinary: [tile; CpuLevel::ALL.len()], streaming: None, levels: Levels::Same }
    }

    /// The same, but with other code for a CPU of x86 of which nothing is known, because fused
    /// multiply-adds take long there.
    pub(crate) const fn with_scalar(mut self, tile: TileFn) -> TileFns {
        if cfg!(target_arch = "x86_64") {
            self.ordinary[CpuLevel::Generic as usize] = tile;
            self.levels = Levels::ScalarFirst;
        }
        self
    }

    /// The code for the level of this process.
    #[must_use]
    pub fn ordinary(&self) -> Option<TileFn> {
        self.ordinary_at(CpuLevel::current())
    }

    /// The code for a level; `None` if the CPU does not have the level. The results are the same at
    /// every level.
    #[must_use]
    pub fn ordinary_at(&self, level: CpuLevel) -> Option<TileFn> {
        at(self.ordinary, level)
    }

    /// The code for the level of this process that writes its result past the caches: the caller
    /// must execute a fence before it publishes the result. `None` if there is no such code.
    #[must_use]
    pub fn streaming(&self) -> Option<TileFn> {
        self.streaming_at(CpuLevel::current())
    }

    /// The same as [`streaming`](TileFns::streaming), for a given level; `None` also if the CPU
    /// does not have the level.
    #[must_use]
    pub fn streaming_at(&self, level: CpuLevel) -> Option<TileFn> {
        if level == CpuLevel::Generic && matches!(self.levels, Levels::ScalarFirst) {
            return None;
        }
        at(self.streaming?, level)
    }

    /// Roughly how many times longer the code takes at a level than at the highest there is.
    // Chosen by "level-slowdown" in docs/measurements.md.
    pub(crate) fn slowdown(&self, level: CpuLevel) -> f32 {
        match level {
            _ if matches!(self.levels, Levels::Same) => 1.0,
            #[cfg(target_arch = "x86_64")]
            CpuLevel::Avx512 => 1.0,
            #[cfg(target_arch = "x86_64")]
            CpuLevel::Avx2 => 1.6,
            CpuLevel::Generic if matches!(self.levels, Levels::ScalarFirst) => 10.0,
            CpuLevel::Generic if cfg!(target_arch = "x86_64") => 60.0,
            // Vectors of 128 bits, with FMA.
            CpuLevel::Generic => 4.0,
        }
    }
}

impl fmt::Debug for TileFns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TileFns")
    }
}

/// The code for a level, if the CPU has the level. All code is handed out here, so those who call
/// the code need not check the level.
fn at(code: PerLevel, level: CpuLevel) -> Option<TileFn> {
    (level <= CpuLevel::highest()).then_some(code[level as usize])
}
