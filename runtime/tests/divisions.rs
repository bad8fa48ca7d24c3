//! Remainders and whole quotients of floats and integers against their definitions, at every level.

use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::dtype::{Element, Scalar};
use ndexpr_runtime::math::MathFn;

/// Runs the code of a level.
fn at_level<T: Element>(function: MathFn, level: CpuLevel, a: &[T], b: &[T]) -> Vec<T> {
    let tile = function.tile_fns(T::DTYPE).unwrap().ordinary_at(level).unwrap();
    let (mut out, mut b) = (a.to_vec(), b.to_vec());
    // SAFETY: as many elements are at each place, and none is in another.
    unsafe { tile(a.len(), out.as_mut_ptr().cast(), a.as_ptr().cast(), b.as_mut_ptr().cast()) };
    out
}

fn levels() -> impl Iterator<Item = CpuLevel> {
    CpuLevel::ALL.into_iter().filter(|&level| level <= CpuLevel::highest())
}

/// Quotients that are whole, or nearly, and any others, against the definitions: NumPy's, with
/// Rust's exact `%`.
#[test]
fn remainders_of_floats_are_their_definitions_at_every_level() {
    macro_rules! check {
        ($ty:ident, $bits:ident, $n_fraction_bits:literal) => {{
            let mut state = 1_u64;
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                state >> 20
            };
            let (mut a, mut b): (Vec<$ty>, Vec<$ty>) = (Vec::new(), Vec::new());
            let specials = [0.0, -0.0, 1.0, -1.5, $ty::MAX, $ty::MIN_POSITIVE, $ty::from_bits(1), $ty::INFINITY];
            let specials = specials.iter().flat_map(|&x| [x, -x, $ty::NAN]);
            for (x, y) in specials.clone().flat_map(|x| specials.clone().map(move |y| (x, y))) {
                a.push(x);
                b.push(y);
            }
            for _ in 0..300_000 {
                let y = $ty::from_bits((next() << 20 | next() >> 8) as $bits);
                // Quotients around the largest that vectors compute.
                let large = ((1_u64 << ($n_fraction_bits - 2)) + (next() % (1 << ($n_fraction_bits - 1)))) as $ty;
                let x = match next() % 5 {
                    0 => $ty::from_bits((next() << 20 ^ next()) as $bits),
                    // Near a whole multiple, of small factors and large ones.
                    1 => y * (next() % 1000) as $ty,
                    2 => y * (next() % (1 << $n_fraction_bits.min(44))) as $ty,
                    3 => y * large,
                    _ => y * (next() % 2000) as $ty / 2.0,
                };
                let x = $ty::from_bits(x.to_bits().wrapping_add((next() % 5) as $bits).wrapping_sub(2));
                a.push(if next() % 2 == 0 { x } else { -x });
                b.push(y);
            }
            for level in levels() {
                let found = [MathFn::Fmod, MathFn::Remainder, MathFn::FloorDivide]
                    .map(|function| at_level(function, level, &a, &b));
                for i in 0..a.len() {
                    let (x, y) = (a[i], b[i]);
                    let fmod = x % y;
                    let is_other_sign = fmod != 0.0 && (fmod < 0.0) != (y < 0.0);
                    let remainder = match fmod {
                        _ if y == 0.0 => fmod,
                        0.0 => (0.0 as $ty).copysign(y),
                        _ if is_other_sign => fmod + y,
                        _ => fmod,
                    };
                    let whole = (x - fmod) / y - if is_other_sign { 1.0 } else { 0.0 };
                    let quotient = match whole {
                        _ if y == 0.0 => x / y,
                        0.0 => (0.0 as $ty).copysign(x / y),
                        _ => whole.floor() + if whole - whole.floor() > 0.5 { 1.0 } else { 0.0 },
                    };
                    for (k, expected) in [fmod, remainder, quotient].into_iter().enumerate() {
                        let found = found[k][i];
                        let is_same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
                        assert!(is_same, "{k}, {level:?}: {x:e} by {y:e} is {expected:e}, found {found:e}");
                    }
                }
            }
        }};
    }
    check!(f32, u32, 23);
    check!(f64, u64, 52);
}

/// Divisions of integers at every level, against arithmetic of 64 bits.
#[test]
fn divisions_of_integers_are_total_at_every_level() {
    macro_rules! check {
        ($($ty:ident)*) => {$({
            let mut state = 7_u64;
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                state >> 20
            };
            let edges = [0, 1, 2, 3, 7, $ty::MAX, $ty::MAX - 1, $ty::MIN, $ty::MIN.wrapping_add(1), (0 as $ty).wrapping_sub(1)];
            let (mut a, mut b): (Vec<$ty>, Vec<$ty>) = (Vec::new(), Vec::new());
            for (x, y) in edges.into_iter().flat_map(|x| edges.map(|y| (x, y))) {
                a.push(x);
                b.push(y);
            }
            for _ in 0..200_000 {
                let y = (next() >> (next() % 40)) as $ty;
                let multiple = y.wrapping_mul((next() >> (next() % 40)) as $ty);
                a.push(if next() % 2 == 0 { next() as $ty } else { multiple.wrapping_sub((next() % 3) as $ty) });
                b.push(y);
            }
            for level in levels() {
                let found = [MathFn::Fmod, MathFn::Remainder, MathFn::FloorDivide]
                    .map(|function| at_level(function, level, &a, &b));
                for i in 0..a.len() {
                    let (x, y) = (i64::from(a[i]), i64::from(b[i]));
                    // With the sign of the divisor, and so the quotient is rounded down.
                    let remainder = if y == 0 { 0 } else { (x % y + y) % y };
                    let expected = match y {
                        0 => [0; 3],
                        _ => [x % y, remainder, (x - remainder) / y],
                    };
                    assert_eq!([0, 1, 2].map(|k| found[k][i]), expected.map(|x| x as $ty), "{x} by {y}, {level:?}");
                }
            }
        })*};
    }
    check!(i8 i16 i32 u8 u16 u32);
}

