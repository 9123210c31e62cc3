"""Products of matrices in register tiles.

One kernel, compiled once for each dtype and called by its address, does every product of every cell: x W, h R, their
transposes, and the weight gradients.
"""

import functools
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .call import invoke
from .compile import compiled
from .memory import address, ahead, pointer
from .simd import INTP, Static, helper
from .tiles import HEIGHTS, WIDEST, tiles_function


class Place(NamedTuple):
    """Where a tile's vectors stand: row r, vector v at data + r*row + v*vector."""

    data: Any
    row: int
    vector: int


class Terms(NamedTuple):
    """A factor of a sum of products: row or vector i, term (o, k) at data + i*each + k*inner + o*outer."""

    data: Any
    each: int
    inner: int
    outer: int


ONE, TWO, THREE, FOUR = (Static(n) for n in (1, 2, 3, 4))


@intrinsic
def equal_tiles(typingctx, vectors, height, count, out, start, a, b, inner, outer):
    """`count` tiles of the Static number of vectors and of at most `height` rows; returns the rows that are done."""
    heights = HEIGHTS[vectors.value]

    def codegen(context, builder, sig, args):
        _, height, count, *views, inner, outer = args
        flat = [
            builder.extract_value(v, i) for v, kind in zip(views, sig.args[3:7], strict=True) for i in range(len(kind))
        ]
        before, end = builder.block, builder.append_basic_block("tiles_end")
        cases = {}
        for rows in heights:
            cases[rows] = builder.append_basic_block(f"rows_{rows}")
            builder.position_at_end(cases[rows])
            function = tiles_function(builder.module, out[0].dtype, rows, vectors.value)
            builder.call(function, [*flat, inner, outer, count])
            builder.branch(end)
        builder.position_at_end(before)
        switch = builder.switch(height, cases[heights[0]])
        for n in range(1, heights[0]):
            switch.add_case(ir.Constant(height.type, n), cases[max(rows for rows in heights if rows <= n)])
        builder.position_at_end(end)
        tall = builder.phi(height.type)
        for rows, block in cases.items():
            tall.add_incoming(ir.Constant(height.type, rows), block)
        return builder.mul(tall, count)

    return INTP(vectors, INTP, INTP, out, start, a, b, INTP, INTP), codegen


@intrinsic
def tallest(typingctx, vectors):
    return INTP(vectors), lambda context, builder, sig, args: context.get_constant(INTP, HEIGHTS[vectors.value][0])


@helper
def tiles(vectors, rows, out, start, a, b, inner, outer):
    """All rows, in tiles as even as can be."""
    m = 0
    while m < rows:
        here = Place(ahead(out.data, m * out.row), out.row, out.vector)
        begin = Place(ahead(start.data, m * start.row), start.row, start.vector)
        factor = Terms(ahead(a.data, m * a.each), a.each, a.inner, a.outer)
        height, count = even_parts(rows - m, tallest(vectors))
        m += equal_tiles(vectors, height, count, here, begin, factor, b, inner, outer)


@helper
def even_parts(left, most):
    """Size and number of the largest parts where `left` are to be done in parts of at most `most`, as even as can
    be."""
    parts = (left + most - 1) // most
    size = (left + parts - 1) // parts
    return size, left - parts * (size - 1)


@helper
def even_part(left, most):
    """Size of the next such part."""
    return even_parts(left, most)[0]


@helper
def multiply(product, rows, vectors, out, start, a, b, inner, outer):
    """Call the product kernel by its address."""
    places = (address(out.data), out.row, out.vector, address(start.data), start.row, start.vector)
    left = (address(a.data), a.each, a.inner, a.outer)
    right = (address(b.data), b.each, b.inner, b.outer)
    invoke(product, places + left + right + (inner, outer, rows, vectors))


@helper
def width_of_next(left):
    """Vectors of the next tile where `left` are to be done."""
    return even_part(left, WIDEST)


PRODUCT = types.void(*[INTP] * 18)


@functools.cache
def product_kernel(dtype):
    """Address of the product kernel for a dtype.

    out[r, v] = start[r, v] + sum over o < outer, k < inner of a[r, o, k] * b[v, o, k], for r < rows and v < vectors
    <= 4; out, start and b hold vectors, a numbers. Terms are added in the order of (o, k), whatever the tile.
    """
    real = Static(dtype)

    def product(out, o_row, o_vector, start, s_row, s_vector, a, a_row, a_inner, a_outer, b, b_vector, b_inner, b_outer,
                inner, outer, rows, vectors):  # fmt: skip
        to = Place(pointer(real, out), o_row, o_vector)
        since = Place(pointer(real, start), s_row, s_vector)
        left = Terms(pointer(real, a), a_row, a_inner, a_outer)
        right = Terms(pointer(real, b), b_vector, b_inner, b_outer)
        if vectors == 4:
            tiles(FOUR, rows, to, since, left, right, inner, outer)
        elif vectors == 3:
            tiles(THREE, rows, to, since, left, right, inner, outer)
        elif vectors == 2:
            tiles(TWO, rows, to, since, left, right, inner, outer)
        else:
            tiles(ONE, rows, to, since, left, right, inner, outer)

    return compiled(PRODUCT, product)
