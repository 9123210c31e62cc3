"""A training that is broken off anywhere, and started again by the same call, has the bits of one that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.resumable import make
from helpers.toy import assert_same_weights, data, fit

import numbarnn as nr
from numbarnn import callbacks
from numbarnn.errors import InputError

TESTS = Path(__file__).parents[1]


class Broken(Exception):
    """The end of a training."""


class BreakOff(callbacks.Callback):
    """Breaks off a training after so many batches in all, ahead of the next file."""

    def __init__(self, batches):
        self.left = batches

    def on_train_batch_end(self, batch, logs):
        self.left -= 1
        if self.left < 0:
            raise Broken


def watching():
    stop = callbacks.EarlyStopping("loss", patience=2, min_delta=0.05, restore_best_weights=True)
    return [stop, callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.05)]


def train(model, folder=None, *broken, **options):
    """Train for at most 5 epochs of 3 batches, each with a file."""
    kept = {} if folder is None else {"checkpoints": nr.Checkpoints(folder, minutes=0)}
    options = {"epochs": 5, "validation_split": 0.2, "callbacks": [*watching(), *broken]} | kept | options
    return fit(model, *data(30), **options)


def assert_same_training(model, other):
    assert_same_weights(model, other)
    assert model.history.epoch == other.history.epoch
    np.testing.assert_equal(model.history.history, other.history.history)
    assert model._dropout_rng.bit_generator.state == other._dropout_rng.bit_generator.state
    assert model._shuffle_rng.bit_generator.state == other._shuffle_rng.bit_generator.state


@pytest.mark.parametrize("batches", [0, 1, 2, 3, 4, 7])
def test_broken_off_after_any_batch(batches, tmp_path):
    straight = make()
    train(straight)
    for seed in (3, *range(20)):
        # later of another seed, as the file has all that is random
        model = make(seed=seed)
        try:
            train(model, tmp_path, BreakOff(batches))
            break
        except Broken:
            # without a file there is nothing but the beginning
            if not batches:
                train(make(), tmp_path)
    assert_same_training(straight, model)
    # the same call once more trains nothing
    train(model := make(seed=77), tmp_path)
    assert_same_training(straight, model)


def test_metrics_with_a_state_stateful_layers_and_parts(tmp_path):
    def run(*broken, **kept):
        recurrent = nr.layers.LSTM(4, stateful=True, dropout=0.2)
        model = make(None, recurrent, seed=4)
        model.compile("sgd", model.loss, ["f1", "accuracy"])
        x, y = data(32)
        options = {"shuffle": False, "reset_every": "epoch", "accumulate": 3, "callbacks": broken, "epochs": 2}
        fit(model, x, y, **options, **kept)
        return model

    straight = run()
    with pytest.raises(Broken):
        run(BreakOff(2), checkpoints=nr.Checkpoints(tmp_path, minutes=0))
    resumed = run(checkpoints=nr.Checkpoints(tmp_path, minutes=0))
    assert_same_training(straight, resumed)
    for a, b in zip(straight.layers[0].state, resumed.layers[0].state, strict=True):
        assert (a == b).all()


class Numbered:
    """Batches that know where they are."""

    def __init__(self):
        self.position = 0

    def __iter__(self):
        while self.position < 4:
            self.position += 1
            yield data(8, self.position)
        self.position = 0

    def get_state(self):
        return self.position

    def set_state(self, state):
        self.position = state


STREAMS = {
    "generator": (lambda: (data(8, seed) for seed in range(99)), {"steps_per_epoch": 4}),
    "list": (lambda: iter_of([data(8, seed) for seed in range(4)]), {}),
    "with a state": (Numbered, {}),
    "with a state and steps": (Numbered, {"steps_per_epoch": 3}),
}


def iter_of(batches):
    class Batches:
        def __len__(self):
            return len(batches)

        def __getitem__(self, i):
            return batches[i]

    return Batches()


@pytest.mark.parametrize("kind", STREAMS)
@pytest.mark.parametrize("batches", [2, 4, 5])
def test_iterables_of_batches(kind, batches, tmp_path):
    make_stream, options = STREAMS[kind]
    straight, model = make(), make()
    straight.fit(make_stream(), epochs=3, verbose=0, **options)
    kept = {"checkpoints": nr.Checkpoints(tmp_path, minutes=0)}
    with pytest.raises(Broken):
        model.fit(make_stream(), epochs=3, verbose=0, callbacks=[BreakOff(batches)], **kept, **options)
    resumed = make(seed=9)
    resumed.fit(make_stream(), epochs=3, verbose=0, **kept, **options)
    assert_same_training(straight, resumed)


def test_the_last_files_and_the_best_one_are_kept(tmp_path):
    model = make()
    kept = nr.Checkpoints(tmp_path, keep=3, monitor="val_accuracy")
    fit(model, *data(30), epochs=6, validation_split=0.2, checkpoints=kept)
    assert [path.name for path in kept.files()] == [f"{epoch:06}-000000000.npz" for epoch in (6, 5, 4)]
    best = make(seed=8)
    epoch = best.load_training(tmp_path / "best.npz")
    assert epoch == 1 + int(np.argmax(model.history.history["val_accuracy"]))


def test_a_damaged_file_is_passed_over_with_a_warning(tmp_path):
    straight = make()
    train(straight)
    with pytest.raises(Broken):
        train(make(), tmp_path, BreakOff(5))
    latest = nr.Checkpoints(tmp_path).files()[0]
    latest.write_bytes(latest.read_bytes()[:-200])
    model = make(seed=5)
    with pytest.warns(RuntimeWarning, match="cannot be read, an earlier file is taken"):
        train(model, tmp_path)
    assert_same_training(straight, model)


def test_a_full_disk_does_not_end_the_training(tmp_path, monkeypatch):
    def full(path, *arrays):
        raise OSError(28, "No space left on device")

    straight, model = make(), make()
    train(straight)
    monkeypatch.setattr("numbarnn.checkpoint.save", full)
    with pytest.warns(RuntimeWarning, match=r"could not be written .*No space left on device.*free some space"):
        train(model, tmp_path)
    assert_same_training(straight, model)
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_middle_of_an_epoch_is_for_fit_alone(tmp_path):
    with pytest.raises(Broken):
        train(make(), tmp_path, BreakOff(1))
    with pytest.raises(InputError, match="middle of an epoch"):
        make().load_training(nr.Checkpoints(tmp_path).files()[0])


SLOW = """
import sys, time
sys.path.insert(0, sys.argv[1])
import numbarnn as nr
from helpers.resumable import make
from helpers.toy import data, fit

