"""Keras 3's own tests of its layers, as far as `nr.layers` can express them: the same calls, the same numbers.

Calls, weights and expected numbers are those of keras/src/layers/rnn/*_test.py and of the files named below, without
any translation of weights; the numbers stand here, so Keras is not needed. `EXPRESSED` collects the test methods of
Keras that a test here is about, `CANNOT` says why the others have none, and the last test compares both with `METHODS`.
"""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import Sequential, initializers
from numbarnn import layers as L
from numbarnn.wrappers.base import Wrapper

METHODS = {  # all test methods of Keras' files; "*" stands for the rest of a name
    "simple_rnn": "basics correctness statefulness pass_initial_state masking",
    "lstm": "basics correctness statefulness pass_initial_state masking stateful_backward",
    "gru": "basics correctness statefulness pass_initial_state pass_return_state masking "
    "legacy_implementation_argument stateful_with_symbolic_batch_size torch_cudnn_dispatch_fires stateful_backward",
    "bidirectional": "basics correctness statefulness pass_initial_state masking return_state output_shape",
    "rnn": "basics compute_output_shape_single_state compute_output_shape_two_states dynamic_shapes "
    "forward_pass_single_state forward_pass_two_states passing_initial_state_single_state "
    "passing_initial_state_two_states statefulness_single_state statefulness_two_states go_backwards serialization "
    "stateful_batch_size_mismatch_raises",
    "stacked_rnn_cells": "basics correctness_single_state_stack correctness_two_states_stack "
    "statefullness_single_state_stack statefullness_two_states_stack return_state_stacked_lstm_cell",
    "time_distributed": "basics build correctness masking with_mask_zero mask_validation_with_mismatched_timesteps",
    "dropout_rnn_cell": "seed_tracking basics",
    "masking": "masking_basics masking_correctness masking_with_tensor",
    "dense": "dense_basics dense_correctness dense_errors dense_sparse dense_no_activation "
    "dense_without_activation_set dense_with_activation dense_constraints enable_lora* lora_* quantize* "
    "load_own_variables*",
    "embedding": "embedding_basics sparse ragged correctness correctness_sparse masking compute_mask_no_masking "
    "embedding_constraints weights_constructor_arg enable_lora* lora_* quantize* embedding_quantize_config "
    "legacy_load_own_variables",
    "activation": "activation_basics",
    "activations": "softmax softmax_axis* log_softmax* temporal_softmax selu softplus softsign sigmoid hard_sigmoid "
    "hard_silu relu relu_with_options* leaky_relu relu6 silu gelu elu tanh exponential mish linear get_method",
    "constant_initializers": "zeros_initializer ones_initializer constant_initializer constant_initializer_array_value "
    "identity_initializer stft_initializer",
    "random_initializers": "random_normal random_uniform variance_scaling orthogonal_initializer get_method "
    "get_method_with_tensor variance_scaling_invalid_* serialization_with_seed_generator",
}
NO_LORA = "there are neither low-rank adapters nor quantised weights"
CANNOT = {
    "lstm.stateful_backward": "tests PyTorch's graph",
    "gru.stateful_backward": "tests PyTorch's graph",
    "gru.torch_cudnn_dispatch_fires": "tests PyTorch's cuDNN",
    "gru.stateful_with_symbolic_batch_size": "tests TensorFlow's symbolic shapes",
    "rnn.serialization": "a layer has no configuration; it pickles, as `check_basics` tests",
    "time_distributed.build": "there are no convolutions",
    "dropout_rnn_cell.seed_tracking": "no layer holds random numbers; the caller passes them as rng",
    "masking.masking_with_tensor": "mask_value is one number, and a layer has no configuration",
    "dense.dense_sparse": "there are no sparse arrays",
    "dense.dense_without_activation_set": "a built layer's activation cannot be set, it says so",
    "dense.enable_lora*": NO_LORA,
    "dense.lora_*": NO_LORA,
    "dense.quantize*": NO_LORA,
    "dense.load_own_variables*": NO_LORA,
    "embedding.sparse": "there are no sparse arrays",
    "embedding.correctness_sparse": "there are no sparse arrays",
    "embedding.ragged": "there are no ragged arrays; sequences are padded",
    "embedding.enable_lora*": NO_LORA,
    "embedding.lora_*": NO_LORA,
    "embedding.quantize*": NO_LORA,
    "embedding.embedding_quantize_config": NO_LORA,
    "embedding.legacy_load_own_variables": "tests Keras' files",
    "activations.softmax_axis*": "softmax is over the last axis",
    "activations.log_softmax*": "there is no log_softmax",
    "activations.relu_with_options*": "activations have no options",
    **{
        f"activations.{name}": f"there is no {name}"
        for name in ("selu", "softplus", "hard_silu", "relu6", "silu", "gelu", "exponential", "mish")
    },
    "constant_initializers.stft_initializer": "there is no Fourier transform",
    "random_initializers.serialization_with_seed_generator": "no initialiser holds random numbers",
}
EXPRESSED = set()

