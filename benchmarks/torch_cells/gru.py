"""GRU with the reset before the product."""

from .products import affine, zeros


def gru(cell, p, x, each):
    sizes = 2 * cell.units, cell.units
    gates_kernel, candidate_kernel = p["recurrent_kernel"].split(sizes, 1)

    def step(z, h):
        gates, n = z.split(sizes, 1)
        r, u = gates.addmm(h, gates_kernel).sigmoid().chunk(2, 1)
        n = n.addmm(r * h, candidate_kernel).tanh()
        return (n + u * (h - n),)

    return each(x, affine(p["kernel"], p["bias"])), zeros(x, cell.units), step


def seed_gru(cell, p, x, each):
    sizes = 2 * cell.units, cell.units
    gates_kernel, candidate_kernel = p["recurrent_kernel"].split(sizes, 1)

    def step(z, h):
        gates, n = z.split(sizes, 1)
        r, u = gates.addmm(h, gates_kernel).sigmoid().chunk(2, 1)
        n = n.addmm(r * h, candidate_kernel).tanh()
        return (h + u * (n - h),)

    return each(x, affine(p["kernel"], p["bias"])), zeros(x, cell.units), step


def projected_gru(cell, p, x, each):
    gates_kernel, candidate_kernel = p["recurrent_kernel"], p["feedback_kernel"]
    projection_kernel, sizes = p["projection_kernel"], (2 * cell.units, cell.units)

    def step(z, h, s):
        gates, n = z.split(sizes, 1)
        r, u = gates.addmm(h, gates_kernel).sigmoid().chunk(2, 1)
        n = n.addmm(r * s, candidate_kernel).tanh()
        s = n + u * (s - n)
        return s @ projection_kernel, s

    return each(x, affine(p["kernel"], p["bias"])), zeros(x, cell.output_size, cell.units), step
