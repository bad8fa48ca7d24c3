//! What the tests of golden data have in common: their format, how they compare, how they report.
//!
//! In: files that `make_golden.py` and its neighbours wrote, which describe the format. Nothing
//! here knows what a record asks for: that is for `golden`, `golden_programs` and `every_axis`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::cases::source::Source;
use ndexpr::{Backend, DType, DynArray, Engine};

/// Mismatches shown in full; the others are counted.
const SHOWN: usize = 20;

/// The bytes between elements and around them. They are not zero, so that reading them would show.
const PADDING: u8 = 0xa5;

/// The tests of each file: both backends, with one thread and two.
macro_rules! golden {
    ($($file:ident),* $(,)?) => {
        const FILES: &[&str] = &[$(stringify!($file)),*];

        $(mod $file {
            use ndexpr::Backend;

            #[test]
            fn jit_1_thread() {
                super::check(stringify!($file), Backend::Jit, 1);
            }

            #[test]
            fn jit_2_threads() {
                super::check(stringify!($file), Backend::Jit, 2);
            }

            #[test]
            fn interp_1_thread() {
                super::check(stringify!($file), Backend::Interp, 1);
            }

            #[test]
            fn interp_2_threads() {
                super::check(stringify!($file), Backend::Interp, 2);
            }
        })*
    };
}

pub(crate) use golden;

/// A result, expected or found.
pub(crate) struct Array {
    pub(crate) dtype: &'static str,
    pub(crate) shape: Vec<usize>,
    /// In elements, if stated.
    pub(crate) strides: Option<Vec<isize>>,
    /// In logical C order; `None` is any NaN.
    pub(crate) bits: Vec<Option<u64>>,
}

impl From<&DynArray> for Array {
    fn from(array: &DynArray) -> Array {
        Array {
            dtype: array.dtype().short_name(),
            shape: array.shape().to_vec(),
            strides: Some(array.strides().to_vec()),
            bits: array.scalars().map(|scalar| Some(scalar.bits())).collect(),
        }
    }
}

/// How far each element of a result may be from the exact one; none if it has to be exact.
pub(crate) type Errors = Vec<f64>;

/// An array in separate memory, with the layout that the file says.
pub(crate) struct Input {
    pub(crate) dtype: &'static str,
    pub(crate) shape: Vec<usize>,
    /// In bytes.
    pub(crate) strides: Vec<isize>,
    /// How far each element is from an address that is aligned for it.
    misalign: usize,
    pub(crate) memory: Vec<u8>,
    /// The place of the element with index 0 on every axis, in bytes.
    pub(crate) offset: usize,
    pub(crate) bits: Vec<u64>,
}

impl Input {
    /// Lays `bits` out in fresh memory as `layout` says.
    pub(crate) fn new(dtype: &'static str, shape: Vec<usize>, layout: &str, bits: Vec<u64>) -> Option<Input> {
        let mut strides = None;
        let mut misalign = 0;
        for word in layout.split(' ') {
            if let Some(list) = word.strip_prefix("strides=") {
                strides = Some(parse_list::<isize>(list)?);
            } else if let Some(n) = word.strip_prefix("misalign=") {
                misalign = n.parse().ok()?;
            } else if word != "C" {
                return None;
            }
        }
        let strides = strides.unwrap_or_else(|| c_strides(&shape, dtype_size(dtype)));
        if strides.len() != shape.len() || bits.len() != shape.iter().product::<usize>() {
            return None;
        }
        Some(Input::laid_out(dtype, shape, strides, misalign, bits))
    }

    fn laid_out(dtype: &'static str, shape: Vec<usize>, strides: Vec<isize>, misalign: usize, bits: Vec<u64>) -> Input {
        let size = dtype_size(dtype);
        // The bytes before and after the first element that the others reach.
        let (mut before, mut after) = (0usize, size);
        if !bits.is_empty() {
            for (&extent, &stride) in shape.iter().zip(&strides) {
                let reach = (extent - 1) * stride.unsigned_abs();
                *(if stride < 0 { &mut before } else { &mut after }) += reach;
            }
        }
        let mut memory = vec![PADDING; before + after + 8 + misalign];
        let to_aligned = memory.as_ptr().wrapping_add(before).align_offset(8);
        let offset = before + to_aligned + misalign;
        for (position, value) in positions(offset, &shape, &strides).zip(&bits) {
            memory[position..position + size].copy_from_slice(&value.to_le_bytes()[..size]);
        }
        Input { dtype, shape, strides, misalign, memory, offset, bits }
    }

    /// The same array in fresh memory.
    pub(crate) fn again(&self) -> Input {
        let (shape, strides) = (self.shape.clone(), self.strides.clone());
        Input::laid_out(self.dtype, shape, strides, self.misalign, self.bits.clone())
    }

