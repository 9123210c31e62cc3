"""What a cell declares, its parameters and its states as the arrays that the `loops` engine reads."""

from typing import NamedTuple

import numpy as np

from .reference import kinds_of_q, weights_of


class Inputs(NamedTuple):
    """What feeds the G pre-activations; the first ones are those that know no q."""

    first: np.ndarray  # which they are
    later: np.ndarray  # which the others are
    from_x: np.ndarray  # (G,) whether there is a product with x
    from_y: np.ndarray  # (G,) whether there is one with the output before or, for the later ones, with q
    from_q: np.ndarray  # (G,) whether q itself is added
    kind: np.ndarray  # (G,) which number of q
    first_norms: np.ndarray  # (groups, G) members of each layer norm, then -1
    later_norms: np.ndarray


class Weights(NamedTuple):
    """The parameters, a block for each pre-activation of H units; or their gradients."""

    W: np.ndarray  # (G, I, H): multiplies x
    R: np.ndarray  # (G, F, H): multiplies the output before
    Q: np.ndarray  # (G, H, H): multiplies q
    P: np.ndarray  # (H, F): projects the first state to the output
    b: np.ndarray  # (G, H)
    scale: np.ndarray  # (G, H), of layer norm
    shift: np.ndarray


class Tape(NamedTuple):
    """What the forward pass writes at each of T steps for B rows, S states and K saved values."""

    z: np.ndarray  # (T, G, B, H), pre-activations
    before: np.ndarray  # (T, S, B, H), states before the step
    after: np.ndarray  # (T, S, B, H), and after it
    saved: np.ndarray  # (T, K, B, H), what the equations keep for the gradient
    q: np.ndarray  # (T, numbers of q, B, H)
    y_before: np.ndarray  # (T, 1, B, F), a projected output; else the output is the first state
    y_after: np.ndarray  # (T, 1, B, F)
    r: np.ndarray  # (T, B, F), y_after before it is clipped
    unit: np.ndarray  # (T, G, B, H), normalised pre-activations
    inverse: np.ndarray  # (T, G, B), 1 / standard deviation


def arrays_of(cell, params, x, noise):
    """What the kernel multiplies of x (T, B, I), `Inputs`, `Weights` and a `Tape` for a forward pass. Products with
    tokens x (T, B) are looked up before all steps."""
    (T, B), dtype, tokens = x.shape[:2], params["kernel"].dtype, x.ndim == 2
    multiplied = np.zeros((T, B, 0), dtype) if tokens else np.array(x[:, :, : len(params["kernel"])], order="C")
    w, tape = zero_weights(cell, multiplied.shape[2], dtype), blank_tape(cell, T, B, dtype)
    for block, place in blocks(cell, params, w):
        place[...] = block
    constant_part(cell, params, x, noise, tape.z)
    return multiplied, inputs_of(cell, params, tokens), w, tape


def gradients_of(cell, params, x, dz, dx, dw):
    """The gradients of the parameters and of x."""
    d_params = {name: np.zeros_like(value) for name, value in params.items()}
    for block, place in blocks(cell, d_params, dw):
        block[...] = place
    own = weights_of(cell, d_params)
    if x.ndim == 2:
        for g, name in enumerate(cell.inputs):
            if own[name].W is not None:
                np.add.at(own[name].W, x, dz[:, g])
        return d_params, None
    d_inputs = np.zeros_like(x)
    d_inputs[:, :, : dx.shape[2]] += dx
    for g, fed in enumerate(cell.inputs.values()):
        if fed == "u":
            d_inputs[:, :, -cell.units :] += dz[:, g]
    return d_params, d_inputs


def flags(values, default, T, B):
    """A fresh array (T, B) of booleans, since Numba compiles again for another layout or a read-only array."""
    return np.full((T, B), default if values is None else values)


