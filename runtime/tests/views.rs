//! Views: what their constructors refuse, and what they say of overlap, against brute force.

mod common;

use std::collections::BTreeSet;

use common::{array, broadcastable, indices, shape};
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::view::{MAX_AXES, Overlap, View, ViewError, ViewMut};
use proptest::prelude::*;

#[test]
fn constructors_refuse_what_is_not_there() {
    let bytes = [0u8; 80];
    let view = |shape: &[usize], strides: &[isize], offset| {
        View::from_bytes(&bytes, DType::Float64, shape, strides, offset).map(drop)
    };
    assert_eq!(view(&[10], &[8], 0), Ok(()));
    assert_eq!(view(&[9], &[8], 7), Ok(()), "any alignment");
    assert_eq!(view(&[10], &[-8], 72), Ok(()));
    assert_eq!(view(&[10, 5], &[8, 0], 0), Ok(()), "inputs may repeat");
    assert_eq!(view(&[], &[], 72), Ok(()));
    assert_eq!(view(&[0, 1000], &[8, 8], 80), Ok(()), "nothing is inside of anything");
    assert_eq!(view(&[1], &[isize::MIN], 0), Ok(()), "a unit axis has no stride");
    let outside = |first_byte, end_byte| Err(ViewError::OutOfBounds { first_byte, end_byte, n_bytes: 80 });
    assert_eq!(view(&[10], &[8], 1), outside(1, 81));
    assert_eq!(view(&[10], &[-8], 71), outside(-1, 79));
    assert_eq!(view(&[], &[], 73), outside(73, 81));
    assert_eq!(view(&[0], &[8], 81), outside(81, 81));
    assert_eq!(view(&[2], &[isize::MAX - 8], 0), outside(0, isize::MAX as i128));
    assert_eq!(view(&[2], &[8], usize::MAX), outside(usize::MAX as i128, usize::MAX as i128 + 16));
    assert_eq!(view(&[2, 2], &[8], 0), Err(ViewError::StridesMismatch { n_axes: 2, n_strides: 1 }));
    assert_eq!(view(&[1; 33], &[0; 33], 0), Err(ViewError::TooManyAxes { n_axes: MAX_AXES + 1 }));
    let too_large = |shape: &[usize]| Err(ViewError::TooLarge { shape: shape.into() });
    assert_eq!(view(&[1 << 62, 4], &[0, 0], 0), too_large(&[1 << 62, 4]));
    assert_eq!(view(&[usize::MAX, 0], &[0, 0], 0), too_large(&[usize::MAX, 0]));
    assert_eq!(view(&[3], &[isize::MAX], 0), too_large(&[3]));
    assert_eq!(view(&[2], &[isize::MIN], 0), too_large(&[2]));
}

#[test]
fn outputs_may_not_overlap_themselves() {
    let mut bytes = [0u8; 80];
    let mut view = |shape: &[usize], strides: &[isize]| {
        ViewMut::from_bytes_mut(&mut bytes, DType::Float32, shape, strides, 40).map(drop)
    };
    assert_eq!(view(&[5, 2], &[8, -4]), Ok(()));
    assert_eq!(view(&[1, 2], &[0, 4]), Ok(()));
    assert_eq!(view(&[0, 2], &[0, 0]), Ok(()));
    for (shape, strides) in [(&[2][..], &[0][..]), (&[2], &[3]), (&[3, 2], &[4, 8]), (&[2, 2], &[4, -4])] {
        assert_eq!(
            view(shape, strides),
            Err(ViewError::SelfOverlapping { shape: shape.into(), strides: strides.into() })
        );
    }
    // SAFETY: the view is refused.
    let raw = unsafe { ViewMut::from_raw_parts(bytes.as_mut_ptr(), DType::Int8, &[4], &[0]) };
    assert!(matches!(raw, Err(ViewError::SelfOverlapping { .. })));
}

