"""Intersection RNN."""

from .lstm import offset
from .products import affine, zeros


def intersection_rnn(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]

    def step(inputs, y, h):
        z, x = inputs
        gh, n, gy, u = z.addmm(h, recurrent_kernel).chunk(4, 1)
        n, u = n.tanh(), u.relu()
        return u + gy.sigmoid() * (x - u), n + gh.sigmoid() * (h - n)

    z = each(x, affine(p["kernel"], offset(offset(p["bias"], cell, 0), cell, 2)))
    return zip(z, x.unbind(), strict=True), (None, *zeros(x, cell.units)), step
