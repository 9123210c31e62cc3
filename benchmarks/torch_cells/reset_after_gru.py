"""GRU and MGU with the gate after the product."""

from .products import affine, zeros


def reset_after_gru(cell, p, x, each):
    recurrent_kernel, sizes = p["recurrent_kernel"], (2 * cell.units, cell.units)
    bias, candidate_bias = p["bias"].split((3 * cell.units, cell.units))

    def step(z, h):
        z_gates, n = z.split(sizes, 1)
        h_gates, m = (h @ recurrent_kernel).split(sizes, 1)
        r, u = (z_gates + h_gates).sigmoid().chunk(2, 1)
        n = n.addcmul(r, m + candidate_bias).tanh()
        return (n + u * (h - n),)

    return each(x, affine(p["kernel"], bias)), zeros(x, cell.units), step


def seed_reset_after_gru(cell, p, x, each):
    recurrent_kernel, sizes = p["recurrent_kernel"], (2 * cell.units, cell.units)
    bias, candidate_bias = p["bias"].split((3 * cell.units, cell.units))

    def step(z, h):
        z_gates, n = z.split(sizes, 1)
        h_gates, m = (h @ recurrent_kernel).split(sizes, 1)
        r, u = (z_gates + h_gates).sigmoid().chunk(2, 1)
        n = n.addcmul(r, m + candidate_bias).tanh()
        return (h + u * (n - h),)

    return each(x, affine(p["kernel"], bias)), zeros(x, cell.units), step


def projected_reset_after_gru(cell, p, x, each):
    recurrent_kernel, projection_kernel = p["recurrent_kernel"], p["projection_kernel"]
    bias, candidate_bias = p["bias"].split((3 * cell.units, cell.units))
    sizes = 2 * cell.units, cell.units

    def step(z, h, s):
        z_gates, n = z.split(sizes, 1)
        h_gates, m = (h @ recurrent_kernel).split(sizes, 1)
        r, u = (z_gates + h_gates).sigmoid().chunk(2, 1)
        n = n.addcmul(r, m + candidate_bias).tanh()
        s = n + u * (s - n)
        return s @ projection_kernel, s

    return each(x, affine(p["kernel"], bias)), zeros(x, cell.output_size, cell.units), step


def mgu(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]
    bias, candidate_bias = p["bias"].split((2 * cell.units, cell.units))

    def step(z, h):
        z_gate, n = z.chunk(2, 1)
        h_gate, m = (h @ recurrent_kernel).chunk(2, 1)
        f = (z_gate + h_gate).sigmoid()
        n = n.addcmul(f, m + candidate_bias).tanh()
        return (n + f * (h - n),)

    return each(x, affine(p["kernel"], bias)), zeros(x, cell.units), step