    /// The elements that the memory has now, and whether the bytes around them are as they were.
    pub(crate) fn now(&self) -> (Array, bool) {
        let size = dtype_size(self.dtype);
        let mut around = self.memory.clone();
        let mut bits = Vec::with_capacity(self.bits.len());
        for position in positions(self.offset, &self.shape, &self.strides) {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(&self.memory[position..position + size]);
            bits.push(Some(u64::from_le_bytes(bytes)));
            around[position..position + size].fill(PADDING);
        }
        let array = Array { dtype: self.dtype, shape: self.shape.clone(), strides: None, bits };
        (array, around.iter().all(|&byte| byte == PADDING))
    }
}

/// Where in memory the elements are, in logical C order, if the first one is at `offset`.
fn positions(offset: usize, shape: &[usize], strides: &[isize]) -> impl Iterator<Item = usize> {
    let position = move |element_idx| offset.checked_add_signed(position_of(element_idx, shape, strides));
    (0..shape.iter().product()).map(move |element_idx| position(element_idx).expect("it is inside of the memory"))
}

/// The distance in bytes from the first element to the one at `element_idx` in logical C order.
fn position_of(mut element_idx: usize, shape: &[usize], strides: &[isize]) -> isize {
    let mut position = 0;
    for (&extent, &stride) in shape.iter().zip(strides).rev() {
        position += (element_idx % extent).cast_signed() * stride;
        element_idx /= extent;
    }
    position
}

fn c_strides(shape: &[usize], size: usize) -> Vec<isize> {
    let mut stride = size.cast_signed();
    let mut strides = vec![0; shape.len()];
    for (out, &extent) in strides.iter_mut().zip(shape).rev() {
        *out = stride;
        stride *= extent.max(1).cast_signed();
    }
    strides
}

pub(crate) fn dtype_name(name: &str) -> Option<&'static str> {
    ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64"]
        .into_iter()
        .find(|&known| known == name)
}

fn dtype_size(name: &str) -> usize {
    match name {
        "i16" | "u16" => 2,
        "i32" | "u32" | "f32" => 4,
        "i64" | "u64" | "f64" => 8,
        _ => 1,
    }
}

