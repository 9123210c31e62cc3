"""The layers beside Keras 3: weights go over as they are, outputs, masks, states and gradients are the same.

Needs Keras 3 and PyTorch (pip install keras torch); a longer run installs them.
"""

import os

import numpy as np
import pytest
from numpy.testing import assert_allclose

import numbarnn as nr
from numbarnn import layers as L

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="needs Keras 3 (pip install keras torch)")
torch = pytest.importorskip("torch", reason="needs PyTorch, on which Keras runs here (pip install torch)")

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # Keras'

B, T, I, H = 4, 6, 3, 5
RNG = np.random.default_rng(0)
X = RNG.standard_normal((B, T, I)).astype("float32")
MASK = np.arange(T) < np.array([6, 3, 1, 4])[:, None]
MASK[0, 2] = False

CASES = {
    "SimpleRNN": ("SimpleRNN", (H,), {}),
    "SimpleRNN relu, no bias": ("SimpleRNN", (H, "relu"), {"use_bias": False}),
    "LSTM": ("LSTM", (H,), {}),
    "LSTM hard_sigmoid": ("LSTM", (H,), {"recurrent_activation": "hard_sigmoid", "activation": "relu"}),
    "GRU": ("GRU", (H,), {}),
    "GRU reset before": ("GRU", (H,), {"reset_after": False}),
    "GRU no bias": ("GRU", (H,), {"use_bias": False}),
    "GRU reset before, no bias": ("GRU", (H,), {"use_bias": False, "reset_after": False}),
}
OPTIONS = {
    "last": {},
    "sequences": {"return_sequences": True},
    "state": {"return_state": True},
    "backwards": {"go_backwards": True, "return_sequences": True},
    "zeros": {"zero_output_for_mask": True, "return_sequences": True},
}


def pair(kind, arguments, options):
    """A layer of Keras with random weights, and ours with the same."""
    theirs, ours = getattr(keras.layers, kind)(*arguments, **options), getattr(L, kind)(*arguments, **options)
    theirs.build((B, T, I))
    ours.build((None, T, I))
    for weight in theirs.trainable_weights:
        weight.assign(RNG.standard_normal(weight.shape).astype("float32") * 0.5)
    ours.set_weights(theirs.get_weights())
    return theirs, ours


def as_list(outputs):
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("case", CASES)
def test_recurrent_layers(case, option, masked):
    kind, arguments, more = CASES[case]
    options = more | OPTIONS[option]
    theirs, ours = pair(kind, arguments, options)
    mask = MASK if masked else None
    initial = [RNG.standard_normal((B, H)).astype("float32") for _ in range(2 if kind == "LSTM" else 1)]
    if masked and option == "backwards":  # before the first valid step Keras shows the initial h on JAX, else zeros
        initial = [0 * s for s in initial]
    x = torch.tensor(X, requires_grad=True)
    states = [torch.tensor(s, requires_grad=True) for s in initial]
    expected = as_list(theirs(x, mask=None if mask is None else torch.tensor(mask), initial_state=states))
    found, saved = ours.forward(X, True, None, mask, initial)
    found = as_list(found)
    cotangents = [RNG.standard_normal(a.shape).astype("float32") for a in found]
    for a, b in zip(found, expected, strict=True):
        assert_allclose(a, b.detach().numpy(), rtol=2e-5, atol=2e-6)
    torch.autograd.backward(expected, [torch.tensor(d) for d in cotangents])
    (d_x, *d_states), d_params = ours.backward(saved, cotangents if len(cotangents) > 1 else cotangents[0])
    assert_allclose(d_x, x.grad.numpy(), rtol=2e-4, atol=1e-5)
    for d, state in zip(d_states, () if masked and option == "backwards" else states, strict=False):
        assert_allclose(d, state.grad.numpy(), rtol=2e-4, atol=1e-5)
    assert [w.name for w in theirs.trainable_weights] == list(d_params)
    for weight, (name, d) in zip(theirs.trainable_weights, d_params.items(), strict=True):
        assert_allclose(d, weight.value.grad.numpy(), rtol=2e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("merge", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_bidirectional(kind, merge):
    theirs = keras.layers.Bidirectional(getattr(keras.layers, kind)(H, return_sequences=True), merge_mode=merge)
    ours = L.Bidirectional(getattr(L, kind)(H, return_sequences=True), merge)
    theirs.build((B, T, I))
    ours.build((None, T, I))
    ours.set_weights(theirs.get_weights())
    expected = theirs(X, mask=torch.tensor(MASK)).detach().numpy()
    assert_allclose(ours(X, mask=MASK), expected, rtol=2e-5, atol=2e-6)


def models():
    """The same models in both; each takes the other's list of weights."""
    return {
        "masked GRU": lambda K: [K.Masking(), K.GRU(H, return_sequences=True), K.Dense(2)],
        "embedding": lambda K: [K.Embedding(9, 4, mask_zero=True), K.Bidirectional(K.LSTM(H)), K.Dense(1, "sigmoid")],
        "stack": lambda K: [
            K.Bidirectional(K.GRU(H, return_sequences=True)),
            K.BatchNormalization(),
            K.TimeDistributed(K.Dense(3, "tanh")),
            K.LSTM(H),
            K.Dropout(0.3),
            K.Dense(2),
        ],
    }


@pytest.mark.parametrize("name", ["masked GRU", "embedding", "stack"])
def test_models_take_each_others_weights(name):
    make = models()[name]
    x = RNG.integers(0, 9, (B, T)) if name == "embedding" else X * MASK[..., None]
    shape = (T,) if name == "embedding" else (T, I)
    theirs, ours = (
        keras.Sequential([keras.layers.Input(shape), *make(keras.layers)]),
        nr.Sequential([L.Input(shape), *make(L)]),
    )
    random = [RNG.standard_normal(w.shape).astype("float32") ** 2 * 0.3 for w in theirs.get_weights()]
    theirs.set_weights(random)
    assert [w.shape for w in theirs.get_weights()] == [w.shape for w in ours.get_weights()]
    ours.set_weights(theirs.get_weights())
    assert ours.count_params() == theirs.count_params()
    expected = theirs.predict(x, verbose=0)
    found = ours.predict(x)
    if name == "masked GRU":  # at masked steps each shows the output before
        expected, found = expected[x.any(axis=2)], found[x.any(axis=2)]
    assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", ["GRU", "LSTM", "SimpleRNN"])
def test_a_step_of_training(kind):
    """From the same weights, gradients to both biases of a GRU included."""
    theirs = keras.Sequential([keras.layers.Input((T, I)), getattr(keras.layers, kind)(H), keras.layers.Dense(2)])
    ours = nr.Sequential([L.Input((T, I)), getattr(L, kind)(H), L.Dense(2)])
    theirs.set_weights([RNG.standard_normal(w.shape).astype("float32") * 0.5 for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    y = RNG.standard_normal((B, 2)).astype("float32")
    theirs.compile(keras.optimizers.SGD(0.5), "mse")
    ours.compile(nr.optimizers.SGD(0.5), "mse")
    assert ours.train_on_batch(X, y) == pytest.approx(float(theirs.train_on_batch(X, y)), rel=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["hard_sigmoid", "relu", "elu", "softsign", "softplus", "tanh", "sigmoid", "softmax"])
def test_activations_of_a_name(name):
    x = RNG.standard_normal((B, 7)).astype("float32") * 3
    try:
        ours = L.Activation(name)
    except nr.InputError:
        pytest.skip(f"nr.layers has no {name}")
    assert_allclose(ours(x), np.asarray(keras.activations.get(name)(torch.tensor(x))), rtol=1e-5, atol=1e-6)
