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


SOURCES = ("h7", "y", "x1", "hx", "xh2", "xhq", "q-1", "m2", "u0", "==", " x", "X")


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
