//! Files that are written: `-o out.npy`. Results are computed in the file, which is mapped.
//!
//! A file is made without a name in the same directory, sized, mapped, filled, flushed, and only
//! then linked to a name and renamed. So whatever fails, an existing `out.npy` stays as it was, and
//! it may be among the inputs: their maps keep the old file. Of several files, none is renamed
//! before all are complete.
//!
//! A file without a name disappears with the process, even if that is killed. On systems without
//! such files, the file has a temporary name from the beginning. It is removed however the process
//! ends, except when the process is killed.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use memmap2::MmapMut;
use ndexpr::DType;
use tempfile::{NamedTempFile, TempPath};

use crate::array::{Order, byte_count};
use crate::elements::Elements;
use crate::failure::{Failure, human_bytes};
use crate::mapped;
use crate::sources::npy;

/// A .npy file that is being written. Dropped before [`commit`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct OutputFile {
    temporary: Temporary,
    elements: Elements,
    destination: PathBuf,
}

/// A file without its final name.
#[derive(Debug)]
enum Temporary {
    /// A file without any name. It can be linked to one by its path under `/proc`.
    #[cfg(target_os = "linux")]
    Unnamed { file: fs::File, link: PathBuf },
    /// A file with another name in the same directory.
    Named(NamedTempFile),
}

impl OutputFile {
    /// Makes the file, with its header written and room for the elements.
    pub(crate) fn create(path: &Path, dtype: DType, shape: &[usize], order: Order) -> Result<OutputFile, Failure> {
        let failed = |error| Failure::file("write", path, error);
        let too_big =
            || Failure::Output { path: path.to_owned(), message: format!("an array of {shape:?} {dtype} is too big") };
        // A symbolic link stays a link: its target is replaced.
        let destination = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let header = npy::header_bytes(dtype, shape, order);
        let n_bytes = byte_count(shape, dtype).ok_or_else(too_big)?;
        let file_bytes = n_bytes.checked_add(header.len()).ok_or_else(too_big)? as u64;

        let temporary = Temporary::beside(&destination).map_err(failed)?;
        let mut file = temporary.file();
        file.write_all(&header).map_err(failed)?;
        reserve(file, file_bytes).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                let message = format!("there is no room for {}: {error}", human_bytes(file_bytes as f64));
                Failure::Output { path: path.to_owned(), message }
            }
            _ => failed(error),
        })?;
        // SAFETY: the file is new and no other program knows it, so none changes or truncates it
        // while it is mapped; it is written as plain bytes, any of which are valid. Its blocks are
        // reserved where the file system can do that, so that a full disk was an error above; where
        // it cannot, `mapped` reports a full disk.
        let map = unsafe { MmapMut::map_mut(file) }.map_err(|error| Failure::file("map", path, error))?;
        let message = format!("cannot write `{}`: its disk is full, or has failed", path.display());
        mapped::watch(&map, mapped::Report { message, temporary: temporary.path() });
        let elements = Elements::new(map, header.len(), dtype, shape.to_vec(), order).ok_or_else(too_big)?;
        Ok(OutputFile { temporary, elements, destination })
    }

    /// The elements.
    pub(crate) fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The elements, to be written.
    pub(crate) fn elements_mut(&mut self) -> &mut Elements {
        &mut self.elements
    }

    /// Writes the file to the disk, and gives it a name beside that which it will have.
    fn complete(self) -> Result<CompleteFile, Failure> {
        let OutputFile { temporary, elements, destination } = self;
        let failed = |error| Failure::file("write", &destination, error);
        elements.flush().map_err(failed)?;
        // Windows does not rename files that are mapped.
        drop(elements);
        let name = temporary.named(&destination).map_err(failed)?;
        Ok(CompleteFile { name, destination })
    }
}

/// A file that is complete, under a temporary name. Dropped, it leaves nothing behind.
struct CompleteFile {
    name: TempPath,
    destination: PathBuf,
}

/// Makes all files appear under their names, replacing what was there. If one cannot be completed,
/// none appears.
pub(crate) fn commit(files: impl IntoIterator<Item = OutputFile>) -> Result<(), Failure> {
    let complete: Vec<CompleteFile> = files.into_iter().map(OutputFile::complete).collect::<Result<_, _>>()?;
    for CompleteFile { name, destination } in complete {
        name.persist(&destination).map_err(|error| Failure::file("write", &destination, error.error))?;
    }
    Ok(())
}

impl Temporary {
    /// A new file in the directory of `destination`, with the permissions of the file that is
    /// there, or else of a new file.
    fn beside(destination: &Path) -> io::Result<Temporary> {
        let directory = directory_of(destination);
        let temporary = match Temporary::unnamed(directory) {
            Some(temporary) => temporary,
            None => Temporary::Named(names().tempfile_in(directory)?),
        };
        if let Ok(metadata) = fs::metadata(destination) {
            temporary.file().set_permissions(metadata.permissions())?;
        }
        Ok(temporary)
    }

    /// None if the system or the directory's file system has no files without a name, or no way to
    /// give them one later.
    #[cfg(target_os = "linux")]
    fn unnamed(directory: &Path) -> Option<Temporary> {
        use rustix::fs::{Mode, OFlags, open};
        use std::os::fd::AsRawFd;

        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = fs::File::from(open(directory, flags, Mode::from_raw_mode(0o666)).ok()?);
        let link = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        link.exists().then_some(Temporary::Unnamed { file, link })
    }

