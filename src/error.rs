//! The one error type: a kind, and a diagnostic that can be drawn under the text.

use crate::function::FunctionError;
use crate::hir;
use crate::resolve::{self, Registry, RegistryError};
use crate::vars::VarType;
use ndexpr_grammar::{Diagnostic, Span};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::ExecError;
use ndexpr_runtime::function::Panicked;
use ndexpr_runtime::memory::AllocError;
use ndexpr_runtime::plan::PlanError;
use ndexpr_runtime::pool::PoolError;
use ndexpr_runtime::view::ViewError;
use std::fmt;
use std::sync::Arc;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not an expression.
    Syntax,
    /// The text, or what it asks for, is beyond a limit.
    Limit,
    /// A name in the text is no variable.
    UnknownVariable,
    /// A name in the text is no function.
    UnknownFunction,
    /// A function has too few or too many arguments.
    ArgumentCount,
    /// A function does not have an option that the text gives it, such as an axis, or does not take
    /// the option's value.
    Argument,
    /// An operation does not exist for the dtypes of its operands.
    NotDefined,
    /// A literal does not fit the dtype that it meets, or any dtype.
    LiteralRange,
    /// An integer is raised to a negative power.
    NegativePower,
    /// A statement cannot do what it says: it assigns to what cannot be assigned to, or gives no
    /// value where one is needed.
    Statement,
    /// The text asks for something that the language has, but that is not supported yet.
    Unsupported,
    /// A variable of a compiled program was not given.
    MissingVariable,
    /// A variable was given that the text does not use, and the engine denies that.
    UnusedVariable,
    /// A variable has another dtype or rank than the program was compiled for.
    VariableType,
    /// Shapes do not broadcast.
    Shape,
    /// An index is not in its axis, or an array has fewer axes than an index has items.
    Index,
    /// An array does not have the axis that a function is to run along, or the axis is named twice.
    Axis,
    /// The smallest or the largest of no elements is asked for.
    EmptyInput,
    /// The output has another shape than the result.
    OutputShape,
    /// The output, or the Rust type asked for, has another dtype than the result.
    ResultDType,
    /// The Rust type asked for has another rank than the result.
    ResultRank,
    /// There are more or fewer results than the outputs, or than the Rust type asked for has.
    ResultCount,
    /// The output's memory cannot be written as it is.
    Output,
    /// There is not enough memory.
    Memory,
    /// The run was cancelled.
    Cancelled,
    /// A function of Rust that the application gave the engine has panicked. The outputs hold a
    /// mixture of old and new elements.
    Panic,
    /// A loop did not end for an element within the most iterations that it may do.
    Iterations,
    /// A function of Rust that an engine is built with cannot be called: it has no name that a text
    /// can have, or the names of its parameters do not fit.
    Function,
    /// Threads could not be started.
    Threads,
    /// A defect of this library.
    Internal,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: &[ErrorKind] = &[
        ErrorKind::Syntax,
        ErrorKind::Limit,
        ErrorKind::UnknownVariable,
        ErrorKind::UnknownFunction,
        ErrorKind::ArgumentCount,
        ErrorKind::Argument,
        ErrorKind::NotDefined,
        ErrorKind::LiteralRange,
        ErrorKind::NegativePower,
        ErrorKind::Statement,
        ErrorKind::Unsupported,
        ErrorKind::MissingVariable,
        ErrorKind::UnusedVariable,
        ErrorKind::VariableType,
        ErrorKind::Shape,
        ErrorKind::Index,
        ErrorKind::Axis,
        ErrorKind::EmptyInput,
        ErrorKind::OutputShape,
        ErrorKind::ResultDType,
        ErrorKind::ResultRank,
        ErrorKind::ResultCount,
        ErrorKind::Output,
        ErrorKind::Memory,
        ErrorKind::Cancelled,
        ErrorKind::Panic,
        ErrorKind::Iterations,
        ErrorKind::Function,
        ErrorKind::Threads,
        ErrorKind::Internal,
    ];
}

