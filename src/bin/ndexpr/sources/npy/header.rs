//! The header of a .npy file, read and written.
//!
//! In: the first bytes of a file, or an array's dtype, shape and order. Out: what the header says,
//! or its bytes. Always true: nothing recurses, and no length in a header makes us allocate.
//!
//! The header crates that exist evaluate it as a general Python literal, recursively, and allocate
//! what it declares. The dict that is valid here has three keys, so the parser below is enough.

use std::io;

use ndexpr::DType;

use crate::array::{Order, byte_count};
use crate::sources::parse::MAX_RANK;

pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Longer headers exist only for structured dtypes with thousands of fields.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// Why bytes are not an array that can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NpyError {
    #[error("not a .npy file: it does not start with \\x93NUMPY{}", looks_like(found))]
    Magic { found: Vec<u8> },
    #[error("version {major}.{minor} of the .npy format is not known (1.0, 2.0 and 3.0 are)")]
    Version { major: u8, minor: u8 },
    #[error("the file ends within its header")]
    HeaderTruncated,
    #[error("the header claims a length of {length} bytes, more than any array's header has")]
    HeaderTooLong { length: usize },
    #[error("the header is not the dict that a .npy file has: {expected} expected at byte {at} of `{header}`")]
    HeaderSyntax { expected: &'static str, at: usize, header: String },
    #[error("the header has no `{key}`")]
    MissingKey { key: &'static str },
    #[error("elements of dtype {descr} ({what}) cannot be computed with (possible are: {})", DType::ALL.map(DType::name).join(", "))]
    UnsupportedDtype { descr: String, what: &'static str },
    #[error("the array has {rank} axes; {MAX_RANK} are possible")]
    Rank { rank: usize },
    #[error("the header claims a shape of {shape:?}, larger than memory can ever be")]
    Shape { shape: Vec<usize> },
    #[error("the file is truncated: {shape:?} {dtype} need {expected} bytes, there are {found}")]
    Truncated { dtype: DType, shape: Vec<usize>, expected: usize, found: usize },
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

fn looks_like(found: &[u8]) -> &'static str {
    match found {
        [] => " (it is empty)",
        [b'P', b'K', 3 | 5, ..] => " (it is a zip archive; is it a .npz file?)",
        [0x89, b'H', b'D', b'F', ..] => " (it is an HDF5 file)",
        _ => "",
    }
}

/// What a .npy header says, checked in itself but not against the bytes that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) dtype: DType,
    /// Whether the elements' bytes are in the other order than this machine's.
    pub(crate) swapped: bool,
    pub(crate) order: Order,
    pub(crate) shape: Vec<usize>,
    /// Where the elements start.
    pub(crate) data_offset: usize,
    /// How many bytes they take.
    pub(crate) n_bytes: usize,
}

impl Header {
    /// Parses the header that `bytes` start with.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Header, NpyError> {
        let (text_start, data_offset) = header_extent(bytes)?;
        let text = bytes.get(text_start..data_offset).ok_or(NpyError::HeaderTruncated)?;
        let fields = Fields::parse(text)?;
        let (dtype, swapped) = parse_descr(&fields.descr)?;
        let shape = fields.shape;
        if shape.len() > MAX_RANK {
            return Err(NpyError::Rank { rank: shape.len() });
        }
        let Some(n_bytes) = byte_count(&shape, dtype) else {
            return Err(NpyError::Shape { shape });
        };
        let order = if fields.fortran_order { Order::Fortran } else { Order::C };
        Ok(Header { dtype, swapped, order, shape, data_offset, n_bytes })
    }

    /// The error of a file that has only `found` bytes of elements.
    pub(crate) fn truncated(&self, found: usize) -> NpyError {
        NpyError::Truncated { dtype: self.dtype, shape: self.shape.clone(), expected: self.n_bytes, found }
    }
}

