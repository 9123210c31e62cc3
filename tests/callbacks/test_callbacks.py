import csv
import re
from itertools import pairwise

import numpy as np
import pytest
from helpers.toy import X, Y, assert_same_weights, classifier, data, fit
from numpy.testing import assert_array_equal

import numbarnn as nr
from numbarnn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from numbarnn.layers import Dense, Dropout, SimpleRNN
from numbarnn.optimizers import SGD, Adam, TimeDecay


class Script(Callback):
    """Puts values into the logs, in the place of those that a training would give."""

    def __init__(self, **values):
        self.values = values

    def on_epoch_end(self, epoch, logs):
        logs |= {name: float(values[epoch]) for name, values in self.values.items()}


def small(*layers, **options):
    return classifier(*(layers or [SimpleRNN(3)]), device="numpy", **{"optimizer": SGD(0.1)} | options)


def train(*callbacks, epochs=8, model=None, **options):
    model = model or small()
    return model, fit(model, X, Y, epochs=epochs, callbacks=list(callbacks), **options)


def test_order_of_calls_and_what_they_get():
    calls = []

    class Record(Callback):
        def __init__(self, name):
            self.name = name

        def on_train_begin(self):
            calls.append((self.name, "train begins", self.params, self.model))

        def on_epoch_begin(self, epoch):
            calls.append((self.name, "epoch begins", epoch))

        def on_epoch_end(self, epoch, logs):
            logs[self.name] = 7.0
            calls.append((self.name, "epoch ends", epoch, list(logs)))

        def on_train_end(self):
            calls.append((self.name, "train ends"))

    model, history = train(Record("a"), Record("b"), epochs=2, validation_data=(X, Y))
    names = ["loss", "accuracy", "val_loss", "val_accuracy"]
    params = {"epochs": 2, "metrics": names}
    expected = [[(name, "train begins", params, model) for name in "ab"]]
    for epoch in (0, 1):
        expected.append([(name, "epoch begins", epoch) for name in "ab"])
        expected.append([("a", "epoch ends", epoch, [*names, "a"]), ("b", "epoch ends", epoch, [*names, "a", "b"])])
    expected.append([(name, "train ends") for name in "ab"])
    assert calls == [call for pair in expected for call in pair]
    assert history.history["a"] == [7.0, 7.0]


def test_a_callback_ends_the_training():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.stop_training = epoch == 1

    model, history = train(Stop())
    assert history.epoch == [0, 1]
    assert train(model=model, epochs=3)[1].epoch == [0, 1, 2]


def test_callbacks_change_nothing_by_themselves(tmp_path):
    plain, watched = (small(Dropout(0.2), SimpleRNN(3), optimizer=Adam()) for _ in range(2))
    callbacks = [EarlyStopping("loss", patience=50), CSVLogger(tmp_path / "a.csv"), ModelCheckpoint(tmp_path / "w")]
    a, b = train(model=plain, epochs=3)[1], train(*callbacks, model=watched, epochs=3)[1]
    assert a.history == b.history
    assert_same_weights(plain, watched)


@pytest.mark.parametrize(
    "options, values, epochs, best",
    [
        ({}, [3, 2, 1, 1, 0, 9], 4, 2),  # the same is no improvement
        ({"patience": 2}, [3, 2, 4, 1, 5, 5, 0], 6, 3),
        ({"patience": 2, "min_delta": 1}, [3, 2.5, 2, 1, 0, 0], 3, 0),  # by more than min_delta
        ({"mode": "max"}, [3, 4, 2, 9], 3, 1),
        ({"patience": 3}, [np.nan, 2, np.nan, 3, np.nan, 0], 5, 1),
        ({}, [5, 4, 3, 2, 1, 0, -1, -2], 8, 7),
    ],
)
def test_early_stopping(options, values, epochs, best):
    stop = EarlyStopping("loss", **options)
    _, history = train(Script(loss=[*values, *[9] * 8]), stop)
    assert len(history.epoch) == epochs and stop.best_epoch == best
    assert stop.stopped_epoch == (epochs - 1 if epochs < 8 else None)
    assert history.history["loss"] == pytest.approx([float(v) for v in values[:epochs]], nan_ok=True)


