"""GRU with layer norm, all four normalised in one call."""

from .products import affine, zeros


def layer_norm_gru(cell, p, x, each):
    import torch

    H, recurrent_kernel = cell.units, p["recurrent_kernel"]
    scale, shift = p["norm_scale"], p["norm_shift"]

    def step(z, h):
        z_gates, n = z.split((2 * H, H), 1)
        h_gates, m = (h @ recurrent_kernel).split((2 * H, H), 1)
        z = torch.cat((z_gates + h_gates, n, m), 1).view(-1, 4, H)
        z = torch.layer_norm(z, (H,), eps=cell.norm_epsilon)
        r, u, n, m = shift.addcmul(z, scale).unbind(1)
        n = n.addcmul(r.sigmoid(), m).tanh()
        return (n + u.sigmoid() * (h - n),)

    return each(x, affine(p["kernel"])), zeros(x, H), step
