//! Arguments and results of one function: random arguments from its range, the same every time,
//! laid out for L1.

use super::functions::{Function, Range};
use ndexpr_runtime::dtype::DType;
use std::ops::{Deref, DerefMut};

/// The element types that functions are compared for.
pub trait Real: Copy + 'static {
    /// Its name in ndexpr.
    const DTYPE: DType;
    /// The nearest value.
    fn from_f64(value: f64) -> Self;
    /// The same value.
    fn to_f64(self) -> f64;
}

impl Real for f64 {
    const DTYPE: DType = DType::Float64;
    fn from_f64(value: f64) -> f64 {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
}

impl Real for f32 {
    const DTYPE: DType = DType::Float32;
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

/// What a loop reads and writes. All are of one length.
pub struct Arrays<T> {
    /// First arguments.
    pub a: Array<T>,
    /// Second arguments; ones, if the function has no second.
    pub b: Array<T>,
    /// Results.
    pub out: Array<T>,
    /// Second results, of `sincos`.
    pub out2: Array<T>,
}

impl<T: Real> Arrays<T> {
    /// Arguments for a function.
    #[must_use]
    pub fn new(function: &Function, n: usize) -> Arrays<T> {
        // The loops write a line soon after they read one. If a load and an earlier store have the
        // same offset in a page, the processor at first assumes that they overlap (4K aliasing),
        // and the load waits. So the arrays start at different offsets.
        let mut random = Random(0x5eed);
        let mut draw = |Range { low, high }: Range| T::from_f64(low + (high - low) * random.uniform());
        Arrays {
            a: Array::new(n, 0, |_| draw(function.a)),
            b: match function.b {
                Some(range) => Array::new(n, 8, |_| draw(range)),
                None => Array::new(n, 8, |_| T::from_f64(1.0)),
            },
            out: Array::new(n, 32, |_| T::from_f64(0.0)),
            out2: Array::new(n, 40, |_| T::from_f64(0.0)),
        }
    }

    /// The same values as doubles.
    #[must_use]
    pub fn widened(&self) -> Arrays<f64> {
        let wide = |array: &Array<T>| Array::new(array.len(), 0, |i| array[i].to_f64());
        Arrays { a: wide(&self.a), b: wide(&self.b), out: wide(&self.out), out2: wide(&self.out2) }
    }

    /// The number of elements.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "they are never empty")]
    pub fn len(&self) -> usize {
        self.a.len()
    }
}

/// A slice that starts at a cache line of choice within a page.
pub struct Array<T> {
    memory: Vec<T>,
    start: usize,
    len: usize,
}

const PAGE: usize = 4096;
const LINE: usize = 64;

impl<T: Copy> Array<T> {
    /// `len` elements, the first at line `line` of a page.
    fn new(len: usize, line: usize, element: impl FnMut(usize) -> T) -> Array<T> {
        let size = size_of::<T>();
        let mut elements = (0..len).map(element);
        let mut memory: Vec<T> = Vec::with_capacity(len + 2 * PAGE / size);
        let to_page = memory.as_ptr().align_offset(PAGE);
        let start = to_page + line * LINE / size;
        if let Some(first) = elements.next() {
            memory.resize(start, first);
            memory.push(first);
            memory.extend(elements);
        }
        Array { memory, start, len }
    }
}

impl<T> Deref for Array<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.memory[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Array<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

/// SplitMix64: arguments in a regular order would let the processor predict the branches of a
/// function.
struct Random(u64);

impl Random {
    /// Uniform in (0, 1]. 0 is left out so that no argument is the lower end of its range, where
    /// some functions have a pole.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((bits ^ (bits >> 31)) >> 11) + 1) as f64 * (-53f64).exp2()
    }
}
