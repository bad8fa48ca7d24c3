#!/usr/bin/env python3
"""Prints the constants of payne_hanek.rs. Needs mpmath."""

from mpmath import floor, mp, mpf, pi

WORDS = 19

mp.prec = 64 * WORDS + 200
bits = int(floor(2 / pi * mpf(2) ** (64 * WORDS)))
print(f"const TWO_OVER_PI: [u64; {WORDS + 1}] = [")
print("    0,")
for idx in reversed(range(WORDS)):
    print(f"    {bits >> 64 * idx & (1 << 64) - 1:#018x},")
print("];")
print(f"const PI_OVER_2: u128 = {int(floor(pi / 2 * mpf(2) ** 127)):#x};")
