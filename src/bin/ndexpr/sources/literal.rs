//! Numbers as sources: `3`, `2.5`, `true`, `7u8`, `float32(2.5)`, `0xff`, `1_000`, `-inf`.

use ndexpr::{DType, Scalar};

/// The scalar that `text` spells; `None` if it does not look like a number at all (it may be a
/// file's name), `Some(Err)` if it does but has no value (`300u8`).
pub(crate) fn parse(text: &str) -> Option<Result<Scalar, String>> {
    if let Some((name, rest)) = text.split_once('(')
        && let Some(dtype) = DType::from_name(name.trim())
        && let Some(inner) = rest.strip_suffix(')')
    {
        let inner = inner.trim();
        return Some(match parse(inner) {
            Some(value) => value.and_then(|value| {
                if value.dtype() == DType::Bool { cast(inner, value, dtype) } else { typed(inner, dtype) }
            }),
            None => Err(format!("`{inner}` is not a number")),
        });
    }
    match text {
        "true" | "True" => return Some(Ok(Scalar::new(true))),
        "false" | "False" => return Some(Ok(Scalar::new(false))),
        _ => {}
    }
    let (number, suffix) = split_suffix(text);
    let number = Number::parse(number)?;
    Some(match suffix {
        Some(dtype) => number.as_dtype(dtype).ok_or_else(|| does_not_fit(text, dtype)),
        None => number.natural().ok_or_else(|| format!("`{text}` is too large for an integer; write `{text}.0`?")),
    })
}

/// The number that `text` spells, as a scalar of `dtype`.
pub(crate) fn typed(text: &str, dtype: DType) -> Result<Scalar, String> {
    match Number::parse(text) {
        Some(number) => number.as_dtype(dtype).ok_or_else(|| does_not_fit(text, dtype)),
        None => match parse(text) {
            Some(value) => cast(text, value?, dtype),
            None => Err(format!("`{text}` is not a number")),
        },
    }
}

/// A float parameter.
pub(crate) fn float(text: &str) -> Result<f64, String> {
    let value = typed(text, DType::Float64)?;
    value.get().ok_or_else(|| format!("`{text}` is not a number"))
}

/// A number of elements: an integer, possibly spelt `1e6`.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    // Above 2^53 a float may differ from the digits that were typed.
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
    match Number::parse(text.trim()) {
        Some(Number::Int(value)) if value >= 0 => usize::try_from(value).ok(),
        Some(Number::Float { value, .. }) if (0.0..=LARGEST_EXACT).contains(&value) && value.fract() == 0.0 => {
            Some(value as usize)
        }
        _ => None,
    }
    .ok_or_else(|| format!("`{}` is not a number of elements: a whole number, such as 1000 or 1e6", text.trim()))
}

/// A scalar's value as another dtype, exactly, or an error.
fn cast(text: &str, value: Scalar, dtype: DType) -> Result<Scalar, String> {
    match value.dtype() {
        same if same == dtype => Ok(value),
        DType::Bool => Number::Int(i128::from(value.bits())).as_dtype(dtype).ok_or_else(|| does_not_fit(text, dtype)),
        _ => Err(does_not_fit(text, dtype)),
    }
}

fn does_not_fit(text: &str, dtype: DType) -> String {
    format!("`{text}` is not a value of {dtype}")
}

/// Splits `7u8` into `7` and the dtype. A hexadecimal number keeps digits such as those of
/// `0x1f32`.
fn split_suffix(text: &str) -> (&str, Option<DType>) {
    let digits = text.trim_start_matches(['+', '-']);
    let is_hex = digits.starts_with("0x") || digits.starts_with("0X");
    for dtype in DType::ALL {
        let name = dtype.short_name();
        if dtype == DType::Bool || (is_hex && dtype.is_float()) {
            continue;
        }
        if let Some(number) = text.strip_suffix(name) {
            return (number.strip_suffix('_').unwrap_or(number), Some(dtype));
        }
    }
    (text, None)
}

/// A number before it has a dtype.
enum Number {
    Int(i128),
    /// The text is kept without underscores, so that float32 can be rounded once.
    Float {
        value: f64,
        text: String,
    },
}

