//! Reductions and scans: every operation, dtype and CPU level against plain loops, and the promise that no chunking
//! changes a bit.

use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::reduce::{COLUMN_LEAF, LANES, LEAF, ReduceOp, Reducer, ScanOp, Scanner, Tree};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 32) % n
    }
}

/// What elements are like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Any integer; floats of magnitude 2^-20 to 2^20.
    Any,
    /// Few values, so that there are ties; zeros of both signs.
    Few,
    /// Some are NaN, some infinite.
    Special,
    /// Nothing but NaN; of integers, but the greatest.
    Last,
    /// Nothing but -0.0; of integers, but the least.
    First,
}

const KINDS: [Kind; 5] = [Kind::Any, Kind::Few, Kind::Special, Kind::Last, Kind::First];

/// A float of magnitude 2^-20 to 2^20.
fn any(random: &mut Random) -> f64 {
    let mantissa = 1.0 + (random.next() >> 12) as f64 * 2.0_f64.powi(-52);
    let sign = if random.below(2) == 0 { -1.0 } else { 1.0 };
    sign * mantissa * 2.0_f64.powi(random.below(40) as i32 - 20)
}

fn element(kind: Kind, dtype: DType, random: &mut Random) -> Scalar {
    if !dtype.is_float() {
        let few = [0, 1, 2][random.below(3) as usize];
        let last = if dtype.is_signed_int() { (1 << (8 * dtype.size() - 1)) - 1 } else { u64::MAX };
        let bits = match kind {
            Kind::Any | Kind::Special => random.next(),
            Kind::Few => few,
            Kind::Last => last,
            Kind::First if dtype.is_signed_int() => last + 1,
            Kind::First => 0,
        };
        // Of `bool`, as many false as true.
        return Scalar::from_bits(dtype, if dtype == DType::Bool { bits & 1 } else { bits });
    }
    let value = match kind {
        Kind::Any => any(random),
        Kind::Few => [0.0, -0.0, 0.0, -0.0, 0.0, -0.0, 1.0, -1.0][random.below(8) as usize],
        Kind::Special => match random.below(40) {
            0 => f64::NAN,
            1 => -f64::NAN,
            2 => f64::INFINITY,
            3 => f64::NEG_INFINITY,
            _ => any(random),
        },
        Kind::Last => f64::NAN,
        Kind::First => -0.0,
    };
    if dtype == DType::Float32 { Scalar::new(value as f32) } else { Scalar::new(value) }
}

fn elements(kind: Kind, dtype: DType, n: usize) -> Vec<Scalar> {
    let mut random = Random(n as u64 * 0x9e37_79b9 + dtype as u64 + 1);
    (0..n).map(|_| element(kind, dtype, &mut random)).collect()
}

/// Elements in memory, `offset` bytes after an aligned address.
struct Memory(Vec<u64>, usize);

impl Memory {
    fn new(elements: &[Scalar], offset: usize) -> Memory {
        let mut bytes = vec![0; offset];
        for (i, element) in elements.iter().enumerate() {
            let start = bytes.len();
            bytes.extend_from_slice(&element.bits().to_le_bytes()[..element.dtype().size()]);
            if element.dtype() == DType::Bool && element.bits() != 0 {
                // Any byte but 0 is true.
                bytes[start] = [1, 2, 0x80, 0xff][i % 4];
            }
        }
        bytes.resize(bytes.len().next_multiple_of(8), 0xa5);
        Memory(bytes.as_chunks().0.iter().map(|&word| u64::from_le_bytes(word)).collect(), offset)
    }

    fn ptr(&self) -> *const u8 {
        self.0.as_ptr().cast::<u8>().wrapping_add(self.1)
    }
}

fn levels() -> impl Iterator<Item = CpuLevel> {
    CpuLevel::ALL.into_iter().filter(|&level| level <= CpuLevel::highest())
}

