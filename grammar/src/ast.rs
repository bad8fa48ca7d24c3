//! The syntax tree.
//!
//! In: statements and expressions from the builder, children first. Out: [`Ast`], whose expressions
//! are walked by walking an array. Always true: there is at least one statement; every expression
//! belongs to one statement, or is the child of exactly one later expression; the expressions of a
//! statement follow one another, and the children of an expression come in the order of the text.

use std::ops::{Index, Range};

use crate::operator::{BinaryOp, CompareOp, UnaryOp};
use crate::span::Span;

/// An expression of an [`Ast`]: its position in the order where children come before parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(u32);

/// A statement of an [`Ast`]: its position in the order where inner statements come before the one
/// that they are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StmtId(u32);

/// A name of an [`Ast`]: its position in the order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u32);

/// A statement, what it consists of, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Its text, up to the end of its last inner statement.
    pub span: Span,
    /// The indices of its expressions, without those of inner statements.
    pub exprs: Range<usize>,
}

/// What a statement is.
#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// An expression. The last one of a text is its result.
    Expr(ExprId),
    /// `x = value`, or `x = y = value`. A target is a name, an [`Index`](ExprKind::Index) or
    /// [`Attribute`](ExprKind::Attribute) expression, or a tuple of targets; it is not evaluated.
    Assign {
        /// What is assigned to, from the left; at least one.
        targets: Box<[ExprId]>,
        /// What is assigned.
        value: ExprId,
    },
    /// `x += value`.
    AugAssign {
        /// What is changed: a name or an index expression.
        target: ExprId,
        /// The operator before the `=`.
        op: BinaryOp,
        /// The right operand.
        value: ExprId,
    },
    /// `return` or `return value`.
    Return(Option<ExprId>),
    /// `def name(params): body`.
    Def {
        /// The function's name.
        name: NameId,
        /// Where that name is.
        name_span: Span,
        /// The parameters, each name once; those with a default come last.
        params: Box<[Param]>,
        /// The statements of the body, at least one.
        body: Box<[StmtId]>,
    },
    /// `pass`, a docstring, or an annotation without a value: nothing happens.
    Pass,
    /// `if condition: then`, with `else: otherwise`. An `elif` is an `If` that is alone in
    /// `otherwise`.
    If {
        /// What decides.
        condition: ExprId,
        /// The statements that run if the condition is true, at least one.
        then: Box<[StmtId]>,
        /// The statements that run if it is not; none if there is no `else`.
        otherwise: Box<[StmtId]>,
    },
    /// `while condition: body`, with `else: otherwise`, which runs if the loop ends without
    /// `break`.
    While {
        /// What decides before each time.
        condition: ExprId,
        /// The statements that are repeated, at least one.
        body: Box<[StmtId]>,
        /// The statements of the `else`, if there is one.
        otherwise: Box<[StmtId]>,
    },
    /// `for name in range(...): body`, with `else: otherwise`.
    For {
        /// The name that each number is assigned to.
        name: NameId,
        /// Where that name is.
        name_span: Span,
        /// The [`Call`](ExprKind::Call) of `range`, with one to three arguments by position.
        range: ExprId,
        /// The statements that are repeated, at least one.
        body: Box<[StmtId]>,
        /// The statements of the `else`, if there is one.
        otherwise: Box<[StmtId]>,
    },
    /// `break`. It is in a loop.
    Break,
    /// `continue`. It is in a loop.
    Continue,
}

/// A parameter of a function: `x` or `k=2`.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: NameId,
    /// Where that name is.
    pub name_span: Span,
    /// The argument that it has if the call gives none.
    pub default: Option<ExprId>,
}

/// An item between the brackets of an index expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexItem {
    /// A single place, or `None` for a new axis.
    At(ExprId),
    /// `start:stop:step`, each of which may be missing.
    Slice {
        /// The first index.
        start: Option<ExprId>,
        /// The index after the last one.
        stop: Option<ExprId>,
        /// The distance from one index to the next.
        step: Option<ExprId>,
    },
    /// `...`: as many whole axes as there are left.
    Ellipsis,
}

/// An expression and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its text, without brackets around the whole of it.
    pub span: Span,
}

