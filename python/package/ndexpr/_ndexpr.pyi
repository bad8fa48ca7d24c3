"""Types of the compiled module."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, SupportsIndex, TypeAlias, TypedDict, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

__version__: str

Order: TypeAlias = Literal["K", "C", "F", "A"]
Casting: TypeAlias = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
Floats: TypeAlias = Literal["strict", "fast"]
Stage: TypeAlias = Literal["ast", "hir", "opt", "fuse", "tape", "clif", "asm", "all"]
Names: TypeAlias = Mapping[str, Any]
VarType: TypeAlias = DTypeLike | ArrayLike
Signature: TypeAlias = Mapping[str, VarType] | Iterable[tuple[str, VarType]]

_Out = TypeVar("_Out", bound=NDArray[Any])

class FunctionInfo(TypedDict):
    name: str
    aliases: list[str]
    params: list[str]
    doc: str
    max_ulp: tuple[float, float] | None

class Program:
    @overload
    def __call__(
        self, *args: ArrayLike, out: None = None, order: Order = "K", casting: Casting = "same_kind", **kwargs: ArrayLike
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self, *args: ArrayLike, out: _Out, order: Order = "K", casting: Casting = "same_kind", **kwargs: ArrayLike
    ) -> _Out: ...
    @property
    def text(self) -> str: ...
    @property
    def input_names(self) -> tuple[str, ...]: ...
    @property
    def signature(self) -> dict[str, str]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def floats(self) -> Floats: ...
    @property
    def backend(self) -> Literal["jit", "interp"]: ...
    def explain(self, stage: Stage = "tape") -> str: ...

@overload
def evaluate(
    ex: str,
    local_dict: Names | None = None,
    global_dict: Names | None = None,
    out: None = None,
    order: Order = "K",
    casting: Casting = "same_kind",
    *,
    floats: Floats = "strict",
    **kwargs: Any,
) -> NDArray[Any]: ...
@overload
def evaluate(
    ex: str,
    local_dict: Names | None = None,
    global_dict: Names | None = None,
    *,
    out: _Out,
    order: Order = "K",
    casting: Casting = "same_kind",
    floats: Floats = "strict",
    **kwargs: Any,
) -> _Out: ...
def re_evaluate(
    local_dict: Names | None = None, global_dict: Names | None = None, _frame_depth: SupportsIndex = 2
) -> NDArray[Any]: ...
def validate(
    ex: str,
    local_dict: Names | None = None,
    global_dict: Names | None = None,
    out: NDArray[Any] | None = None,
    order: Order = "K",
    casting: Casting = "safe",
    _frame_depth: SupportsIndex = 2,
    *,
    floats: Floats = "strict",
    **kwargs: Any,
) -> Exception | None: ...
def compile(ex: str, signature: Signature | None = None, floats: Floats = "strict") -> Program: ...
def explain(
    ex: str,
    stage: Stage = "tape",
    signature: Signature | None = None,
    local_dict: Names | None = None,
    global_dict: Names | None = None,
) -> str: ...
def functions() -> list[FunctionInfo]: ...
def set_num_threads(nthreads: SupportsIndex) -> int: ...
def get_num_threads() -> int: ...
def detect_number_of_cores() -> int: ...
