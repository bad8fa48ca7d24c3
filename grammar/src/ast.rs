//! The syntax tree.
//!
//! In: expressions from the builder, children first. Out: [`Ast`], which is walked by walking an
//! array. Always true: there is at least one expression, the last is the root, every other is the
//! child of exactly one later expression, and the children of an expression come in the order of
//! the text.

use std::ops::Index;

use crate::span::Span;

/// An expression of an [`Ast`]: its position in the order where children come before parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(u32);

/// A name of an [`Ast`]: its position in the order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u32);

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
    /// `(x, y)`, `(x,)` or `()`. It can only be an argument of a call.
    Tuple {
        /// The items, maybe none.
        items: Box<[ExprId]>,
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

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`
    Neg,
    /// `+x`
    Plus,
    /// `~x`
    Invert,
    /// `not x`
    Not,
}

/// An operator between two operands, other than a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `x + y`
    Add,
    /// `x - y`
    Sub,
    /// `x * y`
    Mul,
    /// `x / y`
    Div,
    /// `x // y`
    FloorDiv,
    /// `x % y`
    Rem,
    /// `x ** y`
    Pow,
    /// `x << y`
    Shl,
    /// `x >> y`
    Shr,
    /// `x & y`
    BitAnd,
    /// `x | y`
    BitOr,
    /// `x ^ y`
    BitXor,
    /// `x and y`
    And,
    /// `x or y`
    Or,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `x < y`
    Lt,
    /// `x <= y`
    Le,
    /// `x > y`
    Gt,
    /// `x >= y`
    Ge,
    /// `x == y`
    Eq,
    /// `x != y`
    Ne,
}

/// A parsed expression. It does not borrow the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Ast {
    exprs: Vec<Expr>,
    names: Vec<Box<str>>,
}

impl Ast {
    /// The tree of expressions in postorder, if there are any.
    pub(crate) fn new(exprs: Vec<Expr>, names: Vec<Box<str>>) -> Option<Self> {
        (!exprs.is_empty()).then_some(Self { exprs, names })
    }

    /// The root: the one expression that is not the child of another. It is the last one.
    #[must_use]
    pub fn root(&self) -> ExprId {
        ExprId::new(self.exprs.len() - 1)
    }

    /// The expressions in order: children before their parent, the root last.
    pub fn exprs(&self) -> impl DoubleEndedIterator<Item = (ExprId, &Expr)> + ExactSizeIterator {
        self.exprs.iter().enumerate().map(|(idx, expr)| (ExprId::new(idx), expr))
    }

    /// The number of expressions, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a tree is never empty")]
    pub fn len(&self) -> usize {
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
}

impl Index<ExprId> for Ast {
    type Output = Expr;

    fn index(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()]
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
        }
    }
}

// Every expression and every name takes a byte of a text shorter than 4 GiB, so ids never reach
// u32::MAX.

impl ExprId {
    pub(crate) fn new(idx: usize) -> Self {
        Self(idx as u32)
    }

    /// The position among [`Ast::exprs`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl NameId {
    pub(crate) fn new(idx: usize) -> Self {
        Self(idx as u32)
    }

    /// The position among [`Ast::names`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl UnaryOp {
    /// How it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Neg => "-",
            Self::Plus => "+",
            Self::Invert => "~",
            Self::Not => "not",
        }
    }

    /// What it is called in dumps.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Neg => "neg",
            Self::Plus => "plus",
            Self::Invert => "invert",
            Self::Not => "not",
        }
    }
}

impl BinaryOp {
    /// How it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::FloorDiv => "//",
            Self::Rem => "%",
            Self::Pow => "**",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::BitAnd => "&",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::And => "and",
            Self::Or => "or",
        }
    }

    /// What it is called in dumps.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::FloorDiv => "floor_div",
            Self::Rem => "rem",
            Self::Pow => "pow",
            Self::Shl => "shl",
            Self::Shr => "shr",
            Self::BitAnd => "bit_and",
            Self::BitOr => "bit_or",
            Self::BitXor => "bit_xor",
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

impl CompareOp {
    /// How it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Eq => "==",
            Self::Ne => "!=",
        }
    }

    /// What it is called in dumps.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lt => "lt",
            Self::Le => "le",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Eq => "eq",
            Self::Ne => "ne",
        }
    }
}