/// What an expression is. Nothing is resolved yet: `pi` is a name like any other.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An integer literal.
    Int(u128),
    /// A float literal. It is infinite if it is beyond the largest finite float. It is never
    /// negative or NaN.
    Float(f64),
    /// An imaginary literal such as `2.5j`: the number before the `j`.
    Imaginary(f64),
    /// `True` or `False`.
    Bool(bool),
    /// A variable or a named constant.
    Name(NameId),
    /// A prefix operator and its operand.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        arg: ExprId,
    },
    /// An operator between two operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// The left operand.
        lhs: ExprId,
        /// The right operand.
        rhs: ExprId,
    },
    /// Comparisons of neighbours, all of which must hold: `0 < a <= 1`.
    Compare {
        /// The leftmost operand.
        first: ExprId,
        /// Each operator and the operand to its right; at least one.
        rest: Box<[(CompareOp, ExprId)]>,
    },
    /// `then if condition else otherwise`.
    IfElse {
        /// The condition, which chooses between the two values.
        condition: ExprId,
        /// The value where the condition is true.
        then: ExprId,
        /// The value elsewhere.
        otherwise: ExprId,
    },
    /// `function(args, keywords)`.
    Call {
        /// The function's name.
        function: NameId,
        /// Where that name is.
        function_span: Span,
        /// The arguments by position, maybe none.
        args: Box<[ExprId]>,
        /// The arguments by name, each name once; all come after those by position.
        keywords: Box<[Keyword]>,
    },
    /// `x, y`, `(x, y)`, `(x,)` or `()`. No operator has one as an operand.
    Tuple {
        /// The items, maybe none.
        items: Box<[ExprId]>,
    },
    /// `object.name`.
    Attribute {
        /// What is before the dot.
        object: ExprId,
        /// The name after the dot.
        name: NameId,
        /// Where that name is.
        name_span: Span,
    },
    /// `object.name(args, keywords)`: a method, or a function of a module such as `np`.
    Method {
        /// What is before the dot.
        object: ExprId,
        /// The name after the dot.
        name: NameId,
        /// Where that name is.
        name_span: Span,
        /// The arguments by position, maybe none.
        args: Box<[ExprId]>,
        /// The arguments by name, each name once; all come after those by position.
        keywords: Box<[Keyword]>,
    },
    /// `object[items]`.
    Index {
        /// What is indexed.
        object: ExprId,
        /// The items, one for each axis; at least one.
        items: Box<[IndexItem]>,
    },
}

/// An argument by name: `axis=1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyword {
    /// The parameter's name.
    pub name: NameId,
    /// Where that name is.
    pub name_span: Span,
    /// The argument.
    pub value: ExprId,
}

/// A parsed text. It does not borrow the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Ast {
    exprs: Vec<Expr>,
    stmts: Vec<Stmt>,
    body: Box<[StmtId]>,
    names: Vec<Box<str>>,
}

impl Ast {
    /// The statements of a text, of which those of `body` are in no other. `None` if there are
    /// none.
    pub(crate) fn new(exprs: Vec<Expr>, stmts: Vec<Stmt>, body: Box<[StmtId]>, names: Vec<Box<str>>) -> Option<Self> {
        (!body.is_empty()).then_some(Self { exprs, stmts, body, names })
    }

    /// The statements of the text that are in no other statement, in order; at least one.
    #[must_use]
    pub fn body(&self) -> &[StmtId] {
        &self.body
    }

    /// The expression that the text consists of, unless it consists of something else.
    #[must_use]
    pub fn expression(&self) -> Option<ExprId> {
        match *self.body {
            [stmt] => match self[stmt].kind {
                StmtKind::Expr(id) => Some(id),
                _ => None,
            },
            _ => None,
        }
    }

    /// All expressions: children before their parent, and the statements' in the order of the text.
    pub fn exprs(&self) -> impl DoubleEndedIterator<Item = (ExprId, &Expr)> + ExactSizeIterator {
        self.exprs.iter().enumerate().map(|(idx, expr)| (ExprId::new(idx), expr))
    }

    /// All statements: inner ones before the statement that they are in.
    pub fn stmts(&self) -> impl DoubleEndedIterator<Item = (StmtId, &Stmt)> + ExactSizeIterator {
        self.stmts.iter().enumerate().map(|(idx, stmt)| (StmtId::new(idx), stmt))
    }

    /// The expression at a position among [`Ast::exprs`], such as one of [`Stmt::exprs`].
    ///
    /// # Panics
    ///
    /// If there are no more expressions than that.
    #[must_use]
    pub fn expr_id(&self, index: usize) -> ExprId {
        assert!(index < self.exprs.len(), "there is such an expression");
        ExprId::new(index)
    }

