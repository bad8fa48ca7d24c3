"""Exceptions of the module's own."""

from __future__ import annotations


class UnknownVariableError(KeyError):
    """A name in an expression is no variable.

    ``args[0]`` is the name, as it is with any ``KeyError``; the text shows the place and what may have been meant.
    """

    def __init__(self, name: str, message: str | None = None) -> None:
        super().__init__(name)
        self.message = name if message is None else message

    def __str__(self) -> str:
        # KeyError's own text is the argument in quotes, which hides the drawing.
        return self.message

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.args[0], self.message)
