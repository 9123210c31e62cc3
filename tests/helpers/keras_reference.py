"""Recurrent layers step by step and row by row in plain NumPy, as Keras defines them; imports nothing of numbarnn."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def blocks(array, units):
    return [array[..., i : i + units] for i in range(0, array.shape[-1], units)]


def simple_rnn(p, x, state, drop):
    (h,) = state
    return [np.tanh(x * drop.x(0) @ p["kernel"] + h * drop.h(0) @ p["recurrent_kernel"] + p["bias"])]


def lstm(p, x, state, drop):
    h, c = state
    W, R, b = (blocks(p[name], len(h)) for name in ("kernel", "recurrent_kernel", "bias"))
    zi, zf, zg, zo = (x * drop.x(k) @ W[k] + h * drop.h(k) @ R[k] + b[k] for k in range(4))
    c = sigmoid(zf) * c + sigmoid(zi) * np.tanh(zg)
    return [sigmoid(zo) * np.tanh(c), c]


def gru(p, x, state, drop):
    """Gates z, r, h; a bias (2, 3 units): reset after the product."""
    (h,) = state
    W, R = (blocks(p[name], len(h)) for name in ("kernel", "recurrent_kernel"))
    after = p["bias"].ndim == 2
    b, recurrent_b = (blocks(row, len(h)) for row in (p["bias"] if after else (p["bias"], 0 * p["bias"])))
    z, r = (sigmoid(x * drop.x(k) @ W[k] + b[k] + h * drop.h(k) @ R[k] + recurrent_b[k]) for k in range(2))
    recurrent = r * (h * drop.h(2) @ R[2] + recurrent_b[2]) if after else (r * h * drop.h(2)) @ R[2]
    candidate = np.tanh(x * drop.x(2) @ W[2] + b[2] + recurrent)
    return [z * h + (1 - z) * candidate]


STEPS = {"SimpleRNN": simple_rnn, "LSTM": lstm, "GRU": gru}


class Drop:
    """Dropout masks of one row: arrays (masks, features), one for all gates or one for each; None: all ones."""

    def __init__(self, x=None, h=None):
        self.masks_x, self.masks_h = x, h

    def x(self, gate):
        return 1.0 if self.masks_x is None else self.masks_x[gate % len(self.masks_x)]

    def h(self, gate):
        return 1.0 if self.masks_h is None else self.masks_h[gate % len(self.masks_h)]


def run(kind, params, x, mask=None, initial=None, go_backwards=False, zero=False, unroll=False, drops=None):
    """All outputs in the order in which the steps are read, and the final states; arrays start with the batch.

    Masked steps show zero, or the output before; ahead of the first valid step the initial h, unrolled zero.
    """
    batch, steps, _ = x.shape
    units, states = len(params["recurrent_kernel"]), 2 if kind == "LSTM" else 1
    initial = [np.zeros((batch, units))] * states if initial is None else initial
    outputs, final = np.zeros((batch, steps, units)), [np.zeros((batch, units)) for _ in range(states)]
    for row in range(batch):
        state = [s[row] for s in initial]
        shown = np.zeros(units) if unroll else state[0]
        for i, t in enumerate(reversed(range(steps)) if go_backwards else range(steps)):
            if mask is None or mask[row, t]:
                state = STEPS[kind](params, x[row, t], state, Drop() if drops is None else drops[row])
                shown = state[0]
            outputs[row, i] = np.zeros(units) if zero and mask is not None and not mask[row, t] else shown
        for array, value in zip(final, state, strict=True):
            array[row] = value
    return outputs, final
