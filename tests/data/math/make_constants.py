#!/usr/bin/env python3
"""Prints the constants of runtime/src/math. Needs mpmath.

    python3 make_constants.py

Each constant is the nearest double; a (hi, lo) pair is the nearest double, then the nearest double to the rest.
"""

import mpmath
from mpmath import mp, mpf

mp.prec = 400


def literal(value):
    return repr(float(value))


def pair(value):
    hi = float(value)
    return f"({literal(hi)}, {literal(value - mpf(hi))})"


def constants():
    print("// ln 2: the first part has 32 significant bits, so that its product with an exponent is exact")
    hi = mp.nint(mp.ldexp(mp.log(2), 32)) / mpf(2) ** 32
    print("LN_2_HI", literal(hi), "LN_2_LO", literal(mp.log(2) - hi))
    print("LN_2", pair(mp.log(2)))
    print("FRAC_PI_2", pair(mp.pi / 2))
    print("PI", pair(mp.pi))
    print("FRAC_2_SQRT_PI", pair(2 / mp.sqrt(mp.pi)))
    print("ATAN_EIGHTHS")
    for k in range(9):
        print(f"    {pair(mp.atan(mpf(k) / 8))},")


# erfc(x) = exp(-x*x) * f(q) / (1 + 2x), q = (x - K)/(x + K), for x in [0.4, 28]
ERFC_K = mpf("3.25")
ERFC_DEGREE = 24


def erfc_polynomial():
    def f(q):
        x = ERFC_K * (1 + q) / (1 - q)
        return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)

    lo, hi = ((x - ERFC_K) / (x + ERFC_K) for x in (mpf("0.39"), mpf(28)))
    coefficients = mpmath.chebyfit(f, [lo, hi], ERFC_DEGREE + 1)  # highest power first
    head, *tail = reversed(coefficients)
    head, rounded = pair(head), [float(c) for c in tail]
    worst = max(abs(mpmath.polyval(coefficients, q) / f(q) - 1) for q in (lo + (hi - lo) * i / 997 for i in range(998)))
    print("// relative error of the exact polynomial: 2^", mp.nstr(mp.log(worst, 2), 5))
    print("ERFC_HEAD", head)
    print("ERFC_TAIL")
    for c in rounded:
        print(f"    {literal(c)},")


constants()
erfc_polynomial()
