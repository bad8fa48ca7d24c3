"""A compiled expression over the blocks of a Dask array: a program can be pickled, so workers anywhere can run it."""

import dask.array as da
import numpy as np

import ndexpr


def main() -> None:
    # One thread for each of Dask's, which has as many as there are processors.
    ndexpr.set_num_threads(1)

    x = da.random.default_rng(7).normal(size=(4_000, 1_000), chunks=(500, 1_000))
    y = da.random.default_rng(8).normal(size=(4_000, 1_000), chunks=(500, 1_000))

    gauss = ndexpr.compile("exp(-(x**2 + y**2) / (2 * s**2))", {"x": "float64", "y": "float64", "s": 1.0})
    z = da.map_blocks(gauss, x, y, 1.5, dtype=gauss.dtype)
    mean = z.mean().compute()

    np.testing.assert_allclose(mean, da.exp(-(x**2 + y**2) / (2 * 1.5**2)).mean().compute())
    for scheduler in ("synchronous", "threads", "processes"):
        corner = z[:10, :10].compute(scheduler=scheduler)
        np.testing.assert_allclose(corner, np.exp(-(x[:10, :10] ** 2 + y[:10, :10] ** 2) / 4.5).compute())

    print(f"the mean over {z.npartitions} blocks is {mean:.4f}")


if __name__ == "__main__":
    main()
