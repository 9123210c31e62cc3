"""MNIST as TensorFlow 1's tutorials read it: `input_data.read_data_sets`."""

from __future__ import annotations

from os import PathLike
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..utils.types import Seed
from .batches import RandomOrder
from .files import given_folder
from .mnist import MNIST_FILES, mnist


class DataSet:
    """Images with labels, which hands out batches in random order.

    Parameters
    ----------
    images : array (samples, ...)
        Images.
    labels : array (samples, ...)
        Their labels.
    rng : Generator or int, default 0
        Random numbers, or a seed for them.

    Attributes
    ----------
    images, labels : array
        As given.
    """

    def __init__(self, images: np.ndarray, labels: np.ndarray, rng: Seed = 0) -> None:
        self.images, self.labels = images, labels
        self._order = RandomOrder(len(images), rng)

    @property
    def num_examples(self) -> int:
        """Count the samples."""
        return len(self.images)

    def next_batch(self, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
        """Take the next samples of a random order, and of a new one after the last.

        Parameters
        ----------
        batch_size : int
            Number of samples.

        Returns
        -------
        images, labels : array (batch_size, ...)
            A batch.

        Raises
        ------
        InputError
            `batch_size` is below 1 or above the number of samples.
        """
        if not 1 <= batch_size <= self.num_examples:
            raise InputError(f"next_batch: expected batches of 1 to {self.num_examples} samples, got {batch_size}")
        rows = self._order.take(batch_size)
        return self.images[rows], self.labels[rows]


class DataSets(NamedTuple):
    """The parts of a data set: to train on, to validate on, to test on."""

    train: DataSet
    validation: DataSet
    test: DataSet


def read_data_sets(
    train_dir: str | PathLike[str] | None = None, one_hot: bool = False, validation_size: int = 5000, seed: int = 0
) -> DataSets:
    """Load MNIST in three parts, with rows of 784 pixels from 0 to 1, as TensorFlow 1's tutorials do.

    Parameters
    ----------
    train_dir : str or path, optional
        The folder into which TensorFlow downloads. The files are read from there or from its subfolder `mnist` if one
        of the two has them, else they are looked for as `mnist` does without a folder.
    one_hot : bool, default False
        Whether labels are rows of ten numbers, of which one is 1.
    validation_size : int, default 5000
        Number of images to validate on: the first ones of those to train on.
    seed : int, default 0
        Seed of the order of `next_batch`.

    Returns
    -------
    DataSets
        The parts `train`, `validation` and `test`, with `images` (N, 784) float32, `labels` (N,) int64 or (N, 10)
        float32, `num_examples` and `next_batch(batch_size)`.

    Raises
    ------
    InputError
        No files were found, or a file is damaged.
    """
    folder = None if train_dir is None else given_folder(train_dir, "mnist", MNIST_FILES)
    parts = mnist(folder, one_hot=one_hot, validation=validation_size)
    parts = parts if validation_size else (parts[0], (parts[0][0][:0], parts[0][1][:0]), parts[1])
    return DataSets(*(DataSet(x.reshape(len(x), 28 * 28), y, seed) for x, y in parts))


__all__ = ["DataSet", "DataSets", "read_data_sets"]
