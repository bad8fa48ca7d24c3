"""Times steps that update arrays in place, each one compiled program, next to Numba, JAX and NumPy.

In: the libraries that can be imported. Out: a table on the terminal, and a file with `--json`. NumPy runs the same text,
statement by statement. Numba gets explicit loops, in parallel and with fastmath, and JAX a function of the old arrays whose
memory it may use for the new ones. The contenders of a row take turns; the figures are medians.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import kernels  # it settles the threads before NumPy and the others are imported
import ndexpr
import numpy as np
import peers

SIZES = {"cache": 10_000, "memory": 4_000_000}

Arrays = dict[str, np.ndarray]


@dataclass
class Step:
    """One row."""

    name: str
    text: str
    arrays: Callable[[int, np.random.Generator], Arrays]
    #: Explicit loops for Numba, over the same arrays.
    loops: str
    #: The new values of the updated arrays, in their order, by JAX.
    array: Callable[..., tuple[object, ...]]
    #: The names of the updated arrays.
    updated: tuple[str, ...]
    rtol: float = 1e-9


def square(*names: str, rank: int = 2, low: float = 0.0) -> Callable[[int, np.random.Generator], Arrays]:
    """Arrays of `rank` equal extents."""
    return lambda n, rng: {name: rng.random((round(n ** (1 / rank)),) * rank) + low for name in names}


ADAM = """
m *= 0.9
m += 0.1*g
v *= 0.999
v += 0.001*g*g
p -= 1e-3*(m/0.19)/(np.sqrt(v/0.002) + 1e-8)
"""

JACOBI = """
b[1:-1, 1:-1] = 0.2*(a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
a[1:-1, 1:-1] = 0.2*(b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1])
"""

FDTD = """
ey[0, :] = 0.5
ey[1:, :] -= 0.5*(hz[1:, :] - hz[:-1, :])
ex[:, 1:] -= 0.5*(hz[:, 1:] - hz[:, :-1])
hz[:-1, :-1] -= 0.7*(ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
"""


def heat(to: str, u: str) -> str:
    """A step of the heat equation."""
    c = f"{u}[1:-1, 1:-1, 1:-1]"
    lines = [
        f"0.125*({u}[2:, 1:-1, 1:-1] - 2*{c} + {u}[:-2, 1:-1, 1:-1])",
        f"0.125*({u}[1:-1, 2:, 1:-1] - 2*{c} + {u}[1:-1, :-2, 1:-1])",
        f"0.125*({u}[1:-1, 1:-1, 2:] - 2*{c} + {u}[1:-1, 1:-1, :-2])",
    ]
    return f"{to}[1:-1, 1:-1, 1:-1] = {' + '.join(lines)} + {c}"


HDIFF = """
lap = 4*i[1:-1, 1:-1] - (i[2:, 1:-1] + i[:-2, 1:-1] + i[1:-1, 2:] + i[1:-1, :-2])
fx = lap[1:, 1:-1] - lap[:-1, 1:-1]
fx = np.where(fx*(i[2:-1, 2:-2] - i[1:-2, 2:-2]) > 0, 0, fx)
fy = lap[1:-1, 1:] - lap[1:-1, :-1]
fy = np.where(fy*(i[2:-2, 2:-1] - i[2:-2, 1:-2]) > 0, 0, fy)
o[...] = i[2:-2, 2:-2] - c*(fx[1:] - fx[:-1] + fy[:, 1:] - fy[:, :-1])
"""

GRAY_SCOTT = """
def laplacian(x):
    return x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:] - 4*x[1:-1, 1:-1]
uc = u[1:-1, 1:-1]*1
vc = v[1:-1, 1:-1]*1
r = uc*vc*vc
du = 0.16*laplacian(u) - r + 0.06*(1 - uc)
dv = 0.08*laplacian(v) + r - 0.122*vc
u[1:-1, 1:-1] += du
v[1:-1, 1:-1] += dv
"""

CAVITY = """
un = u*1
vn = v*1
px = p[1:-1, 2:] - p[1:-1, :-2]
py = p[2:, 1:-1] - p[:-2, 1:-1]
u[1:-1, 1:-1] = (un[1:-1, 1:-1] - un[1:-1, 1:-1]*0.04*(un[1:-1, 1:-1] - un[1:-1, :-2])
    - vn[1:-1, 1:-1]*0.04*(un[1:-1, 1:-1] - un[:-2, 1:-1]) - 0.02*px
    + 0.1*(un[1:-1, 2:] - 2*un[1:-1, 1:-1] + un[1:-1, :-2] + un[2:, 1:-1] - 2*un[1:-1, 1:-1] + un[:-2, 1:-1]))
