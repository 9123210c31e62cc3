"""Distance of float32 from float64: the gradients with the same weights, and the functions of a SIMD vector."""

import numpy as np

import numbarnn as nr

from .asv_settings import or_skip
from .variants import PLAIN_CELLS, VARIANTS

UNITS = 40


class Gradients:
    """Full BPTT over 50 steps, 16 rows, 24 inputs, 40 units: the largest error of an array over its largest entry."""

    params = (PLAIN_CELLS,)
    param_names = ("cell",)
    unit = "relative error"

    def track_float32(self, cell):
        with or_skip():
            cell = VARIANTS[cell](24, UNITS)
        rng = np.random.default_rng(0)
        params = cell.init_params(24, rng=rng)
        x, d_outputs = (rng.standard_normal((50, 16, size), np.float32) for size in (24, cell.output_size))

        def gradients(dtype):
            weights = {name: value.astype(dtype) for name, value in params.items()}
            return nr.forward(cell, weights, x.astype(dtype), time_major=True).backward(d_outputs.astype(dtype))

        exact, single = gradients("float64"), gradients("float32")
        pairs = [(exact.inputs, single.inputs), *((exact.params[name], single.params[name]) for name in params)]
        return max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs)

    track_float32.pretty_name = "Error of float32 gradients"


class Functions:
    """The activations of layers over 200,000 numbers in [-20, 20]."""

    params = (("tanh", "sigmoid"),)
    param_names = ("function",)
    unit = "ULP"

    def track_ulp(self, function):
        x = np.linspace(-20, 20, 200_000, dtype=np.float32)
        exact = np.tanh(x.astype(float)) if function == "tanh" else 1 / (1 + np.exp(-x.astype(float)))
        with or_skip():
            model = nr.Sequential([nr.layers.Input((len(x),)), nr.layers.Activation(function)])
            (found,) = model.predict(x[None], verbose=0)
        return float(np.max(np.abs(found - exact) / np.spacing(np.abs(exact).astype(np.float32))))

    track_ulp.pretty_name = "Error of float32 functions"
