"""Parameters between their canonical matrices and panels of whole vectors.

A parameter is a matrix (K, blocks H) of which `slots` blocks are meant, in the order of the slots.
"""

from typing import Any, NamedTuple

from .memory import WHOLE, get, lanes, load, load_part, pointer, pointer_like, put, store, store_part
from .simd import helper


class Matrix(NamedTuple):
    """A canonical parameter: `width` numbers a row, block blocks[s] for slot s."""

    data: Any
    K: int
    width: int
    blocks: Any
    slots: int


@helper
def matrices(n, like, kernel, recurrent, bias):
    """The four matrices of a cell (fed by x, by h, by q, and the bias) at the addresses of its parameters or their
    gradients."""
    return (
        Matrix(pointer_like(like, kernel), n.I, n.x_slots * n.H, pointer(WHOLE, n.x_blocks), n.x_slots),
        Matrix(pointer_like(like, recurrent), n.H, n.r_blocks * n.H, pointer(WHOLE, n.h_blocks), n.h_slots),
        Matrix(pointer_like(like, recurrent), n.H, n.r_blocks * n.H, pointer(WHOLE, n.q_blocks), n.q_slots),
        Matrix(pointer_like(like, bias), 1, n.gates * n.H, pointer(WHOLE, n.b_blocks), n.gates),
    )


@helper
def pack(matrix, n, p0, p1, out):
    """out[panel, k, slot, V] for panels p0..p1, zeros beyond H; returns 0 in every lane, or NaN where a number is
    not finite."""
    V = lanes(out)
    doubt = load_part(out, 0, 0)
    for p in range(p0, p1):
        for k in range(matrix.K):
            for s in range(matrix.slots):
                v = load_part(matrix.data, k * matrix.width + get(matrix.blocks, s) * n.H + p * V, n.H - p * V)
                doubt = doubt + (v - v)
                store(out, ((p * matrix.K + k) * matrix.slots + s) * V, v)
    return doubt


@helper
def turn(matrix, n, p0, p1, out):
    """out[panel of K, panel of H, slot, unit, V] for panels p0..p1 of K, zeros beyond K and H."""
    V = lanes(out)
    for p in range(p0, p1):
        for u in range(n.P):
            for s in range(matrix.slots):
                to = ((p * n.P + u) * matrix.slots + s) * V * V
                source = p * V * matrix.width + get(matrix.blocks, s) * n.H + u * V
                rows, columns = min(V, matrix.K - p * V), min(V, n.H - u * V)
                for j in range(columns):
                    for k in range(rows):
                        put(out, to + j * V + k, get(matrix.data, source + k * matrix.width + j))
                    for k in range(rows, V):
                        put(out, to + j * V + k, 0)
                for j in range(columns * V, V * V):
                    put(out, to + j, 0)


@helper
def unpack(panels, n, p0, p1, matrix):
    """The inverse of `pack`: matrix = panels p0..p1 of panels[panel, k, slot, V], without what lies beyond H."""
    V = lanes(panels)
    for p in range(p0, p1):
        for k in range(matrix.K):
            for s in range(matrix.slots):
                to = k * matrix.width + get(matrix.blocks, s) * n.H + p * V
                source = ((p * matrix.K + k) * matrix.slots + s) * V
                store_part(matrix.data, to, n.H - p * V, load(panels, source))
