"""A function of numbers applied to whole arrays, row by row and vector by vector: `numbarnn.rowwise`, compiled."""

import functools

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .compile import compiled
from .memory import WHOLE, get, lanes, load_at, pointer, store_at
from .simd import INTP, Static, Vector, lane_mask, llvm_call
from .threads import run, threads_for
from .weights import share

HEAD = 2  # what a kernel is told: rows, numbers of a row; then address and row stride (in numbers) of each array


def on_whole_or_part(builder, kind, count, whole, part):
    """Code for whole vectors where `count` numbers or more are left, else for those that a mask lets through."""
    enough = builder.icmp_signed(">=", count, ir.Constant(count.type, kind.count))
    with builder.if_else(enough, likely=True) as (full, rest):
        with full:
            whole()
        with rest:
            part(lane_mask(builder, kind, count))


def places(builder, kind, table, first, number, row, column):
    """Pointers to vectors, at (row, column) of each of `number` arrays of the table from `first` on."""
    found = []
    for i in range(first, first + number):
        address, stride = (builder.load(builder.gep(table, [ir.Constant(row.type, HEAD + 2 * i + j)])) for j in (0, 1))
        start = builder.inttoptr(address, kind.element.as_pointer())
        at = builder.gep(start, [builder.add(builder.mul(row, stride), column)])
        found.append(builder.bitcast(at, kind.as_pointer()))
    return found


@intrinsic
def load_row(typingctx, groups, real, table, row, column, count):
    """A tuple of tuples of vectors, as many as the Static `groups` says, from the first arrays of the table; zeros in
    the lanes from `count` on."""
    vector = Vector(getattr(types, real.value))
    made = types.Tuple([types.UniTuple(vector, size) for size in groups.value])

    def codegen(context, builder, sig, args):
        _, _, table, row, column, count = args
        kind = context.get_value_type(vector)
        zeros, four = ir.Constant(kind, [0.0] * kind.count), ir.Constant(ir.IntType(32), 4)
        found = places(builder, kind, table, 0, sum(groups.value), row, column)
        slots = [cgutils.alloca_once(builder, kind) for _ in found]

        def whole():
            for place, slot in zip(found, slots, strict=True):
                builder.store(load_at(builder, kind, place), slot)

        def part(mask):
            for place, slot in zip(found, slots, strict=True):
                builder.store(llvm_call(builder, "llvm.masked.load", kind, [place, four, mask, zeros], ".p0"), slot)

        on_whole_or_part(builder, kind, count, whole, part)
        values = iter([builder.load(slot) for slot in slots])
        tuples = [context.make_tuple(builder, group, [next(values) for _ in group]) for group in made]
        return context.make_tuple(builder, made, tuples)

    return made(groups, real, table, INTP, INTP, INTP), codegen


@intrinsic
def store_row(typingctx, first, table, row, column, count, values):
    """Store nested tuples of vectors into the arrays of the table from the Static `first` on, up to lane `count`."""

    def codegen(context, builder, sig, args):
        _, table, row, column, count, nested = args
        vectors = leaves(builder, values, nested)
        kind, four = vectors[0].type, ir.Constant(ir.IntType(32), 4)
        found = places(builder, kind, table, first.value, len(vectors), row, column)

        def whole():
            for place, vector in zip(found, vectors, strict=True):
                store_at(builder, vector, place)

        def part(mask):
            for place, vector in zip(found, vectors, strict=True):
                masked = [vector, place, four, mask]
                llvm_call(builder, "llvm.masked.store", kind, masked, ".p0", result=ir.VoidType())

        on_whole_or_part(builder, kind, count, whole, part)
        return context.get_dummy_value()

    return types.void(first, table, INTP, INTP, INTP, values), codegen


def leaves(builder, kind, value):
    """LLVM values of the leaves of nested tuples."""
    if not isinstance(kind, types.BaseTuple):
        return [value]
    parts = cgutils.unpack_tuple(builder, value)
    return [leaf for k, part in zip(kind, parts, strict=True) for leaf in leaves(builder, k, part)]


@functools.cache
def kernel(function, dtype, groups):
    """Address of the compiled form for inputs in groups of these sizes; it does a share of the rows."""
    real, sizes, first = Static(dtype), Static(groups), Static(sum(groups))

    def elementwise(stage, shard, shards, here):
        table = pointer(WHOLE, here)
        V = lanes(pointer(real, here))
        lo, hi = share(get(table, 0), shard, shards)
        for row in range(lo, hi):
            for column in range(0, get(table, 1), V):
                left = get(table, 1) - column
                values = function(*load_row(sizes, real, table, row, column, left))
                store_row(first, table, row, column, left, values)

    return compiled(types.void(*[INTP] * 4), elementwise)


def apply(function, inputs, outputs):
    """See `numbarnn.rowwise`."""
    arrays = [array for group in (*inputs, *outputs) for array in group]
    like = outputs[0][0]
    told = [*like.shape]
    for array in arrays:
        told += array.__array_interface__["data"][0], array.strides[0] // like.itemsize if array.ndim == 2 else 0
    told = np.array(told, np.intp)
    threads = threads_for(like.size * len(arrays))  # each number costs about as much as a multiply-add
    address = kernel(function, like.dtype.name, tuple(map(len, inputs)))
    run(address, 1, 0, threads, threads, told.__array_interface__["data"][0])
