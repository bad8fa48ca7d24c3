//! The warm path allocates nothing: planning and running up to 6 axes and 8 operands on the caller's thread.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{add_and_count_for, pool};
use ndexpr_runtime::exec::{RunOptions, run};
use ndexpr_runtime::plan::Plan;
use ndexpr_runtime::view::{View, ViewMut};

struct Counting;

thread_local! {
    static N_ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        N_ALLOCATIONS.set(N_ALLOCATIONS.get() + 1);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn planning_and_running_do_not_allocate() {
    let shape = [2, 3, 4, 5, 6, 7];
    // Every other element along each axis, so that no axes merge.
    let a = ndarray::ArrayD::<f64>::ones(shape.map(|extent| 2 * extent).to_vec());
    let a = a.slice_each_axis(|_| ndarray::Slice::from(..).step_by(2));
    let b = ndarray::arr1(&[1f32; 7]);
    let mut out = ndarray::ArrayD::<f64>::zeros(shape.to_vec());
    let mut visits = ndarray::ArrayD::<u8>::zeros(shape.to_vec());
    let pool = pool(1);
    let kernel = {
        let inputs = [View::from(&a), View::from(&b)];
        let mut outputs = [ViewMut::from(&mut out), ViewMut::from(&mut visits)];
        add_and_count_for(&Plan::new(&shape, &inputs, &mut outputs).unwrap(), Some(256), 1.0)
    };
    let mut n_allocations = Vec::with_capacity(2);
    for _ in 0..2 {
        let inputs = [View::from(&a), View::from(&b)];
        let mut outputs = [ViewMut::from_slice_mut::<f64>(&mut []), ViewMut::from_slice_mut::<u8>(&mut [])];
        let before = N_ALLOCATIONS.get();
        outputs[0] = ViewMut::from(&mut out);
        outputs[1] = ViewMut::from(&mut visits);
        let plan = Plan::new(&shape, &inputs, &mut outputs).unwrap();
        assert_eq!(plan.extents().len(), 6);
        run(&plan, &kernel, &RunOptions::new(pool)).unwrap();
        n_allocations.push(N_ALLOCATIONS.get() - before);
    }
    assert_eq!(n_allocations, [1, 0], "scratch once, then nothing");
    assert!(out.iter().all(|&x| x == 2.0) && visits.iter().all(|&n| n == 2));
}
