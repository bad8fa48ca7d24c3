//! Loops whose kernels are written by hand, against loops over single elements.

use super::*;
use crate::abi::{KernelArgs, TileFn};
use crate::exec::KernelSpec;
use crate::function::{Callbacks, resume_stop};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Iterations that a kernel of the tests does at once.
const STEPS: u32 = 4;

/// Some iterations of the Collatz sequence: `n` and `steps` (int64) are carried, and `limit`
/// (uint8) is an invariant: a sequence also ends after so many steps.
unsafe extern "C" fn collatz(args: *const KernelArgs) {
    // SAFETY: the kernel is called with operands of its spec.
    unsafe {
        let args = &*args;
        let operand = |k: usize| (*args.operands.add(k)).ptr;
        for lane in 0..args.n_lanes {
            let n = operand(0).cast::<i64>().add(lane);
            let steps = operand(1).cast::<i64>().add(lane);
            let active = operand(2).add(lane);
            let limit = i64::from(*operand(3).add(lane));
            for _ in 0..STEPS {
                if *active != 0 {
                    *n = if *n % 2 == 0 { *n / 2 } else { 3 * *n + 1 };
                    *steps += 1;
                    *active = u8::from(*n != 1 && *steps < limit);
                }
            }
        }
    }
}

fn collatz_of(mut n: i64, limit: u8, starts: bool) -> (i64, i64) {
    let (mut steps, mut goes_on) = (0, starts);
    while goes_on {
        n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
        steps += 1;
        goes_on = n != 1 && steps < i64::from(limit);
    }
    (n, steps)
}

fn region(max_iterations: u64) -> Region {
    let dtypes = [DType::Int64, DType::Int64, DType::Bool, DType::UInt8, DType::Int64, DType::Int64, DType::Bool];
    let spec = KernelSpec {
        entry: collatz,
        rest: Box::default(),
        operands: dtypes.map(|dtype| (dtype, RunKind::Contiguous)).into(),
        n_outputs: 3,
        max_tile_elems: None,
        slot_bytes: 0,
        whole_blocks: None,
        is_streaming: false,
        leaf: None,
        tile_fns: Box::<[TileFn]>::default(),
        callbacks: Callbacks::default(),
        ns_per_elem: 1.0,
        code: Arc::new(()),
    };
    // SAFETY: the function reads and writes the elements of these operands, in place.
    let body = Arc::new(unsafe { Kernel::new(spec) });
    let spec = RegionSpec {
        body,
        carried: [DType::Int64; 2].into(),
        invariants: [DType::UInt8].into(),
        steps: STEPS,
        max_iterations,
        limit: None,
        tells_end: false,
        label: 7,
    };
    Region::new(spec).expect("the kernel has these operands")
}

/// Calls a region as compiled code does.
fn run(region: &Region, n: usize, args: &[*const u8]) -> Option<Stopped> {
    let context = std::ptr::from_ref(region).cast();
    // SAFETY: the tests give addresses of as many elements.
    unsafe { region.code()(context, n, std::ptr::null_mut(), args.as_ptr()) };
    let stopped = catch_unwind(AssertUnwindSafe(resume_stop)).err()?;
    Some(*stopped.downcast::<Stopped>().expect("a reason to stop"))
}

fn numbers(n: usize) -> (Vec<i64>, Vec<u8>, Vec<u8>) {
    let numbers = (0..n as i64).map(|k| 1 + k * k * 31 % 977).collect();
    let starts = (0..n).map(|k| u8::from(k % 5 != 3)).collect();
    let limits = (0..n).map(|k| (k * 37 % 256) as u8).collect();
    (numbers, starts, limits)
}

#[test]
fn every_lane_gets_what_it_gets_alone() {
    let region = region(1 << 40);
    for n in [1, 2, 63, 64, 65, 128, 300, 1000, 1024, 2500] {
        let (numbers, starts, limits) = numbers(n);
        let zeros = vec![0_i64; n];
        let (mut last, mut steps) = (vec![-1_i64; n], vec![-1_i64; n]);
        let args = [
            numbers.as_ptr().cast(),
            zeros.as_ptr().cast(),
            starts.as_ptr(),
            limits.as_ptr(),
            last.as_mut_ptr().cast_const().cast(),
            steps.as_mut_ptr().cast_const().cast(),
        ];
        assert_eq!(run(&region, n, &args), None);
        for k in 0..n {
            let expected = collatz_of(numbers[k], limits[k], starts[k] != 0);
            assert_eq!((last[k], steps[k]), expected, "lane {k} of {n}");
        }
    }
}

