"""Every option that is a number or a truth value: what is none is refused with a sentence when the object is made."""

import inspect
import math
import types
import typing
from dataclasses import InitVar

import numpy as np
import pytest

import numbarnn as nr
from numbarnn.errors import Checked
from numbarnn.optimizers.base import ALIASES

BAD = {
    float: [math.nan, math.inf, -math.inf, "1", "", True, np.bool_(1), [1.0], (1,), 1j, np.array("x"), {}, 10**400],
    int: [math.nan, math.inf, "1", True, 1.5, 2.0, np.float32(2), [1], {}, 1j],
    bool: ["yes", "False", 1, 0, 0.0, [], {}, math.nan],
}
MAY_BE_INFINITE = {"max_value", "mask_value"}
GRID = {"feature_size": 2, "frequency_skip": 2, "num_frequency_blocks": [2]}
NEEDED = GRID | {  # options without a default
    "units": 4, "rate": 0.1, "n": 2, "steps": 2, "input_dim": 4, "output_dim": 3, "num_proj": 2, "output_size": 2,
    "embedding_classes": 3, "embedding_size": 2, "initial_learning_rate": 0.1, "decay": 0.1, "decay_steps": 5,
    "decay_rate": 0.5, "activation": "tanh", "shape": (3,), "path": "weights.npz", "folder": "runs", "device": "cpu",
    "schedule": lambda epoch: 0.1, "cell": nr.LSTMCell(4), "cells": [nr.GRUCell(3)], "forward_cell": nr.GRUCell(3),
}  # fmt: skip
BASES = {"Cell", "RNNCell", "Layer", "Loss", "CrossEntropy", "Optimizer", "Schedule", "Callback", "LSTMBlockWrapper"}
OTHERS = {"Model", "EncoderDecoder"}  # their options are those of Sequential
PARTS = nr, nr.layers, nr.losses, nr.optimizers, nr.callbacks, nr.constraints, nr.regularizers, nr.metrics


def classes():
    found = {thing for part in PARTS for name in dir(part) if isinstance(thing := getattr(part, name), type)}
    checked = {cls for cls in found if issubclass(cls, Checked) and cls.__name__ not in BASES | OTHERS}
    return sorted(checked, key=lambda cls: (cls.__module__, cls.__name__))


def make(cls, **options):
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    needed = [p.name for p in parameters if p.default is p.empty or (p.name == "output_size" and p.default == 0)]
    fresh = {"layer": nr.layers.LSTM(3)}  # a layer serves once
    return cls(**{name: (NEEDED | fresh)[name] for name in needed if name in NEEDED | fresh} | options)


def plain_options(cls):
    """List (name, bool or int or float, whether None is one) from the annotations of the constructor."""
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        annotation = parameter.annotation.type if isinstance(parameter.annotation, InitVar) else parameter.annotation
        union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
        kinds = set(typing.get_args(annotation)) if union else {annotation}
        for kind in BAD:
            if kind in kinds and kinds <= {kind, type(None), np.floating}:
                yield parameter.name, kind, type(None) in kinds


OPTIONS = [(cls, *option) for cls in classes() for option in plain_options(cls)]


def test_what_is_tried():
    """No part is left out because an annotation changed."""
    assert len(OPTIONS) > 200
    names = {cls.__name__ for cls, *_ in OPTIONS}
    assert names >= {
        "LSTMCell",
        "DropoutWrapper",
        "BatchNormalization",
        "Huber",
        "AdamW",
        "CosineDecay",
        "EarlyStopping",
    }
    assert names >= {"L2", "MaxNorm", "F1", "GridLSTMCell", "Masking", "GRU"}


