"""Read and write memory in kernels: numbers and vectors behind pointers.

Pointers have no layout, bounds or reference counts; offsets and strides count numbers.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .simd import INTP, Static, Vector, helper, lane_mask, llvm_call

WHOLE, BYTE = Static("int64"), Static("uint8")  # types of the numbers behind a `pointer`


def load_at(builder, kind, pointer):
    """Load a value of an LLVM type, which need not be aligned to its size."""
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()))
    value.align = 4
    return value


def store_at(builder, value, pointer):
    """Store a value, which need not be aligned to its size."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer())).align = 4


@intrinsic
def pointer(typingctx, kind, address):
    """Turn an address into a pointer to numbers of a type, the Static name of a NumPy dtype."""
    where = types.CPointer(getattr(types, kind.value))

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[1], context.get_value_type(where))

    return where(kind, INTP), codegen


@intrinsic
def pointer_like(typingctx, data, address):
    """Turn an address into a pointer of the same type as `data`."""

    def codegen(context, builder, sig, args):
        return builder.inttoptr(args[1], args[0].type)

    return data(data, INTP), codegen


@intrinsic
def ahead(typingctx, data, count):
    """Advance a pointer by `count` numbers."""
    return data(data, INTP), lambda context, builder, sig, args: builder.gep(args[0], [args[1]])


@intrinsic
def lanes(typingctx, data):
    """Count the lanes of a vector of the numbers behind a pointer."""
    return INTP(data), lambda context, builder, sig, args: context.get_constant(INTP, Vector(data.dtype).lanes)


@intrinsic
def get(typingctx, data, index):
    """Load the number at `index`."""
    return data.dtype(data, INTP), lambda context, builder, sig, args: builder.load(builder.gep(args[0], [args[1]]))


