//! What the math functions are written over: vectors of floats, the integers of their bits, and
//! masks.
//!
//! Always true:
//!
//! - Every operation is defined lane by lane and to the bit, so a function that uses only these
//!   operations has one result, whatever the instance. There are no approximate reciprocals, and
//!   every `a * b + c` states how it is rounded. Lanes do not affect each other. The exception is
//!   [`Mask::any`], which may only choose *how* a lane is computed. It is left open which NaN a
//!   result is.
//! - A vector, its bits or a mask exists only where the CPU has the instructions of its instance. A
//!   vector can be made only from another one or from a [`Level`], which is the proof that the CPU
//!   has them; the types' fields are private to their instances. So the operations are safe
//!   functions. Proofs have no size, and cost nothing.
//!
//! The compiler must also know that it may use the instructions. It knows this inside the tile
//! functions of `tiles.rs`, into which all of this is inlined.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

/// The proof that the CPU has the instructions of a [`CpuLevel`](super::CpuLevel).
pub(crate) trait Level: Copy {
    /// Makes the proof, which is true on the caller's word.
    ///
    /// # Safety
    ///
    /// The CPU has the level.
    unsafe fn assume() -> Self;
}

/// Floats, one for each lane.
pub(crate) trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// Proves that the CPU has the instructions of this instance.
    type Level: Level;
    /// `f32` or `f64`.
    type Elem: Float;
    /// As many integers of the same width.
    type Bits: Bits<Elem = <Self::Elem as Float>::Bits, Mask = Self::Mask>;
    /// One truth value for each lane.
    type Mask: Mask;

    const LANES: usize;

    /// The proof that is in every vector.
    fn level(self) -> Self::Level;

    /// `value` in every lane.
    fn splat_at(level: Self::Level, value: Self::Elem) -> Self;

    /// Reads [`LANES`](Vector::LANES) elements.
    ///
    /// # Safety
    ///
    /// The elements are readable and initialised; `src` needs no alignment.
    unsafe fn load(level: Self::Level, src: *const Self::Elem) -> Self;

    /// Writes [`LANES`](Vector::LANES) elements.
    ///
    /// # Safety
    ///
    /// The elements are writable; `dst` needs no alignment.
    unsafe fn store(self, dst: *mut Self::Elem);

    /// Writes all lanes past the caches, where there is an instruction for that.
    ///
    /// # Safety
    ///
    /// The same as for [`store`](Vector::store), but `dst` must be aligned to the size of `Self`,
    /// and a fence must order these stores before the one that publishes the elements.
    unsafe fn stream(self, dst: *mut Self::Elem);

    /// Writes the first `n < LANES` lanes past the caches, as far as there are instructions for so
    /// few. A cache line of which only a part is streamed must be read from memory, and the stores
    /// that follow wait for that.
    ///
    /// # Safety
    ///
    /// The same as for [`store_first`](Vector::store_first), and a fence as after
    /// [`stream`](Vector::stream).
    unsafe fn stream_first(self, dst: *mut Self::Elem, n: usize);

    /// Reads `n < LANES` elements into the first lanes; the others are 1.
    ///
    /// # Safety
    ///
    /// The same as for [`load`](Vector::load), for `n` elements.
    unsafe fn load_first(level: Self::Level, src: *const Self::Elem, n: usize) -> Self;

    /// Writes the first `n < LANES` lanes.
    ///
    /// # Safety
    ///
    /// The same as for [`store`](Vector::store), for `n` elements.
    unsafe fn store_first(self, dst: *mut Self::Elem, n: usize);

    /// `self * factor + addend`, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// `self * factor - subtrahend`, rounded once.
    fn mul_sub(self, factor: Self, subtrahend: Self) -> Self;

    /// `minuend - self * factor`, rounded once.
    fn neg_mul_add(self, factor: Self, minuend: Self) -> Self;

    fn sqrt(self) -> Self;

    /// The nearest whole number; of two equally near ones, the even one.
    fn round(self) -> Self;

    /// `self < other`; false where either is NaN, like the comparisons below.
    fn lt(self, other: Self) -> Self::Mask;
    fn le(self, other: Self) -> Self::Mask;
    fn eq(self, other: Self) -> Self::Mask;

    /// True where the lane is NaN.
    fn is_nan(self) -> Self::Mask;

    /// `if_true` where the mask is set, `if_false` elsewhere.
    fn select(mask: Self::Mask, if_true: Self, if_false: Self) -> Self;

    /// The greater of both; `other` where either is NaN or they are equal.
    fn max(self, other: Self) -> Self;

    /// The lesser of both; `other` where either is NaN or they are equal.
    fn min(self, other: Self) -> Self;

    fn to_bits(self) -> Self::Bits;
    fn from_bits(bits: Self::Bits) -> Self;

    /// `self * 2^exponent`, rounded once, for whole exponents: in `f64` for lanes of magnitude in
    /// `2^-100..2^100` and exponents in `-2000..=2000`, in `f32` for lanes in `2^-20..2^20` and
    /// exponents in `-250..=250`. Lanes may also be 0, infinite or NaN.
    fn scale(self, exponent: Self) -> Self;

    /// The signed integers as floats; magnitudes below 2^51 for `f64`, 2^22 for `f32`.
    fn from_int(int: Self::Bits) -> Self;

    /// Whole floats as signed integers; magnitudes below 2^51 for `f64`, 2^22 for `f32`.
    fn to_int(self) -> Self::Bits;

    /// `table[idx % N]` for each lane; `N` is a power of two.
    fn lookup<const N: usize>(table: &[Self::Elem; N], idx: Self::Bits) -> Self;

    /// `N` columns, from `first` on, of row `idx % ROWS` of the table for each lane; `ROWS` is a
    /// power of two.
    #[inline(always)]
    fn lookup_columns<const ROWS: usize, const COLUMNS: usize, const N: usize>(
        table: &Table<Self::Elem, ROWS, COLUMNS>,
        idx: Self::Bits,
        first: usize,
    ) -> [Self; N] {
        // Every element is replaced below.
        let mut found = [Self::from_bits(idx); N];
        for (value, column) in found.iter_mut().zip(&table.columns[first..first + N]) {
            *value = Self::lookup(column, idx);
        }
        found
    }

    // What follows is the same for every instance.

    /// `value` in every lane. This vector only proves that the CPU has the instructions.
    #[inline(always)]
    fn splat(self, value: Self::Elem) -> Self {
        Self::splat_at(self.level(), value)
    }

    /// The integer `value` in every lane. This vector only proves that the CPU has the
    /// instructions.
    #[inline(always)]
    fn splat_bits(self, value: <Self::Elem as Float>::Bits) -> Self::Bits {
        self.to_bits().splat(value)
    }

    #[inline(always)]
    fn gt(self, other: Self) -> Self::Mask {
        other.lt(self)
    }

    #[inline(always)]
    fn ge(self, other: Self) -> Self::Mask {
        other.le(self)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Self::from_bits(self.to_bits() & !self.splat_bits(Self::Elem::SIGN))
    }

    /// The sign bit alone: 0.0 or -0.0.
    #[inline(always)]
    fn sign(self) -> Self {
        Self::from_bits(self.to_bits() & self.splat_bits(Self::Elem::SIGN))
    }

    /// `self`, negated where the sign bit of `other` is set.
    #[inline(always)]
    fn xor_sign(self, other: Self) -> Self {
        Self::from_bits(self.to_bits() ^ other.sign().to_bits())
    }

    /// The magnitude of `self` with the sign of `other`.
    #[inline(always)]
    fn copysign(self, other: Self) -> Self {
        Self::from_bits(self.abs().to_bits() | other.sign().to_bits())
    }

    /// `self`, but where `rare` is set, the result of `function` for the arguments. The function is
    /// called out of line, for one lane after the other.
    #[inline(always)]
    fn patch(self, rare: Self::Mask, args: [Self; 2], function: fn(Self::Elem, Self::Elem) -> Self::Elem) -> Self {
        if rare.any() { patch_lanes(self, rare, args, |[x, y]| function(x, y)) } else { self }
    }
}

