//! Intel SVML, the vector math library of Intel's compilers: `libsvml.so`, loaded when it is there.
//!
//! Its functions take and return vectors in registers and are named
//!
//! ```text
//! __svml_exp8_ha_z0
//!        |  ||  +-- made for: z0 AVX-512, l9 AVX2
//!        |  |+----- high accuracy: below 1 ULP
//!        |  +------ lanes; f16 for 16 of float32
//!        +--------- C's name
//! ```
//!
//! Without the last part they choose by the CPU. They are asked for by full name here, so that a
//! CPU with AVX-512 runs the AVX2 code too, and so that no CPU is sent elsewhere for its maker.

#[cfg(target_arch = "x86_64")]
mod calls;

use super::arrays::Real;
use super::functions::Function;
use super::{Level, Loop};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::path::Path;

/// What to do if it is not there.
pub const HOW_TO_INSTALL: &str = "\
For SVML's columns: pip download --no-deps intel-cmplr-lib-rt && unzip intel_cmplr_lib_rt-*.whl
and pass --svml path/to/libsvml.so, which is in *.data/data/lib.";

/// The loaded library. It stays loaded until the process ends, so its functions may be kept.
pub struct Svml(&'static Library);

impl Svml {
    /// Loads it from a file, or from where the system looks for libraries.
    ///
    /// # Errors
    ///
    /// The loader's words.
    pub fn load(path: Option<&Path>) -> Result<Svml, libloading::Error> {
        let Some(path) = path else {
            return Ok(Svml(open(Path::new("libsvml.so"))?));
        };
        // A name without a directory would be looked for where the system's libraries are. If there
        // is no such file, the loader will say so.
        let path = path.canonicalize().unwrap_or(path.to_owned());
        // It needs a library next to it, and does not say where that is. If that is not there, the
        // system may have it.
        let _ = open(&path.with_file_name("libintlc.so.5"));
        Ok(Svml(open(&path)?))
    }

    fn symbol(&self, name: &str) -> Option<*const ()> {
        // SAFETY: an address is all that is asked for; what it is the address of, `calls` knows.
        unsafe { self.0.get::<*const ()>(name.as_bytes()) }.ok().map(|symbol| *symbol)
    }

    /// A function over elements of type `T`, if SVML has it and the CPU has the level.
    #[must_use]
    pub fn function<T: Vectors>(&self, function: &Function, level: Level) -> Option<Loop<T>> {
        if !level.is_here() {
            return None;
        }
        let (lanes, suffix) = match level {
            Level::Avx512 => (T::LANES_512, "z0"),
            Level::Avx2 => (T::LANES_256, "l9"),
            Level::Generic => return None,
        };
        let address = self.symbol(&format!("__svml_{}{lanes}_ha_{suffix}", function.svml?))?;
        // SAFETY: the name is that of a function of this form over vectors of this type and level,
        // which is here, and the library stays loaded.
        Some(unsafe { T::over(level, function.form, address) })
    }
}

fn open(path: &Path) -> Result<&'static Library, libloading::Error> {
    // SAFETY: what Intel's libraries run when they are loaded is sound on any thread.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }?;
    Ok(Box::leak(Box::new(library)))
}

/// Elements that SVML has vectors of.
pub trait Vectors: Real {
    /// How SVML's names give the lanes of 512 bits.
    const LANES_512: &'static str;
    /// How SVML's names give the lanes of 256 bits.
    const LANES_256: &'static str;

    /// A loop that calls a function for every vector.
    ///
    /// # Safety
    ///
    /// `address` is that of a function of this form over vectors of this type and level, forever;
    /// the CPU has the level.
    unsafe fn over(level: Level, form: super::functions::Form, address: *const ()) -> Loop<Self>;
}

#[cfg(not(target_arch = "x86_64"))]
mod elsewhere {
    //! SVML is for x86-64 only: there is nothing to call.

    use super::*;

    impl Vectors for f64 {
        const LANES_512: &'static str = "8";
        const LANES_256: &'static str = "4";
        unsafe fn over(_: Level, _: crate::math::functions::Form, _: *const ()) -> Loop<f64> {
            unreachable!("only `Level::Generic` is here")
        }
    }

    impl Vectors for f32 {
        const LANES_512: &'static str = "f16";
        const LANES_256: &'static str = "f8";
        unsafe fn over(_: Level, _: crate::math::functions::Form, _: *const ()) -> Loop<f32> {
            unreachable!("only `Level::Generic` is here")
        }
    }
}
