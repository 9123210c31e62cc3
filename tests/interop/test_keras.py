"""Weights from and to Keras 3: outputs and gradients as of its layers, lists, models, and files."""

import io
import os
import sys
import zipfile

import numpy as np
import pytest
from helpers import keras_reference
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import layers as L
from numbarnn.interop import from_keras, load_keras, save_keras_weights, to_keras

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="needs Keras 3 (pip install keras torch)")
torch = pytest.importorskip("torch", reason="needs PyTorch, on which Keras runs here (pip install torch)")
K = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # Keras'

B, T, I, H = 4, 6, 3, 5
RNG = np.random.default_rng(0)
START = RNG.bit_generator.state
BOUNDS = {"float32": 1e-6, "float64": 1e-12}
MASK = np.arange(T) < np.array([6, 3, 1, 4])[:, None]
MASK[0, 2] = False
LAYERS = {
    "SimpleRNN": lambda **o: K.SimpleRNN(H, **o),
    "SimpleRNN relu": lambda **o: K.SimpleRNN(H, activation="relu", use_bias=False, **o),
    "LSTM": lambda **o: K.LSTM(H, **o),
    "LSTM hard": lambda **o: K.LSTM(H, recurrent_activation="hard_sigmoid", activation="relu", **o),
    "LSTM without bias": lambda **o: K.LSTM(H, use_bias=False, **o),
    "GRU": lambda **o: K.GRU(H, **o),
    "GRU reset before": lambda **o: K.GRU(H, reset_after=False, **o),
    "GRU without bias": lambda **o: K.GRU(H, use_bias=False, **o),
    "stack": lambda **o: K.RNN([K.LSTMCell(2), K.GRUCell(H)], **o),
    "both": lambda **o: K.Bidirectional(K.GRU(H, **o)),
    "sum": lambda **o: K.Bidirectional(K.LSTM(H, **o), merge_mode="sum"),
}


ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu"),
    *("linear", "log_sigmoid", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus"),
    *("softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "swish", "tanh_shrink"),
)
WITH_PARAMETERS = {
    "leaky_relu": ({"negative_slope": 0.3}, nr.activations.LeakyReLU(0.3)),
    "elu": ({"alpha": 0.4}, nr.activations.ELU(0.4)),
    "celu": ({"alpha": 0.6}, nr.activations.CELU(0.6)),
    "squareplus": ({"b": 0.5}, nr.activations.Squareplus(0.5)),
    "hard_shrink": ({"threshold": 0.3}, nr.activations.HardShrink(0.3)),
    "soft_shrink": ({"threshold": 0.3}, nr.activations.SoftShrink(0.3)),
    "threshold": ({"threshold": -0.2, "default_value": 0.1}, nr.activations.Threshold(-0.2, 0.1)),
    "gelu": ({"approximate": True}, "gelu_tanh"),
}
AS_LAYERS = {  # layers as activations, which say their parameters
    K.LeakyReLU(0.3): nr.activations.LeakyReLU(0.3),
    K.ELU(0.4): nr.activations.ELU(0.4),
    K.ReLU(): "relu",
    K.ReLU(max_value=6): "relu6",
    K.ReLU(negative_slope=0.1): nr.activations.LeakyReLU(0.1),
    K.ReLU(threshold=0.2): nr.activations.ThresholdedReLU(0.2),
}


@pytest.fixture(autouse=True)
def same_numbers():
    """Each test has the same random numbers, whichever ran before."""
    RNG.bit_generator.state = START


def layer_of(case, **options):
    """A layer of Keras with random weights."""
    return filled(LAYERS[case](return_sequences=True, **options))


def filled(layer):
    layer.build((B, T, I))
    for weight in layer.trainable_weights:
        weight.assign((RNG.standard_normal(weight.shape) * 0.5).astype(layer.compute_dtype))
    return layer


def check(ours, theirs):
    theirs = keras.ops.convert_to_numpy(theirs)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    assert abs(ours - theirs).max() <= BOUNDS[ours.dtype.name] * max(1, abs(theirs).max())


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("case", LAYERS)
def test_runs_as_the_layer_does(case, masked):
    layer = layer_of(case, zero_output_for_mask=True)
    check_run(layer, *from_keras(layer), MASK if masked else None)


@pytest.mark.parametrize("case", ["LSTM", "LSTM without bias", "GRU", "GRU without bias"])
def test_runs_as_the_layer_does_in_double_precision(case):
    """On PyTorch, Keras casts to single precision in its loop for masks and for the other layers.

    PyTorch's own hard sigmoid has a sixth in single precision.
    """
    layer = layer_of(case, dtype="float64")
    check_run(layer, *from_keras(layer))


def check_run(layer, cell, params, mask=None):
    """Outputs and gradients of the layer and of the cell."""
    x = RNG.standard_normal((B, T, I)).astype(layer.compute_dtype)
    theirs = torch.from_numpy(x).requires_grad_()
    outputs = layer(theirs, mask=None if mask is None else torch.from_numpy(mask))
    run = nr.forward(cell, params, x, mask=mask, device="numpy")
    check(run.outputs, outputs.detach())
    d_outputs = RNG.standard_normal(run.outputs.shape).astype(layer.compute_dtype)
    (outputs * torch.from_numpy(d_outputs)).sum().backward()
    grads = run.backward(d_outputs)
    check(grads.inputs, theirs.grad)
    for ours, weight in zip(to_keras(cell, grads.params), layer.trainable_weights, strict=True):
        if weight.path.endswith("bias") and ours.shape == (
            2,
            3 * H,
        ):  # the second biases of r and z, which are none of ours
            ours[1, : 2 * H] = ours[0, : 2 * H]
        check(ours, weight.value.grad)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_runs_with_each_activation_of_keras(activation):
    gated = filled(K.GRU(H, recurrent_activation=activation, return_sequences=True, reset_after=False))
    for layer in (filled(K.LSTM(H, activation=activation, return_sequences=True)), gated):
        layer.set_weights([weight / 4 for weight in layer.get_weights()])  # so that states stay near 1
        check_run(layer, *from_keras(layer))


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_runs_with_parameters_of_activations(name):
    """Keras takes a function, which does not say what it is."""
    parameters, ours = WITH_PARAMETERS[name]
    function = lambda x: getattr(keras.activations, name)(x, **parameters)  # noqa: E731
    layer = filled(K.SimpleRNN(H, activation=function, return_sequences=True))
    layer.set_weights([weight / 2 for weight in layer.get_weights()])  # so that errors of rounding do not grow
    check_run(layer, *from_keras(layer.get_weights(), nr.SimpleRNNCell(H, activation=ours)))


@pytest.mark.parametrize("activation", AS_LAYERS, ids=lambda layer: layer.name)
def test_layers_as_activations_come_in(activation):
    layer = filled(K.SimpleRNN(H, activation=activation, return_sequences=True))
    cell, params = from_keras(layer)
    assert cell == nr.SimpleRNNCell(H, activation=AS_LAYERS[activation])
    check_run(layer, cell, params)


def test_activations_without_a_counterpart_are_named():
    for activation, match in {K.PReLU(): "PReLU", K.ReLU(6, threshold=1): "ReLU with .*'max_value': 6"}.items():
        with pytest.raises(nr.InputError, match=f"from_keras: no counterpart of the activation {match}"):
            from_keras(filled(K.SimpleRNN(H, activation=activation)))
    with pytest.raises(nr.InputError, match="no activation 'glu'"):
        from_keras([np.ones((I, H)), np.ones((H, H))], nr.SimpleRNNCell(H, activation="glu"))


@pytest.mark.parametrize("case", ["SimpleRNN", "LSTM", "GRU", "GRU reset before"])
def test_runs_as_keras_equations_in_double_precision(case):
    weights = [RNG.standard_normal(weight.shape) * 0.5 for weight in layer_of(case).get_weights()]
    names, x = ("kernel", "recurrent_kernel", "bias"), RNG.standard_normal((B, T, I))
    cell, params = from_keras(weights)
    kind, params_there = case.partition(" ")[0], dict(zip(names, weights, strict=True))
    expected, _ = keras_reference.run(kind, params_there, x, mask=MASK, zero=True)
    assert abs(nr.forward(cell, params, x, mask=MASK, device="numpy").outputs - expected).max() < 1e-12


@pytest.mark.parametrize("case", LAYERS)
def test_round_trips_keep_every_bit(case):
    layer = layer_of(case)
    cell, params = from_keras(layer)
    weights = to_keras(cell, params)
    layer.set_weights(weights)
    again, same = from_keras(layer.get_weights(), cell)
    assert again is cell
    assert {n: a.tobytes() for n, a in same.items()} == {n: a.tobytes() for n, a in params.items()}
    for first, second in zip(weights, to_keras(cell, same), strict=True):
        assert_array_equal(first, second)


def test_a_list_says_all_but_the_activation():
    for case in ("SimpleRNN", "LSTM", "GRU", "GRU reset before", "GRU without bias"):
        layer = layer_of(case)
        assert from_keras(layer.get_weights())[0] == from_keras(layer)[0]


def test_cells_come_in_with_their_dropout():
    layer = K.GRU(H, dropout=0.25, recurrent_dropout=0.5)
    layer.build((B, T, I))
    cell, _ = from_keras(layer)
    inner = nr.RecurrentDropoutWrapper(nr.ResetAfterGRUCell(H), 0.5, per_gate=True)
    assert cell == nr.DropoutWrapper(inner, input_keep_prob=0.75, variational_recurrent=True)
    for theirs, ours in ((K.LSTMCell(H), nr.LSTMCell(H)), (K.StackedRNNCells([K.GRUCell(2, reset_after=False)]), None)):
        theirs.build((B, I))
        assert from_keras(theirs)[0] == (ours or nr.MultiRNNCell([nr.GRUCell(2)]))


def test_the_forget_bias_goes_into_the_bias():
    cell, x = nr.LSTMBlockCell(H), RNG.standard_normal((B, T, I)).astype("float32")
    params = cell.init_params(I, rng=1)
    layer = layer_of("LSTM")
    layer.set_weights(to_keras(cell, params))
    check(nr.forward(cell, params, x, device="numpy").outputs, layer(x).detach())


def models():
    """The same model here and there, with different weights."""
    both = []
    for lib, model, options in ((K, keras.Sequential, {}), (L, nr.Sequential, {"device": "numpy"})):
        layers = [
            lib.Input((None,)),
            lib.Embedding(9, 3, mask_zero=True),
            lib.Bidirectional(lib.LSTM(4, return_sequences=True, dropout=0.1)),
            lib.GRU(5, return_sequences=True, recurrent_dropout=0.1),
            lib.RNN([lib.LSTMCell(2), lib.GRUCell(3), lib.LSTMCell(4)], return_sequences=True),
            lib.Dropout(0.2),
            lib.TimeDistributed(lib.Dense(3, activation="tanh")),
            lib.BatchNormalization(),
            lib.Bidirectional(lib.RNN([lib.LSTMCell(2), lib.LSTMCell(3)])),
            lib.Dense(3),
            lib.Dense(2, name="scores"),
        ]
        both.append(model(layers, **options))
    for weight in both[0].weights:
        values = RNG.standard_normal(weight.shape) * 0.5
        weight.assign((abs(values) + 0.5 if "variance" in weight.path else values).astype("float32"))
    return both


TOKENS = RNG.integers(0, 9, (B, T))


def check_same(theirs, ours):
    check(ours.predict(TOKENS), theirs(torch.from_numpy(TOKENS)).detach())


def test_a_model_comes_in_trains_and_goes_back():
    theirs, ours = models()
    theirs.compile("adam", "mse")
    labels = RNG.standard_normal((B, 2))
    theirs.fit(TOKENS, labels, verbose=0)
    load_keras(ours, theirs)
    check_same(theirs, ours)
    for ours_too, theirs_too in zip(to_keras(ours), theirs.get_weights(), strict=True):
        different = ours_too != theirs_too  # the two biases of a cell's GRU are joined
        assert not different.any() or ours_too.shape == (2, 9)
    ours.compile("adam", nr.losses.MeanSquaredError())
    before = ours.get_weights()
    ours.fit(TOKENS, labels, epochs=2, verbose=0)
    assert any((a != b).any() for a, b in zip(before, ours.get_weights(), strict=True))
    theirs.set_weights(to_keras(ours))
    check_same(theirs, ours)


def test_files_hold_the_same_weights(tmp_path):
    pytest.importorskip("h5py", reason="needs h5py (pip install h5py)")
    theirs, ours = models()
    theirs.compile("adam", "mse")
    theirs.fit(TOKENS, RNG.standard_normal((B, 2)), verbose=0)
    theirs.save_weights(tmp_path / "their.weights.h5")
    theirs.save(tmp_path / "their.keras")
    for name in ("their.weights.h5", "their.keras"):
        ours.set_weights([w * 0 for w in ours.get_weights()])
        load_keras(ours, tmp_path / name)
        check_same(theirs, ours)
    ours.set_weights([w / 2 for w in ours.get_weights()])
    save_keras_weights(tmp_path / "our.weights.h5", ours)
    fresh, _ = models()
    fresh.load_weights(tmp_path / "our.weights.h5")
    check_same(fresh, ours)
    with pytest.raises(nr.InputError, match=r"expected a name that ends with \.weights\.h5"):
        save_keras_weights(tmp_path / "our.h5", ours)


def test_functional_models_have_the_same_files(tmp_path):
    pytest.importorskip("h5py", reason="needs h5py (pip install h5py)")
    made = []
    for lib, model, options in ((K, keras.Model, {}), (L, nr.Model, {"device": "numpy"})):
        x = lib.Input((T, I))
        y = lib.Dense(2)(lib.Bidirectional(lib.GRU(3))(lib.LSTM(4, return_sequences=True)(x)))
        made.append(model(x, y, **options))
    theirs, ours = made
    theirs.save(tmp_path / "their.keras")
    load_keras(ours, tmp_path / "their.keras")
    x = RNG.standard_normal((B, T, I)).astype("float32")
    check(ours.predict(x), theirs(torch.from_numpy(x)).detach())
    ours.set_weights([w / 2 for w in ours.get_weights()])
    save_keras_weights(tmp_path / "our.weights.h5", ours)
    theirs.load_weights(tmp_path / "our.weights.h5")
    check(ours.predict(x), theirs(torch.from_numpy(x)).detach())


def test_bad_files_change_nothing(tmp_path):
    h5py = pytest.importorskip("h5py", reason="needs h5py (pip install h5py)")
    _, ours = models()
    path = tmp_path / "a.weights.h5"
    save_keras_weights(path, ours)
    whole, before = path.read_bytes(), ours.get_weights()

    def check_refused(match):
        with pytest.raises(nr.InputError, match=match):
            load_keras(ours, path)
        for a, b in zip(before, ours.get_weights(), strict=True):
            assert_array_equal(a, b)

    for change, match in (
        (lambda f: f.__delitem__("layers/gru"), "expected weights in layers/gru/cell/vars, got layers/"),
        (lambda f: f.__delitem__("layers/gru/cell/vars/2"), "layers/gru/cell/vars, got 2 arrays"),
        (lambda f: f.create_dataset("layers/lstm/vars/0", data=np.ones(2)), "alone, got some in layers/lstm/vars"),
        (lambda f: f["layers/dense/vars"].move("0", "7"), r"kernel of layers/dense/vars of shape \(6, 3\), got \(3,\)"),
        (lambda f: f.create_dataset("layers/dense/vars/x", data=np.ones(2)), "not a file of Keras 3"),
    ):
        path.write_bytes(whole)
        with h5py.File(path, "r+") as file:
            change(file)
        check_refused(match)
    for data in (whole[:500], b"", b"no HDF5 at all"):
        path.write_bytes(data)
        check_refused("not a file of Keras 3 that can be read")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("config.json", "{}")
    path.write_bytes(archive.getvalue())
    check_refused("not a file of Keras 3 that can be read")


def test_malformed_lists_are_refused():
    kernel, recurrent, bias = layer_of("LSTM").get_weights()
    for weights, match in (
        ([kernel], "expected kernel, recurrent_kernel and bias, or a cell"),
        ([kernel, recurrent[:, 1:], bias], "expected 1, 3 or 4 gates"),
        ([kernel, recurrent, bias[1:]], r"expected bias of shape \(20,\), got \(19,\)"),
        ([kernel[0], recurrent, bias], "expected a matrix kernel"),
        ([kernel, recurrent, bias.astype("float64")], "expected arrays of one dtype"),
        ([kernel, recurrent, bias.astype(int)], r"weights\[2\] of dtype float32 or float64, got int64"),
        ("weights", "expected a layer or model of Keras or a list of arrays, got str"),
    ):
        with pytest.raises(nr.InputError, match=match):
            from_keras(weights)
    with pytest.raises(nr.InputError, match=r"expected 3 arrays, as get_weights.* returns, got 1 more"):
        from_keras([kernel, recurrent, bias, bias], nr.LSTMCell(H))
    with pytest.raises(nr.InputError, match="got no bias of 1/"):
        from_keras([kernel, recurrent, bias, recurrent, recurrent], nr.MultiRNNCell([nr.LSTMCell(H), nr.LSTMCell(H)]))
    _, ours = models()
    with pytest.raises(nr.InputError, match="expected 41 arrays of weights, got 2"):
        load_keras(ours, [kernel, recurrent])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (nr.LSTMCell(H, use_peepholes=True), "expected use_peepholes False, as Keras's LSTM has it"),
        (nr.GRUCell(H, num_proj=2), "expected num_proj None"),
        (nr.UGRNNCell(H), "Keras has no counterpart of UGRNNCell"),
        (nr.ResidualWrapper(nr.LSTMCell(I)), "Keras has no counterpart of ResidualWrapper"),
    ],
)
def test_cells_without_counterpart_are_named(cell, expected):
    with pytest.raises(nr.InputError, match=expected):
        to_keras(cell, cell.init_params(I))
    with pytest.raises(nr.InputError, match=expected):
        to_keras(nr.Sequential([L.Input((T, I)), L.RNN(cell)]))


def test_layers_without_counterpart_are_named():
    layer = K.ConvLSTM1D(2, 1)
    layer.build((B, T, 3, 2))
    with pytest.raises(nr.InputError, match="no counterpart of the layer ConvLSTM1D"):
        from_keras(layer)


def test_a_pair_of_directions_starts_forwards():
    layer = K.Bidirectional(K.LSTM(H, go_backwards=True), backward_layer=K.LSTM(H))
    layer.build((B, T, I))
    with pytest.raises(nr.InputError, match="expected a first layer that reads forwards"):
        from_keras(layer)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    _, ours = models()
    for call in (lambda p: load_keras(ours, p), lambda p: save_keras_weights(p, ours)):
        with pytest.raises(ImportError, match=r"needs h5py for files of Keras: pip install 'numbarnn\[keras-files\]'"):
            call(tmp_path / "a.weights.h5")
