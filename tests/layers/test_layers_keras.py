"""The layers beside Keras 3: weights go over as they are, outputs, masks, states and gradients are the same.

Needs Keras 3 and PyTorch (pip install keras torch); a longer run installs them.
"""

import os

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn import layers as L
from numbarnn.utils.tree import tree_map, tuple_like

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


@pytest.mark.parametrize(
    "name", ["relu", "elu", "softsign", "tanh", "sigmoid", "hard_sigmoid", "softmax", "leaky_relu"]
)
def test_functions_as_activations(name):
    assert L.Dense(2, getattr(keras.activations, name)).activation == name
    with pytest.raises(nr.InputError, match="or a function with the values of one"):
        L.Dense(2, keras.activations.glu)


def cells(K, rng, count):
    """Random cells of Keras or, from the same state of rng, of numbarnn."""
    made = []
    for _ in range(count):
        options = {"units": int(rng.integers(1, 7)), "use_bias": bool(rng.integers(2))}
        kind = ("SimpleRNNCell", "LSTMCell", "GRUCell")[rng.integers(3)]
        options |= {"reset_after": bool(rng.integers(2))} if kind == "GRUCell" else {}
        made.append(getattr(K, kind)(**options))
    return made


def random_layer(K, seed, masked):
    """A random recurrent layer of Keras or of numbarnn: a single one, cells in `RNN`, both directions."""
    rng = np.random.default_rng(seed)
    names = ("return_sequences", "return_state", "go_backwards", "unroll")
    names = names[:3] if masked else names  # Keras on PyTorch cannot unroll backwards with a mask
    options = {name: bool(rng.integers(2)) for name in names}
    form = seed % 4
    if form == 0:
        kind = ("SimpleRNN", "LSTM", "GRU")[rng.integers(3)]
        return getattr(K, kind)(int(rng.integers(1, 7)), use_bias=bool(rng.integers(2)), **options)
    if form == 1:
        return K.RNN(cells(K, rng, 1)[0], **options)
    if form == 2:
        return K.RNN(cells(K, rng, int(rng.integers(2, 4))), **options)
    options["go_backwards"] = False
    units, merge = int(rng.integers(1, 7)), ("concat", "sum", "mul", "ave", None)[rng.integers(5)]
    first, second = (("SimpleRNN", "LSTM", "GRU")[i] for i in rng.integers(3, size=2))
    backward = getattr(K, second)(units, **options | {"go_backwards": True}) if rng.integers(2) else None
    return K.Bidirectional(getattr(K, first)(units, **options), merge_mode=merge, backward_layer=backward)


def flat(outputs):
    return [a for o in as_list(outputs) for a in (flat(o) if isinstance(o, list | tuple) else [o])]


@pytest.mark.parametrize("seed", range(64))
def test_random_layers(seed):
    """Outputs, states, shapes and gradients, from weights that Keras made."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 7, 3))
    masked = bool(rng.integers(2))
    theirs, ours = random_layer(keras.layers, seed, masked), random_layer(L, seed, masked)
    theirs.build(shape)
    ours.build((None, *shape[1:]))
    theirs.set_weights([rng.standard_normal(w.shape).astype("float32") * 0.5 for w in theirs.get_weights()])
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    ours.set_weights(theirs.get_weights())
    mask = rng.random(shape[:2]) < 0.6 if masked else None
    if mask is not None:  # of what stands ahead of the first valid step Keras' backends say different things
        mask[:, [0, -1]] = True
    x = rng.standard_normal(shape).astype("float32")
    given = torch.tensor(x, requires_grad=True)
    states = random_states(ours, len(x), rng) if rng.integers(2) else None
    if isinstance(ours, L.Bidirectional) and states and type(ours.layer) is not type(ours.backward_layer):
        states = None  # Keras gives each layer half of them
    given_states = None if states is None else [as_tensors(s) for s in states]
    expected = flat(theirs(given, mask=None if mask is None else torch.tensor(mask), initial_state=given_states))
    found, saved = ours.forward(x, True, None, mask, states)
    assert [a.shape for a in flat(found)] == [tuple(a.shape) for a in expected]
    shapes = [tuple(s) for s in flat_shapes(ours.compute_output_shape(shape))]
    assert shapes == [tuple(a.shape) for a in expected]
    for a, b in zip(flat(found), expected, strict=True):
        assert_allclose(a, b.detach().numpy(), rtol=2e-5, atol=3e-6)
    cotangents = [rng.standard_normal(a.shape).astype("float32") for a in expected]
    torch.autograd.backward(expected, [torch.tensor(d) for d in cotangents])
    d_x, d_params = ours.backward(saved, like(found, iter(cotangents)))
    for d, tensor in zip(flat(d_x), [given, *flat(given_states or [])], strict=True):
        assert_allclose(d, tensor.grad.numpy(), rtol=2e-4, atol=3e-5)
    for weight, d in zip(theirs.trainable_weights, d_params.values(), strict=True):
        assert_allclose(d, weight.value.grad.numpy(), rtol=2e-4, atol=3e-5, err_msg=weight.path)


def random_states(layer, batch, rng):
    parts = layer.parts.values() if isinstance(layer, L.Bidirectional) else [layer]
    zeros = [s for part in parts for s in part.get_initial_state(batch)]
    return [tree_map(lambda s: rng.standard_normal(s.shape).astype("float32"), s) for s in zeros]


def as_tensors(state):
    return [as_tensors(s) for s in state] if isinstance(state, tuple) else torch.tensor(state, requires_grad=True)


def flat_shapes(shape):
    return [shape] if isinstance(shape[0], int) else [s for part in shape for s in flat_shapes(part)]


def like(outputs, arrays):
    """The arrays, nested like the outputs."""
    if isinstance(outputs, np.ndarray):
        return next(arrays)
    parts = [like(output, arrays) for output in outputs]
    return parts if isinstance(outputs, list) else tuple_like(outputs, parts)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("inner", ["Dense", "LSTM", "Activation"])
def test_time_distributed(inner, masked):
    """Keras' layers that take no mask get none; a recurrent one has no steps in a mask of steps."""
    make = {
        "Dense": lambda K: K.Dense(3, "tanh"),
        "LSTM": lambda K: K.LSTM(3),
        "Activation": lambda K: K.Activation("softmax"),
    }[inner]
    x = RNG.standard_normal((B, T, 2, I)).astype("float32")
    theirs, ours = keras.layers.TimeDistributed(make(keras.layers)), L.TimeDistributed(make(L))
    theirs.build(x.shape)
    ours.build((None, *x.shape[1:]))
    ours.set_weights(theirs.get_weights())
    if inner == "LSTM" and masked:
        assert_array_equal(ours(x, mask=MASK), ours(x))
        return
    expected = theirs(x, mask=torch.tensor(MASK) if masked else None).detach().numpy()
    assert_allclose(ours(x, mask=MASK if masked else None), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["truncated_normal", "variance_scaling", "lecun_uniform", "random_uniform"])
def test_initializers_of_a_name(name):
    """The same mean, spread and tails."""
    w = nr.initializers.get(name)((300, 400), 0)
    expected = np.asarray(keras.initializers.get(name)((300, 400)))
    assert_allclose([w.mean() / w.std(), w.std()], [0, expected.std()], rtol=0.01, atol=0.01)
    tails = [0.02, 0.2, 0.8, 0.98]
    assert_allclose(np.quantile(w, tails), np.quantile(expected, tails), rtol=0.05)
