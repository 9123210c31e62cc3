"""Sequences of different lengths in one array."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class Padded:
    """`values` (batch, steps, ...), of which row i counts up to `lengths[i]` (zero allowed); a batch, to be indexed by
    rows. Raises `InputError`."""

    values: np.ndarray
    lengths: np.ndarray

    def __post_init__(self):
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
    def of(cls, sequences):
        """One of a list of arrays (steps, ...), zeros behind each; an array (batch, steps, ...) counts as a whole."""
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
    def mask(self):
        """(batch, steps) booleans, true where a step counts; None where all do."""
        steps = self.values.shape[1]
        return None if (self.lengths == steps).all() else np.arange(steps) < self.lengths[:, None]

    def zero_padded(self):
        """The same with zeros behind each row, whatever stood there."""
        mask = self.mask
        if mask is None:
            return self
        mask = mask.reshape(mask.shape + (1,) * (self.values.ndim - 2))
        return Padded(np.where(mask, self.values, self.values.dtype.type(0)), self.lengths)

    def rows(self):
        """The list of sequences without what stands behind them."""
        return [row[:n] for row, n in zip(self.values, self.lengths, strict=True)]

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, rows):
        return Padded(self.values[rows], self.lengths[rows])