impl Number {
    fn parse(text: &str) -> Option<Number> {
        let (negative, magnitude) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        if matches!(magnitude, "inf" | "nan") {
            let value: f64 = text.parse().ok()?;
            return Some(Number::Float { value, text: text.to_owned() });
        }
        // Underscores stand between digits only.
        if magnitude.starts_with('_') || magnitude.ends_with('_') || magnitude.contains("__") {
            return None;
        }
        let digits = magnitude.replace('_', "");
        let lower = digits.to_ascii_lowercase();
        let radix = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find(|(prefix, _)| lower.starts_with(prefix));
        if let Some((prefix, radix)) = radix {
            let body = &lower[prefix.len()..];
            if body.is_empty() || !body.chars().all(|c| c.is_digit(radix)) {
                return None;
            }
            let value = i128::from_str_radix(body, radix).unwrap_or(i128::MAX);
            return Some(Number::Int(if negative { -value } else { value }));
        }
        let is_numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits.contains(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| matches!(c, '0'..='9' | '.' | 'e' | 'E' | '+' | '-'));
        if !is_numeric {
            return None;
        }
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let value = digits.parse().unwrap_or(i128::MAX);
            return Some(Number::Int(if negative { -value } else { value }));
        }
        let text = if negative { format!("-{digits}") } else { digits };
        let value: f64 = text.parse().ok()?;
        Some(Number::Float { value, text })
    }

    /// Its value in the dtype that its spelling implies: int64 (uint64 if int64 is too small) or
    /// float64.
    fn natural(&self) -> Option<Scalar> {
        match self {
            Number::Int(_) => self.as_dtype(DType::Int64).or_else(|| self.as_dtype(DType::UInt64)),
            Number::Float { .. } => self.as_dtype(DType::Float64),
        }
    }

    /// Its value in `dtype`; an integer dtype takes only what it can hold exactly.
    fn as_dtype(&self, dtype: DType) -> Option<Scalar> {
        fn int<T: ndexpr::Element + TryFrom<i128>>(value: i128) -> Option<Scalar> {
            T::try_from(value).ok().map(Scalar::new)
        }
        let whole = match self {
            Number::Int(value) => Some(*value),
            Number::Float { value, .. } if value.fract() == 0.0 && value.abs() < 1e20 => Some(*value as i128),
            Number::Float { .. } => None,
        };
        match dtype {
            DType::Bool => match whole? {
                0 => Some(Scalar::new(false)),
                1 => Some(Scalar::new(true)),
                _ => None,
            },
            DType::Int8 => int::<i8>(whole?),
            DType::Int16 => int::<i16>(whole?),
            DType::Int32 => int::<i32>(whole?),
            DType::Int64 => int::<i64>(whole?),
            DType::UInt8 => int::<u8>(whole?),
            DType::UInt16 => int::<u16>(whole?),
            DType::UInt32 => int::<u32>(whole?),
            DType::UInt64 => int::<u64>(whole?),
            DType::Float32 => Some(Scalar::new(match self {
                Number::Int(value) => *value as f32,
                Number::Float { text, .. } => text.parse::<f32>().ok()?,
            })),
            DType::Float64 => Some(Scalar::new(match self {
                Number::Int(value) => *value as f64,
                Number::Float { value, .. } => *value,
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            None => "not a number".to_owned(),
            Some(Ok(scalar)) => format!("{scalar:?}"),
            Some(Err(error)) => format!("error: {error}"),
        }
    }

    #[test]
    fn natural_types() {
        for (text, expected) in [
            ("3", "3i64"),
            ("-3", "-3i64"),
            ("+3", "3i64"),
            ("1_000", "1000i64"),
            ("0xff", "255i64"),
            ("0b101", "5i64"),
            ("9223372036854775808", "9223372036854775808u64"),
            ("2.5", "2.5f64"),
            ("1e-3", "0.001f64"),
            (".5", "0.5f64"),
            ("5.", "5.0f64"),
            ("-inf", "-inff64"),
            ("nan", "NaNf64"),
            ("true", "truebool"),
            ("False", "falsebool"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn typed_literals() {
        for (text, expected) in [
            ("2.5f32", "2.5f32"),
            ("2.5_f32", "2.5f32"),
            ("3f64", "3.0f64"),
            ("7u8", "7u8"),
            ("-7i16", "-7i16"),
            ("0xffu8", "255u8"),
            ("0x1f32", "7986i64"),
            ("1e3i32", "1000i32"),
            ("float32(2.5)", "2.5f32"),
            ("float32(0.1)", "0.1f32"),
            ("f32( 3 )", "3.0f32"),
            ("uint8(255)", "255u8"),
            ("bool(1)", "truebool"),
            ("int8(true)", "1i8"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        // Rounded once, from the decimal. If it were rounded to f64 first, it would be 1.0.
        assert_eq!(shown("1.0000000596046447754f32"), "1.0000001f32");
        assert_eq!(1.000_000_059_604_644_8_f64 as f32, 1.0);
    }

    #[test]
    fn values_that_do_not_exist() {
        for text in ["300u8", "-1u8", "2.5i32", "uint8(256)", "bool(2)", "int8(nan)", "float32(x)"] {
            assert!(shown(text).starts_with("error: "), "{text}: {}", shown(text));
        }
        assert!(shown("99999999999999999999").starts_with("error: "));
        assert!(shown(&"9".repeat(200)).starts_with("error: "));
    }

    #[test]
    fn not_numbers() {
        for text in
            ["", "-", "a", "2024-01", "1.2.3", "3x", "_1", "1_", "1__0", "0x", "e5", ".", "1e", "file.npy", "infinity"]
        {
            assert_eq!(shown(text), "not a number", "{text}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(count("1e7"), Ok(10_000_000));
        assert_eq!(count(" 12 "), Ok(12));
        assert_eq!(count("1_000"), Ok(1000));
        for bad in ["1.5", "-1", "1e300", "inf", "nan", "x", ""] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
