"""The reference engine: the contract of `EngineResult` in plain NumPy, one step after the other.

It is the shortest form of a time step, to read and to debug, and runs with NUMBA_DISABLE_JIT=1; `cpu` does the same
with tiles, vectors and threads.
"""

from typing import NamedTuple

import numpy as np

from .interface import EngineResult, check_finite


class Weights(NamedTuple):
    """Weights of one pre-activation: W multiplies the input, R the last output or q; None: no product."""

    W: np.ndarray | None
    R: np.ndarray | None
    b: np.ndarray


class Step(NamedTuple):
    """What a time step keeps for the gradient."""

    t: int
    valid: np.ndarray  # (B, 1)
    before: tuple  # output, and the states of the equations
    after: tuple
    saved: tuple
    q: tuple
    normed: list  # (names, normalised rows, 1 / standard deviation)
    r: np.ndarray | None  # projection, before it is clipped


def weights_of(cell, params):
    """Return {pre-activation: Weights} as views, so that gradients can be added to the arrays of `params`."""
    H, split = cell.units, "feedback_kernel" in params
    sources = {"kernel": "x", "recurrent_kernel": "h" if split else "hq", "feedback_kernel": "q"}

    def block(parameter, name):
        names = cell.fed_by(sources[parameter])
        return params[parameter][:, names.index(name) * H :][:, :H] if name in names else None

    vectors = {}
    for parameter, names in cell.vectors.items():
        vectors |= zip(names, params[parameter].reshape(-1, H), strict=True)
    zero = np.zeros(H, params["kernel"].dtype)
    found = {}
    for name, fed in cell.inputs.items():
        back = "feedback_kernel" if split and "q" in fed else "recurrent_kernel"
        found[name] = Weights(block("kernel", name), block(back, name), vectors.get(name, zero))
    return found


def kinds_of_q(cell):
    """Return {pre-activation: index of the q that feeds it}."""
    return {
        name: int(fed[-1]) if fed[-1].isdecimal() else 0 for name, fed in cell.inputs.items() if set("q=") & set(fed)
    }


def normalise(cell, params, z, names):
    """Layer-normalise the rows of a group of pre-activations in z: scale * (z - mean) / std + shift."""
    rows = np.concatenate([z[name] for name in names], axis=1)
    centred = rows - rows.mean(1, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(1, keepdims=True) + rows.dtype.type(cell.norm_epsilon))
    unit = np.split(centred * inverse, len(names), axis=1)
    for name, u in zip(names, unit, strict=True):
        i = cell.normed.index(name)
        z[name] = params["norm_scale"][i] * u + params["norm_shift"][i]
    return names, unit, inverse


def normalise_backward(cell, params, d_params, dz, normed):
    """Compute the gradient of `normalise`: dz becomes that of the values before."""
    names, unit, inverse = normed
    d_unit = []
    for name, u in zip(names, unit, strict=True):
        i = cell.normed.index(name)
        d_params["norm_scale"][i] += (dz[name] * u).sum(0)
        d_params["norm_shift"][i] += dz[name].sum(0)
        d_unit.append(dz[name] * params["norm_scale"][i])
    d, u = np.concatenate(d_unit, axis=1), np.concatenate(unit, axis=1)
    d = (d - d.mean(1, keepdims=True) - u * (d * u).mean(1, keepdims=True)) * inverse
    dz |= zip(names, np.split(d, len(names), axis=1), strict=True)


def clipped(cell, r):
    """Clip a projection if the cell asks for it."""
    return r if cell.proj_clip is None else np.clip(r, -cell.proj_clip, cell.proj_clip)


def from_inputs(cell, weights, noise, x):
    """Compute what the pre-activations get from the inputs (..., I) or tokens (...), at one step or at all of them."""
    rows, z = x.shape if x.dtype.kind == "i" else x.shape[:-1], {}
    for name, (W, _, b) in weights.items():
        z[name] = np.broadcast_to(b + b.dtype.type(cell.offsets.get(name, 0)), (*rows, cell.units))
        if cell.inputs[name] in ("m", "u"):
            z[name] = noise[name] if cell.inputs[name] == "m" else x[..., -cell.units :]
        if W is not None:
            z[name] = z[name] + (W[x] if x.dtype.kind == "i" else x[..., : len(W)] @ W)
    return z


