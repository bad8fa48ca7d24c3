"""`evaluate` and what goes with it: names, values, outputs, errors."""

from __future__ import annotations

import array
import collections
import pickle
import sys

import numpy as np
import pytest
from conftest import DTYPES, LAYOUTS, laid_out, random_array

import ndexpr

here = np.array([1.0, 2.0])


# --- Names ------------------------------------------------------------------------------------------------------------


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
    """Python stores names in Unicode's form NFKC: a micro sign as the Greek letter, a ligature as its letters."""
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


def test_ints_as_variables_are_as_written_into_the_text() -> None:
    for text, x, literal in [("x**-2", 2, "2**-2"), ("10**-x", 2, "10**-2"), ("2**x", -1, "2**-1")]:
        found, expected = ndexpr.evaluate(text, {"x": x}, {}), ndexpr.evaluate(literal)
        assert (found, found.dtype) == (expected, expected.dtype), text
    large = 2**63 + 7
    for text in ["x % 10", "x + 1", "x // 2", "x & 255", "x - 8", "x >> 60"]:
        assert int(ndexpr.evaluate(text, {"x": large}, {})) == eval(text, {"x": large}), text
    a = np.arange(1, 5)
    assert ndexpr.evaluate("a**b", {"a": a, "b": 3}, {}).tolist() == (a**3).tolist()
    with pytest.raises(ValueError):
        ndexpr.evaluate("a**b", {"a": a, "b": -3}, {})


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(dtype: str, layout: str, rng: np.random.Generator) -> None:
    for shape in [(5,), (3, 4), (2, 3, 4), (), (0,), (3, 0)]:
        values = laid_out(random_array(rng, dtype, shape), layout)
        before = values.copy()
        found = ndexpr.evaluate("values")
        assert found.dtype == dtype
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, values)
        np.testing.assert_array_equal(values, before)


def test_the_same_dtype_objects_as_numpys() -> None:
    for dtype in DTYPES:
        a = np.zeros(2, dtype)
        assert ndexpr.evaluate("a").dtype.char == np.dtype(dtype).char
        assert ndexpr.evaluate("a").dtype.num == np.dtype(dtype).num


def test_long_long_is_int64() -> None:
    a = np.arange(3, dtype="q")
    assert ndexpr.evaluate("a + 1").dtype == np.int64


@pytest.mark.parametrize(
    "number", [2, 2.5, True, np.float32(2.5), np.float64(2.5), np.int8(2), np.bool_(True), np.uint64(2)]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_promote_as_in_numpy(dtype: str, number: object) -> None:
    a = np.ones(2, dtype)
    found, expected = ndexpr.evaluate("a * number"), a * number
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


def test_an_integer_must_fit_what_it_meets() -> None:
    a, f = np.ones(2, "int8"), np.ones(2, "float32")
    for k in (127, -128):
        assert ndexpr.evaluate("a * 0 + k").tolist() == [k, k]
    k = 128
    with pytest.raises(OverflowError, match="`k` is 128, which int8 cannot hold"):
        ndexpr.evaluate("a + k")
    assert ndexpr.evaluate("f + k").dtype == np.float32
    # Comparing needs no common dtype.
    assert ndexpr.evaluate("a < k").tolist() == [True, True]
    assert ndexpr.evaluate("a == k").tolist() == [False, False]
    huge = 2**63
    assert ndexpr.evaluate("huge").dtype == np.uint64
    assert ndexpr.evaluate("f + huge").dtype == np.float32
    huge = 2**64
    with pytest.raises(OverflowError, match="more than 64 bits"):
        ndexpr.evaluate("f + huge")


def test_weak_numbers_stay_weak_among_themselves() -> None:
    f, k, x = np.ones(2, "float32"), 3, 0.5
    assert ndexpr.evaluate("f * (k + 1)").dtype == np.float32
    assert ndexpr.evaluate("f * (k * x)").dtype == np.float32
    assert ndexpr.evaluate("where(f > 0, f, x)").dtype == np.float32
    assert ndexpr.evaluate("k + x") == 3.5
    assert ndexpr.evaluate("k // 2").dtype == np.int64


def test_objects_that_become_arrays() -> None:
    class Array:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return np.array([1.0, 2.0])

    wrapped, buffer, numbers = Array(), array.array("d", [3.0, 4.0]), [5, 6]
    assert ndexpr.evaluate("wrapped + buffer + numbers").tolist() == [9.0, 12.0]
    view = memoryview(buffer)
    assert ndexpr.evaluate("view * 2").tolist() == [6.0, 8.0]


@pytest.mark.parametrize(
    "value", [np.zeros(2, "float16"), np.zeros(2, complex), np.array(["x"]), object(), None, 1j, "text"]
)
def test_other_dtypes_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="float32, float64"):
        ndexpr.evaluate("value + 1")


