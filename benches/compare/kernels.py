"""Times whole kernels of ndexpr next to Numba, JAX and NumPy: long and mixed formulas, steps over views, reductions.

In: the libraries that can be imported. Out: a table on the terminal, and a file with `--json`. Each kernel is one text. Its
elementwise form is the source of all contenders; where a peer has a better form, as explicit loops for Numba, it gets that.
The contenders of a row take turns, so that whatever else the machine does falls on all alike; the figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

THREADS = next((int(arg.partition("=")[2]) for arg in sys.argv if arg.startswith("--threads=")), 1)
os.environ["NUMBA_NUM_THREADS"] = os.environ["NDEXPR_NUM_THREADS"] = str(THREADS)
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_ENABLE_X64", "1")
if hasattr(os, "sched_setaffinity"):
    # JAX takes as many threads as there are processors.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

import numpy as np  # noqa: E402  (after the threads have been settled)

import ndexpr  # noqa: E402
import peers  # noqa: E402

#: Elements of the arrays, for each place where they are.
SIZES = {"cache": 10_000, "memory": 4_000_000}

Arrays = dict[str, np.ndarray]


@dataclass
class Kernel:
    """One row: `text` for ndexpr. The others are made from `elementwise`, unless they have their own."""

    name: str
    text: str
    arrays: Callable[[int, np.random.Generator], Arrays]
    #: The same in Python over scalars, for Numba's loop over all elements; by default the text.
    scalar: str | None = None
    #: A function of NumPy, or of a module like it, and of the arrays.
    #: By default the text is evaluated.
    array: Callable[..., object] | None = None
    #: Explicit loops for Numba, `loops(out, **arrays)`, with `prange`.
    #: Empty if NumPy is the only peer.
    loops: str | None = None
    #: The program that ndexpr runs in place of the text, if the text reads parts of arrays.
    program: str = ""
    #: How far results may be from NumPy's.
    rtol: float = 1e-9
    variants: tuple[str, ...] = field(default=("strict", "fast"))


def polynomials(seed: int) -> str:
    """An equation of state: quotients of polynomials of absolute salinity, temperature and pressure, by Horner's rule."""
    source = random.Random(seed)

    def horner(degree: int, x: str, inner: Callable[[int], str]) -> str:
        return inner(0) if degree == 0 else f"({inner(degree)} + {x}*{horner(degree - 1, x, inner)})"

    def c(_: int = 0) -> str:
        return f"{source.uniform(0.5, 2.0):.6f}"

    def polynomial() -> str:
        return horner(2, "p", lambda i: horner(3 - i, "s", lambda j: horner(max(4 - i - j, 1), "t", c)))

    upper, lower = polynomial(), polynomial()
    slope, other = polynomial(), polynomial()
    return f"{upper}/{lower} - {slope}*{other}/({lower}*{lower}) + sqrt(s)*{polynomial()}"


