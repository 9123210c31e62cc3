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
from .simd import INTP, REGISTERS, Static, address, ahead, helper, llvm_call, load_at, pointer, spread, store_at, vector_type


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


# Sums of a tile stay in registers: 24 vectors of 32, 12 of 16. {vectors: heights}, tallest first.
SUMS = 24 if REGISTERS == 32 else 12
HEIGHTS = {
    24: {4: (6, 4, 2, 1), 3: (8, 4, 2, 1), 2: (12, 6, 2, 1), 1: (12, 4, 2, 1)},
    12: {4: (3, 2, 1, 1), 3: (4, 2, 1, 1), 2: (6, 3, 2, 1), 1: (8, 4, 2, 1)},
}[SUMS]
TILES = tuple(tuple(Static((rows, vectors)) for rows in HEIGHTS[vectors]) for vectors in (4, 3, 2, 1))
WIDEST = 4


def _loop(builder, count, values, body, name):
    """values = body(index, values) for index < count; the values live in registers. Never unrolled: code size matters."""
    before, head, end = builder.block, builder.append_basic_block(name), builder.append_basic_block(name + "_end")
    zero, one = ir.Constant(count.type, 0), ir.Constant(count.type, 1)
    builder.cbranch(builder.icmp_signed(">", count, zero), head, end)
    builder.position_at_end(head)
    index = builder.phi(count.type)
    index.add_incoming(zero, before)
    phis = []
    for v in values:
        phi = builder.phi(v.type)
        phi.add_incoming(v, before)
        phis.append(phi)
    nothing = builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], True)
    set.add(nothing.attributes, "noduplicate")  # llvmlite does not know this attribute
    results = body(index, phis)
    following = builder.add(index, one)
    last = builder.block
    index.add_incoming(following, last)
    for phi, result in zip(phis, results, strict=True):
        phi.add_incoming(result, last)
    builder.cbranch(builder.icmp_signed("<", following, count), head, end)
    builder.position_at_end(end)
    merged = []
    for v, result in zip(values, results, strict=True):
        phi = builder.phi(v.type)
        phi.add_incoming(v, before)
        phi.add_incoming(result, last)
        merged.append(phi)
    return merged


def _tile_function(module, dtype, rows, vectors):
    """The LLVM function of one tile: out = start + sum over o, k of a[row, o, k] * b[vector, o, k]."""
    name = f"numbarnn.tile.{dtype}.{rows}x{vectors}"
    if name in module.globals:
        return module.globals[name]
    kind, word = vector_type(dtype), ir.IntType(64)
    data = kind.element.as_pointer()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [data, word, word] * 2 + [data, word, word, word] * 2 + [word] * 2), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    out, out_row, out_vector, start, start_row, start_vector, a, a_row, ak, ao, b, b_vector, bk, bo, inner, outer = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))

    def places(row, vector):
        at = lambda i, stride: builder.mul(stride, ir.Constant(word, i))  # noqa: E731
        return [builder.add(at(r, row), at(v, vector)) for r in range(rows) for v in range(vectors)]

    def terms(k, sums, a_at, b_at):
        a_k, b_k = builder.gep(a_at, [builder.mul(k, ak)]), builder.gep(b_at, [builder.mul(k, bk)])
        read_a = lambda r: spread(builder, kind, builder.load(builder.gep(a_k, [a_rows[r]])))  # noqa: E731
        read_b = lambda v: load_at(builder, kind, builder.gep(b_k, [b_vectors[v]]))  # noqa: E731
        sums = list(sums)
        if vectors <= rows:  # hold the shorter side in registers, stream the longer one
            held = [read_b(v) for v in range(vectors)]
            order = ((r, v) for r in range(rows) for v in range(vectors))
        else:
            held = [read_a(r) for r in range(rows)]
            order = ((r, v) for v in range(vectors) for r in range(rows))
        streamed, now = None, None
        for r, v in order:
            if vectors <= rows:
                if now != r:
                    streamed, now = read_a(r), r
                x, y = streamed, held[v]
            else:
                if now != v:
                    streamed, now = read_b(v), v
                x, y = held[r], streamed
            sums[r * vectors + v] = llvm_call(builder, "llvm.fmuladd", kind, [x, y, sums[r * vectors + v]])
        return sums

    a_rows = [builder.mul(a_row, ir.Constant(word, r)) for r in range(rows)]
    b_vectors = [builder.mul(b_vector, ir.Constant(word, v)) for v in range(vectors)]
    sums = [load_at(builder, kind, builder.gep(start, [i])) for i in places(start_row, start_vector)]

    def steps(o, sums):
        a_at, b_at = builder.gep(a, [builder.mul(o, ao)]), builder.gep(b, [builder.mul(o, bo)])
        return _loop(builder, inner, sums, lambda k, sums: terms(k, sums, a_at, b_at), "terms")

    sums = _loop(builder, outer, sums, steps, "outer")
    for value, i in zip(sums, places(out_row, out_vector), strict=True):
        store_at(builder, value, builder.gep(out, [i]))
    builder.ret_void()
    return function


