#!/usr/bin/env python3
"""Writes the golden programs: what Python and NumPy make of whole texts, statement by statement.

    python3 tests/data/golden_programs/make_programs.py            rewrite *.txt beside this script
    python3 tests/data/golden_programs/make_programs.py --out DIR  write them to DIR instead

The texts are those of programs.py. Python's own `exec` runs each of them as the body of a function whose arguments are
the variables, so that `return` is allowed; the value of a last line that is an expression is returned. Apart from that
the text runs as it is. The output is a function of the NumPy version alone. Four checks run on every record:

* arrays that the program is not said to update are read-only while it runs;
* inputs are laid out otherwise and the results stay the same, so they do not depend on the order of sums;
* the result is the same if values are copied before they are assigned: NumPy assigns wrong elements where a part of one
  axis is read with another stride than it is written (`a[::2] = a[:5]`);
* everything is made a second time without SIMD.

The format is that of make_golden.py, except that a record is several lines:

    input NAME ; DTYPE ; SHAPE ; LAYOUT ; VALUES
    made NAME ; DTYPE ; SHAPE ; KIND ; SEED ; DIGEST
    view NAME ; OF ; SHAPE ; STRIDES ; OFFSET
    number NAME ; DTYPE ; VALUES
    scalar NAME ; DTYPE ; VALUES
    program BINDINGS ; UPDATED ; RESULTS
    | a line of the text, and so on
    result DTYPE ; SHAPE ; CONTENTS
    after NAME ; CONTENTS

    OF        the input whose memory the view has; its layout is "C"
    STRIDES   in bytes, one per axis
    OFFSET    of the element with index 0 on every axis, in bytes from that of the input
    number    a number of Python's: it has no dtype of its own; this one only says how to read its bits
    scalar    a NumPy scalar
    BINDINGS  u=NAME v=NAME, or "-"; names that are bound to one input, or to views of it, share its memory
    UPDATED   the names of the arrays that the program may update, separated by spaces, or "-"
    RESULTS   none, one, or tuple
    result    one line for each result, in order
    after     one line for each input whose memory is updated: all of its elements after the run
    CONTENTS  VALUES as they are elsewhere, or "#DIGEST" of many
"""

import ast
import math
import os
import sys
import textwrap

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "golden"))

import programs  # noqa: E402
from make_golden import (  # noqa: E402
    LONG, NAMESPACE, SHORT, File, Input, c_strides, calm, digest, format_bits, format_shape, made, main, same,
    to_bits,
)

#: From so many elements on, contents are digests.
MANY = 3000


# ---------------------------------------------------------------------------------------------------------------------
# Inputs beside `Input`. Each has a `name`, a `record`, and the input that must be defined before it, or None.


class Made:
    """Many elements, which the reader makes from the seed."""

    like = None

    def __init__(self, name, dtype, shape, kind, seed):
        self.name, self.dtype, self.shape, self.kind, self.seed = name, dtype, shape, kind, seed
        self.values = made(dtype, kind, shape, seed)

    def record(self):
        fields = [self.name, self.dtype, format_shape(self.shape), self.kind, str(self.seed), digest(self.values)]
        return "made " + " ; ".join(fields)


class View:
    """A part of another input, in its memory."""

    def __init__(self, name, of, part):
        self.name, self.like, self.dtype = name, of, of.dtype
        view = part(of.values)
        assert np.shares_memory(view, of.values) and of.values.flags.c_contiguous, name
        self.shape, self.strides = view.shape, view.strides
        self.offset = view.__array_interface__["data"][0] - of.values.__array_interface__["data"][0]

    def record(self):
        strides = ",".join(map(str, self.strides))
        return "view " + " ; ".join([self.name, self.like.name, format_shape(self.shape), strides, str(self.offset)])


class Single:
    """A number of Python's, or a NumPy scalar."""

    like = None

    def __init__(self, name, value):
        self.name, self.value = name, value
        self.dtype = SHORT[np.asarray(value).dtype.name]

    def record(self):
        kind = "scalar" if isinstance(self.value, np.generic) else "number"
        return f"{kind} " + " ; ".join([self.name, self.dtype, format_bits(to_bits(self.value))])


