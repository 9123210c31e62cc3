"""A training that is broken off, kept in a file and gone on with has the bits of one that was not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.resumable import make, train
from helpers.toy import assert_same_weights, data, fit
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn import Sequential
from numbarnn.layers import LSTM, Bidirectional, Dense, Input, SimpleRNN
from numbarnn.optimizers import SGD, Adam, ExponentialDecay, Keras3RMSprop, TorchAMSGrad

TESTS = Path(__file__).parents[1]


IN_A_NEW_PROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
from helpers.resumable import make, train
model = make(device="cpu", seed=99)
epoch = model.load_training(sys.argv[2])
print(epoch, train(model, 10, initial_epoch=epoch).history)
model.save_weights(sys.argv[3])
"""


def test_in_a_new_process(tmp_path):
    straight, broken = make(device="cpu"), make(device="cpu")
    whole = train(straight, 10)
    train(broken, 5)
    broken.save_training(tmp_path / "half", epoch=5)
    command = [sys.executable, "-c", IN_A_NEW_PROCESS, TESTS, tmp_path / "half", tmp_path / "end"]
    shown = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == f"5 { {name: values[5:] for name, values in whole.history.items()} }\n"
    resumed = make(device="cpu")
    resumed.load_weights(tmp_path / "end")
    assert_same_weights(straight, resumed)


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: SGD(0.1),
        lambda: SGD(ExponentialDecay(0.1, 5, 0.5), momentum=0.9),
        lambda: Keras3RMSprop(momentum=0.5, centered=True),
        TorchAMSGrad,
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_every_kind_of_memory(optimizer, dtype, tmp_path):
    straight, broken, resumed = (make(optimizer(), dtype=dtype, seed=seed) for seed in (0, 0, 1))
    train(straight, 4)
    train(broken, 2)
    broken.save_training(tmp_path / "half")
    assert resumed.load_training(tmp_path / "half") == 0
    history = train(resumed, 4, initial_epoch=2)
    assert history.epoch == [2, 3] and resumed.optimizer.iterations == straight.optimizer.iterations == 12
    assert_same_weights(straight, resumed)
    broken.save_training(tmp_path / "again")  # saving changes nothing
    train(broken, 4, initial_epoch=2)
    assert_same_weights(straight, broken)


def test_a_rate_that_a_callback_has_set_comes_back(tmp_path):
    model = make()
    train(model, 1, callbacks=[nr.callbacks.LearningRateScheduler(lambda epoch: 0.123)])
    model.save_training(tmp_path / "state")
    other = make()
    other.load_training(tmp_path / "state")
    assert other.optimizer.learning_rate == 0.123


@pytest.mark.filterwarnings("ignore:.*goes on from a batch")
def test_stateful_layers_go_on(tmp_path):
    def stateful(seed=0):
        layers = Bidirectional(LSTM(3, stateful=True, return_sequences=True)), SimpleRNN(4, stateful=True)
        return make(None, *layers, seed=seed)

    straight, broken, resumed = stateful(), stateful(), stateful(1)
    options = {"shuffle": False, "batch_size": 8}
    x, y = data(24)
    fit(straight, x, y, epochs=2, **options)
    fit(broken, x, y, **options)
    broken.save_training(tmp_path / "half", 1)
    resumed.load_training(tmp_path / "half")
    fit(resumed, x, y, epochs=2, initial_epoch=1, **options)
    assert_same_weights(straight, resumed)
    assert_array_equal(resumed.predict(x, 8), straight.predict(x, 8))
    stateful().save_training(tmp_path / "fresh")
    resumed.load_training(tmp_path / "fresh")
    assert resumed.layers[1].state is None


def test_before_the_first_step(tmp_path):
    a, b = make(), make(seed=8)
    a.save_training(tmp_path / "start")
    b.load_training(tmp_path / "start")
    train(a, 2), train(b, 2)
    assert_same_weights(a, b)


