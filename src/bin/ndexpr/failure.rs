//! Everything that can end a command early, and the exit code each of them means.

use std::io;
use std::path::{Path, PathBuf};

use crate::sources::npy::NpyError;

/// The exit code after Ctrl-C: 128 and the signal's number, as shells have it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line is wrong in a way that shows only after parsing.
    #[error("{0}")]
    Usage(String),

    /// The operating system refused something about a file.
    #[error("cannot {action} `{}`: {error}{hint}", path.display())]
    File { action: &'static str, path: PathBuf, error: io::Error, hint: String },

    /// A file (or an archive's entry) is not an array that can be read.
    #[error("`{name}`: {error}")]
    Npy { name: String, error: NpyError },

    /// A .npz file is broken, or does not have the array that was asked for.
    #[error("`{}`: {message}", path.display())]
    Npz { path: PathBuf, message: String },

    /// An array that cannot be updated where it is.
    #[error("cannot update `{}` in place: {reason}{}", path.display(), new_file_hint(name))]
    Update { name: String, path: PathBuf, reason: String },

    /// A failure after arrays have been updated in place, at least in part.
    #[error("{failure}")]
    AfterUpdate { failure: Box<Failure>, paths: Vec<PathBuf> },

    /// An output that cannot be written, for a reason other than the operating system's.
    #[error("cannot write `{}`: {message}", path.display())]
    Output { path: PathBuf, message: String },

    /// An array is too big for this machine.
    #[error("`{name}` would need {}, which cannot be allocated", human_bytes(*bytes as f64))]
    TooBig { name: String, bytes: u128 },

    /// The library's own errors: in the text, the types, the shapes, or the run.
    #[error("{0}")]
    Engine(#[from] ndexpr::Error),

    /// A text that updates arrays, given to a command that updates none.
    #[error("{0}")]
    UpdateElsewhere(ndexpr::Error),

    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,

    /// Writing to stdout failed.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[from] io::Error),
}

impl Failure {
    /// A file operation that failed.
    pub(crate) fn file(action: &'static str, path: &Path, error: io::Error) -> Failure {
        Failure::File { action, path: path.to_owned(), error, hint: String::new() }
    }

    /// A text that does not compile. If it updates arrays, the command for that is named.
    pub(crate) fn compiling(engine: &ndexpr::Engine, text: &str, error: ndexpr::Error) -> Failure {
        match engine.names(text) {
            Ok(names) if names.iter().any(|name| name.is_updated) => Failure::UpdateElsewhere(error),
            _ => Failure::Engine(error),
        }
    }

    /// A run that failed or was cancelled.
    pub(crate) fn running(error: ndexpr::Error) -> Failure {
        match error.kind() {
            ndexpr::ErrorKind::Cancelled => Failure::Interrupted,
            _ => Failure::Engine(error),
        }
    }

    /// A failure after the arrays in these files have been updated, at least in part.
    pub(crate) fn after_update(failure: Failure, paths: &[PathBuf]) -> Failure {
        match paths {
            [] => failure,
            _ => Failure::AfterUpdate { failure: Box::new(failure), paths: paths.to_vec() },
        }
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::Interrupted => INTERRUPTED,
            Failure::AfterUpdate { failure, .. } => failure.exit_code(),
            // A program that closed the pipe (`| head`) has all that it wanted.
            Failure::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            _ => 1,
        }
    }

    /// What to print on stderr, if anything.
    pub(crate) fn render(&self) -> Option<String> {
        match self {
            Failure::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Failure::Engine(error) => Some(error.render()),
            Failure::UpdateElsewhere(error) => {
                Some(format!("{}\n  = to update arrays in .npy files, use `ndexpr exec`", error.render().trim_end()))
            }
            Failure::AfterUpdate { failure, paths } => {
                let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
                let text = failure.render()?;
                Some(format!(
                    "{}\n  = updates in place stay as far as they came: {}",
                    text.trim_end(),
                    paths.join(", ")
                ))
            }
            other => Some(format!("error: {other}")),
        }
    }
}

/// What to do with an array that cannot be updated where it is.
pub(crate) fn new_file_hint(name: &str) -> String {
    format!("\n  = to write the updated array to a new file, add `-o {name}=FILE.npy`")
}

/// `1234567` as `1.2 MB`; decimal units, as GB/s are.
pub(crate) fn human_bytes(bytes: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB"];
    let mut value = bytes;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{value:.0} B") } else { format!("{value:.1} {}", units[unit]) }
}
