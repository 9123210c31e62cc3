"""Parts of a time step of the `loops` engine: tuples of numbers, products, layer norm, clipped projections."""

from functools import cache
from math import copysign, sqrt

import numpy as np
from numba.extending import register_jitable

helper = register_jitable(no_cpython_wrapper=True, no_cfunc_wrapper=True)  # called by compiled code alone


@cache
def numbers(*places):
    """A function (array, b, j) -> the tuple of array[place, b, j] for these places."""
    # Numba makes no tuple in a loop, so that its text is written out.
    return helper(eval(f"lambda array, b, j: ({''.join(f'array[{k}, b, j], ' for k in places)})"))


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
def clear(rows, arrays):
    """Set these rows to zero."""
    for b in range(len(rows)):
        if rows[b]:
            for k, j in np.ndindex(arrays.shape[0], arrays.shape[2]):
                arrays[k, b, j] = 0


@helper
def add_products(total, a, products):
    """Add the products of these matrices, or the matrices themselves, to the total."""
    product = np.empty_like(total[0])
    for n in range(len(products.terms)):
        to, term = products.terms[n, 0], a[products.terms[n, 1]]
        if n < len(products.matrices):
            np.dot(term, products.matrices[n], product)
            term = product
        for b in range(term.shape[0]):
            for j in range(term.shape[1]):
                total[to, b, j] += term[b, j]


@helper
def layer_norm(groups, scale, shift, epsilon, z, unit, inverse):
    """scale * (z - mean) / std + shift, with mean and std of a row over all pre-activations of a group."""
    G, B, H = unit.shape
    for group in groups:
        for b in range(B):
            count, total, squares = 0, 0.0, 0.0
            for g in range(G):
                if group[g]:
                    count += H
                    for j in range(H):
                        total += z[g, b, j]
            for g in range(G):
                if group[g]:
                    for j in range(H):
                        squares += (z[g, b, j] - total / count) ** 2
            for g in range(G):
                if group[g]:
                    inverse[g, b] = 1 / sqrt(squares / count + epsilon)
                    for j in range(H):
                        unit[g, b, j] = (z[g, b, j] - total / count) * inverse[g, b]
                        z[g, b, j] = scale[g, j] * unit[g, b, j] + shift[g, j]


@helper
def layer_norm_backward(groups, scale, dz, unit, inverse, d_scale, d_shift):
    """dz, the gradient of what was normalised, becomes that of what came before."""
    G, B, H = unit.shape
    for group in groups:
        for b in range(B):
            count, total, along = 0, 0.0, 0.0
            for g in range(G):
                if group[g]:
                    count += H
                    for j in range(H):
                        d_scale[g, j] += dz[g, b, j] * unit[g, b, j]
                        d_shift[g, j] += dz[g, b, j]
                        dz[g, b, j] *= scale[g, j]
                        total += dz[g, b, j]
                        along += dz[g, b, j] * unit[g, b, j]
            for g in range(G):
                if group[g]:
                    for j in range(H):
                        dz[g, b, j] = (dz[g, b, j] - total / count - unit[g, b, j] * (along / count)) * inverse[g, b]


@helper
def clip(mask, limit, r, before, y, after):
    """y = r, clipped to +- limit; masked rows keep theirs."""
    for b in range(y.shape[1]):
        for i in range(y.shape[2]):
            before[0, b, i] = y[0, b, i]
            if mask[b]:
                y[0, b, i] = copysign(limit, r[0, b, i]) if abs(r[0, b, i]) > limit else r[0, b, i]
            after[0, b, i] = y[0, b, i]


@helper
def clip_backward(mask, limit, r, dy, dr):
    """Hand the gradient of y on to r, and leave that of masked rows."""
    for b in range(dy.shape[1]):
        if mask[b]:
            for i in range(dy.shape[2]):
                dr[0, b, i] = dy[0, b, i] if abs(r[0, b, i]) <= limit else 0
                dy[0, b, i] = 0
