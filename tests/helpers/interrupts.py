"""Ctrl-C at random moments: in `fit`, truncated or not, `evaluate`, `predict`, and in the commands train and generate.

Weights are then those after some whole update, the history has the finished epochs, files are whole, and nothing hangs.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np

import numbarnn as nr
from numbarnn import layers as L

SECONDS = 120  # until something counts as hanging
SAMPLES, STEPS, CLASSES, EPOCHS, BATCH = 48, 6, 3, 3, 8
RNG = np.random.default_rng(5)
X = RNG.standard_normal((SAMPLES, STEPS, 4)).astype("f4")
LABELS, LABELS_AT_STEPS = RNG.integers(0, CLASSES, SAMPLES), RNG.integers(0, CLASSES, (SAMPLES, STEPS))


def model(at_steps=False):
    layers = [L.LSTM(12, return_sequences=at_steps, dropout=0.2), L.Dropout(0.2), L.Dense(CLASSES)]
    built = nr.Sequential([L.Input((STEPS, 4)), *layers], seed=3)
    loss = nr.losses.SparseCategoricalCrossentropy(from_logits=True)
    built.compile(nr.optimizers.Adam(0.01), loss, ["accuracy"])
    return built


def interrupted(delay, task):
    """Run a task, with SIGINT after a delay unless it has ended; returns whether KeyboardInterrupt came of it."""
    over = threading.Event()
    sender = threading.Thread(target=lambda: over.wait(delay) or os.kill(os.getpid(), signal.SIGINT))
    try:
        try:
            sender.start()
            task()
        finally:
            over.set()
            sender.join()
    except KeyboardInterrupt:
        return True
    return False


def seconds_of(task):
    """Time a task whose kernels are compiled already."""
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


class Fit:
    """`fit`, which after an interrupt has the weights of some update of an undisturbed training."""

    options, at_steps = {}, False

    def __init__(self):
        self.y = LABELS_AT_STEPS if self.at_steps else LABELS
        whole, self.states = self.started(), []
        apply = whole.optimizer.apply
        self.states.append(whole.get_weights())

        def recorded(*arguments):
            apply(*arguments)
            self.states.append(whole.get_weights())

        whole.optimizer.apply = recorded
        self.history = self.fit(whole).history
        self.seconds = seconds_of(lambda: self.fit(self.started()))

    def started(self):
        return model(self.at_steps)

    def fit(self, each, **options):
        return each.fit(X, self.y, BATCH, EPOCHS, verbose=0, validation_split=0.25, **self.options, **options)

    def case(self, rng):
        each = self.started()
        with tempfile.TemporaryDirectory() as folder:
            callbacks = [
                nr.callbacks.ModelCheckpoint(Path(folder, "weights.npz")),
                nr.callbacks.ModelCheckpoint(Path(folder, "training.npz"), save="training"),
                nr.callbacks.CSVLogger(Path(folder, "log.csv")),
            ]
            callbacks = callbacks if rng.random() < 0.5 else []
            delay = rng.uniform(0, (1.6 if callbacks else 1.1) * self.seconds)
            came = interrupted(delay, lambda: self.fit(each, callbacks=callbacks))
            self.check_weights(each, each.get_weights())
            self.check_history(each)
            files = sorted(path.name for path in Path(folder).iterdir())
            assert set(files) <= {"weights.npz", "training.npz", "log.csv"}, files
            other = self.started()
            if "weights.npz" in files:
                other.load_weights(Path(folder, "weights.npz"))
                assert any(all(map(np.array_equal, other.get_weights(), state)) for state in self.states)
            if "training.npz" in files:
                other.load_training(Path(folder, "training.npz"))
                self.check_weights(other, other.get_weights())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        each.evaluate(X, self.y)  # nothing hangs afterwards
        return came

    def check_weights(self, each, weights):
        assert all(map(np.array_equal, weights, self.states[each.optimizer.iterations])), "half an update"

    def check_history(self, each):
        if each.history is None:  # before the first line of `fit`
            return
        per_epoch, done = (len(self.states) - 1) // EPOCHS, len(each.history.epoch)
        assert each.history.epoch == list(range(done))
        assert each.history.history == {name: values[:done] for name, values in self.history.items() if done}
        assert done * per_epoch <= each.optimizer.iterations <= (done + 1) * per_epoch


class TruncatedFit(Fit):
    """`fit` with truncated BPTT, which updates several times for each batch."""

    options, at_steps = {"truncate": (2, 4)}, True


class Evaluate:
    """`evaluate`, which changes nothing."""

    def __init__(self):
        self.model = model()
        self.weights, self.expected = self.model.get_weights(), self.call()
        self.seconds = seconds_of(self.call)

    def call(self):
        return np.array(self.model.evaluate(np.tile(X, (4, 1, 1)), np.tile(LABELS, 4), batch_size=2))

    def case(self, rng):
        came = interrupted(rng.uniform(0, 1.1 * self.seconds), self.call)
        assert all(map(np.array_equal, self.weights, self.model.get_weights()))
        assert np.array_equal(self.call(), self.expected)
        return came


class Predict(Evaluate):
    """`predict`."""

    def call(self):
        return self.model.predict(np.tile(X, (40, 1, 1)), batch_size=2)


class Command:
    """A command in a process of its own."""

    seconds = 8.0

    def __init__(self):
        pass

    def start(self, folder, environment):
        with open(folder / "output", "wb") as out, open(folder / "errors", "wb") as errors:
            command = [sys.executable, "-m", "numbarnn", *self.arguments(folder)]
            return subprocess.Popen(command, stdout=out, stderr=errors, cwd=folder, env=environment)

    def case(self, rng):
        environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if rng.random() < 0.2:  # nothing is compiled yet
                environment["NUMBARNN_CACHE_DIR"] = str(folder / "kernels")
            process = self.start(folder, environment)
            try:
                process.wait(rng.uniform(0.3, self.seconds))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
            try:
                status = process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"it runs {SECONDS} s after the interrupt") from None
            output, errors = ((folder / name).read_text() for name in ("output", "errors"))
            self.check(folder, status, output, errors)
            left = [str(path) for path in folder.rglob("*.tmp")]
            assert not left, f"left behind: {left}"
            return status != 0

    def check(self, folder, status, output, errors):
        if not output and (status == -signal.SIGINT or "import" in errors):  # Python and imports end in their own ways
            return
        if status == -signal.SIGINT:  # while Python ends, after the command
            self.check_files(folder, 0, output)
            return
        assert status in (0, 130), f"exit status {status}: {errors[-300:]}"
        assert status == 0 or errors.endswith("\nnumbarnn: interrupted\n"), errors[-300:]
        dropped = errors.count("Exception ignored")  # in a finaliser; it is raised again
        assert errors.count("Traceback") == dropped, errors[-300:]
        self.check_files(folder, status, output)


class Train(Command):
    """`python -m numbarnn train`: weights, report and result, as far as they came."""

    def arguments(self, folder):
        return ["train", "digits", "--epochs", "4", "--out", "out", "--json", "result.json"]

    def check_files(self, folder, status, output):
        began = "epoch 1/" in output
        weights, result = folder / "out" / "weights.npz", folder / "result.json"
        if began or status == 0:
            built = nr.recipes.RECIPES["digits"].build(0, "float32")
            built.load_weights(weights)
            assert all(np.isfinite(w).all() for w in built.get_weights())
            epochs = json.loads(result.read_text())["epochs"]
            assert status or len(epochs) == 4
            assert (folder / "out" / "report.txt").read_text()
        for figure in folder.rglob("*.png"):
            assert figure.read_bytes().endswith(b"IEND\xaeB`\x82"), f"{figure.name} is cut off"


class Generate(Command):
    """`python -m numbarnn generate`: a whole continuation or none."""

    seconds = 3.0

    def arguments(self, folder):
        nr.recipes.RECIPES["series"].build(0, "float32").save_weights(folder / "weights.npz")
        options = ["--weights", "weights.npz", "--length", "3000", "--out", "values.txt", "--json", "result.json"]
        return ["generate", "series", *options]

    def check_files(self, folder, status, output):
        values, result = folder / "values.txt", folder / "result.json"
        assert status or (values.exists() and result.exists())
        if values.exists():
            assert len(values.read_text().splitlines()) == 3000
        if result.exists():
            assert len(json.loads(result.read_text())["values"]) == 3000


TASKS = {"fit": Fit, "truncated fit": TruncatedFit, "evaluate": Evaluate, "predict": Predict}
COMMANDS = {"train": Train, "generate": Generate}
TURNS = (*list(TASKS) * 4, "train", "generate", "train", "generate", "fit")  # of which some are commands


def run(cases, seed, progress=lambda done: None, names=TURNS):
    """Interrupt `cases` times; returns counts of what happened. Raises AssertionError where something is wrong."""
    tasks, counts = {}, Counter()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what runs behind it ignore SIGINT
    for number in range(cases):
        name = names[number % len(names)]
        if name not in tasks:
            tasks[name] = (TASKS | COMMANDS)[name]()
        signal.alarm(2 * SECONDS)  # ends the process if something hangs
        try:
            came = tasks[name].case(np.random.default_rng([seed, number]))
        finally:
            signal.alarm(0)
        counts[f"{name} interrupted" if came else f"{name} ended before"] += 1
        progress(number + 1)
    return counts
