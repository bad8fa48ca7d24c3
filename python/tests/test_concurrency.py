"""Threads of Python's, the interpreter's lock, forks, and signals."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import SLOW

import ndexpr

TEXTS = ["a*2 + b", "sqrt(a*a + b*b)", "sum(a*b)", "where(a > b, a, b)", "exp(-a*a)", "a + sum(b, axis=0)"]


def expected(text: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return ndexpr.evaluate(text, {"a": a, "b": b})


def test_many_threads_at_once() -> None:
    seconds = 60.0 if SLOW else 3.0
    sizes = [1, 1000, 50_000, 400_000]
    rng = np.random.default_rng(1)
    cases = []
    for n in sizes:
        a, b = rng.normal(size=n), rng.normal(size=n)
        cases += [(text, a, b, expected(text, a, b)) for text in TEXTS]
    end = time.monotonic() + seconds
    children = []

    def work(seed: int) -> int:
        draw = np.random.default_rng(seed)
        n_done = 0
        while time.monotonic() < end:
            text, a, b, right = cases[draw.integers(len(cases))]
            out = np.empty_like(right) if n_done % 2 else None
            found = ndexpr.evaluate(text, {"a": a, "b": b}, out=out)
            assert found.tobytes() == right.tobytes(), text
            n_done += 1
        return n_done

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(work, seed) for seed in range(8)]
        # Forks in the middle: the children have one thread, and locks that may be held by threads they do not have.
        while time.monotonic() < end - seconds / 2:
            time.sleep(0.05)
        for _ in range(3):
            children.append(forked(lambda: check_small(cases[0])))
        counts = [job.result() for job in running]
    assert all(wait(child) == 0 for child in children)
    assert min(counts) > 0


def check_small(case: tuple[str, np.ndarray, np.ndarray, np.ndarray]) -> None:
    text, a, b, right = case
    assert ndexpr.evaluate(text, {"a": a, "b": b}).tobytes() == right.tobytes()


def forked(work) -> int:
    """Runs in a forked child, which exits with 0 if all is right."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def wait(child: int, seconds: float = 30.0) -> int | None:
    """The child's exit status; None if it hangs, in which case it is killed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@needs_fork
@pytest.mark.parametrize("n", [1, 1_000, 3_000_000, 6_000_000])
def test_a_forked_child_computes(n: int, threads: int) -> None:
    a = np.linspace(0.0, 1.0, n)
    right = ndexpr.evaluate("a*2 + 1")

    def work() -> None:
        assert ndexpr.evaluate("a*2 + 1", {"a": a}).tobytes() == right.tobytes()
        # Something that the parent has not compiled.
        assert abs(ndexpr.evaluate("sum(a*3)", {"a": a}) - 1.5 * n) <= 1.5 * n
        ndexpr.set_num_threads(2)
        assert ndexpr.evaluate("a*2 + 1", {"a": a}).tobytes() == right.tobytes()

    children = [forked(work) for _ in range(2)]
    assert [wait(child) for child in children] == [0, 0]
    assert ndexpr.evaluate("a*2 + 1").tobytes() == right.tobytes()


def in_another_process(n: int) -> float:
    a = np.ones(n)
    return float(ndexpr.evaluate("sum(a)"))


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_multiprocessing(method: str) -> None:
    ndexpr.evaluate("a + 1", {"a": np.ones(1_000_000)})
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map_async(in_another_process, [10, 1_000_000]).get(60) == [10.0, 1_000_000.0]


def test_other_threads_run_meanwhile() -> None:
    a = np.linspace(0.0, 1.0, 3_000_000)
    count = 0
    is_over = threading.Event()

    def turn() -> None:
        nonlocal count
        while not is_over.is_set():
            count += 1
            time.sleep(0.0005)

    other = threading.Thread(target=turn)
    other.start()
    try:
        # With the lock held, the other thread has no turn at all during a call.
        for _ in range(200):
            before = count
            ndexpr.evaluate("sin(a) + cos(a) + exp(a) + log(a + 1)", {"a": a})
            if count >= before + 2:
                return
    finally:
        is_over.set()
        other.join()
    raise AssertionError("no other thread ran during 200 evaluations")


#: About 10 s of work on one core, but for the signal.
LONG = " + ".join(f"sin(a*{k}) * exp(-b*{k})" for k in range(1, 25))


def interrupted(body: str) -> tuple[str, float]:
    """Runs a script, sends Ctrl-C once it says that it begins, and returns what it says then, and after how long."""
    imports = f"import numpy as np, ndexpr, time\nLONG = {LONG!r}\n"
    script = imports + "a, b = np.linspace(0, 1, 25_000_000), np.ones(25_000_000)\n" + textwrap.dedent(body)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begin\n"
        time.sleep(0.3)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        return said, time.monotonic() - start


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to a process alone there")
def test_ctrl_c_stops_a_long_evaluation() -> None:
    said, seconds = interrupted("""
        print("begin", flush=True)
        start = time.monotonic()
        try:
            ndexpr.evaluate(LONG)
            print("finished")
        except KeyboardInterrupt:
            print("interrupted")
        # All is well afterwards.
        print(ndexpr.evaluate("sum(b)"))
    """)
    assert said == "interrupted\n25000000.0\n"
    assert seconds < 1.5


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to a process alone there")
@pytest.mark.parametrize(
    "call", ["execute('while True: c += 1')", "evaluate('while c > 0: c = c + 1 - c/c\\nreturn c')"]
)
@pytest.mark.parametrize("n", [5, 5000])
def test_ctrl_c_stops_loops_over_few_elements(call: str, n: int) -> None:
    said, seconds = interrupted(f"""
        c = np.ones({n})
        print("begin", flush=True)
        try:
            while True:
                try:
                    ndexpr.{call}
                except RuntimeError as error:
                    assert "has not ended" in str(error), error
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert said == "interrupted\n"
    assert seconds < 1.5


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to a process alone there")
def test_ctrl_c_stops_compiling() -> None:
    said, seconds = interrupted("""
        print("begin", flush=True)
        texts = 0
        try:
            # Each takes a good part of a second to compile, and nothing to run.
            while True:
                ndexpr.evaluate("+".join(f"sin(c+{texts + k})" for k in range(4000)), {"c": 1.0})
                texts += 1
        except KeyboardInterrupt:
            print("interrupted")
        print(ndexpr.evaluate("sum(b)"))
    """)
    assert said == "interrupted\n25000000.0\n"
    assert seconds < 1.5


@pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to a process alone there")
def test_handlers_of_signals_run_meanwhile() -> None:
    said, _ = interrupted("""
        import signal
        calls = []
        signal.signal(signal.SIGINT, lambda *args: calls.append(time.monotonic()))
        small = a[:5_000_000], b[:5_000_000]
        print("begin", flush=True)
        while not calls:
            found = ndexpr.evaluate(LONG, {"a": small[0], "b": small[1]})
        print(len(calls), found.shape)
    """)
    assert said == "1 (5000000,)\n"