def inputs_of(cell, params, tokens):
    """The `Inputs` of a cell; products with tokens are looked up before all steps."""
    names, kinds, weights = list(cell.inputs), kinds_of_q(cell), weights_of(cell, params)
    norms = [], []
    for group in cell.norms:
        members = [names.index(name) for name in group]
        norms[group[0] in kinds].append(members + [-1] * (len(names) - len(group)))
    return Inputs(
        np.array([g for g, name in enumerate(names) if name not in kinds], int),
        np.array([g for g, name in enumerate(names) if name in kinds], int),
        np.array([weights[name].W is not None and not tokens for name in names]),
        np.array([weights[name].R is not None for name in names]),
        np.array(["=" in cell.inputs[name] for name in names]),
        np.array([kinds.get(name, 0) for name in names]),
        *(np.array(groups, int).reshape(-1, len(names)) for groups in norms),
    )


def zero_weights(cell, features, dtype):
    G, H, F = len(cell.inputs), cell.units, cell.state_width
    shapes = (G, features, H), (G, F, H), (G, H, H) if cell.equations.feedback else (0, H, H), (H, F)
    return Weights(*(np.zeros(shape, dtype) for shape in (*shapes, (G, H), (G, H), (G, H))))


def blocks(cell, params, w):
    """Pairs of a block of the parameters and its place in the `Weights`."""
    own, kinds, names = weights_of(cell, params), kinds_of_q(cell), list(cell.inputs)
    for g, name in enumerate(names):
        pairs = (own[name].W, w.W), (own[name].R, w.Q if name in kinds else w.R), (own[name].b, w.b)
        yield from ((block, stack[g]) for block, stack in pairs if block is not None and stack[g].size)
    for i, name in enumerate(cell.normed):
        yield params["norm_scale"][i], w.scale[names.index(name)]
        yield params["norm_shift"][i], w.shift[names.index(name)]
    if cell.num_proj is not None:
        yield params["projection_kernel"], w.P


def blank_tape(cell, T, B, dtype):
    G, H, S, eq = len(cell.inputs), cell.units, len(cell.states), cell.equations
    kinds, Y, F = 1 + max(kinds_of_q(cell).values(), default=-1), int(cell.num_proj is not None), cell.num_proj or 0
    normed = G * bool(cell.norms)
    shapes = (G, B, H), (S, B, H), (S, B, H), (len(cell.saved) + eq.hidden, B, H), (kinds, B, H)
    shapes = *shapes, (Y, B, F), (Y, B, F), (B, F), (normed, B, H), (normed, B)
    return Tape(*(np.zeros((T, *shape), dtype) for shape in shapes))


def constant_part(cell, params, x, noise, z):
    """Write what no product gives into z: biases and vectors, masks, numbers that units read on their own, and rows of
    the kernel for tokens."""
    weights, dtype = weights_of(cell, params), z.dtype
    for g, (name, fed) in enumerate(cell.inputs.items()):
        if fed in ("m", "u"):
            z[:, g] = noise[name] if fed == "m" else x[:, :, -cell.units :]
        else:
            z[:, g] = weights[name].b + dtype.type(cell.offsets.get(name, 0))
            if x.ndim == 2 and weights[name].W is not None:
                z[:, g] += weights[name].W[x]


def stacked_states(cell, arrays, B, dtype):
    """The projected output (1, B, F), or (0, B, 0), and the states (S, B, H) of the equations, zero where None."""
    pairs = zip(cell.state_size, arrays or cell.no_gradient, strict=True)
    arrays = [np.zeros((B, n), dtype) if array is None else array for n, array in pairs]
    if cell.num_proj is None:
        return np.zeros((0, B, 0), dtype), np.array(arrays, dtype)
    first = [] if cell.carries_output else [np.zeros((B, cell.units), dtype)]
    return np.array(arrays[:1], dtype), np.array([*first, *arrays[1:]], dtype)


def states_after(cell, tape):
    """The output and the states of the equations after each step, (T, B, n)."""
    s = tuple(tape.after.swapaxes(0, 1))
    return (s[0] if cell.num_proj is None else tape.y_after[:, 0]), s
