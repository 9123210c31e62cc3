"""Train on very many batches of changing lengths, and watch the memory of the process."""

import os

import numpy as np

import numbarnn as nr

LONGEST, ROWS, CLASSES = 60, 6, 5
SETTLED = 0.2  # the part of the batches after which memory may grow no more
GROWTH = 4 << 20  # bytes: a thousandth of a byte for each number that went through would be more


def resident():
    """Return the bytes of memory that the process holds (Linux)."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def batches(number, seed):
    """Yield batches of other rows and lengths each."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        x = np.zeros((rng.integers(1, ROWS + 1), rng.integers(1, LONGEST + 1)), np.int64)
        for row in x:
            length = rng.integers(0, len(row) + 1)
            row[:length] = rng.integers(1, 20, length)
        yield x, rng.integers(0, CLASSES, len(x))


class Watch(nr.callbacks.Callback):
    """Note the memory a hundred times in a training."""

    def __init__(self, number, progress):
        self.every, self.progress, self.sizes = max(1, number // 100), progress, []

    def on_train_batch_end(self, batch, logs):
        if (batch + 1) % self.every == 0:
            self.sizes.append(resident())
            self.progress(batch + 1)


def run(number, seed, progress=lambda done: None):
    """Train on so many batches; raise `AssertionError` if memory still grows after it has settled."""
    layers = nr.layers
    model = nr.Sequential(
        [
            layers.Embedding(20, 6, mask_zero=True),
            layers.Bidirectional(layers.LSTM(7)),
            layers.Dropout(0.2),
            layers.Dense(CLASSES, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = Watch(number, progress)
    model.fit(batches(number, seed), epochs=1, steps_per_epoch=number, callbacks=[watch], verbose=0)
    settled = max(watch.sizes[: int(SETTLED * len(watch.sizes)) + 1])
    growth = max(watch.sizes) - settled
    assert growth <= GROWTH, f"{growth / 1e6:.1f} MB more than after {SETTLED:.0%} of the batches"
    return {"batches": number, "MB at most": round(max(watch.sizes) / 1e6), "kB of growth": round(growth / 1e3)}