def test_arrays_of_subclasses_become_arrays() -> None:
    class Labelled(np.ndarray):
        pass

    labelled = np.array([1.0, 2.0]).view(Labelled)
    found = ndexpr.evaluate("labelled + 1")
    assert type(found) is np.ndarray
    assert found.tolist() == [2.0, 3.0]


class Masked(np.ma.MaskedArray):
    pass


class BecomesMasked:
    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.ma.masked_array([1.0, 2e10], [0, 1])


@pytest.mark.parametrize(
    "masked",
    [
        np.ma.masked_array([1.0, 2e10], mask=[0, 1]),
        np.ma.masked_array([1.0, 2.0]),
        np.ma.masked_array([1, 2], mask=[0, 1], dtype=">i4"),
        np.ma.masked_array(3.0, mask=True),
        np.ma.masked,
        Masked([1.0, 2.0], [True, False]),
        BecomesMasked(),
        [np.ma.masked_array([1.0, 2.0], [True, False]), np.zeros(2)],
        (np.ma.masked_array([1.0, 2.0], [True, False]),),
    ],
)
def test_masks_are_not_lost(masked: object) -> None:
    """Until masks are computed with, an array that has one is an error that says what to do."""

    class Names:
        def __getitem__(self, name: str) -> object:
            return masked

    message = "`x` is a masked array, .* `x.filled"
    with pytest.raises(TypeError, match=message):
        ndexpr.evaluate("sum(x)", {"x": masked})
    with pytest.raises(TypeError, match=message):
        ndexpr.evaluate("x + 1", Names(), {})
    with pytest.raises(TypeError, match=message):
        ndexpr.compile("x + 1")(masked)
    assert isinstance(ndexpr.validate("x", {"x": masked}), TypeError)
    if isinstance(masked, np.ndarray):
        with pytest.raises(TypeError, match=message):
            ndexpr.compile("x + 1", {"x": masked})


def test_a_masked_output() -> None:
    out = np.ma.masked_array(np.zeros(2), [True, False])
    with pytest.raises(TypeError, match="`out` is a masked array"):
        ndexpr.evaluate("a + 1", {"a": np.ones(2)}, out=out)
    with pytest.raises(TypeError, match="`out` is a masked array"):
        ndexpr.compile("a + 1")(np.ones(2), out=out)
    assert isinstance(ndexpr.validate("a + 1", {"a": np.ones(2)}, out=out), TypeError)
    assert out.data.tolist() == [0.0, 0.0]
    ndexpr.evaluate("a + 1", {"a": np.ones(2)}, out=out.data)
    assert out.data.tolist() == [2.0, 2.0]


def test_a_single_value_is_an_array_of_rank_0() -> None:
    a = np.arange(4)
    for text in ("sum(a)", "1 + 1", "max(a) - min(a)"):
        found = ndexpr.evaluate(text)
        assert type(found) is np.ndarray
        assert found.shape == ()


# --- Outputs ----------------------------------------------------------------------------------------------------------


def test_out_is_returned() -> None:
    a, out = np.arange(3.0), np.zeros(3)
    assert ndexpr.evaluate("a + 1", out=out) is out
    assert out.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in ("readonly", "broadcast")])
