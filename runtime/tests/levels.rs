//! Every math function gives the same bits at every CPU level that this machine has, whatever the
//! length of the tile, its alignment, and an element's place in it.

use ndexpr_runtime::abi::TileFn;
use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::dtype::DType;
use ndexpr_runtime::math::{MathFn, MathPair, WideFn};

/// How many arguments each function gets.
const N_ARGS: usize = 1_000_000;

/// A float type, as bits.
trait Float: Copy + PartialEq + std::fmt::Debug {
    const DTYPE: DType;
    /// A number of any kind, from random bits: a few in each ordinary range, and any bit pattern at
    /// all.
    fn from_random(random: u64) -> Self;
    /// What two levels must agree on: the bits, or that it is NaN.
    fn key(self) -> Option<u64>;
}

macro_rules! float {
    ($ty:ident, $bits:ident, $dtype:expr) => {
        impl Float for $ty {
            const DTYPE: DType = $dtype;

            fn from_random(random: u64) -> $ty {
                let unit = (random >> 11) as f64 / 2f64.powi(53);
                let value = match random % 8 {
                    0 | 1 => return $ty::from_bits((random >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) as $bits),
                    2 => unit * 2.0 - 1.0,
                    3 => unit * 20.0 - 10.0,
                    4 => unit * 1500.0 - 750.0,
                    5 => (unit * 400.0 - 200.0).round() / 4.0,
                    6 => unit * 2e5 - 1e5,
                    _ => 1.0 + (unit - 0.5) * 2f64.powi(-((random >> 3) as i32 % 50)),
                };
                value as $ty
            }

            fn key(self) -> Option<u64> {
                (!self.is_nan()).then_some(self.to_bits().into())
            }
        }
    };
}

float!(f32, u32, DType::Float32);
float!(f64, u64, DType::Float64);

