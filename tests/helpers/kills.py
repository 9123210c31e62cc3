"""Processes that are killed while they save: the file is then the old one or the new one, whole.

A child saves again and again, and says after each save how many there were. It is killed at a random moment. Each save
holds its number; so what is found must be the last one that the child spoke of, or the one after it. The next save
removes what the killed one left.
"""

import multiprocessing
import os
import pickle
import signal
import struct
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

import numbarnn as nr
from numbarnn.runtime.compile import Store
from numbarnn.runtime.whole_file import whole_file

SECONDS = 60  # until a child that does not answer counts as hanging
NUMBERS = 60_000


class Weights:
    """The weights of a model."""

    name = "saved.npz"

    def __init__(self, folder):
        self.path = folder / self.name
        self.model = nr.Sequential([nr.layers.Input((None, 30)), nr.layers.LSTM(50), nr.layers.Dense(2)])
        self.model.compile(optimizer="sgd", loss="mse")

    def write(self, number):
        self.model.set_weights([np.full_like(w, number) for w in self.model.get_weights()])
        self.save(number)

    def read(self):
        self.load()
        (number,) = {float(v) for w in self.model.get_weights() for v in (w.min(), w.max())}
        return number

    def save(self, number):
        self.model.save_weights(self.path)

    def load(self):
        self.model.load_weights(self.path)


class Training(Weights):
    """Weights, and all that training needs to go on."""

    def save(self, number):
        self.model.save_training(self.path, epoch=number)

    def load(self):
        epoch = self.model.load_training(self.path)
        assert float(epoch) == float(self.model.get_weights()[0].flat[0])


class Checkpoint:
    """Arrays by name."""

    def __init__(self, folder):
        self.path = folder / "arrays.npz"

    def write(self, number):
        nr.checkpoint.save(self.path, {"a": np.full(NUMBERS, number), "b": np.full(7, number, "f4")})

    def read(self):
        arrays = nr.checkpoint.load(self.path)
        (number,) = {float(v) for a in arrays.values() for v in (a.min(), a.max())}
        return number


class Kernels:
    """Machine code in the store of kernels."""

    def __init__(self, folder):
        os.environ["NUMBARNN_CACHE_DIR"] = str(folder)
        self.store = Store("0" * 64)

    def write(self, number):
        class Result:
            def _reduce(self):
                return number, bytes([number % 251]) * NUMBERS

        self.store.save_overload(None, Result())

    def read(self):
        number, code = pickle.loads(self.store.read())
        assert code == bytes([number % 251]) * NUMBERS
        return number


class Text:
    """A report."""

    def __init__(self, folder):
        self.path = folder / "report.txt"

    def write(self, number):
        with whole_file(self.path) as file:
            for _ in range(40):
                file.write(f"{number}\n".encode() * 500)

    def read(self):
        (number,) = set(self.path.read_text().split("\n")[:-1])
        assert self.path.read_text().count("\n") == 20_000
        return int(number)


SAVERS = {"weights": Weights, "training": Training, "checkpoint": Checkpoint, "kernels": Kernels, "text": Text}


def save_forever(make, folder, first, told):
    saver = make(folder)
    for number in range(first, 1 << 30):
        saver.write(number)
        os.write(told, struct.pack("q", number))


def killed(context, make, folder, first, delay):
    """Start a child, kill it some time after its first save, and return the number of its last one."""
    heard, told = os.pipe()
    child = context.Process(target=save_forever, args=(make, folder, first, told))
    child.start()
    os.close(told)
    last = os.read(heard, 8)
    time.sleep(delay)
    os.kill(child.pid, signal.SIGKILL)
    child.join(SECONDS)
    assert child.exitcode == -signal.SIGKILL, f"the child ended with {child.exitcode}"
    while numbers := os.read(heard, 8 << 10):
        last = numbers[-8:]
    os.close(heard)
    return struct.unpack("q", last)[0]


def case(rng, make, folder, first, context):
    """Kill a child; returns ("old" or "new" file, whether something was left behind, the next number)."""
    delay = float(rng.uniform(0, 0.03))
    last = killed(context, make, folder, first, delay)
    saver = make(folder)
    found = saver.read()
    assert found in (last, last + 1), f"save {found} was found after save {last}"
    left = len(list(folder.iterdir())) - 1
    saver.write(last + 2)
    assert saver.read() == last + 2
    assert len(list(folder.iterdir())) == 1, f"left behind: {sorted(path.name for path in folder.iterdir())}"
    return "old" if found == last else "new", left, last + 3


def run(cases, seed, progress=lambda done: None, names=tuple(SAVERS)):
    """Kill `cases` children, which save in turn what `SAVERS` save; returns counts of what was found.

    Raises AssertionError where a file is damaged or something stays behind.
    """
    context, counts = multiprocessing.get_context("fork"), Counter()
    setting = os.environ.get("NUMBARNN_CACHE_DIR")
    try:
        with tempfile.TemporaryDirectory() as folder:
            first = dict.fromkeys(names, 1)
            for number in range(cases):
                name = names[number % len(names)]
                own = Path(folder, name)
                own.mkdir(mode=0o700, exist_ok=True)
                rng = np.random.default_rng([seed, number])
                which, left, first[name] = case(rng, SAVERS[name], own, first[name], context)
                counts[which] += 1
                counts["left something behind"] += left > 0
                progress(number + 1)
    finally:
        os.environ.pop("NUMBARNN_CACHE_DIR", None)
        if setting is not None:
            os.environ["NUMBARNN_CACHE_DIR"] = setting
    return counts
