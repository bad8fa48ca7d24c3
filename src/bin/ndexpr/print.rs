//! Arrays as text, laid out as NumPy's `str` lays them out with its default options: 8 digits,
//! lines of 75 columns, and above 1000 elements only three from each end of every axis.

use std::fmt::{Display, LowerExp};
use std::io::{self, Write};
use std::ops::Div;
use std::str::FromStr;

use ndexpr::{DType, Element, Scalar};

use crate::array::element_count;

const PRECISION: usize = 8;
const LINE_WIDTH: usize = 75;
const SUMMARY_THRESHOLD: usize = 1000;
const EDGE_ITEMS: usize = 3;

/// Prints an array and a line break. `element` gives the element at an index, which has a number
/// for each axis.
pub(crate) fn write_array(
    out: &mut dyn Write,
    dtype: DType,
    shape: &[usize],
    element: &mut dyn FnMut(&[usize]) -> Scalar,
) -> io::Result<()> {
    if shape.is_empty() {
        return writeln!(out, "{}", lone(element(&[])));
    }
    if shape.contains(&0) {
        return writeln!(out, "[]");
    }
    let summarise = element_count(shape) > SUMMARY_THRESHOLD;
    let axes: Vec<Axis> = shape.iter().map(|&extent| Axis::new(extent, summarise)).collect();
    let words = Words::new(dtype, collect(&axes, element));
    let mut layout = Layout { axes: &axes, words: words.text.iter(), width: words.width };
    let mut text = String::new();
    layout.write(0, &mut text);
    writeln!(out, "{text}")
}

/// The indices of an axis that are shown.
struct Axis {
    indices: Vec<usize>,
    /// Whether some indices between the edges are left out.
    is_cut: bool,
}

impl Axis {
    fn new(extent: usize, summarise: bool) -> Axis {
        let is_cut = summarise && extent > 2 * EDGE_ITEMS;
        let indices =
            if is_cut { (0..EDGE_ITEMS).chain(extent - EDGE_ITEMS..extent).collect() } else { (0..extent).collect() };
        Axis { indices, is_cut }
    }
}

/// The elements that are shown, in C order.
fn collect(axes: &[Axis], element: &mut dyn FnMut(&[usize]) -> Scalar) -> Vec<Scalar> {
    let n_shown = axes.iter().map(|axis| axis.indices.len()).product();
    let mut positions = vec![0; axes.len()];
    let mut index: Vec<usize> = axes.iter().map(|axis| axis.indices[0]).collect();
    let mut elements = Vec::with_capacity(n_shown);
    for _ in 0..n_shown {
        elements.push(element(&index));
        for (axis_idx, axis) in axes.iter().enumerate().rev() {
            positions[axis_idx] = (positions[axis_idx] + 1) % axis.indices.len();
            index[axis_idx] = axis.indices[positions[axis_idx]];
            if positions[axis_idx] > 0 {
                break;
            }
        }
    }
    elements
}

/// Brackets, line breaks and ellipses around words that all have one width.
struct Layout<'a> {
    axes: &'a [Axis],
    words: std::slice::Iter<'a, String>,
    width: usize,
}

impl Layout<'_> {
    /// Appends what is inside the brackets of the first `depth` axes. Lines are indented by that
    /// many columns.
    fn write(&mut self, depth: usize, text: &mut String) {
        text.push('[');
        let axis = &self.axes[depth];
        if depth + 1 == self.axes.len() {
            self.write_row(axis, depth + 1, text);
        } else {
            let n_breaks = self.axes.len() - depth - 1;
            for position in 0..axis.indices.len() {
                if position > 0 {
                    new_line(text, n_breaks, depth + 1);
                }
                if axis.is_cut && position == EDGE_ITEMS {
                    text.push_str("...");
                    new_line(text, n_breaks, depth + 1);
                }
                self.write(depth + 1, text);
            }
        }
        text.push(']');
    }

    /// Appends one row of the innermost axis, wrapped so that neither a line nor the brackets that
    /// close after it pass the line's width.
    fn write_row(&mut self, axis: &Axis, indent: usize, text: &mut String) {
        let limit = LINE_WIDTH - self.axes.len().min(LINE_WIDTH);
        let mut column = indent;
        let mut push = |word: &str, width: usize, is_first: bool| {
            let gap = usize::from(!is_first);
            if column + gap + width > limit && column > indent {
                text.truncate(text.trim_end_matches(' ').len());
                new_line(text, 1, indent);
                column = indent;
            } else if !is_first {
                text.push(' ');
                column += 1;
            }
            text.push_str(word);
            column += width;
        };
        for position in 0..axis.indices.len() {
            if axis.is_cut && position == EDGE_ITEMS {
                push("...", 3, false);
            }
            if let Some(word) = self.words.next() {
                push(word, self.width, position == 0);
            }
        }
    }
}

