"""Rows of a table by their numbers: the embedding layer, and the embedding in front of a cell."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass
class Rows:
    """table[tokens] that nobody has gathered yet: a recurrent layer needs their products with its kernel alone.

    `table` (rows, size) floats; `tokens` (batch, ...) integers below its rows, checked.
    """

    table: np.ndarray
    tokens: np.ndarray

    @property
    def shape(self):
        return (*self.tokens.shape, self.table.shape[1])

    @property
    def dtype(self):
        return self.table.dtype

    def __len__(self):
        return len(self.tokens)

    def __array__(self, dtype=None, copy=None):
        return self.table[self.tokens].astype(dtype or self.dtype, copy=False)


@dataclass
class RowsGradient:
    """The gradient of `Rows`: that of their table (rows, size)."""

    table: np.ndarray

    def __add__(self, other):
        return RowsGradient(self.table + other.table)


def check(caller, table, tokens):
    """Raises `InputError` where a token is no row of the table."""
    if tokens.size:
        low, high = tokens.min(), tokens.max()
        if low < 0 or high >= len(table):
            raise InputError(f"{caller}: expected integers from 0 to {len(table) - 1}, got {low} to {high}")


def forward(caller, table, tokens):
    """table[tokens] (..., size), the tokens checked."""
    check(caller, table, tokens)
    return table[tokens]


def backward(table, tokens, d_rows):
    """Gradient of the table; it adds up in the order of the tokens."""
    # The product with a sparse one-hot matrix, column by column, is the scatter-add in token order.
    from scipy.sparse import csc_array

    tokens = tokens.ravel().astype(np.int32)
    one_hot = (np.ones(tokens.size, table.dtype), tokens, np.arange(tokens.size + 1, dtype=np.int32))
    return csc_array(one_hot, shape=(len(table), tokens.size)) @ d_rows.reshape(tokens.size, table.shape[1])
