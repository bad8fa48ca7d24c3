//! Loops by ndexpr.

use super::arrays::{Arrays, Real};
use super::functions::{Form, Function};
use super::{Level, Loop};
use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::math::{MathFn, MathPair};

/// ndexpr's function over elements of type `T`, if it has it and the CPU has the level.
#[must_use]
pub fn ours<T: Real>(function: &Function, level: Level) -> Option<Loop<T>> {
    let form = function.form;
    let (name, level) = (function.ours, cpu_level(level)?);
    let tile = if form == Form::Split {
        MathPair::ALL.into_iter().find(|pair| pair.name() == name)?.tile_fns(T::DTYPE)?.ordinary_at(level)?
    } else {
        MathFn::ALL.into_iter().find(|math_fn| math_fn.name() == name)?.tile_fns(T::DTYPE)?.ordinary_at(level)?
    };
    // A loop is one call, as compiled expressions make it for a tile.
    Some(Box::new(move |Arrays { a, b, out, out2 }: &mut Arrays<T>| {
        let second = if form == Form::Split { out2.as_mut_ptr() } else { b.as_mut_ptr() };
        // SAFETY: `tile` is for elements of type `T`, and all arrays are of `a.len()` such
        // elements. They do not overlap. `second` is the second argument's or the second result's;
        // a function without either ignores it.
        unsafe { tile(a.len(), out.as_mut_ptr().cast(), a.as_ptr().cast(), second.cast()) }
    }))
}

fn cpu_level(level: Level) -> Option<CpuLevel> {
    match level {
        Level::Generic => Some(CpuLevel::Generic),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Some(CpuLevel::Avx2),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Some(CpuLevel::Avx512),
        #[cfg(not(target_arch = "x86_64"))]
        _ => None,
    }
}
