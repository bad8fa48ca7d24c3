//! Leaves that are accumulated elsewhere have the partials of leaves in memory.

use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::reduce::{LANES, LEAF, ReduceOp, Reducer};

/// What a kernel does: element `i` goes to lane `i % LANES`, as `Accumulators` says.
fn accumulate(op: ReduceOp, lanes: &mut [f64], elems: &[f64]) {
    let bits_if = |holds: bool| if holds { u64::MAX } else { 0 };
    let update = |at: &mut f64, by: &dyn Fn(u64) -> u64| *at = f64::from_bits(by(at.to_bits()));
    for (i, &x) in elems.iter().enumerate() {
        let [first, merged, seen] = [i % LANES, LANES + i % LANES, 2 * LANES + i % LANES];
        let is_nan = bits_if(x.is_nan());
        match op {
            ReduceOp::Sum => lanes[first] += x,
            ReduceOp::Prod => lanes[first] *= x,
            ReduceOp::Min | ReduceOp::NanMin => {
                lanes[first] = if x < lanes[first] { x } else { lanes[first] };
                let bits = if op == ReduceOp::Min { x.to_bits() } else { x.to_bits() & !is_nan };
                update(&mut lanes[merged], &|old| old | bits);
            }
            _ => {
                lanes[first] = if x > lanes[first] { x } else { lanes[first] };
                let bits = if op == ReduceOp::Max { x.to_bits() } else { x.to_bits() | is_nan };
                update(&mut lanes[merged], &|old| old & bits);
            }
        }
        match op {
            ReduceOp::Min | ReduceOp::Max => update(&mut lanes[seen], &|old| old | is_nan),
            ReduceOp::NanMin | ReduceOp::NanMax => update(&mut lanes[seen], &|old| old | !is_nan),
            _ => {}
        }
    }
}

#[repr(C, align(64))]
struct Lanes([f64; 3 * LANES]);

#[test]
fn whole_leaves_end_in_the_same_partials() {
    let ops = [ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Min, ReduceOp::Max, ReduceOp::NanMin, ReduceOp::NanMax];
    for (odd, every) in [(0.0, 7), (-0.0, 3), (f64::NAN, 1000), (-f64::NAN, 1), (f64::INFINITY, 900), (-0.0, 1)] {
        let elems: Vec<f64> =
            (0..LEAF).map(|i| if i % every == 0 { odd } else { (i * 37 % 101) as f64 / 64.0 - 0.5 }).collect();
        for op in ops {
            for level in [CpuLevel::Generic, CpuLevel::Avx2, CpuLevel::Avx512] {
                let reducer = Reducer::at(op, DType::Float64, level).expect("a reduction of floats");
                let accumulators = reducer.accumulators().expect("accumulators");
                assert!(accumulators.n_bytes() <= size_of::<Lanes>() && accumulators.dtype == DType::Float64);
                let mut lanes = Lanes([0.0; 3 * LANES]);
                let (mut partials, mut results) = ([[0_u64; 4]; 2], [0.0_f64; 2]);
                // SAFETY: the lanes are aligned and have room for the accumulators; the elements are
                // a leaf; partials of these reductions have at most 32 bytes.
                unsafe {
                    reducer.start_leaf((&raw mut lanes).cast());
                    accumulate(op, &mut lanes.0, &elems);
                    reducer.end_leaf((&raw const lanes).cast(), partials[0].as_mut_ptr().cast());
                    reducer.leaves(LEAF, elems.as_ptr().cast(), 0, partials[1].as_mut_ptr().cast());
                    for (partial, result) in partials.iter().zip(&mut results) {
                        reducer.finish(1, partial.as_ptr().cast(), (&raw mut *result).cast(), 0);
                    }
                }
                assert_eq!(results[0].to_bits(), results[1].to_bits(), "{op:?} with {odd} at {level:?}");
            }
        }
    }
}
