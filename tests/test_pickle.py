"""Pickling, deep copies, joblib and other processes, before and after use."""

import copy
import io
import multiprocessing
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import layers as L
from numbarnn.utils.tree import tree_leaves


class EachArrayAlone(pickle.Pickler):
    """Copies an array for every place where it stands, as joblib does."""

    def reducer_override(self, value):
        if type(value) is np.ndarray and value.dtype.kind in "fiub":
            return np.array, (value.tolist(), value.dtype.str)
        return NotImplemented

    def persistent_id(self, value):
        return None


def each_array_alone(value):
    file = io.BytesIO()
    pickler = EachArrayAlone(file)
    pickler.fast = False
    pickler.dump(value)
    return pickle.loads(file.getvalue())


WAYS = {"pickle": lambda v: pickle.loads(pickle.dumps(v)), "copy": copy.deepcopy}
CELLS = [
    nr.LSTMCell(4, use_peepholes=True, num_proj=3),
    nr.GLSTMCell(4, number_of_groups=2),
    nr.GridLSTMCell(3, feature_size=2, frequency_skip=1, num_frequency_blocks=(3,)),
    nr.ZoneoutWrapper(nr.LSTMCell(4), zoneout_h=0.1),
    nr.DropoutWrapper(nr.MultiRNNCell([nr.GRUCell(4), nr.LayerNormLSTMCell(4)]), output_keep_prob=0.5),
    nr.Bidirectional(nr.SimpleRNNCell(4), nr.GRUCell(4)),
]


def same(a, b):
    for x, y in zip(tree_leaves(a), tree_leaves(b), strict=True):
        assert_array_equal(x, y)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)
def test_cells_runs_states_and_gradients(cell, way):
    params, x = cell.init_params(4, rng=0), np.random.default_rng(0).standard_normal((3, 5, 4), "float32")
    run = nr.forward(cell, params, x, lengths=[5, 0, 2], training=True, rng=1, device="numpy")
    grads = run.backward(run.outputs)
    assert WAYS[way](cell) == cell
    again = WAYS[way]((cell, run, run.state, grads))
    assert again[0] == cell
    same(again[1].outputs, run.outputs)
    same(again[1].backward(run.outputs).initial_state, grads.initial_state)
    same(again[2], run.state)
    assert type(again[2]) is type(run.state)
    same(list(again[3].params.values()), list(grads.params.values()))
    same(nr.forward(again[0], params, x, initial_state=again[2], device="numpy").outputs,
         nr.forward(cell, params, x, initial_state=run.state, device="numpy").outputs)  # fmt: skip


def model(device="numpy"):
    layers = (
        L.Bidirectional(L.LSTM(3, return_sequences=True, dropout=0.2)),
        L.BatchNormalization(),
        L.TimeDistributed(L.Dense(4, "relu", kernel_regularizer=nr.regularizers.L2(0.01))),
        L.RNN(nr.MultiRNNCell([nr.GRUCell(3), nr.LSTMCell(2)])),
        L.Dense(1, "sigmoid", kernel_constraint="max_norm"),
    )
    made = nr.Sequential([L.Input((6, 2)), *layers], device=device)
    made.compile(nr.optimizers.Adam(0.01, clip_global_norm=1.0), "binary_crossentropy", ["accuracy", "auc"])
    return made


X, Y = np.random.default_rng(0).standard_normal((12, 6, 2), "float32"), np.arange(12) % 2


@pytest.mark.parametrize("way", [*WAYS, "each array alone"])
@pytest.mark.parametrize("used", [False, True])
def test_models(way, used):
    copied = (WAYS | {"each array alone": each_array_alone})[way]
    made = model()
    if used:
        made.fit(X, Y, epochs=2, verbose=0, callbacks=[nr.callbacks.EarlyStopping("loss")])
    other = copied(made)
    assert [*other.params] == [*made.params] and [*other.weights] == [*made.weights]
    histories = [m.fit(X, Y, epochs=2, batch_size=5, verbose=0).history for m in (made, other)]
    assert histories[0] == histories[1]
    for name in made.weights:
        assert_array_equal(made.weights[name], other.weights[name])
    other.set_weights([np.zeros_like(w) for w in other.get_weights()])  # through params into the layers
    assert (other.predict(X) == 0.5).all() and not (made.predict(X) == 0.5).any()


@pytest.mark.parametrize("make", [lambda: nr.optimizers.Keras3RMSprop(0.1, momentum=0.9), nr.optimizers.Adam])
def test_optimizers(make):
    optimizer, params = make(), {"w": np.ones(3, "float32")}
    optimizer.apply(params, {"w": np.ones(3, "float32")})
    other, twin = pickle.loads(pickle.dumps(optimizer)), {"w": params["w"].copy()}
    optimizer.apply(params, {"w": np.full(3, 2, "float32")})
    other.apply(twin, {"w": np.full(3, 2, "float32")})
    assert_array_equal(params["w"], twin["w"])


def test_encoder_decoder():
    made = nr.EncoderDecoder([L.GRU(3)], [L.GRU(3, return_sequences=True), L.Dense(2)], start=np.zeros(2), seed=4)
    x = [np.ones((n, 2), "float32") for n in (3, 5)]
    expected = made.generate(x, 3).values
    assert_array_equal(each_array_alone(made).generate(x, 3).values, expected)


def predicted(task):
    trained, x = task
    return trained.predict(x)


def test_other_processes_and_joblib(tmp_path):
    made = model()
    made.fit(X, Y, verbose=0)
    expected = made.predict(X)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert_array_equal(pool.map(predicted, [(made, X)])[0], expected)
    joblib = pytest.importorskip("joblib", reason="needs joblib (pip install joblib)")
    joblib.dump(made, tmp_path / "model")
    for mode in (None, "r"):
        loaded = joblib.load(tmp_path / "model", mmap_mode=mode)
        assert_array_equal(loaded.predict(X), expected)
    loaded = joblib.load(tmp_path / "model")
    loaded.set_weights([np.zeros_like(w) for w in loaded.get_weights()])
    assert (loaded.predict(X) == 0.5).all()
