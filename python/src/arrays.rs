//! NumPy arrays as the engine sees them: what an array's block states, and arrays of our own
//! making.
//!
//! In: Python objects. Out: [`Array`], what NumPy states about an array at one moment, if the
//! engine has its dtype and the byte order is the machine's. Always true: a view is made of what
//! NumPy states at that very moment, so every element lies in memory that the array, or its base,
//! keeps alive.

use crate::calls;
use ndexpr::raw::CallArrays;
use ndexpr::{DType, VarType, View, ViewMut};
use numpy::npyffi::objects::{PyArrayObject, PyArrayObject_fields};
use numpy::npyffi::types::{NPY_TYPES, npy_intp};
use numpy::npyffi::{self, PY_ARRAY_API};
use numpy::{PyArrayDescr, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use smallvec::SmallVec;
use std::ffi::{c_int, c_long};
use std::ptr::null_mut;
use std::slice;

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

/// Finds NumPy's classes, so that later calls only read them.
pub(crate) fn prepare(py: Python<'_>) {
    py.get_type::<PyUntypedArray>();
}

/// True if the engine has the array's dtype, and its elements are in the machine's byte order.
pub(crate) fn is_readable(object: &Bound<'_, PyUntypedArray>) -> bool {
    dtype_of_block(block(object)).is_some()
}

/// True if the array's elements may be written.
pub(crate) fn is_writeable(object: &Bound<'_, PyUntypedArray>) -> bool {
    is_writeable_by(block(object).flags)
}

/// The type that a variable has if its value is this array as it is now; `None` if the array is not
/// [readable](is_readable).
pub(crate) fn type_now(object: &Bound<'_, PyUntypedArray>) -> Option<VarType> {
    let block = block(object);
    let dtype = dtype_of_block(block)?;
    Some(if block.nd == 0 { VarType::scalar(dtype) } else { VarType::array(dtype) })
}

/// The shape of an array whose elements lie in memory in C's order now, without gaps. None for
/// others, and for single values.
pub(crate) fn dense_shape(object: &Bound<'_, PyUntypedArray>) -> Option<SmallVec<[usize; 4]>> {
    let block = block(object);
    (block.nd > 0 && is_c(block.flags)).then(|| SmallVec::from_slice(extents(block).0))
}

/// The address of the first element now, and its dtype, if the array has this shape and its
/// elements lie in C's order without gaps.
pub(crate) fn dense(object: &Bound<'_, PyUntypedArray>, shape: &[usize]) -> Option<(*mut u8, DType)> {
    let block = block(object);
    let is_it = is_c(block.flags) && is_same(extents(block).0, shape);
    if is_it { Some((block.data.cast(), dtype_of_block(block)?)) } else { None }
}

/// The extents along all axes now, in NumPy's memory.
pub(crate) fn shape_now<'a>(object: &'a Bound<'_, PyUntypedArray>) -> &'a [usize] {
    extents(block(object)).0
}

/// Adds an array, as NumPy states it now, to the arrays of a call. Returns false, and adds nothing,
/// if the engine cannot read it, or may not write it if it is to be written.
///
/// # Safety
///
/// The conditions of [`Array::view`] must hold for the array until the call is over. Nothing else
/// may change its shape or its strides either: these are read where NumPy keeps them.
pub(crate) unsafe fn push_to_call<'a>(
    object: &'a Bound<'_, PyUntypedArray>,
    arrays: &mut CallArrays<'a>,
    is_written: bool,
) -> bool {
    let block = block(object);
    let Some(dtype) = dtype_of_block(block) else { return false };
    if is_written && !is_writeable_by(block.flags) {
        return false;
    }
    // SAFETY: NumPy vouches for the numbers, and that the elements lie in one allocation, which the
    // array keeps alive. The caller makes sure that nothing else changes the array.
    unsafe { arrays.push_raw(block.data.cast(), dtype, extents(block), is_written) };
    true
}

/// What NumPy states about an array at one moment, all read together.
///
/// Python code can change each part of it in place: `a.dtype = ...`, `a.shape = ...`,
/// `a.resize(...)`. So an array is read after everything else of a call that may run Python code,
/// and each view of its memory is made by a method that finds out first whether the array is still
/// as it was read. From there until the run begins, nothing here calls Python.
///
/// One danger remains: another thread, or a handler of a signal, may change the same array object
/// in place during the run. NumPy's own functions have no protection against that either.
pub(crate) struct Array<'a, 'py> {
    object: &'a Bound<'py, PyUntypedArray>,
    pub(crate) dtype: DType,
    data: *mut u8,
    flags: c_int,
    // Copies: NumPy frees its own block when the shape is changed.
    shape: SmallVec<[usize; 4]>,
    strides: SmallVec<[isize; 4]>,
}

