"""The products with the inputs, before the loop or in it."""


def affine(kernel, bias=None):
    """rows -> rows W (+ b)."""
    return (lambda rows: rows @ kernel) if bias is None else (lambda rows: bias.addmm(rows, kernel))


def in_loop(x, function):
    """`function` of the inputs (B, I) of each step, when its turn comes."""
    return map(function, x.unbind())


def before_loop(x, function):
    """`function` of all inputs (T·B, I) at once, as a tensor for each step; `unbind`, as the gradient of an index would
    fill a whole sequence with zeros in every step."""
    return function(x.flatten(0, 1)).unflatten(0, x.shape[:2]).unbind()


def zeros(x, *widths):
    """A state of zeros of each width, for every row of x (T, B, I)."""
    return tuple(x.new_zeros(x.shape[1], width) for width in widths)
