"""LSTM and GRU with zoneout; `kept_h` and `kept_c` are 1 where the old state stays."""

from .lstm import offset
from .products import affine, zeros


def zoneout_lstm(cell, p, x, each):
    recurrent_kernel, cell = p["recurrent_kernel"], cell.cell

    def step(inputs, h, c):
        z, kept_h, kept_c = inputs
        i, f, g, o = z.addmm(h, recurrent_kernel).chunk(4, 1)
        new = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = (o.sigmoid() * new.tanh()).lerp(h, kept_h)
        return h, new.lerp(c, kept_c)

    z = each(x, affine(p["kernel"], offset(p["bias"], cell, 1)))
    return zip(z, p["kept_h"], p["kept_c"], strict=True), zeros(x, cell.units, cell.units), step


def zoneout_gru(cell, p, x, each):
    recurrent_kernel, cell = p["recurrent_kernel"], cell.cell
    bias, candidate_bias = p["bias"].split((3 * cell.units, cell.units))
    sizes = 2 * cell.units, cell.units

    def step(inputs, h):
        z, kept = inputs
        z_gates, n = z.split(sizes, 1)
        h_gates, m = (h @ recurrent_kernel).split(sizes, 1)
        r, u = (z_gates + h_gates).sigmoid().chunk(2, 1)
        n = n.addcmul(r, m + candidate_bias).tanh()
        return ((n + u * (h - n)).lerp(h, kept),)

    return zip(each(x, affine(p["kernel"], bias)), p["kept_h"], strict=True), zeros(x, cell.units), step
