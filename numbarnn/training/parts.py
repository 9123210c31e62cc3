"""Training on a batch in parts: the memory of one part, and the update of the whole batch.

The gradient of the batch is the sum over its parts, each with the share of its valid steps and sample weights. Dropout
draws for a row what it draws for it in the whole batch.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import InputError
from ..utils.rows import RowGenerator, Rows
from ..utils.tree import tree_leaves, tree_map, tree_unflatten
from .batches import Data
from .fit_options import expect_positive
from .objectives import measured, total
from .update import update_weights


def check(model: Any, parts: int, truncated: bool) -> None:
    """Raise `InputError` unless batches of a model can be cut into parts."""
    expect_positive("fit", "accumulate", parts)
    if parts == 1:
        return
    if truncated:
        raise InputError("fit: expected accumulate or truncate, got both")
    for layer in model.layers:
        if model.trainable and layer.trainable and layer.non_trainable_weights:
            expected = f"layers that treat each row alone, got {layer.name}, whose averages are over the whole batch"
            raise InputError(f"fit with accumulate: expected {expected}")


def cut(samples: int, parts: int) -> list[Rows]:
    """Cut a batch into nearly equal parts, the larger ones first; none is empty."""
    parts = max(1, min(parts, samples))
    bounds = [-(-samples * i // parts) for i in range(parts + 1)]
    return [Rows(first, last - first, samples) for first, last in pairwise(bounds)]


def train_in_parts(model: Any, parts: int, batch: Data, transform: Any = None) -> tuple[list, list]:
    """Go through the parts of a batch, forward and back, and update once.

    Returns the values of the batch before the update and their weights; a loss of NaN says that nothing was updated.
    """
    passes = Passes(model, batch, cut(len(batch.y), parts))
    with np.errstate(all="ignore"), passes:
        known = None if sums_suffice(model) else counted(passes)
        totals, sums = summed(passes, known)
    values, weights = totals.results()
    values[0] += totals.penalty(len(batch.y)) + model._parameter_penalty()
    divisor = totals.divisors()[0] if known is None else 1.0
    with np.errstate(all="ignore"):
        gradients = {name: gradient / gradient.dtype.type(divisor) for name, gradient in sums.items()}
        if not math.isfinite(total(model._objectives, values)) or not update_weights(model, gradients, None, transform):
            values[0] = math.nan
    return values, weights


def counted(passes):
    """Return the `Totals` of a batch, and forget the passes."""
    totals = Totals(passes.model)
    for run, found, rows in passes:
        totals.add(found, run.penalty, rows)
        del run, found
    passes.go_back()
    return totals


def summed(passes, known):
    """Return the `Totals` of a batch, and the sums over its parts of {name: gradient}.

    Without ``known``, the totals, the gradient of a part is multiplied by its weight; else by its share.
    """
    totals, sums = Totals(passes.model), {}
    for run, found, rows in passes:
        totals.add(found, run.penalty, rows)
        if known is not None:
            run.steps = [(call, saved, scaled(d, [rows.count / max(1, rows.total)])) for call, saved, d in run.steps]
        factors = totals.factors(found.weights, known)
        for name, gradient in run.backward(scaled(found.gradient, factors), **found.options).params.items():
            sums[name] = sums[name] + gradient if name in sums else gradient
        del run, found
    return totals, sums


def sums_suffice(model):
    """Return whether one number divides all gradients, which is then known in time: after the last part."""
    return len(model._objectives) == 1 and all(layer.activity_regularizer is None for layer in model.layers)


class Passes:
    """The forward passes of a batch's parts, one after another, each as the rows of the whole batch go.

    Each starts from the same state of the random generator, and its rows of the states of stateful layers.
    """

    def __init__(self, model, batch, parts):
        self.model, self.batch, self.parts = model, batch, parts
        self.layers = model._stateful_layers()
        for layer in self.layers:
            for part in getattr(layer, "parts", {"": layer}).values():
                part.carried_state(len(batch.y))
        self.random, self.states = model._dropout_rng.bit_generator.state, [layer.state for layer in self.layers]
        self.after = []

    def __iter__(self):
        """Yield each pass, the `Measured` without penalties, and the rows."""
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
        run = model._forward(part.x, training=True, rng=RowGenerator(model._dropout_rng, rows))
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
            layer.state = tree_map(lambda *arrays: np.concatenate(arrays), *states)


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
        self.sums, self.weights = [0.0] * len(self.adds_up), [0.0] * len(self.adds_up)
        self.penalties = 0.0

    def add(self, found, penalty, rows):
        """Add the `Measured` of a part, and the penalty on its activities, a mean over its rows."""
        for i, (value, weight) in enumerate(zip(found.values, found.weights, strict=True)):
            share = 1 if self.adds_up[i] else weight
            self.sums[i] = self.sums[i] + (share * value if share else 0.0)
            self.weights[i] += weight
        self.penalties += penalty * rows.count

    def results(self):
        """Return the values of the batch and their weights."""
        values = [s if adds else s / (w or 1) for s, w, adds in zip(self.sums, self.weights, self.adds_up, strict=True)]
        return values, [1 if adds else w for w, adds in zip(self.weights, self.adds_up, strict=True)]

    def penalty(self, samples):
        return self.penalties / max(1, samples)

    def divisors(self):
        """Return what the sum of each loss is divided by."""
        _, weights = self.results()
        return [weight or 1.0 for weight in weights[self.several : self.several + sum(self.has_loss)]]

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
