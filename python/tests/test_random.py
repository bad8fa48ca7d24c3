"""Random expressions against NumPy evaluating the same text, and math functions against exact values.

Every expression is drawn from a seed of its own, which a failure names.
"""

from __future__ import annotations

import math
import warnings

import mpmath
import numpy as np
import pytest
from conftest import DTYPES, LAYOUTS, SLOW, laid_out, random_array

import ndexpr

N_EXPRESSIONS = 50_000 if SLOW else 5_000
N_MATH = 1_000
N_CHUNKS = 20

SHAPES = [(), (1,), (7,), (3, 7), (3, 1), (2, 3, 7), (0,), (0, 7), (40,)]

BINARY = ["+", "-", "*", "/", "//", "%", "<", "<=", "==", "!=", ">", ">=", "&", "|", "^"]


def cast(dtype: str):
    return lambda x: np.asarray(x).astype(dtype)[()]


CASTS = {dtype: cast(dtype) for dtype in DTYPES}

NUMPY = {
    **CASTS,
    "abs": np.abs,
    "where": np.where,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "sign": np.sign,
    "square": np.square,
    "isnan": np.isnan,
    "isfinite": np.isfinite,
    "logical_not": np.logical_not,
    "sum": np.sum,
    "prod": np.prod,
    "min": np.min,
    "max": np.max,
    "any": np.any,
    "all": np.all,
    "argmin": np.argmin,
}


class Expression:
    """A random expression and its variables."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        shape = SHAPES[self.rng.integers(len(SHAPES))]
        self.vars: dict[str, object] = {"k": int(self.rng.integers(0, 9)), "x": float(self.rng.normal())}
        self.vars["s"] = self.pick([np.float32(1.5), np.float64(-2.25), np.int16(3), np.bool_(True), np.uint8(7)])
        for name in "abc":
            values = random_array(self.rng, self.pick(DTYPES), self.reduced(shape))
            self.vars[name] = laid_out(values, self.pick(LAYOUTS))
        self.text = self.node(int(self.rng.integers(1, 5)))

    def pick(self, choices):
        return choices[self.rng.integers(len(choices))]

    def reduced(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts to this one."""
        shape = shape[int(self.rng.integers(len(shape) + 1)) if self.rng.random() < 0.2 else 0 :]
        return tuple(1 if self.rng.random() < 0.1 else extent for extent in shape)

    def value(self, text: str):
        """What NumPy makes of it; None if it refuses."""
        try:
            return self.numpy(text)
        except (TypeError, ValueError, OverflowError):
            return None

    def numpy(self, text: str):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return eval(text, {"__builtins__": {"__import__": __import__}}, {**NUMPY, **self.vars})

    def node(self, depth: int) -> str:
        """A text that has a strong dtype, for what is made of literals alone differs by design."""
        if depth == 0:
            return self.pick(["a", "b", "c", "a", "b", "s"])
        kind = self.rng.random()
        if kind < 0.55:
            return self.binary(depth)
        if kind < 0.85:
            return self.call(depth)
        op = self.pick(["-", "~", "+"])
        return f"({op}{self.node(depth - 1)})"

    def binary(self, depth: int) -> str:
        operands = [self.node(depth - 1), self.node(int(self.rng.integers(depth)))]
        if self.rng.random() < 0.35:
            operands[1] = self.pick(["k", "x", "2", "7", "0.5", "100", "300", "1e-3", "True"])
        if self.rng.random() < 0.5:
            operands.reverse()
        left, right = operands
        if self.rng.random() < 0.08:
            return self.power(self.node(depth - 1))
        return f"({left} {self.pick(BINARY)} {right})"

    def power(self, base: str) -> str:
        # NumPy takes its square for bools in another dtype; other exponents of floats are not exact.
        value = self.value(base)
        return base if value is None or value.dtype.kind == "b" else f"({base} ** 2)"

    def call(self, depth: int) -> str:
        arg = self.node(depth - 1)
        value = self.value(arg)
        if value is None:
            return arg
        dtype = value.dtype
        is_small = dtype.itemsize == 1
        choices = ["abs", "sign", "square", "isfinite", "logical_not", "where", "minimum", "maximum", "cast"]
        if dtype.kind == "b":
            choices = ["logical_not", "where", "isfinite", "cast", "any", "all"]
        elif dtype.kind == "f":
            choices += ["sqrt", "floor", "ceil", "trunc", "isnan"]
        elif not is_small:
            # NumPy's is float16 for the smallest.
            choices += ["sqrt"]
        if value.ndim > 0:
            choices += ["max", "min", "any", "all"]
            if dtype.kind in "bui":
                choices += ["sum", "sum", "argmin", "prod"]
        function = self.pick(choices)
        if function == "where":
            condition = self.node(depth - 1)
            return f"where({condition}, {arg}, {self.pick([self.node(depth - 1), '1', 'k'])})"
        if function in ("minimum", "maximum"):
            return f"{function}({arg}, {self.node(depth - 1)})"
        if function == "cast":
            # Floats beyond an integer dtype's range are undefined in NumPy.
            return f"{self.pick(DTYPES[-2:] if dtype.kind == 'f' else DTYPES)}({arg})"
        if function in ("sum", "prod", "max", "min", "any", "all", "argmin"):
            # An axis of a single value NumPy lets pass.
            options = ["", ", axis=-1", ", axis=0"] if value.ndim > 0 else [""]
            if function != "argmin" and value.ndim > 0:
                options.append(", axis=-1, keepdims=True")
            return f"{function}({arg}{self.pick(options)})"
        return f"{function}({arg})"


def outcome(compute):
    """A result, or the exception."""
    try:
        return compute()
    except Exception as error:
        return error