/// Where the header's text starts and ends, from a file's first 12 bytes.
pub(super) fn header_extent(bytes: &[u8]) -> Result<(usize, usize), NpyError> {
    if !bytes.starts_with(MAGIC) {
        let found = bytes[..bytes.len().min(8)].to_vec();
        return Err(NpyError::Magic { found });
    }
    let &[major, minor] = bytes.get(6..8).and_then(|bytes| bytes.first_chunk()).ok_or(NpyError::HeaderTruncated)?;
    let (start, length) = match (major, minor) {
        (1, 0) => {
            let length = bytes.get(8..10).and_then(|bytes| bytes.first_chunk()).ok_or(NpyError::HeaderTruncated)?;
            (10, usize::from(u16::from_le_bytes(*length)))
        }
        (2 | 3, 0) => {
            let length = bytes.get(8..12).and_then(|bytes| bytes.first_chunk()).ok_or(NpyError::HeaderTruncated)?;
            (12, u32::from_le_bytes(*length) as usize)
        }
        _ => return Err(NpyError::Version { major, minor }),
    };
    if length > MAX_HEADER_BYTES {
        return Err(NpyError::HeaderTooLong { length });
    }
    Ok((start, start + length))
}

/// The dict's values.
struct Fields {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Fields {
    fn parse(text: &[u8]) -> Result<Fields, NpyError> {
        let mut cursor = Cursor { text, at: 0 };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        cursor.expect(b'{', "`{`")?;
        while !cursor.take(b'}') {
            let key = cursor.string()?;
            cursor.expect(b':', "`:`")?;
            match key {
                b"descr" => descr = Some(cursor.descr()?),
                b"fortran_order" => fortran_order = Some(cursor.boolean()?),
                b"shape" => shape = Some(cursor.shape()?),
                _ => return Err(cursor.error("one of the keys descr, fortran_order, shape")),
            }
            if !cursor.take(b',') {
                cursor.expect(b'}', "`,` or `}`")?;
                break;
            }
        }
        cursor.skip_space();
        if cursor.at < text.len() {
            return Err(cursor.error("the end"));
        }
        Ok(Fields {
            descr: descr.ok_or(NpyError::MissingKey { key: "descr" })?,
            fortran_order: fortran_order.ok_or(NpyError::MissingKey { key: "fortran_order" })?,
            shape: shape.ok_or(NpyError::MissingKey { key: "shape" })?,
        })
    }
}

/// A place in the header's text.
struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn error(&self, expected: &'static str) -> NpyError {
        // Enough to recognise it; a hostile header must not fill the screen.
        let header = String::from_utf8_lossy(&self.text[..self.text.len().min(80)]);
        NpyError::HeaderSyntax { expected, at: self.at, header: printable(header.trim_end()) }
    }

    fn skip_space(&mut self) {
        while self.text.get(self.at).is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), NpyError> {
        if self.take(byte) { Ok(()) } else { Err(self.error(expected)) }
    }

    /// A quoted string without escapes. The strings of valid headers have none.
    fn string(&mut self) -> Result<&'t [u8], NpyError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let quote = *rest.first().filter(|byte| matches!(byte, b'\'' | b'"')).ok_or_else(|| self.error("a string"))?;
        let length =
            rest[1..].iter().position(|&byte| byte == quote).ok_or_else(|| self.error("a string that ends"))?;
        self.at += length + 2;
        Ok(&rest[1..=length])
    }

    /// The dtype: a string, or the text of what stands in its place, for an error message.
    fn descr(&mut self) -> Result<String, NpyError> {
        self.skip_space();
        let start = self.at;
        if !matches!(self.text.get(start), Some(b'[' | b'(')) {
            return Ok(String::from_utf8_lossy(self.string()?).into_owned());
        }
        let mut depth = 0_usize;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'[' | b'(' => depth += 1,
                b']' | b')' => depth -= 1,
                b'\'' | b'"' => {
                    self.string()?;
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(String::from_utf8_lossy(&self.text[start..self.at]).into_owned());
            }
        }
        Err(self.error("a closing bracket"))
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        self.skip_space();
        for (word, value) in [("True", true), ("False", false)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("True or False"))
    }

    fn shape(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut shape = Vec::new();
        self.expect(b'(', "a tuple")?;
        while !self.take(b')') {
            self.skip_space();
            let rest = &self.text[self.at..];
            let n_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let extent = std::str::from_utf8(&rest[..n_digits]).ok().and_then(|digits| digits.parse().ok());
            shape.push(extent.ok_or_else(|| self.error("an extent"))?);
            self.at += n_digits;
            // Python 2 wrote `3L`.
            if self.text.get(self.at) == Some(&b'L') {
                self.at += 1;
            }
            if !self.take(b',') {
                self.expect(b')', "`,` or `)`")?;
                break;
            }
        }
        Ok(shape)
    }
}

