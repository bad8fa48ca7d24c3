"""The end of a program while its threads evaluate, and beginnings that fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conftest import SLOW

import ndexpr

N_EXITS = 40 if SLOW else 6


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


#: What daemon threads do when the program ends. Each way takes the interpreter's lock again.
WORK = {
    "short calls": "ndexpr.evaluate('a + 1', {'a': small})",
    "long calls": "ndexpr.evaluate('sin(a) + 1', {'a': large})",
    "longer calls": "ndexpr.evaluate('sin(a) + 1', {'a': huge})",
    "a mapping": "ndexpr.evaluate('a + b', Names(), {})",
    "conversions": "ndexpr.evaluate('a + 1', {'a': Wrapped()})",
    "copies": "ndexpr.evaluate('a + 1', {'a': swapped})",
    "casts": "ndexpr.evaluate('a + 1', {'a': large}, out=np.empty(large.shape, 'f4'), casting='unsafe')",
    "errors": "fail()",
    "programs": "program(large)",
}


@pytest.mark.parametrize("work", WORK)
def test_daemon_threads_at_exit(work: str) -> None:
    script = f"""
        import threading, time, numpy as np, ndexpr
        small, large, huge = np.ones(10), np.ones(1 << 16), np.ones(1 << 19)
        swapped = np.ones(1 << 16, ">f8")
        program = ndexpr.compile("sin(a)*2", {{"a": "float64"}})
        class Names:
            def __getitem__(self, name):
                for _ in range(1000):
                    pass
                return small
        class Wrapped:
            def __array__(self, dtype=None, copy=None):
                for _ in range(1000):
                    pass
                return small
        def fail():
            try:
                ndexpr.evaluate("nothing + 1", {{}}, {{}})
            except KeyError:
                pass
        def run():
            while True:
                {WORK[work]}
        for _ in range(3):
            threading.Thread(target=run, daemon=True).start()
        time.sleep(0.05)
    """
    ends = [run(script) for _ in range(N_EXITS)]
    assert [(end.returncode, end.stderr) for end in ends] == [(0, "")] * N_EXITS


def test_numpy_that_cannot_be_imported() -> None:
    end = run("""
        import sys
        sys.modules["numpy"] = None
        try:
            import ndexpr
        except Exception as error:
            print(type(error).__name__, "numpy" in str(error))
    """)
    assert (end.stdout, end.stderr) in [("ModuleNotFoundError True\n", ""), ("ImportError True\n", "")]


def test_numpy_without_its_c_interface() -> None:
    end = run("""
        import sys
        import numpy._core.multiarray as multiarray
        del multiarray._ARRAY_API
        try:
            import ndexpr
        except Exception as error:
            print(type(error).__name__, "NumPy" in str(error))
    """)
    assert (end.stdout, end.stderr) == ("ImportError True\n", "")


def test_a_sub_interpreter() -> None:
    """What cannot be had there is an exception that programs catch."""
    end = run("""
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        import ndexpr
        code = '''if True:
            try:
                import ndexpr
            except Exception as error:
                print(isinstance(error, ImportError), flush=True)
            else:
                print(ndexpr.evaluate("1 + 1"), flush=True)
        '''
        failed = (getattr(interpreters, "exec", None) or interpreters.run_string)(interpreters.create(), code)
        print("over", failed)
    """)
    assert end.stdout in ("True\nover None\n", "2\nover None\n"), end.stderr
    assert "panicked" not in end.stderr


@pytest.mark.parametrize("n", ["1000", "100000", "1"])
def test_the_number_of_threads_can_be_set_back(n: str) -> None:
    end = run(
        """
        import ndexpr
        n = ndexpr.get_num_threads()
        ndexpr.set_num_threads(ndexpr.set_num_threads(2))
        print(ndexpr.get_num_threads() == n, n)
        """,
        NDEXPR_NUM_THREADS=n,
    )
    is_same, used = end.stdout.split()
    assert (is_same, end.stderr) == ("True", "")
    assert int(used) == min(int(n), most_threads())


def most_threads() -> int:
    with pytest.raises(ValueError, match=r"1 to [0-9]+ threads") as raised:
        ndexpr.set_num_threads(0)
    return int(re.findall("[0-9]+", str(raised.value))[1])


def test_the_numbers_of_threads_there_may_be() -> None:
    before, most = ndexpr.get_num_threads(), most_threads()
    for n in (0, -1, most + 1, 2**40):
        with pytest.raises(ValueError, match=f"1 to {most} threads"):
            ndexpr.set_num_threads(n)
    assert ndexpr.get_num_threads() == before
    assert ndexpr.set_num_threads(most) == before
    assert ndexpr.set_num_threads(before) == most
    assert ndexpr.evaluate("a + 1", {"a": np.ones(2)}).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("text", ["any(h == 0)", "all(h == 1)", "argmax(h)", "cumsum(h)", "h + 1"])
def test_arrays_without_end_do_not_abort(text: str) -> None:
    """More elements than any memory has: an answer, or an exception."""
    n = 1 << (24 if text.startswith("argmax") else 54)
    ended = run(f"""
        import numpy as np, ndexpr
        h = np.broadcast_to(np.zeros(1, "i1"), ({n},))
        try:
            print(ndexpr.evaluate({text!r}))
        except (MemoryError, ValueError, OverflowError) as error:
            print("error:", error)
    """)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip(), ended.stderr
