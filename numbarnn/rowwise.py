"""What a device does with many rows at once: a cell's equations, a product with one matrix."""

from numba import config


def apply(function, device, inputs, outputs):
    """`function` of numbers takes tuples and gives a tuple of tuples; `inputs` and `outputs` are likewise tuples of
    tuples, with an array in the place of each number.

    Arrays are (rows, n), float32 or float64, with neighbours of a row side by side; an input (n,) is the same in each
    row. Outputs do not overlap inputs. device="numpy" calls the function on the arrays themselves.
    """
    if in_numpy(device):
        for group, values in zip(outputs, function(*inputs), strict=True):
            for array, value in zip(group, values, strict=True):
                array[...] = value
    else:
        from .cpu.apply import apply

        apply(function, inputs, outputs)


def product(matrix, device):
    """The function a -> a @ matrix for arrays (rows, n) with neighbours of a row side by side."""
    if in_numpy(device):
        return lambda a: a @ matrix
    from .cpu.matmul import Product

    return Product(matrix)


def in_numpy(device):
    return device == "numpy" or config.DISABLE_JIT
