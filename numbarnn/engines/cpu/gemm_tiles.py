"""The inner loops of every product, as LLVM code: register tiles of rows x vectors.

The sums of a tile stay in registers, and each term is a rank-1 update of them.
"""

from llvmlite import ir
from numba.core import cgutils

from ...runtime.memory import load_at, store_at
from ...runtime.simd import REGISTERS, llvm_call, spread, vector_type

# Register tiles, {vectors: heights}: at most 24 sums in 32 registers, or 12 in 16.
HEIGHTS = {
    32: {4: (6, 5, 4, 3, 2, 1), 3: (8, 7, 6, 5, 4, 2, 1), 2: (12, 10, 8, 6, 4, 2, 1), 1: (12, 8, 4, 2, 1)},
    16: {4: (3, 2, 1), 3: (4, 3, 2, 1), 2: (6, 5, 4, 2, 1), 1: (8, 4, 2, 1)},
}[REGISTERS]
WIDEST = max(HEIGHTS)
EACH, INNER, OUTER = 1, 2, 3  # positions of the strides in `Operand`
KNOWN = (), (INNER, INNER), (INNER, EACH), (EACH, INNER), (EACH, EACH)  # the stride of a that is 1, of b that is V
WORD = ir.IntType(64)


def loop(builder, count, values, body, name):
    """Build a loop values = body(index, values) for index < count; the values live in registers."""
    before, head, end = builder.block, builder.append_basic_block(name), builder.append_basic_block(name + "_end")
    builder.cbranch(builder.icmp_signed(">", count, ir.Constant(WORD, 0)), head, end)
    builder.position_at_end(head)
    index, *inside = [builder.phi(v.type) for v in (count, *values)]
    # Compile time grows with code size: an empty instruction that LLVM may not duplicate forbids unrolling. llvmlite
    # does not know the attribute.
    forbid_unrolling = builder.asm(ir.FunctionType(ir.VoidType(), []), "", "", [], True)
    set.add(forbid_unrolling.attributes, "noduplicate")
    results = body(index, inside)
    following = builder.add(index, ir.Constant(WORD, 1))
    last = builder.block
    builder.cbranch(builder.icmp_signed("<", following, count), head, end)
    builder.position_at_end(end)
    after = [builder.phi(v.type) for v in values]
    index.add_incoming(ir.Constant(WORD, 0), before)
    index.add_incoming(following, last)
    for start, result, phi, merged in zip(values, results, inside, after, strict=True):
        for joint in phi, merged:
            joint.add_incoming(start, before)
            joint.add_incoming(result, last)
    return after


def accumulate(builder, sums, rows, vectors, read_a, read_b):
    """Add the rank-1 update a[r] b[v] to sums[r, v]; registers hold the shorter factor, the longer one is streamed."""
    if vectors <= rows:
        held = [read_b(v) for v in range(vectors)]
        factors = ((r, v, a, held[v]) for r in range(rows) for a in [read_a(r)] for v in range(vectors))
    else:
        held = [read_a(r) for r in range(rows)]
        factors = ((r, v, held[r], b) for v in range(vectors) for b in [read_b(v)] for r in range(rows))
    sums = list(sums)
    for r, v, a, b in factors:
        sums[r * vectors + v] = llvm_call(builder, "llvm.fmuladd", a.type, [a, b, sums[r * vectors + v]])
    return sums


def prefetch(builder, pointer):
    """Prefetch the cache line at a pointer into the first-level cache."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [builder.bitcast(pointer, byte), *(ir.Constant(number, n) for n in (0, 3, 1))])


def declare(module, name, kind):
    """Declare the function of `tiles_function` in a module."""
    data = kind.element.as_pointer()
    arguments = [*[data, WORD, WORD] * 2, *[data, WORD, WORD, WORD] * 2, WORD, WORD, WORD]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "weak_odr"
    for attribute in "noinline", "nounwind":
        function.attributes.add(attribute)
    return function


def multiples(builder, stride, count):
    """Build the multiples of a stride, from 0 on."""
    return [builder.mul(stride, ir.Constant(WORD, i)) for i in range(count)]


def tiles_function(module, dtype, rows, vectors, known):
    """Build the LLVM function for `count` tiles of rows x vectors, one below the other.

    It computes out[r, v] = start[r, v] + sum over o < outer, k < inner of a[r, o, k] b[v, o, k]. Its arguments are
    `TileView(out)`, `TileView(start)`, `Operand(a)`, `Operand(b)`, field by field, then inner, outer and count. `known`
    is one of `KNOWN`.
    """
    name = f"numbarnn.tiles.{dtype}.{rows}x{vectors}.{''.join(map(str, known))}"
    if name in module.globals:
        return module.globals[name]
    kind = vector_type(dtype)
    function = declare(module, name, kind)
    builder = ir.IRBuilder(function.append_basic_block())
    out, start, a, b = function.args[:3], function.args[3:6], function.args[6:10], function.args[10:14]
    inner, outer, count = function.args[14:]
    a, b, unrolled = list(a), list(b), 1
    if known:
        # Constant strides and unrolling by two (`inner` is even then) need fewer instructions. That counts if two
        # threads share a core, and with it the instructions that it can issue.
        a[known[0]], b[known[1]], unrolled = ir.Constant(WORD, 1), ir.Constant(WORD, kind.count), 2

    def places(data, row, vector):
        columns = multiples(builder, vector, vectors)
        return [builder.gep(data, [builder.add(r, v)]) for r in multiples(builder, row, rows) for v in columns]

    a_rows, b_vectors = multiples(builder, a[EACH], rows), multiples(builder, b[EACH], vectors)

    def readers(a_k, b_k):
        return (
            lambda r: spread(builder, kind, builder.load(builder.gep(a_k, [a_rows[r]]))),
            lambda v: load_at(builder, kind, builder.gep(b_k, [b_vectors[v]])),
        )

    def tile(_, first_rows):
        to, since, left = first_rows

        def outer_step(o, sums):
            a_o, b_o = builder.gep(left, [builder.mul(o, a[OUTER])]), builder.gep(b[0], [builder.mul(o, b[OUTER])])

            def inner_step(k, sums):
                k = builder.mul(k, ir.Constant(WORD, unrolled))
                at = builder.gep(a_o, [builder.mul(k, a[INNER])]), builder.gep(b_o, [builder.mul(k, b[INNER])])
                for _ in range(unrolled):
                    sums = accumulate(builder, sums, rows, vectors, *readers(*at))
                    at = builder.gep(at[0], [a[INNER]]), builder.gep(at[1], [b[INNER]])
                return sums

            return loop(builder, builder.sdiv(inner, ir.Constant(WORD, unrolled)), sums, inner_step, "inner")

        with builder.if_then(builder.icmp_signed("!=", start[1], ir.Constant(WORD, 0))):
            for place in places(since, *start[1:]):  # prefetch what the sums are added to
                prefetch(builder, place)
        zeros = [ir.Constant(kind, [0.0] * kind.count)] * (rows * vectors)
        sums = loop(builder, outer, zeros, outer_step, "outer")
        addends = [load_at(builder, kind, place) for place in places(since, *start[1:])]  # added last: it rounds once
        for value, addend, place in zip(sums, addends, places(to, *out[1:]), strict=True):
            store_at(builder, builder.fadd(value, addend), place)
        height = ir.Constant(WORD, rows)
        return [
            builder.gep(data, [builder.mul(height, row)])
            for data, row in ((to, out[1]), (since, start[1]), (left, a[EACH]))
        ]

    loop(builder, count, [out[0], start[0], a[0]], tile, "tile")
    builder.ret_void()
    return function
