"""Whole models in one file: they come back with the same bits, and damaged or foreign files are refused."""

import json
import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import checkpoint, initializers, metrics, optimizers
from numbarnn import layers as L
from numbarnn.utils.config import classes, decoded, encoded

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((7, 5, 3)).astype("float32"), RNG.integers(0, 4, 7)


def compiled(model, loss="sparse_categorical_crossentropy", metrics=("accuracy",)):
    model.compile(optimizers.Adam(optimizers.CosineDecay(0.01, 100), clipnorm=1.0), loss, metrics)
    return model


def varied():
    return compiled(
        nr.Sequential(
            [
                L.Input((None, 3)),
                L.Masking(0.5),
                L.Bidirectional(L.LSTM(4, return_sequences=True, kernel_regularizer="l2"), merge_mode="ave"),
                L.TimeDistributed(L.Dense(5, "relu", kernel_constraint=nr.constraints.MaxNorm(2.0))),
                L.BatchNormalization(),
                L.Dropout(0.3),
                L.RNN([nr.LSTMCell(4, num_proj=3, use_peepholes=True), nr.ResidualWrapper(nr.GRUCell(3))]),
                L.Dense(4, "softmax", bias_initializer=initializers.constant(0.1), name="scores"),
            ],
            name="varied",
        ),
        metrics=["acc"],
    )


def test_a_model_comes_back_whole(tmp_path):
    model, path = varied(), tmp_path / "model.npz"
    model.fit(X, Y, epochs=2, batch_size=3, verbose=0)
    model.layers[1].trainable = False
    model.save(path)
    again = nr.load_model(path)
    assert type(again) is nr.Sequential and again.name == "varied"
    assert list(map(repr, again.layers)) == list(map(repr, model.layers))
    assert again.weights.keys() == model.weights.keys()
    for name, w in model.weights.items():
        assert_array_equal(w, again.weights[name])
        assert w.dtype == again.weights[name].dtype
    assert_array_equal(again.predict(X), model.predict(X))
    assert again.evaluate(X, Y) == model.evaluate(X, Y)
    assert again.metrics_names == ["loss", "acc"] and repr(again.optimizer) == repr(model.optimizer)
    assert again.trainable_params.keys() == model.trainable_params.keys() != model.params.keys()


def test_a_model_is_made_again_of_its_config():
    series, words = L.Input((None, 3)), L.Input((None,))
    *_, state = L.GRU(4, return_state=True)(series)
    graph = nr.Model([series, words], L.GRU(4)(L.Embedding(9, 3)(words), initial_state=state), dtype="float64")
    coder = nr.EncoderDecoder([L.LSTM(4)], [L.LSTM(4, return_sequences=True), L.Dense(3)], start=np.zeros(3))
    coder.build((None, None, 3))
    for model in (varied(), graph, coder):
        config = json.loads(json.dumps(model.get_config()))
        again = type(model).from_config(config, seed=3, device="numpy")
        assert again.get_config() == model.get_config() and again.device == "numpy"
        shapes = [{name: (w.shape, w.dtype) for name, w in made.weights.items()} for made in (model, again)]
        assert shapes[0] == shapes[1]
        assert not np.array_equal(nr.flatten(again.params), nr.flatten(model.params))
    with pytest.raises(nr.InputError, match=r"Model.from_config: expected a config of models.Model, got one of"):
        nr.Model.from_config(varied().get_config())
    with pytest.raises(nr.InputError, match=r"Sequential.from_config: not what get_config returned \(KeyError"):
        nr.Sequential.from_config({})
    with pytest.raises(nr.InputError, match="get_config needs parameters"):
        nr.Sequential([L.Dense(3)]).get_config()


def test_layers_have_names_and_places():
    model = varied()
    assert model.get_layer("scores") is model.layers[-1] is model.get_layer(index=len(model.layers) - 1)
    with pytest.raises(nr.InputError, match=r"varied: get_layer: expected one of masking, .*, scores, got 'dense'"):
        model.get_layer("dense")
    with pytest.raises(nr.InputError, match="get_layer: expected a name or an index, got None and None"):
        model.get_layer()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_goes_on_with_the_same_bits(tmp_path, dtype):
    def fresh():
        return compiled(nr.Sequential([L.Input((5, 3)), L.GRU(4, dropout=0.2), L.Dense(4)], dtype=dtype, seed=4), "mse")

    labels, path = RNG.standard_normal((7, 4)), tmp_path / "model.npz"
    unbroken, broken = fresh(), fresh()
    unbroken.fit(X, labels, epochs=4, batch_size=3, verbose=0)
    broken.fit(X, labels, epochs=2, batch_size=3, verbose=0)
    broken.save(path, training=True, epoch=2)
    again = nr.load_model(path)
    again.fit(X, labels, initial_epoch=again.load_training(path), epochs=4, batch_size=3, verbose=0)
    for name, w in unbroken.weights.items():
        assert_array_equal(w, again.weights[name])
    again.save(tmp_path / "weights alone.npz")
    assert nr.load_model(tmp_path / "weights alone.npz").optimizer.iterations == 0


