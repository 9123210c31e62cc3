"""Sequences of different lengths in one array."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class Padded:
    """A batch of sequences of different lengths, to be indexed by rows.

    Parameters
    ----------
    values : array_like (batch, steps, ...)
        The sequences, with padding behind each.
    lengths : array_like (batch,) of int
        The number of steps that count in each row, zero allowed.

    Raises
    ------
    InputError
        If the shapes do not match, or a length exceeds the steps.
    """

    values: np.ndarray
    lengths: np.ndarray

    def __post_init__(self) -> None:
        values, lengths = np.asarray(self.values), np.asarray(self.lengths)
        if values.ndim < 2 or lengths.shape != values.shape[:1] or lengths.dtype.kind not in "iu":
            raise InputError(
                "Padded: expected values (batch, steps, ...) and an integer length for each row, got shapes "
                f"{values.shape} and {lengths.shape} of dtype {lengths.dtype}"
            )
        if len(lengths) and (lengths.min() < 0 or lengths.max() > values.shape[1]):
            raise InputError(
                f"Padded: expected lengths from 0 to {values.shape[1]} (the steps), got {lengths.min()} to "
                f"{lengths.max()}"
            )
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "lengths", lengths)

    @classmethod
    def of(cls, sequences: Any) -> "Padded":
        """Pad a list of sequences with zeros.

        Parameters
        ----------
        sequences : list of array_like (steps, ...), ndarray (batch, steps, ...), or Padded
            Rows of any lengths; of an array all steps count.

        Returns
        -------
        Padded
            The rows in one array, with their lengths.

        Raises
        ------
        InputError
            If the rows have different features.
        """
        if isinstance(sequences, cls):
            return sequences
        if isinstance(sequences, np.ndarray):
            return cls(sequences, np.full(sequences.shape[:1], sequences.shape[1] if sequences.ndim > 1 else 0))
        rows = [np.asarray(row) for row in sequences] if isinstance(sequences, list | tuple) else []
        if len({row.shape[1:] for row in rows}) != 1 or rows[0].ndim == 0:
            raise InputError(f"Padded: expected an array or a list of sequences (steps, ...), got {sequences!r:.60}")
        lengths = np.array([len(row) for row in rows])
        values = np.zeros((len(rows), lengths.max(), *rows[0].shape[1:]), np.result_type(*rows))
        for to, row in zip(values, rows, strict=True):
            to[: len(row)] = row
        return cls(values, lengths)

    @property
    def mask(self) -> np.ndarray | None:
        """Which steps count, (batch, steps) of bool; None: all."""
        steps = self.values.shape[1]
        return None if (self.lengths == steps).all() else np.arange(steps) < self.lengths[:, None]

    def zero_padded(self) -> "Padded":
        """Put zeros behind each row, whatever was there.

        Returns
        -------
        Padded
            The same sequences.
        """
        mask = self.mask
        if mask is None:
            return self
        mask = mask.reshape(mask.shape + (1,) * (self.values.ndim - 2))
        return Padded(np.where(mask, self.values, self.values.dtype.type(0)), self.lengths)

    def rows(self) -> list[np.ndarray]:
        """Cut off the padding.

        Returns
        -------
        list of ndarray (steps, ...)
            The sequences.
        """
        return [row[:n] for row, n in zip(self.values, self.lengths, strict=True)]

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows) -> "Padded":
        return Padded(self.values[rows], self.lengths[rows])