    #[cfg(not(target_os = "linux"))]
    fn unnamed(_directory: &Path) -> Option<Temporary> {
        None
    }

    fn file(&self) -> &fs::File {
        match self {
            #[cfg(target_os = "linux")]
            Temporary::Unnamed { file, .. } => file,
            Temporary::Named(temporary) => temporary.as_file(),
        }
    }

    /// Its name, if it has one.
    fn path(&self) -> Option<&Path> {
        match self {
            #[cfg(target_os = "linux")]
            Temporary::Unnamed { .. } => None,
            Temporary::Named(temporary) => Some(temporary.path()),
        }
    }

    /// Gives it a free name in the directory of `destination`, if it has none.
    fn named(self, destination: &Path) -> io::Result<TempPath> {
        match self {
            #[cfg(target_os = "linux")]
            Temporary::Unnamed { file: _file, link } => {
                use rustix::fs::{AtFlags, CWD, linkat};
                // Linking does not replace a file, but renaming does. So the file is linked to a
                // name that is free, and renamed later.
                let to_name = |name: &Path| Ok(linkat(CWD, &link, CWD, name, AtFlags::SYMLINK_FOLLOW)?);
                Ok(names().make_in(directory_of(destination), to_name)?.into_temp_path())
            }
            Temporary::Named(temporary) => Ok(temporary.into_temp_path()),
        }
    }
}

/// The directory in which a path's last part is.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What temporary names look like, and which permissions their files get.
fn names() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ndexpr-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The process's umask applies to it.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

/// Sets the file's length and, where the system can, reserves that much of the disk.
fn reserve(file: &fs::File, n_bytes: u64) -> io::Result<()> {
    file.set_len(n_bytes)?;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(file, FallocateFlags::empty(), 0, n_bytes) {
            // Some file systems cannot reserve. There a full disk shows only when pages are
            // written.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn appears_only_when_committed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.npy");
        fs::write(&path, "old").unwrap();
        drop(OutputFile::create(&path, DType::Int16, &[3], Order::C).unwrap());
        assert_eq!((files(directory.path()), fs::read(&path).unwrap()), (vec!["out.npy".to_owned()], b"old".to_vec()));

        let mut output = OutputFile::create(&path, DType::Int16, &[3], Order::C).unwrap();
        assert_eq!(output.elements_mut().view_mut().unwrap().shape(), [3]);
        commit([output]).unwrap();
        assert_eq!(files(directory.path()), ["out.npy"]);
        let array = npy::load(&path).unwrap();
        assert_eq!((array.dtype(), array.shape(), array.data()), (DType::Int16, &[3][..], &[0; 6][..]));
    }

    #[test]
    fn of_several_all_appear_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let create = |path: &Path| OutputFile::create(path, DType::Int8, &[1], Order::C).unwrap();
        fs::write(path("a.npy"), "old").unwrap();
        fs::create_dir(path("later")).unwrap();
        let outputs = [create(&path("a.npy")), create(&path("later/b.npy"))];
        // The second file can no longer get a name.
        fs::remove_dir(path("later")).unwrap();
        assert!(commit(outputs).is_err());
        assert_eq!(
            (files(directory.path()), fs::read(path("a.npy")).unwrap()),
            (vec!["a.npy".to_owned()], b"old".to_vec())
        );

        commit([create(&path("a.npy")), create(&path("b.npy"))]).unwrap();
        assert_eq!(files(directory.path()), ["a.npy", "b.npy"]);
        assert_eq!(npy::load(&path("a.npy")).unwrap().shape(), [1]);
    }

    /// Tests what happens on file systems without unnamed files.
    #[test]
    fn named_temporaries() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.npy");
        fs::write(&path, "old").unwrap();
        let named = || Temporary::Named(super::names().tempfile_in(directory.path()).unwrap());
        assert!(named().path().unwrap().starts_with(directory.path()));
        assert_eq!(files(directory.path()), ["out.npy"]);
        let temporary = named();
        temporary.file().write_all(b"new").unwrap();
        assert_eq!(files(directory.path()).len(), 2);
        temporary.named(&path).unwrap().persist(&path).unwrap();
        assert_eq!((files(directory.path()), fs::read(&path).unwrap()), (vec!["out.npy".to_owned()], b"new".to_vec()));
    }

    #[test]
    fn empty_and_scalar_results() {
        let directory = tempfile::tempdir().unwrap();
        for shape in [&[][..], &[0], &[3, 0, 2]] {
            let path = directory.path().join("out.npy");
            let mut output = OutputFile::create(&path, DType::Float64, shape, Order::C).unwrap();
            output.elements_mut().view_mut().unwrap();
            commit([output]).unwrap();
            assert_eq!(npy::load(&path).unwrap().shape(), shape);
        }
    }

    #[test]
    fn what_cannot_be_created() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("nowhere/out.npy");
        let error = OutputFile::create(&missing, DType::Int8, &[1], Order::C).unwrap_err();
        assert!(error.to_string().contains("nowhere/out.npy"), "{error}");
        let path = directory.path().join("out.npy");
        let error = OutputFile::create(&path, DType::Int8, &[1 << 60], Order::C).unwrap_err();
        assert!(error.to_string().contains("out.npy"), "{error}");
        assert!(files(directory.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target.npy"), directory.path().join("link.npy"));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&target, &link).unwrap();
        commit([OutputFile::create(&link, DType::Int8, &[1], Order::C).unwrap()]).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(npy::load(&target).unwrap().shape(), [1]);
    }
}