X234 = np.arange(24).reshape(2, 3, 4).astype("float32")
X243 = np.arange(24).reshape(2, 4, 3).astype("float32")
X364 = np.arange(72).reshape(3, 6, 4).astype("float32")
H24 = np.arange(8).reshape(2, 4).astype("float32")
H22 = np.arange(4).reshape(2, 2).astype("float32")
GAPS = {"mask": np.array([[True, True, False, True], [True, False, False, True]])}
ENDS = {"mask": np.array([[True, True, True, False], [True, True, False, False]])}
CONSTANTS = {
    "kernel_initializer": initializers.constant(0.01),
    "recurrent_initializer": initializers.constant(0.02),
    "bias_initializer": initializers.constant(0.03),
}
SEQUENCES = {"return_sequences": True}
ZEROS = {"return_sequences": True, "zero_output_for_mask": True}
BACKWARDS = {"go_backwards": True}


def of(*methods):
    """Note the test methods of Keras that a test is about."""
    EXPRESSED.update(methods)
    return lambda test: test


def same(found, expected, tolerance=1e-6):
    """Keras' `assertAllClose`; numbers (batch,) or (batch, steps) are those of every unit."""
    expected = np.asarray(expected)
    expected = expected[..., None] if expected.ndim < found.ndim else expected
    assert_allclose(found, np.broadcast_to(expected, found.shape), atol=tolerance, rtol=tolerance)


# file and method, layer, options beside CONSTANTS, x, options of the call, the output
SIMPLE_CORRECT, SIMPLE_BACKWARDS = [0.405432, 0.73605347], [0.11144729, 0.5528889]
LSTM_CORRECT = [0.6288687, 0.86899155, 0.9460773]
GRU_CORRECT = [0.5217289, 0.6371659, 0.39384964]
GRU_STATE, GRU_STATE_BACKWARDS = (
    [[0.23774096, 0.33508456], [0.83659905, 1.0227708]],
    [[0.13486053, 0.23261218], [0.78257304, 0.9691353]],
)
OUTPUTS = [
    ("simple_rnn.correctness", L.SimpleRNN, {"units": 4}, X234, {}, SIMPLE_CORRECT),
    ("simple_rnn.correctness", L.SimpleRNN, {"units": 4, "unroll": True}, X234, {}, SIMPLE_CORRECT),
    ("simple_rnn.correctness", L.SimpleRNN, {"units": 4} | BACKWARDS, X234, {}, SIMPLE_BACKWARDS),
    ("simple_rnn.correctness", L.SimpleRNN, {"units": 4, "unroll": True} | BACKWARDS, X234, {}, SIMPLE_BACKWARDS),
    *(
        ("simple_rnn.pass_initial_state", L.SimpleRNN, {"units": 4} | way, X243, {"initial_state": H24}, expected)
        for way, expected in (({}, [0.33621645, 0.6262637]), (BACKWARDS, [0.07344437, 0.43043602]))
    ),
    ("simple_rnn.masking", L.SimpleRNN, {"units": 4, "unroll": True}, X243, GAPS, [0.32951632, 0.61799484]),
    (
        "simple_rnn.masking",
        L.SimpleRNN,
        {"units": 2} | SEQUENCES,
        X243,
        GAPS,
        [[0.0599281, 0.15122814, 0.15122814, 0.32394567], [0.3969304, 0.3969304, 0.3969304, 0.608085]],
    ),
    (
        "simple_rnn.masking",
        L.SimpleRNN,
        {"units": 2} | ZEROS,
        X243,
        GAPS,
        [[0.0599281, 0.15122814, 0, 0.32394567], [0.3969304, 0, 0, 0.608085]],
    ),
    ("simple_rnn.masking", L.SimpleRNN, {"units": 4} | BACKWARDS, X243, GAPS, [0.07376196, 0.43645123]),
    *(
        ("lstm.correctness", L.LSTM, {"units": 3, "implementation": implementation} | options, X364, {}, expected)
        for implementation in (1, 2)
        for options, expected in (
            ({}, LSTM_CORRECT),
            (BACKWARDS, [0.35622165, 0.74789524, 0.8872726]),
            ({"unroll": True}, LSTM_CORRECT),
            ({"unit_forget_bias": False}, [0.57019705, 0.8661914, 0.9459622]),
            ({"use_bias": False}, [0.54986924, 0.86226785, 0.9443936]),
        )
    ),
    *(
        ("lstm.pass_initial_state", L.LSTM, {"units": 2} | way, X243, {"initial_state": [H22, H22]}, expected)
        for way, expected in (
            ({}, [[0.20574439, 0.3558822], [0.64930826, 0.66276]]),
            (BACKWARDS, [[0.13281618, 0.2790356], [0.5839337, 0.5992567]]),
        )
    ),
    ("lstm.masking", L.LSTM, {"units": 2, "unroll": True}, X243, ENDS, [0.11755939, 0.28556206]),
    (
        "lstm.masking",
        L.LSTM,
        {"units": 2} | SEQUENCES,
        X243,
        ENDS,
        [[0.01588910, 0.05552048, 0.11755939, 0.11755939], [0.14185596, 0.28556206, 0.28556206, 0.28556206]],
    ),
    (
        "lstm.masking",
        L.LSTM,
        {"units": 2} | ZEROS,
        X243,
        ENDS,
        [[0.01588910, 0.05552048, 0.11755939, 0], [0.14185596, 0.28556206, 0, 0]],
    ),
    ("lstm.masking", L.LSTM, {"units": 2} | BACKWARDS, X243, {"mask": ENDS["mask"][:, ::-1]}, [0.15341201, 0.3844719]),
    *(
        ("gru.correctness", L.GRU, {"units": 3} | options, X364, {}, expected)
        for options, expected in (
            ({}, GRU_CORRECT),
            (BACKWARDS, [0.24406259, 0.611516, 0.3928808]),
            ({"unroll": True}, GRU_CORRECT),
            ({"reset_after": False}, [0.51447755, 0.6426879, 0.40208298]),
            ({"use_bias": False}, [0.49988455, 0.64701194, 0.4103359]),
        )
    ),
    ("gru.pass_initial_state", L.GRU, {"units": 2}, X243, {"initial_state": H22}, GRU_STATE),
    ("gru.pass_initial_state", L.GRU, {"units": 2} | BACKWARDS, X243, {"initial_state": H22}, GRU_STATE_BACKWARDS),
    ("gru.masking", L.GRU, {"units": 2, "unroll": True}, X243, GAPS, [0.19393763, 0.30818558]),
    (
        "gru.masking",
        L.GRU,
        {"units": 2} | SEQUENCES,
        X243,
        GAPS,
        [[0.03606692, 0.09497581, 0.09497581, 0.19393763], [0.16051409, 0.16051409, 0.16051409, 0.30818558]],
    ),
    (
        "gru.masking",
        L.GRU,
        {"units": 2} | ZEROS,
        X243,
        GAPS,
        [[0.03606692, 0.09497581, 0, 0.19393763], [0.16051409, 0, 0, 0.30818558]],
    ),
    ("gru.masking", L.GRU, {"units": 2} | BACKWARDS, X243, GAPS, [0.11669192, 0.28380975]),
]


