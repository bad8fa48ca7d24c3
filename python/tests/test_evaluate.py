"""Around `evaluate`: `re_evaluate`, `validate`, options, and many texts one after another."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import DTYPES

import ndexpr


def test_re_evaluate_looks_again() -> None:
    a = np.array([1.0])
    ndexpr.evaluate("a * 2")
    a = np.array([4, 5])
    assert ndexpr.re_evaluate().tolist() == (a * 2).tolist()
    assert ndexpr.re_evaluate({"a": 7}) == 14


def test_re_evaluate_keeps_out() -> None:
    a, out = np.arange(2.0), np.zeros(2)
    ndexpr.evaluate("a + 1", out=out)
    a += 1
    assert ndexpr.re_evaluate() is out
    assert out.tolist() == [2.0, 3.0]
    references = sys.getrefcount(out)
    del out
    assert references == 2
    assert ndexpr.re_evaluate().tolist() == [2.0, 3.0]


def test_validate() -> None:
    a = np.arange(3.0)
    assert ndexpr.validate("a * 3") is None
    assert ndexpr.re_evaluate().tolist() == (a * 3).tolist()
    for text, kind in {"a +": SyntaxError, "b": KeyError, "~a": TypeError, "max(a, axis=1)": ValueError}.items():
        assert isinstance(ndexpr.validate(text), kind), text
    assert isinstance(ndexpr.validate("a", order="?"), ValueError)
    # numexpr's default here is stricter than evaluate's.
    assert isinstance(ndexpr.validate("a", out=np.zeros(3, "float32")), TypeError)
    assert isinstance(ndexpr.validate(3), TypeError)


def test_numexprs_options() -> None:
    a = 2
    assert (
        ndexpr.evaluate("a / 4", optimization="aggressive", truediv="auto", sanitize=True, disable_cache=True) == a / 4
    )
    with pytest.raises(ValueError, match="'optimization' must be one of"):
        ndexpr.evaluate("a", optimization="most")
    with pytest.raises(TypeError, match="unknown keyword argument 'foo'"):
        ndexpr.evaluate("a", foo=1)


def test_fast_floats_may_be_fused() -> None:
    a = np.array([1.0 + 2.0**-30])
    strict = ndexpr.evaluate("a*a - 1", floats="strict")
    assert strict == a * a - 1
    fast = ndexpr.evaluate("a*a - 1", floats="fast")
    assert abs(fast - strict) < 1e-15
    with pytest.raises(ValueError, match="floats must be one of"):
        ndexpr.evaluate("a", floats="slow")


def test_many_texts_and_types() -> None:
    for k in range(600):
        assert ndexpr.evaluate(f"a + {k}", {"a": 1}) == k + 1
    for dtype in DTYPES:
        for other in DTYPES:
            a, b = np.ones(1, dtype), np.ones(1, other)
            assert ndexpr.evaluate("a * b").dtype == (a * b).dtype
