//! Arrays of any dtype and layout, and what to fill them with.

use super::source::Source;
use ndexpr::{DType, Scalar, View, ViewMut};

/// Where in memory the elements of an array are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub(crate) shape: Vec<usize>,
    /// The axes, outermost in memory first.
    pub(crate) order: Vec<usize>,
    /// By axis: 1 is dense, 2 leaves every other place out, a negative step runs backwards, 0
    /// repeats one element.
    pub(crate) steps: Vec<isize>,
    /// Bytes between the end of an element and the next one on the innermost axis.
    pub(crate) gap: usize,
    /// Bytes by which the first element misses the alignment of its dtype.
    pub(crate) misalign: usize,
}

impl Layout {
    /// C order, without gaps.
    pub(crate) fn dense(shape: &[usize]) -> Layout {
        Layout {
            shape: shape.to_vec(),
            order: (0..shape.len()).collect(),
            steps: vec![1; shape.len()],
            gap: 0,
            misalign: 0,
        }
    }

    /// Every axis with this step.
    pub(crate) fn step(mut self, step: isize) -> Layout {
        self.steps.fill(step);
        self
    }

    /// Fortran order.
    pub(crate) fn fortran(mut self) -> Layout {
        self.order.reverse();
        self
    }

    pub(crate) fn misaligned(mut self, bytes: usize) -> Layout {
        self.misalign = bytes;
        self
    }

    /// Any layout of the shape in which no two elements share memory.
    pub(crate) fn random_apart(source: &mut Source<'_>, shape: &[usize]) -> Layout {
        let mut layout = Layout::dense(shape);
        if source.one_in(2) {
            return layout;
        }
        for i in (1..layout.order.len()).rev() {
            layout.order.swap(i, source.below(i + 1));
        }
        for step in &mut layout.steps {
            *step = source.pick(&[1, 1, 1, 1, -1, 2, -2, 3]);
        }
        layout.gap = source.pick(&[0, 0, 0, 0, 0, 1, 3, 8]);
        layout.misalign = source.pick(&[0, 0, 1, 3, 7]);
        layout
    }

    /// Any layout of the shape, or of one that broadcasts to it: with extents of 1, or with fewer
    /// axes.
    pub(crate) fn random_input(source: &mut Source<'_>, shape: &[usize]) -> Layout {
        let dropped = if source.one_in(6) { source.below(shape.len() + 1) } else { 0 };
        let mut shape = shape[dropped..].to_vec();
        for extent in &mut shape {
            if source.one_in(8) {
                *extent = 1;
            }
        }
        let mut layout = Layout::random_apart(source, &shape);
        for step in &mut layout.steps {
            if source.one_in(8) {
                *step = 0;
            }
        }
        layout
    }

    pub(crate) fn n_elems(&self) -> usize {
        self.shape.iter().product()
    }

    /// True if no two elements share memory.
    pub(crate) fn is_apart(&self) -> bool {
        self.shape.iter().zip(&self.steps).all(|(&extent, &step)| step != 0 || extent <= 1)
    }

    /// Bytes between neighbours, by axis.
    pub(crate) fn strides(&self, dtype: DType) -> Vec<isize> {
        let mut strides = vec![0; self.shape.len()];
        let mut current = (dtype.size() + self.gap) as isize;
        for &axis in self.order.iter().rev() {
            strides[axis] = current * self.steps[axis];
            if self.steps[axis] != 0 {
                current = strides[axis].abs() * self.shape[axis].max(1) as isize;
            }
        }
        strides
    }
}

/// An array that owns its bytes.
#[derive(Clone)]
pub(crate) struct Array {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<isize>,
    pub(crate) memory: Vec<u8>,
    /// Of the element at index 0 on every axis.
    pub(crate) offset: usize,
}

/// Bytes on both sides of an array that do not belong to it.
const MARGIN: usize = 64;

impl Array {
    /// An array whose bytes all have the same arbitrary value.
    pub(crate) fn garbage(dtype: DType, layout: &Layout) -> Array {
        let strides = layout.strides(dtype);
        let (mut before, mut after) = (0, dtype.size());
        if layout.n_elems() > 0 {
            for (&extent, &stride) in layout.shape.iter().zip(&strides) {
                let reach = (extent - 1) * stride.unsigned_abs();
                *(if stride < 0 { &mut before } else { &mut after }) += reach;
            }
        }
        let memory = vec![0xa5_u8; before + after + 2 * MARGIN];
        let aligned = memory.as_ptr().wrapping_add(MARGIN / 2 + before).align_offset(16);
        let offset = MARGIN / 2 + before + aligned + layout.misalign;
        Array { dtype, shape: layout.shape.clone(), strides, memory, offset }
    }

    /// An array of the values, by index in C order.
    pub(crate) fn new(dtype: DType, layout: &Layout, mut value: impl FnMut(usize) -> u64) -> Array {
        let mut array = Array::garbage(dtype, layout);
        for i in 0..layout.n_elems() {
            array.put(i, value(i));
        }
        array
    }

