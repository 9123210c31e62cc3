"""Kernel argument block: an int64 array of addresses, sizes and strides, read as a `KernelArguments`.

Strides count numbers, not bytes. Sizes: T steps, B rows of the batch, I inputs that a kernel multiplies, H units, F
features of an output (H unless the output is projected), V lanes of a SIMD vector. P, Q and PF are the numbers of
panels of V units, inputs and output features. A *slot* is the place in z of one pre-activation of a panel. Slots are
sorted by what feeds them (`cell_kernels.ORDER`), so that the slots which x, h and q feed are contiguous ranges.
"""

from collections import namedtuple

from numba import types
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, models, register_model

from ...runtime.simd import BYTES, INTP

KernelArguments = namedtuple(
    "KernelArguments",
    # Sizes. Ranges of slots, as first slot and count: fed by x, by h, by q, and not computed by a product (m: noise, or
    # a unit's own input). `gates`: pre-activations, the first of the `slots`. `own_input`: the first of the inputs that
    # units read one by one, or -1.
    "T B I H F P Q PF slots gates x_slot x_slots h_slot h_slots q_slot q_slots m_slot m_slots own_input "
    # The address of this array, and those of kernels (0: the cell has none). `panel_block`: panels between the products
    # and the equations. `hoisted`: x W runs before all steps, and dx after them. `is_packed`: the parameters below have
    # been packed before. `step_block`, `step_blocks`: steps in a block of the backward pass, and their number.
    # `continues`: parameters' gradients are added to those of later steps, from another call. `barriers` (0: each
    # thread has rows of its own): one for each team, for the forward pass and then for each block of the backward pass.
    # `team`: threads in a team. `stealing`: the mailbox of `work_stealing`, or 0.
    "args_address product equations feedback normalise project panel_block hoisted is_packed step_block step_blocks "
    "continues barriers team stealing "
    # Products with q: their number, and a table of (first slot, slots, which q).
    "q_products q_product_table "
    # Layer norm: the groups, a table of (first slot, slots, first of the normalised slots), the number of groups before
    # `feedback`, and the number of normalised slots.
    "groups group_table early_groups normed "
    # The block of its parameter that belongs to each slot; the row lengths of the recurrent and the feedback kernel.
    "x_blocks h_blocks q_blocks b_blocks n_blocks h_width q_width "
    # The caller's arrays. tokens[t, b]: int64 indices in the place of x, treated as one-hot vectors (0: none). Bytes:
    # mask[t, b] is 0 where a step is padding; resets[t, b] is 1 where states become zero before the step; cut[t, b] is
    # 1 where no gradient flows to the states before the step (both 0: none). e[t, b, m, H]: values of the m slots.
    "x x_t x_b tokens tokens_t tokens_b kernel recurrent feedback_kernel bias projection scale shift "
    "mask mask_t mask_b resets resets_t resets_b cut cut_t cut_b e e_t e_b "
    # Strides of the arrays below.
    "h_t h_b v_t v_b c_t c_b z_t z_p z_b q_t q_b q_kind r_t r_b u_t u_p u_b i_t "
    # States before each step: h[t, b, P V], the first state; v[t, b, PF V], the output that is fed back (h itself, or
    # its projection); c[t, b, state, P V], the others. h1, v1, c1: the states after each step, which are those before
    # the next one, unless there are resets. y[t, b, output, F]: outputs, if they are not simply one state (0: they
    # are). `output_table`: the states in an output: 0 for v1, from 1 on those of c1.
    "h v c h1 v1 c1 y outputs output_table "
    # z[t, p, b, slot, V]: pre-activations, then the values saved for the gradient, then dz. q[t, b, kind, P V]: results
    # of `feedback`. r[t, b, PF V]: the projection before it is clipped, then its gradient. u[t, b, p, normed, V]:
    # normalised rows. i[t, b, group]: 1 / their standard deviation.
    "z q r u i "
    # Packed parameters: weights [p, k, slot, V] for x, h and q, of the projection [pf, k, V]; vectors [p, slot, V].
    "w rw rq pw b scales shifts "
    # The backward pass: kernels; gradients of the outputs (`dy` for `equations_backward`, `dv_y` for
    # `project_backward`), of the inputs and of the parameters.
    "equations_backward feedback_backward normalise_backward sum_rows project_backward dy dy_t dy_b dv_y dv_t dv_b "
    "dx dx_t dx_b d_kernel d_recurrent d_feedback d_bias d_projection d_scale d_shift "
    # dh[b, P V], dv[b, PF V] (dh itself without projection), dc[b, state, P V], dq[b, kind, P V]; transposed weights
    # [panel, p, slot, k, V]; rows of dx for each thread; packed gradients of the parameters, of the norm for each row
    # [b, p, normed, 2, V].
    "dh dv dc dq wt rt rqt pt dx_rows dw dr drq dp db dn "
    # Vectors of zeros and of ones. A kernel sets `not_finite` if a parameter is not finite.
    "zeros ones not_finite",
)
POSITION = {name: i for i, name in enumerate(KernelArguments._fields)}


def span(first, last):
    """Return the slice of the kernel arguments from one field to another, both included."""
    return slice(POSITION[first], POSITION[last] + 1)


class ArgumentsType(types.Type):
    """The Numba type of a `KernelArguments` in kernels: a pointer, through which a field is read where it is used."""


@register_model(ArgumentsType)
class ArgumentsModel(models.PrimitiveModel):
    """Represent it by the address of the first field."""

    def __init__(self, manager, kind):
        super().__init__(manager, kind, manager.lookup(INTP).get_value_type().as_pointer())


@infer_getattr
class Fields(AttributeTemplate):
    """Let compiled code read `n.T` and the others."""

    key = ArgumentsType

    def generic_resolve(self, kind, name):
        """Return the type of a field."""
        return INTP if name in POSITION else None


@lower_getattr_generic(ArgumentsType)
def load_field(context, builder, kind, arguments, name):
    """Load a field."""
    number = builder.load(builder.gep(arguments, [context.get_constant(INTP, POSITION[name])]))
    # A promise: nothing that compiled code reads changes during a call. So LLVM loads it once, and where it likes.
    number.set_metadata("invariant.load", builder.module.add_metadata([]))
    return number


@intrinsic
def read(typingctx, args_address):
    """Return the `KernelArguments` at an address."""

    def codegen(context, builder, sig, args):
        # Stack alignment: spilled vectors then lie within cache lines. llvmlite does not print `attributes.alignstack`.
        set.add(builder.function.attributes, f"alignstack({BYTES})")
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return ArgumentsType("KernelArguments")(INTP), codegen
