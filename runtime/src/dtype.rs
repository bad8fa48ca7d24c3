//! Element types: the closed set of dtypes, and the Rust types that stand for them.

use std::fmt;

/// The type of an array's elements. Named as NumPy names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DType {
    /// One byte, 0 or 1; any other byte read from memory counts as true.
    Bool,
    /// Signed 8-bit integer.
    Int8,
    /// Signed 16-bit integer.
    Int16,
    /// Signed 32-bit integer.
    Int32,
    /// Signed 64-bit integer.
    Int64,
    /// Unsigned 8-bit integer.
    UInt8,
    /// Unsigned 16-bit integer.
    UInt16,
    /// Unsigned 32-bit integer.
    UInt32,
    /// Unsigned 64-bit integer.
    UInt64,
    /// IEEE-754 binary32.
    Float32,
    /// IEEE-754 binary64.
    Float64,
}

impl DType {
    /// Every dtype, in declaration order.
    pub const ALL: [DType; 11] = [
        DType::Bool,
        DType::Int8,
        DType::Int16,
        DType::Int32,
        DType::Int64,
        DType::UInt8,
        DType::UInt16,
        DType::UInt32,
        DType::UInt64,
        DType::Float32,
        DType::Float64,
    ];

    /// Bytes of one element.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::Int8 | DType::UInt8 => 1,
            DType::Int16 | DType::UInt16 => 2,
            DType::Int32 | DType::UInt32 | DType::Float32 => 4,
            DType::Int64 | DType::UInt64 | DType::Float64 => 8,
        }
    }

    /// NumPy's name: `"bool"`, `"int8"`, ..., `"float64"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::Int8 => "int8",
            DType::Int16 => "int16",
            DType::Int32 => "int32",
            DType::Int64 => "int64",
            DType::UInt8 => "uint8",
            DType::UInt16 => "uint16",
            DType::UInt32 => "uint32",
            DType::UInt64 => "uint64",
            DType::Float32 => "float32",
            DType::Float64 => "float64",
        }
    }

    /// Rust's name: `"bool"`, `"i8"`, ..., `"f64"`. Used in printed IR and signatures.
    #[must_use]
    pub const fn short_name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::Int8 => "i8",
            DType::Int16 => "i16",
            DType::Int32 => "i32",
            DType::Int64 => "i64",
            DType::UInt8 => "u8",
            DType::UInt16 => "u16",
            DType::UInt32 => "u32",
            DType::UInt64 => "u64",
            DType::Float32 => "f32",
            DType::Float64 => "f64",
        }
    }

    /// The dtype with this NumPy or Rust name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|dtype| dtype.name() == name || dtype.short_name() == name)
    }

    /// True for `float32` and `float64`.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, DType::Float32 | DType::Float64)
    }

    /// True for the signed integers.
    #[must_use]
    pub const fn is_signed_int(self) -> bool {
        matches!(self, DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64)
    }

    /// True for the unsigned integers; `bool` is not one.
    #[must_use]
    pub const fn is_unsigned_int(self) -> bool {
        matches!(self, DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64)
    }

    /// True for any integer; `bool` is not one.
    #[must_use]
    pub const fn is_int(self) -> bool {
        self.is_signed_int() || self.is_unsigned_int()
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is an array element. Sealed: the dtypes are a closed set.
pub trait Element: sealed::Sealed + Copy + Send + Sync + PartialEq + fmt::Debug + 'static {
    /// The dtype that this type is.
    const DTYPE: DType;
    /// The value's bits, zero-extended.
    fn to_bits(self) -> u64;
    /// The value whose low bits these are; the bits above are ignored. A `bool` is true if its low
    /// byte is not 0.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! int_elements {
    ($($ty:ty, $unsigned:ty, $dtype:ident;)*) => {$(
        impl sealed::Sealed for $ty {}
        impl Element for $ty {
            const DTYPE: DType = DType::$dtype;
            fn to_bits(self) -> u64 {
                u64::from(self as $unsigned)
            }
            fn from_bits(bits: u64) -> Self {
                bits as $unsigned as $ty
            }
        }
    )*};
}

int_elements! {
    i8, u8, Int8;
    i16, u16, Int16;
    i32, u32, Int32;
    i64, u64, Int64;
    u8, u8, UInt8;
    u16, u16, UInt16;
    u32, u32, UInt32;
    u64, u64, UInt64;
}

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn to_bits(self) -> u64 {
        u64::from(self)
    }
    fn from_bits(bits: u64) -> Self {
        bits as u8 != 0
    }
}

impl sealed::Sealed for f32 {}
impl Element for f32 {
    const DTYPE: DType = DType::Float32;
    fn to_bits(self) -> u64 {
        u64::from(f32::to_bits(self))
    }
    fn from_bits(bits: u64) -> Self {
        f32::from_bits(bits as u32)
    }
}

impl sealed::Sealed for f64 {}
impl Element for f64 {
    const DTYPE: DType = DType::Float64;
    fn to_bits(self) -> u64 {
        f64::to_bits(self)
    }
    fn from_bits(bits: u64) -> Self {
        f64::from_bits(bits)
    }
}

/// One value of any dtype.
///
/// Equality and hashing are by dtype and bits, so `-0.0 != 0.0` and a NaN equals itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar {
    dtype: DType,
    bits: u64,
}

impl Scalar {
    /// The scalar of an element.
    pub fn new<T: Element>(value: T) -> Scalar {
        Scalar { dtype: T::DTYPE, bits: value.to_bits() }
    }

    /// The scalar of `dtype` whose low bits these are; a `bool` is true if its low byte is not 0.
    #[must_use]
    pub fn from_bits(dtype: DType, bits: u64) -> Scalar {
        let bits = match dtype.size() {
            1 if dtype == DType::Bool => u64::from(bits as u8 != 0),
            8 => bits,
            size => bits & ((1 << (8 * size)) - 1),
        };
        Scalar { dtype, bits }
    }

    /// Its dtype.
    #[must_use]
    pub fn dtype(self) -> DType {
        self.dtype
    }

    /// Its bytes as they are in memory, then zeros.
    #[must_use]
    pub fn to_ne_bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        match self.dtype.size() {
            1 => bytes[..1].copy_from_slice(&(self.bits as u8).to_ne_bytes()),
            2 => bytes[..2].copy_from_slice(&(self.bits as u16).to_ne_bytes()),
            4 => bytes[..4].copy_from_slice(&(self.bits as u32).to_ne_bytes()),
            _ => bytes = self.bits.to_ne_bytes(),
        }
        bytes
    }

    /// Its bits, zero-extended.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The value, if it is of type `T`.
    pub fn get<T: Element>(self) -> Option<T> {
        (self.dtype == T::DTYPE).then(|| T::from_bits(self.bits))
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dtype {
            DType::Bool => bool::from_bits(self.bits).fmt(f),
            DType::Int8 => i8::from_bits(self.bits).fmt(f),
            DType::Int16 => i16::from_bits(self.bits).fmt(f),
            DType::Int32 => i32::from_bits(self.bits).fmt(f),
            DType::Int64 => (self.bits as i64).fmt(f),
            DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64 => self.bits.fmt(f),
            DType::Float32 => fmt::Debug::fmt(&<f32 as Element>::from_bits(self.bits), f),
            DType::Float64 => fmt::Debug::fmt(&<f64 as Element>::from_bits(self.bits), f),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}{}", self.dtype.short_name())
    }
}
