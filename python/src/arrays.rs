//! NumPy arrays as the engine sees them: what an array's struct says, and arrays of our own making.
//!
//! In: Python objects. Out: [`Array`], a NumPy array with its parts read, of a dtype that the engine has and in the machine's
//! byte order. Always true: the parts are those that NumPy states, so every element lies in memory that the array, or its
//! base, keeps alive. What other threads do to that memory meanwhile is the caller's affair, as it is with NumPy.

use ndexpr::{DType, View, ViewError, ViewMut};
use numpy::npyffi::objects::PyArrayObject;
use numpy::npyffi::types::{NPY_TYPES, npy_intp};
use numpy::npyffi::{self, PY_ARRAY_API};
use numpy::{PyArrayDescr, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use smallvec::SmallVec;
use std::ffi::{c_int, c_long};
use std::ptr::null_mut;

/// The number of bytes in C's `long`, which NumPy has a dtype of its own for.
const LONG_BYTES: usize = size_of::<c_long>();

/// The engine's dtype for a NumPy type number.
pub(crate) fn dtype_of(type_num: c_int) -> Option<DType> {
    const BOOL: c_int = NPY_TYPES::NPY_BOOL as c_int;
    const BYTE: c_int = NPY_TYPES::NPY_BYTE as c_int;
    const UBYTE: c_int = NPY_TYPES::NPY_UBYTE as c_int;
    const SHORT: c_int = NPY_TYPES::NPY_SHORT as c_int;
    const USHORT: c_int = NPY_TYPES::NPY_USHORT as c_int;
    const INT: c_int = NPY_TYPES::NPY_INT as c_int;
    const UINT: c_int = NPY_TYPES::NPY_UINT as c_int;
    const LONG: c_int = NPY_TYPES::NPY_LONG as c_int;
    const ULONG: c_int = NPY_TYPES::NPY_ULONG as c_int;
    const LONGLONG: c_int = NPY_TYPES::NPY_LONGLONG as c_int;
    const ULONGLONG: c_int = NPY_TYPES::NPY_ULONGLONG as c_int;
    const FLOAT: c_int = NPY_TYPES::NPY_FLOAT as c_int;
    const DOUBLE: c_int = NPY_TYPES::NPY_DOUBLE as c_int;
    Some(match type_num {
        BOOL => DType::Bool,
        BYTE => DType::Int8,
        UBYTE => DType::UInt8,
        SHORT => DType::Int16,
        USHORT => DType::UInt16,
        INT => DType::Int32,
        UINT => DType::UInt32,
        LONG if LONG_BYTES == 8 => DType::Int64,
        ULONG if LONG_BYTES == 8 => DType::UInt64,
        LONG => DType::Int32,
        ULONG => DType::UInt32,
        LONGLONG => DType::Int64,
        ULONGLONG => DType::UInt64,
        FLOAT => DType::Float32,
        DOUBLE => DType::Float64,
        _ => return None,
    })
}

/// The number of the NumPy type that `numpy.dtype` gives for the dtype's name.
fn type_num_of(dtype: DType) -> c_int {
    let number = match dtype {
        DType::Bool => NPY_TYPES::NPY_BOOL,
        DType::Int8 => NPY_TYPES::NPY_BYTE,
        DType::UInt8 => NPY_TYPES::NPY_UBYTE,
        DType::Int16 => NPY_TYPES::NPY_SHORT,
        DType::UInt16 => NPY_TYPES::NPY_USHORT,
        DType::Int32 if LONG_BYTES == 4 => NPY_TYPES::NPY_LONG,
        DType::UInt32 if LONG_BYTES == 4 => NPY_TYPES::NPY_ULONG,
        DType::Int32 => NPY_TYPES::NPY_INT,
        DType::UInt32 => NPY_TYPES::NPY_UINT,
        DType::Int64 if LONG_BYTES == 8 => NPY_TYPES::NPY_LONG,
        DType::UInt64 if LONG_BYTES == 8 => NPY_TYPES::NPY_ULONG,
        DType::Int64 => NPY_TYPES::NPY_LONGLONG,
        DType::UInt64 => NPY_TYPES::NPY_ULONGLONG,
        DType::Float32 => NPY_TYPES::NPY_FLOAT,
        DType::Float64 => NPY_TYPES::NPY_DOUBLE,
    };
    number as c_int
}

/// A NumPy array whose dtype the engine has, in the machine's byte order.
#[derive(Clone)]
pub(crate) struct Array<'py> {
    object: Bound<'py, PyUntypedArray>,
    pub(crate) dtype: DType,
}

