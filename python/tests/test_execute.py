"""Updates in place: the same statements, run by Python itself on NumPy's arrays."""

from __future__ import annotations

import pickle
import random
import threading
from typing import Any

import numpy as np
import pytest

import ndexpr

RNG = np.random.default_rng(11)

Names = dict[str, Any]


def values() -> Names:
    rng = np.random.default_rng(5)
    return {
        "u": rng.standard_normal(9),
        "v": rng.standard_normal(9),
        "a": rng.standard_normal((5, 6)),
        "b": rng.standard_normal((5, 6)),
        "r": rng.standard_normal(6),
        "c": rng.integers(-50, 50, (5, 6)),
        "s": rng.integers(0, 100, 9).astype(np.int16),
        "f": rng.standard_normal(9).astype(np.float32),
        "m": rng.random(9) > 0.5,
        "z": np.array(2.5),
        "k": 3,
        "h": 0.25,
    }


def run_both(text: str, names: Names, **kwargs: Any) -> None:
    """Runs a text by Python and by ndexpr, and compares all arrays and the `result`."""
    expected = copied(names)
    lines = text.split("\n")
    if lines[-1].startswith("return "):
        lines[-1] = "result = " + lines[-1].removeprefix("return ")
    exec("\n".join(lines), expected | {"np": np}, expected)
    found = copied(names)
    result = ndexpr.execute(text, found, **kwargs)
    for name in names:
        if isinstance(names[name], np.ndarray):
            same(found[name], expected[name], text, name)
    if "result" not in expected:
        assert result is None, text
        return
    if isinstance(expected["result"], tuple):
        assert isinstance(result, tuple) and len(result) == len(expected["result"]), text
        for one, other in zip(result, expected["result"], strict=True):
            same(one, np.asarray(other), text, "result")
    else:
        same(result, np.asarray(expected["result"]), text, "result")


def copied(names: Names) -> Names:
    """The same names, with arrays that share memory as before."""
    bases: dict[int, np.ndarray] = {}
    new: Names = {}
    for name, value in names.items():
        if not isinstance(value, np.ndarray):
            new[name] = value
            continue
        base = value if value.base is None else value.base
        assert isinstance(base, np.ndarray)
        memory = bases.setdefault(id(base), base.copy(order="K").ravel(order="K"))
        offset = value.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        new[name] = np.ndarray(value.shape, value.dtype, memory.data, offset, value.strides)
    return new


def same(found: np.ndarray, expected: np.ndarray, text: str, name: str) -> None:
    assert found.dtype == expected.dtype, f"{name} of {text!r}"
    assert found.shape == expected.shape, f"{name} of {text!r}"
    if not np.array_equal(found, expected, equal_nan=found.dtype.kind == "f"):
        # Sums of floats are added in another order, and functions are within 1 ULP.
        np.testing.assert_allclose(found, expected, rtol=1e-13 if found.dtype != np.float32 else 1e-6, err_msg=text)


