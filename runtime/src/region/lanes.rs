//! The lanes of a tile that a region works on: copies of what they carry, side by side.
//!
//! In: arrays of a tile. Out: the results of its elements. Always true: each array has `n_padded`
//! initialised elements; lanes behind the first `n` are not active; the elements of results that
//! have left are written already.

use super::{ALIGN, TRUE};
use crate::abi::Operand;

/// At most so many lanes of so many may be left for compacting to pay.
// Chosen by "compaction" in docs/measurements.md.
const MOST_LEFT: (usize, usize) = (3, 4);

/// Where the elements of an array are.
#[derive(Clone, Copy, Debug)]
struct Place {
    ptr: *mut u8,
    size: usize,
}

impl Place {
    fn operand(&self) -> Operand {
        Operand { ptr: self.ptr, lane_stride: self.size as isize, row_stride: 0 }
    }
}

/// The lanes; see the module.
pub(super) struct Lanes<'s> {
    /// Memory for each array.
    own: Vec<Place>,
    /// Where each array is: in its memory, or where the caller has it.
    places: Vec<Place>,
    /// For each lane the element of the tile that it is, once lanes have left.
    elems: &'s mut [u32],
    /// Room for the lanes that stay when others leave, and for those that leave.
    stay: &'s mut [u32],
    leave: &'s mut [u32],
    has_left: bool,
    n: usize,
    /// Kernels are called for multiples of so many lanes.
    pad: usize,
}

/// The bytes of an array, rounded up so that each begins at a cache line.
fn array_bytes(capacity: usize, size: usize) -> usize {
    (capacity * size).next_multiple_of(ALIGN)
}

impl<'s> Lanes<'s> {
    /// The bytes that arrays of elements of these sizes take.
    pub(super) fn n_bytes(capacity: usize, sizes: &[usize]) -> usize {
        sizes.iter().chain(&[size_of::<u32>(); 3]).map(|&size| array_bytes(capacity, size)).sum()
    }

