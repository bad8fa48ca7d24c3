//! CORE-MATH's files of worst cases: one argument or two, separated by a comma, to a line, in C's
//! hexadecimal.

use std::io;
use std::path::Path;

use super::{Part, Points, negated, power_of_two};
use crate::float::Real;

/// What the file for a function has, with the other signs too; nothing if there is no such file.
pub(super) fn part<T: Real>(directory: &Path, name: &str, arity: usize) -> io::Result<Option<Part<T>>> {
    // Its files of float32 are named after C's functions.
    let (format, suffix) = if T::BITS == 32 { ("binary32", "f") } else { ("binary64", "") };
    let path = directory.join("src").join(format).join(name).join(format!("{name}{suffix}.wc"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    };
    let mut points = Points::default();
    let mut strays = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let Some((x, y)) = arguments(line, arity) else {
            strays.push(line);
            continue;
        };
        let (x, y) = (T::from_f64(x), T::from_f64(y));
        points.push(x, y);
        points.push(negated(x), y);
        if arity == 2 {
            points.push(x, negated(y));
        }
    }
    // Some files also have lines that their authors' tools printed. A file with nothing else is in
    // another format.
    if strays.len() > points.x.len() / 100 {
        let message = format!("{}: not {arity} hexadecimal numbers: {}", path.display(), strays[0]);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(Some(Part::of(points)))
}

fn arguments(line: &str, arity: usize) -> Option<(f64, f64)> {
    let mut fields = line.split(',').map(|field| number(field.trim()));
    let first = fields.next()??;
    let second = if arity == 2 { fields.next()?? } else { 0.0 };
    fields.next().is_none().then_some((first, second))
}

/// `-0x1.8p+3` and the like, a decimal, or an infinity or NaN by name.
fn number(text: &str) -> Option<f64> {
    let (sign, magnitude) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let Some(hexadecimal) = magnitude.strip_prefix("0x").or_else(|| magnitude.strip_prefix("0X")) else {
        return match magnitude {
            "snan" | "qnan" => Some(f64::NAN),
            _ => magnitude.parse::<f64>().ok().map(|value| sign * value),
        };
    };
    let (digits, exponent) = match hexadecimal.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (hexadecimal, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let significand = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    scaled(significand, exponent.checked_sub(4 * fraction.len() as i32)?).map(|value| sign * value)
}

/// `significand * 2^exponent`, if that is a double.
fn scaled(significand: u64, exponent: i32) -> Option<f64> {
    if significand == 0 {
        return Some(0.0);
    }
    let zeros = significand.trailing_zeros();
    let (odd, exponent) = (significand >> zeros, exponent.checked_add(zeros as i32)?);
    let n_bits = 64 - odd.leading_zeros() as i32;
    if n_bits > 53 || exponent < -1074 || exponent > 1024 - n_bits {
        return None;
    }
    // In two factors, because the power alone may be beyond the doubles although the product is
    // not.
    let half = exponent / 2;
    Some(odd as f64 * power_of_two(half) * power_of_two(exponent - half))
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    #[test]
    fn numbers_are_cs() {
        for (text, value) in [
            ("0x1.005023d32fee5p+1", f64::from_bits(0x4000_0502_3d32_fee5)),
            ("-0x1.8p+3", -12.0),
            ("0x0.603e52daf0bfdp-1022", f64::from_bits(0x0006_03e5_2daf_0bfd)),
            ("0x1p-1074", 5e-324),
            ("0x1.fffffffffffffp+1023", f64::MAX),
            ("0x1.0000000000000000p0", 1.0),
            ("+0x10", 16.0),
            ("-0", -0.0),
            ("+inf", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("1.5", 1.5),
        ] {
            let found = number(text).unwrap_or_else(|| panic!("{text} is a number"));
            assert_eq!(found.to_bits(), value.to_bits(), "{text}");
        }
        assert!(number("+nan").is_some_and(f64::is_nan) && number("+snan").is_some_and(f64::is_nan));
        for text in ["", "0x", "0x1.8q3", "0x1p1024", "0x1p-1075", "0x1.00000000000001p0", "x", "0x1p99999999999", "-"]
        {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn files_are_found_by_function_and_dtype() {
        let directory = tempfile::tempdir().unwrap();
        let of_exp = directory.path().join("src/binary64/exp");
        let of_pow = directory.path().join("src/binary32/pow");
        std::fs::create_dir_all(&of_exp).unwrap();
        std::fs::create_dir_all(&of_pow).unwrap();
        std::fs::write(of_exp.join("exp.wc"), "# hard\n0x1p+1\n\n0x1.8p-1 # why\n").unwrap();
        std::fs::write(of_pow.join("powf.wc"), "0x1p+1,-0x1.8p0\n").unwrap();
        let of_exp = part::<f64>(directory.path(), "exp", 1).unwrap().unwrap();
        assert_eq!(all(&of_exp).into_iter().map(|(x, _)| x).collect::<Vec<_>>(), [2.0, -2.0, 0.75, -0.75]);
        let of_pow = part::<f32>(directory.path(), "pow", 2).unwrap().unwrap();
        assert_eq!(all(&of_pow), [(2.0, -1.5), (-2.0, -1.5), (2.0, 1.5)]);
        assert!(part::<f32>(directory.path(), "exp", 1).unwrap().is_none());
        assert!(part::<f64>(directory.path(), "exp", 2).is_err(), "lines with one number of two");
        std::fs::write(directory.path().join("src/binary64/exp/exp.wc"), "0x1p+1\n".repeat(50) + "50 found\n").unwrap();
        assert_eq!(all(&part::<f64>(directory.path(), "exp", 1).unwrap().unwrap()).len(), 100);
    }
}
