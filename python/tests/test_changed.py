"""Arrays that Python code changes in place while an evaluation looks at its names.

What is read must be one array as it was at one moment. So the result is right, or an error says that
an array has changed; no byte of other memory is ever in it.
"""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable

import numpy as np
import pytest

import ndexpr

#: Later NumPys warn of what these tests do on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")

N = 500


def to_int8(a: np.ndarray) -> None:
    a.dtype = np.int8


def to_swapped(a: np.ndarray) -> None:
    a.dtype = a.dtype.newbyteorder("S")


def to_two_axes(a: np.ndarray) -> None:
    a.shape = (2, a.size // 2)


def to_a_longer_array(a: np.ndarray) -> None:
    a.resize(4 * N, refcheck=False)


def to_few_elements(a: np.ndarray) -> None:
    a.resize(3, refcheck=False)


def to_a_step_of_two(a: np.ndarray) -> None:
    a.shape = (N // 2, 2)
    a.strides = (16, 0)


CHANGES = [to_int8, to_swapped, to_two_axes, to_a_longer_array, to_few_elements, to_a_step_of_two]


class Changing:
    """Something that becomes an array, and changes another one meanwhile."""

    def __init__(self, change: Callable[[], object], value: np.ndarray) -> None:
        self.change = change
        self.value = value

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        self.change()
        return self.value


def by_evaluate(text: str, a: np.ndarray, b: object) -> np.ndarray:
    return ndexpr.evaluate(text, {"a": a, "b": b})


def by_re_evaluate(text: str, a: np.ndarray, b: object) -> np.ndarray:
    ndexpr.validate(text, {"a": a, "b": np.zeros(a.shape)})
    return ndexpr.re_evaluate({"a": a, "b": b})


def by_program(text: str, a: np.ndarray, b: object) -> np.ndarray:
    return ndexpr.compile(text, {"a": a.dtype, "b": "float64"})(a, b)


def by_program_and_names(text: str, a: np.ndarray, b: object) -> np.ndarray:
    return ndexpr.compile(text, {"a": a.dtype, "b": "float64"})(b=b, a=a)


def into_out(text: str, a: np.ndarray, b: object) -> np.ndarray:
    return ndexpr.evaluate(text, {"a": a, "b": b}, out=np.zeros(4000))


def by_mapping(text: str, a: np.ndarray, b: object) -> np.ndarray:
    class Names:
        def __getitem__(self, name: str) -> object:
            return a if name == "a" else np.asarray(b)

    return ndexpr.evaluate(text, Names(), {})


def by_mapping_last(text: str, a: np.ndarray, b: object) -> np.ndarray:
    """The array that is changed is looked up afterwards."""
    return by_mapping(f"0*b + ({text})", a, b)


WAYS = [by_evaluate, by_re_evaluate, by_program, by_program_and_names, into_out, by_mapping, by_mapping_last]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("text", ["a + b", "a*2 - b + sum(a)"])
@pytest.mark.parametrize("n_values", [4000, N, 1])
def test_an_array_that_changes(
    way: Callable[[str, np.ndarray, object], np.ndarray],
    change: Callable[[np.ndarray], None],
    text: str,
    n_values: int,
) -> None:
    a = np.zeros(N)
    b = Changing(lambda: change(a), np.ones(n_values))
    try:
        found = way(text, a, b)
    except (RuntimeError, ValueError, TypeError):
        return
    # Zeros, however they are read, plus or minus one.
    assert set(np.unique(found)) <= {1.0, -1.0}, found


def test_the_dtype_of_what_is_read_is_that_of_its_bytes() -> None:
    a = np.zeros(N)
    b = Changing(lambda: to_int8(a), np.zeros(8 * N))
    found = ndexpr.evaluate("a + b", {"a": a, "b": b})
    assert found.shape == (8 * N,)
    assert not found.any()


@pytest.mark.parametrize("change", CHANGES)
def test_an_output_that_changes(change: Callable[[np.ndarray], None]) -> None:
    out = np.zeros(N)
    b = Changing(lambda: change(out), np.ones(N))
    before = bytes(out.data)
    try:
        ndexpr.evaluate("b + 1", {"b": b}, out=out)
    except (RuntimeError, ValueError, TypeError):
        assert out.tobytes()[:8] == before[:8]
        return
    assert out.size in (N, 4 * N)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("text", ["u += b", "u[1:] += b[1:]", "u[1:] += b[1:]; return sum(b)"])
def test_an_updated_array_that_changes(change: Callable[[np.ndarray], None], text: str) -> None:
    """The program has been called before, so it knows how arrays lay."""
    step = ndexpr.compile(text, {"u": "float64", "b": "float64"})
    step(np.zeros(N), np.ones(N))
    u, other = np.zeros(N), np.zeros(N)
    with contextlib.suppress(RuntimeError, ValueError, TypeError):
        step(u, Changing(lambda: change(u), np.ones(N)))
    with contextlib.suppress(RuntimeError, ValueError, TypeError):
        step(other, Changing(lambda: other.setflags(write=False), np.ones(N)))
    assert not other.any()
    if u.dtype == np.float64:
        assert set(np.unique(u)) <= {0.0, 1.0}


def test_an_array_of_one_element_is_read_at_the_same_time() -> None:
    a = np.array(1.0)
    b = Changing(lambda: a.fill(2.0), np.ones(3))
    # As NumPy, which makes arrays of all arguments before it reads any.
    assert ndexpr.evaluate("a + b", {"a": a, "b": b}).tolist() == [3.0, 3.0, 3.0]


def test_finalizers_that_change_an_array() -> None:
    """A collection may run whenever an object is made, and with it code that changes an array."""
    a = np.zeros(N)

    class Finalized:
        def __del__(self) -> None:
            a.shape = (N,) if a.ndim == 2 else (2, N // 2)

    def leave_garbage() -> None:
        for _ in range(3):
            one = Finalized()
            one.me = one  # type: ignore[attr-defined]

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    n_right = 0
    try:
        for _ in range(300):
            leave_garbage()
            for text in ("a + 1", "a + b", "sum(a) + c"):
                try:
                    found = ndexpr.evaluate(text, {"a": a, "b": [1.0], "c": [[1.0]]})
                except (RuntimeError, ValueError):
                    continue
                assert (found == 1.0).all()
                n_right += 1
    finally:
        gc.set_threshold(*thresholds)
    assert n_right > 0


def test_the_main_thread_is_found_before_arrays_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long calls ask `threading`, which is Python code, whether they are the main thread's."""
    script = """
        import threading, numpy as np, ndexpr
        a = np.zeros(1 << 20)
        find = threading.main_thread
        def main_thread():
            a.resize(10, refcheck=False)
            return find()
        threading.main_thread = main_thread
        try:
            found = ndexpr.evaluate("a + 1")
        except RuntimeError as error:
            print("error:", error)
        else:
            print(set(found.tolist()))
    """
    found = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    assert found.stdout in ("{1.0}\n", "error: an array was changed in place while the evaluation was being prepared\n")


def test_another_thread_changes_the_shape() -> None:
    """Shapes and strides are copied, so a thread that sets them meanwhile frees nothing that is read."""
    a, is_over = np.zeros(1 << 16), threading.Event()

    def change() -> None:
        while not is_over.is_set():
            a.shape = (1 << 8, 1 << 8)
            a.shape = (1 << 16,)

    other = threading.Thread(target=change)
    other.start()
    try:
        for _ in range(300):
            try:
                found = ndexpr.evaluate("a*2 + 1", {"a": a})
            except (RuntimeError, ValueError):
                continue
            assert (found == 1.0).all()
    finally:
        is_over.set()
        other.join()
