//! Tests every operation, in every instance that this machine has, against what it is documented to
//! be in scalar arithmetic. The instances run in tile functions, because these have the
//! instructions.

use super::*;
use crate::abi::TileFn;
use crate::arch::CpuLevel;
use crate::arch::tiles::{self, Binary};

/// An element type, with what the scalar side of the tests needs.
trait Number: Copy + std::fmt::Debug + 'static {
    const SPECIAL: &'static [Self];
    fn of_random(bits: u64) -> Self;
    fn bits(self) -> u64;
    fn is_nan(self) -> bool;
    /// The number whose bits are larger by `difference`, as an integer.
    fn neighbour(self, difference: i64) -> Self;
    fn tile<F: Binary>(level: CpuLevel) -> TileFn;
}

macro_rules! number {
    ($float:ident, $bits:ident, $tile:ident, below_ulp_1: $below_ulp_1:expr) => {
        impl Number for $float {
            const SPECIAL: &'static [$float] = &[
                0.0,
                -0.0,
                0.25,
                0.5,
                -0.5,
                1.0,
                -1.0,
                1.5,
                2.5,
                -2.5,
                3.0,
                -7.0,
                1.0 + $float::EPSILON,
                1.0 - $float::EPSILON / 2.0,
                $below_ulp_1 - 0.5,
                0.5 - $below_ulp_1,
                $below_ulp_1 + 1.0,
                -2.0 * $below_ulp_1,
                4.0 * $below_ulp_1 + 4.0,
                $float::MIN_POSITIVE,
                -$float::MIN_POSITIVE,
                $float::from_bits(1),
                -$float::from_bits(1),
                $float::from_bits($float::MIN_POSITIVE.to_bits() - 1),
                $float::MAX,
                $float::MIN,
                $float::MAX / 2.0,
                $float::INFINITY,
                $float::NEG_INFINITY,
                $float::NAN,
            ];

            fn of_random(bits: u64) -> $float {
                // Half of the numbers are of ordinary size, the others of any size.
                let any = $float::from_bits(bits as $bits);
                if bits >> 63 == 0 { any } else { ((bits >> 8) % 2048) as $float / 16.0 - 64.0 + any.abs().min(1.0) }
            }

            fn bits(self) -> u64 {
                self.to_bits().into()
            }

            fn is_nan(self) -> bool {
                <$float>::is_nan(self)
            }

            fn neighbour(self, difference: i64) -> $float {
                $float::from_bits(self.to_bits().wrapping_add(difference as $bits))
            }

            fn tile<F: Binary>(level: CpuLevel) -> TileFn {
                tiles::$tile::<F>().ordinary_at(level).unwrap()
            }
        }
    };
}

number!(f64, u64, binary_f64, below_ulp_1: 4503599627370496.0);
number!(f32, u32, binary_f32, below_ulp_1: 8388608.0);

