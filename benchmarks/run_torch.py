"""The PyTorch side of the comparison: `torch.nn.RNN`, `LSTM` and `GRU`, time-major, which is their default."""

import numpy as np

MODULES = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


def two_biases(cell, bias, units):
    """Convert our bias to PyTorch's bias_ih and bias_hh; only a GRU's recurrent part of n needs the second."""
    recurrent = np.zeros_like(bias[: len(bias) - units] if cell == "GRU" else bias)
    if cell == "GRU":
        recurrent[2 * units :] = bias[3 * units :]
    return bias[: len(recurrent)], recurrent


def array(tensor):
    return tensor.detach().cpu().numpy()


class Runner:
    def __init__(self, workload, threads, device="cpu"):
        import torch

        torch.set_num_threads(threads)
        self.torch, self.cell, self.units = torch, workload.name, workload.shape[3]
        dtype = getattr(torch, workload.dtype)
        self.module = getattr(torch.nn, MODULES[workload.name])(*workload.shape[2:], dtype=dtype, device=device)
        params = workload.params
        biases = two_biases(workload.name, params["bias"], self.units)
        weights = params["kernel"].T, params["recurrent_kernel"].T, *biases
        with torch.no_grad():
            for parameter, value in zip(self.module.parameters(), weights, strict=True):
                parameter.copy_(torch.tensor(value))
        self.x = torch.tensor(workload.x, device=device, requires_grad=True)
        self.d_outputs = torch.tensor(workload.d_outputs, device=device)

    def train(self):
        """Run forward and BPTT; PyTorch keeps the gradients of all parameters and of the inputs in `.grad`."""
        self.module.zero_grad(set_to_none=True)
        self.x.grad = None
        outputs, state = self.module(self.x)
        outputs.backward(self.d_outputs)
        return outputs, state

    def forward(self):
        """Compute the outputs only."""
        with self.torch.no_grad():
            return self.module(self.x)[0]

    def results(self):
        """Return every array of a training step by numbarnn's names, and the outputs of `forward`."""
        outputs, state = self.train()
        state = dict(zip("hc", state, strict=True)) if self.cell == "LSTM" else {"h": state}
        kernel, recurrent_kernel, bias, recurrent_bias = (array(p.grad) for p in self.module.parameters())
        if self.cell == "GRU":
            bias = np.concatenate([bias, recurrent_bias[2 * self.units :]])
        return {
            "outputs": array(outputs),
            "forward": array(self.forward()),
            **{f"state.{name}": array(value)[0] for name, value in state.items()},
            "d_inputs": array(self.x.grad),
            "d_kernel": kernel.T,
            "d_recurrent_kernel": recurrent_kernel.T,
            "d_bias": bias,
        }
