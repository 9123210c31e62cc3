import numpy as np
import pytest
from helpers import keras_reference
from helpers.layer_checks import check_gradients, make
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.layers import GRU, LSTM, RNN, Bidirectional, Dense, SimpleRNN

B, T, I, H = 6, 5, 2, 3
MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def some_mask():
    """Rows: nothing valid; zeros at the start, in the middle, at the end; anything; all valid."""
    return np.array(
        [[0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [1, 0, 0, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 0], [1, 1, 1, 1, 1]], bool
    )


def part(layer, name):
    return {key.removeprefix(f"{name}/"): p for key, p in layer.params.items() if key.startswith(f"{name}/")}


def expected(layer, kind, x, mask, initial):
    """Outputs of both directions in the order of x, and the four or two final states."""
    half = None if initial is None else len(initial) // 2
    outputs, states = [], []
    for name, backwards in (("forward", False), ("backward", True)):
        start = None if initial is None else (initial[half:] if backwards else initial[:half])
        zero = layer.return_sequences
        y, final = keras_reference.run(kind, part(layer, name), x, mask, start, go_backwards=backwards, zero=zero)
        y = y[:, ::-1] if backwards and layer.return_sequences else y
        outputs.append(y if layer.return_sequences else y[:, -1])
        states += final
    return outputs, states


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("merge_mode", [*MERGES, None])
@pytest.mark.parametrize("layer", [SimpleRNN, LSTM, GRU])
def test_against_two_loops(layer, merge_mode, return_sequences, rng):
    inner = layer(H, return_sequences=return_sequences, return_state=True)
    both = make(Bidirectional, inner, merge_mode)
    x = rng.standard_normal((B, T, I))
    initial = [rng.standard_normal((B, H)) for _ in range(4 if layer is LSTM else 2)]
    for mask, start in ((None, None), (some_mask(), None), (some_mask(), initial)):
        outputs, states = expected(both, layer.__name__, x, mask, start)
        outputs = outputs if merge_mode is None else [MERGES[merge_mode](*outputs)]
        got = both(x, mask=mask, initial_state=start)
        for a, b in zip(got, [*outputs, *states], strict=True):
            assert_allclose(a, b, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("return_state", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("merge_mode", [*MERGES, None])
def test_gradients(merge_mode, return_sequences, return_state, rng):
    inner = LSTM(H, return_sequences=return_sequences, return_state=return_state)
    layer = make(Bidirectional, inner, merge_mode)
    x = rng.standard_normal((3, 4, I))
    check_gradients(layer, x)
    mask, states = some_mask()[[0, 2, 4], :4], [rng.standard_normal((3, H)) for _ in range(4)]
    check_gradients(layer, x, mask=mask, initial_state=states)


def test_outputs_without_gradient(rng):
    """None stands for an item of the output list that no loss depends on."""
    layer, x = make(Bidirectional, GRU(H, return_state=True), None), rng.standard_normal((B, T, I))
    (a, b, _, d), saved = layer.forward(x)
    assert_array_equal(b, d)
    d_b = rng.standard_normal((B, H))
    d_x, grads = layer.backward(saved, [None, d_b, None, None])
    expected_d_x, expected_grads = layer.backward(saved, [0 * a, 0 * a, 0 * a, d_b])
    assert_array_equal(d_x, expected_d_x)
    for name, grad in grads.items():
        assert_array_equal(grad, expected_grads[name])
        assert grad.any() == name.startswith("backward")


def test_two_different_layers(rng):
    x = rng.standard_normal((B, T, I))
    layer = make(Bidirectional, LSTM(4), backward_layer=GRU(H, go_backwards=True))
    first, second = LSTM(4), GRU(H, go_backwards=True)
    for name, alone in (("forward", first), ("backward", second)):
        alone.build((None, None, I), dtype="float64")
        alone.params = part(layer, name)
    assert layer.output_shape == (None, 4 + H)
    assert_array_equal(layer(x), np.concatenate([first(x), second(x)], axis=-1))


@pytest.mark.parametrize("return_sequences", [False, True])
def test_a_first_layer_that_reads_backwards(return_sequences, rng):
    """Then the outputs stand in the order in which it reads."""
    x = rng.standard_normal((B, T, I))
    turned = make(Bidirectional, SimpleRNN(H, return_sequences=return_sequences, go_backwards=True))
    plain = make(Bidirectional, SimpleRNN(H, return_sequences=return_sequences))
    assert_allclose(turned(x), plain(x[:, ::-1]), rtol=1e-12)


def test_cells_and_shapes(rng):
    x = rng.standard_normal((B, T, I))
    layer = make(Bidirectional, RNN([nr.LSTMCell(4), nr.GRUCell(H)], return_sequences=True, return_state=True), "sum")
    output, *states = layer(x)
    assert output.shape == (B, T, H) and len(states) == 4
    assert layer.output_shape == [(None, None, H), *[((None, 4), (None, 4)), (None, H)] * 2]
    assert layer.params.keys() >= {"forward/0/kernel", "backward/1/bias"}
    none = Bidirectional(GRU(H), merge_mode=None)
    assert none.build((None, None, I)) == [(None, H), (None, H)] and not none.has_one_output
    assert Bidirectional(GRU(H, return_sequences=True)).build((None, 7, I)) == (None, 7, 2 * H)
    assert_array_equal(Bidirectional(GRU(H, return_sequences=True)).compute_mask(x, some_mask()), some_mask())
    assert Bidirectional(GRU(H)).compute_mask(x, some_mask()) is None


def test_fresh_weights_differ_between_directions():
    layer = Bidirectional(LSTM(H))
    layer.build((None, None, I))
    assert layer.count_params() == 2 * 4 * H * (I + H + 1)
    assert np.any(layer.params["forward/kernel"] != layer.params["backward/kernel"])


def test_stateful(rng):
    x = rng.standard_normal((B, T, I))
    with pytest.warns(UserWarning, match="bidirectional: the backward layer goes on from a batch that lies before"):
        layer = make(Bidirectional, LSTM(H, stateful=True))
    plain = make(Bidirectional, LSTM(H, return_state=True))
    first, *states = plain(x)
    assert_array_equal(layer(x), first)
    kept = layer.state
    second = plain(x, initial_state=states)[0]
    assert_array_equal(layer(x), second)
    layer.state = kept
    layer.reset_states(rows=[0, 3])
    mixed = layer(x)
    assert_array_equal(mixed[[0, 3]], first[[0, 3]])
    assert_array_equal(mixed[1], second[1])
    layer.reset_states(states)
    assert_array_equal(layer(x), second)
    layer.reset_states()
    assert_array_equal(layer(x), first)


def test_the_layer_given_stays_as_it_is():
    layer = GRU(H, return_sequences=True)
    Bidirectional(layer).build((None, None, I))
    assert not layer.built and not layer.zero_output_for_mask


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Bidirectional(Dense(3)), r"bidirectional: expected a recurrent layer such as LSTM\(10\), got Dense"),
        (lambda: Bidirectional(nr.LSTMCell(3)), "expected a recurrent layer"),
        (lambda: Bidirectional(LSTM(3), "max"), "expected merge_mode out of .*, got 'max'"),
        (lambda: Bidirectional(LSTM(3), backward_layer=LSTM(3)), "layers of opposite go_backwards, got False twice"),
        (
            lambda: Bidirectional(LSTM(3), backward_layer=LSTM(3, return_sequences=True, go_backwards=True)),
            "layers with the same return_sequences, got False and True",
        ),
        (
            lambda: Bidirectional(LSTM(3), "sum", backward_layer=LSTM(4, go_backwards=True)),
            "layers with outputs of one size to sum, got 3 and 4",
        ),
        (lambda: Bidirectional(LSTM(3, activity_regularizer="l1")), "activity_regularizer on itself, got one on its"),
        (lambda: Bidirectional(LSTM(3), merge="sum"), "it takes layer, merge_mode"),
        (lambda: Bidirectional(LSTM(3)).build((None, 4)), "needs return_sequences=True"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()
