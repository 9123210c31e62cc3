"""The equations of a grid LSTM (Kalchbrenner, Danihelka, Graves 2016; in speech: Li, Mohamed, Zweig, Gong 2016).

Two LSTMs, X = T through time and X = F through frequency, read the same u at a step (t, k) of both:

u = [x_k, m_T, m_F]                      m_T, c_T: made by T at (t - 1, k); m_F, c_F: made by F at (t, k - 1)
i = sigma(z_i + p_iT c_T + p_iF c_F)     each z = u W + b, W, b and p of X
f = sigma(z_f + p_fT c_T + p_fF c_F)     or 1 - i where coupled
g = tanh(z_g)
c_X' = clip(f c_X + i g)
o = sigma(z_o + p_oT c_T' + p_oF c_F')
m_X' = o tanh(c_X')
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from numba.extending import register_jitable

from ..maths import absolute, clip, d_sigmoid, d_tanh, one, sigmoid, tanh, where_less, zero


class GridEquations(NamedTuple):
    """Pure functions of tuples of numbers; of two LSTMs, that through time comes first.

    `forward(z_time, z_frequency, p_time, p_frequency, limit, c) -> m, c1, saved_time, saved_frequency` and
    `backward(saved_time, saved_frequency, p_time, p_frequency, limit, c, c1, dm, dc1) -> dz_time, dz_frequency, dc`.
    p holds, for each gate that has peepholes, those on c_T and on c_F; `limit` that of the cells, infinity for none;
    saved i, f, g, o.
    """

    forward: Callable
    backward: Callable


@register_jitable
def gates(z, p, c):
    """i, f and g of one LSTM."""
    i = sigmoid(z[0] + p[0] * c[0] + p[1] * c[1])
    f = sigmoid(z[1] + p[2] * c[0] + p[3] * c[1])
    return i, f, tanh(z[2])


@register_jitable
def gates_backward(saved, p, c, dc):
    """Gradients of z_i, z_f and z_g, and what reaches c_T and c_F through peepholes, from that of f c + i g."""
    i, f, g, _ = saved
    di, df, dg = dc * g * d_sigmoid(i), dc * c * d_sigmoid(f), dc * i * d_tanh(g)
    return (di, df, dg), (di * p[0] + df * p[2], di * p[1] + df * p[3])


@register_jitable
def coupled_gates(z, p, c):
    i = sigmoid(z[0] + p[0] * c[0] + p[1] * c[1])
    return i, one(i) - i, tanh(z[1])


@register_jitable
def coupled_gates_backward(saved, p, c, dc):
    i, _, g, _ = saved
    di, dg = dc * (g - c) * d_sigmoid(i), dc * i * d_tanh(g)
    return (di, dg), (di * p[0], di * p[1])


@register_jitable
def through_clip(saved, c, limit, dc):
    """The gradient of f c + i g from that of its clipped value."""
    i, f, g, _ = saved
    return where_less(limit, absolute(f * c + i * g), zero(dc), dc)


@cache
def equations(coupled):
    ahead, back = (coupled_gates, coupled_gates_backward) if coupled else (gates, gates_backward)

    @register_jitable
    def forward(z_time, z_frequency, p_time, p_frequency, limit, c):
        i, f, g = ahead(z_time, p_time, c)
        c_time = clip(f * c[0] + i * g, -limit[0], limit[0])
        i_, f_, g_ = ahead(z_frequency, p_frequency, c)
        c_frequency = clip(f_ * c[1] + i_ * g_, -limit[0], limit[0])
        o = sigmoid(z_time[-1] + p_time[-2] * c_time + p_time[-1] * c_frequency)
        o_ = sigmoid(z_frequency[-1] + p_frequency[-2] * c_time + p_frequency[-1] * c_frequency)
        return (o * tanh(c_time), o_ * tanh(c_frequency)), (c_time, c_frequency), (i, f, g, o), (i_, f_, g_, o_)

    @register_jitable
    def backward(saved_time, saved_frequency, p_time, p_frequency, limit, c, c1, dm, dc1):
        o, o_ = saved_time[3], saved_frequency[3]
        a, a_ = tanh(c1[0]), tanh(c1[1])
        do, do_ = dm[0] * a * d_sigmoid(o), dm[1] * a_ * d_sigmoid(o_)
        d_time = dc1[0] + dm[0] * o * d_tanh(a) + do * p_time[-2] + do_ * p_frequency[-2]
        d_frequency = dc1[1] + dm[1] * o_ * d_tanh(a_) + do * p_time[-1] + do_ * p_frequency[-1]
        d_time = through_clip(saved_time, c[0], limit[0], d_time)
        d_frequency = through_clip(saved_frequency, c[1], limit[0], d_frequency)
        dz, seen = back(saved_time, p_time, c[0], d_time)
        dz_, seen_ = back(saved_frequency, p_frequency, c[1], d_frequency)
        dc = d_time * saved_time[1] + seen[0] + seen_[0], d_frequency * saved_frequency[1] + seen[1] + seen_[1]
        return (*dz, do), (*dz_, do_), dc

    return GridEquations(forward, backward)
