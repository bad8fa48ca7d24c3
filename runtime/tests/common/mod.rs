//! What the tests share: random layouts in buffers of their own, and kernels written in Rust.

#![allow(dead_code, reason = "each test uses a part")]

use std::sync::{Arc, OnceLock};

use ndexpr_runtime::abi::{KernelArgs, RunKind, TileFn};
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::exec::{Kernel, KernelSpec, WholeBlocks};
use ndexpr_runtime::plan::Plan;
use ndexpr_runtime::pool::Pool;
use ndexpr_runtime::view::{View, ViewMut};
use proptest::prelude::*;

/// An array in a buffer with gaps: what `View::from_bytes` takes.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<isize>,
    pub(crate) offset: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Array {
    pub(crate) fn view(&self) -> View<'_> {
        View::from_bytes(&self.bytes, self.dtype, &self.shape, &self.strides, self.offset).unwrap()
    }

    pub(crate) fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::from_bytes_mut(&mut self.bytes, self.dtype, &self.shape, &self.strides, self.offset).unwrap()
    }

    /// The same layout, all bytes `byte`.
    pub(crate) fn filled(&self, byte: u8) -> Array {
        Array { bytes: vec![byte; self.bytes.len()], ..self.clone() }
    }
}

/// A layout of `shape`: axes in any order in memory, steps of 1 to 3 elements, gaps and offsets of
/// any number of bytes, any axis reversed. Elements are small integers.
pub(crate) fn array(dtype: DType, shape: Vec<usize>) -> impl Strategy<Value = Array> {
    let n_axes = shape.len();
    let order = prop_oneof![
        2 => Just((0..n_axes).collect::<Vec<_>>()),
        1 => Just((0..n_axes).rev().collect::<Vec<_>>()),
        2 => Just((0..n_axes).collect::<Vec<_>>()).prop_shuffle(),
    ];
    let per_axis = prop::collection::vec((prop_oneof![4 => Just(1isize), 1 => 2..=3isize], any::<bool>()), n_axes);
    let reversal = prop_oneof![2 => Just(0usize), 1 => Just(1usize), 1 => Just(2usize)];
    let gaps = prop_oneof![3 => Just(0usize), 1 => 1..20usize];
    (order, per_axis, reversal, gaps, 0..16usize, any::<u64>()).prop_map(
        move |(order, per_axis, reversal, gap, misalignment, seed)| {
            let mut strides = vec![0isize; n_axes];
            let mut stride = dtype.size() as isize;
            let mut offset = misalignment;
            let mut end = misalignment + dtype.size();
            for (position, &axis) in order.iter().rev().enumerate() {
                let (step, is_reversed) = per_axis[axis];
                // High ranks would need buffers of 3^32 elements.
                let step = if n_axes > 8 { 1 } else { step };
                stride *= step;
                let reach = stride as usize * shape[axis].saturating_sub(1);
                end += reach;
                strides[axis] = stride;
                if reversal == 2 || (reversal == 1 && is_reversed) {
                    strides[axis] = -stride;
                    offset += reach;
                }
                stride *= shape[axis].max(1) as isize;
                if position == 0 {
                    stride += gap as isize;
                }
            }
            let mut array = Array { dtype, shape: shape.clone(), strides, offset, bytes: vec![0xa5; end + 3] };
            fill(&mut array, seed);
            array
        },
    )
}

fn fill(array: &mut Array, mut seed: u64) {
    use ndexpr_runtime::dtype::Scalar;
    let (dtype, indices) = (array.dtype, indices(&array.shape));
    let mut view = array.view_mut();
    for index in indices {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let value = (seed >> 58) as i8;
        let scalar = match dtype {
            DType::Float64 => Scalar::new(f64::from(value)),
            DType::Float32 => Scalar::new(f32::from(value)),
            dtype => Scalar::from_bits(dtype, value as u64),
        };
        view.write(&index, scalar).unwrap();
    }
}

/// All indices of a shape in C order.
pub(crate) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let n: usize = shape.iter().product();
    (0..n)
        .map(|mut k| {
            let mut index = vec![0; shape.len()];
            for (i, extent) in index.iter_mut().zip(shape).rev() {
                *i = k % extent;
                k /= extent;
            }
            index
        })
        .collect()
}

