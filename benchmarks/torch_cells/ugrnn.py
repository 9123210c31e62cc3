"""UGRNN."""

from .lstm import offset
from .products import affine, zeros


def ugrnn(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]

    def step(z, h):
        g, c = z.addmm(h, recurrent_kernel).chunk(2, 1)
        c = c.tanh()
        return (c + g.sigmoid() * (h - c),)

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 0))), zeros(x, cell.units), step
