"""Composite cells once more, with autograd and in plain loops: each wrapper by its definition, step by step.

`unrolled(cell, params, xs, state, valid, how)` -> outputs, final state; lists of T arrays (B, n), states as plain
nested tuples, `valid` a list of T columns (B, 1).
"""

import autograd.numpy as np

import numbarnn as nr
from numbarnn.ops.random import bernoulli


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_rnn(p, x, s):
    h = np.tanh(x @ p["kernel"] + s[0] @ p["recurrent_kernel"] + p["bias"])
    return h, (h,)


def lstm(p, x, s):
    i, f, g, o = np.split(x @ p["kernel"] + s[0] @ p["recurrent_kernel"] + p["bias"], 4, axis=1)
    c = sigmoid(f) * s[1] + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, (h, c)


def gru(p, x, s):
    W, R, b, (h,) = np.split(p["kernel"], 3, 1), np.split(p["recurrent_kernel"], 3, 1), np.split(p["bias"], 3), s
    r, z = (sigmoid(x @ W[k] + h @ R[k] + b[k]) for k in (0, 1))
    h = z * h + (1 - z) * np.tanh(x @ W[2] + (r * h) @ R[2] + b[2])
    return h, (h,)


STEPS = {nr.SimpleRNNCell: simple_rnn, nr.LSTMCell: lstm, nr.GRUCell: gru}
MERGE = {
    "concat": lambda a, b: np.concatenate([a, b], axis=1),
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
}


def inner(params, name="cell"):
    return {key[len(name) + 1 :]: value for key, value in params.items() if key.startswith(name + "/")}


def select(valid, new, old):
    if isinstance(new, tuple):
        return tuple(select(valid, a, b) for a, b in zip(new, old, strict=True))
    return np.where(valid, new, old)


def plain(cell, params, xs, state, valid, how, drop):
    """The loop over time; `drop`: the wrappers around that drop states, the outermost first."""
    ys, masks = [None] * len(xs), [state_masks(cell, w, k, len(xs), how, state) for k, w in enumerate(drop)]
    for t in sorted(range(len(xs)), reverse=how.reverse):
        y, new = STEPS[type(cell)](params, xs[t], state)
        for each in masks:
            new = tuple(a * m[t] for a, m in zip(new, each, strict=True))
        ys[t], state = np.where(valid[t], y, 0.0), select(valid[t], new, state)
    return ys, state


def affine(params, name, x):
    return x @ params[f"{name}_kernel"] + params[f"{name}_bias"]


def mapped(function, valid, *sequences):
    """The function of each step, zero at masked ones."""
    return [np.where(v, function(*arrays), 0.0) for v, *arrays in zip(valid, *sequences, strict=True)]


def times(xs, scale):
    if scale is None:
        return xs
    return [x * m for x, m in zip(xs, np.broadcast_to(scale, (len(xs), *xs[0].shape)), strict=True)]


def unrolled(cell, params, xs, state, valid, how, drop=()):
    run = lambda xs, params=params, how=how: unrolled(cell.cell, params, xs, state, valid, how, drop)  # noqa: E731
    match cell:
        case nr.MultiRNNCell(state_is_tuple=False):
            widths = np.cumsum([sum(c.state_size) for c in cell.cells])[:-1]
            tupled = tuple((s,) for s in np.split(state, widths, axis=1))
            ys, state = unrolled(nr.MultiRNNCell(cell.cells), params, xs, tupled, valid, how, drop)
            return ys, np.concatenate([s for (s,) in state], axis=1)
        case nr.MultiRNNCell():
            states = []
            for i, (c, s) in enumerate(zip(cell.cells, state, strict=True)):
                xs, s = unrolled(c, inner(params, str(i)), xs, s, valid, how.part(i), drop)
                states.append(s)
            return xs, tuple(states)
        case nr.ConcatenatedState():
            H = cell.output_size
            ys, (h, c) = unrolled(cell.cell, params, xs, (state[:, H:], state[:, :H]), valid, how, drop)
            return ys, np.concatenate([c, h], axis=1)
        case nr.ResidualWrapper():
            ys, state = run(xs)
            function = (lambda x, y: x + y) if cell.residual_fn is None else (lambda x, y: x * y + 1.0)
            return mapped(function, valid, xs, ys), state
        case nr.HighwayWrapper():
            ys, state = run(xs, inner(params))
            carry = [sigmoid(affine(params, "carry", x)) for x in xs]
            return mapped(lambda x, y, c: y * (1 - c) + x * c, valid, xs, ys, carry), state
        case nr.InputProjectionWrapper():
            f = np.tanh if cell.activation == "tanh" else (lambda z: z)
            return run([f(affine(params, "projection", x)) for x in xs], inner(params))
        case nr.OutputProjectionWrapper():
            f = np.tanh if cell.activation == "tanh" else (lambda z: z)
            ys, state = run(xs, inner(params))
            return mapped(lambda y: f(affine(params, "projection", y)), valid, ys), state
        case nr.EmbeddingWrapper():
            return run([params["embedding"][x] for x in xs], inner(params))
        case nr.DeviceWrapper():
            return run(xs)
        case nr.DropConnectWrapper():
            if how.training:
                params = dict(params)
                for name in [n for n in params if n.endswith("recurrent_kernel")]:
                    kept = bernoulli(how.part(name).random(""), 1 - cell.rate, params[name].shape)
                    params[name] = params[name] * kept / (1 - cell.rate)
            return run(xs, params, how.part("cell"))
        case nr.DropoutWrapper():
            if cell.state_keep_prob < 1 and how.training:
                drop = (*drop, cell)
            xs = times(xs, dropout_mask(cell, "input", xs, how))
            ys, state = unrolled(cell.cell, params, xs, state, valid, how.part("cell"), drop)
            return times(ys, dropout_mask(cell, "output", ys, how)), state
        case nr.Bidirectional():
            flip = type(how)(not how.reverse, how.training, how.seed)
            y1, s1 = unrolled(
                cell.forward_cell, inner(params, "forward"), xs, state[0], valid, how.part("forward"), drop
            )
            y2, s2 = unrolled(
                cell.backward_cell, inner(params, "backward"), xs, state[1], valid, flip.part("backward"), drop
            )
            return [MERGE[cell.merge_mode](a, b) for a, b in zip(y1, y2, strict=True)], (s1, s2)
    return plain(cell, params, xs, state, valid, how, drop)


def dropout_mask(cell, site, arrays, how):
    """The mask that the seed stands for: choices in the order (T, B, n)."""
    keep = getattr(cell, f"{site}_keep_prob")
    if keep == 1 or not how.training:
        return None
    B, n = arrays[0].shape
    shape = (1 if cell.variational_recurrent else len(arrays), 1 if cell.shared_over_batch else B, n)
    return bernoulli(how.part(site).random(""), keep, shape) / keep


def state_masks(cell, wrapper, k, T, how, state):
    """For each state a list of T masks, ones where the filter keeps it."""
    masks = []
    for name, s in zip(cell.states, state, strict=True):
        shape = (1 if wrapper.variational_recurrent else T, 1 if wrapper.shared_over_batch else len(s), s.shape[1])
        keep, mask = wrapper.state_keep_prob, np.ones(shape)
        if wrapper.dropout_state_filter(name):
            mask = bernoulli(how.part(f"mask{k}_{name}").random(""), keep, shape) / keep
        masks.append(np.broadcast_to(mask, (T, *shape[1:])))
    return masks
