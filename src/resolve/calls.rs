//! Functions of the text, of preludes and of Rust: what they assign to, and which arguments of a
//! call are which parameters.

use super::assigned::{assigned_names, for_each_assigned};
use super::error::{Error, ErrorKind, Form};
use super::value::Value;
use ndexpr_grammar::{self as ast, Ast, Keyword, NameId, Param, Span, StmtId, StmtKind};
use rustc_hash::FxHashSet;

/// A function of the text or of a prelude.
pub(super) struct Function<'a> {
    /// The tree that it is in.
    ast: &'a Ast,
    name: NameId,
    /// Where its definition has the name.
    span: Span,
    pub(super) params: &'a [Param],
    /// The default of each parameter.
    pub(super) defaults: Vec<Option<Value>>,
    pub(super) body: &'a [StmtId],
    /// The names that the body assigns to, which are its own everywhere in it.
    assigned: FxHashSet<NameId>,
}

impl<'a> Function<'a> {
    pub(super) fn new(
        ast: &'a Ast,
        (name, span): (NameId, Span),
        params: &'a [Param],
        defaults: Vec<Option<Value>>,
        body: &'a [StmtId],
    ) -> Function<'a> {
        let assigned = assigned_names(ast, body).into_iter().collect();
        Function { ast, name, span, params, defaults, body, assigned }
    }

    /// The names that its body assigns to.
    pub(super) fn assigned(&self) -> &FxHashSet<NameId> {
        &self.assigned
    }
}

/// For each name, whether the text assigns to it, defines a function of this name, or has a
/// parameter of it.
pub(super) fn assigned(ast: &Ast) -> Vec<bool> {
    let mut is_assigned = vec![false; ast.names().len()];
    for (_, stmt) in ast.stmts() {
        for_each_assigned(ast, &stmt.kind, |name, _| is_assigned[name.index()] = true);
        if let StmtKind::Def { params, .. } = &stmt.kind {
            params.iter().for_each(|param| is_assigned[param.name.index()] = true);
        }
    }
    is_assigned
}

/// Where the text defines a function of this name.
pub(super) fn definition(ast: &Ast, function: NameId) -> Option<Span> {
    ast.stmts().find_map(|(_, stmt)| match stmt.kind {
        StmtKind::Def { name, name_span, .. } if name == function => Some(name_span),
        _ => None,
    })
}

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// The tree that they are in.
    pub(super) ast: &'a Ast,
    pub(super) args: &'a [ast::ExprId],
    pub(super) keywords: &'a [Keyword],
    /// The whole call.
    pub(super) span: Span,
}

/// What is called, as far as its arguments are concerned.
pub(super) trait Callable {
    fn name(&self) -> &str;

    fn n_params(&self) -> usize;

    fn param(&self, place: usize) -> &str;

    fn has_default(&self, place: usize) -> bool;

    /// Where its definition has the name, if there is a definition.
    fn span(&self) -> Option<Span>;

    fn form(&self) -> Box<Form> {
        let shown = 0..self.n_params().min(ErrorKind::MAX_NAMES);
        Box::new(Form {
            name: brief(self.name()),
            n_params: self.n_params(),
            params: shown.map(|place| (brief(self.param(place)), self.has_default(place))).collect(),
            span: self.span(),
        })
    }
}

impl Callable for Function<'_> {
    fn name(&self) -> &str {
        self.ast.name(self.name)
    }

    fn n_params(&self) -> usize {
        self.params.len()
    }

    fn param(&self, place: usize) -> &str {
        self.ast.name(self.params[place].name)
    }

    fn has_default(&self, place: usize) -> bool {
        self.params[place].default.is_some()
    }

    fn span(&self) -> Option<Span> {
        Some(self.span)
    }
}

impl Callable for crate::function::Function {
    fn name(&self) -> &str {
        crate::function::Function::name(self)
    }

    fn n_params(&self) -> usize {
        self.param_names().len()
    }

    fn param(&self, place: usize) -> &str {
        &self.param_names()[place]
    }

    fn has_default(&self, _: usize) -> bool {
        false
    }

    fn span(&self) -> Option<Span> {
        None
    }
}

/// The argument of each parameter in a call; `None` where the parameter has its default.
pub(super) fn bind(callee: &impl Callable, given: Given<'_>) -> Result<Vec<Option<ast::ExprId>>, Error> {
    let Given { ast, args, keywords, span } = given;
    let n_params = callee.n_params();
    if args.len() > n_params {
        return Err(Error::new(ErrorKind::TooManyArguments { found: args.len(), form: callee.form() }, span));
    }
    let mut bound: Vec<Option<ast::ExprId>> = args.iter().copied().map(Some).collect();
    bound.resize(n_params, None);
    for keyword in keywords {
        let name = ast.name(keyword.name);
        let Some(place) = (0..n_params).find(|&place| callee.param(place) == name) else {
            let kind = ErrorKind::UnknownParameter { found: brief(name), form: callee.form() };
            return Err(Error::new(kind, keyword.name_span));
        };
        if let Some(&first) = args.get(place) {
            let kind = ErrorKind::RepeatedParameter { name: brief(name), first: ast[first].span };
            return Err(Error::new(kind, keyword.name_span));
        }
        bound[place] = Some(keyword.value);
    }
    match (0..n_params).find(|&place| bound[place].is_none() && !callee.has_default(place)) {
        Some(place) => {
            let kind = ErrorKind::MissingArgument { name: brief(callee.param(place)), form: callee.form() };
            Err(Error::new(kind, span))
        }
        None => Ok(bound),
    }
}

/// A name for a message, cut if it is long. It may be as long as the text is allowed to be.
pub(super) fn brief_name(ast: &Ast, name: NameId) -> String {
    brief(ast.name(name))
}

/// The same, for the text of a name.
pub(super) fn brief(name: &str) -> String {
    const MOST: usize = 64;
    match name.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}