fn new_line(text: &mut String, n_breaks: usize, indent: usize) {
    text.extend(std::iter::repeat_n('\n', n_breaks));
    text.extend(std::iter::repeat_n(' ', indent));
}

/// Elements as text, padded to one width.
struct Words {
    text: Vec<String>,
    width: usize,
}

impl Words {
    fn new(dtype: DType, elements: Vec<Scalar>) -> Words {
        let text: Vec<String> = match dtype {
            // As wide as `False`, even if no element is false.
            DType::Bool => elements.into_iter().map(|scalar| format!("{:>5}", lone(scalar))).collect(),
            DType::Float32 => float_words::<f32>(&elements),
            DType::Float64 => float_words::<f64>(&elements),
            _ => elements.iter().map(Scalar::to_string).collect(),
        };
        let width = text.iter().map(String::len).max().unwrap_or(0);
        let text = text.into_iter().map(|word| format!("{word:>width$}")).collect();
        Words { text, width }
    }
}

/// A single value: as Python would show it.
fn lone(scalar: Scalar) -> String {
    match scalar.dtype() {
        DType::Bool => Some(if scalar.bits() != 0 { "True" } else { "False" }.to_owned()),
        DType::Float32 => scalar.get::<f32>().map(lone_float),
        DType::Float64 => scalar.get::<f64>().map(lone_float),
        _ => None,
    }
    .unwrap_or_else(|| scalar.to_string())
}

fn lone_float<T: Float>(value: T) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    if value.is_zero() || (1e-4..T::LONE_LARGE).contains(&value.magnitude().into()) {
        let text = shortest_fixed(value);
        if text.contains('.') { text } else { format!("{text}.0") }
    } else {
        // All digits, because a single value is aligned with nothing.
        let (mantissa, exponent) = scientific(value, usize::MAX);
        format!("{}{}", mantissa.trim_end_matches('.'), exponent_text(exponent, 2))
    }
}

/// What printing needs of f32 and f64. Comparisons are done in the type itself, as NumPy does them.
trait Float: Element + PartialOrd + Display + LowerExp + FromStr + Into<f64> + Div<Output = Self> {
    /// Magnitudes from here on are shown with an exponent: ten to the type's decimal digits, at
    /// most 1e8.
    const LARGE: Self;
    /// The same for a single value.
    const LONE_LARGE: f64;
    /// Magnitudes below are shown with an exponent.
    const SMALL: Self;
    /// A larger ratio of magnitudes makes the array be shown with exponents.
    const WIDE: Self;
    fn magnitude(self) -> Self;
    fn is_zero(self) -> bool;
    fn is_nan(self) -> bool;
    fn is_finite(self) -> bool;
    fn is_negative(self) -> bool;
}

