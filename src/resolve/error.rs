//! What can be wrong with the statements of a text whose syntax is right.

use super::value::{Unset, Why};
use crate::ops::METHODS;
use ndexpr_grammar::{Diagnostic, Span};
use std::fmt;

/// An error in a statement: its kind, where it is, and in which call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) span: Span,
    /// The calls of functions of the text around it, the innermost first.
    pub(crate) calls: Vec<(Span, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ErrorKind {
    /// The last statement gives no value.
    NoResult,
    /// A tuple among several results.
    TupleInResult,
    /// `None` among several results.
    NoneInResult,
    /// A name that has a value only on some ways to a place.
    MaybeUnset {
        name: String,
        unset: Unset,
    },
    /// A function that returns a value somewhere and none, or another number of them, elsewhere.
    ReturnsDiffer {
        other: Span,
    },
    /// A name that is a tuple in some iterations of a loop, and something else in others.
    ChangesStructure {
        name: String,
    },
    RangeStepOfZero,
    LoopsTooDeep {
        limit: usize,
    },
    TooManyLoops {
        limit: u32,
    },
    /// An update of an array where only some elements get to.
    UpdateInFlow,
    /// A branch or a loop around phases, or an exit from one, where only some elements get to.
    OnceInFlow,
    /// A call along axes of something that differs from one iteration of a loop to the next.
    ReductionInLoop,
    /// An index or transpose of such a value.
    IndexInLoop,
    /// A value that nothing uses.
    UnusedValue {
        in_function: bool,
    },
    /// A name of a function that it assigns to later.
    Unset {
        name: String,
    },
    /// An augmented assignment to a name that has no value yet.
    NothingToChange {
        name: String,
    },
    /// An assignment to a part of something that is no array.
    PartAssigned,
    /// An update of an array in a text that is evaluated.
    UpdateInEvaluation {
        name: String,
    },
    /// An update of an array that the caller did not hand over for writing.
    NotForWriting {
        name: String,
    },
    /// An update of a part of a local name's value.
    LocalUpdated {
        name: String,
    },
    /// A name of a single place of an array that has changed since.
    ElementOrView {
        name: String,
    },
    /// A tuple that is taken apart into more or fewer names than it has values.
    UnpackCount {
        names: usize,
        values: usize,
        value_span: Span,
    },
    /// Something that is taken apart and is no tuple.
    UnpackValue {
        value_span: Span,
    },
    /// A tuple where a value should be.
    TupleAsValue,
    /// A tuple that is assigned to an array or to a part of one.
    TupleAssigned,
    /// `None`, or a name that stands for it, where a value should be.
    NoneAsValue {
        name: Option<String>,
    },
    /// A call of a function without `return`, where a value should be.
    NothingReturned,
    TupleTooDeep {
        limit: usize,
    },
    /// The name of a function of the text where a value should be.
    FunctionAsValue {
        name: String,
    },
    /// A call of a value.
    ValueAsFunction {
        name: String,
    },
    /// A call of a function that the text defines later.
    NotYetDefined {
        name: String,
        later: Span,
    },
    /// A function that calls itself, maybe by way of others.
    Recursion {
        cycle: Vec<String>,
    },
    /// A function in a function.
    NestedFunction,
    /// A statement of a prelude that defines no function.
    NotADefinition,
    TooManyArguments {
        found: usize,
        form: Box<Form>,
    },
    MissingArgument {
        name: String,
        form: Box<Form>,
    },
    UnknownParameter {
        found: String,
        form: Box<Form>,
    },
    RepeatedParameter {
        name: String,
        first: Span,
    },
    UnknownAttribute {
        name: String,
    },
    UnknownMethod {
        name: String,
    },
    AsTypeArguments,
    /// What is between brackets is no integer that is known without a call.
    WrongIndex,
    TooManyItems {
        limit: usize,
    },
    /// A view of a view of a view, too many in all.
    ViewTooDeep {
        limit: usize,
    },
    StepOfZero,
    TwoEllipses,
    /// An index of numbers of the text alone.
    NumberIndexed,
    /// An index of what a function along axes gives.
    ReductionIndexed {
        call: Span,
        /// Whether it is the result of a loop of each element.
        is_loop: bool,
    },
    TupleIndex {
        at: i64,
        n: usize,
    },
    /// Functions that call each other would be more operations than the limit.
    TooLarge {
        limit: usize,
    },
}

impl ErrorKind {
    /// More names are not listed.
    pub(super) const MAX_NAMES: usize = 8;
}

impl Error {
    pub(super) fn new(kind: ErrorKind, span: Span) -> Error {
        Error { kind, span, calls: Vec::new() }
    }

    pub(super) fn in_calls(self, calls: Vec<(Span, String)>) -> Error {
        Error { calls, ..self }
    }

    /// The error as a drawing of it needs it.
    pub(crate) fn to_diagnostic(&self) -> Diagnostic {
        let (diagnostic, span) = (Diagnostic::new(self.to_string()), self.span);
        match &self.kind {
            ErrorKind::NoResult => {
                diagnostic.label(span, "the last statement").note("end with an expression, or with `return` and one")
            }
            ErrorKind::TupleInResult => {
                diagnostic.label(span, "this is a tuple").note("give all values in one tuple: `return a, b, c`")
            }
            ErrorKind::NoneInResult => diagnostic.label(span, "this is None"),
            ErrorKind::MaybeUnset { unset: Unset { set, why: Why::Array, .. }, .. } => diagnostic
                .label(span, "it may be another array here")
                .label(*set, "an array that may be updated")
                .note("name the array where it is used, or copy its values: t = u + 0"),
            ErrorKind::MaybeUnset { unset: Unset { why: Why::Structure, unless, .. }, .. } => diagnostic
                .label(span, "what it is here")
                .label(*unless, "depends on this")
                .note("let it be one value on all ways, or a tuple of as many"),
            ErrorKind::MaybeUnset { unset: Unset { set, unless, why: Why::NoValue }, .. } => diagnostic
                .label(span, "it may have no value here")
                .label(*set, "it gets one here")
                .label(*unless, "but not always, because of this")
                .note("give it a value before, or in each branch"),
            ErrorKind::ReturnsDiffer { other } => diagnostic
                .label(span, "what is returned here")
                .label(*other, "is not of the same number of values as here")
                .note("return as many values everywhere; the end of a function without `return` gives None"),
            ErrorKind::ChangesStructure { .. } => diagnostic
                .label(span, "in this loop")
                .note("a name must stay one value, or a tuple of as many, from one iteration to the next"),
            ErrorKind::RangeStepOfZero => diagnostic.label(span, "the step must not be 0"),
            ErrorKind::LoopsTooDeep { .. } => diagnostic.label(span, "one loop too many"),
            ErrorKind::TooManyLoops { .. } => diagnostic.label(span, "one loop too many"),
            ErrorKind::UpdateInFlow => diagnostic
                .label(span, "this would change the array for all elements")
                .note("choose the value that is assigned: u[...] = x if condition else u")
                .note("a condition of one value, such as sum(u) > 1, decides for all"),
            ErrorKind::OnceInFlow => diagnostic
                .label(span, "this runs once for all elements")
                .note("only some elements get here; decide by one value, such as any(u > 1)"),
            ErrorKind::ReductionInLoop => diagnostic
                .label(span, "its argument changes from one iteration to the next")
                .note("each element runs the loop by itself, so no element knows the others"),
            ErrorKind::IndexInLoop => diagnostic
                .label(span, "what is indexed changes from one iteration to the next")
                .note("each element runs the loop by itself; index before the loop, or behind it"),
            ErrorKind::UnusedValue { in_function: true } => diagnostic
                .label(span, "this has no effect")
                .note("to give it as the function's result, write `return` before it"),
            ErrorKind::UnusedValue { in_function: false } => diagnostic
                .label(span, "this has no effect")
                .note("to continue an expression on the next line, put it in brackets"),
            ErrorKind::Unset { .. } => diagnostic
                .label(span, "it has no value here")
                .note("the function assigns to this name later, so it is not a name from outside"),
            ErrorKind::NothingToChange { name } => diagnostic
                .label(span, "it has no value that the text gave it")
                .note(format!("for a new value of this name, write `{name} = {name} + ...`")),
            ErrorKind::PartAssigned => diagnostic
                .label(span, "this cannot be assigned to")
                .note("assign to a name, or to an array or a part of it: u[1:-1] = ..."),
            ErrorKind::UpdateInEvaluation { .. } => diagnostic
                .label(span, "this would change the array")
                .note("evaluating a text changes no array that is passed in; to update arrays, use `execute`"),
            ErrorKind::NotForWriting { name } => diagnostic
                .label(span, "this would change the array")
                .note(format!("pass `{name}` as an array that may be written")),
            ErrorKind::LocalUpdated { .. } => diagnostic
                .label(span, "a local name's value has no memory")
                .note("compute the new value as a whole, or update an array that is passed in"),
            ErrorKind::ElementOrView { .. } => diagnostic
                .label(span, "of an array of one axis this is the old element, of others the new row")
                .note("for the old values, copy them before the update, as in t = u[0] + 0; for the new ones, index again"),
            ErrorKind::UnpackCount { names, values, value_span } => diagnostic
                .label(span, format!("{names} {}", plural("name", *names)))
                .label(*value_span, format!("{values} {}", plural("value", *values))),
            ErrorKind::UnpackValue { value_span } => {
                diagnostic.label(span, "several names").label(*value_span, "one value")
            }
            ErrorKind::TupleAsValue => {
                diagnostic.label(span, "this is a tuple").note("only the axis may be one, as in sum(a, axis=(0, 1))")
            }
            ErrorKind::TupleAssigned => diagnostic
                .label(span, "this is a tuple")
                .note("assign one value, or each value to a place of its own: u[0], u[1] = x, y"),
            ErrorKind::NoneAsValue { .. } => {
                diagnostic.label(span, "a value is needed here").note("only an axis may be `None`")
            }
            ErrorKind::NothingReturned => {
                diagnostic.label(span, "a value is needed here").note("the function needs a `return`")
            }
            ErrorKind::TupleTooDeep { .. } => diagnostic.label(span, "one level too many"),
            ErrorKind::FunctionAsValue { name } => diagnostic
                .label(span, "a value is needed here")
                .note(format!("to call the function, write {name}(...)")),
            ErrorKind::ValueAsFunction { name } => {
                diagnostic.label(span, "this is a value").note(format!("to multiply, write {name}*(...)"))
            }
            ErrorKind::NotYetDefined { later, .. } => {
                diagnostic.label(span, "called here").label(*later, "defined here")
            }
            ErrorKind::Recursion { cycle } if cycle.len() > 2 => {
                let cycle: Vec<String> = cycle.iter().map(|name| format!("`{name}`")).collect();
                diagnostic.label(span, "called here again").note(format!("{} call each other", cycle.join(", ")))
            }
            ErrorKind::Recursion { .. } => diagnostic.label(span, "called here again"),
            ErrorKind::NestedFunction => {
                diagnostic.label(span, "inside of another function").note("define it before the other function")
            }
            ErrorKind::NotADefinition => diagnostic
                .label(span, "expected the definition of a function")
                .note("a prelude defines what texts can call; only texts compute something"),
            ErrorKind::TooManyArguments { form, .. } | ErrorKind::MissingArgument { form, .. } => {
                form.add_to(diagnostic.label(span, "in this call"))
            }
            ErrorKind::UnknownParameter { form, .. } => {
                form.add_to(diagnostic.label(span, "no parameter of this function"))
            }
            ErrorKind::RepeatedParameter { first, .. } => {
                diagnostic.label(*first, "first here, by position").label(span, "again here")
            }
            ErrorKind::UnknownAttribute { name } => {
                let diagnostic = diagnostic.label(span, "not found");
                match METHODS.contains(&name.as_str()) {
                    true => diagnostic.note(format!("to call the method, write `.{name}()`")),
                    false => diagnostic.note("constants have no prefix but `np.`, `numpy.` and `math.`"),
                }
            }
            ErrorKind::UnknownMethod { name } => diagnostic
                .label(span, "not found")
                .note(format!("the methods are astype, {}", METHODS.join(", ")))
                .note(format!("to call a function, write {name}(...)")),
            ErrorKind::AsTypeArguments => {
                diagnostic.label(span, "expected the name of a dtype").note("write it out: `.astype(float32)`")
            }
            ErrorKind::WrongIndex => diagnostic
                .label(span, "expected an integer, a slice, `None` or `...`")
                .note("an index is written out, or is a name that the text gives an integer"),
            ErrorKind::TooManyItems { .. } => diagnostic.label(span, "no array has so many axes"),
            ErrorKind::ViewTooDeep { .. } => diagnostic.label(span, "one part of a part too many"),
            ErrorKind::StepOfZero => diagnostic.label(span, "expected another integer"),
            ErrorKind::TwoEllipses => diagnostic.label(span, "one `...` stands for all axes that are left"),
            ErrorKind::NumberIndexed => diagnostic.label(span, "there is no array here"),
            ErrorKind::ReductionIndexed { call, is_loop } => diagnostic
                .label(span, "indexed here")
                .label(*call, if *is_loop { "this is a loop" } else { "this runs along axes" })
                .note("index what it runs over, or the array that it was computed to"),
            ErrorKind::TupleIndex { n, .. } => {
                diagnostic.label(span, format!("the tuple has {n} {}", plural("value", *n)))
            }
            ErrorKind::TooLarge { .. } => diagnostic
                .label(span, "one part too many")
                .note("what a function consists of counts each time that it is called"),
        }
    }
}

/// How a function of the text, of a prelude or of Rust is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    pub(super) name: String,
    pub(super) n_params: usize,
    /// The first parameters, and whether each has a default.
    pub(super) params: Vec<(String, bool)>,
    /// Where its definition has the name; `None` if it is one of Rust.
    pub(super) span: Option<Span>,
}

