"""MNIST, the handwritten digits that everybody starts with."""

from __future__ import annotations

from os import PathLike

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError
from .files import find_file
from .idx import read_idx
from .images import Split, scaled

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
MOST = 70_000  # images in a file: all that MNIST has


def mnist(folder: str | PathLike[str] | None = None, dtype: DTypeLike = "float32") -> Split:
    """Load MNIST: 60,000 images to train on and 10,000 to test on, 28 x 28 pixels, 10 classes.

    Parameters
    ----------
    folder : str or path, optional
        Folder of the four idx files, as published (`train-images-idx3-ubyte.gz`, ...) or unpacked, or the folder above
        it if it is called `mnist`. By default the folder that the environment variable NUMBARNN_DATA names; see
        `numbarnn.datasets`.
    dtype : {"float32", "float64"}, default "float32"
        Dtype of the inputs.

    Returns
    -------
    train, test : tuple (x, y)
        Images x (N, 28, 28) of `dtype` in [0, 1], and labels y (N,), int64 from 0 to 9.

    Raises
    ------
    InputError
        No files were found, or a file is damaged; the message names the file and what is wrong.

    References
    ----------
    LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
    """
    first = FILES["train"][0]
    what = "the four idx files that the MNIST database has"
    folder = find_file("mnist", "mnist", (f"{first}.gz", first), folder, what).parent
    return _part(folder, "train", dtype), _part(folder, "test", dtype)


def _part(folder, part, dtype):
    images_name, labels_name = FILES[part]
    images = read_idx(folder / images_name, ndim=3, most=MOST * 28 * 28)
    labels = read_idx(folder / labels_name, ndim=1, most=MOST)
    if images.shape[1:] != (28, 28):
        raise InputError(f"mnist: expected images of 28 x 28 pixels, got {images.shape[1:]} in {folder / images_name}")
    if len(images) != len(labels):
        raise InputError(f"mnist: got {len(images)} images but {len(labels)} labels in {folder / labels_name}")
    if labels.size and labels.max() > 9:
        raise InputError(f"mnist: expected labels 0..9, got {labels.max()} in {folder / labels_name}")
    return scaled("mnist", images, 255, dtype), labels.astype(np.int64)