def test_early_stopping_knows_which_way_is_up():
    for monitor, values, best in (
        ("accuracy", [0.5, 0.7, 0.6], 1),
        ("val_accuracy", [0.5, 0.4, 0.3], 0),
        ("loss", [0.5, 0.4, 0.45], 1),
        ("val_loss", [0.5, 0.6, 0.45], 0),
    ):
        stop = EarlyStopping(monitor)
        train(Script(**{monitor: values}), stop, validation_data=(X, Y), epochs=3)
        assert (stop.best_epoch, stop.best) == (best, values[best])


@pytest.mark.parametrize("patience, epochs", [(2, 4), (9, 6)])
def test_best_weights_come_back(patience, epochs):
    seen = []

    class Look(Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append(self.model.get_weights())

    script, stop = Script(loss=[3, 1, 2, 2, 2, 2]), EarlyStopping("loss", patience=patience, restore_best_weights=True)
    model, history = train(Look(), script, stop, epochs=6)
    assert len(history.epoch) == epochs
    for best, last, now in zip(seen[1], seen[-1], model.get_weights(), strict=True):
        assert_array_equal(now, best)
        assert np.any(best != last)


def test_checkpoint_of_every_epoch(tmp_path):
    path = tmp_path / "new folder" / "{epoch:02d}-{val_loss:.1f}.npz"
    script = Script(val_loss=[0.5, 0.25, 1])
    model, _ = train(ModelCheckpoint(path), script, epochs=1, validation_data=(X, Y))
    assert len(list(path.parent.iterdir())) == 1
    model, _ = train(script, ModelCheckpoint(path), epochs=3, model=model, validation_data=(X, Y))
    assert {"01-0.5.npz", "02-0.2.npz", "03-1.0.npz"} <= {file.name for file in path.parent.iterdir()}
    other = small()
    other.load_weights(path.parent / "03-1.0.npz")
    assert_same_weights(model, other)


def test_checkpoint_of_the_best_alone(tmp_path):
    path, seen = tmp_path / "best.npz", []

    class Look(Callback):
        def on_epoch_end(self, epoch, logs):
            seen.append(path.read_bytes())

    script = Script(accuracy=[0.3, 0.5, 0.4, 0.5, 0.6])
    checkpoint = ModelCheckpoint(path, "accuracy", save_best_only=True)
    model, _ = train(script, checkpoint, Look(), epochs=5)
    assert [a == b for a, b in pairwise(seen)] == [False, True, True, False]
    assert checkpoint.best == 0.6
    other = small()
    other.load_weights(path)
    assert_same_weights(model, other)


def test_checkpoint_to_go_on_from(tmp_path):
    straight, broken, resumed = (small(Dropout(0.3), SimpleRNN(3), optimizer=Adam()) for _ in range(3))
    train(model=straight, epochs=4)
    train(ModelCheckpoint(tmp_path / "state", save="training"), model=broken, epochs=2)
    epoch = resumed.load_training(tmp_path / "state")
    history = train(model=resumed, epochs=4, initial_epoch=epoch)[1]
    assert epoch == 2 and history.epoch == [2, 3]
    assert_same_weights(straight, resumed)


def test_rates_of_epochs():
    for schedule in (
        lambda epoch: 0.1 / (1 + epoch),
        lambda epoch, rate: 0.1 if epoch == 0 else rate * epoch / (epoch + 1),
    ):
        model, history = train(LearningRateScheduler(schedule), epochs=3)
        assert history.history["learning_rate"] == pytest.approx([0.1, 0.05, 0.1 / 3])
        by_hand = small()
        for epoch in range(3):
            by_hand.optimizer.learning_rate = history.history["learning_rate"][epoch]
            fit(by_hand, X, Y)
        assert_same_weights(model, by_hand)


@pytest.mark.parametrize(
    "options, losses, rates",
    [
        ({"patience": 2}, [5, 5, 5, 5, 5, 5], [1, 1, 1, 0.5, 0.5, 0.25]),
        ({"patience": 1}, [5, 4, 4, 3, 3, 3], [1, 1, 1, 0.5, 0.5, 0.25]),
        ({"patience": 1, "cooldown": 2}, [5, 5, 5, 5, 5, 5], [1, 1, 0.5, 0.5, 0.5, 0.25]),
        ({"patience": 1, "min_lr": 0.4}, [5, 5, 5, 5, 5, 5], [1, 1, 0.5, 0.4, 0.4, 0.4]),
        ({"patience": 1, "min_delta": 2}, [5, 4, 3, 2, 1, 0], [1, 1, 0.5, 0.25, 0.25, 0.125]),
        ({"patience": 1, "mode": "max"}, [1, 2, 2, 3, 4, 5], [1, 1, 1, 0.5, 0.5, 0.5]),
    ],
)
def test_rate_falls_on_plateaus(options, losses, rates):
    reduce = ReduceLROnPlateau("loss", factor=0.5, **options)
    _, history = train(Script(loss=losses), reduce, epochs=6, model=small(optimizer=SGD(1.0)))
    assert history.history["learning_rate"] == rates


def test_table_of_a_training(tmp_path):
    path = tmp_path / "runs" / "log.csv"
    model, history = train(CSVLogger(path), epochs=3, validation_data=(X, Y))
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert list(rows[0]) == ["epoch", *history.history]
    for name, values in history.history.items():
        assert [float(row[name]) for row in rows] == values  # every digit
    train(CSVLogger(path, append=True), epochs=4, initial_epoch=2, model=model, validation_data=(X, Y))
    again = path.read_text().splitlines()
    assert [line.split(",")[0] for line in again] == ["epoch", "0", "1", "2", "3"]
    with pytest.raises(nr.InputError, match="CSVLogger: expected a file with the columns epoch, loss, accuracy, got"):
        train(CSVLogger(path, append=True), epochs=5, initial_epoch=4, model=model)
    assert path.read_text().splitlines() == again
    train(CSVLogger(path, separator=";"), epochs=1)
    assert path.read_text().startswith("epoch;loss;accuracy\n0;")
    path.write_text("something else\n1\n")
    with pytest.raises(nr.InputError, match="CSVLogger: expected a file that CSVLogger wrote"):
        train(CSVLogger(path, append=True))


def test_a_loss_that_is_not_finite_reaches_the_callbacks(tmp_path):
    x = X.copy()
    x[3] = np.inf
    model = classifier(SimpleRNN(3, "relu"), device="numpy")
    checkpoint = ModelCheckpoint(tmp_path / "best", "loss", save_best_only=True)
    with pytest.warns(RuntimeWarning, match="stopped in epoch 1"):
        fit(model, x, Y, epochs=3, callbacks=[CSVLogger(tmp_path / "log"), checkpoint])
    assert (tmp_path / "log").read_text().splitlines()[1].startswith("0,nan")
    assert checkpoint.best is None and not (tmp_path / "best").exists()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: "early", "fit: expected callbacks to be a list of nr.callbacks, got 'early' in it"),
        (lambda: EarlyStopping, "fit: expected callbacks to be a list of nr.callbacks, got <class"),
        (
            lambda: EarlyStopping(),
            r"EarlyStopping: expected monitor to be one of loss, accuracy, got 'val_loss' \(there",
        ),
        (lambda: EarlyStopping("los"), "EarlyStopping: expected monitor to be one of loss, accuracy, got 'los'$"),
        (lambda: EarlyStopping(patience=-1), "EarlyStopping: expected patience to be an integer of at least 0, got -1"),
        (lambda: EarlyStopping(min_delta="x"), "EarlyStopping: expected min_delta to be a finite number"),
        (lambda: EarlyStopping(mode="up"), "EarlyStopping: expected mode to be 'auto', 'min' or 'max', got 'up'"),
        (lambda: EarlyStopping(pateince=3), "EarlyStopping: .* it takes monitor, min_delta, patience, mode"),
        (lambda: ModelCheckpoint("{epok}.npz"), "ModelCheckpoint: expected a path that names epoch, loss, accuracy or"),
        (lambda: ModelCheckpoint("w", save_best_only=True), "ModelCheckpoint: expected monitor to be one of"),
        (lambda: ModelCheckpoint("w", save="all"), "ModelCheckpoint: expected save to be 'weights' or 'training'"),
        (lambda: LearningRateScheduler(0.1), "LearningRateScheduler: expected a function schedule"),
        (lambda: LearningRateScheduler(lambda epoch: -1), "expected schedule to give a number of at least 0, got -1"),
        (
            lambda: ReduceLROnPlateau("loss", factor=1.0),
            r"ReduceLROnPlateau: expected factor to be a number in \[0, 1\)",
        ),
        (lambda: CSVLogger("log.csv", separator=""), "CSVLogger: expected separator to be one character"),
    ],
)
def test_bad_options_show_before_the_training(make, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    before = model.get_weights()
    with pytest.raises(nr.InputError, match=message):
        fit(model, X, Y, callbacks=[make()])
    for a, b in zip(before, model.get_weights(), strict=True):
        assert_array_equal(a, b)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("callback", [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss")])
def test_two_masters_of_the_rate(callback):
    with pytest.raises(nr.InputError, match=re.escape("an optimizer whose learning_rate is a number, got TimeDecay(")):
        train(callback, model=small(optimizer=SGD(TimeDecay(0.1, 0.1))))


def test_one_callback_needs_no_list():
    stop = EarlyStopping("loss")
    model = small(last=Dense(3))
    fit(model, *data(16), epochs=2, callbacks=stop)
    assert stop.model is model


def test_a_value_that_an_earlier_callback_adds_can_be_watched(tmp_path):
    class Score(Callback):
        def on_epoch_end(self, epoch, logs):
            logs["val_f1"] = [0.5, 0.7, 0.6, 0.9][epoch]

    model = classifier()
    best = ModelCheckpoint(tmp_path / "{epoch}-{val_f1:.1f}.npz", "val_f1", save_best_only=True)
    history = fit(model, *data(16), epochs=4, callbacks=[Score(), EarlyStopping("val_f1", patience=1), best])
    assert history.history["val_f1"] == [0.5, 0.7, 0.6]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-0.5.npz", "2-0.7.npz"]
    with pytest.raises(nr.InputError, match="expected monitor to be one of loss, accuracy, got 'val_f1'"):
        fit(model, *data(16), callbacks=[EarlyStopping("val_f1"), Score()])
    with pytest.raises(nr.InputError, match="expected monitor to be one of loss, accuracy, val_f1, got 'f2'"):
        fit(model, *data(16), callbacks=[Score(), EarlyStopping("f2")])


class Everything(nr.callbacks.Callback):
    """Writes down each event of evaluations and predictions."""

    def __init__(self):
        self.events = []

    def on_test_begin(self):
        self.events.append("test")

    def on_test_batch_begin(self, batch):
        self.events.append(("test", batch))

    def on_test_batch_end(self, batch, logs):
        self.events.append((batch, logs["loss"]))

    def on_test_end(self, logs):
        self.events.append(logs["loss"])

    def on_predict_begin(self):
        self.events.append("predict")

    def on_predict_batch_begin(self, batch):
        self.events.append(("predict", batch))

    def on_predict_batch_end(self, batch, logs):
        self.events.append((batch, logs["outputs"].shape))

    def on_predict_end(self):
        self.events.append("end")


def test_events_of_evaluations_and_predictions():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((5, 3)), rng.standard_normal((5, 2))
    model = nr.Sequential([nr.layers.Input((3,)), nr.layers.Dense(2)])
    model.compile("sgd", "mse")
    listener = Everything()
    loss, first = model.evaluate(x, y, batch_size=3, callbacks=[listener]), model.evaluate(x[:3], y[:3])
    begin, one, (_, of_first), two, (_, so_far), end = listener.events
    assert (begin, one, two) == ("test", ("test", 0), ("test", 1))
    assert of_first == pytest.approx(first) and so_far == end == loss
    listener.events.clear()
    model.predict(x, batch_size=3, callbacks=[listener])
    shown = ["predict", ("predict", 0), (0, (3, 2)), ("predict", 1), (1, (2, 2)), "end"]
    assert listener.events == shown
    listener.events.clear()
    model.fit(x, y, batch_size=5, verbose=0, validation_data=(x, y), callbacks=[listener])
    assert [e for e in listener.events if isinstance(e, str)] == ["test"]  # the validation of the epoch
