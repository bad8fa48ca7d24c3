"""What names may stand for, and what is refused: arrays, numbers, objects that become arrays."""

from __future__ import annotations

import array

import numpy as np
import pytest
from conftest import DTYPES, LAYOUTS, laid_out, random_array

import ndexpr


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(dtype: str, layout: str, rng: np.random.Generator) -> None:
    for shape in [(5,), (3, 4), (2, 3, 4), (), (0,), (3, 0)]:
        values = laid_out(random_array(rng, dtype, shape), layout)
        before = values.copy()
        found = ndexpr.evaluate("values")
        assert found.dtype == dtype
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, values)
        np.testing.assert_array_equal(values, before)


def test_the_same_dtype_objects_as_numpys() -> None:
    for dtype in DTYPES:
        a = np.zeros(2, dtype)
        assert ndexpr.evaluate("a").dtype.char == np.dtype(dtype).char
        assert ndexpr.evaluate("a").dtype.num == np.dtype(dtype).num


def test_long_long_is_int64() -> None:
    a = np.arange(3, dtype="q")
    assert ndexpr.evaluate("a + 1").dtype == np.int64


@pytest.mark.parametrize(
    "number", [2, 2.5, True, np.float32(2.5), np.float64(2.5), np.int8(2), np.bool_(True), np.uint64(2)]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_promote_as_in_numpy(dtype: str, number: object) -> None:
    a = np.ones(2, dtype)
    found, expected = ndexpr.evaluate("a * number"), a * number
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


def test_an_integer_must_fit_what_it_meets() -> None:
    a, f = np.ones(2, "int8"), np.ones(2, "float32")
    for k in (127, -128):
        assert ndexpr.evaluate("a * 0 + k").tolist() == [k, k]
    k = 128
    with pytest.raises(OverflowError, match="`k` is 128, which int8 cannot hold"):
        ndexpr.evaluate("a + k")
    assert ndexpr.evaluate("f + k").dtype == np.float32
    # Comparing needs no common dtype.
    assert ndexpr.evaluate("a < k").tolist() == [True, True]
    assert ndexpr.evaluate("a == k").tolist() == [False, False]
    huge = 2**63
    assert ndexpr.evaluate("huge").dtype == np.uint64
    assert ndexpr.evaluate("f + huge").dtype == np.float32
    huge = 2**64
    with pytest.raises(OverflowError, match="more than 64 bits"):
        ndexpr.evaluate("f + huge")


def test_ints_as_variables_are_as_written_into_the_text() -> None:
    for text, x, literal in [("x**-2", 2, "2**-2"), ("10**-x", 2, "10**-2"), ("2**x", -1, "2**-1")]:
        found, expected = ndexpr.evaluate(text, {"x": x}, {}), ndexpr.evaluate(literal)
        assert (found, found.dtype) == (expected, expected.dtype), text
    large = 2**63 + 7
    for text in ["x % 10", "x + 1", "x // 2", "x & 255", "x - 8", "x >> 60"]:
        assert int(ndexpr.evaluate(text, {"x": large}, {})) == eval(text, {"x": large}), text
    a = np.arange(1, 5)
    assert ndexpr.evaluate("a**b", {"a": a, "b": 3}, {}).tolist() == (a**3).tolist()
    with pytest.raises(ValueError):
        ndexpr.evaluate("a**b", {"a": a, "b": -3}, {})


def test_weak_numbers_stay_weak_among_themselves() -> None:
    f, k, x = np.ones(2, "float32"), 3, 0.5
    assert ndexpr.evaluate("f * (k + 1)").dtype == np.float32
    assert ndexpr.evaluate("f * (k * x)").dtype == np.float32
    assert ndexpr.evaluate("where(f > 0, f, x)").dtype == np.float32
    assert ndexpr.evaluate("k + x") == 3.5
    assert ndexpr.evaluate("k // 2").dtype == np.int64


def test_objects_that_become_arrays() -> None:
    class Array:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return np.array([1.0, 2.0])

    wrapped, buffer, numbers = Array(), array.array("d", [3.0, 4.0]), [5, 6]
    assert ndexpr.evaluate("wrapped + buffer + numbers").tolist() == [9.0, 12.0]
    view = memoryview(buffer)
    assert ndexpr.evaluate("view * 2").tolist() == [6.0, 8.0]


@pytest.mark.parametrize(
    "value", [np.zeros(2, "float16"), np.zeros(2, complex), np.array(["x"]), object(), None, 1j, "text"]
)
def test_other_dtypes_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="float32, float64"):
        ndexpr.evaluate("value + 1")


def test_arrays_of_subclasses_become_arrays() -> None:
    class Labelled(np.ndarray):
        pass

    labelled = np.array([1.0, 2.0]).view(Labelled)
    found = ndexpr.evaluate("labelled + 1")
    assert type(found) is np.ndarray
    assert found.tolist() == [2.0, 3.0]


class Masked(np.ma.MaskedArray):
    pass


class BecomesMasked:
    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.ma.masked_array([1.0, 2e10], [0, 1])


@pytest.mark.parametrize(
    "masked",
    [
        np.ma.masked_array([1.0, 2e10], mask=[0, 1]),
        np.ma.masked_array([1.0, 2.0]),
        np.ma.masked_array([1, 2], mask=[0, 1], dtype=">i4"),
        np.ma.masked_array(3.0, mask=True),
        np.ma.masked,
        Masked([1.0, 2.0], [True, False]),
        BecomesMasked(),
        [np.ma.masked_array([1.0, 2.0], [True, False]), np.zeros(2)],
        (np.ma.masked_array([1.0, 2.0], [True, False]),),
    ],
)
def test_masks_are_not_lost(masked: object) -> None:
    """Until masks are computed with, an array that has one is an error that says what to do."""

    class Names:
        def __getitem__(self, name: str) -> object:
            return masked

    message = "`x` is a masked array, .* `x.filled"
    with pytest.raises(TypeError, match=message):
        ndexpr.evaluate("sum(x)", {"x": masked})
    with pytest.raises(TypeError, match=message):
        ndexpr.evaluate("x + 1", Names(), {})
    with pytest.raises(TypeError, match=message):
        ndexpr.compile("x + 1")(masked)
    assert isinstance(ndexpr.validate("x", {"x": masked}), TypeError)
    if isinstance(masked, np.ndarray):
        with pytest.raises(TypeError, match=message):
            ndexpr.compile("x + 1", {"x": masked})


def test_a_single_value_is_an_array_of_rank_0() -> None:
    a = np.arange(4)
    for text in ("sum(a)", "1 + 1", "max(a) - min(a)"):
        found = ndexpr.evaluate(text)
        assert type(found) is np.ndarray
        assert found.shape == ()