macro_rules! floats {
    ($($ty:ty, $large:literal, $lone_large:literal;)*) => {$(
        impl Float for $ty {
            const LARGE: $ty = $large;
            const LONE_LARGE: f64 = $lone_large;
            const SMALL: $ty = 0.0001;
            const WIDE: $ty = 1000.0;
            fn magnitude(self) -> $ty {
                self.abs()
            }
            fn is_zero(self) -> bool {
                self == 0.0
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
            fn is_finite(self) -> bool {
                self.is_finite()
            }
            fn is_negative(self) -> bool {
                self.is_sign_negative()
            }
        }
    )*};
}

floats! {
    f32, 1e6, 1e6;
    f64, 1e8, 1e16;
}

/// The words of floats: all with an exponent or none, points aligned, and no more digits than
/// needed, at most 8.
fn float_words<T: Float>(elements: &[Scalar]) -> Vec<String> {
    let values: Vec<T> = elements.iter().filter_map(|scalar| scalar.get()).collect();
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    if needs_exponent(finite()) {
        let after_point = |mantissa: &str| mantissa.split_once('.').map_or(0, |(_, digits)| digits.len());
        let parts: Vec<(String, i32)> = finite().map(|value| scientific(value, PRECISION)).collect();
        let n_digits = parts.iter().map(|(mantissa, _)| after_point(mantissa)).max().unwrap_or(0);
        let n_exponent = parts.iter().map(|(_, exponent)| exponent.unsigned_abs().to_string().len()).max().unwrap_or(0);
        let word = |value: T| {
            if let Some(word) = not_finite(value) {
                return word.to_owned();
            }
            let (mut mantissa, mut exponent) = scientific(value, PRECISION);
            if after_point(&mantissa) < n_digits {
                // Filled up with the value's own digits, which are not always zeros.
                (mantissa, exponent) = split_exponent(&format!("{value:.n_digits$e}"));
            }
            format!("{mantissa}{}", exponent_text(exponent, n_exponent.max(2)))
        };
        return values.iter().map(|&value| word(value)).collect();
    }
    let fixed: Vec<String> = values.iter().map(|&value| fixed_text(value)).collect();
    let after_point = |word: &str| word.split_once('.').map_or(0, |(_, digits)| digits.len());
    let n_digits = fixed.iter().map(|word| after_point(word)).max().unwrap_or(0);
    fixed
        .into_iter()
        .map(|mut word| {
            // `nan` and `inf` stand at the right, without a point to align.
            if word.contains('.') {
                let missing = n_digits - after_point(&word);
                word.extend(std::iter::repeat_n(' ', missing));
            }
            word
        })
        .collect()
}

fn needs_exponent<T: Float>(finite: impl Iterator<Item = T>) -> bool {
    let mut range: Option<(T, T)> = None;
    for value in finite.filter(|value| !value.is_zero()).map(T::magnitude) {
        let (min, max) = range.unwrap_or((value, value));
        range = Some((if value < min { value } else { min }, if value > max { value } else { max }));
    }
    range.is_some_and(|(min, max)| max >= T::LARGE || min < T::SMALL || max / min > T::WIDE)
}

fn not_finite<T: Float>(value: T) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("nan"),
        _ if value.is_finite() => None,
        _ if value.is_negative() => Some("-inf"),
        _ => Some("inf"),
    }
}

/// A number without an exponent: the shortest digits, at most 8 of them after the point. The point
/// stays even if no digit follows.
fn fixed_text<T: Float>(value: T) -> String {
    if let Some(word) = not_finite(value) {
        return word.to_owned();
    }
    let shortest = shortest_fixed(value);
    match shortest.split_once('.') {
        None => format!("{shortest}."),
        Some((_, digits)) if digits.len() <= PRECISION => shortest,
        // Rounded from the exact value, not from the shortest digits.
        Some(_) => format!("{value:.PRECISION$}").trim_end_matches('0').to_owned(),
    }
}

/// The fewest digits that give the value back, without an exponent.
fn shortest_fixed<T: Float>(value: T) -> String {
    let shortest = format!("{value}");
    let n_digits = shortest.split_once('.').map_or(0, |(_, digits)| digits.len());
    settle_tie(value, shortest, |value| format!("{value:.n_digits$}"))
}