def whole_of(value):
    """The input that has the memory."""
    return value.like if isinstance(value, View) else value


def memory_of(value, layout):
    """A fresh array of an input's values, as the input has them in memory or in another layout."""
    if isinstance(value, Made):
        array = value.values.copy()
    else:
        array = Input(value.name, value.values, value.strides, value.misalign).array
    if layout == "apart" and array.ndim:
        # Fortran's order, and every second place of that.
        wide = np.zeros((*array.shape[::-1], 2), array.dtype)
        wide[..., 1] = array.T
        array = wide[..., 1].T
    return array


def fresh(bindings, updated, layout):
    """New values for the names, and the memory of each input."""
    memories, values = {}, {}
    for name, value in bindings.items():
        if isinstance(value, Single):
            values[name] = value.value
            continue
        whole = whole_of(value)
        if whole.name not in memories:
            memories[whole.name] = memory_of(whole, layout)
        values[name] = memories[whole.name][...]
        if isinstance(value, View):
            values[name] = np.ndarray(value.shape, LONG[value.dtype], memories[whole.name], value.offset, value.strides)
        values[name].flags.writeable = name in updated
    return values, memories


# ---------------------------------------------------------------------------------------------------------------------
# Running


class CopyValues(ast.NodeTransformer):
    """Copies values before they are assigned to a part of an array."""

    def visit_Assign(self, node):
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript):
            node.value = ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "array", ast.Load()), [node.value], [])
        return node


def compiled(text, names, with_copies):
    """The text as a function of these names."""
    body = ast.parse(textwrap.dedent(text)).body
    if isinstance(body[-1], ast.Expr):
        body[-1] = ast.Return(body[-1].value)
    tree = ast.parse(f"def program({', '.join(names)}): pass")
    tree.body[0].body = body
    if with_copies:
        tree = CopyValues().visit(tree)
    # NumPy's types are casts, and what `astype` takes.
    types = {name: np.dtype(name).type for name in LONG.values()}
    scope = dict(NAMESPACE, **types, np=np, numpy=np, math=math)
    exec(compile(ast.fix_missing_locations(tree), text, "exec"), scope)  # noqa: S102: the texts are this project's own
    return scope["program"]


def run(text, bindings, updated, layout="own", with_copies=False):
    """The kind of the results, the results, and the memory of each input after the run."""
    values, memories = fresh(bindings, updated, layout)
    result = compiled(text, bindings, with_copies)(**values)
    kind = "none" if result is None else "tuple" if isinstance(result, tuple) else "one"
    results = {"none": lambda: (), "one": lambda: (result,), "tuple": lambda: result}[kind]()
    return kind, [np.array(one) for one in results], memories


def names_in(text):
    """All names of a text but those of attributes and keywords."""
    return {node.id for node in ast.walk(ast.parse(textwrap.dedent(text))) if isinstance(node, ast.Name)}


class Programs(File):
    """The records of one theme."""

    maker = "make_programs.py"

    def program(self, text, bindings, updated=()):
        """Adds a record. `bindings` may have more names than the text."""
        bindings = {name: value for name, value in bindings.items() if name in names_in(text)}
        try:
            kind, results, memories = run(text, bindings, updated)
            others = [run(text, bindings, updated, with_copies=True)]
            if not any(isinstance(value, View) for value in bindings.values()):
                others.append(run(text, bindings, updated, "apart"))
        except Exception as error:
            raise AssertionError(f"{self.name}: Python does not run:\n{text}") from error
        for _, other_results, other_memories in others:
            assert all(map(same, results, other_results)), f"the results depend on the layout or on copies:\n{text}"
            pairs = ((memories[name], other_memories[name]) for name in memories)
            assert all(same(*pair) for pair in pairs), f"the arrays depend on the layout or on copies:\n{text}"
        assert set(updated) <= bindings.keys(), (text, updated)
        assert kind != "none" or updated, text
        wholes = {whole_of(bindings[name]) for name in updated}
        self.bind(bindings)
        bound = " ".join(f"{name}={value.name}" for name, value in bindings.items()) or "-"
        self.records.append(f"program {bound} ; {' '.join(updated) or '-'} ; {kind}")
        self.records += [f"| {line}".rstrip() for line in text.split("\n")]
        for result in results:
            assert result.dtype.name in SHORT, (text, result.dtype)
            fields = [SHORT[result.dtype.name], format_shape(result.shape), contents(result)]
            self.records.append("result " + " ; ".join(fields))
        for whole in sorted(wholes, key=lambda whole: whole.name):
            self.records.append(f"after {whole.name} ; {contents(memories[whole.name])}")
        self.n_cases += 1