def test_functional_models_and_encoder_decoders(tmp_path):
    inputs = L.Input((5, 3))
    functional = nr.Model(inputs, L.Dense(4)(L.SimpleRNN(6)(inputs)), name="chain")
    sources, targets = RNG.integers(1, 6, (4, 3)), RNG.integers(1, 6, (4, 5))
    writer = nr.EncoderDecoder(
        [L.Embedding(6, 3), L.GRU(4)], [L.Embedding(6, 3), L.GRU(4, return_sequences=True), L.Dense(6)], start=0
    )
    vectors = nr.EncoderDecoder(
        [L.Input((None, 2)), L.LSTM(3)], [L.LSTM(3, return_sequences=True), L.Dense(2)], start=[0.5, 1]
    )
    writer.compile("sgd", nr.losses.SparseCategoricalCrossentropy(from_logits=True))
    writer.fit(sources, targets, verbose=0)
    for model, inputs in ((functional, (X,)), (writer, (sources, targets)), (vectors, (X[..., :2], X[..., :2]))):
        model.save(tmp_path / "model.npz")
        again = nr.load_model(tmp_path / "model.npz")
        assert type(again) is type(model) and again.name == model.name
        assert_array_equal(again(*inputs), model(*inputs))


@dataclass(frozen=True)
class LeakyCell(nr.Cell):
    """h' = (1 - leak) h + leak z."""

    units: int
    leak: float = 0.5

    inputs = {"z": "xh"}
    states = ("h",)
    saved = ("z",)

    def forward(self, z, s):
        (z,), (h,) = z, s
        return (h + self.leak * (z - h),), (z,)


def cubic(y, p):
    return (np.abs(p - y) ** 3).sum(axis=-1), 3 * (p - y) * np.abs(p - y)


def test_objects_of_ones_own(tmp_path):
    model, path = nr.Sequential([L.Input((5, 3)), L.RNN(LeakyCell(2, leak=0.25))]), tmp_path / "model.npz"
    model.compile("sgd", cubic)
    model.save(path)
    again = nr.load_model(path, {"LeakyCell": LeakyCell, "cubic": cubic})
    assert again.layers[0].cell == LeakyCell(2, leak=0.25) and again.loss.function is cubic
    assert_array_equal(again(X), model(X))
    for known, message in [
        ({"cubic": cubic}, "no class 'LeakyCell' is known here; give it by custom_objects={'LeakyCell': ...}"),
        ({"LeakyCell": LeakyCell}, "no function 'cubic' is known here"),
        ({"LeakyCell": print, "cubic": cubic}, "expected LeakyCell to be a class of cells"),
    ]:
        with pytest.raises(nr.InputError, match=f"model.npz: .*{message}"):
            nr.load_model(path, known)
    model.compile("sgd", lambda y, p: cubic(y, p))
    before = path.read_bytes()
    with pytest.raises(nr.InputError, match="FunctionLoss: function can not be written to a file"):
        model.save(path)
    assert path.read_bytes() == before


def test_refusals(tmp_path):
    model, path = varied(), tmp_path / "model.npz"
    with pytest.raises(nr.InputError, match="save needs parameters"):
        nr.Sequential([L.Dense(3)]).save(path)
    with pytest.raises(nr.InputError, match="save: expected training=True where there is an epoch, got 3"):
        model.save(path, epoch=3)
    with pytest.raises(nr.InputError, match="save: expected training to be True or False, got 'all'"):
        model.save(path, training="all")
    model.save(path)
    with pytest.raises(nr.InputError, match=r"load_model: expected custom_objects to be a dict .*, got list"):
        nr.load_model(path, [L.Dense])
    with pytest.raises(nr.InputError, match=r"a file of model\.save: nr\.load_model reads it"):
        model.load_weights(path)
    model.save_weights(tmp_path / "weights.npz")
    with pytest.raises(nr.InputError, match=r"not a file of model\.save, but of weights, for load_weights"):
        nr.load_model(tmp_path / "weights.npz")
    model.save_training(tmp_path / "training.npz")
    with pytest.raises(nr.InputError, match=r"not a file of model\.save, but of a training, for load_training"):
        nr.load_model(tmp_path / "training.npz")

    class Mine(nr.Sequential):
        pass

    with pytest.raises(nr.InputError, match="save: expected a Sequential, Model or EncoderDecoder, got Mine"):
        Mine([L.Input((3,)), L.Dense(2)]).save(tmp_path / "mine.npz")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(nr.InputError, match="not a whole and unchanged file"):
        nr.load_model(path)