def check(expression: Expression, seed: int) -> bool:
    """Compares; true if there was a result."""
    expected = outcome(lambda: expression.numpy(expression.text))
    if isinstance(expected, np.ndarray | np.generic) and expected.dtype == np.float16:
        return False
    order = expression.pick(["K", "C", "F", "A"])
    found = outcome(lambda: ndexpr.evaluate(expression.text, expression.vars, {}, order=order))
    story = f"seed {seed}: {expression.text!r}\n{expression.vars}\nexpected {expected!r}\nfound {found!r}"
    if isinstance(expected, Exception):
        # Not always of the same class: where several things are wrong, dtypes are looked at first, then shapes.
        assert isinstance(found, TypeError | ValueError | OverflowError), story
        return False
    assert isinstance(found, np.ndarray), story
    expected = np.asarray(expected)
    expected = expected.astype(expected.dtype.newbyteorder("="))
    assert found.dtype == expected.dtype, story
    assert found.shape == expected.shape, story
    if order == "C":
        assert found.flags.c_contiguous, story
    if order == "F":
        assert found.flags.f_contiguous, story
    if expected.dtype.kind == "f":
        bits = f"uint{expected.dtype.itemsize * 8}"
        same = np.ascontiguousarray(found).view(bits) == np.ascontiguousarray(expected).view(bits)
        same |= np.isnan(found) & np.isnan(expected)
        # Which zero is the smaller one NumPy leaves to the processor.
        if any(name in expression.text for name in ("min", "max")):
            same |= found == expected
        assert same.all(), story
    else:
        assert (found == expected).all(), story
    return True


@pytest.mark.parametrize("chunk", range(N_CHUNKS))
def test_expressions(chunk: int) -> None:
    n_each = N_EXPRESSIONS // N_CHUNKS
    n_results = sum(check(Expression(seed), seed) for seed in range(chunk * n_each, (chunk + 1) * n_each))
    # The others are refused, by both.
    assert n_results > n_each * 0.5


#: Name, exact function, and the range of arguments.
MATH = {
    "exp": (mpmath.exp, (-80.0, 80.0)),
    "exp2": (lambda x: mpmath.power(2, x), (-100.0, 100.0)),
    "expm1": (mpmath.expm1, (-20.0, 20.0)),
    "log": (mpmath.log, (1e-6, 1e6)),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), (1e-6, 1e6)),
    "log10": (mpmath.log10, (1e-6, 1e6)),
    "log1p": (mpmath.log1p, (-0.99, 100.0)),
    "sin": (mpmath.sin, (-1e4, 1e4)),
    "cos": (mpmath.cos, (-1e4, 1e4)),
    "tan": (mpmath.tan, (-1e3, 1e3)),
    "arcsin": (mpmath.asin, (-1.0, 1.0)),
    "arccos": (mpmath.acos, (-1.0, 1.0)),
    "arctan": (mpmath.atan, (-100.0, 100.0)),
    "sinh": (mpmath.sinh, (-20.0, 20.0)),
    "cosh": (mpmath.cosh, (-20.0, 20.0)),
    "tanh": (mpmath.tanh, (-10.0, 10.0)),
    "arcsinh": (mpmath.asinh, (-1e3, 1e3)),
    "arccosh": (mpmath.acosh, (1.0, 1e3)),
    "arctanh": (mpmath.atanh, (-0.999, 0.999)),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), (-1e3, 1e3)),
    "erf": (mpmath.erf, (-4.0, 4.0)),
    "erfc": (mpmath.erfc, (-4.0, 8.0)),
    "tgamma": (mpmath.gamma, (0.1, 30.0)),
}


def ulps(found: float, exact: mpmath.mpf, dtype: str) -> float:
    """The error in units in the last place of the exact value."""
    if math.isnan(found):
        return math.inf
    unit = np.spacing(np.abs(np.dtype(dtype).type(float(exact))))
    return abs(float((mpmath.mpf(found) - exact) / mpmath.mpf(float(unit))))


@pytest.mark.parametrize("name", MATH)
def test_math_functions_are_within_an_ulp(name: str) -> None:
    exact, (low, high) = MATH[name]
    n_each = math.ceil(N_MATH / len(MATH))
    for case in range(n_each):
        rng = np.random.default_rng([case, *name.encode()])
        dtype = ["float32", "float64"][case % 2]
        layout = LAYOUTS[case % len(LAYOUTS)]
        x = laid_out(rng.uniform(low, high, (3, 4)).astype(dtype), layout)
        found = ndexpr.evaluate(f"{name}(x)")
        assert found.dtype == dtype
        with mpmath.workdps(40):
            errors = [
                ulps(float(y), exact(mpmath.mpf(float(v))), dtype) for v, y in zip(x.flat, found.flat, strict=True)
            ]
        assert max(errors) <= 1.0, (name, dtype, layout, max(errors))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", ["x ** y", "arctan2(x, y)", "hypot(x, y)"])
def test_math_functions_of_two_are_within_an_ulp(text: str, dtype: str) -> None:
    exact = {"x ** y": mpmath.power, "arctan2(x, y)": mpmath.atan2, "hypot(x, y)": mpmath.hypot}[text]
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0.1, 20.0, 200).astype(dtype), rng.uniform(-5.0, 5.0, 200).astype(dtype)
    found = ndexpr.evaluate(text)
    with mpmath.workdps(40):
        pairs = zip(x, y, found, strict=True)
        errors = [ulps(float(z), exact(mpmath.mpf(float(a)), mpmath.mpf(float(b))), dtype) for a, b, z in pairs]
    assert max(errors) <= 1.0
