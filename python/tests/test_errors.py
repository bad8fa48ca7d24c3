"""Errors: their kinds, and what they say."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import ndexpr


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
    for text in (
        "__import__('os')",
        "a.real",
        "().__class__",
        "lambda: 1",
        "a[[0]]",
        "a.__class__",
        "np.__class__",
        "open('x')",
        "a; b",
    ):
        with pytest.raises((SyntaxError, TypeError, KeyError)):
            ndexpr.evaluate(text, {"a": np.zeros(2)}, {})


@pytest.mark.parametrize("text", [3, None, b"a", ["a"]])
def test_a_text_is_a_str(text: object) -> None:
    with pytest.raises(TypeError, match="an expression is a str"):
        ndexpr.evaluate(text)


def test_lone_surrogates_are_no_expression() -> None:
    with pytest.raises((SyntaxError, UnicodeError)):
        ndexpr.evaluate("a + \ud800", {"a": 1})