/// The most lanes that any instance has.
const MAX_LANES: usize = 16;

#[cold]
#[inline(never)]
fn patch_lanes<V: Vector>(value: V, rare: V::Mask, args: [V; 2], function: impl Fn([V::Elem; 2]) -> V::Elem) -> V {
    const { assert!(V::LANES <= MAX_LANES) };
    let mut values = [V::Elem::ONE; MAX_LANES];
    let mut xs = [V::Elem::ONE; MAX_LANES];
    let mut ys = [V::Elem::ONE; MAX_LANES];
    // SAFETY: each array has room for `LANES` elements, and is initialised.
    unsafe {
        value.store(values.as_mut_ptr());
        args[0].store(xs.as_mut_ptr());
        args[1].store(ys.as_mut_ptr());
    }
    for lane in 0..V::LANES {
        if rare.lane(lane) {
            values[lane] = function([xs[lane], ys[lane]]);
        }
    }
    // SAFETY: as above.
    unsafe { V::load(value.level(), values.as_ptr()) }
}

/// A table that is stored twice: by columns, for instances that permute registers, and by rows, for
/// instances that load. It is aligned so that what one register holds of a column is in one cache
/// line.
#[repr(align(64))]
pub(crate) struct Table<T, const ROWS: usize, const COLUMNS: usize> {
    pub(super) columns: [[T; ROWS]; COLUMNS],
    #[cfg_attr(not(any(target_arch = "x86_64", test)), expect(dead_code, reason = "other instances read columns"))]
    pub(super) rows: [[T; COLUMNS]; ROWS],
}