/// The results of `width` partials.
fn finish(reducer: &Reducer, width: usize, partials: &[u64]) -> Vec<Scalar> {
    let size = reducer.result_dtype().size();
    // Results are unaligned, and farther apart than they must be.
    let (stride, mut out) = (size + 3, vec![0_u8; 1 + width * (size + 3)]);
    // SAFETY: `partials` holds `width` partials, and `out` has room for as many results from its second byte on.
    unsafe { reducer.finish(width, partials.as_ptr().cast(), out.as_mut_ptr().add(1), stride as isize) }
    let bits = |result: &[u8]| result[..size].iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    out[1..].chunks(stride).map(|result| Scalar::from_bits(reducer.result_dtype(), bits(result))).collect()
}

/// The result of all elements, a few leaves at a time.
fn reduce(reducer: &Reducer, elements: &[Scalar]) -> Scalar {
    let mut scratch = vec![0; Tree::scratch_words(reducer, 1, elements.len().div_ceil(LEAF) as u64)];
    let mut tree = Tree::new(*reducer, 1, &mut scratch);
    for (idx, chunk) in elements.chunks(3 * LEAF).enumerate() {
        let memory = Memory::new(chunk, elements.len() % 8);
        let mut partials = [0_u64; 9];
        // SAFETY: this is memory of as many elements, and there is room for three partials of up to three words.
        unsafe {
            let first = (idx * 3 * LEAF) as u64;
            reducer.leaves(chunk.len(), memory.ptr(), first, partials.as_mut_ptr().cast());
        }
        for leaf in 0..chunk.len().div_ceil(LEAF) {
            let bytes = reducer.partial_bytes();
            // SAFETY: one of the partials, copied to a slot for one.
            unsafe {
                let partial = partials.as_ptr().cast::<u8>().add(leaf * bytes);
                partial.copy_to_nonoverlapping(tree.slot().as_mut_ptr().cast(), bytes);
            }
            tree.push(0);
        }
    }
    finish(reducer, 1, tree.finish().unwrap())[0]
}

fn int(x: Scalar) -> i128 {
    match x.dtype() {
        DType::Int8 => i128::from(x.bits() as i8),
        DType::Int16 => i128::from(x.bits() as i16),
        DType::Int32 => i128::from(x.bits() as i32),
        DType::Int64 => i128::from(x.bits() as i64),
        _ => i128::from(x.bits()),
    }
}

fn float(x: Scalar) -> f64 {
    x.get::<f64>().unwrap_or_else(|| f64::from(x.get::<f32>().unwrap()))
}

fn of_float(dtype: DType, value: f64) -> Scalar {
    let value = if value.is_nan() { f64::NAN } else { value };
    if dtype == DType::Float32 { Scalar::new(value as f32) } else { Scalar::new(value) }
}

/// Floats in the order that the documentation promises, over a whole axis.
fn in_order(x: &[f64], identity: f64, op: fn(f64, f64) -> f64) -> f64 {
    if x.len() > LEAF {
        let leaves = x.len().div_ceil(LEAF);
        let (left, right) = x.split_at(LEAF * leaves.next_power_of_two() / 2);
        return op(in_order(left, identity, op), in_order(right, identity, op));
    }
    let mut lanes = [identity; LANES];
    for (i, &x) in x.iter().enumerate() {
        lanes[i % LANES] = op(lanes[i % LANES], x);
    }
    for half in [16, 8, 4, 2, 1] {
        for j in 0..half {
            lanes[j] = op(lanes[j], lanes[j + half]);
        }
    }
    lanes[0]
}

/// Whether the first is before the second: NaN first, then the least.
fn is_before(op: ReduceOp, a: Scalar, b: Scalar) -> bool {
    let is_min = matches!(op, ReduceOp::ArgMin | ReduceOp::Min | ReduceOp::NanMin);
    if !a.dtype().is_float() {
        return if is_min { int(a) < int(b) } else { int(a) > int(b) };
    }
    let (a, b) = (float(a), float(b));
    match (a.is_nan(), b.is_nan()) {
        (false, false) if is_min => a < b,
        (false, false) => a > b,
        (a, b) => a && !b,
    }
}

