//! The .npy format: its header, read and written, and files mapped into memory.
//!
//! A file is `\x93NUMPY`, two version bytes, the header's length (2 bytes in version 1, 4 in 2 and 3), a Python dict as
//! text, and the elements (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>). Nothing a header
//! says is believed before it is checked against the bytes there are: no length in it makes us allocate. The header crates
//! that exist evaluate it as a general Python literal, recursively, and allocate what it declares; the dict that is valid
//! here has three keys, so the parser below is all that it takes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memmap2::Mmap;
use ndexpr::DType;

use super::generator::MAX_RANK;
use crate::array::{Array, Bytes, Order, byte_count};
use crate::failure::Failure;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

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
    fn truncated(&self, found: usize) -> NpyError {
        NpyError::Truncated { dtype: self.dtype, shape: self.shape.clone(), expected: self.n_bytes, found }
    }
}

/// Where the header's text starts and ends, from a file's first 12 bytes.
fn header_extent(bytes: &[u8]) -> Result<(usize, usize), NpyError> {
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
        // Enough to see what it is; a hostile header is not to fill the screen.
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

    /// A quoted string without escapes; none of those we need has any.
    fn string(&mut self) -> Result<&'t [u8], NpyError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let quote = *rest.first().filter(|byte| matches!(byte, b'\'' | b'"')).ok_or_else(|| self.error("a string"))?;
        let length =
            rest[1..].iter().position(|&byte| byte == quote).ok_or_else(|| self.error("a string that ends"))?;
        self.at += length + 2;
        Ok(&rest[1..=length])
    }

    /// The dtype: a string, or, to be told in an error, the text of whatever else stands there.
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

/// The header of a dense array, as NumPy writes it, padded so that the elements start at a multiple of 64 bytes.
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
    // Room for the slowest extent to grow to 21 digits in place: NumPy leaves it so that arrays can be appended to.
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

/// The array in a file: mapped if its bytes can be used as they are, else read.
pub(crate) fn load(path: &Path) -> Result<Array, Failure> {
    let npy = |error| Failure::Npy { name: path.display().to_string(), error };
    let file = File::open(path).map_err(|error| Failure::file("open", path, error))?;
    let metadata = file.metadata().map_err(|error| Failure::file("open", path, error))?;
    if metadata.is_dir() {
        return Err(Failure::file("open", path, io::ErrorKind::IsADirectory.into()));
    }
    if !metadata.is_file() {
        return read(file).map_err(npy);
    }
    if metadata.len() == 0 {
        return Err(npy(NpyError::Magic { found: Vec::new() }));
    }
    let map = map_file(&file).map_err(|error| Failure::file("map", path, error))?;
    from_map(map, 0, usize::MAX).map_err(npy)
}

/// The array that starts at byte `start` of a mapped file and takes at most `length` bytes with its header.
pub(crate) fn from_map(map: Mmap, start: usize, length: usize) -> Result<Array, NpyError> {
    let end = start.saturating_add(length).min(map.len());
    let bytes = map.get(start..end).ok_or(NpyError::HeaderTruncated)?;
    let header = Header::parse(bytes)?;
    let data = &bytes[header.data_offset..];
    if data.len() < header.n_bytes {
        return Err(header.truncated(data.len()));
    }
    if header.swapped {
        let data = data[..header.n_bytes].to_vec();
        return in_memory(header, data);
    }
    let found = data.len();
    let Header { dtype, order, ref shape, data_offset, .. } = header;
    Array::new(Bytes::Map(map), start + data_offset, dtype, shape.clone(), order).ok_or_else(|| header.truncated(found))
}

/// The array in a stream, which is read to the array's end.
pub(crate) fn read(mut stream: impl Read) -> Result<Array, NpyError> {
    let mut prefix = Vec::new();
    stream.by_ref().take(12).read_to_end(&mut prefix)?;
    let (_, data_offset) = header_extent(&prefix)?;
    // Version 1 can have less than 12 bytes in all, if it is broken; then this reads nothing.
    let rest = data_offset.saturating_sub(prefix.len());
    stream.by_ref().take(rest as u64).read_to_end(&mut prefix)?;
    let header = Header::parse(&prefix)?;
    // The vector grows with what is really there, so a header that lies costs nothing.
    let mut data = prefix.split_off(header.data_offset);
    let rest = header.n_bytes.saturating_sub(data.len());
    stream.take(rest as u64).read_to_end(&mut data)?;
    if data.len() < header.n_bytes {
        return Err(header.truncated(data.len()));
    }
    in_memory(header, data)
}

/// The array of a header and its elements' bytes.
fn in_memory(header: Header, mut data: Vec<u8>) -> Result<Array, NpyError> {
    if header.swapped {
        for element in data.chunks_exact_mut(header.dtype.size()) {
            element.reverse();
        }
    }
    let found = data.len();
    Array::new(Bytes::Memory(data), 0, header.dtype, header.shape.clone(), header.order)
        .ok_or_else(|| header.truncated(found))
}