/// 64 random bits at a time (splitmix64).
fn random_bits() -> impl Iterator<Item = u64> {
    (1..).map(|idx: u64| {
        let mut z = idx.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// All pairs of special values, pairs of random values, and random values with a neighbour or a
/// special value.
fn pairs<T: Number>() -> Vec<[T; 2]> {
    let special = T::SPECIAL.iter().flat_map(|&x| T::SPECIAL.iter().map(move |&y| [x, y]));
    let mut random = random_bits();
    let random = std::iter::from_fn(move || Some([random.next()?, random.next()?, random.next()?]));
    let random = random.take(20_000).flat_map(|[x, y, kind]| {
        let x = T::of_random(x);
        [[x, T::of_random(y)], [x, x.neighbour(kind as i64 % 5)], [x, T::SPECIAL[kind as usize % T::SPECIAL.len()]]]
    });
    special.chain(random).collect()
}

fn levels() -> impl Iterator<Item = CpuLevel> {
    CpuLevel::ALL.into_iter().filter(|&level| level <= CpuLevel::highest())
}

/// The results of `F` for these arguments.
fn run<T: Number, F: Binary>(level: CpuLevel, args: &[[T; 2]]) -> Vec<T> {
    assert!(level <= CpuLevel::highest());
    let x: Vec<T> = args.iter().map(|args| args[0]).collect();
    let mut y: Vec<T> = args.iter().map(|args| args[1]).collect();
    let mut out = x.clone();
    // SAFETY: the CPU has the level, by the assertion; each of the three arrays has as many
    // elements of `T`, and they do not overlap.
    unsafe { T::tile::<F>(level)(x.len(), out.as_mut_ptr().cast(), x.as_ptr().cast(), y.as_mut_ptr().cast()) };
    out
}

/// Asserts that every instance gives what `expected` does: the same bits or, unless `exact_nan`,
/// both NaN.
fn check<T: Number, F: Binary>(name: &str, exact_nan: bool, args: &[[T; 2]], expected: fn(T, T) -> T) {
    for level in levels() {
        for (&[x, y], found) in args.iter().zip(run::<T, F>(level, args)) {
            let expected = expected(x, y);
            let is_same = found.bits() == expected.bits() || !exact_nan && found.is_nan() && expected.is_nan();
            assert!(is_same, "{name}({x:?}, {y:?}) is {found:?} at {level:?}, not {expected:?}");
        }
    }
}

/// A test of operations for both dtypes. Each operation is written for vectors `x` and `y`, and for
/// elements of the same names. In both, `Elem`, `Word` and `Int` are the dtype and the integers of
/// its width.
macro_rules! operations {
    (
        $test:ident, exact_nan: $exact_nan:literal, args: $args:path;
        $($name:ident |$x:ident, $y:ident| $vector:expr, $scalar:expr;)*
    ) => {
        #[test]
        fn $test() {
            let (f64_args, f32_args): (Vec<[f64; 2]>, Vec<[f32; 2]>) = ($args(), $args());
            $({
                struct Operation;

                impl Binary for Operation {
                    #[inline(always)]
                    fn of_f64<V: F64s>($x: V, $y: V) -> V {
                        #[allow(dead_code, reason = "not every operation needs them")]
                        type Elem = f64;
                        #[allow(dead_code, reason = "as above")]
                        type Word = u64;
                        $vector
                    }

                    #[inline(always)]
                    fn of_f32<V: F32s>($x: V, $y: V) -> V {
                        #[allow(dead_code, reason = "as above")]
                        type Elem = f32;
                        #[allow(dead_code, reason = "as above")]
                        type Word = u32;
                        $vector
                    }
                }

                fn scalar_f64($x: f64, $y: f64) -> f64 {
                    #[allow(dead_code, reason = "as above")]
                    type Elem = f64;
                    #[allow(dead_code, reason = "as above")]
                    type Word = u64;
                    #[allow(dead_code, reason = "as above")]
                    type Int = i64;
                    $scalar
                }

                fn scalar_f32($x: f32, $y: f32) -> f32 {
                    #[allow(dead_code, reason = "as above")]
                    type Elem = f32;
                    #[allow(dead_code, reason = "as above")]
                    type Word = u32;
                    #[allow(dead_code, reason = "as above")]
                    type Int = i32;
                    $scalar
                }

                check::<f64, Operation>(stringify!($name), $exact_nan, &f64_args, scalar_f64);
                check::<f32, Operation>(stringify!($name), $exact_nan, &f32_args, scalar_f32);
            })*
        }
    };
}

/// A third number, made from two by operations that have other tests.
macro_rules! third {
    ($x:ident, $y:ident, $ty:ident) => {
        $ty::from_bits($x.to_bits() ^ $y.to_bits())
    };
}

/// The mask as numbers, 1 where it is set and 0 elsewhere, in a vector like `like`.
#[inline(always)]
fn truth<V: Vector>(like: V, mask: V::Mask) -> V {
    V::select(mask, like.splat(V::Elem::ONE), like.splat(V::Elem::ONE) - like.splat(V::Elem::ONE))
}

operations! {
    arithmetic_rounds_once, exact_nan: false, args: pairs;
    add |x, y| x + y, x + y;
    sub |x, y| x - y, x - y;
    mul |x, y| x * y, x * y;
    div |x, y| x / y, x / y;
    mul_add |x, y| x.mul_add(y, third!(x, y, V)), x.mul_add(y, third!(x, y, Elem));
    mul_add_cancelling |x, y| x.mul_add(y, -(x * y)), x.mul_add(y, -(x * y));
    mul_sub |x, y| x.mul_sub(y, third!(x, y, V)), x.mul_add(y, -third!(x, y, Elem));
    neg_mul_add |x, y| x.neg_mul_add(y, third!(x, y, V)), (-x).mul_add(y, third!(x, y, Elem));
    sqrt |x, _y| x.sqrt(), x.sqrt();
    round |x, _y| x.round(), x.round_ties_even();
}

operations! {
    comparisons_and_choices_are_those_of_floats, exact_nan: true, args: pairs;
    lt |x, y| truth(x, x.lt(y)), (x < y) as u8 as Elem;
    le |x, y| truth(x, x.le(y)), (x <= y) as u8 as Elem;
    eq |x, y| truth(x, Vector::eq(x, y)), (x == y) as u8 as Elem;
    gt |x, y| truth(x, x.gt(y)), (x > y) as u8 as Elem;
    ge |x, y| truth(x, x.ge(y)), (x >= y) as u8 as Elem;
    is_nan |x, _y| truth(x, x.is_nan()), Number::is_nan(x) as u8 as Elem;
    select |x, y| V::select(x.lt(y), x, y), if x < y { x } else { y };
    max |x, y| x.max(y), if x > y { x } else { y };
    min |x, y| x.min(y), if x < y { x } else { y };
    and |x, y| truth(x, x.lt(y) & x.lt(-y)), (x < y && x < -y) as u8 as Elem;
    or |x, y| truth(x, x.lt(y) | x.lt(-y)), (x < y || x < -y) as u8 as Elem;
    not |x, y| truth(x, !x.lt(y)), 1.0 - (x < y) as u8 as Elem;
    patch |x, y| x.patch(x.lt(y), [x, y], |x, y| y - x), if x < y { y - x } else { x };
}

operations! {
    signs_are_bits, exact_nan: true, args: pairs;
    neg |x, _y| -x, Elem::from_bits(x.to_bits() ^ 1 << (Word::BITS - 1));
    abs |x, _y| x.abs(), Elem::from_bits(x.to_bits() << 1 >> 1);
    sign |x, _y| x.sign(), Elem::from_bits(x.to_bits() >> (Word::BITS - 1) << (Word::BITS - 1));
    xor_sign |x, y| x.xor_sign(y),
        Elem::from_bits(x.to_bits() ^ y.to_bits() >> (Word::BITS - 1) << (Word::BITS - 1));
    copysign |x, y| x.copysign(y),
        Elem::from_bits(x.to_bits() << 1 >> 1 | y.to_bits() >> (Word::BITS - 1) << (Word::BITS - 1));
}

operations! {
    integers_wrap_around, exact_nan: true, args: pairs;
    add |x, y| V::from_bits(x.to_bits() + y.to_bits()), Elem::from_bits(x.to_bits().wrapping_add(y.to_bits()));
    sub |x, y| V::from_bits(x.to_bits() - y.to_bits()), Elem::from_bits(x.to_bits().wrapping_sub(y.to_bits()));
    and |x, y| V::from_bits(x.to_bits() & y.to_bits()), Elem::from_bits(x.to_bits() & y.to_bits());
    or |x, y| V::from_bits(x.to_bits() | y.to_bits()), Elem::from_bits(x.to_bits() | y.to_bits());
    xor |x, y| V::from_bits(x.to_bits() ^ y.to_bits()), Elem::from_bits(x.to_bits() ^ y.to_bits());
    not |x, _y| V::from_bits(!x.to_bits()), Elem::from_bits(!x.to_bits());
    splat |x, _y| V::from_bits(x.to_bits() & x.splat_bits(Word::MAX / 5)),
        Elem::from_bits(x.to_bits() & (Word::MAX / 5));
    shl_0 |x, _y| V::from_bits(x.to_bits().shl(0)), x;
    shl_5 |x, _y| V::from_bits(x.to_bits().shl(5)), Elem::from_bits(x.to_bits() << 5);
    shl_most |x, _y| V::from_bits(x.to_bits().shl(Word::BITS - 1)), Elem::from_bits(x.to_bits() << (Word::BITS - 1));
    shr_0 |x, _y| V::from_bits(x.to_bits().shr(0)), x;
    shr_5 |x, _y| V::from_bits(x.to_bits().shr(5)), Elem::from_bits(x.to_bits() >> 5);
    shr_most |x, _y| V::from_bits(x.to_bits().shr(Word::BITS - 1)), Elem::from_bits(x.to_bits() >> (Word::BITS - 1));
    eq |x, y| truth(x, x.to_bits().eq(y.to_bits())), (x.to_bits() == y.to_bits()) as u8 as Elem;
    lt_signed |x, y| truth(x, x.to_bits().lt_signed(y.to_bits())),
        ((x.to_bits() as Int) < y.to_bits() as Int) as u8 as Elem;
    select |x, y| V::from_bits(V::Bits::select(x.lt(y), x.to_bits(), y.to_bits())), if x < y { x } else { y };
}

/// Integers that floats can hold and the conversions can take, as bits and as floats.
fn integers<T: Number + TakesInt>() -> Vec<[T; 2]> {
    let limit = T::INT_LIMIT;
    let bounds = [0, 1, -1, 2, -2, 1023, limit - 1, 1 - limit, limit / 2, -limit / 2, limit / 2 + 1];
    let random = random_bits().map(|bits| (bits as i64) % limit).take(10_000);
    bounds.into_iter().chain(random).map(|int| [T::of_int_bits(int), T::of_int(int)]).collect()
}

trait TakesInt {
    /// The first magnitude beyond those that are documented.
    const INT_LIMIT: i64;
    fn of_int(int: i64) -> Self;
    fn of_int_bits(int: i64) -> Self;
}

impl TakesInt for f64 {
    const INT_LIMIT: i64 = 1 << 51;

    fn of_int(int: i64) -> f64 {
        int as f64
    }

    fn of_int_bits(int: i64) -> f64 {
        f64::from_bits(int as u64)
    }
}

impl TakesInt for f32 {
    const INT_LIMIT: i64 = 1 << 22;

    fn of_int(int: i64) -> f32 {
        int as f32
    }

    fn of_int_bits(int: i64) -> f32 {
        f32::from_bits(int as i32 as u32)
    }
}

operations! {
    integers_convert_exactly, exact_nan: true, args: integers;
    from_int |bits, _float| V::from_int(bits.to_bits()), bits.to_bits() as Int as Elem;
    to_int |_bits, float| V::from_bits(float.to_int()), Elem::from_bits(float as Int as Word);
}

/// A vector of a level's own instructions can be made from a proof or from another vector. The test
/// names all operations that take no vector, with their types. Nobody can make a proof without
/// `unsafe`.
#[cfg(target_arch = "x86_64")]
#[test]
fn vectors_are_made_from_proofs() {
    use crate::arch::x86_64::avx2::{Avx2, F32x8, F64x4};
    use crate::arch::x86_64::avx512::{Avx512, F32x16, F64x8};

    macro_rules! types {
        ($($vector:ident of $elem:ident: $level:ident),*) => {$(
            let _: unsafe fn() -> $level = Level::assume;
            let _: fn($level, $elem) -> $vector = Vector::splat_at;
            let _: unsafe fn($level, *const $elem) -> $vector = Vector::load;
            let _: unsafe fn($level, *const $elem, usize) -> $vector = Vector::load_first;
            let _: fn(<$vector as Vector>::Bits, <<$vector as Vector>::Bits as Bits>::Elem) -> <$vector as Vector>::Bits =
                Bits::splat;
            assert_eq!(size_of::<$level>(), 0);
            assert_eq!(size_of::<$vector>(), $vector::LANES * size_of::<$elem>());
        )*};
    }
    types!(F64x4 of f64: Avx2, F32x8 of f32: Avx2, F64x8 of f64: Avx512, F32x16 of f32: Avx512);
}

/// Tests of scaling, tables, conversions between the dtypes, and what looks at all lanes.
mod rest;
