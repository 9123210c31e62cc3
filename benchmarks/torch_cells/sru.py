"""SRU."""

from .products import affine, zeros


def sru(cell, p, x, each):
    b_f, b_r = p["bias"].chunk(2)

    def step(z, h, c):
        g, f, r, skip = z.chunk(4, 1)
        f, r = (f + b_f).sigmoid(), (r + b_r).sigmoid()
        c = g + f * (c - g)
        return skip + r * (c.tanh() - skip), c

    return each(x, affine(p["kernel"])), zeros(x, cell.units, cell.units), step