/// Why an expression could not be compiled or run.
///
/// [`Display`](fmt::Display) is one line; [`Error::render`] draws the place in the text as well.
///
/// ```
/// let error = ndexpr::evaluate::<f64>("2 * sqr(4.0)", ndexpr::vars! {}).unwrap_err();
/// assert_eq!(error.kind(), ndexpr::ErrorKind::UnknownFunction);
/// assert_eq!(error.render(), "\
/// error: there is no function `sqr`
///   2 * sqr(4.0)
///       ^^^ not found
///   = did you mean `sqrt`?
/// ");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    diagnostic: Diagnostic,
    text: Option<Arc<str>>,
}

/// A part of the text, and its shape in a call.
#[derive(Clone, Copy)]
pub(crate) struct ShapedPart<'s> {
    pub(crate) span: Span,
    pub(crate) shape: &'s [usize],
}

impl Error {
    fn new(kind: ErrorKind, diagnostic: Diagnostic) -> Error {
        Error(Box::new(Inner { kind, diagnostic, text: None }))
    }

    /// The error as one about this text, which its drawing shows. What is in preludes of the
    /// registry is shown there.
    pub(crate) fn in_text(mut self, text: &str, registry: &Registry) -> Error {
        self.0.text.get_or_insert_with(|| text.into());
        let diagnostic = &mut self.0.diagnostic;
        diagnostic.elsewhere.extend(registry.excerpts(&mut diagnostic.labels));
        self
    }

    /// The error as one about a prelude alone.
    fn in_prelude(mut self, text: &str) -> Error {
        self.0.text = Some(text.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The places in the text to blame, most important first; empty if the text is not to blame. A
    /// place in a prelude is among those [`elsewhere`](Diagnostic::elsewhere); here is the call
    /// that led there.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.0.diagnostic.labels.iter().map(|label| label.span)
    }

    /// The message, the labels under the text, and the notes.
    #[must_use]
    pub fn diagnostic(&self) -> &Diagnostic {
        &self.0.diagnostic
    }

    /// The error drawn under the text, on several lines.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.diagnostic.render(self.0.text.as_deref().unwrap_or_default())
    }

    pub(crate) fn syntax(error: &ndexpr_grammar::Error) -> Error {
        use ndexpr_grammar::ErrorKind as Syntax;
        let kind = match error.kind() {
            Syntax::TextTooLong { .. } | Syntax::TooDeep { .. } | Syntax::TooManyNodes { .. } => ErrorKind::Limit,
            _ => ErrorKind::Syntax,
        };
        Error::new(kind, error.to_diagnostic())
    }

