"""PTX instructions that numba-cuda does not offer; `simulated` has each of them as Python."""

import functools

from llvmlite import ir
from numba import cuda
from numba.core import types
from numba.cuda.extending import intrinsic

F32, I32, I64, NOTHING = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.VoidType()
FOUR = ir.LiteralStructType([F32] * 4)
SHARED = 3  # address space


def instruction(builder, result, text, constraints, *values, memory=True):
    """One instruction; `memory` keeps it on its side of barriers and of other accesses."""
    kind = ir.FunctionType(result, [value.type for value in values])
    constraints = ",".join(filter(None, (constraints, "~{memory}" if memory else "")))
    return builder.call(ir.InlineAsm(kind, text, constraints, side_effect=memory), values)


def address(context, builder, sig, args):
    """Of element args[1] of the array args[0]."""
    data = context.make_array(sig.args[0])(context, builder, args[0]).data
    return builder.ptrtoint(builder.gep(data, [context.cast(builder, args[1], sig.args[1], types.int64)]), I64)


def four(context, builder, sig, loaded):
    return context.make_tuple(builder, sig.return_type, [builder.extract_value(loaded, i) for i in range(4)])


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
def load4_global(typingctx, array, i):
    """Four float32 from element i on, as other blocks left them in the L2 cache; i is a multiple of 4."""

    def codegen(context, builder, sig, args):
        at = address(context, builder, sig, args)
        loaded = instruction(builder, FOUR, "ld.global.cg.v4.f32 {$0,$1,$2,$3}, [$4];", "=f,=f,=f,=f,l", at)
        return four(context, builder, sig, loaded)

    return types.UniTuple(types.float32, 4)(array, i), codegen


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


@cuda.jit(device=True)
def warp_barrier():
    cuda.syncwarp()


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
