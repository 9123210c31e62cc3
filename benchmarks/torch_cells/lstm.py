"""LSTM, with clipping, peepholes and a projection."""

from .products import affine, zeros


def offset(bias, cell, block):
    """Return the bias with the forget gate's constant added to its block."""
    if not cell.forget_bias:
        return bias
    constant = bias.new_zeros(len(bias))
    constant[block * cell.units : (block + 1) * cell.units] = cell.forget_bias
    return bias + constant


def lstm(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]

    def step(z, h, c):
        i, f, g, o = z.addmm(h, recurrent_kernel).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 1))), zeros(x, cell.units, cell.units), step


def clipped_lstm(cell, p, x, each):
    recurrent_kernel, clip = p["recurrent_kernel"], cell.cell_clip

    def step(z, h, c):
        i, f, g, o = z.addmm(h, recurrent_kernel).chunk(4, 1)
        c = (f.sigmoid() * c + i.sigmoid() * g.tanh()).clamp(-clip, clip)
        return o.sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 1))), zeros(x, cell.units, cell.units), step


def peephole_lstm(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]
    p_i, p_f, p_o = p["peephole"].unbind()

    def step(z, h, c):
        i, f, g, o = z.addmm(h, recurrent_kernel).chunk(4, 1)
        c = f.addcmul(p_f, c).sigmoid() * c + i.addcmul(p_i, c).sigmoid() * g.tanh()
        return o.addcmul(p_o, c).sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 1))), zeros(x, cell.units, cell.units), step


def projected_lstm(cell, p, x, each):
    recurrent_kernel, projection_kernel = p["recurrent_kernel"], p["projection_kernel"]

    def step(z, h, c):
        i, f, g, o = z.addmm(h, recurrent_kernel).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return (o.sigmoid() * c.tanh()) @ projection_kernel, c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 1))), zeros(x, cell.output_size, cell.units), step
