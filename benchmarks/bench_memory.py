"""Memory of BPTT against the number of steps, in bytes, as allocated by NumPy (tracemalloc: the same in every run)."""

import tracemalloc

import numpy as np

import numbarnn as nr
from numbarnn.cpu import workspace


class Training:
    """LSTM, 32 rows, 64 inputs, 128 units, float32."""

    params = ((25, 100, 400), ("all", "minimal"))
    param_names = ("steps", "save")
    unit = "bytes"

    def setup(self, steps, save):
        self.cell = nr.LSTMCell(128)
        self.weights = self.cell.init_params(64)
        rng = np.random.default_rng(0)
        self.x, self.d_outputs = (rng.standard_normal((steps, 32, size), np.float32) for size in (64, 128))
        self.run(1, save).backward(self.d_outputs[:1])  # compiles
        workspace.clear()

    def run(self, steps, save):
        return nr.forward(self.cell, self.weights, self.x[:steps], time_major=True, save=save)

    def peak(self, call):
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    def track_forward(self, steps, save):
        return self.peak(lambda: self.run(steps, save))

    def track_forward_and_backward(self, steps, save):
        return self.peak(lambda: self.run(steps, save).backward(self.d_outputs))
