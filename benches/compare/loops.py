"""Times loops that each element runs for itself next to Numba.

In: the libraries that can be imported. Out: a table on the terminal, and a file with `--json`. Numba compiles the same text as a
function of single numbers, and calls it for one element after the other: serially, in parallel, and with fastmath. The
contenders of a row take turns; the figures are medians.
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

Arrays = dict[str, np.ndarray]


@dataclass
class Loop:
    """One row."""

    name: str
    text: str
    arrays: Callable[[np.random.Generator], Arrays]
    rtol: float = 1e-12
    #: Where rounding of other libraries may change how often an element goes round.
    share_of_others: float = 0.0


MANDELBROT = """
zr = cr*0
zi = ci*0
count = 0
while count < 200 and zr*zr + zi*zi <= 4:
    zr, zi = zr*zr - zi*zi + cr, 2*zr*zi + ci
    count += 1
return count
"""


def plane(dtype: str) -> Callable[[np.random.Generator], Arrays]:
    def arrays(rng: np.random.Generator) -> Arrays:
        x, y = np.meshgrid(np.linspace(-2, 0.6, 1024), np.linspace(-1.3, 1.3, 1024))
        return {"cr": x.ravel().astype(dtype), "ci": y.ravel().astype(dtype)}

    return arrays


LOOPS = [
    Loop("mandelbrot f8", MANDELBROT, plane("f8")),
    Loop("mandelbrot f4", MANDELBROT, plane("f4"), share_of_others=1e-2),
    Loop(
        "kepler",
        """
E = M
for step in range(50):
    change = (E - e*np.sin(E) - M)/(1 - e*np.cos(E))
    E = E - change
    if abs(change) < 1e-12: break
return E
""",
        lambda rng: {"M": rng.random(1_000_000) * 6, "e": rng.random(1_000_000) * 0.8},
        rtol=1e-9,
    ),
    Loop(
        "implied volatility",
        """
def cdf(x):
    return 0.5 + 0.5*np.tanh(0.7978845608*(x + 0.044715*x*x*x))
low = price*0
high = price*0 + 3.0
while high - low > 1e-8:
    s = (low + high)/2
    root = s*np.sqrt(t)
    d = (np.log(spot/strike) + 0.5*s*s*t)/root
    if spot*cdf(d) - strike*cdf(d - root) < price: low = s
    else: high = s
return low
""",
        lambda rng: {
            "price": rng.random(1_000_000) * 20 + 1,
            "spot": rng.random(1_000_000) * 40 + 80,
            "strike": rng.random(1_000_000) * 40 + 80,
            "t": rng.random(1_000_000) + 0.1,
        },
        rtol=1e-6,
    ),
    Loop(
        "collatz",
        """
steps = 0
while n != 1:
    if n % 2 == 0: n = n // 2
    else: n = 3*n + 1
    steps += 1
return steps
""",
        lambda rng: {"n": rng.integers(1, 1_000_000, 1_000_000)},
    ),
    Loop(
        "piecewise",
        """
if x < -2: return 1.0
elif x < -1: return x*x - 3.0
elif x < 0: return ((x + 2)*x - 1)*x
elif x < 1: return ((x - 2)*x + 0.5)*x
elif x < 2: return x - 2.5 + x*x*0.25
return 0.5
""",
        lambda rng: {"x": rng.random(1_000_000) * 6 - 3},
    ),
]


def by_numba(loop: Loop, names: list[str], *, parallel: bool, fastmath: bool) -> Callable[..., np.ndarray]:
    import numba

    text, functions = loop.text.strip(), ""
    if text.startswith("def "):
        head, _, text = text.partition("\n    return ")
        body, _, text = text.partition("\n")
        functions = f"{head}\n    return {body}\n"
    scope: dict[str, object] = {"np": np, "prange": numba.prange}
    exec(functions + f"def kernel({', '.join(names)}):\n{textwrap.indent(text, '    ')}\n", scope)
    for name in ("cdf", "kernel"):
        if name in scope:
            scope[name] = numba.njit(scope[name], fastmath=fastmath)
    args = ", ".join(f"{name}[k]" for name in names)
    many = f"""
def many(out, {", ".join(names)}):
    for k in prange(out.size): out[k] = kernel({args})
"""
    exec(many, scope)
    return numba.njit(scope["many"], parallel=parallel, fastmath=fastmath)


def contenders(loop: Loop) -> dict[str, tuple[Callable[[], object], np.ndarray]]:
    """For each name, a call, and where its results are then."""
    arrays = loop.arrays(np.random.default_rng(42))
    compiled = ndexpr.compile(loop.text, arrays)
    ours = compiled(*arrays.values())
    out = np.empty_like(ours)
    found: dict[str, tuple[Callable[[], object], np.ndarray]] = {
        "ndexpr": (lambda: compiled(*arrays.values(), out=out), out)
    }
    try:
        import numba  # noqa: F401
    except ImportError:
        return found
    for name, fastmath in [("Numba", False), ("Numba fastmath", True)]:
        call = by_numba(loop, list(arrays), parallel=kernels.THREADS > 1, fastmath=fastmath)
        result = np.empty_like(ours)
        found[name] = (lambda call=call, result=result: call(result, *arrays.values()), result)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loops", nargs="*", help=f"only these: {', '.join(loop.name for loop in LOOPS)}")
    parser.add_argument("--threads", type=int, default=1, help="written with `=`; for all contenders")
    parser.add_argument("--rounds", type=int, default=9, help="how often each takes its turn, at the most")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    print(f"ms per call, {kernels.THREADS} thread(s); in brackets: the other's time over the first's")
    rows = []
    for loop in LOOPS:
        if options.loops and loop.name not in options.loops:
            continue
        found = contenders(loop)
        for call, _ in found.values():
            call()
        (_, ours), *others = found.values()
        for _, theirs in others:
            differs = ~np.isclose(ours, theirs, rtol=loop.rtol, atol=loop.rtol)
            if differs.mean() > loop.share_of_others:
                raise SystemExit(f"{differs.sum()} results of {loop.name} differ")
        calls = {name: call for name, (call, _) in found.items()}
        medians = {name: seconds * 1e3 for name, seconds in peers.interleaved(calls, options.rounds).items()}
        rows.append({"loop": loop.name, "ms": medians})
        first = next(iter(medians.values()))
        cells = "  ".join(f"{name} {ms:.2f} ({ms / first:.2f})" for name, ms in medians.items())
        print(f"{loop.name:20} {cells}", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"threads": kernels.THREADS, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
