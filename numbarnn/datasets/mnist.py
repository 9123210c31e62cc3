"""MNIST, the handwritten digits that everybody starts with."""

from __future__ import annotations

from os import PathLike

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError
from .files import find_folder
from .idx import read_idx
from .images import Split, scaled
from .loader import Loader

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
MNIST_FILES = tuple(f"{name}.gz" for part in FILES.values() for name in part)
# images in a file: all that MNIST has
MOST = 70_000


def _mnist(
    folder: str | PathLike[str] | None = None,
    dtype: DTypeLike = "float32",
    *,
    one_hot: bool = False,
    validation: int = 0,
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Load MNIST: 60,000 images to train on and 10,000 to test on, 28 x 28 pixels, 10 classes.

    Pixels are from 0 to 1 already; code that divides them by 255, as for Keras, takes `mnist.load_data()`, which gives
    bytes from 0 to 255. `mnist(validation=5000)` are the 55,000, 5,000 and 10,000 images of TensorFlow 1's tutorials,
    which `read_data_sets` gives under their names.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the four idx files, as published (`train-images-idx3-ubyte.gz`, ...) or unpacked, or the folder above
        it if it is called `mnist`. By default the folder that the environment variable NUMBARNN_DATA names; see
        `numbarnn.datasets`.
    dtype : {"float32", "float64", "uint8"}, default "float32"
        Dtype of the images; "uint8" leaves them as they are in the files, from 0 to 255.
    one_hot : bool, default False
        Whether labels are rows of ten numbers, of which one is 1.
    validation : int, default 0
        Number of images to validate on: the first ones of those to train on. 0: there is no such part.

    Returns
    -------
    train, test : tuple (x, y)
        Images x (N, 28, 28) of `dtype` in [0, 1], and labels y (N,), int64 from 0 to 9; with `one_hot` (N, 10), of the
        dtype of the images, float32 with "uint8". With `validation` there are three parts: train, validation, test.

    Raises
    ------
    InputError
        No files were found, or a file is damaged; the message names the file and what is wrong. Or `dtype` is another
        one, or `validation` is not from 0 to the number of images.

    References
    ----------
    LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
    """
    folder = find_folder("mnist", "mnist", MNIST_FILES, folder, "the four idx files that the MNIST database has")
    (x, y), test = (_part(folder, part, dtype, one_hot) for part in ("train", "test"))
    if not isinstance(validation, int | np.integer) or not 0 <= validation <= len(x):
        raise InputError(f"mnist: expected validation from 0 to {len(x)}, got {validation!r}")
    if not validation:
        return (x, y), test
    return (x[validation:], y[validation:]), (x[:validation], y[:validation]), test


def _load_data(folder: str | PathLike[str] | None = None) -> Split:
    """Load MNIST as `keras.datasets.mnist.load_data` does: images (N, 28, 28) from 0 to 255 and labels (N,), all uint8.

    Parameters
    ----------
    folder : str or path, optional
        See `mnist`.

    Returns
    -------
    train, test : tuple (x, y)
        60,000 and 10,000 images with labels.

    Raises
    ------
    InputError
        No files were found, or a file is damaged.
    """
    (x, y), (x_test, y_test) = _mnist(folder, "uint8")
    return (x, y.astype(np.uint8)), (x_test, y_test.astype(np.uint8))


mnist = Loader("mnist", _mnist, _load_data)


def _part(folder, part, dtype, one_hot):
    images_name, labels_name = FILES[part]
    images = read_idx(folder / images_name, ndim=3, most=MOST * 28 * 28)
    labels = read_idx(folder / labels_name, ndim=1, most=MOST)
    if images.shape[1:] != (28, 28):
        raise InputError(f"mnist: expected images of 28 x 28 pixels, got {images.shape[1:]} in {folder / images_name}")
    if len(images) != len(labels):
        raise InputError(f"mnist: got {len(images)} images but {len(labels)} labels in {folder / labels_name}")
    if labels.size and labels.max() > 9:
        raise InputError(f"mnist: expected labels 0..9, got {labels.max()} in {folder / labels_name}")
    x = images.copy() if np.dtype(dtype) == np.uint8 else scaled("mnist", images, 255, dtype)
    of_labels = np.float32 if x.dtype == np.uint8 else x.dtype
    return x, np.eye(10, dtype=of_labels)[labels] if one_hot else labels.astype(np.int64)
