//! Resolving: the statements of a text become the operations that its result is made of.
//!
//! In: a syntax tree. Out: a [`Resolved`]: operations in the order in which Python would do them,
//! each after its arguments, or what is wrong with a statement. Always true: a local name is only
//! another way to say what it was assigned, a function of the text is replaced by its body, and
//! nothing here recurses. What a name means that the text assigns nothing to, which functions
//! exist, and all dtypes are for [`hir`](crate::hir).
//!
//! [`run`](self::run) goes through the statements, `flow` and `loops` through the branches and
//! loops of each element, `control` through those that run once for all, which `around` finds.
//! `places` are the variables of what differs behind these. `exprs` and `index` are what
//! expressions become,
//! `skip` finds what no operation is made for, `registry` has the functions that all texts can
//! call, `calls` binds the arguments of calls to parameters, `options` reads what must be known
//! without a call, such as `axis=0`. A slice or a transpose of an expression becomes `views` of the
//! variables that it reads; `trims` knows which of them are the same or have the same shape.
//! `effects` follows what is assigned to arrays of the caller, in `updates`, and `cut` divides the
//! operations into `phases` where memory has changed.

mod around;
mod assigned;
mod blocks;
mod calls;
mod control;
mod cut;
mod effects;
mod error;
mod exprs;
mod flow;
mod index;
mod items;
mod loops;
pub(crate) mod operators;
mod options;
mod phases;
mod places;
mod registry;
mod run;
mod skip;
mod trims;
mod updates;
mod value;
mod views;

pub(crate) use error::{Error, ErrorKind};
pub(crate) use items::Item;
pub(crate) use options::{Choice, ChoiceKind, OptionArg};
pub(crate) use phases::{Bound, BoundValue, End, Phase, PhaseLoop, Phases, Range as PhaseRange, Root};
pub(crate) use registry::{Registry, RegistryError, RustId};
pub(crate) use run::resolve;
pub(crate) use updates::{Mode, Store};
pub(crate) use views::{Array, GroupId, ViewDef, ViewId, ViewOp, Views};

use ndexpr_grammar::{BinaryOp, CompareOp, NameId, Span, UnaryOp};
use ndexpr_runtime::dtype::DType;
use std::ops::Range;
use std::sync::Arc;

/// An operation of a [`Resolved`]: its position in the order where arguments come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StepId(u32);

impl StepId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an operation is, apart from its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Int(u128),
    Float(f64),
    Imaginary(f64),
    Bool(bool),
    /// A name that the text assigns nothing to: a variable or a constant.
    Name(NameId),
    /// A view of a variable.
    View(ViewId),
    /// A name after the name of a module: a constant.
    Constant(NameId),
    Unary(UnaryOp),
    Binary(BinaryOp),
    /// Comparisons of neighbours. There is one argument more than operators.
    Compare(Box<[CompareOp]>),
    /// The arguments are the value where the condition holds, the condition, and the other value.
    IfElse,
    /// A function of the language. A method's object is its first argument.
    Call(Callee),
    /// The same value, in another dtype.
    Convert(DType),
    /// What an array holds after an update. The arguments are the value and the array.
    Store(Store),
    /// A function of Rust, with an argument for each parameter.
    Rust(RustId),
    /// The one value where a condition holds, and the other elsewhere, as `IfElse`: what a name is
    /// behind a choice. It has a dtype only if something needs it.
    Merge,
    /// The operations from here to a loop are its body.
    Begin(LoopId),
    /// What a loop carries, at the start of an iteration. The argument is where the loop begins.
    Carried {
        of: LoopId,
        place: u32,
        /// Whether it is a value of a range, which has no dtype if the range has none.
        is_counter: bool,
    },
    /// A loop. The arguments are where it begins, whether an element does the first iteration, and
    /// whether it does another one after an iteration; then for each value that the loop carries
    /// the one before the loop and the one after an iteration.
    Loop(LoopId),
    /// Something that a loop carries, after the loop, which is the argument.
    After {
        place: u32,
    },
    /// No value; what a loop carries before an iteration has given it one.
    Undefined,
}

/// A loop of a [`Resolved`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LoopId(u32);

/// The function of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Callee {
    pub(crate) name: NameId,
    /// Where that name is.
    pub(crate) span: Span,
}

/// An operation.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) action: Action,
    /// Its text.
    pub(crate) span: Span,
    /// The call that it was made for.
    pub(crate) site: SiteId,
    args: Range<usize>,
    options: Range<usize>,
}

/// An argument of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arg {
    pub(crate) step: StepId,
    /// Where the argument is written. The step may be elsewhere, if this is a name.
    pub(crate) span: Span,
}

/// A call of a function of the text or of a prelude, or the text itself. It is the first of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SiteId(u32);

#[derive(Clone, Copy, Debug)]
struct Site {
    function: NameId,
    call: Span,
    /// The site of the call itself.
    parent: SiteId,
}

/// What the phases of a text have in common.
#[derive(Clone, Debug, Default)]
struct Shared {
    /// All but the first.
    sites: Vec<Site>,
    views: Views,
    names: Vec<Box<str>>,
    /// Places from here on are in preludes.
    text_end: u32,
}

/// The operations of a text, or of a phase of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolved {
    steps: Vec<Step>,
    args: Vec<Arg>,
    options: Vec<OptionArg>,
    shared: Arc<Shared>,
    results: Vec<Arg>,
    /// Whether the results are a tuple. There is one if it is none.
    is_tuple: bool,
}

