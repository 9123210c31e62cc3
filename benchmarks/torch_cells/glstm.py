"""Group LSTM: a batched product for all groups, states (groups, B, units of a group)."""

from .products import zeros


def glstm(cell, p, x, each):
    G, kernel, recurrent_kernel = cell.number_of_groups, p["kernel"], p["recurrent_kernel"]
    size = cell.units // G
    forget = kernel.new_tensor([0, cell.forget_bias, 0, 0])[:, None, None]
    bias = (p["bias"].view(4, G, size) + forget).transpose(0, 1).reshape(G, 1, 4 * size)

    def grouped(rows):
        return bias.baddbmm(rows.unflatten(1, (G, -1)).transpose(0, 1), kernel).transpose(0, 1)

    def step(z, output, h, c):
        i, f, g, o = z.transpose(0, 1).baddbmm(h, recurrent_kernel).chunk(4, 2)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return h.transpose(0, 1).flatten(1), h, c

    (zero,) = zeros(x, cell.units)
    zero = zero.view(G, -1, size)
    return each(x, grouped), (None, zero, zero), step
