"""Trainings that are killed, with SIGKILL or SIGTERM, and started again by the same call until they are through.

Each then has the weights, the history and the table of a training without a break, to the bit. A file is written after
every batch; in some of the trainings the disk is full now and then.
"""

import errno
import hashlib
import multiprocessing
import os
import signal
import tempfile
import time
import warnings
from collections import Counter
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np

import numbarnn as nr
from numbarnn import callbacks, checkpoint
from numbarnn.layers import GRU, LSTM, BatchNormalization, Dense, Dropout, Input

SECONDS = 60  # until a child that does not answer counts as hanging
EPOCHS = 3


def train(folder, full=0.0, seed=0):
    """Train to the end; write what came out of it, the share `full` of all files finding no room."""
    rng, write = np.random.default_rng(seed), checkpoint.save

    def save(path, *arrays):
        if rng.random() < full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, *arrays)

    data = np.random.default_rng(1)
    x, y = data.standard_normal((50, 6, 2)).astype("float32"), data.integers(0, 3, 50)
    layers = [LSTM(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True), BatchNormalization(), GRU(3)]
    model = nr.Sequential([Input((6, 2)), *layers, Dropout(0.2), Dense(3)], device="numpy")
    loss = nr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(nr.optimizers.Adam(0.01), loss, ["accuracy", "f1"])
    watching = [
        callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.1),
        callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        callbacks.CSVLogger(folder / "table.csv", append=True),
    ]
    checkpoint.save = save
    try:
        kept = nr.Checkpoints(folder / "kept", minutes=0, monitor="val_loss")
        options = {"batch_size": 8, "epochs": EPOCHS, "validation_split": 0.2, "callbacks": watching, "verbose": 0}
        with warnings.catch_warnings(record=True):
            model.fit(x, y, checkpoints=kept, **options)
    finally:
        checkpoint.save = write
    found = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights()))
    found.update(repr((model.history.epoch, model.history.history, model._dropout_rng.bit_generator.state)).encode())
    found.update((folder / "table.csv").read_bytes())
    (folder / "result").write_text(found.hexdigest())


def child(folder, full, seed):
    # for what SIGTERM prints
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        train(folder, full, seed)


def run(cases, seed, progress=lambda done: None):
    """Kill `cases` children; return counts of how they ended.

    Raises AssertionError where a training comes to another result than one without a break.
    """
    context, counts = multiprocessing.get_context("fork"), Counter()
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        straight = Path(folder, "straight")
        straight.mkdir()
        start = time.perf_counter()
        train(straight)
        seconds, expected = time.perf_counter() - start, (straight / "result").read_text()
        number = killed = 0
        while killed < cases:
            own = Path(folder, str(number))
            own.mkdir()
            while not (own / "result").exists():
                process = context.Process(target=child, args=(own, 0.1 * (number % 2), int(rng.integers(1 << 31))))
                process.start()
                kind = signal.SIGTERM if rng.random() < 0.3 else signal.SIGKILL
                process.join(float(rng.uniform(0, 0.35 * seconds)))
                if process.is_alive():
                    os.kill(process.pid, kind)
                    killed += 1
                    progress(min(killed, cases))
                process.join(SECONDS)
                # SIGTERM before `fit` has begun ends a process as it always does
                ends = {0: "through", -signal.SIGKILL: "killed", -signal.SIGTERM: "ended", 143: "stopped"}
                assert process.exitcode in ends, f"a child ended with {process.exitcode}"
                counts[ends[process.exitcode]] += 1
            assert (own / "result").read_text() == expected, f"training {number} came to another result"
            left = [path.name for path in (own / "kept").iterdir() if path.name.startswith(".")]
            assert len(left) <= 1, f"left behind: {left}"
            number += 1
        counts["trainings with the same bits"] = number
    return counts