/// The dtype that a `descr` names, and whether its byte order is not this machine's.
fn parse_descr(descr: &str) -> Result<(DType, bool), NpyError> {
    let (order, code) = match descr.as_bytes().first() {
        Some(b'<' | b'>' | b'=' | b'|') => descr.split_at(1),
        _ => ("=", descr),
    };
    let dtype = match code {
        "b1" | "?" => DType::Bool,
        "i1" => DType::Int8,
        "i2" => DType::Int16,
        "i4" => DType::Int32,
        "i8" => DType::Int64,
        "u1" => DType::UInt8,
        "u2" => DType::UInt16,
        "u4" => DType::UInt32,
        "u8" => DType::UInt64,
        "f4" => DType::Float32,
        "f8" => DType::Float64,
        _ => {
            return Err(NpyError::UnsupportedDtype { descr: quote_descr(descr), what: describe_code(descr, code) });
        }
    };
    let other_order = if cfg!(target_endian = "little") { ">" } else { "<" };
    Ok((dtype, order == other_order && dtype.size() > 1))
}

fn quote_descr(descr: &str) -> String {
    const MAX_CHARS: usize = 60;
    let short: String = descr.chars().take(MAX_CHARS).collect();
    let more = if short.len() < descr.len() { "..." } else { "" };
    format!("`{}{more}`", printable(&short))
}

/// Text that cannot disturb a terminal.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn describe_code(descr: &str, code: &str) -> &'static str {
    match code.as_bytes().first() {
        _ if descr.starts_with(['[', '(']) => "structured",
        Some(b'c') => "complex",
        Some(b'f') if code == "f2" => "half precision",
        Some(b'f') => "extended precision",
        Some(b'O') => "Python objects",
        Some(b'S' | b'a') => "byte strings",
        Some(b'U' | b'T') => "strings",
        Some(b'M') => "dates",
        Some(b'm') => "time differences",
        Some(b'V') => "raw bytes",
        _ => "unknown",
    }
}

/// The header of a dense array, as NumPy writes it, padded so that the elements start at a multiple
/// of 64 bytes.
pub(crate) fn header_bytes(dtype: DType, shape: &[usize], order: Order) -> Vec<u8> {
    let byte_order = match dtype.size() {
        1 => '|',
        _ if cfg!(target_endian = "little") => '<',
        _ => '>',
    };
    let kind = match dtype {
        DType::Bool => 'b',
        _ if dtype.is_float() => 'f',
        _ if dtype.is_signed_int() => 'i',
        _ => 'u',
    };
    let extents: Vec<String> = shape.iter().map(usize::to_string).collect();
    let trailing_comma = if shape.len() == 1 { "," } else { "" };
    let fortran_order = if order == Order::Fortran { "True" } else { "False" };
    let mut text = format!(
        "{{'descr': '{byte_order}{kind}{}', 'fortran_order': {fortran_order}, 'shape': ({}{trailing_comma}), }}",
        dtype.size(),
        extents.join(", "),
    );
    // Room for the slowest extent to grow to 21 digits in place: NumPy leaves this room so that
    // data can be appended to the array.
    let growing = if order == Order::Fortran { extents.last() } else { extents.first() };
    text.extend(std::iter::repeat_n(' ', growing.map_or(0, |extent| 21_usize.saturating_sub(extent.len()))));
    // 32 extents of 20 digits stay far below version 1's limit of 65535 bytes.
    const PREFIX_BYTES: usize = 10;
    let total = (PREFIX_BYTES + text.len() + 1).next_multiple_of(64);
    text.extend(std::iter::repeat_n(' ', total - PREFIX_BYTES - text.len() - 1));
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.into_bytes());
    bytes
}
