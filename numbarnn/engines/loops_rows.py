"""Parts of a time step of the `loops` engine: tuples of numbers, rows that are cut, layer norm, projection."""

from functools import cache
from math import copysign

import numpy as np
from numba.extending import register_jitable

helper = register_jitable(no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called by compiled code alone


@cache
def numbers(*places):
    """A function (array, b, j) -> the tuple of array[place, b, j] for these places."""
    if not places:
        return helper(lambda array, b, j: ())
    others, last = numbers(*places[:-1]), places[-1]
    return helper(lambda array, b, j: (*others(array, b, j), array[last, b, j]))


@helper
def put(array, b, j, values):
    for k in range(len(values)):
        array[k, b, j] = values[k]


@helper
def number(array, b, j):
    return array[0, b, j]


@helper
def put_number(array, b, j, value):
    array[0, b, j] = value


def access_to_q(count):
    """How compiled code reads and writes what `feedback` computes: one number, or a tuple of several."""
    return (numbers(*range(count)), put) if count > 1 else (number, put_number)


@helper
def nothing(*arguments):
    """The part that a cell does not have."""


@helper
def add_product(total, a, b):
    """Add the product of two matrices."""
    product = np.empty_like(total)
    np.dot(a, b, product)
    add(total, product)


@helper
def add(total, term):
    for i in range(total.shape[0]):
        for j in range(total.shape[1]):
            total[i, j] += term[i, j]


@helper
def copy_but(rows, source, target):
    """Copy states, or gradients of states, with zeros in place of these rows."""
    for k in range(len(source)):
        for b in range(len(rows)):
            for j in range(source.shape[2]):
                target[k, b, j] = 0 if rows[b] else source[k, b, j]


@helper
def add_outputs(mask, states, d_outputs, ds):
    """Add the gradients of the outputs to those of the states that they are."""
    for k, i in enumerate(states):
        for b in range(len(mask)):
            if mask[b]:
                for j in range(ds.shape[2]):
                    ds[i, b, j] += d_outputs[k, b, j]


@helper
def members(group):
    """The pre-activations of a group: the numbers before -1."""
    count = 0
    while count < len(group) and group[count] >= 0:
        count += 1
    return group[:count]


@helper
def layer_norm(groups, epsilon, z, w, unit, inverse):
    """scale * (z - mean) / std + shift, with mean and std of a row over all pre-activations of a group."""
    for group in groups:
        names = members(group)
        count = len(names) * z.shape[2]
        for b in range(z.shape[1]):
            total, squares = 0.0, 0.0
            for g in names:
                for j in range(z.shape[2]):
                    total += z[g, b, j]
            mean = total / count
            for g in names:
                for j in range(z.shape[2]):
                    squares += (z[g, b, j] - mean) ** 2
            for g in names:
                inverse[g, b] = 1 / np.sqrt(squares / count + epsilon)
                for j in range(z.shape[2]):
                    unit[g, b, j] = (z[g, b, j] - mean) * inverse[g, b]
                    z[g, b, j] = w.scale[g, j] * unit[g, b, j] + w.shift[g, j]


@helper
def layer_norm_backward(groups, d, w, unit, inverse, dw):
    """d, the gradient of what was normalised, becomes that of what came before."""
    for group in groups:
        names = members(group)
        count = len(names) * d.shape[2]
        for b in range(d.shape[1]):
            total, along = 0.0, 0.0
            for g in names:
                for j in range(d.shape[2]):
                    dw.scale[g, j] += d[g, b, j] * unit[g, b, j]
                    dw.shift[g, j] += d[g, b, j]
                    d[g, b, j] *= w.scale[g, j]
                    total += d[g, b, j]
                    along += d[g, b, j] * unit[g, b, j]
            for g in names:
                for j in range(d.shape[2]):
                    d[g, b, j] = (d[g, b, j] - total / count - unit[g, b, j] * (along / count)) * inverse[g, b]


@helper
def projection(mask, h, P, limit, r, y_before, y):
    """y = h P, clipped to +- limit; masked rows keep theirs."""
    np.dot(h, P, r)
    for b in range(y.shape[0]):
        for i in range(y.shape[1]):
            clipped = copysign(limit, r[b, i]) if abs(r[b, i]) > limit else r[b, i]
            y[b, i] = clipped if mask[b] else y_before[b, i]


@helper
def projection_backward(mask, h, P, limit, r, dy, dh, dP):
    """Hand the gradient of y on to h, and leave that of masked rows."""
    dr = np.zeros_like(dy)
    for b in range(dy.shape[0]):
        for i in range(dy.shape[1]):
            if mask[b]:
                dr[b, i] = dy[b, i] if abs(r[b, i]) <= limit else 0
                dy[b, i] = 0
    add_product(dh, dr, P.T)
    add_product(dP, h.T, dr)