pub(crate) fn is_nan(dtype: &str, bits: u64) -> bool {
    match dtype {
        "f32" => u32::try_from(bits).is_ok_and(|bits| f32::from_bits(bits).is_nan()),
        "f64" => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

/// True if two floats differ by at most this much. Zeros of different signs differ, and an infinity
/// is near nothing else.
pub(crate) fn is_near(dtype: &str, found: u64, expected: u64, error: f64) -> bool {
    let float = |bits: u64| match dtype {
        "f32" => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    };
    let (found, expected) = (float(found), float(expected));
    (found != 0.0 || expected != 0.0) && expected.is_finite() && (found - expected).abs() <= error
}

pub(crate) fn parse_list<T: std::str::FromStr>(list: &str) -> Option<Vec<T>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    list.split(',').map(|word| word.parse().ok()).collect()
}

pub(crate) fn parse_shape(shape: &str) -> Option<Vec<usize>> {
    parse_list(shape.strip_prefix('[')?.strip_suffix(']')?)
}

pub(crate) fn parse_bindings(bindings: &str) -> Option<Vec<(String, String)>> {
    if bindings == "-" {
        return Some(Vec::new());
    }
    bindings.split(' ').map(|pair| pair.split_once('=').map(|(name, to)| (name.to_owned(), to.to_owned()))).collect()
}

/// `"ff 0*3 nan"` is `[255, 0, 0, 0, any NaN]`.
pub(crate) fn parse_bits(values: &str) -> Option<Vec<Option<u64>>> {
    let mut bits = Vec::new();
    if values == "-" {
        return Some(bits);
    }
    for word in values.split(' ') {
        let (value, count) = match word.split_once('*') {
            Some((value, count)) => (value, count.parse().ok()?),
            None => (word, 1),
        };
        let value = if value == "nan" { None } else { Some(u64::from_str_radix(value, 16).ok()?) };
        bits.extend(std::iter::repeat_n(value, count));
    }
    Some(bits)
}

pub(crate) fn parse_input_bits(values: &str) -> Option<Vec<u64>> {
    parse_bits(values)?.into_iter().collect()
}

/// `"1e-9 0*2"` is `[1e-9, 0.0, 0.0]`.
pub(crate) fn parse_errors(errors: &str) -> Option<Errors> {
    let mut all = Vec::new();
    for word in errors.split(' ') {
        let (error, count) = word.split_once('*').unwrap_or((word, "1"));
        all.extend(std::iter::repeat_n(error.parse::<f64>().ok()?, count.parse().ok()?));
    }
    Some(all)
}

/// What is wrong with `found`, in a line.
pub(crate) fn difference(
    found: &Array,
    expected: &Array,
    errors: &[f64],
    bindings: &[(&str, &Input)],
) -> Option<String> {
    if found.dtype != expected.dtype {
        return Some(format!("dtype {}, expected {}", found.dtype, expected.dtype));
    }
    if found.shape != expected.shape {
        return Some(format!("shape {:?}, expected {:?}", found.shape, expected.shape));
    }
    if found.bits.len() != expected.bits.len() {
        return Some(format!("{} elements, expected {}", found.bits.len(), expected.bits.len()));
    }
    let differs = |element_idx: &usize| match (found.bits[*element_idx], expected.bits[*element_idx]) {
        (Some(bits), None) => !is_nan(found.dtype, bits),
        (Some(bits), Some(expected)) if bits != expected => {
            errors.get(*element_idx).is_none_or(|&error| !is_near(found.dtype, bits, expected, error))
        }
        (found_bits, expected_bits) => found_bits != expected_bits,
    };
    let mut different = (0..found.bits.len()).filter(differs);
    if let Some(element_idx) = different.next() {
        let n_different = 1 + different.count();
        return Some(element_difference(element_idx, n_different, found, expected, bindings));
    }
    strides_difference(found, expected)
}

fn element_difference(
    element_idx: usize,
    n_different: usize,
    found: &Array,
    expected: &Array,
    bindings: &[(&str, &Input)],
) -> String {
    let show = |bits: Option<u64>| bits.map_or("nan".to_owned(), |bits| format!("{bits:x}"));
    let mut problem = format!(
        "{} element {element_idx} is {}, expected {}",
        found.dtype,
        show(found.bits[element_idx]),
        show(expected.bits[element_idx])
    );
    for (name, input) in bindings.iter().filter(|(_, input)| input.shape == expected.shape) {
        let _ = write!(problem, ", {name} {}", show(Some(input.bits[element_idx])));
    }
    let _ = write!(problem, " ({n_different} of {} differ)", expected.bits.len());
    problem
}

/// Whether two strides are the same. Along an axis of one element all are.
fn strides_difference(found: &Array, expected: &Array) -> Option<String> {
    let (found_strides, expected_strides) = (found.strides.as_ref()?, expected.strides.as_ref()?);
    let agree = found_strides.len() == expected_strides.len()
        && expected
            .shape
            .iter()
            .zip(found_strides.iter().zip(expected_strides))
            .all(|(&extent, (f, e))| extent == 1 || f == e);
    (!agree).then(|| format!("strides {found_strides:?}, expected {expected_strides:?} (shape {:?})", expected.shape))
}

/// The elements of a kind that follow from a seed, as `made` in make_golden.py has them.
pub(crate) fn made(dtype: DType, kind: &str, n: usize, seed: u64) -> Option<Vec<u64>> {
    let mut source = Source::from_seed(seed);
    let float = |x: f64| if dtype == DType::Float32 { u64::from((x as f32).to_bits()) } else { x.to_bits() };
    let eighths = |z: u64| ((z >> 11) % 1601) as f64 / 8.0 - 100.0;
    let element = |z: u64| match kind {
        "rare" => Some(u64::from(z.is_multiple_of(900))),
        "common" => Some(u64::from(!z.is_multiple_of(900))),
        "bits" => Some(z & u64::MAX >> (64 - 8 * dtype.size())),
        "eighths" => Some(float(eighths(z))),
        "gaps" => Some(float(if z.is_multiple_of(97) { f64::NAN } else { eighths(z) })),
        "wide" => {
            let n_bits = if dtype == DType::Float64 { 53 } else { 24 };
            let signed = (z >> (64 - n_bits)) as f64 - 2.0_f64.powi(n_bits - 1);
            Some(float(signed * 2.0_f64.powi(25 - n_bits - (z % 32) as i32)))
        }
        _ => None,
    };
    (0..n).map(|_| element(source.bits())).collect()
}

/// FNV-1a over whole elements; all NaNs are one.
pub(crate) fn digest_of(dtype: DType, bits: impl Iterator<Item = u64>) -> u64 {
    let key = |bits| if is_nan(dtype.short_name(), bits) { u64::MAX } else { bits };
    bits.fold(0xcbf2_9ce4_8422_2325, |state, bits| (state ^ key(bits)).wrapping_mul(0x100_0000_01b3))
}

/// Fails with the mismatches of a file, if there are some.
pub(crate) fn fail_with(file: &str, n_records: usize, mismatches: &[String]) {
    if mismatches.is_empty() {
        return;
    }
    let mut report = format!("{} of {n_records} records of {file}.txt differ:", mismatches.len());
    for mismatch in mismatches.iter().take(SHOWN) {
        let _ = write!(report, "\n  {mismatch}");
    }
    if mismatches.len() > SHOWN {
        let _ = write!(report, "\n  and {} more", mismatches.len() - SHOWN);
    }
    panic!("{report}");
}

pub(crate) fn engine(backend: Backend, n_threads: usize) -> Engine {
    Engine::builder().threads(n_threads).backend(backend).build().expect("an engine")
}

/// Where what `make_golden.py` wrote is.
pub(crate) fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden")
}

/// The names of the files with records, in order.
pub(crate) fn files_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .expect("the directory of the records")
        .filter_map(|entry| entry.expect("a directory entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// The number of records that the comments of a file begin with.
pub(crate) fn stated_count(text: &str) -> Option<usize> {
    let mut comments = text.lines().filter_map(|line| line.strip_prefix('#'));
    comments.find_map(|comment| comment.split_whitespace().next()?.parse().ok())
}
