//! What the functions are that texts of an engine can call without defining them, besides those of
//! the language: functions of preludes, and functions of Rust.
//!
//! In: what an application gives an engine. Out: a [`Registry`], checked, that says what a name
//! stands for. Always true: a function of a later prelude hides one of an earlier one, and those
//! hide functions of Rust; what is in no registry may be a function of the language. Preludes are
//! parsed once. Their places lie behind those of any text, so a span says which text it is of.

use super::calls;
use super::error::{Error, ErrorKind};
use super::skip::skipped;
use crate::function::{Function, FunctionError};
use ndexpr_grammar::{self as ast, Ast, Excerpt, Label, Limits, Span, StmtKind, parse};
use ndexpr_runtime::function::RustFunction;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A function of Rust: its place in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RustId(u32);

/// A prelude: its place in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PreludeId(u32);

/// The functions of preludes and of Rust.
#[derive(Debug)]
pub(crate) struct Registry {
    functions: Vec<(Function, Arc<RustFunction>)>,
    by_name: FxHashMap<Box<str>, RustId>,
    preludes: Vec<Prelude>,
    /// The first place of the preludes: texts must be shorter.
    start: u32,
}

/// A text of functions.
#[derive(Debug)]
pub(super) struct Prelude {
    text: Arc<str>,
    /// Where its places begin.
    start: u32,
    pub(super) ast: Ast,
    pub(super) scan: Scan,
    /// For each name, which statement defines it: the last one that does.
    definitions: FxHashMap<Box<str>, usize>,
    listed: Vec<Listed>,
}

/// What is known of a tree before its statements are gone through.
#[derive(Debug)]
pub(super) struct Scan {
    /// Which names it assigns to, anywhere.
    pub(super) is_assigned: Vec<bool>,
    /// Which expressions are no operands.
    pub(super) is_skipped: Vec<bool>,
}

/// A function of a prelude, as it is listed.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) name: Box<str>,
    pub(crate) params: Vec<String>,
    /// The first line of its docstring.
    pub(crate) doc: Box<str>,
    /// Which statement of the prelude defines it.
    place: usize,
}

/// What a name stands for that is called.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    Rust(RustId),
    /// A function of a prelude, and which of its statements defines it.
    Prelude(PreludeId, usize),
}

/// Why there is no registry.
pub(crate) enum RegistryError {
    Function(FunctionError),
    /// What is wrong with a prelude, as an error of the prelude alone.
    Syntax {
        text: String,
        error: ast::Error,
    },
    Statement {
        text: String,
        error: Error,
    },
    /// The preludes are longer than the places that there are.
    TooLong,
}

impl Registry {
    /// A registry of nothing.
    #[cfg(test)]
    pub(crate) fn empty() -> Registry {
        Registry { functions: Vec::new(), by_name: FxHashMap::default(), preludes: Vec::new(), start: u32::MAX }
    }

    /// A registry of these.
    ///
    /// # Errors
    ///
    /// If a function cannot be called, or a prelude is not made of functions.
    pub(crate) fn new(functions: &[Function], preludes: &[String]) -> Result<Registry, RegistryError> {
        let n_bytes: usize = preludes.iter().map(|text| text.len() + 1).sum();
        let start = u32::try_from(n_bytes).ok().filter(|&n_bytes| n_bytes < u32::MAX / 2);
        let start = u32::MAX - start.ok_or(RegistryError::TooLong)?;
        let mut registry =
            Registry { functions: Vec::new(), by_name: FxHashMap::default(), preludes: Vec::new(), start };
        for function in functions {
            function.check().map_err(RegistryError::Function)?;
            let id = RustId(registry.functions.len() as u32);
            if registry.by_name.insert(function.name().into(), id).is_some() {
                return Err(RegistryError::Function(FunctionError::Repeated { name: function.name().to_owned() }));
            }
            registry.functions.push((function.clone(), Arc::new(function.rust().clone())));
        }
        let mut next = start;
        for text in preludes {
            let prelude = Prelude::new(text, next, &registry)?;
            registry.preludes.push(prelude);
            // The end of a text is a place too.
            next += text.len() as u32 + 1;
        }
        Ok(registry)
    }

    /// What a text that calls a name calls, unless it defines the name itself; `None` if it may be
    /// a function of the language.
    pub(super) fn find(&self, name: &str) -> Option<Found> {
        self.find_in(&self.preludes, name)
    }

    /// The same for a function of a prelude, which does not see later preludes.
    pub(super) fn find_from(&self, PreludeId(prelude): PreludeId, name: &str) -> Option<Found> {
        self.find_in(&self.preludes[..=prelude as usize], name)
    }

    fn find_in(&self, preludes: &[Prelude], name: &str) -> Option<Found> {
        let defined = preludes.iter().enumerate().rev().find_map(|(index, prelude)| {
            let &place = prelude.definitions.get(name)?;
            Some(Found::Prelude(PreludeId(index as u32), place))
        });
        defined.or_else(|| self.by_name.get(name).copied().map(Found::Rust))
    }