/// The mantissa and the exponent of a number in scientific notation. The mantissa has a point and
/// the fewest digits that give the value back, but at most `precision` digits after the point.
fn scientific<T: Float>(value: T, precision: usize) -> (String, i32) {
    let shortest = format!("{value:e}");
    let n_digits = split_exponent(&shortest).0.len().saturating_sub(if value.is_negative() { 3 } else { 2 });
    let (mantissa, exponent) = split_exponent(&settle_tie(value, shortest, |value| format!("{value:.n_digits$e}")));
    match mantissa.split_once('.') {
        None => (format!("{mantissa}."), exponent),
        Some((_, digits)) if digits.len() <= precision => (mantissa, exponent),
        // Rounding can carry into the exponent.
        Some(_) => {
            let (mantissa, exponent) = split_exponent(&format!("{value:.precision$e}"));
            (mantissa.trim_end_matches('0').to_owned(), exponent)
        }
    }
}

/// Where two shortest texts are equally near, Rust's formatting takes the larger one. NumPy's takes
/// the even one, as rounding to that many digits does.
fn settle_tie<T: Float>(value: T, shortest: String, round: impl Fn(T) -> String) -> String {
    let rounded = round(value);
    if rounded.parse::<T>().is_ok_and(|parsed| parsed == value) { rounded } else { shortest }
}

