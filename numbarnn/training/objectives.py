"""What `compile` chooses for each output of a model: loss, metrics, and the share in the loss of the whole."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from .. import losses
from .. import metrics as known_metrics
from ..errors import InputError, is_number
from ..losses import Loss
from ..losses.evaluation import Measured, measure
from ..utils.columns import by_name
from ..utils.tree import tree_leaves, tree_unflatten


class Objective(NamedTuple):
    """Loss and metrics of an output."""

    # "" if there is no other output
    name: str
    # None: the output has no part in training
    loss: Loss | None
    metrics: dict[str, Callable]
    share: float = 1.0


class OneOutput(NamedTuple):
    """One of the outputs of a pass, for `measure`."""

    run: Any
    place: int

    @property
    def outputs(self):
        return self.run.values[self.place]

    @property
    def mask(self):
        return self.run.masks[self.place]

    @property
    def pre_activation(self):
        return self.run.pre_activation_at(self.place)


def chosen(names: list[str], loss: Any, metrics: Any, loss_weights: Any) -> list[Objective]:
    """Return an `Objective` for each output; one loss holds for all of them."""
    if len(names) == 1:
        if loss_weights is not None:
            raise InputError(f"compile: expected loss_weights of a model of several outputs, got {loss_weights!r}")
        loss = losses.get(loss)
        return [Objective("", loss, known_metrics.by_name(metrics, loss))]
    each_loss = isinstance(loss, list | tuple | dict)
    of_losses = by_name("compile", "losses", names, loss) if each_loss else [loss] * len(names)
    of_metrics = by_name("compile", "metrics", names, metrics) if metrics else [None] * len(names)
    shares = [None] * len(names) if loss_weights is None else by_name("compile", "loss_weights", names, loss_weights)
    found = [_objective(*parts) for parts in zip(names, of_losses, of_metrics, shares, strict=True)]
    if all(objective.loss is None for objective in found):
        raise InputError("compile: expected a loss of an output at least, got none")
    return found


def _objective(name, loss, metrics, share):
    """Return the `Objective` of one of several outputs."""
    loss = None if loss is None else losses.get(loss)
    metrics = [] if metrics is None else metrics if isinstance(metrics, list | tuple) else [metrics]
    if loss is None and (metrics or share is not None):
        raise InputError(f"compile: expected a loss of {name}, which has metrics or a loss weight, got none")
    if share is not None and not (is_number(share) and share >= 0):
        raise InputError(f"compile: expected loss_weights of numbers of at least 0, got {share!r} of {name}")
    named = {} if loss is None else known_metrics.by_name(metrics, loss)
    return Objective(name, loss, named, 1.0 if share is None else float(share))


def with_loss(objectives: list[Objective]) -> list[Objective]:
    """List the outputs that have a loss of their own among several; none if there is one output."""
    return [objective for objective in objectives if objective.name and objective.loss is not None]


def metrics_of(objectives: list[Objective]) -> dict[str, Callable]:
    """Return {name: metric} of all outputs, under the name of the output too if there are several."""
    return {f"{o.name}_{name}" if o.name else name: m for o in objectives for name, m in o.metrics.items()}


def names_of(objectives: list[Objective]) -> list[str]:
    """Name the values of a batch: the loss, those of several outputs, then all metrics."""
    return ["loss", *(f"{o.name}_loss" for o in with_loss(objectives)), *metrics_of(objectives)]


def from_pre_activation(objectives: list[Objective], last: tuple[Any, ...]) -> list[Loss | None]:
    """Return the losses as functions of what the last softmax or sigmoid is applied to; None where they cannot be."""
    return [
        None if layer is None or objective.loss is None else _of_pre_activation(objective.loss, layer)
        for objective, layer in zip(objectives, last, strict=True)
    ]


def _of_pre_activation(loss, last):
    matches = last.last_activation is not None and last.last_activation == loss.activation
    as_given = loss.from_logits or loss.legacy_clip or last.activity_regularizer
    return replace(loss, from_logits=True) if matches and not as_given else None


def measured(run: Any, y: Any, objectives: list[Objective], fused: list[Loss | None], weights: Any) -> Measured:
    """Return the `Measured` of a pass.

    Of several outputs the first value is 0: the loss of the whole is the sum of their losses, each with its share, and
    `total` adds what else there is. The gradient is that of the sum, a tuple.
    """
    if len(objectives) == 1:
        objective, loss = objectives[0], fused[0]
        return measure(run, y, loss or objective.loss, objective.metrics.values(), loss is not None, weights)
    found, gradients, options = [], [], []
    places = run.graph.outputs
    for i, (objective, loss, place) in enumerate(zip(objectives, fused, tree_leaves(places), strict=True)):
        if objective.loss is None:
            gradients.append(None)
            options.append(False)
            continue
        one = OneOutput(run, place)
        own = None if weights is None else weights.parts[i]
        part = measure(one, y.parts[i], loss or objective.loss, objective.metrics.values(), loss is not None, own)
        found.append(part)
        gradients.append(part.gradient * part.gradient.dtype.type(objective.share))
        options.append(loss is not None)
    firsts, others = [part.values[0] for part in found], [v for part in found for v in part.values[1:]]
    shares, counts = [part.weights[0] for part in found], [w for part in found for w in part.weights[1:]]
    values, all_shares = [0.0, *firsts, *others], [len(y), *shares, *counts]
    return Measured(values, all_shares, tree_unflatten(places, gradients), {"from_pre_activation": tuple(options)})


def total(objectives: list[Objective], values: list[float]) -> float:
    """Return the loss of the whole: the first value, and of several outputs the losses behind it with their shares."""
    if len(objectives) == 1:
        return values[0]
    shares = [objective.share for objective in with_loss(objectives)]
    return math.fsum([values[0], *(share * v for share, v in zip(shares, values[1:], strict=False))])