/// Maps a whole file for reading.
pub(crate) fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is only ever read, as bytes and as elements of the dtypes, for all of which any bit pattern is valid
    // (a bool is any byte). What no check can make true is assumed, as by every program that maps files, and documented for
    // the command: that nobody changes or truncates the file while it is being read. If somebody does, the values are
    // unspecified, or the system ends the process (SIGBUS); our own output never does, as it is a new file that takes the
    // old one's name when it is complete.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn dict(descr: &str, fortran: &str, shape: &str) -> String {
        format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
    }

    fn error(bytes: &[u8]) -> String {
        let error = read(bytes).unwrap_err().to_string();
        assert_eq!(Header::parse(bytes).err().map_or_else(|| error.clone(), |error| error.to_string()), error);
        error
    }

    #[test]
    fn every_dtype_and_byte_order() {
        for (code, dtype) in [
            ("b1", DType::Bool),
            ("i1", DType::Int8),
            ("i2", DType::Int16),
            ("i4", DType::Int32),
            ("i8", DType::Int64),
            ("u1", DType::UInt8),
            ("u2", DType::UInt16),
            ("u4", DType::UInt32),
            ("u8", DType::UInt64),
            ("f4", DType::Float32),
            ("f8", DType::Float64),
        ] {
            for version in 1..=3 {
                for order in ["<", ">", "=", "|", ""] {
                    let bytes = file(version, &dict(&format!("'{order}{code}'"), "False", "(2, 1)"), &[]);
                    let header = Header::parse(&bytes).unwrap();
                    assert_eq!((header.dtype, header.n_bytes), (dtype, 2 * dtype.size()));
                    let foreign = if cfg!(target_endian = "little") { ">" } else { "<" };
                    assert_eq!(header.swapped, order == foreign && dtype.size() > 1, "{order}{code}");
                    assert_eq!(header.data_offset, bytes.len());
                }
            }
        }
    }

    #[test]
    fn shapes_and_orders() {
        for (text, shape) in [
            ("()", &[][..]),
            ("(3,)", &[3]),
            ("(3L, 4L)", &[3, 4]),
            ("( 3 , 4 , )", &[3, 4]),
            ("(0, 18446744073709551615)", &[0, usize::MAX]),
        ] {
            let header = Header::parse(&file(1, &dict("'<f8'", "True", text), &[])).unwrap();
            assert_eq!((header.shape.as_slice(), header.order), (shape, Order::Fortran));
        }
    }

    #[test]
    fn elements_are_swapped_when_they_must_be() {
        let array = read(&file(1, &dict("'>i2'", "False", "(2,)"), &[1, 2, 3, 4])[..]).unwrap();
        assert_eq!(array.data(), [0x0102_i16.to_ne_bytes(), 0x0304_i16.to_ne_bytes()].concat());
        let array = read(&file(3, &dict("'<i2'", "True", "(2, 1)"), &[1, 2, 3, 4, 5])[..]).unwrap();
        assert_eq!(array.data(), [0x0201_i16.to_ne_bytes(), 0x0403_i16.to_ne_bytes()].concat());
        assert_eq!((array.shape(), array.strides()), (&[2, 1][..], &[2, 4][..]));
    }

    #[test]
    fn what_numpy_writes_is_what_we_write() {
        // numpy 2.4: np.save of np.zeros((3, 4), 'f4'), np.zeros(5, '?'), np.float64(0), np.zeros((2, 30), 'u2', order='F')
        let cases: [(DType, &[usize], Order, &str); 4] = [
            (DType::Float32, &[3, 4], Order::C, "\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"),
            (DType::Bool, &[5], Order::C, "\x01\0v\0{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }"),
            (DType::Float64, &[], Order::C, "\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (), }"),
            (
                DType::UInt16,
                &[2, 30],
                Order::Fortran,
                "\x01\0v\0{'descr': '<u2', 'fortran_order': True, 'shape': (2, 30), }",
            ),
        ];
        for (dtype, shape, order, text) in cases {
            let bytes = header_bytes(dtype, shape, order);
            let mut expected = [MAGIC, text.as_bytes()].concat();
            expected.resize(127, b' ');
            expected.push(b'\n');
            if cfg!(target_endian = "little") {
                assert_eq!(bytes, expected);
            }
            let header = Header::parse(&bytes).unwrap();
            assert_eq!((header.dtype, header.shape.as_slice(), header.order), (dtype, shape, order));
            assert_eq!((header.swapped, header.data_offset), (false, 128));
        }
        let shape = [usize::MAX >> 40; 32];
        assert_eq!(header_bytes(DType::Int8, &shape, Order::C).len() % 64, 0);
    }

    #[test]
    fn unsupported_dtypes_are_named() {
        for (descr, part) in [
            ("'<c16'", "`<c16` (complex)"),
            ("'<f2'", "`<f2` (half precision)"),
            ("'<f16'", "`<f16` (extended precision)"),
            ("'|O'", "`|O` (Python objects)"),
            ("'|S3'", "`|S3` (byte strings)"),
            ("'<U3'", "`<U3` (strings)"),
            ("'<M8[ns]'", "`<M8[ns]` (dates)"),
            ("'<m8[s]'", "`<m8[s]` (time differences)"),
            ("'|V4'", "`|V4` (raw bytes)"),
            ("'<i16'", "`<i16` (unknown)"),
            ("''", "`` (unknown)"),
            ("[('a)', '<f4', (2,)), (\"b\", [('c', '|S2')])]", "(structured)"),
        ] {
            let error = error(&file(1, &dict(descr, "False", "(3,)"), &[0; 64]));
            assert!(error.contains(part) && error.contains("possible are: bool, int8"), "{descr}: {error}");
        }
    }

    #[test]
    fn broken_files() {
        let good = dict("'<f8'", "False", "(3,)");
        for (bytes, part) in [
            (Vec::new(), "it is empty"),
            (b"PK\x03\x04".to_vec(), "is it a .npz file?"),
            (b"\x93NUMP".to_vec(), "not a .npy file"),
            (b"\x93NUMPY".to_vec(), "ends within its header"),
            (b"\x93NUMPY\x01\0\x05".to_vec(), "ends within its header"),
            (b"\x93NUMPY\x02\0\x05\0\0".to_vec(), "ends within its header"),
            (b"\x93NUMPY\x01\0\x00\x00".to_vec(), "`{` expected at byte 0"),
            (b"\x93NUMPY\x07\x01\x05\0".to_vec(), "version 7.1"),
            (b"\x93NUMPY\x02\0\xff\xff\xff\xff".to_vec(), "4294967295 bytes"),
            (file(1, &good, &[])[..40].to_vec(), "ends within its header"),
            (file(1, "", &[]), "`{` expected"),
            (file(1, "{}", &[]), "no `descr`"),
            (file(1, "{'descr': '<f8'}", &[]), "no `fortran_order`"),
            (file(1, "{'descr': '<f8', 'fortran_order': False}", &[]), "no `shape`"),
            (file(1, "{'descr' '<f8'}", &[]), "`:` expected at byte 9"),
            (file(1, "{'descr': '<f8}", &[]), "a string that ends"),
            (file(1, "{'descr': [('a', '<f8')}", &[]), "a closing bracket"),
            (file(1, "{'descr': [(((((((", &[]), "a closing bracket"),
            (file(1, "{'color': 1}", &[]), "one of the keys"),
            (file(1, &dict("8", "False", "(3,)"), &[]), "a string expected"),
            (file(1, &dict("'<f8'", "0", "(3,)"), &[]), "True or False"),
            (file(1, &dict("'<f8'", "False", "3"), &[]), "a tuple"),
            (file(1, &dict("'<f8'", "False", "(-3,)"), &[]), "an extent"),
            (file(1, &dict("'<f8'", "False", "(99999999999999999999,)"), &[]), "an extent"),
            (file(1, &dict("'<f8'", "False", "(3]"), &[]), "`,` or `)`"),
            (file(1, &format!("{good} x"), &[]), "the end expected"),
            (file(1, &dict("'<f8'", "False", "(9999999999, 9999999999)"), &[]), "larger than memory"),
            (file(1, &dict("'<f8'", "False", &format!("({})", "1,".repeat(33))), &[]), "33 axes"),
        ] {
            let error = error(&bytes);
            assert!(error.contains(part), "{part:?} not in {error:?}");
        }
    }

    #[test]
    fn truncated_data() {
        let bytes = file(1, &dict("'<f8'", "False", "(3,)"), &[0; 23]);
        assert_eq!(
            read(&bytes[..]).unwrap_err().to_string(),
            "the file is truncated: [3] float64 need 24 bytes, there are 23"
        );
        // 2^60 bytes are claimed; none are allocated.
        let bytes = file(1, &dict("'|u1'", "False", "(1152921504606846976,)"), &[0; 3]);
        assert!(matches!(read(&bytes[..]), Err(NpyError::Truncated { found: 3, .. })));
    }

    #[test]
    fn files_are_mapped_unless_swapped() {
        let (native, foreign) = if cfg!(target_endian = "little") { ('<', '>') } else { ('>', '<') };
        for (order, is_mapped) in [(native, true), (foreign, false)] {
            let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
            let bytes = file(1, &dict(&format!("'{order}i2'"), "False", "(1,)"), &0x0102_i16.to_be_bytes());
            std::fs::write(&path, bytes).unwrap();
            let array = load(&path).unwrap();
            assert_eq!((array.is_mapped(), array.data().len()), (is_mapped, 2));
        }
        let directory = load(Path::new(".")).unwrap_err();
        assert!(directory.to_string().contains("directory"), "{directory}");
    }

    #[test]
    fn no_header_panics() {
        // Every prefix of a good file, and every single byte of it replaced.
        let good = file(1, &dict("'<i2'", "False", "(2, 3)"), &[7; 12]);
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_err());
        }
        for at in 0..good.len() {
            for byte in [0, b'\'', b'(', b'[', b']', b'{', b'9', b',', 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = byte;
                let _ = read(&bytes[..]);
            }
        }
    }
}
