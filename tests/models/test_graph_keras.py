"""Graphs of layers against Keras 3, which builds the same models: order of weights, outputs, masks and gradients."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.utils.tree import tree_leaves

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="needs Keras 3 (pip install keras torch)")
torch = pytest.importorskip("torch", reason="needs PyTorch, on which Keras runs here (pip install torch)")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # Keras'

B, S, T = 5, 4, 6
RNG = np.random.default_rng(0)
SERIES, OTHER, VECTORS = RNG.standard_normal((B, S, 3)), RNG.standard_normal((B, T, 3)), RNG.standard_normal((B, 7))
TOKENS, WRITTEN = RNG.integers(0, 9, (B, S)), RNG.integers(0, 9, (B, T))
TOKENS[0, 1], WRITTEN[2, 3:], WRITTEN[3, 1] = 0, 0, 0
TOKENS[:, 0] = WRITTEN[:, 0] = 5  # ahead of the first valid step the output is another there
SERIES[1, 2:] = SERIES[2, :1] = 0
OTHER[:3, 4:] = 0


def seq2seq(L):
    """Keras' example: an encoder hands its states to a decoder."""
    read, written = L.Input((None, 3)), L.Input((None, 3))
    _, h, c = L.LSTM(4, return_state=True)(read)
    outputs, _, _ = L.LSTM(4, return_sequences=True, return_state=True)(written, initial_state=[h, c])
    return [read, written], L.Dense(5, activation="softmax")(outputs), [SERIES, OTHER]


def tokens(L):
    """The same with words, masks, and states that come out.

    Keras 3 forgets the mask of what a layer reads if it is called with initial states, so it is told here.
    """
    read, written = L.Input((None,), dtype="int32") if L is keras.layers else L.Input((None,)), L.Input((None,))
    table = L.Embedding(9, 3, mask_zero=True)
    _, *states = L.GRU(4, return_state=True)(table(read))
    told = {"mask": table.compute_mask(written)} if L is keras.layers else {}
    outputs, h = L.GRU(4, return_sequences=True, return_state=True)(table(written), initial_state=states, **told)
    return [read, written], [L.Dense(5)(outputs), h], [TOKENS, WRITTEN]


def directions(L):
    """Both directions, whose states go to both directions and, side by side, to one."""
    read, written = L.Input((None, 3)), L.Input((None, 3))
    x, *states = L.Bidirectional(L.LSTM(3, return_state=True))(L.Masking()(read))
    h, c = L.Concatenate()([states[0], states[2]]), L.Concatenate()([states[1], states[3]])
    y = L.LSTM(6, return_sequences=True, go_backwards=True)(written, initial_state=[h, c])
    z = L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="sum")(written, initial_state=states)
    return [read, written], [L.Dense(2)(y), L.LSTM(2)(z), x], [SERIES, OTHER]


def shared(L):
    """Layers that are called twice, at different depths; what is read twice."""
    a, b = L.Input((S, 3)), L.Input((T, 3))
    recurrent, dense = L.SimpleRNN(4), L.Dense(4, activation="tanh")
    left, right = dense(recurrent(a)), recurrent(b)
    both = L.Average()([left, right, dense(right)])
    return [a, b], [L.Multiply()([both, left]), L.Dense(1)(L.Add()([both, right]))], [SERIES, OTHER]


def merged(L):
    """Masks of both inputs, of one, and of none at a merge; a long and a short way."""
    a, b = L.Input((S, 3)), L.Input((S, 3))
    masked, other = L.Masking()(a), L.Masking()(b)
    x = L.GRU(3, return_sequences=True)(L.Multiply()([masked, other]))
    y = L.Concatenate()([x, masked, b])
    z = L.Add()([L.Dense(3)(y), L.LSTM(3, return_sequences=True)(b)])
    w = L.LSTM(2)(L.Concatenate(axis=1)([masked, b]))
    return [a, b], [L.GRU(4)(y), L.TimeDistributed(L.Dense(2))(z), w], [SERIES, OTHER[:, :S]]


def normalized(L):
    """A batch normalisation that is called twice, and a network that reads the same twice."""
    a = L.Input((7,))
    normal, x = L.BatchNormalization(), L.Dense(4, activation="relu")(a)
    return a, L.Concatenate()([normal(x), normal(L.Dense(4, activation="tanh")(x))]), VECTORS


MODELS = {build.__name__: build for build in (seq2seq, tokens, directions, shared, merged, normalized)}
BOUNDS = {"float32": 1e-5, "float64": 1e-10}
ROUNDED = ("normalized",)  # in float64, too, Keras takes the moments of a batch in float32


@pytest.fixture(params=BOUNDS)
def dtype(request, monkeypatch):
    """The dtype of both; on PyTorch Keras 3 multiplies matrices of float64 in float32, unless told otherwise."""
    monkeypatch.setattr(keras.src.backend.numpy, "matmul", torch.matmul)
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(request.param)
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


