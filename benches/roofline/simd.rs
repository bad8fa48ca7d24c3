//! Loops for the widest vectors that the processor has, and stores that go past the caches.

use std::sync::OnceLock;

/// Vectors that the processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Those that every processor of the architecture has.
    Baseline,
    Avx2,
    Avx512,
}

impl Level {
    pub(crate) fn detected() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            {
                let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                let has_avx512 = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl");
                match (has_avx2, has_avx512) {
                    (true, true) => return Level::Avx512,
                    (true, false) => return Level::Avx2,
                    (false, _) => {}
                }
            }
            Level::Baseline
        })
    }

    /// Those that the processor has.
    pub(crate) fn available() -> impl Iterator<Item = Level> {
        [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|&level| level <= Level::detected())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::Baseline => "baseline vectors",
            Level::Avx2 => "AVX2",
            Level::Avx512 => "AVX-512",
        }
    }
}

/// Makes functions that are compiled once for each level, and whose first argument chooses among
/// these.
macro_rules! for_each_level {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        pub(crate) fn $name(level: $crate::simd::Level $(, $arg: $ty)*) $(-> $result)? {
            #[inline(always)]
            fn any($($arg: $ty),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $ty),*) $(-> $result)? {
                any($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512($($arg: $ty),*) $(-> $result)? {
                any($($arg),*)
            }

            match level.min($crate::simd::Level::detected()) {
                // SAFETY: the level is at most the detected one, so the processor has these
                // features.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx2 => unsafe { avx2($($arg),*) },
                _ => any($($arg),*),
            }
        }
    )*};
}
pub(crate) use for_each_level;

/// How a loop writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stores {
    Ordinary,
    /// Past the caches, without reading what is overwritten.
    Streaming,
}

impl Stores {
    /// Those that the processor has.
    pub(crate) fn available() -> &'static [Stores] {
        match Level::detected() {
            Level::Baseline => &[Stores::Ordinary],
            Level::Avx2 | Level::Avx512 => &[Stores::Ordinary, Stores::Streaming],
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Stores::Ordinary => "ordinary",
            Stores::Streaming => "streaming",
        }
    }
}

/// A block that is streamed must begin at a multiple of this.
pub(crate) const ALIGNMENT: usize = 64;

/// Writes a block past the caches. The caller ends with [`fence`].
///
/// # Safety
///
/// The address of `to` is a multiple of [`ALIGNMENT`], the block's length is a multiple of 32
/// bytes, and the processor has AVX.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx")]
#[inline]
pub(crate) unsafe fn stream<T: crate::memory::Number, const N: usize>(to: &mut [T; N], from: &[T; N]) {
    use std::arch::x86_64::{__m256i, _mm256_loadu_si256, _mm256_stream_si256};
    let (to, from) = (to.as_mut_ptr().cast::<__m256i>(), from.as_ptr().cast::<__m256i>());
    for k in 0..size_of::<[T; N]>() / size_of::<__m256i>() {
        // SAFETY: both blocks have this many vectors, and the caller aligned the one written.
        unsafe { _mm256_stream_si256(to.add(k), _mm256_loadu_si256(from.add(k))) };
    }
}

/// Writes a block by ordinary stores, because this architecture has no streaming ones here.
///
/// # Safety
///
/// None is needed.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn stream<T: crate::memory::Number, const N: usize>(to: &mut [T; N], from: &[T; N]) {
    *to = *from;
}

/// Orders streamed stores before all later ones, so that other threads see them.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has SSE.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}
