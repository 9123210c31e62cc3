"""`gradient_flow` of the recurrent layers inside a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..layers.recurrent import Recurrent
from ..layers.stateless import without_memory
from ..training.forward_pass import ForwardPass
from ..utils.padded import values_and_mask
from .gradients import gradient_flow


class Recorder:
    """A `Run` that remembers the gradients with which its `backward` is called."""

    def __init__(self, run):
        self.run, self.outputs, self.asked = run, run.outputs, None

    def backward(self, d_outputs=None, d_state=None, **options):
        self.asked = d_outputs, d_state
        return self.run.backward(d_outputs, d_state, **options)


def model_gradient_flow(model: Any, x: ArrayLike, y: ArrayLike) -> dict[str, dict[str, np.ndarray]]:
    """Measure how the gradient of a model's loss flows back through its recurrent layers: `gradient_flow` of each.

    The pass is without dropout and starts from zero states. Layers inside wrappers are left out.

    Parameters
    ----------
    model : Sequential
        A compiled model, trained or not.
    x : array (B, T, ...)
        A batch of inputs.
    y : array (B, ...)
        Its labels.

    Returns
    -------
    dict
        {layer: {state: norms (B, T)}}, float64.

    Raises
    ------
    InputError
        The model is not compiled or has no recurrent layers, or the data do not fit.
    """
    batch, y = model._data("model_gradient_flow", x, y)
    output, mask = values_and_mask(batch)
    if not any(isinstance(layer, Recurrent) for layer in model.layers):
        raise InputError("model_gradient_flow: expected a model with recurrent layers, got none")
    steps, inputs = [], {}
    for layer in model.layers:
        layer = without_memory(layer) if isinstance(layer, Recurrent) else layer
        inputs[layer.name], before = (output, mask), output
        output, kept = layer.forward(before, False, None, mask)
        mask = layer.compute_mask(before, mask)
        if isinstance(layer, Recurrent):
            kept = replace(kept, run=Recorder(kept.run))
        steps.append((layer, kept, None))
    run = ForwardPass(output, mask, 0.0, steps, [])
    measured = model._measure(y, run)
    run.backward(measured.gradient, **measured.options)
    flows = {}
    for layer, kept, _ in steps:
        if isinstance(layer, Recurrent):
            read, mask = inputs[layer.name]
            options = {"mask": mask, "reverse": layer.go_backwards, "device": layer.device}
            flows[layer.name] = gradient_flow(layer.cell, layer.params, read, *kept.run.asked, **options)
    return flows
