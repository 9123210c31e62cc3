"""Cells in JAX, as researchers write their own for `lax.scan`: what x gives to all steps at once, and the step.

A function of `CELLS` takes numbarnn's cell and its parameters p. It returns `inputs(x)`, which is applied to all steps
before the scan, the widths of the states, and `step(states, z) -> states`, whose first state is the output.
"""

from functools import partial

import numpy as np


def sigmoid(z):
    import jax

    return jax.nn.sigmoid(z)


def tanh(z):
    import jax

    return jax.numpy.tanh(z)


def split(z, blocks):
    import jax

    return jax.numpy.split(z, blocks, 1)


def affine(p, added=0):
    """Return x -> x W + b + added."""
    return lambda x: x @ p["kernel"] + (p["bias"][: p["kernel"].shape[1]] + added)


def forget(cell, block, blocks):
    """Return the constant that is added to the forget gate's bias, as a row."""
    # float32, which promotes no other array
    return np.repeat([cell.forget_bias if i == block else 0 for i in range(blocks)], cell.units).astype("float32")


def simple_rnn(cell, p):
    def step(states, z):
        return (tanh(z + states[0] @ p["recurrent_kernel"]),)

    return affine(p), (cell.units,), step


def ind_rnn(cell, p):
    def step(states, z):
        return ((z + states[0] * p["recurrent_vector"]).clip(0),)

    return affine(p), (cell.units,), step


def lstm(cell, p, peepholes=False, project=False, clip=None):
    p_i, p_f, p_o = p["peephole"] if peepholes else (0, 0, 0)

    def step(states, z):
        h, c = states
        i, f, g, o = split(z + h @ p["recurrent_kernel"], 4)
        c = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
        c = c if clip is None else c.clip(-clip, clip)
        h = sigmoid(o + p_o * c) * tanh(c)
        return (h @ p["projection_kernel"] if project else h), c

    return affine(p, forget(cell, 1, 4)), (cell.output_size, cell.units), step


def coupled_lstm(cell, p):
    def step(states, z):
        h, c = states
        f, g, o = split(z + h @ p["recurrent_kernel"], 3)
        g = tanh(g)
        c = g + sigmoid(f) * (c - g)
        return sigmoid(o) * tanh(c), c

    return affine(p, forget(cell, 0, 3)), (cell.units, cell.units), step


def layer_norm_lstm(cell, p):
    def normalised(z, scale, shift):
        mean = z.mean(1, keepdims=True)
        variance = ((z - mean) ** 2).mean(1, keepdims=True)
        return (z - mean) / (variance + cell.norm_epsilon) ** 0.5 * scale + shift

    def step(states, z):
        h, c = states
        gates = split(z + h @ p["recurrent_kernel"], 4)
        i, f, g, o = (normalised(gate, p["norm_scale"][k], p["norm_shift"][k]) for k, gate in enumerate(gates))
        c = sigmoid(f + cell.forget_bias) * c + sigmoid(i) * tanh(g)
        c = normalised(c, p["norm_scale"][4], p["norm_shift"][4])
        return sigmoid(o) * tanh(c), c

    return lambda x: x @ p["kernel"], (cell.units, cell.units), step


def gru(cell, p):
    H = cell.units

    def step(states, z):
        (h,) = states
        r, u = split(sigmoid(z[:, : 2 * H] + h @ p["recurrent_kernel"][:, : 2 * H]), 2)
        n = tanh(z[:, 2 * H :] + (r * h) @ p["recurrent_kernel"][:, 2 * H :])
        return (n + u * (h - n),)

    return affine(p), (H,), step


def reset_after_gru(cell, p):
    H = cell.units

    def step(states, z):
        (h,) = states
        q = h @ p["recurrent_kernel"]
        r, u = split(sigmoid(z[:, : 2 * H] + q[:, : 2 * H]), 2)
        n = tanh(z[:, 2 * H :] + r * (q[:, 2 * H :] + p["bias"][3 * H :]))
        return (n + u * (h - n),)

    return affine(p), (H,), step


def mgu(cell, p):
    H = cell.units

    def step(states, z):
        (h,) = states
        q = h @ p["recurrent_kernel"]
        f = sigmoid(z[:, :H] + q[:, :H])
        n = tanh(z[:, H:] + f * (q[:, H:] + p["bias"][2 * H :]))
        return (n + f * (h - n),)

    return affine(p), (H,), step


def ugrnn(cell, p):
    def step(states, z):
        (h,) = states
        g, c = split(z + h @ p["recurrent_kernel"], 2)
        c = tanh(c)
        return (c + sigmoid(g) * (h - c),)

    return affine(p, forget(cell, 0, 2)), (cell.units,), step


def nas(cell, p):
    def step(states, z):
        h, c = states
        q = h @ p["recurrent_kernel"]
        l0, l1, l2, _, l4, l5, l6, l7 = split(z + q, 8)
        l3 = split(z, 8)[3] * split(q, 8)[3]
        p0 = tanh(sigmoid(l0) * l1.clip(0))
        p1 = tanh(sigmoid(l2) + l3.clip(0))
        p2 = tanh(tanh(l4) * sigmoid(l5))
        p3 = sigmoid(tanh(l6) + sigmoid(l7))
        c = tanh(p0 + c) * p1
        return tanh(c * tanh(p2 + p3)), c

    return lambda x: x @ p["kernel"], (cell.units, cell.units), step


CELLS = {
    "SimpleRNN": simple_rnn,  # as `benchmarks.peers` calls the three
    "LSTM": lstm,
    "GRU": reset_after_gru,
    "SimpleRNNCell": simple_rnn,
    "BasicRNNCell": simple_rnn,
    "IndRNNCell": ind_rnn,
    "LSTMCell": lstm,
    "LSTMCell+clip": partial(lstm, clip=1.0),
    "LSTMCell+peepholes": partial(lstm, peepholes=True),
    "LSTMCell+projection": partial(lstm, project=True),
    "BasicLSTMCell": lstm,
    "CoupledInputForgetGateLSTMCell": coupled_lstm,
    "LayerNormLSTMCell+per_gate": layer_norm_lstm,
    "GRUCell": gru,
    "ResetAfterGRUCell": reset_after_gru,
    "UGRNNCell": ugrnn,
    "MGUCell": mgu,
    "NASCell": nas,
}
