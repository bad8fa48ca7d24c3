//! Short calls: programs of one loop on a few arrays that lie alike, run without a plan.
//!
//! In: a program and its variables. Out: the result, or `None` for whatever is not so simple, or is wrong: then the long way
//! is taken, which also finds what to say.

use crate::array::FromResult;
use crate::error::Error;
use crate::fuse::Source;
use crate::hir::VarId;
use crate::program::{Executable, Program};
use crate::vars::{Var, Vars};
use ndexpr_runtime::abi::RunKind;
use ndexpr_runtime::exec::{Flat, MAX_FLAT_INPUTS};
use ndexpr_runtime::memory::Output;
use ndexpr_runtime::view::{View, ViewMut};
use smallvec::SmallVec;

/// Fresh results of more elements are not tried: making the array takes longer than finding out how.
const MAX_FRESH_ELEMS: usize = 100_000;

/// Results of no more elements are made as arrays of their type, instead of an [`Output`] that becomes one: that would be a
/// quarter of a call on few elements.
const MAX_TYPED_ELEMS: usize = 4096;

impl Program {
    /// True if short calls need no plan: machine code of one loop, without reductions. What [`Program::run_flat`] may run.
    #[must_use]
    pub fn is_one_loop(&self) -> bool {
        matches!(&self.compiled.executable, Executable::Jit { loops } if loops.len() == 1) && !self.has_reductions()
    }

    /// Runs a short call whose inputs are the values of the variables, in the order of [`Program::variables`]: for callers
    /// that know how their arrays lie, and feel what it takes to describe them by views. `None`, and nothing is done, if
    /// [`Program::is_one_loop`] is not so, if an input or the output is not of the type compiled for, or if the work is
    /// worth waking a second thread for: then it is one for [`Program::run_in_order`].
    ///
    /// ```
    /// use ndexpr::{DType, Engine, Flat, Signature, VarType};
    ///
    /// let signature = Signature::new().with("a", VarType::array(DType::Float64));
    /// let program = Engine::global().compile("a*a + 1", &signature)?;
    /// let (a, mut out) = ([1.0, 2.0, 3.0], [0.0; 3]);
    /// // SAFETY: both have three elements, which are borrowed until the call is over.
    /// let mut flat = unsafe { Flat::dense(out.as_mut_ptr().cast(), DType::Float64, 3) };
    /// assert!(unsafe { flat.push_dense(a.as_ptr().cast(), DType::Float64) });
    /// if program.is_one_loop() {
    ///     program.run_flat(flat).expect("so little work is done at once")?;
    ///     assert_eq!(out, [2.0, 5.0, 10.0]);
    /// }
    /// # Ok::<(), ndexpr::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Program::run_with`].
    pub fn run_flat(&self, flat: Flat<'_>) -> Option<Result<(), Error>> {
        let vars = self.compiled.graph.vars();
        if flat.inputs().len() != vars.len() || flat.result_dtype() != self.result_dtype() || self.has_reductions() {
            return None;
        }
        for (var, (dtype, kind)) in vars.iter().zip(flat.inputs()) {
            let is_right = dtype == var.ty.dtype && (kind == RunKind::Splat || !var.ty.is_scalar);
            if !is_right || !var.must_fit.is_empty() {
                return None;
            }
        }
        Some(self.run_given(&flat)?.map_err(|error| error.in_text(self.text())))
    }

    /// Runs a short call into an output; see [`Flat`]. `value_of` gives the value of a variable by its place and name.
    pub(crate) fn run_short<'v>(
        &self,
        value_of: impl Fn(usize, &str) -> Option<&'v Var<'v>>,
        out: &mut ViewMut<'_>,
    ) -> Option<Result<(), Error>> {
        if !self.is_one_loop() || out.dtype() != self.result_dtype() {
            return None;
        }
        let mut given = Flat::new(out)?;
        // All variables of the text are looked at, whether the loop reads them or not.
        for (place, var) in self.compiled.graph.vars().iter().enumerate() {
            let value = value_of(place, &var.name)?;
            let ty = value.ty();
            let is_right = ty.dtype == var.ty.dtype && (ty.is_scalar || !var.ty.is_scalar) && var.must_fit.is_empty();
            if !is_right || !value.push_to(&mut given) {
                return None;
            }
        }
        self.run_given(&given)
    }

    /// Runs on the values of all variables, of the right types.
    fn run_given(&self, given: &Flat<'_>) -> Option<Result<(), Error>> {
        let Executable::Jit { loops } = &self.compiled.executable else { return None };
        let ([compiled], [group]) = (&loops[..], &self.compiled.plan.loops[..]) else { return None };
        let is_in_order = group.inputs.len() == self.compiled.graph.vars().len()
            && group.inputs.iter().enumerate().all(|(k, (_, source))| *source == Source::Var(VarId(k as u32)));
        let selected;
        let flat = match is_in_order {
            true => given,
            false => {
                let var_of = |&(_, source): &(_, Source)| match source {
                    Source::Var(var) => Some(var.0 as usize),
                    Source::Temp(_) | Source::Result | Source::Count(_) => None,
                };
                let inputs: Option<SmallVec<[usize; MAX_FLAT_INPUTS]>> = group.inputs.iter().map(var_of).collect();
                selected = given.select(inputs?.into_iter())?;
                &selected
            }
        };
        let kernel = compiled.kernel(flat.run_kinds()).as_ref().ok()?;
        Some(flat.run(kernel, self.pool())?.map_err(Error::from))
    }

    /// A short call into a fresh array, in C order, of the shape of the first of its variables that has axes. None also if
    /// that is not of the rank that is asked for. The dtype must be that of the result, if it has one.
    pub(crate) fn evaluate_short<R: FromResult>(&self, vars: &Vars<'_>) -> Option<Result<R, Error>> {
        if self.compiled.plan.loops.len() != 1 || self.has_reductions() {
            return None;
        }
        let mut first: Option<&View<'_>> = None;
        for (place, var) in self.compiled.graph.vars().iter().enumerate() {
            let value = vars.get_near(&var.name, place)?;
            if value.is_output() {
                return None;
            }
            first = first.or(value.as_view().filter(|view| view.n_axes() > 0));
        }
        let first = first?;
        if R::RANK.is_some_and(|rank| rank != first.n_axes())
            || first.n_elems() > MAX_FRESH_ELEMS
            || !first.is_c_order()
        {
            return None;
        }
        let value_of = |place, name: &str| vars.get_near(name, place);
        if first.n_elems() <= MAX_TYPED_ELEMS
            && let Some(mut result) = R::zeros(first.shape())
        {
            let done = self.run_short(value_of, &mut result.view_mut()?)?;
            return Some(done.map(|()| result));
        }
        const C_ORDER: [usize; 6] = [0, 1, 2, 3, 4, 5];
        let mut output = match Output::new(self.result_dtype(), first.shape(), C_ORDER.get(..first.n_axes())?) {
            Ok(output) => output,
            Err(error) => return Some(Err(error.into())),
        };
        let done = self.run_short(value_of, &mut output.view_mut())?;
        Some(done.and_then(|()| R::from_output(output)))
    }
}
