use super::*;
use std::array;

/// `x * 2^exponent`, rounded once, computed with integers.
fn scaled(x: impl Into<f64>, exponent: i32) -> f64 {
    let x = x.into();
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    // `x` is normal, as the documented domain demands: `fraction * 2^(field - 1075)`.
    let (field, fraction) = ((x.to_bits() >> 52 & 0x7ff) as i32, x.to_bits() & ((1 << 52) - 1) | 1 << 52);
    let field = field + exponent;
    let magnitude = if field >= 0x7ff {
        f64::INFINITY
    } else if field > 0 {
        f64::from_bits((field as u64) << 52 | fraction & ((1 << 52) - 1))
    } else {
        // The number of places to drop. A tie goes to the even number, and a carry goes to the
        // exponent.
        let drop = (1 - field).min(60) as u32;
        let (kept, rest, half) = (fraction >> drop, fraction & ((1 << drop) - 1), 1u64 << (drop - 1));
        f64::from_bits(kept + u64::from(rest > half || rest == half && kept & 1 == 1))
    };
    magnitude.copysign(x)
}

/// Numbers in the domain of `Vector::scale`, with exponents in its domain too.
trait TakesScale: Number {
    fn scales() -> Vec<[Self; 2]>;
}

impl TakesScale for f64 {
    fn scales() -> Vec<[f64; 2]> {
        let ordinary = random_bits().zip(random_bits().skip(1 << 20)).map(|(x, y)| {
            let x = f64::from_bits(x & !(0x7ff << 52) | (923 + (x >> 52) % 200) << 52);
            // Most of the exponents are such that results are subnormal or large.
            [x, [-1074.0, -1022.0, 1023.0, 0.0][y as usize % 4] + ((y >> 8) % 201) as f64 - 100.0]
        });
        let special = [0.0, -0.0, 1.0, -1.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
        let bounds = [-2000.0, -1999.0, -1075.0, -1074.0, -1.0, 0.0, 1.0, 1023.0, 1024.0, 1999.0, 2000.0];
        let special = special.into_iter().flat_map(|x| bounds.map(|y| [x, y]));
        special.chain(ordinary.take(50_000)).collect()
    }
}

impl TakesScale for f32 {
    fn scales() -> Vec<[f32; 2]> {
        let ordinary = random_bits().zip(random_bits().skip(1 << 20)).map(|(x, y)| {
            let bits = x as u32 & !(0xff << 23) | (107 + (x >> 32) as u32 % 40) << 23;
            [f32::from_bits(bits), [-149.0, -126.0, 127.0, 0.0][y as usize % 4] + ((y >> 8) % 61) as f32 - 30.0]
        });
        let special = [0.0, -0.0, 1.0, -1.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        let bounds = [-250.0, -249.0, -150.0, -149.0, -1.0, 0.0, 1.0, 127.0, 128.0, 249.0, 250.0];
        let special = special.into_iter().flat_map(|x| bounds.map(|y| [x, y]));
        special.chain(ordinary.take(50_000)).collect()
    }
}

operations! {
    scaling_rounds_once, exact_nan: false, args: TakesScale::scales;
    // Every `f32` times a power of two is an `f64`, so that only the last step rounds.
    scale |x, exponent| x.scale(exponent), scaled(x, exponent as i32) as Elem;
}

/// Different bits in every place.
const fn places<const N: usize>(salt: u64) -> [u64; N] {
    let mut places = [0; N];
    let mut idx = 0;
    while idx < N {
        places[idx] = (idx as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt);
        idx += 1;
    }
    places
}

/// A table of either dtype.
trait Entries: Sized {
    fn entries<const N: usize>() -> [Self; N];
    fn table<const ROWS: usize, const COLUMNS: usize>() -> Table<Self, ROWS, COLUMNS>;
}

macro_rules! entries {
    ($($float:ident as $bits:ident),*) => {$(
        impl Entries for $float {
            #[inline(always)]
            fn entries<const N: usize>() -> [$float; N] {
                const { places::<N>(0) }.map(|bits| $float::from_bits(bits as $bits))
            }

            #[inline(always)]
            fn table<const ROWS: usize, const COLUMNS: usize>() -> Table<$float, ROWS, COLUMNS> {
                Table::new(array::from_fn(|row| {
                    places::<COLUMNS>(row as u64).map(|bits| $float::from_bits(bits as $bits))
                }))
            }
        }
    )*};
}

entries!(f64 as u64, f32 as u32);

operations! {
    lookups_take_the_index_modulo_the_length, exact_nan: true, args: pairs;
    of_8 |x, _y| V::lookup(&Elem::entries::<8>(), x.to_bits()), Elem::entries::<8>()[x.to_bits() as usize % 8];
    of_16 |x, _y| V::lookup(&Elem::entries::<16>(), x.to_bits()), Elem::entries::<16>()[x.to_bits() as usize % 16];
    of_32 |x, _y| V::lookup(&Elem::entries::<32>(), x.to_bits()), Elem::entries::<32>()[x.to_bits() as usize % 32];
    of_64 |x, _y| V::lookup(&Elem::entries::<64>(), x.to_bits()), Elem::entries::<64>()[x.to_bits() as usize % 64];
    of_512 |x, _y| V::lookup(&Elem::entries::<512>(), x.to_bits()), Elem::entries::<512>()[x.to_bits() as usize % 512];
}

/// Combines the columns from the second on into one: each is shifted by its number.
#[inline(always)]
fn mixed<V: Vector, const ROWS: usize, const COLUMNS: usize, const N: usize>(
    table: &Table<V::Elem, ROWS, COLUMNS>,
    x: V,
) -> V {
    let found: [V; N] = V::lookup_columns(table, x.to_bits(), 1);
    let mut sum = found[0].to_bits();
    for (idx, column) in found.iter().enumerate().skip(1) {
        sum = sum ^ column.to_bits().shl(idx as u32);
    }
    V::from_bits(sum)
}

/// The same for rows, in scalar arithmetic.
macro_rules! mixed_rows {
    ($elem:ident, $x:ident, $rows:literal, $columns:literal, $n:literal) => {{
        let row = $elem::table::<$rows, $columns>().rows[$x.to_bits() as usize % $rows];
        let bits = (0..$n).fold(0, |sum, idx| sum ^ row[1 + idx].to_bits() << idx);
        $elem::from_bits(bits)
    }};
}

operations! {
    columns_are_of_one_row, exact_nan: true, args: pairs;
    one |x, _y| mixed::<V, 16, 2, 1>(&Elem::table(), x), mixed_rows!(Elem, x, 16, 2, 1);
    two |x, _y| mixed::<V, 8, 3, 2>(&Elem::table(), x), mixed_rows!(Elem, x, 8, 3, 2);
    three |x, _y| mixed::<V, 16, 5, 3>(&Elem::table(), x), mixed_rows!(Elem, x, 16, 5, 3);
    four |x, _y| mixed::<V, 16, 5, 4>(&Elem::table(), x), mixed_rows!(Elem, x, 16, 5, 4);
    seven |x, _y| mixed::<V, 16, 8, 7>(&Elem::table(), x), mixed_rows!(Elem, x, 16, 8, 7);
}

#[test]
fn widening_is_exact_and_narrowing_rounds() {
    struct Widened;

    impl Binary for Widened {
        #[inline(always)]
        fn of_f64<V: F64s>(x: V, _: V) -> V {
            x
        }

        #[inline(always)]
        fn of_f32<V: F32s>(x: V, y: V) -> V {
            let ([x_low, x_high], [y_low, y_high]) = (x.widen(), y.widen());
            V::narrow([x_low * y_low, x_high * y_high])
        }
    }

    check::<f32, Widened>("widened", false, &pairs(), |x, y| (f64::from(x) * f64::from(y)) as f32);
}

/// `any` is true in all lanes of the vector that has the 7, and only there.
#[test]
fn any_is_of_all_lanes_of_a_vector_and_no_others() {
    struct AnySeven;

    impl Binary for AnySeven {
        #[inline(always)]
        fn of_f64<V: F64s>(x: V, _: V) -> V {
            x.splat(if Vector::eq(x, x.splat(7.0)).any() { V::LANES as f64 } else { 0.0 })
        }

        #[inline(always)]
        fn of_f32<V: F32s>(x: V, _: V) -> V {
            x.splat(if Vector::eq(x, x.splat(7.0)).any() { V::LANES as f32 } else { 0.0 })
        }
    }

    const N: usize = 2 * MAX_LANES;
    for level in levels() {
        for place in 0..N {
            let is_there = |idx: usize| if idx == place { 7.0 } else { 1.0 };
            let found = run::<f64, AnySeven>(level, &array::from_fn::<_, N, _>(|idx| [is_there(idx), 0.0]));
            let lanes = found[place] as usize;
            assert!(lanes > 0, "{level:?}, f64 {place}");
            let expected = |idx: usize| if idx / lanes == place / lanes { lanes as f64 } else { 0.0 };
            assert_eq!(found, (0..N).map(expected).collect::<Vec<_>>(), "{level:?}, f64 {place}");
            let found = run::<f32, AnySeven>(level, &array::from_fn::<_, N, _>(|idx| [is_there(idx) as f32, 0.0]));
            let lanes = found[place] as usize;
            assert!(lanes > 0, "{level:?}, f32 {place}");
            let expected = |idx: usize| if idx / lanes == place / lanes { lanes as f32 } else { 0.0 };
            assert_eq!(found, (0..N).map(expected).collect::<Vec<_>>(), "{level:?}, f32 {place}");
        }
    }
}