@of(*(method for method, *_ in OUTPUTS))
@pytest.mark.parametrize("method, layer, options, x, call, expected", OUTPUTS)
def test_outputs(method, layer, options, x, call, expected):
    same(layer(**CONSTANTS | options)(x, **call), expected, 1e-5 if layer is L.LSTM else 1e-6)


@of("simple_rnn.statefulness", "lstm.statefulness", "gru.statefulness")
@pytest.mark.parametrize(
    "layer, expected, tolerance",
    [
        (L.SimpleRNN, [0.40559256, 0.7361247], 1e-6),
        (L.LSTM, [0.3124785, 0.6863672], 1e-5),
        (L.GRU, [0.29542392, 0.5885018], 1e-6),
    ],
)
def test_statefulness(layer, expected, tolerance):
    layer = layer(4, stateful=True, **CONSTANTS)
    for _ in range(2):
        layer(X234)
        same(layer(X234), expected, tolerance)
        layer.reset_state()


@of("gru.pass_return_state")
@pytest.mark.parametrize("way, expected", [({}, GRU_STATE), (BACKWARDS, GRU_STATE_BACKWARDS)])
def test_pass_return_state(way, expected):
    output, state = L.GRU(2, return_state=True, **way, **CONSTANTS)(X243, initial_state=H22)
    same(output, expected)
    assert_array_equal(output, state)


@of("gru.legacy_implementation_argument")
def test_legacy_implementation_argument():
    """Keras reads the 0 of old files as its default; without files, it is refused."""
    with pytest.raises(nr.InputError, match="expected implementation 1 or 2, got 0"):
        L.GRU(3, implementation=0)


# Bidirectional


def both(make, *arguments, **options):
    return L.Bidirectional(layer=make(2, *arguments, **CONSTANTS), **options)


OTHER = {
    "kernel_initializer": initializers.constant(0.03),
    "recurrent_initializer": initializers.constant(0.02),
    "bias_initializer": initializers.constant(0.01),
}
FORWARD, BACKWARD = [0.39687276, 0.7237238], [0.10004295, 0.53391594]


@of("bidirectional.correctness")
def test_bidirectional():
    first = L.SimpleRNN(2, **CONSTANTS)
    concatenated = np.repeat(np.stack([FORWARD, BACKWARD], axis=1), 2, axis=1)
    same(L.Bidirectional(layer=first)(X234), concatenated)
    same(L.Bidirectional(layer=first, merge_mode="ave")(X234), [0.24845785, 0.6288199])
    for output, expected in zip(L.Bidirectional(first, merge_mode=None)(X234), (FORWARD, BACKWARD), strict=True):
        same(output, expected)
    second = L.SimpleRNN(2, go_backwards=True, **OTHER)
    layer = L.Bidirectional(layer=first, backward_layer=second, merge_mode="mul")
    same(layer(X234), [0.08374989, 0.6740834])
    same(
        L.Bidirectional(layer=L.GRU(2, return_sequences=True, **CONSTANTS), merge_mode="sum")(X234),
        [[0.20937867, 0.34462988, 0.40290534], [0.59829646, 0.6734641, 0.6479671]],
    )


