"""TensorFlow 1's own names of the options of cells, and its order of states."""

from collections import namedtuple
from dataclasses import replace
from inspect import signature

import numpy as np
import pytest
from scipy.special import ndtr

import numbarnn as nr
from numbarnn import maths

X = np.random.default_rng(0).standard_normal((2, 3, 4))
GRID = dict(feature_size=2, frequency_skip=2, num_frequency_blocks=[2])
WITH_UNITS = [name for name in (*nr.cells.CELLS, *nr.cells.COMPOSITE_CELLS)]
LSTMStateTuple = namedtuple("LSTMStateTuple", ["c", "h"])  # as in tf.nn.rnn_cell


@pytest.mark.parametrize("name", WITH_UNITS)
def test_num_units_is_units(name):
    make = getattr(nr, name)
    needed = GRID if "feature_size" in signature(make.__init__).parameters else {}
    assert make(num_units=4, **needed) == make(4, **needed) == make(units=4, **needed)
    with pytest.raises(nr.InputError, match=rf"{name}: expected units or num_units \(TensorFlow's\), got both"):
        make(num_units=4, units=4, **needed)
    with pytest.raises(nr.InputError, match=f"{name}: .*units"):
        make(4, num_units=4, **needed)


ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "linear": lambda x: x,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_sigmoid_keras2": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "softsign": lambda x: x / (1 + abs(x)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "sparse_sigmoid": lambda x: np.clip(x / 2 + 0.5, 0, 1),
    "exponential": np.exp,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "gelu": lambda x: x * ndtr(x),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "hard_shrink": lambda x: np.where(abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
    "sparse_plus": lambda x: np.where(x < 1, np.maximum(x + 1, 0) ** 2 / 4, x),
}


@pytest.mark.parametrize("name", [name for name in maths.ACTIVATIONS if name != "celu"])  # that is elu
def test_functions_as_activations(name):
    """Whatever a function is called, it is the activation with its values, or it is refused."""
    function = ACTIVATIONS[name]
    assert nr.BasicRNNCell(3, activation=function) == nr.BasicRNNCell(3, activation=name)
    assert nr.LSTMCell(3, recurrent_activation=function).recurrent_activation == name
    assert nr.OutputProjectionWrapper(nr.GRUCell(3), output_size=2, activation=function).activation == name


def relu(x):
    return np.clip(x, 0, 5)


@pytest.mark.parametrize("function", [relu, np.sin, np.sum, print, len, lambda x: 1 / 0, lambda x: [x, x]])
def test_functions_that_are_no_activation_are_refused(function):
    with pytest.raises(nr.InputError, match="BasicRNNCell: expected the name of an activation, or a function with"):
        nr.BasicRNNCell(3, activation=function)


@pytest.mark.parametrize("make", [nr.BasicLSTMCell, nr.LSTMCell, nr.NASCell, nr.LayerNormBasicLSTMCell])
def test_state_is_tuple(make):
    """With False the states are one array, c before h."""
    cell, together = make(5, state_is_tuple=True), make(5, state_is_tuple=False)
    assert cell == make(5) and together.state_size == 10
    params = cell.init_params(4, dtype="float64")
    outputs, states = nr.dynamic_rnn(cell, params, X, device="numpy")
    same, state = nr.dynamic_rnn(together, params, X, device="numpy")
    assert np.array_equal(outputs, same) and np.array_equal(state, np.concatenate([states.c, states.h], axis=1))
    stack = nr.MultiRNNCell([make(5, state_is_tuple=False), nr.GRUCell(3)], state_is_tuple=False)
    assert stack.state_size == 13
    with pytest.raises(nr.InputError, match=f"{make.__name__}: expected state_is_tuple to be True or False, got 'no'"):
        make(5, state_is_tuple="no")


@pytest.mark.parametrize("make", [nr.GridLSTMCell, nr.BidirectionalGridLSTMCell])
def test_state_is_tuple_of_a_grid(make):
    """With False the states of all frequency steps are one array: c, m, c, m ..."""
    cell, together = make(3, state_is_tuple=True, **GRID), make(3, state_is_tuple=False, **GRID)
    assert cell == make(3, **GRID)
    params = cell.init_params(4, dtype="float64")
    outputs, states = nr.dynamic_rnn(cell, params, X, device="numpy")
    same, state = nr.dynamic_rnn(together, params, X, device="numpy")
    leaves = [
        a for part in states for pair in (part if isinstance(part[0], tuple) else [part]) for a in (pair.c, pair.m)
    ]
    assert np.array_equal(outputs, same) and np.array_equal(state, np.concatenate(leaves, axis=1))


def test_cells_without_an_initializer_say_what_takes_its_place():
    """TensorFlow's GridLSTMCell has one that it does not use."""
    makers = {
        "GridLSTMCell": lambda **o: nr.GridLSTMCell(3, **GRID, **o),
        "IntersectionRNNCell": lambda **o: nr.IntersectionRNNCell(3, **o),
        "EmbeddingWrapper": lambda **o: nr.EmbeddingWrapper(nr.GRUCell(3), 5, 2, **o),
    }
    for name, make in makers.items():
        assert make(initializer=None) == make()
        with pytest.raises(nr.InputError, match=f"{name}: initializer is an option of TensorFlow; here .*init_params"):
            make(initializer="zeros")


