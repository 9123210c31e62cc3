"""Small handwritten digits, part of numbarnn."""

from pathlib import Path

import numpy as np

from .images import scaled

FILE = Path(__file__).parents[1] / "data" / "digits.npz"


def digits(dtype="float32"):
    """Small handwritten digits, embedded: 1,442 images to train on and 355 to test on, 8 x 8 pixels, 10 classes.

    Every fifth image of each class, in the order of the file, is a test image; so both parts hold every writer.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : x (N, 8, 8) of `dtype` in [0, 1], y (N,) int64 in 0..9

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0; the licence and
    the papers to cite stand beside the file, in `numbarnn/data`).
    """
    with np.load(FILE, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"].astype(np.int64)
    x = scaled("digits", images, 16, dtype)
    rank_in_class = np.empty_like(labels)
    for digit in range(10):
        same = labels == digit
        rank_in_class[same] = np.arange(same.sum())
    test = rank_in_class % 5 == 4
    return (x[~test], labels[~test]), (x[test], labels[test])