impl<'py> Array<'py> {
    /// The array as it is, if the engine can read it so.
    pub(crate) fn new(object: &Bound<'py, PyUntypedArray>) -> Option<Array<'py>> {
        let fields = fields(object);
        // SAFETY: an array's `descr` is never null and lives as long as the array.
        let descr = unsafe { &(*fields.descr).fields };
        let swapped = if cfg!(target_endian = "little") { b'>' } else { b'<' };
        if descr.byteorder as u8 == swapped {
            return None;
        }
        dtype_of(descr.type_num).map(|dtype| Array { object: object.clone(), dtype })
    }

    pub(crate) fn n_axes(&self) -> usize {
        self.shape().len()
    }

    pub(crate) fn shape(&self) -> &[usize] {
        let fields = fields(&self.object);
        // SAFETY: NumPy states `nd` extents there, none of them negative.
        unsafe { slice(fields.dimensions.cast(), fields.nd) }
    }

    pub(crate) fn strides(&self) -> &[isize] {
        let fields = fields(&self.object);
        // SAFETY: NumPy states `nd` strides there.
        unsafe { slice(fields.strides, fields.nd) }
    }

    /// True if the elements lie in memory in C's order, without gaps.
    pub(crate) fn is_c(&self) -> bool {
        fields(&self.object).flags & npyffi::flags::NPY_ARRAY_C_CONTIGUOUS != 0
    }

    /// Where the first element is.
    pub(crate) fn data(&self) -> *mut u8 {
        fields(&self.object).data.cast()
    }

    /// True if the elements lie in memory in Fortran's order, without gaps, and not in C's.
    pub(crate) fn is_fortran(&self) -> bool {
        let flags = fields(&self.object).flags;
        flags & (npyffi::flags::NPY_ARRAY_F_CONTIGUOUS | npyffi::flags::NPY_ARRAY_C_CONTIGUOUS)
            == npyffi::flags::NPY_ARRAY_F_CONTIGUOUS
    }

    /// The elements, to read.
    ///
    /// # Safety
    ///
    /// The array must live for `'v`, and so must the memory it refers to: nobody may resize it. Only an evaluation may
    /// write to the elements through a [`ViewMut`] meanwhile, of which this view is an input.
    pub(crate) unsafe fn view<'v>(&self) -> Result<View<'v>, ViewError> {
        // SAFETY: NumPy vouches that the elements lie in one allocation, and the caller for how long; memory from another
        // language's allocator holds some bytes.
        unsafe { View::from_raw_parts(self.data(), self.dtype, self.shape(), self.strides()) }
    }

    /// The elements, to write.
    ///
    /// # Safety
    ///
    /// As [`Array::view`], and the array must be writeable.
    pub(crate) unsafe fn view_mut<'v>(&self) -> Result<ViewMut<'v>, ViewError> {
        // SAFETY: as in `view`; `from_raw_parts` itself checks that the elements are apart.
        unsafe { ViewMut::from_raw_parts(self.data(), self.dtype, self.shape(), self.strides()) }
    }

    pub(crate) fn is_writeable(&self) -> bool {
        fields(&self.object).flags & npyffi::flags::NPY_ARRAY_WRITEABLE != 0
    }

    pub(crate) fn into_object(self) -> Bound<'py, PyAny> {
        self.object.into_any()
    }

