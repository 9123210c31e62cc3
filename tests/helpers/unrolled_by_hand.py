"""References for the unrolling functions: cells written out in autograd's NumPy, and two ways through a batch."""

import autograd.numpy as anp
from autograd import grad

sigmoid = lambda z: 1 / (1 + anp.exp(-z))  # noqa: E731


def simple_rnn(p, x, state):
    h = anp.tanh(x @ p["kernel"] + state[0] @ p["recurrent_kernel"] + p["bias"])
    return h, (h,)


def lstm(p, x, state):
    h, c = state
    i, f, g, o = anp.split(x @ p["kernel"] + h @ p["recurrent_kernel"] + p["bias"], 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * anp.tanh(g)
    h = sigmoid(o) * anp.tanh(c)
    return h, (h, c)


def gru(p, x, state):
    h, H = state[0], state[0].shape[-1]
    a, R = x @ p["kernel"] + p["bias"], p["recurrent_kernel"]
    r = sigmoid(a[:, :H] + h @ R[:, :H])
    z = sigmoid(a[:, H : 2 * H] + h @ R[:, H : 2 * H])
    h = z * h + (1 - z) * anp.tanh(a[:, 2 * H :] + (r * h) @ R[:, 2 * H :])
    return h, (h,)


STEPS = {"SimpleRNNCell": simple_rnn, "LSTMCell": lstm, "GRUCell": gru}


def in_steps(cell, params, x, state, mask, reverse=False):
    """All rows at once, one step after the other: outputs (B, T, H), state."""
    step, outputs = STEPS[type(cell).__name__], [None] * x.shape[1]
    for t in reversed(range(len(outputs))) if reverse else range(len(outputs)):
        y, new = step(params, x[:, t], state)
        valid = mask[:, t, None]
        outputs[t] = anp.where(valid, y, 0)
        state = tuple(anp.where(valid, a, b) for a, b in zip(new, state, strict=True))
    return anp.stack(outputs, 1), state


def row_by_row(cell, params, x, state, mask, reverse=False):
    """Each row alone, made of its valid steps, without padding: outputs (B, T, H), state."""
    step, rows, finals = STEPS[type(cell).__name__], [], []
    for b in range(len(x)):
        s, outputs = tuple(a[b : b + 1] for a in state), [anp.zeros((1, cell.output_size))] * x.shape[1]
        steps = [t for t in range(x.shape[1]) if mask[b, t]]
        for t in steps[::-1] if reverse else steps:
            outputs[t], s = step(params, x[b : b + 1, t], s)
        rows.append(anp.stack(outputs, 1))
        finals.append(s)
    return anp.concatenate(rows), tuple(anp.concatenate(parts) for parts in zip(*finals, strict=True))


def flat(tree):
    """The arrays of nested tuples, lists and dicts."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [a for name in sorted(tree) for a in flat(tree[name])]
    if type(tree).__name__ in ("tuple", "list", "State", "SequenceBox") or isinstance(tree, tuple | list):
        return [a for part in tree for a in flat(part)]
    return [tree]


def gradient(function, where, cotangents):
    """The gradients at `where`, nested like it, of a function that returns nested arrays like `cotangents`."""

    def loss(where):
        return sum(anp.sum(a * d) for a, d in zip(flat(function(*where)), flat(cotangents), strict=True))

    return grad(loss)(where)
