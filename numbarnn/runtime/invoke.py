"""Call compiled kernels by address."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd import INTP


@intrinsic
def invoke(typingctx, kernel, integers):
    """Call the kernel at an address with a tuple of integers."""

    def codegen(context, builder, sig, args):
        values = [builder.extract_value(args[1], i) for i in range(len(integers))]
        kind = ir.FunctionType(ir.VoidType(), [v.type for v in values])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), values)
        return context.get_dummy_value()

    return types.void(INTP, integers), codegen
