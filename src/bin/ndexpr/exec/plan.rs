//! Where the arrays that a text updates are: in their own files, or in new ones.
//!
//! In: the names that the text updates, the variables, and the new files that were asked for. Out:
//! a place for each of these arrays. What can be known to be wrong is found before anything is read.
//! Always true: of a file that is updated in place, no other variable is read. The engine sees that
//! arrays share memory by their addresses, and two maps of one file have different ones.

use std::fs;
use std::path::Path;

use crate::destination::{Destination, final_path};
use crate::failure::{Failure, new_file_hint};
use crate::sources::{Binding, Source, did_you_mean};

/// What the text updates, and what it only reads.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) updates: Vec<Update<'a>>,
    pub(super) read: Vec<&'a Binding>,
}

/// An array that the text updates.
#[derive(Debug)]
pub(super) struct Update<'a> {
    pub(super) binding: &'a Binding,
    pub(super) place: Place<'a>,
}

/// Where an array is updated.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// In the file that it comes from, which no other variable is read from.
    InFile(&'a Path),
    /// In a new file, which appears here.
    NewFile(&'a Path),
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        names: &[String],
        bindings: &'a [Binding],
        destinations: &'a [Destination],
    ) -> Result<Plan<'a>, Failure> {
        if names.is_empty() {
            return Err(Failure::Usage(
                "the text updates no array\n  = assign to an array or to a part of it: `u[...] = u*2`, `u[1:-1] += v`\n  \
                 = to compute results, use `ndexpr eval`"
                    .to_owned(),
            ));
        }
        for name in destinations.iter().filter_map(|destination| destination.name.as_ref()) {
            if !names.contains(name) {
                let hint = did_you_mean(name, names.iter().map(String::as_str));
                let all = names.join(", ");
                return Err(Failure::Usage(format!(
                    "`-o {name}=...` needs an array that the text updates{hint}\n  = it updates: {all}"
                )));
            }
        }
        let updates: Vec<Update<'a>> =
            names.iter().map(|name| Update::new(name, bindings, destinations)).collect::<Result<_, _>>()?;
        for update in &updates {
            update.check_apart(bindings, &updates)?;
        }
        let read = bindings.iter().filter(|binding| !names.contains(&binding.name)).collect();
        Ok(Plan { updates, read })
    }
}

impl<'a> Update<'a> {
    fn new(name: &str, bindings: &'a [Binding], destinations: &'a [Destination]) -> Result<Update<'a>, Failure> {
        let Some(binding) = bindings.iter().find(|binding| binding.name == name) else {
            let hint = did_you_mean(name, bindings.iter().map(|binding| binding.name.as_str()));
            return Err(Failure::Usage(format!(
                "the text updates `{name}`, which is not given{hint}\n  = give it: {name}=FILE.npy"
            )));
        };
        let destination = destinations.iter().find(|destination| destination.name.as_deref() == Some(name));
        let what = match (destination, &binding.source) {
            (Some(destination), _) => return Ok(Update { binding, place: Place::NewFile(&destination.path) }),
            (None, Source::Npy(path)) => return Ok(Update { binding, place: Place::InFile(path) }),
            (None, Source::Npz { .. }) => "comes from an archive",
            (None, Source::Generator(_)) => "is a generated array",
            (None, Source::Scalar(_)) => "is a number",
        };
        Err(Failure::Usage(format!(
            "the text updates `{name}`, which {what}; only .npy files are updated in place{}",
            new_file_hint(name)
        )))
    }

    /// Checks that no other variable is read from a file that is updated in place, and that no new
    /// file replaces it.
    fn check_apart(&self, bindings: &[Binding], updates: &[Update<'_>]) -> Result<(), Failure> {
        let Place::InFile(path) = self.place else { return Ok(()) };
        // A file that is missing is reported when it is opened.
        let Some(id) = file_id(path) else { return Ok(()) };
        let name = &self.binding.name;
        let is_same = |other: &&Binding| other.name != *name && other.source.path().and_then(file_id) == Some(id);
        if let Some(other) = bindings.iter().find(is_same) {
            return Err(Failure::Usage(format!(
                "`{name}` and `{}` are the same file, and `{name}` is updated in place\n  = use one name for both{}",
                other.name,
                new_file_hint(name)
            )));
        }
        let replaces = |other: &&Update<'_>| match other.place {
            Place::NewFile(new) => final_path(new) == final_path(path),
            Place::InFile(_) => false,
        };
        if let Some(other) = updates.iter().find(replaces) {
            return Err(Failure::Usage(format!(
                "`{}` would replace `{}`, in which `{name}` is updated in place{}",
                other.binding.name,
                path.display(),
                new_file_hint(name)
            )));
        }
        Ok(())
    }
}

/// What is the same for two paths if they lead to one file.
fn file_id(path: &Path) -> Option<FileId> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    fs::canonicalize(path).ok()
}

/// A device and a file on it.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = std::path::PathBuf;
