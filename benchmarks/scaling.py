"""Time an update on one process and on several, and predict the second from the first.

    mpiexec -n 2 python -m benchmarks.scaling [--rounds 15] [--json FILE]

In each round rank 0 makes an update of the whole batch alone, then one of its part of the rows alone, while the others
sleep; then all make an update together, once as `fit` does on one machine, with one reduction behind the way back, and
once with reductions that go on meanwhile, as it does on several; then they add up a vector as long as the parameters.
All five are measured in turn, which needs as many idle cores as there are processes.

The model of the cost: an update together takes as long as that of a part, and the reduction, alpha + beta bytes.
For n ranks the reduction takes log2(n) alpha + 2 (n - 1) / n beta bytes, which halving and doubling needs, and the rows
take an n-th. alpha and beta are fitted to the vectors of the models. Between processes of one machine the cores
themselves move the bytes, so no time is hidden; with a network that moves them by itself, the reduction of all layers
but the lowest hides behind the way back, which is two thirds of what the rows take. The forecast gives both ends.
"""

import argparse
import json
import math
import time
from statistics import median

import numpy as np

import numbarnn as nr
from numbarnn.layers import LSTM, Dense, Dropout, Embedding, Input, SimpleRNN
from numbarnn.training.batches import Data
from numbarnn.training.parts import InParts

LOSS = nr.losses.SparseCategoricalCrossentropy(from_logits=True)


def mnist():
    """SimpleRNN(150) on 28 rows of 28 pixels, batches of 150."""
    x = np.zeros((150, 28, 28), "float32")
    return [Input((28, 28)), SimpleRNN(150), Dense(10)], x, np.zeros(150, int)


def shakespeare():
    """Two LSTMs of 256 units on 64 characters, batches of 32."""
    x = np.zeros((32, 64), int)
    layers = [Embedding(65, 64), LSTM(256, return_sequences=True), Dropout(0.2), LSTM(256, return_sequences=True)]
    return [Input((None,)), *layers, Dropout(0.2), Dense(65)], x, np.zeros((32, 64), int)


def large():
    """Two LSTMs of 1,024 units on 32 steps, batches of 32."""
    x = np.zeros((32, 32, 128), "float32")
    layers = [LSTM(1024, return_sequences=True), LSTM(1024)]
    return [Input((None, 128)), *layers, Dense(10)], x, np.zeros(32, int)


SHAPES = {"mnist": mnist, "shakespeare": shakespeare, "large": large}


def compiled(layers):
    model = nr.Sequential(layers)
    model.compile(nr.optimizers.Adam(1e-3, clip_global_norm=1.0), LOSS)
    return model


def seconds(task):
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def asleep(comm):
    """Wait for the others without taking their cores."""
    request = comm.Ibarrier()
    while not request.Test():
        time.sleep(0.002)


def measured(name, communicator, rounds):
    """Return medians and ranges in milliseconds, the bytes of all parameters, and the lowest layer's share of them."""
    layers, x, y = SHAPES[name]()
    alone, model = compiled(layers), compiled(SHAPES[name]()[0])
    batch = alone._weighted_data("benchmark", x, y)
    model._weighted_data("benchmark", x, y)
    rows = slice(0, -(-len(y) // communicator.size))
    together, comm = InParts(model, 1, communicator), communicator.comm
    overlapping = nr.distributed.Communicator(comm)
    overlapping.overlaps = True
    overlapped = InParts(model, 1, overlapping)
    vector = np.zeros(model.count_params(), "float32")
    own = InParts(alone, 1, nr.distributed.Communicator(comm.Split(communicator.rank)))
    tasks = {"one": lambda: own.learn(batch), "part": lambda: own.learn(Data(batch.x[rows], batch.y[rows]))}
    found = {key: [] for key in ("one", "part", "together", "overlapped", "reduction")}
    for number in range(rounds + 2):
        for key, task in tasks.items():
            taken = seconds(task) if communicator.rank == 0 else 0.0
            asleep(comm)
            found[key] += [taken] * (number > 1)
        of_all = {"together": lambda: together.learn(batch), "overlapped": lambda: overlapped.learn(batch)}
        for key, task in (of_all | {"reduction": lambda: communicator.sum(vector)}).items():
            comm.Barrier()
            found[key] += [seconds(task)] * (number > 1)
    shown = {key: [1e3 * f(values) for f in (median, min, max)] for key, values in found.items()}
    lowest = next(layer for layer in model.layers if layer.count_params())
    return {"name": name, "bytes": vector.nbytes, "lowest": lowest.count_params() / model.count_params(), **shown}


def fitted(results):
    """Fit alpha (ms) and beta (ms per byte) to the reductions, by least squares of relative errors."""
    size = np.array([r["bytes"] for r in results], float)
    taken = np.array([r["reduction"][0] for r in results])
    columns = np.stack([np.ones_like(size), size], axis=1) / taken[:, None]
    alpha, beta = np.linalg.lstsq(columns, np.ones_like(taken), rcond=None)[0]
    return max(0.0, float(alpha)), max(0.0, float(beta))


def forecast(result, alpha, beta, ranks, measured_ranks):
    """Return milliseconds of an update on so many ranks: with nothing hidden, and with all that can be."""
    one, part = result["one"][0], result["part"][0]
    of_rows = max(0.0, (one - part) / (1 - 1 / measured_ranks))
    reduction = math.log2(ranks) * alpha + 2 * (ranks - 1) / ranks * beta * result["bytes"]
    whole = one - of_rows + of_rows / ranks + reduction
    return whole, whole - min((1 - result["lowest"]) * reduction, 2 / 3 * of_rows / ranks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=list(SHAPES), metavar="NAME", help=f"of {', '.join(SHAPES)}")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    communicator = nr.distributed.Communicator()
    if communicator.size < 2:
        parser.error("expected several processes: mpiexec -n 2 python -m benchmarks.scaling")
    results = [measured(name, communicator, options.rounds) for name in options.names]
    if communicator.rank:
        return
    alpha, beta = fitted(results)
    print(f"alpha {1e3 * alpha:.0f} us, beta {1 / beta / 1e6 if beta else math.inf:.2f} GB/s")
    for r in results:
        predicted = r["part"][0] + alpha + beta * r["bytes"]
        r["predicted"], r["speedup"] = predicted, r["one"][0] / r["together"][0]
        shown = "  ".join(
            f"{key} {r[key][0]:.2f} ({r[key][1]:.2f}-{r[key][2]:.2f})" for key in r if type(r[key]) is list
        )
        print(f"{r['name']:<12} {r['bytes'] / 1e6:6.2f} MB  {shown}  predicted {predicted:.2f}  x{r['speedup']:.2f}")
        r["forecast"] = {n: forecast(r, alpha, beta, n, communicator.size) for n in (8, 64, 1024)}
        forecasts = (f"{n} ranks {least:.2f} to {most:.2f} ms" for n, (most, least) in r["forecast"].items())
        print("             " + "  ".join(forecasts))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"ranks": communicator.size, "alpha_ms": alpha, "beta_ms": beta, "results": results}, file)


if __name__ == "__main__":
    main()
