"""Ctrl-C in a training: nothing that was finished is lost, and no update is half made."""

import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.toy import classifier, data, fit

import numbarnn as nr
from numbarnn.runtime.interrupts import Interrupts

ROOT = Path(__file__).parents[2]
INTERRUPTED_CLASS = """
import os, signal

class Attribute:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)

class Axes:
    attribute = Attribute()
"""


@pytest.fixture(autouse=True)
def python_raises_keyboard_interrupt():
    """Receive SIGINT as Python does by default, even where a shell in the background lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class InterruptIn(nr.callbacks.Callback):
    """Sends SIGINT at the start of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, epoch):
        if epoch == self.epoch:
            os.kill(os.getpid(), signal.SIGINT)


def test_history_and_best_weights_are_kept():
    model, straight = classifier(optimizer=nr.optimizers.SGD(2.0)), classifier(optimizer=nr.optimizers.SGD(2.0))
    best = nr.callbacks.EarlyStopping("loss", patience=10, restore_best_weights=True)
    with pytest.raises(KeyboardInterrupt):
        fit(model, *data(24), epochs=8, callbacks=[best, InterruptIn(5)])
    whole = fit(straight, *data(24), epochs=5)
    assert model.history.epoch == [0, 1, 2, 3, 4] and model.history.history == whole.history
    expected = classifier(optimizer=nr.optimizers.SGD(2.0))
    fit(expected, *data(24), epochs=int(np.argmin(whole.history["loss"])) + 1)
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_file_is_whole_though_the_interrupt_came_while_it_was_written(monkeypatch, tmp_path):
    """NumPy's writer of zip files would raise a ValueError in its place."""
    model, save, file = classifier(), zipfile._get_compressor, tmp_path / "weights.npz"
    checkpoints = nr.callbacks.ModelCheckpoint(file)

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return save(*arguments)

    monkeypatch.setattr(zipfile, "_get_compressor", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(model, *data(16), epochs=3, callbacks=[checkpoints])
    other = classifier()
    other.load_weights(file)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(tmp_path.iterdir()) == [file]


def test_an_update_is_whole(monkeypatch):
    """An interrupt that comes in the middle of an update waits for its end."""
    model = classifier()
    x, y = data(8)
    model.train_on_batch(x, y)
    apply, before = model.optimizer.apply, model.get_weights()

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        apply(*arguments)

    monkeypatch.setattr(model.optimizer, "apply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.train_on_batch(x, y)
    assert model.optimizer.iterations == 2
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("place", range(24))
def test_interrupts_while_the_handler_is_installed_or_removed(place):
    """At the place-th line: the interrupt is raised, and the handler before is there again."""
    interrupts, seen = Interrupts(), []
    methods = Interrupts.__enter__.__code__, Interrupts.__exit__.__code__

    def trace(frame, event, argument):
        if frame.f_code in methods:
            seen.append(frame.f_lineno)
            if len(seen) == place + 1:
                os.kill(os.getpid(), signal.SIGINT)
        return trace

    def work():
        with interrupts:
            pass

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        work()
        raised = False
    except KeyboardInterrupt:
        raised = True
    finally:
        sys.settrace(before)
        after = signal.signal(signal.SIGINT, signal.default_int_handler)
    assert raised == (len(seen) > place)
    assert after is signal.default_int_handler
    assert interrupts.depth == 0 and interrupts.caught is None
    work()


def test_interrupts_are_deferred_in_the_main_thread_alone():
    steps, interrupts = [], Interrupts()
    with pytest.raises(KeyboardInterrupt), interrupts:
        with interrupts.deferred():
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("whole")
        steps.append("not reached")
    assert steps == ["whole"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def elsewhere():
        with interrupts, interrupts.deferred():
            steps.append("in a thread")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert steps == ["whole", "in a thread"]


@pytest.mark.parametrize("last", [False, True])
def test_an_interrupt_in_a_finaliser_is_not_lost(last, monkeypatch):
    """Python drops it; the end of the next change raises it, or that of the training."""

    class Finalised:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)

    class Finaliser(nr.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            if not last and epoch == 1:
                Finalised()

        def on_train_end(self):
            if last:
                Finalised()

    dropped = []
    monkeypatch.setattr("sys.unraisablehook", dropped.append)
    model = classifier()
    with pytest.raises(KeyboardInterrupt):
        fit(model, *data(16), epochs=1 if last else 5, callbacks=[Finaliser()])
    assert len(dropped) == 1 and model.optimizer.iterations == (2 if last else 4)
    assert model.history.epoch == ([0] if last else [0, 1])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    model.train_on_batch(*data(8))


def test_the_command_keeps_what_it_has(tmp_path, monkeypatch, capsys):
    from numbarnn import __main__ as command
    from numbarnn.recipes import RECIPES

    build = RECIPES["digits"].build

    def interrupted(seed, dtype):
        model = build(seed, dtype)
        whole = model.fit
        model.fit = lambda *a, callbacks=(), **options: whole(*a, callbacks=[*callbacks, InterruptIn(2)], **options)
        return model

    monkeypatch.setattr(RECIPES["digits"], "build", interrupted)
    out, file = tmp_path / "out", tmp_path / "result.json"
    status = command.main(["train", "digits", "--epochs", "5", "--out", str(out), "--json", str(file)])
    assert status == 130
    result = json.loads(file.read_text())
    assert result["interrupted"] and len(result["epochs"]) == 2 and result["final"] == {}
    model = build(0, "float32")
    model.load_weights(out / "weights.npz")
    shown = capsys.readouterr()
    assert "interrupted in epoch 3" in shown.out and "weights.npz" in shown.out


def test_the_command_keeps_what_it_has_in_the_test(tmp_path, monkeypatch, capsys):
    """The weights and the history, though there is no test result."""
    from numbarnn import __main__ as command
    from numbarnn.recipes import RECIPES

    monkeypatch.setattr(RECIPES["digits"], "report", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    out, file = tmp_path / "out", tmp_path / "result.json"
    assert command.main(["train", "digits", "--epochs", "2", "--out", str(out), "--json", str(file)]) == 130
    result = json.loads(file.read_text())
    assert result["interrupted"] and len(result["epochs"]) == 2 and result["final"] == {}
    RECIPES["digits"].build(0, "float32").load_weights(out / "weights.npz")
    assert "the test is not complete" in (out / "report.txt").read_text()
    assert capsys.readouterr().err.endswith("numbarnn: interrupted\n")


def test_the_command_keeps_what_it_has_while_matplotlib_is_imported(tmp_path, capsys):
    """Inside a class that is being made Python would turn the interrupt into a RuntimeError."""
    whole = tmp_path / "matplotlib"
    whole.mkdir()
    for name, text in {
        "__init__.py": "",
        "figure.py": INTERRUPTED_CLASS,
        "backends/__init__.py": "",
        "backends/backend_agg.py": "",
    }.items():
        (whole / name).parent.mkdir(exist_ok=True)
        (whole / name).write_text(text)
    out, file = tmp_path / "out", tmp_path / "result.json"
    command = [sys.executable, "-m", "numbarnn", "train", "digits", "--epochs", "2", "--out", out, "--json", file]
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 130, done.stderr
    result = json.loads(file.read_text())
    assert result["interrupted"] and len(result["epochs"]) == 2 and result["final"]
    assert done.stderr.endswith("numbarnn: interrupted\n")


def test_a_batch_inside_a_training_of_the_same_model():
    class Extra(nr.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.train_on_batch(*data(8))

    model = classifier()
    with pytest.raises(KeyboardInterrupt):
        fit(model, *data(16), epochs=4, callbacks=[Extra(), InterruptIn(2)])
    assert model.history.epoch == [0, 1] and signal.getsignal(signal.SIGINT) is signal.default_int_handler
