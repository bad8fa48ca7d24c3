//! What the tests of reductions and scans share.
//!
//! In: a dtype, a [`Kind`] of elements and their number. Out: elements, drawn from a seed, so that
//! they are the same in every run; their bytes in memory at any alignment; and the result of a
//! whole reduction over them.

use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::dtype::{DType, Scalar};
use ndexpr_runtime::reduce::{LEAF, ReduceOp, Reducer, Tree};

/// xorshift64*.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 32) % n
    }
}

/// What elements are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
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

pub(crate) const KINDS: [Kind; 5] = [Kind::Any, Kind::Few, Kind::Special, Kind::Last, Kind::First];

/// A float of magnitude 2^-20 to 2^20.
fn any(random: &mut Random) -> f64 {
    let mantissa = 1.0 + (random.next() >> 12) as f64 * 2.0_f64.powi(-52);
    let sign = if random.below(2) == 0 { -1.0 } else { 1.0 };
    sign * mantissa * 2.0_f64.powi(random.below(40) as i32 - 20)
}

pub(crate) fn element(kind: Kind, dtype: DType, random: &mut Random) -> Scalar {
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

pub(crate) fn elements(kind: Kind, dtype: DType, n: usize) -> Vec<Scalar> {
    let mut random = Random(n as u64 * 0x9e37_79b9 + dtype as u64 + 1);
    (0..n).map(|_| element(kind, dtype, &mut random)).collect()
}

/// Elements in memory, `offset` bytes after an aligned address.
pub(crate) struct Memory(pub(crate) Vec<u64>, usize);

impl Memory {
    pub(crate) fn new(elements: &[Scalar], offset: usize) -> Memory {
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

    pub(crate) fn ptr(&self) -> *const u8 {
        self.0.as_ptr().cast::<u8>().wrapping_add(self.1)
    }
}

pub(crate) fn levels() -> impl Iterator<Item = CpuLevel> {
    CpuLevel::ALL.into_iter().filter(|&level| level <= CpuLevel::highest())
}

/// The results of `width` partials.
pub(crate) fn finish(reducer: &Reducer, width: usize, partials: &[u64]) -> Vec<Scalar> {
    let size = reducer.result_dtype().size();
    // Results are unaligned, and farther apart than they must be.
    let (stride, mut out) = (size + 3, vec![0_u8; 1 + width * (size + 3)]);
    // SAFETY: `partials` holds `width` partials, and `out` has room for as many results from its
    // second byte on.
    unsafe { reducer.finish(width, partials.as_ptr().cast(), out.as_mut_ptr().add(1), stride as isize) }
    let bits = |result: &[u8]| result[..size].iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    out[1..].chunks(stride).map(|result| Scalar::from_bits(reducer.result_dtype(), bits(result))).collect()
}

/// The result of all elements, a few leaves at a time.
pub(crate) fn reduce(reducer: &Reducer, elements: &[Scalar]) -> Scalar {
    let mut scratch = vec![0; Tree::scratch_words(reducer, 1, elements.len().div_ceil(LEAF) as u64)];
    let mut tree = Tree::new(*reducer, 1, &mut scratch);
    for (idx, chunk) in elements.chunks(3 * LEAF).enumerate() {
        let memory = Memory::new(chunk, elements.len() % 8);
        let mut partials = [0_u64; 9];
        // SAFETY: this is memory of as many elements, and there is room for three partials of up to
        // three words.
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

pub(crate) fn int(x: Scalar) -> i128 {
    match x.dtype() {
        DType::Int8 => i128::from(x.bits() as i8),
        DType::Int16 => i128::from(x.bits() as i16),
        DType::Int32 => i128::from(x.bits() as i32),
        DType::Int64 => i128::from(x.bits() as i64),
        _ => i128::from(x.bits()),
    }
}

pub(crate) fn float(x: Scalar) -> f64 {
    x.get::<f64>().unwrap_or_else(|| f64::from(x.get::<f32>().unwrap()))
}

pub(crate) fn of_float(dtype: DType, value: f64) -> Scalar {
    let value = if value.is_nan() { f64::NAN } else { value };
    if dtype == DType::Float32 { Scalar::new(value as f32) } else { Scalar::new(value) }
}

pub(crate) fn pairs() -> impl Iterator<Item = (ReduceOp, DType)> {
    let pairs = ReduceOp::ALL.into_iter().flat_map(|op| DType::ALL.map(|dtype| (op, dtype)));
    pairs.filter(|&(op, dtype)| op.result_dtype(dtype).is_some())
}