@of("bidirectional.statefulness")
@pytest.mark.filterwarnings("ignore:.*goes on from a batch that lies before")
def test_stateful_bidirectional():
    layer = L.Bidirectional(layer=L.LSTM(2, stateful=True, **CONSTANTS))
    for _ in range(2):
        layer(X243)
        same(layer(X243), [[0.26234663] * 2 + [0.16959146] * 2, [0.6137073] * 2 + [0.5381646] * 2])
        layer.reset_state()


@of("bidirectional.pass_initial_state")
def test_initial_states_of_both():
    output = L.Bidirectional(layer=L.LSTM(2, **CONSTANTS))(X243, initial_state=[H22, H22 * 2, H22 * 3, H22 * 4])
    same(output, [[0.20794602, 0.4577124, 0.14046375, 0.48191673], [0.6682636, 0.6711909, 0.60943645, 0.60950446]])


@of("bidirectional.masking")
def test_masked_bidirectional():
    output = L.Bidirectional(layer=L.GRU(2, **CONSTANTS))(X243, **GAPS)
    same(output, [[0.19393763] * 2 + [0.11669192] * 2, [0.30818558] * 2 + [0.28380975] * 2])


@of("bidirectional.return_state")
def test_states_of_both():
    output, *states = L.Bidirectional(layer=L.LSTM(2, return_state=True, **CONSTANTS))(X243)
    same(output, [[0.1990008] * 2 + [0.12659755] * 2, [0.52335435] * 2 + [0.44717982] * 2])
    expected = [0.1990008, 0.52335435], [0.35567185, 1.0492687], [0.12659755, 0.44717982], [0.2501858, 0.941473]
    for state, numbers in zip(states, expected, strict=True):
        same(state, numbers)


@of("bidirectional.output_shape")
@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("merge_mode", ["ave", "concat", "mul", "sum", None])
def test_bidirectional_shapes(merge_mode, return_state):
    x = np.array([[[101, 202], [303, 404]]])
    layer = L.Bidirectional(L.LSTM(2, return_state=return_state), merge_mode=merge_mode)
    output, shapes = layer(x), layer.compute_output_shape(x.shape)
    assert (output.shape if isinstance(output, np.ndarray) else [y.shape for y in output]) == shapes


# RNN and stacks of cells of one's own


@dataclass(frozen=True)
class OneState(nr.Cell):
    """h' = x kernel + h recurrent_kernel."""

    inputs = {"z": "xh"}
    use_bias = False

    def forward(self, z, s):
        return (z[0],), ()


@dataclass(frozen=True)
class TwoStates(OneState):
    """Both states are made of the first one; Keras' cell has a recurrent_kernel for each, here they are one array."""

    inputs = {"a": "xh", "b": "xh"}
    states = ("a", "b")
    output_states = (0, 1)

    def forward(self, z, s):
        return (z[0], z[1]), ()


@dataclass(frozen=True)
class Added(Wrapper):
    """The output is the sum of both states, as that of Keras' cell."""

    @property
    def output_size(self):
        return self.cell.units

    def unroll(self, params, x, state, mask, options):
        run = self.cell.unroll(params, x, state, mask, options)
        halves = run.outputs.reshape(*run.outputs.shape[:2], 2, -1)

        def backward(d_outputs, d_state, cut=None):
            return run.backward(d_outputs if d_outputs is None else np.tile(d_outputs, 2), d_state, cut)

        return replace(run, outputs=halves.sum(axis=2), backward=backward)


def one(units):
    return OneState(units, initializer="ones")


def two(units):
    return Added(TwoStates(units, initializer="ones"))


MODES = [
    {"return_sequences": sequences, "return_state": state} for sequences in (False, True) for state in (False, True)
]


def as_list(outputs):
    return list(outputs) if isinstance(outputs, list) else [outputs]


@of("rnn.compute_output_shape_single_state", "rnn.compute_output_shape_two_states", "rnn.dynamic_shapes")
@pytest.mark.parametrize("x_shape", [(3, 4, 5), (None, None, 3)])
@pytest.mark.parametrize("cell, states", [(one(8), 1), (two(8), 2)], ids=["one", "two"])
@pytest.mark.parametrize("mode", MODES)
def test_shapes(mode, cell, states, x_shape):
    found = as_list(L.RNN(cell, **mode).compute_output_shape(x_shape))
    output = (*x_shape[: 1 + mode["return_sequences"]], 8)
    assert found == [output, *[(x_shape[0], 8)] * (states * mode["return_state"])]