@pytest.mark.parametrize(("cls", "name", "kind", "optional"), OPTIONS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_no_such_value(cls, name, kind, optional):
    make(cls)
    for bad in BAD[kind] + ([] if optional else [None]):
        if name in MAY_BE_INFINITE and bad in (math.inf, -math.inf):
            continue
        with pytest.raises(nr.InputError, match=name) as raised:
            make(cls, **{name: bad})
        assert str(raised.value).startswith((f"{cls.__name__}: ", f"{cls.__name__.lower()}: ")), raised.value


SIGNED = {"forget_bias", "norm_gain", "norm_shift", "mask_value", "backward_slice_offset", "threshold", "axis"}


@pytest.mark.parametrize(
    ("cls", "name", "kind"),
    [option[:3] for option in OPTIONS if option[2] is not bool and option[1] not in SIGNED],
    ids=lambda v: getattr(v, "__name__", str(v)),
)
def test_nothing_below_zero(cls, name, kind):
    """Sizes, rates, shares and limits."""
    for bad in (-1, -3) if kind is int else (-1.0, -1e-9):
        with pytest.raises(nr.InputError, match=ALIASES.get(name, name)):
            make(cls, **{name: bad})


def test_numbers_of_numpy_are_numbers():
    assert nr.LSTMCell(np.int64(4), forget_bias=np.float32(0.5)).forget_bias == 0.5
    assert nr.layers.Dropout(np.float64(0.5)).rate == 0.5
    assert nr.GRUCell(4, use_bias=np.bool_(False)).param_shapes(3).keys() == {"kernel", "recurrent_kernel"}
    assert nr.layers.Masking(-np.inf).mask_value == -np.inf
    assert nr.constraints.MinMaxNorm(1, math.inf).max_value == math.inf


def test_options_of_ones_own_classes():
    """Also those that are annotated with text."""
    from dataclasses import KW_ONLY, dataclass

    @dataclass(frozen=True)
    class MyCell(nr.SimpleRNNCell):
        _: KW_ONLY
        leak: "float" = 0.5
        width: "int | None" = None
        on: bool = True

    assert MyCell(3, leak=0, width=2).width == 2
    for options in ({"leak": math.nan}, {"width": 1.5}, {"on": "no"}):
        with pytest.raises(nr.InputError, match=f"MyCell: expected {next(iter(options))} to be"):
            MyCell(3, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda v: nr.initializers.constant(v),
        lambda v: nr.initializers.uniform(v, 1.0),
        lambda v: nr.initializers.uniform(-1.0, v),
        lambda v: nr.initializers.normal(v),
        lambda v: nr.initializers.normal(0.0, v),
        lambda v: nr.initializers.torch_uniform(v),
        lambda v: nr.initializers.orthogonal((2, 2), 0, gain=v),
        lambda v: nr.initializers.identity((2, 2), gain=v),
    ],
)
def test_initializers(make):
    for bad in (math.nan, math.inf, -math.inf, "1", True, None, 1j, [math.nan, 1.0]):
        with pytest.raises(nr.InputError, match=r"expected (value|low|high|mean|stddev|units|gain) "):
            make(bad)
    for bad in (lambda: nr.initializers.uniform(1, -1), lambda: nr.initializers.normal(0, -1)):
        with pytest.raises(nr.InputError, match=r"expected (low up to high|stddev of at least 0)"):
            bad()


