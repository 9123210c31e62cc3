"""Truncated BPTT(k1, k2) of a whole model: the options of `fit`, and training on a batch of sequences."""

import math
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..layers import BatchNormalization
from ..layers.graph import check_single, with_states
from ..layers.stateless import is_recurrent
from ..layers.states import as_list, from_list
from ..layers.stepwise import check_stepwise
from ..rnn.segments import Steps, backward_passes, check_activations
from ..rnn.truncation import check_truncate
from ..utils.tree import tree_map
from .batches import Means
from .forward_pass import forward
from .row_shares import shares_of
from .sources import Samples
from .update import update_weights

UPDATES = ("pass", "sequence")


@dataclass(frozen=True)
class Truncation:
    """The options of `fit` for truncated BPTT."""

    truncate: tuple[int, int] | None
    loss_scope: str = "new"
    activations: str = "stale"
    update: str = "pass"

    @classmethod
    def of(cls, model, source, *options) -> "Truncation | None":
        """Check the options for a model and the source of its batches; None: full BPTT."""
        truncation = cls(*options)
        if truncation.truncate is not None:
            truncation.check(model, source)
            return truncation
        if truncation != cls(None):
            raise InputError(
                "fit: expected truncate=(k1, k2) where there is loss_scope, activations or update, got None"
            )
        return None

    def check(self, model, source):
        """Raise `InputError` unless the model gives a loss at each step, from the steps up to it alone."""
        check_truncate("fit", self.truncate, self.loss_scope)
        check_activations("fit", self.activations)
        if self.update not in UPDATES:
            raise InputError(f"fit: expected update to be 'pass' or 'sequence', got {self.update!r}")
        check_single("fit with truncate", model.graph)
        check_stepwise("fit with truncate", model.layers)
        for layer in model.layers:
            if isinstance(layer, BatchNormalization):
                expected = f"layers that train step by step, got {layer.name}, whose mean is over all steps"
                raise InputError(f"fit with truncate: expected {expected}")
            if is_recurrent(layer) and not layer.return_sequences:
                expected = "return_sequences=True in all layers, as there is a loss at each step"
                raise InputError(f"fit with truncate: expected {expected}, got {layer.name} without")
        if not isinstance(source, Samples) or not isinstance(source.data.x, np.ndarray):
            got = type(source.data.x).__name__ if isinstance(source, Samples) else "an iterable of batches"
            raise InputError(f"fit with truncate: expected inputs in one array, got {got}")
        x, y = source.data.x.shape[:2], source.data.y.shape
        if y[:2] != x:
            raise InputError(f"fit with truncate: expected labels for each step, {x}, got shape {y}")

    def needs_old_parameters(self, steps):
        """Return whether a pass goes back over steps that ran before an update, as they were."""
        (k1, k2), updates = self.truncate, self.update == "pass"
        return self.activations == "stale" and updates and (k1 < k2 or steps % k1 > 0)


def train_sequences(model, truncation, communicator, batch, transform=None):
    """Train on a batch of sequences from the first step to the last, each process on its rows.

    Stateful layers start from their states and keep the last ones. Returns means of loss and metrics over the passes,
    and their weights; a loss of NaN says that a number was not finite, which ended the sequence.
    """
    recurrent = [call.layer for call in model.graph.calls if is_recurrent(call.layer)]
    state, rows = [layer.carried_state(len(batch.x)) for layer in recurrent], shares_of(model, batch, communicator)
    state, batch = [None if s is None else [rows.own(array) for array in as_list(s)] for s in state], rows.batch
    needs_old = truncation.needs_old_parameters(batch.x.shape[1])
    means, summed, finite = Means(model.metrics_names), {}, True

    def make_runner():
        graph = with_states(deepcopy(model.graph) if needs_old else model.graph)
        return lambda steps, state: forward(graph, steps.x, True, rows.rng, state=state)

    passes = backward_passes(
        [Steps(0, batch.x, batch.y, weights=of_steps(batch.weights, batch.x.shape[1]))],
        make_runner,
        rows.measure,
        truncation.truncate,
        truncation.loss_scope,
        truncation.activations,
        state,
    )
    with np.errstate(all="ignore"):
        for measured, gradients, _, after in passes:
            state = after
            values, weights = rows.values(measured)
            means.add(values, weights)
            finite = math.isfinite(values[0])
            if truncation.update == "sequence":
                summed = {name: summed.get(name, 0) + measured.weights[0] * g for name, g in gradients.items()}
            elif finite:
                gradients = rows.mean(gradients, measured.weights[0], weights[0])
                finite = update_weights(model, gradients, transform=transform)
            if not finite:
                break
        if finite and summed:
            divisor = (1 if model.loss.reduction == "sum" else means.weights[0]) or 1
            gradients = {name: g / divisor for name, g in rows.summed(summed).items()}
            finite = update_weights(model, gradients, transform=transform)
    for layer, arrays in zip(recurrent, state, strict=True):
        if layer.stateful:
            layer.state = tree_map(rows.joined, from_list(layer.cell.state_size, arrays))
    values = [total / weight if weight else total for total, weight in zip(means.sums, means.weights, strict=True)]
    return (values if finite else [math.nan, *values[1:]]), means.weights


def of_steps(weights, steps):
    """Return weights (B,) or (B, steps) as (B, steps)."""
    return weights if weights is None or weights.ndim > 1 else np.broadcast_to(weights[:, None], (len(weights), steps))
