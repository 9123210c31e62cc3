"""Every plain cell with one product a step, in the simulator, against the plain engine."""

import numpy as np
import pytest
from helpers.declared_cells import DECLARED
from helpers.gridsim import all_blocks_at_once
from helpers.problems import Problem, assert_exact

import numbarnn as nr
from numbarnn.engines.cuda import arrays, engine, per_step

BOUNDS = {"float64": 1e-11, "float32": 1e-5}
SIZES = T, B, I, H = 3, 2, 4, 6
VARIANTS = {
    "peepholes": nr.LSTMCell(H, use_peepholes=True, cell_clip=0.5),
    "projected": nr.LSTMCell(H, num_proj=3, proj_clip=0.3),
    "projected GRU": nr.GRUCell(H, num_proj=3),
    "carried": nr.ResetAfterGRUCell(H, num_proj=4, proj_clip=0.2),
    "NAS with biases": nr.NASCell(H, num_proj=3, use_biases=True),
    "relu": nr.SimpleRNNCell(H, activation="relu"),
    "elu": nr.SimpleRNNCell(H, activation="elu"),
    "clipped RNN": nr.SimpleRNNCell(H, preactivation_clip=0.3),
    "clipped GRU": nr.GRUCell(H, preactivation_clip=0.3),
    "clipped GRU, reset after": nr.ResetAfterGRUCell(H, preactivation_clip=0.3),
    "coupled": nr.CoupledInputForgetGateLSTMCell(
        H,
        use_peepholes=True,
        recurrent_activation="hard_sigmoid",
        output_activation="elu",
        preactivation_clip=0.3,
    ),
    "joint norm": nr.LayerNormLSTMCell(H, variant="joint"),
}


def cell_of(name):
    return VARIANTS[name] if name in VARIANTS else ALL[name](H)


ALL = nr.CELLS | {cell.__name__: cell for cell in DECLARED}


@pytest.fixture(autouse=True)
def one_product_a_step(monkeypatch):
    monkeypatch.setattr(arrays, "MOST_THREADS", 4)
    monkeypatch.setattr(arrays, "MOST_BLOCKS", 3)
    monkeypatch.setattr(engine, "walk_for", lambda tape: per_step)


def ways(problem):
    """Ways to call `nr.forward`, each with a way to call the gradient."""
    resets = np.random.default_rng(2).random((B, T)) < 0.4
    yield {}
    yield {"lengths": problem.lengths, "reverse": True}
    yield {"mask": problem.mask, "reset_mask": resets}


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", [*ALL, *VARIANTS])
def test_equals_plain_engine(name, dtype):
    problem = Problem(cell_of(name), T, B, I, dtype)
    with all_blocks_at_once():
        for options in ways(problem):
            results = problem.results(device="cuda", **options)
            assert_exact(problem, results, BOUNDS[dtype], "cuda", **options)