v[1:-1, 1:-1] = (vn[1:-1, 1:-1] - un[1:-1, 1:-1]*0.04*(vn[1:-1, 1:-1] - vn[1:-1, :-2])
    - vn[1:-1, 1:-1]*0.04*(vn[1:-1, 1:-1] - vn[:-2, 1:-1]) - 0.02*py
    + 0.1*(vn[1:-1, 2:] - 2*vn[1:-1, 1:-1] + vn[1:-1, :-2] + vn[2:, 1:-1] - 2*vn[1:-1, 1:-1] + vn[:-2, 1:-1]))
u[0, :] = 0
u[:, 0] = 0
u[-1, :] = 1
v[0, :] = 0
v[:, 0] = 0
"""


def jax_jacobi(np, a, b):
    def step(to, x):
        return to.at[1:-1, 1:-1].set(0.2 * (x[1:-1, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:] + x[2:, 1:-1] + x[:-2, 1:-1]))

    b = step(b, a)
    return step(a, b), b


def jax_fdtd(np, ex, ey, hz):
    ey = ey.at[0, :].set(0.5)
    ey = ey.at[1:, :].add(-0.5 * (hz[1:, :] - hz[:-1, :]))
    ex = ex.at[:, 1:].add(-0.5 * (hz[:, 1:] - hz[:, :-1]))
    curl = ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1]
    return ex, ey, hz.at[:-1, :-1].add(-0.7 * curl)


def jax_heat(np, a, b):
    def step(to, x):
        scope = {"u": x}
        return to.at[1:-1, 1:-1, 1:-1].set(eval(heat("t", "u").partition(" = ")[2], scope))

    b = step(b, a)
    return step(a, b), b


def jax_adam(np, m, v, p, g):
    m = m * 0.9 + 0.1 * g
    v = v * 0.999 + 0.001 * g * g
    return m, v, p - 1e-3 * (m / 0.19) / (np.sqrt(v / 0.002) + 1e-8)


def jax_hdiff(np, i, c, o):
    scope = {"np": np, "i": i, "c": c}
    lines = HDIFF.strip().split("\n")
    exec("\n".join(lines[:-1]), scope)
    return (eval(lines[-1].partition(" = ")[2], scope),)


def jax_gray_scott(np, u, v):
    scope = {"u": u, "v": v}
    exec("\n".join(GRAY_SCOTT.strip().split("\n")[:-2]), scope)
    return u.at[1:-1, 1:-1].add(scope["du"]), v.at[1:-1, 1:-1].add(scope["dv"])


def jax_cavity(np, u, v, p):
    text = CAVITY.replace("u[1:-1, 1:-1] = (", "nu = (").replace("v[1:-1, 1:-1] = (", "nv = (")
    scope = {"u": u, "v": v, "p": p}
    exec(text.partition("u[0, :]")[0], scope)
    u, v = u.at[1:-1, 1:-1].set(scope["nu"]), v.at[1:-1, 1:-1].set(scope["nv"])
    u = u.at[0, :].set(0).at[:, 0].set(0).at[-1, :].set(1)
    return u, v.at[0, :].set(0).at[:, 0].set(0)


STEPS = [
    Step(
        "adam",
        ADAM,
        lambda n, rng: {name: rng.random(n) for name in "mvpg"},
        """
for k in prange(m.size):
    m[k] = m[k]*0.9 + 0.1*g[k]
    v[k] = v[k]*0.999 + 0.001*g[k]*g[k]
    p[k] -= 1e-3*(m[k]/0.19)/(np.sqrt(v[k]/0.002) + 1e-8)
""",
        jax_adam,
        ("m", "v", "p"),
    ),
    Step(
        "jacobi 2d",
        JACOBI,
        square("a", "b"),
        """
for i in prange(1, a.shape[0] - 1):
    for j in range(1, a.shape[1] - 1):
        b[i, j] = 0.2*(a[i, j] + a[i, j - 1] + a[i, j + 1] + a[i + 1, j] + a[i - 1, j])
for i in prange(1, a.shape[0] - 1):
    for j in range(1, a.shape[1] - 1):
        a[i, j] = 0.2*(b[i, j] + b[i, j - 1] + b[i, j + 1] + b[i + 1, j] + b[i - 1, j])
""",
        jax_jacobi,
        ("a", "b"),
    ),
    Step(
        "fdtd 2d",
        FDTD,
        square("ex", "ey", "hz"),
        """
for j in range(ey.shape[1]):
    ey[0, j] = 0.5
for i in prange(1, ey.shape[0]):
    for j in range(ey.shape[1]):
        ey[i, j] -= 0.5*(hz[i, j] - hz[i - 1, j])
