//! The CPU that this process runs on, and vectors for it.
//!
//! [`CpuLevel`] is how much of the CPU's instruction set is used: it chooses among instances of the
//! math functions, and what code generation may emit. Results never depend on it; speed does.
//!
//! `vector` has the traits that the math functions are written over, `generic` and `x86_64` have
//! their instances, and `tiles` makes tile functions from them for every level, which `tile_fns`
//! hands out.
//!
//! Always true: code for a level runs only on CPUs that have the level. `tile_fns` hands out no
//! other code, and vectors of a level can be made only from a proof of it (`vector`).

pub(crate) mod generic;
pub(crate) mod tile_fns;
pub(crate) mod tiles;
pub(crate) mod vector;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use once_cell::race::OnceBox;

/// How much of the CPU's instruction set is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CpuLevel {
    /// What every supported CPU has: SSE4.2 on x86-64.
    Generic,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512: F, DQ, VL and BW.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl CpuLevel {
    /// Every level of this architecture, the lowest first.
    #[cfg(target_arch = "x86_64")]
    pub const ALL: [CpuLevel; 3] = [CpuLevel::Generic, CpuLevel::Avx2, CpuLevel::Avx512];
    /// Every level of this architecture, the lowest first.
    #[cfg(not(target_arch = "x86_64"))]
    pub const ALL: [CpuLevel; 1] = [CpuLevel::Generic];

    /// The level of this process, decided when first asked for: the [highest](CpuLevel::highest)
    /// that the CPU has, or a lower one if the environment variable `NDEXPR_CPU` has its
    /// [name](CpuLevel::name). The variable is there so that tests reach every path on one machine;
    /// any other value of it means the highest.
    #[must_use]
    pub fn current() -> CpuLevel {
        static CURRENT: OnceBox<CpuLevel> = OnceBox::new();
        *CURRENT.get_or_init(|| {
            let wanted = std::env::var("NDEXPR_CPU").ok();
            let wanted = CpuLevel::ALL.into_iter().find(|level| Some(level.name()) == wanted.as_deref());
            Box::new(wanted.map_or(CpuLevel::highest(), |wanted| wanted.min(CpuLevel::highest())))
        })
    }

    /// The highest level of which the CPU has all instructions.
    #[must_use]
    pub fn highest() -> CpuLevel {
        detect()
    }

    /// The name of the level, as in the environment variable `NDEXPR_CPU`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CpuLevel::Generic => "generic",
            #[cfg(target_arch = "x86_64")]
            CpuLevel::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            CpuLevel::Avx512 => "avx512",
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> CpuLevel {
    let has_avx2 = std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("fma")
        && std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("lzcnt");
    let has_avx512 = std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx512bw");
    match (has_avx2, has_avx512) {
        (true, true) => CpuLevel::Avx512,
        (true, false) => CpuLevel::Avx2,
        _ => CpuLevel::Generic,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> CpuLevel {
    CpuLevel::Generic
}

#[cfg(test)]
mod tests;