def test_out_in_any_layout(layout: str, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    out = laid_out(np.zeros((3, 4)), layout)
    assert ndexpr.evaluate("a*2 - b", out=out) is out
    np.testing.assert_array_equal(out, a * 2 - b)


def test_out_may_be_larger() -> None:
    a, out = np.arange(3.0), np.zeros((2, 3))
    ndexpr.evaluate("a + 1", out=out)
    assert out.tolist() == [[1.0, 2.0, 3.0]] * 2
    ndexpr.evaluate("sum(a)", out=out)
    assert (out == 3.0).all()


@pytest.mark.parametrize("n", [10, 100_000])
def test_out_that_overlaps(n: int, threads: int) -> None:
    memory = np.arange(n + 3, dtype=float)
    for text, compute in {
        "a + b*2": lambda a, b: a + b * 2,
        "a + sum(b)": lambda a, b: a + b.sum(),
        "cumsum(a) + b": lambda a, b: a.cumsum() + b,
    }.items():
        for place in [slice(0, n), slice(1, n + 1), slice(3, n + 3), slice(n + 2, 2, -1)]:
            memory[:] = np.arange(n + 3)
            a, b = memory[1 : n + 1], memory[2 : n + 2]
            expected = compute(a.copy(), b.copy())
            ndexpr.evaluate(text, out=memory[place])
            np.testing.assert_allclose(memory[place], expected, rtol=1e-12)


def test_in_place() -> None:
    a = np.arange(4.0)
    ndexpr.evaluate("a*a + 1", out=a)
    assert a.tolist() == [1.0, 2.0, 5.0, 10.0]
    b = np.arange(9.0).reshape(3, 3)
    expected = b + b.T
    ndexpr.evaluate("b + c", {"b": b, "c": b.T}, out=b)
    np.testing.assert_array_equal(b, expected)


@pytest.mark.parametrize("to", [*DTYPES, "float16", "complex128", ">f8"])
@pytest.mark.parametrize("casting", ["no", "equiv", "safe", "same_kind", "unsafe"])
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_casting_rules_are_numpys(dtype: str, casting: str, to: str) -> None:
    a, out = np.array([1, 2], dtype), np.zeros(2, to)
    if np.can_cast(dtype, to, casting):
        ndexpr.evaluate("a + 1", out=out, casting=casting)
        assert out.tolist() == np.array([2, 3]).astype(to).tolist()
    else:
        with pytest.raises(TypeError, match=f"casting='{casting}'"):
            ndexpr.evaluate("a + 1", out=out, casting=casting)
        assert not out.any()


def test_out_that_cannot_be_written() -> None:
    a = np.arange(3.0)
    with pytest.raises(ValueError, match="read-only"):
        ndexpr.evaluate("a + 1", out=laid_out(np.zeros(3), "readonly"))
    with pytest.raises(ValueError, match="overlap"):
        ndexpr.evaluate("a + 1", out=np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,)))
    with pytest.raises(ValueError, match="shape"):
        ndexpr.evaluate("a + 1", out=np.zeros(4))
    with pytest.raises(TypeError, match="NumPy array, not list"):
        ndexpr.evaluate("a + 1", out=[0.0] * 3)


def test_orders() -> None:
    c, f = np.ones((3, 4)), np.ones((3, 4), order="F")
    assert ndexpr.evaluate("c + 1").flags.c_contiguous
    assert ndexpr.evaluate("f + 1").flags.f_contiguous
    for order, is_c in {"C": True, "F": False}.items():
        for name in "cf":
            assert ndexpr.evaluate(f"{name} + 1", order=order).flags.c_contiguous is is_c
    assert ndexpr.evaluate("f + f", order="A").flags.f_contiguous
    assert ndexpr.evaluate("c + f", order="A").flags.c_contiguous
    t = np.arange(24.0).reshape(2, 3, 4).transpose(1, 2, 0)
    found = ndexpr.evaluate("t * 2")
    assert found.strides == (t * 2).strides
    assert found.flags.owndata
    np.testing.assert_array_equal(found, t * 2)
    with pytest.raises(ValueError, match="order must be one of"):
        ndexpr.evaluate("c", order="X")
    with pytest.raises(ValueError, match="casting must be one of"):
        ndexpr.evaluate("c", casting="never")


# --- Once more, and beforehand ----------------------------------------------------------------------------------------


def test_re_evaluate_looks_again() -> None:
    a = np.array([1.0])
    ndexpr.evaluate("a * 2")
    a = np.array([4, 5])
    assert ndexpr.re_evaluate().tolist() == (a * 2).tolist()
    assert ndexpr.re_evaluate({"a": 7}) == 14


def test_re_evaluate_keeps_out() -> None:
    a, out = np.arange(2.0), np.zeros(2)
    ndexpr.evaluate("a + 1", out=out)
    a += 1
    assert ndexpr.re_evaluate() is out
    assert out.tolist() == [2.0, 3.0]
    references = sys.getrefcount(out)
    del out
    assert references == 2
    assert ndexpr.re_evaluate().tolist() == [2.0, 3.0]


