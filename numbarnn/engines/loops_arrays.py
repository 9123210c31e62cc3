"""A cell's parameters, its states and what a pass keeps, as the arrays that the `loops` engine reads and writes."""

from math import inf
from typing import NamedTuple

import numpy as np

from .reference import ProductGradients, from_inputs, kinds_of_q, weights_of


class Products(NamedTuple):
    """Terms of sums: with terms[n] = (to, of), place `to` gets what is at place `of`, times matrices[n]."""

    matrices: np.ndarray  # (N, J, K)
    terms: np.ndarray  # (n, 2); those from N on have no matrix

    def transposed(self):
        """Return the terms of the backward pass."""
        return Products(np.array(self.matrices.swapaxes(1, 2), order="C"), self.terms[:, ::-1].copy())


class Norms(NamedTuple):
    """Layer norm: scale * unit + shift."""

    first: np.ndarray  # (groups, G), which pre-activations are normalised together
    later: np.ndarray  # (groups, G), the same of those that know q
    scale: np.ndarray  # (G, H)
    shift: np.ndarray  # (G, H)
    epsilon: np.floating
    unit: np.ndarray  # (T, G, B, H)
    inverse: np.ndarray  # (T, G, B), 1 / standard deviation


class Projection(NamedTuple):
    """The output y of width F: the first state times a matrix, clipped."""

    P: Products  # (H, F)
    limit: np.floating
    unclipped: np.ndarray  # (T, 1, B, F)
    before: np.ndarray  # (T, 1, B, F), y before the step
    after: np.ndarray  # (T, 1, B, F), and after it


class Tape(NamedTuple):
    """What a pass reads and writes at each of T steps, for B rows of H units.

    What a cell does not have is None, for which Numba compiles nothing.
    """

    z: np.ndarray  # (T, G, B, H), pre-activations
    before: np.ndarray  # (T, S, B, H), states before the step
    after: np.ndarray  # (T, S, B, H), and after it
    saved: np.ndarray  # (T, K, B, H), what the equations keep for the gradient
    q: np.ndarray | None  # (T, numbers of q, B, H)
    R: Products  # of the output before, (F, H)
    Q: Products | None  # of q, (H, H)
    norms: Norms | None
    projection: Projection | None


class Gradients(NamedTuple):
    """What the backward pass writes; zeros before."""

    z: np.ndarray  # (T, G + extra, B, H)
    q: np.ndarray | None  # (T, numbers of q, B, H)
    unclipped: np.ndarray | None  # (T, 1, B, F)
    norms: np.ndarray | None  # scale and shift, (2, G, H)


def tape_for(cell, params, x, noise):
    """Return a `Tape` whose z has what does not depend on the steps before."""
    eq, (T, B), dtype, own = cell.equations, x.shape[:2], params["kernel"].dtype, weights_of(cell, params)
    kinds, G, H = kinds_of_q(cell), len(cell.inputs), cell.units
    blank = lambda *shape: np.zeros((T, *shape), dtype)  # noqa: E731
    z, states, saved = blank(G, B, H), (len(cell.states), B, H), len(cell.saved) + eq.hidden
    for g, array in enumerate(from_inputs(cell, own, noise, x).values()):
        z[:, g] = array
    R, Q = products_of(cell, own, [name for name in own if name not in kinds]), products_of(cell, own, list(kinds))
    q = blank(1 + max(kinds.values()), B, H) if kinds else None
    norms = norms_of(cell, params, blank(G, B, H), blank(G, B)) if cell.norms else None
    projection = None
    if cell.num_proj is not None:
        P = Products(np.array(params["projection_kernel"][None], order="C"), np.zeros((1, 2), int))
        limit = dtype.type(inf if cell.proj_clip is None else cell.proj_clip)
        projection = Projection(P, limit, *(blank(1, B, cell.num_proj) for _ in range(3)))
    return Tape(z, blank(*states), blank(*states), blank(saved, B, H), q, R, Q if kinds else None, norms, projection)


def products_of(cell, own, names):
    """Return the `Products` that add the output before, or q, to these pre-activations."""
    places, kinds = list(cell.inputs), kinds_of_q(cell)
    matrices = [name for name in names if own[name].R is not None]
    terms = [*matrices, *(name for name in names if "=" in cell.inputs[name])]
    terms = np.array([(places.index(name), kinds.get(name, 0)) for name in terms], int).reshape(-1, 2)
    width = cell.units if set(names) & set(kinds) else cell.state_width
    stacked = np.zeros((len(matrices), width, cell.units), own[places[0]].b.dtype)
    for place, name in zip(stacked, matrices, strict=True):
        place[...] = own[name].R
    return Products(stacked, terms)