impl<'a, 'py> Array<'a, 'py> {
    /// Reads the array; `None` if it is not [readable](is_readable).
    pub(crate) fn read(object: &'a Bound<'py, PyUntypedArray>) -> Option<Array<'a, 'py>> {
        let block = block(object);
        let dtype = dtype_of_block(block)?;
        let (shape, strides) = extents(block);
        Some(Array {
            object,
            dtype,
            data: block.data.cast(),
            flags: block.flags,
            shape: SmallVec::from_slice(shape),
            strides: SmallVec::from_slice(strides),
        })
    }

    /// Returns an error if the array is no longer as it was when it was read.
    pub(crate) fn check_unchanged(&self) -> PyResult<()> {
        let block = block(self.object);
        let is_unchanged = block.data.cast() == self.data
            && block.flags == self.flags
            && dtype_of_block(block) == Some(self.dtype)
            && is_same(extents(block).0, &self.shape)
            && is_same(extents(block).1, &self.strides);
        if is_unchanged { Ok(()) } else { Err(changed_error()) }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// True if the elements lie in memory in Fortran's order, without gaps, and not in C's.
    pub(crate) fn is_fortran(&self) -> bool {
        let orders = npyffi::flags::NPY_ARRAY_F_CONTIGUOUS | npyffi::flags::NPY_ARRAY_C_CONTIGUOUS;
        self.flags & orders == npyffi::flags::NPY_ARRAY_F_CONTIGUOUS
    }

    pub(crate) fn is_writeable(&self) -> bool {
        is_writeable_by(self.flags)
    }

    /// The elements, to read.
    ///
    /// # Safety
    ///
    /// Until the view is used for the last time, nothing may change the array object in place. Only
    /// an evaluation of which this view is an input may write to the elements meanwhile, through a
    /// [`ViewMut`].
    pub(crate) unsafe fn view(&self) -> PyResult<View<'a>> {
        self.check_unchanged()?;
        // SAFETY: the array is as NumPy states it now, and NumPy vouches that the elements lie in
        // one allocation. The array is borrowed for `'a`, which keeps that allocation alive, and
        // the caller makes sure that nothing else frees it. Memory from another language's
        // allocator always holds some bytes, so it counts as initialised.
        let view = unsafe { View::from_raw_parts(self.data, self.dtype, &self.shape, &self.strides) };
        view.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The elements, to write.
    ///
    /// # Safety
    ///
    /// The conditions of [`Array::view`] hold here too, and the array must be writeable.
    pub(crate) unsafe fn view_mut(&self) -> PyResult<ViewMut<'a>> {
        self.check_unchanged()?;
        // SAFETY: as in `view`; `from_raw_parts` itself checks that no two elements overlap.
        let view = unsafe { ViewMut::from_raw_parts(self.data, self.dtype, &self.shape, &self.strides) };
        view.map_err(|error| PyValueError::new_err(format!("out: {error}")))
    }
}

/// A fresh array from NumPy's allocator. Its elements are not set. Its axes lie in memory in the
/// given order, outermost first, or in C's order if none is given.
pub(crate) fn empty<'py>(
    py: Python<'py>,
    dtype: DType,
    shape: &[usize],
    order: Option<&[usize]>,
) -> PyResult<Bound<'py, PyUntypedArray>> {
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
            let extent = shape[axis].max(1) as npy_intp;
            stride = stride.checked_mul(extent).ok_or_else(too_large)?;
        }
    }
    let strides = if order.is_some() { strides.as_mut_ptr() } else { null_mut() };
    // SAFETY: the extents, and the strides if there are any, have `n_axes` entries. NumPy's entries
    // are as wide as ours, none of them is negative, and NumPy only reads them. The type number is
    // one of NumPy's own, so its descriptor is not null, and the call takes over that reference.
    // The pointer to the memory is null, so NumPy allocates the memory. With strides it needs no
    // more memory than without, because these are the strides of a permuted array without gaps.
    unsafe {
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
        Ok(Bound::from_owned_ptr_or_err(py, array)?.cast_into_unchecked())
    }
}

fn too_large() -> PyErr {
    PyMemoryError::new_err("the result is larger than memory can be")
}

pub(crate) fn changed_error() -> PyErr {
    PyRuntimeError::new_err("an array was changed in place while the evaluation was being prepared")
}

/// NumPy's own block of facts about an array. Python code may change it, so no function here keeps
/// it across a call that could run Python code.
fn block<'a>(object: &'a Bound<'_, PyUntypedArray>) -> &'a PyArrayObject_fields {
    let array: *const PyArrayObject = object.as_array_ptr();
    // SAFETY: the object is an array, which is checked where a `PyUntypedArray` is made, and it is
    // borrowed for `'a`. NumPy's C headers make these fields public.
    unsafe { &(*array).fields }
}

