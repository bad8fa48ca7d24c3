//! Plans of parts of arrays, remembered for arrays that lie in the same way.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Geometry, PerOperand, Plan, PlanError};
use crate::abi::RunKind;
use crate::view::{Overlap, PartLayout, RawView, View, ViewMut, overlap};

/// An array of a call, parts of which are operands.
pub enum Whole<'a> {
    /// Its elements are only read.
    Read(View<'a>),
    /// Some of its elements are written.
    Write(ViewMut<'a>),
}

impl Whole<'_> {
    fn raw(&self) -> &RawView {
        match self {
            Whole::Read(view) => view.raw(),
            Whole::Write(view) => view.raw(),
        }
    }

    fn is_written(&self) -> bool {
        matches!(self, Whole::Write(_))
    }
}

/// The iteration of a plan whose operands are parts of arrays, without their memory. For arrays of
/// the same dtypes, shapes and strides, nothing but their places has to be found out.
///
/// ```
/// use ndexpr_runtime::plan::{PartsPlan, Whole};
/// use ndexpr_runtime::view::{Part, PartLayout, View, ViewMut};
///
/// let (a, mut out) = (ndarray::array![1.0, 2.0, 3.0], ndarray::array![0.0, 0.0]);
/// let whole = |view: &View<'_>| PartLayout::whole(view);
/// let last = whole(&View::from(&a)).select([Part::Slice { start: 1, n: 2, step: 1 }]);
/// let layouts = [whole(&View::from(&a)), whole(&View::from(&out))];
/// let outputs = [(1, layouts[1].clone())];
/// let plan = PartsPlan::new(&[2], layouts.into(), &[(0, last)], &outputs)?;
/// let mut arrays = [Whole::Read(View::from(&a)), Whole::Write(ViewMut::from(&mut out))];
/// assert_eq!(plan.at(&mut arrays).unwrap().extents(), [1, 2]);
/// # Ok::<(), ndexpr_runtime::plan::PlanError>(())
/// ```
pub struct PartsPlan {
    geometry: Geometry,
    arrays: Vec<PartLayout>,
    /// For each operand, its array, and the bytes from the array's first element to its own.
    operands: PerOperand<(usize, isize)>,
    is_in_place: bool,
}

impl PartsPlan {
    /// Plans an elementwise loop over `shape` as [`Plan::new`] does. Each operand is a part of one
    /// of the arrays, which are given by their layouts.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`].
    ///
    /// # Panics
    ///
    /// If there is no such array.
    pub fn new(
        shape: &[usize],
        arrays: Vec<PartLayout>,
        inputs: &[(usize, PartLayout)],
        outputs: &[(usize, PartLayout)],
    ) -> Result<PartsPlan, PlanError> {
        let parts = || inputs.iter().chain(outputs);
        assert!(parts().all(|&(array, _)| array < arrays.len()), "an array for each operand");
        let raw: PerOperand<RawView> = parts().map(|(_, part)| part.raw()).collect();
        let refs: PerOperand<&RawView> = raw.iter().collect();
        let geometry = Geometry::new(shape, &refs, inputs.len())?;
        let mut is_in_place = false;
        for (output, (array, part)) in outputs.iter().enumerate() {
            let written = part.raw();
            // Parts of other arrays share no memory with it; see `at`.
            let meets = |other: &(usize, PartLayout)| match other.0 == *array {
                true => overlap(&other.1.raw(), &written),
                false => Overlap::None,
            };
            for (input, other) in inputs.iter().enumerate() {
                match meets(other) {
                    Overlap::Partial => return Err(PlanError::Overlap { input, output }),
                    Overlap::Same => is_in_place = true,
                    Overlap::None => {}
                }
            }
            if part.is_stretched() || outputs[..output].iter().any(|other| meets(other) != Overlap::None) {
                return Err(PlanError::SharedOutput { output });
            }
        }
        let operands = parts().map(|(array, part)| (*array, part.offset())).collect();
        // Operands are parts of arrays that have these layouts.
        let is_part = |(array, part): &(usize, PartLayout)| part.is_part_of(&arrays[*array]);
        assert!(parts().all(is_part), "parts of the arrays' layouts");
        Ok(PartsPlan { geometry, arrays, operands, is_in_place })
    }

