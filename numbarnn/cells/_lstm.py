"""The formulas of an LSTM in two halves: in between, its variants clip the new memory, normalise it or look at it."""

GATES = ("i", "f", "g", "o")
PEEPHOLES = ("pi", "pf", "po")


def memory(z_i, z_f, z_g, c, phi, sigma, keep=1):
    """Return the new memory f c + i g and its gates (i, f, g); `keep`, a mask of dropout, multiplies g."""
    i, f, g = sigma(z_i), sigma(z_f), phi(z_g)
    return f * c + i * (g * keep), (i, f, g)


def output(z_o, c, phi, sigma):
    """Return the output o phi(c) and its gate o."""
    o = sigma(z_o)
    return o * phi(c), o
