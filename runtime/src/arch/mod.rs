//! The CPU that this process runs on, as code generation and dispatch see it.
//!
//! Results never depend on it; speed does. `NDEXPR_CPU` lowers the level, so that tests reach every path on one machine.

use std::sync::LazyLock;

/// How much of the CPU's instruction set is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CpuLevel {
    /// What every supported CPU has: SSE4.2 on x86-64.
    Generic,
    /// AVX2 and FMA on x86-64.
    Avx2,
    /// All that the CPU has; AVX-512 is used where it is there.
    Native,
}

impl CpuLevel {
    /// The level of this process, decided when first asked for: all that the CPU has, or less if the environment
    /// variable `NDEXPR_CPU` is `generic` or `avx2`. Any other value (`avx512`, `native`) means all. A level that the
    /// CPU does not reach falls to the next one below.
    #[must_use]
    pub fn current() -> CpuLevel {
        static CURRENT: LazyLock<CpuLevel> = LazyLock::new(|| {
            let wanted = match std::env::var("NDEXPR_CPU").as_deref() {
                Ok("generic") => CpuLevel::Generic,
                Ok("avx2") => CpuLevel::Avx2,
                _ => CpuLevel::Native,
            };
            wanted.limited_to(highest_fixed_level())
        });
        *CURRENT
    }

    /// `Native` where the CPU does not even reach the level wanted.
    fn limited_to(self, highest: Option<CpuLevel>) -> CpuLevel {
        match (self, highest) {
            (CpuLevel::Native, _) | (_, None) => CpuLevel::Native,
            (wanted, Some(highest)) => wanted.min(highest),
        }
    }

    /// The name that `NDEXPR_CPU` knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CpuLevel::Generic => "generic",
            CpuLevel::Avx2 => "avx2",
            CpuLevel::Native => "native",
        }
    }
}

/// The highest level below `Native` that the CPU has all of; none if it lacks even the lowest.
fn highest_fixed_level() -> Option<CpuLevel> {
    #[cfg(target_arch = "x86_64")]
    {
        let has_base = std::is_x86_feature_detected!("sse4.2")
            && std::is_x86_feature_detected!("ssse3")
            && std::is_x86_feature_detected!("popcnt");
        let has_avx2 = std::is_x86_feature_detected!("avx2")
            && std::is_x86_feature_detected!("fma")
            && std::is_x86_feature_detected!("bmi1")
            && std::is_x86_feature_detected!("bmi2")
            && std::is_x86_feature_detected!("lzcnt");
        has_base.then_some(if has_avx2 { CpuLevel::Avx2 } else { CpuLevel::Generic })
    }
    #[cfg(not(target_arch = "x86_64"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_never_above_the_cpu() {
        let levels = [CpuLevel::Generic, CpuLevel::Avx2, CpuLevel::Native];
        for wanted in levels {
            assert_eq!(wanted.limited_to(None), CpuLevel::Native, "below the lowest there is only what is there");
            let limited = wanted.limited_to(Some(CpuLevel::Generic));
            assert_ne!(limited, CpuLevel::Avx2);
            assert_eq!(wanted.limited_to(Some(CpuLevel::Avx2)), wanted);
        }
    }
}
