"""What is written down runs: docstrings, the README, the examples; and the stubs are the module's."""

from __future__ import annotations

import ast
import doctest
import inspect
import pydoc
import runpy
from pathlib import Path

import numpy as np
import pytest

import ndexpr
from ndexpr import _ndexpr

HERE = Path(__file__).parent.parent
PUBLIC = [name for name in ndexpr.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", ["", *PUBLIC, "Program.explain"])
def test_docstrings(name: str) -> None:
    thing: object = ndexpr
    for part in filter(None, name.split(".")):
        thing = getattr(thing, part)
    text = inspect.getdoc(thing)
    assert text
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    results = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert results.failed == 0


def test_the_readme() -> None:
    results = doctest.testfile(str(HERE / "README.md"), module_relative=False)
    assert results.failed == 0
    assert results.attempted > 5


@pytest.mark.parametrize("example", sorted((HERE / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


@pytest.mark.parametrize("name", PUBLIC)
def test_help_shows_the_signature(name: str) -> None:
    thing = getattr(ndexpr, name)
    text = pydoc.plain(pydoc.render_doc(thing))
    assert name in text
    if inspect.isbuiltin(thing):
        assert inspect.signature(thing)


def test_the_stubs_have_what_the_module_has() -> None:
    stubs = ast.parse((HERE / "package" / "ndexpr" / "_ndexpr.pyi").read_text())
    defined = {node.name: node for node in stubs.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    missing = {name for name in dir(_ndexpr) if not name.startswith("_")} - defined.keys()
    assert not missing
    for name, node in defined.items():
        if isinstance(node, ast.FunctionDef):
            stated = [arg.arg for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]]
            actual = list(inspect.signature(getattr(_ndexpr, name)).parameters)
            assert stated == [arg for arg in actual if arg in stated], name
            assert not [arg for arg in actual if arg not in stated and arg != "kwargs"], name


def blocks() -> list[tuple[str, str, list[str]]]:
    """The blocks of the document on the language: what is said of each, its text, and what it gives."""
    found = []
    for part in (HERE.parent / "docs" / "language.md").read_text().split("```")[1::2]:
        about, *lines = part.rstrip("\n").split("\n")
        text = "\n".join(line for line in lines if not line.startswith("#>"))
        found.append((about, text, [line[2:].strip() for line in lines if line.startswith("#>")]))
    return found


VALUES, *BLOCKS = blocks()


@pytest.mark.parametrize(("about", "text", "expected"), BLOCKS)
def test_the_language(about: str, text: str, expected: list[str]) -> None:
    def names() -> dict[str, object]:
        values = {
            name: ast.literal_eval(value) for name, value in (line.split(" = ") for line in VALUES[1].split("\n"))
        }
        return {name: np.array(value) if isinstance(value, list) else value for name, value in values.items()}

    wanted = [np.array(ast.literal_eval(value)) for value in expected]
    updated = about.removeprefix("ndexpr updates ") if "updates" in about else None
    scope = names()
    if updated:
        ndexpr.execute(text, scope)
        found = (scope[updated],)
    else:
        result = ndexpr.evaluate(text, scope)
        found = result if isinstance(result, tuple) else (result,)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
    if "only" in about:
        return
    # Python itself gives the same.
    scope = names() | {"np": np}
    *before, last = text.split("\n")
    if not updated:
        before.append(f"result = ({last.removeprefix('return ')})")
        exec("\n".join(before), scope, scope)
        again = scope["result"] if isinstance(scope["result"], tuple) else (scope["result"],)
    else:
        exec(text, scope, scope)
        again = (scope[updated],)
    for one, other in zip(again, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
