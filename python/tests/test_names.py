"""The names of an expression: where they are looked up, in which order, how they are spelled."""

from __future__ import annotations

import collections
import sys

import numpy as np
import pytest

import ndexpr

here = np.array([1.0, 2.0])


def test_names_are_the_callers() -> None:
    a = np.array([10.0, 20.0])
    assert ndexpr.evaluate("a + here").tolist() == [11.0, 22.0]


def test_locals_hide_globals() -> None:
    here = 5
    assert ndexpr.evaluate("here + 0").tolist() == here


def test_closures_and_comprehensions() -> None:
    a = np.array([1.0])

    def inner() -> float:
        b = a + 1
        return float(ndexpr.evaluate("a + b")[0])

    assert inner() == 3.0
    assert [float(ndexpr.evaluate("x + 1")) for x in (1, 2)] == [2.0, 3.0]


def test_names_in_a_class_body() -> None:
    class Body:
        member = np.array([2.0])
        twice = ndexpr.evaluate("member * 2")
        still_there = member

    assert Body.twice.tolist() == [4.0]
    assert Body.member is Body.still_there


def test_names_in_exec() -> None:
    names = {"ndexpr": ndexpr, "a": 3}
    exec("b = 4\nc = ndexpr.evaluate('a * b')", names)
    assert names["c"] == 12
    local: dict[str, object] = {}
    exec("b = 5\nc = ndexpr.evaluate('a * b')", names, local)
    assert local["c"] == 15
    assert local["b"] == 5


def test_given_names_go_first() -> None:
    a = 1
    assert ndexpr.evaluate("a", {"a": 2}) == 2
    assert ndexpr.evaluate("a", {}, {"a": 3}) == 3
    assert ndexpr.evaluate("a", {"a": 4}, {"a": 3}) == 4
    assert ndexpr.evaluate("a", local_dict=None, global_dict={"a": 3}) == a
    # The caller's globals are asked even where locals are given, as in numexpr.
    assert ndexpr.evaluate("a + here", {"a": 1}).tolist() == [2.0, 3.0]


def test_any_mapping_will_do() -> None:
    chain = collections.ChainMap({"a": 1}, {"b": 2})
    assert ndexpr.evaluate("a + b", chain) == 3

    class Computed:
        def __getitem__(self, name: str) -> int:
            if name == "z":
                raise KeyError(name)
            return len(name)

    assert ndexpr.evaluate("abc + de", Computed()) == 5
    with pytest.raises(KeyError):
        ndexpr.evaluate("z + 1", Computed(), {})
    with pytest.raises(TypeError, match="local_dict must be a mapping"):
        ndexpr.evaluate("a", 3)


def test_errors_of_a_mapping_are_its_own() -> None:
    class Broken:
        def __getitem__(self, name: str) -> int:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ndexpr.evaluate("a", Broken())


def test_a_frame_further_up() -> None:
    def wrapper() -> np.ndarray:
        return ndexpr.evaluate("far + 1", _frame_depth=4)

    far = 41
    assert wrapper() == far + 1


def test_locals_are_not_kept_alive() -> None:
    big = np.ones(1000)
    before = sys.getrefcount(big)
    ndexpr.evaluate("big + 1")
    assert sys.getrefcount(big) == before


def test_a_dictionary_of_locals_is_left_alone() -> None:
    a = 1
    mine = locals()
    ndexpr.evaluate("a + 1")
    assert mine["a"] == a


def test_constants_unless_hidden() -> None:
    assert ndexpr.evaluate("pi", {}, {}) == np.pi
    assert ndexpr.evaluate("e*2 + pi", {"e": 1.0}, {}) == 2.0 + np.pi
    assert ndexpr.evaluate("inf", {}, {}) == np.inf


def test_names_that_exec_has_made() -> None:
    """Before Python 3.13 these are in the dictionary of locals alone, and stay there."""
    a = np.array([1.0])
    exec("made = 2")
    if "made" not in locals():
        pytest.skip("exec makes no names in functions here")
    for _ in range(3):
        assert ndexpr.evaluate("a + made").tolist() == [3.0]
    assert locals()["made"] == 2


def test_names_in_generators_and_inlined_comprehensions() -> None:
    def generate():
        for x in (1, 2):  # noqa: B007
            yield float(ndexpr.evaluate("x + 1"))

    assert list(generate()) == [2.0, 3.0]
    names: dict[str, object] = {"ndexpr": ndexpr}
    exec("found = [float(ndexpr.evaluate('x + 1')) for x in (1, 2)]", names)
    assert names["found"] == [2.0, 3.0]
    exec("class Body:\n    found = [float(ndexpr.evaluate('x + 1')) for x in (1, 2)]", names)
    assert names["Body"].found == [2.0, 3.0]  # type: ignore[attr-defined]


def test_deleted_and_unset_names() -> None:
    a = b = 1
    assert ndexpr.evaluate("a + b") == 2
    del b
    with pytest.raises(KeyError):
        ndexpr.evaluate("a + b")
    if a == 0:
        never = 1
    with pytest.raises(KeyError):
        ndexpr.evaluate("a + never")


def test_unicode_names() -> None:
    λ = np.array([1.0, 2.0])
    assert ndexpr.evaluate("λ * 2").tolist() == (λ * 2).tolist()


def test_names_are_found_however_they_are_spelled() -> None:
    """Python stores names in Unicode's form NFKC.

    So a micro sign is the Greek letter, and a ligature is its letters.
    """
    µ = 2.0
    assert "\u03bc" in locals()
    for spelled in ("\u00b5", "\u03bc"):
        assert ndexpr.evaluate(f"{spelled} * 2") == 4.0
        assert ndexpr.evaluate(f"{spelled} * 2", {"\u00b5": 3.0}, {}) == 6.0
        assert ndexpr.evaluate(f"{spelled} * 2", {"\u03bc": 3.0}, {}) == 6.0
        assert ndexpr.evaluate(f"{spelled} * 2", collections.ChainMap({}, {"\u00b5": 3.0}), {}) == 6.0
        assert ndexpr.evaluate(f"{spelled} * 2", {}, {"\u00b5": 3.0}) == 6.0
        program = ndexpr.compile(f"{spelled} * 2", {"\u00b5": "float64"})
        assert program.input_names == ("\u03bc",)
        assert program(3.0) == program(**{"\u00b5": 3.0}) == program(**{"\u03bc": 3.0}) == 6.0
        assert ndexpr.compile(f"{spelled} * 2").signature == {"\u03bc": "float64"}
    # A name that is there as the text has it goes first.
    assert ndexpr.evaluate("fi + 0", {"\ufb01": 1, "fi": 2}) == 2
    assert ndexpr.evaluate("fi + 0", {"\ufb01": 1}, {}) == 1
    with pytest.raises(KeyError):
        ndexpr.evaluate("\u00b5", {"u": 1}, {})
