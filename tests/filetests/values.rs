//! The arrays of a `run` section: read from text, laid out in memory in many ways, compared bit for
//! bit.

use ndexpr::{DType, DynArray, Scalar, Var, View};

/// An array in C order.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) bits: Vec<u64>,
}

impl Array {
    /// Reads `f64[2,3] 1 2 3 4 5 6`, or `f64 1` for a single value.
    pub(crate) fn parse(text: &str) -> Result<Array, String> {
        let mut words = text.split_whitespace();
        let ty = words.next().ok_or("an array is missing")?;
        let (dtype, shape) = match ty.split_once('[') {
            None => (ty, Vec::new()),
            Some((dtype, shape)) => {
                let shape = shape.strip_suffix(']').ok_or_else(|| format!("`{ty}` lacks a `]`"))?;
                let extents = shape.split(',').filter(|extent| !extent.is_empty());
                (dtype, extents.map(|n| n.parse().map_err(|_| format!("extent `{n}`"))).collect::<Result<_, _>>()?)
            }
        };
        let dtype = DType::from_name(dtype).ok_or_else(|| format!("there is no dtype `{dtype}`"))?;
        let bits: Vec<u64> = words.map(|word| element(dtype, word)).collect::<Result<_, _>>()?;
        if bits.len() != shape.iter().product::<usize>() {
            return Err(format!("shape {shape:?} does not have {} elements", bits.len()));
        }
        Ok(Array { dtype, shape, bits })
    }

    pub(crate) fn of(result: &DynArray) -> Array {
        let bits = result.scalars().map(Scalar::bits).collect();
        Array { dtype: result.dtype(), shape: result.shape().to_vec(), bits }
    }

    /// The elements for every index of a larger shape, as broadcasting has it.
    pub(crate) fn broadcast_to(&self, shape: &[usize]) -> Array {
        let strides = c_strides(&self.shape);
        let n_new = shape.len() - self.shape.len();
        let bits = indices(shape)
            .map(|index| {
                let place = |axis: usize| if self.shape[axis] == 1 { 0 } else { index[n_new + axis] * strides[axis] };
                self.bits[(0..strides.len()).map(place).sum::<usize>()]
            })
            .collect();
        Array { dtype: self.dtype, shape: shape.to_vec(), bits }
    }

    /// With a new first axis, along which the array is repeated; as of rank `n_axes` before.
    pub(crate) fn repeated_outside(&self, n_axes: usize, n: usize) -> Array {
        let mut shape = vec![1; n_axes - self.shape.len()];
        shape.extend(&self.shape);
        shape.insert(0, n);
        Array { dtype: self.dtype, shape, bits: self.bits.repeat(n) }
    }

    /// With a new last axis, along which each element is repeated.
    pub(crate) fn repeated_inside(&self, n: usize) -> Array {
        let mut shape = self.shape.clone();
        shape.push(n);
        let bits = self.bits.iter().flat_map(|&bits| std::iter::repeat_n(bits, n)).collect();
        Array { dtype: self.dtype, shape, bits }
    }

    /// A NaN is any NaN.
    pub(crate) fn equals(&self, other: &Array, max_ulp: u64) -> bool {
        self.dtype == other.dtype
            && self.shape == other.shape
            && self.bits.iter().zip(&other.bits).all(|(&a, &b)| distance(self.dtype, a, b) <= max_ulp)
    }

    /// The first place where two arrays of one dtype and shape differ.
    pub(crate) fn first_difference(&self, other: &Array) -> String {
        let show = |bits| Scalar::from_bits(self.dtype, bits);
        let differs = |&i: &usize| distance(self.dtype, self.bits[i], other.bits[i]) > 0;
        match (0..self.bits.len().min(other.bits.len())).find(differs) {
            Some(i) => format!("element {i} is {}, expected {}", show(self.bits[i]), show(other.bits[i])),
            None => "the dtypes or shapes differ".to_owned(),
        }
    }
}

impl std::fmt::Display for Array {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let extents: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        write!(f, "{}[{}]", self.dtype.short_name(), extents.join(","))?;
        self.bits.iter().try_for_each(|&bits| write!(f, " {}", Scalar::from_bits(self.dtype, bits)))
    }
}

/// The distance of two elements: 0 for equal ones, 1 for neighbouring floats. Integers are either
/// equal or far apart.
fn distance(dtype: DType, a: u64, b: u64) -> u64 {
    // The bits of floats in order, around 0.
    let (a, b) = match dtype {
        DType::Float32 => {
            let (a, b) = (f32::from_bits(a as u32), f32::from_bits(b as u32));
            if a.is_nan() && b.is_nan() {
                return 0;
            }
            (i128::from(a.to_bits() as i32), i128::from(b.to_bits() as i32))
        }
        DType::Float64 => {
            let (a, b) = (f64::from_bits(a), f64::from_bits(b));
            if a.is_nan() && b.is_nan() {
                return 0;
            }
            (i128::from(a.to_bits() as i64), i128::from(b.to_bits() as i64))
        }
        _ => return if a == b { 0 } else { u64::MAX },
    };
    if (a < 0) != (b < 0) { u64::MAX } else { u64::try_from((a - b).abs()).unwrap_or(u64::MAX) }
}

