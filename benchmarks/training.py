"""Whole training loops against PyTorch: models of the recipes, one epoch of `fit` and of a PyTorch loop in turn.

    python -m benchmarks.training [--models NAME,...] [--rounds N] [--json FILE]

Both sides have the same weights, batches, loss and accuracy; data are random numbers of the recipes' shapes. Before
anything is timed, the losses of an unshuffled epoch without dropout are compared; if they differ, the exit code is 1. A
ratio is PyTorch's time over ours, the median over all rounds; its range is that of single rounds. Memory is the peak of
a process that trains one side alone, and how much of it training added.
"""

import argparse
import multiprocessing
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

import numbarnn as nr

from . import arguments, report
from .comparison import installed
from .torch_models import Model

LOSS_BOUND = 2e-3  # relative; rounding errors grow with every update


class Workload(NamedTuple):
    """A model and its data: `layers()` of a Sequential; `x` and `y` draw the arrays of a batch."""

    layers: object
    x: object
    y: object
    batch_size: int
    batches: int
    loss: object
    optimizer: object
    torch_optimizer: object
    shuffle: bool = True


def mnist():
    """Read the rows of images with SimpleRNN(150)."""
    return Workload(
        lambda: [nr.layers.Input((28, 28)), nr.layers.SimpleRNN(150), nr.layers.Dense(10)],
        lambda rng, n: rng.random((n, 28, 28), np.float32),
        lambda rng, n: rng.integers(0, 10, n),
        150,
        100,
        nr.losses.SparseCategoricalCrossentropy(from_logits=True),
        nr.optimizers.Adam(1e-3),
        lambda torch, p: torch.optim.Adam(p, 1e-3, eps=1e-7),
    )


def reviews(recurrent):
    """Classify film reviews of 500 words: embedding, 32 units, one probability."""
    return Workload(
        lambda: [
            nr.layers.Input((500,)),
            nr.layers.Embedding(10_000, 32),
            recurrent(32),
            nr.layers.Dense(1, activation="sigmoid"),
        ],
        lambda rng, n: rng.integers(0, 10_000, (n, 500)),
        lambda rng, n: rng.integers(0, 2, n),
        128,
        16,
        nr.losses.BinaryCrossentropy(),
        nr.optimizers.RMSprop(1e-3),
        lambda torch, p: torch.optim.RMSprop(p, 1e-3, alpha=0.9, eps=1e-7),
    )


def shakespeare():
    """Predict the next of 65 characters: two stateful layers of 256 LSTM units, dropout, clipped gradients."""
    return Workload(
        lambda: [
            nr.layers.Input((None,)),
            nr.layers.Embedding(65, 64),
            nr.layers.LSTM(256, return_sequences=True, stateful=True),
            nr.layers.Dropout(0.2),
            nr.layers.LSTM(256, return_sequences=True, stateful=True),
            nr.layers.Dropout(0.2),
            nr.layers.Dense(65),
        ],
        lambda rng, n: rng.integers(0, 65, (n, 64)),
        lambda rng, n: rng.integers(0, 65, (n, 64)),
        32,
        40,
        nr.losses.SparseCategoricalCrossentropy(from_logits=True),
        nr.optimizers.Adam(1e-3, clip_global_norm=1.0),
        lambda torch, p: torch.optim.Adam(p, 1e-3, eps=1e-7),
        shuffle=False,
    )


MODELS = {
    "mnist": mnist,
    "imdb-rnn": partial(reviews, nr.layers.SimpleRNN),
    "imdb-lstm": partial(reviews, nr.layers.LSTM),
    "shakespeare": shakespeare,
}


def ours(workload):
    model = nr.Sequential(workload.layers(), seed=0)
    model.compile(workload.optimizer, workload.loss, metrics=["accuracy"])
    return model


def data(workload):
    rng, samples = np.random.default_rng(0), workload.batch_size * workload.batches
    return workload.x(rng, samples), workload.y(rng, samples)


