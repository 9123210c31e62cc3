"""Trainings for one process or several: `mpiexec -n 2 python -m helpers.mpi_trainings NAME ... --out DIR`.

Each process writes the weights, the history and the states of stateful layers into DIR/RANK.npz.
"""

import argparse
import os
import signal
import time
from pathlib import Path

import numpy as np

import numbarnn as nr
from numbarnn import callbacks, losses
from numbarnn.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Dense,
    Dropout,
    Embedding,
    Input,
    Masking,
    SimpleRNN,
    TimeDistributed,
)
from numbarnn.utils.tree import tree_leaves

LABELS = losses.SparseCategoricalCrossentropy(from_logits=True)


def sequences(rows=23):
    """(x, y, weights of steps); of the first rows Masking hides nearly all steps."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((rows, 5, 3)), rng.integers(0, 3, (rows, 5))
    x[rng.random((rows, 5)) < np.linspace(0.9, 0.1, rows)[:, None]] = 0
    return x, y, rng.random((rows, 5))


def compiled(layers, metrics=("accuracy",), seed=3):
    model = nr.Sequential([Input((5, 3)), *layers], dtype="float64", device="numpy", seed=seed)
    model.compile(nr.optimizers.Adam(0.01, clip_global_norm=0.05), LABELS, metrics)
    return model


def masked(communicator, accumulate=1):
    """Masks, weights, random numbers and metrics with a state; the last batch has one row, some ranks none."""
    x, y, weights = sequences()
    zoneout = nr.ZoneoutWrapper(nr.LSTMCell(3), zoneout_h=0.2)
    normal = [] if accumulate > 1 else [BatchNormalization(), TimeDistributed(Dense(4)), BatchNormalization()]
    layers = [Masking(), Dropout(0.3), GRU(4, dropout=0.2, return_sequences=True, kernel_regularizer="l2")]
    model = compiled(
        [*layers, RNN(zoneout, return_sequences=True), *normal, Dense(3)], ["accuracy", "perplexity", "f1"]
    )
    options = {"batch_size": 11, "epochs": 2, "sample_weight": weights, "validation_data": (x[:7], y[:7])}
    model.fit(x, y, accumulate=accumulate, communicator=communicator, verbose=0, **options)
    return model


def accumulated(communicator):
    return masked(communicator, accumulate=2)


def several(communicator):
    """Two outputs, each with its divisor, and a penalty on activities."""
    x, y, _ = sequences()
    targets = np.random.default_rng(2).standard_normal((23, 2))
    given = Input((5, 3), name="x")
    steps = LSTM(4, return_sequences=True, activity_regularizer=nr.regularizers.L2(0.3))(Masking()(given))
    outputs = [Dense(3, name="labels")(steps), Dense(2, name="mean")(GRU(3)(steps))]
    model = nr.Model(given, outputs, dtype="float64", device="numpy", seed=2)
    model.compile("sgd", [LABELS, losses.MeanSquaredError(reduction="sum")], loss_weights=[0.7, 2.0])
    model.fit(x, [y, targets], batch_size=10, epochs=2, verbose=0, communicator=communicator)
    return model


def stateful(communicator):
    """States of all rows, also where a validation comes between."""
    x, y, _ = sequences(24)
    model = compiled([LSTM(4, return_sequences=True, stateful=True), Dense(3)])
    options = {"batch_size": 8, "epochs": 2, "shuffle": False, "validation_data": (x[:8], y[:8])}
    model.fit(x, y, verbose=0, communicator=communicator, **options)
    return model


def lengths(communicator):
    """Sequences of different lengths, from a stream of batches and as a list."""
    rng = np.random.default_rng(4)
    tokens, labels = [rng.integers(1, 9, n) for n in rng.integers(0, 7, 31)], rng.integers(0, 2, 31)
    model = nr.Sequential(
        [Input((None,)), Embedding(9, 4, mask_zero=True), Dropout(0.2), SimpleRNN(4), Dense(2)],
        dtype="float64",
        device="numpy",
    )
    model.compile("rmsprop", LABELS)
    model.fit(tokens, labels, batch_size=8, verbose=0, communicator=communicator)
    stream = iter([(tokens[:9], labels[:9]), (tokens[9:], labels[9:])])
    model.fit(stream, verbose=0, communicator=communicator)
    return model


def truncated(communicator, update="pass", reduction="mean_valid"):
    """Truncated BPTT with masks, weights, random numbers and states; the last batch has one row, some ranks none."""
    x, y, weights = sequences(23 if update == "pass" else 22)
    stateful = update == "sequence"
    layers = [Masking(), Dropout(0.3), GRU(4, return_sequences=True, stateful=stateful), LSTM(4, return_sequences=True)]
    model = compiled([*layers, Dense(3, kernel_regularizer="l2")], ["accuracy", "perplexity", "f1"])
    model.compile("adam", losses.SparseCategoricalCrossentropy(True, reduction=reduction), ["accuracy", "f1"])
    options = {"batch_size": 11, "epochs": 2, "sample_weight": weights, "truncate": (2, 3), "update": update}
    options["shuffle"] = not stateful
    model.fit(x, y, verbose=0, communicator=communicator, **options)
    return model


def truncated_sequences(communicator):
    return truncated(communicator, update="sequence")


def truncated_sums(communicator):
    return truncated(communicator, reduction="sum")


def wide(communicator):
    """A layer that is called twice, and more gradients than one reduction adds up, as on several machines."""
    x, y, _ = sequences()
    given, shared = Input((5, 3)), Dense(200, activation="tanh")
    steps = LSTM(200, return_sequences=True)(given)
    model = nr.Model(given, Dense(3)(shared(shared(steps))), dtype="float64", device="numpy", seed=2)
    model.compile("sgd", LABELS)
    if communicator is not None:
        communicator = nr.distributed.Communicator(communicator.comm)
        communicator.overlaps = True
    model.fit(x, y, batch_size=12, epochs=2, verbose=0, communicator=communicator)
    return model


class Observer(callbacks.Callback):
    """Changes the rate, adds a value, and says in which process it is."""

    def __init__(self, path):
        self.path = path

    def on_train_batch_end(self, batch, logs):
        self.model.optimizer.learning_rate *= 0.9

    def on_epoch_end(self, epoch, logs):
        logs["epoch_squared"] = float(epoch**2)
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()}\n")


def called_back(communicator, folder="."):
    """Callbacks that stop, restore weights, and write files."""
    x, y, _ = sequences()
    model = compiled([SimpleRNN(4, return_sequences=True), Dropout(0.2), Dense(3)])
    stop = callbacks.EarlyStopping("loss", min_delta=0.02, patience=2, restore_best_weights=True)
    kept = callbacks.ModelCheckpoint(Path(folder) / "{epoch}.npz", "loss", save="training")
    observer = Observer(Path(folder) / "processes")
    options = {"batch_size": 10, "epochs": 9, "callbacks": [observer, stop, kept]}
    model.fit(x, y, verbose=0, communicator=communicator, **options)
    return model


def local_steps(communicator, average_every=1):
    """Each process by itself; after every update of gradient descent the mean is that of one process."""
    x, y, _ = sequences(24)
    model = compiled([SimpleRNN(4, return_sequences=True), BatchNormalization(), Dropout(0.2), Dense(3)])
    model.compile(nr.optimizers.SGD(0.1, momentum=0.9), LABELS, ["accuracy", "f1"])
    options = {"batch_size": 12, "epochs": 3, "validation_data": (x, y), "verbose": 0}
    local = {} if communicator is None else {"communicator": communicator, "average_every": average_every}
    model.fit(x, y, **options, **local)
    return model


def seldom(communicator):
    """A mean after three updates, and after each epoch of two."""
    return local_steps(communicator, average_every=3)


class Terminate(callbacks.Callback):
    """Sends this process SIGTERM after a batch."""

    def on_train_batch_end(self, batch, logs):
        os.kill(os.getpid(), signal.SIGTERM)


def kept(communicator, folder, *called):
    """A training that goes on from its files."""
    x, y, _ = sequences()
    model = compiled([SimpleRNN(4, return_sequences=True), BatchNormalization(), Dropout(0.2), Dense(3)])
    options = {"batch_size": 8, "epochs": 2, "checkpoints": nr.Checkpoints(Path(folder) / "kept"), "callbacks": called}
    model.fit(x, y, verbose=0, communicator=communicator, **options)
    return model


def terminated(communicator, folder):
    kept(communicator, folder, Terminate())


def not_finite(communicator):
    """A number in the rows of the last rank that is not finite."""
    x, y, _ = sequences()
    x[22, 3, 1] = np.nan
    model = compiled([SimpleRNN(4, return_sequences=True), Dense(3)])
    model.fit(x, y, batch_size=23, shuffle=False, verbose=0, communicator=communicator)
    return model


def failing(communicator):
    """An error in one process alone, between two batches."""
    return endless(communicator, lambda: 1 / 0)


def killed(communicator):
    """A process that goes away without a word."""
    return endless(communicator, lambda: os.kill(os.getpid(), signal.SIGKILL))


def failing_before(communicator):
    """An error outside `fit`, while the others wait inside it."""
    if communicator.rank == 1:
        time.sleep(0.5)
        raise ValueError("no data here")
    return endless(communicator, lambda: None)


def endless(communicator, happens):
    x, y, _ = sequences()
    model = compiled([SimpleRNN(4, return_sequences=True), Dense(3)])

    def batches():
        for number in range(10**9):
            if number == 3 and communicator.rank == 1:
                happens()
            yield x, y

    model.fit(batches(), verbose=0, communicator=communicator)
    return model


def other_seeds(communicator):
    x, y, _ = sequences()
    model = compiled([SimpleRNN(4, return_sequences=True), Dense(3)], seed=communicator.rank)
    model.fit(x, y, verbose=0, communicator=communicator)


def drifting(communicator):
    """A weight that changes in one process alone."""
    x, y, _ = sequences()
    model = compiled([SimpleRNN(4, return_sequences=True), Dense(3)])

    def transform(gradients):
        if communicator.rank == 1 and model.optimizer.iterations == 2:
            model.params["dense/bias"][0] += 1e-12
        return gradients

    often = nr.distributed.Communicator(communicator.comm, check_every=4)
    model.fit(x, y, epochs=9, batch_size=8, verbose=0, gradient_transform=transform, communicator=often)


TRAININGS = {
    function.__name__: function
    for function in (
        masked,
        accumulated,
        several,
        stateful,
        lengths,
        local_steps,
        truncated,
        truncated_sequences,
        truncated_sums,
        wide,
        seldom,
        called_back,
        kept,
        not_finite,
    )
}
FAILURES = {function.__name__: function for function in (failing, killed, failing_before, other_seeds, drifting)}


def result(name, communicator, **options):
    """Train; return {"NAME:...": array} of the weights, the history and the states of stateful layers."""
    model = TRAININGS[name](communicator, **options)
    found = {f"{name}:weight:{key}": w for key, w in model.weights.items()}
    found |= {f"{name}:history:{key}": np.array(values) for key, values in model.history.history.items()}
    for layer in model._stateful_layers():
        found |= {f"{name}:state:{i}:{layer.name}": array for i, array in enumerate(tree_leaves(layer.state))}
    return found


FILES = "called_back", "kept"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="+")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    communicator, found = nr.distributed.Communicator(), {}
    for name in given.names:
        if name == "terminated":
            terminated(communicator, given.out)
        elif name in FAILURES:
            FAILURES[name](communicator)
        else:
            found |= result(name, communicator, **({"folder": given.out} if name in FILES else {}))
    np.savez(given.out / f"{communicator.rank}.npz", **found)


if __name__ == "__main__":
    main()