    /// Lanes in memory of [`n_bytes`](Lanes::n_bytes).
    ///
    /// # Safety
    ///
    /// There must be so much initialised memory at `ptr`, aligned to 64, for `'s`, and nobody else
    /// may use it.
    pub(super) unsafe fn new(ptr: *mut u8, capacity: usize, pad: usize, sizes: &[usize]) -> Lanes<'s> {
        let list_bytes = array_bytes(capacity, size_of::<u32>());
        let [elems, stay, leave] = [0, 1, 2].map(|k| {
            let list = ptr.wrapping_add(k * list_bytes).cast::<u32>();
            // SAFETY: the memory begins with room for three lists of so many, aligned and
            // initialised.
            unsafe { std::slice::from_raw_parts_mut(list, capacity) }
        });
        let mut offset = 3 * list_bytes;
        let own: Vec<Place> = sizes
            .iter()
            .map(|&size| {
                let place = Place { ptr: ptr.wrapping_add(offset), size };
                offset += array_bytes(capacity, size);
                place
            })
            .collect();
        Lanes { places: own.clone(), own, elems, stay, leave, has_left: false, n: 0, pad }
    }

    pub(super) fn n_arrays(&self) -> usize {
        self.places.len()
    }

    /// The operands of a kernel: all arrays, a true bool for all lanes if the kernel has it, and
    /// then the first arrays once more, as outputs.
    pub(super) fn operands(&self, n_outputs: usize, has_bool: bool) -> Vec<Operand> {
        let arrays = |places: &[Place]| places.iter().map(Place::operand).collect::<Vec<_>>();
        let single = Operand { ptr: (&raw const TRUE).cast_mut().cast(), lane_stride: 0, row_stride: 0 };
        let mut operands = arrays(&self.places);
        operands.extend(has_bool.then_some(single));
        operands.extend(arrays(&self.places[..n_outputs]));
        operands
    }

    /// Whether lanes have left.
    pub(super) fn has_left(&self) -> bool {
        self.has_left
    }

    /// The lanes that kernels are called for.
    pub(super) fn n_padded(&self) -> usize {
        self.n.next_multiple_of(self.pad)
    }

    /// Takes `n` elements of each array. The first `n_own` arrays are copied, because they will
    /// change, and the others if kernels would read beyond their end.
    ///
    /// # Safety
    ///
    /// `arg` must give addresses of so many elements, and there must be room for them.
    pub(super) unsafe fn load(&mut self, n: usize, n_own: usize, arg: &dyn Fn(usize) -> *const u8) {
        self.n = n;
        let n_padded = self.n_padded();
        for (k, (place, own)) in self.places.iter_mut().zip(&self.own).enumerate() {
            if k >= n_own && n == n_padded {
                place.ptr = arg(k).cast_mut();
                continue;
            }
            *place = *own;
            // SAFETY: the caller's contract; the memory has room for the padded lanes. The last of
            // the copied arrays says that lanes behind the end are not active.
            unsafe {
                own.ptr.copy_from_nonoverlapping(arg(k), n * own.size);
                if k + 1 == n_own {
                    own.ptr.add(n).write_bytes(0, n_padded - n);
                }
            }
        }
    }

    /// Gives the lanes behind the end the values of the last one: what functions of the application
    /// are called with must be what an element has. The active flags are left as they are.
    pub(super) fn fill_padding(&mut self, active: usize) {
        let (n, n_padded) = (self.n, self.n_padded());
        for place in self.places.iter().enumerate().filter(|&(k, _)| k != active).map(|(_, place)| place) {
            for lane in n..n_padded {
                // SAFETY: an array with padding is in memory of its own, which has room for it.
                // There is at least one lane.
                unsafe {
                    let last = place.ptr.add((n - 1) * place.size);
                    place.ptr.add(lane * place.size).copy_from_nonoverlapping(last, place.size);
                }
            }
        }
    }

    fn flags(&self, active: usize) -> &[u8] {
        // SAFETY: the array has so many initialised bytes.
        unsafe { std::slice::from_raw_parts(self.places[active].ptr, self.n) }
    }

    /// How many lanes go on; `active` is the array that says it.
    pub(super) fn n_active(&self, active: usize) -> usize {
        // Bytes of 0 or 1, in parts that a byte can count.
        self.flags(active).chunks(255).map(|part| usize::from(part.iter().sum::<u8>())).sum()
    }

    /// Whether so few lanes go on that it is worth moving them together.
    pub(super) fn is_worth_compacting(&self, n_active: usize) -> bool {
        n_active.next_multiple_of(self.pad) * MOST_LEFT.1 <= self.n_padded() * MOST_LEFT.0
    }

    /// Lists the lanes that stay and those that leave, in order, and gives their numbers. It has no
    /// branches, because which lanes end cannot be foretold.
    fn part(&mut self, active: usize) -> (usize, usize) {
        // SAFETY: the array has so many initialised bytes.
        let flags = unsafe { std::slice::from_raw_parts(self.places[active].ptr, self.n) };
        let (mut n_stay, mut n_leave) = (0, 0);
        for (lane, &flag) in flags.iter().enumerate() {
            // Neither list gets ahead of the lane, which is below the length of both.
            self.stay[n_stay] = lane as u32;
            self.leave[n_leave] = lane as u32;
            let stays = usize::from(flag != 0);
            n_stay += stays;
            n_leave += 1 - stays;
        }
        (n_stay, n_leave)
    }

    /// Moves the lanes that go on together, and writes the results of the others. `results` tells
    /// of the first arrays where the results of all elements go, if they go anywhere.
    ///
    /// # Safety
    ///
    /// There must be room for the results of all elements.
    pub(super) unsafe fn compact(&mut self, active: usize, results: &[*mut u8]) {
        let (n_stay, n_leave) = self.part(active);
        let (stay, leave) = (&self.stay[..n_stay], &self.leave[..n_leave]);
        if !self.has_left {
            self.elems.iter_mut().zip(0..).for_each(|(elem, lane)| *elem = lane);
        }
        // The arguments that are still where the caller has them are copied before any result is
        // written: a result may be in the same place.
        for (place, own) in self.places.iter_mut().zip(&self.own).skip(active + 1) {
            // SAFETY: the lanes are among the `n` elements of the array.
            unsafe { gather(place.size, stay, place.ptr, own.ptr) };
            *place = *own;
        }
        for (place, &out) in self.places.iter().zip(results).filter(|(_, out)| !out.is_null()) {
            // SAFETY: the lanes are among those of the array, and their elements among those that
            // the caller vouches for.
            unsafe { scatter(place.size, leave, self.elems, place.ptr, out) };
        }
        for place in &self.places[..active] {
            // SAFETY: the lanes are among the `n` elements of the array.
            unsafe { gather(place.size, stay, place.ptr, place.ptr) };
        }
        for (to, &from) in stay.iter().enumerate() {
            self.elems[to] = self.elems[from as usize];
        }
        (self.n, self.has_left) = (stay.len(), true);
        let n_padded = self.n_padded();
        let flags = self.places[active].ptr;
        // SAFETY: the array has room for the padded lanes.
        unsafe {
            flags.write_bytes(1, self.n);
            flags.add(self.n).write_bytes(0, n_padded - self.n);
        }
    }

    /// Writes the results of the lanes that are left.
    ///
    /// # Safety
    ///
    /// There must be room for the results of all elements at `out`, unless it is null.
    pub(super) unsafe fn store(&mut self, of: usize, out: *mut u8) {
        let place = self.places[of];
        if out.is_null() {
            return;
        }
        // SAFETY: the caller's contract.
        unsafe {
            match self.has_left {
                false => out.copy_from_nonoverlapping(place.ptr, self.n * place.size),
                true => {
                    self.stay.iter_mut().zip(0..).for_each(|(to, lane)| *to = lane);
                    scatter(place.size, &self.stay[..self.n], self.elems, place.ptr, out);
                }
            }
        }
    }
}

/// Copies the elements of some lanes, in increasing order, to the front of an array, which may be
/// the same one.
///
/// # Safety
///
/// There must be such elements of `size` bytes, and room for as many.
unsafe fn gather(size: usize, lanes: &[u32], from: *const u8, to: *mut u8) {
    macro_rules! copy {
        ($word:ty) => {
            for (k, &lane) in lanes.iter().enumerate() {
                // SAFETY: the caller's contract.
                unsafe {
                    let value = from.cast::<$word>().add(lane as usize).read_unaligned();
                    to.cast::<$word>().add(k).write_unaligned(value);
                }
            }
        };
    }
    match size {
        1 => copy!(u8),
        2 => copy!(u16),
        4 => copy!(u32),
        _ => copy!(u64),
    }
}

/// Copies the elements of some lanes to the places that they have among the elements of a tile.
///
/// # Safety
///
/// There must be such elements of `size` bytes, and room for an element at each of their places.
unsafe fn scatter(size: usize, lanes: &[u32], elems: &[u32], from: *const u8, to: *mut u8) {
    macro_rules! copy {
        ($word:ty) => {
            for &lane in lanes {
                let elem = elems[lane as usize] as usize;
                // SAFETY: the caller's contract.
                unsafe {
                    let value = from.cast::<$word>().add(lane as usize).read_unaligned();
                    to.cast::<$word>().add(elem).write_unaligned(value);
                }
            }
        };
    }
    match size {
        1 => copy!(u8),
        2 => copy!(u16),
        4 => copy!(u32),
        _ => copy!(u64),
    }
}
