"""The engine's contract in plain NumPy, one step after the other: to read, to debug, and for NUMBA_DISABLE_JIT=1.

What happens in a time step stands here in its shortest form; `cpu` does the same in tiles, vectors and threads.
"""

import numpy as np

from .errors import InputError
from .trace import Trace


def blocks(cell, params):
    """{name: (W or None, R or None, b, source of R)} of each pre-activation."""
    H, kernel, recurrent = cell.units, params["kernel"], params["recurrent_kernel"]
    columns = lambda array, name, names: array[:, names.index(name) * H :][:, :H] if name in names else None  # noqa: E731
    bias = params.get("bias", np.zeros(len(cell.inputs) * H, kernel.dtype)).reshape(-1, H)
    x_names, h_names = cell.fed_by("x"), cell.fed_by("hq")
    return {
        name: (
            columns(kernel, name, x_names),
            columns(recurrent, name, h_names),
            b + kernel.dtype.type(cell.offsets.get(name, 0)),
        )
        for (name, _), b in zip(cell.inputs.items(), bias, strict=True)
    }


def affine(x, h, W, R, b):
    """x W + h R + b, without the products that a pre-activation does not have."""
    return (x @ W if W is not None else 0) + (h @ R if R is not None else 0) + b


def forward(cell, params, x, initial, mask, reverse, keep):
    for name, value in params.items():
        if not np.isfinite(value).all():
            raise InputError(f"{type(cell).__name__}: values that are not finite in parameter {name}")
    eq, weights = cell.equations, blocks(cell, params)
    T, B, _ = x.shape
    s = tuple(np.zeros((B, cell.units), x.dtype) if initial is None else np.array(a) for a in initial or cell.states)
    outputs, steps = np.zeros((T, B, cell.units), x.dtype), []
    for t in reversed(range(T)) if reverse else range(T):
        z, q = {}, None
        for name, source in cell.inputs.items():
            if "q" not in source:
                z[name] = affine(x[t], s[0], *weights[name])
        if eq.feedback:
            q, carried = eq.feedback(tuple(z.values()), s)
            z = dict(zip(z, carried, strict=True))
            z |= {name: affine(x[t], q, *weights[name]) for name in cell.fed_by("q")}
        s1, saved = eq.forward(tuple(z[name] for name in cell.inputs), s)
        valid = np.full((B, 1), True) if mask is None else mask[t][:, None]
        s1 = tuple(np.where(valid, new, old) for new, old in zip(s1, s, strict=True))
        outputs[t] = np.where(valid, s1[0], 0)
        steps.append((t, valid, s, s1, saved, q))
        s = s1
    return Trace(cell, params, x, mask, reverse, outputs, s, steps if keep else None)


def backward(trace, d_outputs, d_state):
    cell, params, x = trace.cell, trace.params, trace.x
    eq, weights, H = cell.equations, blocks(cell, params), cell.units
    d_params = {name: np.zeros_like(value) for name, value in params.items()}
    d_weights, dx = blocks(cell, d_params | {"bias": np.zeros(len(cell.inputs) * H, x.dtype)}), np.zeros_like(x)
    ds = tuple(np.zeros_like(a) if d is None else np.array(d) for a, d in zip(trace.state, d_state, strict=True))
    first = tuple(name for name, source in cell.inputs.items() if "q" not in source)
    bias = np.zeros((len(cell.inputs), H), x.dtype)

    def products(t, source, dz):
        """Gradients of x, of the weights and of what the recurrent product multiplied, for the pre-activations in
        dz."""
        d_source = 0
        for name, d in dz.items():
            W, R, _ = weights[name]
            if W is not None:
                dx[t] += d @ W.T
                d_weights[name][0][...] += x[t].T @ d
            if R is not None:
                d_source = d_source + d @ R.T
                d_weights[name][1][...] += source.T @ d
            bias[list(cell.inputs).index(name)] += d.sum(0)
        return d_source

    for t, valid, s, s1, saved, q in reversed(trace.saved):
        dy = 0 if d_outputs is None else np.where(valid, d_outputs[t], 0)
        total = (ds[0] + dy, *ds[1:])
        only_valid = lambda d, valid=valid: np.where(valid, d, 0).astype(x.dtype)  # noqa: E731
        dz, before = eq.backward(saved, s, s1, total)
        dz = {name: only_valid(d) for name, d in zip(cell.inputs, dz, strict=True)}
        before = [only_valid(d) for d in before]
        if eq.feedback:
            dq = products(t, q, {name: dz[name] for name in cell.fed_by("q")})
            inner, direct = eq.feedback_backward(tuple(dz[name] for name in first), s, dq)
            dz |= {name: only_valid(d) for name, d in zip(first, inner, strict=True)}
            before = [a + only_valid(d) for a, d in zip(before, direct, strict=True)]
        before[0] = before[0] + products(t, s[0], {name: dz[name] for name in first})
        ds = tuple(np.where(valid, new, old) for new, old in zip(before, ds, strict=True))
    if "bias" in params:
        d_params["bias"][:] = bias.reshape(-1)
    return d_params, dx, ds


def _aligned(trace, names, values):
    """{name: (T, B, H)} in the order of the inputs, from one tuple of arrays a step."""
    T, B, _ = trace.x.shape
    out = {name: np.zeros((T, B, trace.cell.units), trace.x.dtype) for name in names}
    for (t, *_), arrays in zip(trace.saved, values, strict=True):
        for a, value in zip(out.values(), arrays, strict=True):
            a[t] = value
    return out


def states(trace):
    """Every state after each step, (T, B, H)."""
    return _aligned(trace, trace.cell.states, [s1 for _, _, _, s1, _, _ in trace.saved])


def gates(trace):
    """Every gate's value in each step, (T, B, H); zeros where masked."""
    values = [[np.where(valid, a, 0) for a in saved] for _, valid, _, _, saved, _ in trace.saved]
    return _aligned(trace, trace.cell.saved, values)
