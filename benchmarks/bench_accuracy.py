"""Distance of float32 from float64 with the same weights: the largest error of any gradient over its largest entry."""

import numpy as np

import numbarnn as nr
from numbarnn.cells import CELLS


class Gradients:
    """Full BPTT over 50 steps, 16 rows, 24 inputs, 40 units."""

    params = (tuple(CELLS),)
    param_names = ("cell",)
    unit = "relative error"

    def track_float32(self, cell):
        cell = CELLS[cell](40)
        rng = np.random.default_rng(0)
        params = cell.init_params(24, rng=rng)
        x, d_outputs = (rng.standard_normal((50, 16, size), np.float32) for size in (24, 40))

        def gradients(dtype):
            weights = {name: value.astype(dtype) for name, value in params.items()}
            return nr.forward(cell, weights, x.astype(dtype), time_major=True).backward(d_outputs.astype(dtype))

        exact, single = gradients("float64"), gradients("float32")
        pairs = [(exact.inputs, single.inputs), *((exact.params[name], single.params[name]) for name in params)]
        return max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs)