    /// An error in a statement of a text that was resolved this far.
    pub(crate) fn resolving(error: &resolve::Error) -> Error {
        use resolve::ErrorKind as Resolving;
        let kind = match &error.kind {
            Resolving::NoResult
            | Resolving::TupleInResult
            | Resolving::NoneInResult
            | Resolving::UnusedValue { .. } => ErrorKind::Statement,
            Resolving::NothingToChange { .. }
            | Resolving::PartAssigned
            | Resolving::UpdateInEvaluation { .. }
            | Resolving::NotForWriting { .. }
            | Resolving::LocalUpdated { .. }
            | Resolving::ElementOrView { .. }
            | Resolving::UnpackCount { .. }
            | Resolving::UnpackValue { .. }
            | Resolving::NoneAsValue { .. }
            | Resolving::NothingReturned
            | Resolving::Recursion { .. }
            | Resolving::NestedFunction
            | Resolving::NotADefinition
            | Resolving::NotYetDefined { .. } => ErrorKind::Statement,
            Resolving::Unset { .. } | Resolving::FunctionAsValue { .. } | Resolving::UnknownAttribute { .. } => {
                ErrorKind::UnknownVariable
            }
            Resolving::ValueAsFunction { .. } | Resolving::UnknownMethod { .. } => ErrorKind::UnknownFunction,
            Resolving::TooManyArguments { .. } | Resolving::MissingArgument { .. } => ErrorKind::ArgumentCount,
            Resolving::TupleAssigned
            | Resolving::TupleAsValue
            | Resolving::UnknownParameter { .. }
            | Resolving::RepeatedParameter { .. }
            | Resolving::AsTypeArguments => ErrorKind::Argument,
            Resolving::MaybeUnset { .. }
            | Resolving::ReturnsDiffer { .. }
            | Resolving::ChangesStructure { .. }
            | Resolving::RangeStepOfZero => ErrorKind::Statement,
            Resolving::ReductionIndexed { .. }
            | Resolving::UpdateInFlow
            | Resolving::OnceInFlow
            | Resolving::ReductionInLoop
            | Resolving::IndexInLoop => ErrorKind::Unsupported,
            Resolving::WrongIndex
            | Resolving::TooManyItems { .. }
            | Resolving::StepOfZero
            | Resolving::TwoEllipses
            | Resolving::NumberIndexed
            | Resolving::TupleIndex { .. } => ErrorKind::Index,
            Resolving::TupleTooDeep { .. }
            | Resolving::LoopsTooDeep { .. }
            | Resolving::TooManyLoops { .. }
            | Resolving::ViewTooDeep { .. }
            | Resolving::TooLarge { .. } => ErrorKind::Limit,
        };
        Error::new(kind, error.to_diagnostic()).called_from(&error.calls)
    }

    /// Adds the calls of functions of the text that the place to blame is in, the innermost first.
    pub(crate) fn called_from(mut self, calls: &[(Span, String)]) -> Error {
        for (span, function) in calls {
            let diagnostic = self.0.diagnostic.clone();
            self.0.diagnostic = diagnostic.label(*span, format!("in this call of `{function}`"));
        }
        self
    }

    pub(crate) fn typing(error: &hir::Error) -> Error {
        use hir::ErrorKind as Typing;
        let kind = match &error.kind {
            Typing::UnknownVariable { .. } | Typing::UnknownConstant { .. } | Typing::FunctionAsValue { .. } => {
                ErrorKind::UnknownVariable
            }
            Typing::SingleIndexed => ErrorKind::Index,
            Typing::TooManyShapes | Typing::LoopsUnsettled => ErrorKind::Limit,
            Typing::UnknownFunction { .. } => ErrorKind::UnknownFunction,
            Typing::ArgumentCount { .. } => ErrorKind::ArgumentCount,
            Typing::UnknownKeyword { .. }
            | Typing::RepeatedArgument { .. }
            | Typing::WrongArgument { .. }
            | Typing::AxisOverflow => ErrorKind::Argument,
            Typing::NotDefined { .. } | Typing::UnsafeArgument { .. } => ErrorKind::NotDefined,
            Typing::LiteralOutOfRange { .. } | Typing::LiteralOverflow => ErrorKind::LiteralRange,
            Typing::NegativePower { .. } => ErrorKind::NegativePower,
            Typing::ComplexLiteral => ErrorKind::Unsupported,
            Typing::UpdateKind { .. } => ErrorKind::NotDefined,
        };
        Error::new(kind, error.to_diagnostic())
    }

    pub(crate) fn missing_variable(name: &str, span: Option<Span>) -> Error {
        let diagnostic = Diagnostic::new(format!("the variable `{name}` was not given"));
        let diagnostic = match span {
            Some(span) => diagnostic.label(span, "used here"),
            None => diagnostic,
        };
        Error::new(ErrorKind::MissingVariable, diagnostic)
    }

    /// A weak variable that meets an operand whose dtype cannot hold it.
    pub(crate) fn weak_out_of_range(name: &str, value: i128, dtype: DType, span: Option<Span>) -> Error {
        let diagnostic = Diagnostic::new(format!("the variable `{name}` is {value}, which {dtype} cannot hold"));
        let diagnostic = match span {
            Some(span) => diagnostic.label(span, format!("this meets {dtype}")),
            None => diagnostic,
        };
        Error::new(ErrorKind::LiteralRange, diagnostic)
    }