/// Divisions of integers of 64 bits at every level, against arithmetic of 128 bits: elements that
/// floats represent, with quotients that are whole or nearly, and blocks with one larger element.
#[test]
fn divisions_of_long_integers_are_total_at_every_level() {
    const SMALL: i64 = 1 << 51;
    macro_rules! check {
        ($ty:ident, $least:expr, $edges:expr) => {{
            let mut state = 7_u64;
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 20) as i64
            };
            let (mut a, mut b): (Vec<$ty>, Vec<$ty>) = (Vec::new(), Vec::new());
            for (x, y) in $edges.into_iter().flat_map(|x| $edges.map(|y| (x, y))) {
                // Blocks of these two alone.
                a.extend([x; 32]);
                b.extend([y; 32]);
            }
            for i in 0..300_000 {
                let y = (next() >> (next() % 44)) * if $least < 0 && next() % 2 == 0 { -1 } else { 1 };
                let factor = next() % (SMALL / y.abs().max(1)).max(1);
                let multiple = (y * factor).abs() + (next() % 3) - 1;
                let x = multiple.clamp(0, SMALL - 1) * if $least < 0 && next() % 2 == 0 { -1 } else { 1 };
                a.push(x as $ty);
                b.push(y as $ty);
                if i > 200_000 && next() % 40 == 0 {
                    (*a.last_mut().unwrap(), *b.last_mut().unwrap()) = match next() % 2 {
                        0 => ($ty::MAX - next() as $ty, y as $ty),
                        _ => (x as $ty, $ty::MAX - next() as $ty),
                    };
                }
            }
            for level in levels() {
                let found = [MathFn::Fmod, MathFn::Remainder, MathFn::FloorDivide]
                    .map(|function| at_level(function, level, &a, &b));
                for i in 0..a.len() {
                    let (x, y) = (i128::from(a[i]), i128::from(b[i]));
                    let remainder = if y == 0 { 0 } else { (x % y + y) % y };
                    let expected = match y {
                        0 => [0; 3],
                        _ => [x % y, remainder, (x - remainder) / y],
                    };
                    assert_eq!([0, 1, 2].map(|k| found[k][i]), expected.map(|x| x as $ty), "{x} by {y}, {level:?}");
                }
            }
        }};
    }
    let signed = [0, 1, 2, 3, 7, SMALL - 1, SMALL, SMALL + 1, i64::MAX, i64::MAX - 1];
    let signed: [i64; 20] = std::array::from_fn(|i| if i < 10 { signed[i] } else { signed[i - 10].wrapping_neg() - 1 });
    check!(i64, -1, signed);
    let unsigned =
        [0, 1, 2, 3, 7, SMALL as u64 - 1, SMALL as u64, SMALL as u64 + 1, 1 << 52, 1 << 63, u64::MAX, u64::MAX - 1];
    check!(u64, 0, unsigned);
}

/// The divisions of int8 and uint8, in full, against arithmetic that cannot overflow.
#[test]
fn integer_divisions_are_total() {
    let divisions = [MathFn::Fmod, MathFn::Remainder, MathFn::FloorDivide];
    for a in i8::MIN..=i8::MAX {
        for b in i8::MIN..=i8::MAX {
            let (wide_a, wide_b) = (i32::from(a), i32::from(b));
            let quotient = if b == 0 { 0 } else { (f64::from(a) / f64::from(b)).floor() as i32 };
            let rest = if b == 0 { 0 } else { wide_a - quotient * wide_b };
            let truncated = if b == 0 { 0 } else { wide_a % wide_b };
            let found = divisions.map(|f| f.apply(&[Scalar::new(a), Scalar::new(b)]).unwrap());
            let expected = [truncated, rest, quotient].map(|value| Scalar::new(value as i8));
            assert_eq!(found, expected, "{a} by {b}");

            let (a, b) = (a as u8, b as u8);
            let expected = if b == 0 { [0; 3] } else { [a % b, a % b, a / b] };
            let found = divisions.map(|f| f.apply(&[Scalar::new(a), Scalar::new(b)]).unwrap());
            assert_eq!(found, expected.map(Scalar::new), "{a} by {b}");
        }
    }
}
