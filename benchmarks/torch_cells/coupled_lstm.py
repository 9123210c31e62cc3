"""LSTM with coupled input and forget gates."""

from .lstm import offset
from .products import affine, zeros


def coupled_lstm(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]

    def step(z, h, c):
        f, g, o = z.addmm(h, recurrent_kernel).chunk(3, 1)
        g = g.tanh()
        c = g + f.sigmoid() * (c - g)
        return o.sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 0))), zeros(x, cell.units, cell.units), step


def peephole_coupled_lstm(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]
    p_f, p_o = p["peephole"].unbind()

    def step(z, h, c):
        f, g, o = z.addmm(h, recurrent_kernel).chunk(3, 1)
        g = g.tanh()
        c = g + f.addcmul(p_f, c).sigmoid() * (c - g)
        return o.addcmul(p_o, c).sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 0))), zeros(x, cell.units, cell.units), step
