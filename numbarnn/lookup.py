"""Rows of a table by their numbers: the embedding layer, and the embedding in front of a cell."""

import numpy as np

from .errors import InputError


def forward(who, table, tokens):
    """table[tokens], or an `InputError` where there is no such row."""
    if tokens.size:
        low, high = tokens.min(), tokens.max()
        if low < 0 or high >= len(table):
            raise InputError(f"{who}: expected integers from 0 to {len(table) - 1}, got {low} to {high}")
    return table[tokens]


def backward(table, tokens, d_rows):
    """Gradient of the table; it adds up in the order of the tokens."""
    # The product with a sparse one-hot matrix, column by column, is the scatter-add in token order.
    from scipy.sparse import csc_array

    tokens = tokens.ravel().astype(np.int32)
    one_hot = (np.ones(tokens.size, table.dtype), tokens, np.arange(tokens.size + 1, dtype=np.int32))
    return csc_array(one_hot, shape=(len(table), tokens.size)) @ d_rows.reshape(tokens.size, table.shape[1])