CELLS = [
    nr.LSTMCell(3),
    nr.IntersectionRNNCell(3),
    nr.GridLSTMCell(3, **GRID),
    nr.BidirectionalGridLSTMCell(3, **GRID),
    nr.MultiRNNCell([nr.GRUCell(2), nr.LSTMCell(3)]),
    nr.Bidirectional(nr.GRUCell(2)),
    nr.OutputProjectionWrapper(nr.GRUCell(2), output_size=1),
    nr.EmbeddingWrapper(nr.GRUCell(2), 5, 2),
    nr.ConcatenatedState(nr.LSTMCell(2)),
]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_fresh_parameters(cell):
    size, caller = None if cell.takes_integers else 3, type(cell).__name__
    for dtype in ("int32", "float16", bool, "complex64", "numbers", None, 5, object):
        with pytest.raises(nr.InputError, match=f"{caller}: expected dtype to be float32 or float64, got"):
            cell.init_params(size, dtype=dtype)
        with pytest.raises(nr.InputError, match=f"{caller}: expected dtype to be float32 or float64, got"):
            cell.zero_state(2, dtype)
    for rng in ("1", -1, 1.5, object()):
        with pytest.raises(nr.InputError, match=f"{caller}: expected rng to be a seed or a NumPy Generator"):
            cell.init_params(size, rng)
    for size in () if cell.takes_integers else (0, -1, 2.0, "3", True, None, math.nan):
        with pytest.raises(nr.InputError, match=f"{caller}: expected input_size to be a positive integer"):
            cell.init_params(size)
    for batch in (-1, 2.0, "3", None):
        with pytest.raises(nr.InputError, match=f"{caller}: expected batch to be an integer of at least 0"):
            cell.zero_state(batch)


def test_dtype_of_layers_and_models():
    for dtype in ("int32", "float16", None):
        with pytest.raises(nr.InputError, match="dense: expected dtype to be float32 or float64"):
            nr.layers.Dense(2).build((None, 3), dtype=dtype)
        with pytest.raises(nr.InputError, match="Sequential: expected dtype"):
            nr.Sequential(dtype=dtype)


