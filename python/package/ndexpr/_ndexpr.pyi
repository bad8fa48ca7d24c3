"""Types of the compiled module."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, SupportsIndex, TypeAlias, TypedDict, TypeVar, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Program",
    "__version__",
    "compile",
    "detect_number_of_cores",
    "evaluate",
    "execute",
    "explain",
    "functions",
    "get_num_threads",
    "re_evaluate",
    "set_num_threads",
    "validate",
]

__version__: str

_Order: TypeAlias = Literal["K", "C", "F", "A"]
_Casting: TypeAlias = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
_Floats: TypeAlias = Literal["strict", "fast"]
_Stage: TypeAlias = Literal["ast", "hir", "opt", "fuse", "tape", "outline", "clif", "asm", "all"]
_Names: TypeAlias = Mapping[str, Any]
#: A dtype, "scalar float32", "weak float", or an array or a number like those to come.
_Signature: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]

_Out = TypeVar("_Out", bound=NDArray[Any])

class _FunctionInfo(TypedDict):
    name: str
    aliases: list[str]
    params: list[str]
    doc: str
    max_ulp: tuple[float, float] | None

@final
class Program:
    @overload
    def __call__(
        self,
        *args: ArrayLike,
        out: None = None,
        order: _Order = "K",
        casting: _Casting = "same_kind",
        **kwargs: ArrayLike,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self, *args: ArrayLike, out: _Out, order: _Order = "K", casting: _Casting = "same_kind", **kwargs: ArrayLike
    ) -> _Out: ...
    @property
    def text(self) -> str: ...
    @property
    def input_names(self) -> tuple[str, ...]: ...
    @property
    def signature(self) -> dict[str, str]: ...
    @property
    def dtype(self) -> np.dtype[Any] | None: ...
    @property
    def floats(self) -> _Floats: ...
    @property
    def backend(self) -> Literal["jit", "interp"]: ...
    def explain(self, stage: _Stage = "tape") -> str: ...

@overload
def evaluate(
    ex: str,
    local_dict: _Names | None = None,
    global_dict: _Names | None = None,
    out: None = None,
    order: _Order = "K",
    casting: _Casting = "same_kind",
    *,
    floats: _Floats = "strict",
    **kwargs: Any,
) -> NDArray[Any]: ...
@overload
def evaluate(
    ex: str,
    local_dict: _Names | None = None,
    global_dict: _Names | None = None,
    *,
    out: _Out,
    order: _Order = "K",
    casting: _Casting = "same_kind",
    floats: _Floats = "strict",
    **kwargs: Any,
) -> _Out: ...
def execute(
    ex: str,
    local_dict: _Names | None = None,
    global_dict: _Names | None = None,
    *,
    floats: _Floats = "strict",
) -> Any: ...
def re_evaluate(
    local_dict: _Names | None = None, global_dict: _Names | None = None, _frame_depth: SupportsIndex = 2
) -> NDArray[Any]: ...
def validate(
    ex: str,
    local_dict: _Names | None = None,
    global_dict: _Names | None = None,
    out: NDArray[Any] | None = None,
    order: _Order = "K",
    casting: _Casting = "safe",
    _frame_depth: SupportsIndex = 2,
    *,
    floats: _Floats = "strict",
    **kwargs: Any,
) -> Exception | None: ...
def compile(ex: str, signature: _Signature | None = None, floats: _Floats = "strict") -> Program: ...
def explain(
    ex: str,
    stage: _Stage = "tape",
    signature: _Signature | None = None,
    local_dict: _Names | None = None,
    global_dict: _Names | None = None,
) -> str: ...
def functions() -> list[_FunctionInfo]: ...
def set_num_threads(nthreads: SupportsIndex) -> int: ...
def get_num_threads() -> int: ...
def detect_number_of_cores() -> int: ...
