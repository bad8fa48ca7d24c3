#!/usr/bin/env python3
"""Writes integer_and_remainder.txt: NumPy's answers for fmod, remainder, floor_divide and integer powers.

    python3 make_integer_and_remainder.py          # needs numpy

A section opens with `function dtype`. A line in it is `a b result`, each a hexadecimal bit pattern as wide as the
dtype; any NaN is written `nan`.
Left out is what NumPy refuses (integers to negative powers) or leaves undefined.
"""

import pathlib

import numpy as np

INTEGERS = [np.dtype(f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
FLOATS = [np.dtype("float32"), np.dtype("float64")]
FUNCTIONS = {"fmod": np.fmod, "remainder": np.remainder, "floor_divide": np.floor_divide}


def integer_values(dtype):
    info = np.iinfo(dtype)
    values = [0, 1, 2, 3, 7, 10, info.max // 2, info.max - 1, info.max, info.min, info.min + 1, -1, -2, -3, -7]
    return np.array(sorted({v for v in values if info.min <= v <= info.max}), dtype)


def float_values(dtype):
    info = np.finfo(dtype)
    positive = [0.0, 1.0, 2.0, 3.0, 0.1, 0.3, 0.5, 1.5, 7.25, 1e7 / 3, np.inf]
    positive += [info.max, info.tiny, info.smallest_subnormal, 2.0**info.nmant, 2.0 ** (info.nmant + 2), info.eps]
    values = np.array(positive, dtype)
    return np.concatenate([values, -values, np.array([np.nan], dtype)])


def bits(value):
    if np.issubdtype(value.dtype, np.floating) and np.isnan(value):
        return "nan"
    return value.tobytes()[::-1].hex()


def lines():
    for dtype in INTEGERS + FLOATS:
        values = integer_values(dtype) if dtype in INTEGERS else float_values(dtype)
        a, b = (grid.ravel() for grid in np.meshgrid(values, values, indexing="ij"))
        with np.errstate(all="ignore"):
            tables = {name: (a, b, function(a, b)) for name, function in FUNCTIONS.items()}
            if dtype in INTEGERS:
                exponents = np.array([0, 1, 2, 3, 5, 8, 31, 63, 64, 100], dtype)
                base, exponent = (grid.ravel() for grid in np.meshgrid(values, exponents, indexing="ij"))
                tables["pow"] = (base, exponent, np.power(base, exponent))
        for name, columns in tables.items():
            yield f"{name} {dtype.name}"
            for row in zip(*columns):
                yield " ".join(bits(value) for value in row)


path = pathlib.Path(__file__).with_name("integer_and_remainder.txt")
path.write_text(f"# NumPy {np.__version__}, by make_integer_and_remainder.py\n" + "\n".join(lines()) + "\n")