def test_validate() -> None:
    a = np.arange(3.0)
    assert ndexpr.validate("a * 3") is None
    assert ndexpr.re_evaluate().tolist() == (a * 3).tolist()
    for text, kind in {"a +": SyntaxError, "b": KeyError, "~a": TypeError, "max(a, axis=1)": ValueError}.items():
        assert isinstance(ndexpr.validate(text), kind), text
    assert isinstance(ndexpr.validate("a", order="?"), ValueError)
    # numexpr's default here is stricter than evaluate's.
    assert isinstance(ndexpr.validate("a", out=np.zeros(3, "float32")), TypeError)
    assert isinstance(ndexpr.validate(3), TypeError)


def test_numexprs_options() -> None:
    a = 2
    assert (
        ndexpr.evaluate("a / 4", optimization="aggressive", truediv="auto", sanitize=True, disable_cache=True) == a / 4
    )
    with pytest.raises(ValueError, match="'optimization' must be one of"):
        ndexpr.evaluate("a", optimization="most")
    with pytest.raises(TypeError, match="unknown keyword argument 'foo'"):
        ndexpr.evaluate("a", foo=1)


def test_fast_floats_may_be_fused() -> None:
    a = np.array([1.0 + 2.0**-30])
    strict = ndexpr.evaluate("a*a - 1", floats="strict")
    assert strict == a * a - 1
    fast = ndexpr.evaluate("a*a - 1", floats="fast")
    assert abs(fast - strict) < 1e-15
    with pytest.raises(ValueError, match="floats must be one of"):
        ndexpr.evaluate("a", floats="slow")


# --- Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("a + b", ValueError, "do not broadcast"),
        ("sqr(a)", TypeError, "did you mean `sqrt`"),
        ("sin(a, a)", TypeError, "argument"),
        ("~a", TypeError, "not defined|no meaning|for float64|float64"),
        ("sum(a, axis=5)", ValueError, "there is no axis 5"),
        ("min(empty)", ValueError, "no elements"),
        ("i8 + 1000", OverflowError, "1000"),
        ("i8 ** -1", ValueError, "negative"),
        ("2j * a", TypeError, "complex|imaginary"),
        ("(" * 10_000 + "a" + ")" * 10_000, ValueError, "deep|nest|long"),
    ],
)
def test_kinds_of_errors(text: str, kind: type[Exception], message: str) -> None:
    names = {"a": np.zeros(3), "b": np.zeros(4), "empty": np.zeros(0), "i8": np.zeros(2, "int8")}
    with pytest.raises(kind, match=message) as raised:
        ndexpr.evaluate(text, names, {})
    assert raised.type is kind


def test_syntax_errors_say_where() -> None:
    with pytest.raises(SyntaxError) as raised:
        ndexpr.evaluate("a +\n (b * )", {})
    error = raised.value
    assert (error.lineno, error.offset, error.end_lineno) == (2, 7, 2)
    assert error.text == " (b * )"
    assert "^" in error.msg


def test_a_missing_name() -> None:
    alpha = 1.0
    with pytest.raises(KeyError) as raised:
        ndexpr.evaluate("alhpa * 2")
    assert raised.value.args == ("alhpa",)
    assert isinstance(raised.value, ndexpr.UnknownVariableError)
    assert str(raised.value).splitlines() == [
        "there is no variable `alhpa`",
        "  alhpa * 2",
        "  ^^^^^ not found",
        "  = did you mean `alpha`?",
    ]
    assert alpha == 1.0
    copy = pickle.loads(pickle.dumps(raised.value))
    assert (copy.args, str(copy)) == (raised.value.args, str(raised.value))


def test_nothing_else_can_be_reached() -> None:
    for text in ("__import__('os')", "a.real", "().__class__", "lambda: 1", "a[0]", "open('x')", "a; b"):
        with pytest.raises((SyntaxError, TypeError, KeyError)):
            ndexpr.evaluate(text, {"a": np.zeros(2)}, {})


@pytest.mark.parametrize("text", [3, None, b"a", ["a"]])
def test_a_text_is_a_str(text: object) -> None:
    with pytest.raises(TypeError, match="an expression is a str"):
        ndexpr.evaluate(text)


def test_many_texts_and_types() -> None:
    for k in range(600):
        assert ndexpr.evaluate(f"a + {k}", {"a": 1}) == k + 1
    for dtype in DTYPES:
        for other in DTYPES:
            a, b = np.ones(1, dtype), np.ones(1, other)
            assert ndexpr.evaluate("a * b").dtype == (a * b).dtype


def test_lone_surrogates_are_no_expression() -> None:
    with pytest.raises((SyntaxError, UnicodeError)):
        ndexpr.evaluate("a + \ud800", {"a": 1})
