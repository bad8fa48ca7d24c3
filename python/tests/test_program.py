"""`compile` and `Program`; what can be asked and set."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import ndexpr


def test_arguments_by_position_and_by_name() -> None:
    program = ndexpr.compile("b*10 + a", {"a": "float64", "b": "float64"})
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for found in (program(a, b), program(a, b=b), program(b=b, a=a)):
        assert found.tolist() == [31.0, 42.0]
    assert program.input_names == ("a", "b")


def test_without_a_signature_all_are_float64_in_alphabetical_order() -> None:
    program = ndexpr.compile("z - a*pi")
    assert program.input_names == ("a", "z")
    assert program.signature == {"a": "float64", "z": "float64"}
    assert program(np.zeros(1), np.ones(1)).tolist() == [1.0]


def test_types_can_be_said_in_many_ways() -> None:
    stated = [
        ("a", np.float32),
        ("b", np.dtype("int8")),
        ("c", np.zeros(3)),
        ("d", np.float32(1)),
        ("e", 2),
        ("f", 2.5),
    ]
    program = ndexpr.compile("a + b + c + d + e + f + g", [*stated, ("g", bool)])
    assert program.signature == {
        "a": "float32",
        "b": "int8",
        "c": "float64",
        "d": "scalar float32",
        "e": "weak int64",
        "f": "weak float64",
        "g": "bool",
    }
    again = ndexpr.compile(program.text, program.signature)
    assert again.signature == program.signature


def test_results_and_options() -> None:
    program = ndexpr.compile("a*k", {"a": "float32", "k": 1.0})
    assert program.dtype == np.float32
    assert (program.text, program.floats, program.backend) == ("a*k", "strict", "jit")
    a, out = np.ones((2, 3), "float32"), np.zeros((2, 3), "float32")
    assert program(a, 2, out=out) is out
    assert (out == 2.0).all()
    assert program(a, 2, order="F").flags.f_contiguous
    wide = np.zeros((2, 3))
    assert program(a, 3, out=wide, casting="safe") is wide
    assert (wide == 3.0).all()
    with pytest.raises(TypeError):
        program(a, 3, out=np.zeros((2, 3), "int32"))
    assert program(a, 2, out=None).tolist() == out.tolist()


def test_numbers_take_the_type_that_was_stated() -> None:
    program = ndexpr.compile("a + k", {"a": "float64", "k": "scalar int8"})
    assert program(np.ones(1), 2).tolist() == [3.0]
    assert program(np.ones(1), np.int8(2)).tolist() == [3.0]
    with pytest.raises(OverflowError):
        program(np.ones(1), 200)
    with pytest.raises(TypeError, match="`k` is float64"):
        program(np.ones(1), 2.5)
    assert ndexpr.compile("a + b")(1, 2.5) == 3.5


def test_errors_of_calls() -> None:
    program = ndexpr.compile("a + b", {"a": "float64", "b": "float64"})
    a = np.ones(2)
    for call, message in [
        (lambda: program(a), "`b` was not given"),
        (lambda: program(a, a, a), "2 variables, but 3"),
        (lambda: program(a, a, a=a), "`a` was given twice"),
        (lambda: program(a, a, c=a), "no variable `c`"),
        (lambda: program(a, a.astype("float32")), "`b` is float32, but the program was compiled for float64"),
    ]:
        with pytest.raises(TypeError, match=message):
            call()
    with pytest.raises(ValueError, match="do not broadcast"):
        program(a, np.ones(3))
    scalar = ndexpr.compile("a + k", {"a": "float64", "k": "scalar float64"})
    with pytest.raises(TypeError, match="compiled for a scalar"):
        scalar(a, a)


def test_errors_of_compile() -> None:
    for args, kind, message in [
        (("a +",), SyntaxError, "expected"),
        (("a + b", {"a": float}), KeyError, "`b`"),
        (("a", {"a": float, "b": float}), ValueError, "does not use the variable `b`"),
        (("a", [("a", float), ("a", float)]), ValueError, "twice"),
        (("a", {"a": "float16"}), TypeError, "float16"),
        (("a", {"a": "nonsense"}), TypeError, "nonsense"),
        ((3,), TypeError, "an expression is a str"),
        (("a", None, "slow"), ValueError, "floats must be"),
    ]:
        with pytest.raises(kind, match=message):
            ndexpr.compile(*args)


def test_pickling_and_copying() -> None:
    program = ndexpr.compile("sqrt(a*k) + b", {"b": "float32", "a": "float32", "k": "weak float"}, floats="fast")
    a = np.arange(4, dtype="float32")
    for other in (pickle.loads(pickle.dumps(program)), copy.copy(program), copy.deepcopy(program)):
        assert other.text == program.text
        assert other.signature == program.signature
        assert other.input_names == program.input_names
        assert other.floats == "fast"
        assert other(a, a, 2.0).tolist() == program(a, a, 2.0).tolist()
    assert repr(program).startswith("ndexpr.compile('sqrt(a*k) + b', {'b': 'float32'")


def test_explain() -> None:
    a, b = np.ones(3, "float32"), np.ones(3)
    for stage in ("ast", "hir", "opt", "fuse", "tape", "clif", "asm"):
        assert ndexpr.explain("a + b*2", stage)
    assert "== asm" in ndexpr.explain("a + b*2", "all")
    assert "f32" in ndexpr.explain("a + a", "hir")
    assert ndexpr.explain("a + b", "tape", {"a": "float64", "b": "float64"}) == ndexpr.compile("a + b").explain()
    with pytest.raises(ValueError, match="there is no stage 'llvm'"):
        ndexpr.explain("a", "llvm")
    assert (a + b).sum() == 6.0


def test_functions() -> None:
    functions = {function["name"]: function for function in ndexpr.functions()}
    assert functions["exp"]["params"] == ["x"]
    assert all(error <= 1.0 for error in functions["exp"]["max_ulp"])
    assert functions["sqrt"]["max_ulp"] is None
    assert all(function["doc"] for function in functions.values())


def test_threads_can_be_set() -> None:
    before = ndexpr.get_num_threads()
    assert ndexpr.detect_number_of_cores() >= 1
    program = ndexpr.compile("a + 1")
    a = np.arange(1e5)
    try:
        for n in (1, 2, 3, 1):
            ndexpr.set_num_threads(n)
            assert ndexpr.get_num_threads() == n
            np.testing.assert_array_equal(program(a), a + 1)
            np.testing.assert_array_equal(ndexpr.evaluate("a + 1"), a + 1)
        assert ndexpr.set_num_threads(2) == 1
        for n in (0, -1, 10**6, 10**30):
            with pytest.raises((ValueError, OverflowError)):
                ndexpr.set_num_threads(n)
        assert ndexpr.get_num_threads() == 2
    finally:
        ndexpr.set_num_threads(before)


def test_bits_do_not_depend_on_threads(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=200_000), rng.normal(size=200_000)
    before = ndexpr.get_num_threads()
    try:
        results = []
        for n in (1, 2, 5):
            ndexpr.set_num_threads(n)
            results.append((ndexpr.evaluate("sin(a)*b").tobytes(), ndexpr.evaluate("sum(a*b)").tobytes()))
    finally:
        ndexpr.set_num_threads(before)
    assert len(set(results)) == 1
