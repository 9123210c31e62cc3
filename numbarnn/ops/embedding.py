"""Embedding lookup: rows of a table by their indices, and the gradient of the table."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass
class DeferredLookup:
    """Deferred embedding lookup: the recurrent layer multiplies the table by its kernel first.

    `table` (rows, size) floats; `tokens` (batch, ...) integers, checked to be below the number of rows.
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
class LookupGradient:
    """The gradient of a `DeferredLookup`: that of its table (rows, size)."""

    table: np.ndarray

    def __add__(self, other):
        return LookupGradient(self.table + other.table)


def check(caller, table, tokens):
    """Raise `InputError` if a token is not the index of a row of the table."""
    if tokens.size:
        low, high = tokens.min(), tokens.max()
        if low < 0 or high >= len(table):
            raise InputError(f"{caller}: expected integers from 0 to {len(table) - 1}, got {low} to {high}")


def forward(caller, table, tokens):
    """Gather table[tokens] (..., size) after a check of the tokens."""
    check(caller, table, tokens)
    return table[tokens]


def backward(table, tokens, d_rows):
    """Compute the gradient of the table, summed in the order of the tokens."""
    # Scatter-add in token order: the product with a sparse one-hot matrix, column by column.
    from scipy.sparse import csc_array

    tokens = tokens.ravel().astype(np.int32)
    one_hot = (np.ones(tokens.size, table.dtype), tokens, np.arange(tokens.size + 1, dtype=np.int32))
    return csc_array(one_hot, shape=(len(table), tokens.size)) @ d_rows.reshape(tokens.size, table.shape[1])


def plan_backward(memory, tokens, rows, size, dtype):
    """Plan the memory of `backward`."""
    one_hot = memory.array("gradients", (tokens, 1), dtype.itemsize + 8)
    memory.array("gradients", (rows, size), dtype.itemsize)
    memory.release(one_hot)
