"""`gradient_flow` of the recurrent layers inside a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..layers.graph import sorted_calls
from ..layers.recurrent import Recurrent, Saved
from ..layers.stateless import without_memory
from ..layers.states import as_state
from ..training.forward_pass import forward
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

    The pass is without dropout and starts from zero states. Layers inside wrappers are left out, and those on
    which the loss does not depend.

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
    values, mask = values_and_mask(batch)
    calls = [_without_memory(call) for call in model.graph.calls]
    recurrent = [call for call in calls if isinstance(call.layer, Recurrent)]
    if not recurrent:
        raise InputError("model_gradient_flow: expected a model with recurrent layers, got none")
    # what these layers read is kept
    read = tuple((call.inputs, call.states) for call in recurrent)
    graph = sorted_calls(calls, model.graph.inputs, model.graph.outputs, final=read)
    run = forward(graph, values, mask=mask, keep=True)
    run.steps = [(call, _recorded(saved), d_penalty) for call, saved, d_penalty in run.steps]
    measured = model._measure(y, run)
    run.backward(measured.gradient, **measured.options)
    asked: Any = {call.outputs: saved.run for call, saved, _ in run.steps if isinstance(saved, Saved)}
    flows = {}
    for call, (x, states) in zip(recurrent, run.state, strict=True):
        # the loss does not depend on it
        if asked[call.outputs].asked is None:
            continue
        layer, options = call.layer, {"mask": run.masks[call.inputs]}
        options |= {"initial_state": as_state(layer.cell, states)} if states else {}
        options |= {"reverse": layer.go_backwards, "device": layer.device}
        flows[layer.name] = gradient_flow(layer.cell, layer.params, x, *asked[call.outputs].asked, **options)
    return flows


def _without_memory(call):
    return call._replace(layer=without_memory(call.layer)) if isinstance(call.layer, Recurrent) else call


def _recorded(saved):
    return replace(saved, run=Recorder(saved.run)) if isinstance(saved, Saved) else saved