/// What the result must be, but for the sums of deviations; sums and products of floats are made by `fold`.
fn expected(op: ReduceOp, x: &[Scalar], fold: impl Fn(&[f64], f64, fn(f64, f64) -> f64) -> f64) -> Scalar {
    let dtype = x[0].dtype();
    let wide = op.result_dtype(dtype).unwrap();
    let floats = || x.iter().copied().map(float).collect::<Vec<f64>>();
    match op {
        ReduceOp::Sum if dtype.is_float() => of_float(dtype, fold(&floats(), 0.0, |a, b| a + b)),
        ReduceOp::Prod if dtype.is_float() => of_float(dtype, fold(&floats(), 1.0, |a, b| a * b)),
        ReduceOp::Sum => Scalar::from_bits(wide, x.iter().map(|&x| int(x)).sum::<i128>() as u64),
        ReduceOp::Prod => Scalar::from_bits(wide, x.iter().map(|&x| int(x) as u64).fold(1, |a, b| a.wrapping_mul(b))),
        ReduceOp::Any => Scalar::new(x.iter().any(|x| x.bits() != 0)),
        ReduceOp::All => Scalar::new(x.iter().all(|x| x.bits() != 0)),
        ReduceOp::ArgMin | ReduceOp::ArgMax => {
            let best = (1..x.len()).fold(0, |best, i| if is_before(op, x[i], x[best]) { i } else { best });
            Scalar::new(best as i64)
        }
        _ if !dtype.is_float() => *x.iter().reduce(|best, x| if is_before(op, *x, *best) { x } else { best }).unwrap(),
        _ => {
            let (mut floats, n) = (floats(), x.len());
            floats.retain(|x| !x.is_nan());
            let is_nan = floats.is_empty() || (floats.len() < n && matches!(op, ReduceOp::Min | ReduceOp::Max));
            floats.sort_by(f64::total_cmp);
            let best = if matches!(op, ReduceOp::Min | ReduceOp::NanMin) { floats.first() } else { floats.last() };
            of_float(dtype, if is_nan { f64::NAN } else { *best.unwrap() })
        }
    }
}

/// Asserts that the sum of squared deviations is right up to rounding.
fn assert_deviations(op: ReduceOp, x: &[Scalar], actual: Scalar) {
    let mut x: Vec<f64> = x.iter().copied().map(float).collect();
    if op == ReduceOp::NanDeviations {
        x.retain(|x| !x.is_nan());
    }
    let actual = actual.get::<f64>().unwrap();
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let expected: f64 = x.iter().map(|x| (x - mean) * (x - mean)).sum();
    let is_right = (actual - expected).abs() <= 1e-13 * expected || actual.is_nan() && expected.is_nan();
    assert!(is_right, "{op:?} of {} elements: {actual}, not {expected}", x.len());
}

fn pairs() -> impl Iterator<Item = (ReduceOp, DType)> {
    let pairs = ReduceOp::ALL.into_iter().flat_map(|op| DType::ALL.map(|dtype| (op, dtype)));
    pairs.filter(|&(op, dtype)| op.result_dtype(dtype).is_some())
}

#[test]
fn results_are_those_of_plain_loops_at_every_level() {
    let counts = (1..=70).chain([127, 128, 129, 255, 1023, 1024, 1025, 3000, 7 * LEAF + 100]);
    for ((op, dtype), n) in counts.flat_map(|n| pairs().map(move |pair| (pair, n))) {
        for kind in KINDS {
            let x = elements(kind, dtype, n);
            let results: Vec<Scalar> =
                levels().map(|level| reduce(&Reducer::at(op, dtype, level).unwrap(), &x)).collect();
            assert!(results.iter().all(|&result| result == results[0]), "{op:?} {dtype} {n} {kind:?}: {results:?}");
            if matches!(op, ReduceOp::Deviations | ReduceOp::NanDeviations) {
                assert_deviations(op, &x, results[0]);
            } else {
                assert_eq!(results[0], expected(op, &x, in_order), "{op:?} {dtype} {n} {kind:?}");
            }
        }
    }
}