@intrinsic
def put(typingctx, data, index, value):
    """Store a number at `index`."""

    def codegen(context, builder, sig, args):
        builder.store(args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(data, INTP, data.dtype), codegen


@intrinsic
def load(typingctx, data, index):
    """Load the vector at `index`."""

    def codegen(context, builder, sig, args):
        return load_at(builder, context.get_value_type(sig.return_type), builder.gep(args[0], [args[1]]))

    return Vector(data.dtype)(data, INTP), codegen


@intrinsic
def store(typingctx, data, index, value):
    """Store a vector at `index`."""

    def codegen(context, builder, sig, args):
        store_at(builder, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(data, INTP, Vector(data.dtype)), codegen


@intrinsic
def load_each(typingctx, places, data, index, stride):
    """Load a tuple of vectors, at `index + place * stride` for each of the Static `places`."""

    def codegen(context, builder, sig, args):
        kind, stride = context.get_value_type(Vector(data.dtype)), args[3]
        where = [builder.add(args[2], builder.mul(stride, ir.Constant(stride.type, p))) for p in places.value]
        values = [load_at(builder, kind, builder.gep(args[1], [i])) for i in where]
        return context.make_tuple(builder, sig.return_type, values)

    return types.UniTuple(Vector(data.dtype), len(places.value))(places, data, INTP, INTP), codegen


@intrinsic
def store_each(typingctx, places, data, index, stride, values):
    """Store a tuple of vectors, at `index + place * stride` for each of the Static `places`."""

    def codegen(context, builder, sig, args):
        stride = args[3]
        for p, value in zip(places.value, cgutils.unpack_tuple(builder, args[4]), strict=True):
            at = builder.add(args[2], builder.mul(stride, ir.Constant(stride.type, p)))
            store_at(builder, value, builder.gep(args[1], [at]))
        return context.get_dummy_value()

    return types.void(places, data, INTP, INTP, values), codegen


@intrinsic
def store_all(typingctx, data, index, values):
    """Store a tuple of vectors one behind the other."""

    def codegen(context, builder, sig, args):
        lanes_of = context.get_value_type(Vector(data.dtype)).count
        for k, value in enumerate(cgutils.unpack_tuple(builder, args[2])):
            at = builder.add(args[1], ir.Constant(args[1].type, k * lanes_of))
            store_at(builder, value, builder.gep(args[0], [at]))
        return context.get_dummy_value()

    return types.void(data, INTP, values), codegen


def part_at(builder, kind, where, count):
    """Load the first `count` numbers behind an LLVM pointer as a vector, zeros in its other lanes."""
    zeros = ir.Constant(kind, [0.0] * kind.count)
    result = cgutils.alloca_once_value(builder, zeros)
    whole = builder.icmp_signed(">=", count, ir.Constant(count.type, kind.count))
    with builder.if_else(whole, likely=True) as (full, part):
        with full:
            builder.store(load_at(builder, kind, where), result)
        with part:
            mask, start = lane_mask(builder, kind, count), builder.bitcast(where, kind.as_pointer())
            masked = [start, ir.Constant(ir.IntType(32), 4), mask, zeros]
            builder.store(llvm_call(builder, "llvm.masked.load", kind, masked, ".p0"), result)
    return builder.load(result)


@intrinsic
def load_part(typingctx, data, index, count):
    """Load the first `count` numbers at `index`, zeros in the other lanes, without reading past them."""

    def codegen(context, builder, sig, args):
        return part_at(builder, context.get_value_type(sig.return_type), builder.gep(args[0], [args[1]]), args[2])

    return Vector(data.dtype)(data, INTP, INTP), codegen


@intrinsic
def pointers(typingctx, count, kind, table, first):
    """Make a tuple of `count` (Static) pointers from addresses in a table, of which the first is at `first`."""
    where = types.CPointer(getattr(types, kind.value))

    def codegen(context, builder, sig, args):
        places = [builder.add(args[3], ir.Constant(args[3].type, i)) for i in range(count.value)]
        found = [builder.load(builder.gep(args[2], [place])) for place in places]
        made = [builder.inttoptr(a, context.get_value_type(where)) for a in found]
        return context.make_tuple(builder, sig.return_type, made)

    return types.UniTuple(where, count.value)(count, kind, table, INTP), codegen


@intrinsic
def load_parts(typingctx, data, index, count):
    """Apply `load_part` to each pointer of a tuple."""
    vector = Vector(data.dtype.dtype) if len(data) else types.none

    def codegen(context, builder, sig, args):
        kind = [context.get_value_type(vector)] * len(data)
        where = [builder.gep(p, [args[1]]) for p in cgutils.unpack_tuple(builder, args[0])]
        values = [part_at(builder, k, w, args[2]) for k, w in zip(kind, where, strict=True)]
        return context.make_tuple(builder, sig.return_type, values)

    return types.UniTuple(vector, len(data))(data, INTP, INTP), codegen


@intrinsic
def load_each_part(typingctx, places, data, index, stride, count):
    """Apply `load_part` at `index + place * stride` for each of the Static `places`."""

    def codegen(context, builder, sig, args):
        _, data, index, stride, count = args
        kind = context.get_value_type(sig.return_type.dtype)
        where = [builder.add(index, builder.mul(stride, ir.Constant(stride.type, p))) for p in places.value]
        values = [part_at(builder, kind, builder.gep(data, [i]), count) for i in where]
        return context.make_tuple(builder, sig.return_type, values)

    return types.UniTuple(Vector(data.dtype), len(places.value))(places, data, INTP, INTP, INTP), codegen


@intrinsic
def load_rows(typingctx, data, index, stride, rows, count):
    """Load a square of numbers: the first `count` at `index`, at `index + stride` and so on, a vector each.

    The other lanes, and the vectors from `rows` on, are zero.
    """
    vector = Vector(data.dtype)

    def codegen(context, builder, sig, args):
        data, index, stride, rows, count = args
        kind, word = context.get_value_type(vector), index.type
        zeros, lanes_of = ir.Constant(kind, [0.0] * kind.count), lane_mask(builder, kind, count)
        none = ir.Constant(lanes_of.type, [0] * kind.count)
        values = []
        for k in range(kind.count):
            at = builder.add(index, builder.mul(stride, ir.Constant(word, k)))
            start = builder.bitcast(builder.gep(data, [at]), kind.as_pointer())
            mask = builder.select(builder.icmp_signed("<", ir.Constant(word, k), rows), lanes_of, none)
            masked = [start, ir.Constant(ir.IntType(32), 4), mask, zeros]
            values.append(llvm_call(builder, "llvm.masked.load", kind, masked, ".p0"))
        return context.make_tuple(builder, sig.return_type, values)

    return types.UniTuple(vector, vector.lanes)(data, INTP, INTP, INTP, INTP), codegen


def store_part_at(builder, value, where, count):
    """Store the first `count` lanes behind an LLVM pointer."""
    kind = value.type
    whole = builder.icmp_signed(">=", count, ir.Constant(count.type, kind.count))
    with builder.if_else(whole, likely=True) as (full, part):
        with full:
            store_at(builder, value, where)
        with part:
            start, alignment = builder.bitcast(where, kind.as_pointer()), ir.Constant(ir.IntType(32), 4)
            masked = [value, start, alignment, lane_mask(builder, kind, count)]
            llvm_call(builder, "llvm.masked.store", kind, masked, ".p0", result=ir.VoidType())


@intrinsic
def store_part(typingctx, data, index, count, value):
    """Store the first `count` lanes, or all if it is larger, without writing past them."""

    def codegen(context, builder, sig, args):
        store_part_at(builder, args[3], builder.gep(args[0], [args[1]]), args[2])
        return context.get_dummy_value()

    return types.void(data, INTP, INTP, Vector(data.dtype)), codegen


@intrinsic
def store_parts(typingctx, data, index, count, values):
    """Apply `store_part` to each pointer of a tuple and the vector at its place."""

    def codegen(context, builder, sig, args):
        unpacked = (cgutils.unpack_tuple(builder, args[i]) for i in (0, 3))
        for p, value in zip(*unpacked, strict=True):
            store_part_at(builder, value, builder.gep(p, [args[1]]), args[2])
        return context.get_dummy_value()

    return types.void(data, INTP, INTP, values), codegen


@intrinsic
def zeros_like(typingctx, places, data):
    """Make a tuple of vectors of zeros, one for each of the Static `places`."""
    vector = Vector(data.dtype)

    def codegen(context, builder, sig, args):
        zeros = ir.Constant(context.get_value_type(vector), [0.0] * vector.lanes)
        return context.make_tuple(builder, sig.return_type, [zeros] * len(places.value))

    return types.UniTuple(vector, len(places.value))(places, data), codegen


@intrinsic
def address(typingctx, data):
    """Turn a pointer into an address."""
    return INTP(data), lambda context, builder, sig, args: builder.ptrtoint(args[0], context.get_value_type(INTP))


@helper
def panels_of(numbers, data):
    """Count the vectors that hold `numbers` numbers."""
    return (numbers + lanes(data) - 1) // lanes(data)