    /// Whether a name is a function of a prelude or of Rust.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The names of all functions of preludes and of Rust.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let in_preludes = self.preludes.iter().flat_map(|prelude| prelude.definitions.keys());
        in_preludes.map(|name| &**name).chain(self.functions.iter().map(|(function, _)| function.name()))
    }

    /// The functions of preludes that texts can call, in the order of their definitions.
    pub(crate) fn of_preludes(&self) -> impl Iterator<Item = &Listed> {
        let numbered = self.preludes.iter().enumerate();
        numbered.flat_map(move |(index, prelude)| {
            let is_hidden = move |listed: &&Listed| {
                self.preludes[index + 1..].iter().any(|later| later.definitions.contains_key(&listed.name))
            };
            prelude.listed.iter().filter(move |listed| !is_hidden(listed))
        })
    }

    /// The functions of Rust that texts can call, in the order in which they were given.
    pub(crate) fn of_rust(&self) -> impl Iterator<Item = &Function> {
        self.functions
            .iter()
            .map(|(function, _)| function)
            .filter(|function| matches!(self.find(function.name()), Some(Found::Rust(_))))
    }

    pub(crate) fn function(&self, RustId(index): RustId) -> &Function {
        &self.functions[index as usize].0
    }

    /// The code of a function of Rust.
    pub(crate) fn code(&self, RustId(index): RustId) -> &Arc<RustFunction> {
        &self.functions[index as usize].1
    }

    pub(super) fn prelude(&self, PreludeId(index): PreludeId) -> &Prelude {
        &self.preludes[index as usize]
    }

    /// The first place that is in a prelude and in no text.
    pub(super) fn start(&self) -> u32 {
        self.start
    }

    /// Limits under which the places of a text are not those of preludes.
    pub(crate) fn limits(&self, limits: &Limits) -> Limits {
        Limits { max_text_bytes: limits.max_text_bytes.min(self.start as usize - 1), ..*limits }
    }

    /// Takes the labels that are in preludes out of the others.
    pub(crate) fn excerpts(&self, labels: &mut Vec<Label>) -> Vec<Excerpt> {
        let mut excerpts: Vec<Excerpt> = Vec::new();
        for (index, prelude) in self.preludes.iter().enumerate() {
            let end = prelude.start + prelude.text.len() as u32;
            let is_here = |label: &mut Label| (prelude.start..=end).contains(&label.span.start);
            let here: Vec<Label> = labels.extract_if(.., is_here).map(|label| prelude.label(label)).collect();
            if here.is_empty() {
                continue;
            }
            let title = match self.preludes.len() {
                1 => "in the prelude".to_owned(),
                _ => format!("in prelude {}", index + 1),
            };
            excerpts.push(Excerpt { title, text: Arc::clone(&prelude.text), labels: here });
        }
        excerpts
    }
}

impl Prelude {
    fn new(text: &str, start: u32, before: &Registry) -> Result<Prelude, RegistryError> {
        let ast =
            parse(text, &Limits::default()).map_err(|error| RegistryError::Syntax { text: text.to_owned(), error })?;
        let listed = listed(&ast, text).map_err(|error| RegistryError::Statement { text: text.to_owned(), error })?;
        let definitions = listed.iter().map(|function| (function.name.clone(), function.place)).collect();
        let is_assigned = calls::assigned(&ast);
        let is_skipped = skipped(&ast, &is_assigned, |name| before.has(name));
        let scan = Scan { is_assigned, is_skipped };
        Ok(Prelude { text: text.into(), start, ast: ast.moved(start), scan, definitions, listed })
    }

    /// A label of an error, with its place in this text alone.
    fn label(&self, label: Label) -> Label {
        let span = Span::new(label.span.start - self.start, label.span.end.saturating_sub(self.start));
        Label { span, ..label }
    }
}

impl Scan {
    pub(super) fn of_text(ast: &Ast, registry: &Registry) -> Scan {
        let is_assigned = calls::assigned(ast);
        let is_skipped = skipped(ast, &is_assigned, |name| registry.has(name));
        Scan { is_assigned, is_skipped }
    }
}

/// The functions that a prelude defines, each name once, or the first of its statements that is
/// something else.
fn listed(ast: &Ast, text: &str) -> Result<Vec<Listed>, Error> {
    let mut listed: Vec<Listed> = Vec::new();
    for (place, &id) in ast.body().iter().enumerate() {
        let stmt = &ast[id];
        let (name, params, body) = match &stmt.kind {
            StmtKind::Def { name, params, body, .. } => (*name, params, body),
            // A docstring.
            StmtKind::Pass if string(stmt.span.text(text)).is_some() => continue,
            _ => return Err(Error::new(ErrorKind::NotADefinition, stmt.span)),
        };
        for &inner in body {
            if let StmtKind::Def { name_span, .. } = ast[inner].kind {
                return Err(Error::new(ErrorKind::NestedFunction, name_span));
            }
        }
        let param = |param: &ast::Param| match param.default {
            Some(default) => format!("{}={}", ast.name(param.name), ast[default].span.text(text)),
            None => ast.name(param.name).to_owned(),
        };
        let name: Box<str> = ast.name(name).into();
        let doc = body.first().map_or("", |&first| docstring(ast[first].span.text(text)));
        listed.retain(|known| known.name != name);
        listed.push(Listed { name, params: params.iter().map(param).collect(), doc: doc.into(), place });
    }
    Ok(listed)
}

/// A statement that is a string, without the letters before its quotes.
fn string(statement: &str) -> Option<&str> {
    let text = statement.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    text.starts_with(['"', '\'']).then_some(text)
}

/// The first line of a docstring, without its quotes; nothing if the statement is none.
fn docstring(statement: &str) -> &str {
    let text = string(statement).unwrap_or_default().trim_matches(['"', '\'']).trim();
    text.lines().next().unwrap_or_default().trim_end()
}
