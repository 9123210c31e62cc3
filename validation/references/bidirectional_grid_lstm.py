"""Grid LSTM in both directions of the frequencies: Li, Mohamed, Zweig and Gong (2016), arXiv 1601.04593."""

import autograd.numpy as np

from ..parts import of_part, part
from . import grid_lstm

CELL = "BidirectionalGridLSTMCell"
OPTIONS = {option: values[:1] for option, values in grid_lstm.OPTIONS.items()} | {"backward_slice_offset": (1, -1, 2)}
INHERITED = tuple(grid_lstm.OPTIONS)
REQUIRES = grid_lstm.REQUIRES
fit, blocks = grid_lstm.fit, grid_lstm.blocks


def step(params, x, state, f, *, backward_slice_offset=0, **options):
    """Two grid LSTMs; the second takes the frequency steps of each block in reverse, from inputs shifted by the offset
    with zeros around them. Its states count the steps in its own order."""
    y, new, _ = grid_lstm.step(part("forward", params), x, part(0, state), f, **options)
    s = backward_slice_offset
    zeros = np.zeros((len(x), abs(s)))
    shifted = np.concatenate([x[:, s:], zeros] if s >= 0 else [zeros, x[:, :s]], axis=1)
    backward = part("backward", params)
    y_back, new_back, _ = grid_lstm.step(backward, shifted, part(1, state), f, backwards=True, **options)
    return np.concatenate([y, y_back], axis=1), of_part(0, new) | of_part(1, new_back), {}
