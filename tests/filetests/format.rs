//! The format of a filetest: `tests/data/file/**/*.ndx`.
//!
//! ```text
//! # What the file is about.
//! sig a: f64[..], b: bool[..], k: i64
//! floats fast
//! cpu avx2
//!
//! a*k + b   # the expression: all up to the first section
//!
//! --- hir
//! h0: f64 = array a
//! ...
//! --- run
//! a = f64[2,3] 1 2 3 4 5 6
//! b = bool[3] true false true
//! k = i64 -7
//! => f64[2,3] -6 -14 -20 -27 -35 -41
//! ```
//!
//! The header ends at the first empty line. `floats fast` asks for that mode; `cpu avx2` says that
//! the sections `tape`, `outline`, `clif` and `asm` hold at this level of `NDEXPR_CPU` only, and are left
//! alone at others.
//!
//! The sections `ast`, `hir`, `opt`, `fuse`, `tape`, `outline`, `clif` and `asm` are what the
//! compiler must print, and `error` what it must say; these can be blessed. A section `run` has cases, each a
//! value for every variable and, after `=>`, the result. That comes from outside and is never
//! blessed. Floats are decimals, hexadecimals, `nan` or `inf`; the sign of a zero counts, the kind
//! of a NaN does not. `=> 1ulp f64[2] ...` allows for an error of one unit in the last place, and
//! `=> error` expects the section `error` at run time. An indented line continues the one before.
//!
//! This module knows text only, so that the unit tests of the code generator can read the same
//! files.

use std::path::{Path, PathBuf};

/// A filetest, split into its parts. The lines keep their order, so that it can be written back.
pub(crate) struct File {
    pub(crate) signature: Vec<Variable>,
    pub(crate) is_fast: bool,
    pub(crate) cpu: Option<String>,
    pub(crate) expression: String,
    /// All before the first section.
    head: String,
    pub(crate) sections: Vec<Section>,
}

/// A variable of the signature.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) dtype: String,
    pub(crate) is_scalar: bool,
}

/// A section: its name, and the lines after it.
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) body: String,
}

/// The possible sections, in the order in which a file should have them.
pub(crate) const SECTIONS: [&str; 10] = ["ast", "hir", "opt", "fuse", "tape", "outline", "clif", "asm", "error", "run"];

impl File {
    pub(crate) fn parse(text: &str) -> Result<File, String> {
        let mut file = File {
            signature: Vec::new(),
            is_fast: false,
            cpu: None,
            expression: String::new(),
            head: String::new(),
            sections: Vec::new(),
        };
        let mut in_header = true;
        for line in text.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("--- ") {
                let name = name.trim_end().to_owned();
                if !SECTIONS.contains(&name.as_str()) {
                    return Err(format!("there is no section `{name}`"));
                }
                file.sections.push(Section { name, body: String::new() });
            } else if let Some(section) = file.sections.last_mut() {
                section.body.push_str(line);
            } else {
                file.head.push_str(line);
                if !in_header {
                    file.expression.push_str(line);
                } else if line.trim().is_empty() {
                    in_header = false;
                } else {
                    file.header_line(line.trim())?;
                }
            }
        }
        file.expression.truncate(file.expression.trim_end().len());
        if file.sections.is_empty() {
            return Err("it has no section".to_owned());
        }
        Ok(file)
    }

    fn header_line(&mut self, line: &str) -> Result<(), String> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("#", _) => {}
            ("sig", variables) => {
                for variable in variables.split(", ") {
                    let (name, ty) = variable.split_once(": ").ok_or("`sig` needs `name: dtype[..]`")?;
                    let dtype = ty.strip_suffix("[..]");
                    self.signature.push(Variable {
                        name: name.to_owned(),
                        dtype: dtype.unwrap_or(ty).to_owned(),
                        is_scalar: dtype.is_none(),
                    });
                }
            }
            ("floats", "fast") => self.is_fast = true,
            ("cpu", level) => self.cpu = Some(level.to_owned()),
            _ => return Err(format!("the header has `{line}`; does an empty line miss before the expression?")),
        }
        Ok(())
    }

    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The file as text again; only the sections may have changed.
    pub(crate) fn print(&self) -> String {
        let sections = self.sections.iter().map(|section| format!("--- {}\n{}", section.name, section.body));
        std::iter::once(self.head.clone()).chain(sections).collect()
    }
}

/// Where the filetests of a crate are.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/file")
}

/// Every filetest, with its name: the path below the directory, without the extension. Sorted.
pub(crate) fn all() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut pending = vec![directory()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "ndx") {
                let name = path.strip_prefix(self::directory()).expect("it was found there").with_extension("");
                found.push((name.to_string_lossy().replace('\\', "/"), path));
            }
        }
    }
    found.sort();
    found
}
