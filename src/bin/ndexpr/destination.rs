//! Files that are written: `-o FILE.npy`, or `-o NAME=FILE.npy`.
//!
//! In: arguments. Out: paths, some with the name of what goes there. What is wrong with them is
//! reported before anything is read.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::names::{check_name, normal_name};

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The name of what is written to it.
    pub(crate) name: Option<String>,
    pub(crate) path: PathBuf,
}

impl Destination {
    /// Parses `FILE` or `NAME=FILE`. What is before the first `=` is a name if it can be one.
    pub(crate) fn parse(text: OsString) -> Result<Destination, String> {
        let named = text.to_str().and_then(|text| text.split_once('=')).map(|(name, path)| (name.trim(), path.trim()));
        match named.filter(|(name, _)| check_name(name).is_ok()) {
            Some((name, "")) => Err(format!("expected {name}=FILE.npy, found nothing after the `=`")),
            Some((name, path)) => Ok(Destination { name: Some(normal_name(name)), path: PathBuf::from(path) }),
            None => Ok(Destination { name: None, path: PathBuf::from(text) }),
        }
    }

    /// Parses `NAME=FILE`.
    pub(crate) fn parse_named(text: OsString) -> Result<Destination, String> {
        let destination = Destination::parse(text)?;
        match destination.name {
            Some(_) => Ok(destination),
            None => {
                let path = destination.path.display();
                Err(format!("expected NAME=FILE.npy; say which array `{path}` is for: -o NAME={path}"))
            }
        }
    }
}

/// Finds the errors that need no evaluation.
pub(crate) fn check(destinations: &[Destination]) -> Result<(), Failure> {
    let n_named = destinations.iter().filter(|destination| destination.name.is_some()).count();
    if n_named > 0 && n_named < destinations.len() {
        return Err(Failure::Usage(
            "some of the files have names and others have none: give `-o NAME=FILE.npy` for each, or `-o FILE.npy` in \
             the order of the results"
                .to_owned(),
        ));
    }
    let (mut names, mut files) = (BTreeSet::new(), BTreeSet::new());
    for Destination { name, path } in destinations {
        check_path(path)?;
        if let Some(name) = name
            && !names.insert(name)
        {
            return Err(Failure::Usage(format!("`{name}` is written to two files; one `-o {name}=...` is possible")));
        }
        if !files.insert(final_path(path)) {
            let path = path.display();
            return Err(Failure::Usage(format!(
                "two arrays would be written to `{path}`; give each a file of its own"
            )));
        }
    }
    Ok(())
}

fn check_path(path: &Path) -> Result<(), Failure> {
    let refuse = |message: &str| Err(Failure::Output { path: path.to_owned(), message: message.to_owned() });
    if path.extension().is_none_or(|extension| extension != "npy") {
        return Err(Failure::Usage(format!("cannot write `{}`: only .npy files can be written", path.display())));
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => refuse("it is a directory"),
        Ok(metadata) if !metadata.is_file() => refuse("it is not a regular file"),
        Ok(metadata) if metadata.permissions().readonly() => refuse("it is read-only"),
        _ => Ok(()),
    }
}

/// The path at which a file appears, the same for all ways to write it: a symbolic link stays a
/// link, and its target is replaced.
pub(crate) fn final_path(path: &Path) -> PathBuf {
    let beside = || {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(fs::canonicalize(parent).ok()?.join(path.file_name()?))
    };
    fs::canonicalize(path).ok().or_else(beside).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_and_without_names() {
        let parse = |text: &str| Destination::parse(text.into()).map(|found| (found.name, found.path));
        assert_eq!(parse("a.npy"), Ok((None, "a.npy".into())));
        assert_eq!(parse("y=a.npy"), Ok((Some("y".to_owned()), "a.npy".into())));
        assert_eq!(parse("y=a=b.npy"), Ok((Some("y".to_owned()), "a=b.npy".into())));
        assert_eq!(parse("\u{b5}=a.npy"), Ok((Some("\u{3bc}".to_owned()), "a.npy".into())));
        for file in ["./a=b.npy", "a-b=c.npy", "2=a.npy", "=a.npy"] {
            assert_eq!(parse(file), Ok((None, file.into())));
        }
        assert!(parse("y=").unwrap_err().contains("nothing after the `=`"));
        let error = Destination::parse_named("a.npy".into()).unwrap_err();
        assert!(error.contains("-o NAME=a.npy"), "{error}");
        assert!(Destination::parse_named("y=a.npy".into()).is_ok());
    }

    #[test]
    fn what_cannot_be_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let destination = |(name, file): (&str, &str)| {
            let name = Some(name).filter(|name| !name.is_empty()).map(str::to_owned);
            Destination { name, path: path(file) }
        };
        let check = |all: &[(&str, &str)]| check(&all.iter().copied().map(destination).collect::<Vec<_>>());
        assert!(check(&[("", "a.npy"), ("", "b.npy")]).is_ok());
        assert!(check(&[("a", "a.npy"), ("b", "b.npy")]).is_ok());
        fs::create_dir(path("dir.npy")).unwrap();
        fs::write(path("there.npy"), "").unwrap();
        for (all, code, part) in [
            (&[("", "out.npz")][..], 2, "only .npy files"),
            (&[("", "dir.npy")], 1, "it is a directory"),
            (&[("a", "a.npy"), ("", "b.npy")], 2, "others have none"),
            (&[("a", "a.npy"), ("a", "b.npy")], 2, "`a` is written to two files"),
            (&[("", "a.npy"), ("", "dir.npy/../a.npy")], 2, "two arrays would be written"),
            (&[("", "there.npy"), ("", "./there.npy")], 2, "two arrays would be written"),
        ] {
            let error = check(all).unwrap_err();
            assert!(error.exit_code() == code && error.to_string().contains(part), "{all:?}: {error}");
        }
    }
}
