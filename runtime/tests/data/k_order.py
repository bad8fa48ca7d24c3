"""Writes k_order.txt: the strides NumPy gives a fresh result under order='K'. Run it here; needs NumPy.

Each line: shape | byte strides of each input ... | byte strides of the result. Inputs are float64.
"""

import itertools
import random

import numpy as np
from numpy.lib.stride_tricks import as_strided

random.seed(20261121)


def result_strides(shape, inputs):
    buffer = np.zeros(1 << 17)
    arrays = [as_strided(buffer[1 << 16 :], shape, strides) for strides in inputs]
    iterator = np.nditer(
        arrays + [None],
        flags=["zerosize_ok"],
        op_flags=[["readonly"]] * len(arrays) + [["writeonly", "allocate"]],
        order="K",
    )
    return iterator.operands[-1].strides


def layout(shape):
    """Strides of an array of the shape in some memory order, perhaps reversed, stepped or broadcast."""
    order = list(range(len(shape)))
    kind = random.choice("CCFFPPP")
    if kind == "F":
        order.reverse()
    elif kind == "P":
        random.shuffle(order)
    strides, stride = [0] * len(shape), 8
    for axis in reversed(order):
        stride *= random.choice([1, 1, 1, 2])
        strides[axis] = stride * random.choice([1, 1, 1, -1])
        stride *= shape[axis]
        if random.random() < 0.15:
            strides[axis] = 0
    return tuple(strides)


def main():
    cases = []
    for shape in [(2, 3), (2, 3, 4), (3, 1, 2), (2, 2, 2)]:
        for order in itertools.permutations(range(len(shape))):
            strides, stride = [0] * len(shape), 8
            for axis in reversed(order):
                strides[axis], stride = stride, stride * shape[axis]
            cases.append((shape, [tuple(strides)]))
    while len(cases) < 400:
        shape = tuple(random.choice([1, 2, 3, 4]) for _ in range(random.randint(1, 5)))
        cases.append((shape, [layout(shape) for _ in range(random.randint(1, 4))]))
    with open("k_order.txt", "w", encoding="ascii") as file:
        print(f"# Written by k_order.py with NumPy {np.__version__}.", file=file)
        for shape, inputs in cases:
            fields = [shape, *inputs, result_strides(shape, inputs)]
            print("|".join(" ".join(map(str, field)) for field in fields), file=file)


main()