impl Form {
    /// What the function takes, and where it is defined.
    fn add_to(&self, diagnostic: Diagnostic) -> Diagnostic {
        let param = |(name, has_default): &(String, bool)| match has_default {
            true => format!("{name}=..."),
            false => name.clone(),
        };
        let mut params: Vec<String> = self.params.iter().map(param).collect();
        if params.len() < self.n_params {
            params.push("...".to_owned());
        }
        let diagnostic = self.span.iter().fold(diagnostic, |diagnostic, &span| diagnostic.label(span, "defined here"));
        diagnostic.note(format!("its form is {}({})", self.name, params.join(", ")))
    }
}

fn plural(word: &str, n: usize) -> String {
    if n == 1 { word.to_owned() } else { format!("{word}s") }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::NoResult => f.write_str("the text has no result"),
            ErrorKind::TupleInResult => f.write_str("a result cannot be a tuple in a tuple"),
            ErrorKind::NoneInResult => f.write_str("a result cannot be None"),
            ErrorKind::MaybeUnset { name, unset } => match unset.why {
                Why::NoValue => write!(f, "`{name}` may have no value"),
                Why::Array => write!(f, "`{name}` is one of several arrays"),
                Why::Structure => write!(f, "`{name}` is a tuple on some ways, and something else on others"),
            },
            ErrorKind::ReturnsDiffer { .. } => f.write_str("different numbers of values are returned"),
            ErrorKind::ChangesStructure { name } => {
                write!(f, "`{name}` is a tuple in some iterations, and something else in others")
            }
            ErrorKind::RangeStepOfZero => f.write_str("a range with a step of 0"),
            ErrorKind::LoopsTooDeep { limit } => write!(f, "more than {limit} loops in each other"),
            ErrorKind::TooManyLoops { limit } => write!(f, "the text becomes more than {limit} loops"),
            ErrorKind::UpdateInFlow => f.write_str("an array is updated where only some elements get to"),
            ErrorKind::OnceInFlow => {
                f.write_str("a branch or loop around whole arrays where only some elements get to")
            }
            ErrorKind::ReductionInLoop => f.write_str("a loop of each element has a function along axes in it"),
            ErrorKind::IndexInLoop => f.write_str("a loop of each element has an index of its values in it"),
            ErrorKind::UnusedValue { .. } => f.write_str("nothing uses this value"),
            ErrorKind::Unset { name } | ErrorKind::NothingToChange { name } => {
                write!(f, "`{name}` is used before it has a value")
            }
            ErrorKind::PartAssigned => f.write_str("this is neither a name nor an array"),
            ErrorKind::UpdateInEvaluation { name } => write!(f, "evaluating does not update `{name}`"),
            ErrorKind::NotForWriting { name } => write!(f, "`{name}` is not passed for writing"),
            ErrorKind::LocalUpdated { name } => write!(f, "`{name}` is no array that can be updated"),
            ErrorKind::ElementOrView { name } => {
                write!(f, "`{name}` has changed since this place of it was named")
            }
            ErrorKind::UnpackCount { names, values, .. } => {
                write!(
                    f,
                    "{values} {} cannot be assigned to {names} {}",
                    plural("value", *values),
                    plural("name", *names)
                )
            }
            ErrorKind::UnpackValue { .. } => f.write_str("only a tuple can be taken apart"),
            ErrorKind::TupleAsValue => f.write_str("a tuple is no value"),
            ErrorKind::TupleAssigned => f.write_str("an array takes one value, not a tuple"),
            ErrorKind::NoneAsValue { name: Some(name) } => write!(f, "`{name}` is None"),
            ErrorKind::NoneAsValue { name: None } => f.write_str("this is None"),
            ErrorKind::NothingReturned => f.write_str("the function returns nothing"),
            ErrorKind::TupleTooDeep { limit } => write!(f, "a tuple is nested more than {limit} levels deep"),
            ErrorKind::FunctionAsValue { name } => write!(f, "`{name}` is a function, and no value has this name"),
            ErrorKind::ValueAsFunction { name } => write!(f, "`{name}` is a value, not a function"),
            ErrorKind::NotYetDefined { name, .. } => write!(f, "`{name}` is called before it is defined"),
            ErrorKind::Recursion { cycle } => {
                let name = cycle.first().map_or("", String::as_str);
                write!(f, "the function `{name}` calls itself")
            }
            ErrorKind::NotADefinition => f.write_str("a prelude has functions and nothing else"),
            ErrorKind::NestedFunction => f.write_str("a function cannot be defined in another one"),
            ErrorKind::TooManyArguments { found, form } => {
                let n = form.n_params;
                write!(f, "`{}` takes {n} {}, found {found}", form.name, plural("argument", n))
            }
            ErrorKind::MissingArgument { name, form } => {
                write!(f, "`{}` needs an argument for `{name}`", form.name)
            }
            ErrorKind::UnknownParameter { found, form } => write!(f, "`{}` has no parameter `{found}`", form.name),
            ErrorKind::RepeatedParameter { name, .. } => write!(f, "the argument `{name}` is given twice"),
            ErrorKind::UnknownAttribute { name } => write!(f, "there is no attribute `{name}`"),
            ErrorKind::UnknownMethod { name } => write!(f, "there is no method `{name}`"),
            ErrorKind::AsTypeArguments => f.write_str("`astype` takes the name of a dtype"),
            ErrorKind::WrongIndex => f.write_str("this is no index"),
            ErrorKind::TooManyItems { limit } => write!(f, "the index has more than {limit} items"),
            ErrorKind::ViewTooDeep { limit } => write!(f, "a part is taken of a part more than {limit} times"),
            ErrorKind::StepOfZero => f.write_str("the step of a slice cannot be 0"),
            ErrorKind::TwoEllipses => f.write_str("there are two `...` in one index"),
            ErrorKind::NumberIndexed => f.write_str("a number cannot be indexed"),
            ErrorKind::ReductionIndexed { is_loop: true, .. } => {
                f.write_str("the result of a loop cannot be indexed in the same text")
            }
            ErrorKind::ReductionIndexed { .. } => {
                f.write_str("the result of a function along axes cannot be indexed in the same text")
            }
            ErrorKind::TupleIndex { at, .. } => write!(f, "there is no place {at} in the tuple"),
            ErrorKind::TooLarge { limit } => write!(f, "the text becomes more than {limit} operations"),
        }
    }
}

impl std::error::Error for Error {}
