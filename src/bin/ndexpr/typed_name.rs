//! Variables with their types instead of values: `a=f64[1000]`.

use ndexpr::{DType, VarType};

use crate::names::split_name;
use crate::sources::parse::{parse_dtype, parse_shape};

/// A variable and its type: `a=f64[1000]`, `k=f64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedName {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    /// The shape of an array; a scalar has none.
    pub(crate) shape: Option<Vec<usize>>,
}

impl TypedName {
    /// Parses `name=DTYPE` or `name=DTYPE[SHAPE]`. The error is one line.
    pub(crate) fn parse(text: &str) -> Result<TypedName, String> {
        let (name, rest) = split_name(text, "NAME=DTYPE or NAME=DTYPE[SHAPE]")?;
        let (dtype, shape) = match rest.find('[') {
            Some(at) => (&rest[..at], Some(parse_shape(&rest[at..])?)),
            None => (rest, None),
        };
        Ok(TypedName { name, dtype: parse_dtype(dtype.trim())?, shape })
    }

    /// What the library calls it.
    pub(crate) fn var_type(&self) -> VarType {
        match self.shape {
            Some(_) => VarType::array(self.dtype),
            None => VarType::scalar(self.dtype),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        let parse = |text| TypedName::parse(text).map(|typed| (typed.dtype, typed.shape));
        assert_eq!(parse("a=f64[1000]"), Ok((DType::Float64, Some(vec![1000]))));
        assert_eq!(parse("a=float32[3, 1e6]"), Ok((DType::Float32, Some(vec![3, 1_000_000]))));
        assert_eq!(parse("a=bool[]"), Ok((DType::Bool, Some(vec![]))));
        assert_eq!(parse("k=u8"), Ok((DType::UInt8, None)));
        for bad in ["a", "a=", "a=f65", "a=f64[", "a=f64[x]", "a=[3]", "1=f64"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("a=flaot32").unwrap_err().contains("did you mean `float32`?"));
    }
}