/// A generator of 64 random bits at a time (splitmix64).
fn random_bits(seed: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |idx: u64| {
        let mut z = seed.wrapping_add(idx.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

fn arguments<T: Float>(n: usize, seed: u64) -> Vec<T> {
    random_bits(seed).map(T::from_random).take(n).collect()
}

fn levels() -> impl Iterator<Item = CpuLevel> {
    CpuLevel::ALL.into_iter().filter(|&level| level <= CpuLevel::highest())
}

fn run<T: Float>(tile: TileFn, x: &[T], y: &mut [T]) -> Vec<T> {
    assert_eq!(x.len(), y.len());
    let mut out = x.to_vec();
    // SAFETY: the callers give the code for elements of `T`; each of the three has as many, and
    // they do not overlap.
    unsafe { tile(x.len(), out.as_mut_ptr().cast(), x.as_ptr().cast(), y.as_mut_ptr().cast()) };
    out
}

fn check_levels<T: Float>(function: MathFn) {
    let (x, mut y) = (arguments::<T>(N_ARGS, 1), arguments::<T>(N_ARGS, 2));
    let lowest = run(function.tile_fns(T::DTYPE).unwrap().ordinary_at(CpuLevel::Generic).unwrap(), &x, &mut y);
    for level in levels().skip(1) {
        let found = run(function.tile_fns(T::DTYPE).unwrap().ordinary_at(level).unwrap(), &x, &mut y);
        for (idx, (&found, &expected)) in found.iter().zip(&lowest).enumerate() {
            assert_eq!(
                found.key(),
                expected.key(),
                "{}({:?}, {:?}) is {found:?} at {level:?}, {expected:?} at generic",
                function.name(),
                x[idx],
                y[idx],
            );
        }
    }
}

fn check_pair<T: Float>(pair: MathPair, level: CpuLevel) {
    let x = arguments::<T>(N_ARGS, 1);
    let mut second = x.clone();
    let first = run(pair.tile_fns(T::DTYPE).unwrap().ordinary_at(level).unwrap(), &x, &mut second);
    for (function, found) in pair.functions().into_iter().zip([first, second]) {
        let expected = run(function.tile_fns(T::DTYPE).unwrap().ordinary_at(level).unwrap(), &x, &mut x.clone());
        for ((found, expected), x) in found.iter().zip(&expected).zip(&x) {
            assert_eq!(found.key(), expected.key(), "{} of {}({x:?}) at {level:?}", pair.name(), function.name());
        }
    }
}

/// The longest tile below: three vectors of sixteen.
const MOST: usize = 48;

/// Bytes that begin at a multiple of any vector's size.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Buffer([u8; (MOST + 16) * 8]);

/// Checks that a tile of any length, anywhere, has the results that its elements have alone, and
/// nothing else is written. `second` says what is at the second argument: nothing, as many
/// elements, or one.
fn check_places<T: Float>(tile: TileFn, second: usize, what: &str) {
    let (x, y) = (arguments::<T>(MOST, 3), arguments::<T>(MOST, 4));
    let y_of = |idx: usize| if second == 1 { y[0] } else { y[idx] };
    let alone: Vec<_> = (0..MOST).map(|idx| run(tile, &x[idx..=idx], &mut [y_of(idx)])[0].key()).collect();
    let size = size_of::<T>();
    for n in 0..=MOST {
        for offset in [0, 1, size, size + 3, 16, 56] {
            for in_place_of in [None, Some(0), Some(1)] {
                if in_place_of == Some(1) && second != MOST {
                    continue;
                }
                let mut buffers = [Buffer([0xa5_u8; (MOST + 16) * 8]); 3];
                for (buffer, values) in buffers.iter_mut().zip([&x, &y]) {
                    let to = buffer.0[offset..].as_mut_ptr();
                    // SAFETY: `n` elements, or one, fit behind the offset, and those of `T` are
                    // plain bytes.
                    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr().cast(), to, n.max(1) * size) };
                }
                let out_idx = in_place_of.unwrap_or(2);
                if out_idx != 2 && n == 0 {
                    continue;
                }
                let [a, b, out] = [0, 1, out_idx].map(|idx| buffers[idx].0[offset..].as_mut_ptr());
                // SAFETY: the code is that of `T`; `n` elements are there from the offset on in
                // each buffer, and `out` is one of the arguments or a separate buffer.
                unsafe { tile(n, out, a, b) };
                let what = format!("{what}, n {n}, offset {offset}");
                for (idx, expected) in alone.iter().enumerate().take(n) {
                    // SAFETY: `n` elements were written there.
                    let found =
                        unsafe { buffers[out_idx].0.as_ptr().add(offset + idx * size).cast::<T>().read_unaligned() };
                    assert_eq!(found.key(), *expected, "{what}, element {idx} of {in_place_of:?}");
                }
                let around = buffers[out_idx].0[..offset].iter().chain(&buffers[out_idx].0[offset + n * size..]);
                assert!(around.copied().all(|byte| byte == 0xa5), "{what}: wrote outside");
            }
        }
    }
}

/// Checks the places for each function's code at a level, whichever way it writes.
fn check_function<T: Float>(function: MathFn, level: CpuLevel) {
    let what = format!("{} {} {level:?}", function.name(), T::DTYPE);
    let second = if function.arity() == 2 { MOST } else { 0 };
    check_places::<T>(function.tile_fns(T::DTYPE).unwrap().ordinary_at(level).unwrap(), second, &what);
    if let Some(tile) = function.tile_fns(T::DTYPE).unwrap().streaming_at(level) {
        check_places::<T>(tile, second, &format!("{what}, streaming"));
    }
}

/// As [`check_function`], of what is an instruction elsewhere.
fn check_wide<T: Float>(function: WideFn, level: CpuLevel) {
    let what = format!("{} {} {level:?}", function.name(), T::DTYPE);
    let second = if function.arity() == 2 { MOST } else { 0 };
    check_places::<T>(function.tile_fns(T::DTYPE).unwrap().ordinary_at(level).unwrap(), second, &what);
    check_places::<T>(
        function.tile_fns(T::DTYPE).unwrap().streaming_at(level).unwrap(),
        second,
        &format!("{what}, streaming"),
    );
    if let Some(tile) = function.tile_fns_by_one(T::DTYPE).and_then(|tiles| tiles.ordinary_at(level)) {
        check_places::<T>(tile, 1, &format!("{what} by one"));
        let tile = function.tile_fns_by_one(T::DTYPE).unwrap().streaming_at(level).unwrap();
        check_places::<T>(tile, 1, &format!("{what} by one, streaming"));
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    for function in MathFn::ALL {
        check_levels::<f32>(function);
        check_levels::<f64>(function);
    }
}

#[test]
fn pairs_give_the_bits_of_their_functions() {
    for pair in MathPair::ALL {
        for level in levels() {
            check_pair::<f32>(pair, level);
            check_pair::<f64>(pair, level);
        }
    }
}

#[test]
fn an_element_is_the_same_anywhere_in_a_tile() {
    for level in levels() {
        for function in MathFn::ALL {
            check_function::<f32>(function, level);
            check_function::<f64>(function, level);
        }
        for function in WideFn::ALL {
            check_wide::<f32>(function, level);
            check_wide::<f64>(function, level);
        }
    }
}