def pair(name, dtype):
    """Our model and that of Keras with the same random weights, and data."""
    inputs, outputs, _ = MODELS[name](keras.layers)
    theirs = keras.Model(inputs, outputs)
    rng = np.random.default_rng(1)
    theirs.set_weights(
        [np.abs(w + 0.3 * rng.standard_normal(w.shape)).astype(dtype) - 0.2 for w in theirs.get_weights()]
    )
    inputs, outputs, data = MODELS[name](nr.layers)
    ours = nr.Model(inputs, outputs, dtype=dtype)
    nr.interop.load_keras(ours, theirs)
    return ours, theirs, data


def close(ours, theirs, dtype, message="", bound=None):
    theirs = keras.ops.convert_to_numpy(theirs)
    assert ours.dtype == dtype and ours.shape == theirs.shape, message
    assert abs(ours - theirs).max() <= (bound or BOUNDS[dtype]) * max(1, abs(theirs).max()), message


@pytest.mark.parametrize("name", MODELS)
def test_outputs_and_gradients(name, dtype):
    ours, theirs, data = pair(name, dtype)
    bound = BOUNDS["float32" if name in ROUNDED else dtype]
    run = ours._forward(ours._inputs(data), training=True)
    found, expected = tree_leaves(run.outputs), tree_leaves(theirs(data, training=True))
    assert len(found) == len(expected)
    rng, cotangents = np.random.default_rng(2), []
    for a, b in zip(found, expected, strict=True):
        close(a, b, dtype, bound=bound)
        cotangents.append(rng.standard_normal(a.shape).astype(dtype))
    sum((b * torch.from_numpy(d)).sum() for b, d in zip(expected, cotangents, strict=True)).backward()
    gradients = run.backward(tuple(cotangents) if len(found) > 1 else cotangents[0]).params
    assert gradients.keys() == ours.params.keys() and len(gradients) == len(theirs.trainable_weights)
    for name, theirs_of_one in zip(ours.params, theirs.trainable_weights, strict=True):
        gradient = theirs_of_one.value.grad
        assert abs(gradient).max() > 1e-3
        close(gradients[name], gradient, dtype, name, bound)


@pytest.mark.parametrize("name", MODELS)
def test_predict_is_as_theirs_and_weights_go_back(name):
    ours, theirs, data = pair(name, "float32")
    for a, b in zip(tree_leaves(ours.predict(data)), tree_leaves(theirs.predict(data, verbose=0)), strict=True):
        close(a, b, "float32")
    for a, b in zip(nr.interop.to_keras(ours), theirs.get_weights(), strict=True):
        assert_array_equal(a, b)
    kinds = [type(layer).__name__ for layer in theirs.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert [type(layer).__name__ for layer in ours.layers] == kinds


def test_moving_averages_of_a_layer_that_is_called_twice():
    ours, theirs, data = pair("normalized", "float32")
    theirs(data, training=True)
    run = ours._forward(ours._inputs(data), training=True)
    expected = [w for w in theirs.weights if "moving" in w.name]
    for name, theirs_of_one in zip(("moving_mean", "moving_variance"), expected, strict=True):
        close(run.updates[f"batch_normalization/{name}"], theirs_of_one, "float32")


@pytest.mark.parametrize("weighted", [None, "all", "each"])
def test_training_on_several_losses(weighted):
    """Losses, metrics, and the weights after two updates; Keras divides weighted sums by the number of samples."""
    ours, theirs, data = pair("shared", "float32")
    both = [nr.losses.MeanSquaredError(reduction="mean_all"), nr.losses.MeanAbsoluteError(reduction="mean_all")]
    ours.compile(nr.optimizers.SGD(0.1), both, metrics=[["mae"], []], loss_weights=[0.5, 2.0])
    sgd = keras.optimizers.SGD(0.1)
    theirs.compile(sgd, loss=["mse", "mae"], loss_weights=[0.5, 2.0], metrics=[["mae"], []])
    rng = np.random.default_rng(3)
    labels = [rng.standard_normal((B, 4)).astype("float32"), rng.standard_normal((B, 1)).astype("float32")]
    weights = {None: None, "all": rng.random(B), "each": [rng.random(B), rng.random(B)]}[weighted]
    of_theirs = [weights, weights] if weighted == "all" else weights
    for _ in range(2):
        found = ours.train_on_batch(data, labels, weights)
        theirs.reset_metrics()
        expected = theirs.train_on_batch(data, labels, of_theirs, return_dict=True)
        assert ours.metrics_names == ["loss", "multiply_loss", "dense_1_loss", "multiply_mae"]
        np.testing.assert_allclose(found[0], expected["loss"], rtol=1e-5)
        (mae,) = (value for name, value in expected.items() if name.endswith("_mae"))  # they number names on
        np.testing.assert_allclose(found[3], mae, rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        close(a, b, "float32")