def contents(array):
    if array.size >= MANY:
        return f"#{digest(array)}"
    nan = np.isnan(array).ravel() if array.dtype.kind == "f" else None
    return format_bits(to_bits(array), nan)


def split(source):
    """The texts of a theme: each with the names that it updates, and the extent that it is for, or None."""
    blocks = source.strip("\n").split("\n\n")
    assert len(set(blocks)) == len(blocks), [block for block in blocks if blocks.count(block) > 1]
    for block in blocks:
        about = []
        if block.startswith("@"):
            first, block = block.split("\n", 1)
            about = first.split()[1:]
        sizes = [int(word[2:]) for word in about if word.startswith("n=")]
        yield block, tuple(word for word in about if not word.startswith("n=")), *(sizes or [None])


# ---------------------------------------------------------------------------------------------------------------------
# What the names of the texts stand for

VECTORS = {"a": "f64", "b": "f64", "u": "f64", "v": "f64", "w": "f64", "f": "f32", "g": "f32", "i": "i64", "j": "i64",
           "p": "i32", "s": "i16", "c": "i8", "h": "u8", "r": "u16", "d": "u32", "z": "u64", "m": "bool", "o": "bool"}
ARRAYS = {"A": ("f64", (5, 7)), "B": ("f64", (5, 7)), "F": ("f32", (5, 7)), "I": ("i64", (5, 7)), "S": ("i16", (5, 7)),
          "C": ("i8", (5, 7)), "H": ("u8", (5, 7)), "M": ("bool", (5, 7)), "K": ("f64", (6, 6)), "L": ("i32", (6, 6)),
          "T": ("f64", (3, 4, 5)), "V": ("i32", (3, 4, 5)), "Q": ("f64", (2, 3, 4, 3)), "W": ("i16", (2, 3, 4, 3)),
          "row": ("f64", (7,)), "col": ("i32", (5, 1)), "e0": ("f64", ()), "i0": ("i16", ()), "E": ("f64", (0,)),
          "Z": ("f32", (0, 7)), "Y": ("i32", (5, 0))}
SINGLES = {"k": 3, "y": 0.25, "flag": True, "q1": np.float32(1.5), "q2": np.int16(-7), "q3": np.uint8(200),
           "q4": np.bool_(True)}
#: Of the arrays of one axis: what leaves no tail, what leaves one, and less than a vector.
SIZES = [8, 9, 31, 33]


def dense(shape, item, order):
    """Strides with the axes in this order in memory, outermost first."""
    strides = dict(zip(order, c_strides([shape[axis] for axis in order], item)))
    return tuple(strides[axis] for axis in range(len(shape)))


def layouts(shape, item):
    """Strides and misalignment: as C has them, reversed, every second place, Fortran's, and not aligned."""
    axes = range(len(shape))
    usual = c_strides(shape, item)
    turned = dense(shape, item, axes[::-1])
    return [
        ("", None, 0),
        ("_reversed", tuple(-stride for stride in usual), 0),
        ("_second", tuple(2*stride for stride in usual), 0),
        ("_turned", turned, 0),
        ("_odd", usual, 1),
        ("_half_reversed", tuple(stride*(1 - 2*(axis % 2)) for axis, stride in enumerate(turned)), 0),
    ]


