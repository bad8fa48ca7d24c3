//! Plans of parts of arrays, remembered for arrays that lie in the same way.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::{Geometry, PerOperand, Plan, PlanError};
use crate::abi::RunKind;
use crate::view::{Apart, Overlap, PartLayout, RawView, overlap};

/// The iteration of a plan whose operands are parts of arrays, without their memory. For arrays of
/// the same dtypes, shapes and strides, nothing but their places has to be found out.
///
/// ```
/// use ndexpr_runtime::plan::PartsPlan;
/// use ndexpr_runtime::view::{CallArrays, Part, PartLayout, View, ViewMut};
///
/// let (a, mut out) = (ndarray::array![1.0, 2.0, 3.0], ndarray::array![0.0, 0.0]);
/// let whole = |view: &View<'_>| PartLayout::whole(view);
/// let last = whole(&View::from(&a)).select([Part::Slice { start: 1, n: 2, step: 1 }]);
/// let layouts = [whole(&View::from(&a)), whole(&View::from(&out))];
/// let outputs = [(1, layouts[1].clone())];
/// let plan = PartsPlan::new(&[2], layouts.into(), &[(0, last)], &outputs)?;
/// let (a, mut out) = (View::from(&a), ViewMut::from(&mut out));
/// let mut arrays = CallArrays::new();
/// arrays.push(&a);
/// arrays.push_mut(&mut out);
/// assert_eq!(plan.at(&arrays.apart().unwrap(), &[0, 1]).unwrap().extents(), [1, 2]);
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
            // Parts of other arrays share no memory with it; see `Apart`.
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

    /// Whether there is a [plan](PartsPlan::at) for these arrays.
    #[must_use]
    pub fn is_for(&self, arrays: &Apart<'_>, places: &[usize]) -> bool {
        let array = |place: usize| arrays.get(places[place]);
        let is_alike =
            |(place, layout): (usize, &PartLayout)| array(place).is_some_and(|array| layout.is_for_raw(array.raw));
        let n_inputs = self.operands.len() - self.geometry.outputs().len();
        places.len() == self.arrays.len()
            && self.arrays.iter().enumerate().all(is_alike)
            && self.operands[n_inputs..].iter().all(|output| array(output.0).is_some_and(|array| array.is_written))
    }

    /// The plan for arrays of a call; `places` are those of this plan's arrays among them. `None`
    /// if one has another layout, or an output is of an array that is only read.
    ///
    /// Plans of the same arrays are for one thread, which runs one after the other.
    #[must_use]
    pub fn at<'a>(&'a self, arrays: &Apart<'a>, places: &[usize]) -> Option<Plan<'a>> {
        if !self.is_for(arrays, places) {
            return None;
        }
        // Arrays of the layouts, so what is known of the layouts is true of them.
        let mut ptrs: SmallVec<[*mut u8; 8]> = SmallVec::new();
        for &(array, offset) in &self.operands {
            ptrs.push(arrays.get(places[array])?.raw.ptr.wrapping_offset(offset));
        }
        Some(Plan::at(Cow::Borrowed(&self.geometry), ptrs.into_iter(), self.is_in_place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{CallArrays, Part, View, ViewMut};
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
        let has_plan = |read: &[View<'_>], written: &mut ViewMut<'_>, places: &[usize]| {
            let mut arrays = CallArrays::new();
            read.iter().for_each(|view| arrays.push(view));
            arrays.push_mut(written);
            arrays.apart().is_some_and(|arrays| plan.at(&arrays, places).is_some())
        };
        // SAFETY: nothing is read or written.
        let same = unsafe { View::from_raw_parts(b.as_ptr().cast(), crate::dtype::DType::Float64, &[4, 3], &[24, 8]) };
        let mut b = ViewMut::from(&mut b);
        assert!(has_plan(&[View::from(&a)], &mut b, &[0, 1]));
        assert!(has_plan(&[View::from(a.t()), View::from(&a)], &mut b, &[1, 2]));
        assert!(!has_plan(&[View::from(&a), View::from(&a)], &mut b, &[0, 1]));
        assert!(!has_plan(&[View::from(&a)], &mut b, &[0]));
        assert!(!has_plan(&[View::from(&a)], &mut b, &[0, 2]));
        assert!(!has_plan(&[View::from(a.t())], &mut b, &[0, 1]));
        assert!(!has_plan(&[same.unwrap()], &mut b, &[0, 1]));
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
