"""Files to resume a training from: all that one epoch hands to the next.

Weights, the optimiser's memory and rate, the states of the random generators, of stateful layers and of callbacks, and
the number of finished epochs. The file is one of `checkpoint`, with what is no array as JSON.
"""

import json
import math

import numpy as np

from .. import checkpoint
from ..errors import InputError
from ..utils.arrays import difference
from ..utils.tree import tree_leaves, tree_map

GENERATORS = ("_weights_rng", "_shuffle_rng", "_dropout_rng")
KINDS = ("parameter", "slot", "state", "callback")
FACTS = {
    "optimizer": str,
    "iterations": int,
    "learning_rate": int | float | None,
    "generators": dict,
    "epoch": int,
    "callbacks": list,
}


def save(model, path, epoch):
    """Write the state of a compiled and built model after ``epoch`` epochs."""
    checkpoint.save(path, *state_of(model, "save_training", epoch))


def state_of(model, caller, epoch):
    """Return the arrays and facts of a training after ``epoch`` epochs."""
    _expect_ready(model, caller)
    if not isinstance(epoch, int | np.integer) or isinstance(epoch, bool) or epoch < 0:
        raise InputError(f"{caller}: expected epoch to be an integer of at least 0, got {epoch!r}")
    optimizer = model.optimizer
    arrays = {f"parameter:{name}": w for name, w in model.weights.items()}
    for name, slots in optimizer.slots.items():
        arrays |= {f"slot:{slot}:{name}": array for slot, array in slots.items()}
    for name, layer in _stateful(model).items():
        arrays |= {f"state:{i}:{name}": s for i, s in enumerate(tree_leaves(layer.state)) if s is not None}
    callbacks = []
    for i, (name, state) in enumerate(model.callback_states):
        lists = {key: value for key, value in state.items() if isinstance(value, list)}
        arrays |= {f"callback:{i}:{key}:{j}": array for key, value in lists.items() for j, array in enumerate(value)}
        plain = {key: _as_json(value) for key, value in state.items() if key not in lists}
        callbacks.append({"class": name, "values": plain, "lists": {key: len(value) for key, value in lists.items()}})
    return arrays, {
        "optimizer": type(optimizer).__name__,
        "iterations": optimizer.iterations,
        "learning_rate": None if callable(optimizer.learning_rate) else optimizer.learning_rate,
        "generators": {name: getattr(model, name).bit_generator.state for name in GENERATORS},
        "epoch": int(epoch),
        "callbacks": callbacks,
        "stream": _stream_state(model),
    }


def load(model, path):
    """Put a model into the state of a file of `save`; return its epoch."""
    _expect_ready(model, "load_training")
    arrays, facts = checkpoint.load_with_facts(path)
    if facts is None:
        raise InputError(f"{path}: not a file of save_training, but of weights alone, which load_weights reads")
    if (facts or {}).get("course", {}).get("batch"):
        raise InputError(f"{path}: written in the middle of an epoch, from where fit(checkpoints=...) goes on")
    return take_in(model, path, arrays, facts)


def take_in(model, path, arrays, facts):
    """Put a model into the state that the arrays and facts of a file describe; return its epoch."""
    try:
        return _take_in(model, path, arrays, {"callbacks": []} | facts)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not a file of save_training ({type(error).__name__}: {error})") from error


