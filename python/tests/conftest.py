"""What the tests share: arrays of every dtype in every layout."""

from __future__ import annotations

import os

import numpy as np
import pytest

import ndexpr

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]

LAYOUTS = ["contiguous", "strided", "reversed", "fortran", "unaligned", "swapped", "readonly", "broadcast"]

#: Set to 1 for the long runs: a minute of threads, a million calls, 50,000 random expressions.
SLOW = os.environ.get("NDEXPR_SLOW", "") not in ("", "0")


def random_array(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values that say something: small ones, the ends of the range, and what floats have besides numbers."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype.startswith("float"):
        values = rng.normal(0.0, 10.0, shape) * rng.choice([1.0, 1.0, 1e-3, 1e6], shape)
        special = rng.choice([0.5, -1.5, np.inf, -np.inf, np.nan, 1e-300 if dtype == "float64" else 1e-40], shape)
        return np.where(rng.random(shape) < 0.1, special, values).astype(dtype)
    info = np.iinfo(dtype)
    low, high = max(info.min, -20), min(info.max, 20)
    small = rng.integers(low, high, shape, endpoint=True)
    ends = rng.choice(np.array([info.min, info.max], dtype=dtype), shape)
    return np.where(rng.random(shape) < 0.1, ends, small.astype(dtype)).astype(dtype)


def laid_out(values: np.ndarray, layout: str) -> np.ndarray:
    """The same values in memory of their own, laid out in some way."""
    if layout == "strided":
        spread = np.zeros([extent * 2 for extent in values.shape], values.dtype)
        view = spread[(..., *(slice(None, None, 2) for _ in values.shape))]
    elif layout == "reversed":
        view = np.empty_like(values, order="C")[(..., *(slice(None, None, -1) for _ in values.shape))]
    elif layout == "fortran":
        view = np.empty_like(values, order="F")
    elif layout == "unaligned":
        memory = np.zeros(values.size * values.itemsize + 1, "uint8")
        view = memory[1:].view(values.dtype).reshape(values.shape)
    elif layout == "swapped":
        view = np.empty(values.shape, values.dtype.newbyteorder("S"))
    elif layout == "broadcast" and values.ndim > 0 and values.shape[0] > 0:
        return np.broadcast_to(values[:1], values.shape)
    else:
        view = np.empty_like(values, order="C")
    view[...] = values
    if layout == "readonly":
        view.flags.writeable = False
    return view


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest):
    """Runs the test with so many threads."""
    before = ndexpr.set_num_threads(request.param)
    yield request.param
    ndexpr.set_num_threads(before)
