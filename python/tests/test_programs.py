"""Programs: the same text, run by NumPy and Python statement by statement."""

from __future__ import annotations

import numpy as np
import pytest

import ndexpr

RNG = np.random.default_rng(7)
VALUES = {
    "a": RNG.standard_normal((5, 6)),
    "b": RNG.standard_normal(6) + 3,
    "c": RNG.integers(-50, 50, (5, 6)),
    "s": RNG.integers(0, 100, (5, 6)).astype(np.int16),
    "f": RNG.standard_normal((5, 6)).astype(np.float32),
    "k": 3,
    "h": 0.25,
}

#: Programs whose last line gives their result to `result`.
PROGRAMS = [
    "t = a*b\nresult = t + t*t",
    "t = a*b; t += 1; t *= b; result = t",
    "x, y = a, b\nx, y = y, x\nresult = x - y",
    "x = y = a + 1\nx = x*2\nresult = x - y",
    "n = 0\nn += 1\nresult = s + n",
    "n = 2\nscale = 0.5\nresult = f*n + scale",
    "q = c // 7\nr = c % 7\nresult = q*7 + r - c",
    "u = c\nu <<= 2\nu ^= 5\nu |= 1\nu &= 127\nu >>= 1\nresult = u",
    "u = a\nu /= b\nu -= h\nu **= 2\nu //= 0.1\nresult = u",
    "def square(x):\n    return x*x\nresult = square(a) + square(b)",
    "def axpy(x, y, k=2):\n    '''k x + y'''\n    t = x*k\n    return t + y\nresult = axpy(a, b) - axpy(y=a, x=b, k=k)",
    "def both(x):\n    return x + 1, x - 1\np, m = both(a)\nresult = p*m",
    "def inner(x):\n    return x + h\ndef outer(x):\n    y = inner(x)\n    return y*inner(y)\nresult = outer(b)",
    "def late(x):\n    return x*factor\nfactor = b\nresult = late(a)",
    "z = a.sum(axis=0) + a.mean()\nresult = z*b",
    "z = (a*b).max(axis=1, keepdims=True)\nresult = a - z",
    "result = a.astype(np.float32) + c.astype(np.int8)",
    "result = np.where(a > 0, np.maximum(a, h), np.pi)",
    "def total(x, axis=None):\n    return np.sum(x, axis=axis)\nresult = total(c, 1) + total(c)",
    "lo, hi = c.min(), c.max()\nresult = (c - lo)/(hi - lo)",
    "result = c.clip(-10, 10).cumsum(axis=1)",
    "unused = b.sum()*2\nresult = a",
    "result = a[1:-1] + a[:-2]*b",
    "result = a[::2, ::-1] - c[::2]",
    "result = a[-1]*b + a[0, 1:2]",
    "result = a[:, None, :]*a[None, :, :]",
    "result = (a + b)[1:, ::-2]",
    "result = (a*h + b - 2)[2]",
    "result = a[..., 0] - a[..., -1] + a[2, ..., 3]",
    "result = a.T[1:] + c.T[:-1]",
    "result = (a*b).T - c.T",
    "t = a[1:]\nu = t[:, 1:-1]\nresult = u[::-1] - u",
    "i = 1\nj = -2\nresult = a[i:j] + a[i]*a[j]",
    "result = a[10:] + a[3:1]",
    "result = a[-100:100:3]*a[100:-100:-3]",
    "result = b[np.newaxis] + b[:, np.newaxis]",
    "result = a[1:3].sum(axis=1) + (a - b)[1:3].max()",
    "result = a[2, 3]*c + b[-1]",
    "result = s[::-1, 1:] // 3",
    "result = (b[0] + a)[0]",
    "def lap(u):\n    c = u[1:-1, 1:-1]\n    return u[1:-1, 2:] + u[1:-1, :-2] + u[2:, 1:-1] + u[:-2, 1:-1] - 4*c\n"
    "result = lap(a)*lap(c)",
    "mu = a.mean(axis=0)\nsd = a.std(axis=0, ddof=1)\nresult = (a - mu)/sd",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_programs_do_what_python_does(text: str) -> None:
    # Python changes arrays in place.
    names = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in VALUES.items()}
    names["np"] = np
    exec(text, names)
    expected = np.asarray(names["result"])
    found = ndexpr.evaluate(text + "\nresult", VALUES)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    # Sums of floats are added in another order.
    np.testing.assert_allclose(found, expected, rtol=1e-13 if expected.dtype != np.float32 else 1e-6)


def test_local_names_are_not_looked_up() -> None:
    a = np.arange(3.0)
    assert ndexpr.evaluate("t = a*2\nt + 1").tolist() == [1.0, 3.0, 5.0]
    t = "not an array"
    assert ndexpr.evaluate("t = a*2; return t + 1").tolist() == [1.0, 3.0, 5.0]


def test_a_text_may_be_indented() -> None:
    def f(a: np.ndarray) -> np.ndarray:
        return ndexpr.evaluate(
            """
            x = a + 1
            return x*x
            """
        )

    assert f(np.array([1.0, 2.0])).tolist() == [4.0, 9.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t = a", "the text has no result"),
        ("a\na + 1", "nothing uses this value"),
        ("def f(x): return f(x)\nf(a)", "calls itself"),
        ("a, (a, a)", "a result cannot be a tuple in a tuple"),
        ("a, None", "a result cannot be None"),
        ("a.real", "there is no attribute"),
        ("a[3]", "there is no index 3 in axis 0"),
        ("a[0, 0]", "2 indices do not fit"),
        ("a[::0]", "cannot be 0"),
        ("a[a]", "this is no index"),
        ("sum(a, axis=0)[1:]", "cannot be indexed"),
        ("t += a; t", "is used before it has a value"),
    ],
)
def test_errors(text: str, message: str) -> None:
    a = np.arange(3.0)
    with pytest.raises((SyntaxError, TypeError, KeyError, IndexError), match=message):
        ndexpr.evaluate(text)
