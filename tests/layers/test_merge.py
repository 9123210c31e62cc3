"""Layers that make one array of several: values, gradients and masks, by hand and against Keras."""

import os

import numpy as np
import pytest
from helpers.layer_checks import central_difference
from numpy.testing import assert_allclose, assert_array_equal

import numbarnn as nr
from numbarnn.layers import Add, Average, Concatenate, Input, Multiply

RNG = np.random.default_rng(0)
KINDS = {"add": Add, "average": Average, "multiply": Multiply, "concatenate": Concatenate}
SHAPES = {
    "two": [(3, 4, 2), (3, 4, 2)],
    "three": [(3, 4, 2), (3, 4, 2), (3, 4, 2)],
    "one": [(3, 4, 2)],
    "repeated steps": [(3, 1, 2), (3, 4, 2)],
    "repeated features": [(3, 4, 2), (3, 4, 1), (3, 1, 1)],
    "vectors": [(3, 2), (3, 2)],
}
OF_SHAPE = [(kind, shapes) for kind in KINDS for shapes in SHAPES if kind != "concatenate" or "repeated" not in shapes]


def numbers(shapes, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def masks(shapes, kinds):
    """Masks (batch, steps) of the inputs, None where there is none."""
    rng = np.random.default_rng(3)
    return [rng.random(shape[:2]) < 0.6 if masked else None for shape, masked in zip(shapes, kinds, strict=True)]


def check_gradients(layer, x, mask=None):
    output, saved = layer.forward(x, True, None, mask)
    d_output = np.random.default_rng(2).standard_normal(output.shape)
    gradients, of_params = layer.backward(saved, d_output)
    assert of_params == {} and len(gradients) == len(x)
    for d, array in zip(gradients, x, strict=True):
        expected = central_difference(lambda: float((d_output * layer.forward(x, True, None, mask)[0]).sum()), array)
        assert d.shape == array.shape and d.dtype == array.dtype
        assert_allclose(d, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("kind, shapes", OF_SHAPE)
def test_values_and_gradients(kind, shapes):
    x = numbers(SHAPES[shapes])
    by_hand = {
        "add": lambda: sum(x),
        "average": lambda: sum(x) / len(x),
        "multiply": lambda: np.prod(np.broadcast_arrays(*x), axis=0),
        "concatenate": lambda: np.concatenate(x, axis=-1),
    }
    layer = KINDS[kind]()
    assert_allclose(layer(x), by_hand[kind](), rtol=1e-15)
    assert layer.compute_output_shape(tuple((None, *s[1:]) for s in SHAPES[shapes]))[1:] == layer(x).shape[1:]
    check_gradients(layer, x)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # Keras'
@pytest.mark.parametrize("kinds", [(True, True, True), (True, False, True), (False, False, True)])
@pytest.mark.parametrize("layer", [Add(), Average(), Multiply(), Concatenate(), Concatenate(axis=1)])
def test_masks_against_keras(layer, kinds):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="needs Keras 3 (pip install keras torch)")
    x = numbers([(3, 4, 2)] * 3)
    mask = masks([(3, 4)] * 3, kinds)
    theirs = getattr(keras.layers, type(layer).__name__)(**layer.options())
    tensors = [keras.ops.convert_to_tensor(array) for array in x]
    for tensor, valid in zip(tensors, mask, strict=True):
        if valid is not None:
            keras.src.backend.set_keras_mask(tensor, keras.ops.convert_to_tensor(valid))
    theirs = type(theirs)(**layer.options(), dtype="float64")
    assert_allclose(layer(x, mask=mask), keras.ops.convert_to_numpy(theirs(tensors)), rtol=1e-14)
    expected, found = theirs.compute_mask(tensors, mask), layer.compute_mask(x, mask)
    if expected is None:
        assert found is None
    else:
        assert_array_equal(found, keras.ops.convert_to_numpy(expected))
    check_gradients(layer, x, mask)


def test_an_input_without_a_mask_counts_everywhere_beside_one_with_a_mask():
    x, mask = numbers([(2, 3, 2)] * 2), masks([(2, 3)] * 2, (True, False))
    assert Add().compute_mask(x, mask) is None
    assert Concatenate().compute_mask(x, mask).all()
    assert_array_equal(Concatenate(axis=1).compute_mask(x, mask)[:, :3], mask[0])
    assert Concatenate().compute_mask(x, [None, None]) is None


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Add()(Input((3,))), r"add: expected a list of inputs, got Input\(\(3,\)\)"),
        (lambda: Add()(np.ones((2, 3))), r"add: expected a list of inputs, got array"),
        (lambda: Add()([]), r"add: expected a list of inputs"),
        (lambda: Add()([Input((3,)), Input((4,))]), r"add: expected inputs of one shape, got \(None, 3\), \(None, 4\)"),
        (lambda: Multiply()([Input((3,)), Input((2, 3))]), r"multiply: expected inputs with as many axes each"),
        (lambda: Average()([np.ones((2, 3)), np.ones((2, 4))]), r"average: expected inputs of one shape"),
        (lambda: Concatenate(axis=0), "concatenate: expected an axis other than that of the batch, got axis 0"),
        (lambda: Concatenate(2)([Input((3,)), Input((3,))]), r"concatenate: expected an axis from -1 to 1, and not 0"),
        (
            lambda: Concatenate()([Input((2, 3)), Input((4, 3))]),
            r"inputs of one shape but for axis 2, got",
        ),
        (
            lambda: Add()([Input((3,)), np.ones((2, 3))]),
            r"add: expected an Input or outputs of layers alone",
        ),
        (lambda: nr.Sequential([Input((3,)), Add()]), r"expected a layer of one input, got add, which merges several"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(nr.InputError, match=message):
        call()
