"""Keras 3: SimpleRNN, LSTM and both GRUs, stacks in one RNN, both directions, masks and go_backwards.

It runs on TensorFlow, or on PyTorch where KERAS_BACKEND says so; that one casts to float32 before each product.
"""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from numbarnn import interop
from numbarnn.cells import GRUBlockCell, GRUCell, LSTMCell, ResetAfterGRUCell, SimpleRNNCell
from numbarnn.errors import InputError

from ..activations import With
from ..quantities import gradient_values
from . import tapes
from .exchange import check_return, gradients_in, in_halves
from .nodes import built, directions, levels, plain

NAME = "Keras"
BACKEND = os.environ.get("KERAS_BACKEND") or ("tensorflow" if find_spec("tensorflow") else "torch")
PACKAGES = ("keras", BACKEND)
KINDS = {SimpleRNNCell: "SimpleRNN", LSTMCell: "LSTM", ResetAfterGRUCell: "GRU", GRUCell: "GRU", GRUBlockCell: "GRU"}
ROUNDED = ("leaky_relu", "gelu")  # TensorFlow has the slope of one, and the square root in the other, in 24 bits
OTHER_AT_KINKS = {"relu6", "selu"}  # there TensorFlow takes the derivative of the other side
UNKNOWN = ("hard_sigmoid_keras2", "gelu_tanh")  # the hard sigmoid of Keras 2; its other gelu has no name there


def has(case):
    """Its layers and activations, with all masks and whole gradients, in short cases."""
    found = plain(case.node) if case.shape.T <= tapes.LONGEST else None
    if case.call.in_steps or case.call.training or not found or (len(found) > 1 and max(map(len, found)) > 1):
        return False
    options = [value for level in found for part in level for value in part.options.values()]
    if case.kinks and OTHER_AT_KINKS.intersection(map(str, options)):
        return False
    if any(value in UNKNOWN or isinstance(value, With) for value in options):
        return False
    try:
        interop.to_keras(*built(case.node))
    except InputError:
        return False
    # one list of initial states is halved between both directions
    return len({kind(part) == "LSTM" for part in found[0]}) == 1


def values(problem):
    p, dtype = problem, str(problem.x.dtype)
    if dtype == "float64" and (BACKEND == "torch" or any(name in str(p.node) for name in ROUNDED)):
        return None  # PyTorch's products have 24 bits here
    keras, layer = library(), layer_of(p)
    turned = p.call.reverse and p.node.cell == "Bidirectional"
    turn = (lambda a: a[:, ::-1]) if turned else (lambda a: a)  # its own inverse
    flip = (lambda a: a[:, ::-1]) if p.call.reverse else (lambda a: a)  # outputs stand in the order of reading
    mask = None if p.call.masking == "none" else keras.ops.convert_to_tensor(turn(p.mask).copy())

    def function(leaves):
        x, *states = leaves
        y, *final = layer(x, mask=mask, initial_state=nested(keras, layer, states), training=False)
        return [y, *keras.tree.flatten(final)]

    variables = [weight.value for weight in layer.trainable_weights]
    (y, *final), pull = TAPES[BACKEND](function, [turn(p.x).copy(), *p.state.values()], variables)
    found = {"forward": {("outputs", None): flip(y)}}
    found["forward"] |= {(f"state.{name}", None): array for name, array in zip(p.state, final, strict=True)}
    cell, _ = interop.from_keras(layer)
    for cotangent, (dy, ds) in p.cotangents.items():
        d_x, *rest = pull([None if dy is None else flip(dy).copy(), *ds.values()])
        d_state = dict(zip(p.state, rest, strict=False))
        d_weights = dict(enumerate(rest[len(p.state) :]))
        back = lambda arrays, cell: interop.from_keras(list(arrays.values()), cell)  # noqa: E731
        d_params = gradients_in(cell, p.params, interop.to_keras, back, d_weights)
        found[cotangent] = gradient_values(p, d_params, turn(d_x), d_state)
    return found


@cache
def library():
    """Keras on its backend."""
    os.environ.setdefault("KERAS_BACKEND", BACKEND)
    if BACKEND == "tensorflow":
        tapes.tensorflow()
    return import_module("keras")


TAPES = {"tensorflow": tapes.of_tensorflow, "torch": tapes.of_torch}


def kind(node):
    """The name of the layer of a plain node, by the class of its cell or of one with the same equations."""
    cell, _ = built(node)
    return next(name for of, name in KINDS.items() if isinstance(cell, of))


def layer_of(problem):
    """The layer with the problem's weights."""
    K, p, dtype = library().layers, problem, str(problem.x.dtype)
    shows = {"return_sequences": True, "return_state": True, "zero_output_for_mask": True, "dtype": dtype}
    if p.node.cell == "Bidirectional":
        first, second = (made(K, part, "", **shows, go_backwards=i == 1) for i, part in enumerate(directions(p.node)))
        layer = K.Bidirectional(first, backward_layer=second, merge_mode=p.cell.merge_mode, dtype=dtype)
    elif p.node.cell == "MultiRNNCell":
        stack = K.StackedRNNCells([made(K, part, "Cell", dtype=dtype) for part in levels(p.node)], dtype=dtype)
        layer = K.RNN(stack, **shows, go_backwards=p.call.reverse)
    else:
        layer = made(K, p.node, "", **shows, go_backwards=p.call.reverse)
    layer.build(p.x.shape)
    weights = dict(enumerate(interop.to_keras(p.cell, p.params)))
    biases = halves(p.cell, p.params, weights)
    layer.set_weights([*(weights | biases).values()])
    check_return({i: weights[i] for i in biases}, interop.to_keras(*interop.from_keras(layer)))
    return layer


def halves(cell, params, weights):
    """Those of the weights that are two biases, with half of the first one in the second."""
    used = enumerate(interop.to_keras(cell, {name: np.ones_like(array) for name, array in params.items()}))
    return {i: np.stack(in_halves(*weights[i], ones[1])) for i, ones in used if np.any(ones == 0)}


def made(K, node, ending, **options):
    """The layer or, with the ending "Cell", the cell of a plain node."""
    cell, _ = built(node)
    for option in ("activation", "recurrent_activation", "use_bias"):
        if hasattr(cell, option):
            options[option] = getattr(cell, option)
    name = kind(node)
    if name == "GRU":
        options["reset_after"] = isinstance(cell, ResetAfterGRUCell)
    return getattr(K, name + ending)(cell.units, **options)


def nested(keras, layer, states):
    """States in the order of ours, nested as the layer takes them."""
    cell = getattr(layer, "cell", None)
    if not isinstance(cell, keras.layers.StackedRNNCells):
        return states
    return keras.tree.pack_sequence_as(cell.state_size, states)
