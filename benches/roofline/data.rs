//! The inputs, and the shapes in which expressions see them.

use crate::memory::Array;
use ndarray::{ArrayView1, ArrayView2};
use std::cell::RefCell;

/// Arrays of `n` elements, the same every time.
pub(crate) struct Data {
    pub(crate) n: usize,
    pub(crate) a: Array<f64>,
    pub(crate) b: Array<f64>,
    pub(crate) f: Array<f32>,
    pub(crate) x: Array<u8>,
    pub(crate) y: Array<u8>,
    pub(crate) i: Array<i8>,
}

impl Data {
    pub(crate) fn new(n: usize) -> Data {
        // A Weyl sequence: evenly spread over (0, 1), and the same on every machine.
        let uniform = |i: usize, step: f64| ((i + 1) as f64 * step).fract();
        Data {
            n,
            a: Array::from_fn(n, |i| uniform(i, 0.618_033_988_749_895)),
            b: Array::from_fn(n, |i| uniform(i, 0.754_877_666_246_693)),
            f: Array::from_fn(n, |i| uniform(i, 0.569_840_290_998_053) as f32),
            x: Array::from_fn(n, |i| (uniform(i, 0.324_717_957_244_746) * 256.0) as u8),
            y: Array::from_fn(n, |i| (uniform(i, 0.220_744_084_605_759) * 256.0) as u8),
            i: Array::from_fn(n, |i| (uniform(i, 0.819_172_513_396_164) * 256.0 - 128.0) as i8),
        }
    }

    /// The extents of a square matrix: 3000 of 1e7 elements.
    pub(crate) fn square(&self) -> (usize, usize) {
        let side = (0.9 * self.n as f64).sqrt() as usize;
        (side, side)
    }

    /// The rows of a matrix of three columns: 1e6 of 1e7 elements.
    pub(crate) fn many(&self) -> usize {
        self.n / 10
    }

    /// The number of points, and of centres: 5000 for 1e7 elements. Their distances are computed
    /// but never stored.
    pub(crate) fn points(&self) -> usize {
        (2.5 * self.n as f64).sqrt() as usize
    }
}

/// Outputs by type. All ways to compute a result write it to the same place.
pub(crate) struct Outputs {
    pub(crate) f64: RefCell<Array<f64>>,
    pub(crate) f32: RefCell<Array<f32>>,
    pub(crate) u8: RefCell<Array<u8>>,
}

impl Outputs {
    pub(crate) fn new(n: usize) -> Outputs {
        Outputs {
            f64: RefCell::new(Array::from_fn(n, |_| 0.0)),
            f32: RefCell::new(Array::from_fn(n, |_| 0.0)),
            u8: RefCell::new(Array::from_fn(n, |_| 0)),
        }
    }
}

/// The first of the elements.
pub(crate) fn vector(elements: &[f64], len: usize) -> ArrayView1<'_, f64> {
    ArrayView1::from(&elements[..len])
}

/// The first of the elements, in rows.
pub(crate) fn matrix(elements: &[f64], (rows, columns): (usize, usize)) -> ArrayView2<'_, f64> {
    ArrayView2::from_shape((rows, columns), &elements[..rows * columns]).expect("as many elements")
}
