"""Small handwritten digits, part of numbarnn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from .files import reading
from .images import Split, scaled
from .npz import read_arrays

FILE = Path(__file__).parents[1] / "data" / "digits.npz"


def digits(dtype: DTypeLike = "float32") -> Split:
    """Load small handwritten digits, which are part of numbarnn: 8 x 8 pixels, 10 classes.

    There are 1,442 images to train on and 355 to test on. Every fifth image of each class, in the order of the file, is
    a test image; so both parts hold every writer.

    Parameters
    ----------
    dtype : {"float32", "float64"}, default "float32"
        Dtype of the inputs.

    Returns
    -------
    train, test : tuple (x, y)
        Images x (N, 8, 8) of `dtype` in [0, 1], and labels y (N,), int64 from 0 to 9.

    Raises
    ------
    InputError
        `dtype` is another one.

    References
    ----------
    Alpaydin, Kaynak (1998), "Optical recognition of handwritten digits", UCI Machine Learning Repository (CC BY 4.0).
    The licence and the papers to cite are beside the file, in `numbarnn/data`.
    """
    with reading("digits", FILE):
        images = read_arrays(FILE, {"images": (np.uint8, 1797 * 8 * 8)}, ndim=3)["images"]
        labels = read_arrays(FILE, {"labels": (np.uint8, 1797)}, ndim=1)["labels"].astype(np.int64)
    x = scaled("digits", images, 16, dtype)
    rank_in_class = np.empty_like(labels)
    for digit in range(10):
        same = labels == digit
        rank_in_class[same] = np.arange(same.sum())
    test = rank_in_class % 5 == 4
    return (x[~test], labels[~test]), (x[test], labels[test])