def one_step(cell, params, weights, noise, t, x, y, s):
    """Compute z, q and the normalised rows of step t from the input, the last output and the states."""
    eq, kinds = cell.equations, kinds_of_q(cell)
    first = [name for name in cell.inputs if name not in kinds]
    z, q, normed = from_inputs(cell, weights, {name: array[t] for name, array in noise.items()}, x), (), []

    def add(names, back):
        for name in names:
            if weights[name].R is not None:
                z[name] = z[name] + back[kinds.get(name, 0)] @ weights[name].R
            if "=" in cell.inputs[name]:
                z[name] = z[name] + back[kinds[name]]
        normed.extend(normalise(cell, params, z, group) for group in cell.norms if group[0] in names)

    add(first, (y,))
    if eq.feedback:
        q, carried = eq.feedback(tuple(z[name] for name in first), s)
        q = q if isinstance(q, tuple) else (q,)
        z |= zip(first, carried, strict=True)
        add(kinds, q)
    return tuple(z[name] for name in cell.inputs), q, normed


def forward(cell, params, x, initial, mask, resets, reverse, keep, noise):
    """Run a cell over a sequence; see `EngineResult`."""
    check_finite(type(cell).__name__, params)
    weights, dtype = weights_of(cell, params), params["kernel"].dtype
    T, B = x.shape[:2]
    noise = {name: np.broadcast_to(array, (T, B, cell.units)) for name, array in noise.items()}
    state = [
        np.zeros((B, n), dtype) if initial is None else np.array(initial[i]) for i, n in enumerate(cell.state_size)
    ]
    y, s = state[0], tuple(state)
    if cell.num_proj is not None:
        s = tuple(state[1:]) if cell.carries_output else (np.zeros((B, cell.units), dtype), *state[1:])
    outputs, steps = np.zeros((T, B, cell.output_size), dtype), []
    for t in reversed(range(T)) if reverse else range(T):
        if resets is not None:
            y, *s = (np.where(resets[t][:, None], 0, a) for a in (y, *s))
        z, q, normed = one_step(cell, params, weights, noise, t, x[t], y, s)
        s1, saved = cell.equations.forward(z, s)
        r = None if cell.num_proj is None else s1[0] @ params["projection_kernel"]
        valid = np.full((B, 1), True) if mask is None else mask[t][:, None]
        s1 = tuple(np.where(valid, new, old) for new, old in zip(s1, s, strict=True))
        y1 = s1[0] if r is None else np.where(valid, clipped(cell, r), y)
        outputs[t] = np.where(valid, np.hstack([s1[i] if i else y1 for i in cell.output_states]), 0)
        steps.append(Step(t, valid, (y, *s), (y1, *s1), saved, q, normed, r))
        y, s = y1, s1
    return EngineResult(cell, params, x, mask, reverse, outputs, public_states(cell, y, s), steps if keep else None)


def public_states(cell, y, s):
    """Select the states that a caller sees from the output and the states of the equations."""
    return s if cell.num_proj is None else (y, *(s if cell.carries_output else s[1:]))


class ProductGradients:
    """Gradients of the inputs and weights of one pass, summed over the steps."""

    def __init__(self, cell, params, x):
        self.cell, self.x, self.kinds = cell, x, kinds_of_q(cell)
        self.params = {name: np.zeros_like(value) for name, value in params.items()}
        self.weights, self.d_weights = weights_of(cell, params), weights_of(cell, self.params)
        self.dx = np.zeros_like(x) if x.ndim == 3 else None

    def add(self, t, names, dz, sources):
        """Add the products of step t for the pre-activations of these names."""
        x, dx = self.x, self.dx
        for name in names:
            (W, R, _), d = self.weights[name], self.d_weights[name]
            if W is not None and x.ndim == 2:
                np.add.at(d.W, x[t], dz[name])
            elif W is not None:
                dx[t, :, : len(W)] += dz[name] @ W.T
                d.W[...] += x[t, :, : len(W)].T @ dz[name]
            if R is not None:
                d.R[...] += sources[self.kinds.get(name, 0)].T @ dz[name]
            if self.cell.inputs[name] == "u":
                dx[t, :, -self.cell.units :] += dz[name]
            d.b[...] += dz[name].sum(0)

    def of_sources(self, names, dz, sources):
        """Compute the gradients of the last output, or of each q, which feed the pre-activations of these names."""
        d_sources = [np.zeros_like(source) for source in sources]
        for name in names:
            k, R = self.kinds.get(name, 0), self.weights[name].R
            if R is not None:
                d_sources[k] += dz[name] @ R.T
            if "=" in self.cell.inputs[name]:
                d_sources[k] += dz[name]
        return d_sources