def test_one_state_is_no_tuple():
    for make in (nr.GRUCell, nr.BasicRNNCell):
        with pytest.raises(nr.InputError, match="unexpected keyword argument 'state_is_tuple'"):
            make(5, state_is_tuple=False)


@pytest.mark.parametrize(
    ("word", "value", "here"),
    [
        ("name", "rnn", "parameters have the names of init_params"),
        ("reuse", True, "given the same params"),
        ("dtype", "float32", r"init_params\(input_size, dtype=...\)"),
        ("input_size", 3, "an argument of init_params"),
        ("num_unit_shards", 2, "no parameter is cut into shards"),
    ],
)
def test_options_of_a_graph_are_refused_with_what_takes_their_place(word, value, here):
    for make in (nr.BasicRNNCell, nr.LSTMCell, nr.GRUBlockCell, nr.LSTMBlockFusedCell):
        assert make(3, **{word: None}) == make(3)
        with pytest.raises(nr.InputError, match=f"{make.__name__}: {word} is an option of TensorFlow; here .*{here}"):
            make(3, **{word: value})


def test_dropout_names_rng_for_a_seed():
    with pytest.raises(nr.InputError, match=r"DropoutWrapper: seed is .* here random numbers are those of rng"):
        nr.DropoutWrapper(nr.GRUCell(3), input_keep_prob=0.5, seed=1)
    with pytest.raises(nr.InputError, match="here dropout_state_filter is a function of a state's name"):
        nr.DropoutWrapper(nr.GRUCell(3), state_keep_prob=0.5, dropout_state_filter_visitor=print)


def test_a_state_tuple_of_tensorflow_is_read_by_its_names():
    """TensorFlow's is (c, h), ours (h, c): both have the same widths, and would be swapped without a word."""
    cell = nr.LSTMCell(5)
    params, rng = cell.init_params(4, dtype="float64"), np.random.default_rng(1)
    h, c = rng.standard_normal((2, 2, 5))
    expected = nr.dynamic_rnn(cell, params, X, initial_state=(h, c), device="numpy")
    got = nr.dynamic_rnn(cell, params, X, initial_state=LSTMStateTuple(c, h), device="numpy")
    assert np.array_equal(got.outputs, expected.outputs) and got.state._fields == ("h", "c")
    grads = [run.backward(None, state) for run, state in ((expected, (h, c)), (got, LSTMStateTuple(c=c, h=h)))]
    assert np.array_equal(*(g.inputs for g in grads))
    stack = nr.MultiRNNCell([cell, nr.GRUCell(3)])
    params = stack.init_params(4, dtype="float64")
    nested = [(LSTMStateTuple(c, h), (np.zeros((2, 3)),)), ((h, c), (np.zeros((2, 3)),))]
    assert np.array_equal(*(nr.forward(stack, params, X, initial_state=s, device="numpy").outputs for s in nested))


def test_states_in_the_opposite_order_are_named():
    cell = nr.LSTMCell(5, num_proj=3)
    params, zero = cell.init_params(4, dtype="float64"), cell.zero_state(2, "float64")
    with pytest.raises(nr.InputError, match=r"LSTMCell: expected initial_state in the order \(h, c\), of widths 3, 5"):
        nr.forward(cell, params, X, initial_state=(zero.c, zero.h))
    with pytest.raises(nr.InputError, match=r"expected d_state in the order \(h, c\)"):
        nr.forward(cell, params, X, device="numpy").backward(None, (zero.c, zero.h))


@pytest.mark.parametrize(
    ("written", "device"),
    [("/cpu:0", "cpu"), ("cpu:0", "cpu"), ("/gpu:0", "cuda"), ("/device:GPU:0", "cuda"), ("cuda:0", "cuda")],
)
def test_devices_as_tensorflow_and_pytorch_write_them(written, device):
    cell = nr.GRUCell(3)
    assert nr.DeviceWrapper(cell, written) == nr.DeviceWrapper(cell, device)
    assert replace(nr.DeviceWrapper(cell, written)).device == device


@pytest.mark.parametrize(
    "function",
    [lambda x, y: x + y, np.add, lambda x, y: x * y + 1.0, lambda x, y: np.where(x > 0, y, x * np.tanh(y))],
)
def test_residual_function_alone(function):
    """The gradient that is derived equals central differences."""
    cell = nr.ResidualWrapper(nr.GRUCell(4), residual_fn=function)
    params, rng = cell.init_params(4, dtype="float64"), np.random.default_rng(1)
    outputs = lambda x: nr.forward(cell, params, x, lengths=[3, 1], device="numpy").outputs  # noqa: E731
    d, direction = rng.standard_normal((2, *X.shape))
    grads = nr.forward(cell, params, X, lengths=[3, 1], device="numpy").backward(d)
    expected = ((outputs(X + 1e-6 * direction) - outputs(X - 1e-6 * direction)) * d).sum() / 2e-6
    assert abs((grads.inputs * direction).sum() - expected) < 1e-8
    single = {name: p.astype("f4") for name, p in params.items()}
    run = nr.forward(cell, single, X.astype("f4"), device="numpy")
    assert run.backward(run.outputs).inputs.dtype == np.float32


