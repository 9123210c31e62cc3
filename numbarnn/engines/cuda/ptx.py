"""PTX instructions that numba-cuda does not offer; `simulated_ptx` has each of them as Python."""

import functools

from llvmlite import ir
from numba.core import types
from numba.cuda.extending import intrinsic

F32, I32, I64, NOTHING = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.VoidType()
FOUR = ir.LiteralStructType([F32] * 4)
SHARED = 3  # address space
WIDE_SUM = types.int64, types.int32, types.int32


def instruction(builder, result, text, constraints, *values, memory=True):
    """One instruction; `memory` keeps it on its side of barriers and of other accesses."""
    kind = ir.FunctionType(result, [value.type for value in values])
    constraints = ",".join(filter(None, (constraints, "~{memory}" if memory else "")))
    return builder.call(ir.InlineAsm(kind, text, constraints, side_effect=memory), values)


def pointer(context, builder, sig, args, array=0):
    """To an element: the argument at place `array`, and the one behind it says which."""
    data = context.make_array(sig.args[array])(context, builder, args[array]).data
    return builder.gep(data, [context.cast(builder, args[array + 1], sig.args[array + 1], types.int64)])


def address(context, builder, sig, args, array=0):
    """The same as a number."""
    return builder.ptrtoint(pointer(context, builder, sig, args, array), I64)


def four(context, builder, sig, loaded):
    return context.make_tuple(builder, sig.return_type, [builder.extract_value(loaded, i) for i in range(4)])


@intrinsic
def element(typingctx, array, i):
    """The i-th of all elements of an array in C order. Of an i that is a sum, constants become part of the load."""

    def codegen(context, builder, sig, args):
        return builder.load(pointer(context, builder, sig, args))

    return array.dtype(array, i), codegen


@intrinsic
def set_element(typingctx, array, i, value):
    def codegen(context, builder, sig, args):
        builder.store(context.cast(builder, args[2], sig.args[2], array.dtype), pointer(context, builder, sig, args))
        return context.get_dummy_value()

    return types.void(array, i, value), codegen


@intrinsic
def wide_sum(typingctx, start, i, step):
    """start + i * step, in one instruction where i and step have 32 bits and start has 64."""

    def codegen(context, builder, sig, args):
        start, i, step = (context.cast(builder, *pair, to) for *pair, to in zip(args, sig.args, WIDE_SUM, strict=True))
        return instruction(builder, I64, "mad.wide.s32 $0, $2, $3, $1;", "=l,l,r,r", start, i, step, memory=False)

    return types.int64(start, i, step), codegen


@intrinsic
def reciprocal(typingctx, x):
    """1 / x of a float32, off by one unit in the last place at most; zero where that is no normal number."""

    def codegen(context, builder, sig, args):
        return instruction(builder, F32, "rcp.approx.ftz.f32 $0, $1;", "=f,f", *args, memory=False)

    return types.float32(types.float32), codegen


@intrinsic
def power_of_two(typingctx, x):
    """2^x of a float32, off by two units in the last place at most; zero where that is no normal number."""

    def codegen(context, builder, sig, args):
        return instruction(builder, F32, "ex2.approx.ftz.f32 $0, $1;", "=f,f", *args, memory=False)

    return types.float32(types.float32), codegen


@intrinsic
def shared_address(typingctx, array):
    """The 32-bit address of the first element of a shared array."""
    to_shared = "{ .reg .u64 t; cvta.to.shared.u64 t, $1; cvt.u32.u64 $0, t; }"

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return instruction(builder, I32, to_shared, "=r,l", builder.ptrtoint(data, I64), memory=False)

    return types.int32(array), codegen


@intrinsic
def load4_shared(typingctx, base, i):
    """Four float32 from element i on; i is a multiple of 4."""

    def codegen(context, builder, sig, args):
        i = context.cast(builder, args[1], sig.args[1], types.int64)
        start = builder.inttoptr(args[0], ir.PointerType(F32, SHARED))
        at = builder.bitcast(builder.gep(start, [i]), ir.PointerType(ir.VectorType(F32, 4), SHARED))
        loaded = builder.load(at, align=16)  # an instruction of LLVM's, which folds constants into the address
        numbers = [builder.extract_element(loaded, ir.Constant(I32, n)) for n in range(4)]
        return context.make_tuple(builder, sig.return_type, numbers)

    return types.UniTuple(types.float32, 4)(base, i), codegen


