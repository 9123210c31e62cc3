"""PyTorch without a module for the cell: a Python loop over the time steps, with the step of `torch_cells`."""

from .masks import masks
from .torch_cells import LOOPS


class Runner:
    """A Python loop; `each` is `in_loop`, which multiplies a step's inputs in the step, or `before_loop` (hoisted).

    `compiled`: by `torch.compile`, which takes minutes for a loop of 50 steps.
    """

    def __init__(self, workload, threads, each, device="cpu", compiled=False):
        import torch

        torch.set_num_threads(threads)
        if compiled:
            self.run = torch.compile(self.run)
        self.torch, self.each, self.cell = torch, each, workload.cell
        self.loop = LOOPS[workload.name]
        learned = lambda value: torch.tensor(value, device=device, requires_grad=True)  # noqa: E731
        self.params = {name: learned(value) for name, value in workload.params.items()}
        self.masks = {name: torch.tensor(value, device=device) for name, value in masks(workload).items()}
        self.x = learned(workload.x)
        self.d_outputs = torch.tensor(workload.d_outputs, device=device)

    def run(self):
        inputs, state, step = self.loop(self.cell, self.params | self.masks, self.x, self.each)
        outputs = []
        for z in inputs:
            state = step(z, *state)
            outputs.append(state[0])
        return self.torch.stack(outputs)

    def train(self):
        """Run forward and BPTT; PyTorch keeps the gradients of all parameters and of the inputs in `.grad`."""
        for tensor in (*self.params.values(), self.x):
            tensor.grad = None
        outputs = self.run()
        outputs.backward(self.d_outputs)
        return outputs

    def forward(self):
        """Compute the outputs only."""
        with self.torch.no_grad():
            return self.run()

    def results(self):
        """Return outputs and gradients of a training step by numbarnn's names, and the outputs of `forward`."""
        outputs = self.train()
        named = {"outputs": outputs.detach(), "forward": self.forward(), "d_inputs": self.x.grad}
        named |= {f"d_{name}": tensor.grad for name, tensor in self.params.items()}
        return {name: value.cpu().numpy() for name, value in named.items()}
