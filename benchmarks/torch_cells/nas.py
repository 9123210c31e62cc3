"""NASCell, without and with a projection."""

from .products import affine, zeros


def nas(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]

    def step(z, h, c):
        return combined(z, h @ recurrent_kernel, c)

    return each(x, affine(p["kernel"])), zeros(x, cell.units, cell.units), step


def projected_nas(cell, p, x, each):
    recurrent_kernel, projection_kernel = p["recurrent_kernel"], p["projection_kernel"]

    def step(z, h, c):
        h, c = combined(z, h @ recurrent_kernel, c)
        return h @ projection_kernel, c

    return each(x, affine(p["kernel"])), zeros(x, cell.output_size, cell.units), step


def combined(a, b, c):
    """Compute the new h and c from the input's part, the output's part and c."""
    l0, l1, l2, _, l4, l5, l6, l7 = (a + b).chunk(8, 1)
    l3 = a.chunk(8, 1)[3] * b.chunk(8, 1)[3]
    p0 = (l0.sigmoid() * l1.relu()).tanh()
    p1 = (l2.sigmoid() + l3.relu()).tanh()
    p2 = (l4.tanh() * l5.sigmoid()).tanh()
    p3 = (l6.tanh() + l7.sigmoid()).sigmoid()
    c = (p0 + c).tanh() * p1
    return (c * (p2 + p3).tanh()).tanh(), c