for i in prange(ex.shape[0]):
    for j in range(1, ex.shape[1]):
        ex[i, j] -= 0.5*(hz[i, j] - hz[i, j - 1])
for i in prange(hz.shape[0] - 1):
    for j in range(hz.shape[1] - 1):
        hz[i, j] -= 0.7*(ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])
""",
        jax_fdtd,
        ("ex", "ey", "hz"),
    ),
    Step(
        "heat 3d",
        heat("b", "a") + "\n" + heat("a", "b"),
        square("a", "b", rank=3),
        """
for i in prange(1, a.shape[0] - 1):
    for j in range(1, a.shape[1] - 1):
        for k in range(1, a.shape[2] - 1):
            b[i, j, k] = (0.125*(a[i + 1, j, k] - 2*a[i, j, k] + a[i - 1, j, k])
                + 0.125*(a[i, j + 1, k] - 2*a[i, j, k] + a[i, j - 1, k])
                + 0.125*(a[i, j, k + 1] - 2*a[i, j, k] + a[i, j, k - 1]) + a[i, j, k])
for i in prange(1, a.shape[0] - 1):
    for j in range(1, a.shape[1] - 1):
        for k in range(1, a.shape[2] - 1):
            a[i, j, k] = (0.125*(b[i + 1, j, k] - 2*b[i, j, k] + b[i - 1, j, k])
                + 0.125*(b[i, j + 1, k] - 2*b[i, j, k] + b[i, j - 1, k])
                + 0.125*(b[i, j, k + 1] - 2*b[i, j, k] + b[i, j, k - 1]) + b[i, j, k])
""",
        jax_heat,
        ("a", "b"),
    ),
    Step(
        "hdiff",
        HDIFF,
        lambda n, rng: {
            "i": rng.random((round(n**0.5) + 4,) * 2),
            "c": rng.random((round(n**0.5),) * 2),
            "o": np.zeros((round(n**0.5),) * 2),
        },
        """
def lap(i, y, x):
    return 4*i[y, x] - (i[y + 1, x] + i[y - 1, x] + i[y, x + 1] + i[y, x - 1])
lap = njit(lap)
def flux(i, y0, x0, y1, x1):
    f = lap(i, y1, x1) - lap(i, y0, x0)
    return 0.0 if f*(i[y1, x1] - i[y0, x0]) > 0 else f
flux = njit(flux)
for y in prange(o.shape[0]):
    for x in range(o.shape[1]):
        r, s = y + 2, x + 2
        o[y, x] = i[r, s] - c[y, x]*(flux(i, r, s, r + 1, s) - flux(i, r - 1, s, r, s)
            + flux(i, r, s, r, s + 1) - flux(i, r, s - 1, r, s))
""",
        jax_hdiff,
        ("o",),
    ),
    Step(
        "gray-scott",
        GRAY_SCOTT,
        square("u", "v"),
        """
un, vn = u.copy(), v.copy()
for i in prange(1, u.shape[0] - 1):
    for j in range(1, u.shape[1] - 1):
        r = un[i, j]*vn[i, j]*vn[i, j]
        lu = un[i - 1, j] + un[i + 1, j] + un[i, j - 1] + un[i, j + 1] - 4*un[i, j]
        lv = vn[i - 1, j] + vn[i + 1, j] + vn[i, j - 1] + vn[i, j + 1] - 4*vn[i, j]
        u[i, j] += 0.16*lu - r + 0.06*(1 - un[i, j])
        v[i, j] += 0.08*lv + r - 0.122*vn[i, j]
""",
        jax_gray_scott,
        ("u", "v"),
    ),
    Step(
        "cavity",
        CAVITY,
        square("u", "v", "p"),
        """
un, vn = u.copy(), v.copy()
for i in prange(1, u.shape[0] - 1):
    for j in range(1, u.shape[1] - 1):
        u[i, j] = (un[i, j] - un[i, j]*0.04*(un[i, j] - un[i, j - 1]) - vn[i, j]*0.04*(un[i, j] - un[i - 1, j])
            - 0.02*(p[i, j + 1] - p[i, j - 1])
            + 0.1*(un[i, j + 1] - 2*un[i, j] + un[i, j - 1] + un[i + 1, j] - 2*un[i, j] + un[i - 1, j]))
        v[i, j] = (vn[i, j] - un[i, j]*0.04*(vn[i, j] - vn[i, j - 1]) - vn[i, j]*0.04*(vn[i, j] - vn[i - 1, j])
            - 0.02*(p[i + 1, j] - p[i - 1, j])
            + 0.1*(vn[i, j + 1] - 2*vn[i, j] + vn[i, j - 1] + vn[i + 1, j] - 2*vn[i, j] + vn[i - 1, j]))