def norms_of(cell, params, unit, inverse):
    """Return the `Norms` of a cell."""
    names, kinds, dtype = list(cell.inputs), kinds_of_q(cell), unit.dtype
    groups, scale, shift = ([], []), *(np.zeros((len(names), cell.units), dtype) for _ in range(2))
    for group in cell.norms:
        groups[group[0] in kinds].append([name in group for name in names])
    for i, name in enumerate(cell.normed):
        scale[names.index(name)], shift[names.index(name)] = params["norm_scale"][i], params["norm_shift"][i]
    first, later = (np.array(members, bool).reshape(-1, len(names)) for members in groups)
    return Norms(first, later, scale, shift, dtype.type(cell.norm_epsilon), unit, inverse)


def transposed(tape):
    """Return R, Q, norms and projection for the backward pass."""
    Q, projection = tape.Q and tape.Q.transposed(), tape.projection
    return tape.R.transposed(), Q, tape.norms, projection and projection._replace(P=projection.P.transposed())


def blank_gradients(cell, tape):
    """Return the `Gradients` of a backward pass, zeros."""
    T, G, B, H = tape.z.shape
    z = np.zeros((T, G + cell.equations.extra, B, H), tape.z.dtype)
    norms = np.zeros((2, G, H), z.dtype) if tape.norms else None
    q, r = (None if a is None else np.zeros_like(a) for a in (tape.q, tape.projection and tape.projection.unclipped))
    return Gradients(z, q, r, norms)


def outputs_of(cell, d_outputs, valid, dtype):
    """Return which states the outputs are, as `Products`, and the gradients of the outputs, (T, outputs, B, F)."""
    n, F = len(cell.output_states), cell.state_width
    terms = np.array([(i, k) for k, i in enumerate(cell.output_states)])
    blank = np.zeros((*valid.shape, n * F), dtype)
    blank[valid] = 0 if d_outputs is None else d_outputs[valid]
    stacked = np.array(blank.reshape(*valid.shape, n, F).swapaxes(1, 2), order="C")
    return Products(np.zeros((0, 0, 0), dtype), terms), stacked


def gradients_of(cell, params, x, tape, d):
    """Return the gradients of the parameters and of x: those of one step with the rows of all steps."""
    rows = lambda array: array.reshape(-1, array.shape[-1])  # noqa: E731
    products = ProductGradients(cell, params, x.reshape(1, -1, *x.shape[2:]))
    dz, kinds = {name: rows(d.z[:, g]) for g, name in enumerate(cell.inputs)}, products.kinds
    y = tape.before if tape.projection is None else tape.projection.before
    products.add(0, [name for name in dz if name not in kinds], dz, [rows(y[:, 0])])
    products.add(0, kinds, dz, [] if tape.q is None else [rows(q) for q in tape.q.swapaxes(0, 1)])
    for i, name in enumerate(cell.normed):
        g = list(cell.inputs).index(name)
        products.params["norm_scale"][i], products.params["norm_shift"][i] = d.norms[:, g]
    if cell.num_proj is not None:
        products.params["projection_kernel"] += rows(tape.after[:, 0]).T @ rows(d.unclipped[:, 0])
    return products.params, None if products.dx is None else products.dx.reshape(x.shape)


def flags(values, default, T, B):
    """A fresh array (T, B) of booleans, since Numba compiles again for another layout or a read-only array."""
    return np.full((T, B), default if values is None else values)


def stacked_states(cell, arrays, B, dtype):
    """The projected output (1, B, F), or None, and the states (S, B, H) of the equations, zero where None."""
    pairs = zip(cell.state_size, arrays or cell.no_gradient, strict=True)
    arrays = [np.zeros((B, n), dtype) if array is None else array for n, array in pairs]
    if cell.num_proj is None:
        return None, np.array(arrays, dtype)
    first = [] if cell.carries_output else [np.zeros((B, cell.units), dtype)]
    return np.array(arrays[:1], dtype), np.array([*first, *arrays[1:]], dtype)


def states_after(cell, tape):
    """The output and the states of the equations after each step, (T, B, n)."""
    s = tuple(tape.after.swapaxes(0, 1))
    return (s[0] if cell.num_proj is None else tape.projection.after[:, 0]), s