fn element(dtype: DType, word: &str) -> Result<u64, String> {
    let wrong = |_| format!("`{word}` is no {dtype}");
    Ok(match dtype {
        DType::Bool => u64::from(word.parse::<bool>().map_err(|_| format!("`{word}` is no bool"))?),
        DType::Float32 => {
            let value = match hexadecimal(word) {
                Some(value) if f64::from(value as f32) == value => value as f32,
                Some(_) => return Err(format!("`{word}` is not exact in float32")),
                None => word.parse().map_err(|_| format!("`{word}` is no float32"))?,
            };
            u64::from(value.to_bits())
        }
        DType::Float64 => hexadecimal(word)
            .map_or_else(|| word.parse::<f64>(), Ok)
            .map_err(|_| format!("`{word}` is no float64"))?
            .to_bits(),
        _ => {
            let value: i128 = word.parse().map_err(wrong)?;
            let scalar = Scalar::from_bits(dtype, value as u64);
            if scalar.to_string() != word {
                return Err(format!("`{word}` is no {dtype}"));
            }
            scalar.bits()
        }
    })
}

/// A float as Python's `float.hex` writes it, if it is one and no bit of it is lost.
fn hexadecimal(word: &str) -> Option<f64> {
    let (sign, digits) = word.strip_prefix('-').map_or((1.0, word), |digits| (-1.0, digits));
    let (digits, exponent) = digits.strip_prefix("0x")?.split_once('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let exponent = exponent.parse::<i32>().ok()? - 4 * fraction.len() as i32;
    // In two steps, so that a subnormal is not 0 on the way.
    let half = exponent / 2;
    let value = mantissa as f64 * 2_f64.powi(half) * 2_f64.powi(exponent - half);
    (mantissa < 1 << 53).then_some(sign * value)
}

/// A way to lay an array out in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Layout {
    Contiguous,
    /// The first axis runs fastest.
    Fortran,
    /// Every axis runs backwards.
    Reversed,
    /// Gaps of two elements, with other values in them.
    Strided,
    /// In the middle of a larger array, at an odd address.
    Window,
    /// A new first axis of 3, of stride 0.
    Stretched,
}

impl Layout {
    pub(crate) const ALL: [Layout; 6] =
        [Layout::Contiguous, Layout::Fortran, Layout::Reversed, Layout::Strided, Layout::Window, Layout::Stretched];
}

/// An array in memory.
pub(crate) struct Memory {
    bytes: Vec<u8>,
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
    offset: usize,
}

impl Memory {
    pub(crate) fn new(array: &Array, layout: Layout, n_axes: usize) -> Memory {
        let size = array.dtype.size();
        let n = array.shape.len();
        let mut shape = array.shape.clone();
        // Extents of the memory, innermost last, and its axes in that order.
        let mut order: Vec<usize> = (0..n).collect();
        let (mut padding, mut gap, mut offset) = (0, 1, 0);
        match layout {
            Layout::Fortran => order.reverse(),
            Layout::Strided => gap = 3,
            Layout::Window => (padding, offset) = (2, 1),
            Layout::Contiguous | Layout::Reversed | Layout::Stretched => {}
        }
        let mut strides = vec![0_isize; n];
        let mut next = (size * gap) as isize;
        for &axis in order.iter().rev() {
            strides[axis] = next;
            next *= (shape[axis] + padding) as isize;
        }
        offset += strides.iter().map(|stride| *stride as usize * (padding / 2)).sum::<usize>();
        if layout == Layout::Reversed {
            for (stride, &extent) in strides.iter_mut().zip(&shape) {
                offset += *stride as usize * extent.saturating_sub(1);
                *stride = -*stride;
            }
        }
        // The bytes between the elements are unlikely to be an element's.
        let mut bytes = vec![0xa5; next as usize + offset + size];
        if layout == Layout::Contiguous {
            bytes.clear();
            array.bits.iter().for_each(|bits| bytes.extend(&bits.to_ne_bytes()[..size]));
            return Memory { bytes, dtype: array.dtype, shape, strides, offset };
        }
        for (index, bits) in indices(&shape).zip(&array.bits) {
            let place: isize = index.iter().zip(&strides).map(|(&i, stride)| i as isize * stride).sum();
            let at = (offset as isize + place) as usize;
            bytes[at..at + size].copy_from_slice(&bits.to_ne_bytes()[..size]);
        }
        if layout == Layout::Stretched {
            let n_units = n_axes - n;
            shape.splice(0..0, std::iter::once(3).chain(std::iter::repeat_n(1, n_units)));
            strides.splice(0..0, std::iter::repeat_n(0, n_units + 1));
        }
        Memory { bytes, dtype: array.dtype, shape, strides, offset }
    }

    pub(crate) fn var(&self, is_scalar: bool) -> Var<'_> {
        if is_scalar {
            let mut bits = [0; 8];
            let size = self.dtype.size();
            bits[..size].copy_from_slice(&self.bytes[self.offset..self.offset + size]);
            return Scalar::from_bits(self.dtype, u64::from_ne_bytes(bits)).into();
        }
        View::from_bytes(&self.bytes, self.dtype, &self.shape, &self.strides, self.offset)
            .expect("the view lies within its memory")
            .into()
    }
}

fn c_strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// All indices of a shape in C order.
fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let strides = c_strides(shape);
    let shape = shape.to_vec();
    (0..shape.iter().product())
        .map(move |i: usize| strides.iter().zip(&shape).map(|(&stride, &extent)| i / stride % extent).collect())
}
