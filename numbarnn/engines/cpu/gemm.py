"""Matrix products in register tiles.

One kernel, compiled once for each dtype and called by its address, computes every product of every cell: x W, h R,
products with their transposes, and the weight gradients.
"""

import functools
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ...runtime.compile import compiled
from ...runtime.invoke import invoke
from ...runtime.libraries import add_finished
from ...runtime.memory import address, ahead, lanes, pointer
from ...runtime.simd import INTP, Static, helper
from .gemm_tiles import HEIGHTS, KNOWN, WIDEST, tiles_function


class TileView(NamedTuple):
    """The vectors of a tile: row r, vector v is at data + r*row + v*vector."""

    data: Any
    row: int
    vector: int


class Operand(NamedTuple):
    """A factor of a product: term (o, k) of row or vector i is at data + i*each + k*inner + o*outer."""

    data: Any
    each: int
    inner: int
    outer: int


TALLEST = max(heights[0] for heights in HEIGHTS.values())
TALLEST_FITTING = tuple(  # [vectors][rows]: height of the tallest tile
    tuple(max((h for h in HEIGHTS.get(v, ()) if h <= n), default=0) for n in range(TALLEST + 1))
    for v in range(WIDEST + 1)
)


@intrinsic
def equal_tiles(typingctx, known, vectors, height, count, out, start, a, b, inner, outer):
    """Compute `count` tiles, one below the other, of a height and width in `HEIGHTS`; `known`: index in `KNOWN`."""

    def codegen(context, builder, sig, args):
        known, vectors, height, count, *views, inner, outer = args
        # The tiles have a module of their own, for they are compiled as they are.
        library = context.active_code_library
        code = library.create_ir_module("numbarnn.tiles")
        flat = [
            builder.extract_value(v, i) for v, kind in zip(views, sig.args[4:8], strict=True) for i in range(len(kind))
        ]
        number = functools.partial(ir.Constant, height.type)
        shape = builder.add(builder.mul(vectors, number(TALLEST + 1)), height)
        shapes = len(TALLEST_FITTING) * (TALLEST + 1)
        end = builder.append_basic_block("done")
        switch = builder.switch(builder.add(builder.mul(known, number(shapes)), shape), end)
        for k, strides in enumerate(KNOWN):
            for v, heights in HEIGHTS.items():
                for rows in heights:
                    switch.add_case(number(k * shapes + v * (TALLEST + 1) + rows), builder.append_basic_block())
                    builder.position_at_end(switch.cases[-1][1])
                    # Compile time: tiles of other heights are rare, so they have no version with constant strides.
                    fast = strides if rows in heights[:2] else ()
                    tile = tiles_function(code, out[0].dtype, rows, v, fast)
                    function = cgutils.get_or_insert_function(builder.module, tile.function_type, tile.name)
                    builder.call(function, [*flat, inner, outer, count])
                    builder.branch(end)
        add_finished(library, code)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(INTP, INTP, INTP, INTP, out, start, a, b, INTP, INTP), codegen


@helper
def tiles(known, vectors, rows, out, start, a, b, inner, outer):
    """Compute all rows, in tiles of heights as equal as possible."""
    m = 0
    while m < rows:
        to = TileView(ahead(out.data, m * out.row), out.row, out.vector)
        since = TileView(ahead(start.data, m * start.row), start.row, start.vector)
        left = Operand(ahead(a.data, m * a.each), a.each, a.inner, a.outer)
        height, count = even_parts(rows - m, TALLEST_FITTING[vectors][TALLEST])
        height = TALLEST_FITTING[vectors][height]
        equal_tiles(known, vectors, height, count, to, since, left, b, inner, outer)
        m += count * height


@helper
def even_parts(left, most):
    """Divide `left` into parts of at most `most`, as equal as possible; returns size and number of the largest."""
    parts = (left + most - 1) // most
    size = (left + parts - 1) // parts
    return size, left - parts * (size - 1)


@helper
def even_part(left, most):
    """Return the size of the largest of such parts."""
    return even_parts(left, most)[0]


@helper
def multiply(product, rows, vectors, out, start, a, b, inner, outer):
    """Call the product kernel by its address."""
    places = (address(out.data), out.row, out.vector, address(start.data), start.row, start.vector)
    left = (address(a.data), a.each, a.inner, a.outer)
    right = (address(b.data), b.each, b.inner, b.outer)
    invoke(product, places + left + right + (inner, outer, rows, vectors))


@helper
def tile_width(left, rows):
    """Choose how many of the `left` vectors the next tile has: fewer if all tiles then have their full height."""
    narrower = WIDEST - 1
    fit = (
        rows % TALLEST_FITTING[narrower][TALLEST] == 0
        and rows % TALLEST_FITTING[WIDEST][TALLEST] != 0
        and left > WIDEST
    )
    return even_part(left, narrower if fit else WIDEST)


PRODUCT = types.void(*[INTP] * 18)


def product(dtype):
    """Return the product kernel for a dtype.

    It computes out[r, v] = start[r, v] + sum over o < outer, k < inner of a[r, o, k] * b[v, o, k], for r < rows and v <
    vectors <= 4. `out`, `start` and `b` hold vectors, `a` holds numbers. Terms are added in the order of (o, k),
    whatever the tile, so results do not depend on the tiling.
    """
    real = Static(dtype)

    def product(out, o_row, o_vector, start, s_row, s_vector, a, a_row, a_inner, a_outer, b, b_vector, b_inner, b_outer,
                inner, outer, rows, vectors):  # fmt: skip
        to = TileView(pointer(real, out), o_row, o_vector)
        since = TileView(pointer(real, start), s_row, s_vector)
        left = Operand(pointer(real, a), a_row, a_inner, a_outer)
        right = Operand(pointer(real, b), b_vector, b_inner, b_outer)
        V, known = lanes(to.data), 0
        if inner % 2 == 0 and (left.inner == 1 or left.each == 1) and (right.inner == V or right.each == V):
            known = 1 + 2 * (left.inner != 1) + (right.inner != V)
        tiles(known, vectors, rows, to, since, left, right, inner, outer)

    return product


@functools.cache
def product_kernel(dtype):
    """Compile the product kernel for a dtype; returns its address."""
    return compiled(PRODUCT, product(dtype))