    /// A fresh array from NumPy's allocator, its elements not set, whose axes lie in memory in this order, outermost first;
    /// in C's unless given.
    pub(crate) fn empty(
        py: Python<'py>,
        dtype: DType,
        shape: &[usize],
        order: Option<&[usize]>,
    ) -> PyResult<Array<'py>> {
        let n_axes = c_int::try_from(shape.len()).map_err(|_| too_large())?;
        if shape.iter().any(|&extent| npy_intp::try_from(extent).is_err()) {
            return Err(too_large());
        }
        let order = order.filter(|order| order.iter().enumerate().any(|(place, &axis)| place != axis));
        let mut strides: SmallVec<[npy_intp; 6]> = SmallVec::new();
        if let Some(order) = order {
            strides.resize(shape.len(), 0);
            let mut stride = dtype.size() as npy_intp;
            for &axis in order.iter().rev() {
                strides[axis] = stride;
                stride = stride.checked_mul(shape[axis].max(1) as npy_intp).ok_or_else(too_large)?;
            }
        }
        let strides = if order.is_some() { strides.as_mut_ptr() } else { null_mut() };
        // SAFETY: extents and strides, if any, have `n_axes` entries, of which NumPy's are as wide as ours, none of them is negative,
        // and it only reads them; the type number is one of NumPy's own, so its descriptor is not null, and the call takes
        // over that reference; with null for the memory NumPy allocates it, and with strides it needs no more of it than
        // without, for these are a permutation of an array without gaps.
        let array = unsafe {
            let descr = PY_ARRAY_API.PyArray_DescrFromType(py, type_num_of(dtype));
            let class = npyffi::get_type_object(py, npyffi::NpyTypes::PyArray_Type);
            let array = PY_ARRAY_API.PyArray_NewFromDescr(
                py,
                class,
                descr,
                n_axes,
                shape.as_ptr().cast_mut().cast(),
                strides,
                null_mut(),
                0,
                null_mut(),
            );
            Bound::from_owned_ptr_or_err(py, array)?.cast_into_unchecked()
        };
        Ok(Array { object: array, dtype })
    }
}

fn too_large() -> PyErr {
    pyo3::exceptions::PyMemoryError::new_err("the result is larger than memory can be")
}

fn fields<'a>(object: &'a Bound<'_, PyUntypedArray>) -> &'a npyffi::objects::PyArrayObject_fields {
    let array: *const PyArrayObject = object.as_array_ptr();
    // SAFETY: the object is an array, which is checked where a `PyUntypedArray` is made, and borrowed for `'a`. NumPy's C
    // headers make these fields public, and only its owner may change them in place.
    unsafe { &(*array).fields }
}

/// # Safety
///
/// There must be `n` values at `ptr`, if there are any, for `'a`.
unsafe fn slice<'a, T>(ptr: *const T, n: c_int) -> &'a [T] {
    match n {
        0 => &[],
        // SAFETY: the caller vouches for them.
        n => unsafe { std::slice::from_raw_parts(ptr, n as usize) },
    }
}

/// Any object as an array that the engine can read: itself, or what `numpy.asarray` makes of it, copied where the byte
/// order is not the machine's. `name` is for the error.
pub(crate) fn to_array<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Array<'py>> {
    let py = object.py();
    // SAFETY: null asks for the object's own dtype; the depths say that any rank will do.
    let array = unsafe {
        let array = PY_ARRAY_API.PyArray_FromAny(py, object.as_ptr(), null_mut(), 0, 0, 0, null_mut());
        Bound::from_owned_ptr_or_err(py, array)?.cast_into::<PyUntypedArray>()?
    };
    if let Some(array) = Array::new(&array) {
        return Ok(array);
    }
    let native = array.dtype().call_method1("newbyteorder", ("=",))?;
    let kind: char = native.getattr("kind")?.extract()?;
    let copy = matches!(kind, 'b' | 'i' | 'u' | 'f').then(|| array.call_method1("astype", (native,))).transpose()?;
    let copy = copy.and_then(|copy| copy.cast_into::<PyUntypedArray>().ok());
    copy.and_then(|copy| Array::new(&copy)).ok_or_else(|| unknown_dtype_error(name, &array.dtype()))
}

pub(crate) fn unknown_dtype_error(name: &str, dtype: &Bound<'_, PyArrayDescr>) -> PyErr {
    let found = dtype.str().map_or_else(|_| "of another dtype".to_owned(), |dtype| dtype.to_string());
    let known: Vec<&str> = DType::ALL.iter().map(|dtype| dtype.name()).collect();
    PyTypeError::new_err(format!("`{name}` is {found}; the dtypes that there are: {}", known.join(", ")))
}

/// `order='F'` and the like, in NumPy's spelling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// As the inputs lie in memory.
    #[default]
    Keep,
    C,
    Fortran,
    /// Fortran's if all inputs are in it, else C's.
    Any,
}

impl Order {
    pub(crate) const EXPECTED: &str = "order must be one of 'K', 'C', 'F', 'A'";

    pub(crate) fn from_name(name: &str) -> Option<Order> {
        Some(match name {
            "K" | "k" => Order::Keep,
            "C" | "c" => Order::C,
            "F" | "f" => Order::Fortran,
            "A" | "a" => Order::Any,
            _ => return None,
        })
    }
}