    /// Where the bytes of the `i`th element in C order start.
    pub(crate) fn position(&self, mut i: usize) -> usize {
        let mut position = self.offset as isize;
        for (&extent, &stride) in self.shape.iter().zip(&self.strides).rev() {
            position += (i % extent) as isize * stride;
            i /= extent;
        }
        position as usize
    }

    pub(crate) fn put(&mut self, i: usize, bits: u64) {
        let (position, size) = (self.position(i), self.dtype.size());
        self.memory[position..position + size].copy_from_slice(&bits.to_ne_bytes()[..size]);
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::from_bytes(&self.memory, self.dtype, &self.shape, &self.strides, self.offset)
            .expect("the memory was made for the layout")
    }

    pub(crate) fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::from_bytes_mut(&mut self.memory, self.dtype, &self.shape, &self.strides, self.offset)
            .expect("the memory was made for the layout, and the elements are apart")
    }

    /// The elements in C order.
    pub(crate) fn scalars(&self) -> Vec<Scalar> {
        self.view().scalars().collect()
    }

    /// The element that belongs to an index of a shape that this one broadcasts to.
    pub(crate) fn at(&self, index: &[usize]) -> Option<Scalar> {
        let index = &index[index.len().checked_sub(self.shape.len())?..];
        let index: Vec<usize> =
            index.iter().zip(&self.shape).map(|(&i, &extent)| if extent == 1 { 0 } else { i }).collect();
        self.view().read(&index)
    }
}

/// True if both are the same bits, or both NaN.
pub(crate) fn same(a: Scalar, b: Scalar) -> bool {
    let is_nan = |scalar: Scalar| match scalar.dtype() {
        DType::Float32 => scalar.get::<f32>().is_some_and(f32::is_nan),
        DType::Float64 => scalar.get::<f64>().is_some_and(f64::is_nan),
        _ => false,
    };
    a == b || (a.dtype() == b.dtype() && is_nan(a) && is_nan(b))
}

/// The values at which operations on a dtype behave differently: zeros, limits, infinities, NaNs.
pub(crate) fn edges(dtype: DType) -> Vec<u64> {
    let f32s = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1.5,
        -2.5,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -f32::NAN,
        f32::MIN_POSITIVE,
        1e-45,
        -1e-42,
        127.5,
        -128.9,
        255.99,
        32768.0,
        65535.5,
        2147483648.0,
        4294967296.0,
        9.223372e18,
        1.8446744e19,
        8388609.0,
        1e30,
        88.7,
        -103.9,
    ];
    let f64s = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1.5,
        -2.5,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        -f64::NAN,
        f64::MIN_POSITIVE,
        5e-324,
        -1e-310,
        127.99,
        -128.5,
        255.5,
        32768.0,
        -32769.0,
        65535.999,
        2147483647.5,
        -2147483648.9,
        4294967295.9,
        9.223372036854775e18,
        1.8446744073709552e19,
        3.5e38,
        1e-39,
        4503599627370497.5,
        709.9,
        -745.2,
        1e300,
    ];
    match dtype {
        DType::Bool => vec![0, 1, 2, 255],
        DType::Float32 => f32s.iter().map(|x: &f32| u64::from(x.to_bits())).collect(),
        DType::Float64 => f64s.iter().map(|x: &f64| x.to_bits()).collect(),
        _ => {
            let bits = 8 * dtype.size() as u32;
            let (all, top) = (u64::MAX >> (64 - bits), 1 << (bits - 1));
            let mut edges =
                vec![0, 1, all, top, top - 1, top + 1, all - 1, 2, 3, u64::from(bits - 1), u64::from(bits), 10, 100];
            edges.push(all - 6);
            edges
        }
    }
}

/// A value of a dtype: an edge, a small one, or any.
pub(crate) fn random_bits(source: &mut Source<'_>, dtype: DType) -> u64 {
    let small = |source: &mut Source<'_>| source.below(41) as i64 - 20;
    match (source.below(8), dtype) {
        (0 | 1, _) => source.pick(&edges(dtype)),
        (2 | 3, DType::Float32) => u64::from((small(source) as f32).to_bits()),
        (2 | 3, DType::Float64) => (small(source) as f64).to_bits(),
        (4 | 5, DType::Float32) => u64::from((source.bits() as i64 as f32 / 1e18).to_bits()),
        (4 | 5, DType::Float64) => (source.bits() as i64 as f64 / 1e18).to_bits(),
        (2 | 3, _) => small(source) as u64,
        _ => source.bits(),
    }
}

/// A pool of values that arrays are filled from.
pub(crate) fn pool(seed: u64, dtype: DType, n: usize) -> Vec<u64> {
    let mut source = Source::from_seed(seed ^ (dtype as u64) << 32);
    let edges = edges(dtype);
    (0..n)
        .map(|_| match source.below(8) {
            0 | 1 => source.pick(&edges),
            _ => random_bits(&mut source, dtype),
        })
        .collect()
}