def epochs(workload, threads):
    """Return {"numbarnn" or "torch": a function that trains one epoch and returns its mean loss}, and a function that
    scales the dropout rates of both."""
    import torch

    torch.set_num_threads(threads)
    model = ours(workload)
    peer, (x, y) = Model(model, workload.torch_optimizer), data(workload)
    tensors = torch.tensor(x), torch.tensor(y)
    dropouts = [pair for pair in zip(model.layers, peer.layers, strict=True) if isinstance(pair[0], nr.layers.Dropout)]
    rates = [layer.rate for layer, _ in dropouts]

    def set_dropout(share):
        for (layer, of_peer), rate in zip(dropouts, rates, strict=True):
            layer.rate = of_peer.p = share * rate

    def numbarnn_epoch(shuffle=workload.shuffle):
        model.reset_states()
        return model.fit(x, y, workload.batch_size, 1, shuffle=shuffle, verbose=0).history["loss"][0]

    calls = {
        "numbarnn": numbarnn_epoch,
        "torch": lambda shuffle=workload.shuffle: peer.fit(*tensors, workload.batch_size, shuffle)[0],
    }
    return calls, set_dropout


def measure(name, options):
    """Measure one model: lines to print, rows of results, and errors."""
    workload = MODELS[name]()
    calls, set_dropout = epochs(workload, options.threads)
    set_dropout(0)
    losses = {side: call(shuffle=False) for side, call in calls.items()}
    error = abs(losses["numbarnn"] / losses["torch"] - 1)
    if not error <= LOSS_BOUND:
        wrong = {"model": name, "error": error, **losses}
        return [f"{name:<14} WRONG, not timed: losses {losses}"], [], [wrong]
    set_dropout(1)
    seconds = {side: [] for side in calls}
    for _ in range(options.rounds):
        for side, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[side].append(time.perf_counter() - start)
    samples = workload.batch_size * workload.batches
    ratios = np.divide(seconds["torch"], seconds["numbarnn"])
    memory = {side: peak_memory(name, side, options.threads) for side in calls}
    row = {
        "model": name,
        "batch_size": workload.batch_size,
        "numbarnn_samples_per_second": samples / float(np.median(seconds["numbarnn"])),
        "torch_samples_per_second": samples / float(np.median(seconds["torch"])),
        "ratio": float(np.median(seconds["torch"]) / np.median(seconds["numbarnn"])),
        "ratio_min": float(ratios.min()),
        "ratio_max": float(ratios.max()),
        "max_error": error,
        **{f"{side}_peak_mb": peak for side, (peak, _) in memory.items()},
        **{f"{side}_training_mb": added for side, (_, added) in memory.items()},
    }
    return [line(row)], [row], []


def line(row):
    text = f"{row['model']:<14}{row['numbarnn_samples_per_second']:>12,.0f}{row['torch_samples_per_second']:>12,.0f}"
    text += f"  {report.ratio(row):<19}"
    for side in ("numbarnn", "torch"):
        text += f"{row[f'{side}_peak_mb']:>8.0f} ({row[f'{side}_training_mb']:.0f})".ljust(16)
    return text


def peak_memory(name, side, threads):
    """Measure (peak, what training added to it) in MB, in a fresh process that trains one side for an epoch."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=train_alone, args=(name, side, threads, send))
    process.start()
    peak = receive.recv()
    process.join()
    return peak


def peak_so_far():
    """Read the peak MB of this process from Linux; `resource` would count the parent process."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def train_alone(name, side, threads, send):
    workload = MODELS[name]()
    x, y = data(workload)
    model = ours(workload)
    if side == "numbarnn":
        before = peak_so_far()
        model.fit(x, y, workload.batch_size, 1, shuffle=workload.shuffle, verbose=0)
    else:
        import torch

        torch.set_num_threads(threads)
        peer, x, y = Model(model, workload.torch_optimizer), torch.tensor(x), torch.tensor(y)
        before = peak_so_far()
        peer.fit(x, y, workload.batch_size, workload.shuffle)
    peak = peak_so_far()
    send.send((peak, peak - before))


def main(texts=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=arguments.names(MODELS), default=list(MODELS), help="default: all")
    parser.add_argument(
        "--rounds", type=arguments.number(1, 1000), default=5, help="epochs of each, in turn; default 5"
    )
    parser.add_argument("--threads", type=arguments.number(1, 64), default=2, help="default 2")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE")
    options = parser.parse_args(texts)
    if not installed(["torch"]):
        return 1
    content = {"environment": report.about(["torch"], options.threads)}
    heads = ("model", "ours/s", "PyTorch/s", "  ratio [range]", "peak MB, ours (training)", "PyTorch")
    print("{:<14}{:>12}{:>12}{:<21}{:<26}{}".format(*heads))
    content = report.collect({name: partial(measure, name, options) for name in options.models}, content, options.json)
    return 1 if content["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
