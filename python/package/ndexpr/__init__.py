"""Array expressions as text, evaluated as one fused, vectorised, multithreaded loop.

>>> import numpy as np, ndexpr
>>> a = np.array([1.0, 2.0, 3.0])
>>> b = np.array([10.0, 20.0, 30.0])
>>> ndexpr.evaluate("a + b*2")
array([21., 42., 63.])

`evaluate` takes numexpr's arguments and looks names up as it does; the language is NumPy's, with NumPy 2's dtypes and
promotion. `compile` makes a function of an expression, `explain` shows what the compiler made of one, and `functions`
lists what can be called.
"""

from ._errors import UnknownVariableError
from ._ndexpr import (
    Program,
    __version__,
    compile,
    detect_number_of_cores,
    evaluate,
    execute,
    explain,
    functions,
    get_num_threads,
    re_evaluate,
    set_num_threads,
    validate,
)

__all__ = [
    "Program",
    "UnknownVariableError",
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
