"""Times ndexpr next to numexpr, Numba, NumPy and JAX, all in this process, from Python.

In: the libraries that can be imported. Out: a table on the terminal, and files with `--json` and `--markdown`. The
contenders of a row take turns, so that whatever else the machine does falls on all alike; the figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

N_THREADS = 2
os.environ.setdefault("NUMEXPR_MAX_THREADS", str(N_THREADS))
os.environ.setdefault("NUMBA_NUM_THREADS", str(N_THREADS))
os.environ.setdefault("NDEXPR_NUM_THREADS", str(N_THREADS))
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_ENABLE_X64", "1")
if hasattr(os, "sched_setaffinity"):
    # JAX takes as many threads as there are processors.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:N_THREADS])

import numpy as np  # noqa: E402  (after the threads have been settled)

import ndexpr  # noqa: E402

#: One figure is the time of so many calls that they take at least this long, in seconds.
SAMPLE = 2e-4

#: Seconds between turns. Threads of OpenMP, which Numba uses, wait about 5 ms for more work without
#: giving up their processor, so the next library would have one processor less. A turn that is not
#: counted comes after the rest.
#: Chosen by "rest-between-peers" in docs/measurements.md.
REST = 0.01

#: A row's name, and its text for ndexpr and numexpr; in other libraries it is the function of this
#: name below.
ROWS = {
    "add_mul": "a + b*2",
    "poly3": ".25*a**3 + .75*a**2 - 1.5*a - 2",
    "sin2_cos2": "sin(a)**2 + cos(b)**2",
    "exp": "exp(a)",
    "log": "log(a)",
    "tanh": "tanh(a)",
    "pow": "a ** b",
    "where": "where(a > 0.5, a*2, b + 1)",
    "transposed": "a + bt",
    "dot": "sum(a*b)",
}

SIZES = [1_000, 100_000, 10_000_000]


def functions(np):
    """The rows as functions of arrays, in the words of NumPy or of a module like it."""
    return {
        "add_mul": lambda a, b: a + b * 2,
        "poly3": lambda a, b: 0.25 * a**3 + 0.75 * a**2 - 1.5 * a - 2,
        "sin2_cos2": lambda a, b: np.sin(a) ** 2 + np.cos(b) ** 2,
        "exp": lambda a, b: np.exp(a),
        "log": lambda a, b: np.log(a),
        "tanh": lambda a, b: np.tanh(a),
        "pow": lambda a, b: a**b,
        "where": lambda a, b: np.where(a > 0.5, a * 2, b + 1),
        "transposed": lambda a, b: a + b.T,
        "dot": lambda a, b: np.sum(a * b),
    }


def arrays(row: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(42)
    shape = (round(n**0.5),) * 2 if row == "transposed" else (n,)
    return rng.uniform(0.1, 2.0, shape), rng.uniform(0.1, 2.0, shape)


Contender = Callable[[str, np.ndarray, np.ndarray], Callable[[], object] | None]


def with_ndexpr(row: str, a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
    names = {"a": a, "b": b, "bt": b.T}
    return lambda: ndexpr.evaluate(ROWS[row], names, {})


def with_numpy(row: str, a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
    function = functions(np)[row]
    return lambda: function(a, b)


def numexpr_contender() -> Contender:
    import numexpr

    numexpr.set_num_threads(N_THREADS)

    def contender(row: str, a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        names = {"a": a, "b": b, "bt": b.T}
        return lambda: numexpr.evaluate(ROWS[row], names, {})

    return contender


def numba_contender(parallel: bool) -> Contender:
    import numba

    numba.set_num_threads(N_THREADS)
    compiled = {row: numba.njit(function, parallel=parallel) for row, function in functions(np).items()}

    def contender(row: str, a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        function = compiled[row]
        return lambda: function(a, b)

    return contender


def jax_contender() -> Contender:
    import jax
    import jax.numpy as jnp

    compiled = {row: jax.jit(function) for row, function in functions(jnp).items()}

    def contender(row: str, a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        # Its own arrays, so that nothing is copied at a call.
        x, y = jax.device_put(a), jax.device_put(b)
        function = compiled[row]
        return lambda: function(x, y).block_until_ready()

    return contender


def contenders() -> dict[str, Contender]:
    """Those that there are, ndexpr first."""
    found: dict[str, Contender] = {"ndexpr": with_ndexpr}
    others = {
        "numexpr": numexpr_contender,
        "Numba": lambda: numba_contender(parallel=True),
        # Without threads it is faster where there is little to do.
        "Numba, 1 thread": lambda: numba_contender(parallel=False),
        "JAX": jax_contender,
    }
    for name, make in others.items():
        try:
            found[name] = make()
        except ImportError:
            print(f"{name} is not installed, so it is left out", file=sys.stderr)
    found["NumPy"] = with_numpy
    return found


def interleaved(calls: dict[str, Callable[[], object]], n_rounds: int) -> dict[str, float]:
    """The median seconds of each call, all of them taking turns."""
    counts = {}
    for name, call in calls.items():
        call()
        count, seconds = 1, 0.0
        while (seconds := timed(call, count)) < SAMPLE:
            count *= 2
        counts[name] = count
        n_rounds = max(7, min(n_rounds, int(3.0 / seconds)))
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(n_rounds):
        for name, call in calls.items():
            time.sleep(REST)
            timed(call, counts[name])
            samples[name].append(timed(call, counts[name]) / counts[name])
    return {name: statistics.median(times) for name, times in samples.items()}


def timed(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - start


def rows(sizes: list[int], only: list[str], n_rounds: int) -> list[dict[str, object]]:
    found = []
    libraries = contenders()
    for row, text in ROWS.items():
        if only and row not in only:
            continue
        for n in sizes:
            a, b = arrays(row, n)
            calls = {name: make(row, a, b) for name, make in libraries.items()}
            right = np.asarray(calls["NumPy"]())
            for name, call in calls.items():
                if not np.allclose(np.asarray(call()), right, rtol=1e-9):
                    raise SystemExit(f"{name} has another result for {text}")
            medians = interleaved(calls, n_rounds)
            nanoseconds = {name: seconds / a.size * 1e9 for name, seconds in medians.items()}
            found.append({"row": row, "text": text.replace("bt", "b.T"), "n": n, "ns_per_element": nanoseconds})
            print(line(found[-1], list(libraries)), flush=True)
    return found


def line(row: dict[str, object], names: list[str]) -> str:
    figures = row["ns_per_element"]
    best = min(figures, key=figures.get)
    cells = [f"**{figures[name]:.3f}**" if name == best else f"{figures[name]:.3f}" for name in names]
    n = f"1e{round(np.log10(row['n']))}"
    text = row["text"].replace("|", "\\|")
    return f"| `{text}` | {n} | " + " | ".join(cells) + " |"


def heading(names: list[str]) -> str:
    return f"| expression | n | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}"


def overhead(n_rounds: int) -> dict[str, float]:
    """Nanoseconds of one call on three arrays of one element."""
    a, b, c = np.ones(1), np.ones(1), np.ones(1)
    text = "a + b*c"
    program = ndexpr.compile(text)
    names = {"a": a, "b": b, "c": c}
    calls: dict[str, Callable[[], object]] = {}
    # Each is what a program would write, without a function around it: the loops below are compiled from the text.
    calls["ndexpr.evaluate"] = loop("f(text)", f=ndexpr.evaluate, text=text, **names)
    calls["ndexpr.re_evaluate"] = loop("f()", f=ndexpr.re_evaluate, **names)
    calls["ndexpr.Program"] = loop("f(a, b, c)", f=program, **names)
    calls["ndexpr.Program, out="] = loop("f(a, b, c, out=out)", f=program, out=np.zeros(1), **names)
    calls["NumPy a + b"] = loop("a + b", **names)
    calls["NumPy a + b*c"] = loop("a + b*c", **names)
    try:
        import numexpr

        calls["numexpr.evaluate"] = loop("f(text)", f=numexpr.evaluate, text=text, **names)
        calls["numexpr.re_evaluate"] = loop("f()", f=numexpr.re_evaluate, **names)
    except ImportError:
        pass
    try:
        import numba

        calls["Numba njit"] = loop("f(a, b, c)", f=numba.njit(lambda a, b, c: a + b * c), **names)
    except ImportError:
        pass
    for call in calls.values():
        call(10)
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(n_rounds):
        for name, call in calls.items():
            samples[name].append(call(1000) / 1000)
    return {name: statistics.median(times) * 1e9 for name, times in samples.items()}


def loop(expression: str, **names: object) -> Callable[[int], float]:
    """A function that evaluates a Python expression so many times, its names global, and returns the seconds."""
    source = f"""