@of("rnn.forward_pass_single_state", "rnn.forward_pass_two_states")
@pytest.mark.parametrize("cell, states", [(one(2), 1), (two(2), 2)], ids=["one", "two"])
@pytest.mark.parametrize("mode", MODES)
def test_forward_pass(mode, cell, states):
    output, *final = as_list(L.RNN(cell, **mode)(np.ones((1, 2, 3))))
    same(output, states * np.array([[3.0, 9.0]] if mode["return_sequences"] else [9.0]))
    assert len(final) == states * mode["return_state"]
    for state in final:
        same(state, [9.0])


@of("rnn.passing_initial_state_single_state", "rnn.passing_initial_state_two_states")
@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("cell, states", [(one(2), 1), (two(2), 2)], ids=["one", "two"])
def test_passing_initial_state(cell, states, return_state):
    initial = np.ones((2, 2)) if states == 1 else [np.ones((2, 2))] * 2
    output, *final = as_list(L.RNN(cell, return_state=return_state)(np.ones((2, 3, 2)), initial_state=initial))
    same(output, [22.0 * states] * 2)
    assert len(final) == states * return_state
    for state in final:
        same(state, [22.0, 22.0])


@of("rnn.statefulness_single_state", "rnn.statefulness_two_states")
@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("cell, states", [(one(2), 1), (two(2), 2)], ids=["one", "two"])
def test_stateful_cells(cell, states, return_state):
    layer = L.RNN(cell, stateful=True, return_state=return_state)
    layer(np.ones((1, 2, 3)))
    output, *final = as_list(layer(np.ones((1, 2, 3))))
    same(output, [45.0 * states])
    assert len(final) == states * return_state
    for state in final:
        same(state, [45.0])


@of("rnn.go_backwards")
def test_go_backwards():
    layer = L.RNN(one(2), go_backwards=True)
    layer(X234)
    same(layer(X234), [202.0, 538.0])
    layer = L.RNN(one(2), stateful=True, return_state=True)
    layer(X234)
    for found in layer(X234):
        same(found, [954.0, 3978.0])


@of("rnn.stateful_batch_size_mismatch_raises")
def test_another_batch_size():
    inputs = L.Input(shape=(5, 3))
    model = nr.Model(inputs, L.RNN(two(2), stateful=True)(inputs))
    model.predict(np.ones((4, 5, 3)), batch_size=4)
    with pytest.raises(
        ValueError, match=r"expected a batch that goes on from states of shapes \(\(4, 2\).* got 1 rows"
    ):
        model.predict(np.ones((1, 5, 3)), batch_size=1)


STACK = [[18.0, 156.0, 786.0], [162.0, 1020.0, 4386.0]]


@of("stacked_rnn_cells.correctness_single_state_stack")
@pytest.mark.parametrize("mode", MODES)
def test_a_stack_of_one_state_each(mode):
    output, *final = as_list(L.RNN([one(3), one(2)], **mode)(X234))
    same(output, np.array(STACK) if mode["return_sequences"] else np.array(STACK)[:, -1])
    if mode["return_state"]:
        first, second = final
        same(first, np.repeat([[158.0], [782.0]], 3, axis=1))
        same(second, [786.0, 4386.0])


@of("stacked_rnn_cells.correctness_two_states_stack")
@pytest.mark.parametrize("mode", MODES)
def test_a_stack_of_two_states_each(mode):
    output, *final = as_list(L.RNN([two(3), two(2)], **mode)(X234))
    expected = np.array([[72.0, 624.0, 3144.0], [648.0, 4080.0, 17544.0]])
    same(output, expected if mode["return_sequences"] else expected[:, -1])
    if mode["return_state"]:
        for states, numbers in zip(final, ([158.0, 782.0], [1572.0, 8772.0]), strict=True):
            assert len(states) == 2
            for state in states:
                same(state, numbers)


@of("stacked_rnn_cells.statefullness_single_state_stack", "stacked_rnn_cells.statefullness_two_states_stack")
@pytest.mark.parametrize("cell, expected", [(one, [34092.0, 173196.0]), (two, [136368.0, 692784.0])])
def test_stateful_stacks(cell, expected):
    layer = L.RNN([cell(3), cell(2)], stateful=True)
    layer(X234)
    same(layer(X234), expected)


@of("stacked_rnn_cells.return_state_stacked_lstm_cell")
@pytest.mark.parametrize("stack", [list, L.StackedRNNCells])
def test_states_of_a_stack_are_nested(stack):
    layer = L.RNN(stack([L.LSTMCell(10), L.LSTMCell(10)]), return_state=True)
    output, *states = layer(np.zeros((2, 3, 5)))
    assert output.shape == (2, 10) and [[s.shape for s in pair] for pair in states] == [[(2, 10)] * 2] * 2
    shape, *shapes = layer.compute_output_shape((2, 3, 5))
    assert shape == (2, 10) and [list(pair) for pair in shapes] == [[(2, 10)] * 2] * 2


# TimeDistributed, Masking, Dense, Embedding


