"""What a kernel is told: one array of integers, read under the names of `Call`.

Addresses, sizes and strides; strides count numbers. T steps, B rows, I inputs, H units, V lanes of a vector, P
panels of V units, Q panels of V inputs. A *slot* holds one pre-activation of a panel. Slots are sorted by what
feeds them ("q", "xq", "x", "xh", "h"), so that those fed by x, by h and by q are runs of neighbours.
"""

from collections import namedtuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .simd import INTP

Call = namedtuple(
    "Call",
    # sizes, and the first and the number of the slots that x, h and q feed; `gates` slots are pre-activations
    "T B I H P Q slots gates x_slot x_slots h_slot h_slots q_slot q_slots "
    # where this array is; kernels by address; `group`: panels between product and equations; `ahead`: x W before
    # all steps, dx after them; steps in a block of the backward pass, and blocks
    "here product equations feedback group ahead block blocks "
    # block of the parameters that belongs to each slot; `r_blocks`: blocks of the recurrent kernel
    "x_blocks h_blocks q_blocks b_blocks r_blocks "
    # what the caller gave; mask[t, b] is a byte, not zero where the step counts
    "x x_t x_b kernel recurrent bias mask mask_t mask_b "
    # strides of what follows
    "h_t h_b c_t c_b z_t z_p z_b q_t q_b "
    # h[t, b, P V]: h[0] is the initial output, h[t + 1] what step t made; c[t, b, state, P V]: the other states,
    # likewise; y[t, b, H]: outputs, where a mask makes them differ from h (else 0)
    "h c y "
    # z[t, p, b, slot, V]: pre-activations, then what the cell saved, then their gradients; q[t, b, P V]: from
    # `feedback`; weights in panels [p, k, slot, V] for x, h and q, the bias [p, slot, V]
    "z q w r rq b "
    # the gradient's side: kernels, the gradients of outputs, inputs and parameters
    "equations_backward feedback_backward dy dy_t dy_b dx dx_t dx_b d_kernel d_recurrent d_bias "
    # dh[b, P V], dc[b, state, P V], dq[b, P V]; transposed weights [panel, p, slot, k, V]; rows of dx; parameters'
    # gradients in panels
    "dh dc dq wt rt rqt dx_rows dw dr drq db "
    # vectors of zeros and of ones; set by a kernel that finds a parameter not finite
    "zeros ones not_finite",
)
POSITION = {name: i for i, name in enumerate(Call._fields)}
TYPE = types.NamedUniTuple(INTP, len(Call._fields), Call)


@intrinsic
def read(typingctx, here):
    """The `Call` at an address."""

    def codegen(context, builder, sig, args):
        first = builder.inttoptr(args[0], args[0].type.as_pointer())
        values = [builder.load(builder.gep(first, [context.get_constant(INTP, i)])) for i in range(len(TYPE))]
        return context.make_tuple(builder, sig.return_type, values)

    return TYPE(INTP), codegen


@intrinsic
def invoke(typingctx, kernel, integers):
    """Call the kernel at an address with a tuple of integers."""

    def codegen(context, builder, sig, args):
        values = [builder.extract_value(args[1], i) for i in range(len(integers))]
        kind = ir.FunctionType(ir.VoidType(), [v.type for v in values])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), values)
        return context.get_dummy_value()

    return types.void(INTP, integers), codegen