/// Shapes of rank 0 to 32 of up to a few thousand elements: lines, short rows, planes, many small
/// axes, empties.
pub(crate) fn shape() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        1 => Just(vec![]),
        2 => (0..3000usize).prop_map(|n| vec![n]),
        2 => (1..700usize, 1..5usize).prop_map(|(n, m)| vec![n, m]),
        2 => (1..70usize, 1..70usize).prop_map(|(n, m)| vec![n, m]),
        2 => prop::collection::vec(1..6usize, 3..5),
        1 => prop::collection::vec(0..4usize, 0..7),
        1 => prop::collection::vec(1..3usize, 5..10),
        1 => (prop::collection::vec(Just(1usize), 22..=25), prop::collection::vec(1..4usize, 7))
            .prop_flat_map(|(mut ones, axes)| {
                ones.extend(axes);
                Just(ones).prop_shuffle()
            }),
    ]
}

/// A shape that broadcasts to `shape`: some axes made 1, some leading ones left out.
pub(crate) fn broadcastable(shape: Vec<usize>) -> impl Strategy<Value = Vec<usize>> {
    let n_axes = shape.len();
    let mask = prop_oneof![
        2 => Just(vec![false; n_axes]),
        1 => prop::collection::vec(any::<bool>(), n_axes),
        1 => Just(vec![true; n_axes]),
    ];
    let n_dropped = prop_oneof![3 => Just(0), 1 => 0..=n_axes];
    (mask, n_dropped).prop_map(move |(mask, n_dropped)| {
        let axes = shape.iter().zip(mask);
        axes.map(|(&extent, is_one)| if is_one { 1 } else { extent }).skip(n_dropped).collect()
    })
}

/// The pools that the tests run on.
pub(crate) fn pool(n_threads: usize) -> &'static Pool {
    static POOLS: [OnceLock<Pool>; 9] = [const { OnceLock::new() }; 9];
    POOLS[n_threads].get_or_init(|| Pool::new(n_threads).unwrap())
}

/// Calls `f` with the place of each operand, for every element of a tile.
///
/// # Safety
///
/// `args` must be valid for `N` operands.
unsafe fn for_each_elem<const N: usize>(args: *const KernelArgs, mut f: impl FnMut(usize, [*mut u8; N])) {
    // SAFETY: the caller vouches for the arguments.
    let (args, operands) = unsafe { (&*args, std::slice::from_raw_parts((*args).operands, N)) };
    assert!(args.n_rows > 0 && args.n_lanes > 0);
    for row in 0..args.n_rows {
        for lane in 0..args.n_lanes {
            let places = std::array::from_fn(|k| {
                let operand = &operands[k];
                let offset = row as isize * operand.row_stride + lane as isize * operand.lane_stride;
                operand.ptr.wrapping_offset(offset)
            });
            f(row * args.n_lanes + lane, places);
        }
    }
}

/// Kernel: `out: f64 = a: f64 + b: f32`, and `visits: u8 += 1`.
pub(crate) unsafe extern "C" fn add_and_count(args: *const KernelArgs) {
    // SAFETY: run for two inputs and two outputs of these dtypes only.
    unsafe {
        for_each_elem(args, |_, [a, b, out, visits]: [*mut u8; 4]| {
            let sum = a.cast::<f64>().read_unaligned() + f64::from(b.cast::<f32>().read_unaligned());
            out.cast::<f64>().write_unaligned(sum);
            visits.write(visits.read() + 1);
        });
    }
}

/// Kernel with slots: as [`add_and_count`], the sum passed through a tile function.
pub(crate) unsafe extern "C" fn add_and_count_by_slots(args: *const KernelArgs) {
    // SAFETY: run for two inputs and two outputs of these dtypes, a tile function, and slots of 8
    // bytes per element.
    unsafe {
        let slots = (*args).slots.cast::<f64>();
        assert!(slots.addr().is_multiple_of(64));
        for_each_elem(args, |k, [a, b, _, _]: [*mut u8; 4]| {
            let sum = a.cast::<f64>().read_unaligned() + f64::from(b.cast::<f32>().read_unaligned());
            slots.add(k).write(sum - 1.0);
        });
        let n = (*args).n_rows * (*args).n_lanes;
        (*(*args).tile_fns)(n, slots.cast(), slots.cast(), std::ptr::null_mut());
        for_each_elem(args, |k, [_, _, out, visits]: [*mut u8; 4]| {
            out.cast::<f64>().write_unaligned(slots.add(k).read());
            visits.write(visits.read() + 1);
        });
    }
}

