"""The engine of plain Numba loops against the one in NumPy, and what it compiles."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.declared_cells import DECLARED
from helpers.problems import Problem, assert_close, assert_exact, assert_same_bits

import numbarnn as nr
from numbarnn.engines import loops
from numbarnn.engines.interface import RunOptions
from numbarnn.utils.tree import tree_leaves

VARIANTS = {
    "peepholes, clip, projection": lambda H: nr.LSTMCell(
        H, use_peepholes=True, cell_clip=0.5, num_proj=4, proj_clip=0.3
    ),
    "forget bias": lambda H: nr.BasicLSTMCell(H, forget_bias=1.5),
    "GRU with projection": lambda H: nr.GRUCell(H, num_proj=3, proj_clip=0.2),
    "joint layer norm": lambda H: nr.LayerNormLSTMCell(H, variant="joint"),
}
CELLS = {cell.__name__: cell for cell in (*nr.CELLS.values(), *DECLARED)} | VARIANTS
SIZE = 5, 4, 8, 8  # steps, rows, inputs, units: as many as inputs, for the intersection cell


def problem_of(cell, dtype="float64"):
    return Problem(CELLS[cell](SIZE[-1]), *SIZE[:3], dtype)


def truncated(problem, **options):
    """Everything that truncated BPTT gives, also with resets inside the sequences."""
    grads = problem.run(**options).backward(problem.d_outputs, problem.d_state, truncate=(2, 3))
    initial = {f"d initial {name}": a for name, a in grads.initial_state._asdict().items()}
    return {"d inputs": grads.inputs} | grads.params | initial


@pytest.mark.parametrize("cell", CELLS)
def test_equals_numpy(cell):
    problem = problem_of(cell)
    lengths = np.array([0, 5, 1, 4])
    resets = np.random.default_rng(3).random(problem.mask.shape) < 0.3
    for options in (
        {},
        {"lengths": lengths},
        {"lengths": lengths, "reverse": True},
        {"mask": problem.mask, "reset_mask": resets},
        {"mask": problem.mask, "save": "minimal", "time_major": False},
    ):
        assert_close(problem.results(device="njit", **options), problem.results(device="numpy", **options), 1e-13)
    for options in ({}, {"reverse": True, "lengths": lengths}, {"reset_mask": resets, "mask": problem.mask}):
        assert_close(truncated(problem, device="njit", **options), truncated(problem, device="numpy", **options), 1e-13)


@pytest.mark.parametrize("cell", ["LSTMCell", "GRUCell", "LayerNormLSTMCell", "peepholes, clip, projection"])
def test_float32_is_as_exact_as_numpy(cell):
    problem = problem_of(cell, "float32")
    assert_exact(problem, problem.results(device="njit", mask=problem.mask), 2e-6, "njit", mask=problem.mask)


@pytest.mark.parametrize(
    "cell",
    [
        nr.GridLSTMCell(4, feature_size=4, frequency_skip=2, num_frequency_blocks=(3,), use_peepholes=True),
        nr.IntersectionRNNCell(8),
    ],
    ids=lambda cell: type(cell).__name__,
)
def test_several_outputs_and_inputs_that_units_read_on_their_own(cell):
    params, x = cell.init_params(8, rng=0, dtype="float64"), np.random.default_rng(1).standard_normal((3, 5, 8))
    runs = [nr.forward(cell, params, x, lengths=[5, 2, 0], device=device) for device in ("njit", "numpy")]
    grads = [run.backward(np.cos(run.outputs)) for run in runs]
    np.testing.assert_allclose(runs[0].outputs, runs[1].outputs, rtol=0, atol=1e-14)
    assert grads[0].params.keys() == grads[1].params.keys()
    for name, expected in grads[1].params.items():
        np.testing.assert_allclose(grads[0].params[name], expected, rtol=0, atol=1e-13, err_msg=name)
    np.testing.assert_allclose(grads[0].inputs, grads[1].inputs, rtol=0, atol=1e-13)
    for ours, expected in zip(*(tree_leaves(grad.initial_state) for grad in grads), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("cell", ["LSTMCell", "GRUCell"])
def test_tokens(cell):
    problem, rng = problem_of(cell), np.random.default_rng(4)
    (T, B, rows, _), mask = SIZE, problem.mask.T.copy()
    tokens, d_outputs = rng.integers(0, rows, (T, B)), rng.standard_normal((T, B, problem.cell.units))
    found = {}
    for device in ("njit", "numpy"):
        run = problem.cell.unroll(problem.params, tokens, problem.state, mask, RunOptions(device=device))
        d_params, d_inputs, d_initial = run.backward(d_outputs, problem.d_state)
        assert d_inputs is None
        found[device] = {"outputs": run.outputs} | d_params | d_initial._asdict()
    assert_close(found["njit"], found["numpy"], 1e-13)


def test_cells_with_the_same_equations_share_what_is_compiled(monkeypatch):
    """One signature for a dtype, whatever the units, options, layout and flags of arrays."""
    used, passes = set(), loops.passes
    monkeypatch.setattr(loops, "passes", lambda *key: used.update(found := passes(*key)) or found)
    frozen = lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape)  # noqa: E731
    for cell, size in ((nr.LSTMCell(3), (4, 2, 5)), (nr.BasicLSTMCell(6, forget_bias=1.0), (1, 1, 1))):
        problem = Problem(cell, *size)
        expected = problem.results(device="njit", lengths=problem.lengths, reverse=True)
        for change in (np.asfortranarray, frozen, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]):
            other = Problem(cell, *size)
            other.x, other.d_outputs = change(problem.x), change(problem.d_outputs)
            other.params = {name: change(a) for name, a in problem.params.items()}
            other.state, other.d_state = (cell.State(*map(change, s)) for s in (problem.state, problem.d_state))
            # Not the bits: BLAS adds in an order that may follow the places of arrays in memory.
            for name, value in other.results(device="njit", lengths=problem.lengths, reverse=True).items():
                np.testing.assert_allclose(value, expected[name], 1e-13, 1e-15, err_msg=name)
        problem.run(device="njit").backward(None, truncate=(2, 3))
    compiled = [[x for _, _, _, x, *_ in function.signatures if x.dtype.name == "float64"] for function in used]
    assert len(compiled) == 2 and all(len(signatures) == 1 for signatures in compiled)


def test_the_second_gradient_and_that_of_a_run_that_kept_nothing_are_the_first():
    problem = problem_of("GRUCell")
    expected = problem.results(device="njit")
    for save in ("all", "minimal"):
        run = problem.run(device="njit", save=save)
        run.backward(problem.d_outputs * 3)
        grads = run.backward(problem.d_outputs, problem.d_state)
        assert np.array_equal(grads.inputs, expected["d inputs"])
        assert all(np.array_equal(grads.params[name], expected[f"d {name}"]) for name in grads.params)


def test_padding_may_hold_anything():
    problem = problem_of("LSTMCell")
    expected = problem.results(device="njit", mask=problem.mask)
    problem.x[~problem.mask] = problem.d_outputs[~problem.mask] = np.nan
    assert_same_bits(problem.results(device="njit", mask=problem.mask), expected)


def test_a_device_wrapper_and_parameters_that_are_not_finite():
    cell = nr.DeviceWrapper(nr.GRUCell(3), "njit")
    params, x = cell.init_params(2, dtype="float64"), np.ones((2, 3, 2))
    plain = nr.forward(cell.cell, params, x, device="numpy").outputs
    np.testing.assert_allclose(nr.forward(cell, params, x).outputs, plain, rtol=1e-13)
    params["kernel"][0, 0] = np.inf
    with pytest.raises(nr.InputError, match="GRUCell: values that are not finite in parameter kernel"):
        nr.forward(cell, params, x)


def test_loops_run_without_a_compiler():
    """With NUMBA_DISABLE_JIT=1 the same lines are Python, for a debugger."""
    code = """
from helpers.problems import Problem, assert_close
import numbarnn as nr
from numbarnn.engines.dispatch import engine
assert engine("njit").__name__ == "numbarnn.engines.loops"
for cell in (nr.LSTMCell(3), nr.GRUCell(2), nr.LayerNormLSTMCell(4), nr.LSTMCell(3, num_proj=2, proj_clip=0.1)):
    problem = Problem(cell, 4, 3, 2)
    given = {"lengths": problem.lengths, "reverse": True}
    assert_close(problem.results(device="njit", **given), problem.results(device="numpy", **given), 1e-14)
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], env=environment, check=True)