/// Products are rounded to their dtype and then summed as any elements are.
#[test]
fn sums_of_products_are_sums_of_rounded_products_at_every_level() {
    for dtype in [DType::Float32, DType::Float64] {
        for n in [1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, LEAF - 1, LEAF, LEAF + 1, 3 * LEAF + 40] {
            for kind in [Kind::Any, Kind::Few, Kind::Special, Kind::First] {
                let [x, y] = [n, 2 * n].map(|seed| elements(kind, dtype, seed)[..n].to_vec());
                let product = |(&x, &y): (&Scalar, &Scalar)| match dtype {
                    DType::Float32 => Scalar::new(x.get::<f32>().unwrap() * y.get::<f32>().unwrap()),
                    _ => Scalar::new(float(x) * float(y)),
                };
                let products: Vec<Scalar> = x.iter().zip(&y).map(product).collect();
                for (level, offset) in levels().flat_map(|level| [(level, 0), (level, 3)]) {
                    let reducer = Reducer::at(ReduceOp::Sum, dtype, level).unwrap();
                    let memory = [&x, &y, &products].map(|elements| Memory::new(elements, offset));
                    let words = n.div_ceil(LEAF) * reducer.partial_bytes() / 8;
                    let mut partials = [vec![0_u64; words], vec![0_u64; words]];
                    let [sums, expected] = partials.each_mut().map(|words| words.as_mut_ptr().cast::<u8>());
                    // SAFETY: there are `n` elements of each, and room for the partials of their leaves.
                    unsafe {
                        reducer.product_leaves(n, memory[0].ptr(), memory[1].ptr(), sums);
                        reducer.leaves(n, memory[2].ptr(), 0, expected);
                    }
                    let [sums, expected] = partials.map(|words| finish(&reducer, n.div_ceil(LEAF), &words));
                    let bits = |sums: &[Scalar]| sums.iter().map(|sum| sum.bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&sums), bits(&expected), "{dtype}, {n} of {kind:?} at {level:?}");
                }
            }
        }
    }
}

#[test]
fn only_sums_of_floats_take_products() {
    for (op, dtype) in pairs() {
        let takes = Reducer::new(op, dtype).unwrap().takes_products();
        assert_eq!(takes, op == ReduceOp::Sum && dtype.is_float(), "{op:?} of {dtype}");
    }
}

#[test]
fn columns_are_those_of_plain_loops_at_every_level() {
    let one_by_one = |x: &[f64], identity: f64, op: fn(f64, f64) -> f64| x.iter().fold(identity, |a, &b| op(a, b));
    let shapes =
        [1, 2, 3, 7, 8, 9, 15, COLUMN_LEAF].into_iter().flat_map(|rows| [1, 3, 8, 13, 64, 67, 150].map(|n| (rows, n)));
    for ((op, dtype), (rows, lanes)) in shapes.flat_map(|shape| pairs().map(move |pair| (pair, shape))) {
        for (kind, is_flipped) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            // Rows of memory have elements that are not in the tile.
            let width = lanes + 5;
            let x = elements(kind, dtype, rows * width);
            let memory = Memory::new(&x, lanes % 8);
            let stride = (width * dtype.size()) as isize;
            let results: Vec<Vec<Scalar>> = levels()
                .map(|level| {
                    let reducer = Reducer::at(op, dtype, level).unwrap();
                    let mut partials = vec![0; lanes * 3];
                    let (start, stride) = if is_flipped { ((rows - 1) * width, -stride) } else { (0, stride) };
                    // SAFETY: as many rows, from the last up if flipped, and room for partials of three words.
                    unsafe {
                        let src = memory.ptr().add(start * dtype.size());
                        reducer.column_leaf(rows, lanes, src, stride, 32, partials.as_mut_ptr().cast());
                    }
                    finish(&reducer, lanes, &partials)
                })
                .collect();
            assert!(results.iter().all(|result| *result == results[0]), "{op:?} {dtype} {rows}x{lanes} {kind:?}");
            for (lane, &actual) in results[0].iter().enumerate() {
                let mut column: Vec<Scalar> = (0..rows).map(|row| x[row * width + lane]).collect();
                if is_flipped {
                    column.reverse();
                }
                if matches!(op, ReduceOp::Deviations | ReduceOp::NanDeviations) {
                    assert_deviations(op, &column, actual);
                    continue;
                }
                let mut expected = expected(op, &column, one_by_one);
                if matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax) {
                    expected = Scalar::new(expected.get::<i64>().unwrap() + 32);
                }
                assert_eq!(actual, expected, "{op:?} {dtype} {rows}x{lanes}, lane {lane}, {kind:?}");
            }
        }
    }
}

