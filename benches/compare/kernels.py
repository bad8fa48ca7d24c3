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
    loops: str | None = None
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
        return source.choice([f"(sqrt(square({x}) + square({y})) - {c()})", f"({x}*{c()} + {y}*{c()})", f"maximum({x}, {y})"])

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


HORNER_16 = "0.5" + "".join(f")*a + 0.{k}" for k in range(1, 17))
HORNER_16 = "(" * 16 + HORNER_16

KERNELS = [
    Kernel("eos", polynomials(1), uniform("s", "t", "p")),
    Kernel("degree 16", HORNER_16, uniform("a")),
    *(
        Kernel(f"minima {n}", minima(n, n), uniform("x", "y", dtype="f4"), scalar=in_float32(minima(n, n)), rtol=1e-4)
        for n in (1000, 8000)
    ),
    Kernel("where mixed", "where(u > 7, f*2, d + i)", mixed, scalar="(f*np.float32(2) if u > 7 else d + i)", variants=("strict",)),
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
    Kernel(
        "softmax",
        "exp(x - max(x, axis=1, keepdims=True))/sum(exp(x - max(x, axis=1, keepdims=True)), axis=1, keepdims=True)",
        grid("x"),
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
        "0.2*(a + b + c + d + e)",
        lambda n, rng: (lambda g: dict(a=g[1:-1, 1:-1], b=g[1:-1, :-2], c=g[1:-1, 2:], d=g[2:, 1:-1], e=g[:-2, 1:-1]))(
            grid("g")(n, rng)["g"]
        ),
        loops="""
for r in prange(a.shape[0]):
    for k in range(a.shape[1]):
        out[r, k] = 0.2*(a[r, k] + b[r, k] + c[r, k] + d[r, k] + e[r, k])
""",
    ),
    Kernel(
        "cumulative",
        "cumsum(a)",
        uniform("a"),
        array=lambda np, a: np.cumsum(a),
        loops="s = 0.0\nfor k in range(a.size):\n    s += a[k]\n    out[k] = s",
        variants=("strict",),
    ),
]


def contenders(kernel: Kernel, arrays: Arrays) -> dict[str, Callable[[], object]]:
    """The calls by name, NumPy's last. Each writes into its own result, where the library can."""
    calls: dict[str, Callable[[], object]] = {}
    used = {name: array for name, array in arrays.items() if re.search(rf"\b{name}\b", kernel.text)}
    for floats in kernel.variants:
        out = ndexpr.evaluate(kernel.text, arrays, {}, floats=floats)
        program = ndexpr.compile(kernel.text, used, floats=floats)
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
    names = list(arrays)
    if kernel.loops:
        body = kernel.loops
    else:
        lets = "\n".join(f"    {name} = {name}_[k]" for name in names)
        body = f"for k in prange(out.size):\n{lets}\n    out[k] = {kernel.scalar or kernel.text}"
        names = [f"{name}_" for name in names]
    lines = "\n".join("    " + line for line in body.strip().split("\n"))
    scope = {"np": np, "prange": numba.prange, **{word: getattr(np, word) for word in ("sqrt", "square", "minimum", "maximum")}}
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
            n = max(array.size for array in arrays.values())
            medians = {name: seconds / n * 1e9 for name, seconds in peers.interleaved(calls, options.rounds).items()}
            rows.append({"kernel": kernel.name, "place": place, "ns_per_element": medians})
            first = next(iter(medians.values()))
            cells = "  ".join(f"{name} {ns:.3f} ({first / ns:.2f})" for name, ns in medians.items())
            print(f"{kernel.name:14} {place:7} {cells}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"threads": THREADS, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
