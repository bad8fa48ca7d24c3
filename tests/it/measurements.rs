//! Measured numbers are in one document: the code refers to its entries, and to no others.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders with code of ours.
const FOLDERS: [&str; 7] = ["benches", "examples", "grammar/src", "python/src", "runtime", "src", "tests/it"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of Rust and Python below a folder.
fn code_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.unwrap().path()) {
        let is_output = path.file_name().is_some_and(|name| name == "target");
        if path.is_dir() && !is_output {
            code_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            found.push(path);
        }
    }
}

/// The words of a file, without what begins a comment: a reference may go on in the next line.
fn joined_comments(text: &str) -> String {
    let words =
        text.lines().flat_map(|line| line.trim_start().trim_start_matches(['/', '!', '#', ':']).split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

/// The names in `"NAME" in docs/measurements.md`, and in `"NAME" and "NAME" in ...`.
fn references(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let text = joined_comments(text);
    let mut parts: Vec<&str> = text.split(" in docs/measurements.md").collect();
    parts.pop();
    for mut before in parts {
        while let Some((rest, name)) = before.strip_suffix('"').and_then(|rest| rest.rsplit_once('"')) {
            names.push(name.to_owned());
            before = rest.trim_end().trim_end_matches("and").trim_end_matches([',', ' ']);
        }
    }
    names
}

/// The entries of the document by name, each with the files that it says it chose something in.
fn entries(document: &str) -> BTreeMap<&str, Vec<&str>> {
    let first_sentence = |entry: &str| -> Option<(usize, usize)> {
        let start = entry.find("Chooses ")?;
        Some((start, start + entry[start..].find(". ")?))
    };
    let mut entries = BTreeMap::new();
    for entry in document.split("\n### ").skip(1) {
        let name = entry.lines().next().unwrap_or_default();
        let (start, end) = first_sentence(entry).unwrap_or_else(|| panic!("`{name}` does not say what it chooses"));
        let quoted = entry[start..end].split('`').skip(1).step_by(2);
        entries.insert(name, quoted.filter(|quoted| quoted.contains('/')).collect());
    }
    entries
}

#[test]
fn code_and_document_refer_to_each_other() {
    let document = fs::read_to_string(root().join("docs/measurements.md")).unwrap();
    let entries = entries(&document);
    assert!(entries.len() > 20, "the document has lost its entries");

    let mut files = Vec::new();
    FOLDERS.iter().for_each(|folder| code_files(&root().join(folder), &mut files));
    let mut wrong = Vec::new();
    let mut named = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in files.iter().filter(|path| !path.ends_with("tests/it/measurements.rs")) {
        for name in references(&fs::read_to_string(path).unwrap()) {
            if !entries.contains_key(name.as_str()) {
                wrong.push(format!("{} names `{name}`, which is not an entry", path.display()));
            }
            named.entry(name).or_default().push(path.strip_prefix(root()).unwrap().to_owned());
        }
    }
    for (name, paths) in &entries {
        for path in paths {
            if !named.get(*name).is_some_and(|files| files.iter().any(|file| file == Path::new(path))) {
                wrong.push(format!("`{name}` chooses something in {path}, which does not name it"));
            }
        }
        if paths.is_empty() {
            wrong.push(format!("`{name}` does not say in which file it chooses something"));
        }
    }
    assert!(wrong.is_empty(), "docs/measurements.md:\n{}", wrong.join("\n"));
}

#[test]
fn references_are_found_across_lines() {
    let text = "/// Chosen by \"one\" and \"two\"\n/// in docs/measurements.md.\nx // As \"three\" in docs/measurements.md says.";
    assert_eq!(references(text), ["two", "one", "three"]);
    assert_eq!(references("// In docs/measurements.md, and in docs/measurements.md."), [""; 0]);
}
