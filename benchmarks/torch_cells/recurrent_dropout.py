"""LSTM with recurrent dropout: masks on the last output, the same in all steps."""

from .lstm import offset
from .products import affine, zeros


def one_mask(cell, p, x, each):
    recurrent_kernel, mask, cell = p["recurrent_kernel"], p["mask"][0], cell.cell

    def step(z, h, c):
        i, f, g, o = z.addmm(h * mask, recurrent_kernel).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 1))), zeros(x, cell.units, cell.units), step


def mask_per_gate(cell, p, x, each):
    import torch

    cell, H = cell.cell, cell.cell.units
    masks = torch.cat([p[f"mask_{gate}"] for gate in "ifgo"])
    kernels = p["recurrent_kernel"].unflatten(1, (4, H)).movedim(1, 0).contiguous()

    def step(z, h, c):
        i, f, g, o = z.unflatten(1, (4, H)).movedim(1, 0).baddbmm(masks * h, kernels)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    return each(x, affine(p["kernel"], offset(p["bias"], cell, 1))), zeros(x, H, H), step
