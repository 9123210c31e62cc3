"""Packing: parameters between their public matrices and panels of whole SIMD vectors.

A parameter is a matrix (K, blocks of `units` columns); the slots name the blocks in the order of the kernels.
"""

from typing import Any, NamedTuple

from ...runtime.memory import (
    WHOLE,
    get,
    lanes,
    load,
    load_part,
    load_rows,
    panels_of,
    pointer,
    pointer_like,
    store,
    store_all,
    store_part,
)
from ...runtime.simd import helper, transposed_lanes
from ...runtime.threads import share


class Matrix(NamedTuple):
    """A public parameter of K rows of `width` numbers; block blocks[s] of `units` columns belongs to slot s."""

    data: Any
    K: int
    width: int
    units: int
    blocks: Any
    slots: int


class Matrices(NamedTuple):
    """All parameters of a cell, or their gradients."""

    x: Matrix
    h: Matrix
    q: Matrix
    projection: Matrix
    bias: Matrix
    scale: Matrix
    shift: Matrix


@helper
def matrices(n, like, x, h, q, projection, bias, scale, shift):
    """Describe a cell's parameters, or their gradients, at these addresses."""
    first = pointer(WHOLE, n.x_blocks)
    norm = pointer(WHOLE, n.n_blocks)
    return Matrices(
        Matrix(pointer_like(like, x), n.I, n.x_slots * n.H, n.H, first, n.x_slots),
        Matrix(pointer_like(like, h), n.F, n.h_width, n.H, pointer(WHOLE, n.h_blocks), n.h_slots),
        Matrix(pointer_like(like, q), n.H, n.q_width, n.H, pointer(WHOLE, n.q_blocks), n.q_slots),
        Matrix(pointer_like(like, projection), n.H, n.F, n.F, norm, 0 if n.project == 0 else 1),
        Matrix(pointer_like(like, bias), 1, n.gates * n.H, n.H, pointer(WHOLE, n.b_blocks), n.gates),
        Matrix(pointer_like(like, scale), 1, n.normed * n.H, n.H, norm, n.normed),
        Matrix(pointer_like(like, shift), 1, n.normed * n.H, n.H, norm, n.normed),
    )


@helper
def pack(matrix, shard, shards, out):
    """Pack a share of the panels out[panel, k, slot, V], zeros beyond the units; returns a vector that has NaN if a
    number is not finite."""
    V = lanes(out)
    check = load_part(out, 0, 0)
    if matrix.slots:
        p0, p1 = share(panels_of(matrix.units, out), shard, shards)
        for p in range(p0, p1):
            for k in range(matrix.K):
                for s in range(matrix.slots):
                    at = k * matrix.width + get(matrix.blocks, s) * matrix.units + p * V
                    v = load_part(matrix.data, at, matrix.units - p * V)
                    check = check + (v - v)  # 0, or NaN if v is infinite or NaN
                    store(out, ((p * matrix.K + k) * matrix.slots + s) * V, v)
    return check


@helper
def pack_transposed(matrix, shard, shards, out):
    """Pack a share of the transposed panels out[panel of K, panel of units, slot, unit, V], zeros beyond K and the
    units."""
    V = lanes(out)
    p0, p1 = share(panels_of(matrix.K, out), shard, shards)
    P = panels_of(matrix.units, out)
    for p in range(p0, p1):
        for u in range(P):
            for s in range(matrix.slots):
                to = ((p * P + u) * matrix.slots + s) * V * V
                source = p * V * matrix.width + get(matrix.blocks, s) * matrix.units + u * V
                rows = load_rows(matrix.data, source, matrix.width, matrix.K - p * V, matrix.units - u * V)
                store_all(out, to, transposed_lanes(rows))


@helper
def unpack(panels, shard, shards, matrix):
    """Unpack a share of panels[panel, k, slot, V] into a matrix, without the numbers beyond the units."""
    V = lanes(panels)
    if matrix.slots:
        p0, p1 = share(panels_of(matrix.units, panels), shard, shards)
        for p in range(p0, p1):
            for k in range(matrix.K):
                for s in range(matrix.slots):
                    to = k * matrix.width + get(matrix.blocks, s) * matrix.units + p * V
                    source = ((p * matrix.K + k) * matrix.slots + s) * V
                    store_part(matrix.data, to, matrix.units - p * V, load(panels, source))