u[0, :] = 0
u[:, 0] = 0
u[-1, :] = 1
v[0, :] = 0
v[:, 0] = 0
""",
        jax_cavity,
        ("u", "v"),
    ),
]


def by_numpy(step: Step) -> Callable[[Arrays], None]:
    names = sorted(step.arrays(100, np.random.default_rng(0)))
    scope: dict[str, object] = {"np": np}
    exec(f"def step({', '.join(names)}):\n{textwrap.indent(step.text, '    ')}\n", scope)
    return lambda arrays: scope["step"](**arrays)


def by_numba(step: Step, fastmath: bool) -> Callable[[Arrays], None]:
    import numba

    before, at, after = step.loops.partition("for ")
    functions, loops = "", step.loops
    if "def " in step.loops:
        functions, _, loops = step.loops.partition("\nfor ")
        loops = "for " + loops
    names = sorted(step.arrays(100, np.random.default_rng(0)))
    njit = numba.njit(fastmath=fastmath)
    scope: dict[str, object] = {"np": np, "prange": numba.prange, "njit": njit}
    exec(f"{functions}\ndef step({', '.join(names)}):\n{textwrap.indent(loops.strip(), '    ')}\n", scope)
    compiled = numba.njit(scope["step"], parallel=kernels.THREADS > 1, fastmath=fastmath)
    return lambda arrays: compiled(*(arrays[name] for name in names))


def contenders(step: Step, n: int) -> dict[str, tuple[Callable[[], object], Callable[[], Arrays]]]:
    """For each name, a call that does a step, and what its updated arrays are then."""

    def fresh() -> Arrays:
        return step.arrays(n, np.random.default_rng(42))

    found = {}

    def add(name: str, call: Callable[[Arrays], object]) -> None:
        arrays = fresh()
        found[name] = (lambda: call(arrays), lambda: {name: arrays[name] for name in step.updated})

    def by_ndexpr(floats: str) -> Callable[[Arrays], object]:
        compiled = ndexpr.compile(step.text, fresh(), floats)
        return lambda arrays: compiled(*arrays.values())

    add("ndexpr strict", by_ndexpr("strict"))
    add("ndexpr fast", by_ndexpr("fast"))
    try:
        add("Numba", by_numba(step, fastmath=False))
        add("Numba fastmath", by_numba(step, fastmath=True))
    except ImportError:
        pass
    try:
        import jax
    except ImportError:
        pass
    else:
        import jax.numpy as jnp

        state = {name: jax.device_put(array) for name, array in fresh().items()}

        def new(updated, others):
            arrays = dict(zip(step.updated, updated, strict=True)) | others
            return step.array(jnp, **arrays)

        compiled = jax.jit(new, donate_argnums=0)

        def call() -> None:
            others = {name: array for name, array in state.items() if name not in step.updated}
            results = compiled([state[name] for name in step.updated], others)
            state.update(zip(step.updated, results, strict=True))
            results[-1].block_until_ready()

        found["JAX"] = (call, lambda: {name: np.asarray(state[name]) for name in step.updated})
    add("NumPy", by_numpy(step))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("steps", nargs="*", help=f"only these: {', '.join(step.name for step in STEPS)}")
    parser.add_argument("--threads", type=int, default=1, help="written with `=`; for all contenders")
    parser.add_argument("--rounds", type=int, default=31, help="how often each takes its turn, at the most")
    parser.add_argument("--places", default=",".join(SIZES), help="where the arrays are")
    parser.add_argument("--n", type=int, help="elements of an array, in place of the places")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    print(f"us per step, {kernels.THREADS} thread(s); in brackets: the time of the first over the other's")
    sizes = {"n": options.n} if options.n else {place: SIZES[place] for place in options.places.split(",")}
    rows = []
    for step in STEPS:
        if options.steps and step.name not in options.steps:
            continue
        for place, n in sizes.items():
            found = contenders(step, n)
            found["NumPy"][0]()
            right = {name: array.copy() for name, array in found["NumPy"][1]().items()}
            for name, (call, result) in found.items():
                if name != "NumPy":
                    call()
                for updated, array in result().items():
                    if not np.allclose(array, right[updated], rtol=step.rtol, atol=step.rtol):
                        raise SystemExit(f"{name} has another {updated} for {step.name}")
            calls = {name: call for name, (call, _) in found.items()}
            medians = {name: seconds * 1e6 for name, seconds in peers.interleaved(calls, options.rounds).items()}
            rows.append({"step": step.name, "place": place, "us": medians})
            first = next(iter(medians.values()))
            cells = "  ".join(f"{name} {us:.1f} ({first / us:.2f})" for name, us in medians.items())
            print(f"{step.name:12} {place:7} {cells}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"threads": kernels.THREADS, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