/// An element is added no more often than a lane has elements, halved, and passed up the tree; each time the error is
/// half an ULP of a sum that is no greater than that of the magnitudes.
#[test]
fn sums_are_accurate() {
    for n in [5, 100, 1024, 10_000, 300_000] {
        let x = elements(Kind::Any, DType::Float64, n);
        // Exact: each element is a multiple of 2^-72, and less than 2^20.
        let exact = |x: f64| (x * 2.0_f64.powi(72)) as i128;
        let sum: i128 = x.iter().map(|&x| exact(float(x))).sum();
        let magnitudes: f64 = x.iter().map(|&x| float(x).abs()).sum();
        let additions = LEAF / LANES + 5 + n.div_ceil(LEAF).next_power_of_two().ilog2() as usize;
        let actual = reduce(&Reducer::new(ReduceOp::Sum, DType::Float64).unwrap(), &x).get::<f64>().unwrap();
        let error = (exact(actual) - sum) as f64 * 2.0_f64.powi(-72);
        assert!(error.abs() <= additions as f64 * magnitudes * f64::EPSILON / 2.0, "{n} elements: off by {error}");

        let x: Vec<Scalar> = x.into_iter().map(|x| Scalar::new(float(x) as f32)).collect();
        let sum: i128 = x.iter().map(|&x| exact(float(x))).sum();
        let sum = (sum as f64 * 2.0_f64.powi(-72)) as f32;
        let actual = reduce(&Reducer::new(ReduceOp::Sum, DType::Float32).unwrap(), &x).get::<f32>().unwrap();
        assert!((actual - sum).abs() <= sum.abs() * f32::EPSILON, "{n} elements: {actual}, not {sum}");
    }
}

#[test]
fn deviations_from_a_large_mean_are_accurate() {
    // The deviations are +1 and -1.
    let x: Vec<Scalar> = (0..100_000).map(|i| Scalar::new(1e9 + f64::from(i % 2 * 2))).collect();
    for op in [ReduceOp::Deviations, ReduceOp::NanDeviations] {
        let actual = reduce(&Reducer::new(op, DType::Float64).unwrap(), &x).get::<f64>().unwrap();
        assert!((actual - 1e5).abs() < 1e-4, "{actual}");
    }
}

#[test]
fn deviations_are_as_special_as_those_of_numpy() {
    let of = |op, x: &[f64]| {
        let x: Vec<Scalar> = x.iter().copied().map(Scalar::new).collect();
        reduce(&Reducer::new(op, DType::Float64).unwrap(), &x).get::<f64>().unwrap()
    };
    let (all, numbers) = (ReduceOp::Deviations, ReduceOp::NanDeviations);
    let inf = f64::INFINITY;
    for op in [all, numbers] {
        assert_eq!(of(op, &[1e308, 1e308]), inf);
        assert_eq!(of(op, &[1e308; 5000]), inf);
        assert_eq!(of(op, &[1e200, -1e200]), inf);
        assert!(of(op, &[inf]).is_nan());
        assert!(of(op, &[inf, 1.0]).is_nan());
        assert!(of(op, &[&[1e308; 3000][..], &[inf]].concat()).is_nan());
        assert_eq!(of(op, &[0.1; 3000]), 0.0);
    }
    assert!(of(all, &[1.0, f64::NAN]).is_nan());
    assert!(of(all, &[f64::NAN]).is_nan());
    assert_eq!(of(numbers, &[f64::NAN]), 0.0);
    // Leaves of nothing but NaN before, between and after.
    let (nan, large) = ([f64::NAN; 2 * LEAF], 2.0_f64.powi(600));
    assert_eq!(of(numbers, &[&nan[..], &[large; LEAF], &nan, &[large; 3], &nan].concat()), 0.0);
    assert_eq!(of(numbers, &[&nan[..], &[1.0], &nan, &[3.0], &nan].concat()), 2.0);
}

