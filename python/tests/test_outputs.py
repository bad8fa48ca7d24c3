"""Where results go: `out`, `casting` and `order`."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import DTYPES, LAYOUTS, laid_out

import ndexpr


def test_out_is_returned() -> None:
    a, out = np.arange(3.0), np.zeros(3)
    assert ndexpr.evaluate("a + 1", out=out) is out
    assert out.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("readonly", "broadcast")])
def test_out_in_any_layout(layout: str, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    out = laid_out(np.zeros((3, 4)), layout)
    assert ndexpr.evaluate("a*2 - b", out=out) is out
    np.testing.assert_array_equal(out, a * 2 - b)


def test_out_may_be_larger() -> None:
    a, out = np.arange(3.0), np.zeros((2, 3))
    ndexpr.evaluate("a + 1", out=out)
    assert out.tolist() == [[1.0, 2.0, 3.0]] * 2
    ndexpr.evaluate("sum(a)", out=out)
    assert (out == 3.0).all()


@pytest.mark.parametrize("n", [10, 100_000])
def test_out_that_overlaps(n: int, threads: int) -> None:
    memory = np.arange(n + 3, dtype=float)
    for text, compute in {
        "a + b*2": lambda a, b: a + b * 2,
        "a + sum(b)": lambda a, b: a + b.sum(),
        "cumsum(a) + b": lambda a, b: a.cumsum() + b,
    }.items():
        for place in [slice(0, n), slice(1, n + 1), slice(3, n + 3), slice(n + 2, 2, -1)]:
            memory[:] = np.arange(n + 3)
            a, b = memory[1 : n + 1], memory[2 : n + 2]
            expected = compute(a.copy(), b.copy())
            ndexpr.evaluate(text, out=memory[place])
            np.testing.assert_allclose(memory[place], expected, rtol=1e-12)


def test_in_place() -> None:
    a = np.arange(4.0)
    ndexpr.evaluate("a*a + 1", out=a)
    assert a.tolist() == [1.0, 2.0, 5.0, 10.0]
    b = np.arange(9.0).reshape(3, 3)
    expected = b + b.T
    ndexpr.evaluate("b + c", {"b": b, "c": b.T}, out=b)
    np.testing.assert_array_equal(b, expected)


@pytest.mark.parametrize("to", [*DTYPES, "float16", "complex128", ">f8"])
@pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe"])
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_casting_rules_are_numpys(dtype: str, casting: str, to: str) -> None:
    a, out = np.array([1, 2], dtype), np.zeros(2, to)
    if np.can_cast(dtype, to, casting):
        ndexpr.evaluate("a + 1", out=out, casting=casting)
        assert out.tolist() == np.array([2, 3]).astype(to).tolist()
    else:
        with pytest.raises(TypeError, match=f"casting='{casting}'"):
            ndexpr.evaluate("a + 1", out=out, casting=casting)
        assert not out.any()


def test_out_that_cannot_be_written() -> None:
    a = np.arange(3.0)
    with pytest.raises(ValueError, match="read-only"):
        ndexpr.evaluate("a + 1", out=laid_out(np.zeros(3), "readonly"))
    with pytest.raises(ValueError, match="overlap"):
        ndexpr.evaluate("a + 1", out=np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,)))
    with pytest.raises(ValueError, match="shape"):
        ndexpr.evaluate("a + 1", out=np.zeros(4))
    with pytest.raises(TypeError, match="NumPy array, not list"):
        ndexpr.evaluate("a + 1", out=[0.0] * 3)


def test_a_masked_output() -> None:
    out = np.ma.masked_array(np.zeros(2), [True, False])
    with pytest.raises(TypeError, match="`out` is a masked array"):
        ndexpr.evaluate("a + 1", {"a": np.ones(2)}, out=out)
    with pytest.raises(TypeError, match="`out` is a masked array"):
        ndexpr.compile("a + 1")(np.ones(2), out=out)
    assert isinstance(ndexpr.validate("a + 1", {"a": np.ones(2)}, out=out), TypeError)
    assert out.data.tolist() == [0.0, 0.0]
    ndexpr.evaluate("a + 1", {"a": np.ones(2)}, out=out.data)
    assert out.data.tolist() == [2.0, 2.0]


def test_orders() -> None:
    c, f = np.ones((3, 4)), np.ones((3, 4), order="F")
    assert ndexpr.evaluate("c + 1").flags.c_contiguous
    assert ndexpr.evaluate("f + 1").flags.f_contiguous
    for order, is_c in {"C": True, "F": False}.items():
        for name in "cf":
            assert ndexpr.evaluate(f"{name} + 1", order=order).flags.c_contiguous is is_c
    assert ndexpr.evaluate("f + f", order="A").flags.f_contiguous
    assert ndexpr.evaluate("c + f", order="A").flags.c_contiguous
    t = np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0)
    found = ndexpr.evaluate("t * 2")
    assert found.strides == (t * 2).strides
    assert found.flags.owndata
    np.testing.assert_array_equal(found, t * 2)
    with pytest.raises(ValueError, match="order must be one of"):
        ndexpr.evaluate("c", order="X")
    with pytest.raises(ValueError, match="casting must be one of"):
        ndexpr.evaluate("c", casting="never")