def run(count):
    start = perf_counter()
    for _ in repeat(None, count):
        {expression}
    return perf_counter() - start
"""
    from itertools import repeat

    scope = {"perf_counter": time.perf_counter, "repeat": repeat, **names}
    exec(source, scope)
    return scope["run"]


def versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in ("numpy", "ndexpr", "numexpr", "numba", "jax"):
        if name in sys.modules:
            found[name] = sys.modules[name].__version__
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"only these rows: {', '.join(ROWS)}, overhead")
    parser.add_argument("--sizes", type=lambda text: [int(float(n)) for n in text.split(",")], default=SIZES)
    parser.add_argument("--rounds", type=int, default=101, help="how often each takes its turn, at the most")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--markdown", type=Path, help="write the tables here")
    options = parser.parse_args()
    unknown = set(options.rows) - {*ROWS, "overhead"}
    if unknown:
        parser.error(f"there are no rows {', '.join(sorted(unknown))}")

    calls = overhead(options.rounds) if not options.rows or "overhead" in options.rows else {}
    for name, nanoseconds in calls.items():
        print(f"{name:24} {nanoseconds:8.0f} ns")
    print(
        f"\nNanoseconds for an element, float64, {N_THREADS} threads but where it says 1, into a fresh array:\n",
        flush=True,
    )
    names = list(contenders())
    print(heading(names))
    only = [row for row in options.rows if row != "overhead"]
    table = rows(options.sizes, only, options.rounds) if only or not options.rows else []
    report = {"versions": versions(), "threads": N_THREADS, "overhead_ns": calls, "rows": table}
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.markdown:
        lines = [heading(names), *(line(row, names) for row in table), "", "| call | ns |", "|---|---|"]
        lines += [f"| {name} | {nanoseconds:.0f} |" for name, nanoseconds in calls.items()]
        options.markdown.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