@of("time_distributed.correctness")
def test_time_distributed():
    x = np.arange(24).reshape(3, 2, 4).astype("float32")
    layer = L.TimeDistributed(layer=L.Dense(1, kernel_initializer=initializers.constant(0.01), use_bias=False))
    same(layer(x), [[0.06, 0.22], [0.38, 0.53999996], [0.7, 0.86]])


class MaskedDense(L.Dense):
    """A dense layer that is zero at masked samples."""

    def forward(self, x, training=False, rng=None, mask=None):
        y, saved = super().forward(x, training, rng)
        return (y if mask is None else y * mask.reshape(-1, 1).astype(y.dtype)), (saved, mask)


@of("time_distributed.masking")
def test_a_mask_of_steps_reaches_the_layer():
    x = np.arange(24).reshape(3, 2, 4).astype("float32")
    layer = L.TimeDistributed(
        layer=MaskedDense(1, kernel_initializer=initializers.constant(0.01), use_bias=False),
    )
    mask = np.array([[False, True], [True, False], [True, True]])
    same(layer(x, mask=mask), [[0, 0.22], [0.38, 0], [0.7, 0.86]])


@of("time_distributed.with_mask_zero")
def test_with_mask_zero():
    """Keras takes the floor of floats as tokens; here tokens are integers."""
    model = Sequential(
        [
            L.Input(shape=(20,)),
            L.Embedding(input_dim=10, output_dim=5, mask_zero=True),
            L.TimeDistributed(L.Dense(units=5, activation="softmax")),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    tokens, labels = rng.integers(1, 10, (22, 20)), rng.integers(1, 2, (22, 20))
    history = model.fit(tokens, labels, epochs=1, batch_size=16, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@of("time_distributed.mask_validation_with_mismatched_timesteps")
def test_a_mask_of_another_length():
    layer, x = L.TimeDistributed(L.Dense(units=5, activation="softmax")), np.zeros((4, 5, 3))
    assert layer(x, mask=np.ones((4, 5), bool)).shape == (4, 5, 5)
    with pytest.raises(ValueError, match=r"expected mask of shape \(4, 5\), got \(4, 6\)"):
        layer(x, mask=np.ones((4, 6), bool))


@of("masking.masking_correctness")
def test_masking():
    x = np.array([[[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]], [[2.0, 2.0], [0.0, 0.0], [2.0, 1.0]]])
    expected, masks = [[False, True, False], [True, False, True]], []
    assert_array_equal(L.Masking(mask_value=0.0).compute_mask(x), expected)

    class Look(L.Layer):
        def forward(self, x, training=False, rng=None, mask=None):
            masks.append(mask)
            return x, None

    assert_array_equal(Sequential([L.Masking(mask_value=0.0), Look()]).predict(x), x)
    (found,) = masks
    assert_array_equal(found, expected)


KERNEL, BIAS, POINT = [[1.0, -2.0], [3.0, -4.0]], [5.0, -6.0], np.array([[-1.0, 2.0]])


@of("dense.dense_correctness", "dense.dense_no_activation", "dense.dense_with_activation")
@pytest.mark.parametrize(
    "options, weights, expected",
    [
        ({"activation": "relu"}, [KERNEL, BIAS], [[10.0, 0.0]]),
        ({"use_bias": False}, [KERNEL], [[5.0, -6.0]]),
        ({"use_bias": False, "activation": None}, [KERNEL], [[5.0, -6.0]]),
        ({"use_bias": False, "activation": "relu"}, [KERNEL], [[5.0, 0.0]]),
    ],
)
def test_dense(options, weights, expected):
    layer = L.Dense(units=2, **options)
    layer.build((1, 2))
    layer.set_weights([np.array(w) for w in weights])
    assert_array_equal(layer(POINT), expected)
    assert ("bias" in layer.params) == (len(weights) == 2)


@of("dense.dense_errors")
def test_dense_with_other_inputs():
    layer = L.Dense(units=2, activation="relu")
    layer(np.ones((1, 2)))
    with pytest.raises(ValueError, match="expected float64 inputs"):
        layer(np.ones((1, 3)))


@of("dense.dense_constraints", "embedding.embedding_constraints")
def test_constraints():
    for option in ("kernel", "bias"):
        layer = L.Dense(units=2, **{f"{option}_constraint": "non_neg"})
        assert isinstance(layer.constraints[option], nr.constraints.NonNeg)
    layer = L.Embedding(3, 2, embeddings_constraint="non_neg")
    assert isinstance(layer.constraints["embeddings"], nr.constraints.NonNeg)


@of("embedding.correctness", "embedding.masking", "embedding.compute_mask_no_masking")
def test_embedding():
    layer = L.Embedding(input_dim=3, output_dim=2, mask_zero=True)
    assert_array_equal(layer.compute_mask(np.array([2, 1, 0])), [True, True, False])
    assert L.Embedding(input_dim=3, output_dim=2, mask_zero=False).compute_mask(np.array([2, 1, 0])) is None
    layer.build((None,))
    layer.set_weights([np.array([[0.0, 0.0], [2.0, 2.0], [3.0, 3.0]])])
    assert_array_equal(layer(np.array([2, 1, 0])), [[3.0, 3.0], [2.0, 2.0], [0.0, 0.0]])


@of("embedding.weights_constructor_arg")
def test_the_table_of_an_embedding():
    """Keras has an option for it; both take an array as initialiser."""
    with pytest.raises(nr.InputError, match=r"Embedding: weights is an option of Keras; here .* an initializer may be"):
        L.Embedding(3, 4, weights=np.ones((3, 4)))
    layer = L.Embedding(3, 4, embeddings_initializer=np.ones((3, 4)))
    layer.build((None,))
    assert_array_equal(layer.params["embeddings"], np.ones((3, 4), "float32"))


# what Keras' `run_layer_test` asks of a layer


def check_basics(layer, shape, output_shape, weights, penalties=0, tokens=0):
    """Shapes, number of weights and penalties, masks, a step of training, and a pickled copy instead of a config."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, tokens, shape) if tokens else rng.standard_normal(shape).astype("float32")
    assert layer.compute_output_shape(shape) == output_shape
    model = Sequential([L.Input(shape[1:]), layer])
    assert len(layer.params) == len(layer.get_weights()) == weights and not layer.non_trainable_weights
    assert sum(penalty is not None for penalty in layer.regularizers.values()) == penalties
    output = layer(x)
    assert output.shape == output_shape and output.dtype == "float32"
    assert_array_equal(layer(x, mask=np.ones(shape[:2], bool)), output)
    assert layer(x, training=True, rng=0).shape == output_shape
    if weights:
        model.compile("sgd", "mse")
        before = layer.get_weights()
        model.fit(x, np.ones(output_shape), batch_size=shape[0], verbose=0)
        assert any((a != b).any() for a, b in zip(before, layer.get_weights(), strict=True))
    copy = pickle.loads(pickle.dumps(layer))
    assert_array_equal(copy(x), layer(x))


REGULARIZERS = {"bias_regularizer": "l1", "kernel_regularizer": "l2", "recurrent_regularizer": "l2"}
BASICS = [
    *(
        (f"{name}.basics", layer(3, **options), (3, 2, 4), (3, 2, 3) if "return_sequences" in options else (3, 3), 3, n)
        for name, layer in (("simple_rnn", L.SimpleRNN), ("lstm", L.LSTM), ("gru", L.GRU))
        for options, n in (
            ({"dropout": 0.5}, 0),
            ({"dropout": 0.5, "recurrent_dropout": 0.5}, 0),
            ({"return_sequences": True} | REGULARIZERS, 3),
        )
    ),
    ("bidirectional.basics", L.Bidirectional(layer=L.SimpleRNN(4)), (3, 2, 4), (3, 8), 6, 0),
    (
        "bidirectional.basics",
        L.Bidirectional(layer=L.SimpleRNN(4), backward_layer=L.SimpleRNN(4, go_backwards=True), merge_mode="sum"),
        (3, 2, 4),
        (3, 4),
        6,
        0,
    ),
    ("rnn.basics", L.RNN(one(5)), (3, 2, 4), (3, 5), 2, 0),
    ("rnn.basics", L.RNN(one(5), return_sequences=True), (3, 2, 4), (3, 2, 5), 2, 0),
    ("rnn.basics", L.RNN(one(5), go_backwards=True, unroll=True), (3, 2, 4), (3, 5), 2, 0),
    ("rnn.basics", L.RNN(two(5)), (3, 2, 4), (3, 5), 2, 0),
    ("rnn.basics", L.RNN(two(5), return_sequences=True), (3, 2, 4), (3, 2, 5), 2, 0),
    *(
        ("stacked_rnn_cells.basics", L.RNN([c(3), c(4), c(5)], **options), (2, 3, 4), shape, 6, 0)
        for c in (one, two)
        for options, shape in (({}, (2, 5)), (SEQUENCES, (2, 3, 5)))
    ),
    *(
        (
            "stacked_rnn_cells.basics",
            L.RNN([make(n, dropout=0.1, recurrent_dropout=0.1) for n in (3, 4, 5)], return_sequences=True),
            (2, 3, 4),
            (2, 3, 5),
            9,
            0,
        )
        for make in (L.SimpleRNNCell, L.GRUCell, L.LSTMCell)
    ),
    (
        "dropout_rnn_cell.basics",
        L.RNN(nr.DropoutWrapper(one(5), input_keep_prob=0.5, state_keep_prob=0.5, variational_recurrent=True)),
        (3, 2, 4),
        (3, 5),
        2,
        0,
    ),
    ("time_distributed.basics", L.TimeDistributed(layer=L.Dense(1, use_bias=False)), (3, 2, 4), (3, 2, 1), 1, 0),
    ("masking.masking_basics", L.Masking(mask_value=0.0), (2, 3, 2), (2, 3, 2), 0, 0),
    (
        "dense.dense_basics",
        L.Dense(4, activation="relu", kernel_initializer="random_uniform", bias_initializer="ones", use_bias=False),
        (2, 3),
        (2, 4),
        1,
        0,
    ),
    (
        "dense.dense_basics",
        L.Dense(5, activation="sigmoid", kernel_regularizer="l2", bias_regularizer="l2"),
        (2, 3, 4),
        (2, 3, 5),
        2,
        2,
    ),
    ("activation.activation_basics", L.Activation("relu"), (2, 3), (2, 3), 0, 0),
    ("activation.activation_basics", L.Activation(np.tanh), (2, 2), (2, 2), 0, 0),
]


@of(*(method for method, *_ in BASICS))
@pytest.mark.parametrize("method, layer, shape, output_shape, weights, penalties", BASICS)
def test_basics(method, layer, shape, output_shape, weights, penalties):
    check_basics(layer, shape, output_shape, weights, penalties)


@of("embedding.embedding_basics")
def test_basics_of_an_embedding():
    check_basics(L.Embedding(input_dim=4, output_dim=3), (2, 1), (2, 1, 3), 1, tokens=4)
    check_basics(L.Embedding(input_dim=5, output_dim=4, mask_zero=True), (2, 3), (2, 3, 4), 1, tokens=5)


# activations and initialisers

FUNCTIONS = {
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "tanh": np.tanh,
    "linear": lambda x: x,
    "softmax": lambda x: (
        np.exp(x - x.max(axis=-1, keepdims=True))
        / np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1, keepdims=True)
    ),
}


@of(*(f"activations.{name}" for name in FUNCTIONS), "activations.temporal_softmax")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_activations(name):
    rng = np.random.default_rng(0)
    for limits in ((0, 1), (-10, 10), (-1e-7, 1e-7), (10, 100), (-100, -10)):
        for shape in ((2, 5), (3, 3, 3)):
            x = rng.uniform(*limits, shape)
            assert_allclose(L.Activation(name)(x), FUNCTIONS[name](x), rtol=1e-5, atol=1e-6)


@of("activations.get_method")
def test_names_of_activations():
    assert L.Activation(FUNCTIONS["relu"]).activation == "relu" and L.Dense(2, None).activation == "linear"
    for layer in (L.Activation, lambda typo: L.LSTM(2, typo), lambda typo: L.LSTM(2, recurrent_activation=typo)):
        for typo in ("typo", np.cos):
            with pytest.raises(ValueError, match="activation"):
                layer(typo)


@of(*(f"constant_initializers.{name}_initializer" for name in ("zeros", "ones", "constant", "identity")))
@of("constant_initializers.constant_initializer_array_value", "random_initializers.get_method_with_tensor")
def test_constant_initializers():
    values, shape = np.random.default_rng(0).random((3, 3)), (3, 3)
    assert_array_equal(initializers.zeros(shape=shape), np.zeros(shape))
    assert_array_equal(initializers.ones(shape=shape), np.ones(shape))
    assert_array_equal(initializers.constant(value=6.0)(shape=shape), np.full(shape, 6.0))
    assert_array_equal(initializers.constant(value=values)(shape=shape, dtype="float64"), values)
    assert_array_equal(initializers.identity(shape=shape, gain=2), np.eye(3) * 2)
    assert_array_equal(initializers.get(values)(shape, dtype="float64"), values)
    with pytest.raises(ValueError, match=r"constant: expected values that broadcast to .*\(10, 10\), got \(3, 3\)"):
        initializers.get(values)(shape=(10, 10))


@of("random_initializers.random_normal", "random_initializers.random_uniform", "random_initializers.variance_scaling")
@of("random_initializers.orthogonal_initializer", "random_initializers.get_method")
@of("random_initializers.variance_scaling_invalid_*")
def test_random_initializers():
    values = initializers.normal(mean=0.0, stddev=1.0)((25, 20), 1234)
    assert_allclose(values.std(), 1.0, atol=0.1)
    values = initializers.uniform(-1.0, 1.0)((5, 5), 1234)
    assert values.min() >= -1 and values.max() < 1
    for mode, fan in ("fan_in", 25), ("fan_out", 20):
        values = initializers.variance_scaling(scale=2.0, mode=mode)((25, 20), 1234)
        assert_allclose(values.std(), np.sqrt(2 / fan), atol=0.1)
    values = initializers.orthogonal((5, 5), 1234, "float64", gain=2.0)
    assert_allclose(values.T @ values, 4 * np.eye(5), atol=1e-12)
    assert initializers.get("Orthogonal") is initializers.orthogonal
    for wrong in ({"scale": -1.0}, {"mode": "invalid_mode"}, {"distribution": "invalid_dist"}):
        with pytest.raises(ValueError, match=f"variance_scaling: expected {next(iter(wrong))} to be"):
            initializers.variance_scaling(**wrong)
    with pytest.raises(ValueError, match="initializer"):
        initializers.get("typo")


def test_every_method_of_keras_is_expressed_or_cannot_be():
    methods = {f"{file}.{name}" for file, names in METHODS.items() for name in names.split()}
    assert methods == EXPRESSED | CANNOT.keys()
    assert not EXPRESSED & CANNOT.keys()