PROGRAMS = [
    "u += v",
    "u -= 2*v; v *= u",
    "u[...] = v",
    "u[:] = 0",
    "u[1:-1] = (u[:-2] + u[2:])/2",
    "u[1:] += u[:-1]",
    "u[:-1] -= u[1:]",
    "u[...] = u[::-1]",
    "u[::2], u[1::2] = 1, 2",
    "u[0] = 7; u[-1] = 8; u[1] += u[0]",
    "t = u[1:]*2; u[0] = 5; u[1:] = t",
    "t = u[1:]\nu[...] = 1\nt += 2\nv[1:] = t",
    "w = u\nw *= 2\nv += u",
    "s += 3; s //= 2; s **= 2",
    "s <<= 2; s ^= 5; s |= 1; s &= 127; s >>= 1; s %= 7",
    "f += u",
    "f[...] = u*1e3",
    "s[...] = f*100",
    "c[1:3] = a[1:3]*10",
    "m |= u > 0; m &= v < 1",
    "m[...] = u",
    "u[...] = m",
    "a[0] = r; a[:, 1] = 4; a[2, 3] = 5",
    "a += r",
    "a.T[1:3] *= 2",
    "a[1:, ::2] = b[:-1, ::2] - 1",
    "a[..., -1] = b[..., 0]",
    "a[...], b[...] = a + b, a - b",
    "x = a + b; a[...] = x; b[...] = x",
    "a -= a.mean(axis=0); a /= a.std(axis=0)",
    "t = np.sum(u); u /= t; v *= t",
    "t = np.sum(u); u += 1; u *= t\nreturn np.sum(u), u, t",
    "u += 1\nreturn np.max(u)",
    "u *= k; u += h; u -= z",
    "z += 1; z *= u[0]",
    "z[...] = k\nreturn z*2",
    "def smooth(x):\n    return (x[:-2] + x[1:-1] + x[2:])/3\nu[1:-1] = smooth(u); u[1:-1] = smooth(u)",
    "def scaled(x, by=2):\n    return x*by\nu += scaled(v); v[...] = scaled(u, by=h)",
    "def reset(x):\n    x[...] = 0\n    return x\nreturn reset(u) + v",
    "b[1:, :] = a[:-1, :]; a[...] = b.T[0, 0]",
    "a[1:-1, 1:-1] = 0.2*(b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1])\n"
    "b[1:-1, 1:-1] = 0.2*(a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])",
    "a[:] = b\na[1:] -= 0.5*(b[1:] - b[:-1])\na[:, 1:] -= 0.5*(b[:, 1:] - b[:, :-1])",
    "t = (1 - h**k)\nu *= h\nu += (1 - h)*f\nv *= 0.999\nv += 0.001*f*f\nf -= 0.01*(u/t)/(np.sqrt(np.abs(v)) + 1e-8)",
    "u[5:2] = 1; u[20:] = 2",
    "u[1:3] = v[7:]",
    "u[:] = r[0] + a[1, 2]",
    "c += m[0]; c *= s[1]",
    "c //= 7; c -= c.min()",
    "u[np.newaxis] += v[np.newaxis]",
    "t = u + 1; t += v; u[...] = t; t -= u\nreturn t",
    "x = u*2\nu[2:4] = 0\ny = x + u\nu[4:6] = 1\nreturn x + y, y*u",
    "n = 2\nu[n:] = 3; u[:n] += n",
    "t = np.cumsum(u); u[1:] = t[:-1]; u += t",
    "u[...] = np.sin(v); v[...] = np.cos(u)",
]


@pytest.mark.parametrize("text", [text for text in PROGRAMS])
def test_updates_do_what_python_does(text: str) -> None:
    run_both(text, values())


@pytest.mark.parametrize("text", [text for text in PROGRAMS if "a" in text and "u" not in text and "def" not in text])
def test_any_layout(text: str) -> None:
    names = values()
    names["a"] = np.asfortranarray(names["a"])
    big = np.zeros((11, 13))
    big[::-2, 1::2] = RNG.standard_normal((6, 6))
    names["b"] = big[1:11:2, 12:0:-2]
    run_both(text, names)


def aliased(kind: str) -> Names:
    """Two names of one memory."""
    memory = np.arange(20.0) % 7 - 3
    views = {
        "same": (memory[:9], memory[:9]),
        "shifted": (memory[:9], memory[1:10]),
        "turned": (memory[:9], memory[8::-1]),
        "interleaved": (memory[:18:2], memory[1:18:2]),
        # With other strides NumPy itself copies some elements after it has changed them.
        "further": (memory[4:13], memory[:9]),
    }
    u, v = views[kind]
    return {"memory": memory, "u": u, "v": v, "k": 3}


@pytest.mark.parametrize("kind", ["same", "shifted", "turned", "interleaved", "further"])
@pytest.mark.parametrize(
    "text",
    [
        "u += v",
        "u[...] = v*2; v += 1",
        "u *= 2; v -= u; u += v",
        "t = v + 1; u[...] = 0; v[...] = t",
        "u[1:] = v[:-1]; v[1:] = u[:-1]",
        "v[0] = k; u[0] += v[0]\nreturn u + v, np.sum(u)",
        "t = np.sum(v); u[...] = t; v *= 2",
    ],
)
def test_names_that_share_memory(text: str, kind: str) -> None:
    run_both(text, aliased(kind))


SLICES = {
    8: [":", "...", "::-1", ":8"],
    7: ["1:", ":-1", "::-1"],
    6: ["1:-1", "2:", ":-2", "-2:0:-1"],
    4: ["::2", "1::2", ":4", "4:", "::-2", "2:6"],
}