    /// The number of expressions.
    #[must_use]
    pub fn n_exprs(&self) -> usize {
        self.exprs.len()
    }

    /// The text of a name.
    ///
    /// # Panics
    ///
    /// If the name is of another, larger tree.
    #[must_use]
    pub fn name(&self, id: NameId) -> &str {
        &self.names[id.index()]
    }

    /// The names of variables, constants, functions and parameters, each once, in order of first
    /// appearance: the order of their [`NameId`]s.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The same tree with all places moved by so many bytes: for a text that is behind another one
    /// among the places that errors point at.
    #[must_use]
    pub fn moved(mut self, by: u32) -> Self {
        for expr in &mut self.exprs {
            expr.span = expr.span.moved(by);
            match &mut expr.kind {
                ExprKind::Call { function_span: name_span, keywords, .. }
                | ExprKind::Method { name_span, keywords, .. } => {
                    *name_span = name_span.moved(by);
                    keywords.iter_mut().for_each(|keyword| keyword.name_span = keyword.name_span.moved(by));
                }
                ExprKind::Attribute { name_span, .. } => *name_span = name_span.moved(by),
                _ => {}
            }
        }
        for stmt in &mut self.stmts {
            stmt.span = stmt.span.moved(by);
            match &mut stmt.kind {
                StmtKind::Def { name_span, params, .. } => {
                    *name_span = name_span.moved(by);
                    params.iter_mut().for_each(|param| param.name_span = param.name_span.moved(by));
                }
                StmtKind::For { name_span, .. } => *name_span = name_span.moved(by),
                _ => {}
            }
        }
        self
    }
}

impl Index<ExprId> for Ast {
    type Output = Expr;

    fn index(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
    }
}

impl Index<StmtId> for Ast {
    type Output = Stmt;

    fn index(&self, id: StmtId) -> &Stmt {
        &self.stmts[id.index()]
    }
}

impl ExprKind {
    /// Calls `visit` with each child, in the order of the text.
    pub fn for_each_child(&self, mut visit: impl FnMut(ExprId)) {
        match self {
            Self::Int(_) | Self::Float(_) | Self::Imaginary(_) | Self::Bool(_) | Self::Name(_) => {}
            Self::Unary { arg, .. } => visit(*arg),
            Self::Binary { lhs, rhs, .. } => {
                visit(*lhs);
                visit(*rhs);
            }
            Self::Compare { first, rest } => {
                visit(*first);
                rest.iter().for_each(|&(_, rhs)| visit(rhs));
            }
            Self::IfElse { condition, then, otherwise } => {
                visit(*then);
                visit(*condition);
                visit(*otherwise);
            }
            Self::Call { args, keywords, .. } => {
                args.iter().for_each(|&arg| visit(arg));
                keywords.iter().for_each(|keyword| visit(keyword.value));
            }
            Self::Tuple { items } => items.iter().for_each(|&item| visit(item)),
            Self::Attribute { object, .. } => visit(*object),
            Self::Method { object, args, keywords, .. } => {
                visit(*object);
                args.iter().for_each(|&arg| visit(arg));
                keywords.iter().for_each(|keyword| visit(keyword.value));
            }
            Self::Index { object, items } => {
                visit(*object);
                for item in items {
                    match *item {
                        IndexItem::At(at) => visit(at),
                        IndexItem::Slice { start, stop, step } => {
                            [start, stop, step].into_iter().flatten().for_each(&mut visit);
                        }
                        IndexItem::Ellipsis => {}
                    }
                }
            }
        }
    }
}

// Every expression, statement and name takes a byte of a text shorter than 4 GiB, so ids never
// reach u32::MAX.

impl ExprId {
    /// The name at a position, among [`Ast::names`] or names that a user of the tree adds to them.
    #[must_use]
    pub const fn new(idx: usize) -> Self {
        Self(idx as u32)
    }

    /// The position among [`Ast::exprs`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl StmtId {
    /// The name at a position, among [`Ast::names`] or names that a user of the tree adds to them.
    #[must_use]
    pub const fn new(idx: usize) -> Self {
        Self(idx as u32)
    }

    /// The position in the order where inner statements come first.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl NameId {
    /// The name at a position, among [`Ast::names`] or names that a user of the tree adds to them.
    #[must_use]
    pub const fn new(idx: usize) -> Self {
        Self(idx as u32)
    }

    /// The position among [`Ast::names`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