    /// Values by position, more or fewer than there are variables.
    pub(crate) fn value_count(expected: usize, found: usize) -> Error {
        let message = format!("the expression has {expected} variables, but {found} values were given");
        Error::new(ErrorKind::MissingVariable, Diagnostic::new(message))
    }

    pub(crate) fn no_output(name: &str, span: Option<Span>) -> Error {
        let diagnostic = Diagnostic::new(format!("the variable `{name}` is the output, but there is no output yet"))
            .note("to update an array in place, use evaluate_into or Program::run");
        let diagnostic = match span {
            Some(span) => diagnostic.label(span, "used here"),
            None => diagnostic,
        };
        Error::new(ErrorKind::MissingVariable, diagnostic)
    }

    /// A slice or a transpose of a variable that is the output.
    pub(crate) fn part_of_output(name: &str, span: Option<Span>) -> Error {
        let diagnostic = Diagnostic::new(format!("a part of the output `{name}` cannot be read"))
            .note("give the array itself as the variable");
        let diagnostic = match span {
            Some(span) => diagnostic.label(span, "used here"),
            None => diagnostic,
        };
        Error::new(ErrorKind::Output, diagnostic)
    }

    pub(crate) fn unused_variable(name: &str, similar: Option<String>) -> Error {
        let diagnostic = Diagnostic::new(format!("the expression does not use the variable `{name}`"));
        let diagnostic = match similar {
            Some(similar) => diagnostic.note(format!("it uses `{similar}`")),
            None => diagnostic,
        };
        Error::new(ErrorKind::UnusedVariable, diagnostic)
    }

    pub(crate) fn variable_type(
        name: &str,
        compiled: VarType,
        found: DType,
        n_axes: usize,
        span: Option<Span>,
    ) -> Error {
        let message = if compiled.dtype == found {
            format!("the variable `{name}` is an array of rank {n_axes}, but the program was compiled for a scalar")
        } else {
            format!("the variable `{name}` is {found}, but the program was compiled for {}", compiled.dtype)
        };
        let diagnostic = Diagnostic::new(message);
        let diagnostic = match span {
            Some(span) => diagnostic.label(span, "used here"),
            None => diagnostic,
        };
        Error::new(ErrorKind::VariableType, diagnostic)
    }

    /// Two parts of the text whose shapes do not broadcast.
    pub(crate) fn shape(lhs: ShapedPart<'_>, rhs: ShapedPart<'_>) -> Error {
        let diagnostic = Diagnostic::new(format!("shapes {:?} and {:?} do not broadcast", lhs.shape, rhs.shape))
            .label(lhs.span, format!("this has shape {:?}", lhs.shape))
            .label(rhs.span, format!("this has shape {:?}", rhs.shape));
        let extents = lhs.shape.iter().rev().zip(rhs.shape.iter().rev());
        let conflict = extents.into_iter().find(|&(l, r)| l != r && *l != 1 && *r != 1);
        let diagnostic = match conflict {
            Some((l, r)) => {
                diagnostic.note(format!("extents, from the last axis on, must be equal or 1, found {l} and {r}"))
            }
            None => diagnostic,
        };
        Error::new(ErrorKind::Shape, diagnostic)
    }

    /// An axis beyond the rank of what is reduced, whose shape is `shape`. `instead` is a call that
    /// may have been meant.
    pub(crate) fn axis_out_of_range(axis: i64, shape: &[usize], span: Span, instead: Option<&hir::Instead>) -> Error {
        let rank = shape.len();
        let diagnostic = Diagnostic::new(format!("there is no axis {axis} in the shape {shape:?}"));
        let diagnostic = match rank {
            0 => diagnostic.label(span, "a single value has no axes").note("leave the axis out to take all there are"),
            1 => diagnostic.label(span, "expected 0 or -1"),
            _ => diagnostic.label(span, format!("expected 0 to {}, or -1 to -{rank} from the last", rank - 1)),
        };
        let diagnostic = instead.iter().fold(diagnostic, |diagnostic, instead| diagnostic.note(instead.note()));
        Error::new(ErrorKind::Axis, diagnostic)
    }