X, Y = np.zeros((8, 3), "float32"), np.zeros((8, 3), "float32")
FUNCTIONS = {  # name: (call with options, the options that are whole numbers)
    "sine_mixture": (nr.datasets.sine_mixture, ["n"]),
    "make_windows": (lambda **o: nr.datasets.make_windows(np.arange(50.0), **{"n": 5} | o), ["n", "stride", "count"]),
    "shuffle_batch": (lambda **o: nr.datasets.shuffle_batch(X, Y, **o), ["batch_size"]),
    "batch_stream": (lambda **o: nr.datasets.batch_stream(X, Y, **o), ["batch_size"]),
    "contiguous_batches": (lambda **o: nr.contiguous_batches(X, **{"batch_size": 2, "steps": 2} | o), ["steps"]),
    "pad_sequences": (lambda **o: nr.datasets.pad_sequences([[1]], **o), ["maxlen"]),
    "adding_problem": (lambda **o: nr.datasets.adding_problem(**{"n": 2, "steps": 5} | o), ["n", "steps"]),
    "copy_problem": (lambda **o: nr.datasets.copy_problem(**{"n": 2, "delay": 5} | o), ["n", "delay", "length"]),
    "reversed_digits": (lambda **o: nr.datasets.reversed_digits(**{"n": 2, "longest": 5} | o), ["n", "longest"]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_of_functions(name):
    call, whole = FUNCTIONS[name]
    for option in whole:
        for bad in (1.5, "2", True, math.nan, [2], 1j):
            with pytest.raises(nr.InputError, match=f"{name}: expected {option} to be an integer, got"):
                call(**{option: bad})


def trained(**options):
    model = nr.Sequential([nr.layers.Input((3,)), nr.layers.Dense(3)])
    model.compile("sgd", "mse")
    return model.fit(X, Y, verbose=0, **options)


@pytest.mark.parametrize(
    ("option", "bad"),
    [
        ("batch_size", [None, 0, -1, 1.5, "2", True]),
        ("epochs", [None, 0, -1, 1.5, "2", True]),
        ("initial_epoch", [-1, 1.5, "2", True, None]),
        ("validation_split", [math.nan, math.inf, "0.2", True, [0.2], -0.1, 1.0, 1j]),
        ("shuffle", ["no", 2, None, math.nan, []]),
        ("sample_weight", [[math.nan] * 8, [-1] * 8, ["1"] * 8, [math.inf] * 8, [1j] * 8, "x"]),
    ],
)
def test_arguments_of_fit(option, bad):
    for value in bad:
        with pytest.raises(nr.InputError, match=f"fit: expected {option}"):
            trained(**{option: value})


def test_truth_values_of_models():
    model = nr.Sequential([nr.layers.Input((3,)), nr.layers.Dense(3)])
    model.compile("sgd", "mse")
    for bad in ("no", 1, None, math.nan, []):
        with pytest.raises(nr.InputError, match="expected trainable to be True or False"):
            model.trainable = bad
        with pytest.raises(nr.InputError, match="evaluate: expected return_dict to be True or False"):
            model.evaluate(X, Y, return_dict=bad)
    assert model.trainable is True


def test_weights_of_losses():
    loss = nr.losses.MeanSquaredError()
    for bad in ([math.nan] * 8, [-1] * 8, ["1"] * 8, [math.inf] * 8, [1j] * 8, np.ones(8, object)):
        with pytest.raises(nr.InputError, match="MeanSquaredError: expected weights of finite numbers of at least 0"):
            loss(Y, X, bad)
    with pytest.raises(nr.InputError, match="MeanSquaredError: expected weights of numbers, got <U1"):
        loss.value_and_gradient(Y, X, ["1"] * 8)


def test_shapes_and_axes():
    for bad in (5, "28", (28, 0), (28, -1), (28, 1.5), ("28",), (True,), (math.nan, 3), {28}):
        for layer in (nr.layers.Dense(3, input_shape=(4,)), nr.layers.LSTM(3, input_shape=[None, 4])):
            with pytest.raises(nr.InputError, match=f"{layer.name}: expected the shape of one sample"):
                type(layer)(3, input_shape=bad)
        with pytest.raises(nr.InputError, match="input: expected the shape of one sample"):
            nr.layers.Input(bad)
    for bad in (5, b"dense", ["dense"], True):
        with pytest.raises(nr.InputError, match="Dense: expected name to be text"):
            nr.layers.Dense(3, name=bad)
    for bad in ("0", 0.0, None, True, (0, "1"), math.nan, np.ones(2)):
        for make in (nr.constraints.MaxNorm, nr.constraints.UnitNorm, nr.constraints.MinMaxNorm):
            with pytest.raises(nr.InputError, match=f"{make.__name__}: expected axis to be an integer or a tuple"):
                make(axis=bad)
    for bad in (None, ["concat"], 5, np.ones(2)):
        with pytest.raises(nr.InputError, match="Bidirectional: no merge_mode"):
            nr.Bidirectional(nr.GRUCell(3), merge_mode=bad)


def test_truth_values_of_a_run():
    cell, x = nr.LSTMCell(3), np.ones((2, 4, 2), "float32")
    params = cell.init_params(2)
    for bad in ("no", 1, 0, None, math.nan, []):
        for name in ("time_major", "reverse", "training"):
            with pytest.raises(nr.InputError, match=f"LSTMCell: expected {name} to be True or False, got"):
                nr.forward(cell, params, x, device="numpy", **{name: bad})
            with pytest.raises(nr.InputError, match=f"LSTMCell: expected {name} to be True or False, got"):
                nr.dynamic_rnn(cell, params, x, device="numpy", **{name: bad})
        for name, call in {"unstack_time": (x,), "stack_time": ([x[0]],), "reverse_sequence": (x, [4, 2])}.items():
            with pytest.raises(nr.InputError, match=f"{name}: expected time_major to be True or False, got"):
                getattr(nr, name)(*call, time_major=bad)
        if bad is not None:  # Keras' default
            with pytest.raises(nr.InputError, match="lstm: expected training to be True or False, got"):
                nr.layers.LSTM(3)(x, training=bad)
    assert nr.layers.LSTM(3)(x, training=None).shape == (2, 3)
    yes = np.bool_(True)
    assert nr.forward(cell, params, x, time_major=yes, reverse=yes, device="numpy").outputs.shape == (2, 4, 3)
    for bad in (None, 5, ["cpu"], b"cpu"):
        with pytest.raises(nr.InputError, match="forward: no device"):
            nr.forward(cell, params, x, device=bad)