@intrinsic
def tile(typingctx, shape, out, start, a, b, inner, outer):
    def codegen(context, builder, sig, args):
        flat = []
        for value, kind in zip(args[1:5], sig.args[1:5], strict=True):
            flat += [builder.extract_value(value, i) for i in range(len(kind))]
        function = _tile_function(builder.module, out[0].dtype, *shape.value)
        builder.call(function, flat + list(args[5:]))
        return context.get_dummy_value()

    return types.void(shape, out, start, a, b, INTP, INTP), codegen


@intrinsic
def rows_of(typingctx, shape):
    return INTP(shape), lambda context, builder, sig, args: context.get_constant(INTP, shape.value[0])


@helper
def tiles(shape, m, rows, out, start, a, b, inner, outer):
    """As many tiles of a shape as fit into the rows from m on; returns the first row left."""
    while m + rows_of(shape) <= rows:
        here = Place(ahead(out.data, m * out.row), out.row, out.vector)
        begin = Place(ahead(start.data, m * start.row), start.row, start.vector)
        factor = Terms(ahead(a.data, m * a.each), a.each, a.inner, a.outer)
        tile(shape, here, begin, factor, b, inner, outer)
        m += rows_of(shape)
    return m


@helper
def panel(shapes, rows, out, start, a, b, inner, outer):
    """The same for tiles of every height, the tallest first."""
    m = tiles(shapes[0], 0, rows, out, start, a, b, inner, outer)
    m = tiles(shapes[1], m, rows, out, start, a, b, inner, outer)
    m = tiles(shapes[2], m, rows, out, start, a, b, inner, outer)
    tiles(shapes[3], m, rows, out, start, a, b, inner, outer)


@helper
def multiply(product, rows, vectors, out, start, a, b, inner, outer):
    """Call the product kernel by its address."""
    places = (address(out.data), out.row, out.vector, address(start.data), start.row, start.vector)
    left = (address(a.data), a.each, a.inner, a.outer)
    right = (address(b.data), b.each, b.inner, b.outer)
    invoke(product, places + left + right + (inner, outer, rows, vectors))


@helper
def width_of_next(left):
    """Vectors of the next tile where `left` are to be done: four at most, as even as can be."""
    parts = (left + WIDEST - 1) // WIDEST
    return (left + parts - 1) // parts


PRODUCT = types.void(*[INTP] * 18)


@functools.cache
def product_kernel(dtype):
    """Address of the product kernel for a dtype.

    out[r, v] = start[r, v] + sum over o < outer, k < inner of a[r, o, k] * b[v, o, k], for r < rows and v < vectors <= 4;
    out, start and b hold vectors, a numbers. Terms are added in the order of (o, k), whatever the tile.
    """
    real, shapes = Static(dtype), TILES

    def product(out, o_row, o_vector, start, s_row, s_vector, a, a_row, a_inner, a_outer, b, b_vector, b_inner, b_outer,
                inner, outer, rows, vectors):  # fmt: skip
        to = Place(pointer(real, out), o_row, o_vector)
        since = Place(pointer(real, start), s_row, s_vector)
        left = Terms(pointer(real, a), a_row, a_inner, a_outer)
        right = Terms(pointer(real, b), b_vector, b_inner, b_outer)
        if vectors == 4:
            panel(shapes[0], rows, to, since, left, right, inner, outer)
        elif vectors == 3:
            panel(shapes[1], rows, to, since, left, right, inner, outer)
        elif vectors == 2:
            panel(shapes[2], rows, to, since, left, right, inner, outer)
        else:
            panel(shapes[3], rows, to, since, left, right, inner, outer)

    return compiled(PRODUCT, product)