def unchanged(model, call, message):
    weights, before = model.get_weights(), model.optimizer.iterations
    with pytest.raises(nr.InputError, match=message):
        call()
    for a, b in zip(weights, model.get_weights(), strict=True):
        assert_array_equal(a, b)
    assert model.optimizer.iterations == before


@pytest.mark.parametrize(
    "other, message",
    [
        (
            lambda: make(units=5),
            r"not a training of this model: expected gru/kernel \(\(4, 9\), 'float32'\), got \(\(5",
        ),
        (lambda: make(dtype="float64"), r"expected dense/bias \(\(3,\), 'float32'\), got \(\(3,\), 'float64'\)"),
        (lambda: make(SGD(0.1)), "expected the optimizer Adam, got SGD"),
        (lambda: make(Adam(ExponentialDecay(0.1, 5, 0.5))), "expected learning_rate as a number, got a schedule"),
        (lambda: make(None, SimpleRNN(4)), r"expected dense/kernel \(\(3, 3\), 'float32'\), got \(\(4, 3\)"),
    ],
)
def test_files_of_other_models(other, message, tmp_path):
    model, other = make(), other()
    train(other, 1)
    other.save_training(tmp_path / "other")
    unchanged(model, lambda: model.load_training(tmp_path / "other"), message)


def test_files_of_stateful_and_other_layers(tmp_path):
    models = [make(None, SimpleRNN(4, stateful=stateful)) for stateful in (True, False)]
    for i, model in enumerate(models):
        fit(model, *data(8), shuffle=False)
        model.save_training(tmp_path / str(i))
    unchanged(
        models[1], lambda: models[1].load_training(tmp_path / "0"), "its stateful layers are others, 0:simple_rnn"
    )
    assert models[0].load_training(tmp_path / "1") == 0 and models[0].layers[0].state is None


def test_other_files(tmp_path):
    model = make()
    train(model, 1)
    model.save_weights(tmp_path / "weights")
    unchanged(
        model, lambda: model.load_training(tmp_path / "weights"), "but of weights alone, which load_weights reads"
    )
    model.save_training(tmp_path / "state")
    unchanged(model, lambda: model.load_weights(tmp_path / "state"), "a file of save_training: load_training reads it$")
    whole = (tmp_path / "state").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    unchanged(model, lambda: model.load_training(tmp_path / "cut"), "cut: not a whole and unchanged file")
    with np.load(tmp_path / "state", allow_pickle=False) as archive:
        assert "parameter:dense/kernel" in archive.files and "slot:mean:dense/kernel" in archive.files


def test_what_cannot_be_saved(tmp_path):
    compiled = Sequential([Dense(3)])
    compiled.compile("adam", "mse")
    for model in (Sequential([Input((2,)), Dense(3)]), compiled):
        with pytest.raises(nr.InputError, match="save_training: the model needs its layers built"):
            model.save_training(tmp_path / "state")
        with pytest.raises(nr.InputError, match="load_training: the model needs its layers built"):
            model.load_training(tmp_path / "state")
    with pytest.raises(nr.InputError, match="save_training: expected epoch to be an integer of at least 0, got -1"):
        make().save_training(tmp_path / "state", -1)
    assert list(tmp_path.iterdir()) == []


def callbacks(folder):
    return [
        nr.callbacks.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05, cooldown=1),
        nr.callbacks.ModelCheckpoint(folder / "last", save="training"),
        nr.callbacks.ModelCheckpoint(folder / "best", "val_loss", save_best_only=True),
        nr.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
    ]