#[test]
fn reading_and_writing_check_the_index_and_the_dtype() {
    let mut array = ndarray::arr2(&[[1i16, 2, 3], [4, 5, 6]]);
    let view = View::from(&array);
    assert_eq!(view.read(&[1, 2]), Some(Scalar::new(6i16)));
    assert_eq!(view.read(&[2, 0]), None);
    assert_eq!(view.read(&[0, 3]), None);
    assert_eq!(view.read(&[0]), None);
    assert_eq!(view.read(&[0, 0, 0]), None);
    assert_eq!(view.scalars().len(), 6);
    assert!(view.broadcast_to(&[3, 2, 3]).unwrap().scalars().skip(12).eq(view.scalars()));
    assert!(matches!(view.broadcast_to(&[3, 3]), Err(ViewError::NotBroadcastable { .. })));
    assert!(matches!(view.broadcast_to(&[3]), Err(ViewError::NotBroadcastable { .. })));
    assert!(matches!(view.broadcast_to(&[1 << 62, 2, 3]), Err(ViewError::TooLarge { .. })));
    let mut view = ViewMut::from(&mut array);
    assert_eq!(view.reborrow().write(&[0, 1], Scalar::new(-7i16)), Ok(()));
    assert_eq!(view.as_view().read(&[0, 1]), Some(Scalar::new(-7i16)));
    let mismatch = ViewError::DTypeMismatch { expected: DType::Int16, found: DType::UInt16 };
    assert_eq!(view.write(&[0, 0], Scalar::new(1u16)), Err(mismatch));
    let error = view.write(&[0, 3], Scalar::new(1i16)).unwrap_err();
    assert_eq!(error.to_string(), "index [0, 3] is outside of shape [2, 3]");
    let mut element = 1.5f64;
    ViewMut::from_element_mut(&mut element).write(&[], Scalar::new(2.5)).unwrap();
    assert_eq!(element, 2.5);
}

#[test]
fn any_byte_is_a_bool() {
    let bytes = [0u8, 1, 2, 255];
    let view = View::from_bytes(&bytes, DType::Bool, &[4], &[1], 0).unwrap();
    assert_eq!(view.scalars().map(|s| s.get().unwrap()).collect::<Vec<bool>>(), [false, true, true, true]);
}

proptest! {
    #[test]
    fn elements_are_where_the_strides_say(
        array in shape().prop_flat_map(|shape| array(DType::Int32, shape))
    ) {
        let view = array.view();
        prop_assert_eq!(view.scalars().len(), view.n_elems());
        for (index, scalar) in indices(&array.shape).iter().zip(view.scalars()) {
            let at = index.iter().zip(&array.strides).fold(array.offset as isize, |at, (&i, &s)| at + i as isize * s);
            let bytes = array.bytes[at as usize..][..4].try_into().unwrap();
            prop_assert_eq!(scalar, Scalar::new(i32::from_ne_bytes(bytes)));
        }
    }
}

/// A small view into 64 bytes: dtype, shape, strides, offset.
type Small = (DType, Vec<usize>, Vec<isize>, usize);

fn small() -> impl Strategy<Value = Small> {
    let axes = prop::collection::vec((0..4usize, -12..=12isize), 0..4);
    let dtype = prop::sample::select(vec![DType::Int8, DType::Int16, DType::Float32, DType::Float64]);
    (dtype, axes, 0..64usize).prop_map(|(dtype, axes, offset)| {
        let (shape, strides) = axes.into_iter().unzip();
        (dtype, shape, strides, offset)
    })
}

/// Where each element of the view begins, in C order.
fn addresses(view: &View<'_>) -> Vec<usize> {
    let place = |index: Vec<usize>| {
        let steps = index.iter().zip(view.strides());
        steps.fold(view.as_ptr().addr(), |at, (&i, &s)| at.wrapping_add_signed(i as isize * s))
    };
    indices(view.shape()).into_iter().map(place).collect()
}

fn bytes_of(addresses: &[usize], elem_bytes: usize) -> BTreeSet<usize> {
    addresses.iter().flat_map(|&at| at..at + elem_bytes).collect()
}

/// The truth, by enumerating addresses.
fn overlap_by_force(input: &View<'_>, output: &ViewMut<'_>) -> Overlap {
    let of_output = addresses(&output.as_view());
    let meet =
        !bytes_of(&addresses(input), input.dtype().size()).is_disjoint(&bytes_of(&of_output, output.dtype().size()));
    let is_same = input.dtype().size() == output.dtype().size()
        && input.broadcast_to(output.shape()).is_ok_and(|input| addresses(&input) == of_output);
    match (meet, is_same) {
        (false, _) => Overlap::None,
        (true, true) => Overlap::Same,
        (true, false) => Overlap::Partial,
    }
}

