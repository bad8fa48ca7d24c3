#!/usr/bin/env python3
"""Writes the golden data: what NumPy answers for ndexpr's exact operations.

    python3 tests/data/golden/make_golden.py            rewrite *.txt and DIFFERENCES.md beside this script
    python3 tests/data/golden/make_golden.py --out DIR  write them to DIR instead

The output is a function of the NumPy version alone. Two checks run on every case before it is written:

* lane independence: the case is evaluated again on strided copies of its inputs, and element by element;
* CPU independence: everything is made a second time in a child process with NumPy's SIMD dispatch disabled
  (NPY_DISABLE_CPU_FEATURES), and the files must come out the same.

A case that fails the first is dropped and counted; any difference in the second is an error.

The format, one record a line, fields separated by " ; ", lines that open with "#" are comments:

    input NAME ; DTYPE ; SHAPE ; LAYOUT ; VALUES
    case TEXT ; BINDINGS ; DTYPE ; SHAPE ; STRIDES ; VALUES
    near TEXT ; BINDINGS ; DTYPE ; SHAPE ; VALUES ; ERRORS
    error TEXT ; BINDINGS ; PYTHON_EXCEPTION

and in every_axis.txt, whose records hold for every layout of what they are calls of:

    made NAME ; DTYPE ; SHAPE ; KIND ; SEED ; DIGEST
    along CALL ; NAME ; DTYPE ; SHAPE ; KEPT ; VALUES ; ERRORS
    some CALL ; NAME ; DTYPE ; SHAPE ; KEPT ; STEP ; VALUES ; ERRORS
    all CALL ; NAME ; DTYPE ; SHAPE ; KEPT ; DIGEST

    NAME      a word; an input is defined once per file, before the cases that use it
    DTYPE     bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64
    SHAPE     [] or [3,4]
    LAYOUT    "C" or "strides=-8,16" or "strides=8 misalign=1": strides in bytes, one per axis; `misalign` is the
              distance of every element from an address aligned for the dtype
    VALUES    elements in logical C order as hex bits without leading zeros, separated by spaces; "V*N" is N times V;
              a NaN in a result is "nan" (any NaN will do), in an input it is bits; "-" when there are none; "=NAME"
              for those of another input
    ERRORS    how far each element may be from its value, which is the exact result, rounded once; decimal, "E*N" is N
              times E; 0 asks for the value's bits, and a zero has its sign in any case
    BINDINGS  a=NAME b=NAME, or "-"; in `error` records a=DTYPE (a rank-1 array of that dtype) or a=NAME
    STRIDES   of the result, in elements, as NumPy's order='K' gives for one ufunc; "-" when not stated.
              Meaningful only for axes whose extent is not 1, and not for empty results.
    CALL      a function of `a`; in the place of VALUES, "=CALL" for the values and errors of another one of the input
    KEPT      the result's shape with keepdims=True, or "-" where there is no such thing
    STEP      VALUES has every so many-th element of the result only
    KIND SEED how `made` draws the elements
    DIGEST    of the bits of all elements in C order, as `digest` has it
"""

import argparse
import ast
import itertools
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import warnings
from fractions import Fraction

import numpy as np

warnings.simplefilter("ignore")
np.seterr(all="ignore")

LONG = {
    "bool": "bool", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16",
    "u32": "uint32", "u64": "uint64", "f32": "float32", "f64": "float64",
}
SHORT = {long: short for short, long in LONG.items()}
DTYPES = list(LONG)
SIGNED = ["i8", "i16", "i32", "i64"]
UNSIGNED = ["u8", "u16", "u32", "u64"]
INTS = SIGNED + UNSIGNED
FLOATS = ["f32", "f64"]
N = 37  # odd and prime: every vector width leaves a tail


# ---------------------------------------------------------------------------------------------------------------------
# The language: Python's syntax, evaluated by Python, except where Python has no elementwise meaning.


class Drop(Exception):
    """The case is outside what is compared; the reason is documented in DIFFERENCES.md."""


def is_literal(x):
    return type(x) in (bool, int, float)


def truthy(x):
    return bool(x) if is_literal(x) else np.asarray(x).astype(bool)


def where(c, x, y):
    if is_literal(c) and is_literal(x) and is_literal(y):
        raise Drop("function of literals")
    for v, other in ((x, y), (y, x)):
        dtype = np.result_type(x, y)
        if type(v) is int and not is_literal(other) and dtype.kind in "iu":
            info = np.iinfo(dtype)
            if not info.min <= v <= info.max:
                raise Drop("np.where wraps an out-of-range literal")
    return np.where(truthy(c), x, y)


def power(x, y):
    if is_literal(x) and is_literal(y):
        return x**y
    base = np.asarray(x)
    if is_literal(y) and base.dtype.kind == "f":
        if y in (-1, 0, 0.5, 1, 2):
            return x**y
        raise Drop("floating-point pow is not exact")
    if base.dtype == bool and is_literal(y):
        raise Drop("bool ** 2 takes NumPy's square fast path: int8 instead of int64")
    try:
        result = x**y
    except ValueError as error:
        raise Drop("negative integer power") from error
    if result.dtype.kind == "f":
        raise Drop("floating-point pow is not exact")
    return result


def min_max(function):
    def checked(x, y):
        if is_literal(x) and is_literal(y):
            raise Drop("function of literals")
        u, v = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        if np.any((u == 0) & (v == 0) & (np.signbit(u) != np.signbit(v))):
            raise Drop("minimum, maximum, fmin or fmax of 0.0 and -0.0")
        return function(x, y)

    return checked


def clip(x, low, high):
    if is_literal(x):
        raise Drop("function of literals")
    min_max(np.maximum)(np.asarray(x, float), np.asarray(low, float))
    min_max(np.minimum)(np.asarray(x, float), np.asarray(high, float))
    return np.clip(x, low, high)


def reciprocal(x):
    if is_literal(x):
        raise Drop("function of literals")
    if np.asarray(x).dtype.kind in "biu" and np.any(np.asarray(x) == 0):
        raise Drop("integer reciprocal of 0 is undefined in C")
    return np.reciprocal(x)


def plain(function):
    def checked(*args):
        if all(is_literal(x) for x in args):
            raise Drop("function of literals")
        return function(*args)

    return checked


def cast_to(name):
    dtype = np.dtype(name)

    def cast(x):
        x = np.asarray(x)
        if x.dtype.kind == "f" and dtype.kind in "iu":
            info = np.iinfo(dtype)
            whole = np.trunc(x.astype(np.float64))
            # max + 1 is a power of two: exact, where max itself may not be.
            if not np.all((whole >= float(info.min)) & (whole < float(info.max + 1))):
                raise Drop("float to integer out of range is undefined in C")
        return x.astype(dtype)

    return cast


def chain(*links):
    result = links[0]
    for link in links[1:]:
        result = result & link
    return result


NAMESPACE = {
    "_and": lambda x, y: np.logical_and(truthy(x), truthy(y)),
    "_or": lambda x, y: np.logical_or(truthy(x), truthy(y)),
    "_not": lambda x: np.logical_not(truthy(x)),
    "_chain": chain, "_where": where, "_power": power,
    "where": where, "clip": clip, "reciprocal": reciprocal,
    "abs": plain(np.abs), "round": plain(np.round),
    "true": True, "false": False, "pi": np.pi.__float__(), "e": float(np.e), "inf": float("inf"), "nan": float("nan"),
}
for _name in "sign sqrt square floor ceil trunc rint copysign isnan isinf isfinite signbit fmod remainder \
floor_divide hypot".split():
    NAMESPACE[_name] = plain(getattr(np, _name))
for _name in "minimum maximum fmin fmax".split():
    NAMESPACE[_name] = min_max(getattr(np, _name))
for _name in LONG.values():
    NAMESPACE[_name] = cast_to(_name)


class Translate(ast.NodeTransformer):
    """Gives `and or not`, comparison chains, `if else` and `**` their elementwise meanings."""

    @staticmethod
    def call(name, *args):
        return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=list(args), keywords=[])

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        name = "_and" if isinstance(node.op, ast.And) else "_or"
        result = node.values[0]
        for value in node.values[1:]:
            result = self.call(name, result, value)
        return result

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        return self.call("_not", node.operand) if isinstance(node.op, ast.Not) else node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        return self.call("_power", node.left, node.right) if isinstance(node.op, ast.Pow) else node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if len(node.ops) == 1:
            return node
        terms = [node.left, *node.comparators]
        links = [ast.Compare(left=terms[i], ops=[op], comparators=[terms[i + 1]]) for i, op in enumerate(node.ops)]
        return self.call("_chain", *links)

    def visit_IfExp(self, node):
        self.generic_visit(node)
        return self.call("_where", node.test, node.body, node.orelse)


COMPILED = {}


def names_in(text):
    """The names a text mentions, functions included."""
    return {node.id for node in ast.walk(ast.parse(text, mode="eval")) if isinstance(node, ast.Name)}


def evaluate(text, variables):
    """NumPy's answer, before conversion to an array."""
    code = COMPILED.get(text)
    if code is None:
        tree = ast.fix_missing_locations(Translate().visit(ast.parse(text, mode="eval")))
        code = COMPILED[text] = compile(tree, text, "eval")
    return eval(code, dict(NAMESPACE, **variables))  # noqa: S307: the texts are this script's own


# ---------------------------------------------------------------------------------------------------------------------
# Inputs


def to_bits(array):
    array = np.asarray(array)
    unsigned = np.dtype(f"u{array.dtype.itemsize}")
    return [int(v) for v in np.ascontiguousarray(array).view(unsigned).ravel()] if array.size else []


def format_bits(bits, nan_mask=None):
    words = [f"{v:x}" for v in bits]
    if nan_mask is not None:
        words = ["nan" if is_nan else word for word, is_nan in zip(words, nan_mask)]
    out, i = [], 0
    while i < len(words):
        j = i
        while j < len(words) and words[j] == words[i]:
            j += 1
        out += [f"{words[i]}*{j - i}"] if j - i > 2 else words[i:j]
        i = j
    return " ".join(out) or "-"


def format_shape(shape):
    return "[" + ",".join(map(str, shape)) + "]"


def c_strides(shape, item):
    strides = []
    for extent in reversed(shape):
        strides.append(item)
        item *= max(extent, 1)
    return tuple(reversed(strides))


class Input:
    """An array over memory of its own, laid out exactly as the Rust reader will lay it out."""

    def __init__(self, name, array, strides=None, misalign=0):
        array = np.asarray(array)
        self.name, self.values, self.misalign = name, array, misalign
        self.like = None  # an input with the same values, whose record has them
        self.dtype = SHORT[array.dtype.name]
        item = array.dtype.itemsize
        self.strides = c_strides(array.shape, item) if strides is None else tuple(strides)
        self.is_c = strides is None and not misalign
        spans = [(extent - 1) * stride for extent, stride in zip(array.shape, self.strides)] if array.size else []
        low, high = sum(min(s, 0) for s in spans), sum(max(s, 0) for s in spans) + item
        memory = np.zeros(high - low + 16, np.uint8)
        offset = -memory.ctypes.data % 8 + misalign - low
        # `low` may itself be misaligned for odd strides: that is the stride's doing, and is kept.
        self.array = np.ndarray(array.shape, array.dtype, memory, offset, self.strides)
        self.array[...] = array
        assert to_bits(self.array) == to_bits(array), name

    def record(self):
        layout = "C" if self.is_c else "strides=" + ",".join(map(str, self.strides))
        layout += f" misalign={self.misalign}" if self.misalign else ""
        values = f"={self.like.name}" if self.like else format_bits(to_bits(self.values))
        fields = [self.name, self.dtype, format_shape(self.array.shape), layout, values]
        return "input " + " ; ".join(fields)


def float_from_bits(dtype, bits):
    return np.array(bits, {"f32": np.uint32, "f64": np.uint64}[dtype]).view(LONG[dtype])