class Slow(nr.callbacks.Callback):
    def on_train_batch_end(self, batch, logs):
        print(batch, flush=True)
        time.sleep(0.2)

model = make()
fit(model, *data(40), epochs=2, callbacks=[Slow()], checkpoints=nr.Checkpoints(sys.argv[2]))
"""


def test_sigterm_writes_a_file_and_ends_the_program(tmp_path):
    command = [sys.executable, "-c", SLOW, TESTS, tmp_path]
    environment = os.environ | {"PYTHONPATH": str(TESTS.parent)}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert started.stdout.readline() == "0\n"
    started.send_signal(signal.SIGTERM)
    _, printed = started.communicate(timeout=60)
    assert started.returncode == 143
    assert printed == f"numbarnn: stopped by SIGTERM; the same call goes on from {tmp_path}\n"
    assert [path.name for path in nr.Checkpoints(tmp_path).files()] == ["000000-000000001.npz"]
    straight, resumed = make(), make(seed=6)
    fit(straight, *data(40), epochs=2)
    fit(resumed, *data(40), epochs=2, checkpoints=nr.Checkpoints(tmp_path))
    assert_same_training(straight, resumed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0}, "keep to be a positive integer, got 0"),
        ({"minutes": -1}, "minutes to be a number of at least 0, got -1"),
        ({"mode": "best"}, "mode to be 'auto', 'min' or 'max', got 'best'"),
        ({"often": True}, "often"),
    ],
)
def test_options_are_checked(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        nr.Checkpoints(tmp_path, **options)


def test_what_fit_refuses(tmp_path):
    with pytest.raises(InputError, match=r"expected checkpoints to be nr\.Checkpoints, got"):
        fit(make(), *data(8), checkpoints=tmp_path)
    with pytest.raises(InputError, match="initial_epoch or checkpoints"):
        fit(make(), *data(8), epochs=2, initial_epoch=1, checkpoints=nr.Checkpoints(tmp_path))
    with pytest.raises(InputError, match="monitor to be one of"):
        fit(make(), *data(8), checkpoints=nr.Checkpoints(tmp_path, monitor="val_loss"))
