"""Data sets, and helpers that turn series and lists of rows into arrays of sequences.

Images come as rows: an image of 28 x 28 pixels is a sequence of 28 steps of 28 features.
Nothing is downloaded. Files are looked for in the folder given, else in the one that the environment variable
NUMBARNN_DATA names, else in `shared/data` beside a checkout of numbarnn.
"""

import os
from pathlib import Path

import numpy as np

from numbarnn.errors import InputError
from numbarnn.idx import read_idx

MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def digits(dtype="float32"):
    """Small handwritten digits, embedded: 1,442 images to train on and 355 to test on, 8 x 8 pixels, 10 classes.

    Every fifth image of each class, in the order of the file, is a test image; so both parts hold every writer.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : x (N, 8, 8) of `dtype` in [0, 1], y (N,) int64 in 0..9

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0; the licence and
    the papers to cite stand beside the file, in `numbarnn/data`).
    """
    with np.load(Path(__file__).parent / "data" / "digits.npz", allow_pickle=False) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    x = _scaled("digits", images, 16, dtype)
    rank_in_class = np.empty_like(labels)
    for digit in range(10):
        same = labels == digit
        rank_in_class[same] = np.arange(same.sum())
    test = rank_in_class % 5 == 4
    return (x[~test], labels[~test]), (x[test], labels[test])


def mnist(folder=None, dtype="float32"):
    """MNIST: 60,000 images to train on and 10,000 to test on, 28 x 28 pixels, 10 classes; read from its idx files.

    The four files lie in `folder` or in its subfolder `mnist`, as published (`train-images-idx3-ubyte.gz`, ...) or
    unpacked. Without `folder`: see the module's first lines.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : x (N, 28, 28) of `dtype` in [0, 1], y (N,) int64 in 0..9

    Raises
    ------
    InputError : no files found, or a file is not what it should be (names the file and what is wrong)

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
    """
    folder = _find_folder("mnist", MNIST_FILES["train"][0], folder, "the four idx files that the MNIST database has")
    return _mnist_part(folder, "train", dtype), _mnist_part(folder, "test", dtype)


def sine_mixture(n=800, stop=30.0):
    """sin(t)/3 + 2 sin(5t) at `n` equally spaced times t from 0 to `stop`: (n,) float64."""
    t = np.linspace(0.0, stop, n)
    return np.sin(t) / 3.0 + 2.0 * np.sin(5.0 * t)


def make_windows(series, n, *, stride=None, count=None, rng=0):
    """Cut windows of `n` steps and, as their targets, the same windows one step later.

    Windows start every `stride` steps (default: every `n`, so that they do not overlap), or, with `count`, at that
    many random places drawn from `rng` (a seed or a numpy Generator).

    Parameters
    ----------
    series : (L,) or (L, F), L > n

    Returns
    -------
    x, y : (W, n, F) each, of the dtype of `series`, F = 1 for a series of shape (L,); y[:, t] is what follows x[:, t]
    """
    series = np.asarray(series)
    if series.ndim not in (1, 2) or n < 1 or len(series) <= n:
        raise InputError(f"make_windows: expected a series (L,) or (L, F) with L > n = {n} >= 1, got {series.shape}")
    if stride is not None and count is not None:
        raise InputError(f"make_windows: expected stride or count, got both: {stride} and {count}")
    stride = n if stride is None else stride
    if stride < 1 or (count is not None and count < 0):
        raise InputError(f"make_windows: expected stride >= 1 and count >= 0, got {stride} and {count}")
    last_start = len(series) - n - 1
    if count is None:
        starts = np.arange(0, last_start + 1, stride)
    else:
        starts = np.random.default_rng(rng).integers(0, last_start, count, endpoint=True)
    columns = series.reshape(len(series), -1)
    steps = starts[:, None] + np.arange(n)
    return columns[steps], columns[steps + 1]


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0):
    """Put lists of different lengths into one array, with the rules and defaults of Keras.

    `padding` and `truncating` are "pre" or "post": by default the filler `value` stands before a short list, and of a
    long one the last `maxlen` items are kept. For `lengths=` of `numbarnn.forward`, pad with "post".

    Parameters
    ----------
    sequences : N lists or arrays, each (length,) or (length, ...) with the same further sizes
    maxlen : steps of the result; default: the longest list

    Returns
    -------
    (N, maxlen, ...) array of `dtype`
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise InputError(f"pad_sequences: expected {name} 'pre' or 'post', got {choice!r}")
    rows = [np.asarray(row) for row in sequences]
    item_shapes = {row.shape[1:] for row in rows if len(row)}
    if len(item_shapes) > 1:
        raise InputError(f"pad_sequences: expected items of one shape, got {sorted(item_shapes)}")
    maxlen = max(map(len, rows), default=0) if maxlen is None else maxlen
    padded = np.full((len(rows), maxlen, *(item_shapes.pop() if item_shapes else ())), value, dtype)
    for target, row in zip(padded, rows, strict=True):
        kept = row[:maxlen] if truncating == "post" else row[max(0, len(row) - maxlen) :]
        start = maxlen - len(kept) if padding == "pre" else 0
        target[start : start + len(kept)] = kept
    return padded


def _find_folder(name, file, folder, what):
    """The folder that holds `file` or `file`.gz: `folder`, else NUMBARNN_DATA, else the checkout's; or its `name`."""
    base = Path(folder or os.environ.get("NUMBARNN_DATA") or Path(__file__).parents[2] / "shared" / "data")
    for candidate in (base / name, base):
        if any((candidate / f"{file}{ending}").is_file() for ending in ("", ".gz")):
            return candidate
    raise InputError(
        f"{name}: expected {file}.gz in {base} or {base / name}, found none. numbarnn downloads nothing: get {what}, "
        f"and name their folder with `--data DIR`, `datasets.{name}(DIR)` or the environment variable NUMBARNN_DATA"
    )


def _mnist_part(folder, part, dtype):
    images_name, labels_name = MNIST_FILES[part]
    images, labels = read_idx(folder / images_name, ndim=3), read_idx(folder / labels_name, ndim=1)
    if images.shape[1:] != (28, 28):
        raise InputError(f"mnist: expected images of 28 x 28 pixels, got {images.shape[1:]} in {folder / images_name}")
    if len(images) != len(labels):
        raise InputError(f"mnist: got {len(images)} images but {len(labels)} labels in {folder / labels_name}")
    if labels.size and labels.max() > 9:
        raise InputError(f"mnist: expected labels 0..9, got {labels.max()} in {folder / labels_name}")
    return _scaled("mnist", images, 255, dtype), labels.astype(np.int64)


def _scaled(name, pixels, largest, dtype):
    """Bytes from 0 to `largest` as numbers from 0 to 1."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise InputError(f"{name}: expected dtype 'float32' or 'float64', got {dtype!r}")
    return np.divide(pixels, largest, dtype=dtype)
