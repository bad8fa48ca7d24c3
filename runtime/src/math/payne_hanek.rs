//! Reduction of large arguments to quadrants (Payne and Hanek 1983): `x 2/pi` modulo 4, in
//! integers.
//!
//! `x` is a whole number of 53 bits times `2^e`. Two kinds of bits of `2/pi` are left out: those
//! whose products with `x` are multiples of 4, and those below the next 192 bits. The product is
//! then right to `2^-137`. No double is nearer to a multiple of `pi/2` than `2^-62`, so that at
//! least 74 bits of the fraction are left.

use crate::arch::vector::F64s;

/// The binary digits of `2/pi` after a word of zeros, made by sollya/payne_hanek.py.
const TWO_OVER_PI: [u64; 20] = [
    0,
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
];

/// `pi/2 2^127`, made by sollya/payne_hanek.py.
const PI_OVER_2: u128 = 0xc90fdaa22168c234c4c6628b80dc1cd1;

/// `x = k pi/2 + r + r_low`.
struct Remainder {
    /// `k` modulo 4.
    quadrant: u64,
    /// The remainder, rounded to the nearest float.
    r: f64,
    r_low: f64,
}

/// The remainder of an `x` of at least 1.
fn remainder(x: f64) -> Remainder {
    if !x.is_finite() {
        return Remainder { quadrant: 0, r: f64::NAN, r_low: 0.0 };
    }
    let significand = u128::from(x.to_bits() & ((1 << 52) - 1) | 1 << 52);
    // `x` is `significand 2^(exponent - 1075)`. With the word of zeros, the first bit that counts
    // has this index.
    let start = (x.to_bits() >> 52) as usize + 62 - 1075;
    let word = |idx: usize| {
        let both = u128::from(TWO_OVER_PI[start / 64 + idx]) << 64 | u128::from(TWO_OVER_PI[start / 64 + idx + 1]);
        u128::from((both << (start % 64) >> 64) as u64)
    };
    // The product modulo 2^192, of which the first two bits are the quadrant.
    let low = significand * word(2);
    let middle = significand * word(1) + (low >> 64);
    let high = (significand * word(0) + (middle >> 64)) as u64;
    let head = u128::from(high) << 64 | u128::from(middle as u64);
    let mut tail = (low as u64) << 2;
    let mut fraction = head << 2 | u128::from(low as u64 >> 62);
    // The remainder is that from the nearest multiple: a fraction of 1/2 or more is replaced by its
    // distance from the next multiple.
    let is_negative = fraction >> 127 == 1;
    let quadrant = (high >> 62) + u64::from(is_negative);
    if is_negative {
        fraction = !fraction;
        tail = !tail;
    }
    // There are at most 63 zeros: see the top of the file.
    let zeros = fraction.leading_zeros() % 64;
    let fraction = fraction << zeros | (u128::from(tail) << zeros >> 64);
    // The remainder is this integer times `2^-(125 + zeros)`.
    let r = (high_half(fraction, PI_OVER_2) >> 2) as i128;
    let head = (r >> 64) as i64 as f64;
    // The difference is at most 2^72 in magnitude; its last bits do not count.
    let rest = ((r - (i128::from(head as i64) << 64)) >> 16) as i64 as f64;
    let sign = if is_negative { -1.0 } else { 1.0 };
    let unit = f64::from_bits(u64::from(1023 + 64 - 125 - zeros) << 52) * sign;
    Remainder { quadrant, r: head * unit, r_low: rest * (unit / 281474976710656.0) }
}

/// `a b / 2^128`, or a little less.
fn high_half(a: u128, b: u128) -> u128 {
    let [a_high, a_low, b_high, b_low] = [a >> 64, a & u128::from(u64::MAX), b >> 64, b & u128::from(u64::MAX)];
    let cross = [a_high * b_low, a_low * b_high];
    a_high * b_high + (cross[0] >> 64) + (cross[1] >> 64)
}

/// The quadrant of each lane, as the bits of a float, and both parts of the remainder.
pub(super) type Remainders<V> = (V, V, V);

/// Replaces the lanes of `found` where `x`, which is positive, is beyond `limit` or NaN.
#[cold]
#[inline(never)]
pub(super) fn reduce_lanes<V: F64s>(x: V, limit: f64, found: Remainders<V>) -> Remainders<V> {
    const LANES: usize = 8;
    const { assert!(V::LANES <= LANES) };
    let level = x.level();
    let [mut xs, mut quadrants, mut rs, mut r_lows] = [[1.0; LANES]; 4];
    // SAFETY: each array has room for `V::LANES` elements.
    unsafe {
        x.store(xs.as_mut_ptr());
        found.0.store(quadrants.as_mut_ptr());
        found.1.store(rs.as_mut_ptr());
        found.2.store(r_lows.as_mut_ptr());
    }
    for (lane, &x) in xs.iter().enumerate().take(V::LANES) {
        if x > limit || x.is_nan() {
            let Remainder { quadrant, r, r_low } = remainder(x);
            (quadrants[lane], rs[lane], r_lows[lane]) = (f64::from_bits(quadrant), r, r_low);
        }
    }
    // SAFETY: as above, and the elements are initialised.
    unsafe { (V::load(level, quadrants.as_ptr()), V::load(level, rs.as_ptr()), V::load(level, r_lows.as_ptr())) }
}
