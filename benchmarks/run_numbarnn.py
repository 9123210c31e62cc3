"""The numbarnn side of the comparisons: `nr.forward` and `run.backward`, with weights packed in every call."""

import numba
import numpy as np

import numbarnn as nr


class Runner:
    """numbarnn; `options` are those of `nr.forward`."""

    def __init__(self, workload, threads, **options):
        numba.set_num_threads(threads)
        self.workload, self.options = workload, {"time_major": True, **options}

    def run(self, **options):
        return nr.forward(self.workload.cell, self.workload.params, self.workload.x, **self.options, **options)

    def train(self):
        """Run forward and BPTT: gradients of all parameters and of the inputs."""
        run = self.run()
        return run, run.backward(self.workload.d_outputs)

    def forward(self):
        """Compute the outputs only."""
        return self.run(save="minimal").outputs

    def results(self):
        """Return every array of a training step by name, and the outputs of `forward`."""
        run, grads = self.train()
        named = {"outputs": run.outputs, "forward": self.forward(), "d_inputs": grads.inputs}
        named |= {f"state.{name}": value for name, value in getattr(run.state, "_asdict", dict)().items()}
        named |= {f"d_{name}": value for name, value in grads.params.items()}
        return {name: np.array(value) for name, value in named.items()}
