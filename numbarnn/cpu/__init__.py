"""The CPU engine. Read `engine` first, then `forward`, `backward`, `equations`, `products` and `simd`."""


def elementwise(name, array):
    """The vector form of a function of `maths` over a float32 or float64 array; what the kernels compute, to be
    measured."""
    from .array_functions import apply  # here, since `maths` needs this package

    return apply(name, array)
