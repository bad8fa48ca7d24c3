"""References and memory over many calls; a million of them with `NDEXPR_SLOW=1`."""

from __future__ import annotations

import gc
import sys

import numpy as np
import psutil
import pytest
from conftest import SLOW

import ndexpr

N_CALLS = 1_000_000 if SLOW else 50_000


def rss() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


a = np.array([1.0])
b = np.array([2.0])
c = np.array([3.0])
swapped = np.array([1.0], ">f8")
out = np.zeros(1)
program = ndexpr.compile("a + b*c")


def fails() -> None:
    for text in ("a +", "missing_name", "a & b", "a + wide"):
        try:
            ndexpr.evaluate(text, {"a": a, "b": b, "wide": np.ones((2, 2, 2))[:, :, :1]}, {})
        except (SyntaxError, KeyError, TypeError, ValueError):
            pass


def in_a_function() -> None:
    x, y = a, b
    ndexpr.evaluate("x + y*2")


CALLS = {
    "evaluate": lambda: ndexpr.evaluate("a + b*c"),
    "a function's locals": in_a_function,
    "given names": lambda: ndexpr.evaluate("a + k", {"a": a, "k": 2.0}, {}),
    "out": lambda: ndexpr.evaluate("a + b", out=out),
    "out of another dtype": lambda: ndexpr.evaluate("a > b", out=out, casting="unsafe"),
    "re_evaluate": lambda: ndexpr.re_evaluate(),
    "validate": lambda: ndexpr.validate("a + b"),
    "program": lambda: program(a, b, c),
    "program by name": lambda: program(a, c=c, b=b),
    "conversions": lambda: ndexpr.evaluate("swapped + n", {"swapped": swapped, "n": [1, 2]}),
    "reductions": lambda: ndexpr.evaluate("sum(a*b)"),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_references_and_no_memory_are_lost(name: str) -> None:
    call = CALLS[name]
    ndexpr.evaluate("a + b*c")
    watched = [a, b, c, swapped, out, program, np.dtype(float)]
    n_calls = N_CALLS if name in ("evaluate", "program") else N_CALLS // 10
    for _ in range(n_calls // 10):
        call()
    memory = rss()
    counts = [sys.getrefcount(one) for one in watched]
    for _ in range(n_calls):
        call()
    grown = rss() - memory
    assert max(abs(sys.getrefcount(one) - count) for one, count in zip(watched, counts, strict=True)) <= 2
    # A lost reference's 16 bytes would be more in the long run, and a lost array far more in the short one.
    assert grown < max(2_000_000, 8 * n_calls)


def test_errors_lose_nothing() -> None:
    fails()
    memory = rss()
    counts = [sys.getrefcount(one) for one in (a, b)]
    for _ in range(N_CALLS // 20):
        fails()
    assert [sys.getrefcount(one) for one in (a, b)] == counts
    assert rss() - memory < 4_000_000


def test_programs_are_let_go() -> None:
    def compile_some(first: int) -> None:
        for k in range(first, first + 600):
            ndexpr.compile(f"a + {k}")
            ndexpr.evaluate(f"a*2 + {k}", {"a": a}, {})

    compile_some(0)
    compile_some(600)
    memory = rss()
    for round_ in range(2, 6 if not SLOW else 20):
        compile_some(round_ * 600)
    assert rss() - memory < 20_000_000


def test_large_results_are_freed() -> None:
    big = np.ones(2_000_000)
    ndexpr.evaluate("big + 1")
    memory = rss()
    for _ in range(50):
        ndexpr.evaluate("big + 1")
    assert rss() - memory < 40_000_000


def test_the_texts_that_are_kept_are_bounded_by_bytes() -> None:
    memory = rss()
    for k in range(600):
        # The longest that the limits allow, all of it a comment.
        text = f"a + {k} #" + f"{k:04}" * 250_000
        assert ndexpr.evaluate(text, {"a": 1}, {}) == k + 1
    del text
    assert rss() - memory < 200_000_000
    # Few texts of many programs.
    memory = rss()
    many = " + ".join(f"sin(x{k % 10}*{k})" for k in range(300))
    names = {f"x{k}": np.ones(3, "float32" if k % 2 else "float64") for k in range(10)}
    for k in range(100):
        ndexpr.evaluate(f"{many} + {k}", names, {})
    assert rss() - memory < 200_000_000
    # The last ones are still there.
    ndexpr.evaluate("a + 1", {"a": 1}, {})
