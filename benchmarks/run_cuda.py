"""Both sides of the comparison on a GPU, where all arrays are before anything is timed."""

from unittest.mock import patch

import numba
import numpy as np

from . import run_loop, run_numbarnn, run_torch
from .torch_cells.products import before_loop

REPEATED = 10  # training steps between two times at which the host waits for the GPU, as it may in a training loop


class Runner(run_numbarnn.Runner):
    """numbarnn with arrays on the device; `device`: "cuda" or "cuda tf32"."""

    def __init__(self, workload, device="cuda"):
        from numbarnn.engines.cuda.arrays import as_device

        params = {name: as_device(value) for name, value in workload.params.items()}
        there = workload._replace(params=params, x=as_device(workload.x), d_outputs=as_device(workload.d_outputs))
        super().__init__(there, numba.get_num_threads(), device=device)

    def results(self):
        run, grads = self.train()
        named = {"outputs": run.outputs, "forward": self.forward(), "d_inputs": grads.inputs}
        named |= {f"state.{name}": value for name, value in run.state._asdict().items()}
        named |= {f"d_{name}": value for name, value in grads.params.items()}
        return {name: np.asarray(value) for name, value in named.items()}


class StepByStep(Runner):
    """numbarnn with one product a step, whatever `choose` would select."""

    def run(self, **options):
        from numbarnn.engines.cuda import engine, per_step

        with patch.object(engine, "walk_for", lambda tape: per_step):
            return super().run(**options)

    def train(self):
        from numbarnn.engines.cuda import engine, per_step

        with patch.object(engine, "walk_for", lambda tape: per_step):
            return super().train()


class Cudnn(run_torch.Runner):
    """PyTorch's modules, which call cuDNN; `dtype` "float32", with TF32 or strict, or "float16"."""

    def __init__(self, workload, dtype="float32", tf32=False):
        super().__init__(workload, 1, "cuda")
        self.tf32, kind = tf32, getattr(self.torch, dtype)
        self.module = self.module.to(kind)
        self.x = self.x.detach().to(kind).requires_grad_()
        self.d_outputs = self.d_outputs.to(kind)

    def _set(self):
        self.torch.backends.cudnn.allow_tf32 = self.torch.backends.cuda.matmul.allow_tf32 = self.tf32

    def train(self):
        self._set()
        return super().train()

    def forward(self):
        self._set()
        return super().forward()

    def results(self):
        return {name: value.astype(np.float32) for name, value in super().results().items()}


class Loop(run_loop.Runner):
    """A Python loop in PyTorch, the products with the inputs before it; strict float32."""

    def __init__(self, workload):
        super().__init__(workload, 1, before_loop, "cuda")
        self.torch.backends.cuda.matmul.allow_tf32 = False


def repeated(step, wait):
    """Run some steps, then wait for the GPU."""

    def steps():
        for _ in range(REPEATED):
            step()
        wait()

    return steps
