//! Whole numbers that a call brings without a dtype: weak integer variables, and what is computed
//! from them alone.
//!
//! In: the operations on such numbers, while a graph is made. Out: formulas that a call evaluates,
//! exactly and to 128 bits, as literals are folded. Always true: a number is what it would be if it
//! were written into the text.
//!
//! What the text means may depend on the value: `2**k` is an integer unless `k` is negative, and
//! the sum of a uint8 array and `k` is an error if `k` is 300. So a graph lists what it assumes of
//! numbers. A call checks these assumptions. If one does not hold, the call runs a program that was
//! compiled for its values. What is assumed is a class of values, so most calls need no other
//! program.

use super::weak::{self, Weak};
use super::{ExprId, Graph, Var, VarId};
use crate::ops::exact::{Exact, Outcome};
use crate::vars::VarType;
use ndexpr_runtime::dtype::{DType, Scalar};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::fmt;

/// A number of a [`Graph`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NumberId(u32);

/// How a number is computed from those before it.
#[derive(Clone, Copy)]
enum Formula {
    /// A weak variable.
    Var(VarId),
    Literal(i128),
    /// An operation on numbers before it. A bool counts as 0 or 1.
    Apply {
        name: &'static str,
        exact: Exact,
        args: [NumberId; 3],
    },
}

/// What may be assumed of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Claim {
    Negative(bool),
    /// The integer dtype holds it.
    Fits(DType),
    /// It has this dtype where nothing else gives it one; none if no dtype holds it.
    Default(Option<DType>),
}

impl Claim {
    fn holds(self, value: i128) -> bool {
        match self {
            Claim::Negative(is_negative) => (value < 0) == is_negative,
            Claim::Fits(dtype) => weak::fits(value, dtype),
            Claim::Default(dtype) => weak::default_int(value) == dtype,
        }
    }
}

/// The numbers of a graph.
#[derive(Clone, Default)]
pub(crate) struct Numbers {
    formulas: Vec<Formula>,
    assumptions: Vec<(NumberId, Claim)>,
    /// The variables that stand for computed numbers. They come after those of the text, and each
    /// is a number as a value of a dtype.
    derived: Vec<(NumberId, DType)>,
    /// What has been assumed, and the place of each derived variable, so that both are found again.
    assumed: FxHashSet<(NumberId, Claim)>,
    places: FxHashMap<(NumberId, DType), usize>,
}

impl Numbers {
    /// How many variables stand for computed numbers.
    pub(crate) fn n_derived(&self) -> usize {
        self.derived.len()
    }

    /// True if a call has nothing to compute or to check.
    pub(crate) fn is_empty(&self) -> bool {
        self.derived.is_empty() && self.assumptions.is_empty()
    }

    /// The values of the derived variables, for a call whose weak integer variables have these
    /// values. None if something that was assumed does not hold.
    pub(crate) fn evaluate(&self, value_of: impl Fn(VarId) -> Option<i128>) -> Option<SmallVec<[Scalar; 4]>> {
        let mut values: SmallVec<[i128; 8]> = SmallVec::with_capacity(self.formulas.len());
        for formula in &self.formulas {
            values.push(match *formula {
                Formula::Var(var) => value_of(var)?,
                Formula::Literal(value) => value,
                Formula::Apply { exact, args, .. } => match exact(&args.map(|arg| values[arg.0 as usize])) {
                    Outcome::Int(value) => value,
                    Outcome::Bool(value) => value.into(),
                    Outcome::TooLarge | Outcome::Fraction => return None,
                },
            });
        }
        let value = |id: NumberId| values[id.0 as usize];
        if !self.assumptions.iter().all(|&(id, claim)| claim.holds(value(id))) {
            return None;
        }
        Some(self.derived.iter().map(|&(id, dtype)| Weak::Int(value(id)).to_scalar(dtype)).collect())
    }

    fn push(&mut self, formula: Formula) -> NumberId {
        self.formulas.push(formula);
        NumberId(self.formulas.len() as u32 - 1)
    }

    pub(super) fn assume(&mut self, id: NumberId, claim: Claim) {
        if self.assumed.insert((id, claim)) {
            self.assumptions.push((id, claim));
        }
    }
}

/// The numbers of a graph that is being made, with the value that each is taken to have during that
/// time.
#[derive(Default)]
pub(super) struct Values {
    values: Vec<i128>,
    /// The numbers that are outcomes of comparisons. Each has the node of the graph that compares,
    /// if a node can do so exactly.
    bools: FxHashMap<NumberId, Option<ExprId>>,
}

