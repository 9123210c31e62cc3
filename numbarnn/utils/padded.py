"""Sequences of different lengths in one array."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from .arrays import refuse_masked
from .columns import Columns


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
        return padded("Padded", "sequences", sequences)

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

    @property
    def steps(self) -> int:
        """The number of steps of each row, with its padding."""
        return self.values.shape[1]

    def trimmed(self) -> "Padded":
        """Drop the steps behind the longest row; one step stays.

        Returns
        -------
        Padded
            The same sequences.
        """
        return Padded(self.values[:, : max(1, self.lengths.max(initial=0))], self.lengths)

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

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise InputError("Padded is more than an array; its parts are values, lengths and mask")


def padded(caller: str, what: str, value: Any) -> Padded:
    """Return sequences as `Padded`; of an array all steps count."""
    array = array_or_padded(caller, what, value)
    if isinstance(array, Padded):
        return array
    if array.ndim < 2:
        raise InputError(
            f"{caller}: expected {what} in an array (batch, steps, ...) or a list of arrays (steps, ...), got "
            f"{described(value, array)}"
        )
    return Padded(array, np.full(len(array), array.shape[1]))


def array_or_padded(caller: str, what: str, value: Any) -> "np.ndarray | Padded":
    """Return a value as an array; sequences of different lengths, in a list or an array of objects, as `Padded`."""
    if isinstance(value, Padded):
        return value
    for array in (value, *(value if isinstance(value, list | tuple) else ())):
        refuse_masked(caller, what, array)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):  # rows of different lengths, or arrays of a kind that NumPy reads alone
        return _pad(caller, what, value)
    return _pad(caller, what, value) if array.dtype == object and array.ndim == 1 and len(array) else array


def values_and_mask(x: Any) -> tuple[Any, Any]:
    """Return sequences as one array, and the mask of the steps that count; None: all. Of `Columns` these are tuples."""
    if isinstance(x, Columns):
        values, masks = zip(*map(values_and_mask, x.parts), strict=True)
        return values, None if all(mask is None for mask in masks) else masks
    return (x.values, x.mask) if isinstance(x, Padded) else (x, None)


def described(value: Any, array: np.ndarray) -> str:
    """Say what a value was that became this array."""
    return (
        type(value).__name__ if array.dtype == object and array.ndim == 0 else f"{array.dtype} of shape {array.shape}"
    )


def _pad(caller, what, sequences):
    rows = [_row(caller, what, i, row) for i, row in enumerate(sequences)]
    longer = [row for row in rows if len(row)] or rows[:1]
    for i, row in enumerate(rows):
        if len(row) and row.shape[1:] != longer[0].shape[1:]:
            raise InputError(
                f"{caller}: expected {what} of one shape but for their lengths, got {longer[0].shape} and, as number "
                f"{i}, {row.shape}"
            )
    lengths = np.array([len(row) for row in rows])
    values = np.zeros((len(rows), lengths.max(), *longer[0].shape[1:]), np.result_type(*longer))
    for to, row in zip(values, rows, strict=True):
        if len(row):
            to[: len(row)] = row
    return Padded(values, lengths)


def _row(caller, what, i, row):
    """Return the i-th sequence as an array."""
    refuse_masked(caller, what, row)
    try:
        array = np.asarray(row)
    except (ValueError, TypeError) as error:
        raise InputError(f"{caller}: expected {what} of numbers, got as number {i} {row!r:.60}: {error}") from error
    if array.ndim == 0 or array.dtype == object:
        raise InputError(f"{caller}: expected {what} as arrays (steps, ...), got as number {i} {row!r:.60}")
    return array