def minima(n_operations: int, seed: int) -> str:
    """A shape: minima and maxima of distances and half-planes, as programs that draw by functions have them."""
    source = random.Random(seed)

    def c() -> str:
        return f"{source.uniform(-1.0, 1.0):.4f}"

    def part() -> str:
        x, y = f"(x - {c()})", f"(y - {c()})"
        return source.choice(
            [f"(sqrt(square({x}) + square({y})) - {c()})", f"({x}*{c()} + {y}*{c()})", f"maximum({x}, {y})"]
        )

    parts = [part() for _ in range(n_operations // 6)]
    while len(parts) > 1:
        pairs = [f"{source.choice(['minimum', 'maximum'])}({a}, {b})" for a, b in zip(parts[::2], parts[1::2])]
        parts = pairs + parts[len(pairs) * 2 :]
    return parts[0]


def uniform(*names: str, dtype: str = "f8", low: float = 0.5, high: float = 2.0) -> Callable[..., Arrays]:
    return lambda n, rng: {name: rng.uniform(low, high, n).astype(dtype) for name in names}


def mixed(n: int, rng: np.random.Generator) -> Arrays:
    return {
        "u": rng.integers(0, 16, n).astype("u1"),
        "f": rng.uniform(0.5, 2.0, n).astype("f4"),
        "d": rng.uniform(0.5, 2.0, n),
        "i": rng.integers(0, 100, n).astype("i4"),
        "w": rng.integers(0, 400, n).astype("i2"),
    }


def grid(*names: str, rank: int = 2) -> Callable[..., Arrays]:
    def make(n: int, rng: np.random.Generator) -> Arrays:
        side = round(n ** (1 / rank))
        return {name: rng.uniform(0.5, 2.0, (side,) * rank) for name in names}

    return make


def in_float32(text: str) -> str:
    """The text with constants of float32: Numba takes a number of Python for a float64."""
    return re.sub(r"(?<![\w.])(\d+\.\d+)", r"np.float32(\1)", text)


#: Where each name of a stencil is, from the element that is computed.
OFFSETS = {
    "c": (0, 0, 0),
    **{"n": (0, 1, 0), "s": (0, -1, 0), "e": (0, 0, 1), "w": (0, 0, -1), "u": (1, 0, 0), "d": (-1, 0, 0)},
    **{"ne": (0, 1, 1), "nw": (0, 1, -1), "se": (0, -1, 1), "sw": (0, -1, -1)},
    **{"nn": (0, 2, 0), "ss": (0, -2, 0), "ee": (0, 0, 2), "ww": (0, 0, -2), "p": (0, 0, 1), "q": (0, -1, 0)},
}


def stencil(names: tuple[str, ...], margin: int, rank: int = 2) -> Callable[..., Arrays]:
    """Views into one array, each moved by its offset."""

    def make(n: int, rng: np.random.Generator) -> Arrays:
        g = grid("g", rank=rank)(n, rng)["g"]
        inner = [size - 2 * margin for size in g.shape]
        starts = {name: [margin + step for step in OFFSETS[name][3 - rank :]] for name in names}
        views = {name: g[tuple(slice(a, a + m) for a, m in zip(start, inner))] for name, start in starts.items()}
        return {**views, names[0] + "0": g}

    return make


def stencil_loops(text: str, names: dict[str, str], margin: int, rank: int = 2) -> str:
    """The text in explicit loops over whole arrays, as Numba does best: `names` tells the array of each name."""

    def element(match: re.Match[str]) -> str:
        name = match[0]
        if name not in names:
            return name
        steps = OFFSETS[name][3 - rank :]
        return names[name] + "[" + ", ".join(f"at{axis} + {margin + step}" for axis, step in enumerate(steps)) + "]"

    lines = [f"out[{', '.join(f'at{axis}' for axis in range(rank))}] = " + re.sub(r"[a-z]\w*", element, text)]
    for axis in reversed(range(rank)):
        lines = [
            f"for at{axis} in {'range' if axis else 'prange'}(out.shape[{axis}]):",
            *("    " + line for line in lines),
        ]
    return "\n".join(lines)


def sliced(text: str, names: dict[str, str], margin: int, rank: int = 2) -> str:
    """The text after statements that name the parts of whole arrays: `names` tells the array of each name."""

    def part(step: int) -> str:
        return f"{margin + step or ''}:{step - margin or ''}"

    parts = {name: ", ".join(map(part, OFFSETS[name][3 - rank :])) for name in names}
    return "".join(f"{name} = {names[name]}[{items}]\n" for name, items in parts.items()) + f"return {text}"


def hdiff() -> str:
    """Horizontal diffusion with limited fluxes, as weather models have it."""

    def lap(c: str, n: str, s: str, e: str, w: str) -> str:
        return f"(4*{c} - ({n} + {s} + {e} + {w}))"

    here = lap("c", "n", "s", "e", "w")
    beside = {
        "n": lap("n", "nn", "c", "ne", "nw"),
        "s": lap("s", "c", "ss", "se", "sw"),
        "e": lap("e", "ne", "se", "ee", "c"),
        "w": lap("w", "nw", "sw", "c", "ww"),
    }

    def flux(upper: str, lower: str, step: str) -> str:
        return f"where(({upper} - {lower})*({step}) > 0, 0, {upper} - {lower})"

    east, west = flux(beside["e"], here, "e - c"), flux(here, beside["w"], "c - w")
    north, south = flux(beside["n"], here, "n - c"), flux(here, beside["s"], "c - s")
    return f"c - 0.03*({east} - {west} + {north} - {south})"


HDIFF = ("c", "n", "s", "e", "w", "ne", "nw", "se", "sw", "nn", "ss", "ee", "ww")
JACOBI = "0.2*(c + n + s + e + w)"
HEAT = "0.125*(n - 2*c + s) + 0.125*(e - 2*c + w) + 0.125*(u - 2*c + d) + c"
FDTD = "c - 0.7*(e - p + n - q)"

#: The square of a distance, which is not 0.
R2 = "((xj - x)**2 + (yj - y)**2 + (zj - z)**2 + 0.001)"

HORNER_16 = "0.5" + "".join(f")*a + 0.{k}" for k in range(1, 17))
HORNER_16 = "(" * 16 + HORNER_16

KERNELS = [
    Kernel("eos", polynomials(1), uniform("s", "t", "p")),
    Kernel("degree 16", HORNER_16, uniform("a")),
    *(
        Kernel(f"minima {n}", minima(n, n), uniform("x", "y", dtype="f4"), scalar=in_float32(minima(n, n)), rtol=1e-4)
        for n in (1000, 8000)
    ),
    Kernel(
        "where mixed",
        "where(u > 7, f*2, d + i)",
        mixed,
        scalar="(f*np.float32(2) if u > 7 else d + i)",
        variants=("strict",),
    ),
    Kernel(
        "query",
        "(d > 0.9) & (f < 1.4) & (i > 7) & (u != 3)",
        mixed,
        scalar="(d > 0.9) & (f < np.float32(1.4)) & (i > 7) & (u != 3)",
        variants=("strict",),
    ),
    Kernel(
        "float32(i)*f",
        "float32(i)*f",
        mixed,
        scalar="np.float32(i)*f",
        array=lambda np, u, f, d, i, w: i.astype("f4") * f,
        variants=("strict",),
    ),
    Kernel(
        "clip int16",
        "clip(w*3 - 5, 0, 255)",
        mixed,
        scalar="min(max(np.int16(w*np.int16(3) - np.int16(5)), np.int16(0)), np.int16(255))",
        array=lambda np, u, f, d, i, w: np.clip(w * np.int16(3) - np.int16(5), np.int16(0), np.int16(255)),
        variants=("strict",),
    ),
    Kernel(
        "rosenbrock",
        "sum(100*(b - a**2)**2 + (1 - a)**2)",
        lambda n, rng: (lambda x: {"a": x[:-1], "b": x[1:]})(rng.uniform(0.5, 2.0, n)),
        array=lambda np, a, b: np.sum(100 * (b - a**2) ** 2 + (1 - a) ** 2),
        loops="s = 0.0\nfor k in prange(a.size):\n    s += 100*(b[k] - a[k]**2)**2 + (1 - a[k])**2\nout[()] = s",
    ),
    *(
        Kernel(
            f"softmax {n_columns}",
            "exp(x - max(x, axis=1, keepdims=True))/sum(exp(x - max(x, axis=1, keepdims=True)), axis=1, keepdims=True)",
            lambda n, rng, n_columns=n_columns: {"x": rng.uniform(0.5, 2.0, (n // n_columns, n_columns))},
            array=lambda np, x: (lambda e: e / e.sum(axis=1, keepdims=True))(np.exp(x - x.max(axis=1, keepdims=True))),
            loops="""
for r in prange(x.shape[0]):
    m = x[r, 0]
    for c in range(x.shape[1]):
        m = max(m, x[r, c])
    s = 0.0
    for c in range(x.shape[1]):
        out[r, c] = np.exp(x[r, c] - m)
        s += out[r, c]
    for c in range(x.shape[1]):
        out[r, c] /= s
""",
        )
        for n_columns in (100, 1000, 10_000)
    ),
    Kernel(
        "gesummv",
        "sum(p*x, axis=1)*1.5 + sum(q*x, axis=1)*1.2",
        lambda n, rng: {**grid("p", "q")(n, rng), "x": rng.uniform(0.5, 2.0, round(n**0.5))},
        array=lambda np, p, q, x: p @ x * 1.5 + q @ x * 1.2,
        loops="""
for r in prange(p.shape[0]):
    s, t = 0.0, 0.0
    for c in range(p.shape[1]):
        s += p[r, c]*x[c]
        t += q[r, c]*x[c]
    out[r] = s*1.5 + t*1.2
""",
    ),
    Kernel(
        "jacobi 2d",
        JACOBI,
        stencil(tuple("cnsew"), margin=1),
        loops=stencil_loops(JACOBI, dict.fromkeys("cnsew", "c0"), margin=1),
        program=sliced(JACOBI, dict.fromkeys("cnsew", "c0"), margin=1),
    ),
    Kernel(
        "cumulative",
        "cumsum(a)",
        uniform("a"),
        array=lambda np, a: np.cumsum(a),
        loops="s = 0.0\nfor k in range(a.size):\n    s += a[k]\n    out[k] = s",
        variants=("strict",),
    ),
    Kernel(
        "moving average",
        "cumsum(a - b)/8",
        lambda n, rng: (lambda a: {"a": a, "b": np.concatenate([np.zeros(8), a[:-8]])})(rng.uniform(0.5, 2.0, n)),
        array=lambda np, a, b: np.cumsum(a - b) / 8,
        loops="s = 0.0\nfor k in range(a.size):\n    s += a[k] - b[k]\n    out[k] = s/8",
        variants=("strict",),
    ),
    Kernel(
        "correlation",
        "sum((a - mean(a))*(b - mean(b)))/sqrt(sum((a - mean(a))**2)*sum((b - mean(b))**2))",
        uniform("a", "b"),
        array=lambda np, a, b: (lambda p, q: (p * q).sum() / np.sqrt((p * p).sum() * (q * q).sum()))(
            a - a.mean(), b - b.mean()
        ),
        loops="""
p, q = 0.0, 0.0
for k in prange(a.size):
    p += a[k]
    q += b[k]
p /= a.size
q /= a.size
pq, pp, qq = 0.0, 0.0, 0.0
for k in prange(a.size):
    pq += (a[k] - p)*(b[k] - q)
    pp += (a[k] - p)**2
    qq += (b[k] - q)**2
out[()] = pq/np.sqrt(pp*qq)
""",
    ),
    Kernel(
        "hdiff",
        hdiff(),
        stencil(HDIFF, margin=2),
        loops=stencil_loops(hdiff(), dict.fromkeys(HDIFF, "c0"), margin=2),
        program=sliced(hdiff(), dict.fromkeys(HDIFF, "c0"), margin=2),
    ),
    Kernel(
        "heat 3d",
        HEAT,
        stencil(tuple("cnsewud"), margin=1, rank=3),
        loops=stencil_loops(HEAT, dict.fromkeys("cnsewud", "c0"), margin=1, rank=3),
        program=sliced(HEAT, dict.fromkeys("cnsewud", "c0"), margin=1, rank=3),
    ),
    Kernel(
        "fdtd 2d",
        FDTD,
        lambda n, rng: {**stencil(tuple("cen"), margin=1)(n, rng), **stencil(tuple("pq"), margin=1)(n, rng)},
        loops=stencil_loops(FDTD, {**dict.fromkeys("cen", "c0"), **dict.fromkeys("pq", "p0")}, margin=1),
        program=sliced(FDTD, {**dict.fromkeys("cen", "c0"), **dict.fromkeys("pq", "p0")}, margin=1),
    ),
    Kernel(
        "k-means 8",
        "argmin((x - cx)**2 + (y - cy)**2, axis=1)",
        lambda n, rng: {
            "x": rng.uniform(0.0, 1.0, (n // 8, 1)),
            "y": rng.uniform(0.0, 1.0, (n // 8, 1)),
            "cx": rng.uniform(0.0, 1.0, 8),
            "cy": rng.uniform(0.0, 1.0, 8),
        },
        array=lambda np, x, y, cx, cy: np.argmin((x - cx) ** 2 + (y - cy) ** 2, axis=1),
        loops="""
for r in prange(x.shape[0]):
    best, least = 0, np.inf
    for k in range(8):
        d = (x[r, 0] - cx[k])**2 + (y[r, 0] - cy[k])**2
        if d < least:
            best, least = k, d
    out[r] = best
""",
        variants=("strict",),
    ),
    *(
        Kernel(
            f"n-body {n_bodies}",
            f"sum((xj - x)*m/({R2}*sqrt({R2})), axis=1)",
            lambda n, rng, n_bodies=n_bodies: {
                **uniform("xj", "yj", "zj", "m")(n_bodies, rng),
                **{name: column[:, None] for name, column in uniform("x", "y", "z")(n_bodies, rng).items()},
            },
            array=lambda np, x, y, z, xj, yj, zj, m: (lambda dx, r: (dx * m / (r * np.sqrt(r))).sum(axis=1))(
                xj - x, (xj - x) ** 2 + (yj - y) ** 2 + (zj - z) ** 2 + 0.001
            ),
            loops="""
for i in prange(x.shape[0]):
    s = 0.0
    for j in range(xj.size):
        dx, dy, dz = xj[j] - x[i, 0], yj[j] - y[i, 0], zj[j] - z[i, 0]
        r = dx*dx + dy*dy + dz*dz + 0.001
        s += dx*m[j]/(r*np.sqrt(r))
    out[i] = s
""",
        )
        for n_bodies in (100, 1000)
    ),
    Kernel(
        "rings",
        "sum(where(ring == k, image, 0), axis=(1, 2))/sum(where(ring == k, 1.0, 0.0), axis=(1, 2))",
        lambda n, rng: {
            **grid("image")(n // 16, rng),
            "ring": rng.integers(0, 16, (round((n // 16) ** 0.5),) * 2).astype("i4"),
            "k": np.arange(16, dtype="i4").reshape(16, 1, 1),
        },
        array=lambda np, image, ring, k: (
            np.where(ring == k, image, 0).sum(axis=(1, 2)) / np.where(ring == k, 1.0, 0.0).sum(axis=(1, 2))
        ),
        loops="""
for r in prange(16):
    s, n = 0.0, 0.0
    for i in range(ring.shape[0]):
        for j in range(ring.shape[1]):
            hit = ring[i, j] == k[r, 0, 0]
            s += image[i, j] if hit else 0.0
            n += 1.0 if hit else 0.0
    out[r] = s/n
""",
    ),
]


def many(n_parts: int, part: str, array: Callable[..., object], scalar: str) -> Kernel:
    """A sum of many parts of `a`, which NumPy and Numba add one by one."""
    return Kernel(
        f"{n_parts} {part.partition('(')[0]}",
        " + ".join(part.format(k=k) for k in range(n_parts)),
        lambda n, rng: uniform("a")(n // 10, rng),
        array=array,
        loops=scalar,
        variants=("strict",),
    )


def many_arrays(n_arrays: int) -> Kernel:
    """A sum of many arrays: of 1000 elements in cache, of 100,000 in memory."""
    names = [f"v{k}" for k in range(n_arrays)]

    def add(np, **arrays):
        first, second, *rest = arrays.values()
        total = first + second
        for array in rest:
            total += array
        return total

    n_elems = {SIZES["cache"]: 1000, SIZES["memory"]: 100_000}
    return Kernel(
        f"{n_arrays} arrays",
        " + ".join(names),
        lambda n, rng: uniform(*names)(n_elems[n], rng),
        array=add,
        loops="",
        variants=("strict",),
    )


KERNELS += [
    *(many_arrays(n_arrays) for n_arrays in (500, 650, 2000)),
    many(
        3000,
        "sin(a + {k})",
        lambda np, a: sum((np.sin(a + k) for k in range(1, 3000)), start=np.sin(a)),
        "for i in prange(a.size):\n    s = 0.0\n    for k in range(3000):\n        s += np.sin(a[i] + k)\n    out[i] = s",
    ),
    many(
        500,
        "sum(a*{k})",
        lambda np, a: sum(np.sum(a * k) for k in range(500)),
        "s = 0.0\nfor k in range(500):\n    t = 0.0\n    for i in range(a.size):\n        t += a[i]*k\n    s += t\nout[()] = s",
    ),
]


def contenders(kernel: Kernel, arrays: Arrays) -> dict[str, Callable[[], object]]:
    """The calls by name, NumPy's last. Each writes into its own result, where the library can."""
    calls: dict[str, Callable[[], object]] = {}
    text = kernel.program or kernel.text
    words = set(re.findall(r"\w+", text)) - set(re.findall(r"^(\w+) = ", text, re.MULTILINE))
    used = {name: array for name, array in arrays.items() if name in words}
    for floats in kernel.variants:
        out = ndexpr.evaluate(text, arrays, {}, floats=floats)
        program = ndexpr.compile(text, used, floats=floats)
        inputs = [arrays[name] for name in program.input_names]
        calls[f"ndexpr {floats}"] = lambda f=program, a=inputs, out=np.asarray(out): f(*a, out=out)
    shape = np.asarray(ndexpr.evaluate(kernel.text, arrays, {}))
    calls |= with_numba(kernel, arrays, np.empty_like(shape))
    calls |= with_jax(kernel, arrays)
    function = kernel.array or evaluated(kernel.text)
    calls["NumPy"] = lambda: function(np, **arrays)
    return calls


def evaluated(text: str) -> Callable[..., object]:
    code = compile(text, "kernel", "eval")
    words = ("sqrt", "square", "minimum", "maximum", "where", "clip")
    return lambda np, **arrays: eval(code, {word: getattr(np, word) for word in words}, arrays)


def with_numba(kernel: Kernel, arrays: Arrays, out: np.ndarray) -> dict[str, Callable[[], object]]:
    try:
        import numba
    except ImportError:
        return {}
    if kernel.loops == "":
        return {}
    names = list(arrays)
    if kernel.loops:
        body = kernel.loops
    else:
        index = ", ".join(f"at{axis}" for axis in range(out.ndim))
        lets = "\n".join(f"{name} = {name}_[{index}]" for name in names)
        body = f"{lets}\nout[{index}] = {kernel.scalar or kernel.text}"
        for axis in reversed(range(out.ndim)):
            lines = "\n".join("    " + line for line in body.split("\n"))
            body = f"for at{axis} in {'range' if axis else 'prange'}(out.shape[{axis}]):\n{lines}"
        names = [f"{name}_" for name in names]
    lines = "\n".join("    " + line for line in body.strip().split("\n"))
    scope = {
        "np": np,
        "prange": numba.prange,
        "where": numba.njit(lambda c, a, b: a if c else b),
        **{word: getattr(np, word) for word in ("sqrt", "square", "minimum", "maximum")},
    }
    exec(f"def kernel(out, {', '.join(names)}):\n{lines}\n", scope)
    found = {}
    for name, fastmath in (("Numba", False), ("Numba fastmath", True)):
        function = numba.njit(scope["kernel"], parallel=THREADS > 1, fastmath=fastmath)

        def call(function=function, out=np.empty_like(out)):
            function(out, *arrays.values())
            return out

        found[name] = call
    return found


def with_jax(kernel: Kernel, arrays: Arrays) -> dict[str, Callable[[], object]]:
    try:
        import jax
    except ImportError:
        return {}
    import jax.numpy as jnp

    if kernel.loops == "":
        return {}
    function = kernel.array or evaluated(kernel.text)
    compiled = jax.jit(lambda **arrays: function(jnp, **arrays))
    own = {name: jax.device_put(np.ascontiguousarray(array)) for name, array in arrays.items()}
    return {"JAX": lambda: compiled(**own).block_until_ready()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", help=f"only these: {', '.join(kernel.name for kernel in KERNELS)}")
    parser.add_argument("--threads", type=int, default=1, help="written with `=`; for all contenders")
    parser.add_argument("--rounds", type=int, default=31, help="how often each takes its turn, at the most")
    parser.add_argument("--places", default=",".join(SIZES), help="where the arrays are")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    print(f"ns per element, {THREADS} thread(s); in brackets: the time of the first over the other's")
    rows = []
    for kernel in KERNELS:
        if options.kernels and kernel.name not in options.kernels:
            continue
        for place in options.places.split(","):
            arrays = kernel.arrays(SIZES[place], np.random.default_rng(42))
            calls = contenders(kernel, arrays)
            right = np.asarray(calls["NumPy"]())
            for name, call in calls.items():
                if not np.allclose(np.asarray(call()), right, rtol=kernel.rtol, atol=kernel.rtol):
                    raise SystemExit(f"{name} has another result for {kernel.name}")
            used = [array for name, array in arrays.items() if name in re.findall(r"\w+", kernel.text)]
            n = np.broadcast(*used[:30]).size
            medians = {name: seconds / n * 1e9 for name, seconds in peers.interleaved(calls, options.rounds).items()}
            rows.append({"kernel": kernel.name, "place": place, "ns_per_element": medians})
            first = next(iter(medians.values()))
            cells = "  ".join(f"{name} {ns:.3f} ({first / ns:.2f})" for name, ns in medians.items())
            print(f"{kernel.name:14} {place:7} {cells}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"threads": THREADS, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
