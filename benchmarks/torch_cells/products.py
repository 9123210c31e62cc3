"""Products with the inputs, hoisted out of the loop or within it."""


def affine(kernel, bias=None):
    """Return the function rows -> rows W (+ b)."""
    return (lambda rows: rows @ kernel) if bias is None else (lambda rows: bias.addmm(rows, kernel))


def in_loop(x, function):
    """Apply `function` to the inputs (B, I) of a step in that step."""
    return map(function, x.unbind())


def before_loop(x, function):
    """Apply `function` to all inputs (T·B, I) at once; a tensor for each step. `unbind`, since the gradient of an index
    would fill a whole sequence with zeros in every step."""
    return function(x.flatten(0, 1)).unflatten(0, x.shape[:2]).unbind()


def zeros(x, *widths):
    """Make a state of zeros of each width, for every row of x (T, B, I)."""
    return tuple(x.new_zeros(x.shape[1], width) for width in widths)
