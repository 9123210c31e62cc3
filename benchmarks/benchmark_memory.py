"""Memory of BPTT against the number of steps, in bytes allocated by NumPy (tracemalloc: the same in every run)."""

import tracemalloc

import numpy as np

import numbarnn as nr

from .asv_settings import chosen, or_skip


def peak(call):
    """Measure the most bytes that are in use at one time."""
    tracemalloc.start()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def release():
    """Release the memory that numbarnn keeps for its next run."""
    try:
        from numbarnn.runtime import workspace
    except ImportError:  # where it was in the first half of the history
        from numbarnn.cpu import workspace
    workspace.clear()


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
        with or_skip():
            self.run(1, save).backward(self.d_outputs[:1])  # compiles
        release()

    def run(self, steps, save):
        return nr.forward(self.cell, self.weights, self.x[:steps], time_major=True, save=save)

    def track_forward(self, steps, save):
        return peak(lambda: self.run(steps, save))

    track_forward.pretty_name = "Memory of a forward pass"

    def track_forward_and_backward(self, steps, save):
        return peak(lambda: self.run(steps, save).backward(self.d_outputs))

    track_forward_and_backward.pretty_name = "Memory of BPTT"


class Stream:
    """Truncated BPTT(500, 1000) over a stream made on the fly: LSTM, 4 rows, 4 inputs, 16 units, float32."""

    params = (chosen((10**3, 10**4, 10**5), [10**6]), ("stale", "refresh"))
    param_names = ("steps", "activations")
    unit = "bytes"
    timeout = 600
    k1, k2 = 500, 1000

    def setup(self, steps, activations):
        self.cell = nr.LSTMCell(16)
        self.weights = self.cell.init_params(4)
        with or_skip():
            self.train(self.k2, activations)  # compiles
        release()

    def chunks(self, steps):
        rng = np.random.default_rng(0)
        for _ in range(0, steps, self.k1):
            yield rng.standard_normal((4, self.k1, 4), np.float32), np.zeros((4, self.k1, 16), np.float32)

    def train(self, steps, activations):
        optimizer = nr.optimizers.SGD(0.01)
        options = {"truncate": (self.k1, self.k2), "activations": activations}
        for step in nr.truncated_bptt(self.cell, self.weights, self.chunks(steps), "mse", **options):
            optimizer.apply(self.weights, step.gradients)

    def track_truncated_bptt(self, steps, activations):
        return peak(lambda: self.train(steps, activations))

    track_truncated_bptt.pretty_name = "Memory of truncated BPTT over a stream"
