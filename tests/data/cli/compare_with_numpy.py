#!/usr/bin/env python3
"""Writes .npy and .npz files with NumPy, evaluates them by the command line, and compares what it wrote with NumPy's answers.

    cargo build --release
    python3 tests/data/cli/compare_with_numpy.py target/release/ndexpr

Every dtype, C and Fortran order, both byte orders, rank 0 to 3, empty; dtype, shape and bits must be NumPy's.
"""

import itertools
import os
import subprocess
import sys
import tempfile

import numpy as np

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
SHAPES = [(), (0,), (1,), (1000,), (3, 0, 2), (7, 5), (4, 3, 2)]
TEXTS = {
    "x": lambda x, y: x.copy(),
    "x + y": lambda x, y: x + y,
    "x * 1": lambda x, y: x * 1,
    "x / y": lambda x, y: x / y,
    "x <= y": lambda x, y: x <= y,
    "where(x > y, x, y)": lambda x, y: np.where(x > y, x, y),
    "float32(x)": lambda x, y: x.astype(np.float32),
    "maximum(x, y)": lambda x, y: np.maximum(x, y),
}


def values(rng, dtype, shape):
    n = int(np.prod(shape, dtype=int))
    kind = np.dtype(dtype).kind
    if kind == "b":
        flat = rng.random(n) < 0.5
    elif kind == "f":
        flat = rng.standard_normal(n).astype(dtype)
        flat[::7] = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 0.0] * n, dtype=dtype)[: len(flat[::7])]
    else:
        info = np.iinfo(dtype)
        flat = rng.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
    return np.asarray(flat, dtype=dtype).reshape(shape)


def same(found, expected):
    expected = np.asarray(expected)
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return False
    if found.dtype.kind == "f":
        nan = np.isnan(expected)
        if (np.isnan(found) != nan).any():
            return False
        found, expected = np.where(nan, 0, found).astype(found.dtype), np.where(nan, 0, expected).astype(found.dtype)
    return found.tobytes() == expected.tobytes()


def main():
    binary = os.path.abspath(sys.argv[1])
    rng = np.random.default_rng(1)
    np.seterr(all="ignore")
    n_cases = 0
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for dtype, shape, order, swapped in itertools.product(DTYPES, SHAPES, "CF", [False, True]):
            x, y = values(rng, dtype, shape), values(rng, dtype, shape)
            stored = np.dtype(dtype).newbyteorder(">") if swapped else np.dtype(dtype)
            np.save("x.npy", np.asarray(x.astype(stored), order=order))
            as_npz = rng.random() < 0.3
            if as_npz:
                save = np.savez_compressed if rng.random() < 0.5 else np.savez
                save("y.npz", first=np.zeros(3), y=np.asarray(y.astype(stored), order=order))
            else:
                np.save("y.npy", np.asarray(y.astype(stored), order=order))
            for text, answer in TEXTS.items():
                sources = ["x=x.npy"]
                if "y" in text:
                    sources.append("y=y.npz:y" if as_npz else "y=y.npy")
                command = [binary, "eval", text, *sources, "-o", "out.npy"]
                done = subprocess.run(command, capture_output=True, text=True)
                case = f"{text} {dtype} {shape} {order} {'big' if swapped else 'little'}-endian"
                n_cases += 1
                if done.returncode != 0:
                    failures.append(f"{case}: {done.stderr}")
                elif not same(np.load("out.npy"), answer(x, y)):
                    failures.append(f"{case}: {np.load('out.npy')!r} instead of {answer(x, y)!r}")
    for failure in failures[:20]:
        print(failure)
    print(f"{n_cases - len(failures)} passed, {len(failures)} failed")
    sys.exit(bool(failures))


main()