impl<T: Copy, const ROWS: usize, const COLUMNS: usize> Table<T, ROWS, COLUMNS> {
    pub(crate) const fn new(rows: [[T; COLUMNS]; ROWS]) -> Table<T, ROWS, COLUMNS> {
        let mut columns = [[rows[0][0]; ROWS]; COLUMNS];
        let mut idx = 0;
        while idx < ROWS * COLUMNS {
            columns[idx % COLUMNS][idx / COLUMNS] = rows[idx / COLUMNS][idx % COLUMNS];
            idx += 1;
        }
        Table { columns, rows }
    }

    pub(crate) const fn of_columns(columns: [[T; ROWS]; COLUMNS]) -> Table<T, ROWS, COLUMNS> {
        let mut rows = [[columns[0][0]; COLUMNS]; ROWS];
        let mut idx = 0;
        while idx < ROWS * COLUMNS {
            rows[idx / COLUMNS][idx % COLUMNS] = columns[idx % COLUMNS][idx / COLUMNS];
            idx += 1;
        }
        Table { columns, rows }
    }
}

/// Vectors of `f64`.
pub(crate) trait F64s: Vector<Elem = f64> {}

impl<V: Vector<Elem = f64>> F64s for V {}

/// Vectors of `f32`, whose lanes can be computed with in `f64`.
pub(crate) trait F32s: Vector<Elem = f32> {
    /// Half as many `f64`.
    type Wide: F64s<Level = Self::Level>;

    /// The first and the second half of the lanes, as `f64`.
    fn widen(self) -> [Self::Wide; 2];

    /// The inverse of [`widen`](F32s::widen), rounded.
    fn narrow(halves: [Self::Wide; 2]) -> Self;
}

/// Integers, one for each lane; arithmetic wraps around.
pub(crate) trait Bits:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
{
    /// `u32` or `u64`.
    type Elem: Copy;
    type Mask: Mask;

    /// `value` in every lane. This vector only proves that the CPU has the instructions.
    fn splat(self, value: Self::Elem) -> Self;

    /// Shifts to the left by `count`, which is less than the width.
    fn shl(self, count: u32) -> Self;

    /// Shifts to the right by `count`, which is less than the width; zeros come in.
    fn shr(self, count: u32) -> Self;

    fn eq(self, other: Self) -> Self::Mask;

    /// `self < other`, both signed.
    fn lt_signed(self, other: Self) -> Self::Mask;

    /// `if_true` where the mask is set, `if_false` elsewhere.
    fn select(mask: Self::Mask, if_true: Self, if_false: Self) -> Self;
}

/// Truth values, one for each lane.
pub(crate) trait Mask: Copy + BitAnd<Output = Self> + BitOr<Output = Self> + Not<Output = Self> {
    /// True if any lane is set.
    fn any(self) -> bool;

    /// True if this lane is set.
    fn lane(self, lane: usize) -> bool;
}

/// The element types.
pub(crate) trait Float: Copy {
    type Bits: Copy;
    const ONE: Self;
    /// The sign bit.
    const SIGN: Self::Bits;
}

impl Float for f32 {
    type Bits = u32;
    const ONE: f32 = 1.0;
    const SIGN: u32 = 1 << 31;
}

impl Float for f64 {
    type Bits = u64;
    const ONE: f64 = 1.0;
    const SIGN: u64 = 1 << 63;
}

#[cfg(test)]
mod tests;