class Bank:
    """The inputs of a file, each made once."""

    def __init__(self):
        self.known = {}

    def array(self, name, dtype, shape, layout):
        values = calm(dtype, name, math.prod(shape)).reshape(shape)
        how, strides, misalign = layouts(shape, np.dtype(LONG[dtype]).itemsize)[layout]
        size = "x".join(map(str, shape))
        key = f"{name}_{dtype}_{size}{how}"
        if key not in self.known:
            plain = None if not how else self.array(name, dtype, shape, 0)
            value = self.known[key] = Input(key, values, strides, misalign)
            value.like = plain
        return self.known[key]

    def single(self, name):
        return self.known.setdefault(name, Single(name, SINGLES[name]))

    def scope(self, text, n, layout):
        """What the names of a text may stand for, in layouts that differ from name to name."""
        names = sorted(names_in(text))
        of = {}
        for place, name in enumerate(names):
            chosen = (layout + place*(layout % 3)) % 6
            if name in VECTORS:
                of[name] = self.array(name, VECTORS[name], (n,), chosen)
            elif name in ARRAYS:
                of[name] = self.array(name, *ARRAYS[name], chosen)
            elif name in SINGLES:
                of[name] = self.single(name)
        return of


def make_usual(name, about, source):
    """Each text once, over sizes and layouts in turn."""
    file, bank = Programs(name, about), Bank()
    for number, (text, updated, n) in enumerate(split(source)):
        n = n or SIZES[number % len(SIZES)]
        layout = 0 if number % 3 == 0 else number % 6
        file.program(text, bank.scope(text, n, layout), updated)


def make_aliasing():
    """Each text over pairs of views in turn, so that each pair meets many texts."""
    file = Programs("aliasing", "Updates of arrays that share memory: the same, shifted, turned, interleaved, apart.")
    pairs = {
        "same": (lambda x: x[:9], lambda x: x[:9]),
        "ahead": (lambda x: x[:9], lambda x: x[1:10]),
        "behind": (lambda x: x[1:10], lambda x: x[:9]),
        "turned": (lambda x: x[:9], lambda x: x[8::-1]),
        "interleaved": (lambda x: x[:18:2], lambda x: x[1:18:2]),
        "further": (lambda x: x[4:13], lambda x: x[:9]),
        "apart": (lambda x: x[:9], lambda x: x[11:]),
        "both_turned": (lambda x: x[12:3:-1], lambda x: x[10:1:-1]),
    }
    squares = {
        "same": (lambda x: x[:5, :5], lambda x: x[:5, :5]),
        "transposed": (lambda x: x[:5, :5], lambda x: x[:5, :5].T),
        "rows": (lambda x: x[:5, :5], lambda x: x[1:6, :5]),
        "columns": (lambda x: x[:5, 1:6], lambda x: x[:5, :5]),
        "diagonal": (lambda x: x[2:7, 2:7], lambda x: x[1:6, 1:6]),
        "turned": (lambda x: x[:5, :5], lambda x: x[4::-1, 4::-1]),
        "apart": (lambda x: x[:5, :5], lambda x: x[5:, 5:]),
        "half": (lambda x: x[:5, :5], lambda x: x[2:7, 4:9].T),
    }
    k = Single("k", SINGLES["k"])

    def add(source, kinds, dtypes, shape):
        bases, views = {}, {}
        for dtype in dtypes:
            size = "x".join(map(str, shape))
            values = calm(dtype, "shared", math.prod(shape)).reshape(shape)
            bases[dtype] = Input(f"{dtype}_{size}", values)
            for kind, parts in kinds.items():
                names = (f"{dtype}_{size}_{kind}_{side}" for side in "uv")
                views[dtype, kind] = [View(name, bases[dtype], part) for name, part in zip(names, parts)]
        for number, (text, updated, _) in enumerate(split(source)):
            for place, kind in enumerate(kinds):
                # Mostly the first one; the others in turn.
                dtype = dtypes[0] if place % 2 == 0 else dtypes[(number + place) % len(dtypes)]
                u, v = views[dtype, kind]
                file.program(text, {"u": u, "v": v, "whole": bases[dtype], "k": k}, updated)

    add(programs.ALIASING, pairs, ["f64", "i16", "f32", "i64", "i8"], (20,))
    add(programs.ALIASING_IN_TWO_AXES, squares, ["f64", "i32", "f32"], (10, 10))


