"""What a kernel is told: one array of integers, read under the names of `KernelArguments`.

Addresses, sizes and strides; strides count numbers. T steps, B rows, I inputs, H units, F numbers of an output (H
unless it is projected), V lanes of a vector; P, Q and PF panels of V units, inputs and output numbers. A *slot* holds
one pre-activation of a panel. Slots are sorted by what feeds them (`equations.ORDER`), so that those fed by x, by h and
by q are runs of neighbours.
"""

from collections import namedtuple

from numba import types
from numba.extending import intrinsic

from ...runtime.simd import BYTES, INTP

KernelArguments = namedtuple(
    "KernelArguments",
    # sizes, I being the inputs that are multiplied, and the first and the number of the slots that x, h and q feed;
    # `gates` slots are pre-activations, of which `draws` from m_slot on are given, or are the inputs from `own` on
    # (else -1)
    "T B I H F P Q PF slots gates x_slot x_slots h_slot h_slots q_slot q_slots m_slot draws own "
    # where this array is; kernels by address; `group`: panels between product and equations; `ahead`: x W before
    # all steps, dx after them; steps in a block of the backward pass, and blocks; `gates_at`: where threads that walk
    # together meet (else 0), a gate of two cache lines for the forward pass, and for each block of the backward pass;
    # `helping`: where rows change hands (else 0)
    "args_address product equations feedback normalise project group ahead block blocks gates_at helping "
    # products with q: their number, and for each its first slot, its slots, and which q
    "links link_table "
    # layer norm: groups, and for each its first slot, its slots, and its place among the normalised slots, of which
    # there are `normed`; those before `later` come before `feedback` or where there is none
    "groups group_table later normed "
    # block of the parameters that belongs to each slot; numbers in a row of the recurrent and of the feedback kernel
    "x_blocks h_blocks q_blocks b_blocks n_blocks h_width q_width "
    # what the caller gave; bytes: mask[t, b] is not zero where the step counts, resets[t, b] where states become zero
    # before it, and cut[t, b] where no gradient passes to them (both 0 where there are none); e[t, b, draw, H]. In the
    # place of x there may be tokens[t, b] (else 0), integers below I: x is one there, and zero elsewhere
    "x x_t x_b tokens tokens_t tokens_b kernel recurrent feedback_kernel bias projection scale shift "
    "mask mask_t mask_b resets resets_t resets_b cut cut_t cut_b e e_t e_b "
    # strides of what follows
    "h_t h_b v_t v_b c_t c_b z_t z_p z_b q_t q_b q_kind r_t r_b u_t u_p u_b i_t "
    # states before each step: h[t, b, P V], the first one; v[t, b, PF V]: what is fed back (h itself, or its
    # projection); c[t, b, state, P V]: the others. h1, v1, c1: the same after each step, with resets arrays of their
    # own, else those before the next step. y[t, b, output, F]: outputs, where they are not the values of one state
    # (else 0), as masked ones are not; and which states they are: 0 for v1, those of c1 from 1 on
    "h v c h1 v1 c1 y outputs output_table "
    # z[t, p, b, slot, V]: pre-activations, then what the cell saved, then their gradients; q[t, b, kind, P V]: from
    # `feedback`; r[t, b, PF V]: projection before it is clipped, then its gradient; u[t, b, p, normed, V]: normalised
    # rows; i[t, b, group]: 1 / their standard deviation
    "z q r u i "
    # in panels: weights [p, k, slot, V] for x, h and q, of the projection [pf, k, V], the vectors [p, slot, V]
    "w rw rq pw b scales shifts "
    # the gradient's side: kernels, the gradients of outputs (dy: where `equations_backward` adds them, dv_y: where
    # `project_backward` does), inputs and parameters
    "equations_backward feedback_backward normalise_backward sum_rows project_backward dy dy_t dy_b dv_y dv_t dv_b "
    "dx dx_t dx_b d_kernel d_recurrent d_feedback d_bias d_projection d_scale d_shift "
    # dh[b, P V], dv[b, PF V] (dh itself without projection), dc[b, state, P V], dq[b, kind, P V]; transposed weights
    # [panel, p, slot, k, V]; rows of dx; parameters' gradients in panels, those of the norm for each row
    # [b, p, normed, 2, V]
    "dh dv dc dq wt rt rqt pt dx_rows dw dr drq dp db dn "
    # vectors of zeros and of ones; set by a kernel that finds a parameter not finite
    "zeros ones not_finite",
)
POSITION = {name: i for i, name in enumerate(KernelArguments._fields)}
TYPE = types.NamedUniTuple(INTP, len(KernelArguments._fields), KernelArguments)


@intrinsic
def read(typingctx, args_address):
    """The `KernelArguments` at an address."""

    def codegen(context, builder, sig, args):
        # Spilled vectors then lie within cache lines; `attributes.alignstack` alone would not be printed by llvmlite.
        set.add(builder.function.attributes, f"alignstack({BYTES})")
        first = builder.inttoptr(args[0], args[0].type.as_pointer())
        values = [builder.load(builder.gep(first, [context.get_constant(INTP, i)])) for i in range(len(TYPE))]
        return context.make_tuple(builder, sig.return_type, values)

    return TYPE(INTP), codegen
