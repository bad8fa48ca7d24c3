//! The dtypes as reductions see them: elements in memory, and what they are compared as.

/// A dtype. `bool` stands for elements that are bytes, true unless 0.
pub(super) trait Source {
    /// An element as it is in memory.
    type Raw: Copy;
    type Key: Key;
    /// An element that no other is below.
    const LEAST: Self::Raw;
    /// An element that no other is above.
    const GREATEST: Self::Raw;

    fn key(raw: Self::Raw) -> Self::Key;
}

/// What elements are compared as.
pub(super) trait Key: Copy + PartialOrd {
    /// The number of a row of a leaf. It is as wide as the key, so that vectors of both have as
    /// many lanes.
    type Row: Copy;
    /// The key in eight bytes, in the same order.
    type Wide: Key;

    fn is_nan(self) -> bool;
    fn widen(self) -> Self::Wide;
    fn row(row: usize) -> Self::Row;
    fn row_index(row: Self::Row) -> u64;
}

/// Which of two keys is better: the lesser or the greater.
pub(super) trait Order {
    /// Whether `x` is better than `y`; false if either is NaN.
    fn is_better<K: Key>(x: K, y: K) -> bool;
    /// Whether `x` is worse than `y` or equal; false if either is NaN.
    fn is_no_better<K: Key>(x: K, y: K) -> bool;
    /// An element that none is worse than.
    fn worst<S: Source>() -> S::Raw;
}

/// The least is the best.
pub(super) struct Lowest;

/// The greatest is the best.
pub(super) struct Highest;

impl Order for Lowest {
    #[inline(always)]
    fn is_better<K: Key>(x: K, y: K) -> bool {
        x < y
    }

    #[inline(always)]
    fn is_no_better<K: Key>(x: K, y: K) -> bool {
        x >= y
    }

    #[inline(always)]
    fn worst<S: Source>() -> S::Raw {
        S::GREATEST
    }
}

impl Order for Highest {
    #[inline(always)]
    fn is_better<K: Key>(x: K, y: K) -> bool {
        x > y
    }

    #[inline(always)]
    fn is_no_better<K: Key>(x: K, y: K) -> bool {
        x <= y
    }

    #[inline(always)]
    fn worst<S: Source>() -> S::Raw {
        S::LEAST
    }
}

impl Source for bool {
    type Raw = u8;
    type Key = u8;
    const LEAST: u8 = 0;
    const GREATEST: u8 = 1;

    #[inline(always)]
    fn key(raw: u8) -> u8 {
        u8::from(raw != 0)
    }
}

macro_rules! keys {
    ($($ty:ident, $row:ident, $wide:ident, $least:expr, $greatest:expr, $is_nan:expr;)*) => {$(
        impl Source for $ty {
            type Raw = $ty;
            type Key = $ty;
            const LEAST: $ty = $least;
            const GREATEST: $ty = $greatest;

            #[inline(always)]
            fn key(raw: $ty) -> $ty {
                raw
            }
        }

        impl Key for $ty {
            type Row = $row;
            type Wide = $wide;

            #[inline(always)]
            fn is_nan(self) -> bool {
                $is_nan(self)
            }

            #[inline(always)]
            fn widen(self) -> $wide {
                $wide::from(self)
            }

            #[inline(always)]
            fn row(row: usize) -> $row {
                row as $row
            }

            #[inline(always)]
            fn row_index(row: $row) -> u64 {
                u64::from(row)
            }
        }
    )*};
}

/// No integer is NaN.
#[inline(always)]
fn never<T>(_: T) -> bool {
    false
}

keys! {
    i8, u8, i64, i8::MIN, i8::MAX, never;
    i16, u16, i64, i16::MIN, i16::MAX, never;
    i32, u32, i64, i32::MIN, i32::MAX, never;
    i64, u64, i64, i64::MIN, i64::MAX, never;
    u8, u8, u64, u8::MIN, u8::MAX, never;
    u16, u16, u64, u16::MIN, u16::MAX, never;
    u32, u32, u64, u32::MIN, u32::MAX, never;
    u64, u64, u64, u64::MIN, u64::MAX, never;
    f32, u32, f64, f32::NEG_INFINITY, f32::INFINITY, f32::is_nan;
    f64, u64, f64, f64::NEG_INFINITY, f64::INFINITY, f64::is_nan;
}