fn split_exponent(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

fn exponent_text(exponent: i32, n_digits: usize) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("e{sign}{:0n_digits$}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(dtype: DType, shape: &[usize], element: &mut dyn FnMut(&[usize]) -> Scalar) -> String {
        let mut out = Vec::new();
        write_array(&mut out, dtype, shape, element).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn flat(index: &[usize], shape: &[usize]) -> usize {
        index.iter().zip(shape).fold(0, |flat, (idx, extent)| flat * extent + idx)
    }

    #[track_caller]
    fn check<T: Element>(elements: &[T], shape: &[usize], expected: &str) {
        let mut element = |index: &[usize]| Scalar::new(elements[flat(index, shape)]);
        assert_eq!(shown(T::DTYPE, shape, &mut element), format!("{expected}\n"));
    }

    /// The same check for elements that are computed from their number in C order.
    #[track_caller]
    fn check_fn<T: Element>(shape: &[usize], value: impl Fn(usize) -> T, expected: &str) {
        let mut element = |index: &[usize]| Scalar::new(value(flat(index, shape)));
        assert_eq!(shown(T::DTYPE, shape, &mut element), format!("{expected}\n"));
    }

    /// The expected texts are `str(np.array(..))` of NumPy 2.4.6, defaults everywhere.
    #[test]
    #[rustfmt::skip]
    fn small_arrays_as_numpy_shows_them() {
        check(&[0.0, 1.0, -2.5], &[3], "[ 0.   1.  -2.5]");
        check(&[1.0, 2.0], &[2], "[1. 2.]");
        check(&[0.1, 0.25, 0.3333333333333333], &[3], "[0.1        0.25       0.33333333]");
        check(&[-0.0, 0.0], &[2], "[-0.  0.]");
        check(&[1e-05, 1.0], &[2], "[1.e-05 1.e+00]");
        check(&[0.0001, 0.05], &[2], "[0.0001 0.05  ]");
        check(&[100000000.0, 1.0], &[2], "[1.e+08 1.e+00]");
        check(&[99999999.0, 99999.0], &[2], "[9.9999999e+07 9.9999000e+04]");
        check(&[1e+100, 1.0, -1e-07], &[3], "[ 1.e+100  1.e+000 -1.e-007]");
        check(&[10000000000.0], &[1], "[1.e+10]");
        check(&[1.0, 1000.0], &[2], "[   1. 1000.]");
        check(&[1.0, 1000.1], &[2], "[1.0000e+00 1.0001e+03]");
        check(&[f64::NAN, 1.0], &[2], "[nan  1.]");
        check(&[f64::INFINITY, -f64::INFINITY, f64::NAN], &[3], "[ inf -inf  nan]");
        check(&[1.5, -f64::INFINITY], &[2], "[ 1.5 -inf]");
        check(&[1e-10, f64::NAN, f64::INFINITY], &[3], "[1.e-10    nan    inf]");
        check(&[f64::NAN], &[1], "[nan]");
        check(&[0.001953125, 1.0], &[2], "[0.00195312 1.        ]");
        check(&[0.005859375], &[1], "[0.00585938]");
        check(&[0.123456789012, 100.0], &[2], "[  0.12345679 100.        ]");
        check(&[1.234567890123e-09, 3.0], &[2], "[1.23456789e-09 3.00000000e+00]");
        check(&[9.999999999e-09, 1.0], &[2], "[1.e-08 1.e+00]");
        check(&[5e-324, 1.7976931348623157e+308], &[2], "[4.94065646e-324 1.79769313e+308]");
        check(&[0.999999999], &[1], "[1.]");
        check(&[12345678.12345679, 50000.0], &[2], "[12345678.12345679    50000.        ]");
        check(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3], "[[1. 2. 3.]\n [4. 5. 6.]]");
        check(&[1.5, -22.25, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[2, 2, 2], "[[[  1.5  -22.25]\n  [  3.     4.  ]]\n\n [[  5.     6.  ]\n  [  7.     8.  ]]]");
        check(&[0.5], &[1, 1, 1], "[[[0.5]]]");
        check(&[2.5], &[], "2.5");
        check(&[1e+16], &[], "1e+16");
        check(&[1e-05], &[], "1e-05");
        check(&[123456789.12345679], &[], "123456789.12345679");
        check(&[f64::NAN], &[], "nan");
        check(&[-f64::INFINITY], &[], "-inf");
        check(&[-0.0], &[], "-0.0");
        check(&[1000000000000000.0], &[], "1000000000000000.0");
        check(&[0.0001], &[], "0.0001");
        check(&[1.2345678901234568e-300], &[], "1.2345678901234568e-300");
        check(&[0.1_f32, 0.2], &[2], "[0.1 0.2]");
        check(&[1e+06_f32, 2.0], &[2], "[1.e+06 2.e+00]");
        check(&[999999.0_f32, 1000.0], &[2], "[999999.   1000.]");
        check(&[1e-04_f32, 0.0002], &[2], "[0.0001 0.0002]");
        check(&[0.33333334_f32, 1.6777216e+07], &[2], "[3.3333334e-01 1.6777216e+07]");
        check(&[0.1_f32], &[], "0.1");
        check(&[1e+16_f32], &[], "1e+16");
        check(&[3.4028235e+38_f32, 1e-45], &[2], "[3.4028235e+38 1.4012985e-45]");
        check(&[1_i64, -20, 300], &[3], "[  1 -20 300]");
        check(&[-9223372036854775808_i64, 9223372036854775807], &[2], "[-9223372036854775808  9223372036854775807]");
        check(&[7_i64], &[], "7");
        check(&[18446744073709551615_u64, 0], &[2], "[18446744073709551615                    0]");
        check(&[1_u8, 2, 3, 255], &[2, 2], "[[  1   2]\n [  3 255]]");
        check(&[-5_i16, 5], &[2], "[-5  5]");
        check(&[true, false], &[2], "[ True False]");
        check(&[true, true], &[2, 1], "[[ True]\n [ True]]");
        check(&[true], &[], "True");
        check(&[] as &[f64], &[0], "[]");
        check(&[] as &[i64], &[3, 0, 2], "[]");
    }

    /// These expected texts come from NumPy in the same way.
    #[test]
    #[rustfmt::skip]
    fn long_arrays_as_numpy_shows_them() {
        check_fn(&[30], |i| i as f64 * 0.37, "[ 0.    0.37  0.74  1.11  1.48  1.85  2.22  2.59  2.96  3.33  3.7   4.07\n  4.44  4.81  5.18  5.55  5.92  6.29  6.66  7.03  7.4   7.77  8.14  8.51\n  8.88  9.25  9.62  9.99 10.36 10.73]");
        check_fn(&[1001], |i| i as i64, "[   0    1    2 ...  998  999 1000]");
        check_fn(&[2000, 3], |i| i as f64 / 7.0, "[[0.00000000e+00 1.42857143e-01 2.85714286e-01]\n [4.28571429e-01 5.71428571e-01 7.14285714e-01]\n [8.57142857e-01 1.00000000e+00 1.14285714e+00]\n ...\n [8.55857143e+02 8.56000000e+02 8.56142857e+02]\n [8.56285714e+02 8.56428571e+02 8.56571429e+02]\n [8.56714286e+02 8.56857143e+02 8.57000000e+02]]");
        check_fn(&[40, 40], |i| i as i64 - 800, "[[-800 -799 -798 ... -763 -762 -761]\n [-760 -759 -758 ... -723 -722 -721]\n [-720 -719 -718 ... -683 -682 -681]\n ...\n [ 680  681  682 ...  717  718  719]\n [ 720  721  722 ...  757  758  759]\n [ 760  761  762 ...  797  798  799]]");
        check_fn(&[3, 2, 200], |i| i as f64 * 1e5, "[[[0.000e+00 1.000e+05 2.000e+05 ... 1.970e+07 1.980e+07 1.990e+07]\n  [2.000e+07 2.010e+07 2.020e+07 ... 3.970e+07 3.980e+07 3.990e+07]]\n\n [[4.000e+07 4.010e+07 4.020e+07 ... 5.970e+07 5.980e+07 5.990e+07]\n  [6.000e+07 6.010e+07 6.020e+07 ... 7.970e+07 7.980e+07 7.990e+07]]\n\n [[8.000e+07 8.010e+07 8.020e+07 ... 9.970e+07 9.980e+07 9.990e+07]\n  [1.000e+08 1.001e+08 1.002e+08 ... 1.197e+08 1.198e+08 1.199e+08]]]");
        check_fn(&[2, 1, 7, 80], |i| (i % 256) as u8, "[[[[  0   1   2 ...  77  78  79]\n   [ 80  81  82 ... 157 158 159]\n   [160 161 162 ... 237 238 239]\n   ...\n   [ 64  65  66 ... 141 142 143]\n   [144 145 146 ... 221 222 223]\n   [224 225 226 ...  45  46  47]]]\n\n\n [[[ 48  49  50 ... 125 126 127]\n   [128 129 130 ... 205 206 207]\n   [208 209 210 ...  29  30  31]\n   ...\n   [112 113 114 ... 189 190 191]\n   [192 193 194 ...  13  14  15]\n   [ 16  17  18 ...  93  94  95]]]]");
        check_fn(&[2, 30], |i| i % 3 == 0, "[[ True False False  True False False  True False False  True False False\n   True False False  True False False  True False False  True False False\n   True False False  True False False]\n [ True False False  True False False  True False False  True False False\n   True False False  True False False  True False False  True False False\n   True False False  True False False]]");
        check_fn(&[3, 8], |i| (i as f64 + 1.0) / 3.0, "[[0.33333333 0.66666667 1.         1.33333333 1.66666667 2.\n  2.33333333 2.66666667]\n [3.         3.33333333 3.66666667 4.         4.33333333 4.66666667\n  5.         5.33333333]\n [5.66666667 6.         6.33333333 6.66666667 7.         7.33333333\n  7.66666667 8.        ]]");
        check_fn(&[2, 2, 15], |i| i as i64 * 1001, "[[[    0  1001  2002  3003  4004  5005  6006  7007  8008  9009 10010\n   11011 12012 13013 14014]\n  [15015 16016 17017 18018 19019 20020 21021 22022 23023 24024 25025\n   26026 27027 28028 29029]]\n\n [[30030 31031 32032 33033 34034 35035 36036 37037 38038 39039 40040\n   41041 42042 43043 44044]\n  [45045 46046 47047 48048 49049 50050 51051 52052 53053 54054 55055\n   56056 57057 58058 59059]]]");
        check_fn(&[1200], |i| i % 2 == 0, "[ True False  True ... False  True False]");
        check_fn(&[4], |i| u64::MAX / 10 * i as u64, "[                  0 1844674407370955161 3689348814741910322\n 5534023222112865483]");
        check_fn(&[2, 4], |i| u64::MAX / 10 * i as u64, "[[                   0  1844674407370955161  3689348814741910322\n   5534023222112865483]\n [ 7378697629483820644  9223372036854775805 11068046444225730966\n  12912720851596686127]]");
    }
}