class Writer:
    """Writes random programs."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.locals: dict[str, int] = {}
        self.is_view: dict[str, bool] = {}

    def part(self, n: int) -> str:
        """An array of `n` elements that the caller has."""
        name = self.random.choice("uvw")
        if n == 8 and self.random.random() < 0.6:
            return name
        part = self.random.choice([part for part in SLICES[n] if n != 7 or part != "::-1"])
        return f"{name}[{part}]"

    def value(self, n: int, depth: int) -> str:
        kind = self.random.random()
        if depth == 0 or kind < 0.15:
            of_size = [name for name, size in self.locals.items() if size in (n, 0)]
            if of_size and self.random.random() < 0.5:
                return self.random.choice(of_size)
            return self.part(n) if self.random.random() < 0.7 else str(self.random.randint(-3, 4))
        if kind < 0.25:
            return f"np.where({self.value(n, depth - 1)} > {self.random.randint(-2, 3)}, {self.value(n, depth - 1)}, 2)"
        if kind < 0.3:
            return f"np.{self.random.choice(['sum', 'max', 'min'])}({self.part(n)})"
        if kind < 0.34 and n == 7:
            return f"({self.value(8, depth - 1)} + {self.part(8)})[1:]"
        op = self.random.choice("+-*")
        return f"({self.value(n, depth - 1)} {op} {self.value(n, depth - 1)})"

    def statement(self) -> str:
        kind = self.random.random()
        n = self.random.choice([8, 8, 7, 6, 4])
        if kind < 0.25:
            name = self.random.choice("xyt")
            if self.random.random() < 0.3:
                # A view of an array: it sees later changes.
                text = f"{name} = {self.part(n)}"
                self.is_view[name] = True
            else:
                # With an array in it, so that it has `n` elements.
                text = f"{name} = {self.part(n)} + {self.value(n, 2)}"
                self.is_view[name] = False
            self.locals[name] = n
            return text
        if kind < 0.35 and self.locals:
            name = self.random.choice(sorted(self.locals))
            return f"{name} {self.random.choice('+-*')}= {self.random.randint(1, 3)}"
        if kind < 0.42:
            self.locals["q"], self.is_view["q"] = 0, False
            return f"q = np.sum({self.part(n)}) % 11"
        if kind < 0.7:
            return f"{self.part(n)} {self.random.choice('+-')}= {self.value(n, 2)}"
        target = self.part(n)
        return f"{target if '[' in target else target + '[...]'} = ({self.value(n, 3)}) % 97"

    def program(self) -> str:
        lines = [self.statement() for _ in range(self.random.randint(1, 7))]
        lines += [f"{name}[...] = {name} % 97" for name in "uvw"]
        if self.random.random() < 0.4:
            names = [*"uvw", *self.locals]
            lines.append("return " + ", ".join(self.random.sample(names, self.random.randint(1, 3))))
        return "\n".join(lines)


def random_names(seed: int) -> Names:
    rng = np.random.default_rng(seed)
    dtype = np.int64 if seed % 3 == 0 else np.float64
    memory = rng.integers(-20, 20, 40).astype(dtype)
    parts = [memory[0:8], memory[8:24:2], memory[31:23:-1]]
    if seed % 5 == 1:
        parts[1] = memory[3:11]
    if seed % 5 == 2:
        parts[2] = memory[7::-1]
    if seed % 5 == 3:
        parts[1] = parts[2] = memory[0:8]
    u, v, w = parts
    return {"u": u, "v": v, "w": w, "memory": memory}


@pytest.mark.parametrize("first", range(0, 600, 50))
def test_random_programs(first: int) -> None:
    for seed in range(first, first + 50):
        run_both(Writer(seed).program(), random_names(seed))


def test_names_are_looked_up_in_the_callers_frame() -> None:
    u, v = np.ones(3), np.arange(3.0)
    assert ndexpr.execute("u += v") is None
    assert u.tolist() == [1.0, 2.0, 3.0]

    def inner() -> None:
        w = np.zeros(2)
        ndexpr.execute("w[...] = k", {"w": w, "k": 5})
        assert w.tolist() == [5.0, 5.0]

    inner()


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("u += missing", KeyError, "missing"),
        ("nowhere += 1", KeyError, "there is no variable `nowhere`"),
        ("number += 1", TypeError, "`number` is updated, so it must be a NumPy array, not int"),
        ("lists[0] = 1", TypeError, "not list"),
        ("frozen += 1", ValueError, "`frozen` is read-only"),
        ("swapped += 1", TypeError, "`swapped` is >f8"),
        ("i += 0.5", TypeError, "an array of int64 cannot be updated to float64 values"),
        ("i += u", TypeError, "an array of int64 cannot be updated to float64 values"),
        ("u[1:] = u", ValueError, "do not broadcast"),
        ("u[0] = u", ValueError, r"a value of shape \[3\] cannot be assigned to a part of shape \[\]"),
        ("u[3] = 1", IndexError, "there is no index 3 in axis 0"),
        ("t = u*2; t[0] = 1", SyntaxError, "`t` is no array that can be updated"),
        ("t = u[0]; u += 1; v[0] = t", SyntaxError, "`u` has changed since this place of it was named"),
        ("u + 1; u += 1", SyntaxError, "nothing uses this value"),
        ("sin(u)[0] = 1", SyntaxError, "neither a name nor an array"),
        ("t = 5", SyntaxError, "the text has no result"),
    ],
)
def test_errors_leave_arrays_alone(text: str, kind: type[Exception], message: str) -> None:
    u, v, i = np.arange(3.0), np.zeros(3), np.arange(3)
    number, lists = 1, [1, 2]
    frozen = np.zeros(2)
    frozen.flags.writeable = False
    swapped = np.zeros(2, ">f8")
    with pytest.raises(kind, match=message):
        ndexpr.execute(text)
    assert u.tolist() == [0.0, 1.0, 2.0] and i.tolist() == [0, 1, 2] and not v.any()
    assert (number, lists) == (1, [1, 2]) and not swapped.any()


def test_evaluate_updates_nothing() -> None:
    u = np.arange(3.0)
    with pytest.raises(SyntaxError, match="evaluating does not update `u`"):
        ndexpr.evaluate("u[0] = 5; return u")
    assert u[0] == 0.0


def test_threads_and_large_arrays() -> None:
    n = 300_000
    u, v = np.zeros(n), np.arange(n) * 1.0

    def work(part: int) -> None:
        names = {"u": u[part::4], "v": v[part::4]}
        for _ in range(5):
            ndexpr.execute("u += v; u *= 0.5", names)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = np.zeros(n)
    for _ in range(5):
        expected = (expected + v) * 0.5
    assert np.array_equal(u, expected)


TUPLES = [
    "a + b, a - b",
    "a,",
    "t = a*b; t + 1, np.sum(t), np.max(t)",
    "np.sum(a), np.sum(a*a), np.min(a), np.max(b)",
    "a*2, r + 1, c // 3, k, np.sum(r), np.mean(a, axis=0)",
    "np.sin(a), np.exp(a), np.sum(np.exp(a), axis=1)",
    "a.T, a[1:], a[0]*r, a > b",
    "np.cumsum(r), r - np.mean(r), np.argmax(r), np.cumsum(a*2, axis=1)",
    "a, a, a",
]


@pytest.mark.parametrize("text", TUPLES)
def test_several_results(text: str) -> None:
    names = values()
    *before, last = text.split("; ")
    scope: Names = {"np": np} | names
    exec("\n".join([*before, f"result = ({last})"]), scope)
    found = ndexpr.evaluate(text, names)
    assert isinstance(found, tuple)
    for one, other in zip(found, scope["result"], strict=True):
        same(one, np.asarray(other), text, "result")
    outs = tuple(np.empty_like(one) for one in found)
    again = ndexpr.evaluate(text, names, out=outs)
    assert all(one is out for one, out in zip(again, outs, strict=True))
    for one, other in zip(again, found, strict=True):
        assert np.array_equal(one, other)


def test_tuples_of_outputs() -> None:
    a, b = np.arange(4.0), np.ones(4)
    single = np.empty(4, np.float32)
    found = ndexpr.evaluate("a + b, a - b, sum(a)", out=(None, single, None))
    assert found[1] is single and single.tolist() == [-1.0, 0.0, 1.0, 2.0]
    assert found[0].tolist() == [1.0, 2.0, 3.0, 4.0] and found[2] == 6.0
    ndexpr.evaluate("a + b, a - b", out=(a, b))
    assert a.tolist() == [1.0, 2.0, 3.0, 4.0] and b.tolist() == [-1.0, 0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="out has 1 arrays, but there are 2 results"):
        ndexpr.evaluate("a, b", out=(a,))
    with pytest.raises(TypeError, match="out is a tuple of 2 arrays, not ndarray"):
        ndexpr.evaluate("a, b", out=a)
    with pytest.raises(TypeError, match="does not become int64"):
        ndexpr.evaluate("a, b", out=(a, np.zeros(4, np.int64)))
    with pytest.raises(ValueError, match="share memory"):
        ndexpr.evaluate("a + 1, b + 1", out=(a, a))
    with pytest.raises(ValueError, match="read-only"):
        frozen = np.zeros(4)
        frozen.flags.writeable = False
        ndexpr.evaluate("a + 1, b + 1", out=(a, frozen))
    program = ndexpr.compile("a + b, a*b", {"a": "float64", "b": "float64"})
    assert [one.tolist() for one in program([1.0], [2.0])] == [[3.0], [2.0]]


def test_compiled_updates() -> None:
    step = ndexpr.compile("u[1:] += k*v[1:]; t = u[0]*1; return t, sum(v)", {"v": "float64", "u": "float64", "k": 0.5})
    assert step.input_names == ("v", "u", "k")
    assert step.dtype == np.dtype("float64") and step.backend == "jit"
    assert "phase" in step.explain("fuse") or "loop" in step.explain("fuse")
    u, v = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])
    first, total = step(v, u, 0.5)
    assert u.tolist() == [1.0, 12.0, 18.0] and (float(first), float(total)) == (1.0, 60.0)
    # By name, in any order; an array of another layout, and one that is read too.
    wide = np.zeros(6)
    step(k=2, u=wide[::-2], v=v)
    assert wide.tolist() == [0.0, 60.0, 0.0, 40.0, 0.0, 0.0]
    step(u, u, 1.0)
    assert u.tolist() == [1.0, 24.0, 36.0]
    only = ndexpr.compile("a *= 2")
    assert only.dtype is None
    a = np.ones(4)
    assert only(a) is None and a.tolist() == [2.0] * 4
    with pytest.raises(TypeError, match="takes no `out`"):
        only(a, out=a)
    with pytest.raises(TypeError, match="`a` is updated, so it must be a NumPy array, not list"):
        only([1.0, 2.0])
    with pytest.raises(TypeError, match="`a` is float32, but the program was compiled for float64"):
        only(a.astype(np.float32))
    with pytest.raises(TypeError, match="the variable `a` was not given"):
        only()
    with pytest.raises(ValueError, match="read-only"):
        only(np.broadcast_to(1.0, 3))
    assert a.tolist() == [2.0] * 4
    again = pickle.loads(pickle.dumps(step))
    again(v, u, 0.0)
    assert again.text == step.text and u.tolist() == [1.0, 24.0, 36.0]
    assert "phase 1" in ndexpr.explain("a[1:] = a[:-1]; a[2:] += a[:-2]", "fuse", {"a": "float64"})


def test_large_updates_that_are_read_at_other_places() -> None:
    """Arrays of more than a megabyte are updated block by block."""
    for text in [
        "u[1:-1, 1:-1] += 0.2*(u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4*u[1:-1, 1:-1])",
        "u[1:] += u[:-1]; v[:-1] -= u[1:]*v[1:]",
        "u[:, 1:] = u[:, :-1]*v[:, 1:]; v[3:, :] = v[:-3, :] + u[3:, :]",
        "u[::-1][2:] = u[::-1][:-2]",
        "u.T[1:] = u.T[:-1] + v.T[1:]",
    ]:
        for order in "CF":
            u = np.asarray(RNG.standard_normal((450, 420)), order=order)
            run_both(text, {"u": u, "v": RNG.standard_normal((450, 420))})


STEPS = [
    "u += k*w; v -= u*w",
    "u[1:-1] = 0.5*(v[2:] + v[:-2])*k; v[1:-1] = u[2:] - u[:-2] + w[1:-1]",
    "u[1:] = u[:-1]*k + w[1:]; v *= 2",
    "v[1:] += np.sum(u)*k; u += w*np.max(v)",
    "u[1:] += k*w[1:]; v[...] = u*2",
]


@pytest.mark.parametrize("text", STEPS)
def test_calls_by_position_and_by_name(text: str) -> None:
    """One program, called with arrays of any layouts in turn, some of which share memory."""
    step = ndexpr.compile(text, {"w": "float64", "v": "float64", "k": 0.5, "u": "float64"})
    reference: Names = {"np": np}
    exec("def step(u, v, w, k):\n    " + text, reference)

    def parts(memory: np.ndarray, form: int) -> list[np.ndarray]:
        return [
            [memory[:6], memory[10:16], memory[20:26]],
            [memory[:12:2], memory[1:13:2], memory[20:26]],
            [memory[5::-1], memory[10:16], memory[20:32:2]],
            [memory[:6], memory[3:9], memory[20:26]],
            [memory[:6], memory[10:16], memory[:6]],
            [memory[:6], memory[:6], memory[20:26]],
            [memory[:9], memory[10:19], memory[20:29]],
        ][form]

    for round_ in range(42):
        found, expected = np.arange(40.0) % 7 - 2, np.arange(40.0) % 7 - 2
        form, k = round_ // 3 % 7, [0.5, 2, np.float64(-1.0)][round_ % 3]
        u, v, w = parts(expected, form)
        reference["step"](u, v, w, k)
        u, v, w = parts(found, form)
        if round_ % 2:
            assert step(w, v, k, u) is None
        else:
            assert step(w, u=u, **{"k": k, "".join(["v"]): v}) is None
        np.testing.assert_allclose(found, expected, rtol=1e-13, err_msg=f"{text}, {form}")


def test_arrays_that_are_no_longer_what_they_were() -> None:
    step = ndexpr.compile("u[1:] += v[:-1]", {"u": "float64", "v": "float64"})
    u, v = np.zeros(4), np.arange(4.0)
    for _ in range(3):
        step(u, v)
    assert u.tolist() == [0.0, 0.0, 3.0, 6.0]
    u.flags.writeable = False
    with pytest.raises(ValueError, match="`u` is read-only"):
        step(u, v)
    u.flags.writeable = True
    # Its elements have another type, though they lie as they did.
    with pytest.raises(TypeError, match="the variable `v` is int64, but the program was compiled for float64"):
        step(u, v.view(np.int64))
    with pytest.raises(TypeError, match="the variable `u` is int64, but the program was compiled for float64"):
        step(u.view(np.int64), v)
    with pytest.raises(TypeError, match="`u` is >f8"):
        step(u.astype(">f8"), v)
    with pytest.raises(TypeError, match="`u` is a masked array"):
        step(np.ma.masked_array(u), v)
    with pytest.raises(ValueError, match=r"do not broadcast|cannot be assigned"):
        step(u, v[:3])
    with pytest.raises(ValueError, match=r"memory|overlap"):
        step(np.lib.stride_tricks.as_strided(u, (4,), (0,)), v)
    for wrong in [(), (u,), (u, v, v)]:
        with pytest.raises(TypeError, match=r"was not given|3 values were given"):
            step(*wrong)
    with pytest.raises(TypeError, match="the variable `u` was given twice"):
        step(u, u=u)
    with pytest.raises(TypeError, match="the expression has no variable `other`"):
        step(u, v, other=v)
    assert u.tolist() == [0.0, 0.0, 3.0, 6.0]
    # What is read is copied where it has to be.
    step(u, v.astype(">f8"))
    step(u, [1.0, 0.0, 0.0, 0.0])
    step(u.view(np.recarray).view(type("Own", (np.ndarray,), {})), v)
    assert u.tolist() == [0.0, 1.0, 5.0, 10.0]
    single = ndexpr.compile("u += v", {"u": "float64", "v": "float64"})
    total = np.array(1.0)
    for _ in range(3):
        single(total, np.float64(2.0))
    assert total == 7.0
    single(total, total)
    assert total == 14.0


def test_one_program_in_several_threads() -> None:
    step = ndexpr.compile("u[1:] += v[:-1]*k; v *= 2", {"u": "float64", "v": "float64", "k": 1})
    wrong = []

    def work(n: int) -> None:
        for _ in range(300):
            u, v = np.zeros(n), np.ones(n)
            for k in range(3):
                step(u, v, k=k)
            if u[0] != 0.0 or (u[1:] != 10.0).any() or (v != 8.0).any():
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (5, 5, 50, 40_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
