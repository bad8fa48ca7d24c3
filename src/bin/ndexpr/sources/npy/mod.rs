//! The .npy format: files mapped into memory, or read.
//!
//! A file is `\x93NUMPY`, two version bytes, the header's length (2 bytes in version 1, 4 in 2 and
//! 3), a Python dict as text, and the elements
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>). Nothing that a
//! header says is believed before it is checked against the bytes that there are.

mod header;
#[cfg(test)]
mod tests;

pub(crate) use header::{Header, NpyError, header_bytes};

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use memmap2::Mmap;

use crate::array::{Array, Bytes};
use crate::failure::Failure;
use crate::mapped;
use header::header_extent;

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
    let map = map_file(&file, path).map_err(|error| Failure::file("map", path, error))?;
    from_map(map, 0, usize::MAX).map_err(npy)
}

/// The array that starts at byte `start` of a mapped file and takes at most `length` bytes with its
/// header.
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
pub(crate) fn map_file(file: &File, path: &Path) -> io::Result<Mmap> {
    // SAFETY: the map is only ever read, as bytes and as elements of the dtypes. Any bit pattern is
    // valid for each of those (a bool is any byte). One thing is assumed, as by every program that
    // maps files, and documented for the command: no program changes or truncates the file while it
    // is being read. If one does, the values are unspecified, or `mapped` reports the missing page
    // and ends the process. Our own output never does either: it is a new file, which takes the old
    // one's name when it is complete.
    let map = unsafe { Mmap::map(file) }?;
    mapped::watch(&map, mapped::Report::input(path));
    Ok(map)
}
