//! Maps the file of an array, so that what is written to the array is written to the file.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::MmapMut;

use crate::elements::Elements;
use crate::failure::Failure;
use crate::mapped;
use crate::sources::Binding;
use crate::sources::npy::{Header, NpyError};

/// Maps the file of a variable that is updated in place; see [`Place::InFile`](super::plan::Place).
pub(super) fn map(binding: &Binding, path: &Path) -> Result<Elements, Failure> {
    let refused = |reason: String| Failure::Update { name: binding.name.clone(), path: path.to_owned(), reason };
    let file = File::options().read(true).write(true).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => binding.explain_missing(Failure::file("open", path, error)),
        _ => refused(format!("it cannot be opened for writing: {error}")),
    })?;
    let metadata = file.metadata().map_err(|error| Failure::file("open", path, error))?;
    if !metadata.is_file() {
        return Err(refused("it is not a regular file".to_owned()));
    }
    // A superuser can open such files too.
    if metadata.permissions().readonly() {
        return Err(refused("it is read-only".to_owned()));
    }
    let npy = |error| Failure::Npy { name: path.display().to_string(), error };
    if metadata.len() == 0 {
        return Err(npy(NpyError::Magic { found: Vec::new() }));
    }
    // SAFETY: any bit pattern is a valid element of each dtype (a bool is any byte), so whatever is
    // read or written is valid. The views that are handed out borrow the map, and `Plan` has
    // checked that no other variable of the command, and so no other map, is of this file. As with
    // maps for reading it is assumed, and documented for the command, that no other program changes
    // or truncates the file meanwhile. If one does, the values are unspecified, or `mapped` reports
    // the missing page and ends the process.
    let map = unsafe { MmapMut::map_mut(&file) };
    let map = map.map_err(|error| Failure::file("map", path, error))?;
    mapped::watch(&map, mapped::Report::update(path));
    let header = Header::parse(&map).map_err(npy)?;
    if header.swapped {
        return Err(refused("its elements have the byte order of other machines".to_owned()));
    }
    let Header { dtype, order, ref shape, data_offset, .. } = header;
    let found = map.len().saturating_sub(data_offset);
    Elements::new(map, data_offset, dtype, shape.clone(), order).ok_or_else(|| npy(header.truncated(found)))
}
