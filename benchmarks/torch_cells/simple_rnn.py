"""SimpleRNN, its projected form (Jordan), and IndRNN."""

from .products import affine, zeros


def simple_rnn(cell, p, x, each):
    recurrent_kernel = p["recurrent_kernel"]

    def step(z, h):
        return (z.addmm(h, recurrent_kernel).tanh(),)

    return each(x, affine(p["kernel"], p["bias"])), zeros(x, cell.units), step


def jordan(cell, p, x, each):
    recurrent_kernel, projection_kernel = p["recurrent_kernel"], p["projection_kernel"]

    def step(z, h):
        return (z.addmm(h, recurrent_kernel).tanh() @ projection_kernel,)

    return each(x, affine(p["kernel"], p["bias"])), zeros(x, cell.output_size), step


def ind_rnn(cell, p, x, each):
    recurrent_vector = p["recurrent_vector"]

    def step(z, h):
        return (z.addcmul(h, recurrent_vector).relu(),)

    return each(x, affine(p["kernel"], p["bias"])), zeros(x, cell.units), step
