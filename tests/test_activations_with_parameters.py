"""Activations with parameters, in cells and layers."""

from dataclasses import dataclass, fields

import numpy as np
import pytest
from helpers.problems import Problem, assert_close

import numbarnn as nr
from numbarnn import maths
from numbarnn.activations import Activation, Affine, Threshold
from numbarnn.layers import Activation as ActivationLayer
from numbarnn.layers import Dense, Input, SimpleRNN

CLASSES = [getattr(nr.activations, name) for name in nr.activations.__all__ if name != "Activation"]
EXAMPLES = {kind: kind(*(0.7, 0.3)[: len(fields(kind))]) for kind in CLASSES}
X = np.linspace(-3, 3, 61) + 0.013  # corners lie between


def central(activation, x, step=1e-6):
    return (activation(x + step) - activation(x - step)) / (2 * step)


@pytest.mark.parametrize("kind", CLASSES)
def test_values_are_those_of_the_function_of_maths(kind):
    activation = EXAMPLES[kind]
    expected = kind.formula(X, *activation.parameters)
    assert np.array_equal(activation(X), expected) and not np.array_equal(expected, X)


@pytest.mark.parametrize("kind", CLASSES)
def test_gradients_of_a_cell(kind):
    """Of the NumPy engine, by central differences, and of compiled kernels, by those."""
    x = X[:, None, None]
    cell = nr.SimpleRNNCell(1, activation=EXAMPLES[kind], use_bias=False)
    params = {"kernel": np.ones((1, 1)), "recurrent_kernel": np.zeros((1, 1))}
    run = nr.forward(cell, params, x, device="numpy")
    slopes = run.backward(np.ones_like(run.outputs)).inputs.ravel()
    np.testing.assert_allclose(slopes, central(EXAMPLES[kind], x.ravel()), rtol=1e-8, atol=1e-9)
    problem = Problem(nr.LSTMCell(5, activation=EXAMPLES[kind]), 4, 3, 2)
    for device in ("cpu", "njit"):
        assert_close(problem.results(device=device), problem.results(device="numpy"), 1e-13)


def test_an_activation_with_the_parameters_of_a_name_is_that_name():
    assert nr.LSTMCell(3, activation=nr.activations.LeakyReLU()) == nr.LSTMCell(3, activation="leaky_relu")
    assert nr.LSTMCell(3, activation=nr.activations.LeakyReLU(0.2)).activation == "leaky_relu"
    assert nr.LSTMCell(3, activation=nr.activations.LeakyReLU(0.3)) == nr.LSTMCell(
        3, activation=nr.activations.LeakyReLU(negative_slope=0.3)
    )
    assert Dense(3, nr.activations.HardSigmoid()).activation == "hard_sigmoid_keras2"
    named = {name for kind in CLASSES if (name := kind.formula.__name__) in maths.ACTIVATIONS}
    assert named == {
        "celu", "elu", "hard_shrink", "hard_sigmoid_keras2", "leaky_relu", "soft_shrink", "squareplus"
    }  # fmt: skip


def test_parameters_that_are_refused():
    for make, match in {
        lambda: nr.activations.LeakyReLU(-0.1): "LeakyReLU: expected negative_slope of at least 0, got -0.1",
        lambda: nr.activations.CELU(0): "CELU: expected alpha above 0, got 0.0",
        lambda: nr.activations.Affine(1.0): "Affine: missing a required argument: 'beta'",
        lambda: nr.activations.ELU("1"): "ELU: expected alpha to be a finite number, got '1'",
        lambda: nr.LSTMCell(3, activation="swift"): "LSTMCell: no activation 'swift'; there are tanh, .*parameters",
        lambda: nr.LSTMCell(3, activation=["tanh"]): r"LSTMCell: no activation \['tanh'\]",
        lambda: Dense(3, ["tanh"]): r"expected an activation out of tanh, .*got \['tanh'\]",
    }.items():
        with pytest.raises(nr.InputError, match=match):
            make()


def test_names_of_keras_that_are_those_of_others():
    assert nr.LSTMCell(3, activation="silu") == nr.LSTMCell(3, activation="swish")
    assert Dense(3, "hard_swish").activation == "hard_silu"


@pytest.mark.parametrize("kind", CLASSES)
def test_cells_keep_it_in_their_config(kind):
    cell = nr.GRUCell(3, activation=EXAMPLES[kind], recurrent_activation=Affine(1, 2))
    assert nr.GRUCell.from_config(cell.get_config()) == cell
    assert repr(EXAMPLES[kind]) in repr(cell)


def test_models_keep_it_in_their_files(tmp_path):
    model = nr.Sequential(
        [Input((4, 2)), SimpleRNN(3, Affine(0.5, 0.1)), Dense(3, Threshold(0, -1)), ActivationLayer("mish")], seed=0
    )
    model.save(tmp_path / "model.nr")
    again = nr.load_model(tmp_path / "model.nr")
    x = np.random.default_rng(0).normal(size=(5, 4, 2)).astype("float32")
    assert again.layers[0].activation == Affine(0.5, 0.1) and again.layers[1].activation == Threshold(0, -1)
    assert np.array_equal(again.predict(x), model.predict(x))


@dataclass(frozen=True)
class Sine(Activation):
    """x + sin(frequency x) / 2, roughly, by its power series."""

    frequency: float
    formula = staticmethod(lambda x, frequency: x + (frequency * x - (frequency * x) ** 3 / 6) / 2)


def test_one_of_ones_own_is_differentiated():
    problem = Problem(nr.GRUCell(5, activation=Sine(0.3)), 4, 3, 2)
    assert_close(problem.results(device="cpu"), problem.results(device="numpy"), 1e-13)
    layer = ActivationLayer(Sine(0.3))
    y, saved = layer.forward(X)
    np.testing.assert_allclose(layer.backward(saved, np.ones_like(y))[0], central(Sine(0.3), X), rtol=1e-8)
