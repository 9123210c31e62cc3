"""Layers with random parameters, and their gradients against central differences."""

import numpy as np
from numpy.testing import assert_allclose


def make(layer, *args, shape=(None, None, 2), seed=1, **options):
    """A layer in float64 with random parameters, biases included."""
    layer = layer(*args, **options)
    layer.build(shape, dtype="float64")
    rng = np.random.default_rng(seed)
    for array in layer.params.values():
        array[...] = rng.standard_normal(array.shape)
    return layer


def central_difference(function, array, step=1e-6):
    """Gradient of function() with respect to `array`, entry by entry."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = function()
        array[index] = value - step
        gradient[index] = (above - function()) / (2 * step)
        array[index] = value
    return gradient


def check_gradients(layer, x, training=True, seed=2, initial_state=None, **options):
    """`backward` against central differences, with random gradients of every output, for x and initial states too."""
    states = [] if initial_state is None else initial_state
    options |= {} if initial_state is None else {"initial_state": states}
    output, saved = layer.forward(x, training, seed, **options)
    rng = np.random.default_rng(seed)
    several = isinstance(output, list)
    d_output = [rng.standard_normal(y.shape) for y in (output if several else [output])]

    def objective():
        y = layer.forward(x, training, seed, **options)[0]
        return sum(float((d * a).sum()) for d, a in zip(d_output, y if several else [y], strict=True))

    d_x, grads = layer.backward(saved, d_output if several else d_output[0])
    assert grads.keys() == layer.params.keys()
    d_inputs = d_x if initial_state is not None else [d_x]
    for d, array in zip(d_inputs, [x, *states], strict=True):
        if array.dtype.kind == "f":
            assert_allclose(d, central_difference(objective, array), rtol=1e-6, atol=1e-8)
    for name, array in layer.params.items():
        assert grads[name].dtype == array.dtype
        assert_allclose(grads[name], central_difference(objective, array), rtol=1e-6, atol=1e-8, err_msg=name)
