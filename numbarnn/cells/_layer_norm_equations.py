"""The equations of LSTMs with layer norm, of which the engine normalises pre-activations and the new cell state.

i = sigma(z_i + p_i c)   f = sigma(z_f + forget_bias + p_f c)   g = k phi(z_g)      k: dropout's mask, or 1
q = f c + i g            n = norm(q)

The normalised state is kept (`normalised`): c' = clip(n)   o = sigma(z_o + p_o c')   h' = o phi(c')
The state is kept as it is (`raw`):          c' = q         o = sigma(z_o)            h' = o phi(n)

Cells differ in what the engine gives them: a `Layout` reads it and packs what goes back.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from numba.extending import register_jitable

from ..autodiff.equations import Equations
from ..maths import constant, d_sigmoid, one, sigmoid, zero


class Layout(NamedTuple):
    """`read(z)`: (z_i, z_f, z_g, z_o, p_i, p_f, p_o, k). `pack` undoes it; `spread` packs the gradients of these."""

    read: Callable
    pack: Callable
    spread: Callable
    size: int


@register_jitable
def read_gates(z):
    nothing = zero(z[0])
    return (*z[:4], nothing, nothing, nothing, one(z[0]))


@register_jitable
def pack_gates(parts):
    return parts[:4]


@register_jitable
def read_peepholes(z):
    return (*z[:7], one(z[0]))


@register_jitable
def pack_peepholes(parts):
    return parts[:7]


@register_jitable
def read_mask(z):
    nothing = zero(z[0])
    return (*z[:4], nothing, nothing, nothing, z[4])


@register_jitable
def pack_mask(parts):
    return (*parts[:4], parts[7])


@register_jitable
def read_sums(z):
    nothing = zero(z[0])
    return z[0] + z[4], z[1] + z[5], z[2] + z[6], z[3] + z[7], nothing, nothing, nothing, one(z[0])


@register_jitable
def pack_sums(parts):
    nothing = zero(parts[0])
    return (*parts[:4], nothing, nothing, nothing, nothing)


@register_jitable
def spread_sums(parts):
    return (*parts[:4], *parts[:4])


GATES = Layout(read_gates, pack_gates, pack_gates, 4)
PEEPHOLES = Layout(read_peepholes, pack_peepholes, pack_peepholes, 7)
MASK = Layout(read_mask, pack_mask, pack_mask, 5)
SUMS = Layout(read_sums, pack_sums, spread_sums, 8)  # of a part from the input and one from h


@cache
def new_state(phi, d_phi, forget_bias, layout):
    """q, and the gradients through it."""
    read, pack, spread, _ = layout

    @register_jitable
    def feedback(z, s):
        zi, zf, zg, zo, pi, pf, po, k = read(z)
        c = s[1]
        i, f, g = sigmoid(zi + pi * c), sigmoid(zf + constant(zf, forget_bias) + pf * c), phi(zg)
        return f * c + i * (g * k), pack((i, f, g, zo, pi, pf, po, k))

    @register_jitable
    def feedback_backward(carried, s, dq):
        i, f, g, do, pi, pf, dpo, k = read(carried)
        c = s[1]
        di = dq * (g * k) * d_sigmoid(i)
        df = dq * c * d_sigmoid(f)
        dg = dq * i * k * d_phi(g)
        return spread((di, df, dg, do, di * c, df * c, dpo, zero(dq))), (zero(dq), dq * f + di * pi + df * pf)

    return feedback, feedback_backward


@cache
def normalised(phi, d_phi, forget_bias, clip, through_clip, layout):
    read, pack, _, size = layout

    @register_jitable
    def forward(z, s):
        i, f, g, zo, pi, pf, po, k = read(z[:size])
        c = clip(z[size])
        o = sigmoid(zo + po * c)
        return (o * phi(c), c), (*pack((i, f, g, o, pi, pf, po, k)), z[size])

    @register_jitable
    def backward(saved, s, s1, ds1):
        i, f, g, o, pi, pf, po, k = read(saved[:size])
        dh, dc = ds1
        a = phi(s1[1])
        do = dh * a * d_sigmoid(o)
        dn = through_clip(saved[size], dc + dh * o * d_phi(a) + do * po)
        return (*pack((i, f, g, do, pi, pf, do * s1[1], k)), dn), (zero(dh), zero(dh))

    feedback, feedback_backward = new_state(phi, d_phi, forget_bias, layout)
    return Equations(forward, backward, feedback, feedback_backward, hidden=size - 3)


@cache
def raw(phi, d_phi, forget_bias, layout):
    read, pack, _, size = layout
    feedback, through_state = new_state(phi, d_phi, forget_bias, layout)

    @register_jitable
    def forward(z, s):
        i, f, g, zo, pi, pf, po, k = read(z[:size])
        o, n = sigmoid(zo), z[size]
        return (o * phi(n), f * s[1] + i * (g * k)), (*pack((i, f, g, o, pi, pf, po, k)), n)

    @register_jitable
    def backward(saved, s, s1, ds1):
        i, f, g, o, pi, pf, po, k = read(saved[:size])
        dh, dc = ds1
        a = phi(saved[size])
        do = dh * a * d_sigmoid(o)
        return (*pack((i, f, g, do, pi, pf, po, k)), dh * o * d_phi(a), dc), (zero(dh), zero(dh))

    @register_jitable
    def feedback_backward(carried, s, dq):
        return through_state(carried[:size], s, dq + carried[size])

    return Equations(forward, backward, feedback, feedback_backward, hidden=size - 3, extra=1)
