"""dropout and recurrent_dropout of recurrent layers: how many masks there are, where they act, who draws them."""

import numpy as np
import pytest
from helpers import keras_reference
from helpers.layer_checks import check_gradients, make
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.layers import GRU, LSTM, Bidirectional, SimpleRNN

B, T, I, H = 4, 5, 3, 4
LAYERS = [(SimpleRNN, {}), (LSTM, {}), (GRU, {}), (GRU, {"reset_after": False})]
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
SEED = 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def drawn(layer, matrix, features):
    """Where the masks (B, gates, features) of a pass with SEED are not zero, seen from outside: the output changes with
    a gate's weights for a feature."""
    saved = {name: array.copy() for name, array in layer.params.items()}
    units, gates = layer.units, GATES[type(layer).__name__]
    masks = np.empty((B, gates, features))
    for array in layer.params.values():
        array[...] = 0.1
    x, state = np.ones((B, 1, I)), [np.ones((B, units)) for _ in layer.cell.state_size]
    for gate in range(gates):
        for feature in range(features):
            block = layer.params[matrix][feature, gate * units : (gate + 1) * units]
            before = layer(x, True, SEED, initial_state=state)
            block[:] = 1
            masks[:, gate, feature] = (layer(x, True, SEED, initial_state=state) != before).any(axis=(1, 2))
            block[:] = 0.1
    for name, array in layer.params.items():
        array[...] = saved[name]
    return masks


def check_against_a_loop(layer, rng, expected_masks):
    kind, x = type(layer).__name__, rng.standard_normal((B, T, I))
    mask = rng.random((B, T)) < 0.7
    mask[0, 0] = False
    initial = [rng.standard_normal((B, H)) for _ in layer.cell.state_size]
    on_x = drawn(layer, "kernel", I) / (1 - layer.dropout)
    on_h = drawn(layer, "recurrent_kernel", H) / (1 - layer.recurrent_dropout)
    for masks, rate in ((on_x, layer.dropout), (on_h, layer.recurrent_dropout)):
        different = len({masks[:, k].tobytes() for k in range(masks.shape[1])})
        assert different == (expected_masks if rate else 1)
        assert (masks == 0).any() == bool(rate)
        assert rate == 0 or len({row.tobytes() for row in masks}) > 1  # each row its own
    drops = [keras_reference.Drop(x_row, h_row) for x_row, h_row in zip(on_x, on_h, strict=True)]
    outputs, _ = keras_reference.run(kind, layer.params, x, mask, initial, drops=drops)
    got = layer.forward(x, True, SEED, mask=mask, initial_state=initial)[0]
    assert_allclose(got, outputs, rtol=1e-12, atol=1e-14)
    plain, _ = keras_reference.run(kind, layer.params, x, mask, initial)
    assert_allclose(layer(x, mask=mask, initial_state=initial), plain, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("implementation", [1, 2])
@pytest.mark.parametrize("layer, options", LAYERS, ids=str)
def test_dropout_of_inputs(layer, options, implementation, rng):
    options = options | ({} if layer is SimpleRNN else {"implementation": implementation})
    layer = make(layer, H, return_sequences=True, dropout=0.4, shape=(None, None, I), **options)
    check_against_a_loop(layer, rng, GATES[type(layer).__name__] if implementation == 1 else 1)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("layer, options", LAYERS, ids=str)
def test_dropout_of_the_previous_output(layer, options, dropout, rng):
    """Every gate has its own masks, of the inputs as well, whatever the implementation."""
    layer = make(
        layer, H, return_sequences=True, dropout=dropout, recurrent_dropout=0.5, shape=(None, None, I), **options
    )
    check_against_a_loop(layer, rng, GATES[type(layer).__name__])


@pytest.mark.parametrize("rates", [{"dropout": 0.4}, {"dropout": 0.3, "recurrent_dropout": 0.4}], ids=str)
@pytest.mark.parametrize("layer, options", LAYERS, ids=str)
def test_gradients(layer, options, rates, rng):
    x, mask = rng.standard_normal((B, T, I)), rng.random((B, T)) < 0.7
    layer = make(layer, H, return_sequences=True, shape=(None, None, I), **rates, **options)
    state = [rng.standard_normal((B, H)) for _ in layer.cell.state_size]
    check_gradients(layer, x, seed=SEED, mask=mask, initial_state=state)


@pytest.mark.parametrize("layer, options", LAYERS, ids=str)
def test_the_readable_engine_draws_the_same(layer, options, rng):
    x, d = rng.standard_normal((B, T, I)), rng.standard_normal((B, H))
    layer = make(layer, H, shape=(None, None, I), dropout=0.3, recurrent_dropout=0.4, **options)
    output, saved = layer.forward(x, True, SEED)
    layer.device = "numpy"
    expected_output, expected_saved = layer.forward(x, True, SEED)
    assert_allclose(output, expected_output, rtol=1e-12)
    (d_x, grads), (expected_d_x, expected) = layer.backward(saved, d), layer.backward(expected_saved, d)
    assert_allclose(d_x, expected_d_x, rtol=1e-11, atol=1e-13)
    for name, grad in grads.items():
        assert_allclose(grad, expected[name], rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("rates", [{"dropout": 0.4}, {"recurrent_dropout": 0.4}], ids=str)
def test_the_seed_decides(rates, rng):
    x = rng.standard_normal((B, T, I)).astype("float32")
    layer = LSTM(H, **rates)
    layer.build((None, None, I))
    output = layer(x, True, 1)
    assert output.dtype == "float32"
    assert_array_equal(layer(x, True, 1), output)
    assert np.any(layer(x, True, 2) != output) and np.any(layer(x) != output)
    generator = np.random.default_rng(1)
    assert np.any(layer(x, True, generator) != layer(x, True, generator))
    with pytest.raises(nr.InputError, match="in training"):
        layer(x, True)


def test_share_of_what_is_dropped(rng):
    """Kept values are scaled so that the mean stays."""
    x = np.ones((2000, 1, 10))
    layer = make(SimpleRNN, 10, "linear", dropout=0.3, use_bias=False, shape=(None, None, 10))
    layer.params["kernel"][...] = np.eye(10)
    y = layer(x, True, SEED)
    assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert abs((y == 0).mean() - 0.3) < 0.01


def test_both_directions_have_masks_of_their_own(rng):
    x = np.ones((B, T, I))
    layer = make(Bidirectional, SimpleRNN(H, dropout=0.5), None, shape=(None, None, I))
    for name, array in layer.params.items():
        array[...] = 0 if "recurrent" in name or "bias" in name else 1
    first, second = layer(x, True, SEED)
    assert np.any(first != second)
    check_gradients(layer, rng.standard_normal((B, T, I)), seed=SEED)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: LSTM(3, dropout=1.0), r"lstm: expected a rate dropout in \[0, 1\), got 1.0"),
        (lambda: GRU(3, recurrent_dropout=-0.1), r"gru: expected a rate recurrent_dropout in \[0, 1\), got -0.1"),
        (lambda: LSTM(3, implementation=3), "lstm: expected implementation 1 or 2, got 3"),
        (lambda: SimpleRNN(3, implementation=1), "SimpleRNN: .*unexpected keyword argument 'implementation'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()
