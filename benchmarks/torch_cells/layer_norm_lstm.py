"""LSTM with layer norm in its three variants, and the first of them with dropout of the candidate."""

from .lstm import offset
from .products import affine, zeros


def per_gate(cell, p, x, each):
    from torch.nn.functional import layer_norm

    recurrent_kernel, H = p["recurrent_kernel"], cell.units
    scale, c_scale = p["norm_scale"].split((4, 1))
    shift, c_shift = p["norm_shift"].split((4, 1))
    shift = offset(shift.flatten(), cell, 1).view(4, H)

    def step(z, h, c):
        z = layer_norm(z.addmm(h, recurrent_kernel).view(-1, 4, H), (H,), eps=cell.norm_epsilon)
        i, f, g, o = shift.addcmul(z, scale).unbind(1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        c = layer_norm(c, (H,), c_scale[0], c_shift[0], cell.norm_epsilon)
        return o.sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"])), zeros(x, H, H), step


def candidate_dropout(cell, p, x, each):
    from torch.nn.functional import layer_norm

    recurrent_kernel, H = p["recurrent_kernel"], cell.units
    scale, c_scale = p["norm_scale"].split((4, 1))
    shift, c_shift = p["norm_shift"].split((4, 1))
    shift = offset(shift.flatten(), cell, 1).view(4, H)

    def step(inputs, h, c):
        z, keep = inputs
        z = layer_norm(z.addmm(h, recurrent_kernel).view(-1, 4, H), (H,), eps=cell.norm_epsilon)
        i, f, g, o = shift.addcmul(z, scale).unbind(1)
        c = f.sigmoid() * c + i.sigmoid() * (g.tanh() * keep)
        c = layer_norm(c, (H,), c_scale[0], c_shift[0], cell.norm_epsilon)
        return o.sigmoid() * c.tanh(), c

    return zip(each(x, affine(p["kernel"])), p["keep"], strict=True), zeros(x, H, H), step


def joint(cell, p, x, each):
    from torch.nn.functional import layer_norm

    kernel, recurrent_kernel, H = p["kernel"], p["recurrent_kernel"], cell.units
    x_scale, h_scale, c_scale = p["norm_scale"].flatten().split((4 * H, 4 * H, H))
    x_shift, h_shift, c_shift = p["norm_shift"].flatten().split((4 * H, 4 * H, H))
    x_shift = offset(x_shift, cell, 1)

    def step(z, h, c):
        z = z + layer_norm(h @ recurrent_kernel, (4 * H,), h_scale, h_shift, cell.norm_epsilon)
        i, f, g, o = z.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * layer_norm(c, (H,), c_scale, c_shift, cell.norm_epsilon).tanh(), c

    def inputs(rows):
        return layer_norm(rows @ kernel, (4 * H,), x_scale, x_shift, cell.norm_epsilon)

    return each(x, inputs), zeros(x, H, H), step


def stored(cell, p, x, each):
    from torch.nn.functional import layer_norm

    kernel, recurrent_kernel, H = p["kernel"], p["recurrent_kernel"], cell.units
    x_scale, h_scale, c_scale = p["norm_scale"].flatten().split((4 * H, 4 * H, H))
    x_shift, h_shift, c_shift = p["norm_shift"].flatten().split((4 * H, 4 * H, H))
    x_shift = offset(x_shift, cell, 1)

    def step(z, h, c):
        z = z + layer_norm(h @ recurrent_kernel, (4 * H,), h_scale, h_shift, cell.norm_epsilon)
        i, f, g, o = z.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        c = layer_norm(c, (H,), c_scale, c_shift, cell.norm_epsilon)
        return o.sigmoid() * c.tanh(), c

    def inputs(rows):
        return layer_norm(rows @ kernel, (4 * H,), x_scale, x_shift, cell.norm_epsilon)

    return each(x, inputs), zeros(x, H, H), step
