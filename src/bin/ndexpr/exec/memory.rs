//! The memory of an array that is updated: its file, mapped, or a new file.

use std::path::{Path, PathBuf};

use ndexpr::{DType, Progress};

use super::in_place;
use super::plan::{Place, Update};
use crate::array::{Array, Order};
use crate::elements::Elements;
use crate::failure::Failure;
use crate::output::OutputFile;
use crate::sources::Value;

/// Bytes that are copied between looks at whether to stop.
const COPY_BYTES: usize = 16 << 20;

/// An array whose type is known, before the text is compiled.
#[derive(Debug)]
pub(super) enum Opened<'a> {
    InFile {
        path: &'a Path,
        elements: Elements,
    },
    /// A value that has to be copied to a new file.
    Copied {
        path: &'a Path,
        value: Value,
    },
}

/// An array, ready to be updated.
#[derive(Debug)]
pub(super) enum Memory<'a> {
    InFile { path: &'a Path, elements: Elements },
    NewFile(OutputFile),
}

impl<'a> Opened<'a> {
    pub(super) fn new(update: &Update<'a>) -> Result<Opened<'a>, Failure> {
        let binding = update.binding;
        match update.place {
            Place::InFile(path) => Ok(Opened::InFile { path, elements: in_place::map(binding, path)? }),
            Place::NewFile(path) => Ok(Opened::Copied { path, value: binding.load()?.value }),
        }
    }

    pub(super) fn dtype(&self) -> DType {
        match self {
            Opened::InFile { elements, .. } => elements.dtype(),
            Opened::Copied { value: Value::Array(array), .. } => array.dtype(),
            Opened::Copied { value: Value::Scalar(scalar), .. } => scalar.dtype(),
        }
    }

    /// Makes the new file, if there is one, and copies the value to it.
    pub(super) fn into_memory(self, progress: &Progress) -> Result<Memory<'a>, Failure> {
        let (path, value) = match self {
            Opened::InFile { path, elements } => return Ok(Memory::InFile { path, elements }),
            Opened::Copied { path, value } => (path, value),
        };
        let file = match value {
            Value::Array(array) => {
                let mut file = OutputFile::create(path, array.dtype(), array.shape(), array.order())?;
                copy(&array, file.elements_mut(), progress)?;
                file
            }
            Value::Scalar(scalar) => {
                let mut file = OutputFile::create(path, scalar.dtype(), &[], Order::C)?;
                let written = file.elements_mut().view_mut()?.write(&[], scalar);
                written.map_err(|error| Failure::Engine(error.into()))?;
                file
            }
        };
        Ok(Memory::NewFile(file))
    }
}

impl Memory<'_> {
    pub(super) fn elements(&self) -> &Elements {
        match self {
            Memory::InFile { elements, .. } => elements,
            Memory::NewFile(file) => file.elements(),
        }
    }

    pub(super) fn elements_mut(&mut self) -> &mut Elements {
        match self {
            Memory::InFile { elements, .. } => elements,
            Memory::NewFile(file) => file.elements_mut(),
        }
    }

    /// The file, if it is updated in place.
    pub(super) fn path_in_place(&self) -> Option<PathBuf> {
        match self {
            Memory::InFile { path, .. } => Some((*path).to_owned()),
            Memory::NewFile(_) => None,
        }
    }

    /// Waits until the disk has what was written in place. Gives the new file, which is still to
    /// appear.
    pub(super) fn finish(self) -> Result<Option<OutputFile>, Failure> {
        match self {
            Memory::InFile { path, elements } => {
                elements.flush().map_err(|error| Failure::file("write", path, error))?;
                Ok(None)
            }
            Memory::NewFile(file) => Ok(Some(file)),
        }
    }
}

/// Copies an array into memory of the same order.
fn copy(array: &Array, elements: &mut Elements, progress: &Progress) -> Result<(), Failure> {
    for (target, source) in elements.data_mut().chunks_mut(COPY_BYTES).zip(array.data().chunks(COPY_BYTES)) {
        if progress.is_cancelled() {
            return Err(Failure::Interrupted);
        }
        target.copy_from_slice(source);
    }
    Ok(())
}
