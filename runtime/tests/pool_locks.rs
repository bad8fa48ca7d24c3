//! That locks are where `src/pool/sync.rs` says, and nowhere else: a forked child may find any
//! other locked for ever.

use std::path::{Path, PathBuf};

/// Types and functions of the standard library that may wait for another thread.
const WAITING: [&str; 9] =
    ["Mutex", "RwLock", "Condvar", "OnceLock", "LazyLock", "ReentrantLock", "sync::Once", "sync::Barrier", "mpsc"];

/// Where these are: in the pool, as the head of `sync.rs` tells.
const ALLOWED: [&str; 4] = ["pool/sync.rs", "pool/workers.rs", "pool/job.rs", "pool/models.rs"];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file without comments and without its tests, which are at its end.
fn code(text: &str) -> String {
    let code = text.split("\n#[cfg(all(test").next().unwrap().split("\n#[cfg(test)]\nmod").next().unwrap();
    code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn locks_are_in_the_pool_alone() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&sources, &mut files);
    assert!(files.len() > 50, "{} files", files.len());
    for file in files {
        let place = file.strip_prefix(&sources).unwrap().to_str().unwrap().replace('\\', "/");
        if ALLOWED.contains(&place.as_str()) || place.contains("/tests") {
            continue;
        }
        let code = code(&std::fs::read_to_string(&file).unwrap());
        for word in WAITING {
            assert!(!code.contains(word), "{place} has {word}: see `Locks and forks` in pool/sync.rs");
        }
    }
}
