"""How many Python functions of the package lie between a call and the compiled kernel."""

import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
from helpers.toy import data

import numbarnn as nr
from numbarnn.engines.cpu import engine
from numbarnn.layers import LSTM, Dense, Input

PACKAGE = str(Path(nr.__file__).parent)


@pytest.fixture
def depths(monkeypatch):
    """The numbers of frames from a call to each kernel of the CPU engine."""
    found, run = [], engine.run

    def counted(*arguments):
        stack = traceback.walk_stack(sys._getframe(1))
        found.append(sum(frame.f_code.co_filename.startswith(PACKAGE) for frame, _ in stack))
        return run(*arguments)

    monkeypatch.setattr(engine, "run", counted)
    return found


def test_forward_and_backward(depths):
    cell = nr.LSTMCell(5)
    run = nr.forward(cell, cell.init_params(3), np.zeros((2, 4, 3), "float32"))
    run.backward(run.outputs)
    assert len(depths) == 2 and max(depths) <= 4


def test_fit(depths):
    model = nr.Sequential([Input((6, 2)), LSTM(5), Dense(3)])
    model.compile("adam", nr.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*data(30), verbose=0)
    assert len(depths) == 2 and max(depths) <= 7
