"""MNIST, the handwritten digits that everybody starts with."""

import numpy as np

from ..errors import InputError
from .files import find_file
from .idx import read_idx
from .images import scaled

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def mnist(folder=None, dtype="float32"):
    """MNIST: 60,000 images to train on and 10,000 to test on, 28 x 28 pixels, 10 classes; read from its idx files.

    The four files lie in `folder` or in its subfolder `mnist`, as published (`train-images-idx3-ubyte.gz`, ...) or
    unpacked. Without `folder`: see `numbarnn.datasets`.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : x (N, 28, 28) of `dtype` in [0, 1], y (N,) int64 in 0..9

    Raises
    ------
    InputError : no files found, or a file is not what it should be (names the file and what is wrong)

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits.
    """
    first = FILES["train"][0]
    what = "the four idx files that the MNIST database has"
    folder = find_file("mnist", "mnist", (f"{first}.gz", first), folder, what).parent
    return _part(folder, "train", dtype), _part(folder, "test", dtype)


def _part(folder, part, dtype):
    images_name, labels_name = FILES[part]
    images, labels = read_idx(folder / images_name, ndim=3), read_idx(folder / labels_name, ndim=1)
    if images.shape[1:] != (28, 28):
        raise InputError(f"mnist: expected images of 28 x 28 pixels, got {images.shape[1:]} in {folder / images_name}")
    if len(images) != len(labels):
        raise InputError(f"mnist: got {len(images)} images but {len(labels)} labels in {folder / labels_name}")
    if labels.size and labels.max() > 9:
        raise InputError(f"mnist: expected labels 0..9, got {labels.max()} in {folder / labels_name}")
    return scaled("mnist", images, 255, dtype), labels.astype(np.int64)
