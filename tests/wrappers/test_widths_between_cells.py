"""What goes from cell to cell: kernels read as much as they were told, so it must be there."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from helpers.problems import Problem, assert_exact

import numbarnn as nr
from numbarnn.cells.base import Cell
from numbarnn.cells.rnn_cell import RNNCell
from numbarnn.engines.interface import RunOptions
from numbarnn.maths import tanh

BOUNDS = {"float32": 1e-5, "float64": 1e-13}


@dataclass(frozen=True)
class Both(Cell):
    """Puts out both of its states."""

    inputs = {"a": "xh", "b": "x"}
    states = ("h", "c")
    output_states = (0, 1)

    def forward(self, z, s):
        c = 0.5 * s[1] + tanh(z[1])
        return (tanh(z[0]) + 0.1 * c, c), ()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_outputs_of_a_cell_count(dtype):
    """In its own size, in that of the next cell's kernel, and in what a wrapper makes of them."""
    cell = Both(3)
    assert cell.output_size == 6 and cell.state_size == (3, 3)
    assert cell.param_shapes(2)["recurrent_kernel"] == (3, 3)
    stack = nr.MultiRNNCell([cell, nr.SimpleRNNCell(4)])
    assert stack.param_shapes(2)["1/kernel"] == (6, 4)
    assert nr.OutputProjectionWrapper(cell, 5).param_shapes(2)["projection_kernel"] == (6, 5)
    assert nr.Bidirectional(cell, nr.LSTMCell(6), merge_mode="concat").output_size == 12
    problem = Problem(cell, 5, 6, 2, dtype)
    assert problem.d_outputs.shape == (6, 5, 6)
    for options in ({}, {"mask": problem.mask}, {"lengths": problem.lengths, "reverse": True}):
        assert_exact(problem, problem.results(**options), BOUNDS[dtype], **options)
    params = stack.init_params(2, dtype=dtype)
    outputs, expected = gradients(stack, params, problem, "numpy")
    for device in ("cpu", "njit"):
        found = gradients(stack, params, problem, device)
        np.testing.assert_allclose(found[0], outputs, rtol=BOUNDS[dtype], atol=BOUNDS[dtype])
        for name, gradient in found[1].items():
            np.testing.assert_allclose(gradient, expected[name], rtol=BOUNDS[dtype], atol=BOUNDS[dtype])


def gradients(cell, params, problem, device):
    run = nr.forward(cell, params, problem.x, mask=problem.mask, device=device)
    return run.outputs, run.backward(run.outputs).params


@dataclass(frozen=True)
class Wide(RNNCell):
    """Says that it has `says` outputs and gives others."""

    cell: RNNCell
    says: int
    dtype: str | None = None

    @property
    def state_size(self):
        return self.cell.state_size

    @property
    def output_size(self):
        return self.says

    def param_shapes(self, input_size):
        return self.cell.param_shapes(input_size)

    def init_params(self, input_size, rng=0, dtype="float32"):
        return self.cell.init_params(input_size, rng, dtype)

    def unroll(self, params, x, state, mask, options):
        run = self.cell.unroll(params, x, state, mask, options)
        return replace(run, outputs=run.outputs.astype(self.dtype or run.outputs.dtype))


@pytest.mark.parametrize("device", ["cpu", "njit", "numpy"])
@pytest.mark.parametrize("says", [2, 9])
def test_a_cell_that_gives_another_width_than_it_says(says, device):
    stack = nr.MultiRNNCell([Wide(nr.SimpleRNNCell(5), says), nr.LSTMCell(4)])
    params, x = stack.init_params(3), np.ones((2, 6, 3), "f4")
    with pytest.raises(nr.InputError, match=rf"LSTMCell: expected {says} features .* from the cell before it, got 5"):
        nr.forward(stack, params, x, device=device)