    pub(crate) fn repeated_axis(axis: usize, shape: &[usize], span: Span) -> Error {
        let diagnostic = Diagnostic::new(format!("axis {axis} of the shape {shape:?} is named twice"))
            .label(span, "each axis at most once")
            .note(format!("-{} and {axis} are the same axis here", shape.len() - axis));
        Error::new(ErrorKind::Axis, diagnostic)
    }

    /// A running total over several axes at once.
    pub(crate) fn missing_axis(shape: &[usize], span: Span) -> Error {
        let diagnostic = Diagnostic::new(format!("an axis is needed to accumulate over the shape {shape:?}"))
            .label(span, "which axis?")
            .note("give it an axis, such as axis=-1 for the last");
        Error::new(ErrorKind::Axis, diagnostic)
    }

    /// The `wanted` (smallest, largest) element where there is none along the axes.
    pub(crate) fn empty_input(wanted: &str, shape: &[usize], span: Span) -> Error {
        let diagnostic = Diagnostic::new(format!("there is no {wanted} of no elements"))
            .label(span, format!("this runs over the shape {shape:?}"))
            .note("expected at least one element along each axis that it runs along");
        Error::new(ErrorKind::EmptyInput, diagnostic)
    }

    /// An index that is not in its axis of a shape.
    pub(crate) fn index_out_of_range(at: i64, axis: usize, shape: &[usize], span: Span) -> Error {
        let extent = shape[axis];
        let diagnostic = Diagnostic::new(format!("there is no index {at} in axis {axis} of the shape {shape:?}"));
        let diagnostic = match extent {
            0 => diagnostic.label(span, "the axis is empty"),
            _ => diagnostic.label(span, format!("expected 0 to {}, or -1 to -{extent} from the end", extent - 1)),
        };
        Error::new(ErrorKind::Index, diagnostic)
    }

    /// An index with more items than the array has axes.
    pub(crate) fn too_many_indices(found: usize, shape: &[usize], span: Span) -> Error {
        let message = format!("{found} indices do not fit the shape {shape:?}");
        let n_axes = shape.len();
        let s = if n_axes == 1 { "axis" } else { "axes" };
        let diagnostic = Diagnostic::new(message).label(span, format!("this has {n_axes} {s}"));
        Error::new(ErrorKind::Index, diagnostic)
    }

    pub(crate) fn output_shape(result: &[usize], output: &[usize]) -> Error {
        let message = format!("a result of shape {result:?} does not fit an output of shape {output:?}");
        Error::new(ErrorKind::OutputShape, Diagnostic::new(message))
    }

    /// `whole` is the span of the expression, if there is a text.
    pub(crate) fn result_dtype(expected: DType, found: DType, whole: Option<(Span, &str)>) -> Error {
        let diagnostic = Diagnostic::new(format!("the result is {found}, but {expected} is asked for"));
        let diagnostic = match whole {
            Some((span, text)) => {
                let text = span.text(text).trim();
                let diagnostic = diagnostic.label(span, format!("this is {found}"));
                if text.len() < 40 && !text.contains(['\n', '#']) {
                    diagnostic.note(format!("to convert it, write {expected}({text})"))
                } else {
                    diagnostic.note(format!("to convert it, write {expected}(...)"))
                }
            }
            None => diagnostic,
        };
        Error::new(ErrorKind::ResultDType, diagnostic)
    }

    pub(crate) fn result_rank(expected: usize, found: usize) -> Error {
        let name = |rank| match rank {
            0 => "a single value".to_owned(),
            n => format!("an array of rank {n}"),
        };
        let message = format!("the result is {}, but {} is asked for", name(found), name(expected));
        Error::new(ErrorKind::ResultRank, Diagnostic::new(message))
    }

