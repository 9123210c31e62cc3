"""Declarations of a cell that mean nothing: refused, where engines would run something else or read other memory."""

from dataclasses import dataclass

import numpy as np
import pytest

import numbarnn as nr
from numbarnn.autodiff.equations import Equations
from numbarnn.cells.base import Cell
from numbarnn.maths import tanh


@dataclass(frozen=True)
class Plain(Cell):
    inputs = {"z": "xh"}

    def forward(self, z, s):
        return tuple(tanh(sum(z[1:], z[0])) for _ in self.states), ()


def declared(**attributes):
    return dataclass(frozen=True)(type("Own", (Plain,), attributes))


SOURCES = ("h7", "y", "x1", "hx", "xh2", "xhq", "q10", "q-1", "m2", "u0", "==", " x", "X")


@pytest.mark.parametrize("source", SOURCES)
def test_unknown_sources_are_refused_when_the_cell_is_made(source):
    cell = declared(inputs={"z": "x", "r": source})
    with pytest.raises(nr.InputError, match=f"Own: no source {source!r} for the pre-activation r; there are x, h"):
        cell(3)


@pytest.mark.parametrize("places", [(), (1,), (0, 1), (-1,), ("h",)])
def test_outputs_that_are_no_states_are_refused_when_the_cell_is_made(places):
    with pytest.raises(nr.InputError, match="Own: expected output_states to be places in"):
        declared(output_states=places)(3)


def test_other_outputs_than_a_projection():
    two = {"states": ("h", "c"), "num_proj": 2}
    with pytest.raises(nr.InputError, match=r"Own: expected output_states \(0,\) with num_proj, got \(0, 1\)"):
        declared(output_states=(0, 1), **two)(3)


def feedback(self, z, s):
    return z[0] * s[0], z


def some(*args):
    return args


REFUSED = {
    "fed by nothing": declared(feedback=feedback),
    "fed by nothing, as equations": declared(equations=Equations(some, some, some, some)),
    "nothing to feed with": declared(inputs={"z": "x", "q": "xq"}),
    "nothing to feed with, a second one": declared(inputs={"z": "x", "q": "q1"}),
    "nothing to be": declared(inputs={"z": "xh", "q": "="}),
    "nothing to feed with, as equations": declared(inputs={"z": "x", "q": "q"}, equations=Equations(some, some)),
}


@pytest.mark.parametrize("device", ["cpu", "numpy"])
@pytest.mark.parametrize("case", REFUSED)
def test_feedback_and_what_it_feeds_are_both_there(case, device):
    """Refused at the first use: `equations` may depend on options."""
    cell = REFUSED[case](3)
    expected = "a pre-activation fed by q or =" if "fed by nothing" in case else "feedback, which feeds q"
    with pytest.raises(nr.InputError, match=f"Own: expected {expected}"):
        cell.init_params(2)
    with pytest.raises(nr.InputError, match=f"Own: expected {expected}"):
        nr.forward(cell, {}, np.ones((1, 1, 2), "f4"), device=device)


def two_numbers(self, z, s):
    return (z[0] * s[0], z[0] + s[0]), z


@pytest.mark.parametrize(
    ("inputs", "asked"),
    [
        ({"z": "xh", "a": "xq0"}, "a by xq0"),
        ({"z": "xh", "a": "q1", "b": "=1"}, "a by q1, b by =1"),
        ({"z": "xh", "a": "q0", "b": "=2"}, "a by q0, b by =2"),
        ({"z": "xh", "a": "q", "b": "q1", "c": "=2"}, "a by q, b by q1, c by =2"),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "numpy"])
def test_numbers_of_feedback_are_those_that_are_fed(inputs, asked, device):
    """One too many was ignored, and one too few read as another number."""

    def forward(self, z, s):
        return (sum(z[1:], z[0]),), ()

    cell = declared(inputs=inputs, feedback=two_numbers, forward=forward)(3)
    message = f"Own: .*feedback returns 2 numbers, called 0 to 1; fed are {asked}"
    with pytest.raises(nr.InputError, match=message):
        cell.init_params(2)
    with pytest.raises(nr.InputError, match=message):
        nr.forward(cell, {}, np.ones((1, 1, 2), "f4"), device=device)


@pytest.mark.parametrize("device", ["njit", "cpu"])
def test_a_number_of_feedback_itself(device):
    """ "=1" is the second number, without a product; the engines to read took it for nothing."""

    def forward(self, z, s):
        return (tanh(z[1]) + 0.5 * z[2],), ()

    cell = declared(inputs={"z": "xh", "a": "xq0", "b": "=1"}, feedback=two_numbers, forward=forward)(4)
    params, x = cell.init_params(3, dtype="float64"), np.random.default_rng(0).standard_normal((2, 5, 3))
    h = np.zeros((2, 4))
    for t in range(5):
        z, a = np.split(x[:, t] @ params["kernel"], 2, axis=1)
        by_h, by_q = np.split(params["recurrent_kernel"], 2, axis=1)
        z = z + h @ by_h
        h = np.tanh(a + (z * h) @ by_q) + 0.5 * (z + h)
    runs = [nr.forward(cell, params, x, device=name) for name in ("numpy", device)]
    grads = [run.backward(np.ones_like(run.outputs)) for run in runs]
    for run in runs:
        np.testing.assert_allclose(run.state.h, h, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(grads[0].inputs, grads[1].inputs, rtol=1e-10, atol=1e-12)
    for name in params:
        np.testing.assert_allclose(grads[0].params[name], grads[1].params[name], rtol=1e-10, atol=1e-12)
    direction = np.random.default_rng(1).standard_normal(x.shape)
    total = lambda x: nr.forward(cell, params, x, device="numpy").outputs.sum()  # noqa: E731
    expected = (total(x + 1e-6 * direction) - total(x - 1e-6 * direction)) / 2e-6
    assert abs((grads[0].inputs * direction).sum() - expected) < 1e-7