@pytest.mark.parametrize("device", ["cpu", "njit", "numpy"])
def test_a_cell_that_gives_another_dtype(device):
    stack = nr.MultiRNNCell([Wide(nr.SimpleRNNCell(5), 5, "float64"), nr.LSTMCell(4)])
    params, x = stack.init_params(3), np.ones((2, 6, 3), "f4")
    with pytest.raises(nr.InputError, match=r"LSTMCell: expected 5 features of dtype float32 .* got 5 of float64"):
        nr.forward(stack, params, x, device=device)


@pytest.mark.parametrize("device", ["cpu", "njit", "numpy"])
def test_gradients_that_are_not_those_of_the_outputs(device):
    """A cell of one's own hands them to the cells in it."""
    cell, x = nr.SimpleRNNCell(5), np.ones((6, 2, 3), "f4")
    run = cell.unroll(cell.init_params(3), x, None, None, RunOptions(device=device))
    for shape in ((6, 2, 4), (6, 2, 6), (5, 2, 5), (6, 1, 5)):
        with pytest.raises(nr.InputError, match=r"SimpleRNNCell: expected a gradient .* of shape \(6, 2, 5\), got"):
            run.backward(np.ones(shape, "f4"), cell.no_gradient)


@dataclass(frozen=True, eq=False)
class Around(RNNCell):
    """Gives its cell a mask, resets and states of its own."""

    cell: RNNCell
    mask: Any = None
    resets: Any = None
    state: Any = None

    state_size = property(lambda self: self.cell.state_size)
    output_size = property(lambda self: self.cell.output_size)

    def param_shapes(self, input_size):
        return self.cell.param_shapes(input_size)

    def draw_params(self, input_size, rng, dtype):
        return self.cell.init_params(input_size, rng, dtype)

    def unroll(self, params, x, state, mask, options):
        return self.cell.unroll(params, x, self.state or state, self.mask, options._replace(resets=self.resets))


def array(*shape, dtype=bool):
    return np.ones(shape, dtype)


@pytest.mark.parametrize("device", ["cpu", "njit", "numpy"])
@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"mask": array(6, 1)}, r"mask or resets of bool, shape \(6, 2\), .* got bool, \(6, 1\)"),
        ({"mask": array(5, 2)}, r"mask or resets of bool, shape \(6, 2\), .* got bool, \(5, 2\)"),
        ({"mask": array(6, 2, dtype="f4")}, r"mask or resets of bool, shape \(6, 2\), .* got float32, \(6, 2\)"),
        ({"resets": array(2, 6)}, r"mask or resets of bool, shape \(6, 2\), .* got bool, \(2, 6\)"),
        ({"state": (array(2, 5, dtype="f4"),)}, r"initial states of float32, shape \(2, 4\), .* got float32, \(2, 5\)"),
        (
            {"state": (array(1, 4, dtype="f4"),) * 2},
            r"initial states of float32, shape \(2, 4\), .* got float32, \(1, 4\)",
        ),
        (
            {"state": (array(2, 4, dtype="f8"),) * 2},
            r"initial states of float32, shape \(2, 4\), .* got float64, \(2, 4\)",
        ),
    ],
)
def test_what_a_cell_gives_its_cell_by_itself(own, message, device):
    """Kernels read as many steps, rows and units as there should be, wherever the array ends."""
    cell = Around(nr.LSTMCell(4), **own)
    with pytest.raises(nr.InputError, match=f"LSTMCell: expected .*{message}"):
        nr.forward(cell, cell.init_params(3), np.ones((2, 6, 3), "f4"), device=device)


def test_a_mask_of_ones_own_that_fits():
    inner, mask = nr.LSTMCell(4), np.arange(6)[:, None] < np.array([6, 2])
    cell, x = Around(inner, mask), np.random.default_rng(0).standard_normal((2, 6, 3), "float32")
    params = cell.init_params(3)
    expected = nr.forward(inner, params, x, lengths=[6, 2], device="numpy")
    assert np.array_equal(nr.forward(cell, params, x, device="numpy").outputs, expected.outputs)