/// A tree of rows of partials of `leaves`, cut into aligned nodes at random; each node but single leaves has a tree of
/// its own, cut again.
fn grow(reducer: Reducer, width: usize, leaves: &[Vec<u64>], random: &mut Random) -> Vec<u64> {
    let mut scratch = vec![0; Tree::scratch_words(&reducer, width, leaves.len() as u64)];
    let mut tree = Tree::new(reducer, width, &mut scratch);
    let mut start = 0_usize;
    while start < leaves.len() {
        let highest = (start.trailing_zeros()).min(leaves.len().ilog2());
        let level = random.below(u64::from(highest) + 1) as u32;
        let node = &leaves[start..leaves.len().min(start + (1 << level))];
        let node = if level == 0 { node[0].clone() } else { grow(reducer, width, node, random) };
        tree.slot().copy_from_slice(&node);
        tree.push(level);
        start += 1 << level;
    }
    tree.finish().unwrap().to_vec()
}

#[test]
fn no_chunking_changes_a_bit() {
    let mut random = Random(7);
    for op in [ReduceOp::Sum, ReduceOp::Deviations, ReduceOp::NanDeviations, ReduceOp::ArgMax, ReduceOp::Min] {
        let (reducer, width) = (Reducer::new(op, DType::Float32).unwrap(), 5);
        for n_leaves in (1..=20).chain([31, 32, 33, 100]) {
            let leaves: Vec<Vec<u64>> = (0..n_leaves)
                .map(|leaf| {
                    let rows = (0..COLUMN_LEAF * width).map(|_| element(Kind::Any, DType::Float32, &mut random));
                    let memory = Memory::new(&rows.collect::<Vec<_>>(), 0);
                    let mut partials = vec![0; (width * reducer.partial_bytes()).div_ceil(8)];
                    let (first, stride) = ((leaf * COLUMN_LEAF) as u64, 4 * width as isize);
                    // SAFETY: this is memory of as many rows, and there is room for `width` partials.
                    unsafe {
                        let partials = partials.as_mut_ptr().cast();
                        reducer.column_leaf(COLUMN_LEAF, width, memory.ptr(), stride, first, partials);
                    }
                    partials
                })
                .collect();
            let mut scratch = vec![0; Tree::scratch_words(&reducer, width, n_leaves as u64)];
            let mut tree = Tree::new(reducer, width, &mut scratch);
            for leaf in &leaves {
                tree.slot().copy_from_slice(leaf);
                tree.push(0);
            }
            let whole = tree.finish().unwrap().to_vec();
            for _ in 0..20 {
                let cut = grow(reducer, width, &leaves, &mut random);
                assert_eq!(cut, whole, "{op:?} of {n_leaves} leaves");
            }
        }
    }
}

