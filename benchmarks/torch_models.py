"""A `Sequential` rebuilt in PyTorch with the same weights, and the usual training loop of PyTorch."""

import numpy as np

from numbarnn.layers import Dropout

RECURRENT = {"SimpleRNN": "RNN", "LSTM": "LSTM"}


class Recurrent:
    """A recurrent layer that returns all outputs or the last; a `stateful` one keeps its states between batches."""

    def __init__(self, torch, layer):
        kernel, recurrent, bias = (layer.params[name] for name in ("kernel", "recurrent_kernel", "bias"))
        self.rnn = getattr(torch.nn, RECURRENT[type(layer).__name__])(len(kernel), layer.units, batch_first=True)
        weights = kernel.T, recurrent.T, bias, np.zeros_like(bias)
        for parameter, weight in zip(self.rnn.parameters(), weights, strict=True):
            parameter.data = torch.tensor(np.ascontiguousarray(weight))
        self.rnn.bias_hh_l0.requires_grad_(False)  # one bias, as there
        self.sequences, self.stateful, self.state = layer.return_sequences, layer.stateful, None

    def parameters(self):
        return self.rnn.parameters()

    def __call__(self, x):
        outputs, state = self.rnn(x, self.state)
        if self.stateful:
            self.state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        return outputs if self.sequences else outputs[:, -1]


def module(torch, layer):
    """Convert one layer with its weights; the loss includes the activation of a Dense layer."""
    if isinstance(layer, Dropout):
        return torch.nn.Dropout(layer.rate)
    params = layer.params
    if "embeddings" in params:
        return torch.nn.Embedding.from_pretrained(torch.tensor(params["embeddings"]), freeze=False)
    if "recurrent_kernel" in params:
        return Recurrent(torch, layer)
    linear = torch.nn.Linear(*params["kernel"].shape)
    linear.weight.data = torch.tensor(np.ascontiguousarray(params["kernel"].T))
    linear.bias.data = torch.tensor(params["bias"])
    return linear


class Model:
    """The model and its optimiser, which `optimizer(torch, parameters)` makes."""

    def __init__(self, model, optimizer):
        import torch

        self.torch = torch
        self.layers = [module(torch, layer) for layer in model.layers]
        self.parameters = [p for layer in self.layers for p in layer.parameters() if p.requires_grad]
        self.optimizer = optimizer(torch, self.parameters)
        self.clip_global_norm = model.optimizer.clip_global_norm
        self.two_classes = model.output_shape[-1] == 1

    def loss_and_hits(self, x, y):
        """Compute the mean cross-entropy, and how many labels have the largest score."""
        for layer in self.layers:
            x = layer(x)
        functional = self.torch.nn.functional
        if self.two_classes:
            loss = functional.binary_cross_entropy_with_logits(x[:, 0], y.to(x.dtype))
            return loss, ((x[:, 0] > 0) == (y > 0)).sum()
        scores, y = x.reshape(-1, x.shape[-1]), y.reshape(-1)
        return functional.cross_entropy(scores, y), (scores.argmax(1) == y).sum()

    def fit(self, x, y, batch_size, shuffle):
        """Train one epoch over tensors; returns the mean loss and the accuracy."""
        order, loss_sum, hits = self.torch.randperm(len(x)), 0.0, 0
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            rows = order[rows] if shuffle else rows
            self.optimizer.zero_grad()
            loss, right = self.loss_and_hits(x[rows], y[rows])
            loss.backward()
            if self.clip_global_norm:
                self.torch.nn.utils.clip_grad_norm_(self.parameters, self.clip_global_norm)
            self.optimizer.step()
            loss_sum += loss.item() * len(y[rows])
            hits += right.item()
        return loss_sum / len(x), hits / y.numel()
