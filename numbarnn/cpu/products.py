"""Products of matrices in register tiles.

One kernel, compiled once for each dtype and called by its address, does every product of every cell: x W, h R, their
transposes, and the weight gradients.
"""

import functools
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .call import invoke
from .compile import compiled
from .memory import address, ahead, load_at, pointer, store_at
from .simd import INTP, REGISTERS, Static, helper, llvm_call, spread, vector_type


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


# {vectors: heights}. The sums of a tile stay in registers: 24 vectors of 32, 12 of 16.
HEIGHTS = {
    32: {4: (6, 5, 4, 3, 2, 1), 3: (8, 7, 6, 5, 4, 2, 1), 2: (12, 10, 8, 6, 4, 2, 1), 1: (12, 8, 4, 2, 1)},
    16: {4: (3, 2, 1), 3: (4, 3, 2, 1), 2: (6, 5, 4, 2, 1), 1: (8, 4, 2, 1)},
}[REGISTERS]
WIDEST = 4
ONE, TWO, THREE, FOUR = (Static(n) for n in (1, 2, 3, 4))


def _loop(builder, count, values, body, name):
    """values = body(index, values) for index < count; the values live in registers. Never unrolled: code size
    matters."""
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


def fetch(builder, pointer):
    """Bring the cache line behind a pointer close, to be read soon and often."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [builder.bitcast(pointer, byte), *(ir.Constant(number, n) for n in (0, 3, 1))])


def _tile_function(module, dtype, rows, vectors):
    """The LLVM function of one tile: out = start + sum over o, k of a[row, o, k] * b[vector, o, k]."""
    name = f"numbarnn.tile.{dtype}.{rows}x{vectors}"
    if name in module.globals:
        return module.globals[name]
    kind, word = vector_type(dtype), ir.IntType(64)
    data = kind.element.as_pointer()
    function = ir.Function(
        module, ir.FunctionType(ir.VoidType(), [data, word, word] * 2 + [data, word, word, word] * 2 + [word] * 2), name
    )
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.add("nounwind")
    out, out_row, out_vector, start, start_row, start_vector, a, a_row, ak, ao, b, b_vector, bk, bo, inner, outer = (
        function.args
    )
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
    sums = [ir.Constant(kind, [0.0] * kind.count)] * (
        rows * vectors
    )  # `start` may be large: added last, it costs one rounding

    far = builder.icmp_signed("!=", start_row, ir.Constant(word, 0))
    with builder.if_then(far):  # what the sums are added to arrives while they are made
        for i in places(start_row, start_vector):
            fetch(builder, builder.gep(start, [i]))

    def steps(o, sums):
        a_at, b_at = builder.gep(a, [builder.mul(o, ao)]), builder.gep(b, [builder.mul(o, bo)])
        return _loop(builder, inner, sums, lambda k, sums: terms(k, sums, a_at, b_at), "terms")

    sums = _loop(builder, outer, sums, steps, "outer")
    starts = [load_at(builder, kind, builder.gep(start, [i])) for i in places(start_row, start_vector)]
    for value, first, i in zip(sums, starts, places(out_row, out_vector), strict=True):
        store_at(builder, builder.fadd(value, first), builder.gep(out, [i]))
    builder.ret_void()
    return function


@intrinsic
def tile(typingctx, vectors, height, out, start, a, b, inner, outer):
    """A tile of the Static number of vectors and of at most `height` rows; returns its rows."""
    heights = HEIGHTS[vectors.value]

    def codegen(context, builder, sig, args):
        _, height, *views, inner, outer = args
        flat = [
            builder.extract_value(v, i) for v, kind in zip(views, sig.args[2:6], strict=True) for i in range(len(kind))
        ]
        before, end = builder.block, builder.append_basic_block("tile_end")
        cases = {}
        for rows in heights:
            cases[rows] = builder.append_basic_block(f"rows_{rows}")
            builder.position_at_end(cases[rows])
            builder.call(_tile_function(builder.module, out[0].dtype, rows, vectors.value), [*flat, inner, outer])
            builder.branch(end)
        builder.position_at_end(before)
        switch = builder.switch(height, cases[heights[0]])
        for n in range(1, heights[0]):
            switch.add_case(ir.Constant(height.type, n), cases[max(rows for rows in heights if rows <= n)])
        builder.position_at_end(end)
        done = builder.phi(height.type)
        for rows, block in cases.items():
            done.add_incoming(ir.Constant(height.type, rows), block)
        return done

    return INTP(vectors, INTP, out, start, a, b, INTP, INTP), codegen


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
        m += tile(vectors, even_part(rows - m, tallest(vectors)), here, begin, factor, b, inner, outer)


@helper
def even_part(left, most):
    """Size of the next part where `left` are to be done in parts of at most `most`, as even as can be."""
    parts = (left + most - 1) // most
    return (left + parts - 1) // parts


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