#[test]
fn nodes_are_trees_of_their_leaves_at_every_level() {
    let mut random = Random(8);
    for (op, dtype) in pairs() {
        for (level, n_leaves) in levels().flat_map(|level| (1..=16).map(move |n| (level, n))) {
            let reducer = Reducer::at(op, dtype, level).unwrap();
            let bytes = reducer.partial_bytes();
            let elements: Vec<Scalar> = (0..n_leaves * LEAF).map(|_| element(Kind::Any, dtype, &mut random)).collect();
            let memory = Memory::new(&elements, 0);
            let mut node = vec![0_u64; n_leaves * bytes.div_ceil(8)];
            let mut scratch = vec![0; Tree::scratch_words(&reducer, 1, n_leaves as u64)];
            let mut tree = Tree::new(reducer, 1, &mut scratch);
            // SAFETY: this is memory of as many elements; there is room for a partial of each leaf, and in a slot for one.
            unsafe {
                reducer.leaves(elements.len(), memory.ptr(), 0, node.as_mut_ptr().cast());
                for leaf in 0..n_leaves {
                    let partial = node.as_ptr().cast::<u8>().add(leaf * bytes);
                    partial.copy_to_nonoverlapping(tree.slot().as_mut_ptr().cast(), bytes);
                    tree.push(0);
                }
                reducer.node(n_leaves, node.as_mut_ptr().cast());
            }
            let expected = finish(&reducer, 1, tree.finish().unwrap());
            assert_eq!(finish(&reducer, 1, &node), expected, "{op:?} of {n_leaves} leaves of {dtype:?}");
        }
    }
}

#[test]
fn a_tree_without_leaves_has_no_partial() {
    let reducer = Reducer::new(ReduceOp::Sum, DType::Int8).unwrap();
    assert_eq!(Tree::new(reducer, 3, &mut []).finish(), None);
}

#[test]
#[should_panic(expected = "aligned")]
fn a_node_is_aligned_to_its_size() {
    let reducer = Reducer::new(ReduceOp::Sum, DType::Int8).unwrap();
    let mut scratch = [0; 8];
    let mut tree = Tree::new(reducer, 1, &mut scratch);
    tree.push(1);
    tree.push(2);
}

#[test]
fn no_elements_give_what_they_can() {
    for (op, dtype) in pairs() {
        let empty = Reducer::new(op, dtype).unwrap().empty();
        assert!(empty.is_none_or(|empty| Some(empty.dtype()) == op.result_dtype(dtype)));
    }
    let empty = |op, dtype| Reducer::new(op, dtype).unwrap().empty();
    assert_eq!(empty(ReduceOp::Sum, DType::UInt8), Some(Scalar::new(0_u64)));
    assert_eq!(empty(ReduceOp::Prod, DType::Float32), Some(Scalar::new(1.0_f32)));
    assert_eq!(empty(ReduceOp::All, DType::Bool), Some(Scalar::new(true)));
    assert_eq!(empty(ReduceOp::Min, DType::Bool), None);
    assert!(Reducer::new(ReduceOp::Any, DType::Float64).is_none());
    assert!(Reducer::new(ReduceOp::Deviations, DType::Int64).is_none());
}

#[test]
fn true_decides_any_and_false_decides_all() {
    let is_decided = |op, partials: &[u8]| Reducer::new(op, DType::Bool).unwrap().is_decided(partials);
    assert!(is_decided(ReduceOp::Any, &[1, 1]) && !is_decided(ReduceOp::Any, &[1, 0]));
    assert!(is_decided(ReduceOp::All, &[0, 0]) && !is_decided(ReduceOp::All, &[1, 0]));
    assert!(!is_decided(ReduceOp::Sum, &[0; 8]));
}

/// The running sums or products of a plain loop.
fn scanned(op: ScanOp, x: &[Scalar]) -> Vec<Scalar> {
    let dtype = x[0].dtype();
    let wide = Scanner::new(op, dtype).result_dtype();
    let (mut float_carry, mut int_carry) = if op == ScanOp::CumSum { (-0.0, 0_u64) } else { (1.0, 1) };
    let next = |&x: &Scalar| {
        if dtype.is_float() {
            float_carry = if op == ScanOp::CumSum { float_carry + float(x) } else { float_carry * float(x) };
            return of_float(dtype, float_carry);
        }
        let x = int(x) as u64;
        int_carry = if op == ScanOp::CumSum { int_carry.wrapping_add(x) } else { int_carry.wrapping_mul(x) };
        Scalar::from_bits(wide, int_carry)
    };
    x.iter().map(next).collect()
}

