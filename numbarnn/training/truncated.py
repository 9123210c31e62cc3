"""Truncated BPTT(k1, k2) of a whole model: `truncate` of `Sequential.fit`."""

import math
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..layers import BatchNormalization
from ..layers.states import as_list, from_list
from ..layers.stepwise import check_stepwise
from ..rnn.segments import Steps, backward_passes, check_activations
from ..rnn.truncation import check_truncate
from ..utils.tree import tree_map
from . import stateful_pass as state_pass
from .batches import Means

UPDATES = ("pass", "sequence")


@dataclass(frozen=True)
class Truncation:
    """The options of `fit` about truncated BPTT."""

    truncate: tuple
    loss_scope: str = "new"
    activations: str = "stale"
    update: str = "pass"

    def check(self, model, data):
        """Raises `InputError` unless the model gives a loss at each step, from the steps up to it alone."""
        check_truncate("fit", self.truncate, self.loss_scope)
        check_activations("fit", self.activations)
        if self.update not in UPDATES:
            raise InputError(f"fit: expected update to be 'pass' or 'sequence', got {self.update!r}")
        check_stepwise("fit with truncate", model.layers)
        for layer in model.layers:
            if isinstance(layer, BatchNormalization):
                expected = f"layers that train step by step, got {layer.name}, whose mean is over all steps"
                raise InputError(f"fit with truncate: expected {expected}")
            if state_pass.is_recurrent(layer) and not layer.return_sequences:
                expected = "return_sequences=True in all layers, as there is a loss at each step"
                raise InputError(f"fit with truncate: expected {expected}, got {layer.name} without")
        if not isinstance(data.x, np.ndarray):
            raise InputError(f"fit with truncate: expected inputs in one array, got {type(data.x).__name__}")
        x, y = data.x.shape[:2], data.y.shape
        if y[:2] != x:
            raise InputError(f"fit with truncate: expected labels for each step, {x}, got shape {y}")

    def needs_old_parameters(self, steps):
        """Whether a pass over sequences of so many steps goes back, as it was, over what was run before an update."""
        (k1, k2), updates = self.truncate, self.update == "pass"
        return self.activations == "stale" and updates and (k1 < k2 or steps % k1 > 0)


def training_step(model, data, truncate, loss_scope, activations, update):
    """What `fit` does with a batch: `train_sequences` where there is ``truncate``, else one step by full BPTT."""
    truncation = Truncation(truncate, loss_scope, activations, update)
    if truncate is not None:
        truncation.check(model, data)
        return lambda batch: train_sequences(model, batch, truncation)
    if truncation != Truncation(None):
        raise InputError("fit: expected truncate=(k1, k2) where there is loss_scope, activations or update, got None")
    return model._train_step


class ChainRun:
    """The run of a chain of layers over a piece of time, as `backward_passes` wants it."""

    def __init__(self, run):
        self.run, self.state = run, run.states
        self.output, self.mask, self.penalty = run.output, run.mask, run.penalty

    @property
    def pre_activation(self):
        return self.run.pre_activation

    def backward(self, d_output, d_state, **options):
        run = self.run
        if d_output is None:  # its penalties counted when it was new
            run = replace(run, steps=[(layer, kept, None) for layer, kept, _ in run.steps])
        return run.backward(d_output, d_state, **options)


def train_sequences(model, batch, truncation):
    """Train on a batch of sequences from the first step to the last; stateful layers go on from it.

    Returns means of loss and metrics over the passes, and their weights. A loss or gradient that is not finite ends it,
    with a loss of NaN.
    """
    recurrent = [layer for layer in model.layers if state_pass.is_recurrent(layer)]
    states = [layer.carried_state(len(batch.x)) for layer in recurrent]
    states = [None if state is None else as_list(state) for state in states]
    needs_old = truncation.needs_old_parameters(batch.x.shape[1])
    means, summed, finite = Means(model.metrics_names), {}, True

    def make_runner():
        layers = deepcopy(model.layers) if needs_old else model.layers
        layers = state_pass.with_states(layers)
        return lambda steps, states: ChainRun(
            state_pass.forward(layers, steps.x, True, model._dropout_rng, states=states)
        )

    passes = backward_passes(
        [Steps(0, batch.x, batch.y, weights=of_steps(batch.weights, batch.x.shape[1]))],
        make_runner,
        lambda run, steps: model._measure(steps.y, run, steps.weights),
        truncation.truncate,
        truncation.loss_scope,
        truncation.activations,
        states,
    )
    with np.errstate(all="ignore"):
        for measured, gradients, _, after in passes:
            states = after
            means.add(measured.values, measured.weights)
            finite = math.isfinite(measured.values[0])
            if truncation.update == "sequence":
                summed = {name: summed.get(name, 0) + measured.weights[0] * g for name, g in gradients.items()}
            elif finite:
                finite = model._update(gradients)
            if not finite:
                break
        if finite and summed:
            divisor = (1 if model.loss.reduction == "sum" else means.weights[0]) or 1
            finite = model._update({name: g / divisor for name, g in summed.items()})
    for layer, state in zip(recurrent, states, strict=True):
        if layer.stateful:
            layer.state = tree_map(np.copy, from_list(layer.cell.state_size, state))
    values = [total / weight if weight else total for total, weight in zip(means.sums, means.weights, strict=True)]
    return (values if finite else [math.nan, *values[1:]]), means.weights


def of_steps(weights, steps):
    """Weights (B,) or (B, steps) as (B, steps)."""
    return weights if weights is None or weights.ndim > 1 else np.broadcast_to(weights[:, None], (len(weights), steps))
