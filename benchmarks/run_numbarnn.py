"""The numbarnn side of the comparison: `nr.forward` and `run.backward`, weights packed within every call."""

import numba
import numpy as np

import numbarnn as nr

CELLS = {"SimpleRNN": nr.SimpleRNNCell, "LSTM": nr.LSTMCell, "GRU": nr.ResetAfterGRUCell}


class Runner:
    def __init__(self, workload, threads):
        numba.set_num_threads(threads)
        self.workload, self.cell = workload, CELLS[workload.cell](workload.shape[3])

    def train(self):
        """Forward, BPTT, gradients of all parameters and of the inputs."""
        run = nr.forward(self.cell, self.workload.params, self.workload.x, time_major=True)
        return run, run.backward(self.workload.d_outputs)

    def forward(self):
        """Outputs only."""
        return nr.forward(self.cell, self.workload.params, self.workload.x, time_major=True, save="minimal").outputs

    def results(self):
        """Every array of a training step by name, and the outputs of `forward`."""
        run, grads = self.train()
        named = {"outputs": run.outputs, "forward": self.forward(), "d_inputs": grads.inputs}
        named |= {f"state.{name}": value for name, value in run.state._asdict().items()}
        named |= {f"d_{name}": value for name, value in grads.params.items()}
        return {name: np.array(value) for name, value in named.items()}