@pytest.mark.parametrize("broken_at", [1, 2, 4, 7])
def test_callbacks_go_on(broken_at, tmp_path):
    """ModelCheckpoint overwrote the best file with a worse one, the other two began anew."""
    folders = [tmp_path / name for name in ("straight", "broken")]
    straight, broken, resumed = (make(SGD(0.5)) for _ in range(3))
    whole = train(straight, 12, callbacks=callbacks(folders[0]))
    before = callbacks(folders[1])
    train(broken, broken_at, callbacks=before)
    half, after = folders[1] / "last", callbacks(folders[1])
    history = train(resumed, 12, initial_epoch=resumed.load_training(half), callbacks=after)
    rest = {name: values[broken_at:] for name, values in whole.history.items()}
    assert rest == history.history or (not any(rest.values()) and history.epoch == [])
    assert_same_weights(straight, resumed)
    for name in ("best", "last"):
        a, b = make(SGD(0.5)), make(SGD(0.5))
        read = "load_weights" if name == "best" else "load_training"
        getattr(a, read)(folders[0] / name)
        getattr(b, read)(folders[1] / name)
        assert_same_weights(a, b)


def test_a_training_that_was_stopped_stays_stopped(tmp_path):
    def stop():
        return nr.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0, restore_best_weights=True)

    model, other = make(), make()
    train(model, 9, callbacks=[nr.callbacks.ModelCheckpoint(tmp_path / "last", save="training"), stop()])
    assert model.history.epoch == [0, 1]
    again = train(other, 9, initial_epoch=other.load_training(tmp_path / "last"), callbacks=[stop()])
    assert again.epoch == []
    assert_same_weights(model, other)


def test_a_state_that_no_callback_takes_is_told(tmp_path):
    model = make()
    train(model, 1, callbacks=[nr.callbacks.EarlyStopping("loss")])
    model.save_training(tmp_path / "state", 1)
    model.load_training(tmp_path / "state")
    model.save_training(tmp_path / "state", 1)  # still there
    model.load_training(tmp_path / "state")
    with pytest.warns(RuntimeWarning, match="no callback takes the loaded state of EarlyStopping"):
        train(model, 2, initial_epoch=1)


def crafted(path, change):
    """Write a training file with other arrays or facts, whose digests are right."""
    arrays, facts = nr.checkpoint.load_with_facts(path)
    change(arrays, facts)
    nr.checkpoint.save(path, arrays, facts)


CRAFTED = {
    "no generator": lambda a, f: f["generators"].pop("_dropout_rng"),
    "generator's state": lambda a, f: f["generators"]["_dropout_rng"].update(state={"state": "x", "inc": 1}),
    "generator's kind": lambda a, f: f["generators"]["_dropout_rng"].update(bit_generator="MT19937"),
    "no epoch": lambda a, f: f.pop("epoch"),
    "epoch": lambda a, f: f.update(epoch=-1),
    "iterations": lambda a, f: f.update(iterations="5"),
    "iterations below 0": lambda a, f: f.update(iterations=-5),
    "rate": lambda a, f: f.update(learning_rate=float("nan")),
    "unknown kind": lambda a, f: a.update({"other:x": np.zeros(3)}),
    "unknown parameter": lambda a, f: a.update({"slot:mean:nothing/kernel": np.zeros(3)}),
    "slot's dtype": lambda a, f: a.update({"slot:mean:dense/bias": np.zeros(3)}),
    "slot's shape": lambda a, f: a.update({"slot:mean:dense/bias": np.zeros(4, "float32")}),
    "state without rows": lambda a, f: a.update({"state:0:simple_rnn": np.zeros(4, "float32")}),
    "callbacks": lambda a, f: f.update(callbacks=[{"class": "EarlyStopping"}]),
    "list of a callback": lambda a, f: f.update(callbacks=[{"class": "A", "values": {}, "lists": {"w": 2}}]),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_file_changes_nothing(name, tmp_path):
    def model(seed):
        return make(None, SimpleRNN(4, stateful=True, name="simple_rnn"), seed=seed)

    made, other = model(0), model(1)
    fit(made, *data(24), shuffle=False)
    fit(other, *data(24), shuffle=False)
    made.save_training(tmp_path / "file", 1)
    crafted(tmp_path / "file", CRAFTED[name])
    other.save_training(tmp_path / "before")
    with pytest.raises(nr.InputError, match="file: not a "):
        other.load_training(tmp_path / "file")
    other.save_training(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()