impl Resolved {
    /// The operations in order.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = (StepId, &Step)> + ExactSizeIterator {
        self.steps.iter().enumerate().map(|(index, step)| (StepId(index as u32), step))
    }

    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The operation at a place in the order.
    pub(crate) fn step_at(&self, index: usize) -> (StepId, &Step) {
        (StepId(index as u32), &self.steps[index])
    }

    pub(crate) fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index()]
    }

    /// The arguments of an operation, in the order of the text.
    pub(crate) fn args(&self, step: &Step) -> &[Arg] {
        &self.args[step.args.clone()]
    }

    /// The options of a call: arguments by name, and those after the first of a function along
    /// axes.
    pub(crate) fn options(&self, step: &Step) -> &[OptionArg] {
        &self.options[step.options.clone()]
    }

    /// The results, and where the text has them.
    pub(crate) fn results(&self) -> &[Arg] {
        &self.results
    }

    /// Whether the text gives a tuple, maybe of one value.
    pub(crate) fn is_tuple(&self) -> bool {
        self.is_tuple
    }

    pub(crate) fn name(&self, id: NameId) -> &str {
        &self.shared.names[id.index()]
    }

    /// For each operation, whether a result needs it.
    pub(crate) fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.steps.len()];
        self.results.iter().for_each(|result| live[result.step.index()] = true);
        for (id, step) in self.steps().rev() {
            if live[id.index()] {
                self.args(step).iter().for_each(|arg| live[arg.step.index()] = true);
            }
        }
        live
    }

    /// The views of variables.
    pub(crate) fn views(&self) -> &Views {
        &self.shared.views
    }

    /// The variable that an operation reads, or a view of it.
    pub(crate) fn array(&self, step: &Step) -> Option<Array> {
        match step.action {
            Action::Name(name) => Some(Array::Name(name)),
            Action::View(view) => Some(Array::View(view)),
            _ => None,
        }
    }

    /// A variable, or a view of one, as text.
    pub(crate) fn array_text(&self, array: Array) -> String {
        self.shared.views.text(array, |name| self.name(name))
    }

    /// Where the text first uses a variable. If only a prelude does, it is the call in the text
    /// that needs it.
    pub(crate) fn first_use(&self, name: &str) -> Option<Span> {
        self.steps.iter().find_map(|step| {
            let base = self.shared.views.base(self.array(step)?);
            (self.name(base) == name).then(|| self.in_text(step.span, step.site))
        })
    }

    /// A place, or the innermost call around it that is in the text itself.
    fn in_text(&self, span: Span, site: SiteId) -> Span {
        let mut around = self.sites_of(site).map(|site| site.call);
        std::iter::once(span).chain(&mut around).find(|span| span.start < self.shared.text_end).unwrap_or(span)
    }

    fn sites_of(&self, site: SiteId) -> impl Iterator<Item = Site> {
        let site_of = |id: SiteId| (id.0 as usize).checked_sub(1).map(|index| self.shared.sites[index]);
        std::iter::successors(site_of(site), move |site: &Site| site_of(site.parent))
    }

    /// The calls around an operation, the innermost first, as far as errors show them: where each
    /// is, and of which function.
    pub(crate) fn calls(&self, site: SiteId) -> Vec<(Span, String)> {
        let shown = self.sites_of(site).take(ErrorKind::MAX_NAMES);
        shown.map(|site| (site.call, calls::brief(self.name(site.function)))).collect()
    }

    /// What the phases have in common, while there are no phases yet.
    fn shared_mut(&mut self) -> &mut Shared {
        Arc::make_mut(&mut self.shared)
    }

    /// Whether a name is that of a value that a phase leaves for others. No name of a text has a
    /// blank in it.
    pub(crate) fn is_carried_name(&self, name: NameId) -> bool {
        self.name(name).contains(' ')
    }

    /// Adds an operation that converts a result.
    pub(crate) fn convert_result(&mut self, result: usize, to: DType) {
        let arg = self.results[result];
        let step = Step { action: Action::Convert(to), options: 0..0, ..self.step(arg.step).clone() };
        self.results[result].step = self.copy_step(&step, &[arg], &[]);
    }

    /// Adds a name that the text does not have.
    fn add_name(&mut self, name: String) -> NameId {
        let names = &mut self.shared_mut().names;
        names.push(name.into());
        NameId::new(names.len() - 1)
    }

    /// Adds an operation like another one, with other arguments and options.
    fn copy_step(&mut self, step: &Step, args: &[Arg], options: &[OptionArg]) -> StepId {
        let (first_arg, first_option) = (self.args.len(), self.options.len());
        self.args.extend_from_slice(args);
        self.options.extend_from_slice(options);
        let (args, options) = (first_arg..self.args.len(), first_option..self.options.len());
        self.steps.push(Step { args, options, ..step.clone() });
        StepId(self.steps.len() as u32 - 1)
    }

    /// About how many bytes of memory it takes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.steps.len() * size_of::<Step>() + self.args.len() * size_of::<Arg>()
    }
}

/// The attribute that is an array with its axes in the opposite order.
const TRANSPOSE: &str = "T";

/// The method that is called with a dtype.
const AS_TYPE: &str = "astype";

/// What a module calls `None` between brackets.
const NEW_AXIS: &str = "newaxis";