    /// `span` is that of the results in the text.
    pub(crate) fn result_count(expected: usize, found: usize, span: Span) -> Error {
        let results = |n: usize| if n == 1 { "1 result".to_owned() } else { format!("{n} results") };
        let asked = if expected == 1 { "1 is asked for".to_owned() } else { format!("{expected} are asked for") };
        let diagnostic = Diagnostic::new(format!("the text has {}, but {asked}", results(found)));
        let diagnostic = diagnostic.label(span, results(found));
        Error::new(ErrorKind::ResultCount, diagnostic)
    }

    /// An array for writing that is not there.
    pub(crate) fn missing_target(name: &str) -> Error {
        let diagnostic = Diagnostic::new(format!("the array `{name}` was not given for writing"));
        Error::new(ErrorKind::MissingVariable, diagnostic)
    }

    pub(crate) fn array_count(expected: usize, found: usize) -> Error {
        let message = format!("the text updates {expected} arrays, but {found} were given");
        Error::new(ErrorKind::MissingVariable, Diagnostic::new(message))
    }

    /// Something that cannot be written, or whose type is not known.
    pub(crate) fn target_type(name: &str) -> Error {
        let diagnostic = Diagnostic::new(format!("`{name}` is written, but the signature has no array of this name"));
        Error::new(ErrorKind::VariableType, diagnostic)
    }

    /// An update with a value of another shape than what it is assigned to. `span` is that of the
    /// statement.
    pub(crate) fn update_shape(value: &[usize], target: &[usize], span: Span) -> Error {
        let message = format!("a value of shape {value:?} cannot be assigned to a part of shape {target:?}");
        let diagnostic = Diagnostic::new(message).label(span, "this would have to change the array's shape");
        Error::new(ErrorKind::OutputShape, diagnostic)
    }

    /// Two outputs, by their numbers, share memory.
    pub(crate) fn shared_output(first: usize, second: usize) -> Error {
        let message = format!("outputs {first} and {second} share memory");
        Error::new(ErrorKind::Output, Diagnostic::new(message).note("give each result memory of its own"))
    }

    /// The panic of a function of Rust. `call` is where the text calls it, if that is one place.
    pub(crate) fn panicked(panic: &Panicked, call: Option<Span>) -> Error {
        let Panicked { function, message } = panic;
        let diagnostic = Diagnostic::new(format!("the function `{function}` panicked: {message}"));
        let diagnostic = call.iter().fold(diagnostic, |diagnostic, &span| diagnostic.label(span, "called here"));
        Error::new(ErrorKind::Panic, diagnostic)
    }

    /// A loop that does not end. `element` is the place of one that is still in it, in C order.
    pub(crate) fn too_many_iterations(limit: u64, element: Option<usize>, span: Span) -> Error {
        let element = element.map_or_else(String::new, |element| format!(" for element {element}"));
        let diagnostic = Diagnostic::new(format!("a loop has not ended after {limit} iterations{element}"))
            .label(span, "in this loop")
            .note("the limit is an option of the engine");
        Error::new(ErrorKind::Iterations, diagnostic)
    }

    /// The condition of a branch or a loop around whole arrays, or a bound of its range, that is no
    /// single value.
    pub(crate) fn condition_shape(shape: &[usize], span: Span) -> Error {
        let diagnostic = Diagnostic::new(format!("one value decides here, found an array of shape {shape:?}"))
            .label(span, "this decides for all elements")
            .note("reduce it to one value, as in any(u > 1) or max(u)");
        Error::new(ErrorKind::Shape, diagnostic)
    }

    /// An augmented assignment to a name that turns out to be of an element of an array.
    pub(crate) fn element_by_name(array: &str, span: Span) -> Error {
        let diagnostic = Diagnostic::new(format!("an element of `{array}` is changed by another name"))
            .label(span, "in NumPy this name gets a new value, and the array stays as it is")
            .note("to change the array, index it here, as in u[0] += 1; for a new value, write s = s + 1");
        Error::new(ErrorKind::Statement, diagnostic)
    }

