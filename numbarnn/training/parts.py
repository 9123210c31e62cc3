"""Training on a batch in parts, one after another or on several processes, with the update of the whole batch.

The gradient of the batch is the sum over its parts, each with the share of its valid steps and sample weights. Dropout
draws for a row what it draws for it in the whole batch.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import InputError
from ..layers import BatchNormalization
from ..utils.rows import RowGenerator, Rows
from ..utils.tree import tree_leaves, tree_map, tree_unflatten
from .batches import Data
from .digest import digest
from .fit_options import expect_positive
from .objectives import measured, total
from .update import update_weights


def check(model: Any, parts: int, communicator: Any, average_every: Any, truncated: bool) -> None:
    """Raise `InputError` unless batches of a model can be cut into parts."""
    expect_positive("fit", "accumulate", parts)
    if truncated and (parts > 1 or average_every is not None):
        raise InputError(f"fit: expected {'accumulate' if parts > 1 else 'average_every'} or truncate, got both")
    if truncated and communicator.size > 1 and not sums_suffice(model):
        expected = "layers without activity_regularizer, as truncate goes with a communicator"
        raise InputError(f"fit: expected {expected}, got {model!r}")
    if parts == 1:
        return
    for layer in model.layers:
        if model.trainable and layer.trainable and layer.non_trainable_weights:
            expected = f"layers that treat each row alone, got {layer.name}, whose averages are over the whole batch"
            raise InputError(f"fit with accumulate: expected {expected}")


def cut(samples: int, parts: int) -> list[tuple[int, int]]:
    """Cut rows into nearly equal parts, [(first, number)]."""
    bounds = [-(-samples * i // parts) for i in range(parts + 1)]
    return [(first, last - first) for first, last in pairwise(bounds)]


class InParts:
    """Learns from batches, and measures them, in parts: ``accumulate`` on each process of a communicator."""

    # whether all processes have the same parameters
    settled = True

    def __init__(self, model: Any, accumulate: int, communicator: Any):
        self.model, self.accumulate, self.communicator = model, accumulate, communicator

    @property
    def are_one(self) -> bool:
        """Whether each batch is one part, here."""
        return self.accumulate == self.communicator.size == 1

    def learn(self, batch: Data, transform: Any = None) -> tuple[list, list]:
        """Go through the parts of a batch, forward and back, and update once.

        Returns the values of the batch before the update and their weights; a loss of NaN says that nothing was
        updated.
        """
        model, passes = self.model, self._passes(batch, training=True)
        with np.errstate(all="ignore"), passes:
            known = None if sums_suffice(model) else counted(passes).over(self.communicator)
            sums = self.communicator.sums()
            totals, updates = summed(passes, known, sums)
        totals.over(self.communicator)
        values, weights = totals.results(len(batch.y))
        with np.errstate(all="ignore"):
            gradients = divided(sums.results(), totals, known)
            finite = math.isfinite(total(model._objectives, values))
            if not finite or not update_weights(model, gradients, updates, transform):
                values[0] = math.nan
        return values, weights

    def settle(self) -> None:
        """Give all processes the same parameters."""

    def measure(self, batch: Data) -> tuple[list, list]:
        """Return the values of a batch, outside training, and their weights."""
        with self._passes(batch, training=False) as passes:
            return counted(passes).over(self.communicator).results(len(batch.y))

    def _passes(self, batch, training):
        samples = len(batch.y)
        first, count = cut(samples, self.communicator.size)[self.communicator.rank]
        parts = cut(count, max(1, min(self.accumulate, count)))
        rows = [Rows(first + start, number, samples) for start, number in parts]
        return Passes(self.model, batch, rows, self.communicator, training)


@contextmanager
def over_processes(model: Any, communicator: Any) -> Iterator[None]:
    """Let layers that look at the whole batch add up over all processes, which must start from the same numbers."""
    if communicator.size == 1:
        yield
        return
    communicator.expect_same("fit: the parameters, seeds and states at the beginning", digest(model))
    layers = [layer for layer in with_parts(model.layers) if isinstance(layer, BatchNormalization)]
    for layer in layers:
        layer._sum_over_batch = communicator.sum
    try:
        yield
    finally:
        for layer in layers:
            del layer._sum_over_batch


def with_parts(layers):
    """Yield layers, and those inside them."""
    for layer in layers:
        yield layer
        yield from with_parts(getattr(layer, "parts", {}).values())


def counted(passes):
    """Return the `Totals` of the parts here."""
    totals = Totals(passes.model)
    for run, found, rows in passes:
        totals.add(found, run.penalty, rows)
        del run, found
    return totals


def divided(sums, totals, known):
    """Return the gradients of a loss from their sums, by the weight of all rows if this was not known before."""
    divisor = totals.divisors()[0] if known is None else 1.0
    return {name: gradient / gradient.dtype.type(divisor) for name, gradient in sums.items()}


def summed(passes, known, sums):
    """Return the `Totals` of the parts here, and new averages; the gradients, summed over the parts, go into `sums`.

    Each goes there as soon as the last part has it. Without ``known``, the totals, the gradient of a part is multiplied
    by its weight; else by its share.
    """
    totals, before, updates = Totals(passes.model), {}, {}
    parts_left = len(passes.parts)

    def complete(gradients):
        found = {name: before[name] + g if name in before else g for name, g in gradients.items()}
        if parts_left:
            before.update(found)
        else:
            sums.add(found)

    for run, found, rows in passes:
        totals.add(found, run.penalty, rows)
        if known is not None:
            run.steps = [(call, saved, scaled(d, [rows.count / max(1, rows.total)])) for call, saved, d in run.steps]
        parts_left -= 1
        gradient = scaled(found.gradient, totals.factors(found.weights, known))
        run.backward(gradient, **found.options, complete=complete)
        updates = run.updates
        del run, found, gradient
    return totals, updates


def sums_suffice(model):
    """Return whether one number divides all gradients, which is then known in time: after the last part."""
    return len(model._objectives) == 1 and all(layer.activity_regularizer is None for layer in model.layers)


class Passes:
    """The forward passes of a batch's parts, one after another, each as the rows of the whole batch go.

    Each starts from the same state of the random generator, and its rows of the states of stateful layers.
    """

    def __init__(self, model, batch, parts, communicator, training):
        self.model, self.batch, self.parts = model, batch, parts
        self.communicator, self.training = communicator, training
        self.layers = model._stateful_layers()
        for layer in self.layers:
            for part in getattr(layer, "parts", {"": layer}).values():
                part.carried_state(len(batch.y))
        self.random, self.states = model._dropout_rng.bit_generator.state, [layer.state for layer in self.layers]
        self.after = []

    def __iter__(self):
        """Yield each pass, the `Measured` without penalties, and the rows; a second time all starts anew."""
        self.after = []
        for rows in self.parts:
            # no name here may keep a pass while the next one runs
            yield *self._pass(rows), rows

    def _pass(self, rows):
        model, own = self.model, slice(rows.first, rows.first + rows.count)
        model._dropout_rng.bit_generator.state = self.random
        for layer, state in zip(self.layers, self.states, strict=True):
            layer.state = tree_map(lambda array: None if array is None else array[own], state)
        part = self.batch.rows(own)
        run = model._forward(part.x, self.training, rng=RowGenerator(model._dropout_rng, rows))
        self.after.append([layer.state for layer in self.layers])
        return run, measured(run, part.y, model._objectives, model._fused, part.weights)

    def go_back(self):
        """Forget that there were passes."""
        self.model._dropout_rng.bit_generator.state = self.random
        for layer, state in zip(self.layers, self.states, strict=True):
            layer.state = state

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        """Give stateful layers the states of all rows, or, where something was raised, those from before."""
        if kind is not None:
            self.go_back()
            return
        for layer, states in zip(self.layers, zip(*self.after, strict=True), strict=True):
            layer.state = tree_map(lambda *arrays: self.communicator.join(np.concatenate(arrays)), *states)


class Totals:
    """What the parts of a batch add up to: loss, metrics and penalties.

    A value of the whole is the sum of those of the parts, or their mean with their weights.
    """

    def __init__(self, model):
        trained = [objective for objective in model._objectives if objective.loss is not None]
        self.several = len(model._objectives) > 1
        self.has_loss = [objective.loss is not None for objective in model._objectives]
        self.adds_up = [
            *[False] * self.several,
            *(getattr(objective.loss, "reduction", None) == "sum" for objective in trained),
            *(hasattr(metric, "sums") for objective in trained for metric in objective.metrics.values()),
        ]
        self.sums: list[Any] = [0.0] * len(self.adds_up)
        self.weights = [0.0] * len(self.adds_up)
        self.penalties, self.of_parameters = 0.0, model._parameter_penalty()

    def add(self, found, penalty, rows):
        """Add the `Measured` of a part, and the penalty on its activities, a mean over its rows."""
        for i, (value, weight) in enumerate(zip(found.values, found.weights, strict=True)):
            share = 1 if self.adds_up[i] else weight
            self.sums[i] = self.sums[i] + (share * value if share else 0.0)
            self.weights[i] += weight
        self.penalties += penalty * rows.count

    def over(self, communicator):
        """Add up over all processes; return itself."""
        shapes = [np.shape(value) for value in self.sums]
        vector = np.concatenate([np.ravel(value) for value in (*self.sums, self.weights, self.penalties)])
        vector = communicator.sum(vector.astype(np.float64, copy=False))
        *sums, rest = np.split(vector, np.cumsum([math.prod(shape) for shape in shapes]))
        self.sums = [part.reshape(shape) if shape else float(part[0]) for part, shape in zip(sums, shapes, strict=True)]
        *self.weights, self.penalties = rest.tolist()
        return self

    def results(self, samples):
        """Return the values of a batch of so many rows, and their weights; the loss has all penalties."""
        weights = self._weights()
        pairs = zip(self.sums, weights, self.adds_up, strict=True)
        values = [value if adds else value / (weight or 1) for value, weight, adds in pairs]
        values[0] += self.penalties / max(1, samples) + self.of_parameters
        return values, weights

    def divisors(self):
        """Return what the sum of each loss is divided by."""
        return [weight or 1.0 for weight in self._weights()[self.several : self.several + sum(self.has_loss)]]

    def _weights(self):
        return [1 if adds else weight for weight, adds in zip(self.weights, self.adds_up, strict=True)]

    def factors(self, weights, known):
        """Return what the gradients of a part are multiplied by, one for each output: its weight, or its share."""
        first = self.several
        own = [1.0 if adds else w for w, adds in zip(weights, self.adds_up, strict=True)][first:]
        shares = iter(own if known is None else [w / d for w, d in zip(own, known.divisors(), strict=False)])
        return [next(shares) if has_loss else 1.0 for has_loss in self.has_loss]


def scaled(gradient, factors):
    """Multiply the gradients of outputs, each by its factor; None stays None."""
    pairs = zip(tree_leaves(gradient), factors, strict=True)
    return tree_unflatten(gradient, [None if g is None else g * g.dtype.type(factor) for g, factor in pairs])