fn dtype_of_block(block: &PyArrayObject_fields) -> Option<DType> {
    // SAFETY: an array's `descr` is never null and lives as long as the array refers to it.
    let descr = unsafe { &(*block.descr).fields };
    let swapped = if cfg!(target_endian = "little") { b'>' } else { b'<' };
    if descr.byteorder as u8 == swapped { None } else { dtype_of(descr.type_num) }
}

/// The shape and the strides, in NumPy's memory.
fn extents(block: &PyArrayObject_fields) -> (&[usize], &[isize]) {
    if block.nd == 0 {
        return (&[], &[]);
    }
    let n_axes = block.nd as usize;
    // SAFETY: NumPy states `nd` extents, none of them negative, and as many strides, in a block
    // that it keeps until the shape is changed.
    unsafe {
        let shape = slice::from_raw_parts(block.dimensions.cast(), n_axes);
        (shape, slice::from_raw_parts(block.strides, n_axes))
    }
}

fn is_writeable_by(flags: c_int) -> bool {
    flags & npyffi::flags::NPY_ARRAY_WRITEABLE != 0
}

fn is_c(flags: c_int) -> bool {
    flags & npyffi::flags::NPY_ARRAY_C_CONTIGUOUS != 0
}

/// Compares shapes or strides. Most are short, and for short ones this is quicker than calling a
/// function that compares memory.
fn is_same<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a == b)
}

/// Returns an object as an array that the engine can read: the object itself, or what
/// `numpy.asanyarray` makes of it. It is copied if its byte order is not the machine's. `name` is
/// for the error.
pub(crate) fn to_array<'py>(object: &Bound<'py, PyAny>, name: &str) -> PyResult<Bound<'py, PyUntypedArray>> {
    refuse_masked_items(object, name)?;
    let array = calls::array_of(object)?.cast_into::<PyUntypedArray>()?;
    refuse_masked(&array, name)?;
    if is_readable(&array) {
        return Ok(array);
    }
    let py = object.py();
    let dtype = array.dtype();
    let native = calls::call_method(&dtype, intern!(py, "newbyteorder"), ("=",))?;
    let kind: char = calls::get_attr(&native, intern!(py, "kind"))?.extract()?;
    if matches!(kind, 'b' | 'i' | 'u' | 'f') {
        let copy = calls::call_method(&array, intern!(py, "astype"), (native,))?;
        if let Ok(copy) = copy.cast_into::<PyUntypedArray>()
            && is_readable(&copy)
        {
            return Ok(copy);
        }
    }
    Err(unknown_dtype_error(name, &dtype))
}

/// Returns an error if the array has a mask. The engine does not know masks, so it would lose it.
pub(crate) fn refuse_masked(array: &Bound<'_, PyUntypedArray>, name: &str) -> PyResult<()> {
    if array.is_exact_instance_of::<PyUntypedArray>() {
        return Ok(());
    }
    // As long as nobody has imported the module, there is no masked array.
    let py = array.py();
    let modules = calls::get_attr(&calls::import(intern!(py, "sys"))?, intern!(py, "modules"))?;
    let module = modules.cast::<PyDict>()?.get_item(intern!(py, "numpy.ma"))?;
    let masked = module.and_then(|module| calls::get_attr(&module, intern!(py, "MaskedArray")).ok());
    let Some(masked) = masked else { return Ok(()) };
    if !array.is_instance(&masked)? {
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "`{name}` is a masked array, and masks are not computed with: \
         give `{name}.filled(value)` for a value in the masked places, or `{name}.data` for what lies under the mask"
    )))
}

/// The same as [`refuse_masked`] for the arrays in a list or a tuple: NumPy joins them without
/// their masks.
fn refuse_masked_items(object: &Bound<'_, PyAny>, name: &str) -> PyResult<()> {
    let check = |item: Bound<'_, PyAny>| match item.cast::<PyUntypedArray>() {
        Ok(array) => refuse_masked(array, name),
        Err(_) => Ok(()),
    };
    if let Ok(list) = object.cast_exact::<PyList>() {
        list.iter().try_for_each(check)
    } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
        tuple.iter().try_for_each(check)
    } else {
        Ok(())
    }
}

pub(crate) fn unknown_dtype_error(name: &str, dtype: &Bound<'_, PyArrayDescr>) -> PyErr {
    let found = calls::str_of(dtype).and_then(|found| found.extract());
    let found = found.unwrap_or_else(|_| "of another dtype".to_owned());
    let known: Vec<&str> = DType::ALL.iter().map(|dtype| dtype.name()).collect();
    let known = known.join(", ");
    PyTypeError::new_err(format!("`{name}` is {found}; the dtypes that there are: {known}"))
}

/// The memory order of a fresh result, as the option `order='F'` and others state it. The spelling
/// is NumPy's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    /// The order in which the inputs lie in memory.
    #[default]
    Keep,
    C,
    Fortran,
    /// Fortran's order if all inputs are in it, otherwise C's order.
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
