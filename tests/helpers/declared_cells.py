"""Small cells, in each of which one thing that a cell may declare stands alone."""

from dataclasses import dataclass

import numpy as np
from numba.extending import register_jitable

from numbarnn.autodiff.equations import Equations
from numbarnn.cells.base import Cell
from numbarnn.maths import constant, d_sigmoid, d_tanh, one, sigmoid, tanh, zero


@register_jitable
def tanh_forward(z, s):
    return (tanh(z[0]),), ()


@register_jitable
def tanh_backward(saved, s, s1, ds1):
    return (ds1[0] * d_tanh(s1[0]),), (zero(ds1[0]),)


@register_jitable
def peephole_forward(z, s):
    y = tanh(z[1] + z[0] * s[0])
    return (y,), (z[0],)


@register_jitable
def peephole_backward(saved, s, s1, ds1):
    d = ds1[0] * d_tanh(s1[0])
    return (d * s[0], d), (d * saved[0],)


@register_jitable
def zoneout_forward(z, s):
    keep, y = z[0], tanh(z[1])
    return (keep * s[0] + (one(y) - keep) * y,), (keep, y)


@register_jitable
def zoneout_backward(saved, s, s1, ds1):
    keep, y = saved
    return (zero(y), ds1[0] * (one(y) - keep) * d_tanh(y)), (ds1[0] * keep,)


@register_jitable
def two_forward(z, s):
    g, n = sigmoid(z[2]), tanh(z[3])
    return (g * s[0] + (one(g) - g) * n, s[1] + n), (g, n)


@register_jitable
def two_backward(saved, s, s1, ds1):
    (g, n), (dh, dc) = saved, ds1
    dn = dh * (one(g) - g) + dc
    return (zero(g), zero(g), dh * (s[0] - n) * d_sigmoid(g), dn * d_tanh(n)), (dh * g, dc)


@register_jitable
def two_feedback(z, s):
    return (z[0] * s[0], z[1] * s[1]), (z[0], z[1])


@register_jitable
def two_feedback_backward(carried, s, dq):
    return (zero(dq[0]), zero(dq[0])), (dq[0] * carried[0], dq[1] * carried[1])


@register_jitable
def two_backward_carrying(saved, s, s1, ds1):
    """`two_backward`, with the masks kept for `two_feedback_backward` in extra places."""
    g, n, first, second = saved
    dz, ds = two_backward((g, n), s, s1, ds1)
    return (*dz, first, second), ds


@register_jitable
def two_forward_saving(z, s):
    s1, saved = two_forward(z, s)
    return s1, (*saved, z[0], z[1])


@register_jitable
def two_feedback_backward_extra(carried, s, dq):
    return (zero(dq[0]), zero(dq[0])), (dq[0] * carried[2], dq[1] * carried[3])


@register_jitable
def itself_feedback(z, s):
    c = sigmoid(z[0]) * s[1] + z[1]
    return c, (z[0], z[1])


@register_jitable
def itself_forward(z, s):
    return (tanh(z[2]) * sigmoid(z[0]), z[2]), (sigmoid(z[0]), tanh(z[2]))


@register_jitable
def itself_backward(saved, s, s1, ds1):
    gate, y = saved
    dh, dc = ds1
    return (dh * y * d_sigmoid(gate), zero(y), dc + dh * gate * d_tanh(y), gate), (zero(y), zero(y))


@register_jitable
def itself_feedback_backward(carried, s, dq):
    d, _, gate = carried
    return (d + dq * s[1] * d_sigmoid(gate), dq), (zero(d), dq * gate)


@register_jitable
def last_forward(z, s):
    h = tanh(z[0])
    return (h, constant(h, 0.5) * s[1] + h * h), ()


@register_jitable
def last_backward(saved, s, s1, ds1):
    (dh, dy), h = ds1, s1[0]
    return ((dh + dy * (h + h)) * d_tanh(h),), (zero(h), constant(h, 0.5) * dy)


@dataclass(frozen=True)
class Declared(Cell):
    use_bias = True
    equations = Equations(tanh_forward, tanh_backward)
    inputs = {"z": "xh"}


class Vector(Declared):
    inputs = {"u": "", "z": "xh"}
    saved = ("u",)
    equations = Equations(peephole_forward, peephole_backward)

    @property
    def vectors(self):
        return {"bias": ("z",), "peephole": ("u",)}


class OnlyVector(Vector):
    """No recurrent kernel."""

    inputs = {"u": "", "z": "x"}


class Given(Declared):
    inputs = {"keep": "m", "z": "xh"}
    saved = ("keep", "y")
    equations = Equations(zoneout_forward, zoneout_backward)
    over_time = True

    def draw(self, shape, dtype, how):
        rng = np.random.default_rng(5)
        return {"keep": rng.random(shape if self.over_time else (1, *shape[1:])).astype(dtype)}


class Constant(Given):
    over_time = False


class Mean(Given):
    def draw(self, shape, dtype, how):
        return {"keep": np.asarray(0.25, dtype)}


class SeveralQ(Declared):
    inputs = {"a": "m", "b": "m", "g": "xq1", "n": "xq"}
    states = ("h", "c")
    saved = ("g", "n")
    equations = Equations(
        two_forward_saving, two_backward_carrying, two_feedback, two_feedback_backward_extra, hidden=2, extra=2
    )

    def draw(self, shape, dtype, how):
        rng = np.random.default_rng(6)
        return {name: rng.random((1, *shape[1:])).astype(dtype) for name in ("a", "b")}


class NormEach(Declared):
    inputs = {"u": "", "z": "xh"}
    norms = (("z",),)
    saved = ("u",)
    equations = Equations(peephole_forward, peephole_backward)

    @property
    def vectors(self):
        return {"peephole": ("u",)}


class NormJoint(Declared):
    """Groups of several slots, and q itself normalised."""

    inputs = {"g": "xh", "n": "xh", "c": "="}
    states = ("h", "c")
    norms = (("g", "n"), ("c",))
    norm_epsilon = 1e-3
    saved = ("gate", "y")
    equations = Equations(itself_forward, itself_backward, itself_feedback, itself_feedback_backward, extra=1)


class Projected(Declared):
    num_proj = 3


class Clipped(Declared):
    num_proj = 5
    proj_clip = 0.4


class Carried(Declared):
    """The output is projected, and the equations use the first state itself."""

    num_proj = 19
    carries_output = True
    inputs = {"u": "", "z": "xh"}
    saved = ("u",)
    equations = Equations(peephole_forward, peephole_backward)

    @property
    def vectors(self):
        return {"bias": ("z",), "peephole": ("u",)}


class Last(Declared):
    """h is fed back, y is put out."""

    states = ("h", "y")
    last_is_output = True
    equations = Equations(last_forward, last_backward)


DECLARED = (Last, Vector, OnlyVector, Given, Constant, Mean, SeveralQ, NormEach, NormJoint, Projected, Clipped, Carried)
