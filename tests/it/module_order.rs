//! Which module may name which: an import against the order stated here fails.
//!
//! In: the sources of the three crates. For each folder below, a list of its modules from the
//! lowest to the highest; a module may name those before it, and no other. What tests name, inside
//! of `#[cfg(test)]` or in files of tests, is free.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of modules, and their order.
struct Layers {
    /// The folder of the crate's sources.
    sources: &'static str,
    /// The module whose children are ordered; empty for the crate itself.
    parent: &'static str,
    /// From the lowest to the highest. Modules of one string may not name each other.
    order: &'static [&'static str],
}

const LAYERS: &[Layers] = &[
    Layers {
        sources: "src",
        parent: "",
        order: &[
            "bounded_lock function input ops vars",
            "resolve targets",
            "hir",
            "error options",
            "functions array shape",
            "outputs opt results",
            "fuse",
            "tape",
            "outline",
            "codegen",
            "along",
            "kernels",
            "compile interp",
            "context",
            "program",
            "engine",
            "raw",
        ],
    },
    Layers {
        sources: "src",
        parent: "tape",
        order: &["cut leaf liveness pair print relief verify wide", "segments", "schedule", "build"],
    },
    Layers { sources: "src", parent: "tape::build", order: &["casts powers"] },
    Layers {
        sources: "src",
        parent: "outline",
        order: &["calls machine", "direct scratch spills", "pressure", "blocks", "print verify"],
    },
    Layers {
        sources: "src",
        parent: "codegen",
        order: &["arena bundle target word x64", "marks", "block", "access convert", "order", "row", "loops memory"],
    },
    Layers {
        sources: "src",
        parent: "codegen::x64",
        order: &["flow forms", "check draft listing", "fold frame stream", "contents", "widen"],
    },
    Layers { sources: "src", parent: "opt", order: &["algebra", "choices"] },
    Layers { sources: "src", parent: "interp", order: &["along values"] },
    Layers { sources: "src", parent: "fuse", order: &["alike collect bound print", "group"] },
    Layers {
        sources: "src",
        parent: "compile",
        order: &["headroom stage", "names regions", "executable", "arranged explain"],
    },
    Layers {
        sources: "src",
        parent: "program",
        order: &[
            "folds others parts recent",
            "staged",
            "core",
            "bind guard overlap",
            "shapes elementwise views",
            "flat flat_many folded prepared",
            "launch",
            "fresh",
            "numbers",
            "procedure",
        ],
    },
    Layers {
        sources: "src",
        parent: "program::procedure",
        order: &["flow hazards plans types", "blocks", "spare", "decided", "phase", "control"],
    },
    Layers { sources: "src", parent: "ops", order: &["axis exact", "function scalar", "reductions", "table"] },
    Layers {
        sources: "src",
        parent: "resolve",
        order: &[
            "assigned items operators value",
            "error trims",
            "views",
            "phases",
            "places",
            "blocks calls updates",
            "options skip",
            "registry",
            "run",
            "around index effects cut flow",
            "control",
            "loops",
            "exprs",
        ],
    },
    Layers {
        sources: "src",
        parent: "hir",
        order: &[
            "error promote",
            "weak names reduction region compose",
            "counters number reduce",
            "domain",
            "lower",
            "along compare loops rust_calls typing",
            "print verify",
        ],
    },
    Layers {
        sources: "grammar/src",
        parent: "",
        order: &[
            "span foreign name string operator",
            "ast",
            "error",
            "number",
            "token",
            "limits",
            "lexer",
            "layout",
            "builder python",
            "explain",
            "parser print dump",
            "diagnostic",
            "render advice",
        ],
    },
    Layers {
        sources: "runtime/src",
        parent: "",
        order: &["dtype abi", "machine arch", "function math view", "memory reduce", "plan pool", "exec", "region"],
    },
    Layers { sources: "runtime/src", parent: "function", order: &["closures stop", "call", "callbacks"] },
    Layers { sources: "runtime/src", parent: "region", order: &["lanes"] },
    Layers {
        sources: "runtime/src",
        parent: "view",
        order: &[
            "axes broadcast errors layout odometer",
            "raw",
            "input output",
            "access arrays overlap part",
            "call_arrays part_layout",
        ],
    },
    Layers {
        sources: "runtime/src",
        parent: "memory",
        order: &["fence huge_pages prefetch stream", "buffer scratch", "output"],
    },
    Layers {
        sources: "runtime/src",
        parent: "plan",
        order: &["errors order nest", "along geometry", "known of_parts tiling", "tiles"],
    },
    Layers {
        sources: "runtime/src",
        parent: "exec",
        order: &[
            "error progress elems",
            "kernel cost",
            "launch",
            "flat staging",
            "flat_many run",
            "copy",
            "stages",
            "fold",
        ],
    },
    Layers {
        sources: "runtime/src",
        parent: "exec::stages",
        order: &["spec", "stage", "kernels", "worker", "run", "build chain"],
    },
    Layers {
        sources: "runtime/src",
        parent: "exec::stages::worker",
        order: &["trees", "leaves", "columns maps rows scans"],
    },
];

