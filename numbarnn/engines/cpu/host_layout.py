"""Convert states and biases between the public and the packed layout."""

import math

import numpy as np

from ...runtime.workspace import rounded, take


def state_places(cell):
    """Return (array of `KernelArguments`, index in it or None, width) of each state in the public order."""
    first = [("h", None)] if cell.num_proj is None or cell.carries_output else []
    projected = [] if cell.num_proj is None else [("v", None)]
    others = [("c", i) for i in range(len(cell.states) - 1)]
    return tuple((*at, size) for at, size in zip(projected + first + others, cell.state_size, strict=True))


def state_views(places, layout, names="{}"):
    """Return the `Layout.view` of each state [..., width]: before each step, after it (`names` "{}1"), or its gradient
    ("d{}")."""
    return tuple(layout.view(names.format(name), i, size) for name, i, size in places)


def arrays_of(views, dtype, memory):
    """Make the arrays of views in a block of memory."""
    return [np.ndarray(shape, dtype, memory, start, strides) for shape, start, strides in views]


def vector_places(cell):
    """Return {parameter: rows}: the pre-activations that the vectors in each parameter belong to."""
    names = list(cell.inputs)
    rows = {parameter: [names.index(name) for name in fed] for parameter, fed in cell.vectors.items()}
    return {n: slice(r[0], r[-1] + 1) if r == list(range(r[0], r[-1] + 1)) else np.array(r) for n, r in rows.items()}


def gather_vectors(places, offset, params):
    """Gather the vectors added to each pre-activation, constants included, in an array [pre-activation, H]."""
    if len(places) == 1:
        ((name, rows),) = places.items()
        if params[name].size == offset.size:
            return params[name].reshape(offset.shape) + offset
    vectors = offset.copy()
    for name, rows in places.items():
        vectors[rows] += params[name].reshape(-1, offset.shape[1])
    return vectors


def noise_array(names, noise, units, dtype):
    """Stack noise arrays that broadcast to (T, B, H) as e[t, b, m, H]; an axis along which nothing changes has length
    1."""
    arrays = [np.asarray(noise[name]) for name in names]
    T, B, _ = np.broadcast_shapes(*(a.shape for a in arrays), (1, 1, units))
    shape = T, B, len(names), units
    memory = np.asarray(take(rounded(math.prod(shape) * dtype.itemsize)))
    return np.stack([np.broadcast_to(a, (T, B, units)) for a in arrays], 2, np.ndarray(shape, dtype, memory))