def backward(result, d_outputs, d_state, cut):
    """Compute the gradients of parameters, inputs and initial state; see `EngineResult`."""
    cell, params, x = result.cell, result.params, result.x
    eq, kinds, H, dtype = cell.equations, kinds_of_q(cell), cell.units, params["kernel"].dtype
    products = ProductGradients(cell, params, x)
    d_params, first = products.params, [name for name in cell.inputs if name not in kinds]
    d = [np.zeros_like(a) if g is None else np.array(g) for a, g in zip(result.state, d_state, strict=True)]
    dy, ds = d[0], list(d)
    if cell.num_proj is not None:
        ds = d[1:] if cell.carries_output else [np.zeros((x.shape[1], H), dtype), *d[1:]]
    for step in reversed(result.saved):
        t, valid, s, s1 = step.t, step.valid, step.before[1:], step.after[1:]
        only_valid = lambda d, valid=valid: np.where(valid, d, 0).astype(dtype)  # noqa: E731
        ds1 = [dy if cell.num_proj is not None else ds[0], *ds[1:]]
        if d_outputs is not None:
            for i, d in zip(cell.output_states, np.split(d_outputs[t], len(cell.output_states), 1), strict=True):
                ds1[i] = ds1[i] + only_valid(d)
        if step.r is not None:
            inside = True if cell.proj_clip is None else np.abs(step.r) <= cell.proj_clip
            dr = only_valid(np.where(inside, ds1[0], 0))
            d_params["projection_kernel"] += s1[0].T @ dr
            ds1[0] = ds[0] + dr @ params["projection_kernel"].T
        dz, before = eq.backward(step.saved, s, s1, tuple(ds1))
        dz, extra = [only_valid(d) for d in dz[: len(cell.inputs)]], dz[len(cell.inputs) :]
        dz, before = dict(zip(cell.inputs, dz, strict=True)), [only_valid(d) for d in before]
        later = [normed for normed in step.normed if normed[0][0] in kinds]
        if eq.feedback:
            for normed in later:
                normalise_backward(cell, params, d_params, dz, normed)
            products.add(t, kinds, dz, step.q)
            dq = products.of_sources(kinds, dz, step.q)
            dq = tuple(dq) if len(dq) > 1 else dq[0]
            inner, direct = eq.feedback_backward((*(dz[name] for name in first), *extra), s, dq)
            dz |= {name: only_valid(d) for name, d in zip(first, inner, strict=True)}
            before = [a + only_valid(d) for a, d in zip(before, direct, strict=True)]
        for normed in step.normed:
            if normed[0][0] not in kinds:
                normalise_backward(cell, params, d_params, dz, normed)
        products.add(t, first, dz, step.before[:1])
        (back,) = products.of_sources(first, dz, step.before[:1])
        if cell.num_proj is None:
            before[0] = before[0] + back
        else:
            dy = np.where(valid, back, dy).astype(dtype)
        ds = [np.where(valid, new, old) for new, old in zip(before, ds, strict=True)]
        if cut is not None:
            dy, *ds = (np.where(cut[t][:, None], 0, d) for d in (dy, *ds))
    return d_params, products.dx, public_states(cell, dy, tuple(ds))


def _by_name(result, widths, values):
    """Gather one tuple of arrays a step in {name: (T, B, width)}, in the order of the inputs."""
    T, B = result.x.shape[:2]
    out = {name: np.zeros((T, B, width), result.params["kernel"].dtype) for name, width in widths.items()}
    for (t, *_), arrays in zip(result.saved, values, strict=True):
        for array, value in zip(out.values(), arrays, strict=False):
            array[t] = value
    return out


def states(result):
    """Return {state: (T, B, n)}, the states after each step."""
    cell = result.cell
    values = [public_states(cell, step.after[0], step.after[1:]) for step in result.saved]
    return _by_name(result, cell.state_size._asdict(), values)


def gates(result):
    """Return {gate: (T, B, H)}, the values of the gates in each step; zeros at padding."""
    values = [[np.where(step.valid, a, 0) for a in step.saved] for step in result.saved]
    return _by_name(result, dict.fromkeys(result.cell.saved, result.cell.units), values)