def make_stencils():
    file = Programs("stencils", "Steps of solvers and optimisers, in float64 and float32, and of integers.")
    bank = {}

    def array(name, dtype, shape, low, layout):
        seed = sum(map(ord, name))
        key = f"{name}_{dtype}_{'x'.join(map(str, shape))}_{layout}"
        if key not in bank:
            # Operations round these, so a result shows their order.
            values = np.random.default_rng(seed).random(shape).astype(LONG[dtype]) + np.asarray(low, LONG[dtype])
            how, strides, misalign = layouts(shape, values.itemsize)[layout]
            bank[key] = Input(key, values, strides, misalign)
        return bank[key]

    def scope(dtype, shape, layout):
        n, m = shape
        shapes = {"t": (n - 2, 6, m - 3), "w": (n - 2, 6, m - 3), "o": (n - 4, m - 4), "c": (n - 4, m - 4)}
        shapes |= {name: (n*m,) for name in ("m1", "m2", "x1", "g1")}
        of = {name: array(name, dtype, shapes.get(name, shape), -0.5 if name in ("g1", "a") else 0, layout)
              for name in ["a", "b", "t", "w", "ex", "ey", "hz", "u", "v", "i", "o", "c", "p", "m1", "m2", "x1", "g1"]}
        return of | numbers

    numbers = {"k": Single("k", 2), "y": Single("y", 0.001)}
    for number, (text, updated, _) in enumerate(split(programs.STENCILS)):
        for dtype, shape, layout in [("f64", (9, 12), 0), ("f32", (10, 11), 0), ("f64", (8, 9), 1 + number % 5)]:
            file.program(text, scope(dtype, shape, layout), updated)
    boards = {dtype: (calm(dtype, "board", 100) % 2).reshape(10, 10) for dtype in ["u8", "i32", "i64"]}
    boards = [Input(f"board_{dtype}", board) for dtype, board in boards.items()]
    for text, updated, _ in split(programs.LIFE):
        for board in boards:
            file.program(text, {"L": board}, updated)


def make_large():
    """Arrays of more than a megabyte: several threads, and updates block by block."""
    file = Programs("large", "Arrays of more than a megabyte, which several threads and blocks share.")
    shapes = {"f64": (400, 420), "f32": (560, 500), "i16": (900, 602)}
    bank = {}
    for dtype, shape in shapes.items():
        for seed, name in enumerate("uv"):
            kind = "bits" if dtype == "i16" else "eighths"
            bank[dtype, name] = Made(f"{name}_{dtype}", dtype, shape, kind, seed + 1)
    for number, (text, updated, _) in enumerate(split(programs.LARGE)):
        dtypes = list(shapes) if "0.2*" not in text else ["f64", "f32"]
        dtype = dtypes[number % len(dtypes)]
        file.program(text, {name: bank[dtype, name] for name in "uv"}, updated)


def make_all():
    usual = [
        ("statements", "Names, tuples, numbers, and layout of the text.", programs.STATEMENTS),
        ("functions", "Functions that texts define.", programs.FUNCTIONS),
        ("several_results", "Tuples of results of many dtypes and shapes.", programs.SEVERAL_RESULTS),
        ("slices", "Views: slices, places, new axes and transposes, of variables and of expressions.", programs.SLICES),
        ("dtypes", "The dtypes of values and of names along statements.", programs.DTYPES),
        ("reductions", "Reductions and running totals among statements.", programs.REDUCTIONS),
        ("methods", "Methods, and names of modules.", programs.METHODS_AND_MODULES),
        ("updates", "Updates of arrays, whole and in part.", programs.UPDATES),
        ("control", "Branches and loops that run once for all, around whole arrays.", programs.CONTROL),
    ]
    for name, about, source in usual:
        make_usual(name, about, source)
    make_aliasing()
    make_stencils()
    make_large()
    return {f"{file.name}.txt": file.text() for file in File.all}


if __name__ == "__main__":
    main(make_all, os.path.abspath(__file__), __doc__)