def crafted(facts):
    """Yield the facts with one place changed at a time."""
    others = (
        None,
        -1,
        10**30,
        "x",
        [],
        {},
        {"class": "layers.Layer", "config": {}},
        {"class": "os.system", "config": "ls"},
    )
    if isinstance(facts, dict | list):
        for key in facts if isinstance(facts, dict) else range(len(facts)):
            copy = dict(facts) if isinstance(facts, dict) else list(facts)
            for changed in (*crafted(facts[key]), *others):
                copy[key] = changed
                yield json.loads(json.dumps(copy))
            if isinstance(facts, dict):
                yield {k: v for k, v in facts.items() if k != key}


@pytest.mark.filterwarnings("error")
def test_crafted_files_end_in_one_error(tmp_path, monkeypatch):
    model = compiled(nr.Sequential([L.Input((None, 3)), L.Bidirectional(L.GRU(2)), L.Dense(4, "softmax")]))
    model.save(tmp_path / "model.npz")
    arrays, facts = checkpoint.load_with_facts(tmp_path / "model.npz")
    refused = loaded = 0
    for changed in crafted(facts):
        monkeypatch.setattr(checkpoint, "load_with_facts", lambda path, changed=changed: (arrays, changed))
        try:
            nr.load_model("crafted.npz")
            loaded += 1  # another activation, say
        except nr.InputError as error:
            assert str(error).startswith("crafted.npz: ")
            refused += 1
    assert refused > 400 and loaded < refused


def test_every_class_is_made_again_from_its_config():
    cells = [
        nr.LSTMCell(5, use_peepholes=True, num_proj=3, initializer=initializers.uniform(-1, 1)),
        nr.MultiRNNCell([nr.GRUCell(3), nr.DropoutWrapper(nr.LSTMCell(2), input_keep_prob=0.5)]),
        nr.GridLSTMCell(4, feature_size=2, frequency_skip=1, num_frequency_blocks=[3]),
        nr.ZoneoutWrapper(nr.LSTMCell(3), zoneout_h=0.1),
        nr.EmbeddingWrapper(nr.GRUCell(2), 7, 3),
        nr.Bidirectional(nr.LSTMCell(3), nr.GRUCell(2)),
    ]
    things = [
        *cells,
        *(kind(4) for name, kind in classes().items() if name.startswith("cells.") and _takes_units(kind)),
        L.LSTM(4, kernel_regularizer="l2"),
        L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode=None),
        L.Bidirectional(L.GRU(3), backward_layer=L.GRU(3, go_backwards=True, activation="relu")),
        L.RNN(nr.LSTMCell(2)),
        L.VectorToSequence(L.GRU(2, return_sequences=True), 3),
        L.Input((3, 4)),
        *(make() for make in optimizers.BY_NAME.values()),
        optimizers.SGD(optimizers.StepDecay(0.1, 5, 0.5), clipnorm=1.0, momentum=0.5),
        *(make() for make in nr.losses.BY_NAME.values()),
        nr.losses.Pinball((0.1, 0.9), reduction="sum"),
        *(metric for metric in metrics.BY_NAME.values() if not hasattr(metric, "__name__")),
        nr.regularizers.L1L2(0.1, 0.2),
        nr.constraints.UnitNorm(1),
        initializers.Constant(np.arange(3.0)),
    ]
    assert len(things) > 60
    for thing in things:
        written = json.loads(json.dumps(encoded("it", thing)))
        again = decoded(written, {})
        assert type(again) is type(thing)
        assert repr(again) == repr(thing)
        assert encoded("it", again) == written
        assert encoded("it", type(thing).from_config(thing.get_config())) == written
    with pytest.raises(nr.InputError, match=r"LSTM\.from_config: expected a dict, got int"):
        L.LSTM.from_config(3)
    with pytest.raises(nr.InputError, match=r"LSTM: .*unexpected keyword argument 'unit'"):
        L.LSTM.from_config({"units": 2, "unit": 3})


def _takes_units(kind):
    try:
        return kind(4).units == 4
    except Exception:
        return False


def test_initialisers_with_options_can_be_pickled():
    for make in (initializers.constant(0.5), initializers.uniform(0, 1), initializers.normal(1.0, 2.0)):
        layer = pickle.loads(pickle.dumps(L.Dense(3, kernel_initializer=make)))
        cell = pickle.loads(pickle.dumps(nr.LSTMCell(2, initializer=make)))
        assert_array_equal(layer.kernel_initializer((2, 3), 0), make((2, 3), 0))
        assert_array_equal(
            cell.init_params(3, 0)["kernel"], nr.LSTMCell(2, initializer=make).init_params(3, 0)["kernel"]
        )