/// Imports against the order, each with its reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[("ops", "hir", "functions made of others build graphs")];

#[test]
fn modules_name_only_what_is_below_them() {
    let mut wrong = Vec::new();
    for layers in LAYERS {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(layers.sources);
        let level_of = |module: &str| layers.order.iter().position(|names| names.split(' ').any(|name| name == module));
        for (file, module) in modules(&root) {
            let Some(here) = child_of(layers.parent, &module) else { continue };
            let Some(level) = level_of(here) else {
                wrong.push(format!("{}: `{here}` has no place in the order of `{}`", file.display(), layers.parent));
                continue;
            };
            let text = fs::read_to_string(&file).expect("a source can be read");
            for path in named(&text, &module) {
                let Some(named) = child_of(layers.parent, &path).filter(|&named| named != here) else { continue };
                // Items of the parent itself are no modules.
                let Some(other) = level_of(named) else { continue };
                let is_excused = EXCEPTIONS.iter().any(|&(from, to, _)| (from, to) == (here, named));
                if other >= level && !is_excused {
                    wrong.push(format!("{}: `{here}` names `{named}`", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the order of modules:\n{}", wrong.join("\n"));
}

/// All source files under a folder with the paths of their modules, but those of tests and of the
/// command line.
fn modules(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let relative = path.strip_prefix(root).expect("inside of the root").with_extension("");
            let parts: Vec<&str> = relative.iter().map(|part| part.to_str().expect("a name in ASCII")).collect();
            if path.is_dir() {
                if !matches!(parts[..], ["bin" | "tests"] | [.., "tests"]) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let parts = match parts[..] {
                    ["lib"] | [.., "tests" | "models"] => continue,
                    [ref folders @ .., "mod"] => folders,
                    ref parts => parts,
                };
                found.push((path.clone(), parts.join("::")));
            }
        }
    }
    found.sort();
    found
}

/// The child of `parent` that a path goes through.
fn child_of<'p>(parent: &str, path: &'p str) -> Option<&'p str> {
    let below = match parent {
        "" => path,
        _ => path.strip_prefix(parent)?.strip_prefix("::")?,
    };
    below.split("::").next().filter(|name| !name.is_empty())
}

/// The paths inside of the crate that a file's code names, from the crate's root.
fn named(text: &str, module: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut paths = BTreeSet::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            // Inside of a longer name, or of `super::super::`, which is found at its beginning.
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            expand(&code[at..], String::new(), &mut paths);
        }
    }
    paths.into_iter().filter_map(|path| absolute(&path, module)).collect()
}

/// Adds the paths of an import tree such as `crate::{a::b, c}` that begins here. Returns what is
/// behind it.
fn expand<'c>(mut code: &'c str, mut path: String, paths: &mut BTreeSet<String>) -> &'c str {
    loop {
        code = code.trim_start();
        if let Some(mut rest) = code.strip_prefix('{') {
            loop {
                rest = expand(rest, path.clone(), paths).trim_start();
                match rest.strip_prefix(',') {
                    Some(next) => rest = next,
                    None => return rest.strip_prefix('}').unwrap_or(rest),
                }
                if let Some(end) = rest.trim_start().strip_prefix('}') {
                    return end;
                }
            }
        }
        let n = code.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(code.len());
        path.push_str(&code[..n]);
        code = &code[n..];
        match code.strip_prefix("::") {
            Some(rest) => {
                path.push_str("::");
                code = rest;
            }
            None => {
                paths.insert(path);
                // The new name in `a as b`.
                return match code.trim_start().strip_prefix("as ") {
                    Some(rest) => rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == ' '),
                    None => code,
                };
            }
        }
    }
}

/// A path that begins with `crate` or `super`, from the crate's root.
fn absolute(path: &str, module: &str) -> Option<String> {
    let mut folder: Vec<&str> = module.split("::").filter(|name| !name.is_empty()).collect();
    let mut parts = path.split("::").peekable();
    match parts.next()? {
        "crate" => folder.clear(),
        _ => {
            folder.pop();
            while parts.next_if_eq(&"super").is_some() {
                folder.pop();
            }
        }
    }
    folder.extend(parts);
    Some(folder.join("::"))
}

#[test]
fn paths_are_found_in_imports_and_in_code() {
    let text =
        "use crate::{a::{self, b}, c as d, e};\nuse super::super::f::G;\nfn x() { crate::h::i(); }\n// crate::no\n";
    let paths: Vec<String> = named(text, "m::n::o").into_iter().collect();
    assert_eq!(paths, ["a::b", "a::self", "c", "e", "h::i", "m::f::G"]);
    assert_eq!(child_of("m", "m::f::G"), Some("f"));
    assert_eq!(child_of("", "h::i"), Some("h"));
    assert_eq!(child_of("m", "model::f"), None);
}