/// Kernel that is only called for whole blocks, or for more lanes than a block of which some may be
/// computed again: `out: f64 = a: f64 + b: f32`, and `visits: u8 = 1`. It leaves other tiles.
unsafe extern "C" fn add_in_blocks<const N_LANES: usize>(args: *const KernelArgs) {
    // SAFETY: run for two inputs and two outputs of these dtypes only.
    unsafe {
        let KernelArgs { n_lanes, repeatable_lanes, .. } = *args;
        if !n_lanes.is_multiple_of(N_LANES) && (n_lanes < N_LANES || repeatable_lanes != n_lanes) {
            return;
        }
        for_each_elem(args, |_, [a, b, out, visits]: [*mut u8; 4]| {
            let sum = a.cast::<f64>().read_unaligned() + f64::from(b.cast::<f32>().read_unaligned());
            out.cast::<f64>().write_unaligned(sum);
            visits.write(1);
        });
    }
}

/// The same as [`add_and_count_for`] for tiles of any size, by a kernel that is only called for
/// blocks of so many lanes.
pub(crate) fn add_in_blocks_for<const N_LANES: usize>(plan: &Plan<'_>, ns_per_elem: f32) -> Kernel {
    // Something else is in the scratch before the blocks.
    let scratch_offset = 128;
    let slot_bytes = scratch_offset + WholeBlocks::scratch_bytes(N_LANES, plan.dtypes().iter().copied());
    let spec = KernelSpec {
        entry: add_in_blocks::<N_LANES>,
        rest: Box::default(),
        whole_blocks: Some(WholeBlocks { n_lanes: N_LANES, scratch_offset }),
        slot_bytes,
        ..add_and_count_for(plan, None, ns_per_elem).spec().clone()
    };
    // SAFETY: it goes by the strides, so any run kinds are right; `add_and_count_for` has checked
    // the dtypes; its scratch has its blocks.
    unsafe { Kernel::new(spec) }
}

unsafe extern "C" fn add_one(n: usize, out: *mut u8, a: *const u8, _b: *mut u8) {
    for k in 0..n {
        // SAFETY: the kernel passes `n` elements.
        unsafe { out.cast::<f64>().add(k).write_unaligned(a.cast::<f64>().add(k).read_unaligned() + 1.0) };
    }
}

/// The operands of a plan, for a kernel that goes by the strides.
pub(crate) fn operands_of(plan: &Plan<'_>) -> Box<[(DType, RunKind)]> {
    plan.dtypes().iter().copied().zip(plan.run_kinds().iter().copied()).collect()
}

/// A kernel for this plan: by slots if it has a tile size, and said to take `ns_per_elem`.
pub(crate) fn add_and_count_for(plan: &Plan<'_>, max_tile_elems: Option<usize>, ns_per_elem: f32) -> Kernel {
    assert_eq!(plan.dtypes(), [DType::Float64, DType::Float32, DType::Float64, DType::UInt8]);
    let spec = KernelSpec {
        entry: if max_tile_elems.is_some() { add_and_count_by_slots } else { add_and_count },
        rest: Box::default(),
        operands: operands_of(plan),
        n_outputs: 2,
        max_tile_elems,
        whole_blocks: None,
        is_streaming: false,
        leaf: None,
        slot_bytes: 8 * max_tile_elems.unwrap_or(0),
        tile_fns: Box::new([add_one as TileFn]),
        callbacks: ndexpr_runtime::function::Callbacks::default(),
        ns_per_elem,
        code: Arc::new(()),
    };
    // SAFETY: both go by the strides, so any run kinds are right; the dtypes were checked above;
    // slots and tile function are what the second one needs.
    unsafe { Kernel::new(spec) }
}