    /// A bound of a range that is no integer.
    pub(crate) fn range_dtype(found: DType, span: Span) -> Error {
        let diagnostic = Diagnostic::new(format!("a range needs integers, found {found}")).label(span, "this is none");
        Error::new(ErrorKind::NotDefined, diagnostic)
    }

    /// A range with a step of 0, which is only known at the call.
    pub(crate) fn range_step(span: Span) -> Error {
        Error::new(
            ErrorKind::Statement,
            Diagnostic::new("a range with a step of 0").label(span, "the step must not be 0"),
        )
    }

    /// A value of a range that int64 does not hold.
    pub(crate) fn range_value(value: i128, span: Span) -> Error {
        let diagnostic = Diagnostic::new(format!("a range has the value {value}, which int64 does not hold"));
        Error::new(ErrorKind::Limit, diagnostic.label(span, "in this range"))
    }

    pub(crate) fn compiling_cancelled() -> Error {
        Error::new(ErrorKind::Cancelled, Diagnostic::new("compiling was cancelled"))
    }

    pub(crate) fn internal(what: impl fmt::Display) -> Error {
        let diagnostic = Diagnostic::new(format!("internal error: {what}")).note("please report this as a defect");
        Error::new(ErrorKind::Internal, diagnostic)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.diagnostic.message)
    }
}

/// The error as it is drawn, so that `unwrap` shows the place.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n{}", self.0.kind, self.render())
    }
}

impl std::error::Error for Error {}

impl From<ViewError> for Error {
    fn from(error: ViewError) -> Error {
        Error::new(ErrorKind::Output, Diagnostic::new(error.to_string()))
    }
}

impl From<AllocError> for Error {
    fn from(error: AllocError) -> Error {
        Error::new(ErrorKind::Memory, Diagnostic::new(error.to_string()))
    }
}

impl From<PlanError> for Error {
    fn from(error: PlanError) -> Error {
        let kind = match error {
            PlanError::TooManyAxes { .. } | PlanError::TooLarge { .. } => ErrorKind::Limit,
            PlanError::OutputShape { .. } => ErrorKind::OutputShape,
            PlanError::NotBroadcastable { .. } => ErrorKind::Shape,
            _ => ErrorKind::Output,
        };
        Error::new(kind, Diagnostic::new(error.to_string()))
    }
}

impl From<ExecError> for Error {
    fn from(error: ExecError) -> Error {
        match error {
            ExecError::Cancelled => Error::new(ErrorKind::Cancelled, Diagnostic::new("the run was cancelled")),
            ExecError::KernelMismatch { .. } | ExecError::LayoutMismatch | ExecError::Overlap { .. } => {
                Error::internal(error)
            }
            ExecError::Plan(error) => error.into(),
            _ => Error::new(ErrorKind::Memory, Diagnostic::new(error.to_string())),
        }
    }
}

impl From<FunctionError> for Error {
    fn from(error: FunctionError) -> Error {
        let diagnostic = Diagnostic::new(error.to_string());
        let diagnostic = match error {
            FunctionError::NotAName { .. } | FunctionError::ParamNotAName { .. } => {
                diagnostic.note("expected a name as texts have them, which is no keyword of Python")
            }
            FunctionError::ParamCount { .. } => {
                diagnostic.note("expected a name for each argument; the results need none")
            }
            FunctionError::RepeatedParam { .. } | FunctionError::Repeated { .. } => diagnostic,
        };
        Error::new(ErrorKind::Function, diagnostic)
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Error {
        match error {
            RegistryError::Function(error) => error.into(),
            RegistryError::Syntax { text, error } => Error::syntax(&error).in_prelude(&text),
            RegistryError::Statement { text, error } => Error::resolving(&error).in_prelude(&text),
            RegistryError::TooLong => Error::new(ErrorKind::Limit, Diagnostic::new("the preludes are too long")),
        }
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Error {
        Error::new(ErrorKind::Threads, Diagnostic::new(error.to_string()))
    }
}
