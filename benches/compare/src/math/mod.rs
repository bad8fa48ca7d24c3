//! Math functions: ndexpr's, Intel SVML's, and the scalar ones of the standard library and the
//! system's libm.
//!
//! | module      | job |
//! |-------------|-----|
//! | [`functions`] | the table: one row per function, with its arguments and who has it |
//! | [`arrays`]  | arguments and results, in L1 |
//! | [`ours`]    | loops by ndexpr |
//! | [`svml`]    | loops by SVML |
//! | [`scalar`]  | loops by scalar functions |
//! | [`check`]   | that all compute the same |
//! | [`measure`] | one row of the result |
//! | [`report`]  | the result as text and JSON |

pub mod arrays;
pub mod check;
pub mod functions;
pub mod measure;
pub mod ours;
pub mod report;
pub mod scalar;
pub mod svml;

use arrays::Arrays;

/// A loop over all elements of the arrays.
pub type Loop<T> = Box<dyn Fn(&mut Arrays<T>)>;

/// The instruction set that a vector function is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every CPU has.
    Generic,
    /// AVX2 and FMA: 256 bits.
    Avx2,
    /// AVX-512 as of Skylake-X: 512 bits.
    Avx512,
}

impl Level {
    /// Whether the CPU has it.
    #[must_use]
    pub fn is_here(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let has_avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            match self {
                Level::Generic => true,
                Level::Avx2 => has_avx2,
                Level::Avx512 => has_avx2 && has_avx512,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        matches!(self, Level::Generic)
    }
}

/// Whose function it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contender {
    /// ndexpr's.
    Ours(Level),
    /// Intel SVML's of high accuracy (below 1 ULP).
    Svml(Level),
    /// The standard library's, or libm's.
    Scalar,
}

impl Contender {
    /// Every contender, in the order of the columns.
    pub const ALL: [Contender; 6] = [
        Contender::Ours(Level::Avx512),
        Contender::Ours(Level::Avx2),
        Contender::Ours(Level::Generic),
        Contender::Svml(Level::Avx512),
        Contender::Svml(Level::Avx2),
        Contender::Scalar,
    ];

    /// Its column's heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Contender::Ours(Level::Avx512) => "ndexpr AVX-512",
            Contender::Ours(Level::Avx2) => "ndexpr AVX2",
            Contender::Ours(Level::Generic) => "ndexpr generic",
            Contender::Svml(Level::Avx512) => "SVML AVX-512",
            Contender::Svml(_) => "SVML AVX2",
            Contender::Scalar => "std/libm",
        }
    }

    /// Its key in JSON.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Contender::Ours(Level::Avx512) => "ndexpr_avx512",
            Contender::Ours(Level::Avx2) => "ndexpr_avx2",
            Contender::Ours(Level::Generic) => "ndexpr_generic",
            Contender::Svml(Level::Avx512) => "svml_avx512",
            Contender::Svml(_) => "svml_avx2",
            Contender::Scalar => "scalar",
        }
    }
}