    /// See [`Plan::run_kinds`].
    #[must_use]
    pub fn run_kinds(&self) -> &[RunKind] {
        self.geometry.run_kinds()
    }

    /// The plan for these arrays; `None` if one of them has another layout, an output is of an
    /// array that is only read, or an array that is written shares memory with another one.
    pub fn at<'a>(&'a self, arrays: &'a mut [Whole<'_>]) -> Option<Plan<'a>> {
        let n_inputs = self.operands.len() - self.geometry.outputs().len();
        let is_apart = |(place, array): (usize, &Whole<'_>)| {
            let others = || arrays.iter().enumerate().filter(|&(other, _)| other != place);
            !array.is_written() || others().all(|(_, other)| overlap(other.raw(), array.raw()) == Overlap::None)
        };
        let is_right = arrays.len() == self.arrays.len()
            && arrays.iter().zip(&self.arrays).all(|(array, layout)| layout.is_of_raw(array.raw()))
            && self.operands[n_inputs..].iter().all(|&(array, _)| arrays[array].is_written())
            && arrays.iter().enumerate().all(is_apart);
        if !is_right {
            return None;
        }
        let ptrs: SmallVec<[*mut u8; 8]> =
            self.operands.iter().map(|&(array, offset)| arrays[array].raw().ptr.wrapping_offset(offset)).collect();
        Some(Plan::at(Cow::Borrowed(&self.geometry), ptrs.into_iter(), self.is_in_place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Part;
    use ndarray::Array2;

    fn rows(of: &PartLayout, start: usize, n: usize) -> PartLayout {
        of.clone().select([Part::Slice { start, n, step: 1 }])
    }

    #[test]
    fn arrays_that_share_memory_or_lie_otherwise_have_no_plan() {
        let (a, mut b) = (Array2::<f64>::zeros((4, 3)), Array2::<f64>::zeros((4, 3)));
        let layout = PartLayout::whole(&View::from(&a));
        let inner = (1, rows(&layout, 1, 2));
        let inputs = [(0, rows(&layout, 0, 2)), inner.clone()];
        let plan = PartsPlan::new(&[2, 3], vec![layout.clone(); 2], &inputs, &[inner]).unwrap();
        let read = || Whole::Read(View::from(&a));
        assert!(plan.at(&mut [read(), Whole::Write((&mut b).into())]).is_some());
        assert!(plan.at(&mut [read(), read()]).is_none());
        assert!(plan.at(&mut [read()]).is_none());
        assert!(plan.at(&mut [Whole::Read(View::from(a.t())), Whole::Write((&mut b).into())]).is_none());
        // SAFETY: nothing is read or written.
        let same = unsafe { View::from_raw_parts(b.as_ptr().cast(), crate::dtype::DType::Float64, &[4, 3], &[24, 8]) };
        assert!(plan.at(&mut [Whole::Read(same.unwrap()), Whole::Write((&mut b).into())]).is_none());
    }

    #[test]
    fn parts_that_meet_are_refused() {
        let a = Array2::<f64>::zeros((4, 3));
        let layout = PartLayout::whole(&View::from(&a));
        let of = |start: usize| (0, rows(&layout, start, 2));
        let plan = |input: usize, outputs: &[(usize, PartLayout)]| {
            PartsPlan::new(&[2, 3], vec![layout.clone()], &[of(input)], outputs).map(|plan| plan.is_in_place)
        };
        assert!(!plan(0, &[of(2)]).unwrap());
        assert!(plan(2, &[of(2)]).unwrap());
        assert_eq!(plan(1, &[of(2)]).unwrap_err(), PlanError::Overlap { input: 0, output: 0 });
        let outputs = [of(2), of(1)];
        let filled = PartsPlan::new(&[2, 3], vec![layout.clone()], &[], &outputs).map(|_| ());
        assert_eq!(filled, Err(PlanError::SharedOutput { output: 1 }));
        let stretched = (0, rows(&layout, 3, 1).broadcast_to(&[2, 3]).unwrap());
        assert_eq!(plan(0, &[stretched]).unwrap_err(), PlanError::SharedOutput { output: 0 });
    }
}
