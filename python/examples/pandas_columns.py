"""Columns of a pandas table as variables: a table is a mapping of names to columns."""

import numpy as np
import pandas as pd

import ndexpr

rng = np.random.default_rng(7)
table = pd.DataFrame(
    {
        "price": rng.uniform(1.0, 100.0, 100_000),
        "quantity": rng.integers(1, 20, 100_000),
        "discount": rng.choice([0.0, 0.1, 0.25], 100_000),
    }
)

# A column from others, in one pass over them.
table["total"] = ndexpr.evaluate("price * quantity * (1 - discount)", table)
pd.testing.assert_series_equal(
    table["total"], table["price"] * table["quantity"] * (1 - table["discount"]), check_names=False
)

# Rows by a condition, with names of the caller's beside the columns'.
least = 1500.0
large = table[ndexpr.evaluate("(total > least) & (discount == 0)", {"least": least, **table})]
assert (large["total"] > least).all()

# One number of a whole column.
mean = ndexpr.evaluate("sum(total * quantity) / sum(quantity)", table)
np.testing.assert_allclose(mean, np.average(table["total"], weights=table["quantity"]))

print(f"{len(large)} of {len(table)} sales are above {least:.0f}; their mean by quantity is {mean:.2f}")
