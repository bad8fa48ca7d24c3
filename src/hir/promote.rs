//! Promotion: the one dtype in which values of two dtypes are computed. These are the rules of
//! NumPy 2, as one table.

use ndexpr_runtime::dtype::DType;

/// The dtype in which values of dtypes `a` and `b` meet.
///
/// It is the smallest dtype that holds both, except that `int64` with `uint64` is `float64`, as in
/// NumPy.
pub(crate) fn promote(a: DType, b: DType) -> DType {
    use DType::{Bool, Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64};
    #[rustfmt::skip]
    const TABLE: [[DType; 11]; 11] = [
        //           Bool     Int8     Int16    Int32    Int64    UInt8    UInt16   UInt32   UInt64   Float32  Float64
        /* Bool   */ [Bool,    Int8,    Int16,   Int32,   Int64,   UInt8,   UInt16,  UInt32,  UInt64,  Float32, Float64],
        /* Int8   */ [Int8,    Int8,    Int16,   Int32,   Int64,   Int16,   Int32,   Int64,   Float64, Float32, Float64],
        /* Int16  */ [Int16,   Int16,   Int16,   Int32,   Int64,   Int16,   Int32,   Int64,   Float64, Float32, Float64],
        /* Int32  */ [Int32,   Int32,   Int32,   Int32,   Int64,   Int32,   Int32,   Int64,   Float64, Float64, Float64],
        /* Int64  */ [Int64,   Int64,   Int64,   Int64,   Int64,   Int64,   Int64,   Int64,   Float64, Float64, Float64],
        /* UInt8  */ [UInt8,   Int16,   Int16,   Int32,   Int64,   UInt8,   UInt16,  UInt32,  UInt64,  Float32, Float64],
        /* UInt16 */ [UInt16,  Int32,   Int32,   Int32,   Int64,   UInt16,  UInt16,  UInt32,  UInt64,  Float32, Float64],
        /* UInt32 */ [UInt32,  Int64,   Int64,   Int64,   Int64,   UInt32,  UInt32,  UInt32,  UInt64,  Float64, Float64],
        /* UInt64 */ [UInt64,  Float64, Float64, Float64, Float64, UInt64,  UInt64,  UInt64,  UInt64,  Float64, Float64],
        /* Float32*/ [Float32, Float32, Float32, Float64, Float64, Float32, Float32, Float64, Float64, Float32, Float64],
        /* Float64*/ [Float64, Float64, Float64, Float64, Float64, Float64, Float64, Float64, Float64, Float64, Float64],
    ];
    TABLE[a as usize][b as usize]
}

/// The dtype in which values of these dtypes meet; none if there are none.
///
/// Floats meet each other first, as in NumPy: int8, uint16 and float32 meet in float32, although
/// int8 and uint16 alone meet in int32, which float32 does not hold.
pub(crate) fn common_of(dtypes: impl Iterator<Item = DType> + Clone) -> Option<DType> {
    let float = dtypes.clone().filter(|dtype| dtype.is_float()).reduce(promote);
    dtypes
        .filter(|dtype| !dtype.is_float())
        .map(|dtype| float.map_or(dtype, |float| promote(float, dtype)))
        .reduce(promote)
        .or(float)
}

/// The float in which a function of floats computes a value of this dtype.
///
/// NumPy computes bools and 8-bit integers in float16, which is not among the dtypes; float32 holds
/// its values.
pub(crate) fn float_of(dtype: DType) -> DType {
    match dtype {
        DType::Bool | DType::Int8 | DType::UInt8 | DType::Int16 | DType::UInt16 | DType::Float32 => DType::Float32,
        _ => DType::Float64,
    }
}

/// True if every value of `from` is a value of `to`.
pub(crate) fn is_lossless(from: DType, to: DType) -> bool {
    let lossy_to_float64 = to == DType::Float64 && matches!(from, DType::Int64 | DType::UInt64);
    promote(from, to) == to && !lossy_to_float64 && (to != DType::Bool || from == DType::Bool)
}

/// Whether an update may convert `from` to `to`: NumPy's rule "same_kind".
pub(crate) fn is_same_kind(from: DType, to: DType) -> bool {
    let kind = |dtype: DType| match dtype {
        DType::Bool => 0,
        DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64 => 1,
        DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => 2,
        DType::Float32 | DType::Float64 => 3,
    };
    kind(from) <= kind(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promotion_is_symmetric_and_idempotent() {
        for a in DType::ALL {
            assert_eq!(promote(a, a), a);
            for b in DType::ALL {
                assert_eq!(promote(a, b), promote(b, a), "{a} with {b}");
            }
        }
    }

    #[test]
    fn losslessness_agrees_with_the_widths() {
        assert!(is_lossless(DType::UInt8, DType::Int16));
        assert!(is_lossless(DType::Int16, DType::Float32));
        assert!(!is_lossless(DType::Int32, DType::Float32));
        assert!(!is_lossless(DType::Int64, DType::Float64));
        assert!(!is_lossless(DType::Int8, DType::UInt16));
        assert!(is_lossless(DType::Bool, DType::Int8));
        assert!(!is_lossless(DType::Int8, DType::Bool));
    }
}