def joined(params, columns):
    """The matrix that multiplies [x, h] in TensorFlow 1."""
    return np.concatenate([params["kernel"][:, columns], params["recurrent_kernel"][:, columns]])


SEEN = []


def recorded(shape, rng, dtype):
    SEEN.append(shape)
    return nr.initializers.orthogonal(shape, rng, dtype) if len(shape) == 2 else nr.initializers.ones(shape, rng, dtype)


def test_initializer_sees_the_matrices_of_tensorflow():
    """The shapes of its variables: one matrix for [x, h], for a GRU one of the gates and one of the candidate."""
    I, H = 3, 4
    for cell, shapes in (
        (nr.BasicRNNCell(H, initializer=recorded), [(I + H, H)]),
        (nr.LSTMCell(H, initializer=recorded), [(I + H, 4 * H)]),
        (nr.LSTMCell(H, use_peepholes=True, num_proj=2, initializer=recorded), [(5, 16), (4, 2), (4,), (4,), (4,)]),
        (nr.GRUCell(H, initializer=recorded), [(I + H, 2 * H), (I + H, H)]),
        (nr.UGRNNCell(H, initializer=recorded), [(I + H, 2 * H)]),
        (nr.SRUCell(H, initializer=recorded), [(I, 4 * H)]),
        (nr.GLSTMCell(H, number_of_groups=1, initializer=recorded), [(I + H, 4 * H)]),
    ):
        SEEN.clear()
        params = cell.init_params(I, rng=0, dtype="float64")
        assert sorted(SEEN) == sorted(shapes), cell
        assert params.keys() == cell.param_shapes(I).keys()
        if "bias" in params:
            assert np.array_equal(params["bias"], type(cell)(H).init_params(I)["bias"])
    params = nr.GRUCell(4, initializer="orthogonal").init_params(3, rng=1, dtype="float64")
    gates, candidate = joined(params, slice(8)), joined(params, slice(8, None))
    np.testing.assert_allclose(gates @ gates.T, np.eye(7), atol=1e-14)
    np.testing.assert_allclose(candidate.T @ candidate, np.eye(4), atol=1e-14)
    SEEN.clear()
    nr.GLSTMCell(4, number_of_groups=2, initializer=recorded).init_params(6)
    assert SEEN == [(5, 8)] * 2


def test_initializers_of_single_parameters():
    chosen = {"kernel": "zeros", "bias": nr.initializers.constant(0.5)}
    cell = nr.LSTMCell(4, initializer=chosen)
    params, usual = cell.init_params(3, rng=1), nr.LSTMCell(4).init_params(3, rng=1)
    assert not params["kernel"].any() and (params["bias"] == 0.5).all()
    assert np.array_equal(params["recurrent_kernel"], usual["recurrent_kernel"])
    assert replace(cell) == cell and hash(cell) == hash(replace(cell))
    with pytest.raises(
        nr.InputError, match="LSTMCell: no parameter 'weights'; there are kernel, recurrent_kernel, bias"
    ):
        nr.LSTMCell(4, initializer={"weights": "zeros"}).init_params(3)
    with pytest.raises(nr.InputError, match="LSTMCell: initializer: expected a callable or one of zeros, ones"):
        nr.LSTMCell(4, initializer="xavier")
    with pytest.raises(
        nr.InputError, match="GRUCell: kernel_initializer is an option of TensorFlow; here initializer="
    ):
        nr.GRUCell(4, kernel_initializer="zeros")


def test_lstm_block_wrapper_is_the_base_class_it_was():
    assert isinstance(nr.LSTMBlockFusedCell(3), nr.LSTMBlockWrapper) and issubclass(nr.LSTMBlockFusedCell, nr.LSTMCell)
    assert not isinstance(nr.LSTMBlockCell(3), nr.LSTMBlockWrapper)
    with pytest.raises(nr.InputError, match="LSTMBlockWrapper: this is a base class, and wraps nothing"):
        nr.LSTMBlockWrapper()


@pytest.mark.parametrize("Cell", [nr.CoupledInputForgetGateLSTMCell, nr.LayerNormBasicLSTMCell])
@pytest.mark.parametrize("option", [{"norm_gain": 2.0}, {"norm_shift": 0.5}])
def test_norm_options_without_layer_norm_are_refused(Cell, option):
    with pytest.raises(nr.InputError, match="expected no norm_gain and norm_shift without layer_norm"):
        Cell(3, layer_norm=False, **option)
