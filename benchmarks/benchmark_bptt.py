"""BPTT over long sequences: full and truncated, both directions, sequences of unequal lengths, saved and recomputed."""

from functools import cache

import numpy as np

import numbarnn as nr

from .asv_settings import Timing, or_skip
from .benchmark_memory import peak

STEPS, ROWS, INPUTS, UNITS = 1000, 16, 32, 64


@cache
def arrays(steps=STEPS):
    """Make a cell, its parameters, inputs and the gradient of its outputs."""
    rng, cell = np.random.default_rng(0), nr.LSTMCell(UNITS)
    x, d_outputs = (rng.standard_normal((ROWS, steps, size), np.float32) for size in (INPUTS, UNITS))
    return cell, cell.init_params(INPUTS, rng=0), x, d_outputs


class Truncated(Timing):
    """Truncated BPTT(k, k) over 1,000 steps; k = 1,000 is full BPTT."""

    params = ((20, 100, 1000),)
    param_names = ("k",)

    def setup(self, k):
        self.call(k)

    def call(self, k):
        cell, params, x, d_outputs = arrays()
        with or_skip():
            for _ in nr.truncated_bptt(cell, params, [(x, d_outputs)], "mse", truncate=(k, k)):
                pass

    def time_gradients(self, k):
        self.call(k)

    time_gradients.pretty_name = "Truncated BPTT over 1,000 steps"

    def track_memory(self, k):
        return peak(lambda: self.call(k))

    track_memory.unit = "bytes"
    track_memory.pretty_name = "Truncated BPTT: memory"


class Lengths(Timing):
    """A training step whose rows have all their steps, lengths between 0 and all, or a mask of half of them."""

    params = (("all", "lengths", "mask"),)
    param_names = ("steps",)

    def setup(self, steps):
        rng = np.random.default_rng(0)
        self.options = {
            "all": {},
            "lengths": {"lengths": rng.integers(0, 101, ROWS)},
            "mask": {"mask": rng.random((ROWS, 100)) < 0.5},
        }[steps]
        self.time_train(steps)

    def time_train(self, steps):
        cell, params, x, d_outputs = arrays(100)
        with or_skip():
            nr.forward(cell, params, x, **self.options).backward(d_outputs)

    time_train.pretty_name = "Lengths and masks"


class Directions(Timing):
    """A training step forwards, and in both directions."""

    params = (("forwards", "both"),)
    param_names = ("direction",)

    def setup(self, direction):
        _, _, self.x, d_outputs = arrays(100)
        with or_skip():
            self.cell = nr.LSTMCell(UNITS) if direction == "forwards" else nr.Bidirectional(nr.LSTMCell(UNITS))
        self.params = self.cell.init_params(INPUTS, rng=0)
        self.d_outputs = d_outputs if direction == "forwards" else np.concatenate([d_outputs, d_outputs], axis=2)
        self.time_train(direction)

    def time_train(self, direction):
        nr.forward(self.cell, self.params, self.x).backward(self.d_outputs)

    time_train.pretty_name = "Both directions"


class Saved(Timing):
    """A training step that keeps all activations, those of some steps, or none."""

    params = (("all", "sqrt", "minimal"),)
    param_names = ("save",)

    def setup(self, save):
        try:
            self.time_train(save)
        except nr.InputError as reason:
            raise NotImplementedError(str(reason)) from None

    def time_train(self, save):
        cell, params, x, d_outputs = arrays()
        with or_skip():
            nr.forward(cell, params, x, save=save).backward(d_outputs)

    time_train.pretty_name = "Activations kept and recomputed"