/// `n` elements of `dtype` in memory.
///
/// # Safety
///
/// They are there.
unsafe fn read(dtype: DType, n: usize, ptr: *const u8) -> Vec<Scalar> {
    // SAFETY: the caller's word.
    let bytes = unsafe { std::slice::from_raw_parts(ptr, n * dtype.size()) };
    let bits = |bytes: &[u8]| bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    bytes.chunks(dtype.size()).map(|bytes| Scalar::from_bits(dtype, bits(bytes))).collect()
}

#[test]
fn scans_are_those_of_plain_loops() {
    for (op, dtype) in [ScanOp::CumSum, ScanOp::CumProd].into_iter().flat_map(|op| DType::ALL.map(|d| (op, d))) {
        for (kind, n) in KINDS.into_iter().flat_map(|kind| [1, 2, 33, 1000].map(|n| (kind, n))) {
            let x = elements(kind, dtype, n);
            let expected = scanned(op, &x);
            let scanner = Scanner::new(op, dtype);
            let result = scanner.result_dtype();
            let (memory, mut out) = (Memory::new(&x, 3), vec![0_u8; n * result.size() + 1]);
            let (mut carry, cut) = (scanner.start(), n / 3);
            // SAFETY: the first elements and then the rest, to room for their results.
            let actual = unsafe {
                let out = out.as_mut_ptr().add(1);
                scanner.scan(cut, memory.ptr(), out, &mut carry);
                let (src, rest) = (memory.ptr().add(cut * dtype.size()), out.add(cut * result.size()));
                scanner.scan(n - cut, src, rest, &mut carry);
                read(result, n, out)
            };
            assert_eq!(actual, expected, "{op:?} {dtype} {kind:?}");
            if result.size() == dtype.size() {
                let mut memory = Memory::new(&x, 0);
                let in_place = memory.0.as_mut_ptr().cast::<u8>();
                // SAFETY: elements and results are of the same size.
                let actual = unsafe {
                    scanner.scan(n, in_place, in_place, &mut scanner.start());
                    read(result, n, in_place)
                };
                assert_eq!(actual, expected, "{op:?} {dtype} {kind:?} in place");
            }
        }
    }
}

#[test]
fn scans_of_rows_are_scans_of_columns_at_every_level() {
    for (op, dtype) in [ScanOp::CumSum, ScanOp::CumProd].into_iter().flat_map(|op| DType::ALL.map(|d| (op, d))) {
        for ((kind, lanes), level) in KINDS
            .into_iter()
            .flat_map(|kind| [1, 5, 16, 37].map(|lanes| (kind, lanes)))
            .flat_map(|case| levels().map(move |level| (case, level)))
        {
            let rows = 9;
            let x = elements(kind, dtype, rows * lanes);
            let scanner = Scanner::at(op, dtype, level);
            let result = scanner.result_dtype();
            let (memory, mut out) = (Memory::new(&x, 1), vec![0_u8; rows * lanes * result.size()]);
            let mut carries = vec![scanner.start(); lanes];
            let (src_stride, out_stride) = (lanes * dtype.size(), lanes * result.size());
            // SAFETY: two rows and then the rest, to room for their results.
            let actual = unsafe {
                for (row, n) in [(0, 2), (2, rows - 2)] {
                    let (src, out) = (memory.ptr().add(row * src_stride), out.as_mut_ptr().add(row * out_stride));
                    scanner.scan_rows(n, src, src_stride as isize, out, out_stride as isize, &mut carries);
                }
                read(result, rows * lanes, out.as_ptr())
            };
            for lane in 0..lanes {
                let column = |x: &[Scalar]| (0..rows).map(|row| x[row * lanes + lane]).collect::<Vec<_>>();
                assert_eq!(column(&actual), scanned(op, &column(&x)), "{op:?} {dtype} {kind:?} {}", level.name());
            }
        }
    }
}