@intrinsic
def load_shared(typingctx, base, i):
    """The float32 of element i."""

    def codegen(context, builder, sig, args):
        start = builder.inttoptr(args[0], ir.PointerType(F32, SHARED))
        return builder.load(builder.gep(start, [context.cast(builder, args[1], sig.args[1], types.int64)]))

    return types.float32(base, i), codegen


@intrinsic
def set_shared(typingctx, base, i, value):
    """A float32 to element i."""

    def codegen(context, builder, sig, args):
        start = builder.inttoptr(args[0], ir.PointerType(F32, SHARED))
        builder.store(args[2], builder.gep(start, [context.cast(builder, args[1], sig.args[1], types.int64)]))
        return context.get_dummy_value()

    return types.void(base, i, types.float32), codegen


@intrinsic
def store4_shared(typingctx, base, i, values):
    """The tuple of four float32 to element i and the following; i is a multiple of 4."""

    def codegen(context, builder, sig, args):
        i = context.cast(builder, args[1], sig.args[1], types.int32)
        at = builder.add(args[0], builder.shl(i, ir.Constant(I32, 2)))
        numbers = [builder.extract_value(args[2], n) for n in range(4)]
        instruction(builder, NOTHING, "st.shared.v4.f32 [$0], {$1,$2,$3,$4};", "r,f,f,f,f", at, *numbers)
        return context.get_dummy_value()

    return types.void(base, i, values), codegen


@intrinsic
def copy4(typingctx, base, i, array, j):
    """Four float32 from element j on of an array, as other blocks left them in the L2 cache, to element i of shared
    memory, when the GPU gets to it; i and j are multiples of 4."""

    def codegen(context, builder, sig, args):
        i = context.cast(builder, args[1], sig.args[1], types.int32)
        to, source = builder.add(args[0], builder.shl(i, ir.Constant(I32, 2))), address(context, builder, sig, args, 2)
        instruction(builder, NOTHING, "cp.async.cg.shared.global [$0], [$1], 16;", "r,l", to, source)
        return context.get_dummy_value()

    return types.void(base, i, array, j), codegen


@intrinsic
def end_of_group(typingctx):
    """What this thread has copied since the last call of this is a group."""

    def codegen(context, builder, sig, args):
        instruction(builder, NOTHING, "cp.async.commit_group;", "")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def wait_for_groups(typingctx):
    """Until this thread's copies are there, but for those of its last group."""

    def codegen(context, builder, sig, args):
        instruction(builder, NOTHING, "cp.async.wait_group 1;", "")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def load_acquire(typingctx, array, i):
    """An int32; what its writer wrote before `add_release` can be read after this."""

    def codegen(context, builder, sig, args):
        return instruction(
            builder, I32, "ld.acquire.gpu.global.s32 $0, [$1];", "=r,l", address(context, builder, sig, args)
        )

    return types.int32(array, i), codegen


@intrinsic
def add_release(typingctx, array, i, value):
    """Add to an int32, after everything that this thread wrote."""

    def codegen(context, builder, sig, args):
        value = context.cast(builder, args[2], sig.args[2], types.int32)
        at = address(context, builder, sig, args)
        instruction(builder, NOTHING, "red.release.gpu.global.add.s32 [$0], $1;", "l,r", at, value)
        return context.get_dummy_value()

    return types.void(array, i, value), codegen


@functools.cache
def cluster_of(size):
    """A device function that makes the kernel that calls it run in clusters of so many blocks."""

    @intrinsic
    def in_clusters(typingctx):
        def codegen(context, builder, sig, args):
            module = builder.module
            annotations = module.add_named_metadata("nvvm.annotations")
            for axis, blocks in zip("xyz", (size, 1, 1), strict=True):
                name = ir.MetaDataString(module, f"cluster_dim_{axis}")
                annotations.add(module.add_metadata([builder.function, name, ir.Constant(I32, blocks)]))
            return context.get_dummy_value()

        return types.void(), codegen

    return in_clusters


@intrinsic
def cluster_barrier(typingctx):
    """All threads of the blocks of a cluster meet."""
    both = "barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;"

    def codegen(context, builder, sig, args):
        instruction(builder, NOTHING, both, "")
        return context.get_dummy_value()

    return types.void(), codegen