#[test]
fn a_result_may_be_where_an_argument_is_or_nowhere() {
    let region = region(1 << 40);
    let n = 777;
    let (numbers, starts, limits) = numbers(n);
    let zeros = vec![0_i64; n];
    let mut last = numbers.clone();
    let ptr: *const u8 = last.as_mut_ptr().cast_const().cast();
    let args = [ptr, zeros.as_ptr().cast(), starts.as_ptr(), limits.as_ptr(), ptr, std::ptr::null()];
    assert_eq!(run(&region, n, &args), None);
    let expected: Vec<i64> = (0..n).map(|k| collatz_of(numbers[k], limits[k], starts[k] != 0).0).collect();
    assert_eq!(last, expected);
    assert_eq!(zeros, vec![0; n]);
}

#[test]
fn elements_need_no_alignment() {
    let region = region(1 << 40);
    let n = 130;
    let (numbers, starts, limits) = numbers(n);
    let zeros = vec![0_u8; 8 * n];
    let mut bytes = vec![0_u8; 8 * n + 1];
    bytes[1..].copy_from_slice(&numbers.iter().flat_map(|n| n.to_ne_bytes()).collect::<Vec<_>>());
    let mut steps = vec![0_u8; 8 * n + 3];
    let steps_ptr = steps[3..].as_mut_ptr().cast_const();
    let args = [bytes[1..].as_ptr(), zeros.as_ptr(), starts.as_ptr(), limits.as_ptr(), std::ptr::null(), steps_ptr];
    assert_eq!(run(&region, n, &args), None);
    for (k, found) in steps[3..].chunks_exact(8).enumerate() {
        let found = i64::from_ne_bytes(found.try_into().expect("8 bytes"));
        assert_eq!(found, collatz_of(numbers[k], limits[k], starts[k] != 0).1);
    }
}

#[test]
fn a_loop_that_does_not_end_stops() {
    let region = region(20);
    let (numbers, starts, limits) = ([27_i64, 1, 2], [1_u8; 3], [200_u8; 3]);
    let zeros = [0_i64; 3];
    let (mut last, mut steps) = ([5_i64; 3], [5_i64; 3]);
    let args = [
        numbers.as_ptr().cast(),
        zeros.as_ptr().cast(),
        starts.as_ptr(),
        limits.as_ptr(),
        last.as_mut_ptr().cast_const().cast(),
        steps.as_mut_ptr().cast_const().cast(),
    ];
    assert_eq!(run(&region, 3, &args), Some(Stopped::Endless(Endless { label: 7, limit: 20 })));
    assert_eq!((last, steps), ([0; 3], [0; 3]), "zeros are elements of every dtype");
    assert_eq!(run(&self::region(1 << 40), 3, &args), None, "nothing is left of it");
    assert_eq!(steps, [111, 3, 1]);
}

#[test]
fn no_element_goes_on_behind_the_limit() {
    let spec = RegionSpec { limit: Some(3 * u64::from(STEPS)), ..region(1 << 40).spec };
    let region = Region::new(spec.clone()).expect("calls end with the limit");
    let n = 777;
    let (numbers, starts, limits) = numbers(n);
    let zeros = vec![0_i64; n];
    let mut steps = vec![-1_i64; n];
    let out = steps.as_mut_ptr().cast_const().cast();
    let args =
        [numbers.as_ptr().cast(), zeros.as_ptr().cast(), starts.as_ptr(), limits.as_ptr(), std::ptr::null(), out];
    assert_eq!(run(&region, n, &args), None);
    let expected = |k: usize| collatz_of(numbers[k], limits[k].min(12), starts[k] != 0).1;
    assert_eq!(steps, (0..n).map(expected).map(|steps| steps.min(12)).collect::<Vec<_>>());
    assert!(Region::new(RegionSpec { limit: Some(1), ..spec.clone() }).is_err(), "calls go beyond the limit");
    assert!(Region::new(RegionSpec { tells_end: true, ..spec }).is_err(), "the kernel has no such input");
}

#[test]
fn a_kernel_for_other_operands_is_refused() {
    let right = region(1).spec;
    let wrong = RegionSpec { carried: [DType::Int64, DType::Float64].into(), ..right.clone() };
    assert!(Region::new(wrong).is_err());
    let wrong = RegionSpec { invariants: Box::default(), ..right };
    assert!(Region::new(wrong).is_err());
}