/// Whether the two views' overlap is what it is claimed to be; `None` if they are no views at all.
fn check_overlap(input: &Small, output: &Small) -> Option<(Overlap, Overlap)> {
    let mut bytes = [0u8; 64];
    let (ptr, n_bytes) = (bytes.as_mut_ptr(), bytes.len());
    // Only looked at, not used: the views may alias.
    View::from_bytes(&bytes, input.0, &input.1, &input.2, input.3).ok()?;
    View::from_bytes(&bytes, output.0, &output.1, &output.2, output.3).ok()?;
    assert!(input.3 <= n_bytes && output.3 <= n_bytes);
    // SAFETY: both lie in `bytes`, checked by `from_bytes` above; nothing is read or written through them.
    let (input, output) = unsafe {
        (
            View::from_raw_parts(ptr.add(input.3), input.0, &input.1, &input.2).ok()?,
            ViewMut::from_raw_parts(ptr.add(output.3), output.0, &output.1, &output.2).ok()?,
        )
    };
    Some((Overlap::of(&input, &output), overlap_by_force(&input, &output)))
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1_000_000, ..ProptestConfig::with_cases(4000) })]

    #[test]
    fn overlap_is_never_wrong(input in small(), output in small(), is_alike in prop::bool::weighted(0.3)) {
        // Alike: the input is the output, perhaps moved or with other strides on unit axes.
        let input = if is_alike { (output.0, output.1.clone(), output.2.clone(), input.3) } else { input };
        let Some((claimed, truth)) = check_overlap(&input, &output) else { return Err(TestCaseError::reject("no views")) };
        match claimed {
            Overlap::None => prop_assert_eq!(truth, Overlap::None),
            Overlap::Same => prop_assert_eq!(truth, Overlap::Same),
            Overlap::Partial => prop_assert_ne!(truth, Overlap::Same, "in place is always recognised"),
        }
    }

    #[test]
    fn layouts_that_slicing_can_make_are_accepted(
        mut array in shape().prop_flat_map(broadcastable).prop_flat_map(|shape| array(DType::UInt16, shape))
    ) {
        let n_elems = array.view().n_elems();
        prop_assert_eq!(array.view_mut().n_elems(), n_elems);
    }
}

#[test]
fn known_overlaps() {
    let f64s = |shape: &[usize], strides: &[isize], offset| (DType::Float64, shape.to_vec(), strides.to_vec(), offset);
    let claimed = |input, output| check_overlap(&input, &output).unwrap().0;
    assert_eq!(claimed(f64s(&[4], &[16], 0), f64s(&[4], &[16], 8)), Overlap::None, "a[::2] and a[1::2]");
    assert_eq!(claimed(f64s(&[4], &[8], 0), f64s(&[4], &[8], 32)), Overlap::None, "halves");
    assert_eq!(claimed(f64s(&[4, 1], &[16, 8], 0), f64s(&[4, 1], &[16, 8], 8)), Overlap::None, "columns");
    assert_eq!(claimed(f64s(&[4], &[8], 0), f64s(&[4], &[8], 8)), Overlap::Partial, "shifted");
    assert_eq!(claimed(f64s(&[4], &[-8], 24), f64s(&[4], &[8], 0)), Overlap::Partial, "reversed");
    assert_eq!(claimed(f64s(&[2, 2], &[8, 16], 0), f64s(&[2, 2], &[16, 8], 0)), Overlap::Partial, "transposed");
    assert_eq!(claimed(f64s(&[], &[], 0), f64s(&[4], &[8], 0)), Overlap::Partial, "an element of the output");
    assert_eq!(claimed(f64s(&[2, 3], &[24, 8], 0), f64s(&[2, 3], &[24, 8], 0)), Overlap::Same);
    assert_eq!(claimed(f64s(&[3], &[8], 0), f64s(&[1, 3], &[24, 8], 0)), Overlap::Same, "a unit axis more");
    assert_eq!(
        claimed(f64s(&[1, 3], &[99, 8], 0), f64s(&[1, 3], &[24, 8], 0)),
        Overlap::Same,
        "unit axes have no stride"
    );
    let ints = (DType::Int64, vec![3], vec![8], 0);
    assert_eq!(claimed(ints, f64s(&[3], &[8], 0)), Overlap::Same, "elements of the same size");
    let floats = (DType::Float32, vec![3], vec![8], 0);
    assert_eq!(claimed(floats, f64s(&[3], &[8], 0)), Overlap::Partial);
    let floats = (DType::Float32, vec![3], vec![8], 4);
    assert_eq!(claimed(floats, (DType::Float32, vec![3], vec![8], 0)), Overlap::None, "fields of records");
    assert_eq!(claimed(f64s(&[0], &[8], 0), f64s(&[3], &[8], 0)), Overlap::None);
}
