"""Write whole models to one file: the layers as JSON, the weights, and what training remembers if that is asked for."""

from pathlib import Path
from typing import Any

from .. import checkpoint
from ..errors import InputError
from ..rnn.arguments import check_truth_values
from ..training import resume
from ..utils.config import encoded, name_of
from ..utils.tree import tree_lists

FORMAT = "numbarnn model 1"


def save(model: Any, path: str | Path, training: bool, epoch: int) -> None:
    """Write a model to a file of `Sequential.save`, whole or not at all."""
    check_truth_values("save", training=training)
    arrays, facts = {f"parameter:{name}": w for name, w in model.weights.items()}, {}
    if training:
        arrays, facts = resume.state_of(model, "save", epoch)
    elif epoch:
        raise InputError(f"save: expected training=True where there is an epoch, got {epoch!r}")
    compiled = None
    if model.loss is not None:
        made = {"optimizer": model.optimizer, "loss": model.loss, "metrics": model.given_metrics}
        made |= {} if model.loss_weights is None else {"loss_weights": model.loss_weights}
        compiled = {name: encoded(f"{model.name}: {name}", value) for name, value in made.items()}
    description = {"model_format": FORMAT, "model": described("save", model), "compiled": compiled}
    checkpoint.save(path, arrays, facts | description)


def described_calls(inputs: list[Any], layers: list[Any], graph: Any) -> dict[str, Any]:
    """Write which layers of a model are called on what: places, and the numbers of layers."""
    number = {layer: i for i, layer in enumerate(layers)}
    calls = [[number[call.layer], *tree_lists((call.inputs, call.outputs, call.states))] for call in graph.calls]
    return {"inputs": encoded("inputs", inputs), "calls": calls, "outputs": tree_lists(graph.outputs)}


def described(caller: str, model: Any) -> dict[str, Any]:
    """Write all but the weights."""
    kind = name_of(type(model))
    if not kind.startswith("models."):
        known = "Sequential, Model or EncoderDecoder"
        raise InputError(f"{caller}: expected a {known}, got {kind}; save_weights writes its weights")
    options = {"name": model.name, "dtype": model.dtype.name} | model.own_options()
    return {
        "class": kind,
        "options": {name: encoded(name, value) for name, value in options.items()},
        "trainable": bool(model.trainable),
        "input_shape": list(model.input_shape or ()),
        "layers": encoded("layers", model.layers),
        **model.described_calls(),
    }