def _take_in(model, path, arrays, facts):
    """Check everything, then change the model."""
    optimizer, layers = model.optimizer, _stateful(model)
    for name, kind in FACTS.items():
        if not isinstance(facts[name], kind) or isinstance(facts[name], bool):
            raise InputError(f"{path}: not a file of save_training: its {name} is {facts[name]!r:.60}")
    for name in ("iterations", "epoch", "learning_rate"):
        if facts[name] is not None and not 0 <= facts[name] < math.inf:
            raise InputError(f"{path}: not a file of save_training: its {name} is {facts[name]!r}")
    _expect(path, "the optimizer", type(optimizer).__name__, facts["optimizer"])
    scheduled = "a schedule" if callable(optimizer.learning_rate) else "a number"
    _expect(path, "learning_rate as", scheduled, "a schedule" if facts["learning_rate"] is None else "a number")
    groups = {kind: {} for kind in KINDS}
    for name, array in arrays.items():
        kind, _, rest = name.partition(":")
        groups[kind][rest] = array
    wrong = difference(groups["parameter"], model.weights)
    if wrong:
        raise InputError(f"{path}: not a training of this model: {wrong}")
    slots = _slots(path, model, groups["slot"])
    states = _states(path, layers, groups["state"], model.dtype)
    generators = {name: _generator_state(model, name, facts["generators"]) for name in GENERATORS}
    callbacks = [_callback_state(i, kept, groups["callback"]) for i, kept in enumerate(facts["callbacks"])]

    model.set_weights([groups["parameter"][name] for name in model.weights])
    optimizer.slots, optimizer.iterations = slots, facts["iterations"]
    if facts["learning_rate"] is not None:
        optimizer.learning_rate = facts["learning_rate"]
    for name, state in generators.items():
        getattr(model, name).bit_generator.state = state
    for name, layer in layers.items():
        layer.state = states[name]
    model.resume_callbacks(callbacks)
    model.stream_state = facts.get("stream")
    return facts["epoch"]


def _stream_state(model):
    """Return the state of an iterable of batches that has one, in the types of JSON."""
    state = model.stream_state if model._stream is None else model._stream.get_state()
    try:
        return json.loads(json.dumps(state))
    except (TypeError, ValueError) as error:
        raise InputError(f"save_training: expected get_state() of the batches to fit into JSON, got {error}") from error


def _generator_state(model, name, states):
    """Return the state of a generator, tried out on a new one."""
    generator = type(getattr(model, name).bit_generator)()
    generator.state = states[name]
    return generator.state


def _callback_state(i, kept, arrays):
    """Return (name of the class, state) of the i-th callback."""
    lists = {key: [arrays[f"{i}:{key}:{j}"] for j in range(count)] for key, count in kept["lists"].items()}
    return str(kept["class"]), dict(kept["values"]) | lists


def _as_json(value):
    return value.item() if isinstance(value, np.generic) else value


def _slots(path, model, found):
    """Return {parameter: {slot: array}} for the optimiser; nothing before its first step."""
    slots = {}
    for name, array in found.items():
        slot, _, parameter = name.partition(":")
        w = model.params[parameter]
        _expect(path, f"the optimizer's {slot} of {parameter}", (w.shape, w.dtype), (array.shape, array.dtype))
        slots.setdefault(parameter, {})[slot] = array
    for of_parameter in slots.values():
        _expect(path, "the optimizer's slots", tuple(model.optimizer.slot_names), tuple(of_parameter))
    return slots


def _states(path, layers, found, dtype):
    """Return {name: state} of stateful layers; None: no state yet."""
    states = {}
    for name, layer in layers.items():
        sizes = tree_leaves(layer.cell.state_size)
        arrays = [found.pop(f"{i}:{name}", None) for i in range(len(sizes))]
        for size, array in zip(sizes, arrays, strict=True):
            if array is not None:
                _expect(path, f"states of {name} of size", (size, dtype), (*array.shape[1:], array.dtype))
        items = iter(arrays)
        states[name] = (
            None if arrays[0] is None else tree_map(lambda _, items=items: next(items), layer.cell.state_size)
        )
    if found:
        raise InputError(f"{path}: not a training of this model: its stateful layers are others, {', '.join(found)}")
    return states


def _stateful(model):
    """Return {name: layer} of all stateful recurrent layers, those inside others too."""
    layers = {}
    for layer in model._stateful_layers():
        parts = getattr(layer, "parts", {"": layer})
        layers |= {f"{layer.name}/{prefix}".rstrip("/"): part for prefix, part in parts.items()}
    return layers


def _expect_ready(model, caller):
    if model.loss is None or not model.built:
        raise InputError(f"{caller}: the model needs its layers built (Input) and compile(optimizer, loss) first")


def _expect(path, what, expected, got):
    if expected != got:
        raise InputError(f"{path}: not a training of this model: expected {what} {expected}, got {got}")