def int_edges(dtype):
    info = np.iinfo(LONG[dtype])
    half = 1 << (info.bits // 2)
    edges = [info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 3, 7, half - 1, half, half + 1]
    if info.min < 0:
        edges += [-1, -2, -3, -7, -half, info.min // 2]
    else:
        edges += [info.max // 2, info.max // 2 + 1]
    return list(dict.fromkeys(edges))


F32_EDGES = [
    0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000,  # 0 1 inf nan
    0x00000001, 0x80000001, 0x007FFFFF, 0x00800000, 0x80800000, 0x7F7FFFFF, 0xFF7FFFFF,  # subnormal, tiny, huge
    0x3F000000, 0xBF000000, 0x3FC00000, 0x40200000, 0xC0200000, 0x40400000,  # 0.5 -0.5 1.5 2.5 -2.5 3
    0x3DCCCCCD, 0x4B000001, 0x4B800000, 0x5F000000, 0xDF000000,  # 0.1, 2^23+1, 2^24, 2^63, -2^63
]
F64_EDGES = [
    0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000, 0xBFF0000000000000,
    0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0xFFF8000000000000,
    0x0000000000000001, 0x8000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x8010000000000000,
    0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF,
    0x3FE0000000000000, 0xBFE0000000000000, 0x3FF8000000000000, 0x4004000000000000, 0xC004000000000000,
    0x4008000000000000, 0x3FB999999999999A, 0x4330000000000001, 0x4340000000000000, 0x43E0000000000000,
    0xC3E0000000000000,
]


def edges(dtype):
    if dtype == "bool":
        return np.array([False, True])
    if dtype == "f32":
        return float_from_bits(dtype, F32_EDGES)
    if dtype == "f64":
        return float_from_bits(dtype, F64_EDGES)
    return np.array(int_edges(dtype), LONG[dtype])


def ordinary(dtype, rng):
    """One random value of an everyday or of any magnitude."""
    if dtype == "bool":
        return bool(rng.getrandbits(1))
    if dtype in FLOATS:
        if rng.getrandbits(2):
            value = rng.randrange(-1 << 20, 1 << 20) / 64.0
            return value * (0.7 if rng.getrandbits(1) else 1.0)
        bits = {"f32": 32, "f64": 64}[dtype]
        while True:
            value = float_from_bits(dtype, [rng.getrandbits(bits)])[0]
            if np.isfinite(value):
                return value
    info = np.iinfo(LONG[dtype])
    if rng.getrandbits(1):
        return rng.randrange(max(info.min, -20), 100)
    return rng.randrange(info.min, info.max + 1)


def mixed(dtype, seed, n=N):
    """About two thirds edge values, the rest random."""
    rng = random.Random(f"{dtype}/{seed}")
    pool = list(edges(dtype))
    n_edges = n * 5 // 8
    order = []
    while len(order) < n_edges:
        order += rng.sample(pool, len(pool))
    values = order[:n_edges] + [ordinary(dtype, rng) for _ in range(n - n_edges)]
    rng.shuffle(values)
    return np.array(values, LONG[dtype])


def without_negative_zero(array):
    return np.where(array == 0, np.zeros((), array.dtype), array)


def calm(dtype, seed, n=N):
    """Small values: compound expressions of these stay finite, and float -> int casts in range."""
    rng = random.Random(f"calm/{dtype}/{seed}")
    if dtype == "bool":
        return np.array([bool(rng.getrandbits(1)) for _ in range(n)])
    if dtype in FLOATS:
        return np.array([rng.randrange(-400, 400) / 32.0 for _ in range(n)], LONG[dtype])
    return np.array([rng.randrange(0 if dtype in UNSIGNED else -12, 13) for _ in range(n)], LONG[dtype])


# ---------------------------------------------------------------------------------------------------------------------
# Files


def same(x, y):
    """Equal bits, NaNs as a class."""
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.dtype.kind == "f":
        nan = np.isnan(x)
        if not np.array_equal(nan, np.isnan(y)):
            return False
        x, y = np.where(nan, 0, x), np.where(nan, 0, y)
    return to_bits(x) == to_bits(y)


def lane_independent(text, variables, result):
    """Whether strided memory and one-element arrays give the same bits."""
    apart = {}
    for name, array in variables.items():
        wide = np.zeros((*array.shape, 3), array.dtype)
        wide[..., 1] = array
        apart[name] = wide[..., 1]
    if not same(evaluate(text, apart), result):
        return False
    shapes = {array.shape for array in variables.values()}
    if len(shapes) != 1 or not result.size or result.shape not in shapes:
        return True
    for index in np.ndindex(*result.shape):
        one = {name: array[index].reshape(1) for name, array in variables.items()}
        if not same(np.asarray(evaluate(text, one)).reshape(()), result[index]):
            return False
    return True


class File:
    """The records of one topic."""

    all = []
    maker = "make_golden.py"

    def __init__(self, name, about):
        self.name, self.about = name, about
        self.records, self.inputs, self.n_cases = [], {}, 0
        self.dropped, self.seen = {}, set()
        File.all.append(self)

    def drop(self, reason, text, bindings):
        self.dropped.setdefault(reason, []).append((text, " ".join(f"{k}={v.dtype}" for k, v in bindings.items())))

    def case(self, text, order=False, **bindings):
        """Adds a case, or an `error` record when NumPy rejects it for its types."""
        key = (text, *((name, value.name) for name, value in bindings.items()))
        if key in self.seen:
            return None
        self.seen.add(key)
        variables = {name: value.array for name, value in bindings.items()}
        try:
            raw = evaluate(text, variables)
        except Drop as drop:
            return self.drop(str(drop), text, bindings)
        except (TypeError, OverflowError) as error:
            kind = "OverflowError" if isinstance(error, OverflowError) else "TypeError"
            if kind == "OverflowError" and self.name in ("comparisons", "literals") and BOOL_COMPARED.search(text):
                return self.drop("bool array compared with an int beyond int64", text, bindings)
            return ERRORS.error(text, kind, **{name: value.dtype for name, value in bindings.items()})
        result = np.asarray(raw)
        if result.dtype == np.float16:
            return self.drop("the result is float16", text, bindings)
        assert result.dtype.name in SHORT, (text, result.dtype)
        if not lane_independent(text, variables, result):
            return self.drop("NumPy's answer depends on the lane", text, bindings)
        bound = self.bind(bindings)
        strides = "-"
        if order and result.ndim and result.size:
            strides = ",".join(str(s // result.dtype.itemsize) for s in raw.strides)
        nan = np.isnan(result).ravel() if result.dtype.kind == "f" else None
        fields = [text, bound, SHORT[result.dtype.name], format_shape(result.shape), strides,
                  format_bits(to_bits(result), nan)]
        assert " ; " not in text
        self.records.append("case " + " ; ".join(fields))
        self.n_cases += 1

    def bind(self, bindings):
        """The bindings as records have them; inputs that are new get records of their own before."""
        for value in bindings.values():
            if value.name not in self.inputs:
                if value.like:
                    self.bind({"": value.like})
                self.inputs[value.name] = value
                self.records.append(value.record())
            assert self.inputs[value.name] is value, value.name
        return " ".join(f"{name}={value.name}" for name, value in bindings.items()) or "-"

    def answer(self, text, result, errors, **bindings):
        """Adds what has been computed here, and how far from it an element may be: a `case` if that is 0 for all."""
        key = (text, *((name, value.name) for name, value in bindings.items()))
        if key in self.seen:
            return
        self.seen.add(key)
        bound = self.bind(bindings)
        nan = np.isnan(result).ravel() if result.dtype.kind == "f" else None
        values = format_bits(to_bits(result), nan)
        fields = [text, bound, SHORT[result.dtype.name], format_shape(result.shape)]
        if errors is None or not any(errors):
            self.records.append("case " + " ; ".join([*fields, "-", values]))
        else:
            self.records.append("near " + " ; ".join([*fields, values, format_errors(errors)]))
        self.n_cases += 1

    def error(self, text, kind, **dtypes):
        key = (text, *dtypes.items())
        if key in self.seen:
            return
        self.seen.add(key)
        bound = " ".join(f"{name}={self.bind({name: to}).split('=')[1] if isinstance(to, Input) else to}"
                         for name, to in dtypes.items()) or "-"
        self.records.append(f"error {text} ; {bound} ; {kind}")
        self.n_cases += 1

    def text(self):
        head = [
            f"# {self.about}",
            f"# {self.n_cases} records made by {self.maker} (which describes the format) with NumPy {np.__version__}."
            " Do not edit.",
        ]
        return "\n".join(head + self.records) + "\n"


ERRORS = None
ERROR_CONTROLS = {}
BOOL_COMPARED = re.compile(r"^a (<|<=|>|>=|==|!=) ")
BANK = {}


def bank(dtype, kind):
    """The shared 37-element inputs, by dtype and kind; one object each."""
    key = (dtype, kind)
    if key not in BANK:
        if kind in "abcd":  # anything at all
            values = mixed(dtype, kind)
        elif kind in ("za", "zb"):  # no -0.0: for minimum, maximum and their kind
            values = without_negative_zero(mixed(dtype, kind))
        elif kind == "nz":  # no zero
            values = mixed(dtype, kind)
            values = np.where(values == 0, np.ones((), values.dtype), values)
        elif kind == "exp":  # exponents: not negative, small and large
            top = {"bool": 1}.get(dtype, 40)
            rng = random.Random(f"exp/{dtype}")
            values = np.array([min(top, rng.choice([0, 1, 2, 3, 4, 5, 7, 8, 13, 31, 40])) for _ in range(N)])
            values = values.astype(LONG[dtype])
        elif kind in ("ca", "cb", "cc"):
            values = calm(dtype, kind)
        else:
            raise KeyError(kind)
        BANK[key] = Input(f"{dtype}_{kind}", values)
    return BANK[key]


BINARY = ["+", "-", "*", "/", "//", "%", "**", "<<", ">>", "&", "|", "^", "<", "<=", ">", ">=", "==", "!=", "and", "or"]
BITWISE = ["<<", ">>", "&", "|", "^"]
COMPARE = ["<", "<=", ">", ">=", "==", "!="]


def make_operators():
    arithmetic = File("operators", "Arithmetic, bitwise and logical operators, over every pair of dtypes.")
    comparisons = File("comparisons", "Comparisons, over every pair of dtypes, chained, and against literals.")
    for op in BINARY:
        for da in DTYPES:
            for db in DTYPES:
                file = comparisons if op in COMPARE else arithmetic
                kinds = ("a", "exp") if op == "**" else ("a", "b")
                file.case(f"a {op} b", a=bank(da, kinds[0]), b=bank(db, kinds[1]))
    for text in ["-a", "+a", "~a", "not a", "--a", "-(-a)", "~~a", "not not a", "-~a", "~-a"]:
        for dtype in DTYPES:
            arithmetic.case(text, a=bank(dtype, "a"))
    for dtype in DTYPES:
        for text in ["a < b < c", "a <= b != c", "a == b == c", "a > b >= c < a", "a < b > c"]:
            comparisons.case(text, a=bank(dtype, "ca"), b=bank(dtype, "cb"), c=bank(dtype, "cc"))
        for text in ["a == a", "a != a", "a < a", "a <= a"]:
            comparisons.case(text, a=bank(dtype, "a"))
    literals = ["0", "1", "-1", "2.5", "-0.5", "300", "-300", "70000", "5000000000", "18446744073709551615",
                "9223372036854775808", "-9223372036854775808", "1e300", "inf", "nan", "0.1"]
    for literal in literals:
        for i, dtype in enumerate(DTYPES):
            for op in (COMPARE[i % 6], COMPARE[(i + 3 + len(literal)) % 6], "=="):
                comparisons.case(f"a {op} {literal}", a=bank(dtype, "a"))
            comparisons.case(f"{literal} > a", a=bank(dtype, "a"))
    for dtype in ["i8", "u8", "i64", "u64", "f32", "f64"]:
        comparisons.case("-1 < a <= 100", a=bank(dtype, "a"))
        comparisons.case("0 <= a < 256", a=bank(dtype, "a"))
        comparisons.case("a < 300 and -300 < a", a=bank(dtype, "a"))


def make_functions():
    file = File("functions", "Exact functions, over every dtype or pair of dtypes.")
    unary = "abs sign sqrt square reciprocal floor ceil trunc rint round isnan isinf isfinite signbit".split()
    for name in unary:
        for dtype in DTYPES:
            file.case(f"{name}(a)", a=bank(dtype, "nz" if name == "reciprocal" and dtype not in FLOATS else "a"))
    for name in "minimum maximum fmin fmax copysign fmod remainder floor_divide".split():
        kinds = ("za", "zb") if name[:3] in ("min", "max") or name in ("fmin", "fmax") else ("a", "b")
        for da in DTYPES:
            for db in DTYPES:
                file.case(f"{name}(a, b)", a=bank(da, kinds[0]), b=bank(db, kinds[1]))
    # clip is minimum(maximum(x, low), high), also where low > high.
    for dtype in DTYPES:
        file.case("clip(a, b, c)", a=bank(dtype, "za"), b=bank(dtype, "zb"), c=bank(dtype, "ca")
                  if dtype not in FLOATS else bank(dtype, "nz"))
    for da, db, dc in [("i8", "i16", "i32"), ("u8", "i8", "u8"), ("f32", "i8", "i8"), ("f32", "f64", "f32"),
                       ("i64", "f64", "f64"), ("u64", "i64", "i64"), ("bool", "i8", "i8"), ("i32", "f32", "f32"),
                       ("u16", "u8", "u32")]:
        file.case("clip(a, b, c)", a=bank(da, "za"), b=bank(db, "zb"), c=bank(dc, "nz"))
    for dtype in DTYPES:
        for text in ["clip(a, 1, 5)", "clip(a, -5, 5)", "clip(a, 0.5, 5.5)", "clip(a, 5, 1)", "maximum(a, 2)",
                     "minimum(2, a)", "fmax(a, 1.5)", "maximum(a, nan)", "fmax(a, nan)", "clip(a, nan, 3.0)",
                     "minimum(a, -1)", "minimum(a, 300)", "maximum(a, inf)", "clip(a, -inf, 7)"]:
            file.case(text, a=bank(dtype, "za"))
    for dtype in FLOATS:
        for text in ["copysign(a, -1)", "copysign(1, a)", "copysign(2.5, a)", "copysign(abs(a), a)", "fmod(a, 3)",
                     "fmod(5.5, a)", "remainder(a, -3)", "floor_divide(a, 0.25)", "sign(a) * abs(a)",
                     "square(a) / a", "reciprocal(a) * a", "round(a * 0.5)", "floor(-a)", "sqrt(abs(a))",
                     "sqrt(square(a))", "trunc(a) + rint(a)", "ceil(a) - floor(a)"]:
            file.case(text, a=bank(dtype, "a"))
    for dtype in INTS:
        for text in ["fmod(a, 3)", "fmod(100, a)", "remainder(a, 3)", "floor_divide(a, 7)", "square(a) + a",
                     "abs(a) + sign(a)", "round(a) - floor(a)"]:
            file.case(text, a=bank(dtype, "a"))
    # hypot is a libm function; these have exact answers.
    triples = [(3.0, 4.0), (5.0, 12.0), (8.0, 15.0), (0.0, 0.0), (-0.0, 0.0), (-3.0, 4.0), (1.0, 0.0), (0.0, -2.5),
               (np.inf, np.nan), (np.nan, -np.inf), (np.nan, 1.0), (-np.inf, 1.0), (1.0, np.inf), (np.nan, np.nan),
               (7.0, 24.0), (20.0, -21.0), (0.75, 1.0)]
    for dtype in FLOATS:
        x = Input(f"{dtype}_leg_a", np.array([t[0] for t in triples], LONG[dtype]))
        y = Input(f"{dtype}_leg_b", np.array([t[1] for t in triples], LONG[dtype]))
        file.case("hypot(a, b)", a=x, b=y)
        file.case("hypot(b, a)", a=x, b=y)


def make_where_and_promotion():
    file = File("promotion", "The dtype of results: + and where over every pair, weak literals, mixed chains.")
    few = {}
    for dtype in DTYPES:
        for kind, n in (("p", 5), ("q", 5), ("r", 5)):
            few[dtype, kind] = Input(f"{dtype}_{kind}", calm(dtype, kind, n))
    condition = Input("bool_w", np.array([True, False, True, True, False]))
    for da in DTYPES:
        for db in DTYPES:
            file.case("a + b", a=few[da, "p"], b=few[db, "q"])
            file.case("where(c, a, b)", a=few[da, "p"], b=few[db, "q"], c=condition)
            file.case("a if c else b", a=few[da, "q"], b=few[db, "p"], c=condition)
    for dtype in DTYPES:
        file.case("where(c, a, b)", a=few["f64", "p"], b=few["f64", "q"], c=few[dtype, "r"])
        file.case("a if c else b", a=bank("i16", "a"), b=bank("i16", "b"), c=bank(dtype, "a"))
        for text in ["a * 2", "a * 2.0", "a / 2", "a // 2", "a % 2", "2 ** a", "a ** 3", "a ** 2", "a - 1", "1 - a",
                     "a + 100", "a + 127", "a + 128", "a + 255", "a + 256", "a + -1", "a + -128", "a + -129",
                     "a + 32768", "a + 65536", "a + 2147483648", "a + 4294967296", "a + 9223372036854775807",
                     "a + 9223372036854775808", "a + 18446744073709551615", "a + True", "a * false", "a + 0.5",
                     "a * 1e300", "a / 3.0", "a // 0.5", "a % 1.5", "a & 1", "a | 2", "a ^ 3", "a << 1", "1 << a",
                     "a >> 1", "a & True", "a == True", "a + pi", "a * inf", "a + nan", "2 * a + 1", "a * 2 + 1.0",
                     "(a + 1) * 2", "where(a, 1, 0)", "where(a, 1, 2.0)", "where(a, a, 1)", "where(a, a, 1.5)",
                     "where(a, True, a)", "where(a, True, False)", "a if a else 1", "a and 1", "a or 0", "not a",
                     "a * -2", "a * 1000", "a - 300", "-1 * a", "a & 300", "a // 300", "a % 300", "a << 300",
                     "a / 300", "a - True", "a & 1.0", "a << 1.0", "a + 16777217", "a * 16777217", "a + 16777219",
                     "a + 9007199254740993", "a + 1152921573326323713", "a * 0.1", "a + 1e-46", "a - 3.4028235e38",
                     "a + 3.4028236e38", "a + 1e39"]:
            file.case(text, a=few[dtype, "p"])
    rng = random.Random("triples")
    texts = ["a + b + c", "a + (b + c)", "a * b - c", "a / b + c", "where(a < b, b, c)", "a + b * 2 + c", "a // 3 + b * c",
             "(a < b) + c", "a * (b > c)", "minimum(a, b) + c", "-a + b / c", "a % 5 + b + c * 1.0"]
    for i in range(260):
        dtypes = [rng.choice(DTYPES) for _ in range(3)]
        text = texts[i % len(texts)]
        trio = {name: few[dtype, kind] for name, dtype, kind in zip("abc", dtypes, "pqr")}
        file.case(text, **trio)


def make_casts():
    file = File("casts", "Casts by dtype name: every pair, rounding edges, overflow, NaN and -0.0 to bool.")
    for source in DTYPES:
        for target in DTYPES:
            if source in FLOATS and target in INTS:
                info = np.iinfo(LONG[target])
                values = [0.0, -0.0, 0.5, 0.99999994, 1.0, 1.5, 1.9999999, 2.5, 3.5, 100.25, 126.9, 127.0, 5e-324, 1e-40]
                values += [info.max / 2, info.max / 3, info.max / 7, float(info.max // 2 + 1)]
                values += [-0.25, -0.99999994, -1e-45]
                if target in SIGNED:
                    values += [-1.0, -1.5, -2.5, -100.75, float(info.min), float(info.min) / 2, float(info.min) / 3]
                values = list(np.array(values, LONG[source]))
                limit = np.array(float(info.max + 1), LONG[source])
                values.append(np.nextafter(limit, np.array(0, LONG[source])))
                if info.bits <= (16 if source == "f32" else 32):
                    values += [np.array(float(info.max), LONG[source]), np.nextafter(np.array(info.min - 1.0, LONG[source]),
                                                                                    np.array(0, LONG[source]))]
                file.case(f"{LONG[target]}(a)", a=Input(f"{source}_to_{target}", np.array(values, LONG[source])))
            else:
                file.case(f"{LONG[target]}(a)", a=bank(source, "a"))
                file.case(f"{LONG[target]}(b)", b=bank(source, "b"))
    special = {
        "f64_to_f32_edges": ("float32", np.array(
            [1 + 2.0**-24, 1 + 2.0**-24 + 2.0**-52, 1 + 3 * 2.0**-24, 1 - 2.0**-25, 3.4028234663852886e38,
             3.4028235677973362e38, 3.4028235677973366e38, 3.402823567797337e38, 1e39, -1e39, 2.0**-126, 2.0**-127,
             2.0**-149, 2.0**-150, np.nextafter(2.0**-150, 1), 3 * 2.0**-150, 2.0**-151, -(2.0**-150), 1e-300, 5e-324,
             -5e-324, -0.0, np.inf, -np.inf, np.nan, 0.1, 1 / 3, 2.0**-126 - 2.0**-150, 2.0**-126 - 2.0**-151,
             1.1754943508222875e-38, 16777217.0, 16777219.0, 1e10, np.pi])),
        "i64_edges": (None, np.array(
            [s * v for s in (1, -1) for v in
             [0, 1, 2**24 - 1, 2**24, 2**24 + 1, 2**24 + 2, 2**24 + 3, 2**25 + 2, 2**25 + 6, 2**31, 2**53 - 1, 2**53,
              2**53 + 1, 2**53 + 2, 2**53 + 3, 2**54 + 2, 2**54 + 6, 2**60 + 2**36, 2**60 + 2**36 + 1,
              2**60 + 2**36 - 1, 2**60 + 3 * 2**36, 2**60 + 3 * 2**36 - 1, 2**62 + 2**38 + 1, 2**63 - 1, 2**63 - 2**9,
              2**63 - 2**9 - 1, 2**63 - 2**9 + 1, 2**63 - 2**38, 2**63 - 2**38 - 1, 10**18 + 7]] + [-(2**63)],
            np.int64)),
        "u64_edges": (None, np.array(
            [0, 1, 2**24 + 1, 2**24 + 3, 2**32 - 1, 2**53 + 1, 2**53 + 3, 2**54 + 2, 2**60 + 2**36 + 1,
             2**60 + 3 * 2**36 - 1, 2**63 - 1, 2**63, 2**63 + 1, 2**63 + 2**10, 2**63 + 2**10 + 1, 2**63 + 3 * 2**10,
             2**63 + 2**39, 2**63 + 2**39 + 1, 2**63 + 2**39 - 1, 2**63 + 3 * 2**39, 2**64 - 1, 2**64 - 2,
             2**64 - 2**10, 2**64 - 2**10 - 1, 2**64 - 2**11, 2**64 - 2**39, 2**64 - 2**39 - 1], np.uint64)),
        "i32_edges": (None, np.array(
            [s * v for s in (1, -1) for v in [2**24, 2**24 + 1, 2**24 + 2, 2**24 + 3, 2**25 + 2, 2**25 + 6, 2**31 - 1,
                                              2**31 - 64, 2**31 - 65, 2**30 + 64, 2**30 + 65]] + [-(2**31)], np.int32)),
        "u32_edges": (None, np.array([2**24 + 1, 2**24 + 3, 2**32 - 1, 2**32 - 128, 2**32 - 129, 2**31, 2**31 + 128,
                                      2**31 + 129, 2**31 + 384], np.uint32)),
        "f32_subnormals": ("float64", float_from_bits("f32", [1, 2, 3, 0x7FFFFF, 0x800000, 0x80000001, 0x807FFFFF,
                                                             0x400000, 0x7F7FFFFF, 0x3F800001])),
        "f64_big": (None, np.array([2.0**63, 2.0**63 + 2048, 2.0**64 - 2048, 2.0**62, 2.0**53, 1e19, 1.5, 0.0])),
        "f32_big": (None, np.array([2.0**63, 2.0**64 - 2.0**40, 2.0**62, 1e19, 1.5, 0.0], np.float32)),
    }
    for name, (target, values) in special.items():
        x = Input(name, values)
        targets = [target] if target else ["uint64"] if name in ("f64_big", "f32_big") else ["float32", "float64"]
        for target in targets:
            file.case(f"{target}(a)", a=x)
    for dtype in FLOATS:
        odd = Input(f"{dtype}_truth", float_from_bits(dtype, {
            "f32": [0, 0x80000000, 1, 0x80000001, 0x7FC00000, 0xFFC00000, 0x7F800001, 0x7F800000, 0xFF800000, 0x3F800000],
            "f64": [0, 1 << 63, 1, (1 << 63) + 1, 0x7FF8 << 48, 0xFFF8 << 48, (0x7FF0 << 48) + 1, 0x7FF0 << 48,
                    0xFFF0 << 48, 0x3FF0 << 48]}[dtype]))
        for text in ["bool(a)", "not a", "not not a", "a and True", "a or False", "where(a, 1, 0)", "1 if a else 2",
                     "isnan(a)", "signbit(a)", "isinf(a)", "isfinite(a)"]:
            file.case(text, a=odd)
    for text in ["int8(a) + int8(b)", "uint8(a) * 2", "float32(a) / 3", "int16(a) // 7 + uint8(b)", "float64(int8(a))",
                 "int8(uint8(a))", "uint64(int8(a))", "int64(uint32(a))", "bool(a) + bool(b)", "uint8(int16(a) * 2)",
                 "float32(a) + float32(b)", "float32(int64(a) * 1000003)", "uint16(int8(a)) >> 3",
                 "int32(float64(a) * 0.5)", "int64(float32(b))", "bool(int8(a))", "uint32(bool(a)) - 1"]:
        for da, db in [("i8", "i16"), ("i32", "u8"), ("i64", "u64"), ("bool", "u32")]:
            file.case(text, **{n: bank(d, "a") for n, d in (("a", da), ("b", db)) if n in names_in(text)})


def make_integers():
    file = File("integers", "Integer edge values: every pair of them, division by zero, shifts, powers.")
    for dtype in INTS:
        info = np.iinfo(LONG[dtype])
        values = [info.min, info.min + 1, info.max, info.max - 1, 0, 1, 2, 7, info.max // 2 + 1]
        values += [-1, -2, -7] if dtype in SIGNED else [info.max // 3]
        values = list(dict.fromkeys(values))
        x = Input(f"{dtype}_x", np.array([v for v in values for _ in values], LONG[dtype]))
        y = Input(f"{dtype}_y", np.array(values * len(values), LONG[dtype]))
        for op in ["+", "-", "*", "/", "//", "%", "&", "|", "^", "<", "<=", "==", "!=", ">", ">="]:
            file.case(f"a {op} b", a=x, b=y)
        for text in ["fmod(a, b)", "minimum(a, b)", "maximum(a, b)", "(a // b) * b + a % b == a",
                     "a // b + a % b", "a - a // b * b"]:
            file.case(text, a=x, b=y)
        edge = Input(f"{dtype}_edge", np.array(values, LONG[dtype]))
        for text in ["-a", "abs(a)", "~a", "sign(a)", "square(a)", "a ** 2", "a ** 3", "a ** 0", "a ** 1", "a * a",
                     "a // 0", "a % 0", "a // 1", "a % 1", "a // -1", "a % -1", "a // 2", "a // 3", "a // 7", "a // 10",
                     "a % 2", "a % 3", "a % 7", "a % 10", "a // -2", "a % -3", "a // -7", "a % -10", "100 // a",
                     "100 % a", "-100 // a", "-100 % a", "fmod(a, 0)", "fmod(a, -3)", "a / 0", "a / 2", "a // 4",
                     "a // 8", "a % 4", "a % 16", "a // 100", "a % 100", "a // 127", "a % 127", "a * 3", "a * 4",
                     "a * 100", "a + a", "0 - a", "a << 0", "a << 1", "a >> 1", "a >> 3", "a & -a", "a ^ (a >> 1)"]:
            file.case(text, a=edge)
        counts = list(range(info.bits + 2)) + [min(info.max, 100), info.max]
        counts += [-1, -2, -info.bits, info.min] if dtype in SIGNED else [info.max // 2 + 1]
        bases = [info.min, info.max, 1, info.max // 3, 0, info.min // 3 if info.min else info.max - 1]
        base = Input(f"{dtype}_base", np.array([v for v in bases for _ in counts], LONG[dtype]))
        count = Input(f"{dtype}_count", np.array(counts * len(bases), LONG[dtype]))
        file.case("a << b", a=base, b=count)
        file.case("a >> b", a=base, b=count)
        for s in (0, 3, info.bits - 1, info.bits, info.bits + 1):
            file.case(f"a << {s}", a=base)
            file.case(f"a >> {s}", a=base)
        file.case("a << -1", a=base)
        file.case("a >> -1", a=base)
        powers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 31, 32, 63, 64, 100, min(info.max, 127)]
        bases = values + [3, 5, 10, 6]
        px = Input(f"{dtype}_pow_x", np.array([v for v in bases for _ in powers], LONG[dtype]))
        py = Input(f"{dtype}_pow_y", np.array(powers * len(bases), LONG[dtype]))
        file.case("a ** b", a=px, b=py)
        for power_text in ["4", "5", "7", "10"]:
            file.case(f"a ** {power_text}", a=edge)
        file.case("2 ** b", b=py)
        file.case("3 ** b", b=py)
    # Different widths and signs on both sides of an operator whose answer depends on them.
    for da, db in [("i8", "u8"), ("u8", "i8"), ("i16", "u16"), ("u32", "i32"), ("i64", "u64"), ("u64", "i64"),
                   ("i8", "i64"), ("u8", "u64"), ("i64", "i8"), ("u32", "i8")]:
        ea, eb = int_edges(da), int_edges(db)
        x = Input(f"{da}_{db}_x", np.array([v for v in ea for _ in eb], LONG[da]))
        y = Input(f"{da}_{db}_y", np.array(eb * len(ea), LONG[db]))
        for op in ["//", "%", "<<", ">>", "<", "==", ">="]:
            file.case(f"a {op} b", a=x, b=y)


def make_floats():
    file = File("floats", "Floating-point edge values: every pair of them, division, rounding, powers with fast paths.")
    for dtype in FLOATS:
        t = LONG[dtype]
        info = np.finfo(t)
        values = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, info.smallest_subnormal, -info.smallest_subnormal,
                  info.tiny, info.max, -info.max, 0.5, 1.5, -2.5, 3.0, -3.0, 0.1, 1e10, info.eps]
        n = len(values)
        x = Input(f"{dtype}_x", np.array([v for v in values for _ in range(n)], t))
        y = Input(f"{dtype}_y", np.array(values * n, t))
        for op in ["+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"]:
            file.case(f"a {op} b", a=x, b=y)
        for text in ["copysign(a, b)", "fmod(a, b)", "remainder(a, b)", "floor_divide(a, b)", "a // b * b + a % b",
                     "a - b * floor(a / b)", "where(a < b, a, b)", "a < b or a >= b", "not a < b",
                     "a - b == -(b - a)", "(a + b) * 0.5", "a * a - b * b", "abs(a - b) <= 0.5"]:
            file.case(text, a=x, b=y)
        positive_zero = [v for v in values if not (v == 0 and np.signbit(v))]
        n = len(positive_zero)
        zx = Input(f"{dtype}_zx", np.array([v for v in positive_zero for _ in range(n)], t))
        zy = Input(f"{dtype}_zy", np.array(positive_zero * n, t))
        nx = Input(f"{dtype}_nx", np.array([-0.0] * n, t))
        ny = Input(f"{dtype}_ny", np.array([v if v else -0.0 for v in positive_zero], t))
        for name in ["minimum", "maximum", "fmin", "fmax"]:
            file.case(f"{name}(a, b)", a=zx, b=zy)
            file.case(f"{name}(a, b)", a=nx, b=ny)
            file.case(f"{name}(b, a)", a=nx, b=ny)
        halves = [s * v for s in (1, -1) for v in
                  [0.0, 0.25, 0.49999997, 0.5, 0.50000006, 0.75, 1.0, 1.49999, 1.5, 2.0, 2.5, 3.5, 4.5, 1e5 + 0.5,
                   2.0**22 + 0.5, 2.0**23 - 0.5, 2.0**23, 2.0**23 + 1, 2.0**24, 1e20, info.tiny, info.max, np.inf,
                   info.smallest_subnormal]] + [np.nan]
        if dtype == "f64":
            halves += [0.49999999999999994, 0.5000000000000001, 2.0**51 + 0.5, 2.0**52 - 0.5, 2.0**52 + 1, 2.0**53,
                       -(2.0**51) - 0.5, -0.49999999999999994, 1 - 2.0**-53, -(2.0**52) + 0.5, 2.0**31 + 0.5]
        h = Input(f"{dtype}_half", np.array(halves, t))
        for text in ["floor(a)", "ceil(a)", "trunc(a)", "rint(a)", "round(a)", "-a", "+a", "abs(a)", "sign(a)", "sqrt(a)",
                     "square(a)", "reciprocal(a)", "a ** 2", "a ** 2.0", "a ** 1", "a ** 1.0", "a ** 0", "a ** 0.0",
                     "a ** 0.5", "a ** -1", "a ** -1.0", "a // 1", "a % 1", "a // 0.0", "a % 0.0", "a // -0.0",
                     "a // inf", "a % inf", "a % -inf", "inf // a", "inf % a", "1 / a", "a * 2.0", "a / 2", "a / 3",
                     "a / 0.1", "a * 0.0", "a - a", "a * 1", "a + 0", "a + 0.0", "a - 0.0", "0.0 - a", "a * -1", "-0.0 + a",
                     "a / 1", "a / 4", "a / 0.25", "a / 1e-300", "a * 1e-300", "a / inf", "0 * a", "a == a", "a + a",
                     "a // 2", "a % 2", "a // 0.1", "a % 0.1", "a % -0.1", "a // -3", "a % -3", "7 % a", "7 // a",
                     "-7 % a", "-7 // a", "signbit(a)", "signbit(-a)", "signbit(abs(a))", "copysign(a, -0.0)",
                     "copysign(3, a)", "a > 0", "a >= -0.0", "a != 0", "isnan(a - a)", "isinf(a * 2)",
                     "isfinite(a + a)", "sqrt(abs(a)) * sqrt(abs(a))", "a - floor(a)", "a - trunc(a)", "a / a"]:
            # `signbit` of -a and abs(a) is defined for NaN as well: negation and abs are bit operations.
            file.case(text, a=h)
        rng = random.Random(f"random floats {dtype}")
        bits = 32 if dtype == "f32" else 64
        r1 = Input(f"{dtype}_r1", float_from_bits(dtype, [rng.getrandbits(bits) for _ in range(61)]))
        r2 = Input(f"{dtype}_r2", float_from_bits(dtype, [rng.getrandbits(bits) for _ in range(61)]))
        for op in ["+", "-", "*", "/", "//", "%", "<", "=="]:
            file.case(f"a {op} b", a=r1, b=r2)
        near = [rng.uniform(-50, 50) for _ in range(61)]
        s1 = Input(f"{dtype}_s1", np.array(near, t))
        s2 = Input(f"{dtype}_s2", np.array([rng.choice([0.1, -0.1, 0.3, 1.7, -7.25, 1e-3, 3.0]) for _ in near], t))
        for text in ["a + b", "a * b", "a / b", "a // b", "a % b", "sqrt(abs(a))", "fmod(a, b)", "a * b + a", "a / b * b",
                     "reciprocal(b)", "a * a * a", "(a + b) - a"]:
            file.case(text, **{name: x for name, x in (("a", s1), ("b", s2)) if name in names_in(text)})


def arranged(name, values, how):
    """`values` laid out as `how` says."""
    values = np.asarray(values)
    item, shape = values.dtype.itemsize, values.shape
    c = c_strides(shape, item)
    if how == "C":
        return Input(name, values)
    if how == "F":
        return Input(name, values, tuple(reversed(c_strides(tuple(reversed(shape)), item))))
    if how == "reversed":
        return Input(name, values, tuple(-s for s in c))
    if how == "reversed_last":
        return Input(name, values, (*c[:-1], -c[-1]))
    if how == "step":
        return Input(name, values, tuple(3 * s for s in c))
    if how == "padded":
        return Input(name, values, tuple(s + (item * 2 * shape[-1] if i < len(c) - 1 else 0) for i, s in enumerate(c)))
    if how == "unaligned":
        return Input(name, values, c, misalign=1)
    if how == "odd":
        return Input(name, values, tuple(s // item * (item + 1) for s in c), misalign=1)
    if how == "splat":
        return Input(name, np.broadcast_to(values[(0,) * values.ndim], shape), (0,) * len(shape))
    if how == "splat_last":
        return Input(name, np.broadcast_to(values[..., :1], shape), (*c[:-1], 0))
    if how == "splat_first":
        return Input(name, np.broadcast_to(values[:1], shape), (0, *c[1:]))
    if how.startswith("perm"):
        perm = [int(ch) for ch in how[4:]]  # axes from the slowest to the fastest
        strides, step = [0] * len(shape), item
        for axis in reversed(perm):
            strides[axis] = step
            step *= shape[axis]
        return Input(name, values, tuple(strides))
    raise KeyError(how)


LAYOUTS = [  # (shape and arrangement of a, of b)
    ("1d", (37,), "C", (37,), "C"), ("1d_reversed", (37,), "reversed", (37,), "C"),
    ("1d_both_reversed", (19,), "reversed", (19,), "reversed"), ("1d_step", (37,), "step", (37,), "C"),
    ("1d_step_reversed", (21,), "step", (21,), "reversed"), ("1d_unaligned", (37,), "unaligned", (37,), "unaligned"),
    ("1d_odd_stride", (23,), "odd", (23,), "C"), ("1d_splat", (37,), "C", (37,), "splat"),
    ("1d_with_rank0", (37,), "C", (), "C"), ("1d_with_one", (37,), "C", (1,), "C"),
    ("rank0", (), "C", (), "C"), ("rank0_with_2d", (), "C", (2, 3), "F"), ("one", (1,), "C", (1, 1), "C"),
    ("2d", (5, 7), "C", (5, 7), "C"), ("2d_F", (5, 7), "F", (5, 7), "F"), ("2d_C_F", (5, 7), "C", (5, 7), "F"),
    ("2d_F_C", (5, 7), "F", (5, 7), "C"), ("2d_padded", (5, 7), "padded", (5, 7), "C"),
    ("2d_reversed", (5, 7), "reversed", (5, 7), "C"), ("2d_reversed_last", (4, 9), "reversed_last", (4, 9), "F"),
    ("2d_both_reversed", (4, 9), "reversed", (4, 9), "reversed"),
    ("2d_splat_last", (5, 7), "splat_last", (5, 7), "C"), ("2d_splat_first", (5, 7), "splat_first", (5, 7), "F"),
    ("outer", (3, 1), "C", (1, 4), "C"), ("outer_1d", (5, 1), "C", (9,), "C"), ("row", (5, 7), "C", (7,), "C"),
    ("row_F", (5, 7), "F", (7,), "reversed"), ("column", (5, 7), "C", (5, 1), "C"), ("column_F", (5, 7), "F", (5, 1), "C"),
    ("long_short", (40, 3), "C", (3,), "C"), ("2d_unaligned", (5, 7), "unaligned", (5, 7), "F"),
    ("2d_odd", (3, 6), "odd", (3, 6), "odd"), ("2d_step", (5, 7), "step", (7,), "step"),
    ("unit_axes", (1, 6, 1), "C", (1, 6, 1), "F"), ("3d", (3, 4, 5), "C", (3, 4, 5), "C"),
    ("3d_F", (3, 4, 5), "F", (3, 4, 5), "F"), ("3d_perm120", (3, 4, 5), "perm120", (3, 4, 5), "perm120"),
    ("3d_perm102", (3, 4, 5), "perm102", (3, 4, 5), "C"), ("3d_perm021", (3, 4, 5), "perm021", (3, 4, 5), "perm201"),
    ("3d_perm210_row", (3, 4, 5), "perm210", (5,), "C"), ("3d_plane", (3, 4, 5), "C", (4, 1), "C"),
    ("3d_outer", (3, 1, 5), "C", (4, 1), "C"), ("3d_perm_outer", (3, 1, 5), "perm201", (1, 4, 1), "F"),
    ("4d", (2, 3, 2, 4), "perm3120", (2, 3, 2, 4), "perm3120"), ("4d_mixed", (2, 3, 2, 4), "perm0213", (3, 1, 4), "C"),
    ("5d", (2, 1, 3, 1, 2), "C", (1, 2, 3, 2, 1), "C"),
    ("empty", (0,), "C", (0,), "C"), ("empty_2d", (3, 0), "C", (3, 0), "F"), ("empty_broadcast", (0,), "C", (1,), "C"),
    ("empty_outer", (0, 1), "C", (1, 4), "C"), ("empty_3d", (2, 0, 3), "C", (3,), "C"), ("empty_rank0", (0, 3), "C", (), "C"),
]
LAYOUT_PAIRS = [("f64", "f64"), ("f32", "f32"), ("i32", "i32"), ("u8", "f64"), ("i16", "i64"), ("bool", "i8"),
                ("f32", "f64"), ("i64", "f32"), ("u8", "u8"), ("u16", "i16")]
LAYOUT_TEXTS = ["a + b", "a * b", "a < b", "a / b", "a // b", "where(a < b, a, b)", "a + b * 2", "a * a + b * b",
                "maximum(a, b)", "a * 2", "-b", "sqrt(abs(b))", "a % b", "a == b or a > 3", "float64(a) - b",
                "a if b else a + 1", "(a + b) * (a - b)", "b + 1", "not a", "a + 0 * b", "int16(a) ^ int16(b)"]
SINGLE_UFUNC = {"a + b", "a * b", "a < b", "a / b", "a // b", "a * 2", "-b", "b + 1", "a % b"}


def make_layouts():
    file = File("layouts", "Memory layouts: strides of every sign, broadcasting, rank 0 to 5, empty, unaligned; result order.")
    for i, (label, shape_a, how_a, shape_b, how_b) in enumerate(LAYOUTS):
        made = {}
        for j in range(9):
            # "a + b" always, the other expressions in turn; dtypes in turn.
            text = LAYOUT_TEXTS[0] if j == 0 else LAYOUT_TEXTS[1 + (i * 8 + j - 1) % (len(LAYOUT_TEXTS) - 1)]
            da, db = LAYOUT_PAIRS[0] if j == 0 else LAYOUT_PAIRS[(i + j) % len(LAYOUT_PAIRS)]
            for dtype, side, shape, how in ((da, "a", shape_a, how_a), (db, "b", shape_b, how_b)):
                if (side, dtype) not in made:
                    n = int(np.prod(shape))
                    values = without_negative_zero(calm(dtype, f"{label}/{side}", n)).reshape(shape)
                    made[side, dtype] = arranged(f"{dtype}_{label}_{side}", values, how)
            used = names_in(text)
            file.case(text, order=text in SINGLE_UFUNC, **{n: made[n, d] for n, d in (("a", da), ("b", db)) if n in used})


def make_literals():
    file = File("literals", "Literal forms, weak literals, and constant subexpressions (which have Python's exact meaning).")
    forms = ["0xff", "0XFF", "1_000", "0x7f", "1e3", "1E3", "1.", ".5", "0.1", "1e-3", "1_0.2_5", "12.5e-1", "1e+2", "0",
             "0.0", "-0.0", "True", "False", "true", "false", "pi", "e", "inf", "-inf", "nan", "1e308", "5e-324", "1e400",
             "2.2250738585072011e-308", "9007199254740993.0", "0.30000000000000004", "179769313486231580793e289",
             "123456789012345678901234567890.0", "4.9406564584124654e-324", "2.4703282292062327e-324",
             "2.4703282292062328e-324", "1.00000017881393421514957253748434595763683319091796875",
             "8.5899346e9", "0.1e1", "0b101", "0o17"]
    for form in forms:
        file.case(form)
        for dtype in ["f64", "f32"]:
            file.case(f"a + {form}", a=bank(dtype, "ca"))
            file.case(f"a * {form}", a=bank(dtype, "ca"))
    for form in ["0xff", "1_000", "0x7f", "0", "5", "True", "-128", "0xffff", "0x7fff_ffff", "0xffffffff",
                 "9_223_372_036_854_775_807", "-9223372036854775808", "-9223372036854775807 - 1", "18446744073709551615",
                 "9223372036854775808"]:
        for dtype in INTS:
            file.case(f"a + ({form})", a=bank(dtype, "a"))
            file.case(f"({form}) ^ a", a=bank(dtype, "a"))
    folded = ["1 + 2", "2 * 3 + 1", "7 // 2", "-7 // 2", "7 // -2", "7 % 3", "-7 % 3", "7 % -3", "1 / 2", "7 / 7", "2 ** 10",
              "2 ** -1", "-2 ** 2", "(-2) ** 2", "2 ** 3 ** 2", "1 << 4", "-1 >> 1", "300 >> 2", "5 & 3", "5 | 3", "5 ^ 3",
              "~5", "~-1", "- -3", "+3", "1 < 2", "1 == 1.0", "1 < 2 < 3", "1 < 3 < 2", "not 0", "not 2.5", "1 and 0",
              "0 or 3", "0.1 + 0.2", "1e308 * 10", "7.5 // 2", "-7.5 // 2", "-7.5 % 2", "7.5 % -2", "1 - 0.9", "3 * 0.1",
              "True and False", "1 != 2 != 1", "2 ** 0.5 * 2 ** 0.5 > 2 - 1", "inf - inf", "0.0 * -1", "1 > nan",
              "4 ** 0.5", "2.0 ** 3", "10 - 2 - 3", "2 * (3 + 4)", "100 // 7 % 5", "3 - -3"]
    for text in folded:
        file.case(text)
        for dtype in ["i8", "u16", "i64", "f32", "f64"]:
            file.case(f"a + ({text})", a=bank(dtype, "ca"))
    for text in ["a + (300 - 200)", "a * (1000 // 100)", "a + (1 << 6)", "a - 2 * 50", "a + 2 * 50", "a * (1 / 4)",
                 "a + 1 + 100", "a + (100 + 27)", "100 + 27 + a", "a + -(-5)", "a * -128", "a + ~0", "a * 2 ** 3", "a // 2 ** 2",
                 "a % (10 - 3)", "(2 - 2) * a", "a - -1", "a * 1.0", "a * 1", "a + 0", "a ** (1 + 1)", "a < 2 ** 40",
                 "a > -2 ** 40", "a == 2 ** 63", "a != -2 ** 63 - 1", "a < 2 ** 64", "2 ** 70 > a", "a + 0x7f", "a & 0x55",
                 "a | 0x80", "a & 0xff", "a * 0x1_0"]:
        for dtype in DTYPES:
            file.case(text, a=bank(dtype, "a"))
    # Halfway and nearly halfway literals, rounded to float32: through float64 first, as Python does.
    for text in ["a + 1.000000059604644775390625", "a * 1.0000000596046447753906251", "a + 1.00000005960464480",
                 "a * 16777217", "a + 1152921573326323713", "a * 1152921573326323713", "a * 7.006492321624085e-46",
                 "a + 3.4028235677973366e38", "a - 340282356779733661637539395458142568447", "a * 33554435"]:
        for dtype in FLOATS:
            file.case(text, a=bank(dtype, "ca"))


def make_compound():
    file = File("compound", "Longer expressions: polynomials, nested where, mixed chains, boolean queries, precedence.")
    any_pairs = [("f64", "f64", "f64"), ("f32", "f32", "f32"), ("i32", "i32", "i32"), ("u8", "i8", "i16"), ("i64", "f32", "u8")]
    int_trios = [("i8", "i8", "i8"), ("u8", "u8", "u8"), ("i32", "i32", "i32"), ("i64", "u32", "i8"), ("u64", "u64", "u64")]
    general = [
        "((a*2 + 1)*a - 3)*a + 5", "a*a*a - 2*a*a + 3*a - 4", "(((a + 1)*b + 2)*c + 3)*a", "0.25*a*a + 0.5*a + 1.0",
        "a + b*2", "a*b + c", "a - b - c", "a - (b - c)", "a / b / c", "a / (b * c)", "a * b / c", "a // b * c", "a % b * c",
        "-a + b", "-a * b", "-(a * b)", "a - -b", "a * -b", "- -a", "+-a", "-a % b", "-(a % b)", "-a // b", "-(a // b)",
        "-a ** 2", "(-a) ** 2", "-a ** 2 + b", "a * a ** 2", "a ** 2 * 2 - b", "2 * -a ** 2",
        "not a == b", "not a and b", "not (a and b)", "a or b and c", "(a or b) and c", "a and b or c", "not a or not b",
        "a < b and b < c", "a < b == c", "a < b < c", "(a < b) == (b < c)", "(a < b) < c", "a < b or b > c and a != c",
        "(a < b) & (b < c)", "(a < b) | (a == c)", "(a > 0) ^ (b > 0)", "~(a < b)", "~(a < b) & (b < c)", "a + b < c * 2",
        "where(a < b, a, b)", "where(a < 0, -a + b, where(b < 0, b, c))", "where(a == b, 1, where(a < b, 2, 3))",
        "where(a < b, a * 2, b / 2)", "where((a > 1) & (b > 1), a + b, c)", "where(a, b, c) + where(b, c, a)",
        "a if a < b else b", "a if a > b else b if b > c else c", "(a if a > b else b) if c > 0 else a + b",
        "1 if a > 0 else 0", "a + 1 if b > 0 else c - 1", "a if b else c", "(1 if a else 2) * b", "a + (b if c else 1)",
        "a if not b > c else b", "a + where(b > 0, 1, 2)", "(a > 0) * a", "(a > 0) + (b > 0) + (c > 0)",
        "(a > 2) * 2 + (b > 2) * 4", "(a < 1) * 1.5", "a * (b == c) + b * (b != c)", "abs(a - b) < 3",
        "a >= 0 and a <= 10 and b != 3", "0 <= a < 10 or not -5 < b < 5", "(a - b) * (a + b) - (a * a - b * b)",
        "a*a + b*b + c*c", "(a + b + c) / 3", "(a + b) // 2 + c % 3", "a*b*c*a*b*c", "a + b + c + a + b + c",
        "abs(a) + abs(b) - abs(a + b)", "sign(a) * sign(b)", "floor(a / 3) * 3", "rint(a / 4) + trunc(b / 4)",
        "minimum(maximum(a, b), c)", "maximum(a, maximum(b, c)) - minimum(a, minimum(b, c))", "clip(a + b, 1, 9)",
        "float64(a) / 3 + float32(b)", "int32(a) * int32(b) + int32(c)", "float32(a) * b", "bool(a) and bool(b)",
        "int64(a) // 3 % 5", "int16(a) << 2 | int16(b) & 3", "isnan(a / b)", "isfinite(a / b) and a > 0",
        "where(b == 0, 0, a / b)", "where(isfinite(a / b), a / b, -1)", "sqrt(float64(a) * a + float64(b) * b)",
        "fmax(a, b) - fmin(a, b)", "copysign(float64(a), b)", "square(a) - square(b)", "a == b != c", "a != b", "a * 2.5 + b * 0.5 - c",
        "((((((((a + 1) * 2) + 1) * 2) + 1) * 2) + 1) * 2)", "a - b * c + a / 2 - b % 3 + c // 2", "(a) + ((b)) * (((c)))",
        "a+b*c-a", "a  +  b\t*  c", "a*(b+c)-(a*b+a*c)",
    ]
    integer = [
        "~a & b", "~(a & b)", "a & b | c", "a & (b | c)", "a | b ^ c", "(a | b) ^ c", "a ^ b & c", "a & b == b", "(a & b) == b", "a + b & c",
        "a << 1 + 1", "(a << 1) + 1", "a >> 1 << 1", "a << 2 >> 1", "~a + 1", "-~a", "~-a", "~a * b", "a * ~b", "a & ~b | ~a & b",
        "a | b < c", "(a | b) < c", "a & 1 == 0", "(a & 1) == 0", "a % 2 == 0 and b % 2 == 1", "a // 3 * 3 + a % 3 == a", "a & 7 | (b & 1) << 3",
        "(a ^ b) >> 1 & 0x55", "a ** 2 + b ** 2", "a ** 2 ** 1", "-a ** 3", "a * b % 7", "(a + b) // (c // 2)", "where(a & 1, a * 3 + 1, a // 2)",
        "~a < b", "not a & b", "a << (b & 7)", "a >> (b & 3) & 1", "a ^ a << 3 ^ b >> 2", "1 << (a & 7)", "a - (a & -a)",
        "a // b + a % b", "(a * 31 + b) * 31 + c", "(a ^ 61) ^ (b >> 4)", "a * 9 & 0x7f | 1",
    ]
    for text in general:
        used = names_in(text)
        for trio in any_pairs:
            file.case(text, **{n: bank(d, "c" + n) for n, d in zip("abc", trio) if n in used})
    for text in integer:
        used = names_in(text)
        for trio in int_trios:
            file.case(text, **{n: bank(d, n) for n, d in zip("abc", trio) if n in used})
    # Over edge values too, where the above were calm.
    for text in general[:60]:
        used = names_in(text)
        for trio in [("f64", "f64", "f64"), ("i64", "i64", "i64")]:
            file.case(text, **{n: bank(d, n) for n, d in zip("abc", trio) if n in used})


# ---------------------------------------------------------------------------------------------------------------------
# Along axes. NumPy says what the dtype and the shape are; what it rounds in an order of its own is computed here
# exactly, with a bound on the error that any good order keeps.

EPS = Fraction(1, 1 << 52)
UNIT = 1 << 1074  # every float is a multiple of 1 / UNIT

EXACT = "min max any all count_nonzero argmin argmax ptp nanmin nanmax".split()
TOTALS = "sum prod nansum nanprod cumsum cumprod".split()
AVERAGES = "mean var std norm nanmean nanvar nanstd".split()
ONE_AXIS = ["argmin", "argmax", "cumsum", "cumprod"]
RUNNING = ["cumsum", "cumprod"]
WITH_DDOF = ["var", "std", "nanvar", "nanstd"]
ALIASES = {"min": "amin", "max": "amax"}


def norm(x, axis=None, keepdims=False):
    x = np.asarray(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def count_nonzero(x, axis=None, keepdims=False):
    """NumPy counts all of an array as a Python int, which is weak, and without keepdims."""
    axis = tuple(range(np.ndim(x))) if axis is None else axis
    return np.count_nonzero(x, axis=axis, keepdims=keepdims)


NAMESPACE.update({name: getattr(np, name) for name in EXACT + TOTALS + AVERAGES if name != "norm"})
NAMESPACE.update(norm=norm, count_nonzero=count_nonzero, amin=np.min, amax=np.max, exp=np.exp, log=np.log)


def format_errors(errors):
    """Two digits, rounded up."""
    words = []
    for error in errors:
        error = float(error)
        if error:
            digits = 10.0 ** (math.floor(math.log10(error)) - 1)
            error = (math.floor(error / digits) + 1) * digits if digits else 1e-320
        words.append(f"{error:.2g}" if error else "0")
    runs = ((word, len(list(run))) for word, run in itertools.groupby(words))
    return " ".join(f"{word}*{n}" if n > 1 else word for word, n in runs)


def rounded(x, dtype):
    """A fraction as the nearest float; infinities and NaN stay."""
    if isinstance(x, float):
        return dtype(x)
    try:
        near = float(x)
    except OverflowError:
        near = math.copysign(math.inf, x)
    if dtype is np.float64 or not math.isfinite(near):
        return dtype(near)
    # Rounded twice it may be the wrong neighbour.
    near = dtype(near)
    candidates = [v for v in (near, np.nextafter(near, dtype(np.inf)), np.nextafter(near, dtype(-np.inf))) if np.isfinite(v)]
    return min(candidates, key=lambda v: (abs(Fraction(float(v)) - x), int(v.view(np.uint32)) & 1), default=near)


def ulp(x, dtype):
    return Fraction(float(np.spacing(abs(rounded(x, dtype)))))


def root(x):
    """The square root of a fraction, to 300 bits or so."""
    shift = 300 + max(0, x.denominator.bit_length() - x.numerator.bit_length())
    return Fraction(math.isqrt((x.numerator << 2 * shift) // x.denominator), 1 << shift)


def log2(n):
    return Fraction(math.log2(n)) if n > 1 else Fraction(0)


def units(values):
    return [n * (UNIT // d) for n, d in (float(v).as_integer_ratio() for v in values)]


def fits(n, bits):
    """Whether an integer, without the zeros at its end, has no more bits than this."""
    return not n or (abs(n) >> (n & -n).bit_length() - 1).bit_length() <= bits


def sum_error(parts):
    """What any tree of float64 additions may be off by: (4 + 2 log2 n) eps sum|x|. None, if no order rounds at all."""
    lowest = min((part & -part for part in parts if part), default=1)
    magnitude = sum(map(abs, parts))
    if magnitude // lowest < 1 << 53:
        return Fraction(0)
    return (4 + 2 * log2(len(parts))) * EPS * Fraction(magnitude, UNIT)


def is_odd_in_minus(values):
    return sum(1 for v in values if np.signbit(v)) % 2 == 1


def exact_sum(values, dtype, _ddof):
    parts = units(values)
    total, error = Fraction(sum(parts), UNIT), sum_error(parts)
    return total, error + (ulp(total, dtype) if error and dtype is np.float32 else 0)


def exact_prod(values, dtype, _ddof):
    """Each multiplication in float64 adds half an ULP."""
    product = math.prod(Fraction(float(v)) for v in values)
    if not product:
        return (-0.0 if is_odd_in_minus(values) else 0.0), Fraction(0)
    odd = math.prod(abs(Fraction(float(v)).numerator) for v in values)
    if fits(odd, 53):
        return product, Fraction(0)
    error = len(values) * EPS / 2 * abs(product) * Fraction(101, 100)
    return product, error + (ulp(product, dtype) if dtype is np.float32 else 0)


def exact_mean(values, dtype, _ddof):
    """The sum's error, its rounding, and that of the division."""
    if not len(values):
        return math.nan, 0
    parts = units(values)
    mean, error = Fraction(sum(parts), UNIT * len(values)), sum_error(parts)
    if not error and fits(sum(parts), 53 if dtype is np.float64 else 24):
        return mean, Fraction(0)
    return mean, error / len(values) + (2 if dtype is np.float32 else 1) * ulp(mean, dtype)


def exact_var(values, dtype, ddof):
    """(8 + 4 log2 n) eps (var + |mean| std), the conditioning of updating formulas; and the square of the mean's error."""
    n = len(values)
    if not n:
        return math.nan, 0
    parts = units(values)
    total = sum(parts)
    squares = Fraction(n * sum(part * part for part in parts) - total * total, n * UNIT * UNIT)
    if n <= ddof:
        assert squares or not sum_error(parts), "0 / 0 or tiny / 0"
        return (math.inf if squares else math.nan), 0
    var, mean = squares / n, abs(Fraction(total, n * UNIT))
    if not squares and not sum_error(parts):
        return Fraction(0), Fraction(0)
    c = (8 + 4 * log2(n)) * EPS
    error = c * (var + mean * root(var)) + (c * Fraction(max(map(abs, parts)), UNIT)) ** 2
    scale = Fraction(n) / (n - Fraction(ddof))
    return var * scale, error * scale + (2 if dtype is np.float32 else 1) * ulp(var * scale, dtype)


def exact_std(values, dtype, ddof):
    var, error = exact_var(values, dtype, ddof)
    if isinstance(var, float):
        return var, 0
    std = root(var)
    if not error:
        return std, Fraction(0)
    return std, max(root(var + error) - std, std - root(max(var - error, Fraction(0)))) + ulp(std, dtype)


def exact_norm(values, dtype, _ddof):
    """Half of the relative error of the sum of squares, for the root halves it; and the roundings around."""
    square = Fraction(sum(part * part for part in units(values)), UNIT * UNIT)
    if not square:
        return Fraction(0), Fraction(0)
    length = root(square)
    return length, (5 + 2 * log2(len(values))) / 2 * EPS * length + (2 if dtype is np.float32 else 1) * ulp(length, dtype)


FOLDS = {"sum": exact_sum, "prod": exact_prod, "mean": exact_mean, "var": exact_var, "std": exact_std, "norm": exact_norm}


def fold(name, values, dtype, ddof):
    """One result and its error, of the elements in order. What is not finite follows from IEEE 754, whatever the order."""
    if name.startswith("nan"):
        name, values = name[3:], values[~np.isnan(values)]
        if name in ("var", "std") and len(values) <= ddof:
            return math.nan, 0
    if not np.all(np.isfinite(values)):
        if name in ("var", "std"):
            return math.nan, 0
        return float(NAMESPACE[name](values.astype(np.float64))), 0
    return FOLDS[name](values, dtype, ddof)


def running(name, values, dtype):
    """The results and errors of a running total: one rounding in float64 for each element."""
    out, exact, size = [], Fraction(0 if name == "cumsum" else 1), Fraction(0)
    for i, value in enumerate(values):
        so_far = values[: i + 1]
        if not np.all(np.isfinite(so_far)):
            out.append((float(NAMESPACE[name[3:]](so_far.astype(np.float64))), 0))
            continue
        value = Fraction(float(value))
        exact = exact + value if name == "cumsum" else exact * value
        if name == "cumprod":
            out.append(exact_prod(so_far, dtype, 0))
            continue
        size += abs(value)
        error = sum_error(units(so_far)) and (i + 1) * EPS / 2 * size
        result = -0.0 if not exact and np.all(np.signbit(so_far)) else exact
        out.append((result, error + (ulp(exact, dtype) if error and dtype is np.float32 else 0)))
    return out


def prefer_zero(name, x, result, axis, keepdims):
    """Of equal zeros the least is -0.0, the greatest 0.0; which one NumPy takes depends on the order."""
    if x.dtype.kind != "f":
        return result
    is_min = name.endswith("min")
    wanted = (x == 0) & (np.signbit(x) == is_min)
    found = np.any(wanted, axis=axis, keepdims=keepdims)
    other = np.asarray(0.0 if is_min else -0.0, x.dtype)
    return np.where(result == 0, np.where(found, -other, other), result)


def along(name, x, axis=None, keepdims=False, ddof=0):
    """The result of a function along axes, and the error of each element, or None if there is none."""
    options = {"ddof": ddof} if ddof else {}
    if name not in RUNNING:
        options["keepdims"] = keepdims
    result = np.asarray(NAMESPACE[name](x, axis=axis, **options))
    if name in ("min", "max", "nanmin", "nanmax"):
        return prefer_zero(name, x, result, axis, keepdims), None
    if name in EXACT or result.dtype.kind != "f":
        return result, None
    dtype = result.dtype.type
    if x.dtype.kind != "f":
        x, name = x.astype(dtype), name.removeprefix("nan")  # of what is never NaN, nanvar is var, ddof included
    x = x.reshape(1) if name in RUNNING and not x.ndim else x
    axes = tuple(range(x.ndim)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, x.ndim)
    kept = [i for i in range(x.ndim) if i not in axes]
    n = math.prod(x.shape[i] for i in axes)
    rows = x.transpose([*kept, *axes]).reshape(math.prod(x.shape[i] for i in kept), n)
    if name in RUNNING:
        pairs = [pair for row in rows for pair in running(name, row, dtype)]
        values = np.array([rounded(value, dtype) for value, _ in pairs], dtype).reshape(rows.shape)
        errors = np.array([error for _, error in pairs], object).reshape(rows.shape)
        back = np.argsort([*kept, *axes])
        shape = [x.shape[i] for i in [*kept, *axes]]
        values, errors = (part.reshape(shape).transpose(back) for part in (values, errors))
    else:
        pairs = [fold(name, row, dtype, ddof) for row in rows]
        values = np.array([rounded(value, dtype) for value, _ in pairs], dtype).reshape(result.shape)
        errors = np.array([error for _, error in pairs], object)
    assert values.shape == result.shape
    # That what is exact here means what NumPy means.
    with np.errstate(all="ignore"):
        slack = 1e-3 if dtype is np.float32 else 1e-10
        scale = np.max(np.abs(x[np.isfinite(x)]), initial=1.0).astype(np.float64) * max(n, 1)
        close = np.isclose(values.astype(np.float64), result, slack, slack * scale, equal_nan=True)
    assert name in WITH_DDOF or np.all(close), (name, x, axis, values, result)
    return values, [error for error in errors.ravel()]


def call_text(rng, name, axis, keepdims, ddof=0):
    """The call, in one of the ways to write it."""
    name = rng.choice([name, ALIASES[name]]) if name in ALIASES else name
    options = []
    if axis is not None or rng.randrange(8) == 0:
        options.append(f"{'axis=' if rng.getrandbits(2) else ''}{axis}")
    if ddof:
        options.append(f"ddof={ddof}")
    if keepdims or (name not in RUNNING and rng.randrange(8) == 0):
        options.append(f"keepdims={keepdims}")
    return f"{name}({', '.join(['a', *options])})"


def axis_choices(name, n_axes):
    if name in RUNNING:
        return [None] * (n_axes <= 1) + [axis for i in range(n_axes) for axis in (i, i - n_axes)]
    choices = [None] + [axis for i in range(n_axes) for axis in (i, i - n_axes)]
    if name in ONE_AXIS:
        return choices
    if name in ("sum", "prod", "min", "max", "any", "all", "mean"):
        choices.append(())
    if n_axes < 2:
        return choices + [(0,)] * n_axes
    choices += [pair for pair in itertools.permutations(range(n_axes), 2)] + [tuple(range(n_axes)), (-1, 0)]
    return choices + ([(0, -2), (-1, 1)] if n_axes == 3 else [])


SMALL = [(), (1,), (37,), (5, 7), (40, 3), (3, 40), (2, 3, 4), (1, 9), (9, 1), (1, 1), (17, 33)]
EMPTY = [(0,), (0, 3), (3, 0), (0, 0), (2, 0, 3)]
ARRANGED = {0: ["C", "unaligned"], 1: ["C", "reversed", "step", "odd", "splat"],
            2: ["C", "F", "reversed", "reversed_last", "step", "padded", "unaligned", "splat_first", "splat_last", "splat"],
            3: ["C", "F", "perm021", "perm102", "perm120", "perm201", "perm210", "reversed", "step", "odd", "splat_last"]}


def along_values(dtype, kind, shape):
    n = math.prod(shape)
    rng = random.Random(f"along {dtype} {kind} {shape}")
    if dtype not in FLOATS:
        if kind == "small" or n > 1000:
            top = 2 if dtype == "bool" else 100 if n <= 1000 else 16
            values = [rng.randrange(top) for _ in range(n)]
            if n > 1000 and dtype in SIGNED:
                values[n // 3] = values[n // 2] = -1
        else:
            values = mixed(dtype, f"along {shape}", n) if n else []
            rare = rng.randrange(3)  # few True or few False, so that any and all have something to find
            if dtype == "bool" and rare:
                values = [(rng.randrange(9) == 0) == (rare == 1) for _ in range(n)]
    elif kind == "plain":
        values = [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-3, 4) for _ in range(n)]
    elif kind == "eighths":
        values = [rng.randrange(-800, 800) / 8 for _ in range(n)]
    elif kind == "factors":
        values = [rng.uniform(0.8, 1.22) * rng.choice([1, 1, 1, -1]) for _ in range(n)]
    elif kind == "far":
        values = [1e5 + rng.uniform(0, 1) for _ in range(n)]
    elif kind == "special":
        # By rows of the last axis: one sort of specials in each.
        pools = [[np.nan], [0.0, -0.0], [-0.0], [np.nan, 1.0, -2.0], [np.inf, 1.5], [-np.inf, 2.5], [np.inf, -np.inf, 1.0],
                 [np.inf, np.nan, 3.0], [0.0, np.inf, 1.0], [1.0, -0.0, 2.0], [-1.0, 0.0, -0.0], [np.nan, 0.0, -0.0]]
        extent = shape[-1] if shape else 1
        values = [rng.choice(pools[i // extent % len(pools)]) for i in range(n)]
    return np.array(values, LONG[dtype]).reshape(shape)


ALONG_BANK = {}


def along_input(dtype, kind, shape, how):
    """The input of a shape, laid out as said; layouts share values where they can."""
    key = (dtype, kind, shape, how)
    if key not in ALONG_BANK:
        name = f"{dtype}_{kind}_{'x'.join(map(str, shape)) or 'scalar'}"
        values = along_values(dtype, kind, shape)
        made = arranged(name if how == "C" else f"{name}_{how}", values, how)
        if how != "C" and not how.startswith("splat") and values.size > 3:
            made.like = along_input(dtype, kind, shape, "C")
        ALONG_BANK[key] = made
    return ALONG_BANK[key]


def add_along(file, rng, name, dtype, kind, shape, ddof=0, n=1):
    """Adds a function of an input, with so many choices of layout and options."""
    choices = axis_choices(name, len(shape))
    if math.prod(shape) > 40:
        choices = [axis for axis in choices if axis != ()]
    for axis in rng.sample(choices, min(n, len(choices))):
        how = rng.choice(ARRANGED[len(shape)])
        if how.startswith("splat") and not 0 < math.prod(shape) <= 120:
            how = "C"
        value = along_input(dtype, kind, shape, how)
        keepdims = name not in RUNNING and rng.getrandbits(1) == 1
        text = call_text(rng, name, axis, keepdims, ddof)
        try:
            result, errors = along(name, value.array, axis, keepdims, ddof)
        except ValueError:
            assert 0 in shape, (text, shape)
            file.error(text, "ValueError", a=value)
            continue
        except TypeError:
            file.error(text, "TypeError", a=value)
            continue
        file.answer(text, result, errors, a=value)


def make_reductions():
    file = File("reductions", "Functions along axes whose results are exact: every dtype, axis, layout and shape.")
    for dtype in DTYPES:
        for name in EXACT + (TOTALS if dtype not in FLOATS else []):
            rng = random.Random(f"reductions {dtype} {name}")
            for shape in SMALL:
                if name in RUNNING and math.prod(shape) > 40 + 80 * (name == "cumsum" and dtype == "i16"):
                    continue
                if math.prod(shape) > 200 and dtype not in ("bool", "i8", "i32", "u64", "f32"):
                    continue
                kind = "special" if dtype in FLOATS and rng.getrandbits(1) else "plain" if dtype in FLOATS else "edges"
                add_along(file, rng, name, dtype, kind, shape, n=2 if len(shape) > 1 and math.prod(shape) < 200 else 1)
            for shape in EMPTY:
                if dtype in ("f64", "f32", "i8", "u64", "bool"):
                    add_along(file, rng, name, dtype, "plain" if dtype in FLOATS else "edges", shape, n=2)
            if name not in RUNNING:
                add_along(file, rng, name, dtype, "plain" if dtype in FLOATS else "small", (2100,))
        if dtype == "i8":
            add_along(file, rng, "cumsum", dtype, "small", (2100,))
    for dtype in ("i32", "f32", "f64", "u8"):
        for name in EXACT + (TOTALS[:4] if dtype not in FLOATS else []):
            rng = random.Random(f"reductions {dtype} {name} long")
            add_along(file, rng, name, dtype, "plain" if dtype in FLOATS else "small", (1030,))
    for dtype in FLOATS:
        for name in EXACT:
            rng = random.Random(f"reductions {dtype} {name} special")
            for shape in [(5, 7), (12, 9), (40, 3), (3, 40), (2, 3, 4)]:
                add_along(file, rng, name, dtype, "special", shape, n=3)


def make_reductions_of_floats():
    file = File("reductions_of_floats", "Functions along axes that round: against the exact results.")
    of_floats = [name for name in TOTALS + AVERAGES]
    for dtype in DTYPES:
        for name in of_floats if dtype in FLOATS else AVERAGES:
            rng = random.Random(f"rounding {dtype} {name}")
            kinds = ["plain", "eighths", "far", "special"] if dtype in FLOATS else ["edges", "small"]
            if "prod" in name:
                kinds = ["factors", "factors", "special"]
            ddofs = [0, 1, 2, 0.5] if name in WITH_DDOF else [0]
            for shape in SMALL:
                if name in RUNNING and math.prod(shape) > 40 + 80 * (name == "cumsum" and dtype == "f32"):
                    continue
                if math.prod(shape) > 100 and dtype not in ("bool", "i8", "i64", "f32", "f64"):
                    continue
                large = ["plain"] if "prod" not in name else ["factors"]
                for kind in (kinds if math.prod(shape) < 200 else large) if dtype in FLOATS else [rng.choice(kinds)]:
                    if name == "norm" and kind == "edges" and dtype in ("i64", "u64"):
                        kind = "small"
                    n = 2 if dtype in FLOATS and 1 < math.prod(shape) < 200 else 1
                    add_along(file, rng, name, dtype, kind, shape, rng.choice(ddofs), n)
            for shape in EMPTY:
                if dtype in ("f64", "f32", "i8"):
                    add_along(file, rng, name, dtype, kinds[0], shape, rng.choice(ddofs))
            if name not in RUNNING and dtype in ("f64", "f32", "i32"):
                if "prod" in name and dtype == "f64":
                    continue
                kind = "small" if dtype == "i32" else "plain" if "prod" not in name else "factors"
                add_along(file, rng, name, dtype, kind, (1030,) if dtype == "f64" else (2100,), rng.choice(ddofs), n=2)
            if name in WITH_DDOF:
                # As many as the elements and more, where it matters.
                for shape, ddof in [((1,), 1), ((5, 7), 7), ((5, 7), 6), ((40, 3), 3), ((40, 3), 5), ((1, 9), 1), ((2, 3, 4), 24)]:
                    kind = "special" if dtype in FLOATS and rng.getrandbits(1) else "eighths" if dtype in FLOATS else "small"
                    for axis in (None, -1, 0):
                        value = along_input(dtype, kind, shape, "C")
                        result, errors = along(name, value.array, axis, False, ddof)
                        file.answer(call_text(rng, name, axis, False, ddof), result, errors, a=value)
    for dtype in FLOATS:
        # Sums that cancel: what is left is far less than what was added.
        rng = random.Random(f"cancelling {dtype}")
        half = [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-6, 7) for _ in range(150)]
        values = np.array(half + [-v for v in half] + [1e-3], LONG[dtype])
        order = list(range(len(values)))
        rng.shuffle(order)
        for how, value in [("cancelling", values[order]), ("sorted", np.sort(values)), ("falling", np.sort(values)[::-1]),
                           ("tenths", np.full(301, 0.1, LONG[dtype])), ("one_huge", np.array([1e-3] * 200 + [1e16 if dtype == "f64" else 1e10] + [1e-3] * 100, LONG[dtype]))]:
            x = Input(f"{dtype}_{how}", value)
            for name in ("sum", "mean", "var", "std", "norm", "nansum", "nanmean", "nanvar"):
                file.answer(f"{name}(a)", *along(name, x.array), a=x)


# Every function along every choice of axes. The reader lays the arrays out in every way.

EVERY_AXIS = [None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2), (0, 1, 2)]
MANY = (70, 33, 40)  # several leaves, chunks and blocks whatever the axes
MANY_STEP = {1: 1, 33: 1, 40: 1, 70: 1, 33 * 40: 29, 70 * 40: 61, 70 * 33: 53}


def choices_of(name):
    if name in RUNNING:
        return EVERY_AXIS[1:5]
    return EVERY_AXIS[:5] if name in ONE_AXIS else EVERY_AXIS


def plain_call(name, axis, ddof=0):
    return f"{name}({', '.join(['a'] + [f'axis={axis}'] * (axis is not None) + [f'ddof={ddof}'] * (ddof != 0))})"


def digest(array):
    """FNV-1a over whole elements; all NaNs are one."""
    state = 0xCBF29CE484222325
    nan = np.isnan(array).ravel() if array.dtype.kind == "f" else np.zeros(array.size, bool)
    for bits, is_nan in zip(to_bits(array), nan):
        state = ((state ^ ((1 << 64) - 1 if is_nan else bits)) * 0x100000001B3) % (1 << 64)
    return f"{state:x}"


def made(dtype, kind, shape, seed):
    """Elements that the reader makes as well, from SplitMix64."""
    with np.errstate(over="ignore"):
        n = np.uint64(math.prod(shape))
        z = np.uint64(seed * 0xD1342543DE82EF95 % (1 << 64)) + np.arange(1, n + np.uint64(1), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    if kind == "rare":
        values = z % np.uint64(900) == 0
    elif kind == "common":
        values = z % np.uint64(900) != 0
    elif kind == "bits":
        values = z.astype(f"u{np.dtype(LONG[dtype]).itemsize}").view(LONG[dtype])
    elif kind in ("eighths", "gaps"):
        values = ((z >> np.uint64(11)) % np.uint64(1601)).astype(np.float64) / 8 - 100
        if kind == "gaps":
            values[z % np.uint64(97) == 0] = np.nan
    elif kind == "wide":
        # As many bits as there are, of magnitudes 2^-40 to 2^23.
        bits = 53 if dtype == "f64" else 24
        signed = (z >> np.uint64(64 - bits)).astype(np.float64) - 2.0 ** (bits - 1)
        values = np.ldexp(signed, 25 - bits - (z % np.uint64(32)).astype(np.int32))
    exact = values.astype(LONG[dtype])
    assert np.array_equal(exact, values, equal_nan=values.dtype.kind == "f"), (dtype, kind)
    return exact.reshape(shape)


def result_of_many(name, kind, x, axis):
    """Every so many-th result and its error; or all of them, and None, where nothing rounds in any order."""
    options = {} if name in RUNNING else {"keepdims": False}
    if name in EXACT or x.dtype.kind != "f" and name in TOTALS:
        result = np.asarray(NAMESPACE[name](x, axis=axis, **options))
        return (prefer_zero(name, x, result, axis, False) if name in ("min", "max", "nanmin", "nanmax") else result), 1, None
    if kind != "wide" and name in ("sum", "nansum", "cumsum"):
        # Multiples of 1/8 below 2^24: no partial sum is rounded.
        wide = NAMESPACE[name](x.astype(np.float64), axis=axis, **options)
        result = np.asarray(wide).astype(x.dtype)
        assert np.array_equal(result, wide, equal_nan=True) and not np.nanmax(np.abs(wide)) > 1 << 21
        return result, 1, None
    dtype = x.dtype.type if x.dtype.kind == "f" else np.float64
    axes = tuple(range(3)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, 3)
    kept = [i for i in range(3) if i not in axes]
    rows = x.astype(dtype).transpose([*kept, *axes]).reshape(math.prod(x.shape[i] for i in kept), -1)
    step = MANY_STEP[len(rows)]
    plain = name.removeprefix("nan") if x.dtype.kind != "f" else name
    pairs = [fold(plain, row, dtype, 0) for row in rows[::step]]
    return np.array([rounded(value, dtype) for value, _ in pairs], dtype), step, [error for _, error in pairs]


def shapes_of(name, x, axis):
    """The result's dtype and shape, and the shape with keepdims=True, as NumPy has them."""
    result = np.asarray(NAMESPACE[name](x, axis=axis))
    kept = "-" if name in RUNNING else format_shape(NAMESPACE[name](x, axis=axis, keepdims=True).shape)
    return [SHORT[result.dtype.name], format_shape(result.shape), kept]


def make_every_axis():
    file = File("every_axis", "Every function, dtype and choice of axes: for every layout of the same elements.")
    shape = (4, 3, 9)

    known = {}

    def add(kind, *fields):
        if kind == "along":
            call, input_name, *shapes, values, errors = fields
            same = known.setdefault((input_name, *shapes[:2], values, errors), call)
            if same != call and len(same) < len(values):
                fields = (call, input_name, *shapes, f"={same}", "-")
        file.records.append(f"{kind} " + " ; ".join(fields))
        file.n_cases += kind != "made"

    for dtype in DTYPES:
        is_float = dtype in FLOATS
        usual = along_values(dtype, "plain" if is_float else "edges", shape)
        factors = along_values(dtype, "factors", shape) if is_float else usual
        special = along_values(dtype, "special" if is_float else "small", shape)
        kinds = [("usual", usual), ("special", special)]
        # The same along some axes, so that these may have no stride.
        kinds += [("splat2", np.broadcast_to(usual[..., 4:5], shape)), ("splat1", np.broadcast_to(usual[:, :1], shape)),
                  ("splat02", np.broadcast_to(usual[:1, :, 3:4], shape))]
        if is_float:
            kinds.append(("factors", factors))
        for kind, values in kinds:
            value = Input(f"{dtype}_{kind}", values)
            file.bind({"a": value})
            for name in EXACT + TOTALS + AVERAGES:
                is_prod = is_float and "prod" in name
                if name == "ptp" and dtype == "bool" or is_float and kind in ("usual", "factors") and is_prod != (kind == "factors"):
                    continue
                if is_prod and kind.startswith("splat") or name == "norm" and dtype in ("i64", "u64") and kind != "special":
                    continue
                ddofs = {"usual": [0, 1, 2.5], "special": [0, 1]}.get(kind, [1]) if name in WITH_DDOF else [0]
                for axis, ddof in itertools.product(choices_of(name), ddofs):
                    result, errors = along(name, value.array, axis, False, ddof)
                    nan = np.isnan(result).ravel() if result.dtype.kind == "f" else None
                    fields = [plain_call(name, axis, ddof), value.name, *shapes_of(name, value.array, axis)]
                    add("along", *fields, format_bits(to_bits(result), nan),
                        format_errors(errors) if errors is not None and any(errors) else "-")

    for seed, (dtype, kind) in enumerate([("bool", "rare"), ("bool", "common"), ("i8", "bits"), ("u16", "bits"), ("i64", "bits"),
                                          ("f32", "eighths"), ("f64", "eighths"), ("f32", "gaps"), ("f64", "gaps"),
                                          ("f32", "wide"), ("f64", "wide")]):
        x, input_name = made(dtype, kind, MANY, seed), f"{dtype}_{kind}"
        add("made", input_name, dtype, format_shape(MANY), kind, str(seed), digest(x))
        for name in EXACT + TOTALS + AVERAGES:
            if name == "ptp" and dtype == "bool" or dtype in FLOATS and ("prod" in name or kind == "wide" and name == "cumsum"):
                continue
            for axis in choices_of(name):
                if axis in (-1, (0, 1, 2)) or kind == "eighths" and name in AVERAGES:
                    continue
                result, step, errors = result_of_many(name, kind, x, axis)
                fields = [plain_call(name, axis), input_name, *shapes_of(name, x, axis)]
                nan = np.isnan(result).ravel() if result.dtype.kind == "f" else None
                if errors is None:
                    add("all", *fields, digest(result))
                else:
                    add("some", *fields, str(step), format_bits(to_bits(result), nan), format_errors(errors))


def make_along_compound():
    file = File("reductions_in_expressions", "Functions along axes in longer expressions: before, after and within others.")

    def extended(x):
        return x.astype(np.longdouble) if x.dtype.kind == "f" else x

    def add(text, scale=64, **bindings):
        """Against the same in 80 bits. An element may be off by so many eps of itself, and of the largest beside it."""
        arrays = {name: value.array for name, value in bindings.items()}
        dtype = np.asarray(evaluate(text, arrays)).dtype
        exact = np.asarray(evaluate(text, {name: extended(array) for name, array in arrays.items()}))
        if dtype.kind != "f":
            file.answer(text, exact.astype(dtype), None, **bindings)
            return
        result = exact.astype(dtype)
        eps = float(np.finfo(dtype).eps)
        largest = float(np.max(np.abs(result), initial=0, where=np.isfinite(result)))
        errors = [scale * eps * max(abs(float(v)), largest / 16) if np.isfinite(v) else 0 for v in result.ravel()]
        file.answer(text, result, errors, **bindings)

    for dtype in FLOATS:
        def x(shape, how="C", kind="eighths", dtype=dtype):
            return along_input(dtype, kind, shape, how)

        small = Input(f"{dtype}_logits", along_values(dtype, "eighths", (7, 19)) / 16)
        small_f = arranged(f"{dtype}_logits_F", small.values, "F")
        for a in (small, small_f):
            add("exp(a - max(a, axis=1, keepdims=True)) / sum(exp(a - max(a, axis=1, keepdims=True)), axis=1, keepdims=True)", a=a)
            add("exp(a - max(a, axis=0)) / sum(exp(a - max(a, axis=0)), axis=0)", a=a)
            add("log(sum(exp(a - max(a)))) + max(a)", a=a)
            add("max(a, axis=-1) + log(sum(exp(a - max(a, axis=-1, keepdims=True)), axis=-1))", a=a)
            add("(a - mean(a, axis=0)) / std(a, axis=0)", a=a)
            add("(a - mean(a, axis=1, keepdims=True)) / std(a, axis=1, keepdims=True, ddof=1)", a=a)
            add("a / norm(a, axis=1, keepdims=True)", a=a)
            add("mean((a - mean(a))**2) / var(a)", a=a)
            add("sum(max(a, axis=1))", a=a)
            add("sum(sum(a, axis=0))", a=a)
            add("sum(a, axis=0) / sum(a)", a=a)
            add("min(a, axis=0) + max(a, axis=0) * mean(a, axis=0)", a=a)
            add("cumsum(a, axis=1) / sum(abs(a), axis=1, keepdims=True)", a=a)
            add("sum(a * (a > 0), axis=0) - sum(a * (a < 0), axis=0)", a=a)
            add("max(cumsum(a, axis=0), axis=0) - min(cumsum(a, axis=0), axis=0)", a=a)
            add("sum(where(a > mean(a, axis=0), 1, 0), axis=1)", a=a)
            add("argmax(a, axis=1) * 2 + argmin(a, axis=1)", a=a)
            add("any(a > 100) and all(a < 1)", a=a)
            add("all(isfinite(a), axis=0) & any(a > 2, axis=0)", a=a)
            add("count_nonzero(a > 0, axis=1) + count_nonzero(a == 0)", a=a)
        for shape in [(5, 7), (40, 3), (17, 33)]:
            for how_a, how_b in [("C", "C"), ("F", "reversed"), ("step", "F"), ("unaligned", "padded")]:
                a, b = x(shape, how_a), x(shape, how_b)
                row, column = x(shape[1:], "step"), x((shape[0], 1), "reversed")
                mask = along_input("bool", "small", shape, how_b)
                add("sum(where(b, a, 0)) / count_nonzero(b)", a=a, b=mask)
                add("sum(where(b, a, 0), axis=0) / maximum(count_nonzero(b, axis=0), 1)", a=a, b=mask)
                add("max(sum(a, axis=0, keepdims=True) * b)", a=a, b=b)
                add("sum(a * b, axis=1)", a=a, b=b)
                if math.prod(shape) < 100:
                    add("sum(a * b, axis=(0, 1), keepdims=True) + a", a=a, b=row)
                add("sum((a - b)**2, axis=1)", a=a, b=row)
                add("min(abs(a - b), axis=1)", a=column, b=row)
                add("sum(a * b) / (norm(a) * norm(b))", a=a, b=b)
                add("mean(a * b, axis=0) - mean(a, axis=0) * mean(b, axis=0)", a=a, b=b, scale=512)
                add("any(a > b, axis=0) or all(b > 0, axis=0)", a=a, b=b)
                add("any(a > 100) and all(b < 1)", a=a, b=b)
                add("sum(a + b, axis=0) if any(a > b) else max(b, axis=0)", a=a, b=row)
                add("argmin((a - b)**2, axis=0)", a=column, b=row)
        shift = lambda shape: Input(f"{dtype}_tame_{'x'.join(map(str, shape))}", along_values(dtype, "eighths", shape) / 64)  # noqa: E731
        a, b, c = shift((37, 1)), shift((9,)), shift((1, 9))
        add("sum(c * exp(-(a - b)**2), axis=1)", a=a, b=b, c=Input(f"{dtype}_weights", along_values(dtype, "eighths", (9,)) / 64))
        add("sum(a * b, axis=(0, 1))", a=a, b=c)
        add("sum(a, axis=1) + sum(b)", a=a, b=b)
        add("sum(b * 2 + 1)", b=b)
        k = along_input(dtype, "eighths", (), "C")
        for text in ["sum(a)", "mean(a)", "var(a)", "max(a) * 2", "sum(a, keepdims=True) + 1", "argmax(a)", "any(a)", "cumsum(a)",
                     "sum(a, axis=None)", "min(sqrt(abs(a)))", "count_nonzero(a)", "norm(a)", "sum(a, axis=())"]:
            add(text, a=k)
        add("sum(a) + b", a=k, b=b)
        add("sum(a * b)", a=k, b=b)
        add("sum(a + 0 * b)", a=k, b=b)
        add("mean(a * k) - k", a=b, k=k)
    for text in ["sum(2)", "sum(2.5)", "max(3) + 1", "sum(True)", "mean(2)", "prod(-3)", "any(0)", "argmax(7)", "var(1.5)", "min(2, axis=())"]:
        result = np.asarray(evaluate(text, {}))
        file.answer(text, result, None)
    for dtype in ("i8", "u8", "i32", "u64", "bool"):
        for how in ("C", "F", "reversed"):
            a = along_input(dtype, "small", (5, 7), how)
            for text in ["sum(a) + a", "a + sum(a, axis=0)", "a * max(a, axis=1, keepdims=True)", "a - min(a)" if dtype != "bool" else "a ^ min(a)",
                         "sum(a > 3, axis=0)", "sum(a, axis=0) % 7", "max(sum(a, axis=0))", "sum(a) // count_nonzero(a)",
                         "cumsum(a, axis=0) - a", "all(a == min(a)) or any(a)", "max(a) == a", "argmax(a, axis=0) + a",
                         "where(a == max(a, axis=0), 1, 0)", "sum(a * 2)", "prod(a % 3 + 1, axis=1)", "sum(int8(a), axis=0)",
                         "min(a, axis=0) & 1",
                         # What drops out of the graph still has its say in the shape.
                         "where(a > 3, sum(a, axis=0), sum(a, axis=0))", "max(a, axis=1, keepdims=True) | (a & 0)",
                         "sum(a, axis=0) if True else a", "any(a, axis=1, keepdims=True) and (a == a)",
                         "sum(sum(a, axis=0) | (a & 0))", "cumsum(max(a, axis=0) | (a & 0), axis=0)", "mean(a) > 1", "sum(a * a, axis=0) == sum(a**2, axis=0)"]:
                try:
                    result = np.asarray(evaluate(text, {"a": a.array}))
                except Drop:
                    continue
                except TypeError:
                    ERRORS.error(text, "TypeError", a=dtype)
                    continue
                file.answer(text, result, None, a=a)
    matrix = {dtype: along_input(dtype, "eighths" if dtype in FLOATS else "small", (5, 7), "C") for dtype in ("f64", "f32", "i32", "bool")}
    for dtype, a in matrix.items():
        for name in EXACT + TOTALS + AVERAGES:
            if name == "ptp" and dtype == "bool":
                continue
            for axis in ["2", "-3", "(0, 5)" if name not in ONE_AXIS else "7"]:
                file.error(f"{name}(a, axis={axis})", "AxisError", a=a)
            if name not in ONE_AXIS:
                file.error(f"{name}(a, axis=(0, 0))", "ValueError", a=a)
                file.error(f"{name}(a, axis=(1, -1))", "ValueError", a=a)
    for text in ["sum(a, axis=0) + a * b", "sum(a, axis=1) + a", "a * mean(a, axis=1)", "sum(a * b)", "max(a + sum(b, axis=0), axis=1)"]:
        a, b = along_input("f64", "eighths", (5, 7), "C"), along_input("f64", "eighths", (40, 3), "C")
        bound = {name: value for name, value in (("a", a), ("b", b)) if name in names_in(text)}
        try:
            evaluate(text, {name: value.array for name, value in bound.items()})
        except ValueError:
            file.error(text, "ValueError", **bound)
        else:
            raise AssertionError(text)


def make_errors():
    for text, dtypes in [
        ("a - b", "a=bool b=bool"), ("-a", "a=bool"), ("+a", "a=bool"), ("a - True", "a=bool"), ("sign(a)", "a=bool"),
        ("~a", "a=f32"), ("~a", "a=f64"), ("a & b", "a=f32 b=f32"), ("a & b", "a=f64 b=i32"), ("a << b", "a=f32 b=i32"),
        ("a << 1", "a=f64"), ("1 << a", "a=f32"), ("a | 1", "a=f32"), ("a ^ True", "a=f64"), ("a & 1.0", "a=i32"),
        ("a >> 0.5", "a=i32"), ("a & b", "a=i64 b=u64"), ("a << b", "a=u64 b=i64"), ("a | b", "a=u64 b=i8"),
        ("a + 300", "a=u8"), ("a * 1000", "a=i8"), ("a - 129", "a=i8"), ("a + -1", "a=u8"), ("a + -1", "a=u64"),
        ("a * -1", "a=u32"), ("a // 300", "a=u8"), ("a % 256", "a=u8"), ("a & 0x1ff", "a=u8"), ("a | -1", "a=u16"),
        ("a << 300", "a=u8"), ("a << -1", "a=u8"), ("a >> 128", "a=i8"), ("a + 9223372036854775808", "a=i64"),
        ("a + 18446744073709551616", "a=u64"), ("a + 128", "a=i8"), ("a + 2147483648", "a=i32"), ("a * (100 * 100)", "a=i8"),
        ("minimum(a, 300)", "a=u8"), ("maximum(-1, a)", "a=u16"), ("fmod(a, 1000)", "a=i8"), ("a ** 300", "a=u8"),
        ("300 ** a", "a=u8"), ("1000 // a", "a=i8"), ("(a > 0) - (b > 0)", "a=f64 b=f64"), ("-(a > 0)", "a=f64"),
        ("-(a and b)", "a=i32 b=i32"), ("~(a * 1.0)", "a=i32"), ("~(a / b)", "a=i32 b=i32"), ("(a / b) & 1", "a=i32 b=i32"),
        ("(a + b) & c", "a=i64 b=u64 c=i64"), ("a < b & c", "a=f64 b=f64 c=f64"), ("a & b == c", "a=f64 b=f64 c=f64"),
        ("sqrt(a) << 1", "a=i32"), ("float32(a) & 1", "a=i32"), ("bool(a) - bool(b)", "a=i32 b=i32"), ("a + 1 + 300", "a=u8"),
        ("a + (200 + 100)", "a=u8"), ("where(a, b, c) & 1", "a=bool b=i32 c=f32"), ("uint8(a) + 256", "a=i32"),
        ("int8(a) * 128", "a=i32"), ("-(not a)", "a=f64"),
        ("ptp(a)", "a=bool"), ("ptp(a, axis=0)", "a=bool"), ("sum(a, ddof=1)", "a=f64"), ("min(a, axis=1.0)", "a=f64"),
        ("sum(a, keep=True)", "a=i32"), ("mean(a, axes=0)", "a=f32"), ("argmax(a, axis=(0,))", "a=f64"),
        ("argmin(a, ddof=1)", "a=f64"), ("cumsum(a, keepdims=True)", "a=f64"), ("cumsum(a, axis=(0,))", "a=f64"),
        ("var(a, ddof=None)", "a=f64"), ("sum(a, axis=\"0\")", "a=f64"), ("sum(axis=0)", "a=f64"), ("sum()", "a=f64"),
        ("sum(a) & 1", "a=f64"), ("mean(a) << 1", "a=i32"), ("~sum(a)", "a=f32"), ("-any(a)", "a=i32"),
        ("min(a) - max(a)", "a=bool"), ("max(a) + 300", "a=u8"), ("sum(a) | -1", "a=u8"),
    ]:
        bindings = dict(pair.split("=") for pair in dtypes.split())
        variables = {name: np.ones(3, LONG[dtype]) for name, dtype in bindings.items()}
        try:
            result = evaluate(text, variables)
        except (TypeError, OverflowError) as error:
            ERRORS.error(text, "OverflowError" if isinstance(error, OverflowError) else "TypeError", **bindings)
        else:
            raise AssertionError(f"NumPy accepts {text} with {dtypes}: {result!r}")
    # An engine that fails at the text itself would pass all of these, so wherever other dtypes make a text right, it is
    # a case too.
    texts = dict.fromkeys(record[len("error "):].split(" ; ")[0] for record in ERRORS.records)
    for text in texts:
        names = [name for name in "abc" if name in names_in(text)]
        for dtype in ["i64", "f64", "u64", "bool", "i8", "u8"]:
            variables = {name: ERROR_CONTROLS.setdefault(dtype, Input(f"{dtype}_ones", np.ones(3, LONG[dtype])))
                         for name in names}
            n_before = len(ERRORS.records)
            try:
                evaluate(text, {name: value.array for name, value in variables.items()})
            except (Drop, TypeError, ValueError, OverflowError):
                continue
            ERRORS.case(text, **variables)
            if len(ERRORS.records) > n_before:
                break


def differences():
    """What is known to differ, or to be undefined, and therefore is not in the data."""
    half = {}
    for name in "sqrt rint round copysign hypot".split():
        function = getattr(np, name)
        for args in ([(d,) for d in DTYPES] if function is np.round or function.nin == 1
                     else [(x, y) for x in DTYPES for y in DTYPES]):
            if np.asarray(function(*[np.ones(2, LONG[d]) for d in args])).dtype == np.float16:
                half.setdefault(name, []).append(", ".join(args))
    lines = [line for line in DIFFERENCES_HEAD.format(version=np.__version__).splitlines()]
    lines += ["", "## Functions whose NumPy result is float16 (measured)", ""]
    lines += [f"- `{name}`: " + "; ".join(f"({args})" for args in found) for name, found in half.items()]
    lines += ["", "## What the script left out, by reason", ""]
    for file in File.all:
        for reason, cases in sorted(file.dropped.items()):
            examples = "; ".join(f"`{text}` {types}".strip() for text, types in cases[:6])
            lines.append(f"- {file.name}: {len(cases)} x {reason}: {examples}{' ...' if len(cases) > 6 else ''}")
    return "\n".join(lines) + "\n"


DIFFERENCES_HEAD = """# Where ndexpr is not NumPy, or NumPy is not definite

Written by `make_golden.py` with NumPy {version}; do not edit. What is listed here is not in the golden data. "Ours" is
what ARCHITECTURE.md and the README promise, not what has been tested against NumPy.

## Different by design

- float16: NumPy gives float16 for the functions measured below with bool, int8 and uint8; ours gives float32.
- Integer `**` with a negative exponent raises ValueError in NumPy, depending on values; ours is total.
- float -> int out of range, and NaN: undefined in C, so NumPy's answer depends on the CPU; ours saturates, NaN gives 0.
- `reciprocal(0)` of an integer: the same undefined cast in NumPy.
- Functions of literals alone, such as `sqrt(2)`: NumPy gives a float64 scalar, which promotes; ours stays weak.
- `where(c, a, 300)` and `a if c else 300` with `a` uint8: np.where wraps 300 to 44 silently; ours is an error, as for `a + 300`.
- `a ** 2` with `a` bool: NumPy's fast path gives int8 where every other int exponent gives int64.
- `a < 9223372036854775808` with `a` bool: OverflowError in NumPy, though every integer dtype accepts it.
- Literals alone follow Python, so `True + True` is 2 and `-True` is -1, where arrays of bool give True and an error;
  `1 / 0` and `1 // 0` raise ZeroDivisionError. Python ints have no limit; no literal here is beyond 40 digits.
- `and`, `or`, `not`, chained comparisons and `x if c else y` have no elementwise meaning in Python; the script gives
  them logical_and, logical_or, logical_not, `(a < b) & (b < c)` and np.where.
- `x += y` in a program gives the local name `x` the value `x + y`: another name for the same array keeps its value, and the dtype is that
  of `x + y`. In NumPy it changes the array that both names are for, in its own dtype.
- A part of single values alone, such as `(k*m)[None]`, is an error; NumPy's scalars take `None` and `...`.

## Along axes

- Floats are summed and multiplied in float64 and rounded at the end, so float32 results are nearer to the exact ones than
  NumPy's, and sums do not overflow on the way (a mean is infinite where its sum is, as in NumPy). The order is ours too:
  `near` records compare with exact results, within bounds that the script states with each function.
- `var` and `std` take one pass over memory, and are as good as NumPy's two; bools and integers become float64 first in both.
- Of equal zeros `min` takes -0.0 and `max` 0.0; in NumPy it depends on the order and the CPU. The data have ours.
- `sum(a, axis=0)` of a single value: NumPy lets axis 0 and -1 pass; ours is an error, as for other axes that are not there.
- `count_nonzero(a)` is an int64; in NumPy it is a Python int, which is weak: `f32 / count_nonzero(a)` is float32 there.
- `cumsum(a)` and `cumprod(a)` flatten in NumPy; ours needs an axis where there are several.
- `keepdims` is True or False; NumPy takes any object.
- `norm` is `sqrt(sum(x*x))`, NumPy's `linalg.norm(x.ravel())` of all axes; squares may overflow.

## Not definite in NumPy

- `fmin` and `fmax` of 0.0 and -0.0: the zero chosen depends on the CPU features (measured, float64) and on whether the
  element is alone or in a vector (measured, float32 and float64). `minimum` and `maximum` gave the same zero each time
  here, but NumPy does not promise it, nor for `clip`. No case of these five has such a pair.
- Floating-point `**` is not exact; only literal exponents -1, 0, 0.5, 1, 2 of float arrays are here, for which NumPy
  takes reciprocal, ones, sqrt, copy, square. So `(-inf) ** 0.5` is NaN and `(-0.0) ** 0.5` is -0.0, unlike pow.
- `hypot` is libm's; only exact cases are here. The transcendental functions differ between CPUs and are not here.
- The sign and payload of a computed NaN; all NaNs compare equal.
- Assignments to a part of one axis that read the same memory with another stride of the same sign: after `a = np.arange(10)`,
  `a[::2] = a[:5]` gives `a[4]` the value 1 (measured), because an element is read after it has changed. Ours reads all values first.
"""


def make_all():
    global ERRORS
    makers = [make_operators, make_functions, make_where_and_promotion, make_casts, make_integers, make_floats,
              make_layouts, make_literals, make_compound, make_reductions, make_reductions_of_floats, make_along_compound, make_every_axis]
    ERRORS = File("errors", "What NumPy rejects for its types, whatever the values: ours must reject it too.")
    for make in makers:
        make()
    make_errors()
    files = {f"{file.name}.txt": file.text() for file in File.all}
    files["DIFFERENCES.md"] = differences()
    return files


def write(files, directory):
    for name, text in files.items():
        with open(os.path.join(directory, name), "w", encoding="ascii", newline="\n") as out:
            out.write(text)


def enabled_features():
    """The CPU features beyond the baseline that this process's NumPy dispatches to."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return [feature for feature in __cpu_dispatch__ if __cpu_features__.get(feature)]


def check_cpu_independence(files, script):
    disable = enabled_features()
    with tempfile.TemporaryDirectory() as directory:
        environment = dict(os.environ, NPY_DISABLE_CPU_FEATURES=" ".join(disable))
        subprocess.run([sys.executable, script, "--child", "--out", directory], check=True, env=environment)
        n_different = 0
        for name, text in files.items():
            with open(os.path.join(directory, name), encoding="ascii") as other:
                ours, theirs = dict.fromkeys(text.splitlines()), dict.fromkeys(other.read().splitlines())
            # As sets: a case that only one of them dropped shifts all that follow.
            for label, lines, others in (("SIMD", ours, theirs), ("no SIMD", theirs, ours)):
                only = [line for line in lines if line not in others]
                n_different += len(only)
                for line in only:
                    print(f"{name}: only with {label}: {line}", file=sys.stderr)
    if n_different:
        sys.exit(f"{n_different} records depend on the CPU ({' '.join(disable)})")
    return disable


def main(make, script, about):
    """The command line of a script whose files `make` gives."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.dirname(script))
    parser.add_argument("--child", action="store_true", help="the run without SIMD: do not start another")
    options = parser.parse_args()
    assert int(np.__version__.split(".")[0]) >= 2, "NumPy 2 semantics"
    if options.child:
        assert not any(enabled_features()), "NPY_DISABLE_CPU_FEATURES had no effect"
    files = make()
    if not options.child:
        disabled = check_cpu_independence(files, script)
        print(f"the same without {' '.join(disabled) or '(no SIMD features found: nothing checked)'}")
    write(files, options.out)
    if not options.child:
        for file in File.all:
            print(f"{file.name:12} {file.n_cases:5} records {len(files[file.name + '.txt']) / 1024:7.0f} KiB"
                  f"  dropped {sum(map(len, file.dropped.values()))}")
        print(f"{sum(f.n_cases for f in File.all)} records, {sum(map(len, files.values())) / 1e6:.2f} MB")


if __name__ == "__main__":
    main(make_all, os.path.abspath(__file__), __doc__)
