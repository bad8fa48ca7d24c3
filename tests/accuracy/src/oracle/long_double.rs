//! The C library's `long double` functions, reached through `long_double.c`.

use std::ffi::{CString, c_char, c_int};

unsafe extern "C" {
    fn ndexpr_long_double_index(name: *const c_char) -> c_int;
    fn ndexpr_long_double_error(idx: c_int, x: f64, y: f64, found: f64) -> f64;
}

/// A function that is there.
#[derive(Clone, Copy)]
pub(super) struct LongDouble(c_int);

impl LongDouble {
    /// The function of this name; `None` for all of them where `long double` is no wider than
    /// `double`.
    pub(super) fn of(name: &str) -> Option<LongDouble> {
        let name = CString::new(name).ok()?;
        // SAFETY: `name` is a C string that outlives the call, which only reads it.
        let idx = unsafe { ndexpr_long_double_index(name.as_ptr()) };
        (idx >= 0).then_some(LongDouble(idx))
    }

    /// About how many ULP `found` is from the value, or more where that is a power of two; `None`
    /// if only one of them is NaN, infinite or zero, or if their signs differ.
    pub(super) fn error(self, x: f64, y: f64, found: f64) -> Option<f64> {
        // SAFETY: the number is of a function that is there, by `of`; the others may be any.
        let error = unsafe { ndexpr_long_double_error(self.0, x, y, found) };
        (!error.is_nan()).then_some(error)
    }
}