impl Values {
    pub(super) fn get(&self, id: NumberId) -> i128 {
        self.values[id.0 as usize]
    }

    pub(super) fn is_bool(&self, id: NumberId) -> bool {
        self.bools.contains_key(&id)
    }

    pub(super) fn set_bool(&mut self, id: NumberId, node: Option<ExprId>) {
        self.bools.insert(id, node);
    }

    /// The outcome of a comparison as a node of dtype bool.
    pub(super) fn bool_node(&self, graph: &mut Graph, id: NumberId) -> ExprId {
        self.bools.get(&id).copied().flatten().unwrap_or_else(|| graph.number_as(id, DType::Bool))
    }

    pub(super) fn var(&mut self, graph: &mut Graph, var: VarId, value: i128) -> NumberId {
        self.add(graph, Formula::Var(var), value)
    }

    pub(super) fn literal(&mut self, graph: &mut Graph, value: i128) -> NumberId {
        self.add(graph, Formula::Literal(value), value)
    }

    pub(super) fn apply(
        &mut self,
        graph: &mut Graph,
        name: &'static str,
        exact: Exact,
        args: [NumberId; 3],
        value: i128,
    ) -> NumberId {
        self.add(graph, Formula::Apply { name, exact, args }, value)
    }

    fn add(&mut self, graph: &mut Graph, formula: Formula, value: i128) -> NumberId {
        self.values.push(value);
        graph.numbers.push(formula)
    }
}

impl Graph {
    pub(crate) fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The variable that a number is, if it is one.
    pub(super) fn as_var(&self, id: NumberId) -> Option<VarId> {
        match self.numbers.formulas[id.0 as usize] {
            Formula::Var(var) => Some(var),
            _ => None,
        }
    }

    /// A number as a value of a dtype. An integer dtype must hold it; the call checks that.
    pub(super) fn number_as(&mut self, id: NumberId, dtype: DType) -> ExprId {
        match self.numbers.formulas[id.0 as usize] {
            Formula::Literal(value) => self.constant(Weak::Int(value).to_scalar(dtype)),
            Formula::Var(var) => {
                let place = &mut self.vars[var.0 as usize];
                if dtype.is_int() && !super::is_lossless(place.ty.dtype, dtype) {
                    place.must_fit.insert(dtype);
                }
                let mut value = self.var(var);
                // The number becomes a float64 before it becomes a float32, as a literal does.
                if dtype == DType::Float32 {
                    value = self.cast(value, DType::Float64);
                }
                self.cast(value, dtype)
            }
            Formula::Apply { .. } => {
                if dtype.is_int() {
                    self.numbers.assume(id, Claim::Fits(dtype));
                }
                let next = self.numbers.derived.len();
                let place = *self.numbers.places.entry((id, dtype)).or_insert(next);
                if place == next {
                    self.numbers.derived.push((id, dtype));
                    // A number may be read in several dtypes: each is a variable, and variables are
                    // found by name.
                    let name = format!("#{} as {dtype}", id.0);
                    self.vars.push(Var { name, ty: VarType::scalar(dtype), must_fit: super::DTypeSet::default() });
                }
                let n_before = self.vars.len() - self.numbers.derived.len();
                self.var(VarId((n_before + place) as u32))
            }
        }
    }

    /// True if the integer dtype holds the number whatever its value is.
    pub(super) fn always_fits(&self, id: NumberId, dtype: DType) -> bool {
        match self.numbers.formulas[id.0 as usize] {
            Formula::Var(var) => super::is_lossless(self.vars[var.0 as usize].ty.dtype, dtype),
            Formula::Literal(value) => weak::fits(value, dtype),
            Formula::Apply { .. } => false,
        }
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One number or assumption a line, if a call has something to compute or to check.
impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        for (i, formula) in self.formulas.iter().enumerate() {
            match formula {
                Formula::Var(var) => writeln!(f, "number #{i} = var {}", var.0)?,
                Formula::Literal(value) => writeln!(f, "number #{i} = {value}")?,
                Formula::Apply { name, args: [x, y, z], .. } => {
                    writeln!(f, "number #{i} = {name} #{} #{} #{}", x.0, y.0, z.0)?;
                }
            }
        }
        for (id, claim) in &self.assumptions {
            writeln!(f, "assumed of #{}: {claim:?}", id.0)?;
        }
        Ok(())
    }
}
