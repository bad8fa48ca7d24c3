//! Memory for large arrays: it begins with a page, in huge pages if the system has them, and has
//! been touched.

use memmap2::MmapMut;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Bytes.
pub(crate) struct Memory {
    map: MmapMut,
}

impl Memory {
    /// Memory that the system has promised, but not provided yet.
    pub(crate) fn untouched(n_bytes: usize) -> Memory {
        let map = MmapMut::map_anon(n_bytes.max(1)).expect("there is as much memory");
        // A hint, which the system may ignore.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Memory { map }
    }

    pub(crate) fn touched(n_bytes: usize) -> Memory {
        let mut memory = Memory::untouched(n_bytes);
        memory.map.fill(1);
        memory
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map
    }
}

/// Types of which any bytes are a value.
///
/// # Safety
///
/// Any bytes must be a value of the type, and it must have no padding.
pub(crate) unsafe trait Number: Copy + Send + Sync + 'static {}

// SAFETY: any bytes are a value of these types, which have no padding.
unsafe impl Number for f64 {}
// SAFETY: as above.
unsafe impl Number for f32 {}
// SAFETY: as above.
unsafe impl Number for u8 {}
// SAFETY: as above.
unsafe impl Number for i8 {}

/// Bytes as numbers. Panics unless they are aligned for these.
pub(crate) fn typed<T: Number>(bytes: &[u8]) -> &[T] {
    // SAFETY: any bytes are a value of a `Number`.
    let (before, numbers, _) = unsafe { bytes.align_to() };
    assert!(before.is_empty(), "aligned");
    numbers
}

/// As [`typed`].
pub(crate) fn typed_mut<T: Number>(bytes: &mut [u8]) -> &mut [T] {
    // SAFETY: any bytes are a value of a `Number`, and the other way round.
    let (before, numbers, _) = unsafe { bytes.align_to_mut() };
    assert!(before.is_empty(), "aligned");
    numbers
}

/// Numbers in such memory.
pub(crate) struct Array<T> {
    memory: Memory,
    numbers: PhantomData<T>,
}

impl<T: Number> Array<T> {
    pub(crate) fn from_fn(len: usize, value: impl Fn(usize) -> T) -> Array<T> {
        let mut array = Array { memory: Memory::touched(len * size_of::<T>()), numbers: PhantomData };
        array.iter_mut().enumerate().for_each(|(i, number)| *number = value(i));
        array
    }
}

impl<T: Number> Deref for Array<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        typed(&self.memory.map)
    }
}

impl<T: Number> DerefMut for Array<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        typed_mut(&mut self.memory.map)
    }
}
